//! How much one caller gets, and what is refused beyond it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Wanted, client_with, make_key};
use crate::{sample, test_app::TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_has_had_its_requests_waits_and_another_does_not() {
    let app = TestApp::idle_with(|settings| settings.requests_per_minute = Some(3)).await;
    let (one, other) = (make_key(&app.app, Wanted::EVERYTHING).await, make_key(&app.app, Wanted::EVERYTHING).await);
    let url = format!("{}/v1/documents", app.url);
    for _ in 0..3 {
        assert_eq!(client_with(&one).get(&url).send().await.unwrap().status(), StatusCode::OK);
    }
    let refused = client_with(&one).get(&url).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    assert_eq!(refused.json::<Value>().await.unwrap()["type"], "urn:footnote:problem:limited");
    assert_eq!(client_with(&other).get(&url).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_counted_when_they_were_spent() {
    let mut app = TestApp::start_with(|settings| settings.tokens_per_minute = Some(10)).await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    app.client = client_with(&make_key(&app.app, Wanted::EVERYTHING).await);
    let question = json!({"question": sample::DOCUMENTS[0].2});
    let (status, answer) = app.post("/v1/ask", question.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() > 10, "{answer}");
    assert_eq!(app.post("/v1/ask", question).await.0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_the_headers_that_keep_browsers_from_making_a_page_of_it() {
    let app = TestApp::idle().await;
    for path in ["/v1/documents", "/healthz", "/no/such/path"] {
        let response = app.client.get(format!("{}{path}", app.url)).send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").contains("default-src 'none'"));
        assert_eq!((header("referrer-policy"), header("cache-control")), ("no-referrer".into(), "no-store".into()));
        assert!(!response.headers().contains_key("access-control-allow-origin"), "closed to pages of other sites");
    }
    let foreign = app.client.get(format!("{}/v1/documents", app.url)).header("origin", "https://example.org");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

/// A head that never ends is given up; that takes half a minute, so only what stands in it is looked at here: other
/// connections are served meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_nothing_keep_nobody_out() {
    let app = TestApp::idle().await;
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    let mut silent = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /v1/documents HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await.unwrap();
        silent.push(stream);
    }
    let listed = tokio::time::timeout(Duration::from_secs(20), app.get("/v1/documents")).await.unwrap();
    assert_eq!(listed.0, StatusCode::OK);
    // One of them ends its head after all, and is served.
    let mut first = silent.swap_remove(0);
    first.write_all(b"x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
