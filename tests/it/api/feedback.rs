//! Feedback over HTTP: given on every kind of answer, read with its trace, purged, and exported as a data set.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::forms::check_problem;
use crate::{program::Program, sample, test_app::TestApp};

async fn give(app: &TestApp, answer: &Value, body: Value) -> (StatusCode, Value) {
    app.post(&format!("/v1/answers/{}/feedback", answer["id"].as_str().unwrap()), body).await
}

fn path(given: &Value) -> String {
    format!("/v1/feedback/{}", given["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_is_kept_with_everything_that_the_answer_came_from() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let (_, _, question, words) = sample::DOCUMENTS[0];
    let answer = app.ask(question).await;
    let (status, given) = give(&app, &answer, json!({"verdict": "right", "comment": "exactly"})).await;
    assert_eq!(status, StatusCode::CREATED, "{given}");
    assert_eq!((&given["answer_id"], &given["question"]), (&answer["id"], &json!(question)));
    let shown = app.read(&path(&given)).await;
    // The outcome as it was answered, to the last figure.
    assert_eq!(shown["trace"]["outcome"], answer);
    assert_eq!(
        (&shown["verdict"], &shown["comment"], &shown["given_by"]),
        (&json!("right"), &json!("exactly"), &json!("local"))
    );
    let passages = shown["trace"]["passages"].as_array().unwrap();
    assert!(passages[0]["text"].as_str().unwrap().contains(words), "{passages:?}");
    assert!(passages.iter().all(|passage| passage["score"].as_f64().is_some_and(|score| score > 0.0)), "{passages:?}");

    // A streamed answer, one of a conversation, and one over the other protocol.
    let streamed = app.ask_streamed(sample::UNRELATED).await.pop().unwrap().1;
    let (status, declined) = give(&app, &streamed, json!({"verdict": "should_have_answered"})).await;
    assert_eq!((status, &declined["outcome"]), (StatusCode::CREATED, &json!("abstained")), "{declined}");
    let (_, stored) = app.post("/v1/ask", json!({"question": question, "store": true})).await;
    let (status, in_conversation) = give(&app, &stored, json!({"verdict": "wrong_source"})).await;
    assert_eq!(status, StatusCode::CREATED, "{in_conversation}");
    let messages = json!([{"role": "user", "content": question}]);
    let (_, chat) = app.post("/v1/chat/completions", json!({"model": "footnote", "messages": messages})).await;
    let (status, _) = give(&app, &chat["footnote"]["outcome"], json!({"verdict": "wrong"})).await;
    assert_eq!(status, StatusCode::CREATED, "{chat}");

    // The last one stands.
    let better = json!({"verdict": "better_answer", "better_answer": "At 11:30, writes ada@kiln-works.org."});
    let (status, again) = give(&app, &answer, better).await;
    assert_eq!((status, &again["id"], &again["verdict"]), (StatusCode::OK, &given["id"], &json!("better_answer")));
    let verdicts = async |query: &str| {
        let listed = app.read(&format!("/v1/feedback{query}")).await;
        let listed = listed["feedback"].as_array().unwrap().clone();
        listed.iter().map(|one| one["verdict"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(verdicts("").await, ["wrong", "wrong_source", "should_have_answered", "better_answer"]);
    assert_eq!(verdicts("?verdict=wrong").await, ["wrong"]);
    assert_eq!(verdicts("?collection=other").await, Vec::<String>::new());
    let page = app.read("/v1/feedback?limit=3").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(verdicts(&format!("?limit=3&cursor={cursor}")).await, ["better_answer"]);

    let conversation = stored["conversation_id"].as_str().unwrap();
    app.delete(&format!("/v1/conversations/{conversation}")).await;
    assert_eq!(app.get(&path(&in_conversation)).await.0, StatusCode::NOT_FOUND);
    let (status, _) = app.delete(&path(&declined)).await;
    assert_eq!((status, app.delete(&path(&declined)).await.0), (StatusCode::OK, StatusCode::NOT_FOUND));
    assert_eq!(verdicts("").await, ["wrong", "better_answer"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_said_is_refused_with_what_to_do() {
    let app = TestApp::start().await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    let answer = app.ask(sample::DOCUMENTS[0].2).await;
    for (body, words) in [
        (json!({}), "verdict"),
        (json!({"verdict": "good"}), "should_have_abstained"),
        (json!({"verdict": "right", "stars": 5}), "stars"),
        (json!({"verdict": "right", "better_answer": "No."}), "leave `better_answer` out"),
        (json!({"verdict": "better_answer"}), "fill it in"),
        (json!({"verdict": "wrong", "comment": ""}), "`comment` is empty"),
        (json!({"verdict": "wrong", "comment": "x".repeat(4_001)}), "4001 code points"),
        (json!({"verdict": "should_have_answered"}), "ended as `answered`"),
    ] {
        let (status, problem) = give(&app, &answer, body).await;
        check_problem(status, &problem, (422, "invalid"), words);
    }
    let unknown = json!({"id": "ans_00000000000000000000000000000000"});
    let (status, problem) = give(&app, &unknown, json!({"verdict": "right"})).await;
    check_problem(status, &problem, (404, "not-found"), "24 hours");
    assert_eq!(app.read("/v1/feedback").await["feedback"], json!([]));
    assert_eq!(give(&app, &answer, json!({"verdict": "right"})).await.0, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_traces_are_kept_nothing_is_stored_and_nothing_can_be_said() {
    let app = TestApp::start_with(|settings| settings.trace_hours = Some(0)).await;
    app.ingest("canteen.md", sample::CANTEEN).await;
    let answer = app.ask(sample::DOCUMENTS[0].2).await;
    let (status, problem) = give(&app, &answer, json!({"verdict": "right"})).await;
    check_problem(status, &problem, (404, "not-found"), "`trace_hours` is 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_secret_is_blacked_out_in_what_is_kept() {
    let app = TestApp::start().await;
    let text = "# Kiln\n\nThe kiln is opened by Ada. Its lock is opened with the card 4111 1111 1111 1111 only.\n";
    app.ingest("kiln.md", text).await;
    let answer = app.ask("Who opens the kiln?").await;
    let comment = json!({"verdict": "wrong", "comment": "the card is 4111 1111 1111 1111"});
    let (status, given) = give(&app, &answer, comment).await;
    assert_eq!(
        (status, &given["comment"]),
        (StatusCode::CREATED, &json!("the card is ████ ████ ████ ████")),
        "{given}"
    );
    let shown = app.read(&path(&given)).await;
    assert_eq!(shown["redacted"], json!(["card"]));
    assert!(!shown.to_string().contains("4111") && shown.to_string().contains("opened by Ada"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_document_is_taken_out_at_once_and_for_good() {
    let app = TestApp::start().await;
    let ids = app.ingest_form(sample::form()).await;
    let (_, _, question, words) = sample::DOCUMENTS[0];
    let (said, unsaid) = (app.ask(question).await, app.ask(question).await);
    let (_, given) = give(&app, &said, json!({"verdict": "right", "comment": format!("yes, {words}")})).await;
    app.delete(&format!("/v1/documents/{}", ids[0])).await;
    for settled in [false, true] {
        if settled {
            app.settle().await;
        }
        let shown = app.read(&path(&given)).await;
        assert!(!shown.to_string().contains(words) && shown.to_string().contains(&ids[0]), "{settled}: {shown}");
        assert_eq!((&shown["trace"]["outcome"]["answer"], &shown["verdict"]), (&json!(""), &json!("right")));
        assert!(!app.read("/v1/feedback").await.to_string().contains(words));
    }
    assert_eq!(give(&app, &unsaid, json!({"verdict": "right"})).await.0, StatusCode::NOT_FOUND);
    // Not only not shown.
    let path = app.app.config.data_dir.join("footnote.db");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}?mode=ro", path.display())).await.unwrap();
    let sql = "SELECT (SELECT COUNT(*) FROM feedback WHERE trace LIKE '%eleven%' OR comment LIKE '%eleven%') \
               + (SELECT COUNT(*) FROM answer_traces WHERE trace LIKE '%eleven%')";
    assert_eq!(sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.unwrap(), 0);
    pool.close().await;
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feedback_is_exported_as_examples_that_can_be_imported() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let mut given = Vec::new();
    for (_, _, question, _) in sample::DOCUMENTS {
        given.push(app.ask(question).await);
    }
    let declined = app.ask(sample::UNRELATED).await;
    give(&app, &given[0], json!({"verdict": "right"})).await;
    give(&app, &given[1], json!({"verdict": "better_answer", "better_answer": "Four hours, then it moves."})).await;
    give(&app, &given[2], json!({"verdict": "wrong"})).await;
    give(&app, &declined, json!({"verdict": "right"})).await;
    let (_config, dir) = app.stop().await;
    let dir = dir.unwrap();
    let program = Program::new(dir.path()).await;

    let listed = program.run(&["feedback", "list"]).await;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(
        listed.stdout.contains("abstained was right") && listed.stdout.contains("better: Four hours"),
        "{listed:?}"
    );
    let out = dir.path().join("said");
    let exported = program.run(&["feedback", "export", out.to_str().unwrap(), "--licence", "LicenseRef-ours"]).await;
    assert_eq!(exported.code, Some(0), "{exported:?}");
    assert!(
        exported.stdout.contains("3 examples") && exported.stderr.contains("what would have been right"),
        "{exported:?}"
    );
    let examples = lines(&out.join("examples.jsonl"));
    let by_verdict = |verdict: &str| examples.iter().filter(|one| one["tags"][1] == verdict).collect::<Vec<_>>();
    let [declined, right] = by_verdict("right")[..] else { panic!("{examples:?}") };
    assert_eq!((&right["expected"], &right["answer"]), (&json!("answered"), &given[0]["answer"]));
    assert!(!right["support"].as_array().unwrap().is_empty(), "{right}");
    assert_eq!((&declined["expected"], &declined["kind"]), (&json!("abstained"), &json!("task")));
    let [better] = by_verdict("better_answer")[..] else { panic!("{examples:?}") };
    assert_eq!((&better["kind"], &better["answer"]), (&json!("failure"), &json!("Four hours, then it moves.")));
    let traces = lines(&out.join("traces.jsonl"));
    assert_eq!(traces.len(), 4);
    let left_out: Vec<&Value> = traces.iter().filter(|line| line["example"].is_null()).collect();
    assert!(
        matches!(&left_out[..], [one] if one["feedback"]["trace"]["outcome"]["id"] == given[2]["id"]),
        "{left_out:?}"
    );

    let imported = dir.path().join("imported");
    let (from, to) = (out.join("examples.jsonl"), imported.to_str().unwrap());
    let ended = program.run(&["dataset", "import", "jsonl", from.to_str().unwrap(), "--out", to]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!((lines(&imported.join("task.jsonl")).len(), lines(&imported.join("failure.jsonl")).len()), (2, 1));
    let again = program.run(&["feedback", "export", out.to_str().unwrap()]).await;
    assert!(again.code == Some(1) && again.stderr.contains("exists"), "{again:?}");
}
