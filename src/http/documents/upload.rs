//! Uploading: `POST /v1/documents`.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use axum::{
    Extension, Json as Body,
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartError},
    http::StatusCode,
};
use futures::TryStreamExt as _;
use serde::Serialize;
use serde_json::json;
use tokio_util::io::StreamReader;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::Caller,
    app::App,
    domain::{DEFAULT_COLLECTION, DocumentId, JobId, JobPriority, JobState, Metadata},
    http::{Problem, audit::Details, auth::check_collection},
    ingest::upload::{self, Description, Received},
    metadata_store::{check_access_labels, check_description},
};

/// The most files of one request.
const MAX_FILES: usize = 100;
/// The most bytes of a text field.
const MAX_FIELD_BYTES: usize = 64 * 1024;

/// The route.
pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    // Files are counted as they stream in; the limit on JSON bodies is not theirs.
    OpenApiRouter::new().routes(routes!(create)).layer(DefaultBodyLimit::disable())
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
