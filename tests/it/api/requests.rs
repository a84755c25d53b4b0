//! Requests that ask for nothing that is there, or in a form that cannot be read.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::forms::check_problem;
use crate::{
    sample,
    test_app::{TestApp, file},
};

async fn send(app: &TestApp, request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(response.headers().contains_key("x-request-id"));
    // What went wrong is counted by its route, never by its path.
    assert!(!app.app.metrics.render(&Default::default()).contains("_0000"));
    (status, response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_a_problem_of_its_own_kind() {
    let app = TestApp::idle().await;
    let nothing = "0".repeat(32);
    let request = |method: &Method, path: &str| app.client.request(method.clone(), format!("{}{path}", app.url));
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    for (method, path) in [
        (&get, format!("/v1/documents/doc_{nothing}")),
        (&delete, format!("/v1/documents/doc_{nothing}")),
        (&get, format!("/v1/documents/doc_{nothing}/content")),
        (&get, format!("/v1/documents/doc_{nothing}/text")),
        (&get, format!("/v1/documents/doc_{nothing}/chunks")),
        (&get, format!("/v1/jobs/job_{nothing}")),
        (&get, format!("/v1/jobs/job_{nothing}/events")),
        (&post, format!("/v1/jobs/job_{nothing}/cancel")),
        (&post, format!("/v1/jobs/job_{nothing}/retry")),
        (&get, format!("/v1/admin/reindex/job_{nothing}")),
    ] {
        let (status, body) = send(&app, request(method, &path)).await;
        check_problem(status, &body, (404, "not-found"), &nothing);
    }
    for path in ["/nothing", "/web/nothing.js", "/v1", "/v1/documents/", "/v2/ask", "/v1/jobs/x/y/z"] {
        let (status, body) = send(&app, request(&get, path)).await;
        check_problem(status, &body, (404, "not-found"), "/openapi.json");
    }
    for (method, path) in [
        (&Method::PUT, "/v1/documents".to_owned()),
        (&get, "/v1/ask".to_owned()),
        (&post, format!("/v1/documents/doc_{nothing}")),
        (&delete, format!("/v1/jobs/job_{nothing}")),
        (&post, "/healthz".to_owned()),
        (&delete, "/openapi.json".to_owned()),
    ] {
        let (status, body) = send(&app, request(method, &path)).await;
        check_problem(status, &body, (405, "method-not-allowed"), method.as_str());
    }
    for path in
        [format!("/v1/documents/job_{nothing}"), "/v1/documents/1".to_owned(), format!("/v1/jobs/doc_{nothing}")]
    {
        let (status, body) = send(&app, request(&get, &path)).await;
        check_problem(status, &body, (400, "bad-request"), "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_no_reindex_is_not_shown_as_one() {
    let app = TestApp::start().await;
    let (_, body) = app.upload("a.md", sample::LIBRARY).await;
    let job = body["documents"][0]["job_id"].as_str().unwrap();
    let (status, body) = app.get(&format!("/v1/admin/reindex/{job}")).await;
    check_problem(status, &body, (404, "not-found"), "/v1/jobs/");
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_may_be_left_out_is_an_object_all_the_same() {
    let mut app = TestApp::idle().await;
    for body in [json!([]), json!(""), json!(1)] {
        let (status, body) = app.post("/v1/admin/reindex", body).await;
        check_problem(status, &body, (422, "invalid"), "no object");
    }
    for body in [json!(null), json!({})] {
        assert_eq!(app.post("/v1/admin/reindex", body).await.0, StatusCode::ACCEPTED);
    }
    app.work();
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_cannot_be_asked_is_refused_and_never_put_right() {
    let app = TestApp::idle().await;
    let longest = "é".repeat(4_000);
    for path in ["/v1/ask", "/v1/search"] {
        let url = format!("{}{path}", app.url);
        let json_of = |body: Value| app.client.post(&url).json(&body);
        let raw =
            |body: &'static str, kind: &'static str| app.client.post(&url).header("content-type", kind).body(body);
        let invalid = (422, "invalid");
        let cases = [
            (json_of(json!({"question": "x", "top_k": 0})), invalid, "1 to 50"),
            (json_of(json!({"question": "x", "top_k": 51})), invalid, "1 to 50"),
            (json_of(json!({"question": "x", "top_k": -1})), invalid, "top_k"),
            (json_of(json!({"question": "x", "colour": "red"})), invalid, "colour"),
            (json_of(json!({"question": ["x"]})), invalid, "question"),
            (json_of(json!(["x"])), invalid, "no object"),
            (json_of(json!("x")), invalid, "no object"),
            (json_of(json!({})), invalid, "question"),
            (json_of(json!({"question": ""})), invalid, "empty"),
            (json_of(json!({"question": " \n\u{200b}"})), invalid, "empty"),
            (json_of(json!({"question": format!("{longest}é")})), invalid, "4001"),
            (raw("{\"question\": ", "application/json"), (400, "bad-request"), ""),
            (
                raw("question=x", "application/x-www-form-urlencoded"),
                (415, "unsupported-media-type"),
                "application/json",
            ),
            (json_of(json!({"question": "x".repeat(1024 * 1024)})), (413, "too-large"), ""),
        ];
        for (request, problem, says) in cases {
            let (status, body) = send(&app, request).await;
            check_problem(status, &body, problem, says);
        }
    }
    // The longest question that is taken; and one that is not too long to be read, but too long for the embedder.
    let longest = format!("é{}?", " ".repeat(3_998));
    let (status, body) = app.post("/v1/search", json!({"question": longest, "top_k": 50})).await;
    assert_eq!((status, &body["interpreted"]), (StatusCode::OK, &json!("é ?")), "{body}");
    let (status, body) = app.post("/v1/search", json!({"question": "apple ".repeat(300)})).await;
    check_problem(status, &body, (422, "invalid"), "tokens");
    let (status, body) = app.post("/v1/search", json!({"question": "x", "ranking": "best"})).await;
    check_problem(status, &body, (422, "invalid"), "best");
    let five = "Who is A? Who is B? Who is C? Who is D? Who is E?";
    let (status, body) = app.post("/v1/ask", json!({"question": five})).await;
    check_problem(status, &body, (422, "invalid"), "5 things");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_of_the_api_needs_the_key_when_there_is_one() {
    let key = "a-key-that-is-long-enough";
    let app = TestApp::start_with(|settings| settings.api_key = Some(key.into())).await;
    let documents = format!("{}/v1/documents", app.url);
    let form = || reqwest::multipart::Form::new().part("file", file("a.md", sample::CANTEEN));
    for header in [None, Some("Bearer "), Some("Bearer a-key-that-is-long-enougH"), Some(key), Some("Basic YTpi")] {
        let with = |request: reqwest::RequestBuilder| match header {
            Some(header) => request.header("authorization", header),
            None => request,
        };
        for request in [
            app.client.get(&documents),
            app.client.post(&documents).multipart(form()),
            app.client.post(format!("{}/v1/ask", app.url)).json(&json!({"question": "x"})),
            app.client.post(format!("{}/v1/admin/reindex", app.url)),
            app.client.get(format!("{}/metrics", app.url)),
        ] {
            let response = with(request).send().await.unwrap();
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            let (status, body) = (response.status(), response.json().await.unwrap());
            check_problem(status, &body, (401, "unauthorized"), "Authorization: Bearer");
            assert!(!body.to_string().contains(key));
        }
        for open in ["/healthz", "/readyz", "/openapi.json"] {
            let response = with(app.client.get(format!("{}{open}", app.url))).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{open}");
        }
    }
    let listed = app.client.get(&documents).bearer_auth(key).send().await.unwrap();
    assert_eq!(listed.json::<Value>().await.unwrap()["documents"], json!([]), "nothing came in without the key");
    let uploaded = app.client.post(&documents).bearer_auth(key).multipart(form()).send().await.unwrap();
    assert_eq!(uploaded.status(), StatusCode::ACCEPTED);
    let job = uploaded.json::<Value>().await.unwrap()["documents"][0]["job_id"].as_str().unwrap().to_owned();
    let events = app.client.get(format!("{}/v1/jobs/{job}/events", app.url)).bearer_auth(key).send().await.unwrap();
    assert!(events.text().await.unwrap().contains("\"succeeded\""));
}
