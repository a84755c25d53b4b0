//! Requests that ask several things, split into questions that each stand alone.
//!
//! `and` splits only where a whole question or request begins after it (`clauses`), or where several question words
//! share one clause (`when and where was he born?`, `shared`). What a later part takes up with a pronoun is written out
//! (`resolve`). A text that tells something as well as asking stays whole, since the telling may be needed to understand
//! the question. May depend on `english` and its neighbour `request_kind`.

mod clauses;
mod resolve;
mod shared;

use super::{
    english::{as_sentence, capitalised, words::words},
    request_kind::{request_kind, without_politeness},
};
use crate::domain::RequestKind;

/// The most questions that one request may ask.
pub const MAX_PARTS: usize = 4;

/// The most words of a request that is looked at: a longer one is a text with a question in it, and stays whole.
const MAX_WORDS: usize = 120;

/// More questions than one request may ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this asks {0} things at once: ask at most {MAX_PARTS}, and the others in another request")]
pub struct TooManyParts(pub usize);

/// The questions that a request asks, in order: `text` itself, unchanged, when it asks one thing.
pub fn split(text: &str) -> Result<Vec<String>, TooManyParts> {
    let whole = || vec![text.to_owned()];
    if text.split_whitespace().nth(MAX_WORDS).is_some() {
        return Ok(whole());
    }
    let sentences: Vec<String> = sentences(text)
        .into_iter()
        .filter(|sentence| request_kind(sentence) != RequestKind::SmallTalk)
        .map(|sentence| without_politeness_at_start(&sentence))
        .collect();
    if sentences.iter().any(|sentence| !clauses::asks(sentence)) {
        return Ok(whole());
    }
    let mut parts: Vec<String> = Vec::new();
    for sentence in &sentences {
        for clause in clauses::split(sentence) {
            let before = parts.clone();
            for part in shared::distribute(&clause, before.last().map(String::as_str)) {
                let (question, replaces) = (part.question, part.replaces_last);
                if replaces {
                    parts.pop();
                }
                parts.push(resolve::stand_alone(&question, &before));
            }
        }
    }
    match parts.len() {
        0 | 1 => Ok(whole()),
        count if count > MAX_PARTS => Err(TooManyParts(count)),
        _ => Ok(parts.iter().map(|part| tidy(part)).collect()),
    }
}

/// The sentences of a text, and the items of a numbered list.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let found = words(text);
    for (at, word) in found.iter().enumerate() {
        let after = found.get(at + 1).map_or(text.len(), |next| next.start);
        let between = if after < word.end { "" } else { &text[word.end..after] };
        let ends =
            between.contains(['?', '!', ';', '\n']) || (between.contains('.') && word.ends_clause && !word.is_number());
        if ends && after > word.end {
            sentences.push(text[start..after].to_owned());
            start = after;
        }
    }
    sentences.push(text[start..].to_owned());
    let unnumbered = sentences.into_iter().map(|sentence| {
        let bare = sentence.trim();
        let number = bare.split_once(['.', ')']).filter(|(number, _)| number.len() < 3 && number.parse::<u8>().is_ok());
        number.map_or(bare, |(_, rest)| rest.trim()).to_owned()
    });
    unnumbered.filter(|sentence| sentence.chars().any(char::is_alphanumeric)).collect()
}

fn without_politeness_at_start(sentence: &str) -> String {
    let bare = clauses::without_link(sentence);
    // `tell me who wrote it` stays a request: only greetings, thanks and the like go.
    let first = words(bare).first().map(|word| word.lower.clone()).unwrap_or_default();
    if matches!(first.as_str(), "tell" | "please" | "can" | "could" | "would" | "show" | "give") {
        return bare.to_owned();
    }
    without_politeness(bare).unwrap_or_else(|| bare.to_owned())
}

/// A part as a sentence: a question mark where it asks, nothing where it is a request.
fn tidy(part: &str) -> String {
    if clauses::is_request(part) {
        capitalised(part.trim().trim_end_matches(['.', ',', ';', '!', '?']))
    } else {
        as_sentence(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        split(text).unwrap_or_default()
    }

    /// Found by `fuzz/run`: the second part leans on a first one that has no verb.
    #[test]
    fn a_part_that_leans_on_a_single_word_is_left_as_it_is() {
        assert_eq!(parts("Who? The head of sales?"), ["Who?", "The head of sales?"]);
        assert!(!parts("Who \0\0?The head of can n\u{1} jand wh\0\0RThe heap of salehem leave?").is_empty());
    }

    #[test]
    fn several_questions_are_split_and_each_stands_alone() {
        for (text, expected) in [
            (
                "Who wrote the charter and when was it signed?",
                vec!["Who wrote the charter?", "When was the charter signed?"],
            ),
            (
                "when and where was John Harvard born?",
                vec!["When was John Harvard born?", "Where was John Harvard born?"],
            ),
            (
                "What is the default port, and can I change it?",
                vec!["What is the default port?", "Can I change the default port?"],
            ),
            (
                "list the formats and explain how tables are kept",
                vec!["List the formats", "Explain how tables are kept"],
            ),
            (
                "When was the deposit paid and by whom?",
                vec!["When was the deposit paid?", "By whom was the deposit paid?"],
            ),
            ("Who started and who won the war?", vec!["Who started the war?", "Who won the war?"]),
            ("Is parking free? Where do I pay?", vec!["Is parking free?", "Where do I pay?"]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn and_within_a_phrase_or_a_clause_splits_nothing() {
        for text in [
            "Which countries signed and ratified the treaty?",
            "What are the terms and conditions?",
            "What happens when I delete a document and upload it again?",
            "What is the difference between a lease and a lock?",
            "Why did prices rise and wages fall?",
            "I forgot my password. How do I reset it?",
            "Who founded Harvard and Yale?",
        ] {
            assert_eq!(parts(text), [text], "{text}");
        }
    }

    #[test]
    fn more_than_four_are_refused_with_their_number() {
        let error = split("Who is A? Who is B? Who is C? Who is D? Who is E?").err();
        assert_eq!(error, Some(TooManyParts(5)));
        assert!(error.is_some_and(|error| error.to_string().contains("5 things")));
    }
}
