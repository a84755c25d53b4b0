//! `/v1/documents`: listing, showing and deleting documents here, uploading them in `upload`, reading them in `content`.

mod content;
mod upload;

use std::sync::Arc;

use axum::{Extension, Json as Body, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    audit::Details,
    auth::check_collection,
    extract::{Json, Path, Query},
};
use crate::{
    access::Caller,
    app::App,
    domain::{Document, DocumentId, Filter, JobId},
    faults,
    ingest::{
        IngestError,
        delete::{PickedDocument, delete_matching},
    },
    metadata_store::DocumentQuery,
};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, delete))
        .routes(routes!(delete_many))
        .merge(content::router())
        .merge(upload::router())
}

/// Which documents to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DocumentsQuery {
    /// Only of this collection.
    collection: Option<String>,
    /// Only with this name.
    name: Option<String>,
    /// Where to go on: the `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{40}$")]
    cursor: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of documents.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentList {
    /// The documents, oldest first.
    documents: Vec<Document>,
    /// Give this as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

/// List documents
#[utoipa::path(
    get, path = "/v1/documents", operation_id = "list_documents", tag = "documents", security(("key" = ["ask"]), ("key" = ["ingest"])), params(DocumentsQuery),
    responses((status = OK, body = DocumentList))
)]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<DocumentsQuery>,
) -> Result<Body<DocumentList>, Problem> {
    let page = app
        .metadata
        .documents(DocumentQuery {
            collection: query.collection,
            name: query.name,
            access: caller.access().clone(),
            cursor: query.cursor,
            limit: query.limit.unwrap_or(100),
        })
        .await?;
    Ok(Body(DocumentList { documents: page.items, next_cursor: page.next_cursor }))
}

/// Show a document
#[utoipa::path(
    get, path = "/v1/documents/{id}", operation_id = "show_document", tag = "documents", security(("key" = ["ask"]), ("key" = ["ingest"])), params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = Document),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<DocumentId>,
) -> Result<Body<Document>, Problem> {
    Ok(Body(app.metadata.readable_document(id, caller.access()).await?))
}

/// A document that was deleted.
#[derive(Debug, Serialize, ToSchema)]
struct Deleted {
    /// The document.
    document_id: DocumentId,
    /// The job that removes its bytes and vectors; it is already invisible.
    job_id: JobId,
}

/// Delete a document
///
/// From this answer on, no search and no answer uses it. The job that is named removes what is left of it.
#[utoipa::path(
    delete, path = "/v1/documents/{id}", operation_id = "delete_document", tag = "documents", security(("key" = ["ingest"])),
    params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = Deleted),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<DocumentId>,
) -> Result<Body<Deleted>, Problem> {
    app.metadata.readable_document(id, caller.access()).await?;
    let job_id = app.metadata.delete_document(id).await?;
    app.ingest.wake.notify_one();
    faults::point("delete.answering").await.map_err(IngestError::from)?;
    Ok(Body(Deleted { document_id: id, job_id }))
}

/// Which documents to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteRequest {
    /// The collection.
    collection: String,
    /// Only those that pass; all of the collection when absent.
    #[serde(default)]
    filter: Option<Filter>,
    /// Only say which they are.
    #[serde(default)]
    look_only: bool,
}

/// What was deleted, or would be.
#[derive(Debug, Serialize, ToSchema)]
struct DeletedMany {
    /// The documents, oldest first.
    documents: Vec<PickedDocument>,
}

/// Delete many documents
///
/// A whole collection, or what a filter picks in it. From this answer on, no search and no answer uses any of them. Jobs
/// remove what is left of them, and report what they removed.
#[utoipa::path(
    post, path = "/v1/documents/delete", operation_id = "delete_documents", tag = "documents", security(("key" = ["ingest"])),
    request_body = DeleteRequest, responses((status = OK, body = DeletedMany))
)]
async fn delete_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<DeleteRequest>,
) -> Result<(Extension<Details>, Body<DeletedMany>), Problem> {
    check_collection(&caller, &request.collection)?;
    let (filter, access) = (request.filter.unwrap_or_default(), caller.access());
    let documents = delete_matching(&app.ingest, &request.collection, &filter, access, request.look_only).await?;
    let ids: Vec<_> = documents.iter().map(|one| one.document_id).collect();
    let (collection, look_only) = (request.collection, request.look_only);
    let details = Details::of(json!({"collection": collection, "look_only": look_only, "documents": ids}));
    Ok((Extension(details), Body(DeletedMany { documents })))
}
