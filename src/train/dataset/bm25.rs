//! Plain BM25 (Robertson and Zaragoza 2009) over a set of texts in memory, with the terms and constants that the
//! product's own lexical index has.
//!
//! May depend on `models::lexical`.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

use crate::models::lexical::Lexical;

/// How fast further occurrences of a term stop to count.
const K1: f32 = 0.9;
/// How much longer texts are held back.
const B: f32 = 0.4;

/// An index of texts, which are known by their number.
pub struct Bm25 {
    lexical: Lexical,
    terms: HashMap<String, u32>,
    /// For every term, the texts that hold it and how often.
    postings: Vec<Vec<(u32, u32)>>,
    lengths: Vec<u32>,
    mean_length: f32,
}

impl Bm25 {
    /// Indexes texts; their numbers are their positions.
    pub fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut index = Self {
            lexical: Lexical::new(),
            terms: HashMap::new(),
            postings: vec![],
            lengths: vec![],
            mean_length: 1.0,
        };
        for text in texts {
            let number = index.lengths.len() as u32;
            let mut frequencies: BTreeMap<u32, u32> = BTreeMap::new();
            let terms = index.lexical.terms(text);
            index.lengths.push(terms.len() as u32);
            for term in terms {
                let next = index.postings.len() as u32;
                let id = *index.terms.entry(term).or_insert(next);
                if id == next {
                    index.postings.push(Vec::new());
                }
                *frequencies.entry(id).or_default() += 1;
            }
            for (id, frequency) in frequencies {
                index.postings[id as usize].push((number, frequency));
            }
        }
        let total: u64 = index.lengths.iter().map(|length| u64::from(*length)).sum();
        index.mean_length = (total as f32 / index.lengths.len().max(1) as f32).max(1.0);
        index
    }

    /// The texts that share a term with `query`, best first; equal ones in their order.
    pub fn ranked(&self, query: &str) -> impl Iterator<Item = usize> + use<> {
        let mut wanted: BTreeMap<u32, f32> = BTreeMap::new();
        for term in self.lexical.terms(query) {
            if let Some(id) = self.terms.get(&term) {
                *wanted.entry(*id).or_default() += 1.0;
            }
        }
        let mut scores: HashMap<u32, f32> = HashMap::new();
        for (id, weight) in wanted {
            let postings = &self.postings[id as usize];
            let (all, with) = (self.lengths.len() as f32, postings.len() as f32);
            let rarity = (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
            for (number, frequency) in postings {
                let frequency = *frequency as f32;
                let length = self.lengths[*number as usize] as f32;
                let norm = K1 * (1.0 - B + B * length / self.mean_length);
                *scores.entry(*number).or_default() += weight * rarity * frequency * (K1 + 1.0) / (frequency + norm);
            }
        }
        // Scores are positive, and the bits of positive numbers are in their order.
        let mut heap: BinaryHeap<(u32, Reverse<u32>)> =
            scores.into_iter().map(|(number, score)| (score.to_bits(), Reverse(number))).collect();
        std::iter::from_fn(move || heap.pop().map(|(_, Reverse(number))| number as usize))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranked(texts: &[&str], query: &str) -> Vec<usize> {
        Bm25::new(texts.iter().copied()).ranked(query).collect()
    }

    #[test]
    fn rare_words_and_several_of_them_come_first() {
        let texts = ["The kiln burns.", "The kiln stands by the river.", "The river burns.", "A mill."];
        assert_eq!(ranked(&texts, "Which kiln stands by a river?")[0], 1);
        assert_eq!(ranked(&texts, "mills"), [3]);
        assert!(ranked(&texts, "of the").is_empty());
    }

    #[test]
    fn equal_texts_are_in_their_order() {
        assert_eq!(ranked(&["kiln", "kiln", "kiln"], "kilns"), [0, 1, 2]);
        assert!(ranked(&[], "kiln").is_empty());
    }

    proptest! {
        #[test]
        fn every_text_with_a_common_word_is_found_once(texts in prop::collection::vec("[kq]{1,2}( [kq]{1,2}){0,4}", 1..12)) {
            let index = Bm25::new(texts.iter().map(String::as_str));
            let mut found: Vec<usize> = index.ranked("kq").collect();
            found.sort_unstable();
            let holding: Vec<usize> =
                (0..texts.len()).filter(|at| texts[*at].split(' ').any(|word| word == "kq")).collect();
            prop_assert_eq!(found, holding);
        }
    }
}
