//! `/v1/jobs`: what is being worked on, and why something failed.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json as Body,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Path, Query},
};
use crate::{
    access::Caller,
    app::App,
    domain::{DocumentId, Job, JobId, JobKind, JobState},
    metadata_store::JobQuery,
};

/// How often a job is looked at while its events are followed.
const FOLLOW: Duration = Duration::from_millis(300);

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(events))
}

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JobsQuery {
    /// Only in this state.
    state: Option<JobState>,
    /// Only of this kind.
    kind: Option<JobKind>,
    /// Only of this document.
    document_id: Option<DocumentId>,
    /// Where to go on: the `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{40}$")]
    cursor: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
struct JobList {
    /// The jobs, newest first.
    jobs: Vec<Job>,
    /// Give this as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

/// List jobs
#[utoipa::path(
    get, path = "/v1/jobs", operation_id = "list_jobs", tag = "jobs", security(("key" = ["ingest"]), ("key" = ["admin"])), params(JobsQuery),
    responses((status = OK, body = JobList))
)]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<JobsQuery>,
) -> Result<Body<JobList>, Problem> {
    let page = app
        .metadata
        .jobs(JobQuery {
            state: query.state,
            kind: query.kind,
            document_id: query.document_id,
            access: caller.access().clone(),
            cursor: query.cursor,
            limit: query.limit.unwrap_or(100),
        })
        .await?;
    Ok(Body(JobList { jobs: page.items, next_cursor: page.next_cursor }))
}

/// Show a job
#[utoipa::path(
    get, path = "/v1/jobs/{id}", operation_id = "show_job", tag = "jobs", security(("key" = ["ingest"]), ("key" = ["admin"])), params(("id" = JobId, Path)),
    responses((status = OK, body = Job), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"))
)]
async fn show(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<JobId>) -> Result<Body<Job>, Problem> {
    Ok(Body(app.metadata.readable_job(id, caller.access()).await?))
}

/// Cancel a job
///
/// A running job is dropped where it stands. A job that has ended, or that purges deleted data, cannot be cancelled.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/cancel", operation_id = "cancel_job", tag = "jobs", security(("key" = ["ingest"]), ("key" = ["admin"])), params(("id" = JobId, Path)),
    responses(
        (status = OK, body = Job),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn cancel(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<JobId>) -> Result<Body<Job>, Problem> {
    app.metadata.readable_job(id, caller.access()).await?;
    Ok(Body(app.metadata.cancel_job(id).await?))
}

/// Retry a job
///
/// A failed or cancelled job is queued again, with fresh attempts.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/retry", operation_id = "retry_job", tag = "jobs", security(("key" = ["ingest"]), ("key" = ["admin"])), params(("id" = JobId, Path)),
    responses(
        (status = OK, body = Job),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn retry(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<JobId>) -> Result<Body<Job>, Problem> {
    app.metadata.readable_job(id, caller.access()).await?;
    let job = app.metadata.retry_job(id).await?;
    match job.kind {
        JobKind::Deliver => app.deliveries.wake.notify_one(),
        JobKind::Ingest | JobKind::Purge | JobKind::Reindex => app.ingest.wake.notify_one(),
    }
    Ok(Body(job))
}

/// Follow a job
///
/// Server-sent events named `job`, each with the job as JSON, whenever it changed; the last one is its end.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", operation_id = "follow_job", tag = "jobs", security(("key" = ["ingest"]), ("key" = ["admin"])), params(("id" = JobId, Path)),
    responses(
        (status = OK, body = Job, content_type = "text/event-stream"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<JobId>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let access = caller.asker.access;
    let first = app.metadata.readable_job(id, &access).await?;
    let stream =
        futures::stream::unfold((app, Some(first), access, true), move |(app, job, access, is_first)| async move {
            let last = job?;
            if is_first {
                let event = job_event(&last);
                return Some((event, (app, Some(last), access, false)));
            }
            if last.state.is_final() {
                return None;
            }
            loop {
                tokio::time::sleep(FOLLOW).await;
                match app.metadata.readable_job(id, &access).await {
                    Ok(job) if job != last => return Some((job_event(&job), (app, Some(job), access, false))),
                    Ok(_) => {}
                    Err(error) => {
                        let event = Event::default().event("problem").json_data(Problem::from(error));
                        return Some((Ok(event.unwrap_or_default()), (app, None, access, false)));
                    }
                }
            }
        });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(10))))
}

fn job_event(job: &Job) -> Result<Event, Infallible> {
    Ok(Event::default().event("job").json_data(job).unwrap_or_default())
}
