//! The command line: what it prints, and what it ends with.

use std::{path::Path, time::Duration};

use footnote::{
    domain::{JobState, VersionState},
    metadata_store::{DocumentStore, JobStore, sqlite::SqliteStore},
};
use reqwest::multipart::Form;
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::{
    program::Program,
    sample,
    test_app::{TestApp, client, events, file, until},
};

fn write_folder(root: &Path) -> String {
    let docs = root.join("docs");
    std::fs::create_dir_all(docs.join("pictures")).unwrap();
    for (name, content, ..) in sample::DOCUMENTS {
        std::fs::write(docs.join(name), content).unwrap();
    }
    std::fs::write(docs.join("pictures/logo.md"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    std::fs::write(docs.join(".hidden.md"), "# Hidden\n").unwrap();
    docs.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_goes_in_is_asked_listed_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let docs = write_folder(dir.path());
    let program = Program::new(&dir.path().join("data")).await;

    let ended = program.run(&["ingest", &docs, "--metadata", "site=Zürich"]).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("4 files: 3 ingested, 0 unchanged, 1 refused"), "{ended:?}");
    let reason = ended.stdout.lines().find(|line| line.starts_with("refused docs/pictures/logo.md: ")).unwrap();
    assert!(reason.contains("image/png"), "{reason}");
    assert!(ended.stdout.contains("docs/.hidden.md"), "{ended:?}");
    // Again: nothing is done twice, and what was refused is refused again.
    let ended = program.run(&["ingest", &docs, "--metadata", "site=Zürich", "--json"]).await;
    let summary = ended.json();
    assert_eq!((ended.code, &summary["unchanged"], &summary["ingested"]), (Some(4), &json!(3), &json!(0)), "{ended:?}");
    assert_eq!(summary["failed"].as_object().unwrap().keys().collect::<Vec<_>>(), ["docs/pictures/logo.md"]);

    let (_, _, question, words) = sample::DOCUMENTS[0];
    let ended = program.run(&["ask", "--json", question]).await;
    let outcome = ended.json();
    assert_eq!((ended.code, &outcome["outcome"]), (Some(0), &json!("answered")), "{ended:?}");
    assert!(outcome["citations"].to_string().contains(words), "{ended:?}");
    // The words of a question need no quotes.
    let words_of_it: Vec<&str> = ["ask"].into_iter().chain(sample::UNRELATED.split(' ')).collect();
    let ended = program.run(&words_of_it).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains("do not hold the answer"), "{ended:?}");

    let found = program.run(&["search", "--json", "--filter", "site=Zürich", "--top-k", "1", question]).await;
    assert_eq!((found.code, &found.json()["results"][0]["name"]), (Some(0), &json!("docs/canteen.md")), "{found:?}");
    let found = program.run(&["search", "--filter", "site=Bern", question]).await;
    assert_eq!((found.code, found.stdout.as_str()), (Some(3), "nothing was found\n"));

    let listed = program.run(&["documents", "list", "--json"]).await;
    let listed: Vec<Value> = listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = listed.iter().map(|document| document["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["docs/canteen.md", "docs/library.md", "docs/parking.md", "docs/pictures/logo.md"]);
    let id = listed[0]["id"].as_str().unwrap();
    let shown = program.run(&["documents", "show", id]).await;
    assert_eq!((shown.code, &shown.json()), (Some(0), &listed[0]));
    let deleted = program.run(&["documents", "delete", id]).await;
    assert_eq!((deleted.code, deleted.stdout), (Some(0), format!("{id} deleted\n")));
    // As over HTTP, but for who did it.
    let entry = program.run(&["audit", "--action", "delete_document"]).await.json();
    assert_eq!((entry["subject"].as_str(), &entry["actor"]), (Some(id), &json!("command line")));
    let again = program.run(&["documents", "delete", id, listed[1]["id"].as_str().unwrap()]).await;
    assert_eq!(again.code, Some(4), "{again:?}");
    assert!(again.stderr.contains(&format!("there is no document `{id}`")), "{again:?}");
    let listed = program.run(&["documents", "list"]).await;
    assert_eq!(listed.code, Some(0));
    assert_eq!(listed.stdout.lines().count(), 2, "{listed:?}");
    assert!(listed.stdout.contains("default/docs/parking.md  version 1 active"), "{listed:?}");
    assert_eq!(program.run(&["documents", "show", id]).await.code, Some(1));
    let found = program.run(&["search", "--json", question]).await;
    let names: Vec<_> = found.json()["results"].as_array().unwrap().iter().map(|hit| hit["name"].clone()).collect();
    assert!(!names.contains(&"docs/canteen.md".into()), "{found:?}");
    // What a command leaves is whole: nothing waits for a server to be started.
    let doctor = program.run(&["doctor", "--json"]).await;
    let wrong: Vec<_> = doctor.json().as_array().unwrap().iter().filter(|f| f["ok"] == false).cloned().collect();
    assert!(wrong.iter().all(|finding| finding["what"].as_str().unwrap().contains("logo.md")), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_in_a_wrong_way_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let program = Program::with_models_in(&data, dir.path());
    let refused = async |program: &Program, arguments: &[&str], code: i32, says: &str| {
        let ended = program.run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{arguments:?}: {ended:?}");
    };
    for command in ["serve", "demo"] {
        refused(&program, &[command, "--listen", "0.0.0.0:0"], 1, "footnote keys create").await;
    }
    let short = program.clone().set("FOOTNOTE_API_KEY", "short");
    refused(&short, &["serve", "--listen", "0.0.0.0:0"], 1, "at least 16 characters").await;
    refused(&program, &["serve", "--listen", "localhost"], 1, "127.0.0.1:8642").await;
    refused(&program, &["serve", "--no-worker"], 1, "needs Postgres").await;
    refused(&program, &["ingest", "/no/such/file"], 1, "no file `/no/such/file`").await;
    refused(&program, &["ingest"], 2, "<PATHS>").await;
    refused(&program, &["ask", "--filter", "site", "x"], 2, "KEY=VALUE").await;
    refused(&program, &["documents", "delete", "x"], 2, "doc_").await;
    refused(&program, &["fly"], 2, "fly").await;
    let config = dir.path().join("other.toml");
    std::fs::write(&config, "listen = \"127.0.0.1:0\"\ncolour = \"red\"\n").unwrap();
    refused(&program, &["--config", config.to_str().unwrap(), "serve"], 1, "colour").await;
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0, "nothing was begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_made_listed_rotated_and_revoked_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::with_models_in(&dir.path().join("data"), dir.path());
    let refused = async |arguments: &[&str], code: i32, says: &str| {
        let ended = program.run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{arguments:?}: {ended:?}");
    };
    refused(&["keys", "create", "x", "--scope", "ask"], 2, "--collection").await;
    refused(&["keys", "create", "x", "--all-collections"], 2, "--scope").await;
    refused(&["keys", "create", "x", "--scope", "root", "--all-collections"], 2, "ingest").await;
    refused(&["keys", "create", "x", "--scope", "ask", "--all-collections", "--collection", "a"], 2, "cannot").await;
    let past = ["keys", "create", "x", "--scope", "ask", "--all-collections", "--expires", "2020-01-01"];
    refused(&past, 1, "in the past").await;

    let made =
        program.run(&["keys", "create", "front end", "--scope", "ask", "--collection", "a", "--label", "hr"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let secret = made.stdout.trim();
    assert!(secret.starts_with("fnk_") && !secret.contains(char::is_whitespace), "{made:?}");
    let listed = program.run(&["keys", "list", "--json"]).await.json();
    let id = listed["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&listed["scopes"], &listed["collections"], &listed["labels"]),
        (&json!(["ask"]), &json!(["a"]), &json!(["hr"]))
    );
    assert!(!listed.to_string().contains(secret));
    let rotated = program.run(&["keys", "rotate", &id, "--overlap-minutes", "5"]).await;
    assert!(rotated.stdout.starts_with("fnk_") && rotated.stdout.trim() != secret, "{rotated:?}");
    let line = program.run(&["keys", "list"]).await.stdout;
    let shows =
        ["front end", "scopes: ask", "collections: a", "labels: hr", "no end", "never used", &rotated.stdout[..12]];
    assert!(shows.iter().all(|shown| line.contains(shown)), "{line}");
    assert_eq!(program.run(&["keys", "revoke", &id]).await.code, Some(0));
    assert!(program.run(&["keys", "list"]).await.stdout.contains("revoked"));
    refused(&["keys", "rotate", &id], 1, "was revoked").await;
    refused(&["keys", "revoke", "key_00000000000000000000000000000000"], 4, "no API key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_cannot_be_loaded_stops_the_program_and_what_needs_none_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let reader = dir.path().join("my-reader");
    let program = Program::new(&dir.path().join("data")).await.set("FOOTNOTE_READER", &reader);
    let missing = program.run(&["ask", "Why?"]).await;
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(1), ""), "{missing:?}");
    assert!(missing.stderr.contains("my-reader"), "{missing:?}");
    std::fs::create_dir(&reader).unwrap();
    let empty = program.run(&["ask", "Why?"]).await;
    assert_eq!((empty.code, empty.stdout.as_str()), (Some(1), ""), "{empty:?}");
    assert!(empty.stderr.contains("my-reader") && empty.stderr.contains("reader.json"), "{empty:?}");
    assert_eq!(program.run(&["search", "Why?"]).await.code, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completions_know_every_command_and_models_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(dir.path()).await;
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = program.run(&["completions", shell]).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        for command in
            ["demo", "serve", "worker", "ingest", "ask", "search", "documents", "reindex", "models", "doctor"]
        {
            assert!(ended.stdout.contains(command), "{shell}: {command}");
        }
        assert!(!ended.stdout.contains("extract-child"), "{shell}");
    }
    let listed = program.run(&["models", "list", "--json"]).await;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    for model in listed.json().as_array().unwrap() {
        assert_eq!(model["present"], true);
        assert!(!model["licence"].as_str().unwrap().is_empty());
        assert!(Path::new(model["path"].as_str().unwrap()).exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_printed_is_an_error_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::with_models_in(&dir.path().join("data"), dir.path());
    for arguments in
        [&["models", "list"][..], &["keys", "create", "x", "--scope", "ask", "--all-collections", "--json"]]
    {
        // As into `head`, which has gone, and into a file on a disk that is full.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let outs: [std::process::Stdio; 2] = [writer.into(), full.into()];
        for (out, why) in outs.into_iter().zip(["Broken pipe", "No space left"]) {
            let (code, said) = program.run_into(arguments, out).await;
            assert_eq!(code, Some(1), "{arguments:?}: {said}");
            assert!(said.contains("cannot write to standard output") && said.contains(why), "{said}");
            assert!(!said.contains("panicked"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_leaves_an_older_schema_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let path = data.join("footnote.db");
    drop(SqliteStore::connect(&path).await.unwrap());
    let mut conn = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let earlier = "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    sqlx::query(earlier).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let before = SqliteStore::behind(&path).await.unwrap();
    assert!(before.is_some());
    let program = Program::with_models_in(&data, dir.path());
    let doctor = program.run(&["doctor"]).await;
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    assert!(doctor.stdout.contains("its schema is version") && doctor.stdout.contains("--repair"), "{doctor:?}");
    assert_eq!(SqliteStore::behind(&path).await.unwrap(), before, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_is_told_who_works_in_the_directory() {
    let app = TestApp::start().await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    let data_dir = app.app.config.data_dir.clone();
    let program = Program::new(&data_dir).await;
    for arguments in [["ask", "x"].as_slice(), &["search", "x"], &["serve"], &["ingest", "/etc/hostname"], &["reindex"]]
    {
        let ended = program.run(arguments).await;
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        let owner = format!("another Footnote process (pid {})", std::process::id());
        assert!(ended.stderr.contains(&owner), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("FOOTNOTE_DATA_DIR"), "{arguments:?}: {ended:?}");
    }
    // Looking is allowed.
    let listed = program.run(&["documents", "list"]).await;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(listed.stdout.contains("canteen.md"), "{listed:?}");
    // And the first process has noticed nothing.
    assert!(!app.search(json!({"question": sample::DOCUMENTS[0].2})).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_asked_to_stop_finishes_the_answer_and_puts_the_job_back() {
    let dir = tempfile::tempdir().unwrap();
    let grace = 300;
    let program = Program::new(dir.path()).await.set("FOOTNOTE_SHUTDOWN_GRACE_SECONDS", grace.to_string());
    let server = program.serve().await;
    let client = client();
    let upload = async |name: &str, content: &str| -> Value {
        let form = Form::new().part("file", file(name, content));
        let sent = client.post(format!("{}/v1/documents", server.url)).multipart(form).send().await.unwrap();
        sent.json::<Value>().await.unwrap()["documents"][0].clone()
    };
    let job = async |uploaded: &Value| -> Value {
        let path = format!("{}/v1/jobs/{}", server.url, uploaded["job_id"].as_str().unwrap());
        client.get(path).send().await.unwrap().json().await.unwrap()
    };
    let canteen = upload("canteen.md", sample::CANTEEN).await;
    until("the canteen page is ingested", async || job(&canteen).await["state"] == "succeeded").await;
    let large = upload("depot.md", &sample::long_document("the depot", 300)).await;
    until("the large document is being embedded", async || job(&large).await["stage"] == "embed").await;

    let question = sample::DOCUMENTS[0].2;
    let body = json!({"question": question, "stream": true});
    let mut answer = client.post(format!("{}/v1/ask", server.url)).json(&body).send().await.unwrap();
    let mut text = answer.chunk().await.unwrap().unwrap().to_vec();
    let rest = async {
        while let Some(piece) = answer.chunk().await.unwrap() {
            text.extend_from_slice(&piece);
        }
    };
    let ((code, log), ()) = tokio::join!(server.terminate(Duration::from_secs(grace)), rest);
    assert_eq!(code, Some(0), "{log}");
    let events = events(std::str::from_utf8(&text).unwrap());
    let (name, outcome) = events.last().unwrap();
    assert_eq!((name.as_str(), &outcome["outcome"]), ("outcome", &json!("answered")));
    // No question and no text of a document is logged.
    assert!(log.contains("stopping") && !log.contains("staff canteen") && !log.contains("half past"), "{log}");

    let metadata = SqliteStore::connect(&dir.path().join("footnote.db")).await.unwrap();
    let left = metadata.job(large["job_id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!((left.state, left.attempts), (JobState::Queued, 0), "{left:?}");
    let document = metadata.document(large["document_id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!((document.latest.state, document.active), (VersionState::Pending, None));
}
