//! What an operator has: metrics with the dashboard and the alerts on them, readiness, logs, traces, and files to install
//! the service with.

mod install;
mod logs;
mod metrics;
mod readiness;
mod traces;

use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::{program::Served, test_app::file};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Uploads a file to a running program, and waits until its job has ended; returns the job.
async fn ingest(served: &Served, client: &reqwest::Client, name: &str, text: &str) -> Value {
    let form = Form::new().part("file", file(name, text.to_owned()));
    let sent = client.post(format!("{}/v1/documents", served.url)).multipart(form).send().await.unwrap();
    let body: Value = sent.json().await.unwrap();
    let id = body["documents"][0]["job_id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    let mut job = Value::Null;
    crate::test_app::until("the document is ingested", async || {
        job = client.get(format!("{}/v1/jobs/{id}", served.url)).send().await.unwrap().json().await.unwrap();
        job["state"] == "succeeded" || job["state"] == "failed"
    })
    .await;
    assert_eq!(job["state"], "succeeded", "{job}");
    job
}

fn question(text: &str, stream: bool) -> Value {
    json!({"question": text, "stream": stream})
}
