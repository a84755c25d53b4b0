//! Connectors and their items.

use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, corrupt, count, word};
use crate::{
    domain::{ConnectorKind, ConnectorState, DocumentId, ItemFailure, LastPass, PassOutcome, PassReport},
    metadata_store::{KnownItem, MetadataStoreError, SeenItem, StoreResult},
};

/// The columns of [`LastPassRow`], of `connectors c`, by the present time.
macro_rules! last_pass_columns {
    ($now:literal) => {
        concat!(
            "c.name, c.kind, (c.lease_token IS NOT NULL AND c.lease_expires_at > ",
            $now,
            ") AS running, c.outcome, c.report, \
             CASE WHEN c.outcome = 'complete' THEN c.ended_at ELSE c.succeeded_before END AS succeeded_at"
        )
    };
}
pub(in crate::metadata_store) use last_pass_columns;

/// The query for the [`LastPassRow`] of every connector.
macro_rules! select_last_passes {
    ($now:literal) => {
        concat!("SELECT ", rows::last_pass_columns!($now), " FROM connectors c ORDER BY c.name")
    };
}
pub(in crate::metadata_store) use select_last_passes;

/// The query for the [`ConnectorRow`] of every connector, with counts of its items.
macro_rules! select_connectors {
    ($now:literal) => {
        concat!(
            "SELECT ",
            rows::last_pass_columns!($now),
            ", c.pass, (c.requested IS NOT NULL) AS requested, c.begun_at, c.ended_at, c.error, c.due_at, \
             (SELECT COUNT(*) FROM connector_items i WHERE i.connector = c.name) AS items, \
             (SELECT COUNT(*) FROM connector_items i JOIN documents d ON d.id = i.document_id AND d.deleted_at IS NULL \
             WHERE i.connector = c.name) AS documents, \
             (SELECT COUNT(*) FROM connector_items i WHERE i.connector = c.name AND (i.error IS NOT NULL \
             OR EXISTS (SELECT 1 FROM documents d JOIN versions v ON v.document_id = d.id WHERE d.id = i.document_id \
             AND d.deleted_at IS NULL AND v.version = i.version AND v.state = 'failed'))) AS failed, \
             (SELECT COUNT(*) FROM connector_items i WHERE i.connector = c.name AND i.document_id IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = i.document_id AND d.deleted_at IS NULL)) \
             AS deleted_here FROM connectors c ORDER BY c.name"
        )
    };
}
pub(in crate::metadata_store) use select_connectors;

/// The columns of [`FailureRow`]: what was not taken over, and what was and could not be ingested. The conditions on the
/// connector and the item follow.
pub(in crate::metadata_store) const FAILURES: &str = "SELECT i.item, i.document_id, \
    COALESCE(i.error, j.error, 'it could not be ingested') AS error, i.changed_at FROM connector_items i \
    LEFT JOIN documents d ON d.id = i.document_id AND d.deleted_at IS NULL \
    LEFT JOIN versions v ON v.document_id = d.id AND v.version = i.version AND v.state = 'failed' \
    LEFT JOIN jobs j ON j.document_id = v.document_id AND j.version = v.version AND j.kind = 'ingest' \
    WHERE (i.error IS NOT NULL OR v.state IS NOT NULL)";

/// The query for [`vanished`]: of which connector, and before which pass, is bound twice.
macro_rules! vanished_query {
    ($connector:literal, $pass:literal) => {
        concat!(
            "SELECT (SELECT COUNT(*) FROM connector_items i JOIN documents d ON d.id = i.document_id \
             AND d.deleted_at IS NULL WHERE i.connector = ",
            $connector,
            " AND i.pass < ",
            $pass,
            "), (SELECT COUNT(*) FROM connector_items i JOIN documents d ON d.id = i.document_id \
             AND d.deleted_at IS NULL WHERE i.connector = ",
            $connector,
            ")"
        )
    };
}
pub(in crate::metadata_store) use vanished_query;

/// The last pass of a connector.
#[derive(FromRow)]
pub(in crate::metadata_store) struct LastPassRow<At> {
    name: String,
    kind: String,
    running: bool,
    outcome: Option<String>,
    report: Option<Json<PassReport>>,
    succeeded_at: Option<At>,
}

impl<At: StoredTime> LastPassRow<At> {
    /// The last pass.
    pub(in crate::metadata_store) fn pass(self) -> StoreResult<LastPass> {
        let outcome = |found: String| word("outcome of a pass", &found, &PassOutcome::ALL, PassOutcome::as_str);
        Ok(LastPass {
            name: self.name,
            kind: connector_kind(&self.kind)?,
            running: self.running,
            outcome: self.outcome.map(outcome).transpose()?,
            report: self.report.map(|report| report.0),
            succeeded_at: self.succeeded_at.map(StoredTime::utc).transpose()?,
        })
    }
}

