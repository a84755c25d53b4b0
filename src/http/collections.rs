//! `/v1/collections`: which collections there are, as far as the caller may see them.

use std::sync::Arc;

use axum::{Json as Body, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Problem, extract::Query};
use crate::{access::Caller, app::App, domain::Collection};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which collections to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CollectionsQuery {
    /// Only behind this name: the `next_after` of the page before.
    after: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of collections.
#[derive(Debug, Serialize, ToSchema)]
struct CollectionList {
    /// The collections, by name.
    collections: Vec<Collection>,
    /// Give this as `after` to get the next page; absent on the last.
    next_after: Option<String>,
}

/// List collections
///
/// Those that hold a document which the caller may read, with how many of these there are.
#[utoipa::path(
    get, path = "/v1/collections", operation_id = "list_collections", tag = "documents", security(("key" = ["ask"]), ("key" = ["ingest"])), params(CollectionsQuery),
    responses((status = OK, body = CollectionList))
)]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<CollectionsQuery>,
) -> Result<Body<CollectionList>, Problem> {
    let limit = query.limit.unwrap_or(100);
    let collections = app.metadata.readable_collections(query.after.as_deref(), limit, caller.access()).await?;
    // A full page may be the last one: the next is then empty.
    let is_full = collections.len() == limit as usize;
    let next_after = collections.last().filter(|_| is_full).map(|last| last.name.clone());
    Ok(Body(CollectionList { collections, next_after }))
}
