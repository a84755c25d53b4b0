//! From passages to vectors in the store, a window at a time, so that memory does not grow with the document.
//!
//! A passage whose text did not change keeps its vector: it is read from the store, and not computed again. May depend
//! on `domain`, the stores, `models` and the other modules of `ingest`.

use std::{collections::HashMap, time::Instant};

use super::{IngestError, IngestServices, Pace, Progress};
use crate::{
    domain::{Chunk, ChunkId, DocumentId, GenerationNumber},
    faults,
    metadata_store::ActiveVersion,
    models::embedder::Embedder,
    vector_store::{Point, VectorStoreError},
};

/// How many passages are embedded and written together. The embedder cuts them into batches by token count.
const WINDOW: usize = 64;
/// The same while questions are being answered: a question waits for what runs.
const SMALL_WINDOW: usize = 8;

/// What became of the passages of a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Embedded {
    /// Vectors that were computed.
    pub computed: u64,
    /// Vectors that were taken over from a passage of the same text.
    pub kept: u64,
}

/// The passages of a document that have a vector of the same embedder already.
#[derive(Debug, Default)]
pub struct KnownVectors {
    generation: GenerationNumber,
    chunks: HashMap<String, ChunkId>,
}

impl KnownVectors {
    /// Those of the document's active version in the active generation, if that was built with `embedder`.
    pub async fn of(
        services: &IngestServices,
        document: DocumentId,
        embedder: &dyn Embedder,
    ) -> Result<Self, IngestError> {
        let Some(active) = services.metadata.active_generation().await? else { return Ok(Self::default()) };
        if !active.stamp.embedder.is_same(embedder.stamp()) {
            return Ok(Self::default());
        }
        let chunks = services.metadata.chunks_of(document).await?;
        let chunks = chunks.iter().map(|chunk| (chunk.indexed_text(), chunk.id)).collect();
        Ok(Self { generation: active.number, chunks })
    }

    /// The vectors of those texts that are known. A vector that is gone meanwhile is not known.
    async fn read(&self, services: &IngestServices, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, IngestError> {
        let ids: Vec<Option<ChunkId>> = texts.iter().map(|text| self.chunks.get(text).copied()).collect();
        let wanted: Vec<ChunkId> = ids.iter().flatten().copied().collect();
        if wanted.is_empty() {
            return Ok(vec![None; texts.len()]);
        }
        let found: HashMap<ChunkId, Vec<f32>> = match services.vectors.dense_vectors(self.generation, &wanted).await {
            Err(VectorStoreError::NoSuchGeneration(_)) => HashMap::new(),
            found => found?.into_iter().collect(),
        };
        Ok(ids.into_iter().map(|id| id.and_then(|id| found.get(&id).cloned())).collect())
    }
}

/// Writes the point of every chunk. Points of earlier attempts are overwritten: their ids are derived.
pub async fn embed_and_upsert(
    services: &IngestServices,
    embedder: &dyn Embedder,
    source: &ActiveVersion,
    generation: GenerationNumber,
    chunks: &[Chunk],
    known: &KnownVectors,
    (progress, pace): (&Progress, &Pace),
) -> Result<Embedded, IngestError> {
    services.vectors.create_generation(generation, embedder.stamp().dimension).await?;
    let (mut written, mut rest) = (Embedded::default(), chunks);
    while !rest.is_empty() {
        let size = if pace.is_asked() { SMALL_WINDOW } else { WINDOW };
        let (window, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        let began = Instant::now();
        faults::point("ingest.window").await?;
        let texts: Vec<String> = window.iter().map(Chunk::indexed_text).collect();
        let sparse = {
            let (lexical, texts) = (services.lexical.clone(), texts.clone());
            tokio::task::spawn_blocking(move || texts.iter().map(|text| lexical.passage(text)).collect::<Vec<_>>())
        };
        let kept = known.read(services, &texts).await?;
        let missing: Vec<String> =
            texts.into_iter().zip(&kept).filter(|(_, vector)| vector.is_none()).map(|(text, _)| text).collect();
        written.computed += missing.len() as u64;
        written.kept += (window.len() - missing.len()) as u64;
        let mut computed = match missing.is_empty() {
            true => Vec::new(),
            false => embedder.embed_passages(missing).await?,
        }
        .into_iter();
        let dense: Vec<Vec<f32>> = kept.into_iter().filter_map(|vector| vector.or_else(|| computed.next())).collect();
        let sparse = sparse.await.map_err(|error| IngestError::Thread(error.to_string()))?;
        let points = window
            .iter()
            .zip(dense.into_iter().zip(sparse))
            .map(|(chunk, (dense, sparse))| Point {
                chunk_id: chunk.id,
                document_id: source.document_id,
                version: source.version,
                collection: source.collection.clone(),
                metadata: source.metadata.clone(),
                access: source.access.clone(),
                dense,
                sparse,
            })
            .collect();
        faults::point("vectors.upsert.before").await?;
        services.vectors.upsert(generation, points).await?;
        faults::point("vectors.upsert.after").await?;
        progress.embedded(1.0 - rest.len() as f32 / chunks.len() as f32);
        pace.after(began.elapsed()).await;
    }
    Ok(written)
}

/// Removes the points of a version that did not become visible.
pub async fn discard(
    services: &IngestServices,
    generation: GenerationNumber,
    document: DocumentId,
    version: u32,
) -> Result<(), IngestError> {
    remove(services, generation, document, Some(version)).await
}

/// Removes the points of a document from one generation; a generation that was dropped meanwhile holds none.
pub async fn remove(
    services: &IngestServices,
    generation: GenerationNumber,
    document: DocumentId,
    version: Option<u32>,
) -> Result<(), IngestError> {
    faults::point("vectors.delete.before").await?;
    match services.vectors.delete_document(generation, document, version).await {
        Ok(()) | Err(VectorStoreError::NoSuchGeneration(_)) => Ok(faults::point("vectors.delete.after").await?),
        Err(error) => Err(error.into()),
    }
}