/// A connector.
#[derive(FromRow)]
pub(in crate::metadata_store) struct ConnectorRow<At> {
    #[sqlx(flatten)]
    last: LastPassRow<At>,
    pass: i64,
    requested: bool,
    begun_at: Option<At>,
    ended_at: Option<At>,
    error: Option<String>,
    due_at: Option<At>,
    items: i64,
    documents: i64,
    failed: i64,
    deleted_here: i64,
}

impl<At: StoredTime> ConnectorRow<At> {
    /// The connector.
    pub(in crate::metadata_store) fn state(self) -> StoreResult<ConnectorState> {
        let LastPass { name, kind, running, outcome, report, succeeded_at } = self.last.pass()?;
        Ok(ConnectorState {
            name,
            kind,
            pass: count(self.pass)?,
            running,
            requested: self.requested,
            begun_at: self.begun_at.map(StoredTime::utc).transpose()?,
            ended_at: self.ended_at.map(StoredTime::utc).transpose()?,
            outcome,
            error: self.error,
            report,
            succeeded_at,
            due_at: self.due_at.map(StoredTime::utc).transpose()?,
            items: count(self.items)?,
            documents: count(self.documents)?,
            failed: count(self.failed)?,
            deleted_here: count(self.deleted_here)?,
        })
    }
}

/// The columns of [`ItemRow`], of `connector_items`.
macro_rules! item_columns {
    () => {
        "item, fingerprint, validator, error, document_id"
    };
}
pub(in crate::metadata_store) use item_columns;

/// An item.
#[derive(FromRow)]
pub(in crate::metadata_store) struct ItemRow {
    item: String,
    fingerprint: String,
    validator: Option<String>,
    error: Option<String>,
    document_id: Option<Uuid>,
}

impl From<ItemRow> for KnownItem {
    fn from(row: ItemRow) -> Self {
        let ItemRow { item, fingerprint, validator, error, document_id } = row;
        Self { seen: SeenItem { item, fingerprint, validator, error }, document_id: document_id.map(DocumentId) }
    }
}

/// A failure.
#[derive(FromRow)]
pub(in crate::metadata_store) struct FailureRow<At> {
    item: String,
    document_id: Option<Uuid>,
    error: String,
    changed_at: At,
}

impl<At: StoredTime> FailureRow<At> {
    /// The failure.
    pub(in crate::metadata_store) fn failure(self) -> StoreResult<ItemFailure> {
        let (item, document_id, error) = (self.item, self.document_id.map(DocumentId), self.error);
        Ok(ItemFailure { item, document_id, error, at: self.changed_at.utc()? })
    }
}

/// The kind of a connector that is stored as `found`.
pub(in crate::metadata_store) fn connector_kind(found: &str) -> StoreResult<ConnectorKind> {
    word("kind of a connector", found, &ConnectorKind::ALL, ConnectorKind::as_str)
}

/// A number of a pass as the databases store it.
pub(in crate::metadata_store) fn stored_pass(number: u64) -> StoreResult<i64> {
    i64::try_from(number).map_err(|_| corrupt("number of a pass", number))
}

/// Why a pass goes no further.
pub(in crate::metadata_store) fn pass_lost(connector: &str) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!("the pass of the connector `{connector}` was lost to another process"))
}

/// Why a name keeps its kind.
pub(in crate::metadata_store) fn other_kind(name: &str, found: &str) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!(
        "the connector `{name}` followed a source of the kind {found}: give the new one another name, or remove the old \
         one with `footnote connectors remove {name}`"
    ))
}

/// `Ok` when an upload may replace the document of that name: what a connector made is changed by the connector alone,
/// and it changes nothing else. `owner` is the connector and item that made the document, if one did; `by` those that
/// upload, if it is not by hand.
pub(in crate::metadata_store) fn check_owner(
    name: &str,
    owner: Option<&(String, String)>,
    by: Option<(&str, &str)>,
) -> StoreResult<()> {
    let owner = owner.map(|(connector, item)| (connector.as_str(), item.as_str()));
    if owner == by {
        return Ok(());
    }
    Err(MetadataStoreError::Conflict(match (owner, by) {
        (Some((owner, _)), None) => format!(
            "the document `{name}` is kept in step with its source by the connector `{owner}`: change it there, or use \
             another name"
        ),
        (Some((owner, _)), Some(_)) => format!(
            "the name `{name}` is taken by a document of the connector `{owner}`: give one of them another `prefix` or \
             `collection`"
        ),
        (None, _) => format!(
            "the name `{name}` is taken by a document that was uploaded: delete it, or give the connector a `prefix`"
        ),
    }))
}

/// Why an item stays.
pub(in crate::metadata_store) fn item_seen(item: &str) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!("the item `{item}` was seen by this pass: it stays"))
}

/// `Ok` when a connector is known and no pass of it runs.
pub(in crate::metadata_store) fn check_forgettable(connector: &str, running: Option<(bool,)>) -> StoreResult<()> {
    match running {
        None => Err(super::not_found("connector", connector)),
        Some((true,)) => Err(MetadataStoreError::Conflict(format!(
            "a pass of the connector `{connector}` runs: try again when it has ended"
        ))),
        Some((false,)) => Ok(()),
    }
}
