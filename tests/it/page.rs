//! The web page in a headless Chromium: first start, upload, answer, source, feedback, abstention, clarification, dark,
//! narrow, collections, reports; and what axe finds on each of them.

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
