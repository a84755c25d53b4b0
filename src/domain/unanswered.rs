//! Questions that the documents did not answer well enough, kept for the owners of the documents.
//!
//! May depend on the other modules of `domain` only.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AnswerId, ChunkId, ConversationId, DocumentId, OutcomeKind, UnansweredId};

/// What became of an unanswered question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnansweredState {
    /// Nobody has dealt with it.
    Open,
    /// The same question was answered later.
    Answered,
    /// Somebody decided that it needs no answer.
    Dismissed,
}

impl UnansweredState {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Dismissed => "dismissed",
        }
    }
}

/// A passage that came near a question. Its document may have been deleted since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NearPassage {
    /// The document.
    pub document_id: DocumentId,
    /// The passage.
    pub chunk_id: ChunkId,
    /// The passage's score in the search: larger is better, comparable only for one question.
    pub score: f32,
}

/// A question that was not answered well enough.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UnansweredQuestion {
    /// Its identifier.
    pub id: UnansweredId,
    /// The answer that was given.
    pub answer_id: AnswerId,
    /// The conversation that it was asked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Where the answer was looked for.
    pub collection: String,
    /// The question, in the user's own words.
    pub question: String,
    /// The question as it was understood, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreted: Option<String>,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// How well the evidence carried the answer.
    pub confidence: f32,
    /// What came nearest, best first.
    pub nearest: Vec<NearPassage>,
    /// What became of it.
    pub state: UnansweredState,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
}
