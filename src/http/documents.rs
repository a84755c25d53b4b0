//! `/v1/documents`: uploading, listing, reading and deleting documents.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use axum::{
    Extension, Json as Body,
    body::Body as Bytes,
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartError},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::io::StreamReader;
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
    domain::{
        Chunk, DEFAULT_COLLECTION, Document, DocumentId, ExtractedDocument, Filter, JobId, JobPriority, JobState,
        Metadata,
    },
    faults,
    ingest::{
        IngestError,
        delete::{PickedDocument, delete_matching},
        upload::{self, Description, Received},
    },
    metadata_store::{DocumentQuery, check_access_labels, check_description},
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
        .routes(routes!(delete_many))
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
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1, max_items = 100)]
    file: Vec<Vec<u8>>,
    /// The collection; `default` when absent.
    #[schema(min_length = 1, max_length = 255)]
    collection: Option<String>,
    /// A JSON object: what filters can name.
    #[schema(value_type = Option<Object>)]
    metadata: Option<String>,
    /// A JSON array of access labels: who may read the documents. Callers need one of them; everyone who may use the
    /// collection reads them when there is none. They are replaced with every upload of a name, at once.
    #[schema(value_type = Option<Vec<String>>)]
    access: Option<String>,
    /// The document's name, in place of the file name; only with a single file.
    name: Option<String>,
    /// Whose turn it is: `high`, `normal` or `low`; `normal` when absent, and `low` with more than 10 files.
    #[schema(value_type = Option<JobPriority>)]
    priority: Option<String>,
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
    post, path = "/v1/documents", operation_id = "upload_documents", tag = "documents", security(("key" = ["ingest"])),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = ACCEPTED, body = Uploaded),
        (status = OK, body = Uploaded),
        (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<(StatusCode, Extension<Details>, Body<Uploaded>), Problem> {
    let _slot = app
        .upload_slots
        .try_acquire()
        .map_err(|_| Problem::busy("as many uploads as are taken at once arrive already: send it again in a while"))?;
    let form = form.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let upload = read_form(&app, form).await?;
    let description = Description {
        collection: upload.collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned()),
        metadata: upload.metadata,
        access: upload.access,
        replaces: caller.access().clone(),
    };
    for (name, _) in &upload.files {
        check_description(&description.collection, name, &description.metadata)?;
    }
    check_access_labels(&description.access)?;
    check_collection(&caller, &description.collection)?;
    if let Some(label) = description.access.iter().find(|label| !caller.access().labels.allows(label)) {
        return Err(Problem::forbidden(format!("the API key is not for the access label `{label}`")));
    }
    let mut documents = Vec::with_capacity(upload.files.len());
    for (name, received) in upload.files {
        let description = description.clone();
        let registered = upload::register(&app.ingest, &name, description, upload.priority, &received).await?;
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
    let collection = description.collection;
    let ids: Vec<_> = documents.iter().map(|one| json!({"id": one.document_id, "version": one.version})).collect();
    let details = Details::of(json!({"collection": collection, "documents": ids}));
    Ok((status, Extension(details), Body(Uploaded { documents })))
}

struct Upload {
    files: Vec<(String, Received)>,
    collection: Option<String>,
    metadata: Metadata,
    access: Vec<String>,
    priority: JobPriority,
}

/// Reads the whole form before anything is registered, so that a form that is wrong at its end changes nothing.
async fn read_form(app: &App, mut form: Multipart) -> Result<Upload, Problem> {
    let (mut files, mut collection, mut name) = (Vec::new(), None, None);
    let (mut metadata, mut access, mut priority) = (None, None, None);
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
            "access" => {
                let labels = serde_json::from_str::<BTreeSet<String>>(&text_field(field).await?)
                    .map_err(|error| Problem::invalid(format!("`access` is not a JSON array of strings: {error}")))?;
                once("access", &mut access, labels.into_iter().collect())?;
            }
            "priority" => {
                let value: JobPriority = text_field(field).await?.parse().map_err(Problem::invalid)?;
                once("priority", &mut priority, value)?;
            }
            other => {
                let known = "`file`, `collection`, `metadata`, `access`, `name` and `priority`";
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
    let priority = priority.unwrap_or_else(|| JobPriority::of_request(files.len()));
    Ok(Upload {
        files,
        collection,
        metadata: metadata.unwrap_or_default(),
        access: access.unwrap_or_default(),
        priority,
    })
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
