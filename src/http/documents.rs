//! `/v1/documents`: uploading, listing, reading and deleting documents.

use std::{collections::HashSet, sync::Arc};

use axum::{
    Json as Body,
    body::Body as Bytes,
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartError},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use tokio_util::io::StreamReader;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Path, Query},
};
use crate::{
    app::App,
    domain::{Chunk, DEFAULT_COLLECTION, Document, DocumentId, ExtractedDocument, JobId, JobState, Metadata},
    faults,
    ingest::{
        IngestError,
        upload::{self, Received},
    },
    metadata_store::{DocumentQuery, check_description},
};

/// The most files of one request.
const MAX_FILES: usize = 100;
/// The most bytes of a text field.
const MAX_FIELD_BYTES: usize = 64 * 1024;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    // Files are counted as they stream in; the limit on JSON bodies is not theirs.
    let uploads = OpenApiRouter::new().routes(routes!(create)).layer(DefaultBodyLimit::disable());
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, delete))
        .routes(routes!(content))
        .routes(routes!(text))
        .routes(routes!(chunks))
        .merge(uploads)
}

/// An upload: `multipart/form-data`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the form for the OpenAPI document")]
struct UploadForm {
    /// One or more files, at most 100. The file name, which may be a relative path, is the document's name.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
    /// The collection; `default` when absent.
    collection: Option<String>,
    /// A JSON object: what filters can name.
    #[schema(value_type = Option<Object>)]
    metadata: Option<String>,
    /// The document's name, in place of the file name; only with a single file.
    name: Option<String>,
}

/// What became of the files of an upload.
#[derive(Debug, Serialize, ToSchema)]
struct Uploaded {
    /// One entry for each file, in their order.
    documents: Vec<UploadedDocument>,
}

/// What became of one file.
#[derive(Debug, Serialize, ToSchema)]
struct UploadedDocument {
    /// The document.
    document_id: DocumentId,
    /// Its name.
    name: String,
    /// The version that these bytes are.
    version: u32,
    /// The job that ingests, or has ingested, that version.
    job_id: JobId,
    /// The state of that job.
    status: JobState,
    /// The same bytes were already there under this name.
    duplicate: bool,
}

/// Upload documents
///
/// 202 when anything is new: it survives a crash from then on, and its job says when it can be searched. 200 when
/// every file was already there.
#[utoipa::path(
    post, path = "/v1/documents", operation_id = "upload_documents", tag = "documents",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = ACCEPTED, body = Uploaded),
        (status = OK, body = Uploaded),
        (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(app): State<Arc<App>>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<(StatusCode, Body<Uploaded>), Problem> {
    let form = form.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let upload = read_form(&app, form).await?;
    let collection = upload.collection.as_deref().unwrap_or(DEFAULT_COLLECTION);
    for (name, _) in &upload.files {
        check_description(collection, name, &upload.metadata)?;
    }
    let mut documents = Vec::with_capacity(upload.files.len());
    for (name, received) in upload.files {
        let registered = upload::register(&app.ingest, collection, &name, upload.metadata.clone(), &received).await?;
        documents.push(UploadedDocument {
            document_id: registered.document_id,
            name,
            version: registered.version,
            job_id: registered.job_id,
            status: registered.job_state,
            duplicate: registered.duplicate,
        });
    }
    let status =
        if documents.iter().all(|document| document.duplicate) { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Body(Uploaded { documents })))
}

struct Upload {
    files: Vec<(String, Received)>,
    collection: Option<String>,
    metadata: Metadata,
}

/// Reads the whole form before anything is registered, so that a form that is wrong at its end changes nothing.
async fn read_form(app: &App, mut form: Multipart) -> Result<Upload, Problem> {
    let (mut files, mut collection, mut name, mut metadata) = (Vec::new(), None, None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "file" => {
                let file_name = field.file_name().unwrap_or_default().to_owned();
                if files.len() == MAX_FILES {
                    return Err(Problem::invalid(format!("a request takes {MAX_FILES} files: send more requests")));
                }
                let mut reader = StreamReader::new(field.map_err(std::io::Error::other));
                let received = upload::receive(&app.ingest, &mut reader, app.config.max_upload_bytes).await?;
                files.push((file_name, received));
            }
            "collection" => once("collection", &mut collection, text_field(field).await?)?,
            "name" => once("name", &mut name, text_field(field).await?)?,
            "metadata" => {
                let value = serde_json::from_str::<Metadata>(&text_field(field).await?)
                    .map_err(|error| Problem::invalid(format!("`metadata` is not a JSON object: {error}")))?;
                once("metadata", &mut metadata, value)?;
            }
            other => {
                let known = "`file`, `collection`, `metadata` and `name`";
                return Err(Problem::invalid(format!("there is no form field `{other}`: use {known}")));
            }
        }
    }
    match (name, files.as_mut_slice()) {
        (_, []) => return Err(Problem::invalid("the form has no `file`")),
        (Some(name), [(file_name, _)]) => *file_name = name,
        (Some(_), _) => return Err(Problem::invalid("`name` can be given with a single file only")),
        (None, _) => {}
    }
    let mut seen = HashSet::new();
    for (name, _) in &files {
        if name.is_empty() {
            return Err(Problem::invalid("a file has no name: give it a file name, or the form a `name`"));
        }
        if !seen.insert(name) {
            return Err(Problem::invalid(format!("two files are named `{name}`: send them one after the other")));
        }
    }
    Ok(Upload { files, collection, metadata: metadata.unwrap_or_default() })
}

