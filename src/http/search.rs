//! `POST /v1/search`: the same retrieval without the generator.

use std::sync::Arc;

use axum::{Extension, Json as Body, extract::State};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Problem, audit::Details, auth::check_collection, extract::Json};
use crate::{
    access::Caller,
    answer::{self, SearchRequest, SearchResponse},
    app::App,
    domain::DEFAULT_COLLECTION,
};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Find passages
///
/// The passages that `ask` would read for this question, best first.
#[utoipa::path(
    post, path = "/v1/search", tag = "ask", security(("key" = ["ask"])), request_body = SearchRequest,
    responses(
        (status = OK, body = SearchResponse),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<SearchRequest>,
) -> Result<(Extension<Details>, Body<SearchResponse>), Problem> {
    check_collection(&caller, request.collection.as_deref().unwrap_or(DEFAULT_COLLECTION))?;
    let mut details = json!({"collection": request.collection.as_deref().unwrap_or(DEFAULT_COLLECTION)});
    if app.config.audit_questions {
        details["question"] = json!(request.question);
    }
    let request = SearchRequest { access: caller.asker.access, ..request };
    let _slot = app.search_slots.try_acquire().map_err(|_| {
        Problem::busy(format!("{} searches are waiting already: search again in a while", app.config.ask_queue))
    })?;
    let _asking = app.ingest.questions.begin();
    let work = answer::search(&app.retrieve, request);
    let found = tokio::time::timeout(app.config.ask_timeout, work)
        .await
        .map_err(|_| Problem::timed_out("the search took too long"))??;
    Ok((Extension(Details::of(details)), Body(found)))
}
