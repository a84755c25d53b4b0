//! Examples and predictions for the tests of `eval`, about an invented harbour.
//!
//! May depend on `eval` and `train::dataset`.

#![allow(clippy::expect_used)]

use super::{
    bootstrap::Resampling,
    card::{Card, DataIdentity, FORMAT, Machine, SuiteIdentity},
    examples::document_of,
    measure::{Metrics, ResampleBy},
    metric::Metric,
    prediction::{CitedSpan, PredictedOutcome, Prediction},
    run::Run,
    scoring::{self, Said},
    squad_score,
    suite::{LoadedSuite, SuiteQuestion},
};
use crate::train::dataset::example::{Example, ExamplePart, Expected, Kind, Passage, Span, SpanRole};

/// An answerable example with one passage whose first sentence is the evidence.
pub fn answerable(id: &str, question: &str, answer: &str, short_answers: &[&str]) -> Example {
    let text = format!("{answer} The keeper notes it every morning.");
    let end = answer.chars().count() as u32;
    let passage = format!("{id}-p");
    Example {
        id: id.into(),
        kind: Kind::Task,
        history: vec![],
        parts: vec![],
        question: question.into(),
        passages: vec![Passage { id: passage.clone(), title: format!("Harbour {}", id.len() % 3), text }],
        expected: Expected::Answered,
        answer: Some(answer.into()),
        short_answers: short_answers.iter().map(|text| (*text).to_owned()).collect(),
        support: vec![Span { passage, start: 0, end, role: SpanRole::Evidence }],
        tags: vec![],
        provenance: "written for this test".into(),
        licence: "Apache-2.0".into(),
    }
}

/// The same without an answer.
pub fn abstaining(id: &str, question: &str) -> Example {
    let unsupported = Example { expected: Expected::Abstained, ..answerable(id, question, "The pier is old.", &[]) };
    Example { answer: None, support: vec![], ..unsupported }
}

/// A question that asks for two of them.
pub fn pair(one: &Example, other: &Example) -> Example {
    let part = |example: &Example| ExamplePart {
        question: example.question.clone(),
        expected: example.expected,
        answer: example.answer.clone(),
        short_answers: example.short_answers.clone(),
    };
    let answered = [one, other].iter().filter(|example| example.expected == Expected::Answered).count();
    Example {
        id: format!("{}+{}", one.id, other.id),
        question: format!("{} And {}", one.question, other.question),
        parts: vec![part(one), part(other)],
        passages: one.passages.iter().chain(&other.passages).cloned().collect(),
        expected: [Expected::Abstained, Expected::Partial, Expected::Answered][answered],
        answer: one.answer.clone().or(other.answer.clone()),
        short_answers: vec![],
        support: one.support.iter().chain(&other.support).cloned().collect(),
        ..one.clone()
    }
}

/// What a system said to an example, scored.
pub fn prediction(example: &Example, outcome: PredictedOutcome, answer: &str, confidence: f64) -> Prediction {
    let citations: Vec<CitedSpan> = Vec::new();
    let said = Said { outcome, answer, short_answer: None, parts: &[], citations: &citations, read: None };
    Prediction {
        id: example.id.clone(),
        document: example.passages.first().map(|passage| passage.title.clone()).unwrap_or_default(),
        expected: example.expected,
        outcome,
        answer: answer.into(),
        short_answer: None,
        confidence,
        scores: scoring::score(example, said, squad_score::DEFAULT_SUCCESS_F1),
        parts: vec![],
        citations,
        retrieval_score: None,
        read: None,
        answer_loss: None,
        latency_ms: 10.0,
        stages_ms: Default::default(),
        error: (outcome == PredictedOutcome::Failed).then(|| "it failed".to_owned()),
    }
}

/// A run of eight questions that ended in different ways. It depends on nothing outside, and so do its files' sums.
pub fn small_run() -> Run {
    let (examples, predictions) = (0..8)
        .map(|at| {
            let id = format!("q{at}");
            let example = match at % 4 {
                3 => abstaining(&id, "Who built the pier?"),
                _ => answerable(&id, "How long is the pier?", "The pier is 212 metres long.", &["212 metres"]),
            };
            let (outcome, answer) = match at {
                0 | 1 => (PredictedOutcome::Answered, "212 metres"),
                2 | 3 => (PredictedOutcome::Abstained, "The documents do not say."),
                4 => (PredictedOutcome::Answered, "90 metres"),
                5 => (PredictedOutcome::Failed, ""),
                _ => (PredictedOutcome::Answered, "<b>Anna & Söhne</b>"),
            };
            let prediction = prediction(&example, outcome, answer, 0.25 + f64::from(at) / 16.0);
            (example, prediction)
        })
        .unzip();
    run_of(examples, predictions)
}

/// A run of given predictions.
pub fn run_of(examples: Vec<Example>, predictions: Vec<Prediction>) -> Run {
    let settings = Resampling::new(200, 7, 0.95).expect("the settings are right");
    let metrics = Metrics::of(&examples, &predictions, &Metric::ALL, ResampleBy::Question, &settings);
    let time = chrono::DateTime::from_timestamp(1_790_000_000, 0).expect("the time is right");
    let machine = Machine {
        os: "linux".into(),
        architecture: "x86_64".into(),
        processor: Some("Test".into()),
        threads: 2,
        memory_bytes: None,
    };
    let card = Card {
        format: FORMAT,
        suite: SuiteIdentity {
            name: "harbour".into(),
            mode: "closed".into(),
            sha256: "0".repeat(64),
            settings: serde_json::json!({ "limit": 8 }),
        },
        data: DataIdentity { version: None, files: vec![] },
        models: Default::default(),
        configuration: Default::default(),
        seed: 7,
        program: "0.0.0".into(),
        commit: None,
        machine,
        started: time,
        finished: time,
        files: Default::default(),
    };
    Run { name: "small".into(), card, examples, predictions, metrics }
}

/// A closed suite of given examples.
pub fn suite_of(examples: Vec<Example>) -> LoadedSuite {
    let suite = toml::from_str("name = \"harbour\"\nmode = \"closed\"\ndata = \"data\"\n").expect("it is a suite");
    let question = |example: Example| SuiteQuestion { document: document_of(&example).to_owned(), example };
    LoadedSuite {
        suite,
        passages: examples.iter().flat_map(|example| example.passages.clone()).collect(),
        questions: examples.into_iter().map(question).collect(),
        files: vec![],
    }
}
