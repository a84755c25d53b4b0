//! What a short question leaves out about its verb: what is compared with, when something succeeded, and where.
//!
//! May depend on `english`.

use super::{
    Exchange,
    answers::is_plural_answer,
    naming::definite,
    question_shape::{Shape, Verb},
};
use crate::answer::preprocess::english::{AUXILIARIES, is_one_of, noun_phrases::noun_phrases, words::words};

/// Verbs that say how something ended, and not what.
const OUTCOMES: &[&str] = &["win", "lose", "succeed", "fail", "survive"];

const COMPARATIVES: &[&str] = &[
    "better", "worse", "bigger", "larger", "smaller", "older", "younger", "newer", "faster", "slower", "cheaper",
    "stronger", "weaker", "longer", "shorter", "higher", "lower", "heavier", "lighter", "safer", "simpler", "easier",
];

/// What belongs behind the question `written`, which was `typed` with a pronoun for the last answer: `than piston engines`
/// for `are they more efficient?`, `when he attacked Oswego` for `did he win?`.
pub(super) fn behind(typed: &str, written: &str, last: &Exchange) -> Option<String> {
    let found = words(typed);
    let [verb, pronoun, .., end] = found.as_slice() else { return None };
    let answer = last.answer.as_deref()?;
    let shape = Shape::of(&last.question);
    if let Some(place) = place(written, &shape) {
        return Some(place);
    }
    // What was answered has acted, and it is what is asked about.
    let Verb::Main { at, .. } = shape.verb()? else { return None };
    if !is_one_of(&verb.lower, AUXILIARIES) || !written.contains(answer) {
        return None;
    }
    if found.len() == 3 && verb.lower == "did" && is_one_of(&end.lower, OUTCOMES) {
        return Some(format!("when {} {}", pronoun.lower, shape.cut(at, shape.words.len())));
    }
    let more = found.len() > 3 && matches!(found[found.len() - 2].lower.as_str(), "more" | "less");
    let compares = (more || is_one_of(&end.lower, COMPARATIVES)) && shape.asked_noun().is_some();
    let object = shape.phrases.iter().find(|phrase| phrase.first == at + 1 && !phrase.named)?;
    let alike = object.is_plural() == is_plural_answer(answer);
    (compares && alike).then(|| format!("than {}", definite(object)))
}

/// Where the subject of the last question was, when it is asked what else it did: `in Normandy`.
fn place(written: &str, shape: &Shape<'_>) -> Option<String> {
    let subject = shape.phrases.iter().find(|phrase| phrase.first == shape.asking + 1)?;
    let did = shape.words.get(shape.asking).is_some_and(|word| word.lower == "did");
    let placed = shape
        .phrases
        .iter()
        .find(|phrase| phrase.first > subject.last + 1 && phrase.named && phrase.after.as_deref() == Some("in"))?;
    let about = definite(subject);
    let others = noun_phrases(written).into_iter().any(|phrase| phrase.named && !about.contains(&phrase.text));
    let acts = words(written).iter().any(|word| word.lower == "did");
    (did && acts && !others && written.contains(&about)).then(|| format!("in {}", placed.text))
}
