//! A document arrives: upload -> extract -> chunk -> embed -> store.
//!
//! `upload` takes bytes in and answers at once; everything after it is done by `worker`, which takes jobs from
//! the durable queue and calls `ingest_version` (or `purge`, or `reindex`) for each. Vectors are written
//! first, and the metadata commit comes second: nothing is visible before it. May depend on `domain`, the
//! stores, `models` and `telemetry::metrics`.

pub mod canaries;
pub mod chunk;
pub mod delete;
pub mod embed;
mod error;
pub mod extract;
mod index_models;
pub mod mend;
mod pace;
mod progress;
mod purge;
mod reindex;
mod store;
pub mod upload;
pub mod verify;
pub mod worker;

use std::{future::Future, path::PathBuf, sync::Arc, time::Instant};

use tracing::Instrument as _;

pub use error::IngestError;
pub use index_models::IndexModels;
pub use pace::{Asking, Pace, Questions};
pub use progress::Progress;

use crate::{
    blob_store::BlobStore,
    domain::{Chunk, ChunkId, DocumentId, ExtractedDocument, GenerationNumber, JobStage},
    faults,
    metadata_store::{ActiveVersion, CommitOutcome, LeasedJob, MetadataStore},
    models::{embedder::Embedders, lexical::Lexical},
    telemetry::metrics::Metrics,
    vector_store::VectorStore,
};

/// Everything that ingestion works with.
#[derive(Clone)]
pub struct IngestServices {
    /// Documents, jobs and generations.
    pub metadata: Arc<dyn MetadataStore>,
    /// Vectors.
    pub vectors: Arc<dyn VectorStore>,
    /// Originals and texts.
    pub blobs: BlobStore,
    /// Reads text out of files, in a process of its own.
    pub extractor: Arc<extract::Extractor>,
    /// Make dense vectors: each generation of the index has its own.
    pub embedders: Arc<Embedders>,
    /// What new generations are built with.
    pub configured: IndexModels,
    /// Makes BM25 terms.
    pub lexical: Arc<Lexical>,
    /// A directory for bytes that are on their way.
    pub scratch: PathBuf,
    /// Woken when a job was enqueued in this process.
    pub wake: Arc<tokio::sync::Notify>,
    /// Held for reading while an original is stored and registered, and for writing while a purge decides
    /// which originals nobody needs any more: so that a purge cannot remove bytes that an upload has just found.
    pub originals: Arc<tokio::sync::RwLock<()>>,
    /// The questions that are being answered meanwhile.
    pub questions: Arc<Questions>,
    /// The least share of the time in which a reindex works while questions are being answered.
    pub reindex_share: f64,
    /// What a new index must find that the one before finds.
    pub canaries: Arc<[canaries::Canary]>,
    /// Where stages and jobs are counted.
    pub metrics: Arc<Metrics>,
}

/// Makes one uploaded version searchable: the stages in their order.
///
/// On an error, whatever was written for the version before its commit is removed again by the caller.
async fn ingest_version(
    services: &IngestServices,
    leased: &LeasedJob,
    document: DocumentId,
    version: u32,
    progress: &Progress,
) -> Result<CommitOutcome, IngestError> {
    let source = services.metadata.version_source(document, version).await?;
    let staged = (services, progress);
    let extract = async {
        faults::point("ingest.extract").await?;
        store::extract(services, &source).await
    };
    let extracted = Arc::new(stage(staged, JobStage::Extract, extract).await?);
    faults::point("ingest.extracted").await?;
    let first = services.configured.stamp();
    let mut generation = services.metadata.active_generation_or_create(&first).await?;
    loop {
        let models = services.models_of(&generation).await?;
        let chunking = chunk_version(services, &models, &source, &extracted, generation.number);
        let chunks = stage(staged, JobStage::Chunk, chunking).await?;
        let (embedder, at) = (models.embedder.as_ref(), (progress, &Pace::Full));
        let embedding = async {
            let known = embed::KnownVectors::of(services, document, embedder).await?;
            embed::embed_and_upsert(services, embedder, &source, generation.number, &chunks, &known, at).await
        };
        let written = stage(staged, JobStage::Embed, embedding).await?;
        let committing = store::commit(services, leased, &source, generation.number, chunks, written, &extracted);
        match stage(staged, JobStage::Store, committing).await? {
            CommitOutcome::Active => {
                services.metrics.ingested(written.computed, written.kept);
                return Ok(CommitOutcome::Active);
            }
            CommitOutcome::WrongGeneration(_) => {
                embed::discard(services, generation.number, document, version).await?;
                generation = services.metadata.active_generation_or_create(&first).await?;
            }
            ended => return Ok(ended),
        }
    }
}

/// One stage of an ingestion: told to the job, timed, and a span of its own.
async fn stage<T>(
    (services, progress): (&IngestServices, &Progress),
    stage: JobStage,
    work: impl Future<Output = Result<T, IngestError>>,
) -> Result<T, IngestError> {
    progress.enter(stage);
    let began = Instant::now();
    let ended = work.instrument(tracing::info_span!("stage", otel.name = stage.as_str())).await;
    services.metrics.ingest_stage(stage, began.elapsed());
    ended
}

/// Splits an extracted version into the passages of one generation, and keeps the text that they index. Tokenizing is
/// work, so it has its own thread.
///
/// What had to be left out of a passage's context is added to the warnings that are kept with the text.
async fn chunk_version(
    services: &IngestServices,
    models: &IndexModels,
    source: &ActiveVersion,
    extracted: &Arc<ExtractedDocument>,
    generation: GenerationNumber,
) -> Result<Vec<Chunk>, IngestError> {
    let (chunker, name, document) = (models.chunker.clone(), source.name.clone(), extracted.clone());
    let chunked = tokio::task::spawn_blocking(move || chunker.chunk(&document, &name))
        .await
        .map_err(|error| IngestError::Thread(error.to_string()))?;
    let (document_id, version) = (source.document_id, source.version);
    let mut kept = std::borrow::Cow::Borrowed(extracted.as_ref());
    if !chunked.warnings.is_empty() {
        kept.to_mut().warnings.extend(chunked.warnings);
    }
    services.blobs.put_text(document_id, version, generation, &kept).await?;
    faults::point("ingest.text_stored").await?;
    Ok(chunked
        .chunks
        .into_iter()
        .map(|draft| Chunk {
            id: ChunkId::derive(document_id, version, generation, draft.ordinal),
            document_id,
            version,
            ordinal: draft.ordinal,
            range: draft.range,
            text: draft.text,
            context: draft.context,
            heading_path: draft.heading_path,
            page: draft.page,
            tokens: draft.tokens,
        })
        .collect())
}
