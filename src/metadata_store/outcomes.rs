//! What is recorded of an outcome, all of it in one transaction: a turn, an unanswered question, deliveries.
//!
//! May depend on `domain`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreResult;
use crate::domain::{
    Access, Action, AnswerId, CitedStretch, ConversationId, DocumentId, JobId, ModelVersions, NearPassage, OutcomeKind,
    Turn, UnansweredId, UnansweredQuestion, UnansweredState,
};

/// What is recorded of an outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeRecord {
    /// The answer's identifier.
    pub answer_id: AnswerId,
    /// Where the answer was looked for.
    pub collection: String,
    /// The conversation that it belongs to.
    pub conversation: Option<InConversation>,
    /// The documents that its words may come from.
    pub documents: Vec<DocumentId>,
    /// How well the evidence carried the answer, 0 to 1.
    pub confidence: f32,
    /// The question is kept for the owners of the documents.
    pub unanswered: Option<NewUnanswered>,
    /// The question was answered: open entries that were asked as this are settled.
    pub settles: Option<String>,
    /// What is sent to webhooks.
    pub deliveries: Vec<NewDelivery>,
}

/// A turn to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct InConversation {
    /// The conversation.
    pub id: ConversationId,
    /// Whether it begins with this turn; otherwise it must exist.
    pub begins: bool,
    /// Whose it is when it begins.
    pub owner: Option<String>,
    /// The turn.
    pub turn: Turn,
    /// Which stretch of its answer which document carries.
    pub cited: Vec<CitedStretch>,
    /// What is done about it.
    pub actions: Vec<Action>,
    /// Which models made the answer.
    pub model: ModelVersions,
}

/// A question to be kept for the owners of the documents.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUnanswered {
    /// Its identifier, drawn by the caller, who has told it already.
    pub id: UnansweredId,
    /// The question, in the user's own words.
    pub question: String,
    /// The question as it was understood, where that differs.
    pub interpreted: Option<String>,
    /// The question without what does not matter.
    pub asked_as: String,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// What came nearest, best first.
    pub nearest: Vec<NearPassage>,
    /// What made the vector.
    pub embedder: String,
    /// The question's dense vector.
    pub vector: Vec<f32>,
}

/// An outcome on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The job, drawn by the caller, who has told it already.
    pub job: JobId,
    /// The webhook's name.
    pub webhook: String,
    /// What is sent.
    pub body: String,
}

/// Which unanswered questions to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnansweredQuery {
    /// Only of this collection.
    pub collection: Option<String>,
    /// Only of collections that this reads.
    pub access: Access,
    /// At most so many, the newest, 1 to 10,000.
    pub limit: u32,
}

/// An open question with what it is compared by.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenQuestion {
    /// The question.
    pub question: UnansweredQuestion,
    /// What made the vector.
    pub embedder: String,
    /// Its dense vector.
    pub vector: Vec<f32>,
}

/// What is recorded of outcomes.
#[async_trait]
pub trait OutcomeStore: Send + Sync + 'static {
    /// Records all of it, or nothing. `NotFound` when the conversation does not exist. Of documents that were deleted
    /// meanwhile nothing is recorded but their ids: a delivery that quotes one is recorded as cancelled, without a body.
    async fn record_outcome(&self, record: OutcomeRecord) -> StoreResult<()>;

    /// The open questions, newest first, and how many more there are.
    async fn open_questions(&self, query: UnansweredQuery) -> StoreResult<(Vec<OpenQuestion>, u64)>;

    /// An unanswered question, open or not; `NotFound` otherwise.
    async fn unanswered_question(&self, id: UnansweredId) -> StoreResult<UnansweredQuestion>;

    /// Settles those of the questions that are open; says how many that were.
    async fn settle_questions(&self, ids: &[UnansweredId], state: UnansweredState) -> StoreResult<u64>;

    /// What a delivery sends; `None` when it is not there any more, or quotes a document that was deleted.
    async fn delivery_body(&self, job: JobId) -> StoreResult<Option<String>>;

    /// Removes what deliveries would send that ended without success before `before`: they cannot be retried any more.
    async fn forget_deliveries(&self, before: DateTime<Utc>) -> StoreResult<u64>;
}
