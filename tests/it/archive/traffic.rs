//! Backups while documents come, change and go.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use footnote::{
    archive::{BackupOptions, RestoreOptions},
    metadata_store::DocumentQuery,
};
use reqwest::StatusCode;

use super::{back_up, check_clean, embedded, restore};
use crate::{
    sample,
    test_app::{TestApp, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_during_uploads_replacements_and_deletions_is_whole() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let (dir, stop) = (tempfile::tempdir().unwrap(), Arc::new(AtomicBool::new(false)));
    let traffic = {
        let (url, client, stop) = (app.url.clone(), app.client.clone(), stop.clone());
        tokio::spawn(async move {
            let mut rounds = 0;
            while !stop.load(Ordering::SeqCst) {
                rounds += 1;
                for name in ["a.md", "b.md", "c.md"] {
                    let text = sample::long_document(&format!("{name} round {rounds}"), 2);
                    let form = reqwest::multipart::Form::new().part("file", crate::test_app::file(name, text));
                    let sent = client.post(format!("{url}/v1/documents")).multipart(form).send().await.unwrap();
                    let sent: serde_json::Value = sent.json().await.unwrap();
                    if rounds % 2 == 0 && name == "b.md" {
                        let id = sent["documents"][0]["document_id"].as_str().unwrap();
                        client.delete(format!("{url}/v1/documents/{id}")).send().await.unwrap();
                    }
                    if name == "c.md" {
                        // Its events end with the job: what is uploaded does not run ahead of what is ingested.
                        let job = sent["documents"][0]["job_id"].as_str().unwrap();
                        let events = client.get(format!("{url}/v1/jobs/{job}/events")).send().await.unwrap();
                        events.text().await.unwrap();
                    }
                }
            }
            rounds
        })
    };
    let mut backups = Vec::new();
    for number in 0..4 {
        let path = dir.path().join(format!("{number}.tar"));
        // Something has changed since the one before.
        let before = app.app.metadata.deletions(None, 1_000).await.unwrap().len();
        back_up(&app, &path, &BackupOptions::default()).await;
        let deletions = app.app.metadata.deletions(None, 1_000).await.unwrap();
        backups.push((path, deletions));
        until("something more is deleted", async || {
            app.app.metadata.deletions(None, 1_000).await.unwrap().len() > before
        })
        .await;
    }
    stop.store(true, Ordering::SeqCst);
    assert!(traffic.await.unwrap() > 1);
    app.settle().await;
    app.stop().await;
    for (path, deletions) in backups {
        let there = tempfile::tempdir().unwrap();
        restore(&path, &[], &embedded(there.path()), &RestoreOptions::default()).await;
        let app = TestApp::start_from(embedded(there.path())).await;
        app.settle().await;
        check_clean(&app).await;
        // Whatever was open then has been done, and each name answers with one version.
        let query = DocumentQuery { limit: 1_000, ..DocumentQuery::default() };
        let listed = app.app.metadata.documents(query).await.unwrap().items;
        assert!(listed.len() >= 3 && listed.iter().all(|document| document.active.is_some()), "{listed:?}");
        for deleted in app.app.metadata.deletions(None, 1_000).await.unwrap() {
            assert!(deletions.contains(&deleted), "{deleted:?}");
            let (status, _) = app.get(&format!("/v1/documents/{}", deleted.document_id)).await;
            assert_eq!(status, StatusCode::NOT_FOUND);
        }
        let answer = app.ask(sample::DOCUMENTS[0].2).await;
        assert_eq!(answer["outcome"], "answered", "{answer}");
        app.check_citations(&answer).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_backup_is_written_at_a_time() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let permit = app.app.backup_slot.clone().try_acquire_owned().unwrap();
    let ask = async || app.client.post(format!("{}/v1/admin/backup", app.url)).send().await.unwrap();
    let busy = ask().await;
    assert_eq!(busy.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(permit);
    let made = ask().await;
    assert_eq!(
        (made.status(), &made.headers()["content-type"]),
        (StatusCode::OK, &"application/x-tar".parse().unwrap())
    );
    let bytes = made.bytes().await.unwrap();
    let path = app.app.config.data_dir.join("fetched.tar");
    std::fs::write(&path, &bytes).unwrap();
    footnote::archive::verify(&path).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_although_it_is_in_use_is_named_and_nothing_is_left_behind() {
    let app = TestApp::start().await;
    let id = app.ingest("canteen.md", sample::CANTEEN).await;
    let document = id.parse().unwrap();
    app.app.ingest.blobs.delete_texts(document, None).await.unwrap();
    let error = footnote::archive::backup(&app.app.installation(), tokio::io::sink(), &BackupOptions::default()).await;
    let error = error.map(drop).unwrap_err().to_string();
    assert!(error.contains(&id) && error.contains("the text"), "{error}");
    // Over HTTP the answer is broken off, and no client takes it for a backup.
    let answer = app.client.post(format!("{}/v1/admin/backup", app.url)).send().await.unwrap();
    assert!(answer.bytes().await.is_err());
}
