//! What access labels keep back: no answer, passage, list, count, suggestion, correction or conversation shows a caller
//! what stands in a document that the caller may not read.

use footnote::domain::Scope;
use reqwest::{Client, StatusCode, multipart::Form};
use serde_json::{Value, json};

use super::{Wanted, client_with, make_key, sees};
use crate::{
    sample,
    test_app::{TestApp, file, until},
};

/// Stands in the closed document only.
pub const CLOSED: &str = "\
# Bonuses at Müller & Söhne

The yearly bonus of the board is ninety thousand francs. The glimwarden pays it out in May. The glimwarden keeps \
the ledger of it.
";
/// Asks about it.
pub const ABOUT_CLOSED: &str = "How much is the yearly bonus of the board?";
/// Words that would give it away.
pub const TRACES: [&str; 4] = ["bonus", "ninety", "glimwarden", "closed.md"];

pub async fn post(app: &TestApp, client: &Client, path: &str, body: Value) -> (StatusCode, Value) {
    let response = client.post(format!("{}{path}", app.url)).json(&body).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn get(app: &TestApp, client: &Client, path: &str) -> (StatusCode, Value) {
    let response = client.get(format!("{}{path}", app.url)).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// Checks that nothing of the closed document is in an answer, beside what the caller has said.
#[track_caller]
fn check_silent(said: &[&str], shown: &Value) {
    let mut text = shown.to_string();
    for words in said {
        text = text.replace(words, "");
    }
    let trace = TRACES.into_iter().find(|trace| text.contains(trace));
    assert_eq!(trace, None, "{shown}");
}

/// An open document and a closed one, and a key for everything.
pub async fn two_documents() -> (TestApp, String, String) {
    let rules = tempfile::NamedTempFile::new().unwrap();
    let text = "[[rules]]\nname = \"near\"\nthen = [{ suggest_documents = 5 }, { related_documents = 5 }]\n";
    std::fs::write(rules.path(), text).unwrap();
    let path = rules.path().to_owned();
    // Some of the tests ask until something has come.
    let mut app = TestApp::start_with(|settings| {
        settings.rules = Some(path);
        settings.requests_per_minute = Some(0);
    })
    .await;
    let open = app.ingest("open.md", sample::CANTEEN).await;
    let form = Form::new().part("file", file("closed.md", CLOSED)).text("access", r#"["board"]"#);
    let closed = app.ingest_form(form).await.remove(0);
    let root = make_key(&app.app, Wanted::EVERYTHING).await;
    app.client = client_with(&root);
    (app, open, closed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_closed_document_reaches_who_may_not_read_it() {
    let (app, open, closed) = two_documents().await;
    let board = sees(&app, Wanted { labels: Some(&["board"]), ..Wanted::EVERYTHING }).await;
    let staff = sees(&app, Wanted { labels: Some(&["staff"]), ..Wanted::EVERYTHING }).await;

    // Who has the label reads it.
    let (_, answer) = post(&app, &board, "/v1/ask", json!({"question": ABOUT_CLOSED})).await;
    assert_eq!(answer["citations"][0]["document_id"], closed.as_str(), "{answer}");
    // Who has another one does not, by any way.
    for body in [json!({"question": ABOUT_CLOSED}), json!({"question": ABOUT_CLOSED, "store": true})] {
        let (status, answer) = post(&app, &staff, "/v1/ask", body).await;
        assert_eq!((status, &answer["outcome"]), (StatusCode::OK, &json!("abstained")), "{answer}");
        check_silent(&[ABOUT_CLOSED], &answer);
        assert!(!answer.to_string().contains(&closed), "{answer}");
    }
    for ranking in ["hybrid", "dense", "lexical"] {
        let body = json!({"question": ABOUT_CLOSED, "ranking": ranking, "top_k": 50});
        let (_, found) = post(&app, &staff, "/v1/search", body).await;
        check_silent(&[ABOUT_CLOSED], &found);
        let by_id = json!({"question": ABOUT_CLOSED, "ranking": ranking, "filter": {"document_ids": [closed]}});
        assert_eq!(post(&app, &staff, "/v1/search", by_id).await.1["results"], json!([]));
    }
    let (_, listed) = get(&app, &staff, "/v1/documents").await;
    assert_eq!(listed["documents"].as_array().unwrap().len(), 1);
    assert_eq!(listed["documents"][0]["id"], open.as_str());
    let (_, jobs) = get(&app, &staff, "/v1/jobs").await;
    assert!(!jobs.to_string().contains(&closed), "{jobs}");
    for path in ["", "/text", "/chunks", "/content"] {
        let (status, body) = get(&app, &staff, &format!("/v1/documents/{closed}{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {body}");
    }
    let deleted = staff.delete(format!("{}/v1/documents/{closed}", app.url)).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NOT_FOUND);
    let (_, picked) =
        post(&app, &staff, "/v1/documents/delete", json!({"collection": "default", "look_only": true})).await;
    assert!(!picked.to_string().contains(&closed), "{picked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_up_history_brings_no_closed_passage_into_an_answer() {
    let (app, _, closed) = two_documents().await;
    let (_, chunks) = get(&app, &app.client, &format!("/v1/documents/{closed}/chunks")).await;
    let source = |chunk: &Value| json!({"document_id": closed, "chunk_id": chunk["id"], "name": "closed.md"});
    let sources: Vec<Value> = chunks["chunks"].as_array().unwrap().iter().map(source).collect();
    let turn = json!({"question": "What is paid out?", "outcome": "answered", "answer": "It is.", "sources": sources});
    let body = json!({"question": "How much is it?", "history": [turn]});
    let staff = sees(&app, Wanted { labels: Some(&[]), ..Wanted::EVERYTHING }).await;
    let board = sees(&app, Wanted { labels: Some(&["board"]), ..Wanted::EVERYTHING }).await;
    let (_, answer) = post(&app, &board, "/v1/ask", body.clone()).await;
    assert!(answer.to_string().contains(&closed), "the history leads who may read it there: {answer}");
    let (_, answer) = post(&app, &staff, "/v1/ask", body).await;
    check_silent(&[], &answer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_is_its_owners_and_shows_no_more_than_its_owner_may_read_now() {
    let (app, ..) = two_documents().await;
    let owner = make_key(&app.app, Wanted { labels: Some(&["board"]), ..Wanted::EVERYTHING }).await;
    let (owner, other) =
        (client_with(&owner), sees(&app, Wanted { scopes: &[Scope::Ask], ..Wanted::EVERYTHING }).await);
    let (_, answer) = post(&app, &owner, "/v1/ask", json!({"question": ABOUT_CLOSED, "store": true})).await;
    let id = answer["conversation_id"].as_str().unwrap();
    let (_, shown) = get(&app, &owner, &format!("/v1/conversations/{id}")).await;
    assert!(shown["history"][0]["turn"]["answer"].as_str().unwrap().contains("ninety"), "{shown}");
    // Another key, even one for everything that is only there to ask, is told that there is none.
    assert_eq!(get(&app, &other, &format!("/v1/conversations/{id}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, &other, "/v1/conversations").await.1["conversations"], json!([]));
    let on = json!({"question": "And when?", "conversation_id": id});
    assert_eq!(post(&app, &other, "/v1/ask", on.clone()).await.0, StatusCode::NOT_FOUND);

    // The document is closed to its reader: what rests on it is gone from the conversation, at once.
    let form = Form::new().part("file", file("closed.md", CLOSED)).text("access", r#"["chair"]"#);
    let (_, uploaded) = app.upload_form(form).await;
    let (_, shown) = get(&app, &owner, &format!("/v1/conversations/{id}")).await;
    check_silent(&[ABOUT_CLOSED], &shown);
    let (_, answer) = post(&app, &owner, "/v1/ask", json!({"question": ABOUT_CLOSED})).await;
    check_silent(&[ABOUT_CLOSED], &answer);
    app.wait_for_job(uploaded["documents"][0]["job_id"].as_str().unwrap()).await;
    // An administrator from whom nothing is kept goes on with it, and it stays its owner's.
    let root = sees(&app, Wanted::EVERYTHING).await;
    let (status, answer) = post(&app, &root, "/v1/ask", on).await;
    assert_eq!((status, answer["conversation_id"].as_str()), (StatusCode::OK, Some(id)), "{answer}");
    assert_eq!(get(&app, &owner, &format!("/v1/conversations/{id}")).await.0, StatusCode::OK);
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_is_not_put_right_by_what_the_caller_may_not_read() {
    let (app, ..) = two_documents().await;
    let misspelt = json!({"question": "what does the glimwardden keep?"});
    let corrected = async |client: &Client| {
        let (_, answer) = post(&app, client, "/v1/ask", misspelt.clone()).await;
        answer["question"]["interpreted"].as_str().unwrap().contains("glimwarden")
    };
    let board = sees(&app, Wanted { labels: Some(&["board"]), ..Wanted::EVERYTHING }).await;
    let staff = sees(&app, Wanted { labels: Some(&["staff"]), ..Wanted::EVERYTHING }).await;
    // The vocabulary is built beside the questions: once it is there, the word is put right for who may read it.
    until("the word is known to the board", async || corrected(&board).await).await;
    let services = app.app.answering().unwrap();
    let access = footnote::domain::Access {
        labels: footnote::domain::Allowed::from_list(Some(["staff".to_owned()])),
        ..footnote::domain::Access::everything()
    };
    until("the staff has a vocabulary", async || services.vocabulary.current(&access).is_some()).await;
    assert!(!corrected(&staff).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_read_a_document_replaces_it_not_and_gives_no_label_of_others() {
    let (app, _, closed) = two_documents().await;
    let staff = sees(&app, Wanted { labels: Some(&["staff"]), ..Wanted::EVERYTHING }).await;
    let upload = async |name: &str, access: &str| {
        let form = Form::new().part("file", file(name, sample::LIBRARY)).text("access", access.to_owned());
        let response = staff.post(format!("{}/v1/documents", app.url)).multipart(form).send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let (status, body) = upload("closed.md", r#"["staff"]"#).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
    let (status, body) = upload("mine.md", r#"["board"]"#).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
    let (status, body) = upload("mine.md", r#"["staff", 1]"#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    let (status, body) = upload("mine.md", r#"["staff", "staff"]"#).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    app.wait_for_job(body["documents"][0]["job_id"].as_str().unwrap()).await;
    let kept = app.read(&format!("/v1/documents/{closed}")).await;
    assert_eq!((&kept["active"]["version"], &kept["access"]), (&json!(1), &json!(["board"])));
    app.settle().await;
}
