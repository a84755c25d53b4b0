//! What a short question leaves out about its verb: what is compared with, and when something succeeded.
//!
//! May depend on `english`.

use super::{
    Exchange,
    answers::is_plural_answer,
    naming::definite,
    question_shape::{Shape, Verb},
};
use crate::answer::preprocess::english::{AUXILIARIES, is_one_of, words::words};

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
