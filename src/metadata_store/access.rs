//! What callers ask for by its id: each is found only where its caller may read it, by a condition of the query.
//!
//! May depend on `domain`. The program's own work reads through the other traits, which keep nothing back. What a caller
//! may not read is `NotFound`, like what is not there: nobody learns that it exists.

use async_trait::async_trait;

use super::{ChunkPosition, FoundChunk, StoreResult};
use crate::domain::{
    Access, ChunkId, Collection, Conversation, ConversationId, Document, DocumentId, GenerationNumber, Job, JobId,
    RecordedTurn, UnansweredId, UnansweredQuestion,
};

/// Reading on behalf of a caller.
#[async_trait]
pub trait AccessStore: Send + Sync + 'static {
    /// A document that is not deleted and that `access` reads; `NotFound` otherwise.
    async fn readable_document(&self, id: DocumentId, access: &Access) -> StoreResult<Document>;

    /// The collections behind `after` in the order of their names, at most `limit` (1 to 1,000), with what `access` reads
    /// of them. One without a document that it reads is not among them.
    async fn readable_collections(
        &self,
        after: Option<&str>,
        limit: u32,
        access: &Access,
    ) -> StoreResult<Vec<Collection>>;

    /// A job of a document that `access` reads; `NotFound` otherwise. Once the document has been forgotten, its
    /// collection decides. Jobs of no document (reindexes, deliveries) are for who may read everything.
    async fn readable_job(&self, id: JobId, access: &Access) -> StoreResult<Job>;

    /// Like [`DocumentStore::chunks_by_id`](super::DocumentStore::chunks_by_id), of documents that `access` reads.
    async fn readable_chunks(
        &self,
        generation: GenerationNumber,
        ids: &[ChunkId],
        access: &Access,
    ) -> StoreResult<Vec<FoundChunk>>;

    /// Like [`DocumentStore::chunks_after`](super::DocumentStore::chunks_after), of documents that `access` reads.
    async fn readable_chunks_after(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkPosition>,
        limit: u32,
        access: &Access,
    ) -> StoreResult<Vec<FoundChunk>>;

    /// A conversation of `owner` (`None`: of anybody) about a collection that `access` reads; `NotFound` otherwise.
    async fn readable_conversation(
        &self,
        id: ConversationId,
        owner: Option<&str>,
        access: &Access,
    ) -> StoreResult<Conversation>;

    /// Like [`ConversationStore::turns`](super::ConversationStore::turns): of a document that `access` does not read
    /// nothing is shown but its ids, as of one that was deleted.
    async fn readable_turns(
        &self,
        id: ConversationId,
        after: u32,
        limit: u32,
        access: &Access,
    ) -> StoreResult<Vec<RecordedTurn>>;

    /// An unanswered question about a collection that `access` reads, open or not; `NotFound` otherwise.
    async fn readable_question(&self, id: UnansweredId, access: &Access) -> StoreResult<UnansweredQuestion>;
}
