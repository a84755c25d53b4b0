//! After a delete was answered, no search, answer or citation uses the document, whatever happens next.

use footnote::domain::DocumentId;
use reqwest::StatusCode;
use serde_json::json;

use crate::{
    sample,
    test_app::{TestApp, file, until},
};

/// Nothing of the parking page comes back, by any way.
async fn check_gone(app: &TestApp, id: &str) {
    let (_, _, question, words) = sample::DOCUMENTS[1];
    for ranking in ["hybrid", "dense", "lexical"] {
        let passages = app.search(json!({"question": question, "top_k": 50, "ranking": ranking})).await;
        assert!(ranking == "lexical" || !passages.is_empty(), "the other documents are still found");
        for passage in passages {
            assert_ne!(passage["document_id"], id, "{passage}");
            assert!(!passage["text"].as_str().unwrap().contains(words), "{passage}");
        }
    }
    let outcome = app.ask(question).await;
    assert_eq!(outcome["outcome"], "abstained", "{outcome}");
    assert!(!outcome.to_string().contains(id), "{outcome}");
    for path in ["", "/text", "/chunks", "/content"] {
        let (status, body) = app.get(&format!("/v1/documents/{id}{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {body}");
    }
    let (status, _) = app.delete(&format!("/v1/documents/{id}")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(!app.read("/v1/documents").await.to_string().contains(id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_document_is_gone_before_its_purge_after_a_restart_and_after_a_reindex() {
    let mut app = TestApp::start().await;
    let ids = app.ingest_form(sample::form()).await;
    let id = &ids[1];
    let document: DocumentId = id.parse().unwrap();
    let (_, _, question, words) = sample::DOCUMENTS[1];
    let found = app.search(json!({"question": question, "top_k": 1})).await;
    assert!(found[0]["text"].as_str().unwrap().contains(words), "{found:?}");

    app.rest().await;
    let (status, deleted) = app.delete(&format!("/v1/documents/{id}")).await;
    assert_eq!((status, &deleted["document_id"]), (StatusCode::OK, &json!(id)));
    // The purge has not run: the vectors are there, and the text.
    assert!(app.app.vectors.count(1, Some(document)).await.unwrap() > 0);
    app.app.ingest.blobs.text(document, 1, 1).await.unwrap();
    check_gone(&app, id).await;

    let mut app = app.restart().await;
    assert!(app.app.vectors.count(1, Some(document)).await.unwrap() > 0);
    check_gone(&app, id).await;

    let (status, _) = app.post("/v1/admin/reindex", json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    app.work();
    app.settle().await;
    assert_eq!(app.app.metadata.active_generation().await.unwrap().unwrap().number, 2);
    check_gone(&app, id).await;
    // Nothing is left of it.
    for generation in app.app.vectors.generations().await.unwrap() {
        assert_eq!(app.app.vectors.count(generation, Some(document)).await.unwrap(), 0);
    }
    assert!(app.app.ingest.blobs.text(document, 1, 1).await.is_err());
    let needles = [sample::PARKING, "four hours"].map(str::as_bytes);
    for entry in walkdir::WalkDir::new(app.app.config.data_dir.join("blobs")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            for needle in needles {
                assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", entry.path().display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_free_again_at_once_and_shared_bytes_stay() {
    let mut app = TestApp::start().await;
    let first = app.ingest("parking.md", sample::PARKING).await;
    let twin = app.ingest("twin.md", sample::PARKING).await;
    app.rest().await;
    app.delete(&format!("/v1/documents/{first}")).await;
    // Uploaded again before the purge has run: another document, which the purge does not touch.
    let (status, body) = app.upload("parking.md", sample::PARKING).await;
    let again = body["documents"][0]["document_id"].as_str().unwrap().to_owned();
    assert_eq!((status, &body["documents"][0]["version"]), (StatusCode::ACCEPTED, &json!(1)));
    assert_ne!(again, first);
    app.work();
    app.settle().await;
    for id in [&twin, &again] {
        assert_eq!(app.read(&format!("/v1/documents/{id}")).await["active"]["version"], 1);
        assert_eq!(app.read(&format!("/v1/documents/{id}/text")).await["text"], sample::PARKING);
        let content = app.client.get(format!("{}/v1/documents/{id}/content", app.url)).send().await.unwrap();
        assert_eq!(content.text().await.unwrap(), sample::PARKING);
    }
    let passages = app.search(json!({"question": sample::DOCUMENTS[1].2, "top_k": 50})).await;
    let mut found: Vec<&str> = passages.iter().map(|passage| passage["document_id"].as_str().unwrap()).collect();
    found.sort_unstable();
    found.dedup();
    let mut expected = [twin.as_str(), again.as_str()];
    expected.sort_unstable();
    assert_eq!(found, expected);

    // With the last of them the bytes go.
    for id in [&twin, &again] {
        app.delete(&format!("/v1/documents/{id}")).await;
    }
    app.settle().await;
    let blobs = walkdir::WalkDir::new(app.app.config.data_dir.join("blobs")).into_iter().map(Result::unwrap);
    assert_eq!(blobs.filter(|entry| entry.file_type().is_file()).count(), 0);
    assert_eq!(app.app.vectors.count(1, None).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_deleted_while_it_is_ingested_never_becomes_visible() {
    let mut app = TestApp::start().await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    let (_, body) = app
        .upload_form(
            reqwest::multipart::Form::new().part("file", file("depot.md", sample::long_document("the depot", 250))),
        )
        .await;
    let (id, job) = (&body["documents"][0]["document_id"], &body["documents"][0]["job_id"]);
    let (id, job) = (id.as_str().unwrap(), job.as_str().unwrap());
    let document: DocumentId = id.parse().unwrap();
    until("vectors of the document are being written", async || {
        app.app.vectors.count(1, Some(document)).await.unwrap() > 0
    })
    .await;
    let (status, _) = app.delete(&format!("/v1/documents/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    let ended = app.wait_for_job(job).await;
    assert_eq!(ended["state"], "cancelled");
    assert!(ended["error"].as_str().unwrap().contains("deleted"), "{ended}");
    let passages = app.search(json!({"question": "What is on shelf 3 of the depot?", "top_k": 50})).await;
    assert!(passages.iter().all(|passage| passage["document_id"] != id), "{passages:?}");
    let (status, _) = app.get(&format!("/v1/documents/{id}")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // Stopping waits until the dropped job has cleaned up. Its purge waits for the end of the lease, up to a minute.
    app.rest().await;
    assert_eq!(app.app.metadata.counts().await.unwrap().documents, 1);
    app.leaves_jobs();
}
