//! Inputs that are nearly right: files for every parser and bodies for every operation, changed at random from ones that
//! are right. A file ends its own job with a reason; a body is answered as the OpenAPI document says, and never with 500.
//!
//! Bounded and always the same; `FOOTNOTE_FUZZ=20` makes it twenty times as long, and other seeds with it. Files of
//! `FOOTNOTE_FUZZ_CORPUS` are changed too.

mod change;

use std::{path::Path, sync::Arc, time::Duration};

use change::Chance;
use footnote::ingest::{
    chunk::{Chunker, ChunkerConfig},
    extract::{CHILD_COMMAND, ExtractError, Extractor, ExtractorConfig},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    formats::make,
    sample,
    test_app::{TestApp, file},
};

/// How many changed files of each format, and bodies of each operation, are tried.
const TRIED: u64 = 25;

/// How much longer than usual.
fn times() -> u64 {
    std::env::var("FOOTNOTE_FUZZ").ok().map_or(1, |times| times.parse().expect("FOOTNOTE_FUZZ is a number"))
}

/// A file of every format, and those of the folder that the environment names.
fn files() -> Vec<(String, Vec<u8>)> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/handbook/jobs.md")).unwrap();
    let sections = make::sections(&page);
    let html =
        format!("<html><title>Jobs</title><body><h1>Jobs</h1><p>{page}</p><table><tr><td>1</td></tr></table></body>");
    let json = json!({"title": "Jobs", "parts": [{"text": page, "n": 1.5e3}, [null, true, "\u{1f600}"]]}).to_string();
    let mut files = vec![
        ("jobs.pdf".to_owned(), make::pdf(&sections)),
        ("jobs.docx".to_owned(), make::docx(&sections, &[["a", "b"], ["1", "2"]])),
        ("jobs.html".to_owned(), html.into_bytes()),
        ("jobs.json".to_owned(), json.into_bytes()),
        ("jobs.csv".to_owned(), b"name,\"a, b\",c\n1,\"two\nlines\",3\n\xc3\xa9,,\n".repeat(20)),
        ("jobs.tsv".to_owned(), b"name\tb\tc\n1\t2\t3\n".repeat(20)),
        ("jobs.txt".to_owned(), page.clone().into_bytes()),
        ("jobs.md".to_owned(), page.into_bytes()),
    ];
    if let Ok(folder) = std::env::var("FOOTNOTE_FUZZ_CORPUS") {
        let entries = walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter();
        let paths: Vec<_> = entries.map(|entry| entry.unwrap().into_path()).filter(|path| path.is_file()).collect();
        assert!(!paths.is_empty(), "{folder} holds no file");
        let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        files.extend(paths.iter().map(|path| (named(path), std::fs::read(path).unwrap())));
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_is_read_or_refused_with_a_reason() {
    let config = ExtractorConfig {
        timeout: Duration::from_secs(20),
        memory_limit_bytes: 1 << 30,
        ..ExtractorConfig::new(env!("CARGO_BIN_EXE_footnote"), [CHILD_COMMAND])
    };
    let extractor = Extractor::new(config);
    let counter = Arc::new(|text: &str| text.split_whitespace().count());
    let chunker = Chunker::new(ChunkerConfig::for_embedder(256), counter);
    let dir = tempfile::tempdir().unwrap();
    let (mut read, mut refused, mut crashed) = (0, 0, Vec::new());
    for (name, bytes) in files() {
        let mut chance = Chance::new(&name);
        for number in 0..TRIED * times() {
            let changed = change::bytes(&bytes, &mut chance);
            let path = dir.path().join("file");
            std::fs::write(&path, &changed).unwrap();
            match extractor.extract(&path, &name).await {
                Ok(document) => {
                    read += 1;
                    assert!(!document.text.contains('\0'), "{name} {number}");
                    for heading in &document.headings {
                        assert!(document.text.get(heading.range.clone()).is_some(), "{name} {number}: {heading:?}");
                    }
                    for page in &document.pages {
                        assert!(document.text.get(page.range.clone()).is_some(), "{name} {number}: {page:?}");
                    }
                    let points: Vec<char> = document.text.chars().collect();
                    for chunk in chunker.chunk(&document, &name) {
                        let range = chunk.range.start as usize..chunk.range.end as usize;
                        let there: String = points[range].iter().collect();
                        assert_eq!(chunk.text, there, "{name} {number}");
                        assert!(chunk.tokens <= 256, "{name} {number}: {} tokens", chunk.tokens);
                    }
                }
                Err(ExtractError::Unavailable { reason }) => panic!("{name} {number}: {reason}"),
                Err(error @ (ExtractError::Crashed { .. } | ExtractError::TimedOut { .. })) => {
                    crashed.push(format!("{name} {number}: {error}"));
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty(), "{name} {number}");
                }
            }
        }
    }
    println!("{read} read, {refused} refused, {} ended their parser", crashed.len());
    crashed.iter().for_each(|one| println!("  {one}"));
    assert!(read > 0 && refused > 0);
}

