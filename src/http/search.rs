//! `POST /v1/search`: the same retrieval without the generator.

use std::sync::Arc;

use axum::{Json as Body, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Problem, extract::Json};
use crate::{
    answer::{self, SearchRequest, SearchResponse},
    app::App,
};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Find passages
///
/// The passages that `ask` would read for this question, best first.
#[utoipa::path(
    post, path = "/v1/search", tag = "ask", request_body = SearchRequest,
    responses(
        (status = OK, body = SearchResponse),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn search(
    State(app): State<Arc<App>>,
    Json(request): Json<SearchRequest>,
) -> Result<Body<SearchResponse>, Problem> {
    let _asking = app.ingest.questions.begin();
    let work = answer::search(&app.retrieve, request);
    let found = tokio::time::timeout(app.config.ask_timeout, work)
        .await
        .map_err(|_| Problem::timed_out("the search took too long"))??;
    Ok(Body(found))
}
