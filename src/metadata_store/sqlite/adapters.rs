//! The adapter registry.

use async_trait::async_trait;
use sqlx::{QueryBuilder, SqliteConnection, types::Json};

use super::{SqliteStore, now, settle};
use crate::{
    domain::{Adapter, AdapterEvaluation, AdapterId, AdapterPair, AdapterRole, Promotion},
    metadata_store::{
        AdapterQuery, AdapterStore, ListPage, NewAdapter, NewEvaluation, NewPromotion, RegisteredAdapter, StoreResult,
        bounded::{CALL, within},
        checks,
        cursor::List,
        rows::{self, AdapterRow, EvaluationRow, NextPromotion, PromotionRow},
    },
};

#[async_trait]
impl AdapterStore for SqliteStore {
    async fn register_adapter(&self, adapter: NewAdapter) -> StoreResult<RegisteredAdapter> {
        checks::adapter(&adapter)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let added = sqlx::query(
                    "INSERT INTO adapters (id, role, name, sha256, base_sha256, data_versions, run, size_bytes, \
                     created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (sha256) DO NOTHING",
                )
                .bind(AdapterId::new().0)
                .bind(adapter.role.as_str())
                .bind(&adapter.name)
                .bind(&adapter.sha256)
                .bind(&adapter.base_sha256)
                .bind(Json(&adapter.data_versions))
                .bind(Json(&adapter.run))
                .bind(checks::size(adapter.size_bytes)?)
                .bind(now())
                .execute(&mut *transaction)
                .await?;
                let row: AdapterRow<i64> =
                    sqlx::query_as(concat!("SELECT ", rows::adapter_columns!(), " FROM adapters WHERE sha256 = ?1"))
                        .bind(&adapter.sha256)
                        .fetch_one(&mut *transaction)
                        .await?;
                Ok(RegisteredAdapter { adapter: row.adapter()?, duplicate: added.rows_affected() == 0 })
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn adapter(&self, id: AdapterId) -> StoreResult<Adapter> {
        within(CALL, async {
            let row: Option<AdapterRow<i64>> =
                sqlx::query_as(concat!("SELECT ", rows::adapter_columns!(), " FROM adapters WHERE id = ?1"))
                    .bind(id.0)
                    .fetch_optional(&self.readers)
                    .await?;
            row.ok_or_else(|| rows::not_found("adapter", id))?.adapter()
        })
        .await
    }

    async fn adapters(&self, query: AdapterQuery) -> StoreResult<ListPage<Adapter>> {
        let limit = checks::page_limit(query.limit)?;
        let list = List::of_adapters(&query);
        let before = list.read(query.cursor.as_deref())?;
        let mut sql = QueryBuilder::new(concat!("SELECT ", rows::adapter_columns!(), " FROM adapters WHERE 1 = 1"));
        if let Some(role) = query.role {
            sql.push(" AND role = ").push_bind(role.as_str());
        }
        if let Some(before) = before {
            sql.push(" AND id < ").push_bind(before);
        }
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(query.limit) + 1);
        within(CALL, async {
            let found: Vec<AdapterRow<i64>> = sql.build_query_as().fetch_all(&self.readers).await?;
            let found = found.into_iter().map(AdapterRow::adapter).collect::<StoreResult<Vec<_>>>()?;
            Ok(rows::page(found, limit, |adapter| list.after(adapter.id.0)))
        })
        .await
    }

