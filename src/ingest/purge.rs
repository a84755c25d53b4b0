//! What a deleted document or a replaced version leaves behind: vectors, texts, originals nobody needs, and what the
//! answers of conversations took from the document alone.
//!
//! Nothing here decides what is visible: that was the metadata transaction that enqueued the purge. May depend
//! on `domain`, the stores and the other modules of `ingest`.

use super::{IngestError, IngestServices, embed};
use crate::{domain::DocumentId, faults};

/// Removes everything of a deleted document (`version` is `None`), or of one replaced version.
pub async fn purge(services: &IngestServices, document: DocumentId, version: Option<u32>) -> Result<(), IngestError> {
    for generation in services.vectors.generations().await? {
        embed::remove(services, generation, document, version).await?;
    }
    faults::point("purge.vectors").await?;
    services.blobs.delete_texts(document, version).await?;
    faults::point("purge.texts").await?;
    // The original of a replaced version stays until its document is deleted: it can be brought back.
    if version.is_none() {
        // One conversation at a time, so that no transaction grows with what was asked.
        while services.metadata.take_out_document(document).await? {}
        faults::point("purge.taken_out").await?;
        let _alone = services.originals.write().await;
        let sums = services.metadata.blobs_of(document).await?;
        let needed = services.metadata.referenced_blobs(&sums).await?;
        for sum in sums.iter().filter(|sum| !needed.contains(sum)) {
            services.blobs.delete_original(sum).await?;
        }
        faults::point("purge.originals").await?;
        services.metadata.forget_document(document).await?;
        faults::point("purge.rows").await?;
    }
    Ok(())
}
