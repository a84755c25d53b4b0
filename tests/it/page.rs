//! The web page in a headless Chromium: first start, upload, answer, source, feedback, abstention, clarification, dark,
//! narrow, collections, reports; and what axe finds on each of them. And beside a stub that answers late, breaks off and
//! refuses.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{clients, sample, test_app::TestApp};

const NODE: [&str; 2] = ["playwright-core@1.65.1", "axe-core@4.14.1"];
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
/// Markup that would do something if it were read as such.
const MARKUP: &str =
    "# Markup\n\nThe jetty <img src=x onerror=alert(1)> is closed in <script>alert(2)</script> winter.\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_uses_the_page() {
    let app = TestApp::start().await;
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in [("canteen.md", sample::CANTEEN), ("broken.pdf", "no PDF"), ("markup.md", MARKUP)] {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    for name in ["travel-policy-germany.md", "travel-policy-norway.md"] {
        std::fs::copy(format!("{FOLDER}/datasets/ambiguity/documents/{name}"), dir.path().join(name)).unwrap();
    }
    crate::api::reports::write_training_run(&app.app.config.reports, "reader-1");
    let modules = clients::node(&NODE).await;
    let script = modules.join("page.mjs");
    std::fs::copy(format!("{FOLDER}/tests/it/page/page.mjs"), &script).unwrap();
    let shots = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&shots).unwrap();
    let mut command = Command::new("node");
    command.arg(script).arg(&app.url).arg(&shots).arg(dir.path());
    command.args([sample::DOCUMENTS[0].2, sample::UNRELATED, "How much may a hotel room cost a night?"]);
    let out = clients::run(&mut command).await;
    let said: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    println!("screenshots: {}", shots.display());

    assert_eq!(said["violations"], json!([]), "axe");
    assert_eq!((&said["errors"], &said["dialogs"], &said["markup"]), (&json!([]), &Value::Null, &json!(0)), "{said}");
    assert_eq!(said["title"], "Ask the documents – Footnote");
    assert!(said["failed"].as_str().unwrap().contains("PDF"), "the reason is shown: {said}");
    assert_eq!((&said["answered"], &said["abstained"]), (&json!("answered"), &json!("abstained")), "{said}");
    let quote = said["marked"].as_str().unwrap();
    assert!(
        quote.contains(sample::DOCUMENTS[0].3) && said["answer"].as_str().unwrap().contains(sample::DOCUMENTS[0].3)
    );
    assert!(said["around"].as_str().unwrap().contains(&format!("{quote}\n\n## Paying")), "in its context: {said}");
    assert!(said["focus"].as_str().unwrap().contains("note-mark"), "the focus comes back: {said}");
    assert!(said["kept_turns"].as_u64().is_some_and(|turns| turns >= 4), "what was asked is kept: {said}");
    assert_eq!((said["clarify"].as_array().unwrap().len(), &said["chosen"]), (2, &json!("answered")), "{said}");
    let listed = said["listed"].as_array().unwrap();
    assert!(said["kept"].as_str().unwrap().starts_with("Kept"), "{said}");
    assert_eq!(
        (said["verdicts"].as_array().unwrap().len(), said["declined_verdicts"].as_array().unwrap().len()),
        (5, 4)
    );
    assert_eq!(listed.len(), 2, "what was said is found again: {said}");
    let holds = |text: &Value, words: &str| text.as_str().is_some_and(|text| text.contains(words));
    assert!(holds(&listed[1], sample::DOCUMENTS[0].2) && holds(&listed[1], "Exactly what I needed."), "{said}");
    assert!(holds(&said["trace"], quote) && holds(&said["trace"], "Passages that were found"), "{said}");
    assert_eq!(said["collections"], json!(["default54"]), "the name, the documents, and those in the index: {said}");
    assert!(holds(&said["report"], "Best validation loss") && holds(&said["report"], "loss: from 4 to 2.5"), "{said}");
    assert_eq!(said["downloaded"], "reader-1.html", "{said}");
    assert_eq!(said["late"], json!(["Collections"]), "what comes too late is not shown: {said}");
    assert_eq!(said["overflow"], 0, "nothing is wider than a narrow screen: {said}");
    app.settle().await;
}

#[tokio::test]
async fn the_page_bears_what_goes_wrong_and_what_happens_at_once() {
    let modules = clients::node(&NODE[..1]).await;
    for name in ["stub.mjs", "troubled.mjs"] {
        std::fs::copy(format!("{FOLDER}/tests/it/page/{name}"), modules.join(name)).unwrap();
    }
    let out = clients::run(Command::new("node").arg(modules.join("troubled.mjs")).arg(format!("{FOLDER}/web"))).await;
    let said: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    let holds = |name: &str, words: &str| {
        assert!(said[name].as_str().is_some_and(|text| text.contains(words)), "{name} does not say {words:?}: {said}");
    };

    assert_eq!(said["errors"], json!([]), "{said}");
    assert_eq!(said["second"], json!([true, null]), "a conversation that was left does not come back");
    assert_eq!(said["chosen"], json!(["a", "con_2", null]), "the choice belongs to its conversation");
    assert_eq!(said["asked_once"], 1, "of several clicks one is a question");
    assert_eq!((&said["focus"], &said["back"]), (&json!("source"), &json!("note-mark")), "the focus is not taken away");
    assert_eq!(said["marked"], json!(["The café 🍰 opens at noon."]), "offsets are code points");
    holds("around", "cafe\u{301} 🍰\nThe café 🍰 opens at noon.\nAfter it.");
    holds("quoted", "Quoted from the source");
    assert_eq!(said["turns"], json!(["third", "a", "second"]), "what was asked is there after another page");
    assert_eq!((&said["slash"], &said["long"]), (&json!("question"), &json!(5000)), "nothing of a question is cut off");
    assert_eq!(said["broken"], json!(["the connection to the server broke", "fourth"]), "the question is not lost");
    let refused =
        json!(["send an API key (on this page: “API key”, at the top)", "2 questions are waiting already (in 5 s)"]);
    assert_eq!(said["refused"], refused);
    assert_eq!(said["skip"], json!(["#/documents", "main"]), "the link to the content leads to no other page");
    assert_eq!(said["more"], json!([1, "document 100"]), "two clicks read one page, and the focus is on its first row");
    holds("followed", "The file has arrived, but cannot be followed: the database does not answer");
    holds("title", "document 1 – ");
    holds("job_focus", "cancel job_");
    assert_eq!(said["jobs_left"], 100, "a refusal is not the end of the list");
    holds("filtered", "said to be wrong");
    assert_eq!(
        (&said["reindex"], &said["leaked"]),
        (&json!(0.5), &json!(0)),
        "a reindex is followed where it is shown"
    );
    holds("curve", "lowest 0, highest 6");
    assert_eq!((&said["bad_key"], &said["forgotten"]), (&json!(true), &json!([])), "{said}");
}
