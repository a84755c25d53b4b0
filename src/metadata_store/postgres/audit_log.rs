//! The audit log.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, types::Json};

use super::{PostgresStore, settle};
use crate::{
    domain::{AuditEntry, AuditEntryId},
    metadata_store::{
        AuditLogStore, AuditQuery, ListPage, NewAuditEntry, StoreResult,
        bounded::{CALL, within},
        checks,
        cursor::List,
        rows::{self, AuditRow},
    },
};

#[async_trait]
impl AuditLogStore for PostgresStore {
    async fn add_audit_entries(&self, entries: &[NewAuditEntry]) -> StoreResult<()> {
        if entries.is_empty() {
            return Ok(());
        }
        within(CALL, async {
            let mut transaction = self.begin().await?;
            let result = async {
                for entry in entries {
                    let entry = checks::audit_entry(entry.clone());
                    sqlx::query(
                        "INSERT INTO audit_log (id, at, actor, action, subject, status, address, request_id, details) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    )
                    .bind(AuditEntryId::new().0)
                    .bind(entry.at)
                    .bind(entry.actor)
                    .bind(entry.action)
                    .bind(entry.subject)
                    .bind(i64::from(entry.status))
                    .bind(entry.address)
                    .bind(entry.request_id)
                    .bind(Json(entry.details))
                    .execute(&mut *transaction)
                    .await?;
                }
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn audit_entries(&self, query: AuditQuery) -> StoreResult<ListPage<AuditEntry>> {
        let limit = checks::page_limit(query.limit)?;
        checks::audit_query(&query)?;
        let list = List::of_audit(&query);
        let before = list.read(query.cursor.as_deref())?;
        let mut sql = QueryBuilder::new(concat!("SELECT ", rows::audit_columns!(), " FROM audit_log WHERE 1 = 1"));
        for (column, value) in [("actor", query.actor), ("action", query.action), ("subject", query.subject)] {
            if let Some(value) = value {
                sql.push(format!(" AND {column} = ")).push_bind(value);
            }
        }
        if let Some(from) = query.from {
            sql.push(" AND at >= ").push_bind(from);
        }
        if let Some(until) = query.until {
            sql.push(" AND at < ").push_bind(until);
        }
        if let Some(before) = before {
            sql.push(" AND id < ").push_bind(before);
        }
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(query.limit) + 1);
        within(CALL, async {
            let found: Vec<AuditRow<DateTime<Utc>>> = sql.build_query_as().fetch_all(&self.pool).await?;
            let found = found.into_iter().map(AuditRow::entry).collect::<StoreResult<Vec<_>>>()?;
            Ok(rows::page(found, limit, |entry| list.after(entry.id.0)))
        })
        .await
    }

    async fn forget_audit_entries(&self, before: DateTime<Utc>) -> StoreResult<u64> {
        within(CALL, async {
            let forgotten = sqlx::query("DELETE FROM audit_log WHERE at < $1").bind(before).execute(&self.pool).await?;
            Ok(forgotten.rows_affected())
        })
        .await
    }
}
