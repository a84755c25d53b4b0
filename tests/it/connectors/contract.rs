//! What holds for every source: each case runs on each of them.

use std::collections::BTreeMap;

use footnote::{connectors::Follower, domain::PassOutcome};
use reqwest::StatusCode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    app_with, complete, documents, pass,
    places::{Folder, Place, Repository, Website},
    sha256,
};
use crate::test_app::TestApp;

/// A test of each case, on each source.
macro_rules! contract {
    ($($case:ident),+ $(,)?) => {
        contract!(@source folder, Folder::folder, $($case),+);
        contract!(@source bucket, Folder::bucket, $($case),+);
        contract!(@source git, Repository::new, $($case),+);
        contract!(@source sitemap, Website::new, $($case),+);
    };
    (@source $source:ident, $new:path, $($case:ident),+) => {
        mod $source {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(&mut $new().await).await;
            })+
        }
    };
}

contract! {
    documents_follow_what_the_source_holds,
    a_source_that_is_away_costs_no_document,
    what_vanishes_at_once_is_held_back_until_somebody_confirms,
    what_was_uploaded_by_hand_is_left_alone,
    what_a_connector_made_is_changed_at_its_source_only,
    what_was_deleted_here_stays_away_until_it_changes,
    what_is_described_otherwise_is_taken_over_again,
    what_is_refused_is_told,
    what_was_too_large_is_taken_when_more_is_taken,
    what_is_left_out_is_counted,
}

async fn check(app: &TestApp, place: &impl Place, expected: &[(&str, &str)]) {
    let expected: BTreeMap<String, String> =
        expected.iter().map(|(key, bytes)| (place.name(key), sha256(bytes.as_bytes()))).collect();
    assert_eq!(documents(app).await, expected);
}

async fn documents_follow_what_the_source_holds(place: &mut impl Place) {
    place.put("a.md", b"one").await;
    place.put("x/b.md", b"two").await;
    let (app, _dir) = app_with(&place.connector("")).await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.listed, ended.report.added, ended.report.failed), (2, 2, 0), "{ended:?}");
    let first = documents(&app).await;
    assert_eq!(first.len(), 2);

    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.unchanged, ended.report.added, ended.report.changed), (2, 0, 0), "{ended:?}");
    assert_eq!(documents(&app).await, first);

    place.put("a.md", b"one, changed").await;
    place.put("c.md", b"three").await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.unchanged, ended.report.added, ended.report.changed), (1, 1, 1), "{ended:?}");

    // Renamed: it goes under one name and comes under another.
    place.remove("c.md").await;
    place.put("d.md", b"three").await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.added, ended.report.deleted), (1, 1), "{ended:?}");
    place.remove("d.md").await;
    complete(&app, "one").await;
    let found = documents(&app).await;
    assert_eq!(found[&place.name("a.md")], sha256(b"one, changed"));
    assert_eq!(found.len(), 2, "{found:?}");

    // And back again, as it was.
    place.put("d.md", b"three").await;
    complete(&app, "one").await;
    assert_eq!(documents(&app).await[&place.name("d.md")], sha256(b"three"));
}

async fn a_source_that_is_away_costs_no_document(place: &mut impl Place) {
    place.put("a.md", b"one").await;
    place.put("b.md", b"two").await;
    let (app, _dir) = app_with(&place.connector("")).await;
    complete(&app, "one").await;
    place.go_away().await;
    let ended = pass(&app, "one").await;
    assert_eq!((ended.outcome, ended.report.deleted), (PassOutcome::Failed, 0), "{ended:?}");
    assert!(ended.error.is_some_and(|error| !error.is_empty()));
    check(&app, place, &[("a.md", "one"), ("b.md", "two")]).await;
    place.come_back().await;
    place.remove("b.md").await;
    complete(&app, "one").await;
    check(&app, place, &[("a.md", "one")]).await;
}

