//! One example of a data set: the line of JSON that `datasets/` and every importer hold.
//!
//! May depend on `domain::text`.

use serde::{Deserialize, Serialize};

/// What an example is there for; each kind lies in a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The ordinary case.
    Task,
    /// A rare but legitimate case.
    Edge,
    /// Something that the product got wrong.
    Failure,
}

/// How the question must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// The passages hold the answer.
    Answered,
    /// They do not.
    Abstained,
    /// They hold the answers to some of its parts.
    Partial,
    /// They hold answers to several readings of it: the right reply asks back.
    Clarify,
}

/// What was asked before, and what was said.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
}

/// One of the things that a question asks, with the answer to it alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExamplePart {
    /// The question, standing by itself.
    pub question: String,
    /// How it must end: `answered` or `abstained`.
    pub expected: Expected,
    /// The answer in words; absent when `expected` is `abstained`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Acceptable bare answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short_answers: Vec<String>,
}

/// What a span of a passage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanRole {
    /// The bare answer itself.
    Answer,
    /// The sentence (or sentences) that carries the answer.
    Evidence,
}

/// A passage that is shown with the question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// Unique within the example, the same for the same text across examples.
    pub id: String,
    /// The title of the source document: what splits go by.
    pub title: String,
    /// The text.
    pub text: String,
}

/// A stretch of a passage, `[start, end)` in Unicode code points of its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The id of the passage.
    pub passage: String,
    /// The first code point.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// What it is.
    pub role: SpanRole,
}

/// One example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Unique within a data set.
    pub id: String,
    /// What it is there for.
    pub kind: Kind,
    /// What was said before, oldest first, where the question goes on with a conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Exchange>,
    /// The question as a user would type it.
    pub question: String,
    /// What it asks, one by one, where that is several things; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ExamplePart>,
    /// What is shown with it, in the order of retrieval where that is known.
    pub passages: Vec<Passage>,
    /// How it must end.
    pub expected: Expected,
    /// The answer in the words that the product should use; absent when `expected` is `abstained`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Acceptable bare answers (several where annotators differ); empty when `expected` is `abstained`, and where a
    /// question asks for no bare fact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short_answers: Vec<String>,
    /// Where the passages carry the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub support: Vec<Span>,
    /// Free labels. `synthetic` marks an example that a program built, not one that was written and read by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Where it comes from: file and record, or who wrote it.
    pub provenance: String,
    /// The SPDX identifier of its licence (`LicenseRef-…` where there is none).
    pub licence: String,
}

impl Example {
    /// Whether training can learn from it: one question that stands alone and is answered or declined. The examples of
    /// conversations, of several questions in one and of questions with several readings are there to measure with.
    pub fn is_trainable(&self) -> bool {
        matches!(self.expected, Expected::Answered | Expected::Abstained)
            && self.history.is_empty()
            && self.parts.is_empty()
    }
}
