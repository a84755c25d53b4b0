//! Entries of the audit log: who did what, and when.
//!
//! May depend on the other modules of `domain` only.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AuditEntryId;

/// Something that was done, or refused. There is no text of documents in it, and none of questions unless it was
/// configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its identifier.
    pub id: AuditEntryId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: the id of an API key, `configured` for the key of the configuration, `local` for who needed none, or
    /// `command line`.
    pub actor: String,
    /// What: the operation of the API, such as `delete_document`.
    pub action: String,
    /// Of what: an id, where the request names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it ended: the HTTP status.
    pub status: u16,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The request's identifier in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What else is known: ids, counts, names of collections.
    #[schema(value_type = Object)]
    pub details: serde_json::Map<String, serde_json::Value>,
}
