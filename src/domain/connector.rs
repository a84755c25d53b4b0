//! Connectors: sources whose documents are kept in step with, and where each of them stands.
//!
//! May depend on the other modules of `domain` only.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::DocumentId;

/// What a connector follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    /// A folder, watched for changes.
    Folder,
    /// A bucket of an object store.
    Bucket,
    /// A website, by its sitemap.
    Sitemap,
    /// A branch of a Git repository.
    Git,
}

impl ConnectorKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Folder, Self::Bucket, Self::Sitemap, Self::Git];

    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Bucket => "bucket",
            Self::Sitemap => "sitemap",
            Self::Git => "git",
        }
    }
}

/// How a pass over a source ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PassOutcome {
    /// Everything that the source holds was looked at, and what it does not hold any more was deleted.
    Complete,
    /// As above, but so much has vanished at once that nothing was deleted: somebody has to confirm it.
    HeldBack,
    /// The source could not be listed to its end. What was found was taken over, and nothing was deleted.
    Failed,
    /// The process stopped meanwhile; the next pass goes on.
    Stopped,
}

impl PassOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Complete, Self::HeldBack, Self::Failed, Self::Stopped];

    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::HeldBack => "held_back",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// What a pass did, in items of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct PassReport {
    /// Items that the source listed.
    pub listed: u64,
    /// Items that are as they were.
    pub unchanged: u64,
    /// Items that became a document.
    pub added: u64,
    /// Items that became another version of their document.
    pub changed: u64,
    /// Documents that were deleted, because the source does not hold their items any more.
    pub deleted: u64,
    /// Items that could not be taken over; the failures say why.
    pub failed: u64,
    /// What the source holds and is not followed: hidden files, links, what the patterns leave out.
    pub passed_over: u64,
    /// Items that the source listed and does not have: they count as vanished.
    pub missing: u64,
    /// Items that changed a moment ago, and are looked at again soon.
    pub unsettled: u64,
    /// Documents that were not deleted although their items have vanished, because they are too many at once.
    pub held_back: u64,
}

/// The last pass of a connector: what is told of it often, because no items are counted for it.
#[derive(Debug, Clone, PartialEq)]
pub struct LastPass {
    /// The connector's name.
    pub name: String,
    /// What it follows.
    pub kind: ConnectorKind,
    /// A pass runs now.
    pub running: bool,
    /// How the last pass that ended did so.
    pub outcome: Option<PassOutcome>,
    /// What it did.
    pub report: Option<PassReport>,
    /// When a pass last ended as `complete`.
    pub succeeded_at: Option<DateTime<Utc>>,
}

/// Where a connector stands, as it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConnectorState {
    /// The name, unique in the installation.
    pub name: String,
    /// What it follows.
    pub kind: ConnectorKind,
    /// The number of passes that were begun.
    pub pass: u64,
    /// A pass runs now.
    pub running: bool,
    /// A pass was asked for and has not begun.
    pub requested: bool,
    /// When the last pass was begun.
    pub begun_at: Option<DateTime<Utc>>,
    /// When the last pass that ended did so.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Option<PassOutcome>,
    /// Why it ended so.
    pub error: Option<String>,
    /// What it did.
    pub report: Option<PassReport>,
    /// When a pass last ended as `complete`.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When the next pass is due; at once when absent.
    pub due_at: Option<DateTime<Utc>>,
    /// Items of the source that are known.
    pub items: u64,
    /// Documents that were made of them.
    pub documents: u64,
    /// Items that could not be taken over or ingested.
    pub failed: u64,
    /// Items whose document was deleted here: they stay away until they change at the source.
    pub deleted_here: u64,
}

/// An item that could not be taken over or ingested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemFailure {
    /// What the source calls it.
    pub item: String,
    /// Its document, which may have an older version that is still searched; absent when there is none.
    pub document_id: Option<DocumentId>,
    /// What happened.
    pub error: String,
    /// When that was recorded.
    pub at: DateTime<Utc>,
}
