//! The page of a training run: read from its folder, or made from what the trainer has in memory.
//!
//! A training run keeps `metrics.csv`, a row for each logged step: the column `step`, and of `loss`, `learning_rate`,
//! `tokens_per_second`, `validation_loss`, `perplexity` and `task_success` those that it has, a cell empty where nothing
//! was measured; `validation_exact_match`, `validation_f1`, `validation_has_ans_f1` and `validation_no_ans_accuracy` of a
//! model that answers are drawn together. `epoch`, `seconds` and `tokens` say how far the run is, parts of the loss (`X_loss`) have plots like it,
//! and any other column of numbers has one too. `card.json` is shown as it is.
//!
//! May depend on its siblings.

mod plots;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    format,
    html::Html,
    page_parts::{Tile, card, head, heading, tiles, whole},
};
use crate::eval::{bootstrap::quantile, run::CARD, run::METRICS_TABLE};

/// Why a training run cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// A file is not what it should be.
    #[error("{path}{}: {reason}", at_line(.line))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 for the whole file.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

fn at_line(line: &u64) -> String {
    if *line == 0 { String::new() } else { format!(", line {line}") }
}

impl TrainingError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == std::io::ErrorKind::Interrupted)
    }
}

/// A column of `metrics.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its values with their steps, ascending; without the empty cells.
    pub points: Vec<(f64, f64)>,
}

/// A training run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingRun {
    /// Its name.
    pub name: String,
    /// Its card, of whatever shape.
    pub card: serde_json::Value,
    /// Its figures, without the column `step`.
    pub columns: Vec<Column>,
}

impl TrainingRun {
    /// The values of a column; none when there is no such column.
    pub fn points(&self, name: &str) -> &[(f64, f64)] {
        self.columns.iter().find(|column| column.name == name).map_or(&[], |column| &column.points)
    }
}

/// Reads a training run's folder.
pub fn read(folder: &Path) -> Result<TrainingRun, TrainingError> {
    let (table, card) = (folder.join(METRICS_TABLE), folder.join(CARD));
    let bytes = fs::read(&table).map_err(|error| TrainingError::Io(table.clone(), error))?;
    let columns =
        read_columns(&bytes).map_err(|(line, reason)| TrainingError::Malformed { path: table, line, reason })?;
    let bytes = fs::read(&card).map_err(|error| TrainingError::Io(card.clone(), error))?;
    let card = serde_json::from_slice(&bytes).map_err(|error| TrainingError::Malformed {
        path: card,
        line: 0,
        reason: error.to_string(),
    })?;
    let name = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(TrainingRun { name, card, columns })
}

