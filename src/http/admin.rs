//! `/v1/admin/reindex`: building the index anew while the old one goes on answering.

use std::sync::Arc;

use axum::{Json as Body, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{OptionalJson, Path},
};
use crate::{
    app::App,
    domain::{Generation, Job, JobId, JobKind, ReindexOptions},
};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(reindex)).routes(routes!(show))
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
    post, path = "/v1/admin/reindex", operation_id = "start_reindex", tag = "admin",
    request_body(content = Option<ReindexOptions>),
    responses(
        (status = ACCEPTED, body = Reindex),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn reindex(
    State(app): State<Arc<App>>,
    options: OptionalJson<ReindexOptions>,
) -> Result<(StatusCode, Body<Reindex>), Problem> {
    let id = app.metadata.enqueue_reindex(options.0.unwrap_or_default()).await?;
    app.ingest.wake.notify_one();
    Ok((StatusCode::ACCEPTED, Body(read(&app, id).await?)))
}

/// Show a reindex
#[utoipa::path(
    get, path = "/v1/admin/reindex/{id}", operation_id = "show_reindex", tag = "admin", params(("id" = JobId, Path)),
    responses(
        (status = OK, body = Reindex),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(State(app): State<Arc<App>>, Path(id): Path<JobId>) -> Result<Body<Reindex>, Problem> {
    let found = read(&app, id).await?;
    if found.job.kind != JobKind::Reindex {
        return Err(Problem::not_found(format!("job {id} is no reindex: see /v1/jobs/{id}")));
    }
    Ok(Body(found))
}

async fn read(app: &App, id: JobId) -> Result<Reindex, Problem> {
    Ok(Reindex { job: app.metadata.job(id).await?, generations: app.metadata.generations().await? })
}
