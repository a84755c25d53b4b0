//! Formats, over the whole way from an upload to a citation: headings, pages and tables survive.

pub mod make;
pub mod office;

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use footnote::domain::{DocumentId, ExtractedDocument};
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::{
    program::Program,
    test_app::{TestApp, file},
};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn corpus_page(name: &str) -> Vec<make::Section> {
    make::sections(&std::fs::read_to_string(corpus().join(name)).unwrap())
}

async fn stored(app: &TestApp, id: &str) -> ExtractedDocument {
    app.app.ingest.blobs.text(id.parse::<DocumentId>().unwrap(), 1, 1).await.unwrap()
}

async fn chunks(app: &TestApp, id: &str) -> Vec<Value> {
    let chunks = app.read(&format!("/v1/documents/{id}/chunks")).await;
    let chunks = chunks["chunks"].as_array().unwrap().clone();
    let text: Vec<char> = stored(app, id).await.text.chars().collect();
    for chunk in &chunks {
        let at = |key: &str| chunk["range"][key].as_u64().unwrap() as usize;
        let there: String = text[at("start")..at("end")].iter().collect();
        assert_eq!(chunk["text"], there, "{id}");
    }
    assert!(!chunks.is_empty());
    chunks
}

/// Without white space: a line may end anywhere.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pdf_keeps_its_pages_and_headings_up_to_the_citation() {
    let app = TestApp::start().await;
    let sections = corpus_page("handbook/jobs.md");
    let id = app.ingest("jobs.pdf", make::pdf(&sections)).await;
    let document = app.read(&format!("/v1/documents/{id}")).await;
    assert_eq!(document["active"]["media_type"], "application/pdf");
    assert_eq!((&document["active"]["pages"], &document["active"]["title"]), (&json!(sections.len()), &json!("Jobs")));

    let extracted = stored(&app, &id).await;
    let headings: Vec<_> = extracted.headings.iter().map(|heading| (heading.level, heading.title.as_str())).collect();
    let expected: Vec<_> = sections.iter().map(|section| (section.level, section.heading.as_str())).collect();
    assert_eq!(headings, expected);
    for ((section, page), heading) in sections.iter().zip(&extracted.pages).zip(&extracted.headings) {
        assert!(page.range.contains(&heading.range.start), "{} is not on page {}", section.heading, page.number);
        let text = squeezed(&extracted.text[page.range.clone()]);
        for paragraph in &section.paragraphs {
            assert!(text.contains(&squeezed(paragraph)), "page {} does not say `{paragraph}`", page.number);
        }
    }
    for chunk in chunks(&app, &id).await {
        let start = chunk["range"]["start"].as_u64().unwrap() as usize;
        let byte = extracted.text.char_indices().nth(start).unwrap().0;
        assert_eq!(chunk["page"], json!(extracted.page_of(byte)), "{chunk}");
        assert!(chunk["heading_path"].as_array().unwrap().contains(&json!("Jobs")), "{chunk}");
    }

    let outcome = app.ask("How long does the lease of a job last?").await;
    app.check_citations(&outcome).await;
    let citations = outcome["citations"].as_array().unwrap();
    let lease = citations.iter().find(|citation| squeezed(citation["quote"].as_str().unwrap()).contains("60seconds"));
    let lease = lease.unwrap_or_else(|| panic!("the lease is not quoted: {outcome}"));
    let page = sections.iter().position(|section| section.heading == "Crashes and restarts").unwrap() + 1;
    assert_eq!((&lease["page"], &lease["heading"]), (&json!(page), &json!("Crashes and restarts")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_docx_keeps_its_headings_and_its_table() {
    let app = TestApp::start().await;
    let sections = corpus_page("handbook/deleting.md");
    let table =
        [["What", "When"], ["Passages", "At once"], ["Vectors", "By the purge"], ["Original bytes", "At the end"]];
    let id = app.ingest("deleting.docx", make::docx(&sections, &table)).await;
    let extracted = stored(&app, &id).await;
    let headings: Vec<_> = extracted.headings.iter().map(|heading| (heading.level, heading.title.as_str())).collect();
    let expected: Vec<_> = sections.iter().map(|section| (section.level, section.heading.as_str())).collect();
    assert_eq!(headings, expected);
    assert!(extracted.pages.is_empty() && extracted.warnings.is_empty(), "{:?}", extracted.warnings);
    let text = squeezed(&extracted.text);
    for paragraph in sections.iter().flat_map(|section| &section.paragraphs) {
        assert!(text.contains(&squeezed(paragraph)), "`{paragraph}` is missing");
    }
    let [found] = extracted.tables.as_slice() else { panic!("{:?}", extracted.tables) };
    assert_eq!(&extracted.text[found.header.clone()], "| What | When |\n| --- | --- |");
    assert!(extracted.text[found.range.clone()].ends_with("| Original bytes | At the end |"));
    assert_eq!(app.read(&format!("/v1/documents/{id}")).await["active"]["title"], "Deleting documents");

    let found = app
        .search(json!({"question": "passages at once, vectors by the purge, original bytes at the end", "top_k": 3}))
        .await;
    let held = |passage: &serde_json::Value| passage["text"].as_str().unwrap().contains("| Vectors | By the purge |");
    assert!(found.iter().any(held), "{found:?}");
    assert!(chunks(&app, &id).await.iter().all(|chunk| chunk["page"].is_null()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presentation_keeps_its_slides_up_to_the_citation() {
    let app = TestApp::start().await;
    let sections = corpus_page("handbook/jobs.md");
    let id = app.ingest("jobs.pptx", office::pptx(&sections)).await;
    let document = app.read(&format!("/v1/documents/{id}")).await;
    let media_type = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    assert_eq!(document["active"]["media_type"], media_type);
    assert_eq!((&document["active"]["pages"], &document["active"]["title"]), (&json!(sections.len()), &json!("Jobs")));
    let extracted = stored(&app, &id).await;
    for (section, page) in sections.iter().zip(&extracted.pages) {
        let text = &extracted.text[page.range.clone()];
        assert!(text.starts_with(&format!("# {}", section.heading)), "slide {}: {text}", page.number);
        for paragraph in &section.paragraphs {
            assert!(squeezed(text).contains(&squeezed(paragraph)), "slide {} does not say `{paragraph}`", page.number);
        }
    }
    let outcome = app.ask("How long does the lease of a job last?").await;
    app.check_citations(&outcome).await;
    let citations = outcome["citations"].as_array().unwrap();
    let lease = citations.iter().find(|citation| squeezed(citation["quote"].as_str().unwrap()).contains("60seconds"));
    let lease = lease.unwrap_or_else(|| panic!("the lease is not quoted: {outcome}"));
    let page = sections.iter().position(|section| section.heading == "Crashes and restarts").unwrap() + 1;
    assert_eq!((&lease["page"], &lease["heading"]), (&json!(page), &json!("Crashes and restarts")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workbook_is_found_row_by_row() {
    let app = TestApp::start().await;
    let row = |cells: [String; 3]| cells.to_vec();
    let mut rows = vec![row(["name", "room", "extension"].map(str::to_owned))];
    rows.extend((0..60).map(|n| row([format!("Person Number{n}"), format!("R{n}"), (4000 + n).to_string()])));
    let id = app.ingest("people.xlsx", office::xlsx("Phones", &rows)).await;
    let extracted = stored(&app, &id).await;
    assert_eq!(extracted.tables.len(), 1);
    assert_eq!(extracted.headings[0].title, "Phones");
    let chunks = chunks(&app, &id).await;
    assert!(chunks.len() > 1 && chunks.iter().all(|chunk| chunk["heading_path"] == json!(["Phones"])), "{chunks:?}");
    let found = app.search(json!({"question": "Which extension has Number37?", "top_k": 1})).await;
    assert!(found[0]["text"].as_str().unwrap().contains("| 4037 |"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_documents_and_e_books_keep_their_headings() {
    let app = TestApp::start().await;
    let sections = corpus_page("handbook/deleting.md");
    let expected: Vec<_> = sections.iter().map(|section| (section.level, section.heading.as_str())).collect();
    let files = [
        ("deleting.odt", office::odt(&sections), "application/vnd.oasis.opendocument.text", "Deleting documents"),
        ("deleting.epub", office::epub("A book on deleting", &sections), "application/epub+zip", "A book on deleting"),
    ];
    for (name, bytes, media_type, title) in files {
        let id = app.ingest(name, bytes).await;
        let extracted = stored(&app, &id).await;
        let headings: Vec<_> =
            extracted.headings.iter().map(|heading| (heading.level, heading.title.as_str())).collect();
        assert_eq!(headings, expected, "{name}");
        assert_eq!((extracted.media_type.as_str(), extracted.title.as_deref()), (media_type, Some(title)));
        assert!(extracted.pages.is_empty() && extracted.warnings.is_empty(), "{name}: {:?}", extracted.warnings);
        let text = squeezed(&extracted.text);
        for paragraph in sections.iter().flat_map(|section| &section.paragraphs) {
            assert!(text.contains(&squeezed(paragraph)), "{name}: `{paragraph}` is missing");
        }
        chunks(&app, &id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_table_repeats_its_header_in_every_chunk() {
    let app = TestApp::start().await;
    let mut csv = "name,department,room,extension\n".to_owned();
    for number in 0..120 {
        csv.push_str(&format!(
            "Person Number{number},Department {},R{}.{number},{}\n",
            number % 9,
            number % 4,
            4000 + number
        ));
    }
    let id = app.ingest("phone book.csv", csv.as_str()).await;
    let header = "| name | department | room | extension |";
    let chunks = chunks(&app, &id).await;
    assert!(chunks.len() > 5, "{}", chunks.len());
    for (number, chunk) in chunks.iter().enumerate() {
        let (text, context) = (chunk["text"].as_str().unwrap(), chunk["context"].as_str().unwrap());
        let in_text = text.lines().filter(|line| *line == header).count();
        let in_context = context.lines().filter(|line| *line == header).count();
        assert_eq!((in_text, in_context), if number == 0 { (1, 0) } else { (0, 1) }, "{chunk}");
        assert!(context.contains("phone book"), "the title of a nameless table is its file's name: {context}");
        assert!(text.lines().all(|line| line.starts_with("| ") && line.ends_with(" |")), "a row is cut: {text}");
    }
    for number in 0..120 {
        let row = format!("| Person Number{number} |");
        assert_eq!(chunks.iter().filter(|chunk| chunk["text"].as_str().unwrap().contains(&row)).count(), 1, "{row}");
    }
    let found = app.search(json!({"question": "Which extension has Number77?", "top_k": 1})).await;
    assert!(found[0]["text"].as_str().unwrap().contains("| 4077 |"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_text_format_is_read_for_its_words() {
    let app = TestApp::start().await;
    let html = "<!doctype html><html><head><title>Gate times</title></head><body><nav><a href='/'>Home of menus</a></nav>\
        <main><h1>Gate times</h1><p>The gate opens at <b>six</b>.</p></main><footer>Imprint here</footer></body></html>";
    let files: [(&str, Vec<u8>, &str, &[&str]); 6] = [
        ("gate.html", html.into(), "text/html", &["# Gate times", "The gate opens at six."]),
        (
            "latin.txt",
            b"Die T\xfcr \xf6ffnet um f\xfcnf Uhr fr\xfch, sagt der W\xe4rter.".to_vec(),
            "text/plain",
            &["Die Tür öffnet um fünf Uhr früh, sagt der Wärter."],
        ),
        (
            "plants.tsv",
            b"plant\twater\nfern\tdaily\ncactus\tmonthly\n".to_vec(),
            "text/tab-separated-values",
            &["| plant | water |", "| cactus | monthly |"],
        ),
        (
            "site.json",
            br#"{"site": {"name": "Harbour", "gates": 4}}"#.to_vec(),
            "application/json",
            &["Harbour", "gates", "4"],
        ),
        (
            "log.jsonl",
            b"{\"event\": \"opened\", \"hour\": 6}\n{\"event\": \"closed\", \"hour\": 22}\n".to_vec(),
            "application/jsonl",
            &["opened", "22"],
        ),
        (
            "wide.txt",
            "\u{feff}Öffnung um acht".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "text/plain",
            &["Öffnung um acht"],
        ),
    ];
    let form =
        files.iter().fold(Form::new(), |form, (name, bytes, ..)| form.part("file", file(name, bytes.as_slice())));
    let ids = app.ingest_form(form).await;
    for (id, (name, _, media_type, words)) in ids.iter().zip(&files) {
        let extracted = stored(&app, id).await;
        assert_eq!(extracted.media_type, *media_type, "{name}");
        for word in *words {
            assert!(extracted.text.contains(word), "{name} does not say `{word}`: {}", extracted.text);
        }
        chunks(&app, id).await;
    }
    let page = stored(&app, &ids[0]).await;
    assert_eq!(page.title.as_deref(), Some("Gate times"));
    assert!(!page.text.contains("menus") && !page.text.contains("Imprint"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_in_files_are_found_under_their_names() {
    let app = TestApp::start().await;
    let mail = "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: Harbour crane\r\n\
        Date: Tue, 5 Mar 2024 10:30:00 +0100\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
        Content-Type: text/plain\r\n\r\nThe crane is inspected in May.\r\n--x\r\nContent-Type: text/csv\r\n\
        Content-Disposition: attachment; filename=loads.csv\r\n\r\nload,limit\r\nboat,9 tons\r\n--x--\r\n";
    let archive = make::zip(&[
        ("port/crane.eml", mail.as_bytes()),
        ("port/rules.rst", b"Rules\n=====\n\nThe quay closes at nine in the evening.\n"),
        ("picture.gif", b"GIF89a\x01\0\x01\0\0\0\0;"),
    ]);
    let id = app.ingest("port.zip", archive).await;
    let extracted = stored(&app, &id).await;
    let headings: Vec<_> = extracted.headings.iter().map(|heading| (heading.level, heading.title.as_str())).collect();
    let expected =
        [(1, "port/crane.eml"), (2, "Harbour crane"), (3, "Attachment loads.csv"), (1, "port/rules.rst"), (2, "Rules")];
    assert_eq!(headings, expected);
    assert_eq!((extracted.media_type.as_str(), extracted.tables.len()), ("application/zip", 1));
    assert!(extracted.warnings[0].starts_with("picture.gif was left out"), "{:?}", extracted.warnings);
    chunks(&app, &id).await;
    let found = app.search(json!({"question": "What is the limit for a boat?", "top_k": 1})).await;
    assert!(found[0]["text"].as_str().unwrap().contains("| boat | 9 tons |"), "{found:?}");
    let outcome = app.ask("When does the quay close?").await;
    app.check_citations(&outcome).await;
    let citation = &outcome["citations"][0];
    assert!(citation["quote"].as_str().unwrap().contains("nine in the evening"), "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats_of_writers_and_programmers_are_read_for_their_words() {
    let app = TestApp::start().await;
    let rtf = "{\\rtf1\\ansi\\ansicpg1252{\\stylesheet{\\s1 heading 1;}}\\pard\\s1 Gate\\par\\pard T\\'fcr\\par}";
    let files: [(&str, Vec<u8>, &str, &[&str]); 7] = [
        ("gate.rtf", rtf.into(), "application/rtf", &["# Gate", "T\u{fc}r"]),
        (
            "gate.rst",
            b"Gate\n====\n\n===  ===\na    b\n===  ===\n1    2\n===  ===\n".to_vec(),
            "text/x-rst",
            &["# Gate", "| a | b |", "| 1 | 2 |"],
        ),
        ("gate.adoc", b"= Gate\n\n|===\n|a |b\n\n|1 |2\n|===\n".to_vec(), "text/asciidoc", &["# Gate", "| 1 | 2 |"]),
        ("gate.py", b"def gate():\n    return 6\n".to_vec(), "text/x-source", &["```python\ndef gate():"]),
        ("gate.yaml", b"gate:\n  opens: 6\n".to_vec(), "application/yaml", &["gate:\n  opens: 6"]),
        (
            "gate.msg",
            make::msg("Gate", "It opens at six."),
            "application/vnd.ms-outlook",
            &["# Gate", "It opens at six."],
        ),
        (
            "gates.mbox",
            b"From a@example.org Tue Mar  5 10:30:00 2024\nSubject: Gate\n\n>From six on it is open.\n\n\
              From - Wed Mar  6 10:30:00 2024\nFrom: b@example.org\n\nThanks.\n"
                .to_vec(),
            "application/mbox",
            &["# Gate\n\nFrom six on it is open.\n\n# E-mail 2\n\nFrom: b@example.org\n\nThanks."],
        ),
    ];
    let form =
        files.iter().fold(Form::new(), |form, (name, bytes, ..)| form.part("file", file(name, bytes.as_slice())));
    let ids = app.ingest_form(form).await;
    for (id, (name, _, media_type, words)) in ids.iter().zip(&files) {
        let extracted = stored(&app, id).await;
        assert_eq!(extracted.media_type, *media_type, "{name}");
        for word in *words {
            assert!(extracted.text.contains(word), "{name} does not say `{word}`: {}", extracted.text);
        }
        chunks(&app, id).await;
    }
}

/// A text recognition program that makes the same PDF of everything.
fn recognises(folder: &Path, made: &[u8]) -> String {
    let (program, pdf) = (folder.join("recognise"), folder.join("made.pdf"));
    std::fs::write(&pdf, made).unwrap();
    std::fs::write(&program, format!("#!/bin/sh\ncp '{}' \"$2\"\n", pdf.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("'{}' {{input}} {{output}}", program.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scanned_pages_are_recognised_where_a_program_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let pages =
        [Some("The ferry leaves at noon."), Some("The lock keeper sleeps until ten."), Some("Nobody swims here.")];
    let command = recognises(folder.path(), &make::scan(&pages));
    let app = TestApp::start_with(|settings| settings.ocr_command = Some(command)).await;
    let id = app.ingest("half.pdf", make::scan(&[Some("Printed words."), None, Some("More of them.")])).await;
    let extracted = stored(&app, &id).await;
    let on: Vec<_> = extracted.pages.iter().map(|page| extracted.text[page.range.clone()].trim()).collect();
    assert_eq!(on, ["Printed words.", "The lock keeper sleeps until ten.", "More of them."]);
    assert_eq!(extracted.warnings, Vec::<String>::new());
    let whole = app.ingest("whole.pdf", make::scan(&[None, None, None])).await;
    assert_eq!(stored(&app, &whole).await.pages.len(), 3);
    let picture = app.ingest("sign.png", &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..]).await;
    let document = app.read(&format!("/v1/documents/{picture}")).await;
    assert_eq!(document["active"]["media_type"], "image/png");
    assert!(stored(&app, &picture).await.text.contains("Nobody swims here."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_such_a_program_it_is_said_what_is_missing() {
    let app = TestApp::start().await;
    let id = app.ingest("half.pdf", make::scan(&[Some("Printed words."), None, None])).await;
    let extracted = stored(&app, &id).await;
    assert_eq!(extracted.pages.len(), 3);
    let [warning] = extracted.warnings.as_slice() else { panic!("{:?}", extracted.warnings) };
    assert!(
        warning.starts_with("pages 2\u{2013}3 hold only pictures") && warning.contains("`ocr_command`"),
        "{warning}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_whether_text_recognition_works() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::with_models_in(&dir.path().join("data"), &dir.path().join("models"));
    let works = recognises(dir.path(), &make::scan(&[None]));
    for (command, ok, says) in [
        (None, true, "`ocr_command` sets it up"),
        (Some(works), true, "has read an empty page"),
        (Some("/nonexistent/program {input} {output}".to_owned()), false, "cannot be started"),
        (Some("/bin/false {input} {output}".to_owned()), false, "ended with exit status: 1"),
    ] {
        let program = command.iter().fold(program.clone(), |program, line| program.set("FOOTNOTE_OCR_COMMAND", line));
        let found = program.run(&["doctor", "--json"]).await.json();
        let is_about = |finding: &&Value| finding["check"] == "text recognition";
        let about: Vec<_> = found.as_array().unwrap().iter().filter(is_about).collect();
        assert!(about.len() == 1 && about[0]["ok"] == ok, "{command:?}: {found}");
        assert!(about[0]["what"].as_str().unwrap().contains(says), "{command:?}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_the_handbook_is_ingested() {
    let app = TestApp::start().await;
    let mut pages = BTreeMap::new();
    for entry in walkdir::WalkDir::new(corpus()) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(corpus()).unwrap().to_str().unwrap().to_owned();
            pages.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    assert!(pages.len() >= 25 && pages.keys().all(|name| name.ends_with(".md")), "{:?}", pages.keys());
    let form = pages.iter().fold(Form::new(), |form, (name, page)| form.part("file", file(name, page.as_str())));
    let ids = app.ingest_form(form).await;
    for (id, (name, page)) in ids.iter().zip(&pages) {
        let extracted = stored(&app, id).await;
        assert_eq!((&extracted.text, extracted.warnings.len()), (page, 0), "{name}");
        let heading = page.lines().next().unwrap().strip_prefix("# ").unwrap();
        assert_eq!(extracted.title.as_deref(), Some(heading), "{name}");
        for chunk in chunks(&app, id).await {
            assert!(chunk["tokens"].as_u64().unwrap() <= 256, "{name}: {chunk}");
        }
    }
}
