//! Answers that are not where the example says.
//!
//! May depend on `normal_form` and `domain::text`.

use super::Code;
use crate::{
    domain::text::{CodePointIndex, CodePointRange},
    train::dataset::{
        FREE_FORM,
        example::{Example, SpanRole},
        normal_form,
    },
};

/// Short answers of which none stands in a passage, and answer spans that hold something else.
pub(super) fn look_at(example: &Example, found: &mut Vec<(Code, String)>) {
    if example.short_answers.is_empty() || example.tags.iter().any(|tag| tag == FREE_FORM) {
        return;
    }
    if !stands_somewhere(example) {
        let message = format!(
            "none of the short answers {:?} stands in a passage; correct them, or tag the example `{FREE_FORM}` when its \
             answer is in no passage by its nature",
            example.short_answers
        );
        found.push((Code::AnswerNotInPassages, message));
    }
    for (number, span) in example.support.iter().enumerate().filter(|(_, span)| span.role == SpanRole::Answer) {
        let Some(passage) = example.passages.iter().find(|passage| passage.id == span.passage) else { continue };
        let range = CodePointRange { start: span.start, end: span.end };
        let Some(text) = CodePointIndex::new(&passage.text).slice(range) else { continue };
        let same = |answer: &String| answer == text || normal_form::answer(answer) == normal_form::answer(text);
        if !example.short_answers.iter().any(same) {
            let message = format!(
                "`support[{number}]` marks {text:?}, which is none of the short answers; mark the answer itself"
            );
            found.push((Code::AnswerSpan, message));
        }
    }
}

fn stands_somewhere(example: &Example) -> bool {
    let exactly = |answer: &String| example.passages.iter().any(|passage| passage.text.contains(answer.as_str()));
    if example.short_answers.iter().any(exactly) {
        return true;
    }
    // As answers are compared: without case, punctuation and articles.
    let normal: Vec<String> = example.short_answers.iter().map(|answer| normal_form::answer(answer)).collect();
    example.passages.iter().any(|passage| {
        let text = normal_form::answer(&passage.text);
        normal.iter().any(|answer| normal_form::holds(&text, answer))
    })
}
