//! A folder of runs, each in a folder of its own as `eval run` and `train` write them: which there are, and the figures of
//! each as data.
//!
//! What is read is the card and the figures, not the predictions, so that a list of many runs is soon made. May depend on
//! its siblings, `eval::run`, `eval::card` and `eval::measure`.

use std::{
    fs,
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{evaluation, page_parts::Tile, training};
use crate::eval::{
    measure::{Metrics, Slice},
    run::{CARD, METRICS, METRICS_TABLE, PREDICTIONS, REPORT},
};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 32 * 1024 * 1024;
/// The most folders that are looked into.
const MAX_RUNS: usize = 1_000;

/// Why runs cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// There is no such run.
    #[error("there is no run `{0}` among the reports")]
    NotFound(String),
    /// A file or folder cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// There are more folders than are looked into.
    #[error("{0} holds more than {MAX_RUNS} folders: move the older runs elsewhere")]
    TooMany(PathBuf),
}

impl ShelfError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == ErrorKind::Interrupted)
    }
}

/// What a run is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportKind {
    /// A suite was answered.
    Evaluation,
    /// A model was trained.
    Training,
}

/// A main figure of a run, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportFigure {
    /// What it is.
    pub label: String,
    /// Its value with its unit.
    pub value: String,
    /// Its interval, or what else is needed to judge it.
    pub note: String,
}

impl From<Tile> for ReportFigure {
    fn from(tile: Tile) -> Self {
        Self { label: tile.label, value: tile.value, note: tile.note }
    }
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ListedReport {
    /// The name of its folder.
    pub name: String,
    /// What it is of.
    pub kind: ReportKind,
    /// When its card was last written.
    pub written_at: DateTime<Utc>,
    /// The suite of an evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// Its main figures.
    pub figures: Vec<ReportFigure>,
    /// Whether it has a page.
    pub has_page: bool,
    /// Why its figures cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// A part of the questions of an evaluation: a kind, or those with a tag.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReportSlice {
    /// The kind, or the tag.
    pub name: String,
    /// The questions.
    pub questions: usize,
    /// Their mean F1, 0 to 1.
    pub f1: f64,
    /// The share that ended well, 0 to 1.
    pub success: f64,
    /// The lower end of its interval.
    pub success_low: f64,
    /// The upper end.
    pub success_high: f64,
}

/// A figure of a training run over its steps.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReportCurve {
    /// What it is: a column of `metrics.csv`.
    pub name: String,
    /// The steps at which it was measured, ascending.
    pub steps: Vec<f64>,
    /// Its value at each of them; `null` where it was no finite number.
    pub values: Vec<Option<f64>>,
}

/// A run with all its figures.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Report {
    /// What is listed of it.
    #[serde(flatten)]
    pub listed: ListedReport,
    /// All figures of an evaluation; empty for a training run.
    pub all_figures: Vec<ReportFigure>,
    /// The parts of an evaluation's questions.
    pub slices: Vec<ReportSlice>,
    /// The figures of a training run over its steps.
    pub curves: Vec<ReportCurve>,
    /// The run's card: what it was made with.
    #[schema(value_type = Object)]
    pub card: Value,
}

/// The runs in a folder, the newest first. A folder without a card is no run. A shelf that is not there holds none.
pub fn list(shelf: &Path) -> Result<Vec<ListedReport>, ShelfError> {
    let mut reports = Vec::new();
    for folder in folders(shelf)? {
        reports.extend(read(&folder)?.map(|report| report.listed));
    }
    reports.sort_by(|a, b| (b.written_at, &a.name).cmp(&(a.written_at, &b.name)));
    Ok(reports)
}

/// One of them.
pub fn report(shelf: &Path, name: &str) -> Result<Report, ShelfError> {
    let not_found = || ShelfError::NotFound(name.to_owned());
    read(&named(shelf, name)?)?.ok_or_else(not_found)
}

/// The page of one of them, as it was written.
pub fn page(shelf: &Path, name: &str) -> Result<String, ShelfError> {
    let path = named(shelf, name)?.join(REPORT);
    match file(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(ShelfError::NotFound(name.to_owned())),
        Err(error) => Err(ShelfError::Io(path, error)),
    }
}

/// The folders on the shelf. A name is only ever compared with theirs, so that it leads nowhere else.
fn folders(shelf: &Path) -> Result<Vec<PathBuf>, ShelfError> {
    let failed = |error| ShelfError::Io(shelf.to_owned(), error);
    let entries = match fs::read_dir(shelf) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !is_hidden && entry.file_type().map_err(failed)?.is_dir() {
            folders.push(entry.path());
        }
        if folders.len() > MAX_RUNS {
            return Err(ShelfError::TooMany(shelf.to_owned()));
        }
    }
    Ok(folders)
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn named(shelf: &Path, name: &str) -> Result<PathBuf, ShelfError> {
    let found = folders(shelf)?.into_iter().find(|folder| name_of(folder) == name);
    found.ok_or_else(|| ShelfError::NotFound(name.to_owned()))
}

