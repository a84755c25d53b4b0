//! Entries of the audit log.

use serde_json::{Map, Value};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, corrupt};
use crate::{
    domain::{AuditEntry, AuditEntryId},
    metadata_store::StoreResult,
};

/// The columns of [`AuditRow`], of `audit_log`.
macro_rules! audit_columns {
    () => {
        "id, at, actor, action, subject, status, address, request_id, details"
    };
}
pub(in crate::metadata_store) use audit_columns;

/// An entry.
#[derive(FromRow)]
pub(in crate::metadata_store) struct AuditRow<At> {
    id: Uuid,
    at: At,
    actor: String,
    action: String,
    subject: Option<String>,
    status: i64,
    address: Option<String>,
    request_id: Option<String>,
    details: Json<Map<String, Value>>,
}

impl<At: StoredTime> AuditRow<At> {
    /// The entry.
    pub(in crate::metadata_store) fn entry(self) -> StoreResult<AuditEntry> {
        Ok(AuditEntry {
            id: AuditEntryId(self.id),
            at: self.at.utc()?,
            actor: self.actor,
            action: self.action,
            subject: self.subject,
            status: u16::try_from(self.status).map_err(|_| corrupt("status", self.status))?,
            address: self.address,
            request_id: self.request_id,
            details: self.details.0,
        })
    }
}
