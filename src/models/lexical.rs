//! The lexical half of retrieval: BM25 weights of a text's terms as a sparse vector.
//!
//! The store multiplies by the inverse document frequency, which it knows over all passages. What does not depend
//! on other passages is computed here: the saturation of the term frequency and the length norm, against a fixed
//! mean length, so that adding a document never changes the vectors of another.
//!
//! May depend on `vector_store` (for the vector's type).

mod stop_words;
mod words;

use std::collections::BTreeMap;

use rust_stemmers::{Algorithm, Stemmer};
use xxhash_rust::xxh32::xxh32;

use crate::vector_store::SparseVector;
use stop_words::is_stop_word;
pub use words::is_unspaced;
use words::{WordKind, words};

/// How fast further occurrences of a term stop to count.
const K1: f32 = 0.9;
/// How much longer passages are held back.
const B: f32 = 0.4;
/// The length that is taken for the mean, in terms; a chunk of usual size has about as many.
const MEAN_LENGTH: f32 = 90.0;
/// What a pair of neighbouring terms counts in a question, against a single term.
const PAIR_WEIGHT: f32 = 0.3;
/// Between the two terms of a pair; no term holds it.
const PAIR_MARK: char = '\u{1f}';

/// Makes the sparse vectors of passages and questions.
pub struct Lexical {
    english: Stemmer,
    russian: Stemmer,
}

impl Default for Lexical {
    fn default() -> Self {
        Self::new()
    }
}

impl Lexical {
    /// Names everything that decides which terms a text has and what they weigh. An index made under another stamp
    /// is rebuilt.
    pub const STAMP: &str = "bm25-1 k1=0.9 b=0.4 mean=90 pairs=0.3 snowball-en-ru xxh32";

    /// A new one; there is nothing to load.
    pub fn new() -> Self {
        Self { english: Stemmer::create(Algorithm::English), russian: Stemmer::create(Algorithm::Russian) }
    }

    /// The terms of `text` that carry meaning, stemmed, in order: without stop words, and with identifiers both
    /// whole and in parts.
    pub fn terms(&self, text: &str) -> Vec<String> {
        words(text).into_iter().filter(|word| !is_stop_word(&word.text)).map(|word| self.stem(word.text)).collect()
    }

    /// The weights of a passage's terms, without the inverse document frequency.
    pub fn passage(&self, text: &str) -> SparseVector {
        let (singles, pairs) = self.singles_and_pairs(text);
        let norm = K1 * (1.0 - B + B * singles.len() as f32 / MEAN_LENGTH);
        let mut frequencies: BTreeMap<u32, f32> = BTreeMap::new();
        for term in singles.iter().chain(&pairs) {
            *frequencies.entry(dimension(term)).or_default() += 1.0;
        }
        let weigh = |frequency: f32| frequency * (K1 + 1.0) / (frequency + norm);
        sparse(frequencies.into_iter().map(|(dimension, frequency)| (dimension, weigh(frequency))))
    }

    /// The weights of a question's terms. Empty when the question holds no word that carries meaning.
    pub fn question(&self, text: &str) -> SparseVector {
        let (singles, pairs) = self.singles_and_pairs(text);
        let mut weights: BTreeMap<u32, f32> = BTreeMap::new();
        for (terms, weight) in [(singles, 1.0), (pairs, PAIR_WEIGHT)] {
            for term in terms {
                *weights.entry(dimension(&term)).or_default() += weight;
            }
        }
        sparse(weights.into_iter())
    }

    /// The terms, and the pairs of terms that follow each other when stop words and whole identifiers are left out.
    fn singles_and_pairs(&self, text: &str) -> (Vec<String>, Vec<String>) {
        let (mut singles, mut pairs) = (Vec::new(), Vec::new());
        let mut before: Option<String> = None;
        for word in words(text) {
            if is_stop_word(&word.text) {
                continue;
            }
            let kind = word.kind;
            let term = self.stem(word.text);
            if kind == WordKind::Plain
                && let Some(before) = before.replace(term.clone())
            {
                pairs.push(format!("{before}{PAIR_MARK}{term}"));
            }
            singles.push(term);
        }
        (singles, pairs)
    }

