//! Conversations: stored because somebody asks for it, and deleted with everything that came of them.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::forms::check_problem;
use crate::{sample, test_app::TestApp};

const UNKNOWN: &str = "cnv_00000000000000000000000000000000";

/// How many rows there are in each table that a conversation writes.
async fn rows(app: &TestApp) -> Vec<i64> {
    let path = app.app.config.data_dir.join("footnote.db");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}?mode=ro", path.display())).await.unwrap();
    let mut counts = Vec::new();
    for table in ["conversations", "turns", "turn_documents", "unanswered", "deliveries", "delivery_documents"] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        counts.push(sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap());
    }
    pool.close().await;
    counts
}

async fn ask_in(app: &TestApp, id: &Value, question: &str) -> Value {
    let (status, body) = app.post("/v1/ask", json!({"question": question, "conversation_id": id})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_stored_in_its_conversation_and_nowhere_else() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let (_, _, question, words) = sample::DOCUMENTS[0];
    let plain = app.ask(question).await;
    assert!(plain.get("conversation_id").is_none());
    assert_eq!(rows(&app).await, [0; 6]);

    let (status, begun) = app.post("/v1/conversations", json!({})).await;
    assert_eq!((status, &begun["collection"], &begun["turns"]), (StatusCode::CREATED, &json!("default"), &json!(0)));
    let id = &begun["id"];
    let answered = ask_in(&app, id, question).await;
    assert_eq!((&answered["conversation_id"], &answered["outcome"]), (id, &json!("answered")));
    let declined = ask_in(&app, id, sample::UNRELATED).await;
    let path = format!("/v1/conversations/{}", id.as_str().unwrap());
    let shown = app.read(&path).await;
    assert_eq!((&shown["id"], &shown["turns"], &shown["next_after"]), (id, &json!(2), &json!(null)));
    let [first, second] = &shown["history"].as_array().unwrap()[..] else { panic!("{shown}") };
    assert_eq!((&first["answer_id"], &first["turn"]["answer"]), (&answered["id"], &answered["answer"]));
    assert_eq!((&first["turn"]["question"], &first["model"]), (&json!(question), &answered["model"]));
    let source = &first["turn"]["sources"][0];
    assert_eq!(source["document_id"], answered["citations"][0]["document_id"]);
    assert!(first["turn"]["answer"].as_str().unwrap().contains(words));
    assert_eq!((&second["number"], &second["turn"]["outcome"]), (&json!(2), &json!("abstained")));
    assert_eq!(second["actions"], declined["actions"]);
    let page = app.read(&format!("{path}?limit=1")).await;
    assert_eq!((page["history"].as_array().unwrap().len(), &page["next_after"]), (1, &json!(1)));
    assert_eq!(app.read(&format!("{path}?after=1")).await["history"][0]["number"], 2);

    // One begins with its first question, when that is asked to be stored.
    let (_, stored) = app.post("/v1/ask", json!({"question": question, "store": true})).await;
    assert_ne!(&stored["conversation_id"], id);
    let listed = app.read("/v1/conversations").await;
    let ids: Vec<&Value> = listed["conversations"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&stored["conversation_id"], id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_a_conversation_is_refused_before_any_work() {
    let app = TestApp::idle().await;
    let ask = async |body: Value| app.post("/v1/ask", body).await;
    let (status, body) = ask(json!({"question": "x", "conversation_id": UNKNOWN})).await;
    check_problem(status, &body, (404, "not-found"), UNKNOWN);
    let (_, begun) = app.post("/v1/conversations", json!({"collection": "a"})).await;
    let (id, turn) = (&begun["id"], json!({"question": "y"}));
    let (status, body) = ask(json!({"question": "x", "conversation_id": id, "history": [turn]})).await;
    check_problem(status, &body, (422, "invalid"), "history");
    let (status, body) = ask(json!({"question": "x", "conversation_id": id, "collection": "b"})).await;
    check_problem(status, &body, (422, "invalid"), "`a`");
    let (status, body) = ask(json!({"question": "x", "history": vec![turn; 21]})).await;
    check_problem(status, &body, (422, "invalid"), "21 turns");
    assert_eq!(rows(&app).await, [1, 0, 0, 0, 0, 0]);
    for (path, delete) in [(UNKNOWN, false), (UNKNOWN, true)] {
        let path = format!("/v1/conversations/{path}");
        let (status, body) = if delete { app.delete(&path).await } else { app.get(&path).await };
        check_problem(status, &body, (404, "not-found"), UNKNOWN);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_conversation_leaves_nothing_in_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.toml");
    std::fs::write(&rules, super::webhooks::rules("http://127.0.0.1:9/nobody")).unwrap();
    let mut app = TestApp::start_with(|settings| settings.rules = Some(rules)).await;
    app.leaves_jobs();
    app.ingest_form(sample::form()).await;
    let (_, begun) = app.post("/v1/conversations", json!({})).await;
    let id = begun["id"].as_str().unwrap();
    ask_in(&app, &begun["id"], sample::DOCUMENTS[0].2).await;
    let declined = ask_in(&app, &begun["id"], sample::UNRELATED).await;
    let counts = rows(&app).await;
    assert_eq!((counts[0], counts[1], counts[3], counts[4]), (1, 2, 1, 1), "{counts:?}");
    let delivery = declined["actions"].as_array().unwrap().iter().find(|action| action["type"] == "webhook").unwrap();

    let (status, _) = app.delete(&format!("/v1/conversations/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(rows(&app).await, [0; 6]);
    let job = app.read(&format!("/v1/jobs/{}", delivery["delivery_id"].as_str().unwrap())).await;
    assert_eq!((&job["state"], &job["kind"]), (&json!("cancelled"), &json!("deliver")));
    assert_eq!(app.read("/v1/unanswered").await["groups"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purged_document_leaves_its_ids_in_the_conversation() {
    let app = TestApp::start().await;
    let ids = app.ingest_form(sample::form()).await;
    let (_, _, question, words) = sample::DOCUMENTS[1];
    let (_, answered) = app.post("/v1/ask", json!({"question": question, "store": true})).await;
    assert_eq!(answered["outcome"], "answered", "{answered}");
    let path = format!("/v1/conversations/{}", answered["conversation_id"].as_str().unwrap());
    assert!(app.read(&path).await.to_string().contains(words));
    app.delete(&format!("/v1/documents/{}", ids[1])).await;
    for settled in [false, true] {
        if settled {
            app.settle().await;
        }
        let turn = &app.read(&path).await["history"][0]["turn"];
        assert_eq!((&turn["question"], turn.get("answer"), turn.get("short_answer")), (&json!(question), None, None));
        let source = &turn["sources"][0];
        assert_eq!((&source["document_id"], &source["name"]), (&json!(ids[1]), &json!("")), "{turn}");
        assert!(source.get("heading").is_none() && !turn.to_string().contains(words), "{turn}");
    }
    let counts = rows(&app).await;
    assert_eq!((counts[1], counts[2]), (1, 0), "the turn is there, and names no document to take out");
}
