//! API keys.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, types::Json};

use super::{SqliteStore, now, settle};
use crate::{
    domain::{ApiKey, KeyId},
    metadata_store::{
        KeyQuery, KeyStore, ListPage, NewKey, StoreResult,
        bounded::{CALL, within},
        checks,
        cursor::List,
        rows::{self, KeyRow},
    },
};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn add_key(&self, key: NewKey) -> StoreResult<ApiKey> {
        checks::key(&key)?;
        let id = KeyId::new();
        within(CALL, async {
            sqlx::query(
                "INSERT INTO api_keys (id, name, prefix, sha256, scopes, collections, labels, created_at, expires_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .bind(id.0)
            .bind(&key.name)
            .bind(&key.prefix)
            .bind(&key.sha256)
            .bind(Json(&key.scopes))
            .bind(key.collections.as_ref().map(Json))
            .bind(key.labels.as_ref().map(Json))
            .bind(now())
            .bind(key.expires_at.map(|at| at.timestamp_micros()))
            .execute(&self.writer)
            .await?;
            self.read_key(id).await
        })
        .await
    }

    async fn key(&self, id: KeyId) -> StoreResult<ApiKey> {
        within(CALL, self.read_key(id)).await
    }

    async fn keys(&self, query: KeyQuery) -> StoreResult<ListPage<ApiKey>> {
        let limit = checks::page_limit(query.limit)?;
        let list = List::of_keys();
        let before = list.read(query.cursor.as_deref())?;
        let mut sql = QueryBuilder::new(concat!("SELECT ", rows::key_columns!(), " FROM api_keys WHERE 1 = 1"));
        if let Some(before) = before {
            sql.push(" AND id < ").push_bind(before);
        }
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(query.limit) + 1);
        within(CALL, async {
            let found: Vec<KeyRow<i64>> = sql.build_query_as().fetch_all(&self.readers).await?;
            let found = found.into_iter().map(KeyRow::key).collect::<StoreResult<Vec<_>>>()?;
            Ok(rows::page(found, limit, |key| list.after(key.id.0)))
        })
        .await
    }

    async fn key_by_sha256(&self, sha256: &str, now: DateTime<Utc>) -> StoreResult<Option<ApiKey>> {
        within(CALL, async {
            let row: Option<KeyRow<i64>> = sqlx::query_as(concat!(
                "SELECT ",
                rows::key_columns!(),
                " FROM api_keys WHERE sha256 = ?1 OR previous_sha256 = ?1 AND previous_until > ?2"
            ))
            .bind(sha256)
            .bind(now.timestamp_micros())
            .fetch_optional(&self.readers)
            .await?;
            row.map(KeyRow::key).transpose()
        })
        .await
    }

    async fn rotate_key(
        &self,
        id: KeyId,
        prefix: &str,
        sha256: &str,
        previous_until: DateTime<Utc>,
    ) -> StoreResult<ApiKey> {
        checks::secret(prefix, sha256)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let changed = sqlx::query(
                    "UPDATE api_keys SET previous_sha256 = sha256, previous_until = ?4, prefix = ?2, sha256 = ?3, \
                     rotated_at = ?5 WHERE id = ?1 AND revoked_at IS NULL",
                )
                .bind(id.0)
                .bind(prefix)
                .bind(sha256)
                .bind(previous_until.timestamp_micros())
                .bind(now())
                .execute(&mut *transaction)
                .await?;
                Ok(changed.rows_affected())
            }
            .await;
            let changed = settle(transaction, result).await?;
            let key = self.read_key(id).await?;
            if changed == 0 { Err(rows::revoked(id)) } else { Ok(key) }
        })
        .await
    }

    async fn revoke_key(&self, id: KeyId) -> StoreResult<ApiKey> {
        within(CALL, async {
            sqlx::query("UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL")
                .bind(id.0)
                .bind(now())
                .execute(&self.writer)
                .await?;
            self.read_key(id).await
        })
        .await
    }

    async fn key_used(&self, id: KeyId, at: DateTime<Utc>) -> StoreResult<()> {
        within(CALL, async {
            sqlx::query("UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND COALESCE(last_used_at, 0) < ?2")
                .bind(id.0)
                .bind(at.timestamp_micros())
                .execute(&self.writer)
                .await?;
            Ok(())
        })
        .await
    }

    async fn has_keys(&self) -> StoreResult<bool> {
        within(CALL, async {
            Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_keys)").fetch_one(&self.readers).await?)
        })
        .await
    }
}

impl SqliteStore {
    async fn read_key(&self, id: KeyId) -> StoreResult<ApiKey> {
        let row: Option<KeyRow<i64>> =
            sqlx::query_as(concat!("SELECT ", rows::key_columns!(), " FROM api_keys WHERE id = ?1"))
                .bind(id.0)
                .fetch_optional(&self.readers)
                .await?;
        row.ok_or_else(|| rows::not_found("API key", id))?.key()
    }
}
