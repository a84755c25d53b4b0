//! Whether a sentence of the evidence speaks about what was asked.
//!
//! Two signs must agree: the embedder finds the sentence near the question, and its passage holds the question's
//! content words. The thresholds were set on questions about the handbook (`docs/ARCHITECTURE.md`); a calibrated
//! probability replaces them later. May depend on `models`.

use std::{collections::HashSet, sync::Arc};

use unicode_segmentation::UnicodeSegmentation;

use super::support::SourceSentence;
use crate::{
    answer::{AnswerError, RetrieveServices},
    domain::GenerationNumber,
    models::embedder::Embedder,
};

/// The least cosine between a question and a sentence that may answer it.
const MIN_COSINE: f32 = 0.35;
/// The least part of the question's content words that the passage holds.
const MIN_COVERAGE: f32 = 0.5;
/// How far below the most relevant sentence another one may lie.
const MAX_DISTANCE: f32 = 0.2;
/// The same for a sentence that is quoted without the generator's help.
const CLEAR_COSINE: f32 = 0.5;
const CLEAR_COVERAGE: f32 = 0.6;
/// How many sentences are compared by the embedder: those with the most words of the question.
const CANDIDATES: usize = 16;

impl SourceSentence<'_> {
    /// The sentence may answer the question.
    pub fn is_relevant(&self) -> bool {
        self.relevance >= MIN_COSINE && self.coverage >= MIN_COVERAGE
    }

    /// The sentence answers the question so clearly that it can be quoted as it is.
    pub fn is_clear_match(&self) -> bool {
        self.relevance >= CLEAR_COSINE && self.coverage >= CLEAR_COVERAGE
    }
}

/// Compares sentences with one question.
pub struct Relevance<'a> {
    embedder: Arc<dyn Embedder>,
    vector: &'a [f32],
    terms: HashSet<String>,
    /// Terms of numbers and names: a passage without one of them speaks about something else.
    required: HashSet<String>,
}

impl<'a> Relevance<'a> {
    /// Reads the question, whose vector was made for a search in `generation`.
    pub fn new(services: &RetrieveServices, generation: GenerationNumber, question: &str, vector: &'a [f32]) -> Self {
        let (lexical, embedder) = (&services.lexical, services.embedders.of_searched(generation));
        let required = required_words(question).flat_map(|word| lexical.terms(word)).collect();
        Self { embedder, vector, terms: lexical.terms(question).into_iter().collect(), required }
    }

    /// Scores the sentences that share the most words with the question; the others stay at 0.
    pub async fn score(&self, sources: &mut [SourceSentence<'_>]) -> Result<(), AnswerError> {
        for source in sources.iter_mut() {
            source.coverage = self.coverage(&source.passage_terms);
            let shared = self.terms.iter().filter(|term| source.terms.contains(*term)).count();
            source.asked = shared as f32 / self.terms.len().max(1) as f32;
        }
        let mut order: Vec<usize> = (0..sources.len()).filter(|at| sources[*at].coverage >= MIN_COVERAGE).collect();
        // A stable sort: among equals the better passage comes first.
        order.sort_by(|a, b| sources[*b].asked.total_cmp(&sources[*a].asked));
        order.truncate(CANDIDATES);
        let texts: Vec<String> = order.iter().map(|at| sources[*at].text.to_owned()).collect();
        let vectors = self.embedder.embed_passages_first(texts).await?;
        for (at, vector) in order.into_iter().zip(vectors) {
            sources[at].relevance = vector.iter().zip(self.vector).map(|(a, b)| a * b).sum();
        }
        // A sentence that is much less near than the nearest one speaks about something beside the question.
        let nearest = sources.iter().map(|source| source.relevance).fold(0.0, f32::max);
        for source in sources.iter_mut().filter(|source| source.relevance < nearest - MAX_DISTANCE) {
            source.relevance = 0.0;
        }
        Ok(())
    }

    fn coverage(&self, passage: &HashSet<String>) -> f32 {
        if self.terms.is_empty() {
            return 1.0;
        }
        if !self.required.is_subset(passage) {
            return 0.0;
        }
        self.terms.iter().filter(|term| passage.contains(*term)).count() as f32 / self.terms.len() as f32
    }
}

/// Numbers, and capitalised words that do not begin the question.
fn required_words(question: &str) -> impl Iterator<Item = &str> {
    question.unicode_words().enumerate().filter_map(|(at, word)| {
        let number = word.chars().any(|c| c.is_ascii_digit());
        let name = at > 0 && word.starts_with(char::is_uppercase) && word.chars().count() > 1;
        (number || name).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_required_and_the_first_word_is_not() {
        let words: Vec<_> = required_words("Which port does Qdrant use in 2024, and may I change it?").collect();
        assert_eq!(words, ["Qdrant", "2024"]);
    }
}
