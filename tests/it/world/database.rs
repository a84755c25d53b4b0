//! Postgres is stopped and started again, and has no connection left for a while.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use sqlx::Connection as _;

use super::{check_answers, check_sound, check_unavailable, ingest_sample, meanwhile, more, retries_are_due};
use crate::{
    postgres::{self, cluster::Cluster},
    qdrant_stub::StubServer,
    sample,
    test_app::TestApp,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_be_restarted() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap_or_else(|why| panic!("{why}"));
    let vectors = StubServer::start();
    let app = TestApp::start_with(|settings| {
        settings.database_url = Some(cluster.url());
        settings.vector_url = Some(vectors.url().to_owned());
    })
    .await;
    let mut expected = ingest_sample(&app).await;
    check_answers(&app).await;
    for (name, text) in more(0, 6) {
        assert_eq!(app.upload(&name, text.clone()).await.0, StatusCode::ACCEPTED);
        expected.insert(name, text);
    }
    // In the midst of the ingestions.
    cluster.stop();
    let (asked, searched) = meanwhile(&app, Duration::from_secs(1)).await;
    println!("Postgres away: {asked} questions and {searched} searches were answered 503");
    let (status, body) = app.upload("late.md", sample::CANTEEN).await;
    check_unavailable(status, &body);
    let (status, body) = app.get("/v1/documents").await;
    check_unavailable(status, &body);
    cluster.start_again();
    check_answers(&app).await;
    for (name, text) in more(6, 2) {
        assert_eq!(app.upload(&name, text.clone()).await.0, StatusCode::ACCEPTED);
        expected.insert(name, text);
    }
    // What was under way is taken up when its lease has run out: up to a minute, which passes at once here.
    app.app.metadata.expire_leases().await.unwrap();
    retries_are_due(&app, Some(&cluster.url())).await;
    check_sound(&app, &expected).await;
    check_answers(&app).await;
    app.stop().await;
    tokio::task::spawn_blocking(|| drop(cluster)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connections_may_run_out() {
    let (database, vectors) = (postgres::database().await, StubServer::start());
    let app = TestApp::start_with(|settings| {
        settings.database_url = Some(database.url.clone());
        // More than will be sent: otherwise some are told that the queue is full.
        settings.ask_queue = Some(64);
        settings.vector_url = Some(vectors.url().to_owned());
    })
    .await;
    let mut expected = ingest_sample(&app).await;
    check_answers(&app).await;
    // Somebody holds a lock that every call waits for, so that all connections of the pool are soon in use.
    let mut holder = sqlx::PgConnection::connect(&database.url).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE documents, versions, jobs, generations IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let since = Instant::now();
    let requests = (0..40).map(|_| app.post("/v1/search", json!({"question": sample::DOCUMENTS[0].2})));
    for (status, body) in futures::future::join_all(requests).await {
        check_unavailable(status, &body);
    }
    println!("no connection left: 40 searches were answered 503 within {:.1} s", since.elapsed().as_secs_f32());
    assert!(since.elapsed() < Duration::from_secs(45), "{:?}", since.elapsed());
    let (status, body) = app.upload("late.md", sample::CANTEEN).await;
    check_unavailable(status, &body);
    held.rollback().await.unwrap();
    check_answers(&app).await;
    for (name, text) in more(0, 3) {
        assert_eq!(app.upload(&name, text.clone()).await.0, StatusCode::ACCEPTED);
        expected.insert(name, text);
    }
    check_sound(&app, &expected).await;
}
