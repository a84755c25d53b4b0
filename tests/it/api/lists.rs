//! Lists in pages, collections, and filters.

use std::collections::BTreeSet;

use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::forms::check_problem;
use crate::test_app::{TestApp, file};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_listed_in_pages_oldest_first() {
    let mut app = TestApp::idle().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let form = Form::new()
            .part("file", file(&format!("{number}.md"), format!("# Page {number}\n\nText.\n")))
            .text("collection", if number == 3 { "b" } else { "a" });
        let (_, body) = app.upload_form(form).await;
        ids.push(body["documents"][0]["document_id"].as_str().unwrap().to_owned());
    }
    let page = async |query: &str| -> (Vec<String>, Option<String>) {
        let page = app.read(&format!("/v1/documents?{query}")).await;
        let found = page["documents"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned());
        (found.collect(), page["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(page("").await, (ids.clone(), None));
    assert_eq!(page("limit=5").await, (ids.clone(), None));
    let (first, cursor) = page("limit=2").await;
    let (second, cursor) = page(&format!("limit=2&cursor={}", cursor.unwrap())).await;
    let (third, end) = page(&format!("limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!(([first, second, third].concat(), end), (ids.clone(), None));

    let (of_a, cursor) = page("collection=a&limit=3").await;
    assert_eq!(of_a, [&ids[..3]].concat());
    assert_eq!(page(&format!("collection=a&cursor={}", cursor.clone().unwrap())).await, (vec![ids[4].clone()], None));
    assert_eq!(page("collection=b").await, (vec![ids[3].clone()], None));
    assert_eq!(page("collection=a&name=3.md").await, (vec![], None));
    assert_eq!(page("name=4.md").await, (vec![ids[4].clone()], None));

    let cursor = cursor.unwrap();
    for (query, says) in [
        ("limit=0".to_owned(), "1 to 1000"),
        ("limit=1001".to_owned(), "1 to 1000"),
        ("cursor=abc".to_owned(), "not a cursor"),
        (format!("collection=b&cursor={cursor}"), "other filters"),
    ] {
        let (status, body) = app.get(&format!("/v1/documents?{query}")).await;
        check_problem(status, &body, (422, "invalid"), says);
    }
    for query in ["limit=many", "colour=red"] {
        let (status, body) = app.get(&format!("/v1/documents?{query}")).await;
        check_problem(status, &body, (400, "bad-request"), "");
    }
    app.work();
    app.settle().await;
}

/// Four documents that say the same, so that only collections and filters tell them apart.
async fn four_alike(app: &TestApp) -> [String; 4] {
    let mut ids = Vec::new();
    for (name, collection, metadata) in [
        ("red.md", "a", json!({"team": "red", "year": 2024, "draft": true, "tags": ["x", "y"]})),
        ("blue.md", "a", json!({"team": "blue", "year": 2025, "draft": false, "tags": ["y", "z"]})),
        ("plain.md", "a", json!({})),
        ("red.md", "b", json!({"team": "red", "year": 2024})),
    ] {
        let form = Form::new()
            .part("file", file(name, "# Travel\n\nTrips by train are booked a week ahead.\n"))
            .text("collection", collection)
            .text("metadata", metadata.to_string());
        ids.extend(app.ingest_form(form).await);
    }
    ids.try_into().unwrap()
}

async fn found(app: &TestApp, collection: Option<&str>, filter: Value) -> BTreeSet<String> {
    let mut body = json!({"question": "When are trips by train booked?", "top_k": 50, "filter": filter});
    if let Some(collection) = collection {
        body["collection"] = json!(collection);
    }
    app.search(body).await.iter().map(|passage| passage["document_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_narrow_a_search_and_collections_do_not_see_each_other() {
    let app = TestApp::start().await;
    let [red, blue, plain, other] = four_alike(&app).await;
    let set = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<String>>();
    for (filter, expected) in [
        (json!({}), vec![&red, &blue, &plain]),
        (json!({"metadata": {"team": "red"}}), vec![&red]),
        (json!({"metadata": {"team": ["red", "blue"]}}), vec![&red, &blue]),
        (json!({"metadata": {"team": "Red"}}), vec![]),
        (json!({"metadata": {"year": 2024}}), vec![&red]),
        (json!({"metadata": {"year": 2024.0}}), vec![&red]),
        (json!({"metadata": {"year": "2024"}}), vec![]),
        (json!({"metadata": {"draft": false}}), vec![&blue]),
        (json!({"metadata": {"tags": "y"}}), vec![&red, &blue]),
        (json!({"metadata": {"tags": ["x", "z"]}}), vec![&red, &blue]),
        (json!({"metadata": {"tags": "y", "team": "blue"}}), vec![&blue]),
        (json!({"metadata": {"unknown": 1}}), vec![]),
        (json!({"document_ids": [plain, red]}), vec![&plain, &red]),
        (json!({"document_ids": [plain, red], "metadata": {"team": "red"}}), vec![&red]),
        // A document of another collection is not let in by its id.
        (json!({"document_ids": [other]}), vec![]),
    ] {
        assert_eq!(found(&app, Some("a"), filter.clone()).await, set(&expected), "{filter}");
    }
    assert_eq!(found(&app, Some("b"), json!({})).await, set(&[&other]));
    assert_eq!(found(&app, Some("none"), json!({})).await, set(&[]));
    assert_eq!(found(&app, None, json!({})).await, set(&[]));

    for (filter, kind) in [
        (json!({"metadata": {"team": null}}), "invalid"),
        (json!({"metadata": {"team": {"is": "red"}}}), "invalid"),
        (json!({"metadata": {"team": []}}), "invalid"),
        (json!({"document_ids": ["red.md"]}), "invalid"),
        (json!({"colour": "red"}), "invalid"),
    ] {
        let (status, body) = app.post("/v1/search", json!({"question": "Which trips?", "filter": filter})).await;
        check_problem(status, &body, (422, kind), "");
    }
}
