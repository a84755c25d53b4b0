//! `/v1/admin/adapters`: the registry of adapters, and which of them serve.

use std::sync::Arc;

use axum::{Json as Body, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    auth::Unlimited,
    extract::{Json, Path, Query},
};
use crate::{
    adapters::{
        Registry, RegistryError,
        overview::{AdapterDetails, ListedAdapter, ServingRole},
    },
    app::App,
    domain::{AdapterId, AdapterRole, Promotion},
    eval::{card::SuiteIdentity, suite::Suite},
    metadata_store::AdapterQuery,
    serving::LoadedAdapter,
};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(promote)).routes(routes!(rollback))
}

/// Which adapters to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AdaptersQuery {
    /// Only of this role.
    role: Option<AdapterRole>,
    /// Where to go on: the `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{40}$")]
    cursor: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of adapters, and what serves.
#[derive(Debug, Serialize, ToSchema)]
struct AdapterList {
    /// What the registry says that serves, role by role.
    serving: Vec<ServingRole>,
    /// What this process answers with: it follows the registry within two seconds.
    loaded: Vec<LoadedAdapter>,
    /// The adapters, newest first.
    adapters: Vec<ListedAdapter>,
    /// Give this as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

/// List adapters
#[utoipa::path(
    get, path = "/v1/admin/adapters", operation_id = "list_adapters", tag = "admin", security(("key" = ["admin"])), params(AdaptersQuery),
    responses((status = OK, body = AdapterList))
)]
async fn list(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Query(query): Query<AdaptersQuery>,
) -> Result<Body<AdapterList>, Problem> {
    let (registry, pinned) = (registry(&app), pinned(&app).await?);
    let limit = query.limit.unwrap_or(100);
    let page = registry.list(AdapterQuery { role: query.role, cursor: query.cursor, limit }, pinned.as_ref()).await?;
    Ok(Body(AdapterList {
        serving: registry.serving_roles(pinned.as_ref()).await?,
        loaded: app.serving.loaded(),
        adapters: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// Show an adapter
///
/// With the card of the run that made it, its evaluations, and when it served.
#[utoipa::path(
    get, path = "/v1/admin/adapters/{id}", operation_id = "show_adapter", tag = "admin", security(("key" = ["admin"])),
    params(("id" = AdapterId, Path)),
    responses(
        (status = OK, body = AdapterDetails),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Path(id): Path<AdapterId>,
) -> Result<Body<AdapterDetails>, Problem> {
    Ok(Body(registry(&app).show(id).await?))
}

/// How to promote.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PromoteRequest {
    /// Promote it although it is refused, and record this reason.
    #[serde(default)]
    force: Option<String>,
}

/// Promote an adapter
///
/// It is refused with the status 409 and the figures when it is not significantly better than what serves on the pinned
/// suite, or gets fewer edge or failure cases right, unless `force` gives a reason. Every process follows; questions
/// that are being answered end with the models they began with.
#[utoipa::path(
    post, path = "/v1/admin/adapters/{id}/promote", operation_id = "promote_adapter", tag = "admin", security(("key" = ["admin"])),
    params(("id" = AdapterId, Path)), request_body = PromoteRequest,
    responses(
        (status = OK, body = Promotion),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn promote(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Path(id): Path<AdapterId>,
    Json(request): Json<PromoteRequest>,
) -> Result<Body<Promotion>, Problem> {
    let pinned = pinned(&app).await?;
    let entry = registry(&app).promote(id, pinned.as_ref(), request.force).await?;
    app.adapters_changed.notify_one();
    Ok(Body(entry))
}

/// Roll back an adapter
///
/// Goes back to what served before the present adapter of this role was promoted.
#[utoipa::path(
    post, path = "/v1/admin/adapters/{role}/rollback", operation_id = "roll_back_adapter", tag = "admin", security(("key" = ["admin"])),
    params(("role" = AdapterRole, Path)),
    responses(
        (status = OK, body = Promotion),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn rollback(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Path(role): Path<AdapterRole>,
) -> Result<Body<Promotion>, Problem> {
    let entry = registry(&app).roll_back(role).await?;
    app.adapters_changed.notify_one();
    Ok(Body(entry))
}

fn registry(app: &App) -> Registry {
    Registry::new(app.metadata.clone(), app.ingest.blobs.clone(), app.own_adapters.clone())
}

/// The suite that promotions are decided on, if one is pinned. Its file is read each time: it may be changed while the
/// service runs.
async fn pinned(app: &App) -> Result<Option<SuiteIdentity>, Problem> {
    let Some(file) = app.config.pinned_suite.clone() else { return Ok(None) };
    let read = tokio::task::spawn_blocking(move || Suite::read(&file)?.identity()).await;
    let read = read.map_err(|error| RegistryError::GivenUp(error.to_string()))?;
    Ok(Some(read.map_err(RegistryError::Suite)?))
}
