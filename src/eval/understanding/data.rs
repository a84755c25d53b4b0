//! The labelled requests of `datasets/understanding`, as its README describes them.
//!
//! May depend on `domain`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, de::DeserializeOwned};

use super::Part;
use crate::domain::RequestKind;

/// Why labelled requests cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file is not there, or cannot be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A row is not as it should be.
    #[error("{path}, row {row}: {reason}")]
    Row {
        /// The file.
        path: PathBuf,
        /// The number of the row, from 1, without the head.
        row: usize,
        /// What is wrong.
        reason: String,
    },
}

impl DataError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// A request and its kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    part: Part,
    /// One of the four kinds that are told apart here.
    pub kind: RequestKind,
    /// The request.
    pub text: String,
}

/// Keywords, and the questions that they may be read as; none when they have to stay as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    /// The keywords.
    pub fragment: String,
    /// The right readings.
    pub questions: Vec<String>,
}

/// A request, and the divisions of it that are right; none when it has to be refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// The request.
    pub text: String,
    /// Each division as its parts in order.
    pub divisions: Vec<Vec<String>>,
}

/// What was said before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The question.
    pub question: String,
    /// What it got back.
    pub answer: String,
}

/// A question in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    /// Its name.
    pub id: String,
    part: Part,
    /// The article that answers it.
    #[serde(default)]
    pub article: Option<String>,
    /// The number of the paragraph in the article, from 0.
    #[serde(default)]
    pub paragraph: Option<usize>,
    /// The page of the handbook that answers it, when no article does.
    #[serde(default)]
    pub page: Option<String>,
    /// The questions and answers before, oldest first.
    pub history: Vec<Said>,
    /// The question as it was typed.
    pub question: String,
    /// The question as it stands alone; the same where it does so already.
    pub stand_alone: String,
    /// The acceptable bare answers; the first stands at the offsets.
    pub short_answers: Vec<String>,
    /// The first code point of the answer in the paragraph or page.
    pub answer_start: u32,
    /// One past its last.
    pub answer_end: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FragmentRow {
    part: Part,
    fragment: String,
    questions: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartsRow {
    part: Part,
    text: String,
    parts: String,
    also: String,
}

/// The rows of `request-kinds.csv` that belong to a part.
pub fn kinds(folder: &Path, part: Part) -> Result<Vec<Kind>, DataError> {
    let rows: Vec<Kind> = table(&folder.join("request-kinds.csv"))?;
    Ok(rows.into_iter().filter(|row| row.part == part).collect())
}

/// The rows of `fragments.csv` that belong to a part.
pub fn fragments(folder: &Path, part: Part) -> Result<Vec<Fragment>, DataError> {
    let rows: Vec<FragmentRow> = table(&folder.join("fragments.csv"))?;
    let kept = rows.into_iter().filter(|row| row.part == part);
    Ok(kept.map(|row| Fragment { questions: parted(&row.questions), fragment: row.fragment }).collect())
}

/// The rows of `parts.csv` that belong to a part.
pub fn parts(folder: &Path, part: Part) -> Result<Vec<Parts>, DataError> {
    let rows: Vec<PartsRow> = table(&folder.join("parts.csv"))?;
    let kept = rows.into_iter().filter(|row| row.part == part);
    Ok(kept
        .map(|row| {
            let divisions = [&row.parts, &row.also].into_iter().map(|division| parted(division));
            Parts { divisions: divisions.filter(|division| !division.is_empty()).collect(), text: row.text }
        })
        .collect())
}

/// The rows of `follow-ups.jsonl` that belong to a part.
pub fn follow_ups(folder: &Path, part: Part) -> Result<Vec<FollowUp>, DataError> {
    let path = folder.join("follow-ups.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|source| DataError::Read { path: path.clone(), source })?;
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |reason: String| DataError::Row { path: path.clone(), row: number + 1, reason };
        let row: FollowUp = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        if row.short_answers.is_empty() || row.answer_end <= row.answer_start {
            return Err(wrong("it needs a short answer, and offsets that hold it".to_owned()));
        }
        if row.page.is_some() == (row.article.is_some() && row.paragraph.is_some()) {
            return Err(wrong("it needs either `page`, or `article` and `paragraph`".to_owned()));
        }
        rows.push(row);
    }
    rows.retain(|row| row.part == part);
    Ok(rows)
}

fn table<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, DataError> {
    let bytes = std::fs::read(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows = reader.deserialize().enumerate();
    rows.map(|(number, row)| {
        row.map_err(|error| DataError::Row { path: path.to_owned(), row: number + 1, reason: error.to_string() })
    })
    .collect()
}

fn parted(cell: &str) -> Vec<String> {
    cell.split('|').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
