//! Background jobs: ingestion, purging, reindexing, and the delivery of outcomes.
//!
//! May depend on the other modules of `domain` only.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, GenerationNumber, JobId};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Make one uploaded version of a document searchable.
    Ingest,
    /// Remove the vectors and files that a deleted or replaced version left.
    Purge,
    /// Build a new generation of the index from the stored originals.
    Reindex,
    /// Send an outcome to a webhook.
    Deliver,
}

impl JobKind {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Purge => "purge",
            Self::Reindex => "reindex",
            Self::Deliver => "deliver",
        }
    }
}

/// Whose turn it is in the queue.
///
/// A job stands where it would stand had it come later by [`JobPriority::waits_for_others`]: one of high priority goes
/// before all of normal priority that came in the day before, and nothing waits for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobPriority {
    /// Somebody waits for it.
    High,
    /// One of a few.
    #[default]
    Normal,
    /// One of many, which can wait.
    Low,
}

impl JobPriority {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// How much later a job may come and still go before one of this priority, at most.
    pub fn waits_for_others(self) -> Duration {
        match self {
            Self::High => Duration::ZERO,
            Self::Normal => Duration::from_secs(24 * 60 * 60),
            Self::Low => Duration::from_secs(7 * 24 * 60 * 60),
        }
    }

    /// The priority of what comes in a request with so many files, unless the user says another.
    pub fn of_request(files: usize) -> Self {
        if files > MANY_FILES { Self::Low } else { Self::Normal }
    }
}

impl std::str::FromStr for JobPriority {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let known = [Self::High, Self::Normal, Self::Low];
        known
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or_else(|| format!("there is no priority `{word}`: use high, normal or low"))
    }
}

/// A request with more files is a load and no upload that somebody waits for.
const MANY_FILES: usize = 10;

/// What a reindex is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReindexOptions {
    /// Bring the generation before the active one up to date and activate it, in place of building a new one.
    #[serde(default)]
    pub rollback: bool,
    /// Activate the new generation also when the canary questions find less with it; one that was built and refused for
    /// that is not built again.
    #[serde(default)]
    pub accept_worse: bool,
    /// Compute every vector, also of passages that have one by the same embedder.
    #[serde(default)]
    pub embed_all: bool,
}

/// The jobs of a kind that are not done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueuedJobs {
    /// The kind.
    pub kind: JobKind,
    /// So many could be begun now.
    pub due: u64,
    /// So many wait for a time: for a retry, or for a writer to finish.
    pub later: u64,
    /// So many have a worker.
    pub running: u64,
    /// How long the one that has been due for the longest has been so, in seconds; 0 without one.
    pub oldest_due_seconds: f64,
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waiting for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Done.
    Succeeded,
    /// Given up: `error` says why.
    Failed,
    /// Ended by a user.
    Cancelled,
}

impl JobState {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What a running job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobStage {
    /// Not started.
    Waiting,
    /// Reading the text out of the file.
    Extract,
    /// Splitting the text into passages.
    Chunk,
    /// Computing vectors.
    Embed,
    /// Writing vectors and the metadata commit.
    Store,
    /// Checking and swapping a new generation.
    Swap,
    /// Sending to a webhook.
    Deliver,
    /// Ended.
    Done,
}

impl JobStage {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Extract => "extract",
            Self::Chunk => "chunk",
            Self::Embed => "embed",
            Self::Store => "store",
            Self::Swap => "swap",
            Self::Deliver => "deliver",
            Self::Done => "done",
        }
    }
}

/// A piece of background work, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// The job's identifier.
    pub id: JobId,
    /// What the job does.
    pub kind: JobKind,
    /// The document, for `ingest` and `purge`.
    pub document_id: Option<DocumentId>,
    /// The version of the document, for `ingest`, and for a `purge` that follows a replacement.
    pub version: Option<u32>,
    /// The generation that is being built, for `reindex`, once it is known.
    pub generation: Option<GenerationNumber>,
    /// The webhook, for `deliver`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// Its turn in the queue.
    pub priority: JobPriority,
    /// What a `reindex` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<ReindexOptions>,
    /// The state.
    pub state: JobState,
    /// What the job is doing.
    pub stage: JobStage,
    /// The part of the work that is done, 0 to 1.
    pub progress: f32,
    /// How often a worker has started the job.
    pub attempts: u32,
    /// How often a worker may start it before it fails for good.
    pub max_attempts: u32,
    /// Why the last attempt failed, in words for a person.
    pub error: Option<String>,
    /// What the job has done so far: for a `reindex` what was built, what was checked and how many seconds are left, for
    /// a `purge` what was removed, for an `ingest` how many passages kept their vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub report: Option<serde_json::Value>,
    /// When the job was enqueued.
    pub created_at: DateTime<Utc>,
    /// When the job last changed.
    pub updated_at: DateTime<Utc>,
}
