//! Counting and logging requests. No question and no document text is logged.
//!
//! May depend on `app` and `telemetry`.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use crate::app::App;

/// Logs and counts a request by its route, not by its path: a path holds ids.
pub async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    app.metrics.request(&route, method.as_str(), status, started.elapsed());
    tracing::info!(%id, %method, route, status, milliseconds = started.elapsed().as_millis() as u64, "request");
    response
}
