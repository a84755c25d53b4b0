//! The metadata commit and the deletion: the two moments at which what is visible changes.
//!
//! Every function runs inside a transaction, and takes its locks in the order that the module above fixes.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{chunks, generations, jobs};
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
    conn: &mut PgConnection,
    id: JobId,
    token: &str,
    commit: &IngestCommit,
) -> StoreResult<CommitOutcome> {
    let (document, version) = (commit.document_id.0, i64::from(commit.version));
    let living = lock_living(conn, document).await?;
    let job = jobs::lock(conn, id).await?;
    if job.ingested()? != Some((document, version)) {
        return Err(MetadataStoreError::Invalid(format!("job {id} does not ingest what was committed")));
    }
    if !living {
        return outlived(conn, id, token, &job, document).await;
    }
    job.check_held(id, token)?;
    let (pending, newer): (bool, bool) = sqlx::query_as(
        "SELECT bool_or(version = $2 AND state = 'pending'), bool_or(version > $2 AND state IN ('pending', 'active')) \
         FROM versions WHERE document_id = $1",
    )
    .bind(document)
    .bind(version)
    .fetch_one(&mut *conn)
    .await?;
    if newer || !pending {
        overtaken(conn, id, document, version).await?;
        return Ok(CommitOutcome::Overtaken);
    }
    generations::share(conn).await?;
    let active = generations::active_number(conn).await?;
    if active != commit.generation {
        return Ok(CommitOutcome::WrongGeneration(active));
    }
    supersede(conn, document).await?;
    faults::point("tx.commit.superseded").await?;
    sqlx::query(
        "UPDATE versions SET state = 'active', media_type = $3, title = $4, pages = $5 \
         WHERE document_id = $1 AND version = $2",
    )
    .bind(document)
    .bind(version)
    .bind(&commit.media_type)
    .bind(&commit.title)
    .bind(commit.pages.map(i64::from))
    .execute(&mut *conn)
    .await?;
    faults::point("tx.commit.activated").await?;
    chunks::record(conn, commit.generation, commit.document_id, commit.version, &commit.chunks).await?;
    faults::point("tx.commit.recorded").await?;
    sqlx::query("UPDATE documents SET updated_at = now() WHERE id = $1").bind(document).execute(&mut *conn).await?;
    jobs::end(conn, id, JobState::Succeeded, None).await?;
    if let Some(report) = &commit.report {
        jobs::set_report(conn, id, report).await?;
    }
    faults::point("tx.commit.ended").await?;
    Ok(CommitOutcome::Active)
}

/// Locks the row of a document, and says whether there is one that is not deleted.
pub(super) async fn lock_living(conn: &mut PgConnection, document: Uuid) -> StoreResult<bool> {
    let living: Option<bool> = sqlx::query_scalar("SELECT deleted_at IS NULL FROM documents WHERE id = $1 FOR UPDATE")
        .bind(document)
        .fetch_optional(conn)
        .await?;
    Ok(living == Some(true))
}

/// The document was deleted while the job ran. Its deletion took the lease, so the token is compared with the last one:
/// whoever held it has finished writing vectors, and the purge that waits for that can begin.
async fn outlived(
    conn: &mut PgConnection,
    id: JobId,
    token: &str,
    job: &LeaseRow,
    document: Uuid,
) -> StoreResult<CommitOutcome> {
    if !job.was_leased_with(token) {
        return Err(MetadataStoreError::LeaseLost(id));
    }
    let moved = sqlx::query(
        "UPDATE jobs SET due_at = LEAST(due_at, clock_timestamp()) \
         WHERE kind = 'purge' AND document_id = $1 AND version IS NULL AND state = 'queued'",
    )
    .bind(document)
    .execute(&mut *conn)
    .await?;
    if moved.rows_affected() == 0 {
        jobs::enqueue(conn, JobKind::Purge, Some(document), None).await?;
    }
    Ok(CommitOutcome::Overtaken)
}

