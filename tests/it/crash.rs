//! `kill -9` of the real program, at moments that are seen from outside; and then everything is there exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use footnote::{
    app::{App, Purpose},
    domain::{JobKind, JobState, VersionState},
    metadata_store::{DocumentQuery, DocumentStore, JobQuery, StoreCounts, sqlite::SqliteStore},
};
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::{
    program::{Program, Started},
    sample,
    test_app::{TestApp, client, config, file, models, settings, until},
};

const FILES: usize = 60;

/// A moment at which the program is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So many originals lie in the blob store.
    Originals(usize),
    /// So many documents are registered.
    Registered(u64),
    /// So many documents are active.
    Active(u64),
    /// So many chunks are committed.
    Chunks(u64),
}

/// The folder that is ingested: names, as the documents will be called, and contents.
fn make_folder(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for number in 0..FILES {
        let name = format!("depot/part-{}/{number}.md", number % 3);
        let content = sample::long_document(&format!("depot {number}"), 1 + number % 4);
        let path = root.join(&name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &content).unwrap();
        files.insert(name, content);
    }
    files
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    // The folder may not be there yet, and files come and go while it is read.
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

fn originals(data_dir: &Path) -> usize {
    let is_whole = |path: &PathBuf| path.file_name().is_some_and(|name| name.len() == 64);
    files_below(&data_dir.join("blobs/originals")).iter().filter(|path| is_whole(path)).count()
}

/// Kills the program when the moment has come, and waits until none of its children is left.
async fn kill_at(moment: Moment, started: Started, data_dir: &Path) {
    // The vectors are opened once the database is there.
    until("the stores are open", async || data_dir.join("vectors/lock").exists()).await;
    {
        let watched = SqliteStore::connect(&data_dir.join("footnote.db")).await.unwrap();
        let counts = async || -> StoreCounts { watched.counts().await.unwrap() };
        until(&format!("{moment:?}"), async || match moment {
            Moment::Originals(wanted) => originals(data_dir) >= wanted,
            Moment::Registered(wanted) => counts().await.documents >= wanted,
            Moment::Active(wanted) => counts().await.active_documents >= wanted,
            Moment::Chunks(wanted) => counts().await.chunks >= wanted,
        })
        .await;
    }
    let children = children_of(started.id());
    started.kill().await;
    until("the children of the killed program are gone", async || children.iter().all(|child| !is_alive(*child))).await;
}

/// The child processes of a process, where the system shows them.
fn children_of(parent: u32) -> Vec<u32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| stat_of(*id).is_some_and(|(_, of)| of == parent)).collect()
}

fn is_alive(id: u32) -> bool {
    stat_of(id).is_some_and(|(state, _)| state != "Z")
}

/// The state of a process and its parent.
fn stat_of(id: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program stands in parentheses, and may hold any character.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

/// Every document of `files` is there once, active, whole, and in the index.
async fn check_everything_is_there_once(data_dir: &Path, files: &BTreeMap<String, String>) {
    let purpose = Purpose { answers: false, any_index: false };
    let app = App::with_models(config(settings(data_dir)), models().await, purpose).await.unwrap();
    let query = DocumentQuery { limit: 1_000, ..DocumentQuery::default() };
    let documents = app.metadata.documents(query).await.unwrap().items;
    let names: Vec<&String> = documents.iter().map(|document| &document.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a document is there twice");
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), files.keys().collect::<BTreeSet<_>>());
    let mut chunks = 0;
    for document in &documents {
        let active = document.active.as_ref().unwrap_or_else(|| panic!("{} is not active", document.name));
        assert_eq!((active.version, active.state), (1, VersionState::Active), "{}", document.name);
        assert_eq!(document.latest.version, 1);
        assert_eq!(app.ingest.blobs.text(document.id, 1, 1).await.unwrap().text, files[&document.name]);
        let found = app.metadata.chunks_of(document.id).await.unwrap().len() as u64;
        assert_eq!(Some(found), active.chunks.map(u64::from), "{}", document.name);
        assert_eq!(app.vectors.count(1, Some(document.id)).await.unwrap(), found, "{}", document.name);
        chunks += found;
    }
    let counts = app.metadata.counts().await.unwrap();
    assert_eq!((counts.chunks, counts.open_jobs), (chunks, 0));
    assert_eq!(app.vectors.count(1, None).await.unwrap(), chunks, "a vector belongs to nothing");
    let query = JobQuery { limit: 1_000, ..JobQuery::default() };
    let jobs = app.metadata.jobs(query).await.unwrap().items;
    assert_eq!(jobs.len(), files.len(), "one job for each document");
    assert!(jobs.iter().all(|job| (job.kind, job.state) == (JobKind::Ingest, JobState::Succeeded)));
    assert_eq!(originals(data_dir), files.len());
    assert_eq!(files_below(&data_dir.join("scratch")), Vec::<PathBuf>::new());
}

