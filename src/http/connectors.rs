//! `/v1/connectors`: the sources that documents are kept in step with. They concern the whole installation, and so they
//! are for administrators from whom nothing is kept.

use std::sync::Arc;

use axum::{Json as Body, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    auth::Unlimited,
    extract::{OptionalJson, Path, Query},
};
use crate::{
    app::App,
    connectors::{ConnectorStatus, statuses},
    domain::ItemFailure,
};

/// How many failures are shown when the request does not say.
const FAILURES: u32 = 100;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(sync))
}

/// All connectors.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectorList {
    /// The connectors, by name; also those that are not followed any more.
    connectors: Vec<ConnectorStatus>,
}

/// List connectors
#[utoipa::path(
    get, path = "/v1/connectors", operation_id = "list_connectors", tag = "connectors", security(("key" = ["admin"])),
    responses((status = OK, body = ConnectorList))
)]
async fn list(State(app): State<Arc<App>>, _: Unlimited) -> Result<Body<ConnectorList>, Problem> {
    Ok(Body(ConnectorList { connectors: statuses(&*app.metadata, &app.config.connectors).await? }))
}

/// Which failures to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FailuresQuery {
    /// Only those behind this item.
    after: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A connector with what could not be taken over.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectorDetails {
    /// The connector.
    #[serde(flatten)]
    connector: ConnectorStatus,
    /// What could not be taken over or ingested, in the order of the items.
    failures: Vec<ItemFailure>,
}

/// Show a connector
///
/// With the items that could not be taken over or ingested, and why.
#[utoipa::path(
    get, path = "/v1/connectors/{name}", operation_id = "show_connector", tag = "connectors",
    security(("key" = ["admin"])), params(("name" = String, Path), FailuresQuery),
    responses(
        (status = OK, body = ConnectorDetails),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Path(name): Path<String>,
    Query(query): Query<FailuresQuery>,
) -> Result<Body<ConnectorDetails>, Problem> {
    let (after, limit) = (query.after.as_deref(), query.limit.unwrap_or(FAILURES));
    let failures = app.metadata.failures(&name, after, limit).await?;
    Ok(Body(ConnectorDetails { connector: status(&app, &name).await?, failures }))
}

/// What a pass may do.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SyncRequest {
    /// Delete whatever the source does not hold any more, however much that is.
    #[serde(default)]
    confirm_deletions: bool,
}

/// Ask for a pass
///
/// It begins as soon as a process follows the connector and none runs. The body may be left out.
#[utoipa::path(
    post, path = "/v1/connectors/{name}/sync", operation_id = "sync_connector", tag = "connectors",
    security(("key" = ["admin"])), params(("name" = String, Path)), request_body(content = Option<SyncRequest>),
    responses(
        (status = ACCEPTED, body = ConnectorStatus),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn sync(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Path(name): Path<String>,
    request: OptionalJson<SyncRequest>,
) -> Result<(StatusCode, Body<ConnectorStatus>), Problem> {
    if let Some(connector) = app.config.connectors.get(&name) {
        app.metadata.add_connector(&name, connector.source.kind()).await?;
    }
    app.metadata.request_pass(&name, request.0.unwrap_or_default().confirm_deletions).await?;
    app.connectors.wake.notify_waiters();
    Ok((StatusCode::ACCEPTED, Body(status(&app, &name).await?)))
}

async fn status(app: &App, name: &str) -> Result<ConnectorStatus, Problem> {
    let all = statuses(&*app.metadata, &app.config.connectors).await?;
    let found = all.into_iter().find(|status| status.state.name == name);
    found.ok_or_else(|| Problem::not_found(format!("there is no connector `{name}`")))
}
