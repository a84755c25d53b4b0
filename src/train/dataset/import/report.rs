//! What an import did: how many records were read, taken and refused, and why.
//!
//! May depend on nothing of this crate.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

/// Why a record was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The record does not have the form that its format prescribes.
    Malformed,
    /// A field that must say something says nothing.
    EmptyField,
    /// The passage holds another text at the answer's offset.
    SpanNotAtOffset,
    /// The record has no answer and is not marked as unanswerable.
    NoAnswer,
    /// The record is marked as unanswerable and has an answer.
    AnswerToUnanswerable,
    /// An answer without an offset stands nowhere in the passage.
    AnswerNotInPassage,
    /// A supporting sentence stands nowhere in the passage, or several times.
    EvidenceNotInPassage,
    /// The passage that the record names is not there.
    NoPassage,
    /// The passage that holds the answer is not marked.
    NoGoldPassage,
    /// The annotators set the question aside.
    SetAside,
    /// The annotators found no sentence that carries the answer.
    NotExplained,
    /// Another record has the same id.
    DuplicateId,
    /// The example would not be sound.
    Unsound,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not in the form of the format",
            Self::EmptyField => "a field that must say something is empty",
            Self::SpanNotAtOffset => "an answer is not at its offset",
            Self::NoAnswer => "no answer, and not marked as unanswerable",
            Self::AnswerToUnanswerable => "marked as unanswerable, and has an answer",
            Self::AnswerNotInPassage => "the answer stands nowhere in the passage",
            Self::EvidenceNotInPassage => "a supporting sentence stands nowhere in the passage, or several times",
            Self::NoPassage => "the passage that it names is not there",
            Self::NoGoldPassage => "no passage is marked as the one that holds the answer",
            Self::SetAside => "set aside by its annotators",
            Self::NotExplained => "its annotators found no sentence that carries the answer",
            Self::DuplicateId => "the id is taken by a record before it",
            Self::Unsound => "would not be a sound example",
        })
    }
}

/// A record that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The file.
    pub file: String,
    /// The record: its id, or its line.
    pub record: String,
    /// Why.
    pub reason: Reason,
    /// What exactly, where there is more to say.
    pub detail: String,
}

/// What was read from one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The file.
    pub file: String,
    /// Records read: `taken` and `refused` together.
    pub read: u64,
    /// Records that became examples.
    pub taken: u64,
    /// Records that did not.
    pub refused: u64,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// By file.
    pub files: Vec<FileReport>,
    /// The number of refused records by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// What the examples leave out of records that were taken, and how often.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Every refused record.
    pub refused: Vec<Refused>,
    /// The number of examples in each file that was written.
    pub written: BTreeMap<String, u64>,
}

impl ImportReport {
    /// How many records became examples.
    pub fn taken(&self) -> u64 {
        self.files.iter().map(|file| file.taken).sum()
    }
}
