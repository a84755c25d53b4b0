//! The examples of clients against a real server: by hand in curl, Python and JavaScript, and generated from the OpenAPI
//! document; and that the handbook shows pieces of these very files.

use std::path::{Path, PathBuf};

use footnote::{access, domain::Scope, metadata_store::NewKey};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{clients, sample, test_app::TestApp};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/client");
/// From the registry of Python, beside what it depends on.
const PYTHON: [&str; 1] = ["openapi-python-client==0.29.1"];
/// From that of Node.
const NODE: [&str; 4] =
    ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3", "@types/node@20.19.43"];
/// The program that runs each example.
const EXAMPLES: [(&str, &str); 3] = [("python3", "client.py"), ("node", "client.mjs"), ("bash", "curl.sh")];

/// A file to upload, in a folder that is removed with the returned value.
fn document() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("canteen.md");
    std::fs::write(&path, sample::CANTEEN).unwrap();
    (dir, path)
}

fn example(program: &str, script: &Path, url: &str, path: &Path, question: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(script).arg(path).arg(question).env("FOOTNOTE_URL", url).env_remove("FOOTNOTE_API_KEY");
    command.env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true);
    command
}

fn read(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// What every example must have seen, and that it has left nothing but feedback.
async fn check(app: &TestApp, seen: &Value, what: &str) {
    assert_eq!((&seen["outcome"], &seen["feedback"]), (&json!("answered"), &json!("right")), "{what}: {seen}");
    assert!(seen["answer"].as_str().unwrap().contains(sample::DOCUMENTS[0].3), "{what}: {seen}");
    assert!(seen["checked"].as_u64().unwrap() >= 1, "{what} has checked no footnote: {seen}");
    let path = format!("/v1/documents/{}", seen["deleted"].as_str().unwrap());
    assert_eq!(app.get(&path).await.0, reqwest::StatusCode::NOT_FOUND, "{what}");
    let listed = app.read("/v1/feedback?limit=1").await;
    assert_eq!(listed["feedback"][0]["question"], sample::DOCUMENTS[0].2, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_example_uploads_asks_checks_says_something_and_deletes() {
    let app = TestApp::start().await;
    let (_dir, path) = document();
    for (program, script) in EXAMPLES {
        let script = Path::new(FOLDER).join(script);
        let mut command = example(program, &script, &app.url, &path, sample::DOCUMENTS[0].2);
        let seen = read(&clients::run(&mut command).await);
        assert_eq!(seen["streamed"], seen["answer"], "{program}: the sentences are the answer: {seen}");
        check(&app, &seen, program).await;
    }
    app.settle().await;
}

/// How an example ends that cannot do its work.
async fn refused(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {}{err}", String::from_utf8_lossy(&output.stdout));
    err
}

/// Makes a key for everything.
async fn key(app: &TestApp) -> String {
    let drawn = access::draw().unwrap();
    let key = NewKey {
        name: "an example".to_owned(),
        prefix: drawn.prefix,
        sha256: drawn.sha256,
        scopes: Scope::ALL.into(),
        collections: None,
        labels: None,
        expires_at: None,
    };
    app.app.metadata.add_key(key).await.unwrap();
    drawn.key.expose().to_owned()
}

/// What an example does with 422, 401 and 429, against a server of its own.
async fn refusals((program, script): (&str, &str)) {
    // An example sends nine requests: the last ones wait until the key may send more.
    let app = TestApp::start_with(|settings| settings.requests_per_minute = Some(6)).await;
    let (_dir, path) = document();
    let script = Path::new(FOLDER).join(script);
    let err = refused(&mut example(program, &script, &app.url, &path, "")).await;
    assert!(err.contains("422") && err.contains("the question is empty"), "{program}: {err}");
    app.settle().await;
    // From the first key on every request needs one.
    let key = key(&app).await;
    let err = refused(&mut example(program, &script, &app.url, &path, "x")).await;
    assert!(err.contains("401") && err.contains("set FOOTNOTE_API_KEY"), "{program}: {err}");
    let mut with = example(program, &script, &app.url, &path, sample::DOCUMENTS[0].2);
    let output = with.env("FOOTNOTE_API_KEY", key).output().await.unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{program}: {out}{err}");
    assert!(err.contains("429") && err.contains("trying again in"), "{program} was never told to wait: {err}");
    let seen = read(&out);
    assert!(seen["feedback"] == "right" && seen["checked"].as_u64() >= Some(1), "{program}: {seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_said_and_what_is_refused_for_a_while_is_sent_again() {
    // Beside each other, because each waits half a minute.
    futures::future::join_all(EXAMPLES.map(refusals)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_for_python_is_generated_and_used() {
    let app = TestApp::start().await;
    let (dir, path) = document();
    let packages = clients::python(&PYTHON).await;
    let search = format!("{}:{}", packages.join("bin").display(), std::env::var("PATH").unwrap());
    let mut generate = Command::new("bash");
    generate.arg(format!("{FOLDER}/generate-python.sh")).current_dir(dir.path());
    generate.env("FOOTNOTE_URL", &app.url).env("PYTHONPATH", &packages).env("PATH", search);
    clients::run(&mut generate).await;
    let script = Path::new(FOLDER).join("generated.py");
    let mut command = example("python3", &script, &app.url, &path, sample::DOCUMENTS[0].2);
    let places = format!("{}:{}", packages.display(), dir.path().display());
    let seen = read(&clients::run(command.env("PYTHONPATH", places)).await);
    check(&app, &seen, "the generated client for Python").await;
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_for_typescript_are_generated_and_used() {
    let app = TestApp::start().await;
    let (_dir, path) = document();
    // Modules are looked for beside the script.
    let modules = clients::node(&NODE).await;
    for file in ["generate-typescript.sh", "generated.mts"] {
        std::fs::copy(format!("{FOLDER}/{file}"), modules.join(file)).unwrap();
    }
    let mut generate = Command::new("bash");
    generate.arg("generate-typescript.sh").current_dir(&modules).env("FOOTNOTE_URL", &app.url);
    clients::run(&mut generate).await;
    let script = modules.join("generated.mjs");
    let mut command = example("node", &script, &app.url, &path, sample::DOCUMENTS[0].2);
    let seen = read(&clients::run(&mut command).await);
    check(&app, &seen, "the generated types for TypeScript").await;
    app.settle().await;
}

/// The pieces of programs that the page shows are pieces of the programs that are run above.
#[test]
fn the_handbook_shows_the_programs_that_are_tested() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/handbook/clients.md"));
    let files = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<String> =
        files.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let blocks: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    assert_eq!(blocks.len(), 8);
    for block in blocks {
        let (_, code) = block.split_once('\n').unwrap();
        assert!(files.iter().any(|file| file.contains(code)), "no example holds:\n{code}");
    }
}
