//! The log: a JSON object a line, with the identifier of its request, and without anything that was asked or uploaded.

use std::time::Duration;

use reqwest::multipart::Form;
use serde_json::Value;

use super::{ingest, question};
use crate::{
    program::Program,
    test_app::{client, file},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_has_its_request_and_no_word_of_a_question_or_a_document() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(dir.path())
        .await
        .set("FOOTNOTE_LOG", "footnote=trace,info")
        .set("FOOTNOTE_LOG_FORMAT", "json")
        // The second upload fails, and something is logged deep inside its request.
        .set("FOOTNOTE_FAILPOINTS", "upload.stored=unavailable@2");
    let (served, client) = (program.serve().await, client());
    ingest(&served, &client, "zephyrine.md", "# Quokkaville\n\nThe kiln of Quokkaville is lit at seven.\n").await;
    for stream in [false, true] {
        let asked = client
            .post(format!("{}/v1/ask", served.url))
            .header("x-request-id", format!("asked-{stream}"))
            .json(&question("When is the kiln of Quokkaville lit?", stream));
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.headers()["x-request-id"].to_str().unwrap(), format!("asked-{stream}"));
        assert!(answer.text().await.unwrap().contains("seven"));
    }
    let form = Form::new().part("file", file("other.md", "# Wombatland\n\nNothing.\n"));
    let failing = client.post(format!("{}/v1/documents", served.url)).header("x-request-id", "uploaded");
    let status = failing.multipart(form).send().await.unwrap().status();
    assert!(status.is_server_error(), "{status}");
    let (code, log) = served.terminate(Duration::from_secs(60)).await;
    assert_eq!(code, Some(0), "{log}");

    for word in ["Quokkaville", "kiln", "Wombatland", "zephyrine"] {
        assert!(!log.to_lowercase().contains(&word.to_lowercase()), "{word} is in the log: {log}");
    }
    // The fail points announce themselves before the log begins.
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let strangers: Vec<&str> = log.lines().filter(|line| !line.starts_with('{')).collect();
    assert!(strangers.iter().all(|line| line.contains("fail points are armed")), "{strangers:?}");
    let of = |id: &str| -> Vec<&Value> {
        let has =
            |line: &&Value| line["spans"].as_array().is_some_and(|spans| spans.iter().any(|span| span["id"] == id));
        lines.iter().filter(has).collect()
    };
    for id in ["asked-false", "asked-true"] {
        let ended: Vec<&Value> = of(id).into_iter().filter(|line| line["message"] == "request").collect();
        assert_eq!(ended.len(), 1, "{log}");
        assert_eq!((&ended[0]["status"], &ended[0]["level"]), (&200.into(), &"INFO".into()), "{log}");
    }
    // What was logged on the way as well as the line of its end.
    let uploaded = of("uploaded");
    assert!(uploaded.iter().any(|line| line["message"] == "a fail point fires"), "{log}");
    assert!(uploaded.iter().any(|line| line["message"] == "request"), "{log}");
    assert!(uploaded.iter().any(|line| line["level"] == "WARN" || line["level"] == "ERROR"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_has_its_request_whatever_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(dir.path())
        .await
        .set("FOOTNOTE_LOG", "warn")
        .set("FOOTNOTE_FAILPOINTS", "upload.stored=unavailable@1");
    let (served, client) = (program.serve().await, client());
    let form = Form::new().part("file", file("other.md", "# Wombatland\n\nNothing.\n"));
    let failing = client.post(format!("{}/v1/documents", served.url)).header("x-request-id", "uploaded-at-warn");
    failing.multipart(form).send().await.unwrap();
    let (_, log) = served.terminate(Duration::from_secs(60)).await;
    let fired = log.lines().find(|line| line.contains("a fail point fires")).unwrap_or_else(|| panic!("{log}"));
    assert!(fired.contains("uploaded-at-warn"), "{fired}");
    assert!(!log.contains('\u{1b}'), "colours are for terminals: {log:?}");
}
