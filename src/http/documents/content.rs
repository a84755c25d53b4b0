//! What a document says: its original, its text and its chunks.

use std::sync::Arc;

use axum::{
    Json as Body,
    body::Body as Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::Caller,
    app::App,
    domain::{Chunk, DocumentId, ExtractedDocument},
    http::{Problem, extract::Path},
};

/// The routes.
pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(content)).routes(routes!(text)).routes(routes!(chunks))
}

/// Download a document
///
/// The original bytes of the active version, or of the newest when none is active.
#[utoipa::path(
    get, path = "/v1/documents/{id}/content", operation_id = "download_document", tag = "documents", security(("key" = ["ask"]), ("key" = ["ingest"])),
    params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn content(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<DocumentId>) -> Result<Response, Problem> {
    let document = app.metadata.readable_document(id, caller.access()).await?;
    let version = document.active.unwrap_or(document.latest);
    let stream = app.ingest.blobs.original(&version.sha256).await?;
    let mut headers = HeaderMap::new();
    // Never rendered by a browser: an uploaded page must not run in this service's origin.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(version.size_bytes));
    Ok((headers, Bytes::from_stream(stream)).into_response())
}

/// The extracted text of a document.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentText {
    /// The document.
    document_id: DocumentId,
    /// The version.
    version: u32,
    /// The text that citations index, in code points.
    text: String,
    /// What could not be taken over from the file.
    warnings: Vec<String>,
}

/// Read the extracted text of a document
///
/// The text that the offsets of citations index, of the active version.
#[utoipa::path(
    get, path = "/v1/documents/{id}/text", operation_id = "read_document_text", tag = "documents", security(("key" = ["ask"]), ("key" = ["ingest"])),
    params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = DocumentText),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn text(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<DocumentId>,
) -> Result<Body<DocumentText>, Problem> {
    let version = active_version(&app, &caller, id).await?;
    let stored = active_text(&app, id, version).await?;
    Ok(Body(DocumentText { document_id: id, version, text: stored.text, warnings: stored.warnings }))
}

/// The chunks of a document.
#[derive(Debug, Serialize, ToSchema)]
struct ChunkList {
    /// The chunks of the active version, in their order.
    chunks: Vec<Chunk>,
}

/// List the chunks of a document
#[utoipa::path(
    get, path = "/v1/documents/{id}/chunks", operation_id = "list_document_chunks", tag = "documents", security(("key" = ["ask"]), ("key" = ["ingest"])),
    params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = ChunkList),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn chunks(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<DocumentId>,
) -> Result<Body<ChunkList>, Problem> {
    active_version(&app, &caller, id).await?;
    Ok(Body(ChunkList { chunks: app.metadata.chunks_of(id).await? }))
}

async fn active_text(app: &App, id: DocumentId, version: u32) -> Result<ExtractedDocument, Problem> {
    let active = app.metadata.active_generation().await?;
    let generation = active.ok_or_else(|| Problem::conflict("there is no index yet: ingest something"))?.number;
    Ok(app.ingest.blobs.text(id, version, generation).await?)
}

async fn active_version(app: &App, caller: &Caller, id: DocumentId) -> Result<u32, Problem> {
    let document = app.metadata.readable_document(id, caller.access()).await?;
    document.active.map(|active| active.version).ok_or_else(|| {
        Problem::conflict(format!("document {id} has not been ingested yet: see /v1/jobs?document_id={id}"))
    })
}
