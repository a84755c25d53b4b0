//! All passages of a split with an index over them, and what is known about which of them answer which question.
//!
//! The passages are held in memory: retrieval needs them all.
//!
//! May depend on `files`, `bm25` and `normal_form`.

use std::collections::{HashMap, HashSet};

use crate::train::dataset::{
    bm25::Bm25,
    error::DatasetError,
    example::{Example, Passage},
    files::{DataSet, Split},
    normal_form, passage_id,
    split_mix::hash64,
};

/// A passage of the pool.
#[derive(Debug)]
pub(in crate::train::dataset) struct Pooled {
    pub passage: Passage,
    /// Of the first example that has it.
    pub licence: String,
    text_hash: u64,
    /// As answers are compared.
    normal: String,
}

/// What the examples of a split say about a question.
#[derive(Debug, Default)]
struct Known {
    /// Accepted bare answers, as answers are compared.
    answers: HashSet<String>,
    /// Passages that support an answer, by the hash of their text.
    right: HashSet<u64>,
}

/// The passages of a split.
pub(in crate::train::dataset) struct Pool {
    passages: Vec<Pooled>,
    index: Bm25,
    questions: HashMap<u64, Known>,
}

impl Pooled {
    /// The passage under an id that none of `others` has.
    pub fn named_apart(&self, others: &[Passage]) -> Passage {
        let mut passage = self.passage.clone();
        if others.iter().any(|other| other.id == passage.id) {
            passage.id = passage_id(&passage.text);
        }
        passage
    }
}

impl Pool {
    /// Reads the examples of a split.
    pub fn read(set: &DataSet, split: Option<Split>) -> Result<Self, DatasetError> {
        let (mut passages, mut seen): (Vec<Pooled>, HashSet<u64>) = (Vec::new(), HashSet::new());
        let mut questions: HashMap<u64, Known> = HashMap::new();
        for located in super::of_split(set, split) {
            let example = located?.example;
            let known = questions.entry(normal_form::key(&example.question)).or_default();
            known.answers.extend(accepted(&example));
            for passage in &example.passages {
                let text_hash = hash64(passage.text.as_bytes());
                if example.support.iter().any(|span| span.passage == passage.id) {
                    known.right.insert(text_hash);
                }
                if seen.insert(text_hash) {
                    let normal = normal_form::answer(&passage.text);
                    let licence = example.licence.clone();
                    passages.push(Pooled { passage: passage.clone(), licence, text_hash, normal });
                }
            }
        }
        let indexed: Vec<String> =
            passages.iter().map(|pooled| format!("{}\n{}", pooled.passage.title, pooled.passage.text)).collect();
        let index = Bm25::new(indexed.iter().map(String::as_str));
        Ok(Self { passages, index, questions })
    }

    /// A passage by its number.
    pub fn get(&self, number: usize) -> &Pooled {
        &self.passages[number]
    }

    /// Whether it can be told that a passage does not answer the question: some accepted answer is known that would
    /// stand in a right one.
    pub fn is_checkable(&self, example: &Example) -> bool {
        self.known(example).is_some_and(|known| !known.answers.is_empty())
    }

    /// Passages that are near the question and do not answer it, nearest first.
    pub fn wrong_passages(&self, example: &Example) -> impl Iterator<Item = usize> {
        let own: HashSet<u64> = example.passages.iter().map(|passage| hash64(passage.text.as_bytes())).collect();
        let known = self.known(example);
        self.index.ranked(&example.question).filter(move |number| {
            let pooled = &self.passages[*number];
            let right = known.is_some_and(|known| {
                known.right.contains(&pooled.text_hash)
                    || known.answers.iter().any(|answer| normal_form::holds(&pooled.normal, answer))
            });
            !right && !own.contains(&pooled.text_hash)
        })
    }

    fn known(&self, example: &Example) -> Option<&Known> {
        self.questions.get(&normal_form::key(&example.question))
    }
}

/// The answers of an example that a right passage would hold; decisions are in no passage.
fn accepted(example: &Example) -> impl Iterator<Item = String> {
    let normal = example.short_answers.iter().map(|answer| normal_form::answer(answer));
    normal.filter(|answer| !matches!(answer.as_str(), "" | "yes" | "no" | "maybe"))
}
