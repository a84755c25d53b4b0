//! From one installation to another, with the same answers at the end.

use footnote::archive::{self, BackupOptions, Chain, RestoreOptions};
use reqwest::StatusCode;
use serde_json::json;

use super::{answers, back_up, check_clean, embedded, restore};
use crate::{
    postgres,
    program::Program,
    qdrant_stub::StubServer,
    sample,
    test_app::{TestApp, config, settings},
};

/// An application with something of everything that is backed up.
async fn full() -> TestApp {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    app.ingest("library.md", sample::LIBRARY.replace("fifty", "sixty")).await;
    let gone = app.ingest("gone.md", "# Gone\n\nThe password of the vault is swordfish.\n").await;
    app.delete(&format!("/v1/documents/{gone}")).await;
    let (_, asked) = app.post("/v1/ask", json!({"question": sample::DOCUMENTS[0].2, "store": true})).await;
    assert_eq!(asked["outcome"], "answered", "{asked}");
    app.settle().await;
    // Replaced and deleted passages count in an index until it is built anew, and are in no backup.
    app.post("/v1/admin/reindex", json!({})).await;
    app.settle().await;
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_backed_up_over_http_and_an_empty_machine_answers_the_same() {
    let app = full().await;
    let (before, documents) = (answers(&app).await, app.read("/v1/documents").await);
    let (dir, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = dir.path().join("backup.tar");

    // As a person does it, with the program. The server holds the lock of its stores, so only it can read them.
    let program = Program::new(&app.app.config.data_dir).await;
    let refused = program.run(&["backup", path.to_str().unwrap()]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("another Footnote process"), "{refused:?}");
    let made = program.run(&["backup", "--server", &app.url, path.to_str().unwrap()]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside the backup");
    app.stop().await;

    let program = Program::new(there.path()).await;
    let looked = program.run(&["restore", "--verify-only", path.to_str().unwrap()]).await;
    assert_eq!(looked.code, Some(0), "{looked:?}");
    assert!(looked.stdout.contains("all of them verified"), "{looked:?}");
    let looked = program.run(&["restore", "--verify-only", "--json", path.to_str().unwrap()]).await;
    assert!(looked.json()["archive"]["members"].as_u64().unwrap() > 5, "{looked:?}");
    assert_eq!(looked.json()["path"].as_str(), path.to_str());
    let restored = program.run(&["restore", "--json", path.to_str().unwrap()]).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert_eq!(restored.json()["restored"]["documents"], 3, "{restored:?}");
    let checked = program.run(&["doctor", "--deep"]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    // What is restored is not restored over.
    let refused = program.run(&["restore", path.to_str().unwrap()]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("empty"), "{refused:?}");

    let app = TestApp::start_from(embedded(there.path())).await;
    assert_eq!(app.read("/v1/documents").await, documents);
    assert_eq!(answers(&app).await, before);
    check_clean(&app).await;
    // And it goes on: what is uploaded and replaced now is found.
    app.ingest("parking.md", sample::PARKING.replace("four hours", "nine hours")).await;
    app.settle().await;
    assert!(app.ask(sample::DOCUMENTS[1].2).await["citations"].to_string().contains("nine hours"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_to_servers_and_back_without_being_embedded_again() {
    let app = full().await;
    let (before, documents) = (answers(&app).await, app.read("/v1/documents").await);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.tar");
    back_up(&app, &path, &BackupOptions::default()).await;
    app.stop().await;

    let (database, vectors) = (postgres::database().await, StubServer::start());
    let mut servers = settings(&dir.path().join("node"));
    servers.database_url = Some(database.url.clone());
    servers.vector_url = Some(vectors.url().to_owned());
    let servers = config(servers);
    let restored = restore(&path, &[], &servers, &RestoreOptions::default()).await;
    assert_eq!((restored.documents, restored.deleted, restored.reindex), (3, 0, false));
    let app = TestApp::start_from(servers.clone()).await;
    assert_eq!(app.read("/v1/documents").await, documents);
    assert_eq!(answers(&app).await, before);
    check_clean(&app).await;
    app.stop().await;

    // Back, by the command.
    let home = dir.path().join("home");
    let program = Program::new(&servers.data_dir)
        .await
        .set("FOOTNOTE_DATABASE_URL", database.url.as_str())
        .set("FOOTNOTE_VECTOR_URL", vectors.url());
    let to = |kind: &str, what: &str| format!("{kind}{}", home.join(what).display());
    std::fs::create_dir_all(&home).unwrap();
    let (database_url, vector_url) = (to("sqlite://", "footnote.db"), to("edge://", "vectors"));
    let moved = program
        .run(&[
            "migrate",
            "--to-database-url",
            &database_url,
            "--to-vector-url",
            &vector_url,
            "--to-blob-url",
            &to("file://", "blobs"),
        ])
        .await;
    assert_eq!(moved.code, Some(0), "{moved:?}");
    let app = TestApp::start_from(embedded(&home)).await;
    assert_eq!(app.read("/v1/documents").await, documents);
    assert_eq!(answers(&app).await, before);
    check_clean(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_vectors_the_index_is_built_anew() {
    let app = full().await;
    let before = answers(&app).await;
    let (dir, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (with, without) = (dir.path().join("with.tar"), dir.path().join("without.tar"));
    let full_size = back_up(&app, &with, &BackupOptions::default()).await.bytes;
    let options = BackupOptions { without_vectors: true, since: None };
    assert!(back_up(&app, &without, &options).await.bytes < full_size);
    app.stop().await;
    let restored = restore(&without, &[], &embedded(there.path()), &RestoreOptions::default()).await;
    assert_eq!((restored.vectors, restored.reindex), (0, true));
    let app = TestApp::start_from(embedded(there.path())).await;
    app.settle().await;
    assert_eq!(app.app.metadata.active_generation().await.unwrap().unwrap().number, 3);
    let now = answers(&app).await;
    // The passages have other ids in another generation; what is said is the same.
    let outcomes = |said: &[serde_json::Value]| said.iter().map(|one| one["answer"].clone()).collect::<Vec<_>>();
    assert_eq!(outcomes(&now), outcomes(&before));
    check_clean(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_after_the_backup_stays_deleted() {
    let app = full().await;
    let listed = app.read(&format!("/v1/documents?name={}", sample::DOCUMENTS[1].0)).await;
    let id = listed["documents"][0]["id"].as_str().unwrap().to_owned();
    let dir = tempfile::tempdir().unwrap();
    let (path, newer) = (dir.path().join("backup.tar"), dir.path().join("newer.tar"));
    back_up(&app, &path, &BackupOptions::default()).await;
    let (_, asked) = app.post("/v1/ask", json!({"question": sample::DOCUMENTS[1].2, "store": true})).await;
    assert_eq!(asked["outcome"], "answered", "{asked}");
    app.delete(&format!("/v1/documents/{id}")).await;
    app.settle().await;
    back_up(&app, &newer, &BackupOptions::default()).await;
    let (config, data) = app.stop().await;

    let program = Program::new(&config.data_dir).await;
    let lines = dir.path().join("deletions.jsonl");
    let written = program.run(&["backup", "--deletions-only", lines.to_str().unwrap()]).await;
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(std::fs::read_to_string(&lines).unwrap().contains(&id));

    // Over the installation, which knows by itself; and on an empty machine, which has to be told.
    let replaced = program.run(&["restore", "--replace", "--json", path.to_str().unwrap()]).await;
    assert_eq!(replaced.json()["restored"]["deleted"], 1, "{replaced:?}");
    check_gone(TestApp::start_from(config).await, &id).await;
    drop(data);
    for told in [&lines, &newer] {
        let there = tempfile::tempdir().unwrap();
        let deletions = archive::read_deletions(told).await.unwrap();
        let options = RestoreOptions { deletions, ..RestoreOptions::default() };
        let restored = restore(&path, &[], &embedded(there.path()), &options).await;
        assert_eq!((restored.documents, restored.deleted), (2, 1));
        check_gone(TestApp::start_from(embedded(there.path())).await, &id).await;
    }
    // Not told, the older backup brings it back: it cannot know.
    let there = tempfile::tempdir().unwrap();
    let restored = restore(&path, &[], &embedded(there.path()), &RestoreOptions::default()).await;
    assert_eq!((restored.documents, restored.deleted), (3, 0));
}

/// Nothing of the parking page is there, not even on the disk; and what is restored over it later has it neither.
async fn check_gone(app: TestApp, id: &str) {
    let (_, _, question, words) = sample::DOCUMENTS[1];
    assert_eq!(app.get(&format!("/v1/documents/{id}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.ask(question).await["outcome"], "abstained");
    for ranking in ["hybrid", "dense", "lexical"] {
        let found = app.search(json!({"question": question, "top_k": 50, "ranking": ranking})).await;
        assert!(found.iter().all(|passage| passage["document_id"] != id), "{found:?}");
    }
    check_clean(&app).await;
    for entry in walkdir::WalkDir::new(app.app.config.data_dir.join("blobs")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            assert!(!bytes.windows(words.len()).any(|part| part == words.as_bytes()), "{}", entry.path().display());
        }
    }
    let deletions = app.app.metadata.deletions(None, 1_000).await.unwrap();
    assert!(deletions.iter().any(|deletion| deletion.document_id.to_string() == id));
}

/// What is answered, without the scores of searches, which count what was replaced.
async fn said(app: &TestApp) -> Vec<serde_json::Value> {
    answers(app).await.into_iter().filter(serde_json::Value::is_object).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incremental_backup_needs_the_ones_before_it() {
    let app = full().await;
    let dir = tempfile::tempdir().unwrap();
    let paths = ["first", "second", "third"].map(|name| dir.path().join(format!("{name}.tar")));
    let [first, second, third] = &paths;
    let whole = back_up(&app, first, &BackupOptions::default()).await;
    let since = |path| async move {
        let since = Some(archive::verify(path).await.unwrap());
        BackupOptions { without_vectors: false, since }
    };
    // Enough that it shows in the sizes.
    app.ingest("depot.md", sample::long_document("the depot", 40)).await;
    let second_size = back_up(&app, second, &since(first).await).await.bytes;
    app.ingest("canteen.md", sample::CANTEEN.replace("half past eleven", "half past ten")).await;
    app.settle().await;
    let third_size = back_up(&app, third, &since(second).await).await.bytes;
    let all = dir.path().join("all.tar");
    let all = back_up(&app, &all, &BackupOptions::default()).await;
    assert!(third_size < second_size && second_size < all.bytes, "{third_size} {second_size} {}", all.bytes);
    assert!(whole.bytes < all.bytes);
    let (before, documents) = (said(&app).await, app.read("/v1/documents").await);
    app.stop().await;

    for (bases, missing) in [(vec![], "--base"), (vec![first.clone()], "--base"), (vec![second.clone()], "--base")] {
        let error = Chain::verify(third, &bases).await.unwrap_err().to_string();
        assert!(error.contains(missing), "{error}");
    }
    let there = tempfile::tempdir().unwrap();
    let program = Program::new(there.path()).await;
    // None of those that a newer one needs is written over.
    let kept = std::fs::read(first).unwrap();
    for since in [first, second] {
        let over = ["backup", first.to_str().unwrap(), "--since", since.to_str().unwrap()];
        let refused = program.run(&over).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("name a file that is not"), "{refused:?}");
    }
    assert_eq!(std::fs::read(first).unwrap(), kept);
    let [first, second, third] = [first, second, third].map(|path| path.to_str().unwrap());
    let restored = program.run(&["restore", third, "--base", first, "--base", second]).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let app = TestApp::start_from(embedded(there.path())).await;
    assert_eq!(app.read("/v1/documents").await, documents);
    assert_eq!(said(&app).await, before);
    check_clean(&app).await;
}
