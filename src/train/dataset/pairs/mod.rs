//! Pairs of texts with what the one is to the other: what a model that compares texts learns from and is measured on.
//!
//! `file` is the form on the disk; `support` and `rerank` make pairs of question sets, `halueval` and `scifact` of other
//! people's judgements, `clusters` cuts those by what they share, `edits` changes one fact of a sentence, and `wording`
//! says an answer as a sentence. May depend on the siblings of the parent.

mod clusters;
mod edits;
pub mod file;
pub mod halueval;
pub mod rerank;
pub mod scifact;
pub mod support;
mod wording;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{error::DatasetError, example::Kind, files::Split, files::Writer};

/// The second text says what the first one does.
pub const SUPPORTED: &str = "supported";
/// The second text says otherwise.
pub const CONTRADICTED: &str = "contradicted";
/// The second text does not say it.
pub const UNKNOWN: &str = "unknown";
/// One of the two others, and nobody said which.
pub const NOT_SUPPORTED: &str = "not supported";
/// The passage answers the question.
pub const RELEVANT: &str = "relevant";
/// It does not.
pub const NOT_RELEVANT: &str = "not relevant";

/// A pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Unique within a data set.
    pub id: String,
    /// What is judged: a sentence, a claim, a question, a question with an answer.
    pub first: String,
    /// What it is judged by.
    pub second: String,
    /// What the first is to the second; `not X`: anything but X.
    pub label: String,
    /// The document that it was made of. Training and validation must not share one.
    pub source: String,
    /// Pairs that compete with each other, as the passages of one question do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Free labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Where it comes from.
    pub provenance: String,
    /// The SPDX identifier of its licence (`LicenseRef-…` where there is none).
    pub licence: String,
}

impl Pair {
    /// Why it cannot be one, if it cannot.
    pub fn defect(&self) -> Option<String> {
        let fields = [
            ("id", &self.id),
            ("first", &self.first),
            ("second", &self.second),
            ("label", &self.label),
            ("source", &self.source),
            ("provenance", &self.provenance),
            ("licence", &self.licence),
        ];
        let empty = fields.into_iter().find(|(_, text)| text.trim().is_empty())?;
        Some(format!("`{}` is empty", empty.0))
    }
}

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PairsReport {
    /// What the pairs were made of: examples, claims, records.
    pub read: u64,
    /// Those of them of which no pair could be made.
    pub passed_over: u64,
    /// The pairs, by split, by label.
    pub pairs: BTreeMap<String, BTreeMap<String, u64>>,
    /// The pairs by their tags.
    pub tags: BTreeMap<String, u64>,
}

/// Writes pairs and counts them.
struct PairWriter {
    writer: Writer,
    report: PairsReport,
}

impl PairWriter {
    fn create(out: &std::path::Path) -> Result<Self, DatasetError> {
        Ok(Self { writer: Writer::create(out)?, report: PairsReport::default() })
    }

    fn write(&mut self, split: Option<Split>, pair: &Pair) -> Result<(), DatasetError> {
        let line = serde_json::to_string(pair)
            .map_err(|error| DatasetError::io("writing", &self.writer.folder())(std::io::Error::other(error)))?;
        let name = split.map_or("all", Split::as_str).to_owned();
        *self.report.pairs.entry(name).or_default().entry(pair.label.clone()).or_default() += 1;
        for tag in &pair.tags {
            *self.report.tags.entry(tag.clone()).or_default() += 1;
        }
        self.writer.write_line(split, Kind::Task, &line)
    }

    fn finish(self) -> Result<PairsReport, DatasetError> {
        if self.report.pairs.is_empty() {
            return Err(DatasetError::Request("no pair could be made of this".to_owned()));
        }
        self.writer.finish()?;
        Ok(self.report)
    }
}
