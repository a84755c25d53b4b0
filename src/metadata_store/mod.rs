//! Where documents, versions, chunks, jobs, generations, adapters, conversations, outcomes, API keys and connectors are recorded: the contract that every backend keeps.
//!
//! May depend on `domain`. The backends (`sqlite`, `postgres`) depend on sqlx, and no sqlx type leaves this
//! module. The metadata commit is the moment at which anything becomes visible: vectors are written before it.

mod access;
mod adapters;
mod archive;
mod audit_log;
mod bounded;
mod checks;
mod connectors;
mod conversations;
mod cursor;
mod documents;
mod errors;
mod feedback;
mod generations;
mod jobs;
mod keys;
mod outcomes;
pub mod postgres;
mod rows;
mod schema;
mod signal;
pub mod sqlite;

pub use access::AccessStore;
pub use adapters::{AdapterQuery, AdapterStore, NewAdapter, NewEvaluation, NewPromotion, RegisteredAdapter};
pub use archive::{
    AdapterRecord, ArchiveStore, Bytes, ChunkRecord, ConnectorRecord, ConversationRecord, CounterRecord,
    DeletionRecord, DeliveryDocumentRecord, DeliveryRecord, DocumentRecord, EntryRecord, EvaluationRecord,
    FeedbackDocumentRecord, FeedbackRecord, GenerationRecord, ItemRecord, JobRecord, PromotionRecord, RECORDS_PER_PAGE,
    Record, RecordKind, RecordSink, RecordSource, RestoreUnderWay, TurnDocumentRecord, TurnRecord, UnansweredRecord,
    VersionRecord,
};
pub use audit_log::{AuditLogStore, AuditQuery, NewAuditEntry};
pub use checks::{
    access_labels as check_access_labels, collection as check_collection, connector as check_connector,
    description as check_description,
};
pub use connectors::{ConnectorStore, KnownItem, Pass, PassEnd, PassWhen, SeenItem, Vanished};
pub use conversations::{ConversationQuery, ConversationStore};
pub use documents::{
    ActiveVersion, ChunkPosition, CommitOutcome, DocumentQuery, DocumentStore, FoundChunk, IngestCommit, NewUpload,
    Registered, StoreCounts,
};
pub use feedback::{FeedbackQuery, FeedbackStore, NewFeedback, NewTrace};
pub use generations::{GenerationStore, SwapOutcome};
pub use jobs::{JobQuery, JobStore, LeasedJob};
pub use keys::{KeyQuery, KeyStore, NewKey};
pub use outcomes::{
    InConversation, NewDelivery, NewUnanswered, OpenQuestion, OutcomeRecord, OutcomeStore, UnansweredQuery,
};
pub use schema::Behind;
pub use signal::JobSignal;

use crate::domain::JobId;

/// One page of a list, and where the next one starts.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPage<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Give this to get the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// What went wrong in a metadata store.
#[derive(Debug, thiserror::Error)]
pub enum MetadataStoreError {
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The thing is not in a state that allows this.
    #[error("{0}")]
    Conflict(String),
    /// A cursor, limit or name that the contract does not allow.
    #[error("{0}")]
    Invalid(String),
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The lease is no longer the caller's.
    #[error("the lease of job {0} was lost to another worker")]
    LeaseLost(JobId),
    /// The database could not be reached, timed out, or is locked.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database failed, or holds something that it should not.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl MetadataStoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// A store's result.
pub type StoreResult<T> = Result<T, MetadataStoreError>;

/// All of a metadata store.
pub trait MetadataStore:
    DocumentStore
    + JobStore
    + GenerationStore
    + AdapterStore
    + ConversationStore
    + OutcomeStore
    + ArchiveStore
    + AccessStore
    + KeyStore
    + AuditLogStore
    + FeedbackStore
    + ConnectorStore
{
}

impl<T> MetadataStore for T where
    T: DocumentStore
        + JobStore
        + GenerationStore
        + AdapterStore
        + ConversationStore
        + OutcomeStore
        + ArchiveStore
        + AccessStore
        + KeyStore
        + AuditLogStore
        + FeedbackStore
        + ConnectorStore
{
}
