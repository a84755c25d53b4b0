//! `/v1/admin`: building the index anew while the old one goes on answering, and a backup of a server that serves.

use std::sync::Arc;

use axum::{
    Extension, Json as Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::io::ReaderStream;
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    audit::Details,
    auth::Unlimited,
    extract::{OptionalJson, Path, Query},
};
use crate::{
    app::App,
    archive::{BackupOptions, backup},
    domain::{Generation, Job, JobId, JobKind, ReindexOptions},
};

/// How much of an archive waits for the client, in bytes.
const PIPE_BYTES: usize = 256 * 1024;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(reindex)).routes(routes!(show)).routes(routes!(back_up))
}

/// A reindex, and the generations of the index.
#[derive(Debug, Serialize, ToSchema)]
struct Reindex {
    /// The job.
    job: Job,
    /// The generations, ascending.
    generations: Vec<Generation>,
}

/// Build the index anew
///
/// Everything is extracted, chunked and embedded again from the stored originals into a new generation, with the embedder
/// that is configured; passages that have a vector of that embedder keep it, unless `embed_all` is set. The generation is
/// verified, and replaces the old one in one step at the end. With `rollback`, the generation before the active one is
/// brought up to date and replaces it. When such a reindex is already queued or running, that one is returned. The body
/// may be left out.
#[utoipa::path(
    post, path = "/v1/admin/reindex", operation_id = "start_reindex", tag = "admin", security(("key" = ["admin"])),
    request_body(content = Option<ReindexOptions>),
    responses(
        (status = ACCEPTED, body = Reindex),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn reindex(
    State(app): State<Arc<App>>,
    _: Unlimited,
    options: OptionalJson<ReindexOptions>,
) -> Result<(StatusCode, Extension<Details>, Body<Reindex>), Problem> {
    let id = app.metadata.enqueue_reindex(options.0.unwrap_or_default()).await?;
    app.ingest.wake.notify_one();
    let details = Details::of(json!({"job": id}));
    Ok((StatusCode::ACCEPTED, Extension(details), Body(read(&app, id).await?)))
}

/// Show a reindex
#[utoipa::path(
    get, path = "/v1/admin/reindex/{id}", operation_id = "show_reindex", tag = "admin", security(("key" = ["admin"])), params(("id" = JobId, Path)),
    responses(
        (status = OK, body = Reindex),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(State(app): State<Arc<App>>, _: Unlimited, Path(id): Path<JobId>) -> Result<Body<Reindex>, Problem> {
    let found = read(&app, id).await?;
    if found.job.kind != JobKind::Reindex {
        return Err(Problem::not_found(format!("job {id} is no reindex: see /v1/jobs/{id}")));
    }
    Ok(Body(found))
}

/// What a backup holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BackupQuery {
    /// Leave the vectors out: a restore makes them again.
    without_vectors: Option<bool>,
}

/// Back everything up
///
/// The answer is an archive: a tar file that `footnote restore` reads. It is of one moment, whatever is uploaded, deleted
/// and asked meanwhile. It ends with `end.json`; an answer that was cut off does not, and is no backup. One is written at
/// a time.
#[utoipa::path(
    post, path = "/v1/admin/backup", operation_id = "back_up", tag = "admin", security(("key" = ["admin"])), params(BackupQuery),
    responses(
        (status = OK, body = Vec<u8>, content_type = "application/x-tar"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn back_up(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Query(query): Query<BackupQuery>,
) -> Result<Response, Problem> {
    let busy = || Problem::busy("a backup is being written already: wait for its end");
    let permit = app.backup_slot.clone().try_acquire_owned().map_err(|_| busy())?;
    let options = BackupOptions { without_vectors: query.without_vectors.unwrap_or(false), since: None };
    let (written, read) = tokio::io::duplex(PIPE_BYTES);
    let writing = async move {
        let _permit = permit;
        let result = backup(&app.installation(), written, &options).await;
        if let Err(error) = &result {
            tracing::error!(%error, "a backup was not written to its end");
        }
        result.map(drop).map_err(std::io::Error::other)
    };
    let writing = tokio::spawn(writing.in_current_span());
    // What the pipe carried first, then how it ended: an error breaks the answer off, so that nobody takes it for whole.
    let ended = stream::once(async move { writing.await.map_err(std::io::Error::other).flatten() });
    let body = ReaderStream::new(read).chain(ended.map(|ended| ended.map(|()| Bytes::new())));
    let headers = [
        (header::CONTENT_TYPE, "application/x-tar"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"footnote-backup.tar\""),
    ];
    Ok((headers, axum::body::Body::from_stream(body)).into_response())
}

async fn read(app: &App, id: JobId) -> Result<Reindex, Problem> {
    Ok(Reindex { job: app.metadata.job(id).await?, generations: app.metadata.generations().await? })
}