fn read_columns(bytes: &[u8]) -> Result<Vec<Column>, (u64, String)> {
    let mut table = csv::Reader::from_reader(bytes);
    let names = table.headers().map_err(|error| (1, error.to_string()))?.clone();
    let Some(step_at) = names.iter().position(|name| name == "step") else {
        return Err((1, "it is not of a training run: there is no column `step`".to_owned()));
    };
    let mut columns: Vec<Column> =
        names.iter().map(|name| Column { name: name.to_owned(), points: Vec::new() }).collect();
    let mut before = f64::NEG_INFINITY;
    for record in table.records() {
        let record = record.map_err(|error| (error.position().map_or(0, csv::Position::line), error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |cell: &str| cell.parse::<f64>().map_err(|_| (line, format!("`{cell}` is no number")));
        let step = number(&record[step_at])?;
        if !step.is_finite() || step < before {
            return Err((line, format!("the step {step} does not come after {before}")));
        }
        before = step;
        for (column, cell) in columns.iter_mut().zip(&record) {
            if !cell.is_empty() {
                column.points.push((step, number(cell)?));
            }
        }
    }
    columns.remove(step_at);
    Ok(columns)
}

/// The page of a run.
pub fn page(run: &TrainingRun) -> String {
    let mut body = Html::new();
    head(&mut body, "Training run", &run.name, &[]);
    tiles(&mut body, &main_figures(run));
    heading(&mut body, "Plots");
    body.markup("<section class=\"plots\">\n");
    for plot in plots::all(run) {
        body.html(&plot.figure());
    }
    body.markup("</section>\n");
    card(&mut body, &run.card);
    whole(&format!("Training · {}", run.name), &body)
}

/// The figures that stand at the top.
pub(super) fn main_figures(run: &TrainingRun) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut add = |label: &str, value: String, note: String| tiles.push(Tile { label: label.to_owned(), value, note });
    let at = |step: f64| format!("at step {}", format::number(step));
    if let Some((step, loss)) = lowest(run.points("validation_loss")) {
        let last = run.points("validation_loss").last().map_or(loss, |point| point.1);
        add("Best validation loss", format::number(loss), format!("{}; {} at the end", at(step), format::number(last)));
    }
    if let Some((step, perplexity)) = lowest(run.points("perplexity")) {
        add("Best perplexity", format::number(perplexity), at(step));
    }
    if let Some((step, success)) = lowest_of(run.points("task_success"), |success| -success) {
        add("Best task success", format::percent(success), at(step));
    }
    if let Some((step, f1)) = lowest_of(run.points("validation_f1"), |f1| -f1) {
        let there = |name: &str| run.points(name).iter().find(|point| point.0 == step).map(|point| point.1);
        let mut note = at(step);
        for (label, name) in [("HasAns", "validation_has_ans_f1"), ("NoAns", "validation_no_ans_accuracy")] {
            if let Some(value) = there(name) {
                note.push_str(&format!(", {label} {}", format::percent(value)));
            }
        }
        add("Best F1", format::percent(f1), note);
    }
    if let (Some(first), Some(last)) = (run.points("loss").first(), run.points("loss").last()) {
        add(
            "Training loss",
            format::number(last.1),
            format!("{} at step {}", format::number(first.1), format::number(first.0)),
        );
    }
    let mut speeds: Vec<f64> = run.points("tokens_per_second").iter().map(|point| point.1).collect();
    speeds.sort_by(f64::total_cmp);
    if let Some(median) = quantile(&speeds, 0.5) {
        add("Tokens per second", format::number(median), "median".to_owned());
    }
    let last = run.columns.iter().filter_map(|column| column.points.last()).map(|point| point.0).fold(0.0, f64::max);
    let end = |name: &str| run.points(name).last().map(|point| point.1);
    let mut notes = vec![format!("{} logged", format::count(logged(run)))];
    notes.extend(end("epoch").map(|epochs| format!("{} epochs", format::number(epochs))));
    notes.extend(end("seconds").map(|seconds| format!("{} min", format::number((seconds / 60.0).round()))));
    add("Steps", format::number(last), notes.join(", "));
    tiles
}

fn logged(run: &TrainingRun) -> usize {
    let mut steps: Vec<f64> = run.columns.iter().flat_map(|column| &column.points).map(|point| point.0).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    steps.len()
}

/// The point with the lowest value, the earliest of several.
fn lowest(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    lowest_of(points, |value| value)
}

fn lowest_of(points: &[(f64, f64)], by: impl Fn(f64) -> f64) -> Option<(f64, f64)> {
    let finite = points.iter().copied().filter(|point| point.1.is_finite());
    finite.min_by(|a, b| by(a.1).total_cmp(&by(b.1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const TABLE: &str = "step,loss,learning_rate,validation_loss,grad_norm\n1,4.0,0.0001,,2\n2,3.0,0.0002,3.5,\n3,NaN,0.0001,3.0,1\n4,2.5,0,3.2,1\n";

    fn folder(table: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(METRICS_TABLE), table).unwrap();
        fs::write(folder.path().join(CARD), "{\"base\": \"<tiny>\", \"rank\": 8}").unwrap();
        folder
    }

    #[test]
    fn empty_cells_are_no_values() {
        let run = read(folder(TABLE).path()).unwrap();
        assert_eq!(run.points("validation_loss"), [(2.0, 3.5), (3.0, 3.0), (4.0, 3.2)]);
        assert_eq!((run.points("loss").len(), run.points("perplexity").len()), (4, 0));
    }

    #[test]
    fn the_page_shows_the_best_step_and_every_column() {
        let page = page(&read(folder(TABLE).path()).unwrap());
        for words in [
            "Best validation loss",
            "at step 3; 3.2 at the end",
            "Grad norm",
            "&lt;tiny&gt;",
            "leaves a gap",
            ">best, step 3<",
        ] {
            assert!(page.contains(words), "{words}");
        }
        assert!(!page.contains("NaN") && !page.contains("Tokens per second"));
    }

    #[test]
    fn a_perplexity_has_a_tile_and_a_plot() {
        let table = "step,loss,validation_loss,perplexity\n1,2.0,,\n2,1.5,1.6,4.953\n3,1.4,1.5,4.4817\n";
        let page = page(&read(folder(table).path()).unwrap());
        for words in ["Best perplexity", "Perplexity on the validation set", "4.48"] {
            assert!(page.contains(words), "{words}");
        }
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        for (table, words) in [
            ("metric,value\nf1,0.5\n", "no column `step`"),
            ("step,loss\n1,4\n2,low\n", "line 3: `low` is no number"),
            ("step,loss\n2,4\n1,3\n", "does not come after"),
            ("step,loss\n1\n", "line 2"),
        ] {
            let error = read(folder(table).path()).unwrap_err().to_string();
            assert!(error.contains(words), "{table}: {error}");
        }
    }

    #[test]
    fn a_run_that_has_only_begun_has_a_page() {
        assert!(page(&read(folder("step,loss\n").path()).unwrap()).contains("nothing to show"));
    }
}
