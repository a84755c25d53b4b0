//! `/v1/admin/reports`: the runs that `eval run` and `train` have written into the folder of reports.
//!
//! Figures are sent as data, which the web page draws itself. The page that a run has is sent as it was written, and a
//! browser is told to run nothing of it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json as Body,
    extract::State,
    http::{HeaderName, header},
    response::{Html, IntoResponse},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Problem, auth::Unlimited, extract::Path};
use crate::{
    app::App,
    eval::report::shelf::{self, ListedReport, Report, ShelfError},
};

/// How long reading may take.
const READING: Duration = Duration::from_secs(30);
/// What a browser lets the page of a run do: nothing but be looked at. Its styles and its drawings stand in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; sandbox";

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(page))
}

/// The runs.
#[derive(Debug, Serialize, ToSchema)]
struct ReportList {
    /// The runs, the newest first.
    reports: Vec<ListedReport>,
}

/// List reports
///
/// The evaluation and training runs in the folder that `reports` names, each with its main figures.
#[utoipa::path(
    get, path = "/v1/admin/reports", operation_id = "list_reports", tag = "admin", security(("key" = ["admin"])),
    responses(
        (status = OK, body = ReportList),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list(State(app): State<Arc<App>>, _: Unlimited) -> Result<Body<ReportList>, Problem> {
    Ok(Body(ReportList { reports: read(&app, |shelf| shelf::list(&shelf)).await? }))
}

/// Show a report
///
/// With all figures, with the curves of a training run, and with the card that says what it was made with.
#[utoipa::path(
    get, path = "/v1/admin/reports/{name}", operation_id = "show_report", tag = "admin", security(("key" = ["admin"])),
    params(("name" = String, Path)),
    responses(
        (status = OK, body = Report),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(State(app): State<Arc<App>>, _: Unlimited, Path(name): Path<String>) -> Result<Body<Report>, Problem> {
    Ok(Body(read(&app, move |shelf| shelf::report(&shelf, &name)).await?))
}

/// The page of a report
///
/// As the run has written it: one file that needs no other.
#[utoipa::path(
    get, path = "/v1/admin/reports/{name}/page", operation_id = "show_report_page", tag = "admin", security(("key" = ["admin"])),
    params(("name" = String, Path)),
    responses(
        (status = OK, body = String, content_type = "text/html"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn page(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let page = read(&app, move |shelf| shelf::page(&shelf, &name)).await?;
    let policy: [(HeaderName, &str); 1] = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    Ok((policy, Html(page)))
}

/// Reads from the folder of reports, on a thread that may wait for a disk.
async fn read<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(PathBuf) -> Result<T, ShelfError> + Send + 'static,
) -> Result<T, Problem> {
    let shelf = app.config.reports.clone();
    let reading = tokio::task::spawn_blocking(move || work(shelf));
    let read = tokio::time::timeout(READING, reading);
    let read = read.await.map_err(|_| Problem::timed_out("the reports could not be read in time"))?;
    match read.map_err(|error| Problem::internal(&error))? {
        Ok(found) => Ok(found),
        Err(error @ ShelfError::NotFound(_)) => Err(Problem::not_found(error.to_string())),
        Err(error @ ShelfError::TooMany(_)) => Err(Problem::conflict(error.to_string())),
        Err(error) if error.is_transient() => Err(Problem::unavailable(error.to_string())),
        Err(error) => Err(Problem::internal(&error)),
    }
}
