//! Several workers in processes of their own on one Postgres: no job is done twice, and none is left.
//!
//! With `FOOTNOTE_WORKERS=1,2,4` the same load is ingested with so many workers each, and the throughput is printed:
//! `FOOTNOTE_WORKERS=1,2,4 FOOTNOTE_WORKERS_DOCUMENTS=200 cargo test --release --test it workers -- --nocapture`.
#![cfg(feature = "edge")]

use std::{collections::BTreeMap, time::Instant};

use footnote::{
    config::Settings,
    domain::{JobKind, JobState},
    metadata_store::JobQuery,
};
use reqwest::{StatusCode, multipart::Form};

use crate::{
    postgres,
    program::Program,
    qdrant_stub::StubServer,
    sample,
    test_app::{TestApp, config, file, model_files, settings},
};

fn numbers(variable: &str, default: &[usize]) -> Vec<usize> {
    match std::env::var(variable) {
        Ok(text) => text.split(',').map(|number| number.trim().parse().expect("numbers with commas")).collect(),
        Err(_) => default.to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_workers_on_one_postgres_do_each_job_once() {
    let documents = numbers("FOOTNOTE_WORKERS_DOCUMENTS", &[24])[0];
    for workers in numbers("FOOTNOTE_WORKERS", &[4]) {
        ingest_with(workers, documents).await;
    }
}

async fn ingest_with(workers: usize, documents: usize) {
    let (database, vectors, dir) = (postgres::database().await, StubServer::start(), tempfile::tempdir().unwrap());
    let settings = Settings {
        database_url: Some(database.url.clone()),
        vector_url: Some(vectors.url().to_owned()),
        ..settings(dir.path())
    };
    // The server takes the uploads and no job; each worker has one thread and does one document at a time.
    let app = TestApp::idle_from(config(settings)).await;
    let mut sent = 0;
    while sent < documents {
        let batch = (sent..documents.min(sent + 50)).fold(Form::new(), |form, number| {
            form.part("file", file(&format!("{number}.md"), sample::long_document(&format!("depot {number}"), 6)))
        });
        let (status, body) = app.upload_form(batch).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        sent += body["documents"].as_array().unwrap().len();
    }
    let programs: Vec<Program> = (0..workers)
        .map(|number| {
            let program = Program::with_models_in(&dir.path().join(format!("worker-{number}")), dir.path());
            program
                .set("FOOTNOTE_DATABASE_URL", &database.url)
                .set("FOOTNOTE_VECTOR_URL", vectors.url())
                .set("FOOTNOTE_BLOB_URL", format!("file://{}", dir.path().join("blobs").display()))
                .set("FOOTNOTE_THREADS", "1")
                .set("FOOTNOTE_INGEST_CONCURRENCY", "1")
        })
        .collect();
    let models = model_files().await;
    let programs = programs.into_iter().map(|program| program.set("FOOTNOTE_MODELS_DIR", &models));
    let began = Instant::now();
    let runs = programs.map(|program| async move { program.run(&["worker", "--drain"]).await });
    for ended in futures::future::join_all(runs).await {
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let seconds = began.elapsed().as_secs_f64();

    let counts = app.app.metadata.counts().await.unwrap();
    assert_eq!((counts.active_documents, counts.open_jobs), (documents as u64, 0));
    assert_eq!(app.app.vectors.count(1, None).await.unwrap(), counts.chunks, "a vector is missing or doubled");
    let (mut attempts, mut cursor) = (BTreeMap::<u32, usize>::new(), None);
    loop {
        let query = JobQuery { kind: Some(JobKind::Ingest), cursor, limit: 1_000, ..JobQuery::default() };
        let page = app.app.metadata.jobs(query).await.unwrap();
        for job in page.items {
            assert_eq!(job.state, JobState::Succeeded, "{job:?}");
            *attempts.entry(job.attempts).or_default() += 1;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(attempts, BTreeMap::from([(1, documents)]), "a job was started more than once");
    println!(
        "{workers} workers: {documents} documents, {} chunks in {seconds:.1} s, {:.1} chunks/s, start included",
        counts.chunks,
        counts.chunks as f64 / seconds
    );
    app.stop().await;
}
