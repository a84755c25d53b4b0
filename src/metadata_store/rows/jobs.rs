//! Jobs and their leases.

use serde_json::Value;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, count, job_kind, job_priority, job_stage, job_state, number};
use crate::{
    domain::{DocumentId, Job, JobId, JobKind, JobPriority, JobState, QueuedJobs, ReindexOptions},
    metadata_store::{MetadataStoreError, StoreResult},
};

/// Why an ingestion ended that a newer upload overtook.
pub(in crate::metadata_store) const NEWER_VERSION: &str = "a newer version was uploaded before this one was ready";

/// Why the jobs of a deleted document ended.
pub(in crate::metadata_store) const DOCUMENT_DELETED: &str = "the document was deleted";

/// Why a purge of what failed attempts had left was not needed.
pub(in crate::metadata_store) const BEGUN_AGAIN: &str = "the ingestion was begun again, and overwrites what was left";

/// Why the deliveries of a deleted conversation ended.
pub(in crate::metadata_store) const CONVERSATION_DELETED: &str = "the conversation was deleted";

/// Why a delivery ended that quotes a deleted document.
pub(in crate::metadata_store) const QUOTED_DOCUMENT_DELETED: &str = "a document that it quotes was deleted";

/// A row of the queue: kind, due, later and running jobs, and for how many seconds the oldest due one has been so.
pub(in crate::metadata_store) type QueueRow = (String, i64, i64, i64, f64);

/// What a row of the queue says.
pub(in crate::metadata_store) fn queued((kind, due, later, running, oldest): QueueRow) -> StoreResult<QueuedJobs> {
    Ok(QueuedJobs {
        kind: job_kind(&kind)?,
        due: count(due)?,
        later: count(later)?,
        running: count(running)?,
        oldest_due_seconds: oldest.max(0.0),
    })
}

/// How often a worker may start a job before it fails for good.
///
/// An ingestion that kills its worker must not do so for long. A purge or a reindex has nobody who would upload
/// again, so it bears with a vector store that is away for a while; a delivery with a receiver that is away for hours.
pub(in crate::metadata_store) fn max_attempts(kind: JobKind) -> i64 {
    match kind {
        JobKind::Ingest => 3,
        JobKind::Purge | JobKind::Reindex | JobKind::Deliver => 10,
    }
}

/// How much later a job of this priority stands than it came, in microseconds.
pub(in crate::metadata_store) fn waits_for_others(priority: JobPriority) -> i64 {
    i64::try_from(priority.waits_for_others().as_micros()).unwrap_or(i64::MAX)
}

/// Why a job whose lease ran out for the last time has failed.
pub(in crate::metadata_store) fn exhausted_reason(attempts: i64, last: Option<&str>) -> String {
    let what = format!("the worker stopped {attempts} times without a result: it was killed, or ran out of memory");
    match last {
        Some(error) => format!("{what}; the error before that was: {error}"),
        None => what,
    }
}

/// The columns of [`JobRow`], of `jobs`.
macro_rules! job_columns {
    () => {
        "id, kind, document_id, version, generation, webhook, priority, options, state, stage, progress, attempts, \
         max_attempts, error, report, created_at, updated_at"
    };
}
pub(in crate::metadata_store) use job_columns;

/// A job.
#[derive(FromRow)]
pub(in crate::metadata_store) struct JobRow<At> {
    id: Uuid,
    kind: String,
    document_id: Option<Uuid>,
    version: Option<i64>,
    generation: Option<i64>,
    webhook: Option<String>,
    priority: String,
    options: Option<Json<ReindexOptions>>,
    state: String,
    stage: String,
    progress: f32,
    attempts: i64,
    max_attempts: i64,
    error: Option<String>,
    report: Option<Json<Value>>,
    created_at: At,
    updated_at: At,
}

impl<At: StoredTime> JobRow<At> {
    /// The job.
    pub(in crate::metadata_store) fn job(self) -> StoreResult<Job> {
        Ok(Job {
            id: JobId(self.id),
            kind: job_kind(&self.kind)?,
            document_id: self.document_id.map(DocumentId),
            version: self.version.map(|version| number("version", version)).transpose()?,
            generation: self.generation,
            webhook: self.webhook,
            priority: job_priority(&self.priority)?,
            options: self.options.map(|options| options.0),
            state: job_state(&self.state)?,
            stage: job_stage(&self.stage)?,
            progress: self.progress,
            attempts: number("number of attempts", self.attempts)?,
            max_attempts: number("number of attempts", self.max_attempts)?,
            error: self.error,
            report: self.report.map(|report| report.0),
            created_at: self.created_at.utc()?,
            updated_at: self.updated_at.utc()?,
        })
    }
}

/// The columns of [`LeaseRow`], of `jobs`.
macro_rules! lease_columns {
    () => {
        "kind, document_id, version, state, attempts, max_attempts, error, lease_token"
    };
}
pub(in crate::metadata_store) use lease_columns;

