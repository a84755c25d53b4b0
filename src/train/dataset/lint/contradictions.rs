//! Examples that cannot both be right: the same question about the same passage with another end, or with other
//! answers.
//!
//! May depend on `normal_form`.

use std::collections::HashMap;

use super::{
    Code,
    survey::{Survey, Surveyed},
};
use crate::train::dataset::normal_form::{combine, holds};

/// Looks for them.
pub(super) fn look(survey: &mut Survey) {
    let mut found = Vec::new();
    let mut first: HashMap<u64, Vec<&Surveyed>> = HashMap::new();
    for example in survey.own() {
        let mut told = false;
        for passage in about(example) {
            let known = first.entry(combine(&[example.question_key, u64::from(*passage)])).or_default();
            // One finding for an example, whatever its passages.
            let contradiction = if told { None } else { contradiction(survey, example, known) };
            told |= contradiction.is_some();
            found.extend(contradiction.map(|(code, message)| (code, example.place, message)));
            // One of each outcome is enough to compare with.
            if !known.iter().any(|other| other.abstained == example.abstained) {
                known.push(example);
            }
        }
    }
    for (code, place, message) in found {
        survey.add(code, place, message);
    }
}

/// The passages about which an example says something: those that support its answer; all of them when it must be
/// declined; its only one when it says nothing of support.
fn about(example: &Surveyed) -> &[u32] {
    match (example.abstained, example.supporting.is_empty(), example.passages.len()) {
        (true, ..) | (false, true, 1) => &example.passages,
        (false, ..) => &example.supporting,
    }
}

fn contradiction(survey: &Survey, example: &Surveyed, known: &[&Surveyed]) -> Option<(Code, String)> {
    let named = |other: &Surveyed| format!("{} ({:?})", survey.shown(other.place), other.id);
    if let Some(other) = known.iter().find(|other| other.abstained != example.abstained) {
        let (here, there) = if example.abstained { ("declined", "answered") } else { ("answered", "declined") };
        let message = format!(
            "must be {here}, and the same question about the same passage must be {there} in {}; decide, and correct one",
            named(other)
        );
        Some((Code::ContradictingOutcome, message))
    } else {
        known.iter().find(|other| !answers_agree(other, example)).map(|other| {
            let message = format!(
                "its answers {:?} have nothing in common with {:?} to the same question about the same passage in {}; \
                 decide, or accept both in both",
                example.short_answers,
                other.short_answers,
                named(other)
            );
            (Code::ContradictingAnswers, message)
        })
    }
}

/// Whether some bare answer of one is some of the other, or holds it word by word. Where one has none, nothing can be
/// said, and they agree.
pub(super) fn answers_agree(a: &Surveyed, b: &Surveyed) -> bool {
    let (a, b) = (&a.short_answers, &b.short_answers);
    a.is_empty() || b.is_empty() || a.iter().any(|a| b.iter().any(|b| a == b || holds(a, b) || holds(b, a)))
}
