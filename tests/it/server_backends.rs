//! The whole application on server backends: a real Postgres, and the Qdrant client against the in-process server.
#![cfg(feature = "edge")]

use reqwest::StatusCode;
use serde_json::json;

use crate::{
    postgres,
    qdrant_stub::StubServer,
    sample,
    test_app::{TestApp, file},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_taken_answered_from_deleted_and_indexed_anew() {
    let (database, vectors) = (postgres::database().await, StubServer::start());
    let mut app = TestApp::start_with(|settings| {
        settings.database_url = Some(database.url.clone());
        settings.vector_url = Some(vectors.url().to_owned());
    })
    .await;
    assert!(!app.app.config.is_embedded());
    assert_eq!(app.client.get(format!("{}/readyz", app.url)).send().await.unwrap().status(), StatusCode::OK);

    let ids = app.ingest_form(sample::form()).await;
    let (_, _, question, words) = sample::DOCUMENTS[0];
    let before = app.ask(question).await;
    assert_eq!(before["outcome"], "answered", "{before}");
    assert!(before["citations"].to_string().contains(words), "{before}");
    app.check_citations(&before).await;
    assert_eq!(app.ask(sample::UNRELATED).await["outcome"], "abstained");
    // The same bytes, other bytes, and bytes that cannot be read.
    let (status, again) = app.upload("canteen.md", sample::CANTEEN).await;
    assert_eq!((status, &again["documents"][0]["duplicate"]), (StatusCode::OK, &json!(true)));
    app.ingest("library.md", "# The library\n\nBooks may be kept for nine weeks.\n").await;
    let (_, refused) = app.upload("logo.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice()).await;
    assert_eq!(app.wait_for_job(refused["documents"][0]["job_id"].as_str().unwrap()).await["state"], "failed");
    app.settle().await;

    // Deleted, with a worker that has not purged it.
    app.rest().await;
    let (status, _) = app.delete(&format!("/v1/documents/{}", ids[1])).await;
    assert_eq!(status, StatusCode::OK);
    let gone = app.ask(sample::DOCUMENTS[1].2).await;
    assert_eq!((&gone["outcome"], gone.to_string().contains(&ids[1])), (&json!("abstained"), false), "{gone}");
    app.work();

    let (status, reindex) = app.post("/v1/admin/reindex", json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{reindex}");
    app.settle().await;
    let job = app.read(&format!("/v1/jobs/{}", reindex["job"]["id"].as_str().unwrap())).await;
    assert_eq!((&job["state"], &job["generation"]), (&json!("succeeded"), &json!(2)), "{job}");
    let counts = app.app.metadata.counts().await.unwrap();
    assert_eq!((counts.documents, counts.active_documents), (3, 2));
    assert_eq!(app.app.vectors.count(2, None).await.unwrap(), counts.chunks);
    let found = app.search(json!({"question": "How long may books be kept?", "top_k": 50})).await;
    assert!(found.iter().any(|passage| passage["text"].as_str().unwrap().contains("nine weeks")), "{found:?}");
    assert!(found.iter().all(|passage| !passage["text"].as_str().unwrap().contains("six weeks")), "{found:?}");
    assert!(found.iter().all(|passage| passage["document_id"] != ids[1].as_str()), "{found:?}");
    let text = json!({"question": question, "top_k": 1});
    assert!(app.search(text).await[0]["text"].as_str().unwrap().contains(words));

    // Filters and collections, by the server's own index.
    let form = reqwest::multipart::Form::new()
        .part("file", file("canteen.md", sample::CANTEEN))
        .text("collection", "other")
        .text("metadata", r#"{"site": "Zürich"}"#);
    let other = app.ingest_form(form).await.remove(0);
    for (site, expected) in [("Zürich", 1), ("Bern", 0)] {
        let filter = json!({"metadata": {"site": site}});
        let found = app.search(json!({"question": question, "collection": "other", "filter": filter})).await;
        assert_eq!(found.iter().filter(|passage| passage["document_id"] == other.as_str()).count(), expected);
        assert_eq!(found.len(), expected);
    }
    app.settle().await;
    // The server and the database outlive the application.
    app.stop().await;
}