/// A newer version was uploaded while the job ran. The vectors that it wrote are purged.
async fn overtaken(conn: &mut PgConnection, id: JobId, document: Uuid, version: i64) -> StoreResult<()> {
    sqlx::query(
        "UPDATE versions SET state = 'superseded' WHERE document_id = $1 AND version = $2 AND state = 'pending'",
    )
    .bind(document)
    .bind(version)
    .execute(&mut *conn)
    .await?;
    jobs::enqueue(conn, JobKind::Purge, Some(document), Some(version)).await?;
    jobs::end(conn, id, JobState::Cancelled, Some(rows::NEWER_VERSION)).await
}

/// Takes the active version of a document out of every generation, and enqueues its purge.
async fn supersede(conn: &mut PgConnection, document: Uuid) -> StoreResult<()> {
    let before: Option<i64> = sqlx::query_scalar(
        "UPDATE versions SET state = 'superseded' WHERE document_id = $1 AND state = 'active' RETURNING version",
    )
    .bind(document)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(version) = before {
        sqlx::query("DELETE FROM generation_versions WHERE document_id = $1 AND version = $2")
            .bind(document)
            .bind(version)
            .execute(&mut *conn)
            .await?;
        jobs::enqueue(conn, JobKind::Purge, Some(document), Some(version)).await?;
    }
    Ok(())
}

/// An ingestion has used up its attempts, and its workers are dead: what they wrote, nobody has removed.
pub(super) async fn purge_attempts(conn: &mut PgConnection, job: &LeaseRow) -> StoreResult<()> {
    let Some((document, version)) = job.ingested()? else { return Ok(()) };
    jobs::enqueue(conn, JobKind::Purge, Some(document), Some(version)).await?;
    Ok(())
}

/// An ingestion is begun again: what its attempts left is overwritten, and must not be removed behind the new one's back.
pub(super) async fn keep_attempts(conn: &mut PgConnection, document: Uuid, version: i64) -> StoreResult<()> {
    let purge: Option<(Uuid, String)> = sqlx::query_as(
        "SELECT id, state FROM jobs WHERE kind = 'purge' AND document_id = $1 AND version = $2 \
         AND state IN ('queued', 'running') FOR UPDATE",
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
pub(super) async fn delete(conn: &mut PgConnection, id: DocumentId) -> StoreResult<JobId> {
    if !lock_living(conn, id.0).await? {
        return Err(rows::not_found("document", id));
    }
    sqlx::query("SELECT 1 FROM jobs WHERE document_id = $1 ORDER BY id FOR UPDATE")
        .bind(id.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query("UPDATE documents SET deleted_at = now(), updated_at = now() WHERE id = $1")
        .bind(id.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query("INSERT INTO deleted_documents (document_id, deleted_at) VALUES ($1, now()) ON CONFLICT DO NOTHING")
        .bind(id.0)
        .execute(&mut *conn)
        .await?;
    faults::point("tx.delete.hidden").await?;
    sqlx::query("DELETE FROM generation_versions WHERE document_id = $1").bind(id.0).execute(&mut *conn).await?;
    sqlx::query(
        "UPDATE versions SET state = CASE state WHEN 'active' THEN 'superseded' ELSE 'failed' END \
         WHERE document_id = $1 AND state IN ('active', 'pending')",
    )
    .bind(id.0)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', stage = 'done', error = $2, updated_at = now() \
         WHERE document_id = $1 AND state IN ('queued', 'running')",
    )
    .bind(id.0)
    .bind(rows::DOCUMENT_DELETED)
    .execute(&mut *conn)
    .await?;
    faults::point("tx.delete.cancelled").await?;
    let purge = jobs::enqueue(conn, JobKind::Purge, Some(id.0), None).await?;
    sqlx::query(
        "UPDATE jobs SET due_at = GREATEST(due_at, (SELECT MAX(i.lease_expires_at) FROM jobs i \
         WHERE i.document_id = $2 AND i.kind = 'ingest')) WHERE id = $1",
    )
    .bind(purge.0)
    .bind(id.0)
    .execute(conn)
    .await?;
    faults::point("tx.delete.ended").await?;
    Ok(purge)
}
