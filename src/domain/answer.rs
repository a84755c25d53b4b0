//! Answers, their footnotes, and everything else that a question gets back.
//!
//! May depend on the other modules of `domain` only.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AnswerId, ChunkId, DocumentId, GenerationNumber};

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// The documents hold the answer, and every sentence of it has a footnote.
    Answered,
    /// Some parts of the question were answered.
    Partial,
    /// The documents do not hold the answer.
    Abstained,
    /// The question has several readings: choose one.
    Clarify,
    /// The request is not one that is served.
    Blocked,
}

/// A footnote: a stretch of the answer, and the stretch of a source that carries it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// Where the cited words of the answer start, in code points of `answer`.
    pub answer_start: u32,
    /// One past their end.
    pub answer_end: u32,
    /// The cited document.
    pub document_id: DocumentId,
    /// Its name.
    pub name: String,
    /// The version that was read.
    pub version: u32,
    /// The passage in which the quote stands.
    pub chunk_id: ChunkId,
    /// The page of the quote, for formats that have pages.
    pub page: Option<u32>,
    /// The nearest heading above the quote.
    pub heading: Option<String>,
    /// Where the quote starts in the document's stored text, in code points.
    pub source_start: u32,
    /// One past its end.
    pub source_end: u32,
    /// The quote: exactly the stored text at these offsets.
    pub quote: String,
}

/// What was understood of a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnderstoodQuestion {
    /// The question as it was asked.
    pub original: String,
    /// The question as it was searched.
    pub interpreted: String,
    /// What was changed between the two, each in words.
    pub corrections: Vec<String>,
    /// The questions that it was split into; itself alone when it asks one thing.
    pub parts: Vec<String>,
}

/// Something that the application can do about an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// The caller may ask again in other words, or look at these near passages' documents.
    SuggestDocuments {
        /// The nearest documents, best first.
        document_ids: Vec<DocumentId>,
    },
    /// The collection holds no document at all: upload some.
    UploadDocuments,
}

/// Which models made an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelVersions {
    /// The reader's name, with the beginning of the sum over its files.
    pub reader: Option<String>,
    /// The generator's name.
    pub generator: String,
    /// The adapter's name; absent when the generator runs as it comes.
    pub adapter: Option<String>,
    /// The embedder's name.
    pub embedder: String,
    /// The generation of the index that was searched.
    pub index: GenerationNumber,
}

/// Who worded an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Wording {
    /// The generator, sentence by sentence carried by a source.
    Generated,
    /// The source: no sentence of the generator's draft stood, and the sentence of the source that answers is shown.
    Quoted,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens that were generated.
    pub completion_tokens: u32,
    /// Passages that the generator read. When the reader has found the answer, it is one, and of that the sentences around
    /// the answer.
    pub passages_read: u32,
    /// Passages that were found but did not fit into the prompt's budget, or were not needed.
    pub passages_left_out: u32,
}

/// The milliseconds that each stage took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Timings {
    /// Reading the question.
    pub preprocess: f64,
    /// Searching.
    pub retrieve: f64,
    /// Looking for the span that answers.
    pub read: f64,
    /// Writing the draft.
    pub generate: f64,
    /// Checking the draft and its citations.
    pub postfilter: f64,
    /// All of it.
    pub total: f64,
}

/// What a question gets back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// The answer's identifier.
    pub id: AnswerId,
    /// How the question ended.
    pub outcome: OutcomeKind,
    /// The answer in words; for an abstention, the sentence that says so.
    pub answer: String,
    /// Who worded the answer; absent for an abstention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wording: Option<Wording>,
    /// The words that answer, exactly as they stand in the source; absent for an abstention, and where a question was too
    /// long for the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_answer: Option<String>,
    /// How well the evidence carries the answer, 0 to 1: the probability that the span which the reader found is right;
    /// for an abstention, that of the best span it saw. For a question that was too long for the reader it is no
    /// probability, and it is 0 where nothing was found.
    pub confidence: f32,
    /// The footnotes, in the order of the answer.
    pub citations: Vec<Citation>,
    /// What was understood of the question.
    pub question: UnderstoodQuestion,
    /// The readings to choose from when the outcome is `clarify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clarify: Option<Vec<String>>,
    /// What the application can do now.
    pub actions: Vec<Action>,
    /// Which models made the answer.
    pub model: ModelVersions,
    /// What it cost.
    pub usage: Usage,
    /// How long it took.
    pub timings_ms: Timings,
}
