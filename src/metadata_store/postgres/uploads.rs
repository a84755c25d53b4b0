//! Recording an upload, and the documents it makes: see `DocumentStore::register_upload`.

use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{PostgresStore, connectors, jobs, settle};
use crate::{
    domain::{DocumentId, JobId, JobKind, JobState, Metadata, VersionState},
    faults,
    metadata_store::{MetadataStoreError, NewUpload, Registered, StoreResult, checks, rows},
};

/// How often an upload is tried again that met a conflict which the database resolved against it.
const ATTEMPTS: u32 = 3;

/// The newest version of a name, and the job that ingests it.
type Newest = (i64, String, String, Uuid, String);

impl PostgresStore {
    /// Records an upload. A deadlock or a unique violation means that another transaction has won and ended, so there
    /// is nothing to wait for before the next attempt.
    pub(super) async fn register(&self, upload: &NewUpload) -> StoreResult<Registered> {
        for _ in 1..ATTEMPTS {
            match self.try_register(upload).await {
                Err(MetadataStoreError::Conflict(_) | MetadataStoreError::Unavailable(_)) => {}
                result => return result,
            }
        }
        self.try_register(upload).await
    }

    async fn try_register(&self, upload: &NewUpload) -> StoreResult<Registered> {
        let mut transaction = self.begin().await?;
        let registered = register(&mut transaction, upload, None).await;
        settle(transaction, registered).await
    }
}

/// Records an upload, `by` a connector for one of its items, or by hand.
pub(super) async fn register(
    conn: &mut PgConnection,
    upload: &NewUpload,
    by: Option<(&str, &str)>,
) -> StoreResult<Registered> {
    // Inserts the document, or locks the living one of that name: one statement, which waits for others that insert or
    // delete the name, and begins again by itself when they have changed what it found. The update changes nothing.
    let fresh = DocumentId::new();
    let (id, metadata, access): (Uuid, Json<Metadata>, Json<Vec<String>>) = sqlx::query_as(
        "INSERT INTO documents (id, collection, name, metadata, access) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (collection, name) WHERE deleted_at IS NULL DO UPDATE SET updated_at = documents.updated_at \
         RETURNING id, metadata, access",
    )
    .bind(fresh.0)
    .bind(&upload.collection)
    .bind(&upload.name)
    .bind(Json(&upload.metadata))
    .bind(Json(&upload.access))
    .fetch_one(&mut *conn)
    .await?;
    if id == fresh.0 {
        return add_version(conn, fresh, 1, upload).await;
    }
    if !upload.replaces.reads(&access) {
        return Err(rows::not_the_callers(&upload.name));
    }
    let owner = connectors::owner(conn, id).await?;
    rows::check_owner(&upload.name, owner.as_ref(), by)?;
    let newest: Option<Newest> = sqlx::query_as(
        "SELECT v.version, v.state, v.sha256, j.id, j.state FROM versions v \
         JOIN jobs j ON j.document_id = v.document_id AND j.version = v.version AND j.kind = 'ingest' \
         WHERE v.document_id = $1 ORDER BY v.version DESC LIMIT 1",
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
        sqlx::query("UPDATE documents SET metadata = $2, access = $3, updated_at = now() WHERE id = $1")
            .bind(id)
            .bind(Json(&upload.metadata))
            .bind(Json(&upload.access))
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

async fn add_version(
    conn: &mut PgConnection,
    document: DocumentId,
    version: i64,
    upload: &NewUpload,
) -> StoreResult<Registered> {
    faults::point("tx.register.version").await?;
    sqlx::query(
        "INSERT INTO versions (document_id, version, state, sha256, size_bytes) VALUES ($1, $2, 'pending', $3, $4)",
    )
    .bind(document.0)
    .bind(version)
    .bind(&upload.sha256)
    .bind(checks::size(upload.size_bytes)?)
    .execute(&mut *conn)
    .await?;
    faults::point("tx.register.job").await?;
    let job_id = jobs::enqueue_at(conn, JobKind::Ingest, Some(document.0), Some(version), upload.priority).await?;
    faults::point("tx.register.ended").await?;
    Ok(Registered {
        document_id: document,
        version: rows::number("version", version)?,
        job_id,
        job_state: JobState::Queued,
        duplicate: false,
    })
}
