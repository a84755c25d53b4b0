//! The audit log: entries are added and, when they are old, removed; none is ever changed.
//!
//! May depend on `domain`. The databases themselves refuse changes to what was written.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{ListPage, StoreResult};
use crate::domain::AuditEntry;

/// An entry to be added.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewAuditEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// Of what.
    pub subject: Option<String>,
    /// How it ended: the HTTP status.
    pub status: u16,
    /// Where the request came from.
    pub address: Option<String>,
    /// The request's identifier in the log.
    pub request_id: Option<String>,
    /// What else is known.
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// Which entries to read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AuditQuery {
    /// Only of this actor.
    pub actor: Option<String>,
    /// Only of this action.
    pub action: Option<String>,
    /// Only about this.
    pub subject: Option<String>,
    /// Only from this time on.
    pub from: Option<DateTime<Utc>>,
    /// Only before this time.
    pub until: Option<DateTime<Utc>>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// The audit log.
#[async_trait]
pub trait AuditLogStore: Send + Sync + 'static {
    /// Adds entries, all of them or none, in this order. The actor, the action and the rest are cut to 1,024 bytes each, so
    /// that what a request says of itself cannot keep it out of the log.
    async fn add_audit_entries(&self, entries: &[NewAuditEntry]) -> StoreResult<()>;

    /// Entries, newest first.
    async fn audit_entries(&self, query: AuditQuery) -> StoreResult<ListPage<AuditEntry>>;

    /// Removes the entries from before `before`; says how many that were.
    async fn forget_audit_entries(&self, before: DateTime<Utc>) -> StoreResult<u64>;
}
