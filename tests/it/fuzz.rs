//! Inputs that are nearly right: files for every parser and bodies for every operation, changed at random from ones that
//! are right. A file ends its own job with a reason; a body is answered as the OpenAPI document says, and never with 500.
//!
//! Bounded and always the same; `FOOTNOTE_FUZZ=20` makes it twenty times as long, and other seeds with it. Files of
//! `FOOTNOTE_FUZZ_CORPUS` are changed too.

mod change;
#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::{path::Path, sync::Arc, time::Duration};

use change::Chance;
use footnote::ingest::{
    chunk::{Chunker, ChunkerConfig},
    extract::{CHILD_COMMAND, ExtractError, Extractor, ExtractorConfig},
};
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::{
    formats::{make, office},
    sample,
    test_app::{PATIENCE, TestApp},
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
        ("jobs.pptx".to_owned(), office::pptx(&sections)),
        ("jobs.xlsx".to_owned(), office::xlsx("Jobs", &vec![vec!["a".to_owned(), "b".to_owned()]; 20])),
        ("jobs.odt".to_owned(), office::odt(&sections)),
        ("jobs.epub".to_owned(), office::epub("Jobs", &sections)),
        ("jobs.html".to_owned(), html.into_bytes()),
        ("jobs.json".to_owned(), json.into_bytes()),
        ("jobs.csv".to_owned(), b"name,\"a, b\",c\n1,\"two\nlines\",3\n\xc3\xa9,,\n".repeat(20)),
        ("jobs.tsv".to_owned(), b"name\tb\tc\n1\t2\t3\n".repeat(20)),
        ("jobs.txt".to_owned(), page.clone().into_bytes()),
        ("jobs.zip".to_owned(), make::zip(&[("jobs.md", page.as_bytes()), ("a/jobs.csv", b"a,b\n1,2\n")])),
        ("jobs.adoc".to_owned(), page.replace("\n#", "\n=").into_bytes()),
        ("jobs.rst".to_owned(), page.clone().into_bytes()),
        ("jobs.toml".to_owned(), format!("[jobs]\n{page}").into_bytes()),
        ("jobs.rtf".to_owned(), format!("{{\\rtf1\\ansi\\uc1 {}}}", page.replace('\n', "\\par\n")).into_bytes()),
        ("jobs.eml".to_owned(), format!("From: a@example.org\r\nSubject: Jobs\r\n\r\n{page}").into_bytes()),
        (
            "jobs.mbox".to_owned(),
            format!("From a@example.org Tue Mar  5 10:30:00 2024\nSubject: Jobs\n\n{page}\n").repeat(3).into_bytes(),
        ),
        ("jobs.msg".to_owned(), make::msg("Jobs", &page)),
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

/// What the coverage-guided programs in `fuzz/` look for, here for a bounded time and always the same.
#[test]
fn every_target_stands_what_is_changed_at_random() {
    let seeds = |extension: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let wanted = entries.filter(|path| path.extension().is_some_and(|found| found == extension));
        wanted.map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    let page = || seeds("md").into_iter().map(|page| [targets::chunks::PLACES, &page].concat()).collect::<Vec<_>>();
    type Target = fn(&[u8]);
    let file = |name: &'static str| move |bytes: &[u8]| drop(targets::files::file(name, bytes));
    let [html, markdown, json, jsonl, csv, tsv, text] =
        ["f.html", "f.md", "f.json", "f.jsonl", "f.csv", "f.tsv", "f.txt"].map(file);
    let [eml, mbox, rtf, rst, asciidoc, code] = ["f.eml", "f.mbox", "f.rtf", "f.rst", "f.adoc", "f.rs"].map(file);
    type Tried<'a> = (&'a str, &'a dyn Fn(&[u8]), Vec<Vec<u8>>);
    let office: Vec<_> = targets::files::right()
        .into_iter()
        .map(|(format, right)| (format, right, move |bytes: &[u8]| targets::files::archive(format, bytes)))
        .collect();
    let others: [Tried<'_>; 19] = [
        ("pdf", &(targets::files::pdf as Target), vec![targets::files::DRAWING.to_vec()]),
        ("html", &html, seeds("html")),
        ("markdown", &markdown, seeds("md")),
        ("json", &json, seeds("json")),
        ("jsonl", &jsonl, seeds("jsonl")),
        ("csv", &csv, seeds("csv")),
        ("tsv", &tsv, seeds("tsv")),
        ("text", &text, seeds("txt")),
        ("eml", &eml, seeds("eml")),
        ("mbox", &mbox, seeds("mbox")),
        ("rtf", &rtf, seeds("rtf")),
        ("rst", &rst, seeds("rst")),
        ("asciidoc", &asciidoc, seeds("adoc")),
        ("code", &code, seeds("rs")),
        ("zip", &(targets::files::zip as Target), vec![targets::files::FILES.to_vec()]),
        ("msg", &(targets::files::msg as Target), vec![targets::files::streams()]),
        ("chunker", &(targets::chunks::document as Target), page()),
        ("filter", &(targets::filters::filter as Target), targets::filters::right()),
        ("question", &(targets::questions::question as Target), targets::questions::right()),
    ];
    let office =
        office.iter().map(|(format, right, target)| -> Tried<'_> { (format.name, target, vec![right.clone()]) });
    for (name, target, right) in others.into_iter().chain(office) {
        assert!(!right.is_empty(), "{name} begins with nothing");
        let mut chance = Chance::new(name);
        for input in &right {
            target(input);
            (0..4 * TRIED * times()).for_each(|_| target(&change::bytes(input, &mut chance)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_body_is_answered_as_the_document_says_and_never_with_500() {
    let key = "0123456789abcdef";
    let mut app = TestApp::start_with(|settings| settings.api_key = Some(key.into())).await;
    let headers = [(AUTHORIZATION, format!("Bearer {key}").parse().unwrap())].into_iter().collect();
    app.client = reqwest::Client::builder().default_headers(headers).timeout(PATIENCE).build().unwrap();
    app.ingest("canteen.md", sample::CANTEEN).await;
    let served = targets::bodies::Served::new(footnote::http::router(app.app.clone()), key.to_owned());
    let mut seen = std::collections::BTreeMap::<u16, usize>::new();
    for (operation, right) in (0u8..).zip(targets::bodies::right()) {
        let mut chance = Chance::new(&operation.to_string());
        let parsed: Option<Value> = serde_json::from_slice(&right).ok();
        for number in 0..TRIED * times() {
            let changed = match &parsed {
                _ if number == 0 => right.clone(),
                Some(json) if number % 3 > 0 => change::json(json, &mut chance).to_string().into_bytes(),
                _ => change::bytes(&right, &mut chance),
            };
            let status = served.body(&[vec![operation], changed].concat()).await;
            *seen.entry(status).or_default() += 1;
        }
    }
    println!("{seen:?}");
    assert!([200, 201, 202, 400, 404, 422].iter().all(|status| seen.contains_key(status)), "{seen:?}");
    app.settle().await;
    app.leaves_jobs();
}
