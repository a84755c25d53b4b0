//! Short words for what most cases need.

use std::time::Duration;

use footnote::{
    domain::{
        Access, Chunk, ChunkId, DocumentId, EmbedderStamp, GenerationNumber, IndexStamp, Job, JobId, JobKind,
        JobPriority, Metadata, ReindexOptions, text::CodePointRange,
    },
    metadata_store::{
        CommitOutcome, DocumentQuery, IngestCommit, JobQuery, LeasedJob, MetadataStore, MetadataStoreError, NewUpload,
        Registered, StoreResult,
    },
};
use sha2::{Digest, Sha256};

/// A lease that does not end during a test.
pub const HOUR: Duration = Duration::from_secs(3_600);
/// A lease that has ended.
pub const OVER: Duration = Duration::ZERO;

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &str) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// An upload of `bytes` as `name`.
pub fn upload(name: &str, bytes: &str) -> NewUpload {
    NewUpload {
        collection: "default".to_owned(),
        name: name.to_owned(),
        metadata: Metadata::new(),
        access: Vec::new(),
        replaces: Access::everything(),
        sha256: sha256(bytes),
        size_bytes: bytes.len() as u64,
        // Of the same turn as every other kind of job: the order is that of arrival.
        priority: JobPriority::High,
    }
}

/// A stamp that differs from those of other names.
pub fn stamp(name: &str) -> IndexStamp {
    IndexStamp {
        embedder: EmbedderStamp {
            name: name.to_owned(),
            dimension: 384,
            sha256: sha256(name),
            query_prefix: String::new(),
            passage_prefix: "passage: ".to_owned(),
            folder: None,
        },
        chunker: "words, 200 tokens".to_owned(),
        lexical: "bm25-en-1".to_owned(),
    }
}

/// `count` chunks of a version.
pub fn chunks(document: DocumentId, version: u32, generation: GenerationNumber, count: u32) -> Vec<Chunk> {
    (0..count)
        .map(|ordinal| Chunk {
            id: ChunkId::derive(document, version, generation, ordinal),
            document_id: document,
            version,
            ordinal,
            range: CodePointRange { start: ordinal * 10, end: ordinal * 10 + 9 },
            text: format!("passage {ordinal} of version {version} in generation {generation}"),
            context: "Title".to_owned(),
            heading_path: vec!["Title".to_owned(), format!("Section {ordinal}")],
            page: Some(ordinal + 1),
            tokens: 7,
        })
        .collect()
}

/// The ids of chunks.
pub fn ids(chunks: &[Chunk]) -> Vec<ChunkId> {
    chunks.iter().map(|chunk| chunk.id).collect()
}

/// The commit of a version with `count` chunks.
pub fn commit(document: DocumentId, version: u32, generation: GenerationNumber, count: u32) -> IngestCommit {
    IngestCommit {
        document_id: document,
        version,
        generation,
        chunks: chunks(document, version, generation, count),
        media_type: "text/markdown".to_owned(),
        title: Some(format!("Title {version}")),
        pages: Some(count),
        report: None,
    }
}

/// Leases the next job of a kind, which must be there.
pub async fn lease(store: &dyn MetadataStore, kind: JobKind) -> LeasedJob {
    store.lease_job(&[kind], HOUR).await.unwrap().expect("a job is due")
}

/// Leases the ingestion of what was just registered; every one before it must have ended.
pub async fn lease_of(store: &dyn MetadataStore, registered: &Registered) -> LeasedJob {
    let leased = lease(store, JobKind::Ingest).await;
    assert_eq!(leased.job.id, registered.job_id, "an older job was still open");
    leased
}

/// Uploads and ingests `bytes` as `name`, with `count` chunks in the active generation.
pub async fn ingest(store: &dyn MetadataStore, name: &str, bytes: &str, count: u32) -> Registered {
    let registered = store.register_upload(upload(name, bytes)).await.unwrap();
    assert!(!registered.duplicate);
    let leased = lease_of(store, &registered).await;
    let generation = store.active_generation().await.unwrap().unwrap().number;
    let commit = commit(registered.document_id, registered.version, generation, count);
    let outcome = store.finish_ingest(registered.job_id, &leased.token, commit).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Active);
    registered
}

/// Leases the reindex, which is enqueued if it is not, and begins its generation.
pub async fn reindex(store: &dyn MetadataStore, stamp_name: &str) -> (LeasedJob, GenerationNumber) {
    let id = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    let leased = lease(store, JobKind::Reindex).await;
    assert_eq!(leased.job.id, id);
    let generation = store.begin_generation(id, &leased.token, &stamp(stamp_name)).await.unwrap();
    (leased, generation.number)
}

/// Records two chunks of everything that `generation` misses.
pub async fn fill(store: &dyn MetadataStore, generation: GenerationNumber) -> usize {
    let missing = store.missing_versions(generation, 1_000).await.unwrap();
    for version in &missing {
        let chunks = chunks(version.document_id, version.version, generation, 2);
        store.record_chunks(generation, version.document_id, version.version, chunks).await.unwrap();
    }
    missing.len()
}

/// All jobs of a kind, newest first.
pub async fn jobs_of(store: &dyn MetadataStore, kind: JobKind) -> Vec<Job> {
    let query = JobQuery { kind: Some(kind), limit: 1_000, ..JobQuery::default() };
    store.jobs(query).await.unwrap().items
}

/// The names of all documents.
pub async fn names(store: &dyn MetadataStore) -> Vec<String> {
    let query = DocumentQuery { limit: 1_000, ..DocumentQuery::default() };
    store.documents(query).await.unwrap().items.into_iter().map(|document| document.name).collect()
}

/// Checks that a call was answered `NotFound`.
#[track_caller]
pub fn not_found<T: std::fmt::Debug>(result: StoreResult<T>) {
    assert!(matches!(result, Err(MetadataStoreError::NotFound { .. })), "{result:?}");
}

/// Checks that a call was answered `Conflict`.
#[track_caller]
pub fn conflict<T: std::fmt::Debug>(result: StoreResult<T>) {
    assert!(matches!(result, Err(MetadataStoreError::Conflict(_))), "{result:?}");
}

/// Checks that a call was answered `Invalid`.
#[track_caller]
pub fn invalid<T: std::fmt::Debug>(result: StoreResult<T>) {
    assert!(matches!(result, Err(MetadataStoreError::Invalid(_))), "{result:?}");
}

/// Checks that a call was answered `LeaseLost`.
#[track_caller]
pub fn lease_lost<T: std::fmt::Debug>(result: StoreResult<T>, job: JobId) {
    assert!(matches!(result, Err(MetadataStoreError::LeaseLost(lost)) if lost == job), "{result:?}");
}