/// A run; `None` for a folder that holds none.
fn read(folder: &Path) -> Result<Option<Report>, ShelfError> {
    let card = folder.join(CARD);
    let written_at = match fs::metadata(&card).and_then(|found| found.modified()) {
        Ok(written) => written.into(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ShelfError::Io(card, error)),
    };
    let kind = match (folder.join(PREDICTIONS).exists(), folder.join(METRICS_TABLE).exists()) {
        (true, _) => ReportKind::Evaluation,
        (false, true) => ReportKind::Training,
        // The card of something else, such as an adapter.
        (false, false) => return Ok(None),
    };
    let mut report = Report {
        listed: ListedReport {
            name: name_of(folder),
            kind,
            written_at,
            suite: None,
            figures: Vec::new(),
            has_page: folder.join(REPORT).exists(),
            unreadable: None,
        },
        all_figures: Vec::new(),
        slices: Vec::new(),
        curves: Vec::new(),
        card: Value::Null,
    };
    let filled = match kind {
        ReportKind::Evaluation => fill_evaluation(&mut report, folder),
        ReportKind::Training => fill_training(&mut report, folder),
    };
    report.listed.unreadable = filled.err();
    Ok(Some(report))
}

fn fill_evaluation(report: &mut Report, folder: &Path) -> Result<(), String> {
    report.card = json(&folder.join(CARD))?;
    report.listed.suite = report.card["suite"]["name"].as_str().map(str::to_owned);
    let metrics: Metrics = json(&folder.join(METRICS))?;
    report.listed.figures = evaluation::main_figures(&metrics).into_iter().map(Into::into).collect();
    report.all_figures = metrics.measured.iter().map(|measured| evaluation::tile(measured).into()).collect();
    report.slices = metrics.slices.into_iter().map(slice).collect();
    Ok(())
}

fn slice(slice: Slice) -> ReportSlice {
    let Slice { name, questions, f1, success, success_low, success_high, .. } = slice;
    ReportSlice { name, questions, f1, success, success_low, success_high }
}

fn fill_training(report: &mut Report, folder: &Path) -> Result<(), String> {
    // Both are read whole.
    for name in [METRICS_TABLE, CARD] {
        let found = fs::metadata(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        if found.len() > MAX_FILE {
            return Err(format!("{name}: {}", too_large()));
        }
    }
    let run = training::read(folder).map_err(|error| error.to_string())?;
    report.listed.figures = training::main_figures(&run).into_iter().map(Into::into).collect();
    let curve = |column: training::Column| ReportCurve {
        name: column.name,
        steps: column.points.iter().map(|(step, _)| *step).collect(),
        values: column.points.iter().map(|(_, value)| Some(*value).filter(|value| value.is_finite())).collect(),
    };
    report.curves = run.columns.into_iter().filter(|column| !column.points.is_empty()).map(curve).collect();
    report.card = run.card;
    Ok(())
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    let name = name_of(path);
    let bytes = file(path).map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{name}: {error}"))
}

fn file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(std::io::Error::other(too_large())),
        false => Ok(bytes),
    }
}

fn too_large() -> String {
    format!("it has more than {MAX_FILE} bytes")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const TABLE: &str = "step,loss,validation_loss\n1,4.0,\n2,NaN,3.5\n";

    fn shelf() -> tempfile::TempDir {
        let shelf = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = shelf.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("reader-1/card.json", r#"{"rank": 8}"#);
        write("reader-1/metrics.csv", TABLE);
        write("reader-1/report.html", "<!doctype html><p>Reader");
        write("broken/card.json", "{");
        write("broken/predictions.jsonl", "");
        write("adapter/card.json", "{}");
        write("empty/notes.txt", "");
        write(".unfinished-run-1/card.json", "{}");
        write(".unfinished-run-1/metrics.csv", TABLE);
        shelf
    }

    #[test]
    fn runs_are_listed_and_what_is_none_is_not() {
        let shelf = shelf();
        let mut listed = list(shelf.path()).unwrap();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        let [broken, reader] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!((broken.name.as_str(), broken.kind), ("broken", ReportKind::Evaluation));
        assert!(broken.unreadable.as_ref().is_some_and(|why| why.contains("card.json")), "{broken:?}");
        assert_eq!((reader.kind, reader.has_page, &reader.unreadable), (ReportKind::Training, true, &None));
        assert!(reader.figures.iter().any(|figure| figure.label == "Best validation loss"), "{reader:?}");
        assert_eq!(list(&shelf.path().join("nothing")).unwrap(), []);
    }

    #[test]
    fn a_table_that_is_too_large_is_told_and_not_read() {
        let shelf = shelf();
        fs::File::create(shelf.path().join("reader-1/metrics.csv")).unwrap().set_len(MAX_FILE + 1).unwrap();
        let report = report(shelf.path(), "reader-1").unwrap();
        let why = report.listed.unreadable.unwrap();
        assert!(why.contains("metrics.csv") && why.contains("more than"), "{why}");
    }

    #[test]
    fn a_run_is_shown_with_its_curves_and_its_page() {
        let shelf = shelf();
        let report = report(shelf.path(), "reader-1").unwrap();
        assert_eq!(report.card["rank"], 8);
        let loss = &report.curves[0];
        assert_eq!(
            (loss.name.as_str(), &loss.steps[..], &loss.values[..]),
            ("loss", &[1.0, 2.0][..], &[Some(4.0), None][..])
        );
        assert!(page(shelf.path(), "reader-1").unwrap().contains("<p>Reader"));
    }

    #[test]
    fn a_name_leads_to_no_other_folder() {
        let shelf = shelf();
        let inner = shelf.path().join("empty");
        for name in ["../reader-1", "..", ".", "", "reader-1/../reader-1", "/", "adapter"] {
            assert!(matches!(report(&inner, name), Err(ShelfError::NotFound(_))), "{name}");
            assert!(matches!(page(&inner, name), Err(ShelfError::NotFound(_))), "{name}");
        }
        assert!(matches!(report(shelf.path(), "adapter"), Err(ShelfError::NotFound(_))));
        assert!(matches!(page(shelf.path(), "broken"), Err(ShelfError::NotFound(_))));
    }
}