    async fn record_evaluation(&self, evaluation: NewEvaluation) -> StoreResult<AdapterEvaluation> {
        checks::evaluation(&evaluation)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                sqlx::query(
                    "INSERT INTO adapter_evaluations (run_sha256, run, suite, suite_sha256, reader_sha256, \
                     generator_sha256, figures, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                     ON CONFLICT (run_sha256) DO NOTHING",
                )
                .bind(&evaluation.run_sha256)
                .bind(&evaluation.run)
                .bind(&evaluation.suite)
                .bind(&evaluation.suite_sha256)
                .bind(&evaluation.adapters.reader)
                .bind(&evaluation.adapters.generator)
                .bind(Json(&evaluation.figures))
                .bind(now())
                .execute(&mut *transaction)
                .await?;
                let row: EvaluationRow<i64> = sqlx::query_as(concat!(
                    "SELECT ",
                    rows::evaluation_columns!(),
                    " FROM adapter_evaluations WHERE run_sha256 = ?1"
                ))
                .bind(&evaluation.run_sha256)
                .fetch_one(&mut *transaction)
                .await?;
                row.evaluation()
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn latest_evaluation(
        &self,
        suite_sha256: &str,
        adapters: &AdapterPair,
    ) -> StoreResult<Option<AdapterEvaluation>> {
        within(CALL, async {
            let row: Option<EvaluationRow<i64>> = sqlx::query_as(concat!(
                "SELECT ",
                rows::evaluation_columns!(),
                " FROM adapter_evaluations WHERE suite_sha256 = ?1 AND reader_sha256 IS ?2 \
                 AND generator_sha256 IS ?3 ORDER BY created_at DESC, run_sha256 LIMIT 1"
            ))
            .bind(suite_sha256)
            .bind(&adapters.reader)
            .bind(&adapters.generator)
            .fetch_optional(&self.readers)
            .await?;
            row.map(EvaluationRow::evaluation).transpose()
        })
        .await
    }

    async fn evaluations_of(
        &self,
        role: AdapterRole,
        sha256: Option<&str>,
        limit: u32,
    ) -> StoreResult<Vec<AdapterEvaluation>> {
        checks::page_limit(limit)?;
        within(CALL, async {
            let found: Vec<EvaluationRow<i64>> = sqlx::query_as(concat!(
                "SELECT ",
                rows::evaluation_columns!(),
                " FROM adapter_evaluations \
                 WHERE CASE ?1 WHEN 'reader' THEN reader_sha256 ELSE generator_sha256 END IS ?2 \
                 ORDER BY created_at DESC, run_sha256 LIMIT ?3"
            ))
            .bind(role.as_str())
            .bind(sha256)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            found.into_iter().map(EvaluationRow::evaluation).collect()
        })
        .await
    }

    async fn serving_adapter(&self, role: AdapterRole) -> StoreResult<Option<Promotion>> {
        within(CALL, async {
            let row = last(&mut *self.readers.acquire().await?, role).await?;
            row.map(PromotionRow::promotion).transpose()
        })
        .await
    }

    async fn promotions(&self, role: AdapterRole, limit: u32) -> StoreResult<Vec<Promotion>> {
        checks::page_limit(limit)?;
        within(CALL, async {
            let found: Vec<PromotionRow<i64>> = sqlx::query_as(concat!(
                "SELECT ",
                rows::promotion_columns!(),
                " FROM promotions WHERE role = ?1 ORDER BY number DESC LIMIT ?2"
            ))
            .bind(role.as_str())
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            found.into_iter().map(PromotionRow::promotion).collect()
        })
        .await
    }

    async fn promote_adapter(&self, promotion: NewPromotion) -> StoreResult<Promotion> {
        checks::promotion(&promotion)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let row: Option<AdapterRow<i64>> =
                    sqlx::query_as(concat!("SELECT ", rows::adapter_columns!(), " FROM adapters WHERE id = ?1"))
                        .bind(promotion.adapter.0)
                        .fetch_optional(&mut *transaction)
                        .await?;
                let role = row.ok_or_else(|| rows::not_found("adapter", promotion.adapter))?.adapter()?.role;
                let last = last(&mut transaction, role).await?;
                let next = rows::next_promotion(promotion, last.as_ref())?;
                append(&mut transaction, role, next).await
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn roll_back_adapter(&self, role: AdapterRole) -> StoreResult<Promotion> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let last = last(&mut transaction, role).await?;
                let target = match last.as_ref().and_then(|last| last.below) {
                    Some(number) => entry(&mut transaction, role, number).await?,
                    None => None,
                };
                let next = rows::next_rollback(role, last.as_ref(), target.as_ref())?;
                append(&mut transaction, role, next).await
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }
}

/// The last entry of a role.
async fn last(conn: &mut SqliteConnection, role: AdapterRole) -> StoreResult<Option<PromotionRow<i64>>> {
    Ok(sqlx::query_as(concat!(
        "SELECT ",
        rows::promotion_columns!(),
        " FROM promotions WHERE role = ?1 ORDER BY number DESC LIMIT 1"
    ))
    .bind(role.as_str())
    .fetch_optional(conn)
    .await?)
}

/// One entry of a role.
async fn entry(conn: &mut SqliteConnection, role: AdapterRole, number: i64) -> StoreResult<Option<PromotionRow<i64>>> {
    Ok(sqlx::query_as(concat!(
        "SELECT ",
        rows::promotion_columns!(),
        " FROM promotions WHERE role = ?1 AND number = ?2"
    ))
    .bind(role.as_str())
    .bind(number)
    .fetch_optional(conn)
    .await?)
}

/// Adds an entry.
async fn append(conn: &mut SqliteConnection, role: AdapterRole, next: NextPromotion) -> StoreResult<Promotion> {
    let (reason, refusal) = next.forced.map(|forced| (forced.reason, forced.refusal)).unzip();
    let row: PromotionRow<i64> = sqlx::query_as(concat!(
        "INSERT INTO promotions (role, number, action, adapter_id, replaced_id, below, reason, refusal, grounds, \
         promoted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING ",
        rows::promotion_columns!()
    ))
    .bind(role.as_str())
    .bind(next.number)
    .bind(next.action.as_str())
    .bind(next.adapter)
    .bind(next.replaced)
    .bind(next.below)
    .bind(reason)
    .bind(refusal)
    .bind(next.grounds.map(Json))
    .bind(now())
    .fetch_one(conn)
    .await?;
    row.promotion()
}
