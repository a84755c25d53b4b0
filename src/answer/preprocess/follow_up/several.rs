//! What `they` may stand for: several things, those that were counted, an organisation.
//!
//! May depend on `english`.

use super::{
    answers::{is_name, is_plural_answer, is_quantity, is_time, items, lists},
    naming::{bare_place, definite, definite_text, possessive, with_tail},
    question_shape::{Shape, Verb},
    statement::speaks_of_several,
};
use crate::answer::preprocess::english::{
    DETERMINERS, is_one_of, noun_phrases::NounPhrase, nouns::is_plural, words::words,
};

/// The most items of a list that are taken up one by one; of more it is said what they are.
const MAX_ITEMS: usize = 4;

pub(super) fn several(shape: &Shape<'_>, answer: Option<&str>) -> Vec<String> {
    let listed = answer.filter(|answer| {
        (lists(answer) && !is_time(answer))
            || ((!is_quantity(answer) || shape.asks_person() || shape.asks_thing())
                && !shape.asks_circumstance()
                && (is_plural_answer(answer) || speaks_of_several(shape)))
    });
    // `Where were they based?`: the places come after those who were there.
    let (placed, answered) = match shape.question_word() {
        "where" => (listed.map(bare_place), None),
        _ => (None, listed.map(|answer| members(shape, answer))),
    };
    let plural = |asks: bool| {
        shape.phrases.iter().filter(move |phrase| phrase.asks == asks && phrase.is_plural() && !phrase.is_quantity())
    };
    let counted = answer.is_some_and(is_quantity) || shape.question_word() == "how";
    let asked = plural(true).filter(|_| counted).map(|phrase| counted_ones(shape, phrase));
    let topics = plural(false).map(definite);
    // `its documents stay`: they are what the answer tells of.
    let told = answer
        .filter(|answer| listed.is_none() && !is_quantity(answer))
        .into_iter()
        .flat_map(|answer| told_of(shape, answer));
    // `Who won the election? Hamas`, and who is not one person: an organisation is spoken of as several.
    let organisation = answer.filter(|answer| listed.is_none() && shape.asks_person() && is_name(answer));
    let groups =
        shape.phrases.iter().filter(|phrase| !phrase.asks && phrase.named && !phrase.is_quantity()).map(definite);
    let strong = answered.into_iter().chain(asked);
    if answer.is_some_and(|answer| shape.defines(answer)) {
        return topics.chain(strong).chain(groups).collect();
    }
    strong.chain(topics).chain(placed).chain(told).chain(organisation.map(str::to_owned)).chain(groups).collect()
}

/// The things of a list, by what they are where there are many, or where they are no names.
fn members(shape: &Shape<'_>, answer: &str) -> String {
    let asked = shape.asked_noun().filter(|noun| noun.is_plural());
    let quoted = answer.starts_with(['"', '“']);
    match (asked, shape.verb()) {
        (Some(noun), _) if quoted => format!("the {} {answer}", noun.text),
        (Some(noun), Some(Verb::Main { .. })) if items(answer).len() > MAX_ITEMS => {
            format!("the {} that {}", noun.text, shape.cut(shape.asking, shape.words.len()))
        }
        _ => definite_text(answer),
    }
}

/// Those that were counted: `Harvard's units`, `the people that lived in Warsaw`.
pub(super) fn counted_ones(shape: &Shape<'_>, phrase: &NounPhrase) -> String {
    if let Some(Verb::Main { .. }) = shape.verb() {
        return format!("the {} that {}", phrase.text, shape.cut(shape.asking, shape.words.len()));
    }
    // `How many seats are there in the chamber?`
    if shape.words.get(shape.asking + 1).is_some_and(|word| word.lower == "there") {
        return format!("the {} {}", phrase.text, shape.cut(shape.asking + 2, shape.words.len())).trim_end().to_owned();
    }
    let subject = shape.phrases.iter().find(|subject| subject.first == shape.asking + 1);
    let has = shape.words.last().is_some_and(|word| word.lower == "have");
    if let Some(subject) = subject.filter(|subject| has && !subject.named) {
        return format!("the {} of {}", phrase.text, with_tail(shape, subject));
    }
    let owner = shape.phrases.iter().find(|phrase| !phrase.asks && phrase.named);
    match owner.filter(|_| !phrase.named) {
        Some(owner) => format!("{} {}", possessive(&definite(owner)), phrase.text),
        None => definite(phrase),
    }
}

/// The plurals that an answer tells of, by the name of the one whose they are.
fn told_of(shape: &Shape<'_>, answer: &str) -> Vec<String> {
    let found = words(answer);
    let owner = shape.phrases.iter().find(|phrase| !phrase.asks);
    let Some(noun) = found.iter().position(|word| is_plural(&word.lower) && !word.is_number()) else {
        return Vec::new();
    };
    let first = (0..noun).rev().find(|at| is_one_of(&found[*at].lower, DETERMINERS)).unwrap_or(noun);
    let text = &answer[found[first].start..found[noun].end];
    let named = match (text.split_once(' '), owner) {
        (Some(("its" | "their", rest)), Some(owner)) => format!("the {rest} of {}", definite(owner)),
        _ => definite_text(text),
    };
    vec![named]
}
