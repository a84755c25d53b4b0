//! The tools: which arguments each takes, which requests to the API it is, and how its answer reads.
//!
//! May depend on `api`.

use std::time::Duration;

use axum::http::{Method, request::Parts};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Api, ApiError, api::Call};

/// How many code points of a document are given at once when nothing else is said.
const DEFAULT_LENGTH: usize = 20_000;
/// How long a caller waits for a document to be ingested when nothing else is said, in seconds.
const DEFAULT_WAIT: u64 = 60;
/// The longest that a caller may wait.
const MAX_WAIT: u64 = 300;
/// After how long a job is looked at first; each wait after that is twice as long as the one before.
const FIRST_LOOK: Duration = Duration::from_millis(250);
/// The longest wait between two looks: each is a request of the caller, who may send only so many in a minute.
const LAST_LOOK: Duration = Duration::from_secs(4);

/// A tool.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// Whether it changes nothing.
    pub(super) reads_only: bool,
    /// Whether something that was there may be there no longer.
    pub(super) replaces: bool,
    /// The JSON schema of its arguments.
    pub(super) schema: fn() -> Value,
}

/// What came of a call.
pub(super) struct Said {
    /// In words.
    pub(super) text: String,
    /// As the API answers.
    pub(super) structured: Value,
}

/// Every tool.
pub(super) const ALL: [Tool; 4] = [
    Tool {
        name: "ask",
        title: "Ask the documents",
        description: "Answers a question from the documents, every sentence with a footnote that quotes its source; says so \
                      when the documents do not hold the answer, and asks back when the question has several readings.",
        reads_only: true,
        replaces: false,
        schema: || {
            object(
                json!({
                    "question": {"type": "string", "description": "The question, in full", "minLength": 1, "maxLength": 4000},
                    "collection": collection(), "filter": filter(), "top_k": top_k(),
                    "conversation_id": {"type": "string", "description": "The conversation that the question goes on with"},
                }),
                &["question"],
            )
        },
    },
    Tool {
        name: "search",
        title: "Search the documents",
        description: "Finds the passages of the documents that are nearest to a question, best first, without an answer.",
        reads_only: true,
        replaces: false,
        schema: || {
            let question = json!({"type": "string", "description": "What to look for", "minLength": 1});
            let members =
                json!({"question": question, "collection": collection(), "filter": filter(), "top_k": top_k()});
            object(members, &["question"])
        },
    },
    Tool {
        name: "get_document",
        title: "Read a document",
        description: "Gives the text of a document, or a stretch of it, as footnotes count it.",
        reads_only: true,
        replaces: false,
        schema: || {
            object(
                json!({
                    "document_id": {"type": "string", "description": "The identifier, as footnotes and searches name it"},
                    "start": {"type": "integer", "minimum": 0, "description": "Where to begin, in code points; 0 when absent"},
                    "length": {"type": "integer", "minimum": 1, "description": "How many code points; 20,000 when absent"},
                }),
                &["document_id"],
            )
        },
    },
    Tool {
        name: "ingest",
        title: "Ingest a document",
        description: "Takes a text in as a document, in place of the one with the same name, and waits until it can be asked.",
        reads_only: false,
        replaces: true,
        schema: || {
            object(
                json!({
                    "name": {"type": "string", "description": "The name, with an extension that says what it is, such as .md"},
                    "text": {"type": "string", "description": "The content", "minLength": 1},
                    "collection": collection(),
                    "metadata": {"type": "object", "description": "What filters can name"},
                    "wait_seconds": {"type": "integer", "minimum": 0, "maximum": MAX_WAIT,
                                     "description": "How long to wait for it; 60 when absent"},
                }),
                &["name", "text"],
            )
        },
    },
];

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn collection() -> Value {
    json!({"type": "string", "description": "The collection; `default` when absent"})
}

fn filter() -> Value {
    json!({"type": "object", "description": "Narrows the documents: `document_ids`, a list, and `metadata`, an object"})
}

fn top_k() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 50, "description": "How many passages to find"})
}

