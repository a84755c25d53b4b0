//! What the audit log says of what was done, and what it does not say.

use footnote::domain::Scope;
use reqwest::{StatusCode, multipart::Form};
use serde_json::{Value, json};

use super::{Wanted, client_with, make_key};
use crate::{
    sample,
    test_app::{TestApp, file, until},
};

/// The entries, oldest first.
async fn entries(app: &TestApp) -> Vec<Value> {
    app.app.audit.flush().await;
    let mut found = app.read("/v1/admin/audit").await["entries"].as_array().unwrap().clone();
    found.reverse();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asked_uploaded_deleted_and_changed_what_is_told_without_a_word_of_it() {
    let mut app = TestApp::start().await;
    let key = make_key(&app.app, Wanted::EVERYTHING).await;
    app.client = client_with(&key);
    let form = Form::new().part("file", file("canteen.md", sample::CANTEEN)).text("collection", "a");
    let (_, uploaded) = app.upload_form(form).await;
    let document = &uploaded["documents"][0];
    app.wait_for_job(document["job_id"].as_str().unwrap()).await;
    let question = json!({"question": sample::DOCUMENTS[0].2, "collection": "a", "store": true});
    let (_, answer) = app.post("/v1/ask", question.clone()).await;
    let mut streamed = question.clone();
    streamed["stream"] = json!(true);
    let url = format!("{}/v1/ask", app.url);
    app.client.post(&url).json(&streamed).send().await.unwrap().text().await.unwrap();
    app.post("/v1/search", json!({"question": sample::DOCUMENTS[0].2, "collection": "a"})).await;
    app.delete(&format!("/v1/documents/{}", document["document_id"].as_str().unwrap())).await;
    // Refused to a known caller, and of nobody: the first is told.
    let asks = make_key(&app.app, Wanted { scopes: &[Scope::Ask], ..Wanted::EVERYTHING }).await;
    let refused = client_with(&asks).post(format!("{}/v1/admin/reindex", app.url)).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let nobody = crate::test_app::client().post(format!("{}/v1/admin/reindex", app.url)).send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    app.read("/v1/documents").await;

    until("the streamed answer is told of", async || entries(&app).await.len() >= 6).await;
    let told = entries(&app).await;
    let mut actions: Vec<_> =
        told.iter().map(|one| (one["action"].as_str().unwrap(), one["status"].as_u64())).collect();
    actions.sort_unstable();
    let ok = Some(200);
    let mut expected = vec![("upload_documents", Some(202)), ("ask", ok), ("ask", ok), ("search", ok)];
    expected.extend([("delete_document", ok), ("start_reindex", Some(403))]);
    expected.sort_unstable();
    assert_eq!(actions, expected);
    let of = |action: &str| told.iter().filter(|one| one["action"] == action).collect::<Vec<_>>();
    assert_eq!(of("delete_document")[0]["subject"], document["document_id"]);
    let upload = &of("upload_documents")[0]["details"];
    assert_eq!(*upload, json!({"collection": "a", "documents": [{"id": document["document_id"], "version": 1}]}));
    for asked in of("ask") {
        assert_eq!((&asked["details"]["outcome"], &asked["details"]["collection"]), (&json!("answered"), &json!("a")));
        assert_eq!(asked["details"]["cited"], json!([document["document_id"]]));
        assert!(asked["address"] == "127.0.0.1" && asked["request_id"].is_string(), "{asked}");
    }
    assert!(of("ask").iter().any(|asked| asked["details"]["answer_id"] == answer["id"]));
    let text = json!(told).to_string();
    for word in ["canteen", "half past eleven", &key[..20]] {
        assert!(!text.contains(word), "the log says {word}: {text}");
    }
    let actor = told[0]["actor"].as_str().unwrap();
    assert!(actor.starts_with("key_"));
    let by = app.read(&format!("/v1/admin/audit?actor={actor}&limit=1")).await;
    assert!(by["next_cursor"].is_string() && by["entries"].as_array().unwrap().len() == 1);
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_caller_was_shown_is_told_also_when_it_leaves_before_the_end() {
    let app = TestApp::start().await;
    let document = app.ingest("canteen.md", sample::CANTEEN).await;
    let body = json!({"question": sample::DOCUMENTS[0].2, "stream": true});
    let mut response = app.client.post(format!("{}/v1/ask", app.url)).json(&body).send().await.unwrap();
    let mut read = String::new();
    while !read.contains("event: sentence") {
        read.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    drop(response);
    let asked = async || entries(&app).await.into_iter().find(|one| one["action"] == "ask");
    until("the question is told of", async || asked().await.is_some()).await;
    let told = asked().await.unwrap();
    assert_eq!(told["details"]["cited"], json!([document]), "{told}");
    // It may have been at its end already. In no case has the server failed.
    assert!(told["status"] == 499 || told["status"] == 200, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_before_its_response_is_told_of_too() {
    let app = TestApp::start().await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    let (url, body) = (format!("{}/v1/ask", app.url), json!({"question": sample::DOCUMENTS[0].2}));
    // How far the answer is when its caller leaves is chance: it is asked until that was in the middle.
    until("a question is told of whose caller has left", async || {
        let patience = std::time::Duration::from_millis(20);
        let _ = app.client.post(&url).timeout(patience).json(&body).send().await;
        entries(&app).await.iter().any(|one| one["action"] == "ask" && one["status"] == 499)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_told_only_where_that_is_configured_and_nothing_where_the_log_is_off() {
    let app = TestApp::idle_with(|settings| settings.audit_questions = Some(true)).await;
    app.search(json!({"question": "Where is it?"})).await;
    assert_eq!(entries(&app).await[0]["details"]["question"], "Where is it?");
    assert_eq!(entries(&app).await[0]["actor"], "local");
    let app = TestApp::idle_with(|settings| settings.audit_days = Some(0)).await;
    app.search(json!({"question": "Where is it?"})).await;
    assert_eq!(entries(&app).await, Vec::<Value>::new());
}
