//! The HTTP API, version 1: one file per resource, each of which owns its `router()`.
//!
//! `error` is the only place that knows status codes. May depend on everything but `cli`.

mod adapters;
mod admin;
mod ask;
mod auth;
mod conversations;
mod documents;
mod error;
mod extract;
mod health;
mod jobs;
mod observe;
mod openapi;
mod search;
mod unanswered;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit, middleware};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
};
use utoipa_axum::router::OpenApiRouter;

pub use error::Problem;

use crate::app::App;

/// The size of a request that carries no file, in bytes.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// Every route, and the document that describes them.
pub fn router(app: Arc<App>) -> Router {
    let (api, document) = routes().split_for_parts();
    let document = Arc::new(openapi::complete(document));
    let open = health::router().with_state(app.clone()).merge(openapi::router(document));
    let guarded = api
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(middleware::from_fn_with_state(app.clone(), auth::require_key))
        .with_state(app.clone());
    guarded
        .merge(open)
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(middleware::from_fn_with_state(app, observe::observe))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// The OpenAPI document, without a running application.
pub fn openapi_document() -> utoipa::openapi::OpenApi {
    openapi::complete(routes().split_for_parts().1)
}

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(documents::router())
        .merge(jobs::router())
        .merge(ask::router())
        .merge(search::router())
        .merge(conversations::router())
        .merge(unanswered::router())
        .merge(admin::router())
        .merge(adapters::router())
}

/// Serves until `stop` is cancelled, then lets running requests finish for at most `grace`.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    stop: CancellationToken,
    grace: Duration,
) -> std::io::Result<()> {
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let stopped = stop.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { stopped.cancelled().await });
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = server => ended,
        () = deadline => {
            tracing::warn!("requests were still running after {} s: they are cut off", grace.as_secs());
            Ok(())
        }
    }
}
