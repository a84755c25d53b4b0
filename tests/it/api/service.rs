//! The service around the API: health, metrics, and what happens when too much is asked at once.

use reqwest::StatusCode;
use serde_json::json;

use super::forms::check_problem;
use crate::{sample, test_app::TestApp};

async fn text(app: &TestApp, path: &str) -> String {
    let response = app.client.get(format!("{}{path}", app.url)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_told_and_work_is_counted() {
    let app = TestApp::start().await;
    assert_eq!(text(&app, "/healthz").await, "ok");
    assert_eq!(app.read("/readyz").await["ready"], true);
    let id = app.ingest("library.md", sample::LIBRARY).await;
    app.ask(sample::UNRELATED).await;
    app.read(&format!("/v1/documents/{id}")).await;
    app.get(&format!("/v1/documents/doc_{}", "0".repeat(32))).await;

    let response = app.client.get(format!("{}/metrics", app.url)).send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let metrics = response.text().await.unwrap();
    let value = |series: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).trim().parse().unwrap()
    };
    let chunks = app.read(&format!("/v1/documents/{id}")).await["active"]["chunks"].as_f64().unwrap();
    assert_eq!(value("footnote_documents"), 1.0);
    assert_eq!(value("footnote_searchable_documents"), 1.0);
    assert_eq!(value("footnote_chunks"), chunks);
    assert_eq!(value(r#"footnote_queue_jobs{kind="ingest",state="running"}"#), 0.0);
    assert_eq!(value(r#"footnote_answers_total{outcome="abstained",request="question"}"#), 1.0);
    assert_eq!(value(r#"footnote_answer_stage_seconds_count{stage="retrieve"}"#), 1.0);
    let requests = |route: &str, method: &str, status: u16| {
        value(&format!("footnote_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}"))
    };
    assert_eq!(requests("/v1/documents", "POST", 202), 1.0);
    assert_eq!(requests("/v1/ask", "POST", 200), 1.0);
    assert_eq!(requests("/v1/documents/{id}", "GET", 200), 1.0);
    assert_eq!(requests("/v1/documents/{id}", "GET", 404), 1.0);
    assert!(!metrics.contains(&id), "a path is not a label");
    assert!(metrics.ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_finds_the_queue_full_is_told_when_to_come_back() {
    let app = TestApp::start_with(|settings| settings.ask_queue = Some(2)).await;
    let now = std::time::Instant::now();
    let held = [app.app.admission.admit(now).unwrap(), app.app.admission.admit(now).unwrap()];
    for stream in [false, true] {
        let body = json!({"question": sample::UNRELATED, "stream": stream});
        let response = app.client.post(format!("{}/v1/ask", app.url)).json(&body).send().await.unwrap();
        assert_eq!(response.headers()["retry-after"].to_str().unwrap().parse::<u32>(), Ok(5));
        let (status, body) = (response.status(), response.json().await.unwrap());
        check_problem(status, &body, (429, "busy"), "2 questions");
    }
    // A search needs no generator, and does not wait for it.
    assert!(app.search(json!({"question": sample::UNRELATED})).await.is_empty());
    drop(held);
    assert_eq!(app.ask(sample::UNRELATED).await["outcome"], "abstained");
    assert_eq!(app.app.admission.open(), 0, "an answer gives its place back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_would_wait_too_long_is_told_when_to_come_back() {
    let app = TestApp::start_with(|settings| settings.ask_wait_seconds = Some(4)).await;
    let (admission, began) = (&app.app.admission, std::time::Instant::now());
    // Answers take three seconds each, and four questions are open.
    admission.admit(began).unwrap().answered(began + std::time::Duration::from_secs(3));
    let held = [0; 4].map(|_| admission.admit(began).unwrap());
    let body = json!({"question": sample::UNRELATED});
    let response = app.client.post(format!("{}/v1/ask", app.url)).json(&body).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "9");
    let (status, body) = (response.status(), response.json().await.unwrap());
    check_problem(status, &body, (429, "busy"), "12 s: ask again in 9 s");
    drop(held);
    assert_eq!(app.ask(sample::UNRELATED).await["outcome"], "abstained");
}
