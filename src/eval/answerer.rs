//! The system under test, as the runner sees it.
//!
//! May depend on `eval::prediction`, `domain::text` and `train::dataset`.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::prediction::{AnswerLoss, CitedSpan, PredictedOutcome, PredictedPart};
use crate::{
    domain::text::CodePointIndex,
    train::dataset::example::{Exchange, Passage},
};

/// A question as it is put to a system.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The example's id, for logs.
    pub id: String,
    /// What was said before, oldest first.
    pub history: Vec<Exchange>,
    /// The question.
    pub question: String,
    /// The passages to answer from, in a closed suite; absent in an open one, where the system finds its own.
    pub passages: Option<Vec<Passage>>,
    /// The expected answer in words, for systems that report how likely they find it. It must not reach the answer.
    pub expected_answer: Option<String>,
}

/// What a system says. The runner checks it: see [`Reply::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// How it ended; never [`PredictedOutcome::Failed`], which is an error.
    pub outcome: PredictedOutcome,
    /// The answer in words.
    pub answer: String,
    /// The bare fact, where there is one.
    pub short_answer: Option<String>,
    /// How sure the system is, 0 to 1.
    pub confidence: f64,
    /// What it says to each part, where it takes the question to ask several things.
    pub parts: Vec<PredictedPart>,
    /// The footnotes, by passages of the data set.
    pub citations: Vec<CitedSpan>,
    /// The ids of the passages that were read, best first, where the system knows.
    pub read: Option<Vec<String>>,
    /// How likely the expected answer is to the system, where it can tell.
    pub answer_loss: Option<AnswerLoss>,
    /// The milliseconds of each stage.
    pub stages_ms: BTreeMap<String, f64>,
}

/// Why a system did not answer a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AnswererError {
    /// What happened.
    pub message: String,
    /// Whether the same question may succeed later.
    pub transient: bool,
}

impl AnswererError {
    /// Whether the same question may succeed later.
    pub fn is_transient(&self) -> bool {
        self.transient
    }
}

/// A system that answers questions.
#[async_trait]
pub trait Answerer: Send + Sync {
    /// Called before the clock of each question starts: a system that has to be started again does that here, within
    /// bounds of its own. An error fails the question.
    async fn prepare(&self) -> Result<(), AnswererError> {
        Ok(())
    }

    /// How near the best passage is to the question by the search alone: what a system without a reader would compare
    /// with a threshold. Called when the clock has stopped; `None` where there is no search.
    async fn retrieval_score(&self, _asked: &Asked) -> Result<Option<f64>, AnswererError> {
        Ok(None)
    }

    /// Answers one question. Several may be asked at the same time; dropping the future gives the question up.
    async fn answer(&self, asked: &Asked) -> Result<Reply, AnswererError>;
}

/// What is wrong with a reply.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReplyError {
    /// The outcome is `failed`.
    #[error("the outcome of a reply cannot be `failed`; return an error")]
    Failed,
    /// An answer without words.
    #[error("the reply is an answer without words")]
    NoWords,
    /// An answered part without words, or with a confidence that is none.
    #[error("part {0} of the reply is answered without words, failed, or has a confidence that is not 0 to 1")]
    Part(usize),
    /// Not a confidence.
    #[error("the confidence is {0}; it must be 0 to 1")]
    Confidence(f64),
    /// A duration or a loss that is not finite or negative.
    #[error("`{0}` is {1}; it must be a finite number that is not negative")]
    Number(String, f64),
    /// A citation of nothing.
    #[error("citation {0} holds no code point")]
    EmptyCitation(usize),
    /// A citation of a passage that was not given.
    #[error("citation {0} names the passage `{1}`, which was not given")]
    UnknownPassage(usize, String),
    /// A citation whose quote is not at its place.
    #[error("the quote of citation {0} is not the text of the passage at its offsets")]
    WrongQuote(usize),
}

