//! The endpoints that programs written for OpenAI's API speak: chat completions, models and embeddings.
//!
//! They answer from the documents as `/v1/ask` does, with the same checks and the same records; what that protocol has no
//! place for stands in a member `footnote` beside it. What a request asks for that changes nothing here (a temperature, a
//! system prompt) is named in `footnote.ignored`, and what cannot be done is refused. The shapes are those of
//! <https://platform.openai.com/docs/api-reference>. May depend on `app`, `answering` and `domain`.

mod chat;
mod chunks;
mod embeddings;
mod messages;
mod models;

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::Problem;
use crate::{
    app::App,
    domain::{Citation, DocumentId},
};

/// The paths of these endpoints, or how they begin.
const PATHS: [&str; 3] = ["/v1/chat/", "/v1/models", "/v1/embeddings"];
/// The largest problem document that is read to be said again: ours have some hundred bytes.
const MAX_PROBLEM_BYTES: usize = 64 << 10;

/// The routes of these endpoints.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(chat::router()).merge(models::router()).merge(embeddings::router())
}

/// Adds to a problem document of these endpoints the member `error` in which clients of that protocol look for what went
/// wrong, wherever it went wrong.
pub async fn say_errors_twice(request: Request, next: Next) -> Response {
    let is_ours = PATHS.iter().any(|path| request.uri().path().starts_with(path));
    let response = next.run(request).await;
    let problem = HeaderValue::from_static("application/problem+json");
    if !is_ours || response.headers().get(header::CONTENT_TYPE) != Some(&problem) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, MAX_PROBLEM_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let body = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut document) => {
            document["error"] = error_of(&document);
            document.to_string().into_bytes()
        }
        Err(_) => bytes.to_vec(),
    };
    Response::from_parts(parts, body.into())
}

/// A problem document in the words of that protocol.
fn error_of(problem: &Value) -> Value {
    let kind = problem["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or("error");
    json!({"message": problem["detail"], "type": kind, "code": kind, "param": null})
}

/// Where an answer cites a document, as that protocol says it.
#[derive(Debug, Serialize, ToSchema)]
struct Annotation {
    /// `url_citation`.
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation,
}

/// A stretch of the answer and the address of the document that carries it.
#[derive(Debug, Serialize, ToSchema)]
struct UrlCitation {
    /// Where the cited words of the content start, in code points.
    start_index: u32,
    /// One past their end.
    end_index: u32,
    /// The text that was cited: a JSON document with the member `text`.
    url: String,
    /// The document's name, with the page or the heading.
    title: String,
}

impl Annotation {
    fn of(citation: &Citation, base: &str) -> Self {
        let place = citation.page.map(|page| format!("page {page}")).or_else(|| citation.heading.clone());
        let title = place.map_or_else(|| citation.name.clone(), |place| format!("{}: {place}", citation.name));
        let url = format!("{base}{}", text_of(citation.document_id));
        let (start_index, end_index) = (citation.answer_start, citation.answer_end);
        Self { kind: "url_citation", url_citation: UrlCitation { start_index, end_index, url, title } }
    }
}

fn text_of(document: DocumentId) -> String {
    format!("/v1/documents/{document}/text")
}

/// The address that a request was sent to, as its sender wrote it; nothing when it named no host.
fn base_of(app: &App, headers: &HeaderMap) -> String {
    let scheme = if app.tls.is_some() { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_said_in_the_words_of_that_protocol() {
        let problem =
            json!({"type": "urn:footnote:problem:busy", "title": "Too many", "status": 429, "detail": "wait"});
        assert_eq!(error_of(&problem), json!({"message": "wait", "type": "busy", "code": "busy", "param": null}));
        assert_eq!(error_of(&json!({}))["type"], "error");
    }
}
