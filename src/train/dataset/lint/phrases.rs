//! Runs of words that are in two splits: passages that were copied or reworded a little, and questions that were.
//!
//! The runs of the smaller sides (validation, test, what is compared with) are kept as hashes; train is only read.
//!
//! May depend on `files` and `normal_form`.

use std::collections::{HashMap, HashSet};

use super::{
    Code,
    survey::{Place, Side, Survey},
};
use crate::train::dataset::{
    error::DatasetError,
    files::{lines, parse},
    normal_form::{self, combine},
    split_mix::hash64,
};

/// From this share of a passage's runs on it is a copy.
const COPY: f64 = 0.5;
/// A passage with fewer words than a run is compared as a whole, unless it has fewer than this.
const SHORT: usize = 8;

/// The runs of the sides that were read before, and where each stands first.
#[derive(Default)]
struct Runs {
    passages: HashMap<u64, Place>,
    questions: HashMap<u64, Place>,
}

/// Looks for them.
pub(super) fn look(survey: &mut Survey) -> Result<(), DatasetError> {
    // From the one that must not leak to the one that must not be leaked into.
    let sides = [Side::Against, Side::Test, Side::Validation, Side::Train];
    let present: Vec<Side> =
        sides.into_iter().filter(|side| survey.files.iter().any(|file| file.side == *side)).collect();
    let mut runs = Runs::default();
    for (number, side) in present.iter().enumerate() {
        let (first, last) = (number == 0, number + 1 == present.len());
        if first && last {
            return Ok(());
        }
        read_side(survey, *side, &mut runs, !first, !last)?;
    }
    Ok(())
}

/// Compares one side with what is known (`compare`) and adds it to what is known (`keep`).
fn read_side(survey: &mut Survey, side: Side, runs: &mut Runs, compare: bool, keep: bool) -> Result<(), DatasetError> {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut found = Vec::new();
    let mut fresh = Runs::default();
    for (number, file) in survey.files.iter().enumerate().filter(|(_, file)| file.side == side) {
        let length = survey.sets[file.set].settings.ngram;
        for line in lines(&file.path)? {
            let line = line?;
            // What is no example was reported when the file was read first.
            let Some(example) = line.text.ok().and_then(|text| parse(&text).ok()) else { continue };
            let place = Place { file: number as u32, line: line.number };
            for passage in &example.passages {
                if !seen.insert(hash64(passage.text.as_bytes())) {
                    continue;
                }
                let words: Vec<String> = normal_form::words(&passage.text).collect();
                let hashes = runs_of(&words, length);
                if compare {
                    let shared = shared_passage(survey, &runs.passages, &words, &hashes, length);
                    found.extend(shared.map(|(code, message)| (code, place, message)));
                }
                for hash in hashes.into_iter().filter(|_| keep) {
                    fresh.passages.entry(hash).or_insert(place);
                }
            }
            let words: Vec<String> = normal_form::words(&example.question).collect();
            // Whole questions are compared in `leakage`.
            if words.len() > length && seen.insert(normal_form::key(&example.question)) {
                let hashes = runs_of(&words, length);
                if let Some(at) = hashes.iter().position(|hash| compare && runs.questions.contains_key(hash)) {
                    let there = survey.shown(runs.questions[&hashes[at]]);
                    let message = format!(
                        "{length} words in a row of the question are also in one of {there}: {:?}; keep one of them",
                        words[at..at + length].join(" ")
                    );
                    found.push((Code::LeakQuestion, place, message));
                }
                for hash in hashes.into_iter().filter(|_| keep) {
                    fresh.questions.entry(hash).or_insert(place);
                }
            }
        }
    }
    for (hash, place) in fresh.passages {
        runs.passages.entry(hash).or_insert(place);
    }
    for (hash, place) in fresh.questions {
        runs.questions.entry(hash).or_insert(place);
    }
    for (code, place, message) in found {
        survey.add(code, place, message);
    }
    Ok(())
}

fn runs_of(words: &[String], length: usize) -> Vec<u64> {
    let hashes: Vec<u64> = words.iter().map(|word| hash64(word.as_bytes())).collect();
    if hashes.len() >= length {
        hashes.windows(length).map(combine).collect()
    } else if hashes.len() >= SHORT {
        vec![combine(&hashes)]
    } else {
        Vec::new()
    }
}

fn shared_passage(
    survey: &Survey,
    known: &HashMap<u64, Place>,
    words: &[String],
    hashes: &[u64],
    length: usize,
) -> Option<(Code, String)> {
    let shared = hashes.iter().filter(|hash| known.contains_key(hash)).count();
    let at = hashes.iter().position(|hash| known.contains_key(hash))?;
    let there = survey.shown(known[&hashes[at]]);
    let share = shared as f64 / hashes.len() as f64;
    let example = words[at..words.len().min(at + length)].join(" ");
    Some(if share >= COPY {
        let message = format!(
            "{:.0} % of a passage is also in one of {there}, beginning with {example:?}; keep it in one split",
            share * 100.0
        );
        (Code::LeakText, message)
    } else {
        let message = format!(
            "{length} words in a row of a passage are also in one of {there} ({shared} of {} runs): {example:?}; look \
             whether one was copied from the other",
            hashes.len()
        );
        (Code::LeakPhrase, message)
    })
}
