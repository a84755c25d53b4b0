//! Conversations: questions that follow each other, and what each got back.
//!
//! May depend on the other modules of `domain` only.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChunkId, DocumentId, OutcomeKind};

/// A question of a conversation with what it got back. A caller that keeps conversations itself sends these as
/// `history`, and may leave out all but the question and the answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// The question, in the user's own words.
    pub question: String,
    /// The question as it was understood, standing by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreted: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeKind>,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The bare fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_answer: Option<String>,
    /// What the answer rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<TurnSource>,
    /// The readings that were offered, when it ended in `clarify`: at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub clarify: Vec<String>,
}

/// A place that an answer of a conversation rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnSource {
    /// The document.
    pub document_id: DocumentId,
    /// The passage.
    pub chunk_id: ChunkId,
    /// The document's name; empty once the document was deleted.
    pub name: String,
    /// The nearest heading above the quote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
}
