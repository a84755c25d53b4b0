//! Where one question ends and the next begins within a sentence.
//!
//! May depend on `english`.

use crate::answer::preprocess::english::{
    AUXILIARIES, BASE_FOLLOWS, DETERMINERS, PREPOSITIONS, QUESTION_WORDS, REQUESTS, SUBJECT_PRONOUNS, is_closed_class,
    is_one_of,
    nouns::is_plural,
    verbs::{is_base, is_past},
    words::{Word, words},
};

/// Words that link a question to the one before, and say nothing themselves.
const LINKS: &[&str] = &[
    "and",
    "also",
    "plus",
    "then",
    "so",
    "but",
    "as",
    "well",
    "additionally",
    "furthermore",
    "secondly",
    "finally",
    "if",
];

/// Whether a sentence is a question or a request for something said.
pub(super) fn asks(sentence: &str) -> bool {
    sentence.trim_end().ends_with('?') && !begins_statement(&words(sentence))
        || begins_question(&words(sentence), 0)
        || is_request(sentence)
}

/// Whether a sentence is a request and no question.
pub(super) fn is_request(sentence: &str) -> bool {
    words(sentence).first().is_some_and(|word| is_one_of(&word.lower, REQUESTS))
}

/// The sentence without `and`, `also` and the like at its beginning.
pub(super) fn without_link(sentence: &str) -> &str {
    let found = words(sentence);
    let links = found.iter().take_while(|word| is_one_of(&word.lower, &LINKS[..LINKS.len() - 1])).count();
    // `If so, how much?`
    let conditional = found.len() > links + 2
        && found[links].lower == "if"
        && matches!(found[links + 1].lower.as_str(), "so" | "yes" | "not");
    let skipped = links + if conditional { 2 } else { 0 };
    found.get(skipped).map_or(sentence, |word| &sentence[word.start..])
}

/// A question that another one begins inside: `I moved, how do I update it?` starts by telling.
fn begins_statement(found: &[Word]) -> bool {
    let Some(first) = found.first() else { return false };
    is_one_of(&first.lower, SUBJECT_PRONOUNS) || matches!(first.lower.as_str(), "my" | "our")
}

/// The clauses of a sentence that each ask something.
pub(super) fn split(sentence: &str) -> Vec<String> {
    let found = words(sentence);
    let mut clauses = Vec::new();
    let mut start = 0;
    let mut at = 1;
    while at < found.len() {
        let Some(next) = boundary(sentence, &found, start, at) else {
            at += 1;
            continue;
        };
        clauses.push(sentence[found[start].start..found[at - 1].end].to_owned());
        start = next;
        at = next + 1;
    }
    clauses.push(found.get(start).map_or(String::new(), |word| sentence[word.start..].to_owned()));
    // A request goes on: `tell me who wrote it and when it was published`.
    let asking = found.iter().position(|word| is_one_of(&word.lower, QUESTION_WORDS)).filter(|at| *at > 0 && *at <= 2);
    if let Some(asking) = asking.filter(|_| is_one_of(&found[0].lower, REQUESTS)) {
        let request = &sentence[found[0].start..found[asking].start];
        for clause in clauses.iter_mut().skip(1) {
            let order = words(clause);
            let inverted = order.get(1).is_some_and(|word| is_one_of(&word.lower, AUXILIARIES));
            if is_one_of(&order[0].lower, QUESTION_WORDS) && !inverted {
                *clause = format!("{request}{clause}");
            }
        }
    }
    clauses
}

