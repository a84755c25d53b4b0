//! The metadata commit and the deletion: the two moments at which what is visible changes.
//!
//! Every function runs inside a write transaction, which is alone in the database.

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{chunks, generations, jobs, now};
use crate::{
    domain::{DocumentId, JobId, JobKind, JobState},
    faults,
    metadata_store::{
        CommitOutcome, IngestCommit, MetadataStoreError, StoreResult,
        rows::{self, LeaseRow},
    },
};

/// Makes an ingested version active, or says why not.
pub(super) async fn finish(
    conn: &mut SqliteConnection,
    id: JobId,
    token: &str,
    commit: &IngestCommit,
) -> StoreResult<CommitOutcome> {
    let job = jobs::lease_row(conn, id).await?;
    let (document, version) = (commit.document_id.0, i64::from(commit.version));
    if job.ingested()? != Some((document, version)) {
        return Err(MetadataStoreError::Invalid(format!("job {id} does not ingest what was committed")));
    }
    if deleted(conn, document).await? {
        return outlived(conn, id, token, &job, document).await;
    }
    job.check_held(id, token)?;
    let (pending, newer): (bool, bool) = sqlx::query_as(
        "SELECT MAX(version = ?2 AND state = 'pending') = 1, MAX(version > ?2 AND state IN ('pending', 'active')) = 1 \
         FROM versions WHERE document_id = ?1",
    )
    .bind(document)
    .bind(version)
    .fetch_one(&mut *conn)
    .await?;
    if newer || !pending {
        overtaken(conn, id, document, version).await?;
        return Ok(CommitOutcome::Overtaken);
    }
    let active = generations::active_number(conn).await?;
    if active != commit.generation {
        return Ok(CommitOutcome::WrongGeneration(active));
    }
    supersede(conn, document).await?;
    faults::point("tx.commit.superseded").await?;
    sqlx::query(
        "UPDATE versions SET state = 'active', media_type = ?3, title = ?4, pages = ?5 \
         WHERE document_id = ?1 AND version = ?2",
    )
    .bind(document)
    .bind(version)
    .bind(&commit.media_type)
    .bind(&commit.title)
    .bind(commit.pages)
    .execute(&mut *conn)
    .await?;
    faults::point("tx.commit.activated").await?;
    chunks::record(conn, commit.generation, commit.document_id, commit.version, &commit.chunks).await?;
    faults::point("tx.commit.recorded").await?;
    sqlx::query("UPDATE documents SET updated_at = ?2 WHERE id = ?1")
        .bind(document)
        .bind(now())
        .execute(&mut *conn)
        .await?;
    jobs::end(conn, id, JobState::Succeeded, None).await?;
    if let Some(report) = &commit.report {
        jobs::set_report(conn, id, report).await?;
    }
    faults::point("tx.commit.ended").await?;
    Ok(CommitOutcome::Active)
}

async fn deleted(conn: &mut SqliteConnection, document: Uuid) -> StoreResult<bool> {
    let living: Option<i64> = sqlx::query_scalar("SELECT 1 FROM documents WHERE id = ?1 AND deleted_at IS NULL")
        .bind(document)
        .fetch_optional(conn)
        .await?;
    Ok(living.is_none())
}

/// The document was deleted while the job ran. Its deletion took the lease, so the token is compared with the last one:
/// whoever held it has finished writing vectors, and the purge that waits for that can begin.
async fn outlived(
    conn: &mut SqliteConnection,
    id: JobId,
    token: &str,
    job: &LeaseRow,
    document: Uuid,
) -> StoreResult<CommitOutcome> {
    if !job.was_leased_with(token) {
        return Err(MetadataStoreError::LeaseLost(id));
    }
    let moved = sqlx::query(
        "UPDATE jobs SET due_at = MIN(due_at, ?2) \
         WHERE kind = 'purge' AND document_id = ?1 AND version IS NULL AND state = 'queued'",
    )
    .bind(document)
    .bind(now())
    .execute(&mut *conn)
    .await?;
    if moved.rows_affected() == 0 {
        jobs::enqueue(conn, JobKind::Purge, Some(document), None, now()).await?;
    }
    Ok(CommitOutcome::Overtaken)
}