    /// The stem of a word in Latin letters (by English rules) or Cyrillic ones (by Russian rules); other words as
    /// they are.
    fn stem(&self, word: String) -> String {
        if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            self.english.stem(&word).into_owned()
        } else if word.chars().all(|c| matches!(c, '\u{430}'..='\u{44f}')) {
            self.russian.stem(&word).into_owned()
        } else {
            word
        }
    }
}

/// The dimension of a term. Two terms may share one; their weights then add up.
fn dimension(term: &str) -> u32 {
    xxh32(term.as_bytes(), 0)
}

fn sparse(weights: impl Iterator<Item = (u32, f32)>) -> SparseVector {
    let (indices, values) = weights.unzip();
    SparseVector { indices, values }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    fn dot(question: &SparseVector, passage: &SparseVector) -> f32 {
        question
            .indices
            .iter()
            .zip(&question.values)
            .filter_map(|(index, value)| passage.indices.binary_search(index).ok().map(|at| value * passage.values[at]))
            .sum()
    }

    #[test]
    fn terms_are_stemmed_and_carry_meaning() {
        let lexical = Lexical::new();
        assert_eq!(lexical.terms("When were the Normans in Normandy?"), ["norman", "normandi"]);
        assert_eq!(lexical.terms("running runs"), ["run", "run"]);
        assert_eq!(lexical.terms("max_connections"), ["max_connections", "max", "connect"]);
        assert_eq!(lexical.terms("базы данных"), lexical.terms("базами данные"));
    }

    #[test]
    fn other_scripts_are_searchable() {
        let lexical = Lexical::new();
        for (passage, question) in [
            ("東京都の人口は約1400万人です", "東京の人口"),
            ("서울의 인구", "서울"),
            ("عدد السكان", "السكان"),
            ("ประชากรของกรุงเทพ", "กรุงเทพ"),
        ] {
            assert!(dot(&lexical.question(question), &lexical.passage(passage)) > 0.0, "{question}");
        }
    }

    #[test]
    fn words_side_by_side_count_more_than_apart() {
        let lexical = Lexical::new();
        let question = lexical.question("steam engine");
        let together = dot(&question, &lexical.passage("the steam engine was old"));
        let apart = dot(&question, &lexical.passage("an old engine ran without steam"));
        assert!(together > apart);
    }

    #[test]
    fn repeating_a_word_counts_less_and_less() {
        let lexical = Lexical::new();
        let question = lexical.question("force");
        let score = |times: usize| {
            dot(&question, &lexical.passage(&format!("{} {}", "force ".repeat(times), "filler ".repeat(40 - times))))
        };
        assert!(score(2) > score(1) && score(3) > score(2));
        assert!(score(3) - score(2) < score(2) - score(1));
    }

    #[test]
    fn a_question_of_stop_words_has_no_terms() {
        assert_eq!(Lexical::new().question("What is it?"), SparseVector::default());
        assert_eq!(Lexical::new().passage(" … "), SparseVector::default());
    }

    proptest! {
        #[test]
        fn vectors_are_sorted_distinct_and_positive(text in "\\PC{0,300}") {
            let lexical = Lexical::new();
            for vector in [lexical.passage(&text), lexical.question(&text)] {
                prop_assert_eq!(vector.indices.len(), vector.values.len());
                prop_assert!(vector.indices.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(vector.values.iter().all(|value| value.is_finite() && *value > 0.0));
            }
        }

        #[test]
        fn a_text_answers_itself(text in "[a-zа-я0-9一-龥 ._'-]{1,200}") {
            let lexical = Lexical::new();
            let question = lexical.question(&text);
            prop_assert_eq!(dot(&question, &lexical.passage(&text)) > 0.0, !question.indices.is_empty());
            prop_assert_eq!(&question.indices, &lexical.passage(&text).indices);
        }

        #[test]
        fn stemming_takes_any_word(word in "[a-z]{1,30}|[а-я]{1,30}") {
            prop_assert!(!Lexical::new().stem(word).is_empty());
        }
    }
}
