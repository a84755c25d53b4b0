//! Forms that are refused: with the right problem, and with nothing changed.

use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use crate::test_app::{TestApp, file};

fn small(name: &str) -> Part {
    file(name, format!("# {name}\n\nSomething small.\n"))
}

/// A problem document of this kind, whose detail says these words.
#[track_caller]
pub fn check_problem(status: StatusCode, body: &Value, (expected, kind): (u16, &str), says: &str) {
    assert_eq!(status.as_u16(), expected, "{body}");
    assert_eq!(body["status"], expected, "{body}");
    assert_eq!(body["type"], format!("urn:footnote:problem:{kind}"), "{body}");
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
    assert!(body["detail"].as_str().unwrap().contains(says), "{body} does not say `{says}`");
}

/// Nothing has been registered or kept.
async fn check_nothing_changed(app: &TestApp) {
    assert_eq!(app.read("/v1/documents").await["documents"], json!([]));
    assert_eq!(app.read("/v1/jobs").await["jobs"], json!([]));
    for folder in ["scratch", "blobs"] {
        let kept: Vec<_> = walkdir::WalkDir::new(app.app.config.data_dir.join(folder))
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(walkdir::DirEntry::into_path)
            .collect();
        assert_eq!(kept, Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_with_a_mistake_is_refused_whole() {
    let app = TestApp::start_with(|settings| settings.max_upload_bytes = Some(4_000)).await;
    let good = || Form::new().part("file", small("good.md"));
    let long = "n".repeat(1_025);
    let invalid = (422, "invalid");
    let cases: Vec<(&str, Form, (u16, &str), &str)> = vec![
        ("unknown field", good().text("colour", "red"), invalid, "`colour`"),
        ("no file", Form::new().text("collection", "a"), invalid, "no `file`"),
        ("one name for two files", good().part("file", small("b.md")).text("name", "c.md"), invalid, "single file"),
        ("a name that is given twice", good().text("name", "a.md").text("name", "b.md"), invalid, "`name`"),
        ("two collections", good().text("collection", "a").text("collection", "b"), invalid, "`collection`"),
        ("two files of one name", good().part("file", small("good.md")), invalid, "good.md"),
        ("a file without a name", Form::new().part("file", Part::bytes(b"x".as_slice())), invalid, "no name"),
        ("an empty file", good().part("file", file("empty.md", b"".as_slice())), invalid, "empty"),
        ("metadata that is no JSON", good().text("metadata", "team=red"), invalid, "JSON object"),
        ("metadata that is no object", good().text("metadata", "[1]"), invalid, "JSON object"),
        ("nested metadata", good().text("metadata", r#"{"a": {"b": 1}}"#), invalid, "`a`"),
        ("metadata that is null", good().text("metadata", r#"{"a": null}"#), invalid, "`a`"),
        ("an empty collection", good().text("collection", ""), invalid, "collection is empty"),
        ("a collection with a line break", good().text("collection", "a\nb"), invalid, "control character"),
        ("a long name", good().part("file", small(&long)), invalid, "1025 bytes"),
        (
            "a large file",
            good().part("file", file("large.md", vec![b'x'; 4_001])),
            (413, "too-large"),
            "max_upload_bytes",
        ),
        ("a large field", good().text("metadata", "x".repeat(70_000)), (413, "too-large"), "metadata"),
    ];
    for (what, form, problem, says) in cases {
        println!("{what}");
        let (status, body) = app.upload_form(form).await;
        check_problem(status, &body, problem, says);
        check_nothing_changed(&app).await;
    }
    // The largest file that is taken.
    let text = format!("{}.\n", "word ".repeat(799).trim_end());
    let largest = text.clone() + &"\n".repeat(4_000 - text.len());
    app.ingest("largest.txt", largest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_files_than_a_form_takes_are_refused() {
    let app = TestApp::start().await;
    let many = (0..101).fold(Form::new(), |form, n| form.part("file", small(&format!("{n}.md"))));
    let (status, body) = app.upload_form(many).await;
    check_problem(status, &body, (422, "invalid"), "100 files");
    check_nothing_changed(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_form_or_breaks_off_is_a_bad_request() {
    let app = TestApp::start().await;
    let (status, body) = app.post("/v1/documents", json!({"file": "x"})).await;
    check_problem(status, &body, (400, "bad-request"), "");

    let start = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\nhalf of a fi";
    for broken in [start, "--b\r\ncontent-disposition: form-data; name=\"file\"", "nothing"] {
        let response = app
            .client
            .post(format!("{}/v1/documents", app.url))
            .header("content-type", "multipart/form-data; boundary=b")
            .body(broken)
            .send()
            .await
            .unwrap();
        let (status, body) = (response.status(), response.json().await.unwrap());
        check_problem(status, &body, (400, "bad-request"), "");
    }
    check_nothing_changed(&app).await;
}
