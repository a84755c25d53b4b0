//! The span of a request, and counting and logging it. No question and no document text is logged.
//!
//! May depend on `app` and `telemetry`.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use tracing::{Instrument as _, field::Empty};

use crate::{app::App, telemetry::traces};

/// Puts a request into a span of its own, below the one that its `traceparent` names: every line of the log that is
/// written for it has its identifier.
pub async fn in_span(request: Request, next: Next) -> Response {
    let (route, method) = (route(&request), method(request.method()));
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    // Of the highest level, so that it is there whatever is logged.
    let span = tracing::error_span!(
        "request",
        %id,
        method,
        route,
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.response.status_code = Empty,
        otel.status_code = Empty,
    );
    traces::follow(&span, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

/// Logs and counts a request by its route, not by its path: a path holds ids.
pub async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (route, method) = (route(&request), method(request.method()));
    let response = next.run(request).await;
    let status = response.status().as_u16();
    app.metrics.request(&route, method, status, started.elapsed());
    tracing::info!(status, milliseconds = started.elapsed().as_millis() as u64, "request");
    response
}

fn route(request: &Request) -> String {
    request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned()
}

/// The method, if it is one of those that anything here takes: a client may send any word, and each would be counted.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
