//! What happens between the moment that a backup is of and the copying of what is large, one thing after the other.
//!
//! Nobody takes the archive further than its first bytes until all of it has happened: its metadata lies in a scratch file
//! then, and nothing else has been read.

use std::{collections::BTreeMap, path::Path};

use footnote::{
    archive::{self, ArchiveError, BackupOptions, BackupSummary, Installation, RestoreOptions},
    blob_store::{BlobStoreError, TextName},
    domain::VersionState,
    metadata_store::DocumentQuery,
};
use reqwest::{StatusCode, multipart::Form};
use tokio::io::AsyncReadExt as _;

use super::{check_clean, embedded, restore};
use crate::test_app::{TestApp, file};

/// Less than the archive's first member.
const AHEAD: usize = 64;

/// Writes an archive to `path` in whose middle something happens.
async fn back_up_while(
    installation: Installation,
    path: &Path,
    meanwhile: impl AsyncFnOnce(),
) -> Result<BackupSummary, ArchiveError> {
    let (out, mut taken) = tokio::io::duplex(AHEAD);
    let writing = tokio::spawn(async move {
        let written = archive::backup(&installation, out, &BackupOptions::default()).await;
        written.map(|(_, summary)| summary)
    });
    let mut bytes = vec![taken.read_u8().await.unwrap()];
    meanwhile().await;
    taken.read_to_end(&mut bytes).await.unwrap();
    std::fs::write(path, bytes).unwrap();
    writing.await.unwrap()
}

/// A text that says which document and which version it is.
fn text(name: &str, version: u32) -> String {
    format!("# The page {name}\n\nThis is what the page {name} said in its version number {version}.\n")
}

/// The name of every document with the version that is searched and what it says, and the state of its newest version.
async fn searched(app: &TestApp) -> BTreeMap<String, (String, VersionState)> {
    let query = DocumentQuery { limit: 100, ..DocumentQuery::default() };
    let mut found = BTreeMap::new();
    for document in app.app.metadata.documents(query).await.unwrap().items {
        let text = match &document.active {
            Some(_) => app.read(&format!("/v1/documents/{}/text", document.id)).await["text"].clone(),
            None => "nothing".into(),
        };
        found.insert(document.name, (text.as_str().unwrap().to_owned(), document.latest.state));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_replaced_deleted_or_waiting_while_an_archive_is_written_is_restored_as_it_was() {
    let mut app = TestApp::start().await;
    let names = ["kept.md", "replaced.md", "deleted.md", "renewed.md", "failing.md"];
    let form = names.iter().fold(Form::new(), |form, name| form.part("file", file(name, text(name, 1))));
    let ids = app.ingest_form(form).await;
    let [_, replaced, deleted, renewed, failing] = &ids[..] else { panic!("{ids:?}") };
    let original = app.read(&format!("/v1/documents/{deleted}")).await["active"]["sha256"].as_str().unwrap().to_owned();
    // Above the version that is searched there is one that could not be read.
    let (_, body) = app.upload("failing.md", "\n\n").await;
    let job = app.wait_for_job(body["documents"][0]["job_id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "failed", "{job}");
    app.rest().await;
    assert_eq!(app.upload("waiting.md", text("waiting.md", 1)).await.0, StatusCode::ACCEPTED);
    let blobs = app.app.ingest.blobs.clone();

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.tar");
    let summary = back_up_while(app.app.installation(), &path, async || {
        app.work();
        app.ingest("replaced.md", text("replaced.md", 2)).await;
        app.ingest("failing.md", text("failing.md", 3)).await;
        for id in [deleted, renewed] {
            app.delete(&format!("/v1/documents/{id}")).await;
        }
        app.settle().await;
        app.ingest("renewed.md", text("renewed.md", 1)).await;
        app.settle().await;
        // What was looked at by then is not there any more.
        for id in [replaced, deleted, renewed, failing] {
            let name = TextName { document: id.parse().unwrap(), version: 1, generation: 1 };
            assert!(!blobs.has_text(name).await.unwrap(), "{id}");
        }
        let gone = blobs.original_size(&original).await;
        assert!(matches!(gone, Err(BlobStoreError::NotFound(_))), "{gone:?}");
    })
    .await
    .unwrap();
    assert_eq!(summary.left_out, 4, "{summary:?}");
    app.stop().await;

    let there = tempfile::tempdir().unwrap();
    let restored = restore(&path, &[], &embedded(there.path()), &RestoreOptions::default()).await;
    assert_eq!((restored.documents, restored.deleted, restored.ingested_again), (4, 2, 2), "{restored:?}");
    let app = TestApp::start_from(embedded(there.path())).await;
    app.settle().await;
    check_clean(&app).await;
    let mut expected: BTreeMap<String, (String, VersionState)> = ["kept.md", "replaced.md", "failing.md", "waiting.md"]
        .map(|name| (name.to_owned(), (text(name, 1), VersionState::Active)))
        .into();
    expected.insert("failing.md".to_owned(), (text("failing.md", 1), VersionState::Failed));
    assert_eq!(searched(&app).await, expected);
    for id in [deleted, renewed] {
        assert_eq!(app.get(&format!("/v1/documents/{id}")).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_original_that_is_in_use_and_gone_ends_the_backup() {
    let app = TestApp::start().await;
    let id = app.ingest("kept.md", text("kept.md", 1)).await;
    let sum = app.read(&format!("/v1/documents/{id}")).await["active"]["sha256"].as_str().unwrap().to_owned();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.tar");
    let blobs = app.app.ingest.blobs.clone();
    let error = back_up_while(app.app.installation(), &path, async || blobs.delete_original(&sum).await.unwrap()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains(&sum) && error.contains("missing"), "{error}");
    assert!(archive::verify(&path).await.is_err(), "nobody takes it for a backup");
}
