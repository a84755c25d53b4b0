//! Connectors and what they follow.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{SqliteConnection, types::Json};
use uuid::Uuid;

use super::{SqliteStore, commit, now, settle, uploads};
use crate::{
    domain::{ConnectorKind, ConnectorState, DocumentId, ItemFailure, JobId, LastPass},
    metadata_store::{
        ConnectorStore, KnownItem, MetadataStoreError, NewUpload, Pass, PassEnd, PassWhen, Registered, SeenItem,
        StoreResult, Vanished,
        bounded::{CALL, within},
        checks,
        rows::{self, ConnectorRow, FailureRow, ItemRow, LastPassRow},
    },
};

#[async_trait]
impl ConnectorStore for SqliteStore {
    async fn add_connector(&self, name: &str, kind: ConnectorKind) -> StoreResult<()> {
        checks::connector(name)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = add(&mut transaction, name, kind).await;
            settle(transaction, result).await
        })
        .await
    }

    async fn begin_pass(&self, connector: &str, when: PassWhen, lease: Duration) -> StoreResult<Option<Pass>> {
        let lease = checks::lease(lease)?;
        within(CALL, async {
            // Looked at first: most looks find nothing that is due, and need not wait for those who write.
            let due: Option<(bool,)> = sqlx::query_as(DUE)
                .bind(connector)
                .bind(now())
                .bind(when == PassWhen::Now)
                .fetch_optional(&self.readers)
                .await?;
            match due {
                None => return Err(rows::not_found("connector", connector)),
                Some((false,)) => return Ok(None),
                Some((true,)) => {}
            }
            let mut transaction = self.write().await?;
            let result = begin(&mut transaction, connector, when, lease).await;
            settle(transaction, result).await
        })
        .await
    }

    async fn keep_pass(&self, pass: &Pass, lease: Duration) -> StoreResult<()> {
        let lease = checks::lease(lease)?;
        within(CALL, async {
            let kept = sqlx::query("UPDATE connectors SET lease_expires_at = ?3 WHERE name = ?1 AND lease_token = ?2")
                .bind(&pass.connector)
                .bind(&pass.token)
                .bind(now().saturating_add(lease))
                .execute(&self.writer)
                .await?;
            held(kept.rows_affected(), pass)
        })
        .await
    }

    async fn end_pass(&self, pass: &Pass, end: PassEnd) -> StoreResult<()> {
        let again = checks::interval(end.again_in)?;
        within(CALL, async {
            let ended = sqlx::query(
                "UPDATE connectors SET ended_at = ?3, outcome = ?4, error = ?5, report = ?6, due_at = ?7, \
                 succeeded_before = CASE WHEN outcome = 'complete' THEN ended_at ELSE succeeded_before END, \
                 lease_token = NULL, lease_expires_at = NULL WHERE name = ?1 AND lease_token = ?2",
            )
            .bind(&pass.connector)
            .bind(&pass.token)
            .bind(now())
            .bind(end.outcome.as_str())
            .bind(end.error.map(|error| checks::reason(&error)))
            .bind(Json(end.report))
            .bind(now().saturating_add(again))
            .execute(&self.writer)
            .await?;
            held(ended.rows_affected(), pass)
        })
        .await
    }

    async fn request_pass(&self, connector: &str, confirmed: bool) -> StoreResult<()> {
        checks::no_nul("the name of the connector", connector)?;
        within(CALL, async {
            let asked = sqlx::query(
                "UPDATE connectors SET requested = CASE WHEN ?2 OR requested = 'confirmed' THEN 'confirmed' \
                 ELSE 'plain' END WHERE name = ?1",
            )
            .bind(connector)
            .bind(confirmed)
            .execute(&self.writer)
            .await?;
            match asked.rows_affected() {
                0 => Err(rows::not_found("connector", connector)),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn expire_passes(&self) -> StoreResult<u64> {
        within(CALL, async {
            let expired = sqlx::query(
                "UPDATE connectors SET lease_token = NULL, lease_expires_at = NULL WHERE lease_token IS NOT NULL",
            )
            .execute(&self.writer)
            .await?;
            Ok(expired.rows_affected())
        })
        .await
    }

    async fn connectors(&self) -> StoreResult<Vec<ConnectorState>> {
        within(CALL, async {
            let found: Vec<ConnectorRow<i64>> =
                sqlx::query_as(rows::select_connectors!("?1")).bind(now()).fetch_all(&self.readers).await?;
            found.into_iter().map(ConnectorRow::state).collect()
        })
        .await
    }

    async fn last_passes(&self) -> StoreResult<Vec<LastPass>> {
        within(CALL, async {
            let found: Vec<LastPassRow<i64>> =
                sqlx::query_as(rows::select_last_passes!("?1")).bind(now()).fetch_all(&self.readers).await?;
            found.into_iter().map(LastPassRow::pass).collect()
        })
        .await
    }

    async fn known_items(&self, connector: &str, items: &[String]) -> StoreResult<Vec<KnownItem>> {
        checks::some_items(items)?;
        within(CALL, async {
            let found: Vec<ItemRow> = sqlx::query_as(concat!(
                "SELECT ",
                rows::item_columns!(),
                " FROM connector_items WHERE connector = ?1 AND item IN (SELECT value FROM json_each(?2))"
            ))
            .bind(connector)
            .bind(Json(items))
            .fetch_all(&self.readers)
            .await?;
            Ok(found.into_iter().map(KnownItem::from).collect())
        })
        .await
    }

    async fn mark_items(&self, pass: &Pass, items: &[String]) -> StoreResult<()> {
        checks::some_items(items)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let number = check_held(&mut transaction, pass).await?;
                sqlx::query(
                    "UPDATE connector_items SET pass = ?2 WHERE connector = ?1 \
                     AND item IN (SELECT value FROM json_each(?3))",
                )
                .bind(&pass.connector)
                .bind(number)
                .bind(Json(items))
                .execute(&mut *transaction)
                .await?;
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn record_item(&self, pass: &Pass, seen: SeenItem) -> StoreResult<()> {
        checks::seen_item(&seen)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let number = check_held(&mut transaction, pass).await?;
                record(&mut transaction, &pass.connector, number, &seen, None).await
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn register_item(&self, pass: &Pass, seen: SeenItem, upload: NewUpload) -> StoreResult<Registered> {
        checks::upload(&upload)?;
        checks::seen_item(&seen)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let number = check_held(&mut transaction, pass).await?;
                let by = Some((pass.connector.as_str(), seen.item.as_str()));
                let registered = uploads::register(&mut transaction, &upload, by).await?;
                delete_former(&mut transaction, pass, &seen.item, registered.document_id).await?;
                record(&mut transaction, &pass.connector, number, &seen, Some(&registered)).await?;
                Ok(registered)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn vanished(&self, pass: &Pass) -> StoreResult<Vanished> {
        let number = rows::stored_pass(pass.number)?;
        within(CALL, async {
            let (documents, of): (i64, i64) = sqlx::query_as(rows::vanished_query!("?1", "?2"))
                .bind(&pass.connector)
                .bind(number)
                .fetch_one(&self.readers)
                .await?;
            Ok(Vanished { documents: rows::count(documents)?, of: rows::count(of)? })
        })
        .await
    }

    async fn vanished_items(&self, pass: &Pass, limit: u32) -> StoreResult<Vec<String>> {
        checks::page_limit(limit)?;
        let number = rows::stored_pass(pass.number)?;
        within(CALL, async {
            Ok(sqlx::query_scalar(
                "SELECT item FROM connector_items WHERE connector = ?1 AND pass < ?2 ORDER BY item LIMIT ?3",
            )
            .bind(&pass.connector)
            .bind(number)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?)
        })
        .await
    }

    async fn drop_item(&self, pass: &Pass, item: &str) -> StoreResult<Option<JobId>> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = drop_item(&mut transaction, pass, item).await;
            settle(transaction, result).await
        })
        .await
    }

    async fn failures(&self, connector: &str, after: Option<&str>, limit: u32) -> StoreResult<Vec<ItemFailure>> {
        checks::page_limit(limit)?;
        checks::no_nul("the name of the connector", connector)?;
        checks::no_nul("`after`", after.unwrap_or_default())?;
        within(CALL, async {
            let query = format!("{} AND i.connector = ?1 AND i.item > ?2 ORDER BY i.item LIMIT ?3", rows::FAILURES);
            let found: Vec<FailureRow<i64>> = sqlx::query_as(sqlx::AssertSqlSafe(query))
                .bind(connector)
                .bind(after.unwrap_or_default())
                .bind(limit)
                .fetch_all(&self.readers)
                .await?;
            found.into_iter().map(FailureRow::failure).collect()
        })
        .await
    }

    async fn forget_connector(&self, connector: &str) -> StoreResult<()> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let running: Option<(bool,)> = sqlx::query_as(
                    "SELECT lease_token IS NOT NULL AND lease_expires_at > ?2 FROM connectors WHERE name = ?1",
                )
                .bind(connector)
                .bind(now())
                .fetch_optional(&mut *transaction)
                .await?;
                rows::check_forgettable(connector, running)?;
                sqlx::query("DELETE FROM connectors WHERE name = ?1")
                    .bind(connector)
                    .execute(&mut *transaction)
                    .await?;
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }
}

/// Whether a pass may begin: of which connector, at which time, and whether at once.
const DUE: &str = "SELECT (lease_expires_at IS NULL OR lease_expires_at <= ?2) \
    AND (?3 OR requested IS NOT NULL OR due_at IS NULL OR due_at <= ?2) FROM connectors WHERE name = ?1";

async fn add(conn: &mut SqliteConnection, name: &str, kind: ConnectorKind) -> StoreResult<()> {
    sqlx::query("INSERT INTO connectors (name, kind) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(kind.as_str())
        .execute(&mut *conn)
        .await?;
    let (found, items): (String, i64) = sqlx::query_as(
        "SELECT kind, (SELECT COUNT(*) FROM connector_items WHERE connector = ?1) FROM connectors WHERE name = ?1",
    )
    .bind(name)
    .fetch_one(&mut *conn)
    .await?;
    if found == kind.as_str() {
        return Ok(());
    }
    if items > 0 {
        return Err(rows::other_kind(name, &found));
    }
    sqlx::query("UPDATE connectors SET kind = ?2 WHERE name = ?1").bind(name).bind(kind.as_str()).execute(conn).await?;
    Ok(())
}

async fn begin(conn: &mut SqliteConnection, name: &str, when: PassWhen, lease: i64) -> StoreResult<Option<Pass>> {
    let due: Option<(bool,)> =
        sqlx::query_as(DUE).bind(name).bind(now()).bind(when == PassWhen::Now).fetch_optional(&mut *conn).await?;
    if due != Some((true,)) {
        return Ok(None);
    }
    let requested: Option<String> =
        sqlx::query_scalar("SELECT requested FROM connectors WHERE name = ?1").bind(name).fetch_one(&mut *conn).await?;
    let token = Uuid::now_v7().simple().to_string();
    let number: i64 = sqlx::query_scalar(
        "UPDATE connectors SET pass = pass + 1, begun_at = ?2, due_at = NULL, requested = NULL, lease_token = ?3, \
         lease_expires_at = ?4 WHERE name = ?1 RETURNING pass",
    )
    .bind(name)
    .bind(now())
    .bind(&token)
    .bind(now().saturating_add(lease))
    .fetch_one(conn)
    .await?;
    let confirmed = requested.as_deref() == Some("confirmed");
    Ok(Some(Pass { connector: name.to_owned(), number: rows::count(number)?, token, confirmed }))
}

/// The number of a pass that is still the caller's.
async fn check_held(conn: &mut SqliteConnection, pass: &Pass) -> StoreResult<i64> {
    let number: Option<i64> = sqlx::query_scalar("SELECT pass FROM connectors WHERE name = ?1 AND lease_token = ?2")
        .bind(&pass.connector)
        .bind(&pass.token)
        .fetch_optional(conn)
        .await?;
    number.ok_or_else(|| rows::pass_lost(&pass.connector))
}

fn held(rows: u64, pass: &Pass) -> StoreResult<()> {
    match rows {
        0 => Err(rows::pass_lost(&pass.connector)),
        _ => Ok(()),
    }
}

async fn record(
    conn: &mut SqliteConnection,
    connector: &str,
    pass: i64,
    seen: &SeenItem,
    registered: Option<&Registered>,
) -> StoreResult<()> {
    sqlx::query(
        "INSERT INTO connector_items (connector, item, fingerprint, validator, error, pass, changed_at, document_id, \
         version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (connector, item) DO UPDATE SET \
         fingerprint = excluded.fingerprint, validator = excluded.validator, error = excluded.error, \
         pass = excluded.pass, changed_at = excluded.changed_at, \
         document_id = COALESCE(excluded.document_id, connector_items.document_id), \
         version = COALESCE(excluded.version, connector_items.version)",
    )
    .bind(connector)
    .bind(&seen.item)
    .bind(&seen.fingerprint)
    .bind(&seen.validator)
    .bind(seen.error.as_deref().map(checks::reason))
    .bind(pass)
    .bind(now())
    .bind(registered.map(|registered| registered.document_id.0))
    .bind(registered.map(|registered| registered.version))
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the document that an item was before it became this one: it had another name, or was in another collection.
async fn delete_former(conn: &mut SqliteConnection, pass: &Pass, item: &str, document: DocumentId) -> StoreResult<()> {
    let former: Option<Uuid> = sqlx::query_scalar(
        "SELECT document_id FROM connector_items WHERE connector = ?1 AND item = ?2 AND document_id <> ?3",
    )
    .bind(&pass.connector)
    .bind(item)
    .bind(document.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(former) = former else { return Ok(()) };
    match commit::delete(conn, DocumentId(former)).await {
        // It was deleted here.
        Ok(_) | Err(MetadataStoreError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn drop_item(conn: &mut SqliteConnection, pass: &Pass, item: &str) -> StoreResult<Option<JobId>> {
    let number = check_held(conn, pass).await?;
    let dropped: Option<Option<Uuid>> = sqlx::query_scalar(
        "DELETE FROM connector_items WHERE connector = ?1 AND item = ?2 AND pass < ?3 RETURNING document_id",
    )
    .bind(&pass.connector)
    .bind(item)
    .bind(number)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(document) = dropped else { return Err(rows::item_seen(item)) };
    let Some(document) = document.map(DocumentId) else { return Ok(None) };
    match commit::delete(conn, document).await {
        Ok(purge) => Ok(Some(purge)),
        // It was deleted here.
        Err(MetadataStoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The connector and the item that a document belongs to, if it does.
pub(super) async fn owner(conn: &mut SqliteConnection, document: Uuid) -> StoreResult<Option<(String, String)>> {
    Ok(sqlx::query_as("SELECT connector, item FROM connector_items WHERE document_id = ?1")
        .bind(document)
        .fetch_optional(conn)
        .await?)
}
