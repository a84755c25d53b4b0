//! Building a new generation of the index from the stored originals, beside the one that answers questions.
//!
//! Every active version is extracted, chunked and embedded again. What was recorded survives a kill: a second
//! run goes on with what is missing. Then the generation is verified, and swapped in by one metadata transaction, which
//! is refused while any active version is missing, so that what was uploaded meanwhile is taken in. A rollback is the
//! same with the generation before the active one in place of a new one. May depend on `domain`, the stores, `models`
//! and the other modules of `ingest`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde_json::json;

use super::{
    IndexModels, IngestError, IngestServices, Pace, Progress, canaries, chunk_version,
    embed::{self, KnownVectors},
    purge::{is_active, purge_abandoned},
    store, verify,
};
use crate::{
    domain::{Generation, GenerationState, JobStage},
    faults,
    metadata_store::{ActiveVersion, LeasedJob, SwapOutcome},
};

/// How many versions are asked for at a time.
const WINDOW: u32 = 64;
/// How often it is reported how far the work is.
const REPORT: Duration = Duration::from_secs(2);

/// A reindex that runs.
struct Run<'a> {
    services: &'a IngestServices,
    leased: &'a LeasedJob,
    generation: Generation,
    models: IndexModels,
    pace: Pace,
    /// Of this attempt.
    versions: AtomicU64,
    computed: AtomicU64,
    kept: AtomicU64,
}

/// Runs a reindex to its end.
pub async fn reindex(
    services: &IngestServices,
    leased: &LeasedJob,
    concurrency: usize,
    progress: &Progress,
) -> Result<(), IngestError> {
    let options = leased.job.options.unwrap_or_default();
    let configured = services.configured.clone();
    // A first generation must exist before another one can replace it.
    services.metadata.active_generation_or_create(&configured.stamp()).await?;
    let (id, token) = (leased.job.id, leased.token.as_str());
    let (generation, models) = if options.rollback {
        let revived = services.metadata.revive_generation(id, token).await?;
        let models = services.models_of(&revived).await?;
        (revived, models)
    } else {
        let building = services.metadata.begin_generation(id, token, &configured.stamp()).await?;
        // Known from here on, so that no question waits for it after the swap.
        services.embedders.of(&building).await?;
        (building, configured)
    };
    faults::point("reindex.begun").await?;
    if services.vectors.generations().await?.contains(&generation.number) {
        purge_abandoned(services, generation.number).await?;
    }
    services.vectors.create_generation(generation.number, models.embedder.stamp().dimension).await?;
    faults::point("reindex.created").await?;
    let pace = Pace::yielding(services.questions.clone(), services.reindex_share, concurrency);
    let (versions, computed, kept) = Default::default();
    let mut run = Run { services, leased, generation, models, pace, versions, computed, kept };
    run.fill(concurrency, progress).await?;
    faults::point("reindex.optimize").await?;
    services.vectors.optimize(run.generation.number).await?;
    progress.enter(JobStage::Swap);
    let verified = verify::verify(services, run.generation.number).await?;
    let compared = canaries::compare(services, &run.generation, &run.models).await?;
    let checked = json!({"verified": verified, "canaries": &compared});
    run.report(checked.clone()).await?;
    if let Some(why) = compared.worse().filter(|_| !options.accept_worse) {
        return Err(IngestError::WorseIndex { generation: run.generation.number, why });
    }
    // What came meanwhile is written by the same code as what was verified. It is taken in as fast as it comes, and next to
    // nothing stands between that and the swap: a steady stream of uploads would put it off for ever.
    run.pace = Pace::Full;
    loop {
        run.fill(concurrency, progress).await?;
        run.report(checked.clone()).await?;
        faults::point("reindex.swap.before").await?;
        match services.metadata.swap_generation(id, token, run.generation.number).await? {
            SwapOutcome::Swapped => break,
            SwapOutcome::Incomplete(_) => {}
        }
    }
    faults::point("reindex.swap.after").await?;
    collect_old_generations(services).await
}