async fn what_vanishes_at_once_is_held_back_until_somebody_confirms(place: &mut impl Place) {
    let names: Vec<String> = (0..30).map(|number| format!("{number}.md")).collect();
    for name in &names {
        place.put(name, name.as_bytes()).await;
    }
    let (app, _dir) = app_with(&place.connector("")).await;
    complete(&app, "one").await;
    for name in &names[..20] {
        place.remove(name).await;
    }
    let ended = pass(&app, "one").await;
    assert_eq!((ended.outcome, ended.report.held_back), (PassOutcome::HeldBack, 20), "{ended:?}");
    assert_eq!(documents(&app).await.len(), 30);
    let (status, shown) = app.get("/v1/connectors/one").await;
    assert_eq!((status, &shown["outcome"]), (StatusCode::OK, &json!("held_back")));
    assert!(shown["error"].as_str().unwrap().contains("confirm"), "{shown}");

    // Asked for by the API, for whoever follows the connector.
    let (status, asked) = app.post("/v1/connectors/one/sync", json!({"confirm_deletions": true})).await;
    assert_eq!((status, &asked["requested"]), (StatusCode::ACCEPTED, &json!(true)));
    complete(&app, "one").await;
    assert_eq!(documents(&app).await.len(), 10);

    // The last ones are never deleted without being asked, however few they are.
    for name in &names[20..] {
        place.remove(name).await;
    }
    let ended = pass(&app, "one").await;
    assert_ne!(ended.outcome, PassOutcome::Complete, "{ended:?}");
    assert_eq!(documents(&app).await.len(), 10);
}

async fn what_was_uploaded_by_hand_is_left_alone(place: &mut impl Place) {
    place.put("a.md", b"the source's").await;
    let (app, _dir) = app_with(&place.connector("")).await;
    let name = place.name("a.md");
    let (status, _) = app.upload(&name, "by hand").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.failed, ended.report.added), (1, 0), "{ended:?}");
    let shown = app.read("/v1/connectors/one").await;
    assert!(shown["failures"][0]["error"].as_str().unwrap().contains("is taken"), "{shown}");
    assert_eq!(documents(&app).await[&name], sha256(b"by hand"));

    // Nor is it deleted when the item goes.
    place.put("b.md", b"two").await;
    place.remove("a.md").await;
    complete(&app, "one").await;
    assert_eq!(documents(&app).await[&name], sha256(b"by hand"));

    // When the name is free, it is the item's, although that has not changed.
    place.put("a.md", b"the source's").await;
    complete(&app, "one").await;
    let list = app.read("/v1/documents?limit=100").await;
    let by_hand = list["documents"].as_array().unwrap().iter().find(|document| document["name"] == name.as_str());
    let (status, _) = app.delete(&format!("/v1/documents/{}", by_hand.unwrap()["id"].as_str().unwrap())).await;
    assert_eq!(status, StatusCode::OK);
    complete(&app, "one").await;
    assert_eq!(documents(&app).await[&name], sha256(b"the source's"));
}

async fn what_a_connector_made_is_changed_at_its_source_only(place: &mut impl Place) {
    place.put("a.md", b"the source's").await;
    let (app, _dir) = app_with(&place.connector("")).await;
    complete(&app, "one").await;
    let (status, problem) = app.upload(&place.name("a.md"), "by hand").await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("connector `one`"), "{problem}");
    check(&app, place, &[("a.md", "the source's")]).await;
}

async fn what_was_deleted_here_stays_away_until_it_changes(place: &mut impl Place) {
    place.put("a.md", b"one").await;
    place.put("b.md", b"two").await;
    let (app, _dir) = app_with(&place.connector("")).await;
    complete(&app, "one").await;
    let list = app.read("/v1/documents").await;
    let name = place.name("a.md");
    let found = list["documents"].as_array().unwrap().iter().find(|document| document["name"] == name.as_str());
    app.delete(&format!("/v1/documents/{}", found.unwrap()["id"].as_str().unwrap())).await;
    complete(&app, "one").await;
    check(&app, place, &[("b.md", "two")]).await;
    assert_eq!(app.read("/v1/connectors/one").await["deleted_here"], 1);
    place.put("a.md", b"one, changed").await;
    complete(&app, "one").await;
    check(&app, place, &[("a.md", "one, changed"), ("b.md", "two")]).await;
}

