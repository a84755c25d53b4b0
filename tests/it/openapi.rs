//! The OpenAPI document: complete, sound in itself, and true of what the service answers.

mod schema;

use std::collections::BTreeSet;

use footnote::domain::ConnectorKind;
use reqwest::{Method, StatusCode, multipart::Form};
use serde_json::{Value, json};

use crate::{
    sample,
    test_app::{TestApp, file},
};

/// Every operation of the API.
const OPERATIONS: [(&str, &str); 49] = [
    ("GET", "/v1/admin/adapters"),
    ("GET", "/v1/admin/adapters/{id}"),
    ("POST", "/v1/admin/adapters/{id}/promote"),
    ("POST", "/v1/admin/adapters/{role}/rollback"),
    ("GET", "/v1/admin/audit"),
    ("POST", "/v1/admin/backup"),
    ("GET", "/v1/admin/keys"),
    ("POST", "/v1/admin/keys"),
    ("DELETE", "/v1/admin/keys/{id}"),
    ("GET", "/v1/admin/keys/{id}"),
    ("POST", "/v1/admin/keys/{id}/rotate"),
    ("POST", "/v1/admin/reindex"),
    ("GET", "/v1/admin/reindex/{id}"),
    ("GET", "/v1/admin/reports"),
    ("GET", "/v1/admin/reports/{name}"),
    ("GET", "/v1/admin/reports/{name}/page"),
    ("POST", "/v1/answers/{id}/feedback"),
    ("POST", "/v1/ask"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/collections"),
    ("GET", "/v1/connectors"),
    ("GET", "/v1/connectors/{name}"),
    ("POST", "/v1/connectors/{name}/sync"),
    ("GET", "/v1/conversations"),
    ("POST", "/v1/conversations"),
    ("DELETE", "/v1/conversations/{id}"),
    ("GET", "/v1/conversations/{id}"),
    ("GET", "/v1/documents"),
    ("POST", "/v1/documents"),
    ("POST", "/v1/documents/delete"),
    ("DELETE", "/v1/documents/{id}"),
    ("GET", "/v1/documents/{id}"),
    ("GET", "/v1/documents/{id}/chunks"),
    ("GET", "/v1/documents/{id}/content"),
    ("GET", "/v1/documents/{id}/text"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/feedback"),
    ("DELETE", "/v1/feedback/{id}"),
    ("GET", "/v1/feedback/{id}"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/{id}"),
    ("POST", "/v1/jobs/{id}/cancel"),
    ("GET", "/v1/jobs/{id}/events"),
    ("POST", "/v1/jobs/{id}/retry"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{id}"),
    ("POST", "/v1/search"),
    ("GET", "/v1/unanswered"),
    ("POST", "/v1/unanswered/{id}/dismiss"),
];
/// What is served beside it, without a version.
const OPEN: [&str; 6] = ["/", "/healthz", "/metrics", "/openapi.json", "/readyz", "/web/{file}"];

fn document() -> Value {
    serde_json::to_value(footnote::http::openapi_document()).unwrap()
}

/// Method, path and operation.
fn operations(document: &Value) -> Vec<(String, &str, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.as_str(), operation));
        }
    }
    found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    found
}

#[test]
fn the_document_is_sound_and_lists_every_operation() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    assert_eq!(document["info"]["title"], "Footnote");
    assert_eq!(document["security"], json!([{"key": []}]));
    assert_eq!(document["components"]["securitySchemes"]["key"], json!({"type": "http", "scheme": "bearer"}));
    let found = operations(&document);
    assert_eq!(found.iter().map(|(method, path, _)| (method.as_str(), *path)).collect::<Vec<_>>(), OPERATIONS);

    let mut ids = BTreeSet::new();
    for (method, path, operation) in &found {
        let at = format!("{method} {path}: {operation}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "the id of {at} is taken");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{at}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{at}");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path, path.matches('{').count(), "{at}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{at}");
        for status in ["400", "401", "422", "500", "503"] {
            assert!(responses.contains_key(status), "{at}");
        }
        // Required by OpenAPI 3.1, and by whatever makes a client out of the document.
        assert!(
            responses.values().all(|response| response["description"].as_str().is_some_and(|text| !text.is_empty())),
            "{at}"
        );
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
            let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{status} of {at}");
        }
    }
    schema::check_references(&document);
}