/// Keeps a field that a form may have once; of two values, neither is silently dropped.
fn once<T>(name: &str, kept: &mut Option<T>, value: T) -> Result<(), Problem> {
    match kept.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::invalid(format!("the field `{name}` is given twice"))),
    }
}

async fn text_field(field: axum::extract::multipart::Field<'_>) -> Result<String, Problem> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    let mut stream = field;
    while let Some(piece) = stream.chunk().await.map_err(broken)? {
        if bytes.len() + piece.len() > MAX_FIELD_BYTES {
            return Err(Problem::too_large(format!("the field `{name}` is longer than {MAX_FIELD_BYTES} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid(format!("the field `{name}` is not UTF-8")))
}

fn broken(error: MultipartError) -> Problem {
    Problem::bad_request(error.body_text())
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
    get, path = "/v1/documents", operation_id = "list_documents", tag = "documents", params(DocumentsQuery),
    responses((status = OK, body = DocumentList))
)]
async fn list(State(app): State<Arc<App>>, Query(query): Query<DocumentsQuery>) -> Result<Body<DocumentList>, Problem> {
    let page = app
        .metadata
        .documents(DocumentQuery {
            collection: query.collection,
            name: query.name,
            cursor: query.cursor,
            limit: query.limit.unwrap_or(100),
        })
        .await?;
    Ok(Body(DocumentList { documents: page.items, next_cursor: page.next_cursor }))
}

/// Show a document
#[utoipa::path(
    get, path = "/v1/documents/{id}", operation_id = "show_document", tag = "documents", params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = Document),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(State(app): State<Arc<App>>, Path(id): Path<DocumentId>) -> Result<Body<Document>, Problem> {
    Ok(Body(app.metadata.document(id).await?))
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
    delete, path = "/v1/documents/{id}", operation_id = "delete_document", tag = "documents",
    params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = Deleted),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn delete(State(app): State<Arc<App>>, Path(id): Path<DocumentId>) -> Result<Body<Deleted>, Problem> {
    let job_id = app.metadata.delete_document(id).await?;
    app.ingest.wake.notify_one();
    faults::point("delete.answering").await.map_err(IngestError::from)?;
    Ok(Body(Deleted { document_id: id, job_id }))
}

/// Download a document
///
/// The original bytes of the active version, or of the newest when none is active.
#[utoipa::path(
    get, path = "/v1/documents/{id}/content", operation_id = "download_document", tag = "documents",
    params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn content(State(app): State<Arc<App>>, Path(id): Path<DocumentId>) -> Result<Response, Problem> {
    let document = app.metadata.document(id).await?;
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
    get, path = "/v1/documents/{id}/text", operation_id = "read_document_text", tag = "documents",
    params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = DocumentText),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn text(State(app): State<Arc<App>>, Path(id): Path<DocumentId>) -> Result<Body<DocumentText>, Problem> {
    let version = active_version(&app, id).await?;
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
    get, path = "/v1/documents/{id}/chunks", operation_id = "list_document_chunks", tag = "documents",
    params(("id" = DocumentId, Path)),
    responses(
        (status = OK, body = ChunkList),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn chunks(State(app): State<Arc<App>>, Path(id): Path<DocumentId>) -> Result<Body<ChunkList>, Problem> {
    active_version(&app, id).await?;
    Ok(Body(ChunkList { chunks: app.metadata.chunks_of(id).await? }))
}

async fn active_text(app: &App, id: DocumentId, version: u32) -> Result<ExtractedDocument, Problem> {
    let active = app.metadata.active_generation().await?;
    let generation = active.ok_or_else(|| Problem::conflict("there is no index yet: ingest something"))?.number;
    Ok(app.ingest.blobs.text(id, version, generation).await?)
}

async fn active_version(app: &App, id: DocumentId) -> Result<u32, Problem> {
    let document = app.metadata.document(id).await?;
    document.active.map(|active| active.version).ok_or_else(|| {
        Problem::conflict(format!("document {id} has not been ingested yet: see /v1/jobs?document_id={id}"))
    })
}
