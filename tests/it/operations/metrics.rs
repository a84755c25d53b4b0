//! Every metric is documented, and the dashboard and the alerts use metrics that there are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tokio::process::Command;

use super::{FOLDER, read};
use crate::{clients, connectors, sample, test_app::TestApp};

const DASHBOARD: &str = "deploy/grafana/footnote.json";
const ALERTS: &str = "deploy/prometheus/alerts.yml";
const PAGE: &str = "corpus/handbook/operations.md";

/// The metrics of an application that has followed a source, ingested, answered and declined.
async fn scraped() -> String {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.toml");
    // Only a configuration with webhooks has series of them. No rule sends anything here.
    let webhook = "[webhooks.desk]\nurl = \"http://127.0.0.1:9/nobody\"\nsecret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n";
    std::fs::write(&rules, webhook).unwrap();
    // And only one with connectors has series of those.
    let (sources, followed) = (dir.path().join("connectors.toml"), dir.path().join("followed"));
    connectors::write_settled(&followed.join("library.md"), sample::LIBRARY.as_bytes());
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", followed.display());
    std::fs::write(&sources, described).unwrap();
    let app = TestApp::start_with(|settings| {
        settings.rules = Some(rules);
        settings.connectors = Some(sources);
    })
    .await;
    connectors::complete(&app, "one").await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    let outcome = app.ask(sample::DOCUMENTS[0].2).await;
    assert_eq!(outcome["outcome"], "answered", "{outcome}");
    assert_eq!(app.ask(sample::UNRELATED).await["outcome"], "abstained");
    app.settle().await;
    app.client.get(format!("{}/metrics", app.url)).send().await.unwrap().text().await.unwrap()
}

/// The families, with their kinds.
fn families(text: &str) -> BTreeMap<String, String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split_once(' ').unwrap()).map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

/// The names of samples.
fn samples(text: &str) -> BTreeSet<&str> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect()
}

