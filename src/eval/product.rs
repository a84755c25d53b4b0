//! The product as a system under test: closed, from given passages, and open, over documents that it ingested.
//!
//! May depend on `answer`, `app`, `domain` and the siblings.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

use super::{
    answerer::{Answerer, AnswererError, Asked, Reply},
    corpus::Corpus,
    prediction::{CitedSpan, PredictedOutcome},
};
use crate::{
    answer::{self, AnswerError, AnswerServices, GivenPassage},
    domain::{Outcome, OutcomeKind, Question, Timings, text::CodePointRange},
    models::embedder::TokenCounter,
};

/// The product, asked with the passages to answer from.
pub struct Closed {
    /// What answers; its blob store is in memory.
    pub services: AnswerServices,
    /// Counts the tokens of a passage.
    pub count_tokens: TokenCounter,
}

/// The product over an index that holds the suite's corpus.
pub struct Open {
    /// What answers.
    pub services: AnswerServices,
    /// The documents that were ingested.
    pub corpus: Arc<Corpus>,
}

impl From<AnswerError> for AnswererError {
    fn from(error: AnswerError) -> Self {
        Self { message: error.to_string(), transient: error.is_transient() }
    }
}

#[async_trait]
impl Answerer for Closed {
    async fn answer(&self, asked: &Asked) -> Result<Reply, AnswererError> {
        let given: Vec<GivenPassage> = asked
            .passages
            .iter()
            .flatten()
            .map(|passage| GivenPassage {
                name: passage.id.clone(),
                title: passage.title.clone(),
                text: passage.text.clone(),
            })
            .collect();
        let outcome = answer::answer_given(&self.services, &self.count_tokens, question(asked), &given).await?;
        let read = given.iter().map(|passage| passage.name.clone()).collect();
        Ok(reply(outcome, read, |name, range| Some((name.to_owned(), range))))
    }
}

#[async_trait]
impl Answerer for Open {
    async fn answer(&self, asked: &Asked) -> Result<Reply, AnswererError> {
        let outcome = answer::answer(&self.services, question(asked), None).await?;
        Ok(reply(outcome, Vec::new(), |name, range| {
            self.corpus.locate(name, range).map(|(passage, range)| (passage.to_owned(), range))
        }))
    }
}

fn question(asked: &Asked) -> Question {
    Question { question: asked.question.clone(), collection: None, filter: None, top_k: None, stream: false }
}

/// A quote that lies in no single passage names its document: it then counts as a wrong citation.
fn reply(
    outcome: Outcome,
    read: Vec<String>,
    place: impl Fn(&str, CodePointRange) -> Option<(String, CodePointRange)>,
) -> Reply {
    let citations = outcome.citations.into_iter().map(|citation| {
        let range = CodePointRange { start: citation.source_start, end: citation.source_end };
        let (passage, range) = place(&citation.name, range).unwrap_or((citation.name, range));
        CitedSpan { passage, start: range.start, end: range.end, quote: citation.quote }
    });
    Reply {
        citations: citations.collect(),
        outcome: match outcome.outcome {
            OutcomeKind::Answered => PredictedOutcome::Answered,
            OutcomeKind::Partial => PredictedOutcome::Partial,
            OutcomeKind::Abstained => PredictedOutcome::Abstained,
            OutcomeKind::Clarify => PredictedOutcome::Clarify,
            OutcomeKind::Blocked => PredictedOutcome::Blocked,
        },
        answer: outcome.answer,
        short_answer: outcome.short_answer,
        confidence: f64::from(outcome.confidence).clamp(0.0, 1.0),
        read: (!read.is_empty()).then_some(read),
        answer_loss: None,
        stages_ms: stages(outcome.timings_ms),
    }
}

fn stages(timings: Timings) -> BTreeMap<String, f64> {
    [
        ("preprocess", timings.preprocess),
        ("retrieve", timings.retrieve),
        ("read", timings.read),
        ("generate", timings.generate),
        ("postfilter", timings.postfilter),
    ]
    .into_iter()
    .map(|(stage, milliseconds)| (stage.to_owned(), milliseconds.max(0.0)))
    .collect()
}
