//! Faults of the world around the program: a database that is restarted or has no connection left, a vector store that is
//! away, a disk that is full, a clock that jumps. Jobs wait and go on, questions are answered 503 with a reason or from
//! what is up, and afterwards everything is as it should be.
#![cfg(feature = "edge")]

mod clock;
mod database;
mod disk;
mod qdrant;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::{
    sample,
    test_app::{TestApp, until},
};

/// Long runs are asked for with the kills, and take the times that are promised.
fn long() -> bool {
    std::env::var_os("FOOTNOTE_KILLS").is_some()
}

/// An answer that says that something is away: 503, with words for a person and a time to come back.
fn check_unavailable(status: StatusCode, body: &Value) {
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(body["type"], "urn:footnote:problem:unavailable");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("does not answer")), "{body}");
}

/// Asks something that the sample documents answer.
async fn ask(app: &TestApp) -> (StatusCode, Value) {
    app.post("/v1/ask", json!({"question": sample::DOCUMENTS[0].2})).await
}

async fn check_answers(app: &TestApp) {
    let (status, outcome) = ask(app).await;
    assert_eq!((status, &outcome["outcome"]), (StatusCode::OK, &json!("answered")), "{outcome}");
    app.check_citations(&outcome).await;
}

/// Waits until every job has ended, and checks that these documents are there, once and whole, and nothing else.
async fn check_sound(app: &TestApp, expected: &BTreeMap<String, String>) {
    until("no job is open", async || app.app.metadata.counts().await.is_ok_and(|counts| counts.open_jobs == 0)).await;
    let listed = app.read("/v1/documents?limit=1000").await;
    let mut found = BTreeMap::new();
    let active = app.app.metadata.active_generation().await.unwrap().unwrap().number;
    let mut chunks = 0;
    for document in listed["documents"].as_array().unwrap() {
        let (id, name) = (document["id"].as_str().unwrap(), document["name"].as_str().unwrap().to_owned());
        let text = app.read(&format!("/v1/documents/{id}/text")).await["text"].as_str().unwrap().to_owned();
        assert!(found.insert(name.clone(), text).is_none(), "{name} is there twice");
        let document = id.parse().unwrap();
        let recorded = app.app.metadata.chunks_of(document).await.unwrap().len() as u64;
        assert_eq!(app.app.vectors.count(active, Some(document)).await.unwrap(), recorded, "{name}");
        chunks += recorded;
    }
    assert_eq!(&found, expected);
    assert_eq!(app.app.vectors.count(active, None).await.unwrap(), chunks, "vectors of nothing");
    assert_eq!(app.app.metadata.counts().await.unwrap().chunks, chunks);
}

/// Waits for `time`, and asks and searches meanwhile; returns how often each was answered 503.
async fn meanwhile(app: &TestApp, time: Duration) -> (usize, usize) {
    let until = Instant::now() + time;
    let (mut asked, mut searched) = (0, 0);
    while Instant::now() < until || asked == 0 {
        let (status, body) = ask(app).await;
        check_unavailable(status, &body);
        asked += 1;
        let (status, body) = app.post("/v1/search", json!({"question": sample::DOCUMENTS[0].2})).await;
        check_unavailable(status, &body);
        searched += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (asked, searched)
}

/// Lets the half minute pass that a failed attempt waits for the next one; only in short runs.
async fn retries_are_due(app: &TestApp, database: Option<&str>) {
    if long() {
        return;
    }
    let sql = "UPDATE jobs SET due_at = created_at WHERE state = 'queued' AND attempts > 0";
    match database {
        Some(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
        None => {
            let url = format!("sqlite://{}", app.app.config.data_dir.join("footnote.db").display());
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
    }
    app.app.ingest.wake.notify_one();
}

/// The sample documents, ingested.
async fn ingest_sample(app: &TestApp) -> BTreeMap<String, String> {
    app.ingest_form(sample::form()).await;
    sample::DOCUMENTS.iter().map(|(name, text, ..)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Documents to upload while something is wrong.
fn more(from: usize, count: usize) -> Vec<(String, String)> {
    (from..from + count).map(|n| (format!("hall-{n}.md"), sample::long_document(&format!("hall {n}"), 2))).collect()
}
