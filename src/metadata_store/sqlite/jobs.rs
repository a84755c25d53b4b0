//! The queue.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{QueryBuilder, SqliteConnection, types::Json};
use uuid::Uuid;

use super::{SqliteStore, access, commit, now, settle};
use crate::{
    domain::{Job, JobId, JobKind, JobPriority, JobStage, JobState, QueuedJobs},
    metadata_store::{
        JobQuery, JobSignal, JobStore, LeasedJob, ListPage, StoreResult,
        bounded::{CALL, within},
        checks,
        cursor::List,
        rows::{self, JobRow, LeaseRow, QueueRow},
    },
};

#[async_trait]
impl JobStore for SqliteStore {
    async fn lease_job(&self, kinds: &[JobKind], lease: Duration) -> StoreResult<Option<LeasedJob>> {
        let lease = checks::lease(lease)?;
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        within(CALL, async {
            // Idle workers ask often: looking first keeps them off the write lock.
            if next_due(&mut *self.readers.acquire().await?, &kinds).await?.is_none() {
                return Ok(None);
            }
            let mut transaction = self.write().await?;
            let result = async {
                let leased = take(&mut transaction, &kinds, lease).await?;
                Ok(leased)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn heartbeat(
        &self,
        job: JobId,
        token: &str,
        lease: Duration,
        stage: JobStage,
        progress: f32,
    ) -> StoreResult<()> {
        let (lease, progress) = (checks::lease(lease)?, checks::progress(progress)?);
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                lease_row(&mut transaction, job).await?.check_held(job, token)?;
                crate::faults::point("tx.heartbeat").await?;
                sqlx::query(
                    "UPDATE jobs SET lease_expires_at = ?2, stage = ?3, progress = ?4, updated_at = ?5 WHERE id = ?1",
                )
                .bind(job.0)
                .bind(now().saturating_add(lease))
                .bind(stage.as_str())
                .bind(progress)
                .bind(now())
                .execute(&mut *transaction)
                .await?;
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn report_job(&self, job: JobId, token: &str, report: &Value) -> StoreResult<()> {
        checks::report(report)?;
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                lease_row(&mut transaction, job).await?.check_held(job, token)?;
                set_report(&mut transaction, job, report).await
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn job_signal(&self) -> JobSignal {
        JobSignal::silent()
    }

    async fn fail_job(&self, job: JobId, token: &str, error: &str, retry_at: Option<DateTime<Utc>>) -> StoreResult<()> {
        let error = checks::reason(error);
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let row = lease_row(&mut transaction, job).await?;
                row.check_held(job, token)?;
                match retry_at {
                    Some(retry_at) if row.attempts < row.max_attempts => {
                        requeue(&mut transaction, job, row.attempts, Some(&error), retry_at.timestamp_micros()).await?;
                    }
                    _ => fail(&mut transaction, job, &row, &error).await?,
                }
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn succeed_job(&self, job: JobId, token: &str) -> StoreResult<()> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let row = lease_row(&mut transaction, job).await?;
                row.check_held(job, token)?;
                row.check_may_just_succeed(job)?;
                end(&mut transaction, job, JobState::Succeeded, None).await?;
                // What has been sent is kept nowhere: only a delivery has something here.
                sqlx::query("DELETE FROM deliveries WHERE job_id = ?1").bind(job.0).execute(&mut *transaction).await?;
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn postpone_job(&self, job: JobId, token: &str, error: &str, retry_at: DateTime<Utc>) -> StoreResult<()> {
        let error = checks::reason(error);
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let row = lease_row(&mut transaction, job).await?;
                row.check_held(job, token)?;
                requeue(&mut transaction, job, row.attempts - 1, Some(&error), retry_at.timestamp_micros()).await
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn release_job(&self, job: JobId, token: &str) -> StoreResult<()> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let row = lease_row(&mut transaction, job).await?;
                row.check_held(job, token)?;
                requeue(&mut transaction, job, row.attempts - 1, row.error.as_deref(), now()).await?;
                Ok(())
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn job(&self, id: JobId) -> StoreResult<Job> {
        within(CALL, async { read(&mut *self.readers.acquire().await?, id).await }).await
    }

    async fn jobs(&self, query: JobQuery) -> StoreResult<ListPage<Job>> {
        let limit = checks::page_limit(query.limit)?;
        let list = List::of_jobs(&query);
        let before = list.read(query.cursor.as_deref())?;
        let mut sql = QueryBuilder::new(concat!("SELECT ", rows::job_columns!(), " FROM jobs WHERE 1 = 1"));
        if let Some(state) = query.state {
            sql.push(" AND state = ").push_bind(state.as_str());
        }
        if let Some(kind) = query.kind {
            sql.push(" AND kind = ").push_bind(kind.as_str());
        }
        if let Some(document) = query.document_id {
            sql.push(" AND document_id = ").push_bind(document.0);
        }
        if let Some(before) = before {
            sql.push(" AND id < ").push_bind(before);
        }
        access::push_jobs(&mut sql, &query.access);
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(query.limit) + 1);
        within(CALL, async {
            let found: Vec<JobRow<i64>> = sql.build_query_as().fetch_all(&self.readers).await?;
            let found = found.into_iter().map(JobRow::job).collect::<StoreResult<Vec<_>>>()?;
            Ok(rows::page(found, limit, |job| list.after(job.id.0)))
        })
        .await
    }

    async fn cancel_job(&self, id: JobId) -> StoreResult<Job> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let row = lease_row(&mut transaction, id).await?;
                row.check_may_be_cancelled(id)?;
                // The lease stays, as the last one: see the migration.
                sqlx::query("UPDATE jobs SET state = 'cancelled', stage = 'done', updated_at = ?2 WHERE id = ?1")
                    .bind(id.0)
                    .bind(now())
                    .execute(&mut *transaction)
                    .await?;
                fail_version(&mut transaction, &row).await?;
                let job = read(&mut transaction, id).await?;
                Ok(job)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn retry_job(&self, id: JobId) -> StoreResult<Job> {
        within(CALL, async {
            let mut transaction = self.write().await?;
            let result = async {
                let row = lease_row(&mut transaction, id).await?;
                row.check_may_be_retried(id)?;
                if let Some((document, version)) = row.ingested()? {
                    let pending = sqlx::query(
                        "UPDATE versions SET state = 'pending' WHERE document_id = ?1 AND version = ?2 \
                         AND state = 'failed' \
                         AND version = (SELECT MAX(version) FROM versions WHERE document_id = ?1) \
                         AND EXISTS (SELECT 1 FROM documents WHERE id = ?1 AND deleted_at IS NULL)",
                    )
                    .bind(document)
                    .bind(version)
                    .execute(&mut *transaction)
                    .await?;
                    if pending.rows_affected() == 0 {
                        return Err(rows::not_the_newest(id));
                    }
                    commit::keep_attempts(&mut transaction, document, version).await?;
                }
                if row.kind()? == JobKind::Deliver && !has_body(&mut transaction, id).await? {
                    return Err(rows::nothing_to_deliver(id));
                }
                requeue(&mut transaction, id, 0, None, now()).await?;
                let job = read(&mut transaction, id).await?;
                Ok(job)
            }
            .await;
            settle(transaction, result).await
        })
        .await
    }

    async fn queue(&self) -> StoreResult<Vec<QueuedJobs>> {
        within(CALL, async {
            let rows: Vec<QueueRow> = sqlx::query_as(
                "SELECT kind, COUNT(*) FILTER (WHERE state = 'queued' AND due_at <= ?1), \
                 COUNT(*) FILTER (WHERE state = 'queued' AND due_at > ?1), COUNT(*) FILTER (WHERE state = 'running'), \
                 COALESCE(?1 - MIN(due_at) FILTER (WHERE state = 'queued' AND due_at <= ?1), 0) / 1000000.0 \
                 FROM jobs WHERE state IN ('queued', 'running') GROUP BY kind ORDER BY kind",
            )
            .bind(now())
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(rows::queued).collect()
        })
        .await
    }

    async fn expire_leases(&self) -> StoreResult<u64> {
        within(CALL, async {
            let expired = sqlx::query("UPDATE jobs SET lease_expires_at = ?1, updated_at = ?1 WHERE state = 'running'")
                .bind(now())
                .execute(&self.writer)
                .await?;
            Ok(expired.rows_affected())
        })
        .await
    }
}

/// Adds a job to the queue, at the place of high priority.
pub(super) async fn enqueue(
    conn: &mut SqliteConnection,
    kind: JobKind,
    document: Option<Uuid>,
    version: Option<i64>,
    due_at: i64,
) -> StoreResult<JobId> {
    enqueue_at(conn, kind, document, version, due_at, JobPriority::High).await
}

/// Adds a job to the queue, at the place of its priority.
pub(super) async fn enqueue_at(
    conn: &mut SqliteConnection,
    kind: JobKind,
    document: Option<Uuid>,
    version: Option<i64>,
    due_at: i64,
    priority: JobPriority,
) -> StoreResult<JobId> {
    let (id, now) = (JobId::new(), now());
    sqlx::query(
        "INSERT INTO jobs (id, kind, document_id, version, state, stage, progress, attempts, max_attempts, due_at, \
         created_at, updated_at, priority, order_at, collection) \
         VALUES (?1, ?2, ?3, ?4, 'queued', 'waiting', 0, 0, ?5, ?6, ?7, ?7, ?8, ?9, \
         (SELECT collection FROM documents WHERE id = ?3))",
    )
    .bind(id.0)
    .bind(kind.as_str())
    .bind(document)
    .bind(version)
    .bind(rows::max_attempts(kind))
    .bind(due_at)
    .bind(now)
    .bind(priority.as_str())
    .bind(now.saturating_add(rows::waits_for_others(priority)))
    .execute(conn)
    .await?;
    Ok(id)
}

/// Records what a job has to report.
pub(super) async fn set_report(conn: &mut SqliteConnection, id: JobId, report: &Value) -> StoreResult<()> {
    sqlx::query("UPDATE jobs SET report = ?2, updated_at = ?3 WHERE id = ?1")
        .bind(id.0)
        .bind(Json(report))
        .bind(now())
        .execute(conn)
        .await?;
    Ok(())
}

/// What decides whether a job may be changed.
pub(super) async fn lease_row(conn: &mut SqliteConnection, id: JobId) -> StoreResult<LeaseRow> {
    let row: Option<LeaseRow> = sqlx::query_as(concat!("SELECT ", rows::lease_columns!(), " FROM jobs WHERE id = ?1"))
        .bind(id.0)
        .fetch_optional(conn)
        .await?;
    row.ok_or_else(|| rows::not_found("job", id))
}

/// Ends a job whose worker is done with it.
pub(super) async fn end(
    conn: &mut SqliteConnection,
    id: JobId,
    state: JobState,
    error: Option<&str>,
) -> StoreResult<()> {
    sqlx::query(
        "UPDATE jobs SET state = ?2, stage = 'done', error = ?3, lease_token = NULL, lease_expires_at = NULL, \
         progress = CASE ?2 WHEN 'succeeded' THEN 1 ELSE progress END, updated_at = ?4 WHERE id = ?1",
    )
    .bind(id.0)
    .bind(state.as_str())
    .bind(error)
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn read(conn: &mut SqliteConnection, id: JobId) -> StoreResult<Job> {
    let row: Option<JobRow<i64>> = sqlx::query_as(concat!("SELECT ", rows::job_columns!(), " FROM jobs WHERE id = ?1"))
        .bind(id.0)
        .fetch_optional(conn)
        .await?;
    row.ok_or_else(|| rows::not_found("job", id))?.job()
}

/// The first job that could be taken. One that was put into the queue in the future shows that the clock was turned back
/// since: it is due.
async fn next_due(conn: &mut SqliteConnection, kinds: &[&str]) -> StoreResult<Option<JobId>> {
    let id: Option<Uuid> = sqlx::query_scalar(
        "SELECT id FROM jobs WHERE state IN ('queued', 'running') AND kind IN (SELECT value FROM json_each(?1)) \
         AND (?2 >= CASE state WHEN 'queued' THEN due_at ELSE lease_expires_at END \
         OR state = 'queued' AND updated_at > ?2) ORDER BY order_at, id LIMIT 1",
    )
    .bind(Json(kinds))
    .bind(now())
    .fetch_optional(conn)
    .await?;
    Ok(id.map(JobId))
}

/// Takes the first job, after failing those before it that have used up their attempts.
async fn take(conn: &mut SqliteConnection, kinds: &[&str], lease: i64) -> StoreResult<Option<LeasedJob>> {
    while let Some(id) = next_due(conn, kinds).await? {
        let row = lease_row(conn, id).await?;
        if row.attempts >= row.max_attempts {
            fail(conn, id, &row, &rows::exhausted_reason(row.attempts, row.error.as_deref())).await?;
            commit::purge_attempts(conn, &row).await?;
            continue;
        }
        let token = Uuid::now_v7();
        sqlx::query(
            "UPDATE jobs SET state = 'running', stage = 'waiting', progress = 0, attempts = attempts + 1, \
             lease_token = ?2, lease_expires_at = ?3, updated_at = ?4 WHERE id = ?1",
        )
        .bind(id.0)
        .bind(token)
        .bind(now().saturating_add(lease))
        .bind(now())
        .execute(&mut *conn)
        .await?;
        return Ok(Some(LeasedJob { job: read(conn, id).await?, token: token.to_string() }));
    }
    Ok(None)
}

async fn has_body(conn: &mut SqliteConnection, job: JobId) -> StoreResult<bool> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM deliveries WHERE job_id = ?1").bind(job.0).fetch_optional(conn).await?;
    Ok(found.is_some())
}

async fn requeue(
    conn: &mut SqliteConnection,
    id: JobId,
    attempts: i64,
    error: Option<&str>,
    due_at: i64,
) -> StoreResult<()> {
    sqlx::query(
        "UPDATE jobs SET state = 'queued', stage = 'waiting', progress = 0, attempts = ?2, error = ?3, due_at = ?4, \
         lease_token = NULL, lease_expires_at = NULL, updated_at = ?5 WHERE id = ?1",
    )
    .bind(id.0)
    .bind(attempts)
    .bind(error)
    .bind(due_at)
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

async fn fail(conn: &mut SqliteConnection, id: JobId, row: &LeaseRow, error: &str) -> StoreResult<()> {
    fail_version(conn, row).await?;
    end(conn, id, JobState::Failed, Some(error)).await
}

/// The version of an ingestion that has come to nothing.
async fn fail_version(conn: &mut SqliteConnection, row: &LeaseRow) -> StoreResult<()> {
    let Some((document, version)) = row.ingested()? else { return Ok(()) };
    sqlx::query("UPDATE versions SET state = 'failed' WHERE document_id = ?1 AND version = ?2 AND state = 'pending'")
        .bind(document)
        .bind(version)
        .execute(conn)
        .await?;
    Ok(())
}