/// What in a text is the name of a metric of ours.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("footnote_") || word.starts_with("process_")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_is_documented_and_what_is_drawn_and_watched_is_there() {
    let text = scraped().await;
    let families = families(&text);
    let told: BTreeSet<String> = families
        .iter()
        .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.clone() })
        .collect();
    let page = read(PAGE);
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: BTreeSet<String> = rows
        .filter_map(|row| row.split_once('`').map(|(name, _)| name.to_owned()))
        .filter(|name| name.starts_with("footnote_") || name.starts_with("process_"))
        .collect();
    assert_eq!(documented, told, "the table of {PAGE} beside /metrics");

    let there = samples(&text);
    for path in [DASHBOARD, ALERTS] {
        let text = read(path);
        let used = named(&text);
        assert!(used.len() > 8, "{path}: {used:?}");
        for name in used {
            assert!(there.contains(name), "{path} uses {name}, which /metrics does not have");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quality_is_counted() {
    let app = TestApp::start().await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    let outcome = app.ask(sample::DOCUMENTS[0].2).await;
    app.ask(sample::UNRELATED).await;
    app.ask("Thank you!").await;
    let filtered = json!({"question": sample::DOCUMENTS[0].2, "filter": {"metadata": {"site": "nowhere"}}});
    let (_, nothing) = app.post("/v1/ask", filtered).await;
    assert_eq!(nothing["outcome"], "abstained", "{nothing}");
    app.settle().await;
    let text = app.client.get(format!("{}/metrics", app.url)).send().await.unwrap().text().await.unwrap();
    let value = |series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("no {series} in\n{text}")).trim().parse().unwrap()
    };
    assert_eq!(value("footnote_answers_total{outcome=\"answered\",request=\"question\"}"), 1.0);
    assert_eq!(value("footnote_answers_total{outcome=\"abstained\",request=\"question\"}"), 2.0);
    assert_eq!(value("footnote_answers_total{outcome=\"blocked\",request=\"small_talk\"}"), 1.0);
    assert_eq!(value("footnote_answers_without_result_total"), 1.0);
    let removed = outcome["usage"]["sentences_removed"].as_f64().unwrap();
    assert_eq!(value("footnote_answer_sentences_total{result=\"removed\"}"), removed);
    let standing = value("footnote_answer_sentences_total{result=\"kept\"}")
        + value("footnote_answer_sentences_total{result=\"quoted\"}");
    assert!(standing >= 1.0, "{text}");
    assert_eq!(value("footnote_answer_confidence_count{outcome=\"answered\"}"), 1.0);
    let sure = outcome["confidence"].as_f64().unwrap();
    assert!((value("footnote_answer_confidence_sum{outcome=\"answered\"}") - sure).abs() < 1e-6);
    for stage in ["extract", "chunk", "embed", "store"] {
        assert_eq!(value(&format!("footnote_ingest_stage_seconds_count{{stage=\"{stage}\"}}")), 1.0);
    }
    assert_eq!(value("footnote_jobs_ended_total{kind=\"ingest\",result=\"succeeded\"}"), 1.0);
    assert_eq!(value("footnote_ingested_passages_total{vector=\"computed\"}"), value("footnote_chunks"));
    assert_eq!(value("footnote_queue_jobs{kind=\"ingest\",state=\"due\"}"), 0.0);
    assert!(value("footnote_disk_free_bytes{place=\"data\"}") > 0.0);
    if cfg!(target_os = "linux") {
        assert!(value("process_resident_memory_bytes") > 1e6 && value("process_open_fds") > 3.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_the_queue_and_what_is_refused_is_counted() {
    let mut app = TestApp::idle_with(|settings| settings.ask_queue = Some(1)).await;
    app.leaves_jobs();
    app.upload("canteen.md", sample::CANTEEN).await;
    let held = app.app.admission.admit(std::time::Instant::now()).unwrap();
    let (status, _) = app.post("/v1/ask", json!({"question": sample::UNRELATED})).await;
    assert_eq!(status, reqwest::StatusCode::TOO_MANY_REQUESTS);
    let text = app.client.get(format!("{}/metrics", app.url)).send().await.unwrap().text().await.unwrap();
    drop(held);
    for line in [
        "footnote_queue_jobs{kind=\"ingest\",state=\"due\"} 1",
        "footnote_questions_refused_total{reason=\"full\"} 1",
        "footnote_questions_open 1",
        "footnote_documents 1",
        "footnote_searchable_documents 0",
    ] {
        assert!(text.lines().any(|told| told == line), "no {line} in\n{text}");
    }
    let age = text.lines().find_map(|line| line.strip_prefix("footnote_queue_oldest_seconds{kind=\"ingest\"} "));
    assert!(age.unwrap().parse::<f64>().unwrap() > 0.0, "{text}");
}

#[tokio::test]
async fn the_alerts_are_right_and_each_has_its_lines_in_the_handbook() {
    let folder = format!("{FOLDER}/deploy/prometheus");
    clients::run(Command::new("promtool").current_dir(&folder).args(["check", "rules", "alerts.yml"])).await;
    clients::run(Command::new("promtool").current_dir(&folder).args(["test", "rules", "alerts_test.yml"])).await;
    let (rules, page) = (read(ALERTS), read(PAGE));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 8, "{alerts:?}");
    for alert in alerts {
        assert!(page.contains(&format!("| `{alert}` |")), "{PAGE} says nothing of {alert}");
    }
}

#[test]
fn the_dashboard_can_be_imported() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    assert_eq!((&dashboard["uid"], &dashboard["title"]), (&json!("footnote"), &json!("Footnote")));
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(variables, ["datasource", "instance"]);
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    for panel in panels {
        let place = &panel["gridPos"];
        assert!(place["x"].as_i64().unwrap() + place["w"].as_i64().unwrap() <= 24, "{panel}");
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{panel}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            assert!(query.contains("instance=~\"$instance\""), "{query}");
        }
    }
}
