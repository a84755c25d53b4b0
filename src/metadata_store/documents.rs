//! Documents, their versions and their passages: from the upload to the metadata commit, and what is read of them.
//!
//! May depend on `domain`. The bytes lie in the blob store before an upload is registered, and the vectors in the vector
//! store before a version is committed. What is read on behalf of a caller goes through
//! [`AccessStore`](super::AccessStore).

use async_trait::async_trait;

use super::{ListPage, StoreResult};
use crate::domain::{
    Access, Chunk, ChunkId, Document, DocumentId, GenerationNumber, JobId, JobPriority, JobState, Metadata,
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
