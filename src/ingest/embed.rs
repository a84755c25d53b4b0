//! From passages to vectors in the store, a window at a time, so that memory does not grow with the document.
//!
//! May depend on `domain`, the stores, `models` and the other modules of `ingest`.

use super::{IngestError, IngestServices, Progress};
use crate::{
    domain::{Chunk, DocumentId, GenerationNumber},
    faults,
    metadata_store::ActiveVersion,
    vector_store::{Point, VectorStoreError},
};

/// How many passages are embedded and written together. The embedder cuts them into batches by token count.
const WINDOW: usize = 64;

/// Embeds every chunk and writes its point. Points of earlier attempts are overwritten: their ids are derived.
pub async fn embed_and_upsert(
    services: &IngestServices,
    source: &ActiveVersion,
    generation: GenerationNumber,
    chunks: &[Chunk],
    progress: &Progress,
) -> Result<(), IngestError> {
    services.vectors.create_generation(generation, services.embedder.stamp().dimension).await?;
    let mut done = 0;
    for window in chunks.chunks(WINDOW) {
        faults::point("ingest.window").await?;
        let texts: Vec<String> = window.iter().map(Chunk::indexed_text).collect();
        let sparse = {
            let (lexical, texts) = (services.lexical.clone(), texts.clone());
            tokio::task::spawn_blocking(move || texts.iter().map(|text| lexical.passage(text)).collect::<Vec<_>>())
        };
        let dense = services.embedder.embed_passages(texts).await?;
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
                dense,
                sparse,
            })
            .collect();
        faults::point("vectors.upsert.before").await?;
        services.vectors.upsert(generation, points).await?;
        faults::point("vectors.upsert.after").await?;
        done += window.len();
        progress.embedded(done as f32 / chunks.len() as f32);
    }
    Ok(())
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
