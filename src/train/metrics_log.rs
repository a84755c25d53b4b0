//! What happened at each step, as CSV for a spreadsheet and as JSON lines for a program.
//!
//! A run that is resumed goes on behind its checkpoint: what was logged after it is taken out, because it will happen
//! again. May depend on serde.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::TrainError;

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step, from 1.
    pub step: u64,
    /// How often the data was seen, as a fraction.
    pub epoch: f64,
    /// The training loss, as a mean.
    pub loss: f64,
    /// What the loss is made of, in the order of the model's names.
    pub parts: Vec<f64>,
    /// The learning rate.
    pub learning_rate: f64,
    /// The norm of the gradient before it was clipped.
    pub gradient_norm: f64,
    /// The tokens of the step.
    pub tokens: usize,
    /// Tokens a second, forward, backward and update, without validation and checkpoints.
    pub tokens_per_second: f64,
    /// The validation loss, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// What it is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation_parts: Vec<f64>,
    /// The perplexity that the validation loss means, where it is one of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<f64>,
    /// How well the task is done on the validation data, in the order of the model's names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation_figures: Vec<Option<f64>>,
    /// The seconds since the run began or was resumed.
    pub seconds: f64,
}

/// `metrics.csv` and `metrics.jsonl` of a run.
#[derive(Debug)]
pub struct MetricsLog {
    csv: File,
    lines: File,
    paths: [PathBuf; 2],
    columns: Columns,
}

/// What a kind of model has to log beside its loss.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// The parts of the loss.
    pub parts: &'static [&'static str],
    /// Whether the loss means a perplexity.
    pub perplexity: bool,
    /// The figures of the task.
    pub figures: &'static [&'static str],
}

impl MetricsLog {
    /// Opens the files in `folder`. Records after step `until` are removed first; 0 begins anew.
    pub fn open(folder: &Path, columns: Columns, until: u64) -> Result<Self, TrainError> {
        let paths = [folder.join("metrics.csv"), folder.join("metrics.jsonl")];
        let kept = if until == 0 { Vec::new() } else { read(&paths[1])? };
        let (mut csv, mut lines) = (header(columns), String::new());
        for record in kept.iter().filter(|record| record.step <= until) {
            csv.push_str(&csv_line(record, columns));
            lines.push_str(&json_line(record));
        }
        for (path, text) in paths.iter().zip([csv, lines]) {
            let partial = path.with_extension("partial");
            fs::write(&partial, text).map_err(TrainError::io("writing", &partial))?;
            fs::rename(&partial, path).map_err(TrainError::io("writing", path))?;
        }
        let append = |path: &Path| OpenOptions::new().append(true).open(path).map_err(TrainError::io("opening", path));
        Ok(Self { csv: append(&paths[0])?, lines: append(&paths[1])?, paths, columns })
    }

    /// Adds a step.
    pub fn add(&mut self, record: &StepRecord) -> Result<(), TrainError> {
        let csv = csv_line(record, self.columns);
        self.csv.write_all(csv.as_bytes()).map_err(TrainError::io("writing", &self.paths[0]))?;
        self.lines.write_all(json_line(record).as_bytes()).map_err(TrainError::io("writing", &self.paths[1]))
    }
}

/// Reads `metrics.jsonl`. A last line that a kill cut short is passed over.
pub fn read(path: &Path) -> Result<Vec<StepRecord>, TrainError> {
    let text = fs::read_to_string(path).map_err(TrainError::io("reading", path))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| TrainError::Data {
            path: path.to_owned(),
            line: number + 1,
            reason: error.to_string(),
        })
    };
    whole.lines().enumerate().map(parse).collect()
}

fn header(columns: Columns) -> String {
    let Columns { parts, perplexity, figures } = columns;
    let names = |prefix: &str| parts.iter().map(|part| format!(",{prefix}{part}_loss")).collect::<String>();
    let figures: String = figures.iter().map(|figure| format!(",validation_{figure}")).collect();
    format!(
        "step,epoch,loss{},learning_rate,gradient_norm,tokens,tokens_per_second,validation_loss{}{}{figures},seconds\n",
        names(""),
        names("validation_"),
        if perplexity { ",perplexity" } else { "" }
    )
}

