//! The second look of a question: a document that goes beside the best one is looked for only where its caller may read.

use std::sync::{Arc, Mutex};

use footnote::{
    domain::text::CodePointRange,
    models::encoder::{BestSpan, Decision, ReaderError, SpanReader, TitledPassage},
};
use reqwest::{Client, StatusCode, multipart::Form};
use serde_json::{Value, json};

use super::{Wanted, client_with, labels::post, make_key, sees};
use crate::test_app::{TestApp, file};

const QUESTION: &str = "When are expenses paid?";
const GERMANY: &str = "# Travel policy: Germany\n\n## Receipts\n\nExpenses are paid with the next salary.\n";
/// The same section of a document with a title alike, without a word of the question. For the board only.
const NORWAY: &str =
    "# Travel policy: Norway\n\n## Receipts\n\nThe krone account is topped up after five working days.\n";
const TITLES: [&str; 2] = ["Travel policy: Germany", "Travel policy: Norway"];
/// What would give the closed document away, beside its identifier.
const TRACES: [&str; 3] = ["Norway", "norway.md", "krone"];

/// Finds what both policies say, and remembers the titles that it was given, call by call.
#[derive(Default)]
struct Policies {
    read: Mutex<Vec<Vec<String>>>,
}

impl Policies {
    /// The titles of the calls since this was asked last.
    fn read_titles(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.read.lock().unwrap())
    }
}

#[async_trait::async_trait]
impl SpanReader for Policies {
    fn name(&self) -> &str {
        "policies"
    }

    fn decision(&self) -> Decision {
        Decision::UNFITTED
    }

    async fn read(&self, _: String, passages: Vec<TitledPassage>) -> Result<Vec<Option<BestSpan>>, ReaderError> {
        let find = |passage: &TitledPassage| {
            let known = [("with the next salary", 4.0), ("after five working days", 3.5)];
            known.into_iter().find_map(|(words, score)| {
                let start = passage.text[..passage.text.find(words)?].chars().count() as u32;
                Some(BestSpan { range: CodePointRange { start, end: start + words.chars().count() as u32 }, score })
            })
        };
        let spans = passages.iter().map(find).collect();
        self.read.lock().unwrap().push(passages.into_iter().map(|passage| passage.title).collect());
        Ok(spans)
    }
}

/// Many passages that are nearer to the question than the sibling is, so that the first search does not bring it. In none
/// do the words of the question stand beside each other, as they do in the German policy.
fn payroll() -> String {
    let mut text = "# Payroll notes\n".to_owned();
    for number in 0..30 {
        text.push_str(&format!(
            "\n## Cashier {number}\n\nThe expenses of workshop {number} are written on door {}, and what is paid for them \
             is written beside it. When workshop {number} asks about its expenses, cashier {number} says what was paid and \
             when, and nobody else does. The list of what cashier {number} paid, with all expenses of the week, hangs at \
             counter {}.\n",
            number * 7 + 3,
            number * 11 + 5,
        ));
    }
    text
}

/// Both policies, and what stands between them, in an application whose key `root` is for everything.
async fn two_policies(reader: Arc<Policies>) -> (TestApp, [String; 2]) {
    let mut app = TestApp::start_with_reader(reader).await;
    app.ingest("payroll.md", payroll()).await;
    let germany = app.ingest("germany.md", GERMANY).await;
    let form = Form::new().part("file", file("norway.md", NORWAY)).text("access", r#"["board"]"#);
    let norway = app.ingest_form(form).await.remove(0);
    app.client = client_with(&make_key(&app.app, Wanted::EVERYTHING).await);
    (app, [germany, norway])
}

/// What was answered, and everything that is kept of it.
async fn asked(app: &TestApp, client: &Client) -> (Value, Value) {
    let (status, outcome) = post(app, client, "/v1/ask", json!({"question": QUESTION, "store": true})).await;
    assert_eq!(status, StatusCode::OK, "{outcome}");
    let path = format!("/v1/answers/{}/feedback", outcome["id"].as_str().unwrap());
    let (status, given) = post(app, client, &path, json!({"verdict": "right"})).await;
    assert_eq!(status, StatusCode::CREATED, "{given}");
    // Read by who may read everything: nothing is taken out for the reader of the trace.
    let kept = app.read(&format!("/v1/feedback/{}", given["id"].as_str().unwrap())).await;
    (outcome, kept)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sibling_is_looked_for_and_read_only_where_the_caller_may_read() {
    let reader = Arc::new(Policies::default());
    let (app, [germany, norway]) = two_policies(reader.clone()).await;
    let board = sees(&app, Wanted { labels: Some(&["board"]), ..Wanted::EVERYTHING }).await;
    let staff = sees(&app, Wanted { labels: Some(&["staff"]), ..Wanted::EVERYTHING }).await;

    // Who may read both is asked which one is meant, though the search brought one of them only.
    let (outcome, kept) = asked(&app, &board).await;
    let titles = reader.read_titles();
    let [first, second] = &titles[..] else { panic!("{titles:?}") };
    assert!(first.iter().any(|title| title == TITLES[0]) && first.iter().all(|title| title != TITLES[1]), "{titles:?}");
    assert_eq!(*second, [TITLES[1]]);
    assert_eq!((&outcome["outcome"], &outcome["clarify"]), (&json!("clarify"), &json!(TITLES)), "{outcome}");
    let trace = kept["trace"].to_string();
    assert!(trace.contains(&norway) && TRACES.iter().all(|words| trace.contains(words)), "{kept}");

    // Who may read one is answered from it, and nothing of the other is read, shown or kept.
    let (outcome, kept) = asked(&app, &staff).await;
    assert_eq!(outcome["outcome"], "answered", "{outcome}");
    assert_eq!(outcome["citations"][0]["document_id"], germany.as_str(), "{outcome}");
    let body = json!({"question": QUESTION, "stream": true});
    let streamed = staff.post(format!("{}/v1/ask", app.url)).json(&body).send().await.unwrap().text().await.unwrap();
    assert!(streamed.contains(&germany), "{streamed}");
    let titles = reader.read_titles();
    assert_eq!(titles.len(), 2, "one call for each question: {titles:?}");
    for shown in [outcome.to_string(), kept.to_string(), streamed, format!("{titles:?}")] {
        let trace = TRACES.into_iter().chain([norway.as_str()]).find(|words| shown.contains(words));
        assert_eq!(trace, None, "{shown}");
    }
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sibling_outside_the_filter_is_not_looked_for() {
    let reader = Arc::new(Policies::default());
    let (app, [germany, norway]) = two_policies(reader.clone()).await;
    let ask = async |documents: &[&String]| {
        let (_, outcome) =
            app.post("/v1/ask", json!({"question": QUESTION, "filter": {"document_ids": documents}})).await;
        outcome
    };
    let outcome = ask(&[&germany]).await;
    assert_eq!(outcome["outcome"], "answered", "{outcome}");
    let shown = format!("{outcome} {:?}", reader.read_titles());
    assert_eq!(TRACES.into_iter().chain([norway.as_str()]).find(|words| shown.contains(words)), None, "{shown}");
    assert_eq!(ask(&[&germany, &norway]).await["outcome"], "clarify");
}
