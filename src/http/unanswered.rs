//! `/v1/unanswered`: what the owners of the documents should look at.

use std::sync::Arc;

use axum::{Json as Body, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Path, Query},
};
use crate::{
    access::Caller,
    app::App,
    domain::UnansweredId,
    unanswered::{self, UnansweredGroups},
};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(dismiss))
}

/// Which unanswered questions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UnansweredListQuery {
    /// Only of this collection.
    collection: Option<String>,
    /// At most so many groups, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// List unanswered questions
///
/// Those that a rule has recorded and that are open, in groups that ask the same: the cosine of a question's vector and
/// that of the first one of its group is at least 0.75. The newest 2,000 are grouped.
#[utoipa::path(
    get, path = "/v1/unanswered", operation_id = "list_unanswered", tag = "unanswered", security(("key" = ["admin"])), params(UnansweredListQuery),
    responses((status = OK, body = UnansweredGroups))
)]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<UnansweredListQuery>,
) -> Result<Body<UnansweredGroups>, Problem> {
    let limit = match query.limit.unwrap_or(100) {
        limit @ 1..=1_000 => limit as usize,
        limit => return Err(Problem::invalid(format!("the limit must be 1 to 1000, not {limit}"))),
    };
    Ok(Body(unanswered::groups(&*app.metadata, query.collection, caller.access(), limit).await?))
}

/// Questions that were dismissed.
#[derive(Debug, Serialize, ToSchema)]
struct Dismissed {
    /// How many.
    dismissed: u64,
}

/// Dismiss an unanswered question
///
/// With those that ask the same, as the list has them. Nothing happens when it is settled already.
#[utoipa::path(
    post, path = "/v1/unanswered/{id}/dismiss", operation_id = "dismiss_unanswered", tag = "unanswered", security(("key" = ["admin"])),
    params(("id" = UnansweredId, Path)),
    responses(
        (status = OK, body = Dismissed),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn dismiss(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<UnansweredId>,
) -> Result<Body<Dismissed>, Problem> {
    Ok(Body(Dismissed { dismissed: unanswered::dismiss(&*app.metadata, id, caller.access()).await? }))
}
