//! The tools at `/mcp` in the table of isolation: every tool, by every kind of caller.
//!
//! A tool is requests to the API on behalf of whoever calls it, and must not let through what those do not. The tools come
//! from the list that the server gives: the test fails for a new one until it is said here which operations it is.

use reqwest::{Client, StatusCode, multipart::Form};
use serde_json::{Value, json};

use super::{Wanted, World, operations, scoped, strangers, world};
use crate::{
    access::{
        client_with,
        labels::{ABOUT_CLOSED, CLOSED, TRACES},
        make_key, sees,
    },
    sample,
    test_app::{TestApp, file},
};

/// What stands in the document of the collection `a`, beside what is asked about it.
const WORDS: [&str; 3] = ["half past eleven", "Zürich", "company badge"];

/// The operations that a tool is.
fn operations_of(tool: &str) -> &'static [(&'static str, &'static str)] {
    match tool {
        "ask" => &[("POST", "/v1/ask")],
        "search" => &[("POST", "/v1/search")],
        "get_document" => &[("GET", "/v1/documents/{id}"), ("GET", "/v1/documents/{id}/text")],
        "ingest" => &[("POST", "/v1/documents"), ("GET", "/v1/jobs/{id}")],
        new => panic!("the tool `{new}` is new: say here which operations it is, and below how it is called"),
    }
}

/// The arguments with which a tool asks for what is in `a`, or puts something there.
fn arguments(world: &World, tool: &str, fresh: &str) -> Value {
    match tool {
        "get_document" => json!({"document_id": world.document}),
        "ingest" => json!({"name": format!("{fresh}.md"), "text": sample::LIBRARY, "collection": "a"}),
        _ => json!({"question": sample::DOCUMENTS[0].2, "collection": "a"}),
    }
}

/// What came of a call.
#[derive(Debug)]
struct Came {
    failed: bool,
    /// All of it, as it was sent.
    text: String,
}

