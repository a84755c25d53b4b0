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
mod errors;
mod feedback;
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
pub use feedback::{FeedbackQuery, FeedbackStore, NewFeedback, NewTrace};
pub use keys::{KeyQuery, KeyStore, NewKey};
pub use outcomes::{
    InConversation, NewDelivery, NewUnanswered, OpenQuestion, OutcomeRecord, OutcomeStore, UnansweredQuery,
};
pub use signal::JobSignal;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::domain::{
    Access, Chunk, ChunkId, Document, DocumentId, Generation, GenerationNumber, IndexStamp, Job, JobId, JobKind,
    JobPriority, JobStage, JobState, Metadata, QueuedJobs, ReindexOptions,
};

/// An upload whose bytes already lie in the blob store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUpload {
    /// The collection.
    pub collection: String,
    /// The name in the collection.
    pub name: String,
    /// What the user said about the document; replaces what was said before.
    pub metadata: Metadata,
    /// Who may read it: see [`Document::access`].
    pub access: Vec<String>,
    /// What its uploader may read: a document of that name that is kept from the uploader is not replaced.
    pub replaces: Access,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// The size of the bytes.
    pub size_bytes: u64,
    /// The turn of its job in the queue.
    pub priority: JobPriority,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// The document.
    pub document_id: DocumentId,
    /// The version that these bytes are.
    pub version: u32,
    /// The job that ingests (or has ingested) that version.
    pub job_id: JobId,
    /// The state of that job.
    pub job_state: JobState,
    /// The same bytes were already the newest version under this name, pending or active.
    pub duplicate: bool,
}

/// One page of a list, and where the next one starts.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPage<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Give this to get the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// Which documents to list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DocumentQuery {
    /// Only of this collection.
    pub collection: Option<String>,
    /// Only with this name.
    pub name: Option<String>,
    /// Only what this reads.
    pub access: Access,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobQuery {
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this kind.
    pub kind: Option<JobKind>,
    /// Only of this document.
    pub document_id: Option<DocumentId>,
    /// Only of documents that this reads.
    pub access: Access,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// A job that a worker has taken, and until when it is the worker's own.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedJob {
    /// The job, running.
    pub job: Job,
    /// Proves the lease; a job that was taken over by another worker has another token.
    pub token: String,
}

/// What `finish_ingest` commits in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct IngestCommit {
    /// The document.
    pub document_id: DocumentId,
    /// The version that becomes active.
    pub version: u32,
    /// The generation that the chunks belong to. It must be the active one.
    pub generation: GenerationNumber,
    /// The passages, whose vectors have been written.
    pub chunks: Vec<Chunk>,
    /// The media type that was found.
    pub media_type: String,
    /// The document's title.
    pub title: Option<String>,
    /// The number of pages.
    pub pages: Option<u32>,
    /// What the job has to report, as for `report_job`; kept when the version became active.
    pub report: Option<serde_json::Value>,
}

/// How a committed ingestion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// The version is active.
    Active,
    /// A newer version was uploaded that has not failed, or the document was deleted, while the job ran: nothing became
    /// visible.
    Overtaken,
    /// Another generation became active while the job ran: chunk and embed again for that one.
    WrongGeneration(GenerationNumber),
}

/// A chunk that was found, with what a citation needs to know about its document.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundChunk {
    /// The passage.
    pub chunk: Chunk,
    /// The document's name.
    pub name: String,
    /// The document's title.
    pub title: Option<String>,
}

/// Where a chunk stands among all chunks of a generation: by document, version and place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkPosition {
    /// The document.
    pub document_id: DocumentId,
    /// The version.
    pub version: u32,
    /// The place in the version.
    pub ordinal: u32,
}

impl From<&Chunk> for ChunkPosition {
    fn from(chunk: &Chunk) -> Self {
        Self { document_id: chunk.document_id, version: chunk.version, ordinal: chunk.ordinal }
    }
}

/// A version of a document, as a reindex needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveVersion {
    /// The document.
    pub document_id: DocumentId,
    /// Its active version.
    pub version: u32,
    /// The document's collection.
    pub collection: String,
    /// The document's name.
    pub name: String,
    /// What the user said about it.
    pub metadata: Metadata,
    /// Its access labels.
    pub access: Vec<String>,
    /// SHA-256 of the original.
    pub sha256: String,
}

/// How an attempt to activate a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwapOutcome {
    /// The generation is active, and the one before it is retired.
    Swapped,
    /// So many active versions have no entry in the generation yet: index them, and try again.
    Incomplete(u64),
}

/// Counts for `doctor`, `/readyz` and the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreCounts {
    /// Documents that are not deleted.
    pub documents: u64,
    /// Documents with an active version.
    pub active_documents: u64,
    /// Chunks of the active generation.
    pub chunks: u64,
    /// The tokens of these chunks.
    pub tokens: u64,
    /// Jobs that wait or run.
    pub open_jobs: u64,
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

