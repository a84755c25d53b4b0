//! A run of a suite, kept as a folder: what was asked and what was said, the figures, the card and the report.
//!
//! | File | What it holds |
//! |---|---|
//! | `examples.jsonl` | the examples as they were asked, one a line: with the distractors of a closed suite |
//! | `predictions.jsonl` | one [`Prediction`] a line, in the same order |
//! | `metrics.json`, `metrics.csv` | the figures with their intervals; the CSV without curves |
//! | `card.json` | what the run was made with, and the sums of the files above |
//! | `report.html` | the same for a person; it can be made again from the other files |
//!
//! A folder appears whole or not at all, and one that was altered is refused when it is read.
//!
//! May depend on `eval::card`, `eval::measure`, `eval::prediction` and `train::dataset`.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    card::{Card, FORMAT, sha256, sha256_of_file},
    measure::Metrics,
    prediction::Prediction,
};
use crate::train::dataset::example::Example;

/// The examples as they were asked.
pub const EXAMPLES: &str = "examples.jsonl";
/// What was said.
pub const PREDICTIONS: &str = "predictions.jsonl";
/// The figures.
pub const METRICS: &str = "metrics.json";
/// The figures as a table.
pub const METRICS_TABLE: &str = "metrics.csv";
/// What the run was made with.
pub const CARD: &str = "card.json";
/// The page for a person.
pub const REPORT: &str = "report.html";
/// The files whose sums the card holds.
const SUMMED: [&str; 4] = [EXAMPLES, PREDICTIONS, METRICS, METRICS_TABLE];

/// Why a run cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder is there.
    #[error("{0} exists; a run is never overwritten, so name a folder that does not exist")]
    Exists(PathBuf),
    /// A file or folder cannot be read or written.
    #[error("cannot {0} {1}: {2}")]
    Io(&'static str, PathBuf, std::io::Error),
    /// The folder holds no run.
    #[error("{0} holds no run: there is no {CARD}")]
    NoRun(PathBuf),
    /// The folder is of another version of the program.
    #[error(
        "{path} is a run of format {found}, and this program reads format {FORMAT}; read it with the program that made it"
    )]
    Format {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// A file was changed after the run.
    #[error("{path} is not the file that the run wrote: its sum is {found}, the card says {expected}")]
    Altered {
        /// The file.
        path: PathBuf,
        /// The sum in the card.
        expected: String,
        /// The sum of the file.
        found: String,
    },
    /// A file is not what it should be.
    #[error("{path}{}: {reason}", at_line(.line))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 for the whole file.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

impl RunError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, _, error) if error.kind() == std::io::ErrorKind::Interrupted)
    }
}

fn at_line(line: &usize) -> String {
    if *line == 0 { String::new() } else { format!(", line {line}") }
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The name of its folder.
    pub name: String,
    /// What it was made with.
    pub card: Card,
    /// What was asked.
    pub examples: Vec<Example>,
    /// What was said, in the same order.
    pub predictions: Vec<Prediction>,
    /// The figures.
    pub metrics: Metrics,
}

impl Run {
    /// Writes the run with its report into `folder`, which must not exist, and enters the sums into the card.
    pub fn write(&mut self, folder: &Path, report: &str) -> Result<(), RunError> {
        if folder.exists() {
            return Err(RunError::Exists(folder.to_owned()));
        }
        let examples = lines(&self.examples, &folder.join(EXAMPLES))?;
        let predictions = lines(&self.predictions, &folder.join(PREDICTIONS))?;
        let metrics = pretty(&self.metrics, &folder.join(METRICS))?;
        let table = metrics_table(&self.metrics, &folder.join(METRICS_TABLE))?;
        let files = SUMMED.into_iter().zip([examples, predictions, metrics, table]);
        let files: Vec<(&str, Vec<u8>)> = files.collect();
        self.card.files = files.iter().map(|(name, bytes)| ((*name).to_owned(), sha256(bytes))).collect();
        let card = pretty(&self.card, &folder.join(CARD))?;

        let parent = match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|error| RunError::Io("create", parent.to_owned(), error))?;
        // Beside the folder, so that one rename on one file system makes the run appear whole.
        let unfinished = tempfile::Builder::new()
            .prefix(".unfinished-run-")
            .tempdir_in(parent)
            .map_err(|error| RunError::Io("create a folder in", parent.to_owned(), error))?;
        for (name, bytes) in files
            .iter()
            .map(|(name, bytes)| (*name, bytes.as_slice()))
            .chain([(CARD, card.as_slice()), (REPORT, report.as_bytes())])
        {
            write_durably(&unfinished.path().join(name), bytes)?;
        }
        open_to_others(unfinished.path());
        // A folder that another process made meanwhile holds files, so the rename fails instead of replacing it.
        fs::rename(unfinished.path(), folder).map_err(|error| RunError::Io("write", folder.to_owned(), error))
    }

    /// Reads a run and checks it: the sums of its files, and that predictions and examples belong together.
    pub fn read(folder: &Path) -> Result<Self, RunError> {
        let card_path = folder.join(CARD);
        if !card_path.is_file() {
            return Err(RunError::NoRun(folder.to_owned()));
        }
        let card: serde_json::Value = from_json(&card_path)?;
        // The format first: the card of another one need not parse.
        match card.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(found) => return Err(RunError::Format { path: folder.to_owned(), found }),
            None => return Err(malformed(&card_path, 0, "it is not the card of an evaluation: `format` is missing")),
        }
        let card: Card = serde_json::from_value(card).map_err(|error| malformed(&card_path, 0, &error.to_string()))?;
        check_sums(folder, &card.files)?;
        let examples: Vec<Example> = read_lines(&folder.join(EXAMPLES))?;
        let predictions: Vec<Prediction> = read_lines(&folder.join(PREDICTIONS))?;
        let metrics: Metrics = from_json(&folder.join(METRICS))?;
        check_pairs(&folder.join(PREDICTIONS), &examples, &predictions)?;
        let name = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, card, examples, predictions, metrics })
    }

    /// The first digits of the sum of the predictions: names the run whatever its folder is called.
    pub fn short_sum(&self) -> &str {
        self.card.files.get(PREDICTIONS).and_then(|sum| sum.get(..8)).unwrap_or("unwritten")
    }
}

