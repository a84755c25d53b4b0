//! Making again what is missing of one searched document, out of what is left of it: its vectors out of its passages,
//! its text out of its original.
//!
//! May depend on `domain`, the stores and the other modules of `ingest`.

use std::sync::Arc;

use super::{
    IngestError, IngestServices, Pace, Progress,
    embed::{self, KnownVectors},
    purge::is_active,
    store,
    verify::misplaced,
};
use crate::{
    domain::{Chunk, DocumentId, GenerationNumber},
    metadata_store::{ActiveVersion, MetadataStoreError},
};

/// Embeds the recorded passages of a document again, and writes their points.
pub async fn vectors(
    services: &IngestServices,
    document: DocumentId,
    version: u32,
    generation: GenerationNumber,
) -> Result<(), IngestError> {
    let source = services.metadata.version_source(document, version).await?;
    let chunks = passages(services, document, version).await?;
    let Some(active) = services.metadata.active_generation().await?.filter(|active| active.number == generation) else {
        return Err(IngestError::WrongIndex(format!("generation {generation} is not the active one any more")));
    };
    let models = services.models_of(&active).await?;
    // None is known: what is mended may be what would be read.
    let (known, quiet) = (KnownVectors::default(), Progress::default());
    let (embedder, at) = (models.embedder.as_ref(), (&quiet, &Pace::Full));
    embed::embed_and_upsert(services, embedder, &source, generation, &chunks, &known, at).await?;
    if is_active(services, document, version).await? {
        return Ok(());
    }
    // What was written may have been written behind its purge's back.
    embed::discard(services, generation, document, version).await?;
    Err(replaced(document, version))
}

/// Extracts the text of a document again. It is kept only when it is what the recorded passages were cut from; otherwise
/// false: then the document has to be indexed anew.
pub async fn text(
    services: &IngestServices,
    document: DocumentId,
    version: u32,
    generation: GenerationNumber,
) -> Result<bool, IngestError> {
    let source: ActiveVersion = services.metadata.version_source(document, version).await?;
    let extracted = Arc::new(store::extract(services, &source).await?);
    let recorded = passages(services, document, version).await?;
    if misplaced(&extracted.text, &recorded).is_some() {
        return Ok(false);
    }
    services.blobs.put_text(document, version, generation, &extracted).await?;
    if is_active(services, document, version).await? {
        return Ok(true);
    }
    services.blobs.delete_texts(document, Some(version)).await?;
    Err(replaced(document, version))
}

/// The recorded passages of a version, while it is the one that is searched: those of the next one are not its own, and
/// what were made of them would carry what was said about this one.
async fn passages(services: &IngestServices, document: DocumentId, version: u32) -> Result<Vec<Chunk>, IngestError> {
    let chunks = services.metadata.chunks_of(document).await?;
    match chunks.iter().all(|chunk| chunk.version == version) && is_active(services, document, version).await? {
        true => Ok(chunks),
        false => Err(replaced(document, version)),
    }
}

fn replaced(document: DocumentId, version: u32) -> IngestError {
    let why = format!("version {version} of {document} was replaced or deleted meanwhile: check again");
    MetadataStoreError::Conflict(why).into()
}
