//! What is told about connectors: in the metrics, by readiness, and by `footnote doctor`.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use footnote::{
    domain::PassOutcome,
    metadata_store::{PassEnd, PassWhen},
};
use reqwest::StatusCode;
use serde_json::Value;

use super::{app_with, complete, pass, write_settled};
use crate::{program::Program, test_app::TestApp};

fn described(root: &Path) -> String {
    format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", root.display())
}

/// The series of connectors, without what all of them begin with.
async fn series(app: &TestApp) -> BTreeMap<String, f64> {
    let text = app.client.get(format!("{}/metrics", app.url)).send().await.unwrap().text().await.unwrap();
    let ours = text.lines().filter_map(|line| line.strip_prefix("footnote_connector_"));
    ours.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.replace("connector=\"one\",kind=\"folder\"", "one"), value.parse().unwrap())
    })
    .collect()
}

/// The series whose values are not those of `before`, with how much they have grown.
fn grown(before: &BTreeMap<String, f64>, now: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let of = |name: &String| before.get(name).copied().unwrap_or(0.0);
    let grown = now.iter().map(|(name, value)| (name.clone(), value - of(name)));
    // These are of a moment.
    let counted = grown.filter(|(name, _)| name.contains("_total{"));
    counted.filter(|(_, by)| *by != 0.0).collect()
}