/// A newer version was uploaded while the job ran. The vectors that it wrote are purged.
async fn overtaken(conn: &mut SqliteConnection, id: JobId, document: Uuid, version: i64) -> StoreResult<()> {
    sqlx::query(
        "UPDATE versions SET state = 'superseded' WHERE document_id = ?1 AND version = ?2 AND state = 'pending'",
    )
    .bind(document)
    .bind(version)
    .execute(&mut *conn)
    .await?;
    jobs::enqueue(conn, JobKind::Purge, Some(document), Some(version), now()).await?;
    jobs::end(conn, id, JobState::Cancelled, Some(rows::NEWER_VERSION)).await
}

/// Takes the active version of a document out of every generation, and enqueues its purge.
async fn supersede(conn: &mut SqliteConnection, document: Uuid) -> StoreResult<()> {
    let before: Option<i64> = sqlx::query_scalar(
        "UPDATE versions SET state = 'superseded' WHERE document_id = ?1 AND state = 'active' RETURNING version",
    )
    .bind(document)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(version) = before {
        sqlx::query("DELETE FROM generation_versions WHERE document_id = ?1 AND version = ?2")
            .bind(document)
            .bind(version)
            .execute(&mut *conn)
            .await?;
        jobs::enqueue(conn, JobKind::Purge, Some(document), Some(version), now()).await?;
    }
    Ok(())
}

/// An ingestion has used up its attempts, and its workers are dead: what they wrote, nobody has removed.
pub(super) async fn purge_attempts(conn: &mut SqliteConnection, job: &LeaseRow) -> StoreResult<()> {
    let Some((document, version)) = job.ingested()? else { return Ok(()) };
    jobs::enqueue(conn, JobKind::Purge, Some(document), Some(version), now()).await?;
    Ok(())
}

/// An ingestion is begun again: what its attempts left is overwritten, and must not be removed behind the new one's back.
pub(super) async fn keep_attempts(conn: &mut SqliteConnection, document: Uuid, version: i64) -> StoreResult<()> {
    let purge: Option<(Uuid, String)> = sqlx::query_as(
        "SELECT id, state FROM jobs WHERE kind = 'purge' AND document_id = ?1 AND version = ?2 \
         AND state IN ('queued', 'running')",
    )
    .bind(document)
    .bind(version)
    .fetch_optional(&mut *conn)
    .await?;
    match purge {
        None => Ok(()),
        Some((id, state)) if rows::job_state(&state)? == JobState::Queued => {
            jobs::end(conn, JobId(id), JobState::Cancelled, Some(rows::BEGUN_AGAIN)).await
        }
        Some(_) => Err(rows::being_purged(document, version)),
    }
}

/// Deletes a document. The purge is due when the last lease on an ingestion of it has run out: a worker that still
/// writes vectors of it would otherwise write them behind the purge's back.
pub(super) async fn delete(conn: &mut SqliteConnection, id: DocumentId) -> StoreResult<JobId> {
    let found =
        sqlx::query("UPDATE documents SET deleted_at = ?2, updated_at = ?2 WHERE id = ?1 AND deleted_at IS NULL")
            .bind(id.0)
            .bind(now())
            .execute(&mut *conn)
            .await?;
    if found.rows_affected() == 0 {
        return Err(rows::not_found("document", id));
    }
    sqlx::query("INSERT INTO deleted_documents (document_id, deleted_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .bind(id.0)
        .bind(now())
        .execute(&mut *conn)
        .await?;
    faults::point("tx.delete.hidden").await?;
    sqlx::query("DELETE FROM generation_versions WHERE document_id = ?1").bind(id.0).execute(&mut *conn).await?;
    sqlx::query(
        "UPDATE versions SET state = CASE state WHEN 'active' THEN 'superseded' ELSE 'failed' END \
         WHERE document_id = ?1 AND state IN ('active', 'pending')",
    )
    .bind(id.0)
    .execute(&mut *conn)
    .await?;
    let written_until: Option<i64> =
        sqlx::query_scalar("SELECT MAX(lease_expires_at) FROM jobs WHERE document_id = ?1 AND kind = 'ingest'")
            .bind(id.0)
            .fetch_one(&mut *conn)
            .await?;
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', stage = 'done', error = ?2, updated_at = ?3 \
         WHERE document_id = ?1 AND state IN ('queued', 'running')",
    )
    .bind(id.0)
    .bind(rows::DOCUMENT_DELETED)
    .bind(now())
    .execute(&mut *conn)
    .await?;
    faults::point("tx.delete.cancelled").await?;
    let due_at = written_until.unwrap_or_default().max(now());
    let purge = jobs::enqueue(conn, JobKind::Purge, Some(id.0), None, due_at).await?;
    faults::point("tx.delete.ended").await?;
    Ok(purge)
}