/// Documents, their versions and their chunks.
#[async_trait]
pub trait DocumentStore: Send + Sync + 'static {
    /// Records an upload and enqueues its job, in one transaction.
    ///
    /// The same bytes with the same metadata as the newest version of the name, if that is pending or active, are a
    /// duplicate: nothing changes, and the existing version and job are returned. Other bytes, other metadata, or
    /// bytes whose version has failed, become the next version. Of identical uploads that arrive at the same
    /// moment exactly one is new. `Forbidden` when the name is that of a document that the uploader may not read. New
    /// access labels are those of the document at once, also while its active version is the one before: what is kept
    /// from more callers is kept from them when this returns.
    async fn register_upload(&self, upload: NewUpload) -> StoreResult<Registered>;

    /// A document that is not deleted; `NotFound` otherwise.
    async fn document(&self, id: DocumentId) -> StoreResult<Document>;

    /// Documents that are not deleted, oldest first.
    async fn documents(&self, query: DocumentQuery) -> StoreResult<ListPage<Document>>;

    /// Deletes a document: from this moment no chunk of it is returned by `chunks_by_id`, its open jobs are
    /// cancelled, and a `purge` job is enqueued, in one transaction. `NotFound` when it does not exist.
    /// Returns the purge job. While a worker held a lease on an ingestion of the document, the purge is due when that
    /// lease runs out, or as soon as the worker has called `finish_ingest`: no vector is written behind its back.
    async fn delete_document(&self, id: DocumentId) -> StoreResult<JobId>;

    /// Forgets the rows of a deleted document for good; called by its purge job at the end.
    async fn forget_document(&self, id: DocumentId) -> StoreResult<()>;

    /// The SHA-256 sums that versions of any document that is not deleted refer to, out of `candidates`.
    /// A purge keeps these blobs.
    async fn referenced_blobs(&self, candidates: &[String]) -> StoreResult<Vec<String>>;

    /// The SHA-256 sums of all versions of a document, deleted or not.
    async fn blobs_of(&self, id: DocumentId) -> StoreResult<Vec<String>>;

    /// What a version of a document was made of, deleted or not; `NotFound` otherwise.
    async fn version_source(&self, id: DocumentId, version: u32) -> StoreResult<ActiveVersion>;

    /// Makes an ingested version active, with its chunks: the metadata commit. In the same transaction the
    /// version before it is superseded, its chunks leave every generation, the job succeeds, and a `purge` job
    /// for the superseded version is enqueued if there was one. `LeaseLost` when the job is no longer the caller's.
    /// An overtaken job ends cancelled, and the vectors that it wrote are purged; after `WrongGeneration` nothing has
    /// changed and the job is still the caller's.
    async fn finish_ingest(&self, job: JobId, token: &str, commit: IngestCommit) -> StoreResult<CommitOutcome>;

    /// The chunks among `ids` that belong to `generation` and to the active version of a document that is not
    /// deleted, in the order of `ids`.
    async fn chunks_by_id(&self, generation: GenerationNumber, ids: &[ChunkId]) -> StoreResult<Vec<FoundChunk>>;

    /// The chunks of a document's active version in the active generation, by ordinal.
    async fn chunks_of(&self, id: DocumentId) -> StoreResult<Vec<Chunk>>;

    /// Up to `limit` chunks (1 to 1,000) of `generation` behind `after`, of active versions of documents that are not
    /// deleted, in order of their positions: for who reads all of them. Fewer than `limit` are the last ones. A document
    /// that comes or goes meanwhile may be missed, and no chunk comes twice.
    async fn chunks_after(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkPosition>,
        limit: u32,
    ) -> StoreResult<Vec<FoundChunk>>;

    /// The counts.
    async fn counts(&self) -> StoreResult<StoreCounts>;

    /// `Ok` when the database can be reached and its schema is this program's.
    async fn ping(&self) -> StoreResult<()>;
}

