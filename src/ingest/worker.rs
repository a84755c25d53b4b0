//! Taking jobs from the durable queue and doing them, several at a time.
//!
//! A job is held by a lease that a heartbeat extends; a job that was cancelled loses its lease, and its work is
//! dropped where it stands. A worker that is asked to stop puts its jobs back. May depend on everything else in
//! `ingest`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{IngestError, IngestServices, Progress, embed, ingest_version, purge, reindex};
use crate::{
    domain::{JobKind, JobState},
    metadata_store::{CommitOutcome, LeasedJob, MetadataStoreError},
    telemetry::metrics::JobEnd,
};

/// How long a lease lasts without a heartbeat.
const LEASE: Duration = Duration::from_secs(60);
/// How often a heartbeat is sent while the stage does not change.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How soon a job is tried again that waits for a store or for room on a disk.
const AGAIN: TimeDelta = TimeDelta::seconds(30);
/// How old a job becomes that waits for such. Then its attempts are counted as for any other failure.
const OUTAGE: TimeDelta = TimeDelta::days(7);
/// How long an idle worker waits before it looks again for jobs that other processes enqueued.
const POLL: Duration = Duration::from_millis(500);

/// Takes jobs and does them.
pub struct Worker {
    services: IngestServices,
    concurrency: usize,
    kinds: Vec<JobKind>,
    /// Something was ingested since the index was last brought into shape.
    untidy: AtomicBool,
    /// A reindex runs in this worker.
    reindexing: AtomicBool,
}

/// The place of a reindex, free again when this is dropped.
struct Place(Arc<Worker>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.reindexing.store(false, Ordering::Release);
    }
}

impl Worker {
    /// A worker that does up to `concurrency` jobs of all kinds at a time, and a reindex beside them.
    pub fn new(services: IngestServices, concurrency: usize) -> Self {
        Self {
            services,
            concurrency,
            kinds: vec![JobKind::Purge, JobKind::Ingest, JobKind::Reindex],
            untidy: AtomicBool::new(false),
            reindexing: AtomicBool::new(false),
        }
    }

    /// Only takes jobs of these kinds.
    pub fn only(mut self, kinds: &[JobKind]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }

