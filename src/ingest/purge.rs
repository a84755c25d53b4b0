//! What a deleted document or a replaced version leaves behind: vectors, texts, originals nobody needs, and what the
//! answers of conversations took from the document alone.
//!
//! Nothing here decides what is visible: that was the metadata transaction that enqueued the purge. May depend
//! on `domain`, the stores and the other modules of `ingest`.

use futures::TryStreamExt;
use serde::Serialize;

use super::{IngestError, IngestServices, embed};
use crate::{
    domain::{DocumentId, GenerationNumber},
    faults,
    metadata_store::MetadataStoreError,
    vector_store::VectorStoreError,
};

/// What a purge removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Vectors, of all generations.
    pub vectors: u64,
    /// Extracted texts.
    pub texts: u64,
    /// Originals that nothing else refers to.
    pub originals: u64,
    /// Conversations, out of whose answers it was taken.
    pub conversations: u64,
}

/// Removes everything of a deleted document (`version` is `None`), or of one replaced version. What an attempt before has
/// removed is not counted.
pub async fn purge(
    services: &IngestServices,
    document: DocumentId,
    version: Option<u32>,
) -> Result<Purged, IngestError> {
    let mut purged = Purged::default();
    for generation in services.vectors.generations().await? {
        let before = count(services, generation, document).await?;
        embed::remove(services, generation, document, version).await?;
        purged.vectors += before.saturating_sub(count(services, generation, document).await?);
    }
    faults::point("purge.vectors").await?;
    purged.texts = services.blobs.delete_texts(document, version).await?;
    faults::point("purge.texts").await?;
    // The original of a replaced version stays until its document is deleted: it can be brought back.
    if version.is_none() {
        // One conversation at a time, so that no transaction grows with what was asked.
        while services.metadata.take_out_document(document).await? {
            purged.conversations += 1;
        }
        faults::point("purge.taken_out").await?;
        let _alone = services.originals.write().await;
        let sums = services.metadata.blobs_of(document).await?;
        let needed = services.metadata.referenced_blobs(&sums).await?;
        for sum in sums.iter().filter(|sum| !needed.contains(sum)) {
            services.blobs.delete_original(sum).await?;
            purged.originals += 1;
        }
        faults::point("purge.originals").await?;
        services.metadata.forget_document(document).await?;
        faults::point("purge.rows").await?;
    }
    Ok(purged)
}

/// Removes from a generation that is being built what its builder was killed over: it had written a version behind the
/// back of that version's purge, and nobody would come back to it. A text is written before its vectors and goes after
/// them, so that the texts say what there may be. Nobody else may be writing to the generation.
pub async fn purge_abandoned(services: &IngestServices, generation: GenerationNumber) -> Result<(), IngestError> {
    let mut texts = services.blobs.texts();
    while let Some(text) = texts.try_next().await? {
        // What is not named as texts are is for `footnote doctor` to report.
        let Ok(name) = text else { continue };
        if name.generation == generation && !is_active(services, name.document, name.version).await? {
            embed::remove(services, generation, name.document, Some(name.version)).await?;
            services.blobs.delete_text(name).await?;
        }
    }
    Ok(())
}

/// Whether a version is the one that its document is asked by.
pub async fn is_active(services: &IngestServices, document: DocumentId, version: u32) -> Result<bool, IngestError> {
    match services.metadata.document(document).await {
        Ok(document) => Ok(document.active.is_some_and(|active| active.version == version)),
        Err(MetadataStoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn count(
    services: &IngestServices,
    generation: GenerationNumber,
    document: DocumentId,
) -> Result<u64, IngestError> {
    match services.vectors.count(generation, Some(document)).await {
        // It was dropped meanwhile.
        Err(VectorStoreError::NoSuchGeneration(_)) => Ok(0),
        counted => Ok(counted?),
    }
}