impl Run<'_> {
    /// Indexes every active version that is missing, and reports how far it is.
    async fn fill(&self, concurrency: usize, progress: &Progress) -> Result<(), IngestError> {
        // Both are polled together: while one that indexes holds the connection that writes, the report waits for it.
        tokio::select! {
            filled = self.index_missing(concurrency) => filled,
            failed = self.report_progress(progress) => failed,
        }
    }

    async fn index_missing(&self, concurrency: usize) -> Result<(), IngestError> {
        loop {
            let missing = self.services.metadata.missing_versions(self.generation.number, WINDOW).await?;
            if missing.is_empty() {
                return Ok(());
            }
            let work: Vec<BoxFuture<'_, _>> = missing.iter().map(|source| self.index_version(source).boxed()).collect();
            let mut work = stream::iter(work).buffer_unordered(concurrency);
            // Nothing else is awaited in here: what has begun would not go on meanwhile.
            while work.try_next().await?.is_some() {
                self.versions.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Reports now and then, and ends with an error only.
    async fn report_progress(&self, progress: &Progress) -> Result<(), IngestError> {
        let (metadata, number, began) = (&self.services.metadata, self.generation.number, Instant::now());
        let before = self.versions.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(REPORT).await;
            // What an attempt before has recorded counts as done, and says nothing about the speed.
            let left = metadata.count_missing_versions(number).await?;
            let all = metadata.counts().await?.active_documents.max(left).max(1);
            progress.reindexed(1.0 - left as f32 / all as f32);
            let done = self.versions.load(Ordering::Relaxed) - before;
            let seconds_left = (done > 0).then(|| (began.elapsed().as_secs_f64() / done as f64 * left as f64).ceil());
            self.report(json!({"versions_left": left, "seconds_left": seconds_left})).await?;
        }
    }

    /// Reports what was done in this attempt, and `more`.
    async fn report(&self, more: serde_json::Value) -> Result<(), IngestError> {
        let mut report = json!({
            "generation": self.generation.number,
            "embedder": self.models.embedder.stamp().name,
            "versions": self.versions.load(Ordering::Relaxed),
            "vectors_computed": self.computed.load(Ordering::Relaxed),
            "vectors_kept": self.kept.load(Ordering::Relaxed),
        });
        if let (Some(report), serde_json::Value::Object(more)) = (report.as_object_mut(), more) {
            report.extend(more);
        }
        Ok(self.services.metadata.report_job(self.leased.job.id, &self.leased.token, &report).await?)
    }

    /// Indexes one version in the generation that is being built. A version that was deleted or replaced meanwhile is
    /// passed over: its purge may have taken the original away already, and nobody asks for it any more.
    async fn index_version(&self, source: &ActiveVersion) -> Result<(), IngestError> {
        let (services, document, version) = (self.services, source.document_id, source.version);
        let Err(error) = self.write_version(source).await else { return Ok(()) };
        if is_active(services, document, version).await? {
            return Err(IngestError::Document { name: source.name.clone(), document, source: Box::new(error) });
        }
        tracing::info!(%document, version, %error, "a version went while it was being indexed");
        // What was written before the error may have been written behind its purge's back.
        embed::discard(services, self.generation.number, document, version).await?;
        services.blobs.delete_texts(document, Some(version)).await?;
        Ok(())
    }

    /// Extracts, chunks, embeds and records one version.
    async fn write_version(&self, source: &ActiveVersion) -> Result<(), IngestError> {
        let (services, number, quiet) = (self.services, self.generation.number, Progress::default());
        let began = Instant::now();
        let extracted = Arc::new(store::extract(services, source).await?);
        let chunks = chunk_version(services, &self.models, source, &extracted, number).await?;
        self.pace.after(began.elapsed()).await;
        let embedder = self.models.embedder.as_ref();
        let known = match self.leased.job.options.unwrap_or_default().embed_all {
            true => KnownVectors::default(),
            false => KnownVectors::of(services, source.document_id, embedder).await?,
        };
        let at = (&quiet, &self.pace);
        let written = embed::embed_and_upsert(services, embedder, source, number, &chunks, &known, at).await?;
        self.computed.fetch_add(written.computed, Ordering::Relaxed);
        self.kept.fetch_add(written.kept, Ordering::Relaxed);
        faults::point("reindex.written").await?;
        services.metadata.record_chunks(number, source.document_id, source.version, chunks).await?;
        Ok(faults::point("reindex.recorded").await?)
    }
}

/// Drops every retired generation but the one that was active last: it may still answer a question that began before
/// the swap, and it is what a rollback goes back to.
async fn collect_old_generations(services: &IngestServices) -> Result<(), IngestError> {
    let generations = services.metadata.generations().await?;
    let mut retired: Vec<_> = generations.iter().filter(|g| g.state == GenerationState::Retired).collect();
    retired.sort_by_key(|generation| (generation.activated_at, generation.number));
    for old in retired.iter().rev().skip(1) {
        services.vectors.drop_generation(old.number).await?;
        faults::point("collect.vectors").await?;
        services.blobs.delete_texts_of_generation(old.number).await?;
        faults::point("collect.texts").await?;
        services.metadata.forget_generation(old.number).await?;
        faults::point("collect.rows").await?;
    }
    Ok(())
}
