//! The Qdrant server is away for a while: uploads and deletes are taken, questions say what is away, and all is made up for.

use std::time::Duration;

use reqwest::StatusCode;

use super::{check_answers, check_sound, ingest_sample, long, meanwhile, more, retries_are_due};
use crate::{
    postgres,
    qdrant_stub::StubServer,
    test_app::{TestApp, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn qdrant_may_be_away_for_half_a_minute() {
    let (database, mut vectors) = (postgres::database().await, StubServer::start());
    let app = TestApp::start_with(|settings| {
        settings.database_url = Some(database.url.clone());
        settings.vector_url = Some(vectors.url().to_owned());
    })
    .await;
    let mut expected = ingest_sample(&app).await;
    let gone = app.ingest("gone.md", "# Pool\n\nThe pool is heated.\n").await;
    check_answers(&app).await;
    // Some are being ingested when it goes.
    for (name, text) in more(0, 6) {
        assert_eq!(app.upload(&name, text.clone()).await.0, StatusCode::ACCEPTED);
        expected.insert(name, text);
    }
    vectors.go_away();
    let ready = app.client.get(format!("{}/readyz", app.url)).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let ready: serde_json::Value = ready.json().await.unwrap();
    let failed: Vec<&serde_json::Value> =
        ready["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false).collect();
    assert!(failed.iter().any(|check| check["name"] == "vectors"), "{ready}");
    for (name, text) in more(6, 4) {
        assert_eq!(app.upload(&name, text.clone()).await.0, StatusCode::ACCEPTED);
        expected.insert(name, text);
    }
    // A delete holds at once, whatever the vector store does.
    assert_eq!(app.delete(&format!("/v1/documents/{gone}")).await.0, StatusCode::OK);
    assert_eq!(app.get(&format!("/v1/documents/{gone}")).await.0, StatusCode::NOT_FOUND);
    let (asked, searched) = meanwhile(&app, Duration::from_secs(if long() { 30 } else { 2 })).await;
    println!("Qdrant away: {asked} questions and {searched} searches were answered 503");
    until("a job has met that it is away", async || {
        let jobs = app.read("/v1/jobs?state=queued&limit=1000").await;
        let jobs = jobs["jobs"].as_array().unwrap().clone();
        jobs.iter().any(|job| job["error"].as_str().is_some_and(|error| error.contains("vector store is unavailable")))
    })
    .await;
    vectors.come_back();
    check_answers(&app).await;
    // The attempts that failed are repeated by themselves, half a minute later.
    retries_are_due(&app, Some(&database.url)).await;
    check_sound(&app, &expected).await;
    check_answers(&app).await;
}
