//! A question as a clause of another: what it takes for granted (`Hamas won the election`), and what it asks (`how long
//! traces are kept`).
//!
//! May depend on `english`.

use super::question_shape::{Shape, Verb};
use crate::answer::preprocess::english::{
    AUXILIARIES, BE, PREPOSITIONS, SUBJECT_PRONOUNS,
    inflection::{past_of, third_of},
    is_one_of,
    nouns::is_plural,
    verbs::{is_base, is_participle},
};

/// What is told by a question with its answer: `the dynasty fell` of `When did the dynasty fall?`; `None` where the order
/// of the words is not certain.
pub(super) fn statement(shape: &Shape<'_>, answer: Option<&str>) -> Option<String> {
    match shape.verb()? {
        Verb::Auxiliary => in_order(shape),
        Verb::Main { .. } => Some(format!("{} {}", answer?, shape.cut(shape.asking, shape.words.len()))),
    }
}

/// What is asked, as a clause: `how long traces are kept`, `the day on which elections are held`; `None` for questions
/// that ask for something other than a circumstance or an amount.
pub(super) fn clause(shape: &Shape<'_>) -> Option<String> {
    let asking = shape.cut(0, shape.asking);
    let first = shape.words.first()?.lower.as_str();
    let verb = shape.words.get(shape.asking + 1).filter(|word| is_participle(&word.lower));
    if verb.is_some() && is_one_of(&shape.words[shape.asking].lower, BE) && shape.asked_noun().is_some() {
        // `How many passages are read?`: what asks is the subject.
        return Some(lower_first(shape.cut(0, shape.words.len())));
    }
    let told = in_order(shape)?;
    match (first, shape.asked_noun()) {
        // `the day on which` reads better than `on which day` in the middle of a question.
        (preposition, Some(noun)) if is_one_of(preposition, PREPOSITIONS) => {
            Some(format!("the {} {preposition} which {told}", noun.text))
        }
        // `how I make a key` is no more than the key.
        ("how", _) if shape.asking == 1 => None,
        ("how" | "when" | "where" | "why", _) => Some(format!("{} {told}", lower_first(asking))),
        _ => None,
    }
}

/// The words behind what asks in the order of a statement.
fn in_order(shape: &Shape<'_>) -> Option<String> {
    let auxiliary = shape.words.get(shape.asking).filter(|word| is_one_of(&word.lower, AUXILIARIES))?;
    let (from, to) = subject(shape)?;
    let count = shape.words.len();
    let (subject, rest) = (shape.cut(from, to), shape.cut(to, count));
    let told = match auxiliary.lower.as_str() {
        "do" => format!("{subject} {rest}"),
        "does" | "did" => {
            let verb = shape.words.get(to).filter(|word| is_base(&word.lower))?;
            let inflected = if auxiliary.lower == "did" { past_of(&verb.lower) } else { third_of(&verb.lower) };
            format!("{subject} {inflected} {}", shape.cut(to + 1, count))
        }
        _ => format!("{subject} {} {rest}", auxiliary.lower),
    };
    Some(told.trim_end().to_owned())
}

/// Where the subject after an auxiliary stands; the phrases that belong to it by a preposition come with it.
fn subject(shape: &Shape<'_>) -> Option<(usize, usize)> {
    let from = shape.asking + 1;
    if is_one_of(&shape.words.get(from)?.lower, SUBJECT_PRONOUNS) {
        return Some((from, from + 1));
    }
    let phrase = shape.phrases.iter().find(|phrase| phrase.first == from)?;
    let verb_follows = |at: usize| shape.words.get(at).is_some_and(|word| is_base(&word.lower));
    let mut to = phrase.last;
    let supported = matches!(shape.words[shape.asking].lower.as_str(), "do" | "does" | "did");
    // `did the war in North America end`
    while supported && !verb_follows(to) {
        to = shape.phrases.iter().find(|next| next.first == to + 1 && next.after.is_some())?.last;
    }
    Some((from, to))
}

/// Whether several are asked for by the verb: `Who were spawned by it?`.
pub(super) fn speaks_of_several(shape: &Shape<'_>) -> bool {
    let verb = shape.words.get(shape.asking).map_or("", |word| word.lower.as_str());
    let other = shape.phrases.iter().any(|phrase| phrase.first == shape.asking + 1);
    matches!(verb, "were" | "are")
        && (!other || shape.predicate().is_some())
        && shape.asked_noun().is_none_or(|noun| is_plural(&noun.head))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_clauses() {
        for (question, told) in [
            ("When did Hamas win the election?", Some("Hamas won the election")),
            ("When did the war in North America end?", Some("the war in North America ended")),
            ("How do I stop the containers?", Some("I stop the containers")),
            ("Who led the Normans?", Some("Rollo led the Normans")),
            ("Is the key optional?", Some("the key is optional")),
            ("Which?", None),
        ] {
            assert_eq!(statement(&Shape::of(question), Some("Rollo")).as_deref(), told, "{question}");
        }
        for (question, asked) in [
            ("How often does a connector look at its source?", Some("how often a connector looks at its source")),
            ("On which day are elections held?", Some("the day on which elections are held")),
            ("How many requests may a key send in a minute?", Some("how many requests a key may send in a minute")),
            ("What is a lease?", None),
        ] {
            assert_eq!(clause(&Shape::of(question)).as_deref(), asked, "{question}");
        }
    }
}
