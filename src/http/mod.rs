//! The HTTP API, version 1: one file per resource, each of which owns its `router()`.
//!
//! `error` is the only place that knows status codes. May depend on everything but `cli`.

mod adapters;
mod admin;
mod answering;
mod ask;
mod audit;
mod audit_log;
mod auth;
mod collections;
mod connections;
mod connectors;
mod conversations;
mod documents;
mod error;
mod extract;
mod feedback;
mod health;
mod jobs;
mod keys;
mod observe;
mod openai;
mod openapi;
mod page;
mod readiness;
mod refused;
mod reports;
mod search;
mod starting;
mod unanswered;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue},
    middleware,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    timeout::RequestBodyTimeoutLayer,
};
use utoipa_axum::router::OpenApiRouter;

pub use audit::forget_old;
pub use error::Problem;
pub use feedback::forget_traces;
pub use starting::Starting;

use crate::{app::App, mcp, telemetry::Metrics};

/// The size of a request that carries no file, in bytes.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// How long a sender may send nothing of a body that it has begun.
const BODY_STALLED: Duration = Duration::from_secs(60);

/// Every route, and the document that describes them.
pub fn router(app: Arc<App>) -> Router {
    let (api, document) = routes().split_for_parts();
    let document = Arc::new(openapi::complete(document));
    let permissions = Arc::new(auth::Permissions::of_document(&document));
    let open = health::router().with_state(app.clone()).merge(openapi::router(document)).merge(page::router());
    let guarded = api
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(middleware::from_fn_with_state((app.clone(), permissions.clone()), auth::authorize))
        .layer(middleware::from_fn_with_state((app.clone(), permissions), audit::record))
        .with_state(app.clone());
    let api = guarded.merge(open).fallback(error::no_such_route).method_not_allowed_fallback(error::method_not_allowed);
    let api = dressed(api, app.metrics.clone());
    // Tools are requests to the API: whoever calls one is let in here, and may do there what the key is for.
    let tools = mcp::routes(api.clone()).layer(middleware::from_fn_with_state(app.clone(), auth::let_in));
    api.merge(dressed(tools, app.metrics.clone()))
}

/// What every request and every answer goes through.
fn dressed(router: Router, metrics: Arc<Metrics>) -> Router {
    router
        // Inside of what counts, so that a handler that panics is counted; and further out for what stands around it.
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::from_fn_with_state(metrics, observe::observe))
        .layer(middleware::from_fn(refused::read_out))
        .layer(RequestBodyTimeoutLayer::new(BODY_STALLED))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::from_fn(openai::say_errors_twice))
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("content-security-policy", "default-src 'none'; frame-ancestors 'none'"))
        .layer(header("referrer-policy", "no-referrer"))
        .layer(header("cross-origin-resource-policy", "same-origin"))
        .layer(header("cache-control", "no-store"))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(middleware::from_fn(observe::in_span))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(middleware::from_fn(observe::check_id))
}

/// A header that every answer has which has none of that name: nothing here is a page, and nothing is kept on the way.
fn header(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// What a process that serves nothing else tells about itself: `/healthz`, `/readyz` and `/metrics`.
pub fn health_router(app: Arc<App>) -> Router {
    let router = health::router().with_state(app.clone()).fallback(error::no_such_route);
    dressed(router.method_not_allowed_fallback(error::method_not_allowed), app.metrics.clone())
}

/// The OpenAPI document, without a running application.
pub fn openapi_document() -> utoipa::openapi::OpenApi {
    openapi::complete(routes().split_for_parts().1)
}

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(documents::router())
        .merge(collections::router())
        .merge(jobs::router())
        .merge(connectors::router())
        .merge(ask::router())
        .merge(search::router())
        .merge(openai::router())
        .merge(conversations::router())
        .merge(unanswered::router())
        .merge(feedback::router())
        .merge(admin::router())
        .merge(adapters::router())
        .merge(reports::router())
        .merge(keys::router())
        .merge(audit_log::router())
}

/// Serves until `stop` is cancelled, then lets running requests finish for at most `grace`.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    stop: CancellationToken,
    grace: Duration,
) -> std::io::Result<()> {
    serve_router(listener, router(app.clone()), &app, stop, grace).await
}

/// Serves [`health_router`] alone, likewise.
pub async fn serve_health(
    listener: TcpListener,
    app: Arc<App>,
    stop: CancellationToken,
    grace: Duration,
) -> std::io::Result<()> {
    serve_router(listener, health_router(app.clone()), &app, stop, grace).await
}

async fn serve_router(
    listener: TcpListener,
    router: Router,
    app: &App,
    stop: CancellationToken,
    grace: Duration,
) -> std::io::Result<()> {
    let stopping = app.stopping.clone();
    let told = tokio::spawn({
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            stopping.cancel();
        }
    });
    let served = connections::serve(listener, router, app.tls.clone(), stop, grace).await;
    told.abort();
    served
}
