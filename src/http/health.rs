//! Whether the process lives, whether it can work, and what it has counted.
//!
//! May depend on `app`.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header},
    response::IntoResponse,
    routing::get,
};

use super::{Problem, auth};
use crate::{app::App, domain::Scope};

/// The routes, which are not part of the versioned API. The first two need no key; what was counted is for administrators.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

/// `ok` when every store answers, with what is not as it should be and does not keep questions from being answered.
async fn ready(State(app): State<Arc<App>>) -> Result<String, Problem> {
    app.metadata.ping().await?;
    app.vectors.ping().await?;
    app.ingest.blobs.ping().await?;
    Ok(app.serving.failures().map_or("ok".to_owned(), |failures| format!("ok, but {failures}")))
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let caller = auth::caller(&app, &headers).await?;
    auth::check(&caller, &[Scope::Admin])?;
    let text = app.metrics.render(app.metadata.counts().await?, &app.serving.loaded());
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}
