//! Jobs: why one failed, and what can be done about one.

use reqwest::StatusCode;
use serde_json::json;

use super::forms::check_problem;
use crate::{
    sample,
    test_app::{TestApp, config, settings, until},
};

/// The beginning of a PNG image.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
const UNKNOWN: &str = "/v1/jobs/job_00000000000000000000000000000000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_refused_says_why_and_becomes_no_version() {
    let app = TestApp::start().await;
    let (status, body) = app.upload("picture.md", PNG).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let (id, job) = (&body["documents"][0]["document_id"], &body["documents"][0]["job_id"]);
    let (id, job) = (id.as_str().unwrap(), job.as_str().unwrap());
    for _ in 0..2 {
        let ended = app.wait_for_job(job).await;
        assert_eq!((&ended["state"], &ended["attempts"]), (&json!("failed"), &json!(1)));
        let reason = ended["error"].as_str().unwrap();
        assert!(reason.contains("Markdown") && reason.contains("image/png"), "{reason}");
        // It can be tried again, and is.
        let (status, retried) = app.post(&format!("/v1/jobs/{job}/retry"), json!({})).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            (&retried["state"], &retried["attempts"], &retried["error"]),
            (&json!("queued"), &json!(0), &json!(null))
        );
    }
    app.settle().await;

    let document = app.read(&format!("/v1/documents/{id}")).await;
    assert_eq!((&document["active"], &document["latest"]["state"]), (&json!(null), &json!("failed")));
    for what in ["text", "chunks"] {
        let (status, body) = app.get(&format!("/v1/documents/{id}/{what}")).await;
        check_problem(status, &body, (409, "conflict"), "/v1/jobs?document_id=");
    }
    let content = app.client.get(format!("{}/v1/documents/{id}/content", app.url)).send().await.unwrap();
    assert_eq!(content.bytes().await.unwrap(), PNG);
    assert!(app.search(json!({"question": "picture"})).await.is_empty());
    let failed = app.read("/v1/jobs?state=failed").await;
    assert_eq!(failed["jobs"][0]["id"], job);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_has_ended_can_be_neither_cancelled_nor_done_again() {
    let app = TestApp::start().await;
    let (_, body) = app.upload("a.md", sample::CANTEEN).await;
    let job = body["documents"][0]["job_id"].as_str().unwrap();
    app.wait_for_job(job).await;
    for action in ["cancel", "retry"] {
        let (status, body) = app.post(&format!("/v1/jobs/{job}/{action}"), json!({})).await;
        check_problem(status, &body, (409, "conflict"), job);
        let (status, body) = app.post(&format!("{UNKNOWN}/{action}"), json!({})).await;
        check_problem(status, &body, (404, "not-found"), "job_0000");
    }
    // The events of a job that has ended are its end.
    assert_eq!(app.job_events(job).await, [app.read(&format!("/v1/jobs/{job}")).await]);

    // A failed version that a newer one has replaced is not brought back.
    let (_, body) = app.upload("b.md", PNG).await;
    let failed = body["documents"][0]["job_id"].as_str().unwrap();
    app.wait_for_job(failed).await;
    app.ingest("b.md", sample::PARKING).await;
    let (status, body) = app.post(&format!("/v1/jobs/{failed}/retry"), json!({})).await;
    check_problem(status, &body, (409, "conflict"), "replaced");
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_job_is_cancelled_and_can_be_queued_again() {
    let mut app = TestApp::idle().await;
    let (_, body) = app.upload("a.md", sample::CANTEEN).await;
    let (id, job) = (&body["documents"][0]["document_id"], &body["documents"][0]["job_id"]);
    let (id, job) = (id.as_str().unwrap(), job.as_str().unwrap());
    let (status, cancelled) = app.post(&format!("/v1/jobs/{job}/cancel"), json!({})).await;
    assert_eq!((status, &cancelled["state"]), (StatusCode::OK, &json!("cancelled")));
    assert_eq!(app.read(&format!("/v1/documents/{id}")).await["latest"]["state"], "failed");
    let (status, body) = app.post(&format!("/v1/jobs/{job}/cancel"), json!({})).await;
    check_problem(status, &body, (409, "conflict"), job);

    let (status, queued) = app.post(&format!("/v1/jobs/{job}/retry"), json!({})).await;
    assert_eq!((status, &queued["state"]), (StatusCode::OK, &json!("queued")));
    assert_eq!(app.read(&format!("/v1/documents/{id}")).await["latest"]["state"], "pending");
    app.work();
    assert_eq!(app.wait_for_job(job).await["state"], "succeeded");
    assert_eq!(app.read(&format!("/v1/documents/{id}")).await["active"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_listed_newest_first_by_state_kind_and_document_and_a_purge_is_not_cancelled() {
    let mut app = TestApp::idle().await;
    let (_, body) = app.upload_form(sample::form()).await;
    let uploaded = body["documents"].as_array().unwrap().clone();
    let third = uploaded[2]["document_id"].as_str().unwrap();
    let (_, deleted) = app.delete(&format!("/v1/documents/{third}")).await;
    let purge = deleted["job_id"].as_str().unwrap();
    let ids = async |query: &str| -> Vec<String> {
        let page = app.read(&format!("/v1/jobs?{query}")).await;
        page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    let [one, two, three] = [0, 1, 2].map(|n| uploaded[n]["job_id"].as_str().unwrap());
    assert_eq!(ids("").await, [purge, three, two, one]);
    assert_eq!(ids("state=queued").await, [purge, two, one]);
    assert_eq!(ids("state=cancelled").await, [three]);
    assert_eq!(ids("kind=purge").await, [purge]);
    assert_eq!(ids(&format!("document_id={third}")).await, [purge, three]);
    assert_eq!(ids(&format!("document_id={third}&kind=ingest&state=queued")).await, Vec::<String>::new());

    let first = app.read("/v1/jobs?limit=3").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&format!("limit=3&cursor={cursor}")).await, [one]);
    assert_eq!(app.read(&format!("/v1/jobs?limit=1&cursor={cursor}")).await["next_cursor"], json!(null));

    let (status, body) = app.post(&format!("/v1/jobs/{purge}/cancel"), json!({})).await;
    check_problem(status, &body, (409, "conflict"), "");
    app.work();
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_cancelled_in_the_middle_of_a_parse_and_its_parser_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (parser, started) = (dir.path().join("parser"), dir.path().join("started"));
    // Written by another process: a program that this one holds open for writing could not be started.
    let script = format!("#!/bin/sh\\necho $$ > {0}.part\\nmv {0}.part {0}\\nexec sleep 600\\n", started.display());
    let write = format!("printf '{script}' > {0} && chmod +x {0}", parser.display());
    assert!(tokio::process::Command::new("sh").args(["-c", &write]).status().await.unwrap().success());
    let mut config = config(settings(dir.path()));
    config.extract_program = parser;
    let app = TestApp::start_from(config).await;
    let (_, body) = app.upload("stuck.md", "# Stuck\n").await;
    let job = body["documents"][0]["job_id"].as_str().unwrap().to_owned();
    until("the parser runs", async || started.exists()).await;
    let process = std::fs::read_to_string(&started).unwrap().trim().to_owned();
    until("the job says so", async || app.read(&format!("/v1/jobs/{job}")).await["stage"] == "extract").await;
    let (status, cancelled) = app.post(&format!("/v1/jobs/{job}/cancel"), json!({})).await;
    assert_eq!((status, &cancelled["state"]), (StatusCode::OK, &json!("cancelled")));
    let stat = format!("/proc/{process}/stat");
    let ended = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    until("its parser is gone", async || ended()).await;
    app.stop().await;
}