async fn send(app: &TestApp, client: &Client, method: &str, params: Value) -> (StatusCode, String) {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = client.post(format!("{}/mcp", app.url)).json(&message);
    let response = request.header("accept", "application/json, text/event-stream").send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

async fn call(app: &TestApp, client: &Client, tool: &str, arguments: &Value) -> Came {
    let (status, text) = send(app, client, "tools/call", json!({"name": tool, "arguments": arguments})).await;
    assert_eq!(status, StatusCode::OK, "{tool}: {text}");
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(answer["result"]["content"].is_array(), "{tool}: {text}");
    Came { failed: answer["result"]["isError"] == true, text }
}

async fn tools(app: &TestApp, client: &Client) -> Vec<String> {
    let (_, text) = send(app, client, "tools/list", json!({})).await;
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let listed = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("{text}"));
    listed.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

/// Nothing of `a` is in what came, beside what the caller has said.
#[track_caller]
fn check_silent(world: &World, closed: &str, said: &Value, came: &str) {
    let mut text = came.to_owned();
    for member in ["question", "document_id", "conversation_id", "name", "text"] {
        text = text.replace(said[member].as_str().unwrap_or("\0"), "");
    }
    let mut traces = world.traces().to_vec();
    traces.push(closed.to_owned());
    traces.extend(WORDS.into_iter().chain(TRACES).map(str::to_owned));
    let trace = traces.into_iter().find(|trace| text.contains(trace));
    assert_eq!(trace, None, "{said} gave {came}");
}

/// The names in the collection `a` with their newest versions.
async fn in_a(app: &TestApp) -> Vec<(String, u64)> {
    let listed = app.read("/v1/documents?collection=a&limit=1000").await;
    let documents = listed["documents"].as_array().unwrap().iter();
    let of = |document: &Value| {
        (document["name"].as_str().unwrap().to_owned(), document["latest"]["version"].as_u64().unwrap())
    };
    documents.map(of).collect()
}

/// An application with a document in `a`, and one there that only the board may read.
async fn furnished() -> (TestApp, World, String, String) {
    let mut app = TestApp::start().await;
    let world = world(&app).await;
    let form =
        Form::new().part("file", file("closed.md", CLOSED)).text("access", r#"["board"]"#).text("collection", "a");
    let closed = app.ingest_form(form).await.remove(0);
    let root = make_key(&app.app, Wanted::EVERYTHING).await;
    app.client = client_with(&root);
    (app, world, closed, root)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tool_by_every_kind_of_caller() {
    let (app, world, closed, root) = furnished().await;
    let tools = tools(&app, &app.client).await;
    assert_eq!(tools.len(), 4, "{tools:?}");
    let before = in_a(&app).await;

    for (who, client) in strangers(&app, &root).await {
        let (status, body) = send(&app, &client, "tools/list", json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "the list with {who}: {body}");
        for tool in &tools {
            let said = arguments(&world, tool, "nobody");
            let (status, body) =
                send(&app, &client, "tools/call", json!({"name": tool, "arguments": said.clone()})).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{tool} with {who}: {body}");
            assert!(body.contains("urn:footnote:problem:unauthorized"), "{tool} with {who}: {body}");
            check_silent(&world, &closed, &said, &body);
        }
    }
    // The right scopes for another collection.
    let elsewhere = sees(&app, Wanted { collections: Some(&["b"]), ..Wanted::EVERYTHING }).await;
    for tool in &tools {
        let said = arguments(&world, tool, "elsewhere");
        let came = call(&app, &elsewhere, tool, &said).await;
        assert!(came.failed, "{tool} for another collection: {came:?}");
        check_silent(&world, &closed, &said, &came.text);
    }
    assert_eq!(in_a(&app).await, before, "what was refused has not happened");

    // The right collection, with each of the scopes.
    let operations = operations();
    for (scope, _, client) in scoped(&app).await {
        for tool in &tools {
            let said = arguments(&world, tool, scope);
            let came = call(&app, &client, tool, &said).await;
            let allowed = operations_of(tool).iter().all(|(method, path)| {
                let found = operations.iter().find(|(m, p, _)| m == method && p == path);
                let (.., scopes) = found.unwrap_or_else(|| panic!("{tool}: there is no {method} {path}"));
                scopes.iter().any(|needed| needed == scope)
            });
            match allowed {
                true => check_works(&world, tool, &came),
                false => {
                    assert!(came.failed && came.text.contains("lacks the scope"), "{tool}, {scope}: {came:?}");
                    check_silent(&world, &closed, &said, &came.text);
                }
            }
        }
    }
    app.settle().await;
}

/// A caller with the right to it gets what is in `a`: without this, silence would prove nothing.
#[track_caller]
fn check_works(world: &World, tool: &str, came: &Came) {
    assert!(!came.failed, "{tool}: {came:?}");
    let expected = match tool {
        "ingest" => ["can be asked", "document_id"],
        _ => [WORDS[0], world.document.as_str()],
    };
    for words in expected {
        assert!(came.text.contains(words), "{tool} says nothing of {words}: {came:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_argument_of_a_tool_reaches_into_another_collection() {
    let (app, world, closed, _) = furnished().await;
    let elsewhere = sees(&app, Wanted { collections: Some(&["b"]), ..Wanted::EVERYTHING }).await;
    let before = in_a(&app).await;
    // In its own collection it may ask, and finds nothing of the other, whatever it names.
    for tool in ["ask", "search"] {
        for filter in [json!({}), json!({"document_ids": [world.document, closed]})] {
            let said = json!({"question": sample::DOCUMENTS[0].2, "collection": "b", "filter": filter});
            let came = call(&app, &elsewhere, tool, &said).await;
            // The filter is what the caller has said, and comes back with no answer.
            let text = came.text.replace(&world.document, "").replace(&closed, "");
            assert!(!came.failed, "{tool}: {came:?}");
            let trace = WORDS.into_iter().chain(TRACES).chain([world.name]).find(|trace| text.contains(trace));
            assert_eq!(trace, None, "{tool} in its own collection: {came:?}");
        }
    }
    let conversation = world.conversation.to_string();
    let said = json!({"question": sample::DOCUMENTS[0].2, "conversation_id": conversation, "collection": "b"});
    let came = call(&app, &elsewhere, "ask", &said).await;
    assert!(came.failed, "{came:?}");
    check_silent(&world, &closed, &said, &came.text);
    // A document that it may not read is as one that there is not.
    let nowhere = footnote::domain::DocumentId::new().to_string();
    let unknown = call(&app, &elsewhere, "get_document", &json!({"document_id": nowhere})).await;
    for id in [&world.document, &closed] {
        let came = call(&app, &elsewhere, "get_document", &json!({"document_id": id})).await;
        assert!(came.failed, "{came:?}");
        assert_eq!(came.text.replace(id.as_str(), ""), unknown.text.replace(&nowhere, ""));
    }
    // Nor does an identifier lead to another path.
    for id in [format!("{}/text", world.document), format!("../documents/{}", world.document)] {
        let said = json!({"document_id": id});
        let came = call(&app, &elsewhere, "get_document", &said).await;
        assert!(came.failed && came.text.contains("no identifier"), "{came:?}");
    }
    // A document of the same name is another one.
    let said = json!({"name": world.name, "text": sample::PARKING, "collection": "b"});
    let came = call(&app, &elsewhere, "ingest", &said).await;
    assert!(!came.failed && came.text.contains("can be asked"), "{came:?}");
    check_silent(&world, &closed, &said, &came.text);
    assert_eq!(in_a(&app).await, before);
    // Whoever may not write into `a` cannot, by naming a collection with other letters around it either.
    for collection in ["a", "a ", "A", "a\r\n", "b\r\n\r\na"] {
        let said = json!({"name": "intruder.md", "text": sample::PARKING, "collection": collection});
        assert!(call(&app, &elsewhere, "ingest", &said).await.failed, "{collection:?}");
    }
    assert_eq!(in_a(&app).await, before);
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_tool_shows_a_document_without_its_label() {
    let (app, world, closed, _) = furnished().await;
    let of_a = |labels: &'static [&'static str]| Wanted {
        collections: Some(&["a"]),
        labels: Some(labels),
        ..Wanted::EVERYTHING
    };
    let (board, staff) = (sees(&app, of_a(&["board"])).await, sees(&app, of_a(&["staff"])).await);
    let question = json!({"question": ABOUT_CLOSED, "collection": "a"});
    let read = json!({"document_id": closed});
    for (tool, said) in [("ask", &question), ("search", &question), ("get_document", &read)] {
        let came = call(&app, &board, tool, said).await;
        assert!(!came.failed && came.text.contains("ninety thousand"), "{tool} with the label: {came:?}");
        let came = call(&app, &staff, tool, said).await;
        assert_eq!(came.failed, tool == "get_document", "{tool} without the label: {came:?}");
        let text = came.text.replace(ABOUT_CLOSED, "");
        let text = if tool == "get_document" { text.replace(&closed, "") } else { text };
        let trace = TRACES.into_iter().chain([closed.as_str()]).find(|trace| text.contains(trace));
        assert_eq!(trace, None, "{tool} without the label: {came:?}");
    }
    // What has no label is read by both.
    let came = call(&app, &staff, "get_document", &json!({"document_id": world.document})).await;
    check_works(&world, "get_document", &came);
    // In its place nobody puts another one who may not read it.
    let said = json!({"name": "closed.md", "text": sample::PARKING, "collection": "a"});
    let came = call(&app, &staff, "ingest", &said).await;
    assert!(came.failed, "{came:?}");
    assert!(!came.text.contains(&closed), "{came:?}");
    let came = call(&app, &board, "get_document", &read).await;
    assert!(came.text.contains("ninety thousand"), "{came:?}");
    app.settle().await;
}
