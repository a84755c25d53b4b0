//! Building a new generation of the index from the stored originals, beside the one that answers questions.
//!
//! Every active version is extracted, chunked and embedded again. What was recorded survives a kill: a second
//! run goes on with what is missing. The swap is one metadata transaction, refused while any active version is
//! missing, so that what was uploaded meanwhile is taken in. May depend on `domain`, the stores, `models` and
//! the other modules of `ingest`.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

use super::{IngestError, IngestServices, Progress, chunk_version, embed, store};
use crate::{
    domain::{GenerationNumber, GenerationState, JobStage},
    metadata_store::{ActiveVersion, LeasedJob, MetadataStoreError, SwapOutcome},
};

/// How many versions are asked for at a time.
const WINDOW: u32 = 64;

/// Runs a reindex to its end.
pub async fn reindex(
    services: &IngestServices,
    leased: &LeasedJob,
    concurrency: usize,
    progress: &Progress,
) -> Result<(), IngestError> {
    let stamp = services.stamp();
    // A first generation must exist before another one can replace it.
    services.metadata.active_generation_or_create(&stamp).await?;
    let generation = services.metadata.begin_generation(leased.job.id, &leased.token, &stamp).await?.number;
    crate::faults::point("reindex.begun").await?;
    services.vectors.create_generation(generation, stamp.embedder.dimension).await?;
    crate::faults::point("reindex.created").await?;
    let mut done = 0u64;
    loop {
        let total = services.metadata.counts().await?.active_documents;
        loop {
            let missing = services.metadata.missing_versions(generation, WINDOW).await?;
            if missing.is_empty() {
                break;
            }
            let work: Vec<BoxFuture<'_, _>> =
                missing.iter().map(|source| index_version(services, source, generation).boxed()).collect();
            let mut work = stream::iter(work).buffer_unordered(concurrency);
            while work.try_next().await?.is_some() {
                done += 1;
                progress.reindexed(done as f32 / total.max(done) as f32);
            }
        }
        crate::faults::point("reindex.optimize").await?;
        services.vectors.optimize(generation).await?;
        progress.enter(JobStage::Swap);
        crate::faults::point("reindex.swap.before").await?;
        match services.metadata.swap_generation(leased.job.id, &leased.token, generation).await? {
            SwapOutcome::Swapped => break,
            SwapOutcome::Incomplete(_) => {}
        }
    }
    crate::faults::point("reindex.swap.after").await?;
    collect_old_generations(services).await
}

/// Indexes one version in the generation that is being built. A version that was deleted or replaced meanwhile is
/// passed over: its purge may have taken the original away already, and nobody asks for it any more.
async fn index_version(
    services: &IngestServices,
    source: &ActiveVersion,
    generation: GenerationNumber,
) -> Result<(), IngestError> {
    let (document, version) = (source.document_id, source.version);
    let Err(error) = write_version(services, source, generation).await else { return Ok(()) };
    if is_active(services, source).await? {
        return Err(IngestError::Document { name: source.name.clone(), document, source: Box::new(error) });
    }
    tracing::info!(%document, version, %error, "a version went while it was being indexed");
    // What was written before the error may have been written behind its purge's back.
    embed::discard(services, generation, document, version).await?;
    Ok(services.blobs.delete_texts(document, Some(version)).await?)
}

/// Extracts, chunks, embeds and records one version.
async fn write_version(
    services: &IngestServices,
    source: &ActiveVersion,
    generation: GenerationNumber,
) -> Result<(), IngestError> {
    let quiet = Progress::default();
    let extracted = Arc::new(store::extract(services, source).await?);
    let chunks = chunk_version(services, source, &extracted, generation).await?;
    embed::embed_and_upsert(services, source, generation, &chunks, &quiet).await?;
    crate::faults::point("reindex.written").await?;
    services.metadata.record_chunks(generation, source.document_id, source.version, chunks).await?;
    Ok(crate::faults::point("reindex.recorded").await?)
}

async fn is_active(services: &IngestServices, source: &ActiveVersion) -> Result<bool, IngestError> {
    match services.metadata.document(source.document_id).await {
        Ok(document) => Ok(document.active.is_some_and(|active| active.version == source.version)),
        Err(MetadataStoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Drops every retired generation but the newest, which may still answer a question that began before the swap.
async fn collect_old_generations(services: &IngestServices) -> Result<(), IngestError> {
    let generations = services.metadata.generations().await?;
    let retired: Vec<_> = generations.iter().filter(|g| g.state == GenerationState::Retired).collect();
    for old in retired.iter().rev().skip(1) {
        services.vectors.drop_generation(old.number).await?;
        crate::faults::point("collect.vectors").await?;
        services.blobs.delete_texts_of_generation(old.number).await?;
        crate::faults::point("collect.texts").await?;
        services.metadata.forget_generation(old.number).await?;
        crate::faults::point("collect.rows").await?;
    }
    Ok(())
}
