//! What the tools say, over an API that is made up.

#![allow(clippy::unwrap_used)]

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};

use super::*;

#[test]
fn schemas_name_what_they_require() {
    for tool in &ALL {
        let schema = (tool.schema)();
        let properties = schema["properties"].as_object().unwrap();
        let required = schema["required"].as_array().unwrap();
        assert!(required.iter().all(|name| properties.contains_key(name.as_str().unwrap())), "{}", tool.name);
        assert!(properties.values().all(|property| property["description"].is_string()), "{}", tool.name);
    }
}

#[test]
fn an_answer_reads_with_its_footnotes() {
    let outcome = json!({"answer": "Thirty days.", "citations": [
        {"name": "leave.md", "document_id": "doc_1", "page": null, "heading": "Leave", "quote": "30 days",
         "source_start": 15, "source_end": 22},
        {"name": "a.pdf", "document_id": "doc_2", "page": 3, "heading": "x", "quote": "thirty"},
    ]});
    assert_eq!(
        answer_in_words(&outcome),
        "Thirty days.\n\n[1] leave.md, Leave (doc_1, 15 to 22): \u{201c}30 days\u{201d}\n\n\
         [2] a.pdf, page 3 (doc_2): \u{201c}thirty\u{201d}"
    );
    let parts =
        json!([{"question": "How long?", "outcome": "answered"}, {"question": "Since when?", "outcome": "abstained"}]);
    let partial =
        json!({"outcome": "partial", "answer": "Thirty days.", "citations": [], "question": {"parts": parts}});
    assert_eq!(answer_in_words(&partial), "Thirty days.\n\n(not answered: Since when?)");
    let declined = json!({"outcome": "abstained", "answer": "Not held.", "citations": [],
        "question": {"parts": [{"question": "Since when?", "outcome": "abstained"}]}});
    assert_eq!(answer_in_words(&declined), "Not held.");
    assert_eq!(passages_in_words(&json!({"results": []})), "Nothing was found.");
}

/// An API that refuses the first look at its job, and whose documents have a text.
fn api() -> Api {
    let looks = Arc::new(AtomicU32::new(0));
    let job = move || async move {
        match looks.fetch_add(1, Ordering::Relaxed) {
            0 => (StatusCode::TOO_MANY_REQUESTS, Json(json!({"detail": "ask again in 1 s"}))),
            _ => (StatusCode::OK, Json(json!({"state": "succeeded"}))),
        }
    };
    let uploaded = json!({"documents": [{"document_id": "doc_1", "job_id": "job_1"}]});
    let text = json!({"document_id": "doc_1", "version": 2, "text": "0123456789", "warnings": ["an image"]});
    let router = Router::new()
        .route("/v1/documents", post(move || async move { Json(uploaded) }))
        .route("/v1/jobs/job_1", get(job))
        .route("/v1/documents/doc_1", get(|| async { Json(json!({"id": "doc_1"})) }))
        .route("/v1/documents/doc_1/text", get(move || async move { Json(text) }));
    Api::Within(router, None)
}

fn tool(name: &str) -> &'static Tool {
    ALL.iter().find(|tool| tool.name == name).unwrap()
}

#[tokio::test]
async fn a_document_that_was_taken_in_is_waited_for_though_a_look_is_refused() {
    let arguments = json!({"name": "a.md", "text": "x"});
    let said = call(tool("ingest"), &api(), None, arguments).await.unwrap();
    assert_eq!(
        (said.text.as_str(), &said.structured["job"]["state"]),
        ("doc_1 is ingested, and can be asked", &json!("succeeded"))
    );
    assert!(tool("ingest").replaces && !tool("ask").replaces, "it takes the place of what had the name");
}

#[tokio::test]
async fn a_stretch_of_a_document_says_of_which_version_it_is_and_what_was_not_read() {
    let read = |arguments: Value| async move { call(tool("get_document"), &api(), None, arguments).await };
    let said = read(json!({"document_id": "doc_1", "start": 2, "length": 3})).await.unwrap();
    assert_eq!(said.text, "234\n\n(5 more follow: begin at 5)\n\n(not read from the file: an image)");
    assert_eq!((&said.structured["version"], &said.structured["warnings"]), (&json!(2), &json!(["an image"])));
    for (arguments, words) in [
        (json!({"document_id": "doc_1", "length": 0}), "`length` is 0"),
        (json!({"document_id": "doc_1", "start": -1}), "start: "),
        (json!({"document_id": "../keys"}), "no identifier"),
    ] {
        let refused = read(arguments).await.err().unwrap();
        assert!(refused.to_string().contains(words), "{refused}");
    }
}
