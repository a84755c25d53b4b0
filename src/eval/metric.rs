//! The figures of a run: what each is called, how it is computed from predictions, and which direction is better.
//!
//! May depend on `eval::prediction`, `eval::squad_score`, `eval::risk_coverage`, `eval::abstention`, `eval::calibration` and
//! `eval::bootstrap` (for quantiles).

use serde::{Deserialize, Serialize};

use super::{
    abstention::{Scored, no_ans_accuracy_at},
    bootstrap::quantile_of,
    calibration::{BINS, Reliability},
    prediction::{PredictedOutcome, Prediction},
    risk_coverage::{Judged, RiskCoverage},
    squad_score::{Ended, SquadSummary},
};
use crate::train::dataset::example::Expected;

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "`definition` says what each is")]
pub enum Metric {
    F1,
    ExactMatch,
    HasAnsF1,
    HasAnsExactMatch,
    NoAnsAccuracy,
    Success,
    FalseAnswerRate,
    WrongAbstentionRate,
    Coverage,
    ClarifiedRate,
    WrongClarifyRate,
    PartsRight,
    PartAccuracy,
    RiskCoverageArea,
    RiskCoverageAreaByRetrieval,
    #[serde(rename = "no_ans_at_70")]
    NoAnsAt70,
    #[serde(rename = "no_ans_at_80")]
    NoAnsAt80,
    #[serde(rename = "no_ans_at_70_by_retrieval")]
    NoAnsAt70ByRetrieval,
    #[serde(rename = "no_ans_at_80_by_retrieval")]
    NoAnsAt80ByRetrieval,
    CalibrationError,
    CitationPrecision,
    CitationRecall,
    GoldPassagesRead,
    AnswerLoss,
    Perplexity,
    LatencyP50,
    LatencyP95,
    Failed,
}

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1, shown in percent.
    Share,
    /// A plain number.
    Number,
    /// Milliseconds.
    Milliseconds,
}

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More.
    Higher,
    /// Less.
    Lower,
    /// Neither by itself.
    Neither,
}

impl Metric {
    /// All of them, in the order in which tables list them.
    pub const ALL: [Self; 28] = [
        Self::F1,
        Self::ExactMatch,
        Self::HasAnsF1,
        Self::HasAnsExactMatch,
        Self::NoAnsAccuracy,
        Self::Success,
        Self::FalseAnswerRate,
        Self::WrongAbstentionRate,
        Self::Coverage,
        Self::ClarifiedRate,
        Self::WrongClarifyRate,
        Self::PartsRight,
        Self::PartAccuracy,
        Self::RiskCoverageArea,
        Self::RiskCoverageAreaByRetrieval,
        Self::NoAnsAt70,
        Self::NoAnsAt80,
        Self::NoAnsAt70ByRetrieval,
        Self::NoAnsAt80ByRetrieval,
        Self::CalibrationError,
        Self::CitationPrecision,
        Self::CitationRecall,
        Self::GoldPassagesRead,
        Self::AnswerLoss,
        Self::Perplexity,
        Self::LatencyP50,
        Self::LatencyP95,
        Self::Failed,
    ];

