//! Answers: every one carries checked citations, or says that the documents do not hold it; streamed as in one piece.

use std::sync::Arc;

use footnote::{
    domain::text::CodePointRange,
    models::encoder::{BestSpan, Decision, ReaderError, SpanReader, TitledPassage},
};
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::{
    sample,
    test_app::{TestApp, file, until},
};

/// Finds the words of each sample document that answer its question, and nothing for another question.
struct Knowing;

#[async_trait::async_trait]
impl SpanReader for Knowing {
    fn name(&self) -> &str {
        "knowing"
    }

    fn decision(&self) -> Decision {
        Decision::UNFITTED
    }

    async fn read(&self, question: String, passages: Vec<TitledPassage>) -> Result<Vec<Option<BestSpan>>, ReaderError> {
        let Some((.., words)) = sample::DOCUMENTS.iter().find(|(_, _, asked, _)| *asked == question) else {
            let first = BestSpan { range: CodePointRange { start: 0, end: 1 }, score: -1.0 };
            return Ok(vec![Some(first); passages.len()]);
        };
        let find = |passage: TitledPassage| {
            let start = passage.text[..passage.text.find(words)?].chars().count() as u32;
            Some(BestSpan { range: CodePointRange { start, end: start + words.chars().count() as u32 }, score: 3.0 })
        };
        Ok(passages.into_iter().map(find).collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_has_citations_that_can_be_checked() {
    let app = TestApp::start().await;
    let ids = app.ingest_form(sample::form()).await;
    for ((name, _, question, words), id) in sample::DOCUMENTS.iter().zip(&ids).take(2) {
        let outcome = app.ask(question).await;
        assert_eq!(outcome["outcome"], "answered", "{outcome}");
        app.check_citations(&outcome).await;
        let citations = outcome["citations"].as_array().unwrap();
        let right = citations.iter().find(|citation| citation["quote"].as_str().unwrap().contains(words));
        let right = right.unwrap_or_else(|| panic!("no quote says `{words}`: {outcome}"));
        assert_eq!((&right["document_id"], &right["name"], &right["version"]), (&json!(id), &json!(name), &json!(1)));
        let heading = right["heading"].as_str().unwrap();
        assert!(["Eating at Müller & Söhne", "Charging"].contains(&heading), "{heading}");
        assert_eq!(right["page"], json!(null));
        let chunks = app.read(&format!("/v1/documents/{id}/chunks")).await;
        let chunk = chunks["chunks"].as_array().unwrap().iter().find(|chunk| chunk["id"] == right["chunk_id"]).unwrap();
        assert!(chunk["text"].as_str().unwrap().contains(right["quote"].as_str().unwrap()));

        check_every_sentence_is_cited(&outcome);
        assert!(outcome["id"].as_str().unwrap().starts_with("ans_"));
        assert!(["generated", "quoted"].contains(&outcome["wording"].as_str().unwrap()));
        let confidence = outcome["confidence"].as_f64().unwrap();
        assert!(confidence > 0.0 && confidence <= 1.0);
        assert_eq!((&outcome["actions"], &outcome["model"]["index"]), (&json!([]), &json!(1)));
        let usage = &outcome["usage"];
        assert!(usage["prompt_tokens"].as_u64().unwrap() > 50 && usage["completion_tokens"].as_u64().unwrap() > 0);
        assert!(usage["passages_read"].as_u64().unwrap() > 0);
        let timings = &outcome["timings_ms"];
        let parts =
            ["preprocess", "retrieve", "read", "generate", "postfilter"].map(|part| timings[part].as_f64().unwrap());
        assert!(
            parts.iter().all(|part| *part >= 0.0) && parts.iter().sum::<f64>() <= timings["total"].as_f64().unwrap()
        );
    }
}

/// The citations are in the order of the answer, and leave out nothing but the space between sentences.
fn check_every_sentence_is_cited(outcome: &Value) {
    let answer: Vec<char> = outcome["answer"].as_str().unwrap().chars().collect();
    let mut end = 0;
    for citation in outcome["citations"].as_array().unwrap() {
        let start = citation["answer_start"].as_u64().unwrap() as usize;
        assert!(answer[end..start.max(end)].iter().all(|c| c.is_whitespace()), "{outcome}");
        end = citation["answer_end"].as_u64().unwrap() as usize;
    }
    assert_eq!(end, answer.len(), "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_documents_do_not_hold_is_declined() {
    let app = TestApp::start().await;
    let nothing = app.ask(sample::DOCUMENTS[0].2).await;
    assert_eq!((&nothing["outcome"], &nothing["citations"]), (&json!("abstained"), &json!([])), "{nothing}");
    assert_eq!(nothing["actions"], json!([{"type": "upload_documents"}]));

    app.ingest_form(sample::form()).await;
    for question in [
        sample::UNRELATED,
        "When does the staff canteen open in Rotterdam?",
        "What does the year 1987 mean to the canteen?",
    ] {
        let outcome = app.ask(question).await;
        assert_eq!((&outcome["outcome"], &outcome["citations"]), (&json!("abstained"), &json!([])), "{outcome}");
        assert!(!outcome["answer"].as_str().unwrap().is_empty());
        // The confidence of a declined question is that of the best span, which was not good enough.
        assert!(outcome["confidence"].as_f64().unwrap() < 0.5, "{outcome}");
        assert_eq!(outcome["usage"]["completion_tokens"], 0);
        assert_eq!(outcome["actions"][0]["type"], "suggest_documents");
        assert!(outcome.get("wording").is_none());
        assert_eq!(outcome["question"]["original"], question);
    }
    // What is there, but not where it is looked for.
    let elsewhere = json!({"question": sample::DOCUMENTS[0].2, "collection": "elsewhere"});
    let (_, outcome) = app.post("/v1/ask", elsewhere).await;
    assert_eq!(
        (&outcome["outcome"], &outcome["actions"]),
        (&json!("abstained"), &json!([{"type": "upload_documents"}]))
    );
    let filtered = json!({"question": sample::DOCUMENTS[0].2, "filter": {"metadata": {"team": "red"}}});
    let (_, outcome) = app.post("/v1/ask", filtered).await;
    assert_eq!((&outcome["outcome"], &outcome["actions"]), (&json!("abstained"), &json!([])));
    assert!(outcome["answer"].as_str().unwrap().contains("filter"), "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_the_answers_that_each_gets_alone() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let questions: Vec<&str> =
        sample::DOCUMENTS.iter().map(|(_, _, question, _)| *question).chain([sample::UNRELATED]).collect();
    // All but what differs from one answer to the next by its nature.
    let essence = |outcome: Value| {
        let mut outcome = outcome.as_object().unwrap().clone();
        let [id, timings] = ["id", "timings_ms"].map(|key| outcome.remove(key));
        assert!(id.is_some() && timings.is_some());
        outcome
    };
    let mut alone = Vec::new();
    for question in &questions {
        alone.push(essence(app.ask(question).await));
    }
    assert_eq!(alone.iter().filter(|outcome| outcome["outcome"] == "answered").count(), 3);
    let many = futures::future::join_all((0..12).map(|number| app.ask(questions[number % questions.len()]))).await;
    for (number, outcome) in many.into_iter().enumerate() {
        assert_eq!(essence(outcome), alone[number % questions.len()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_decides_what_is_answered_and_what_the_answer_is_about() {
    let app = TestApp::start_with_reader(Arc::new(Knowing)).await;
    app.ingest_form(sample::form()).await;
    for (name, _, question, words) in sample::DOCUMENTS {
        let outcome = app.ask(question).await;
        assert_eq!((&outcome["outcome"], &outcome["short_answer"]), (&json!("answered"), &json!(words)), "{outcome}");
        app.check_citations(&outcome).await;
        check_every_sentence_is_cited(&outcome);
        let citations = outcome["citations"].as_array().unwrap();
        let holds = |citation: &&Value| citation["quote"].as_str().unwrap().contains(words);
        assert_eq!(citations.iter().find(holds).map(|citation| &citation["name"]), Some(&json!(name)), "{outcome}");
        let likely = f64::from(Decision::UNFITTED.probability_of(3.0));
        assert!((outcome["confidence"].as_f64().unwrap() - likely).abs() < 1e-6, "{outcome}");
        assert_eq!((&outcome["model"]["reader"], &outcome["usage"]["passages_read"]), (&json!("knowing"), &json!(1)));
        assert!(outcome["timings_ms"]["read"].as_f64().unwrap() >= 0.0);
    }
    // The documents hold the words of the question, and the reader says that they do not answer it.
    let outcome = app.ask("Where does the staff canteen open?").await;
    assert_eq!((&outcome["outcome"], &outcome["citations"]), (&json!("abstained"), &json!([])), "{outcome}");
    assert_eq!(outcome["usage"]["completion_tokens"], 0);
    assert!(outcome["confidence"].as_f64().unwrap() > 0.2 && outcome.get("short_answer").is_none(), "{outcome}");
    assert_eq!(outcome["actions"][0]["type"], "suggest_documents");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_answer_is_the_plain_one_sentence_by_sentence() {
    for app in [TestApp::start().await, TestApp::start_with_reader(Arc::new(Knowing)).await] {
        check_streams(&app).await;
    }
}

async fn check_streams(app: &TestApp) {
    app.ingest_form(sample::form()).await;
    for question in [sample::DOCUMENTS[0].2, sample::UNRELATED] {
        let plain = app.ask(question).await;
        let events = app.ask_streamed(question).await;
        let named = |name: &str| events.iter().filter(|(n, _)| n == name).map(|(_, data)| data).collect::<Vec<_>>();
        let stages: Vec<_> = named("stage").into_iter().map(|data| data["stage"].as_str().unwrap()).collect();
        assert_eq!(stages, ["preprocess", "retrieve", "read", "generate", "act"]);
        let (last, outcome) = events.last().unwrap();
        assert_eq!((last.as_str(), named("outcome").len(), named("problem").len()), ("outcome", 1, 0));

        let sentences = named("sentence");
        if outcome["outcome"] == "answered" {
            let text: String = sentences.iter().map(|sentence| sentence["text"].as_str().unwrap()).collect();
            assert_eq!(outcome["answer"], text);
            let citations: Vec<_> =
                sentences.iter().flat_map(|sentence| sentence["citations"].as_array().unwrap().clone()).collect();
            assert_eq!(outcome["citations"], json!(citations));
            app.check_citations(outcome).await;
        } else {
            assert_eq!(sentences.len(), 0);
        }
        // Everything but the answer's own id and its times is the same.
        let same = |outcome: &Value| {
            let mut outcome = outcome.clone();
            let fields = outcome.as_object_mut().unwrap();
            assert!(fields.remove("id").is_some() && fields.remove("timings_ms").is_some());
            outcome
        };
        assert_eq!(same(outcome), same(&plain));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_a_problem_and_a_caller_that_leaves_frees_its_place() {
    let app = TestApp::start().await;
    let events = app.ask_streamed(" ").await;
    let (name, problem) = events.last().unwrap();
    assert_eq!((name.as_str(), &problem["status"]), ("problem", &json!(422)));
    assert_eq!(problem["type"], "urn:footnote:problem:invalid");

    let form = Form::new().part("file", file("canteen.md", sample::CANTEEN));
    app.ingest_form(form).await;
    let body = json!({"question": sample::DOCUMENTS[0].2, "stream": true});
    let mut response = app.client.post(format!("{}/v1/ask", app.url)).json(&body).send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    assert_eq!(app.app.admission.open(), 1, "the answer is being made");
    drop(response);
    until("the place is free again", async || app.app.admission.open() == 0).await;
}
