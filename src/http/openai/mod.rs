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
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
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

/// The routes of these endpoints.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(chat::router()).merge(models::router()).merge(embeddings::router())
}

/// Adds to a problem document of these endpoints the member `error` in which clients of that protocol look for what went
/// wrong, wherever it went wrong.
pub async fn say_errors_twice(request: Request, next: Next) -> Response {
    let is_ours = PATHS.iter().any(|path| request.uri().path().starts_with(path));
    let mut response = next.run(request).await;
    // What a caller has sent may stand in it, however long that is: the document is made anew, and not read back.
    let Some(problem) = response.extensions_mut().remove::<Problem>().filter(|_| is_ours) else { return response };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, said_twice(&problem).to_string().into())
}

/// A problem document with what that protocol calls it.
fn said_twice(problem: &Problem) -> Value {
    let Problem { kind, title, status, detail, .. } = problem;
    json!({"type": kind, "title": title, "status": status, "detail": detail, "error": error_of(problem)})
}

/// A problem in the words of that protocol.
fn error_of(problem: &Problem) -> Value {
    json!({"message": problem.detail, "type": problem.name(), "code": problem.name(), "param": null})
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
        let problem = Problem::busy("wait");
        let said = said_twice(&problem);
        assert_eq!(said["error"], json!({"message": "wait", "type": "busy", "code": "busy", "param": null}));
        // Beside it stands all that the document says everywhere else.
        let mut said = said;
        assert!(said.as_object_mut().is_some_and(|members| members.remove("error").is_some()));
        assert_eq!(serde_json::to_value(&problem).ok(), Some(said));
    }
}
