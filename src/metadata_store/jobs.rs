//! The durable queue: its order, leases, and how a job ends.
//!
//! May depend on `domain`. Jobs come into being with what they are for, in one transaction: through the other traits.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{JobSignal, ListPage, StoreResult};
use crate::domain::{Access, DocumentId, Job, JobId, JobKind, JobStage, JobState, QueuedJobs};

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobQuery {
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this kind.
    pub kind: Option<JobKind>,
    /// Only of this document.
    pub document_id: Option<DocumentId>,
    /// Only of documents that this reads.
    pub access: Access,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// A job that a worker has taken, and until when it is the worker's own.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedJob {
    /// The job, running.
    pub job: Job,
    /// Proves the lease; a job that was taken over by another worker has another token.
    pub token: String,
}

/// The durable queue.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Takes the first job in the order of the queue that is queued and due, or running with an expired lease, and
    /// leases it for `lease`. The order is that of arrival, where a job counts as come later by what its priority makes
    /// it wait for others ([`JobPriority::waits_for_others`](crate::domain::JobPriority::waits_for_others)). `None` when
    /// there is none. Two callers never get the same job. An expired job that has used up its attempts is failed
    /// instead, with a reason, and so is its version.
    async fn lease_job(&self, kinds: &[JobKind], lease: Duration) -> StoreResult<Option<LeasedJob>>;

    /// Extends the lease and records where the job stands. `LeaseLost` when it is no longer the caller's, also
    /// because it was cancelled.
    async fn heartbeat(
        &self,
        job: JobId,
        token: &str,
        lease: Duration,
        stage: JobStage,
        progress: f32,
    ) -> StoreResult<()>;

    /// Records what a running job has to report, in place of what it reported before: a JSON object of at most 64 KiB.
    /// It is kept when the job has ended. `LeaseLost` when the job is no longer the caller's.
    async fn report_job(&self, job: JobId, token: &str, report: &serde_json::Value) -> StoreResult<()>;

    /// Something to wait for between two looks into the queue.
    async fn job_signal(&self) -> JobSignal;

    /// Records a failed attempt. With `retry_at` and attempts left the job is queued again; otherwise it fails, and
    /// so does its version, if it was pending.
    async fn fail_job(&self, job: JobId, token: &str, error: &str, retry_at: Option<DateTime<Utc>>) -> StoreResult<()>;

    /// Records that a `purge`, `reindex` or `deliver` job is done. What a delivery has sent is forgotten.
    async fn succeed_job(&self, job: JobId, token: &str) -> StoreResult<()>;

    /// Puts a leased job back into the queue until `retry_at`, with what kept it from being done, without counting the
    /// attempt: a store is away, which says nothing about the job.
    async fn postpone_job(&self, job: JobId, token: &str, error: &str, retry_at: DateTime<Utc>) -> StoreResult<()>;

    /// Puts a leased job back into the queue without counting the attempt: the worker is stopping.
    async fn release_job(&self, job: JobId, token: &str) -> StoreResult<()>;

    /// A job; `NotFound` otherwise.
    async fn job(&self, id: JobId) -> StoreResult<Job>;

    /// Jobs, newest first.
    async fn jobs(&self, query: JobQuery) -> StoreResult<ListPage<Job>>;

    /// Cancels a job that has not ended (a running one loses its lease). `Conflict` when it has ended, or when it is
    /// a purge. The version of a cancelled ingestion fails.
    async fn cancel_job(&self, id: JobId) -> StoreResult<Job>;

    /// Queues a failed or cancelled job again, with fresh attempts; its version is pending again. `Conflict` when the
    /// job is not failed or cancelled, when its version is no longer the newest, or when what it would deliver is gone.
    async fn retry_job(&self, id: JobId) -> StoreResult<Job>;

    /// The jobs that wait or run, of each kind that has any.
    async fn queue(&self) -> StoreResult<Vec<QueuedJobs>>;

    /// Makes every job that is leased available at once: for the embedded database, which has one process, so that
    /// what a killed process left is taken up right after a start.
    async fn expire_leases(&self) -> StoreResult<u64>;
}
