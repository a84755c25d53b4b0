//! The tools of the Model Context Protocol, with the official Python client: over HTTP, and over standard input and output.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{clients, sample, test_app::TestApp};

const PYTHON: [&str; 1] = ["mcp==2.3.0"];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp/client.py");

async fn client(arguments: &[&str]) -> Command {
    let packages = clients::python(&PYTHON).await;
    let mut command = Command::new("python3");
    command.arg(SCRIPT).args(arguments).args([sample::DOCUMENTS[0].2, sample::UNRELATED]).env("PYTHONPATH", packages);
    command
}

/// What must have come of every tool.
fn check(said: &str) {
    let said: Value = serde_json::from_str(said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(said["tools"], json!(["ask", "get_document", "ingest", "search"]));
    let (answer, text) = (&said["answer"]["structured"], said["answer"]["text"].as_str().unwrap());
    assert_eq!((&answer["outcome"], &said["answer"]["failed"]), (&json!("answered"), &json!(false)), "{said}");
    let quote = answer["citations"][0]["quote"].as_str().unwrap();
    assert!(
        quote.contains(sample::DOCUMENTS[0].3) && text.contains(quote) && text.contains("[1] canteen.md"),
        "{text}"
    );
    assert_eq!(said["abstained"]["structured"]["outcome"], "abstained");
    assert!(said["abstained"]["text"].as_str().unwrap().contains("do not hold"));
    assert!(said["ingested"]["text"].as_str().unwrap().contains("can be asked"), "{said}");
    assert!(said["found"]["text"].as_str().unwrap().starts_with("[1] tides.md"), "{said}");
    let read = &said["read"]["structured"];
    assert_eq!((&read["text"], &read["start"], &read["end"]), (&json!("The ferry"), &json!(9), &json!(18)), "{said}");
    assert!(said["read"]["text"].as_str().unwrap().contains("more follow: begin at 18"));
    for (tool, words) in
        [("beyond", "nothing begins at 10000"), ("unknown", "no argument `temperature`"), ("broken", "not ingested")]
    {
        assert_eq!(said[tool]["failed"], true, "{said}");
        assert!(said[tool]["text"].as_str().unwrap().contains(words), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assistant_uses_the_tools_of_a_server_with_its_key() {
    let key = "0123456789abcdef";
    let mut app = TestApp::start_with(|settings| settings.api_key = Some(key.into())).await;
    let headers = [(reqwest::header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap())].into_iter().collect();
    let open = std::mem::replace(
        &mut app.client,
        reqwest::Client::builder().default_headers(headers).timeout(crate::test_app::PATIENCE).build().unwrap(),
    );
    app.ingest("canteen.md", sample::CANTEEN).await;
    let url = format!("{}/mcp", app.url);
    check(&clients::run(&mut client(&["http", &url, key]).await).await);
    // The same from a process that an assistant starts.
    let program = env!("CARGO_BIN_EXE_footnote");
    let arguments = ["stdio", program, "--api-key", key, "mcp", "--server", &app.url, "--"];
    check(&clients::run(&mut client(&arguments).await).await);

    // Without a key nothing is said, not even which tools there are.
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let request = open.post(&url).json(&list).header("accept", "application/json, text/event-stream");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    // What was asked through a tool stands in the audit log as any other question.
    let log = app.read("/v1/admin/audit").await;
    assert!(log["entries"].as_array().unwrap().iter().any(|entry| entry["action"] == "ask"), "{log}");
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assistant_starts_the_program_with_stores_of_its_own() {
    let models = crate::test_app::model_files().await;
    let dir = tempfile::tempdir().unwrap();
    let (data, canteen) = (dir.path().join("data"), dir.path().join("canteen.md"));
    std::fs::write(&canteen, sample::CANTEEN).unwrap();
    let [data, models, canteen] = [&data, &models, &canteen].map(|path| path.to_str().unwrap());
    let program = env!("CARGO_BIN_EXE_footnote");
    let settings = ["--data-dir", data, "--models-dir", models];
    clients::run(Command::new(program).args(settings).args(["ingest", canteen])).await;
    let arguments = [&["stdio", program][..], &settings, &["mcp", "--"]].concat();
    check(&clients::run(&mut client(&arguments).await).await);
}