/// What decides whether a job may be changed, and by whom.
#[derive(FromRow)]
pub(in crate::metadata_store) struct LeaseRow {
    kind: String,
    /// The document.
    pub(in crate::metadata_store) document_id: Option<Uuid>,
    /// The version of the document.
    pub(in crate::metadata_store) version: Option<i64>,
    state: String,
    /// How often a worker has started the job.
    pub(in crate::metadata_store) attempts: i64,
    /// How often a worker may start it.
    pub(in crate::metadata_store) max_attempts: i64,
    /// Why the attempt before failed.
    pub(in crate::metadata_store) error: Option<String>,
    lease_token: Option<Uuid>,
}

impl LeaseRow {
    /// What the job does.
    pub(in crate::metadata_store) fn kind(&self) -> StoreResult<JobKind> {
        job_kind(&self.kind)
    }

    /// The state.
    pub(in crate::metadata_store) fn state(&self) -> StoreResult<JobState> {
        job_state(&self.state)
    }

    /// Whether `token` is that of the last lease, which may have ended.
    pub(in crate::metadata_store) fn was_leased_with(&self, token: &str) -> bool {
        self.lease_token.is_some() && self.lease_token == Uuid::try_parse(token).ok()
    }

    /// `Ok` when `token` proves that the job is the caller's now.
    pub(in crate::metadata_store) fn check_held(&self, job: JobId, token: &str) -> StoreResult<()> {
        if self.state()? == JobState::Running && self.was_leased_with(token) {
            Ok(())
        } else {
            Err(MetadataStoreError::LeaseLost(job))
        }
    }

    /// `Ok` when the job ends by just saying so: an ingestion ends with its commit.
    pub(in crate::metadata_store) fn check_may_just_succeed(&self, job: JobId) -> StoreResult<()> {
        match self.kind()? {
            JobKind::Purge | JobKind::Reindex | JobKind::Deliver => Ok(()),
            JobKind::Ingest => conflict(format!("job {job} is an ingestion: it ends with its commit")),
        }
    }

    /// `Ok` when the job builds generations.
    pub(in crate::metadata_store) fn check_is_reindex(&self, job: JobId) -> StoreResult<()> {
        match self.kind()? {
            JobKind::Reindex => Ok(()),
            JobKind::Ingest | JobKind::Purge | JobKind::Deliver => conflict(format!("job {job} is not a reindex")),
        }
    }

    /// `Ok` when a user may cancel the job. A purge is not optional: what was deleted has to go.
    pub(in crate::metadata_store) fn check_may_be_cancelled(&self, job: JobId) -> StoreResult<()> {
        let state = self.state()?;
        match self.kind()? {
            _ if state.is_final() => conflict(format!("job {job} has ended already: it is {}", state.as_str())),
            JobKind::Purge => conflict(format!("job {job} is a purge, which cannot be cancelled")),
            JobKind::Ingest | JobKind::Reindex | JobKind::Deliver => Ok(()),
        }
    }

    /// `Ok` when the job may be queued again.
    pub(in crate::metadata_store) fn check_may_be_retried(&self, job: JobId) -> StoreResult<()> {
        match self.state()? {
            JobState::Failed | JobState::Cancelled => Ok(()),
            state => {
                conflict(format!("job {job} is {}: only a failed or cancelled job can be retried", state.as_str()))
            }
        }
    }

    /// The version that an ingestion is about.
    pub(in crate::metadata_store) fn ingested(&self) -> StoreResult<Option<(Uuid, i64)>> {
        Ok(match self.kind()? {
            JobKind::Ingest => self.document_id.zip(self.version),
            JobKind::Purge | JobKind::Reindex | JobKind::Deliver => None,
        })
    }
}

fn conflict(why: String) -> StoreResult<()> {
    Err(MetadataStoreError::Conflict(why))
}

/// Why a delivery is not queued again.
pub(in crate::metadata_store) fn nothing_to_deliver(job: JobId) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!(
        "what job {job} would deliver is gone: its conversation or a document that it quotes was deleted, or it is too old"
    ))
}

/// Why a second reindex is not enqueued.
pub(in crate::metadata_store) fn another_reindex(open: JobId) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!(
        "job {open} is a reindex that was asked for in another way: cancel it, or wait until it has ended"
    ))
}

/// Why an ingestion is not begun again at this moment.
pub(in crate::metadata_store) fn being_purged(document: Uuid, version: i64) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!(
        "what failed attempts left of version {version} of {} is being removed: retry in a moment",
        DocumentId(document)
    ))
}

/// Why the job of an older version is not queued again.
pub(in crate::metadata_store) fn not_the_newest(job: JobId) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!(
        "job {job} ingests a version that was replaced or deleted since: upload the file again"
    ))
}