/// Calls a tool on behalf of whoever sent `from`.
pub(super) async fn call(tool: &Tool, api: &Api, from: Option<&Parts>, arguments: Value) -> Result<Said, ApiError> {
    let schema = (tool.schema)();
    let known = &schema["properties"];
    let unknown = arguments.as_object().and_then(|given| given.keys().find(|name| known[name.as_str()].is_null()));
    if let Some(name) = unknown {
        return Err(refused(format!("`{}` takes no argument `{name}`", tool.name)));
    }
    match tool.name {
        "ask" => {
            let outcome = api.call(Call::post("/v1/ask", &arguments), from).await?;
            Ok(Said { text: answer_in_words(&outcome), structured: outcome })
        }
        "search" => {
            let found = api.call(Call::post("/v1/search", &arguments), from).await?;
            Ok(Said { text: passages_in_words(&found), structured: found })
        }
        "get_document" => get_document(api, from, read(arguments)?).await,
        _ => ingest(api, from, read(arguments)?).await,
    }
}

fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, ApiError> {
    // With the argument that is wrong, which the error alone does not name.
    serde_path_to_error::deserialize(arguments)
        .map_err(|error| refused(format!("the arguments say what cannot be: {error}")))
}

fn refused(detail: String) -> ApiError {
    ApiError::Refused { status: 422, detail }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GetDocument {
    document_id: String,
    #[serde(default)]
    start: usize,
    #[serde(default)]
    length: Option<usize>,
}

async fn get_document(api: &Api, from: Option<&Parts>, asked: GetDocument) -> Result<Said, ApiError> {
    let GetDocument { document_id, start, length } = asked;
    if length == Some(0) {
        return Err(refused("`length` is 0: give 1 or more, or leave it out".to_owned()));
    }
    // It becomes part of a path.
    if !document_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(refused(format!("`{document_id}` is no identifier of a document")));
    }
    let document = api.call(Call::get(format!("/v1/documents/{document_id}")), from).await?;
    let text = api.call(Call::get(format!("/v1/documents/{document_id}/text")), from).await?;
    let whole = text["text"].as_str().unwrap_or_default();
    let total = whole.chars().count();
    if start >= total {
        return Err(refused(format!("the document has {total} code points: nothing begins at {start}")));
    }
    let stretch: String = whole.chars().skip(start).take(length.unwrap_or(DEFAULT_LENGTH)).collect();
    let end = start + stretch.chars().count();
    let rest = if end < total { format!("\n\n({} more follow: begin at {end})", total - end) } else { String::new() };
    let structured = json!({"document": document, "version": text["version"], "warnings": text["warnings"],
        "start": start, "end": end, "total": total, "text": stretch});
    // An assistant that takes what is here for the whole has to know what of the file is not.
    let warnings: String = text["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|warning| format!("\n\n(not read from the file: {warning})"))
        .collect();
    Ok(Said { text: format!("{stretch}{rest}{warnings}"), structured })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ingest {
    name: String,
    text: String,
    #[serde(default)]
    collection: Option<String>,
    #[serde(default)]
    metadata: Option<Value>,
    #[serde(default)]
    wait_seconds: Option<u64>,
}

async fn ingest(api: &Api, from: Option<&Parts>, asked: Ingest) -> Result<Said, ApiError> {
    let wait = asked.wait_seconds.unwrap_or(DEFAULT_WAIT);
    if wait > MAX_WAIT {
        return Err(refused(format!("`wait_seconds` is at most {MAX_WAIT}")));
    }
    let uploaded = api.call(form(&asked)?, from).await?;
    let document = &uploaded["documents"][0];
    let job = document["job_id"].as_str().unwrap_or_default();
    let ended = tokio::time::timeout(Duration::from_secs(wait), end_of(api, from, job)).await.ok().transpose()?;
    let id = document["document_id"].as_str().unwrap_or_default();
    let text = match &ended {
        None => format!("{id} is taken in, and not yet ingested: the job {job} goes on"),
        Some(ended) if ended["state"] == "succeeded" => format!("{id} is ingested, and can be asked"),
        Some(ended) => {
            let why = ended["error"].as_str().unwrap_or("no reason is known");
            return Err(refused(format!("{id} was not ingested: {why}")));
        }
    };
    Ok(Said { text, structured: json!({"document": document, "job": ended}) })
}

/// The job when it has ended. The document is taken in already: that a look fails for a while changes nothing of it.
async fn end_of(api: &Api, from: Option<&Parts>, job: &str) -> Result<Value, ApiError> {
    let mut wait = FIRST_LOOK;
    loop {
        match api.call(Call::get(format!("/v1/jobs/{job}")), from).await {
            Ok(job) if !matches!(job["state"].as_str(), Some("queued" | "running")) => return Ok(job),
            Err(error) if !error.is_transient() => return Err(error),
            Ok(_) | Err(_) => {}
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LAST_LOOK);
    }
}

/// The upload of one file as a form (RFC 7578).
fn form(asked: &Ingest) -> Result<Call, ApiError> {
    let boundary = format!("footnote-{}", Uuid::now_v7().simple());
    let mut body = String::new();
    let mut part = |disposition: &str, content: &str| {
        body.push_str(&format!("--{boundary}\r\ncontent-disposition: form-data; {disposition}\r\n\r\n{content}\r\n"));
    };
    if let Some(collection) = &asked.collection {
        part("name=\"collection\"", collection);
    }
    if let Some(metadata) = &asked.metadata {
        part("name=\"metadata\"", &metadata.to_string());
    }
    part("name=\"priority\"", "high");
    // The name stands in a field of its own: in a header it would have to be written without quotes and line ends.
    part("name=\"name\"", &asked.name);
    part("name=\"file\"; filename=\"document\"", &asked.text);
    body.push_str(&format!("--{boundary}--\r\n"));
    let content_type = format!("multipart/form-data; boundary={boundary}");
    Ok(Call { method: Method::POST, path: "/v1/documents".to_owned(), body: Some((content_type, body.into())) })
}

/// An answer with its footnotes, numbered, and the code points at which a document can be read on. Of several questions
/// those are named that are not answered: the answer is about the others.
fn answer_in_words(outcome: &Value) -> String {
    let mut text = outcome["answer"].as_str().unwrap_or_default().to_owned();
    let parts = outcome["question"]["parts"].as_array().filter(|_| outcome["outcome"] == "partial");
    for part in parts.into_iter().flatten().filter(|part| part["outcome"] != "answered") {
        text.push_str(&format!("\n\n(not answered: {})", part["question"].as_str().unwrap_or_default()));
    }
    for (at, citation) in outcome["citations"].as_array().into_iter().flatten().enumerate() {
        let word = |member: &str| citation[member].as_str().unwrap_or_default();
        let place = match (&citation["page"], &citation["heading"]) {
            (Value::Number(page), _) => format!(", page {page}"),
            (_, Value::String(heading)) => format!(", {heading}"),
            _ => String::new(),
        };
        text.push_str(&format!(
            "\n\n[{}] {}{place} ({}{}): \u{201c}{}\u{201d}",
            at + 1,
            word("name"),
            word("document_id"),
            stretch(&citation["source_start"], &citation["source_end"]),
            word("quote")
        ));
    }
    text
}

/// Where something stands in its document, as `get_document` counts.
fn stretch(start: &Value, end: &Value) -> String {
    match (start.as_u64(), end.as_u64()) {
        (Some(start), Some(end)) => format!(", {start} to {end}"),
        _ => String::new(),
    }
}

/// The passages that were found.
fn passages_in_words(found: &Value) -> String {
    let passages: Vec<String> = found["results"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(at, passage)| {
            let word = |member: &str| passage[member].as_str().unwrap_or_default();
            let stretch = stretch(&passage["range"]["start"], &passage["range"]["end"]);
            format!("[{}] {} ({}{stretch})\n{}", at + 1, word("name"), word("document_id"), word("text"))
        })
        .collect();
    if passages.is_empty() { "Nothing was found.".to_owned() } else { passages.join("\n\n") }
}

#[cfg(test)]
mod tests;
