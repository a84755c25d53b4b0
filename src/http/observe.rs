//! The identifier and the span of a request, and counting and logging it. No question and no document text is logged.
//!
//! May depend on `error` and `telemetry`.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tracing::{Instrument as _, field::Empty};

use super::{Problem, error::CALLER_LEFT};
use crate::telemetry::{Metrics, traces};

/// The header with the identifier of a request.
const REQUEST_ID: &str = "x-request-id";
/// The longest identifier that a client may give its request.
const LONGEST_ID: usize = 128;

/// The identifier that a client gave its request was not taken; in the request's extensions.
#[derive(Debug, Clone, Copy)]
struct IdRefused;

/// Looks at the identifier that a client gives its request. It goes into every line of the log, into traces and into the
/// audit log, so one that is long, or that could be read as more than an identifier, is taken out: the request gets one of
/// ours, and [`observe`] refuses it.
pub async fn check_id(mut request: Request, next: Next) -> Response {
    if !request.headers().get_all(REQUEST_ID).iter().all(|id| can_identify(id.as_bytes())) {
        request.headers_mut().remove(REQUEST_ID);
        request.extensions_mut().insert(IdRefused);
    }
    next.run(request).await
}

fn can_identify(id: &[u8]) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/+=@".contains(byte))
}

/// Puts a request into a span of its own, below the one that its `traceparent` names: every line of the log that is
/// written for it has its identifier.
pub async fn in_span(request: Request, next: Next) -> Response {
    let (route, method) = (route(&request), method(request.method()));
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
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
pub async fn observe(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let (route, method) = (route(&request), method(request.method()));
    let mut observed = Observed { metrics, route, method, started: Instant::now(), status: CALLER_LEFT };
    let response = match request.extensions().get::<IdRefused>().copied() {
        Some(IdRefused) => id_refused().into_response(),
        None => next.run(request).await,
    };
    observed.status = response.status().as_u16();
    response
}

/// A request, logged and counted at its end. A client that leaves ends it as well: otherwise a service that is too slow for
/// its clients would look like one that nobody asks.
struct Observed {
    metrics: Arc<Metrics>,
    route: String,
    method: &'static str,
    started: Instant,
    status: u16,
}

impl Drop for Observed {
    fn drop(&mut self) {
        let (status, took) = (self.status, self.started.elapsed());
        self.metrics.request(&self.route, self.method, status, took);
        tracing::info!(status, milliseconds = took.as_millis() as u64, "request");
    }
}

fn id_refused() -> Problem {
    Problem::bad_request(format!(
        "an `x-request-id` has 1 to {LONGEST_ID} letters, digits and characters of `-._~:/+=@`: send one such, or none and \
         get one"
    ))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::{
        Router,
        body::Body,
        http::{HeaderValue, StatusCode},
        routing::get,
    };
    use tower::ServiceExt as _;

    use super::*;
    use crate::telemetry::Moment;

    /// The answer of a service with these routes, and its metrics.
    async fn answered(router: Router, path: &str, id: Option<&[u8]>) -> (Response, String) {
        let metrics = Arc::new(Metrics::default());
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if let Some(id) = id {
            request.headers_mut().insert(REQUEST_ID, HeaderValue::from_bytes(id).unwrap());
        }
        let response = super::super::dressed(router, metrics.clone()).oneshot(request).await.unwrap();
        (response, metrics.render(&Moment::default()))
    }

    #[tokio::test]
    async fn an_identifier_that_cannot_stand_in_a_log_is_refused_and_replaced() {
        let router = || Router::new().route("/there", get(|| async { "there" }));
        let longest = "a".repeat(LONGEST_ID);
        for id in ["0191c2d4-7a3e-7b52-9c1d-1f2e3d4c5b6a", "Root=1:a.b_c~d/e+f@g", longest.as_str()] {
            let (response, _) = answered(router(), "/there", Some(id.as_bytes())).await;
            assert_eq!((response.status(), response.headers()[REQUEST_ID].as_bytes()), (StatusCode::OK, id.as_bytes()));
        }
        let too_long = "a".repeat(LONGEST_ID + 1);
        let forged = "1}: footnote: stopping";
        for id in
            ["", forged, "a\"b", "a b", "a\tb", too_long.as_str()].map(str::as_bytes).into_iter().chain([&b"\xff"[..]])
        {
            let (response, metrics) = answered(router(), "/there", Some(id)).await;
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{id:?}");
            let ours = response.headers()[REQUEST_ID].as_bytes();
            assert!(ours != id && can_identify(ours), "{ours:?}");
            assert!(metrics.contains("{route=\"/there\",method=\"GET\",status=\"400\"} 1"), "{metrics}");
            let body = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
            assert!(String::from_utf8_lossy(&body).contains("x-request-id"), "{body:?}");
        }
        let (response, _) = answered(router(), "/there", None).await;
        assert!(response.status().is_success() && can_identify(response.headers()[REQUEST_ID].as_bytes()));
    }

    #[tokio::test]
    async fn a_request_that_its_client_gives_up_is_counted() {
        let metrics = Arc::new(Metrics::default());
        let router = Router::new().route("/waits", get(|| async { std::future::pending::<&'static str>().await }));
        let request = Request::get("/waits").body(Body::empty()).unwrap();
        let mut asked = Box::pin(super::super::dressed(router, metrics.clone()).oneshot(request));
        assert!(futures::poll!(&mut asked).is_pending());
        drop(asked);
        let text = metrics.render(&Moment::default());
        assert!(text.contains("{route=\"/waits\",method=\"GET\",status=\"499\"} 1"), "{text}");
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_counted_as_a_failure() {
        async fn breaks() -> &'static str {
            assert!(std::env::args().count() == 0, "it breaks");
            "whole"
        }
        let (response, metrics) = answered(Router::new().route("/breaks", get(breaks)), "/breaks", None).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(metrics.contains("{route=\"/breaks\",method=\"GET\",status=\"500\"} 1"), "{metrics}");
    }
}