    /// Works until `stop` is cancelled. Jobs that are under way then go back to the queue.
    pub async fn run(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        let signal = worker.services.metadata.job_signal().await;
        let mut tasks = JoinSet::new();
        while !stop.is_cancelled() {
            let idle = !worker.take_job(&mut tasks, &stop).await;
            if idle && tasks.is_empty() && worker.untidy.swap(false, Ordering::Relaxed) {
                let worker = worker.clone();
                tasks.spawn(async move { worker.tidy().await });
            }
            if idle {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = worker.services.wake.notified() => {}
                    () = signal.heard() => {}
                    Some(ended) = tasks.join_next() => log_panic(ended),
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
        while let Some(ended) = tasks.join_next().await {
            log_panic(ended);
        }
    }

    /// Works until the queue holds nothing that could be done now and everything taken has ended.
    pub async fn drain(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        let mut tasks = JoinSet::new();
        loop {
            while !stop.is_cancelled() && worker.take_job(&mut tasks, &stop).await {}
            match tasks.join_next().await {
                Some(ended) => log_panic(ended),
                None => return,
            }
        }
    }

    /// Takes the next job, if there is one and room for it. A reindex has a place of its own: it may run for hours, and
    /// uploads do not wait for it.
    async fn take_job(self: &Arc<Self>, tasks: &mut JoinSet<()>, stop: &CancellationToken) -> bool {
        let reindexing = self.reindexing.load(Ordering::Acquire);
        let full = tasks.len() - usize::from(reindexing).min(tasks.len()) >= self.concurrency;
        let open = |kind: &JobKind| if *kind == JobKind::Reindex { !reindexing } else { !full };
        let kinds: Vec<JobKind> = self.kinds.iter().copied().filter(open).collect();
        if kinds.is_empty() {
            return false;
        }
        match self.services.metadata.lease_job(&kinds, LEASE).await {
            Ok(Some(leased)) => {
                let is_reindex = leased.job.kind == JobKind::Reindex;
                if is_reindex {
                    self.reindexing.store(true, Ordering::Release);
                }
                let (worker, stop) = (self.clone(), stop.clone());
                tasks.spawn(async move {
                    // Also when the job panics.
                    let _place = is_reindex.then(|| Place(worker.clone()));
                    worker.run_job(leased, stop).await;
                });
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::error!(%error, "cannot take a job");
                false
            }
        }
    }

    /// Does a job, in a trace of its own: who enqueued it is not waiting for it.
    async fn run_job(&self, leased: LeasedJob, stop: CancellationToken) {
        let (kind, job) = (leased.job.kind, leased.job.id);
        let span = tracing::info_span!(
            parent: None,
            "job",
            otel.name = kind.as_str(),
            %job,
            attempt = leased.job.attempts,
            document = leased.job.document_id.map(tracing::field::display),
            version = leased.job.version,
            otel.status_code = tracing::field::Empty,
        );
        if let Some(end) = self.end_job(leased, stop).instrument(span.clone()).await {
            self.services.metrics.job(kind, end);
            if matches!(end, JobEnd::Failed | JobEnd::Retried) {
                span.record("otel.status_code", "ERROR");
            }
        }
    }

    /// How the job ended; `None` for one that went back to the queue because this worker stops.
    async fn end_job(&self, leased: LeasedJob, stop: CancellationToken) -> Option<JobEnd> {
        let (id, token) = (leased.job.id, leased.token.clone());
        let metadata = &self.services.metadata;
        let progress = Progress::default();
        let result = tokio::select! {
            result = self.work(&leased, &progress) => result,
            lost = self.keep_lease(&leased, &progress) => return Some(self.drop_job(&leased, &lost).await),
            () = stop.cancelled() => {
                if let Err(error) = metadata.release_job(id, &token).await {
                    tracing::warn!(job = %id, %error, "cannot put the job back: it is taken up when its lease ends");
                }
                return None;
            }
        };
        let error = match result {
            Ok(end) => return Some(end),
            // Found out before the next heartbeat.
            Err(IngestError::Metadata(lost @ MetadataStoreError::LeaseLost(_))) => {
                return Some(self.drop_job(&leased, &lost).await);
            }
            Err(error) => error,
        };
        if error.is_outage() && Utc::now() - leased.job.created_at < OUTAGE {
            // It says nothing about the job, whose attempts are for what it does to its worker.
            tracing::warn!(job = %id, error = error.for_the_log(), "the job waits until what it needs is back");
            let retry_at = Utc::now() + AGAIN;
            if let Err(failure) = metadata.postpone_job(id, &token, &error.to_string(), retry_at).await {
                tracing::warn!(job = %id, error = %failure, "cannot put the job back: the lease will run out");
            }
            return Some(JobEnd::Postponed);
        }
        let retry_at = error.is_transient().then(|| Utc::now() + backoff(leased.job.attempts));
        tracing::warn!(job = %id, error = error.for_the_log(), retry = retry_at.is_some(), "job failed");
        // A retry overwrites the points of this attempt, their ids being derived. Without one they go, while the
        // lease still keeps other workers out.
        let is_last = retry_at.is_none() || leased.job.attempts >= leased.job.max_attempts;
        if is_last {
            self.discard(&leased).await;
        }
        if let Err(failure) = metadata.fail_job(id, &token, &error.to_string(), retry_at).await {
            tracing::warn!(job = %id, error = %failure, "cannot record the failure: the lease will run out");
        }
        self.services.wake.notify_one();
        Some(if is_last { JobEnd::Failed } else { JobEnd::Retried })
    }

    /// Leaves a job that is no longer this worker's.
    async fn drop_job(&self, leased: &LeasedJob, lost: &MetadataStoreError) -> JobEnd {
        let id = leased.job.id;
        tracing::info!(job = %id, reason = %lost, "job dropped");
        // Only a cancelled job leaves points that nobody will use: a job that another worker took over writes the same
        // ones, and may have made them visible.
        if self.services.metadata.job(id).await.is_ok_and(|job| job.state == JobState::Cancelled) {
            self.discard(leased).await;
        }
        JobEnd::Dropped
    }

    async fn work(&self, leased: &LeasedJob, progress: &Progress) -> Result<JobEnd, IngestError> {
        let (job, services) = (&leased.job, &self.services);
        crate::faults::point("job.leased").await?;
        match (job.kind, job.document_id, job.version) {
            (JobKind::Ingest, Some(document), Some(version)) => {
                let outcome = ingest_version(services, leased, document, version, progress).await?;
                if outcome == CommitOutcome::Active {
                    self.untidy.store(true, Ordering::Relaxed);
                } else {
                    tracing::info!(job = %job.id, "a newer version or a delete overtook the job");
                    self.discard(leased).await;
                }
                services.wake.notify_one();
                Ok(if outcome == CommitOutcome::Active { JobEnd::Succeeded } else { JobEnd::Dropped })
            }
            (JobKind::Purge, Some(document), version) => {
                let purged = purge::purge(services, document, version).await?;
                let report = serde_json::to_value(purged).unwrap_or_default();
                services.metadata.report_job(job.id, &leased.token, &report).await?;
                services.metadata.succeed_job(job.id, &leased.token).await?;
                Ok(JobEnd::Succeeded)
            }
            (JobKind::Reindex, ..) => {
                reindex::reindex(services, leased, self.concurrency, progress).await?;
                Ok(JobEnd::Succeeded)
            }
            _ => Err(IngestError::Metadata(MetadataStoreError::Failed(format!("job {} names no document", job.id)))),
        }
    }

    /// Lets the vector store build what makes searches fast, once a run of ingestions has ended.
    async fn tidy(&self) {
        let work = async {
            if let Some(active) = self.services.metadata.active_generation().await? {
                self.services.vectors.optimize(active.number).await?;
            }
            Ok::<_, IngestError>(())
        };
        if let Err(error) = work.await {
            tracing::warn!(%error, "the index could not be optimized: searches are right, and slower than they could be");
        }
    }

    /// Extends the lease until it is lost; returns why.
    async fn keep_lease(&self, leased: &LeasedJob, progress: &Progress) -> MetadataStoreError {
        loop {
            let (stage, done) = progress.read();
            let beat = async {
                crate::faults::point("job.heartbeat").await?;
                self.services.metadata.heartbeat(leased.job.id, &leased.token, LEASE, stage, done).await
            };
            match beat.await {
                Err(error @ MetadataStoreError::LeaseLost(_)) => return error,
                Err(error) => tracing::warn!(job = %leased.job.id, %error, "heartbeat failed"),
                Ok(()) => {}
            }
            tokio::select! {
                () = progress.changed.notified() => {}
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
        }
    }

    /// Removes the points of a version that did not become visible. Best effort: they are invisible, and `doctor`
    /// finds what is left.
    async fn discard(&self, leased: &LeasedJob) {
        let (JobKind::Ingest, Some(document), Some(version)) =
            (leased.job.kind, leased.job.document_id, leased.job.version)
        else {
            return;
        };
        let generations = match self.services.vectors.generations().await {
            Ok(generations) => generations,
            Err(error) => return tracing::warn!(%error, "cannot remove unused vectors"),
        };
        for generation in generations {
            if let Err(error) = embed::discard(&self.services, generation, document, version).await {
                tracing::warn!(%error, generation, "cannot remove unused vectors");
            }
        }
    }
}

/// Half a minute after the first attempt, doubling, at most ten minutes.
fn backoff(attempts: u32) -> Duration {
    Duration::from_secs((30u64 << attempts.saturating_sub(1).min(5)).min(600))
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a job's task panicked: the job is taken up again when its lease ends");
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("concurrency", &self.concurrency).field("kinds", &self.kinds).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_up_to_ten_minutes() {
        let waits: Vec<u64> = (1..8).map(|attempt| backoff(attempt).as_secs()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
    }
}
