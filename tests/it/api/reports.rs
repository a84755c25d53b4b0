//! The reports of evaluation and training runs.

use reqwest::StatusCode;
use serde_json::json;

use super::forms::check_problem;
use crate::test_app::TestApp;

/// Writes a training run as `train` leaves it.
pub fn write_training_run(shelf: &std::path::Path, name: &str) {
    let folder = shelf.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("card.json"), r#"{"base": "tiny", "rank": 8}"#).unwrap();
    let table = "step,loss,validation_loss,tokens_per_second\n1,4.0,,900\n2,3.0,3.5,950\n3,2.5,3.0,940\n";
    std::fs::write(folder.join("metrics.csv"), table).unwrap();
    let page =
        "<!doctype html><title>Run</title><style>p { color: teal }</style><p>Kiln run</p><script>alert(1)</script>";
    std::fs::write(folder.join("report.html"), page).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_listed_shown_and_sent_so_that_nothing_of_them_runs() {
    let app = TestApp::idle().await;
    assert_eq!(app.read("/v1/admin/reports").await, json!({"reports": []}));
    write_training_run(&app.app.config.reports, "reader-1");
    let listed = app.read("/v1/admin/reports").await;
    let report = &listed["reports"][0];
    assert_eq!(
        (&report["name"], &report["kind"], &report["has_page"]),
        (&json!("reader-1"), &json!("training"), &json!(true))
    );
    assert_eq!(
        report["figures"][0],
        json!({"label": "Best validation loss", "value": "3", "note": "at step 3; 3 at the end"})
    );
    let shown = app.read("/v1/admin/reports/reader-1").await;
    assert_eq!((&shown["card"]["rank"], &shown["curves"][0]["values"]), (&json!(8), &json!([4.0, 3.0, 2.5])));
    let page = app.client.get(format!("{}/v1/admin/reports/reader-1/page", app.url)).send().await.unwrap();
    assert_eq!(
        (page.status(), page.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "text/html; charset=utf-8")
    );
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("sandbox") && policy.contains("default-src 'none'") && !policy.contains("script-src"),
        "{policy}"
    );
    assert!(page.text().await.unwrap().contains("Kiln run"));
    for path in ["/v1/admin/reports/..%2Freader-1", "/v1/admin/reports/other", "/v1/admin/reports/other/page"] {
        let (status, body) = app.get(path).await;
        check_problem(status, &body, (404, "not-found"), "among the reports");
    }
}
