//! Files that were made to harm, sent to the real program: each ends its own job, and questions are answered throughout,
//! in less than a gibibyte.

#![cfg(target_os = "linux")]

mod make;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use make::Expected;
use reqwest::{Client, StatusCode, multipart::Form};
use serde_json::{Value, json};

use crate::{
    program::Program,
    sample,
    test_app::{client, events, file},
};

/// What the program may hold. Its parsers have a limit of their own, which the system keeps them to.
const LIMIT: u64 = 1 << 30;

/// Asks until it is told to stop; how many answers there were.
async fn keep_asking(client: Client, url: String, stop: Arc<AtomicBool>) -> u64 {
    let mut answers = 0;
    while !stop.load(Ordering::Relaxed) {
        let body = json!({"question": sample::DOCUMENTS[0].2, "collection": "good"});
        let response = client.post(format!("{url}/v1/ask")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let answer: Value = response.json().await.unwrap();
        assert!(answer["answer"].as_str().unwrap().contains("half past eleven"), "{answer}");
        answers += 1;
    }
    answers
}

/// The memory of a process, and of its children, in bytes: without pages of mapped files, which are the system's to take.
fn memory(process: u32) -> (u64, u64) {
    let own = |id: &str| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) * 1_024
    };
    let mut parsers = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        parsers += children.split_whitespace().map(own).sum::<u64>();
    }
    (own(&process.to_string()), parsers)
}

async fn watch(process: u32, stop: Arc<AtomicBool>, most: Arc<[AtomicU64; 3]>) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while !stop.load(Ordering::Relaxed) {
        looks.tick().await;
        let (own, parsers) = memory(process);
        for (place, found) in most.iter().zip([own, parsers, own + parsers]) {
            place.fetch_max(found, Ordering::Relaxed);
        }
    }
}

/// Sends a file and waits for the end of its job.
async fn end_of(client: &Client, url: &str, name: &str, bytes: Vec<u8>) -> Value {
    let form = Form::new().part("file", file(name, bytes)).text("collection", "hostile");
    let response = client.post(format!("{url}/v1/documents")).multipart(form).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED, "{name}");
    let body: Value = response.json().await.unwrap();
    let job = body["documents"][0]["job_id"].as_str().unwrap();
    let followed = client.get(format!("{url}/v1/jobs/{job}/events")).send().await.unwrap();
    events(&followed.text().await.unwrap()).pop().unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_files_end_their_own_jobs_and_questions_are_answered_throughout() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(dir.path()).await.set("FOOTNOTE_EXTRACT_MEMORY_BYTES", "268435456");
    let program = program.set("FOOTNOTE_EXTRACT_TIMEOUT_SECONDS", "10");
    let served = program.serve().await;
    let (client, url) = (client(), served.url.clone());
    let form = Form::new().part("file", file("canteen.md", sample::CANTEEN)).text("collection", "good");
    let good: Value =
        client.post(format!("{url}/v1/documents")).multipart(form).send().await.unwrap().json().await.unwrap();
    let job = good["documents"][0]["job_id"].as_str().unwrap();
    client.get(format!("{url}/v1/jobs/{job}/events")).send().await.unwrap().text().await.unwrap();

    let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::<[AtomicU64; 3]>::default());
    let asking = tokio::spawn(keep_asking(client.clone(), url.clone(), stop.clone()));
    let watching = tokio::spawn(watch(served.id(), stop.clone(), most.clone()));
    let files = tokio::task::spawn_blocking(make::files).await.unwrap();
    assert!(files.len() >= 40);
    let (mut refused, mut read, mut wrong) = (0, 0, Vec::new());
    for (name, bytes, expected) in files {
        let began = Instant::now();
        let job = end_of(&client, &url, &name, bytes).await;
        let (state, reason) = (job["state"].as_str().unwrap(), job["error"].as_str().unwrap_or_default());
        println!("{name}: {state} after {:.1} s {reason}", began.elapsed().as_secs_f32());
        match state {
            "failed" if !reason.is_empty() => refused += 1,
            "succeeded" if expected == Expected::Ends => {
                read += 1;
                let id = job["document_id"].as_str().unwrap();
                let text =
                    client.get(format!("{url}/v1/documents/{id}/text")).send().await.unwrap().text().await.unwrap();
                assert!(name != make::OUTSIDE || !text.contains("root:"), "{text}");
            }
            _ => wrong.push(format!("{name}: {state} {reason}")),
        }
    }
    stop.store(true, Ordering::Relaxed);
    let answers = asking.await.unwrap();
    watching.await.unwrap();
    let [own, parsers, together] = [0, 1, 2].map(|place: usize| most[place].load(Ordering::Relaxed) >> 20);
    println!(
        "{refused} refused, {read} read; {answers} questions answered meanwhile; at most {own} MiB, its parsers {parsers}, \
         together {together}"
    );
    assert_eq!(wrong, Vec::<String>::new());
    assert!(answers > 0 && own < LIMIT >> 20, "{answers} answers, {own} MiB");
    let (code, log) = served.terminate(Duration::from_secs(60)).await;
    assert_eq!(code, Some(0), "{log}");
}