/// Two kills, and a run to the end. An ingestion is started three times at most, so more kills could rightly fail one.
async fn killed_twice(moments: [Moment; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let (data_dir, root) = (dir.path().join("data"), dir.path().join("files"));
    let files = make_folder(&root);
    let program = Program::new(&data_dir).await;
    let depot = root.join("depot");
    let arguments = ["ingest", depot.to_str().unwrap(), "--json"];
    for moment in moments {
        kill_at(moment, program.start(&arguments), &data_dir).await;
    }
    let ended = program.run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = ended.json();
    assert_eq!((&summary["files"], &summary["failed"]), (&json!(FILES), &json!({})));
    assert_eq!(summary["ingested"].as_u64().unwrap() + summary["unchanged"].as_u64().unwrap(), FILES as u64);

    let doctor = program.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert!(doctor.json().as_array().unwrap().iter().all(|finding| finding["ok"] == true));
    check_everything_is_there_once(&data_dir, &files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingest_that_is_killed_while_it_registers_goes_on() {
    killed_twice([Moment::Originals(3), Moment::Registered(FILES as u64 / 2)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingest_that_is_killed_while_it_embeds_goes_on() {
    killed_twice([Moment::Active(5), Moment::Chunks(70)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_was_answered_202_survives_a_kill_of_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = Program::new(dir.path()).await.serve().await;
    let mut uploads = Vec::new();
    for number in 0..8 {
        let (name, bytes) = match number {
            3 => ("refused.md".to_owned(), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
            _ => (format!("{number}.md"), sample::long_document(&format!("hall {number}"), 3).into_bytes()),
        };
        let form = Form::new().part("file", file(&name, bytes));
        let sent = client().post(format!("{}/v1/documents", server.url)).multipart(form).send().await.unwrap();
        assert_eq!(sent.status(), 202);
        uploads.push(sent.json::<Value>().await.unwrap()["documents"][0].clone());
    }
    server.kill().await;

    let app = TestApp::start_from(config(settings(dir.path()))).await;
    app.settle().await;
    let listed = app.read("/v1/documents").await;
    assert_eq!(listed["documents"].as_array().unwrap().len(), uploads.len());
    for upload in &uploads {
        let job = app.read(&format!("/v1/jobs/{}", upload["job_id"].as_str().unwrap())).await;
        let document = app.read(&format!("/v1/documents/{}", upload["document_id"].as_str().unwrap())).await;
        if upload["name"] == "refused.md" {
            assert_eq!((&job["state"], &document["active"]), (&json!("failed"), &json!(null)));
            assert!(job["error"].as_str().unwrap().contains("image/png"), "{job}");
        } else {
            assert_eq!((&job["state"], &document["active"]["version"]), (&json!("succeeded"), &json!(1)), "{job}");
        }
    }
    let counts = app.app.metadata.counts().await.unwrap();
    assert_eq!(counts.active_documents, uploads.len() as u64 - 1);
    assert_eq!(app.app.vectors.count(1, None).await.unwrap(), counts.chunks);
}
