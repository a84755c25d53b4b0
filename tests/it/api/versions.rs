//! New versions of a document: they replace the old one in one step, and nothing of the old one is found again.

use reqwest::{StatusCode, multipart::Form};
use serde_json::{Value, json};

use crate::{
    sample,
    test_app::{TestApp, file},
};

const OLD: &str = "# Doors\n\nThe front door has a brass lock. Its key hangs in the porter's lodge.\n";
const NEW: &str = "# Doors\n\nThe front door has an electronic lock. Its badge is handed out by the porter.\n";

async fn found(app: &TestApp, question: &str) -> Vec<Value> {
    app.search(json!({"question": question, "top_k": 50})).await
}

fn mentions(passages: &[Value], words: &str) -> bool {
    passages.iter().any(|passage| passage["text"].as_str().unwrap().contains(words))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_bytes_replace_the_old_version_in_one_step() {
    let mut app = TestApp::start().await;
    let id = app.ingest("doors.md", OLD).await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    app.rest().await;

    // The new version waits: the old one goes on answering.
    let (status, body) = app.upload("doors.md", NEW).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!((&body["documents"][0]["document_id"], &body["documents"][0]["version"]), (&json!(id), &json!(2)));
    let document = app.read(&format!("/v1/documents/{id}")).await;
    assert_eq!((&document["active"]["version"], &document["latest"]["version"]), (&json!(1), &json!(2)));
    assert_eq!(document["latest"]["state"], "pending");
    assert!(mentions(&found(&app, "Which lock does the front door have?").await, "brass lock"));

    app.work();
    app.settle().await;
    let document = app.read(&format!("/v1/documents/{id}")).await;
    assert_eq!((&document["active"]["version"], &document["active"]["state"]), (&json!(2), &json!("active")));
    assert_eq!(app.read(&format!("/v1/documents/{id}/text")).await["text"], NEW);
    let content = app.client.get(format!("{}/v1/documents/{id}/content", app.url)).send().await.unwrap();
    assert_eq!(content.text().await.unwrap(), NEW);
    for question in ["Which lock does the front door have?", "Where does the brass key of the porter's lodge hang?"] {
        let passages = found(&app, question).await;
        assert!(mentions(&passages, "electronic lock"), "{passages:?}");
        assert!(!mentions(&passages, "brass"), "{passages:?}");
        assert!(passages.iter().all(|passage| passage["document_id"] != id || passage["version"] == 2));
    }
    let chunks = document["active"]["chunks"].as_u64().unwrap();
    let id = id.parse().unwrap();
    assert_eq!(app.app.vectors.count(1, Some(id)).await.unwrap(), chunks, "the old vectors are gone");
    assert!(app.app.ingest.blobs.text(id, 1, 1).await.is_err(), "the old text is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_cannot_be_read_leaves_the_old_one_in_its_place() {
    let app = TestApp::start().await;
    let id = app.ingest("doors.md", OLD).await;
    let (status, body) = app.upload("doors.md", b"\x00\x01\x02\x03 no text \xff\xfe\x00".as_slice()).await;
    assert_eq!((status, &body["documents"][0]["version"]), (StatusCode::ACCEPTED, &json!(2)));
    let job = app.wait_for_job(body["documents"][0]["job_id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "failed");
    let document = app.read(&format!("/v1/documents/{id}")).await;
    assert_eq!((&document["active"]["version"], &document["latest"]["state"]), (&json!(1), &json!("failed")));
    assert!(mentions(&found(&app, "Which lock does the front door have?").await, "brass lock"));
    // The same bytes that failed are not a duplicate: they are tried again, as the next version.
    let (_, body) = app.upload("doors.md", b"\x00\x01\x02\x03 no text \xff\xfe\x00".as_slice()).await;
    assert_eq!((&body["documents"][0]["version"], &body["documents"][0]["duplicate"]), (&json!(3), &json!(false)));
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_different_uploads_at_the_same_moment_the_newest_wins() {
    let app = TestApp::start().await;
    let contents: Vec<String> =
        (0..6).map(|n| format!("# Notice\n\nThe notice number {n} hangs in the hall.\n")).collect();
    let answers =
        futures::future::join_all(contents.iter().map(|content| app.upload("notice.md", content.as_str()))).await;
    let mut versions = Vec::new();
    for ((status, body), content) in answers.iter().zip(&contents) {
        assert_eq!(*status, StatusCode::ACCEPTED, "{body}");
        versions.push((
            body["documents"][0]["version"].as_u64().unwrap(),
            content,
            body["documents"][0]["job_id"].clone(),
        ));
    }
    versions.sort_by_key(|(version, ..)| *version);
    assert_eq!(versions.iter().map(|(version, ..)| *version).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    app.settle().await;
    for (version, _, job) in &versions {
        let job = app.read(&format!("/v1/jobs/{}", job.as_str().unwrap())).await;
        let overtaken = job["state"] == "cancelled" && job["error"].as_str().unwrap().contains("newer version");
        assert!(overtaken || job["state"] == "succeeded", "{job}");
        assert!(*version < 6 || job["state"] == "succeeded", "{job}");
    }
    let (_, newest, _) = versions.last().unwrap();
    let id = answers[0].1["documents"][0]["document_id"].as_str().unwrap();
    let document = app.read(&format!("/v1/documents/{id}")).await;
    assert_eq!(document["active"]["version"], 6);
    assert_eq!(app.read(&format!("/v1/documents/{id}/text")).await["text"], newest.as_str());
    let passages = found(&app, "Which notice hangs in the hall?").await;
    assert_eq!(passages.len(), 1, "{passages:?}");
    assert_eq!(passages[0]["version"], 6);
    assert_eq!(app.app.vectors.count(1, None).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_metadata_of_the_same_bytes_is_a_new_version_and_what_filters_go_by() {
    let app = TestApp::start().await;
    let form = |team: &str| {
        Form::new().part("file", file("doors.md", OLD)).text("metadata", json!({"team": team}).to_string())
    };
    let id = app.ingest_form(form("red")).await.remove(0);
    let (status, body) = app.upload_form(form("blue")).await;
    let uploaded = &body["documents"][0];
    assert_eq!((status, &uploaded["version"]), (StatusCode::ACCEPTED, &json!(2)), "{body}");
    app.settle().await;
    assert_eq!(app.read(&format!("/v1/documents/{id}")).await["metadata"], json!({"team": "blue"}));
    for (team, expected) in [("blue", 1), ("red", 0)] {
        let filter = json!({"metadata": {"team": team}});
        let passages = app.search(json!({"question": "Which lock does the front door have?", "filter": filter})).await;
        assert_eq!(passages.len(), expected, "{team}: {passages:?}");
    }
}