/// A handler that is described but not routed, or a route that is not described, would not be seen in the document.
#[test]
fn no_route_is_left_out_of_the_document() {
    let quoted = |rest: &str| rest.split('"').nth(1).unwrap().to_owned();
    let (mut operations, mut open) = (Vec::new(), Vec::new());
    let entries = walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http")).into_iter();
    let files = entries.map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    for file in files {
        let source = std::fs::read_to_string(file.path()).unwrap();
        // Tests have routes of their own.
        let source = source.split("\nmod tests {").next().unwrap();
        for described in source.split("#[utoipa::path(").skip(1) {
            let (method, rest) = described.split_once(", path = ").unwrap();
            operations.push((quoted(rest), method.trim().to_uppercase()));
        }
        open.extend(source.split(".route(").skip(1).map(quoted));
    }
    operations.sort();
    // A process that serves nothing else tells how it is at the same places.
    open.sort();
    open.dedup();
    let listed: Vec<_> = OPERATIONS.iter().map(|(method, path)| ((*path).to_owned(), (*method).to_owned())).collect();
    assert_eq!(operations, listed);
    assert_eq!(open, OPEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_operation_is_served_and_the_document_itself() {
    let mut app = TestApp::idle().await;
    let served = app.read("/openapi.json").await;
    assert_eq!(served, document());
    for (method, path) in OPERATIONS {
        let kind = match path {
            path if path.contains("documents") => "doc",
            path if path.contains("adapters") => "adp",
            path if path.contains("keys") => "key",
            path if path.contains("conversations") => "cnv",
            path if path.contains("unanswered") => "unq",
            path if path.contains("answers") => "ans",
            path if path.contains("feedback") => "fbk",
            _ => "job",
        };
        let path = path
            .replace("{id}", &format!("{kind}_{}", "0".repeat(32)))
            .replace("{role}", "reader")
            .replace("{name}", "one");
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let response = app.client.request(method, format!("{}{path}", app.url)).send().await.unwrap();
        assert_ne!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(!response.text().await.unwrap().contains("is not served here"), "{path}");
    }
    for path in OPEN.map(|path| path.replace("{file}", "main.js")) {
        let response = app.client.get(format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    // The reindex that was begun just now.
    app.work();
    app.settle().await;
}

/// Sends a request and checks that the answer is what the document says of this operation and status.
async fn call(app: &TestApp, document: &Value, method: &str, path: &str, id: &str, body: Option<Value>) -> Value {
    let url = format!("{}{}", app.url, path.replace("{id}", id).replace("{role}", id).replace("{name}", id));
    let mut request = app.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16().to_string();
    let kind = response.headers()["content-type"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let path = path.split('?').next().unwrap();
    let described = &document["paths"][path][method.to_lowercase()]["responses"][&status]["content"][&kind]["schema"];
    assert!(described.is_object(), "{method} {path} answers {status} as {kind}, which is not described");
    let value: Value = response.json().await.unwrap();
    schema::check(document, described, &value)
        .unwrap_or_else(|why| panic!("{method} {path} {status}: {why} in {value}"));
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_is_what_the_document_says() {
    let (app, document) = (TestApp::start().await, document());
    let form = Form::new().part("file", file("canteen.md", sample::CANTEEN)).text("metadata", r#"{"year": 2026}"#);
    let (status, uploaded) = app.upload_form(form).await;
    let described = &document["paths"]["/v1/documents"]["post"]["responses"][status.as_str()]["content"];
    schema::check(&document, &described["application/json"]["schema"], &uploaded).unwrap();
    let id = uploaded["documents"][0]["document_id"].as_str().unwrap();
    let job = uploaded["documents"][0]["job_id"].as_str().unwrap();
    let events = &document["paths"]["/v1/jobs/{id}/events"]["get"]["responses"]["200"]["content"];
    for event in app.job_events(job).await {
        schema::check(&document, &events["text/event-stream"]["schema"], &event).unwrap();
    }

    let call = async |method: &str, path: &str, id: &str, body: Option<Value>| {
        call(&app, &document, method, path, id, body).await
    };
    for path in ["/v1/documents/{id}", "/v1/documents/{id}/text", "/v1/documents/{id}/chunks"] {
        call("GET", path, id, None).await;
        call("GET", path, "doc_00000000000000000000000000000000", None).await;
    }
    call("GET", "/v1/documents", "", None).await;
    call("GET", "/v1/documents?limit=0", "", None).await;
    call("GET", "/v1/jobs", "", None).await;
    call("GET", "/v1/jobs/{id}", job, None).await;
    call("GET", "/v1/jobs/{id}", id, None).await;
    call("POST", "/v1/jobs/{id}/cancel", job, None).await;
    call("POST", "/v1/jobs/{id}/retry", job, None).await;
    let question = json!({"question": sample::DOCUMENTS[0].2});
    call("POST", "/v1/search", "", Some(question.clone())).await;
    call("POST", "/v1/search", "", Some(json!({"question": ""}))).await;
    let answered = call("POST", "/v1/ask", "", Some(question)).await;
    assert_eq!(answered["outcome"], "answered");
    call("POST", "/v1/ask", "", Some(json!({"question": sample::UNRELATED}))).await;
    let streamed = &document["paths"]["/v1/ask"]["post"]["responses"]["200"]["content"];
    for (name, event) in app.ask_streamed(sample::UNRELATED).await {
        let kind = if name == "outcome" { "application/json" } else { "text/event-stream" };
        schema::check(&document, &streamed[kind]["schema"], &event).unwrap();
    }
    let begun = call("POST", "/v1/conversations", "", Some(json!({}))).await;
    let begun = begun["id"].as_str().unwrap();
    call("POST", "/v1/conversations", "", Some(json!({"collection": ""}))).await;
    call("POST", "/v1/ask", "", Some(json!({"question": sample::DOCUMENTS[0].2, "conversation_id": begun}))).await;
    call("GET", "/v1/conversations", "", None).await;
    for id in [begun, "cnv_00000000000000000000000000000000"] {
        call("GET", "/v1/conversations/{id}", id, None).await;
        call("DELETE", "/v1/conversations/{id}", id, None).await;
    }
    call("GET", "/v1/collections", "", None).await;
    call("GET", "/v1/collections?limit=0", "", None).await;
    let answer = answered["id"].as_str().unwrap();
    let better = json!({"verdict": "better_answer", "better_answer": "At half past eleven.", "comment": "short"});
    let given = call("POST", "/v1/answers/{id}/feedback", answer, Some(better)).await;
    let given = given["id"].as_str().unwrap();
    call("POST", "/v1/answers/{id}/feedback", answer, Some(json!({"verdict": "right"}))).await;
    call("POST", "/v1/answers/{id}/feedback", answer, Some(json!({"verdict": "should_have_answered"}))).await;
    let unknown = "ans_00000000000000000000000000000000";
    call("POST", "/v1/answers/{id}/feedback", unknown, Some(json!({"verdict": "right"}))).await;
    call("GET", "/v1/feedback", "", None).await;
    call("GET", "/v1/feedback?verdict=good", "", None).await;
    for id in [given, "fbk_00000000000000000000000000000000"] {
        call("GET", "/v1/feedback/{id}", id, None).await;
        call("DELETE", "/v1/feedback/{id}", id, None).await;
    }
    call("GET", "/v1/admin/reports", "", None).await;
    call("GET", "/v1/admin/reports/{name}", "a-run", None).await;
    call("GET", "/v1/unanswered", "", None).await;
    call("GET", "/v1/unanswered?limit=0", "", None).await;
    call("POST", "/v1/unanswered/{id}/dismiss", "unq_00000000000000000000000000000000", None).await;
    call("GET", "/v1/admin/adapters", "", None).await;
    call("GET", "/v1/admin/adapters?limit=0", "", None).await;
    call("GET", "/v1/admin/adapters/{id}", "adp_00000000000000000000000000000000", None).await;
    let nobody = Some(json!({"force": "a test"}));
    call("POST", "/v1/admin/adapters/{id}/promote", "adp_00000000000000000000000000000000", nobody).await;
    call("POST", "/v1/admin/adapters/{role}/rollback", "reader", None).await;
    call("GET", "/v1/connectors", "", None).await;
    call("GET", "/v1/connectors/{name}", "one", None).await;
    call("POST", "/v1/connectors/{name}/sync", "one", None).await;
    app.app.metadata.add_connector("one", ConnectorKind::Folder).await.unwrap();
    let listed = call("GET", "/v1/connectors", "", None).await;
    assert_eq!(
        (&listed["connectors"][0]["name"], &listed["connectors"][0]["followed"]),
        (&json!("one"), &json!(false))
    );
    call("GET", "/v1/connectors/{name}", "one", None).await;
    call("POST", "/v1/connectors/{name}/sync", "one", Some(json!({"confirm_deletions": true}))).await;
    call("GET", "/v1/admin/audit", "", None).await;
    call("GET", "/v1/admin/keys", "", None).await;
    for id in ["key_00000000000000000000000000000000"] {
        call("GET", "/v1/admin/keys/{id}", id, None).await;
        call("POST", "/v1/admin/keys/{id}/rotate", id, None).await;
        call("DELETE", "/v1/admin/keys/{id}", id, None).await;
    }
    let reindex = call("POST", "/v1/admin/reindex", "", None).await;
    call("GET", "/v1/admin/reindex/{id}", reindex["job"]["id"].as_str().unwrap(), None).await;
    app.settle().await;
    call("DELETE", "/v1/documents/{id}", id, None).await;
    app.settle().await;
    // From the first key on the others are refused, also as the document says.
    let key = json!({"name": "x", "scopes": ["ask"], "collections": null, "expires_at": "2099-01-01T00:00:00Z"});
    let made = call("POST", "/v1/admin/keys", "", Some(key)).await;
    assert!(made["secret"].as_str().unwrap().starts_with(made["prefix"].as_str().unwrap()));
    call("GET", "/v1/admin/keys", "", None).await;
}
