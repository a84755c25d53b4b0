//! What a caller asks, and the filter that narrows where the answer is looked for.
//!
//! May depend on the other modules of `domain` only.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Asker;

/// The passages that a question reads when the caller does not say.
pub const DEFAULT_TOP_K: u32 = 5;
/// The most passages that a caller may ask for.
pub const MAX_TOP_K: u32 = 50;
/// The most turns of a history that comes with a question.
pub const MAX_HISTORY: usize = 20;
/// The most readings that a turn of a history may have offered: what an answer to as many questions as one request may
/// ask could hold.
pub const MAX_READINGS: usize = 20;
/// The most code points of a question.
pub const MAX_QUESTION_CODE_POINTS: usize = 4_000;

/// A question as it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question, in the user's own words: 1 to 4,000 code points.
    #[schema(min_length = 1, max_length = 4000)]
    pub question: String,
    /// The collection to look in; `default` when absent.
    #[serde(default)]
    pub collection: Option<String>,
    /// Narrows the documents that are looked at.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// The conversation that this question goes on with, as an earlier outcome named it. Not together with `history`.
    #[serde(default)]
    pub conversation_id: Option<super::ConversationId>,
    /// What was said before, oldest first, for a caller that keeps conversations itself: at most 20 turns. Not together
    /// with `conversation_id`.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub history: Vec<super::Turn>,
    /// How many passages to find, 1 to 50; 5 when absent. The best nine of them are read.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    pub top_k: Option<u32>,
    /// Whether the answer is sent as server-sent events while it is being made.
    #[serde(default)]
    pub stream: bool,
    /// Whether a conversation begins here: the question and its outcome are stored, and the outcome names the
    /// conversation. Without it and without a `conversation_id` no turn is stored.
    #[serde(default)]
    pub store: bool,
    /// On whose behalf it is asked: no part of a request. What nobody has filled in reads nothing.
    #[serde(skip)]
    #[schema(ignore)]
    pub asker: Asker,
}

impl Question {
    /// A question of which nothing else is said, asked by the program itself.
    pub fn new(question: impl Into<String>) -> Self {
        Self {
            question: question.into(),
            collection: None,
            filter: None,
            conversation_id: None,
            history: Vec::new(),
            top_k: None,
            stream: false,
            store: false,
            asker: Asker::program(),
        }
    }
}

/// A condition on documents: every member must hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// One of these documents, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub document_ids: Vec<super::DocumentId>,
    /// Metadata fields and the value each must have. An array means: one of these values.
    #[serde(default, skip_serializing_if = "super::Metadata::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: super::Metadata,
}

impl Filter {
    /// Whether the filter lets everything through.
    pub fn is_empty(&self) -> bool {
        self.document_ids.is_empty() && self.metadata.is_empty()
    }
}
