//! Uploads that are taken, and what can be read of them afterwards.

use reqwest::{StatusCode, multipart::Form};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    sample,
    test_app::{TestApp, file},
};

fn characters(text: &str, start: u64, end: u64) -> String {
    text.chars().skip(start as usize).take((end - start) as usize).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_followed_to_its_end_and_can_be_read_in_all_its_forms() {
    let app = TestApp::start().await;
    let text = format!("{}\n{}", sample::CANTEEN, sample::long_document("Lagerhalle Süd", 12));
    let (status, body) = app.upload("notes/süd.md", text.as_str()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let uploaded = &body["documents"][0];
    assert_eq!(uploaded["name"], "notes/süd.md");
    assert_eq!((&uploaded["version"], &uploaded["duplicate"]), (&json!(1), &json!(false)));
    assert_eq!(uploaded["status"], "queued");
    let (id, job) = (uploaded["document_id"].as_str().unwrap(), uploaded["job_id"].as_str().unwrap());
    assert!(id.starts_with("doc_") && job.starts_with("job_"));

    let events = app.job_events(job).await;
    let last = events.last().unwrap();
    assert_eq!((&last["state"], &last["stage"], &last["progress"]), (&json!("succeeded"), &json!("done"), &json!(1.0)));
    assert!(events.iter().all(|event| event["id"] == job && event["document_id"] == id));
    assert!(
        events[..events.len() - 1]
            .iter()
            .all(|event| ["queued", "running"].contains(&event["state"].as_str().unwrap()))
    );
    assert!(events.is_sorted_by_key(|event| (event["progress"].as_f64().unwrap() * 1e6) as u64), "{events:?}");

    let document = app.read(&format!("/v1/documents/{id}")).await;
    let active = &document["active"];
    assert_eq!(active, &document["latest"]);
    assert_eq!((&active["version"], &active["state"]), (&json!(1), &json!("active")));
    assert_eq!(active["sha256"], format!("{:x}", Sha256::digest(&text)));
    assert_eq!(
        (&active["media_type"], &active["title"]),
        (&json!("text/markdown"), &json!("Eating at Müller & Söhne"))
    );
    assert_eq!(active["size_bytes"], text.len());
    let listed = app.read("/v1/documents").await;
    assert_eq!(listed["documents"], json!([document]));

    let stored = app.read(&format!("/v1/documents/{id}/text")).await;
    assert_eq!((&stored["text"], &stored["version"]), (&json!(text), &json!(1)));
    check_chunks(&app, id, &text, active["chunks"].as_u64().unwrap()).await;

    let download = app.client.get(format!("{}/v1/documents/{id}/content", app.url)).send().await.unwrap();
    assert_eq!(download.headers()["content-type"], "application/octet-stream");
    assert_eq!(download.headers()["content-disposition"], "attachment");
    assert_eq!(download.headers()["x-content-type-options"], "nosniff");
    assert_eq!(download.bytes().await.unwrap(), text.as_bytes());
}

/// Each chunk is the stored text at its offsets, in code points; together they hold everything but white space.
async fn check_chunks(app: &TestApp, id: &str, text: &str, expected: u64) {
    let chunks = app.read(&format!("/v1/documents/{id}/chunks")).await;
    let chunks = chunks["chunks"].as_array().unwrap();
    assert_eq!(chunks.len() as u64, expected);
    assert!(expected > 3);
    let mut end = 0;
    for (ordinal, chunk) in chunks.iter().enumerate() {
        let at = |key: &str| chunk["range"][key].as_u64().unwrap();
        assert_eq!((&chunk["ordinal"], &chunk["document_id"]), (&json!(ordinal), &json!(id)));
        assert_eq!(chunk["text"], characters(text, at("start"), at("end")));
        assert!(characters(text, end, at("start")).trim().is_empty());
        assert!(chunk["tokens"].as_u64().unwrap() > 0);
        end = at("end");
    }
    assert!(characters(text, end, text.chars().count() as u64).trim().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_under_the_same_name_are_ingested_once() {
    let app = TestApp::start().await;
    let (_, first) = app.upload("a.md", sample::CANTEEN).await;
    // While it is being ingested, and afterwards.
    let (status, again) = app.upload("a.md", sample::CANTEEN).await;
    assert_eq!(status, StatusCode::OK);
    let job = first["documents"][0]["job_id"].as_str().unwrap();
    assert_eq!(app.wait_for_job(job).await["state"], "succeeded");
    let (status, later) = app.upload("a.md", sample::CANTEEN).await;
    assert_eq!(status, StatusCode::OK);
    for answer in [&again, &later] {
        let (first, answer) = (&first["documents"][0], &answer["documents"][0]);
        assert_eq!(answer["duplicate"], true);
        for same in ["document_id", "version", "job_id"] {
            assert_eq!(answer[same], first[same]);
        }
    }
    assert_eq!(later["documents"][0]["status"], "succeeded");
    let jobs = app.read("/v1/jobs").await;
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1);

    // Under another name, or in another collection, they are another document.
    let other = app.ingest("b.md", sample::CANTEEN).await;
    let form = Form::new().part("file", file("a.md", sample::CANTEEN)).text("collection", "elsewhere");
    let elsewhere = app.ingest_form(form).await.remove(0);
    let first = first["documents"][0]["document_id"].as_str().unwrap();
    assert!(first != other && first != elsewhere && other != elsewhere);
    // The bytes are kept once.
    let originals = app.app.config.data_dir.join("blobs/originals");
    let files = walkdir::WalkDir::new(originals).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
    assert_eq!(files.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identical_uploads_at_the_same_moment_end_as_one_version() {
    let app = TestApp::start().await;
    let answers = futures::future::join_all((0..8).map(|_| app.upload("same.md", sample::PARKING))).await;
    let new = answers.iter().filter(|(status, body)| {
        assert_eq!(*status == StatusCode::ACCEPTED, body["documents"][0]["duplicate"] == false);
        *status == StatusCode::ACCEPTED
    });
    assert_eq!(new.count(), 1);
    let ids: Vec<&Value> = answers.iter().map(|(_, body)| &body["documents"][0]["job_id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    app.settle().await;
    let documents = app.read("/v1/documents").await;
    assert_eq!(documents["documents"].as_array().unwrap().len(), 1);
    assert_eq!(documents["documents"][0]["active"]["version"], 1);
    let chunks = documents["documents"][0]["active"]["chunks"].as_u64().unwrap();
    assert_eq!(app.app.vectors.count(1, None).await.unwrap(), chunks);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_carries_several_files_and_one_known_file_does_not_hold_up_the_others() {
    let app = TestApp::start().await;
    let form = sample::form().text("collection", "house").text("metadata", r#"{"site": "Zürich", "year": 2026}"#);
    let ids = app.ingest_form(form).await;
    assert_eq!(ids.len(), 3);
    for (id, (name, content, ..)) in ids.iter().zip(sample::DOCUMENTS) {
        let document = app.read(&format!("/v1/documents/{id}")).await;
        assert_eq!((&document["name"], &document["collection"]), (&json!(name), &json!("house")));
        assert_eq!(document["metadata"], json!({"site": "Zürich", "year": 2026}));
        assert_eq!(app.read(&format!("/v1/documents/{id}/text")).await["text"], content);
    }
    // One of the two is new: 202.
    let form = Form::new()
        .part("file", file("canteen.md", sample::CANTEEN))
        .part("file", file("new.md", "# New\n\nThere is a new gym.\n"))
        .text("collection", "house")
        .text("metadata", r#"{"site": "Zürich", "year": 2026}"#);
    let (status, body) = app.upload_form(form).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let duplicates: Vec<_> = body["documents"].as_array().unwrap().iter().map(|d| d["duplicate"].clone()).collect();
    assert_eq!(duplicates, [true, false]);
    // A single file can be given another name than its own.
    let form = Form::new().part("file", file("x.md", "# Renamed\n\nIt has a name.\n")).text("name", "deep/er/y.md");
    let renamed = app.ingest_form(form).await.remove(0);
    assert_eq!(app.read(&format!("/v1/documents/{renamed}")).await["name"], "deep/er/y.md");
    app.settle().await;
}
