//! `/v1/admin/keys`: API keys. A key is in the answer that made it, and nowhere else.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Extension, Json as Body, extract::State, http::StatusCode};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    audit::Details,
    auth::Unlimited,
    extract::{Json, OptionalJson, Path, Query},
};
use crate::{
    access::{self, DrawnKey},
    app::App,
    domain::{ApiKey, KeyId, Scope},
    metadata_store::{KeyQuery, NewKey},
};

/// How long the secret before a rotation is taken when the request does not say, in seconds.
const OVERLAP_SECONDS: u32 = 3_600;
/// The longest that it may be taken: 30 days.
const MAX_OVERLAP_SECONDS: u32 = 30 * 24 * 3_600;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, revoke)).routes(routes!(rotate))
}

/// What a key is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyRequest {
    /// What a person calls it.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// What it allows: at least one scope.
    #[schema(min_items = 1)]
    scopes: BTreeSet<Scope>,
    /// The collections that it allows; `null` for all.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    collections: Option<BTreeSet<String>>,
    /// The access labels of the documents that it lets read, beside those without any; none when absent, `null` for all.
    #[serde(default = "no_labels")]
    labels: Option<BTreeSet<String>>,
    /// When it ceases to be taken; never when absent.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// What is not said is not given.
fn no_labels() -> Option<BTreeSet<String>> {
    Some(BTreeSet::new())
}

/// A key with its secret.
#[derive(Debug, Serialize, ToSchema)]
struct KeyWithSecret {
    /// What is known of it.
    #[serde(flatten)]
    key: ApiKey,
    /// The key itself: it is shown this once.
    secret: String,
}

/// Create an API key
///
/// The answer is the only place where the key itself is shown.
#[utoipa::path(
    post, path = "/v1/admin/keys", operation_id = "create_key", tag = "keys", security(("key" = ["admin"])),
    request_body = KeyRequest, responses((status = CREATED, body = KeyWithSecret))
)]
async fn create(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Json(request): Json<KeyRequest>,
) -> Result<(StatusCode, Extension<Details>, Body<KeyWithSecret>), Problem> {
    if request.expires_at.is_some_and(|at| at <= Utc::now()) {
        return Err(Problem::invalid("`expires_at` lies in the past"));
    }
    let DrawnKey { key: secret, prefix, sha256 } = access::draw().map_err(|error| Problem::internal(&error))?;
    let KeyRequest { name, scopes, collections, labels, expires_at } = request;
    let key = app.metadata.add_key(NewKey { name, prefix, sha256, scopes, collections, labels, expires_at }).await?;
    let details = Details::of(json!({"key": key.id, "name": key.name, "scopes": key.scopes}));
    Ok((StatusCode::CREATED, Extension(details), Body(KeyWithSecret { key, secret: secret.expose().to_owned() })))
}

/// Which keys to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct KeysQuery {
    /// Where to go on: the `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{40}$")]
    cursor: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of keys.
#[derive(Debug, Serialize, ToSchema)]
struct KeyList {
    /// The keys, newest first; also those that have expired or were revoked.
    keys: Vec<ApiKey>,
    /// Give this as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

/// List API keys
#[utoipa::path(
    get, path = "/v1/admin/keys", operation_id = "list_keys", tag = "keys", security(("key" = ["admin"])), params(KeysQuery),
    responses((status = OK, body = KeyList))
)]
async fn list(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Query(query): Query<KeysQuery>,
) -> Result<Body<KeyList>, Problem> {
    let page = app.metadata.keys(KeyQuery { cursor: query.cursor, limit: query.limit.unwrap_or(100) }).await?;
    Ok(Body(KeyList { keys: page.items, next_cursor: page.next_cursor }))
}

/// Show an API key
#[utoipa::path(
    get, path = "/v1/admin/keys/{id}", operation_id = "show_key", tag = "keys", security(("key" = ["admin"])),
    params(("id" = KeyId, Path)),
    responses(
        (status = OK, body = ApiKey),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(State(app): State<Arc<App>>, _: Unlimited, Path(id): Path<KeyId>) -> Result<Body<ApiKey>, Problem> {
    Ok(Body(app.metadata.key(id).await?))
}

/// Revoke an API key
///
/// It is not taken any more from this answer on. It stays in the list.
#[utoipa::path(
    delete, path = "/v1/admin/keys/{id}", operation_id = "revoke_key", tag = "keys", security(("key" = ["admin"])),
    params(("id" = KeyId, Path)),
    responses(
        (status = OK, body = ApiKey),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn revoke(State(app): State<Arc<App>>, _: Unlimited, Path(id): Path<KeyId>) -> Result<Body<ApiKey>, Problem> {
    Ok(Body(app.metadata.revoke_key(id).await?))
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateRequest {
    /// How long the secret before is taken too, in seconds, 0 to 2,592,000; an hour when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: Option<u32>,
}

/// Rotate an API key
///
/// The key gets another secret, and keeps its id, its rights and its conversations. The secret before is taken for a while,
/// so that nobody is locked out meanwhile. The body may be left out.
#[utoipa::path(
    post, path = "/v1/admin/keys/{id}/rotate", operation_id = "rotate_key", tag = "keys", security(("key" = ["admin"])),
    params(("id" = KeyId, Path)), request_body(content = Option<RotateRequest>),
    responses(
        (status = OK, body = KeyWithSecret),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn rotate(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Path(id): Path<KeyId>,
    request: OptionalJson<RotateRequest>,
) -> Result<Body<KeyWithSecret>, Problem> {
    let overlap = request.0.unwrap_or_default().overlap_seconds.unwrap_or(OVERLAP_SECONDS);
    if overlap > MAX_OVERLAP_SECONDS {
        return Err(Problem::invalid(format!("`overlap_seconds` is {overlap}: give 0 to {MAX_OVERLAP_SECONDS}")));
    }
    let DrawnKey { key: secret, prefix, sha256 } = access::draw().map_err(|error| Problem::internal(&error))?;
    let until = Utc::now() + Duration::seconds(i64::from(overlap));
    let key = app.metadata.rotate_key(id, &prefix, &sha256, until).await?;
    Ok(Body(KeyWithSecret { key, secret: secret.expose().to_owned() }))
}