/// If a question ends before the word `at`, the number of the word with which the next begins.
fn boundary(sentence: &str, found: &[Word], start: usize, at: usize) -> Option<usize> {
    let link = found[at].lower.as_str();
    let comma = found[at - 1].ends_clause;
    let mut next = at;
    while found.get(next).is_some_and(|word| matches!(word.lower.as_str(), "and" | "also" | "plus" | "then")) {
        next += 1;
    }
    let linked = next > at;
    if (!linked && !comma) || next >= found.len() || (linked && link == "then") {
        return None;
    }
    let left = &found[start..at];
    let whole = stands(left) && !quoted(sentence, found[at].start);
    let relates = left.iter().any(|word| matches!(word.lower.as_str(), "between" | "difference" | "both"));
    // Behind `if` and `when` a second clause may still belong to the condition.
    let right = &found[next..];
    let begins = begins_question(found, next) || (linked && begins_request(right)) || bare_question(right);
    let names = linked && whole && parallel(left, right);
    (whole && !relates && (begins || names)).then_some(next)
}

/// Whether a question, or what is left of one, is whole enough to be asked.
fn stands(left: &[Word]) -> bool {
    let request = left.first().is_some_and(|word| is_one_of(&word.lower, REQUESTS)) && left.len() > 1;
    let bare = left.len() == 1 && is_one_of(&left[0].lower, QUESTION_WORDS);
    let question = left.len() > 1 && begins_question(left, 0);
    !bare && (request || question)
}

/// Whether a question begins at a word: what asks, with or without a preposition, or an auxiliary with its subject.
fn begins_question(found: &[Word], at: usize) -> bool {
    let lower = |at: usize| found.get(at).map_or("", |word| word.lower.as_str());
    if matches!(lower(at), "if" | "when" | "where") && at > 0 && lower(at) == "if" {
        return false;
    }
    if is_one_of(lower(at), QUESTION_WORDS) && lower(at) != "whether" {
        return true;
    }
    if is_one_of(lower(at), PREPOSITIONS) && matches!(lower(at + 1), "which" | "what" | "whom" | "whose") {
        return true;
    }
    let subject = lower(at + 1);
    let has_subject = is_one_of(subject, SUBJECT_PRONOUNS)
        || is_one_of(subject, DETERMINERS)
        || subject == "there"
        || (!is_closed_class(subject)
            && !subject.is_empty()
            && !is_past(subject)
            && !is_base_verb_after(lower(at), subject));
    is_one_of(lower(at), AUXILIARIES) && !matches!(lower(at), "be" | "been") && has_subject
}

fn is_base_verb_after(auxiliary: &str, word: &str) -> bool {
    is_one_of(auxiliary, BASE_FOLLOWS) && is_base(word) && !is_plural(word)
}

fn begins_request(right: &[Word]) -> bool {
    right.len() > 1 && is_one_of(&right[0].lower, REQUESTS) && right[0].lower != "state" && right[0].lower != "name"
        || right.len() > 2
            && matches!(right[0].lower.as_str(), "name" | "say")
            && (is_one_of(&right[1].lower, DETERMINERS) || is_one_of(&right[1].lower, QUESTION_WORDS))
}

/// `and why?`, `and by whom?`, `and which ones?`
fn bare_question(right: &[Word]) -> bool {
    right.len() <= 3 && right.iter().take(2).any(|word| is_one_of(&word.lower, QUESTION_WORDS))
}

/// `What is the fine for speeding and the fine for parking?`: two things of one form are asked for.
fn parallel(left: &[Word], right: &[Word]) -> bool {
    let asks_what = matches!(left[0].lower.as_str(), "what" | "who")
        && left.get(1).is_some_and(|word| matches!(word.lower.as_str(), "is" | "was"))
        && left.get(2).is_some_and(|word| word.lower == "the");
    let link = |words: &[Word]| {
        words.iter().skip(2).find(|word| is_one_of(&word.lower, PREPOSITIONS)).map(|word| word.lower.clone())
    };
    let named = right.len() > 1
        && right[0].lower == "the"
        && !right.iter().any(|word| is_one_of(&word.lower, AUXILIARIES) || word.ends_clause && word.lower.is_empty());
    asks_what && named && link(&left[2..]) == link(right) && right.len() <= 7
}

/// Whether a place is inside quotation marks.
fn quoted(sentence: &str, at: usize) -> bool {
    sentence[..at].matches(['"', '“', '”']).count() % 2 == 1
}