async fn what_is_described_otherwise_is_taken_over_again(place: &mut impl Place) {
    place.put("a.md", b"one").await;
    let (app, _dir) = app_with(&place.connector("metadata = { team = \"red\" }")).await;
    complete(&app, "one").await;
    let described = place.connector("metadata = { team = \"blue\" }\nprefix = \"docs/\"\naccess = [\"staff\"]");
    let file = app.app.config.data_dir.join("other.toml");
    std::fs::write(&file, described).unwrap();
    let connector = footnote::config::Connectors::from_file(&file).unwrap().connectors.remove(0);
    let other = Follower::new(app.app.connectors.clone(), connector).unwrap();
    let ended = other.once(false, &CancellationToken::new()).await.unwrap().unwrap();
    assert_eq!(ended.outcome, PassOutcome::Complete, "{ended:?}");
    let list = app.read("/v1/documents").await;
    let list = list["documents"].as_array().unwrap();
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!(list[0]["name"], format!("docs/{}", place.name("a.md")));
    assert_eq!((&list[0]["metadata"], &list[0]["access"]), (&json!({"team": "blue"}), &json!(["staff"])));
}

async fn what_is_refused_is_told(place: &mut impl Place) {
    place.put("a.md", b"one").await;
    place.put("empty.md", b"").await;
    let (app, _dir) = app_with(&place.connector("")).await;
    for _ in 0..2 {
        let ended = complete(&app, "one").await;
        assert_eq!(ended.report.failed, 1, "{ended:?}");
        check(&app, place, &[("a.md", "one")]).await;
        let shown = app.read("/v1/connectors/one").await;
        assert_eq!((&shown["failed"], shown["failures"].as_array().unwrap().len()), (&json!(1), 1), "{shown}");
        assert!(shown["failures"][0]["error"].as_str().unwrap().contains("empty"), "{shown}");
    }
    place.put("empty.md", b"no longer").await;
    complete(&app, "one").await;
    assert_eq!(app.read("/v1/connectors/one").await["failures"], json!([]));
    check(&app, place, &[("a.md", "one"), ("empty.md", "no longer")]).await;
}

async fn what_was_too_large_is_taken_when_more_is_taken(place: &mut impl Place) {
    place.put("a.md", b"one").await;
    place.put("large.md", b"larger than the other").await;
    let (app, _dir) = app_with(&place.connector("")).await;
    let mut services = app.app.connectors.clone();
    services.max_upload_bytes = 10;
    let connector = app.app.config.connectors.get("one").unwrap().clone();
    let narrow = Follower::new(services, connector).unwrap();
    for _ in 0..2 {
        let ended = narrow.once(false, &CancellationToken::new()).await.unwrap().unwrap();
        assert_eq!((ended.outcome, ended.report.failed), (PassOutcome::Complete, 1), "{ended:?}");
        let shown = app.read("/v1/connectors/one").await;
        assert!(shown["failures"][0]["error"].as_str().unwrap().contains("max_upload_bytes"), "{shown}");
    }
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.failed, ended.report.added), (0, 1), "{ended:?}");
    check(&app, place, &[("a.md", "one"), ("large.md", "larger than the other")]).await;
}

async fn what_is_left_out_is_counted(place: &mut impl Place) {
    place.put("a.md", b"one").await;
    place.put("b.txt", b"two").await;
    place.put("drafts/c.md", b"three").await;
    let lines = "include = [\"**/*.md\"]\nexclude = [\"drafts/**\"]";
    let (app, _dir) = app_with(&place.connector(lines)).await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.listed, ended.report.passed_over), (1, 2), "{ended:?}");
    check(&app, place, &[("a.md", "one")]).await;
}
