//! The list of collections.

use reqwest::multipart::Form;
use serde_json::json;

use super::forms::check_problem;
use crate::{
    sample,
    test_app::{TestApp, file},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collections_are_listed_with_how_many_documents_they_hold() {
    let app = TestApp::start().await;
    assert_eq!(app.read("/v1/collections").await, json!({"collections": [], "next_after": null}));
    app.ingest_form(sample::form()).await;
    let form = Form::new().part("file", file("canteen.md", sample::CANTEEN)).text("collection", "Küche");
    app.ingest_form(form).await;
    app.upload("broken.pdf", "no PDF").await;
    app.settle().await;
    let default = json!({"name": "default", "documents": 4, "answerable": 3});
    let kitchen = json!({"name": "Küche", "documents": 1, "answerable": 1});
    assert_eq!(app.read("/v1/collections").await["collections"], json!([kitchen, default]));
    let page = app.read("/v1/collections?limit=1").await;
    assert_eq!((&page["collections"], &page["next_after"]), (&json!([kitchen]), &json!("Küche")));
    let next = app.read("/v1/collections?limit=5&after=K%C3%BCche").await;
    assert_eq!((&next["collections"], &next["next_after"]), (&json!([default]), &json!(null)));
    let (status, body) = app.get("/v1/collections?limit=0").await;
    check_problem(status, &body, (422, "invalid"), "1 to 1000");
}