fn csv_line(record: &StepRecord, columns: Columns) -> String {
    let Columns { parts, perplexity, figures } = columns;
    let cell = |value: Option<f64>| value.map_or(",".to_owned(), |value| format!(",{value}"));
    let cells = |values: &[f64]| (0..parts.len()).map(|at| cell(values.get(at).copied())).collect::<String>();
    let figures = (0..figures.len()).map(|at| cell(record.validation_figures.get(at).copied().flatten()));
    format!(
        "{},{:.4},{}{},{},{},{},{:.1}{}{}{}{},{:.1}\n",
        record.step,
        record.epoch,
        record.loss,
        cells(&record.parts),
        record.learning_rate,
        record.gradient_norm,
        record.tokens,
        record.tokens_per_second,
        cell(record.validation_loss),
        cells(&record.validation_parts),
        if perplexity { cell(record.perplexity) } else { String::new() },
        figures.collect::<String>(),
        record.seconds
    )
}

fn json_line(record: &StepRecord) -> String {
    // A record holds numbers only; those that are not finite become null.
    serde_json::to_string(record).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn record(step: u64) -> StepRecord {
        StepRecord {
            step,
            epoch: 0.5,
            loss: 1.25,
            parts: vec![1.0, 0.5],
            learning_rate: 1e-4,
            gradient_norm: 2.0,
            tokens: 100,
            tokens_per_second: 50.0,
            validation_loss: (step == 2).then_some(1.5),
            validation_parts: if step == 2 { vec![1.0, 1.0] } else { Vec::new() },
            perplexity: (step == 2).then_some(4.5),
            validation_figures: if step == 2 { vec![Some(0.5), None] } else { Vec::new() },
            seconds: 2.0,
        }
    }

    #[test]
    fn resuming_takes_out_what_will_happen_again() {
        let folder = tempfile::tempdir().unwrap();
        let columns = Columns { parts: &["span", "answerable"], perplexity: true, figures: &["f1", "threshold"] };
        let mut log = MetricsLog::open(folder.path(), columns, 0).unwrap();
        (1..=5).for_each(|step| log.add(&record(step)).unwrap());
        let path = folder.path().join("metrics.jsonl");
        // A kill in the middle of a line.
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"step\":6,");
        fs::write(&path, text).unwrap();
        let mut log = MetricsLog::open(folder.path(), columns, 3).unwrap();
        log.add(&record(4)).unwrap();
        assert_eq!(read(&path).unwrap(), (1..=4).map(record).collect::<Vec<_>>());
        let csv = fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
        assert_eq!(csv.lines().count(), 5);
        assert!(csv.contains(",validation_f1,validation_threshold,") && csv.contains(",1,1,4.5,0.5,,2.0"), "{csv}");
        let columns: Vec<_> = csv.lines().map(|line| line.split(',').count()).collect();
        assert!(columns.iter().all(|count| *count == columns[0]), "{csv}");
        let cell = |line: usize, name: &str| {
            let row = |line: usize| csv.lines().nth(line).unwrap().split(',').collect::<Vec<_>>();
            row(line)[row(0).iter().position(|column| *column == name).unwrap()].to_owned()
        };
        assert_eq!((cell(1, "perplexity"), cell(2, "perplexity")), (String::new(), "4.5".to_owned()));
        let bare = Columns { parts: &[], perplexity: false, figures: &[] };
        let mut log = MetricsLog::open(folder.path(), bare, 0).unwrap();
        log.add(&StepRecord { parts: Vec::new(), ..record(1) }).unwrap();
        assert!(!fs::read_to_string(folder.path().join("metrics.csv")).unwrap().contains("perplexity"));
    }
}
