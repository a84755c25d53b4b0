//! Whether a place in the evidence carries a sentence of the draft.
//!
//! Content words are compared as stems; numbers, names and negation by `literal`. A model that was trained for it looks
//! again afterwards (`checked`). May depend on `models::lexical` and `literal`.

use std::{collections::HashSet, ops::Range, sync::Arc};

use super::literal;
use crate::{
    answer::{
        Passage,
        instructions::{are_asked_about, is_instruction},
    },
    domain::sentences::sentences,
    models::lexical::Lexical,
};

/// The part of a sentence's content words that its source must hold.
const MIN_SUPPORT: f32 = 0.7;

/// What was asked, as a sentence is compared with it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The question.
    pub text: &'a str,
    /// The stems of its content words.
    pub terms: HashSet<String>,
    /// Whether numbers, names and negations are compared.
    pub literal: bool,
}

/// A sentence of the evidence.
#[derive(Debug, Clone)]
pub struct SourceSentence<'a> {
    /// Which passage holds it.
    pub passage: usize,
    /// Where it stands in the passage's text, in bytes.
    pub range: Range<usize>,
    /// The sentence.
    pub text: &'a str,
    /// The stems of its content words.
    pub terms: HashSet<String>,
    /// The stems of the passage that holds it, headings included.
    pub passage_terms: Arc<HashSet<String>>,
    /// The cosine to the question; 0 before it has been scored.
    pub relevance: f32,
    /// The part of the question's content words that the passage holds.
    pub coverage: f32,
    /// The part of the question's content words that the sentence itself holds.
    pub asked: f32,
}

impl<'a> SourceSentence<'a> {
    /// The sentence at `range`, in bytes, of the passage with this number.
    pub fn new(lexical: &Lexical, passage: &'a Passage, number: usize, range: Range<usize>) -> Self {
        let passage_terms = Arc::new(lexical.terms(&passage.chunk.indexed_text()).into_iter().collect());
        Self::with_terms(lexical, passage, number, range, passage_terms)
    }

    fn with_terms(
        lexical: &Lexical,
        passage: &'a Passage,
        number: usize,
        range: Range<usize>,
        passage_terms: Arc<HashSet<String>>,
    ) -> Self {
        let text = &passage.chunk.text[range.clone()];
        Self {
            passage: number,
            terms: lexical.terms(text).into_iter().collect(),
            passage_terms,
            relevance: 0.0,
            coverage: 0.0,
            asked: 0.0,
            range,
            text,
        }
    }

    /// How well the sentence would answer by itself: its nearness to the question, the question's words that it holds,
    /// and, where these say the same, the rank of its passage.
    pub fn fitness(&self) -> f32 {
        self.relevance + 0.3 * self.asked + 0.1 / (1 + self.passage) as f32
    }
}

/// Every sentence of every passage that a sentence of the answer may rest on: none that gives orders to whoever answers,
/// unless the question is about such.
pub fn source_sentences<'a>(lexical: &Lexical, question: &str, passages: &'a [Passage]) -> Vec<SourceSentence<'a>> {
    let asked_about = are_asked_about(question);
    let mut found = Vec::new();
    for (number, passage) in passages.iter().enumerate() {
        let passage_terms: Arc<HashSet<String>> =
            Arc::new(lexical.terms(&passage.chunk.indexed_text()).into_iter().collect());
        let citable = |range: &Range<usize>| asked_about || !is_instruction(&passage.chunk.text[range.clone()]);
        for range in sentences(&passage.chunk.text).into_iter().filter(citable) {
            found.push(SourceSentence::with_terms(lexical, passage, number, range, passage_terms.clone()));
        }
    }
    found
}

/// The source that carries `sentence` best, among the first `read` passages, and how well, 0 to 1.
///
/// Words that the question already used need no source: an answer repeats them.
pub fn best_source(
    lexical: &Lexical,
    sentence: &str,
    asked: &Asked<'_>,
    sources: &[SourceSentence<'_>],
    read: usize,
) -> Option<(usize, f32)> {
    let new = new_terms(lexical, sentence, asked);
    sources
        .iter()
        .enumerate()
        .filter(|(_, source)| source.passage < read)
        .filter_map(|(at, source)| Some((at, support_of(lexical, sentence, &new, asked, source)?)))
        .max_by(|a, b| (a.1 + 0.2 * sources[a.0].relevance).total_cmp(&(b.1 + 0.2 * sources[b.0].relevance)))
}

/// How well one source carries `sentence`; `None` when it does not.
pub fn support(lexical: &Lexical, sentence: &str, asked: &Asked<'_>, source: &SourceSentence<'_>) -> Option<f32> {
    support_of(lexical, sentence, &new_terms(lexical, sentence, asked), asked, source)
}

/// The terms of a sentence that the question did not use.
fn new_terms(lexical: &Lexical, sentence: &str, asked: &Asked<'_>) -> HashSet<String> {
    lexical.terms(sentence).into_iter().filter(|term| !asked.terms.contains(term)).collect()
}

fn support_of(
    lexical: &Lexical,
    sentence: &str,
    new: &HashSet<String>,
    asked: &Asked<'_>,
    source: &SourceSentence<'_>,
) -> Option<f32> {
    let held = new.iter().filter(|term| source.terms.contains(*term)).count();
    let support = match new.len() {
        // A sentence that says nothing that the question did not answers nothing.
        0 => 0.0,
        count => held as f32 / count as f32,
    };
    let agrees = !asked.literal || literal::agrees(sentence, source, asked.text, lexical);
    (support >= MIN_SUPPORT && agrees).then_some(support)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::answer::postfilter::testing::passage;

    fn asked<'a>(lexical: &Lexical, text: &'a str) -> Asked<'a> {
        Asked { text, terms: lexical.terms(text).into_iter().collect(), literal: true }
    }

    fn supported(draft: &str, source: &str) -> bool {
        let lexical = Lexical::new();
        let passages = [passage(source)];
        let sources = source_sentences(&lexical, "", &passages);
        best_source(&lexical, draft, &asked(&lexical, "How long does a lease last?"), &sources, 1).is_some()
    }

    #[test]
    fn a_sentence_stands_on_a_source_that_says_the_same() {
        assert!(supported("A lease lasts sixty seconds.", "Each lease lasts sixty seconds. It is then taken over."));
        assert!(!supported("A lease lasts until the garbage is collected.", "Each lease lasts sixty seconds."));
    }

    #[test]
    fn another_number_name_or_a_negation_is_no_support() {
        let source = "A lease lasts 60 seconds on the Postgres backend.";
        assert!(supported("A lease lasts 60 seconds on the Postgres backend.", source));
        assert!(!supported("A lease lasts 90 seconds on the Postgres backend.", source));
        assert!(!supported("A lease lasts 60 seconds on the Oracle backend.", source));
        assert!(!supported("A lease does not last 60 seconds on the Postgres backend.", source));
    }

    #[test]
    fn only_passages_that_were_read_can_be_cited() {
        let lexical = Lexical::new();
        let passages = [passage("Nothing of interest."), passage("A lease lasts sixty seconds.")];
        let sources = source_sentences(&lexical, "", &passages);
        let asked = asked(&lexical, "");
        let best = |read| best_source(&lexical, "A lease lasts sixty seconds.", &asked, &sources, read);
        assert_eq!(best(1), None);
        assert_eq!(sources[best(2).unwrap().0].passage, 1);
    }
}
