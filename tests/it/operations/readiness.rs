//! Readiness names what is missing.

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::Connection as _;

use crate::{program::Program, sample, test_app::TestApp};

async fn ready(app: &TestApp) -> (StatusCode, Value) {
    app.get("/readyz").await
}

fn check<'a>(body: &'a Value, name: &str) -> &'a Value {
    let checks = body["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {body}"))
}

/// Exactly this is not as it must be, and the reason has these words.
fn only_fails(body: &Value, name: &str, words: &str) {
    assert_eq!(body["ready"], false, "{body}");
    let failed: Vec<&Value> = body["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{body}");
    assert_eq!(failed[0]["name"], name, "{body}");
    assert!(failed[0]["detail"].as_str().unwrap().contains(words), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_ready_with_everything_there_and_not_without() {
    let app = TestApp::start().await;
    let (status, body) = ready(&app).await;
    assert_eq!((status, &body["ready"]), (StatusCode::OK, &true.into()), "{body}");
    for name in ["running", "models", "database", "vectors", "originals", "index", "disk", "connectors"] {
        assert_eq!(check(&body, name)["ok"], true, "{body}");
    }
    app.ingest("canteen.md", sample::CANTEEN).await;
    app.settle().await;
    assert_eq!(ready(&app).await.0, StatusCode::OK);

    let active = app.app.metadata.active_generation().await.unwrap().unwrap().number;
    app.app.vectors.drop_generation(active).await.unwrap();
    let (status, body) = ready(&app).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    only_fails(&body, "index", "footnote reindex");
    app.app.vectors.create_generation(active, 384).await.unwrap();
    assert_eq!(ready(&app).await.0, StatusCode::OK);

    app.app.stopping.cancel();
    let (status, body) = ready(&app).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    only_fails(&body, "running", "stopping");
    // It lives all the same.
    let health = app.client.get(format!("{}/healthz", app.url)).send().await.unwrap();
    assert_eq!((health.status(), health.text().await.unwrap().as_str()), (StatusCode::OK, "ok"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_not_ready() {
    let app = TestApp::start_with(|settings| settings.min_free_disk_bytes = Some(u64::MAX)).await;
    let (status, body) = ready(&app).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    only_fails(&body, "disk", "min_free_disk_bytes");
    assert!(!body.to_string().contains(app.app.config.data_dir.to_str().unwrap()), "no path is told: {body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_what_a_problem_means_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(dir.path()).await.set("FOOTNOTE_LISTEN", "0.0.0.0:0").set("FOOTNOTE_TRHEADS", "2");
    let ended = program.run(&["doctor", "--json"]).await;
    let found = ended.json();
    let of = |name: &str| -> Vec<&Value> {
        found.as_array().unwrap().iter().filter(|finding| finding["check"] == name).collect()
    };
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let [keys] = of("keys")[..] else { panic!("{found}") };
    assert_eq!(keys["ok"], false, "{keys}");
    assert!(keys["remedy"].as_str().unwrap().contains("footnote keys create"), "{keys}");
    assert!(keys["means"].as_str().unwrap().contains("refuses to start"), "{keys}");
    assert!(
        of("configuration").iter().any(|one| one["what"].as_str().unwrap().contains("FOOTNOTE_TRHEADS")),
        "{found}"
    );
    for well in ["clock", "lock", "disk", "database", "models", "start"] {
        assert!(!of(well).is_empty() && of(well).iter().all(|one| one["ok"] == true), "{well}: {found}");
    }

    let program = Program::new(dir.path()).await;
    let serving = program.serve().await;
    let ended = program.run(&["doctor"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let named = format!("process {} (footnote serve)", serving.id());
    assert!(ended.stdout.contains(&named) && ended.stdout.contains("         do: ask a running service"), "{ended:?}");
    serving.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_tells_what_it_has_found_when_a_store_breaks_down_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::with_models_in(dir.path(), &dir.path().join("models"));
    let ended = program.run(&["doctor", "--json"]).await;
    assert!(ended.json().as_array().unwrap().iter().any(|finding| finding["check"] == "database"), "{ended:?}");
    let url = format!("sqlite://{}", dir.path().join("footnote.db").display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("ALTER TABLE connectors RENAME TO lost").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let ended = program.run(&["doctor", "--json"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let found = ended.json();
    let told = |name: &str, words: &str| {
        let all = found.as_array().unwrap().iter().filter(|finding| finding["check"] == name);
        all.filter(|finding| finding["what"].as_str().unwrap().contains(words)).count()
    };
    assert_eq!(told("stores", "cannot be checked to the end"), 1, "{found}");
    // What stands before it and what stands behind.
    assert!(told("database", "documents") == 1 && told("models", "") > 0 && told("disk", "") > 0, "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_shows_nothing_to_the_network_without_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::with_models_in(dir.path(), dir.path());
    let ended = program.run(&["worker", "--health", "0.0.0.0:0"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("footnote keys create") && ended.stderr.contains("0.0.0.0:0"), "{ended:?}");
}
