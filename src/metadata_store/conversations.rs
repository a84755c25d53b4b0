//! Conversations: what was asked in them, and what is left of it when a document goes.
//!
//! May depend on `domain`. Turns are added by [`OutcomeStore::record_outcome`](super::OutcomeStore::record_outcome), in
//! one transaction with what else is recorded of an outcome.

use async_trait::async_trait;

use super::{ListPage, StoreResult};
use crate::domain::{Access, Conversation, ConversationId, DocumentId, RecordedTurn};

/// Which conversations to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationQuery {
    /// Only of this collection.
    pub collection: Option<String>,
    /// Only of this owner.
    pub owner: Option<String>,
    /// Only of collections that this reads.
    pub access: Access,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// Conversations and their turns.
#[async_trait]
pub trait ConversationStore: Send + Sync + 'static {
    /// Begins a conversation without turns.
    async fn create_conversation(&self, collection: &str, owner: Option<&str>) -> StoreResult<Conversation>;

    /// A conversation; `NotFound` otherwise.
    async fn conversation(&self, id: ConversationId) -> StoreResult<Conversation>;

    /// Conversations, newest first.
    async fn conversations(&self, query: ConversationQuery) -> StoreResult<ListPage<Conversation>>;

    /// The turns after number `after`, in order, at most `limit` (1 to 1,000). `NotFound` when there is no such
    /// conversation. Of a document that was deleted nothing is shown but its ids, also before its purge has run.
    async fn turns(&self, id: ConversationId, after: u32, limit: u32) -> StoreResult<Vec<RecordedTurn>>;

    /// The newest turns, at most `limit` (1 to 1,000), oldest first: like `turns`.
    async fn latest_turns(&self, id: ConversationId, limit: u32) -> StoreResult<Vec<RecordedTurn>>;

    /// Deletes a conversation with everything that came of it: turns, feedback, unanswered questions, and what is on its way to
    /// webhooks, whose jobs are cancelled. `NotFound` when it does not exist.
    async fn delete_conversation(&self, id: ConversationId) -> StoreResult<()>;

    /// Takes what rests on a deleted document out of one conversation and of some feedback, forgets the traces of answers
    /// that came from it, and takes what quotes it out of the deliveries, whose jobs are cancelled. Returns whether there may be more to do. `Conflict` when the document is not deleted.
    async fn take_out_document(&self, id: DocumentId) -> StoreResult<bool>;
}
