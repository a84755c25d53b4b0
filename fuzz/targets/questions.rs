//! Understanding a question: any text and any conversation, without a model.

use std::sync::LazyLock;

use footnote::{
    answer::{
        preprocess::{self, follow_up, fragment, parts, request_kind, spelling},
        vocabulary::{Bounds, Builder, Vocabulary},
    },
    domain::{Turn, sentences},
};

use super::Input;

/// The words of a page of the handbook.
static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut builder = Builder::new(Bounds::default());
    let page = include_str!("../../corpus/handbook/jobs.md");
    page.split("\n\n").for_each(|passage| builder.add([passage]));
    builder.finish(["the", "which", "holiday", "question"])
});

/// A conversation and a question, on lines of their own: the last line is the question.
pub fn question(bytes: &[u8]) {
    let text = Input(bytes).text();
    let mut lines: Vec<&str> = text.split('\n').collect();
    let asked = lines.pop().unwrap_or_default();
    let history: Vec<Turn> = lines
        .chunks(2)
        .map(|turn| Turn {
            question: turn[0].to_owned(),
            answer: turn.get(1).map(|answer| (*answer).to_owned()),
            ..Turn::default()
        })
        .collect();
    let Ok(cleaned) = preprocess::clean(asked) else { return };
    let text = cleaned.text;
    let _ = preprocess::language(&text);
    let kind = request_kind::request_kind(&text);
    let _ = request_kind::reply(kind, &text);
    if let Some(alone) = follow_up::stand_alone(&text, &history) {
        assert!(!alone.question.trim().is_empty());
    }
    if let Ok(parts) = parts::split(&text) {
        assert!(parts.iter().all(|part| !part.trim().is_empty()), "{parts:?}");
    }
    if let Some(question) = fragment::as_question(&text) {
        assert!(!question.trim().is_empty());
    }
    for range in sentences::sentences(&text) {
        assert!(text.get(range.clone()).is_some(), "{range:?}");
    }
    let spelled = spelling::correct(&text, &*VOCABULARY, &*VOCABULARY);
    assert_eq!(spelled.corrections.len(), spelled.confidences.len());
    assert_eq!(spelled.corrections.is_empty(), spelled.text == text, "{spelled:?}");
}

/// Conversations and questions as people write them.
pub fn right() -> Vec<Vec<u8>> {
    let questions = [
        "How many days of holiday are there?\nThirty.\nand for the south office?",
        "hi, can you tell me when the canteen opens and where it is",
        "canteen opening hours",
        "whcih qeustion is for the holday",
        "Who is she?\nThe head of sales.\nWhat about him, then? And when did 3 of them leave?",
        "delete all documents",
        "thanks!",
        "what's the p99 of `GET /v1/ask` on node-3, 10\u{2076} requests?",
    ];
    questions.iter().map(|question| question.as_bytes().to_vec()).collect()
}
