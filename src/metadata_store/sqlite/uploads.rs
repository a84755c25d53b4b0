//! Recording an upload, and the documents it makes: see `DocumentStore::register_upload`.
//!
//! Every function runs inside a write transaction, which is alone in the database.

use sqlx::{SqliteConnection, types::Json};
use uuid::Uuid;

use super::{connectors, jobs, now};
use crate::{
    domain::{DocumentId, JobId, JobKind, JobState, Metadata, VersionState},
    faults,
    metadata_store::{MetadataStoreError, NewUpload, Registered, StoreResult, checks, rows},
};

/// The newest version of a name, and the job that ingests it.
type Newest = (i64, String, String, Uuid, String);

/// Records an upload, `by` a connector for one of its items, or by hand.
pub(super) async fn register(
    conn: &mut SqliteConnection,
    upload: &NewUpload,
    by: Option<(&str, &str)>,
) -> StoreResult<Registered> {
    let living: Option<(Uuid, Json<Metadata>, Json<Vec<String>>)> = sqlx::query_as(
        "SELECT id, metadata, access FROM documents WHERE collection = ?1 AND name = ?2 AND deleted_at IS NULL",
    )
    .bind(&upload.collection)
    .bind(&upload.name)
    .fetch_optional(&mut *conn)
    .await?;
    let Some((id, metadata, access)) = living else {
        let id = insert_document(conn, upload).await?;
        return add_version(conn, id, 1, upload).await;
    };
    if !upload.replaces.reads(&access) {
        return Err(rows::not_the_callers(&upload.name));
    }
    let owner = connectors::owner(conn, id).await?;
    rows::check_owner(&upload.name, owner.as_ref(), by)?;
    let newest: Option<Newest> = sqlx::query_as(
        "SELECT v.version, v.state, v.sha256, j.id, j.state FROM versions v \
         JOIN jobs j ON j.document_id = v.document_id AND j.version = v.version AND j.kind = 'ingest' \
         WHERE v.document_id = ?1 ORDER BY v.version DESC LIMIT 1",
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await?;
    let Some((version, state, sha256, job, job_state)) = newest else {
        return Err(MetadataStoreError::Failed(format!("document {} has no version", DocumentId(id))));
    };
    let state = rows::version_state(&state)?;
    // Other metadata is a new version as well, and so are other access labels: the points carry what filters go by.
    let same =
        sha256 == upload.sha256 && rows::same_metadata(&metadata.0, &upload.metadata) && access.0 == upload.access;
    let duplicate = same && matches!(state, VersionState::Pending | VersionState::Active);
    if !duplicate {
        sqlx::query("UPDATE documents SET metadata = ?2, access = ?3, updated_at = ?4 WHERE id = ?1")
            .bind(id)
            .bind(Json(&upload.metadata))
            .bind(Json(&upload.access))
            .bind(now())
            .execute(&mut *conn)
            .await?;
        return add_version(conn, DocumentId(id), version + 1, upload).await;
    }
    Ok(Registered {
        document_id: DocumentId(id),
        version: rows::number("version", version)?,
        job_id: JobId(job),
        job_state: rows::job_state(&job_state)?,
        duplicate: true,
    })
}

async fn insert_document(conn: &mut SqliteConnection, upload: &NewUpload) -> StoreResult<DocumentId> {
    let id = DocumentId::new();
    sqlx::query(
        "INSERT INTO documents (id, collection, name, metadata, access, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )
    .bind(id.0)
    .bind(&upload.collection)
    .bind(&upload.name)
    .bind(Json(&upload.metadata))
    .bind(Json(&upload.access))
    .bind(now())
    .execute(&mut *conn)
    .await?;
    Ok(id)
}

async fn add_version(
    conn: &mut SqliteConnection,
    document: DocumentId,
    version: i64,
    upload: &NewUpload,
) -> StoreResult<Registered> {
    faults::point("tx.register.version").await?;
    sqlx::query(
        "INSERT INTO versions (document_id, version, state, sha256, size_bytes, created_at) \
         VALUES (?1, ?2, 'pending', ?3, ?4, ?5)",
    )
    .bind(document.0)
    .bind(version)
    .bind(&upload.sha256)
    .bind(checks::size(upload.size_bytes)?)
    .bind(now())
    .execute(&mut *conn)
    .await?;
    faults::point("tx.register.job").await?;
    let job_id =
        jobs::enqueue_at(conn, JobKind::Ingest, Some(document.0), Some(version), now(), upload.priority).await?;
    faults::point("tx.register.ended").await?;
    Ok(Registered {
        document_id: document,
        version: rows::number("version", version)?,
        job_id,
        job_state: JobState::Queued,
        duplicate: false,
    })
}
