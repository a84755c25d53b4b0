//! Examples that are the same but for their ids, and texts that nearly are.
//!
//! May depend on `min_hash` and `normal_form`.

use std::collections::HashMap;

use super::{
    Code,
    contradictions::answers_agree,
    survey::{Place, Side, Survey, Surveyed},
};
use crate::train::dataset::{
    min_hash::{MinHash, Signature, character_shingles, jaccard, near_pairs, similarity},
    normal_form::{self, combine},
};

/// From which share of common runs of four characters on two questions are nearly the same.
const NEAR_QUESTION: f64 = 0.9;
/// From which estimated share of common runs of words on two passages are.
const NEAR_PASSAGE: f64 = 0.8;
/// Characters of a shingle of questions.
const SHINGLE: usize = 4;

/// Looks for them.
pub(super) fn look(survey: &mut Survey) {
    let mut found = Vec::new();
    let exact = exact(survey, &mut found);
    near_questions(survey, &exact, &mut found);
    near_passages(survey, &mut found);
    for (code, place, message) in found {
        survey.add(code, place, message);
    }
}

type Found = Vec<(Code, Place, String)>;

/// What an example asks about which passages, without regard to their order.
fn key(example: &Surveyed) -> u64 {
    let mut passages: Vec<u64> = example.passages.iter().map(|id| u64::from(*id)).collect();
    passages.sort_unstable();
    combine(&[example.question_key, combine(&passages), u64::from(example.abstained)])
}

/// Returns for every own example whether it is a duplicate of one before it.
fn exact(survey: &Survey, found: &mut Found) -> Vec<bool> {
    let mut first: HashMap<u64, &Surveyed> = HashMap::new();
    let mut duplicates = Vec::new();
    for example in survey.own() {
        let before = *first.entry(key(example)).or_insert(example);
        let duplicate = !std::ptr::eq(before, example) && answers_agree(before, example);
        if duplicate {
            let message = format!(
                "the same question about the same passages as {} ({:?}); remove one of them",
                survey.shown(before.place),
                before.id
            );
            found.push((Code::Duplicate, example.place, message));
        }
        duplicates.push(duplicate);
    }
    duplicates
}

/// Questions with the same outcome about the same passage. That two questions which differ in a word end differently is
/// how good unanswerable questions are made, and no finding.
fn near_questions(survey: &Survey, exact: &[bool], found: &mut Found) {
    let functions = MinHash::new();
    let examples: Vec<&Surveyed> =
        survey.own().zip(exact).filter(|(_, duplicate)| !**duplicate).map(|(example, _)| example).collect();
    let shingles = |example: &Surveyed| {
        let words: Vec<String> = normal_form::words(&example.question).collect();
        character_shingles(&words.join(" "), SHINGLE)
    };
    let signatures: Vec<Signature> = examples.iter().map(|example| functions.signature(&shingles(example))).collect();
    let group = |at: usize| {
        let example = examples[at];
        let about = example.supporting.first().or(example.passages.first());
        combine(&[about.map_or(u64::MAX, |id| u64::from(*id)), u64::from(example.abstained)])
    };
    // The same question is a duplicate or a contradiction.
    let alike = |a: usize, b: usize| {
        examples[a].question_key != examples[b].question_key
            && jaccard(&shingles(examples[a]), &shingles(examples[b])) >= NEAR_QUESTION
    };
    for (at, before) in near_pairs(&signatures, group, alike) {
        let (example, before) = (examples[at], examples[before]);
        let message = format!(
            "the question is nearly that of {} ({:?}) about the same passage; keep the better one",
            survey.shown(before.place),
            before.id
        );
        found.push((Code::NearDuplicate, example.place, message));
    }
}

fn near_passages(survey: &Survey, found: &mut Found) {
    // Passages that are first seen in a data set to compare with are leakage's business.
    let own: Vec<&super::survey::SurveyedPassage> =
        survey.passages.iter().filter(|passage| survey.side(passage.first) != Side::Against).collect();
    let signatures: Vec<Signature> = own.iter().map(|passage| passage.signature).collect();
    let alike = |a: usize, b: usize| similarity(&signatures[a], &signatures[b]) >= NEAR_PASSAGE;
    for (at, before) in near_pairs(&signatures, |_| 0, alike) {
        let (passage, before) = (own[at], own[before]);
        let message = format!(
            "a passage is nearly one of {}, and not the same; keep one wording of it",
            survey.shown(before.first)
        );
        found.push((Code::NearDuplicatePassage, passage.first, message));
    }
}