/// Writes `report.html` of a run again.
pub fn replace_report(folder: &Path, report: &str) -> Result<PathBuf, RunError> {
    let path = folder.join(REPORT);
    let failed = |error| RunError::Io("write", path.clone(), error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(report.as_bytes()).map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    open_to_others(&path);
    Ok(path)
}

/// Temporary files are made for their owner alone; a run is read by whoever may read its parent.
fn open_to_others(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        // A file system without modes is no reason to lose a run.
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn check_sums(folder: &Path, sums: &BTreeMap<String, String>) -> Result<(), RunError> {
    for name in SUMMED {
        let path = folder.join(name);
        let Some(expected) = sums.get(name) else {
            return Err(malformed(&folder.join(CARD), 0, &format!("it holds no sum of {name}")));
        };
        let found = sha256_of_file(&path).map_err(|error| RunError::Io("read", path.clone(), error))?;
        if found != *expected {
            return Err(RunError::Altered { path, expected: expected.clone(), found });
        }
    }
    Ok(())
}

fn check_pairs(path: &Path, examples: &[Example], predictions: &[Prediction]) -> Result<(), RunError> {
    if examples.len() != predictions.len() {
        let reason = format!("it holds {} predictions for {} examples", predictions.len(), examples.len());
        return Err(malformed(path, 0, &reason));
    }
    let mut known = HashSet::new();
    for (at, (example, prediction)) in examples.iter().zip(predictions).enumerate() {
        if example.id != prediction.id || example.expected != prediction.expected {
            return Err(malformed(path, at + 1, &format!("it does not belong to the example `{}`", example.id)));
        }
        if !known.insert(example.id.as_str()) {
            return Err(malformed(path, at + 1, &format!("the id `{}` occurs twice", example.id)));
        }
    }
    Ok(())
}

fn malformed(path: &Path, line: usize, reason: &str) -> RunError {
    RunError::Malformed { path: path.to_owned(), line, reason: reason.to_owned() }
}

fn lines<T: Serialize>(values: &[T], path: &Path) -> Result<Vec<u8>, RunError> {
    let mut bytes = Vec::new();
    for (at, value) in values.iter().enumerate() {
        serde_json::to_writer(&mut bytes, value).map_err(|error| malformed(path, at + 1, &error.to_string()))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn pretty(value: &impl Serialize, path: &Path) -> Result<Vec<u8>, RunError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| malformed(path, 0, &error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn metrics_table(metrics: &Metrics, path: &Path) -> Result<Vec<u8>, RunError> {
    let failed = |error: csv::Error| malformed(path, 0, &error.to_string());
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["metric", "value", "low", "high", "questions"]).map_err(failed)?;
    for one in &metrics.measured {
        let [value, low, high] = [one.value, one.low, one.high].map(|number| number.to_string());
        table.write_record([one.metric.name(), &value, &low, &high, &one.questions.to_string()]).map_err(failed)?;
    }
    table.into_inner().map_err(|error| malformed(path, 0, &error.to_string()))
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let failed = |error| RunError::Io("write", path.to_owned(), error);
    let mut file = File::create(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)
}

fn from_json<T: DeserializeOwned>(path: &Path) -> Result<T, RunError> {
    let bytes = fs::read(path).map_err(|error| RunError::Io("read", path.to_owned(), error))?;
    serde_json::from_slice(&bytes).map_err(|error| malformed(path, 0, &error.to_string()))
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, RunError> {
    let text = fs::read_to_string(path).map_err(|error| RunError::Io("read", path.to_owned(), error))?;
    let parse = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| malformed(path, at + 1, &error.to_string()))
    };
    text.lines().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests;
