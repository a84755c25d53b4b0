//! The life of a key, over HTTP and on the command line.

use footnote::domain::Scope;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Wanted, client_with, make_key};
use crate::test_app::{TestApp, until};

async fn with(app: &TestApp, key: &str, path: &str) -> (StatusCode, Value) {
    let response = client_with(key).get(format!("{}{path}", app.url)).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_used_rotated_and_revoked() {
    let mut app = TestApp::idle().await;
    // Without any key this machine needs none: the first one can be made so.
    let request = json!({"name": "root", "scopes": ["admin"], "collections": null, "labels": null});
    let (status, root) = app.post("/v1/admin/keys", request).await;
    assert_eq!(status, StatusCode::CREATED, "{root}");
    assert_eq!(app.get("/v1/admin/keys").await.0, StatusCode::UNAUTHORIZED, "from the first key on one is needed");
    app.client = client_with(root["secret"].as_str().unwrap());

    let request = json!({"name": "front end", "scopes": ["ask"], "collections": ["a"]});
    let (_, made) = app.post("/v1/admin/keys", request).await;
    let (id, first) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap().to_owned());
    assert_eq!((&made["labels"], &made["collections"]), (&json!([]), &json!(["a"])), "labels are given, never assumed");
    assert!(first.starts_with(made["prefix"].as_str().unwrap()));
    let listed = app.read("/v1/admin/keys").await;
    assert_eq!(listed["keys"][0]["id"], made["id"]);
    assert!(!listed.to_string().contains(&first[12..]), "a key is shown once");

    assert_eq!(with(&app, &first, "/v1/documents").await.0, StatusCode::OK);
    until("the use is recorded", async || app.read(&format!("/v1/admin/keys/{id}")).await["last_used_at"].is_string())
        .await;
    let (_, rotated) = app.post(&format!("/v1/admin/keys/{id}/rotate"), json!({"overlap_seconds": 600})).await;
    let second = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!((rotated["id"].as_str(), &rotated["scopes"]), (Some(id), &json!(["ask"])));
    for key in [&first, &second] {
        assert_eq!(with(&app, key, "/v1/documents").await.0, StatusCode::OK);
    }
    let (_, rotated) = app.post(&format!("/v1/admin/keys/{id}/rotate"), json!({"overlap_seconds": 0})).await;
    let third = rotated["secret"].as_str().unwrap().to_owned();
    for key in [&first, &second] {
        assert_eq!(with(&app, key, "/v1/documents").await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(with(&app, &third, "/v1/documents").await.0, StatusCode::OK);

    let (status, revoked) = app.delete(&format!("/v1/admin/keys/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(revoked["revoked_at"].is_string());
    let (status, problem) = with(&app, &third, "/v1/documents").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(problem["detail"].as_str().unwrap().contains("was revoked"), "{problem}");
    assert_eq!(app.post(&format!("/v1/admin/keys/{id}/rotate"), json!({})).await.0, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_would_be_too_much_or_nothing_is_refused() {
    let mut app = TestApp::idle().await;
    let key = make_key(&app.app, Wanted::EVERYTHING).await;
    app.client = client_with(&key);
    for (request, status) in [
        (json!({"name": "x", "scopes": ["ask"]}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"name": "x", "scopes": [], "collections": null}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"name": "x", "scopes": ["root"], "collections": null}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"name": "", "scopes": ["ask"], "collections": null}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"name": "x", "scopes": ["ask"], "collections": []}), StatusCode::UNPROCESSABLE_ENTITY),
        (
            json!({"name": "x", "scopes": ["ask"], "collections": null, "expires_at": "2020-01-01T00:00:00Z"}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        assert_eq!(app.post("/v1/admin/keys", request.clone()).await.0, status, "{request}");
    }
    // An administrator of some collections makes no key for all of them.
    let limited = Wanted { scopes: &[Scope::Admin], collections: Some(&["a"]), ..Wanted::EVERYTHING };
    app.client = client_with(&make_key(&app.app, limited).await);
    let request = json!({"name": "x", "scopes": ["admin"], "collections": null});
    assert_eq!(app.post("/v1/admin/keys", request).await.0, StatusCode::FORBIDDEN);
}
