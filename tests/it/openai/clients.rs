//! The official clients from their registries, against the real server: what they make of answers, footnotes and
//! abstentions.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{clients, sample, test_app::TestApp};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/openai");
/// What is installed from the registry of Python, beside what it depends on.
const PYTHON: [&str; 2] = ["openai==3.57.0", "langchain-openai==1.7.4"];
/// And from that of Node.
const NODE: &str = "openai@7.59.0";

/// What a client says of the server: one JSON document on its standard output.
async fn said(app: &TestApp, command: &mut Command) -> Value {
    let [question, unrelated] = [sample::DOCUMENTS[0].2, sample::UNRELATED];
    let base = format!("{}/v1", app.url);
    let out = clients::run(command.args([base.as_str(), question, unrelated])).await;
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// What every client must have understood.
fn check(said: &Value, plain: &Value) {
    let content = &plain["choices"][0]["message"];
    for form in ["plain", "streamed"] {
        assert_eq!(said[form]["content"], content["content"], "{form}: {said}");
        assert_eq!(said[form]["annotations"], content["annotations"], "{form}: citations come intact: {said}");
        assert_eq!(said[form]["outcome"], "answered", "{form}: {said}");
    }
    assert_eq!(said["abstained"], "abstained", "{said}");
    assert!(said["refused"].as_str().unwrap().contains("no model `gpt-4o`"), "{said}");
    assert_eq!(said["models"], json!(["footnote", plain["footnote"]["outcome"]["model"]["embedder"]]), "{said}");
    assert_eq!(said["dimension"], 384, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_for_python_and_langchain_understand_it() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let (_, plain) = app.post("/v1/chat/completions", super::chat(sample::DOCUMENTS[0].2)).await;
    let packages = clients::python(&PYTHON).await;
    let python = |script: &str| {
        let mut command = Command::new("python3");
        command.arg(format!("{FOLDER}/{script}")).env("PYTHONPATH", &packages);
        command
    };
    check(&said(&app, &mut python("client.py")).await, &plain);
    let langchain = said(&app, &mut python("langchain_client.py")).await;
    let content = &plain["choices"][0]["message"]["content"];
    assert_eq!((&langchain["plain"], &langchain["streamed"]), (content, content), "{langchain}");
    assert_eq!(langchain["dimension"], 384);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_for_node_understands_it() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let (_, plain) = app.post("/v1/chat/completions", super::chat(sample::DOCUMENTS[0].2)).await;
    let modules = clients::node(&[NODE]).await;
    // Modules are looked for beside the script.
    let script = modules.join("client.mjs");
    std::fs::copy(format!("{FOLDER}/client.mjs"), &script).unwrap();
    check(&said(&app, Command::new("node").arg(script)).await, &plain);
}