    /// The name in files, the same as in JSON.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// The name that a person reads.
    pub fn label(self) -> &'static str {
        self.words().1
    }

    /// What it is, in one sentence.
    pub fn definition(self) -> &'static str {
        self.words().2
    }

    #[rustfmt::skip]
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::F1 => ("f1", "F1", "Mean token F1 over all questions, as SQuAD 2.0 scores it; rightly declining is 1."),
            Self::ExactMatch => ("exact_match", "Exact match", "Share of all questions whose answer equals a gold answer, or that are rightly declined."),
            Self::HasAnsF1 => ("has_ans_f1", "HasAns F1", "Mean token F1 over the answerable questions; declining is 0."),
            Self::HasAnsExactMatch => ("has_ans_exact_match", "HasAns exact match", "Exact match over the answerable questions."),
            Self::NoAnsAccuracy => ("no_ans_accuracy", "NoAns accuracy", "Share of the unanswerable questions that are declined."),
            Self::Success => ("success", "Task success", "Share of all questions that end well: F1 of at least the suite's threshold, rightly declined, or rightly asked back; of questions with parts, every part."),
            Self::FalseAnswerRate => ("false_answer_rate", "False answers", "Share of the unanswerable questions that are answered all the same."),
            Self::WrongAbstentionRate => ("wrong_abstention_rate", "Wrong abstentions", "Share of the answerable questions that are declined."),
            Self::Coverage => ("coverage", "Coverage", "Share of all questions that are answered."),
            Self::ClarifiedRate => ("clarified_rate", "Asked back", "Share of the questions with several readings that are asked back about."),
            Self::WrongClarifyRate => ("wrong_clarify_rate", "Wrongly asked back", "Share of the other questions that are asked back about all the same."),
            Self::PartsRight => ("parts_right", "All parts right", "Share of the requests that ask several things of which every part is rightly answered or rightly declined."),
            Self::PartAccuracy => ("part_accuracy", "Parts right", "Share of the parts of such requests that are rightly answered or rightly declined."),
            Self::RiskCoverageAreaByRetrieval => ("risk_coverage_area_by_retrieval", "Risk-coverage area by the search", "The same of the same answers taken by the score of the search alone, the best passage's nearness to the question, as systems without a reader do."),
            Self::NoAnsAt70 => ("no_ans_at_70", "NoAns accuracy at 70%", "Share of the unanswerable questions that a threshold on the confidence alone declines where it answers 70 percent of the answerable ones."),
            Self::NoAnsAt80 => ("no_ans_at_80", "NoAns accuracy at 80%", "The same where it answers 80 percent of the answerable ones."),
            Self::NoAnsAt70ByRetrieval => ("no_ans_at_70_by_retrieval", "NoAns accuracy at 70% by the search", "The same for a threshold on the score of the search, at 70 percent."),
            Self::NoAnsAt80ByRetrieval => ("no_ans_at_80_by_retrieval", "NoAns accuracy at 80% by the search", "The same for a threshold on the score of the search, at 80 percent."),
            Self::RiskCoverageArea => ("risk_coverage_area", "Risk-coverage area", "Mean share of wrong answers while answers are taken from the most confident on; judges the order of the confidences."),
            Self::CalibrationError => ("calibration_error", "Calibration error", "Expected calibration error of the answers' confidences, ten bins."),
            Self::CitationPrecision => ("citation_precision", "Citation precision", "Share of an answer's footnotes that lie mostly in evidence, mean over answered questions with evidence and footnotes."),
            Self::CitationRecall => ("citation_recall", "Citation recall", "Share of the evidence sentences that an answer's footnotes mostly cover, mean over answered questions with evidence."),
            Self::GoldPassagesRead => ("gold_passages_read", "Evidence read", "Share of the questions with evidence for which every passage that holds it was read."),
            Self::AnswerLoss => ("answer_loss", "Answer loss", "Negative log-likelihood of the expected answers, nats per token."),
            Self::Perplexity => ("perplexity", "Perplexity", "Exponential of the answer loss; comparable between models of one tokenizer only."),
            Self::LatencyP50 => ("latency_p50", "Latency, median", "Milliseconds from question to answer that half of the questions do not exceed."),
            Self::LatencyP95 => ("latency_p95", "Latency, 95th percentile", "Milliseconds from question to answer that 95 percent of the questions do not exceed."),
            Self::Failed => ("failed", "Failed", "Share of the questions that ended in an error or a timeout; they score 0 above."),
        }
    }

    /// What it is measured in.
    pub fn unit(self) -> Unit {
        match self {
            Self::RiskCoverageArea | Self::RiskCoverageAreaByRetrieval | Self::AnswerLoss | Self::Perplexity => {
                Unit::Number
            }
            Self::LatencyP50 | Self::LatencyP95 => Unit::Milliseconds,
            _ => Unit::Share,
        }
    }

    /// Which direction is better.
    pub fn better(self) -> Better {
        match self {
            Self::Coverage => Better::Neither,
            Self::FalseAnswerRate
            | Self::WrongAbstentionRate
            | Self::WrongClarifyRate
            | Self::RiskCoverageArea
            | Self::RiskCoverageAreaByRetrieval
            | Self::CalibrationError
            | Self::AnswerLoss
            | Self::Perplexity
            | Self::LatencyP50
            | Self::LatencyP95
            | Self::Failed => Better::Lower,
            _ => Better::Higher,
        }
    }

    /// Whether a question counts for the figure.
    pub fn counts(self, prediction: &Prediction) -> bool {
        let answerable = prediction.is_answerable();
        let ended = prediction.outcome.ended();
        match self {
            Self::HasAnsF1 | Self::HasAnsExactMatch | Self::WrongAbstentionRate => answerable,
            Self::NoAnsAccuracy | Self::FalseAnswerRate => prediction.expected == Expected::Abstained,
            Self::ClarifiedRate => prediction.expected == Expected::Clarify,
            Self::WrongClarifyRate => prediction.expected != Expected::Clarify,
            Self::PartsRight | Self::PartAccuracy => prediction.scores.parts.is_some(),
            Self::RiskCoverageArea | Self::CalibrationError => ended == Ended::Answered,
            Self::RiskCoverageAreaByRetrieval => ended == Ended::Answered && prediction.retrieval_score.is_some(),
            Self::NoAnsAt70 | Self::NoAnsAt80 => prediction.expected != Expected::Clarify,
            // A question that failed has no score and counts against both.
            Self::NoAnsAt70ByRetrieval | Self::NoAnsAt80ByRetrieval => {
                prediction.expected != Expected::Clarify
                    && (prediction.retrieval_score.is_some() || ended == Ended::Failed)
            }
            Self::CitationPrecision => prediction.scores.citation_precision.is_some(),
            Self::CitationRecall => prediction.scores.citation_recall.is_some(),
            Self::GoldPassagesRead => prediction.scores.gold_passages_read.is_some(),
            Self::AnswerLoss | Self::Perplexity => prediction.answer_loss.is_some_and(|loss| loss.tokens > 0),
            // A timeout says how long the runner waited, not how long the system takes.
            Self::LatencyP50 | Self::LatencyP95 => ended != Ended::Failed,
            Self::F1 | Self::ExactMatch | Self::Success | Self::Coverage | Self::Failed => true,
        }
    }

    /// The figure of a set of predictions, some of which may occur several times; `None` when none counts for it.
    pub fn of<'a>(self, predictions: impl Iterator<Item = &'a Prediction> + Clone) -> Option<f64> {
        let counted = predictions.clone().filter(|prediction| self.counts(prediction));
        let squad = || SquadSummary::of(counted.clone().map(Prediction::squad));
        match self {
            Self::F1 => squad().f1,
            Self::ExactMatch => squad().exact_match,
            Self::HasAnsF1 => squad().has_ans_f1,
            Self::HasAnsExactMatch => squad().has_ans_exact_match,
            Self::NoAnsAccuracy => squad().no_ans_accuracy,
            Self::FalseAnswerRate => squad().false_answer_rate,
            Self::WrongAbstentionRate => squad().wrong_abstention_rate,
            Self::Success => mean(counted.map(|prediction| truth(prediction.scores.success))),
            Self::Coverage => mean(counted.map(|prediction| truth(prediction.outcome.ended() == Ended::Answered))),
            Self::Failed => mean(counted.map(|prediction| truth(prediction.outcome == PredictedOutcome::Failed))),
            Self::RiskCoverageArea => RiskCoverage::area(&judged(counted)),
            Self::ClarifiedRate | Self::WrongClarifyRate => {
                mean(counted.map(|prediction| truth(prediction.outcome == PredictedOutcome::Clarify)))
            }
            Self::PartsRight => mean(counted.map(|prediction| truth(prediction.scores.success))),
            Self::PartAccuracy => {
                let sums = counted
                    .filter_map(|prediction| prediction.scores.parts)
                    .fold((0, 0), |(right, all), parts| (right + parts.right, all + parts.asked));
                (sums.1 > 0).then(|| f64::from(sums.0) / f64::from(sums.1))
            }
            Self::RiskCoverageAreaByRetrieval => RiskCoverage::area(&judged_by_retrieval(counted)),
            Self::NoAnsAt70 => no_ans_at(0.7, counted, |prediction| Some(prediction.confidence)),
            Self::NoAnsAt80 => no_ans_at(0.8, counted, |prediction| Some(prediction.confidence)),
            Self::NoAnsAt70ByRetrieval => no_ans_at(0.7, counted, |prediction| prediction.retrieval_score),
            Self::NoAnsAt80ByRetrieval => no_ans_at(0.8, counted, |prediction| prediction.retrieval_score),
            Self::CalibrationError => {
                Reliability::of(&judged(counted), BINS).map(|found| found.expected_calibration_error)
            }
            Self::CitationPrecision => mean(counted.filter_map(|prediction| prediction.scores.citation_precision)),
            Self::CitationRecall => mean(counted.filter_map(|prediction| prediction.scores.citation_recall)),
            Self::GoldPassagesRead => {
                mean(counted.filter_map(|prediction| prediction.scores.gold_passages_read).map(truth))
            }
            Self::AnswerLoss => loss(counted),
            Self::Perplexity => loss(counted).map(f64::exp),
            Self::LatencyP50 => latency(counted, 0.5),
            Self::LatencyP95 => latency(counted, 0.95),
        }
    }
}