/// The durable queue.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Takes the first job in the order of the queue that is queued and due, or running with an expired lease, and
    /// leases it for `lease`. The order is that of arrival, where a job counts as come later by what its priority makes
    /// it wait for others ([`JobPriority::waits_for_others`]). `None` when there is none. Two callers never get the same job. An expired job that has used up its attempts
    /// is failed instead, with a reason, and so is its version.
    async fn lease_job(&self, kinds: &[JobKind], lease: Duration) -> StoreResult<Option<LeasedJob>>;

    /// Extends the lease and records where the job stands. `LeaseLost` when it is no longer the caller's, also
    /// because it was cancelled.
    async fn heartbeat(
        &self,
        job: JobId,
        token: &str,
        lease: Duration,
        stage: JobStage,
        progress: f32,
    ) -> StoreResult<()>;

    /// Records what a running job has to report, in place of what it reported before: a JSON object of at most 64 KiB.
    /// It is kept when the job has ended. `LeaseLost` when the job is no longer the caller's.
    async fn report_job(&self, job: JobId, token: &str, report: &serde_json::Value) -> StoreResult<()>;

    /// Something to wait for between two looks into the queue.
    async fn job_signal(&self) -> JobSignal;

    /// Records a failed attempt. With `retry_at` and attempts left the job is queued again; otherwise it fails, and
    /// so does its version, if it was pending.
    async fn fail_job(&self, job: JobId, token: &str, error: &str, retry_at: Option<DateTime<Utc>>) -> StoreResult<()>;

    /// Records that a `purge`, `reindex` or `deliver` job is done. What a delivery has sent is forgotten.
    async fn succeed_job(&self, job: JobId, token: &str) -> StoreResult<()>;

    /// Puts a leased job back into the queue until `retry_at`, with what kept it from being done, without counting the
    /// attempt: a store is away, which says nothing about the job.
    async fn postpone_job(&self, job: JobId, token: &str, error: &str, retry_at: DateTime<Utc>) -> StoreResult<()>;

    /// Puts a leased job back into the queue without counting the attempt: the worker is stopping.
    async fn release_job(&self, job: JobId, token: &str) -> StoreResult<()>;

    /// A job; `NotFound` otherwise.
    async fn job(&self, id: JobId) -> StoreResult<Job>;

    /// Jobs, newest first.
    async fn jobs(&self, query: JobQuery) -> StoreResult<ListPage<Job>>;

    /// Cancels a job that has not ended (a running one loses its lease). `Conflict` when it has ended, or when it is
    /// a purge. The version of a cancelled ingestion fails.
    async fn cancel_job(&self, id: JobId) -> StoreResult<Job>;

    /// Queues a failed or cancelled job again, with fresh attempts; its version is pending again. `Conflict` when the
    /// job is not failed or cancelled, when its version is no longer the newest, or when what it would deliver is gone.
    async fn retry_job(&self, id: JobId) -> StoreResult<Job>;

    /// The jobs that wait or run, of each kind that has any.
    async fn queue(&self) -> StoreResult<Vec<QueuedJobs>>;

    /// Makes every job that is leased available at once: for the embedded database, which has one process, so that
    /// what a killed process left is taken up right after a start.
    async fn expire_leases(&self) -> StoreResult<u64>;
}

/// Generations of the index.
#[async_trait]
pub trait GenerationStore: Send + Sync + 'static {
    /// The active generation; on an empty store generation 1 is created with `stamp` and made active. It is not
    /// compared with `stamp`: the caller does that.
    async fn active_generation_or_create(&self, stamp: &IndexStamp) -> StoreResult<Generation>;

    /// The active generation, if there is one.
    async fn active_generation(&self) -> StoreResult<Option<Generation>>;

    /// All generations, ascending.
    async fn generations(&self) -> StoreResult<Vec<Generation>>;

    /// Enqueues a reindex; when one with the same options is already queued or running, that one is returned, and with
    /// other options it is a `Conflict`. So is a rollback without a retired generation to go back to.
    async fn enqueue_reindex(&self, options: ReindexOptions) -> StoreResult<JobId>;

    /// The generation that `job` builds: a new one in state `building` with `stamp` on the first call, the same one
    /// on later calls. A building generation with another stamp, or of another job, is retired and replaced, unless it has
    /// this stamp and the job accepts what was built ([`ReindexOptions::accept_worse`]): then the job goes on with it.
    async fn begin_generation(&self, job: JobId, token: &str, stamp: &IndexStamp) -> StoreResult<Generation>;

    /// The generation that a rollback brings up to date: on the first call the retired one that was active last, which
    /// is then `building`; the same one on later calls. `Conflict` when there is none. What else is being built is
    /// retired.
    async fn revive_generation(&self, job: JobId, token: &str) -> StoreResult<Generation>;

    /// Up to `limit` active versions that `generation` has no entry for yet.
    async fn missing_versions(&self, generation: GenerationNumber, limit: u32) -> StoreResult<Vec<ActiveVersion>>;

    /// How many active versions `generation` has no entry for yet.
    async fn count_missing_versions(&self, generation: GenerationNumber) -> StoreResult<u64>;

    /// Records the chunks of one version in a building generation, whose vectors have been written, in place of what
    /// was recorded before. Records nothing when the version is no longer active, but enqueues a `purge` of it: its own
    /// may have run before these vectors were written. A version without any chunk is recorded too. `Conflict` when the
    /// generation is not being built.
    async fn record_chunks(
        &self,
        generation: GenerationNumber,
        document: DocumentId,
        version: u32,
        chunks: Vec<Chunk>,
    ) -> StoreResult<()>;

    /// Activates `generation`, retires the active one, and ends the job, in one transaction, if no active version is
    /// missing from it.
    async fn swap_generation(&self, job: JobId, token: &str, generation: GenerationNumber) -> StoreResult<SwapOutcome>;

    /// Forgets a retired generation and its chunks; its vectors have been dropped.
    async fn forget_generation(&self, generation: GenerationNumber) -> StoreResult<()>;
}

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
