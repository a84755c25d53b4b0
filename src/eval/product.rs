//! The product as a system under test: closed, from given passages, and open, over documents that it ingested.
//!
//! May depend on `answer`, `app`, `domain` and the siblings.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    answerer::{Answerer, AnswererError, Asked, Reply},
    card::sha256_of_file,
    corpus::Corpus,
    prediction::{CitedSpan, PredictedOutcome, PredictedPart},
};
use crate::{
    answer::{self, AnswerError, AnswerServices, GivenPassage, Passage, RankingKind, SearchRequest},
    domain::{
        Access, Outcome, OutcomeKind, Question, QuestionPart, Timings, Turn, personal_data::PersonalKind,
        text::CodePointRange,
    },
    models::embedder::TokenCounter,
    train::dataset::example::Exchange,
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
        let (outcome, found) = answer::answer_with_evidence(&self.services, question(asked), None).await?;
        Ok(reply(outcome, read(&self.corpus, &found), |name, range| {
            self.corpus.locate(name, range).map(|(passage, range)| (passage.to_owned(), range))
        }))
    }

    /// The cosine of the question, as it was typed, and the nearest passage. The score of the hybrid search is made of
    /// ranks, so it says nothing of how near the best passage is, and no threshold on it means anything.
    async fn retrieval_score(&self, asked: &Asked) -> Result<Option<f64>, AnswererError> {
        let request = SearchRequest {
            question: asked.question.clone(),
            collection: None,
            filter: None,
            top_k: Some(1),
            ranking: RankingKind::Dense,
            access: Access::everything(),
        };
        let found = answer::search(&self.services.retrieve, request).await?;
        Ok(found.results.first().map(|passage| f64::from(passage.score)))
    }
}

/// What of the configuration changes answers and is no stage, for the card: two runs that differ in it are not of one
/// system. A calibration of the configuration is named by the sum of its file.
pub fn settings(
    redact: &BTreeSet<PersonalKind>,
    target_error: Option<f64>,
    calibration: Option<&Path>,
) -> std::io::Result<BTreeMap<String, serde_json::Value>> {
    let redact: Vec<&str> = redact.iter().map(|kind| kind.as_str()).collect();
    let mut settings = BTreeMap::from([("redact".to_owned(), redact.into())]);
    if let Some(target) = target_error {
        settings.insert("target_error".to_owned(), target.into());
    }
    if let Some(path) = calibration {
        settings.insert("calibration".to_owned(), sha256_of_file(path)?.into());
    }
    Ok(settings)
}

fn question(asked: &Asked) -> Question {
    let turn = |said: &Exchange| Turn {
        question: said.question.clone(),
        answer: Some(said.answer.clone()),
        ..Turn::default()
    };
    Question { history: asked.history.iter().map(turn).collect(), ..Question::new(&asked.question) }
}

/// The passages of the data set of which the chunks that were found hold something, in the order of the chunks.
fn read(corpus: &Corpus, found: &[Passage]) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    for chunk in found {
        for passage in corpus.touched(&chunk.name, chunk.chunk.range) {
            if !read.iter().any(|known| known == passage) {
                read.push(passage.to_owned());
            }
        }
    }
    read
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
        outcome: ended(outcome.outcome),
        parts: outcome.question.parts.into_iter().map(part).collect(),
        answer: outcome.answer,
        short_answer: outcome.short_answer,
        confidence: f64::from(outcome.confidence).clamp(0.0, 1.0),
        read: Some(read),
        answer_loss: None,
        stages_ms: stages(outcome.timings_ms),
    }
}

fn part(part: QuestionPart) -> PredictedPart {
    PredictedPart {
        question: part.question,
        outcome: ended(part.outcome),
        answer: part.answer,
        short_answer: part.short_answer,
        confidence: f64::from(part.confidence).clamp(0.0, 1.0),
    }
}

fn ended(outcome: OutcomeKind) -> PredictedOutcome {
    match outcome {
        OutcomeKind::Answered => PredictedOutcome::Answered,
        OutcomeKind::Partial => PredictedOutcome::Partial,
        OutcomeKind::Abstained => PredictedOutcome::Abstained,
        OutcomeKind::Clarify => PredictedOutcome::Clarify,
        OutcomeKind::Blocked => PredictedOutcome::Blocked,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{
        domain::{Chunk, ChunkId, DocumentId},
        train::dataset::example,
    };

    #[test]
    fn what_changes_answers_is_on_the_card() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        std::fs::write(&path, "{}").unwrap();
        let all = BTreeSet::from(PersonalKind::ALL);
        let said = settings(&all, Some(0.1), Some(&path)).unwrap();
        assert_eq!(said["redact"].as_array().unwrap().len(), all.len());
        assert_eq!((said["target_error"].as_f64(), said["calibration"].as_str().unwrap().len()), (Some(0.1), 64));
        let bare = settings(&BTreeSet::new(), None, None).unwrap();
        assert_eq!(bare.keys().collect::<Vec<_>>(), ["redact"]);
        assert!(settings(&all, None, Some(&folder.path().join("none"))).is_err());
    }

    fn chunk(name: &str, start: u32, end: u32) -> Passage {
        let document_id = DocumentId::new();
        let chunk = Chunk {
            id: ChunkId::derive(document_id, 1, 1, 0),
            document_id,
            version: 1,
            ordinal: 0,
            range: CodePointRange { start, end },
            text: String::new(),
            context: String::new(),
            tokens: 1,
            heading_path: vec![],
            page: None,
        };
        Passage { chunk, name: name.to_owned(), title: None, score: 1.0 }
    }

    #[test]
    fn what_was_said_before_comes_with_the_question() {
        let said = Exchange { question: "Is there a pier?".into(), answer: "Yes.".into() };
        let (history, passages) = (vec![said], None);
        let asked =
            Asked { id: "1".into(), history, question: "How long is it?".into(), passages, expected_answer: None };
        let question = question(&asked);
        assert_eq!((question.history.len(), question.history[0].question.as_str()), (1, "Is there a pier?"));
        assert_eq!(question.history[0].answer.as_deref(), Some("Yes."));
    }

    #[test]
    fn what_was_read_are_the_passages_under_the_chunks_each_once() {
        let passage =
            |id: &str, title: &str| example::Passage { id: id.into(), title: title.into(), text: "Old.".into() };
        let corpus = Corpus::of(&[passage("a", "Pier"), passage("b", "Pier"), passage("c", "Hut")]).unwrap();
        assert_eq!(
            read(&corpus, &[chunk("Hut.txt", 0, 4), chunk("Pier.txt", 2, 9), chunk("Pier.txt", 0, 4)]),
            ["c", "a", "b"]
        );
        assert!(read(&corpus, &[chunk("Hall.txt", 0, 4)]).is_empty());
        assert!(read(&corpus, &[]).is_empty());
    }
}
