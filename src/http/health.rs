//! Whether the process lives, whether it can work, and what it has counted.
//!
//! May depend on `app`, `connectors`, `disk`, `readiness` and `telemetry`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};

use super::{
    Problem, auth,
    readiness::{self, Readiness},
};
use crate::{app::App, connectors, disk, domain::Scope, telemetry::Moment};

/// The routes, which are not part of the versioned API. The first two need no key; what was counted is for administrators.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

/// 200 when everything is as it must be, and otherwise 503; with each check in either case.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Readiness>) {
    let readiness = readiness::check(&app).await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let caller = auth::caller(&app, &headers).await?;
    auth::check(&caller, &[Scope::Admin])?;
    let (counts, queue) = tokio::try_join!(app.metadata.counts(), app.metadata.queue())?;
    let places = disk::places(&app.config);
    // A disk whose room is not known is told by readiness.
    let looking = move || places.iter().filter_map(|place| Some((place.name, place.free().ok()?))).collect();
    let moment = Moment {
        documents: counts.documents,
        searchable_documents: counts.active_documents,
        chunks: counts.chunks,
        queue,
        questions_open: app.admission.open() as u64,
        disks: tokio::task::spawn_blocking(looking).await.map_err(|error| Problem::internal(&error))?,
        adapters: app
            .serving
            .loaded()
            .iter()
            .map(|loaded| (loaded.role, loaded.number, loaded.failure.is_some()))
            .collect(),
        connectors: connectors::last_passes(&*app.metadata, &app.config.connectors).await?,
    };
    let text = app.metrics.render(&moment);
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}