impl ReplyError {
    /// Whether the same question may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

impl Reply {
    /// Checks that the reply says what it can say; in a closed suite also that every quote stands in the given
    /// passages at its offsets.
    pub fn check(&self, asked: &Asked) -> Result<(), ReplyError> {
        if self.outcome == PredictedOutcome::Failed {
            return Err(ReplyError::Failed);
        }
        let answered = matches!(self.outcome, PredictedOutcome::Answered | PredictedOutcome::Partial);
        if answered && self.short_answer.as_deref().unwrap_or(&self.answer).trim().is_empty() {
            return Err(ReplyError::NoWords);
        }
        if !(0.0..=1.0).contains(&self.confidence) {
            return Err(ReplyError::Confidence(self.confidence));
        }
        let wrong = |part: &PredictedPart| {
            let words = part.short_answer.as_deref().or(part.answer.as_deref()).unwrap_or_default();
            part.outcome == PredictedOutcome::Failed
                || (part.outcome == PredictedOutcome::Answered && words.trim().is_empty())
                || !(0.0..=1.0).contains(&part.confidence)
        };
        if let Some(part) = self.parts.iter().position(wrong) {
            return Err(ReplyError::Part(part));
        }
        let loss = self.answer_loss.iter().map(|loss| ("answer_loss", loss.nats));
        let stages = self.stages_ms.iter().map(|(stage, milliseconds)| (stage.as_str(), *milliseconds));
        for (name, value) in stages.chain(loss) {
            if !value.is_finite() || value < 0.0 {
                return Err(ReplyError::Number(name.to_owned(), value));
            }
        }
        for (number, citation) in self.citations.iter().enumerate() {
            if citation.start >= citation.end {
                return Err(ReplyError::EmptyCitation(number));
            }
            let Some(passages) = &asked.passages else { continue };
            let Some(passage) = passages.iter().find(|passage| passage.id == citation.passage) else {
                return Err(ReplyError::UnknownPassage(number, citation.passage.clone()));
            };
            let range = crate::domain::text::CodePointRange { start: citation.start, end: citation.end };
            if CodePointIndex::new(&passage.text).slice(range) != Some(citation.quote.as_str()) {
                return Err(ReplyError::WrongQuote(number));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        let passage = Passage { id: "p".into(), title: "Hut".into(), text: "Die Hütte ist grün.".into() };
        Asked {
            id: "1".into(),
            history: vec![],
            question: "?".into(),
            passages: Some(vec![passage]),
            expected_answer: None,
        }
    }

    fn reply() -> Reply {
        Reply {
            outcome: PredictedOutcome::Answered,
            answer: "Green.".into(),
            short_answer: None,
            confidence: 0.5,
            parts: vec![],
            citations: vec![CitedSpan { passage: "p".into(), start: 4, end: 9, quote: "Hütte".into() }],
            read: None,
            answer_loss: None,
            stages_ms: BTreeMap::new(),
        }
    }

    #[test]
    fn a_reply_that_keeps_to_the_contract_is_taken() {
        assert_eq!(reply().check(&asked()), Ok(()));
    }

    #[test]
    fn a_reply_that_breaks_the_contract_is_refused() {
        let broken = |change: fn(&mut Reply)| {
            let mut reply = reply();
            change(&mut reply);
            reply.check(&asked())
        };
        assert_eq!(broken(|reply| reply.outcome = PredictedOutcome::Failed), Err(ReplyError::Failed));
        assert_eq!(broken(|reply| reply.answer = " ".into()), Err(ReplyError::NoWords));
        assert_eq!(broken(|reply| reply.confidence = 1.5), Err(ReplyError::Confidence(1.5)));
        let part = |answer: Option<&str>, confidence: f64| PredictedPart {
            question: "?".into(),
            outcome: PredictedOutcome::Answered,
            answer: answer.map(str::to_owned),
            short_answer: None,
            confidence,
        };
        let parts = vec![part(Some("Green."), 0.5), part(None, 0.5)];
        assert_eq!(Reply { parts, ..reply() }.check(&asked()), Err(ReplyError::Part(1)));
        assert_eq!(
            Reply { parts: vec![part(Some("Green."), 2.0)], ..reply() }.check(&asked()),
            Err(ReplyError::Part(0))
        );
        assert!(broken(|reply| reply.confidence = f64::NAN).is_err());
        assert!(broken(|reply| reply.answer_loss = Some(AnswerLoss { nats: f64::INFINITY, tokens: 1 })).is_err());
        assert!(broken(|reply| reply.stages_ms = BTreeMap::from([("generate".into(), -1.0)])).is_err());
        assert_eq!(broken(|reply| reply.citations[0].end = 4), Err(ReplyError::EmptyCitation(0)));
        assert_eq!(broken(|reply| reply.citations[0].start = 5), Err(ReplyError::WrongQuote(0)));
        assert_eq!(broken(|reply| reply.citations[0].end = 90), Err(ReplyError::WrongQuote(0)));
        let unknown = broken(|reply| reply.citations[0].passage = "q".into());
        assert_eq!(unknown, Err(ReplyError::UnknownPassage(0, "q".into())));
    }

    #[test]
    fn in_an_open_suite_the_documents_are_the_systems_own() {
        let open = Asked { passages: None, ..asked() };
        let mut reply = reply();
        reply.citations[0].passage = "elsewhere".into();
        assert_eq!(reply.check(&open), Ok(()));
    }
}