/// Method, path, and a body that is right.
fn bodies() -> Vec<(&'static str, &'static str, Value)> {
    let id = |kind: &str| format!("{kind}_{}", "0".repeat(32));
    let turn = json!({"question": "a?", "answer": "b", "outcome": "answered", "clarify": ["c"],
                      "sources": [{"document_id": id("doc"), "chunk_id": id("chk"), "name": "d", "heading": "e"}]});
    vec![
        (
            "POST",
            "/v1/ask",
            json!({"question": sample::DOCUMENTS[0].2, "collection": "default", "top_k": 3,
            "filter": {"document_ids": [id("doc")], "metadata": {"a": ["b", 1, true]}}, "history": [turn],
            "stream": false, "store": false}),
        ),
        (
            "POST",
            "/v1/search",
            json!({"question": "canteen", "collection": "default", "top_k": 50, "ranking": "hybrid",
            "filter": {"document_ids": [], "metadata": {"n": 1.5}}}),
        ),
        (
            "POST",
            "/v1/documents/delete",
            json!({"collection": "other", "look_only": true,
            "filter": {"metadata": {"a": "b"}}}),
        ),
        ("POST", "/v1/conversations", json!({"collection": "default"})),
        ("POST", "/v1/admin/reindex", json!({"rollback": true})),
        ("POST", "/v1/admin/adapters/adp_00000000000000000000000000000000/promote", json!({"force": "a reason"})),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_body_is_answered_as_the_document_says_and_never_with_500() {
    let mut app = TestApp::start().await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    let document = serde_json::to_value(footnote::http::openapi_document()).unwrap();
    let mut seen = std::collections::BTreeMap::<u16, usize>::new();
    for (method, path, body) in bodies() {
        let mut chance = Chance::new(path);
        let described = path.replace(&format!("adp_{}", "0".repeat(32)), "{id}");
        let responses = &document["paths"][&described][method.to_lowercase()]["responses"];
        for number in 0..TRIED * times() {
            let sent = match number % 3 {
                0 => change::bytes(body.to_string().as_bytes(), &mut chance),
                _ => change::json(&body, &mut chance).to_string().into_bytes(),
            };
            let request =
                app.client.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", app.url));
            let response = request.header("content-type", "application/json").body(sent.clone()).send().await.unwrap();
            let status = response.status();
            let said = response.text().await.unwrap();
            let at = format!("{method} {path} {number}: {} -> {status} {said}", String::from_utf8_lossy(&sent));
            assert!(status < StatusCode::INTERNAL_SERVER_ERROR, "{at}");
            assert!(responses[status.as_str()].is_object(), "not described: {at}");
            *seen.entry(status.as_u16()).or_default() += 1;
        }
    }
    println!("{seen:?}");
    assert!(seen.contains_key(&200) && seen.contains_key(&400) && seen.contains_key(&422));
    app.settle().await;
    app.leaves_jobs();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_form_is_answered_as_the_document_says_and_never_with_500() {
    let app = TestApp::start().await;
    let document = serde_json::to_value(footnote::http::openapi_document()).unwrap();
    let responses = &document["paths"]["/v1/documents"]["post"]["responses"];
    let form = "--x\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n{\"a\": [\"b\"], \"n\": 1}\r\n\
                --x\r\ncontent-disposition: form-data; name=\"access\"\r\n\r\n[\"hr\"]\r\n\
                --x\r\ncontent-disposition: form-data; name=\"priority\"\r\n\r\nhigh\r\n\
                --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\n# A\n\nText.\n\r\n--x--\r\n";
    let mut chance = Chance::new("form");
    let mut seen = std::collections::BTreeMap::<u16, usize>::new();
    for number in 0..4 * TRIED * times() {
        let sent = if number == 0 { form.as_bytes().to_vec() } else { change::bytes(form.as_bytes(), &mut chance) };
        let request = app.client.post(format!("{}/v1/documents", app.url));
        let request = request.header("content-type", "multipart/form-data; boundary=x").body(sent.clone());
        let response = request.send().await.unwrap();
        let status = response.status();
        let said = response.text().await.unwrap();
        let at = format!("{number}: {} -> {status} {said}", String::from_utf8_lossy(&sent));
        assert!(status < StatusCode::INTERNAL_SERVER_ERROR, "{at}");
        assert!(responses[status.as_str()].is_object(), "not described: {at}");
        *seen.entry(status.as_u16()).or_default() += 1;
    }
    println!("{seen:?}");
    let part = file("a.md", sample::CANTEEN);
    let (status, _) = app.upload_form(reqwest::multipart::Form::new().part("file", part)).await;
    assert!(status.is_success() && seen.contains_key(&202) && seen.len() > 1);
    app.settle().await;
}
