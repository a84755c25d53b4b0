//! `/v1/admin/audit`: who did what.

use std::sync::Arc;

use axum::{Json as Body, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Problem, auth::Unlimited, extract::Query};
use crate::{app::App, domain::AuditEntry, metadata_store::AuditQuery};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditLogQuery {
    /// Only of this actor: the id of a key, `configured`, `local` or `command line`.
    actor: Option<String>,
    /// Only of this action, such as `delete_document`.
    action: Option<String>,
    /// Only about this, by its id.
    subject: Option<String>,
    /// Only from this time on.
    from: Option<DateTime<Utc>>,
    /// Only before this time.
    until: Option<DateTime<Utc>>,
    /// Where to go on: the `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{40}$")]
    cursor: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct AuditLog {
    /// The entries, newest first.
    entries: Vec<AuditEntry>,
    /// Give this as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

/// Read the audit log
///
/// Who asked, uploaded, deleted and changed what. Entries hold no text of documents, and questions only where
/// `audit_questions` is set.
#[utoipa::path(
    get, path = "/v1/admin/audit", operation_id = "read_audit_log", tag = "admin", security(("key" = ["admin"])),
    params(AuditLogQuery), responses((status = OK, body = AuditLog))
)]
async fn list(
    State(app): State<Arc<App>>,
    _: Unlimited,
    Query(query): Query<AuditLogQuery>,
) -> Result<Body<AuditLog>, Problem> {
    let AuditLogQuery { actor, action, subject, from, until, cursor, limit } = query;
    let query = AuditQuery { actor, action, subject, from, until, cursor, limit: limit.unwrap_or(100) };
    let page = app.metadata.audit_entries(query).await?;
    Ok(Body(AuditLog { entries: page.items, next_cursor: page.next_cursor }))
}
