//! What a system said to one question of a suite: one line of a run's `predictions.jsonl`.
//!
//! May depend on `train::dataset` (for what was expected).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::squad_score::{AnswerScore, Ended, SquadQuestion};
use crate::train::dataset::example::Expected;

/// How a question ended: the outcomes of the product, and that it did not end at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PredictedOutcome {
    /// It was answered.
    Answered,
    /// Some parts of it were answered.
    Partial,
    /// It was declined: the documents do not hold the answer.
    Abstained,
    /// The system asked back.
    Clarify,
    /// The request was refused.
    Blocked,
    /// There was an error or a timeout.
    Failed,
}

impl PredictedOutcome {
    /// All of them, in the order in which tables list them.
    pub const ALL: [Self; 6] =
        [Self::Answered, Self::Partial, Self::Abstained, Self::Clarify, Self::Blocked, Self::Failed];

    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Partial => "partly answered",
            Self::Abstained => "declined",
            Self::Clarify => "asked back",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }

    /// As the figures of SQuAD see it: a part of an answer is an answer; asking back and blocking decline.
    pub fn ended(self) -> Ended {
        match self {
            Self::Answered | Self::Partial => Ended::Answered,
            Self::Abstained | Self::Clarify | Self::Blocked => Ended::Declined,
            Self::Failed => Ended::Failed,
        }
    }
}

/// A footnote: a stretch of a passage, `[start, end)` in code points of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CitedSpan {
    /// The id of the passage; of the document, when the cited stretch lies in no passage of the data set. Such a
    /// citation supports nothing.
    pub passage: String,
    /// The first code point.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// The cited words.
    pub quote: String,
}

/// How likely a language model finds the expected answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerLoss {
    /// The negative log-likelihood of the expected answer's tokens, summed, in nats.
    pub nats: f64,
    /// The tokens.
    pub tokens: u32,
}

/// What a system said to one of the things that a question asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictedPart {
    /// What it took the part to ask.
    pub question: String,
    /// How it ended.
    pub outcome: PredictedOutcome,
    /// The answer to it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The bare fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_answer: Option<String>,
    /// How sure the system was, 0 to 1.
    pub confidence: f64,
}

/// How the parts of a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartScores {
    /// The parts.
    pub asked: u32,
    /// Those that were rightly answered or rightly declined.
    pub right: u32,
}

/// How one question is scored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// 1 when the answer equals a gold answer, or rightly declines; else 0.
    pub exact_match: f64,
    /// The best F1 against a gold answer, 0 to 1.
    pub f1: f64,
    /// Whether the question ended well: an F1 of at least the suite's `success_f1`; with parts, all of them right.
    pub success: bool,
    /// How its parts ended; absent for a question that asks one thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartScores>,
    /// The share of the citations that are right; absent without evidence, without an answer or without citations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation_precision: Option<f64>,
    /// The share of the evidence that is cited; absent without evidence or without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation_recall: Option<f64>,
    /// Whether every passage that carries the answer was read; absent where the system does not say what it read, or
    /// the example marks no such passage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold_passages_read: Option<bool>,
}

/// What was said to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// The example's id.
    pub id: String,
    /// The document that the question was asked about: what clustered resampling draws.
    pub document: String,
    /// How it had to end.
    pub expected: Expected,
    /// How it ended.
    pub outcome: PredictedOutcome,
    /// The answer in words; for an abstention, what was said instead.
    pub answer: String,
    /// The bare fact, where the system gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_answer: Option<String>,
    /// How sure the system was, 0 to 1.
    pub confidence: f64,
    /// What was said to each part, where the system took the question to ask several things.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PredictedPart>,
    /// The footnotes.
    pub citations: Vec<CitedSpan>,
    /// How near the best passage was to the question by the search alone, where the system can tell. Larger is nearer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieval_score: Option<f64>,
    /// The ids of the passages that were read, best first, where the system says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    /// How likely the system finds the expected answer, where it can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_loss: Option<AnswerLoss>,
    /// The milliseconds from the question to the answer, as the runner measured them.
    pub latency_ms: f64,
    /// The milliseconds of each stage, as the system reports them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stages_ms: BTreeMap<String, f64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How it is scored.
    pub scores: Scores,
}

impl Prediction {
    /// The question as the figures of SQuAD see it.
    pub fn squad(&self) -> SquadQuestion {
        SquadQuestion {
            answerable: self.is_answerable(),
            ended: self.outcome.ended(),
            score: AnswerScore { exact_match: self.scores.exact_match, f1: self.scores.f1 },
        }
    }

    /// Whether the passages hold an answer, to all of the question or to a part of it. A question to ask back about is
    /// neither answerable nor unanswerable.
    pub fn is_answerable(&self) -> bool {
        matches!(self.expected, Expected::Answered | Expected::Partial)
    }

    /// What was given as the answer: the bare fact where there is one; `None` when the question was not answered.
    pub fn given(&self) -> Option<&str> {
        (self.outcome.ended() == Ended::Answered).then(|| self.short_answer.as_deref().unwrap_or(&self.answer))
    }
}
