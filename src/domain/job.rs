//! Background jobs: ingestion, purging, reindexing, and the delivery of outcomes.
//!
//! May depend on the other modules of `domain` only.

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
    /// When the job was enqueued.
    pub created_at: DateTime<Utc>,
    /// When the job last changed.
    pub updated_at: DateTime<Utc>,
}
