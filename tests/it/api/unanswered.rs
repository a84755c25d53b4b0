//! The list of unanswered questions: kept because a rule says so, in groups, until they are dismissed or answered.

use reqwest::StatusCode;
use serde_json::json;

use super::forms::check_problem;
use crate::{sample, test_app::TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_kept_in_groups_until_they_are_settled() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rules.toml");
    let text =
        "[[rules]]\nname = \"keep\"\nwhen = { outcomes = [\"abstained\"] }\nthen = [{ record_unanswered = true }]\n";
    std::fs::write(&path, text).unwrap();
    let app = TestApp::start_with(|settings| settings.rules = Some(path)).await;
    let ids = app.ingest("library.md", sample::LIBRARY).await;
    let (_, _, question, _) = sample::DOCUMENTS[0];
    let asked = ["Which metal has the highest melting temperature?", "Which metal melts at the highest temperature?"];
    for text in asked.into_iter().chain([question]) {
        let outcome = app.ask(text).await;
        assert_eq!(outcome["outcome"], "abstained", "{outcome}");
        let last = outcome["actions"].as_array().unwrap().last().unwrap();
        assert_eq!(last["type"], "record_unanswered");
    }
    let list = app.read("/v1/unanswered").await;
    let [metals, canteen] = &list["groups"].as_array().unwrap()[..] else { panic!("{list}") };
    assert_eq!((&metals["count"], &canteen["count"], &list["older"]), (&json!(2), &json!(1), &json!(0)));
    let examples: Vec<_> = metals["examples"].as_array().unwrap().iter().map(|one| &one["question"]).collect();
    assert_eq!(examples, [asked[1], asked[0]]);
    assert_eq!(metals["nearest"][0], json!({"document_id": ids, "name": "library.md", "questions": 2}));
    assert!(metals["first_asked_at"].as_str().unwrap() <= metals["last_asked_at"].as_str().unwrap());
    assert_eq!(app.read("/v1/unanswered?collection=other").await["groups"], json!([]));

    let of_metals = metals["examples"][0]["id"].as_str().unwrap();
    for dismissed in [2, 0] {
        let (status, body) = app.post(&format!("/v1/unanswered/{of_metals}/dismiss"), json!({})).await;
        assert_eq!((status, &body["dismissed"]), (StatusCode::OK, &json!(dismissed)));
    }
    let unknown = "unq_00000000000000000000000000000000";
    let (status, body) = app.post(&format!("/v1/unanswered/{unknown}/dismiss"), json!({})).await;
    check_problem(status, &body, (404, "not-found"), unknown);
    // The other one is answered once there is a document for it.
    assert_eq!(app.read("/v1/unanswered").await["groups"].as_array().unwrap().len(), 1);
    app.ingest("canteen.md", sample::CANTEEN).await;
    assert_eq!(app.ask(question).await["outcome"], "answered");
    assert_eq!(app.read("/v1/unanswered").await["groups"], json!([]));
}