fn expected<const N: usize>(series: [(&str, f64); N]) -> BTreeMap<String, f64> {
    series.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_connector_does_and_where_it_stands_is_in_the_metrics() {
    let source = tempfile::tempdir().unwrap();
    let root = source.path().join("docs");
    for name in ["a.md", "b.md", "c.md"] {
        write_settled(&root.join(name), name.as_bytes());
    }
    write_settled(&root.join("empty.md"), b"");
    let (app, _dir) = app_with(&described(&root)).await;
    // Before anything has happened, the counters are there.
    let fresh = series(&app).await;
    let counters = ["added", "changed", "deleted"].map(|change| format!("documents_total{{one,change=\"{change}\"}}"));
    let results = ["succeeded", "held_back", "failed", "stopped"];
    let counters = counters.into_iter().chain(results.map(|result| format!("passes_total{{one,result=\"{result}\"}}")));
    for name in counters {
        assert_eq!(fresh.get(&name), Some(&0.0), "{name} in {fresh:?}");
    }
    for (name, value) in [("last_success_timestamp_seconds", 0.0), ("interval_seconds", 600.0), ("running", 0.0)] {
        assert_eq!(fresh.get(&format!("{name}{{one}}")), Some(&value), "{fresh:?}");
    }
    assert!(!fresh.contains_key("last_pass_seconds{one}"), "no pass has ended: {fresh:?}");

    let began = chrono::Utc::now().timestamp() as f64;
    complete(&app, "one").await;
    let first = series(&app).await;
    let added = ("documents_total{one,change=\"added\"}", 3.0);
    assert_eq!(grown(&fresh, &first), expected([added, ("passes_total{one,result=\"succeeded\"}", 1.0)]));
    assert_eq!(first["failed_items{one}"], 1.0, "the empty file");
    assert!(first["last_success_timestamp_seconds{one}"] >= began, "{first:?}");
    assert!(first["last_pass_seconds{one}"] > 0.0, "{first:?}");

    write_settled(&root.join("a.md"), b"other words");
    fs::remove_file(root.join("b.md")).unwrap();
    write_settled(&root.join("empty.md"), b"no more");
    complete(&app, "one").await;
    let second = series(&app).await;
    let changes = expected([
        ("documents_total{one,change=\"added\"}", 1.0),
        ("documents_total{one,change=\"changed\"}", 1.0),
        ("documents_total{one,change=\"deleted\"}", 1.0),
        ("passes_total{one,result=\"succeeded\"}", 1.0),
    ]);
    assert_eq!(grown(&first, &second), changes);
    assert_eq!(second["failed_items{one}"], 0.0);

    // What fails is counted, and does not count as a success.
    fs::rename(&root, source.path().join("away")).unwrap();
    assert_eq!(pass(&app, "one").await.outcome, PassOutcome::Failed);
    let failed = series(&app).await;
    assert_eq!(grown(&second, &failed), expected([("passes_total{one,result=\"failed\"}", 1.0)]));
    let success = |series: &BTreeMap<String, f64>| series["last_success_timestamp_seconds{one}"];
    assert_eq!(success(&failed), success(&second));

    // A pass is told whichever process runs it.
    let elsewhere = app.app.metadata.begin_pass("one", PassWhen::Now, Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(series(&app).await["running{one}"], 1.0);
    let end = PassEnd {
        outcome: PassOutcome::Stopped,
        error: None,
        report: Default::default(),
        again_in: Duration::from_secs(60),
    };
    app.app.metadata.end_pass(&elsewhere, end).await.unwrap();
    assert_eq!(series(&app).await["running{one}"], 0.0);

    // Another process has counted nothing, and knows since when the source was not seen in whole.
    let mut app = app.restart().await;
    app.leaves_jobs();
    let again = series(&app).await;
    assert_eq!(again["passes_total{one,result=\"succeeded\"}"], 0.0);
    assert_eq!(success(&again), success(&second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_away_is_told_by_readiness_and_makes_nothing_unready() {
    let source = tempfile::tempdir().unwrap();
    let root = source.path().join("docs");
    write_settled(&root.join("a.md"), b"one");
    let (app, _dir) = app_with(&described(&root)).await;
    let told = async || {
        let (status, body) = app.get("/readyz").await;
        assert_eq!((status, &body["ready"]), (StatusCode::OK, &Value::Bool(true)), "{body}");
        let checks = body["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == "connectors").unwrap_or_else(|| panic!("{body}"));
        check["detail"].as_str().unwrap().to_owned()
    };
    complete(&app, "one").await;
    assert!(told().await.contains("no last pass of one has failed"), "{}", told().await);
    fs::rename(&root, source.path().join("away")).unwrap();
    pass(&app, "one").await;
    let detail = told().await;
    assert!(detail.contains("the last pass of 1 has failed") && detail.contains("GET /v1/connectors"), "{detail}");
    // Who asks needs no key, and so hears of no path.
    assert!(!detail.contains("docs"), "{detail}");
}

/// What doctor says about connectors.
async fn examined(program: &Program) -> (Option<i32>, Vec<Value>) {
    let ended = program.run(&["doctor", "--json"]).await;
    let found = ended.json();
    let ours = found.as_array().unwrap().iter().filter(|finding| finding["check"] == "connectors");
    (ended.code, ours.cloned().collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_why_a_connector_keeps_failing_and_what_to_do() {
    let (data, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (root, file) = (source.path().join("docs"), source.path().join("connectors.toml"));
    fs::write(&file, described(&root)).unwrap();
    let program = Program::new(data.path()).await.set("FOOTNOTE_CONNECTORS", &file);
    // The folder is not there.
    assert_eq!(program.run(&["sync"]).await.code, Some(4));
    let (code, found) = examined(&program).await;
    assert_eq!(code, Some(1), "{found:?}");
    let [failing] = &found[..] else { panic!("{found:?}") };
    let said = |member: &str| failing[member].as_str().unwrap();
    assert_eq!(failing["ok"], false, "{failing}");
    assert!(said("what").contains("`one` (folder) keeps failing") && said("what").contains("docs"), "{failing}");
    assert!(said("what").contains("no pass of it has succeeded yet"), "{failing}");
    assert!(said("means").contains("is not found"), "{failing}");
    assert!(said("remedy").contains("folder is there") && said("remedy").contains("`footnote sync one`"), "{failing}");

    write_settled(&root.join("a.md"), b"one");
    assert_eq!(program.run(&["sync"]).await.code, Some(0));
    let (code, found) = examined(&program).await;
    assert!(code == Some(0) && found.len() == 1 && found[0]["ok"] == true, "{found:?}");

    // What the program refuses to follow when it starts is told before it is started.
    fs::write(&file, described(data.path())).unwrap();
    let ended = program.run(&["doctor"]).await;
    assert!(ended.code == Some(1) && ended.stdout.contains("holds the data directory"), "{ended:?}");
}
