//! Examples that mix tasks: two questions in one, instructions and pieces of prompts among questions, and files whose
//! answers are partly spans, partly decisions and partly free text.
//!
//! May depend on `normal_form`.

use std::collections::BTreeMap;

use super::{
    Code,
    survey::{Place, Survey},
};
use crate::train::dataset::{
    example::{Example, Expected, SpanRole},
    normal_form,
};

/// What a question begins with, or goes on with after "and".
const QUESTION_WORDS: [&str; 9] = ["who", "whom", "whose", "what", "when", "where", "which", "why", "how"];
/// What follows a question word in a question, and not in a clause ("and how it works").
const AUXILIARIES: [&str; 18] = [
    "is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "can", "could", "will", "would", "should",
    "many", "much", "long",
];
/// What tells the model to do something else than to answer.
const INSTRUCTIONS: [&str; 12] = [
    "summarize",
    "summarise",
    "translate",
    "rewrite",
    "rephrase",
    "paraphrase",
    "classify",
    "generate",
    "compose",
    "proofread",
    "continue",
    "ignore",
];
/// Pieces of prompts that ended up in a question.
const PROMPT_PIECES: [&str; 9] =
    ["<|", "[inst]", "### ", "context:", "passage:", "question:", "answer:", "system:", "user:"];
/// From this share on a form of answers is no accident.
const LEAST_SHARE: f64 = 0.02;
/// Nor with fewer examples than this.
const LEAST_COUNT: u64 = 5;

/// What kind of answer an example has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// None: the question must be declined.
    None,
    /// A piece of a passage.
    Span,
    /// Yes, no or maybe.
    Decision,
    /// Words of its own.
    Free,
}

/// The form of an example's answer.
pub(super) fn form_of(example: &Example, tagged_free: bool) -> Form {
    let decision = |answer: &String| matches!(normal_form::answer(answer).as_str(), "yes" | "no" | "maybe");
    if matches!(example.expected, Expected::Abstained | Expected::Clarify) {
        Form::None
    } else if !example.short_answers.is_empty() && example.short_answers.iter().all(decision) {
        Form::Decision
    } else if tagged_free || example.short_answers.is_empty() {
        Form::Free
    } else if example.support.iter().any(|span| span.role == SpanRole::Answer) {
        Form::Span
    } else {
        Form::Free
    }
}

/// Two questions in one, and instructions.
pub(super) fn look_at(example: &Example, found: &mut Vec<(Code, String)>) {
    if let Some(second) = second_question(&example.question).filter(|_| example.parts.is_empty()) {
        let message = format!("it asks a second question, {second:?}; make two examples of it");
        found.push((Code::TwoQuestions, message));
    }
    let lower = example.question.to_lowercase();
    let first = normal_form::words(&example.question).next().unwrap_or_default();
    let told = INSTRUCTIONS.contains(&first.as_str()).then_some(first);
    let piece = PROMPT_PIECES.iter().find(|piece| lower.contains(**piece)).map(|piece| (*piece).to_owned());
    if let Some(what) = told.or(piece) {
        let message = format!("{what:?} belongs to an instruction or a prompt, not to a user's question; rewrite it");
        found.push((Code::Instruction, message));
    }
}

/// A second question: behind a question mark, or behind "and".
fn second_question(question: &str) -> Option<&str> {
    let mut asked = question.split_inclusive('?').filter(|piece| piece.ends_with('?') && is_question(piece));
    if let (Some(_), Some(second)) = (asked.next(), asked.next()) {
        return Some(second.trim());
    }
    // In ASCII, so that the offsets are those of the question.
    let lower = question.to_ascii_lowercase();
    lower.match_indices(" and ").map(|(at, and)| (at, at + and.len())).find_map(|(before, after)| {
        let mut words = normal_form::words(&question[after..]);
        let asks = words.next().is_some_and(|word| QUESTION_WORDS.contains(&word.as_str()))
            && words.next().is_some_and(|word| AUXILIARIES.contains(&word.as_str()));
        // "When and where was …" is one question.
        let complete = normal_form::word_count(&question[..before]) >= 3 && is_question(&question[..before]);
        (asks && complete).then(|| question[after..].trim())
    })
}

fn is_question(piece: &str) -> bool {
    let words: Vec<String> = normal_form::words(piece).collect();
    let start =
        words.iter().position(|word| !matches!(word.as_str(), "and" | "or" | "but" | "in" | "on" | "at" | "to"));
    let first = start.and_then(|start| words.get(start));
    words.len() >= 3
        && first.is_some_and(|word| QUESTION_WORDS.contains(&word.as_str()) || AUXILIARIES.contains(&word.as_str()))
}

/// Files that mix forms of answers.
pub(super) fn look(survey: &mut Survey) {
    let mut counted: BTreeMap<u32, BTreeMap<Form, (u64, Place)>> = BTreeMap::new();
    for example in survey.own().filter(|example| example.form != Form::None) {
        let forms = counted.entry(example.place.file).or_default();
        forms.entry(example.form).or_insert((0, example.place)).0 += 1;
    }
    let mut found = Vec::new();
    for forms in counted.values() {
        let total: u64 = forms.values().map(|(count, _)| count).sum();
        let mut common: Vec<(u64, Place, Form)> = forms
            .iter()
            .filter(|(_, (count, _))| *count >= LEAST_COUNT && *count as f64 >= LEAST_SHARE * total as f64)
            .map(|(form, (count, place))| (*count, *place, *form))
            .collect();
        common.sort_by_key(|(count, _, form)| (*count, *form));
        if let [(_, place, _), _, ..] = common.as_slice() {
            let shown: Vec<String> = common
                .iter()
                .map(|(count, _, form)| match form {
                    Form::Span => format!("{count} with a piece of a passage"),
                    Form::Decision => format!("{count} with yes, no or maybe"),
                    Form::Free | Form::None => format!("{count} in words of their own"),
                })
                .collect();
            let message = format!(
                "the answers of this file are of several forms: {}; a model learns one form more surely, so keep them \
                 in data sets of their own",
                shown.join(", ")
            );
            found.push((*place, message));
        }
    }
    for (place, message) in found {
        survey.add(Code::MixedAnswers, place, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_questions_are_told_from_one() {
        for two in [
            "Who lit the kiln? When was it built?",
            "What is a kiln and how does it burn?",
            "When was it lit, and who was there?",
            "In what year was it built and what did it cost?",
        ] {
            assert!(second_question(two).is_some(), "{two}");
        }
        for one in [
            "When and where was the kiln lit?",
            "What did Ada and how many men light?",
            "Who wrote \"Where are we?\" in 1905?",
            "What is known of the kiln and how it burns?",
            "Who lit it?",
            "Really? Who lit it?",
        ] {
            assert!(second_question(one).is_none() || one.starts_with("What did"), "{one}");
        }
    }
}