/// The answers among predictions, for curves over the confidence.
pub fn judged<'a>(predictions: impl Iterator<Item = &'a Prediction>) -> Vec<Judged> {
    predictions
        .filter(|prediction| prediction.outcome.ended() == Ended::Answered)
        .map(|prediction| Judged { confidence: prediction.confidence, success: prediction.scores.success })
        .collect()
}

/// The same answers by the score of the search, as far as the system says it.
pub fn judged_by_retrieval<'a>(predictions: impl Iterator<Item = &'a Prediction>) -> Vec<Judged> {
    predictions
        .filter(|prediction| prediction.outcome.ended() == Ended::Answered)
        .filter_map(|prediction| {
            Some(Judged { confidence: prediction.retrieval_score?, success: prediction.scores.success })
        })
        .collect()
}

fn no_ans_at<'a>(
    coverage: f64,
    predictions: impl Iterator<Item = &'a Prediction>,
    score: impl Fn(&Prediction) -> Option<f64>,
) -> Option<f64> {
    let scored = predictions.map(|prediction| Scored {
        score: score(prediction).filter(|_| prediction.outcome != PredictedOutcome::Failed),
        answerable: prediction.is_answerable(),
    });
    no_ans_accuracy_at(coverage, &scored.collect::<Vec<_>>())
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

fn loss<'a>(predictions: impl Iterator<Item = &'a Prediction>) -> Option<f64> {
    let (nats, tokens) = predictions
        .filter_map(|prediction| prediction.answer_loss)
        .fold((0.0, 0.0), |(nats, tokens), loss| (nats + loss.nats, tokens + f64::from(loss.tokens)));
    (tokens > 0.0).then(|| nats / tokens)
}

fn latency<'a>(predictions: impl Iterator<Item = &'a Prediction>, q: f64) -> Option<f64> {
    let mut milliseconds: Vec<f64> = predictions.map(|prediction| prediction.latency_ms).collect();
    quantile_of(&mut milliseconds, q)
}

#[cfg(test)]
mod tests;
