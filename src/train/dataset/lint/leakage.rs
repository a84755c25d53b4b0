//! What is in two splits at once: documents, by their titles, and whole questions.
//!
//! May depend on `normal_form`.

use std::collections::{BTreeMap, HashMap};

use super::{
    Code,
    survey::{Place, Side, Survey},
};
use crate::train::dataset::normal_form::word_count;

/// From so many words on, the same question in two splits is no accident.
const LONG_QUESTION: usize = 8;
/// Questions with fewer words than this ("Who is he?") are the same everywhere and say nothing.
const SHORT_QUESTION: usize = 5;

/// Looks for both.
pub(super) fn look(survey: &mut Survey) {
    let mut found = Vec::new();
    documents(survey, &mut found);
    questions(survey, &mut found);
    for (code, place, message) in found {
        survey.add(code, place, message);
    }
}

impl Side {
    /// As people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Against => "what it is compared with",
        }
    }
}

fn documents(survey: &Survey, found: &mut Vec<(Code, Place, String)>) {
    // Per document and side: the first place and how many examples.
    let mut seen: Vec<BTreeMap<Side, (Place, u64)>> = vec![BTreeMap::new(); survey.documents.len()];
    for example in &survey.examples {
        for document in &example.documents {
            let side = survey.side(example.place);
            seen[*document as usize].entry(side).or_insert((example.place, 0)).1 += 1;
        }
    }
    for (document, sides) in seen.iter().enumerate() {
        let mut sides = sides.iter();
        // The first side is the one that is to be cut: train before validation before test.
        let Some((side, (place, count))) = sides.next() else { continue };
        for (other, (there, others)) in sides {
            let message = format!(
                "the document {:?} is in {} ({count} examples) and in {} ({others}, first {}); cut by document with \
                 `footnote dataset split`, or take it out of one",
                survey.documents[document],
                side.as_str(),
                other.as_str(),
                survey.shown(*there)
            );
            found.push((Code::LeakDocument, *place, message));
        }
    }
}

fn questions(survey: &Survey, found: &mut Vec<(Code, Place, String)>) {
    let mut seen: HashMap<u64, BTreeMap<Side, Place>> = HashMap::new();
    for example in &survey.examples {
        let side = survey.side(example.place);
        seen.entry(example.question_key).or_default().entry(side).or_insert(example.place);
    }
    for example in survey.own() {
        let side = survey.side(example.place);
        let Some(sides) = seen.get(&example.question_key).filter(|sides| sides.len() > 1) else { continue };
        // Said once per side and question, at its first place, about the next side.
        let next = sides.iter().find(|(other, _)| **other > side);
        let (Some((other, there)), true) = (next, sides.get(&side) == Some(&example.place)) else { continue };
        let words = word_count(&example.question);
        let code = match words {
            _ if words >= LONG_QUESTION => Code::LeakQuestion,
            _ if words >= SHORT_QUESTION => Code::SameQuestion,
            _ => continue,
        };
        let message = format!(
            "the question {:?} is also in {}, {}; keep it in one of them",
            example.question,
            other.as_str(),
            survey.shown(*there)
        );
        found.push((code, example.place, message));
    }
}
