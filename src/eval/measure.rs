//! All figures of a run, with intervals: what `metrics.json` and `metrics.csv` hold.
//!
//! May depend on `eval::metric`, `eval::bootstrap`, the curves, and `train::dataset`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    bootstrap::{Resampling, Units, interval},
    calibration::{BINS, Reliability, wilson},
    metric::{Metric, judged, judged_by_retrieval},
    prediction::{PredictedOutcome, Prediction},
    risk_coverage::RiskCoverage,
};
use crate::train::dataset::example::{Example, Expected, Kind};

/// A tag with fewer questions than this has no line of its own: its interval would say nothing.
const SMALLEST_SLICE: usize = 5;

/// What a resampling round draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResampleBy {
    /// Questions, each by itself.
    #[default]
    Question,
    /// Whole documents with all their questions.
    Document,
}

impl ResampleBy {
    /// What is drawn, for predictions in their order.
    pub fn units(self, predictions: &[Prediction]) -> Units {
        match self {
            Self::Question => Units::questions(predictions.len()),
            Self::Document => Units::clusters(predictions.iter().map(|prediction| prediction.document.as_str())),
        }
    }
}

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Which.
    pub metric: Metric,
    /// Its value over all questions that count for it.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The questions that count for it.
    pub questions: usize,
    /// The resampling rounds in which it was not defined.
    pub undefined_rounds: u32,
}

/// How many questions ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeCount {
    /// How they had to end.
    pub expected: Expected,
    /// How they ended.
    pub outcome: PredictedOutcome,
    /// How many.
    pub count: usize,
}

/// The questions of one kind or tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The kind, or the tag.
    pub name: String,
    /// Whether it is a tag.
    pub is_tag: bool,
    /// The questions.
    pub questions: usize,
    /// Their mean F1.
    pub f1: f64,
    /// The share that ended well, with Wilson's interval.
    pub success: f64,
    /// The lower end.
    pub success_low: f64,
    /// The upper end.
    pub success_high: f64,
}

/// All figures of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// The questions.
    pub questions: usize,
    /// The documents that they were asked about.
    pub documents: usize,
    /// What the intervals draw.
    pub resample_by: ResampleBy,
    /// The rounds.
    pub resamples: u32,
    /// The share of the rounds that an interval holds.
    pub level: f64,
    /// The figures, in the order of the suite.
    pub measured: Vec<Measured>,
    /// Figures that the suite asks for and no question counts for.
    pub not_measured: Vec<Metric>,
    /// How many questions ended how, without the combinations that do not occur.
    pub outcomes: Vec<OutcomeCount>,
    /// The risk-coverage curve.
    pub risk_coverage: RiskCoverage,
    /// The same answers by the score of the search; absent where the system does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_coverage_by_retrieval: Option<RiskCoverage>,
    /// The reliability of the confidences; absent without an answer.
    pub reliability: Option<Reliability>,
    /// The kinds, then the tags with at least five questions.
    pub slices: Vec<Slice>,
}

impl Metrics {
    /// Measures predictions; `examples` are theirs, in the same order.
    pub fn of(
        examples: &[Example],
        predictions: &[Prediction],
        metrics: &[Metric],
        resample_by: ResampleBy,
        resampling: &Resampling,
    ) -> Self {
        let units = resample_by.units(predictions);
        let (mut measured, mut not_measured) = (Vec::new(), Vec::new());
        for &metric in metrics {
            let statistic = |drawn: &[usize]| metric.of(drawn.iter().map(|&at| &predictions[at]));
            match interval(&units, resampling, statistic) {
                Some(found) => measured.push(Measured {
                    metric,
                    value: found.value,
                    low: found.low,
                    high: found.high,
                    questions: predictions.iter().filter(|prediction| metric.counts(prediction)).count(),
                    undefined_rounds: found.undefined,
                }),
                None => not_measured.push(metric),
            }
        }
        let answers = judged(predictions.iter());
        let by_retrieval = judged_by_retrieval(predictions.iter());
        let by_retrieval = (!by_retrieval.is_empty()).then(|| RiskCoverage::of(&by_retrieval, predictions.len()));
        Self {
            questions: predictions.len(),
            documents: ResampleBy::Document.units(predictions).len(),
            resample_by,
            resamples: resampling.resamples(),
            level: resampling.level(),
            measured,
            not_measured,
            outcomes: outcomes(predictions),
            risk_coverage: RiskCoverage::of(&answers, predictions.len()),
            risk_coverage_by_retrieval: by_retrieval,
            reliability: Reliability::of(&answers, BINS),
            slices: slices(examples, predictions),
        }
    }

    /// One of the figures.
    pub fn get(&self, metric: Metric) -> Option<&Measured> {
        self.measured.iter().find(|measured| measured.metric == metric)
    }

    /// The questions that ended in an error or a timeout.
    pub fn failed(&self) -> usize {
        let failed = self.outcomes.iter().filter(|counted| counted.outcome == PredictedOutcome::Failed);
        failed.map(|counted| counted.count).sum()
    }
}

fn outcomes(predictions: &[Prediction]) -> Vec<OutcomeCount> {
    let mut found = Vec::new();
    for expected in [Expected::Answered, Expected::Partial, Expected::Abstained, Expected::Clarify] {
        for outcome in PredictedOutcome::ALL {
            let same = |one: &&Prediction| one.expected == expected && one.outcome == outcome;
            let count = predictions.iter().filter(same).count();
            if count > 0 {
                found.push(OutcomeCount { expected, outcome, count });
            }
        }
    }
    found
}

fn slices(examples: &[Example], predictions: &[Prediction]) -> Vec<Slice> {
    let mut kinds: BTreeMap<Kind, Vec<&Prediction>> = BTreeMap::new();
    let mut tags: BTreeMap<&str, Vec<&Prediction>> = BTreeMap::new();
    for (example, prediction) in examples.iter().zip(predictions) {
        kinds.entry(example.kind).or_default().push(prediction);
        for tag in &example.tags {
            tags.entry(tag).or_default().push(prediction);
        }
    }
    let kinds = kinds.into_iter().map(|(kind, members)| (kind_name(kind), false, members));
    let tags = tags.into_iter().filter(|(_, members)| members.len() >= SMALLEST_SLICE);
    kinds
        .chain(tags.map(|(tag, members)| (tag, true, members)))
        .filter_map(|(name, is_tag, members)| {
            let right = members.iter().filter(|prediction| prediction.scores.success).count();
            let (success_low, success_high) = wilson(right, members.len())?;
            Some(Slice {
                name: name.to_owned(),
                is_tag,
                questions: members.len(),
                f1: Metric::F1.of(members.iter().copied())?,
                success: right as f64 / members.len() as f64,
                success_low,
                success_high,
            })
        })
        .collect()
}

/// The word for a kind of example.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Task => "task",
        Kind::Edge => "edge",
        Kind::Failure => "failure",
    }
}

#[cfg(test)]
mod tests;
