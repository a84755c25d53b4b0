//! Checking a draft against its evidence, one sentence at a time, and giving each its footnote.
//!
//! A sentence stands when one place in the evidence carries it (`support`), when that place speaks about what
//! was asked (`relevance`), and when the quote equals the stored text at its offsets (`citations`). The rest of a
//! draft goes. May depend on `domain`, the stores and `models`.

mod citations;
mod relevance;
pub mod sentences;
mod support;
#[cfg(test)]
pub mod testing;

use std::time::Instant;

use super::{AnswerError, AnswerEvent, AnswerServices, Evidence, Passage, PreparedQuestion, prompts};
use crate::domain::Citation;
use relevance::Relevance;
use support::SourceSentence;

/// What is left of a draft.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verified {
    /// The sentences that stand, in order.
    pub sentences: Vec<VerifiedSentence>,
    /// The sentences of the draft that did not stand.
    pub removed: Vec<String>,
    /// No sentence of the draft stood, and the answer is the source's own sentence.
    pub quoted: bool,
    /// How well the evidence carries the answer, 0 to 1.
    pub confidence: f32,
    /// How long checking took.
    pub milliseconds: f64,
}

/// A sentence of the answer, with its footnotes.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedSentence {
    /// The sentence, with the space that stands before it in the answer.
    pub text: String,
    /// Its footnotes.
    pub citations: Vec<Citation>,
    /// How well its source carries it, 0 to 1.
    pub support: f32,
}

impl Verified {
    /// The answer: the sentences that stand.
    pub fn text(&self) -> String {
        self.sentences.iter().map(|sentence| sentence.text.as_str()).collect()
    }

    /// With the time since `clock` as the time that checking took.
    pub fn after(mut self, clock: Instant) -> Self {
        self.milliseconds = clock.elapsed().as_secs_f64() * 1000.0;
        self
    }
}

/// Checks the sentences of one draft.
pub struct Checker<'a> {
    services: &'a AnswerServices,
    evidence: &'a Evidence,
    relevance: Relevance<'a>,
    sources: Vec<SourceSentence<'a>>,
    read: usize,
    verified: Verified,
}

impl<'a> Checker<'a> {
    /// Gets ready to check a draft for `question` that was written from `evidence`.
    pub fn new(services: &'a AnswerServices, question: &'a PreparedQuestion, evidence: &'a Evidence) -> Self {
        Self {
            services,
            evidence,
            relevance: Relevance::new(&services.retrieve, &question.understood.interpreted, &evidence.question_vector),
            sources: support::source_sentences(&services.retrieve.lexical, &evidence.passages),
            read: evidence.passages.len(),
            verified: Verified::default(),
        }
    }

    /// Whether any sentence of the evidence speaks about what was asked: when none does, nothing needs to be
    /// written.
    pub async fn may_hold_the_answer(&mut self) -> Result<bool, AnswerError> {
        self.relevance.score(&mut self.sources).await?;
        Ok(self.sources.iter().any(|source| source.is_relevant()))
    }

    /// The draft was written from the first `passages` of the evidence; only those can be cited.
    pub fn reads(&mut self, passages: usize) {
        self.read = passages;
    }

    /// Checks a sentence of the draft. When it stands it becomes part of the answer, and the event says so.
    pub async fn check(&mut self, sentence: &str) -> Result<Option<AnswerEvent>, AnswerError> {
        let sentence = sentence.trim();
        if sentence.is_empty() || self.repeats(sentence) {
            return Ok(None);
        }
        let question = self.relevance.question();
        let best = support::best_source(&self.services.retrieve.lexical, sentence, question, &self.sources, self.read);
        match best {
            Some((source, support)) if !sentence.contains(prompts::DECLINES) && self.sources[source].is_relevant() => {
                self.accept(sentence.to_owned(), source, support).await
            }
            _ => {
                self.verified.removed.push(sentence.to_owned());
                Ok(None)
            }
        }
    }

    /// When no sentence of the draft stands, the sentence of the evidence that answers best is quoted as it is, if
    /// it is a clear match.
    pub async fn quote_if_nothing_stands(&mut self) -> Result<Option<AnswerEvent>, AnswerError> {
        if !self.verified.sentences.is_empty() {
            return Ok(None);
        }
        let best = (0..self.sources.len())
            .filter(|at| self.sources[*at].is_clear_match())
            .max_by(|a, b| self.sources[*a].fitness().total_cmp(&self.sources[*b].fitness()));
        let Some(best) = best else { return Ok(None) };
        self.verified.quoted = true;
        let text = self.sources[best].text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.accept(text, best, 1.0).await
    }

    /// What is left.
    pub fn finish(mut self) -> Verified {
        let count = self.verified.sentences.len();
        if count > 0 {
            let support: f32 = self.verified.sentences.iter().map(|sentence| sentence.support).sum();
            self.verified.confidence = (support / count as f32).clamp(0.0, 1.0);
        }
        self.verified
    }

    fn repeats(&self, sentence: &str) -> bool {
        self.verified.sentences.iter().any(|earlier| earlier.text.trim() == sentence)
    }

    async fn accept(
        &mut self,
        sentence: String,
        source: usize,
        support: f32,
    ) -> Result<Option<AnswerEvent>, AnswerError> {
        let source = &self.sources[source];
        let passage: &Passage = &self.evidence.passages[source.passage];
        let start = self.verified.sentences.iter().map(|earlier| earlier.text.chars().count() as u32).sum::<u32>();
        let space = if start == 0 { "" } else { " " };
        let answer_start = start + space.len() as u32;
        let answer_end = answer_start + sentence.chars().count() as u32;
        let Some(citation) = citations::cite(
            &self.services.blobs,
            self.evidence.generation,
            passage,
            source.range.clone(),
            answer_start..answer_end,
        )
        .await?
        else {
            self.verified.removed.push(sentence);
            return Ok(None);
        };
        let text = format!("{space}{sentence}");
        let citations = vec![citation];
        self.verified.sentences.push(VerifiedSentence {
            text: text.clone(),
            citations: citations.clone(),
            support: support * source.relevance,
        });
        Ok(Some(AnswerEvent::Sentence { text, citations }))
    }
}
