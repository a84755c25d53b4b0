//! Compares two runs of one suite: figure by figure with a paired bootstrap, and question by question.
//!
//! May depend on `eval::run`, `eval::bootstrap`, `eval::metric`, `eval::scoring` and `eval::suite`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{
    bootstrap::{BootstrapError, Resampling, Units, paired},
    metric::{Better, Metric},
    prediction::{PredictedOutcome, Prediction},
    run::Run,
    scoring::golds,
};
use crate::train::dataset::example::Expected;

/// Why two runs cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// Other settings.
    #[error(
        "`{first}` is a run of the suite `{first_suite}` and `{second}` one of `{second_suite}` with other settings; run both with the same suite file"
    )]
    OtherSuite {
        /// The first run.
        first: String,
        /// Its suite.
        first_suite: String,
        /// The second run.
        second: String,
        /// Its suite.
        second_suite: String,
    },
    /// Other data.
    #[error(
        "`{0}` and `{1}` were asked different questions, or the same with different passages; run both on the same data"
    )]
    OtherQuestions(String, String),
    /// The runs' cards hold settings that mean nothing.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

impl CompareError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// What a difference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The second run is significantly better.
    Better,
    /// It is significantly worse.
    Worse,
    /// It differs significantly in a figure that has no better direction.
    Different,
    /// The difference may be chance.
    NotSignificant,
}

/// One figure of both runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ComparedMetric {
    /// Which.
    pub metric: Metric,
    /// Its value in the first run.
    pub first: f64,
    /// Its value in the second.
    pub second: f64,
    /// The second less the first.
    pub difference: f64,
    /// The lower end of the difference's interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The two-sided p-value of the paired bootstrap.
    pub p_value: f64,
    /// What that says.
    pub verdict: Verdict,
}

/// A question that one run got right and the other did not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedQuestion {
    /// The example's id.
    pub id: String,
    /// The question.
    pub question: String,
    /// What was expected; empty where the right answer is to decline.
    pub expected: Vec<String>,
    /// What the first run said.
    pub first: String,
    /// What the second said.
    pub second: String,
}

/// Two runs side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The first run's name.
    pub first: String,
    /// The second run's name.
    pub second: String,
    /// The suite's name.
    pub suite: String,
    /// The questions.
    pub questions: usize,
    /// The rounds of resampling.
    pub resamples: u32,
    /// The level of the intervals; a p-value below 1 - level is significant.
    pub level: f64,
    /// The figures that both runs have.
    pub metrics: Vec<ComparedMetric>,
    /// Figures that only one of the runs has.
    pub only_in_one: Vec<Metric>,
    /// Questions that the first run got wrong and the second right.
    pub gained: Vec<ChangedQuestion>,
    /// Questions that the first run got right and the second wrong.
    pub lost: Vec<ChangedQuestion>,
    /// What a reader has to know before believing the figures.
    pub remarks: Vec<String>,
}

impl Comparison {
    /// One of the figures.
    pub fn get(&self, metric: Metric) -> Option<&ComparedMetric> {
        self.metrics.iter().find(|compared| compared.metric == metric)
    }
}

/// Compares two runs of one suite. The rounds and the units of resampling are those of the suite.
pub fn compare(first: &Run, second: &Run) -> Result<Comparison, CompareError> {
    check_same(first, second)?;
    let resampling = Resampling::new(first.metrics.resamples, first.card.seed, first.metrics.level)?;
    let units = first.metrics.resample_by.units(&first.predictions);
    let (mut metrics, mut only_in_one) = (Vec::new(), Vec::new());
    for metric in Metric::ALL {
        match compare_metric(metric, first, second, &units, &resampling) {
            Some(compared) => metrics.push(compared),
            None if [first, second].iter().any(|run| metric.of(run.predictions.iter()).is_some()) => {
                only_in_one.push(metric);
            }
            None => {}
        }
    }
    let changed = |was: bool| {
        let pairs = first.examples.iter().zip(first.predictions.iter().zip(&second.predictions));
        let turned = pairs.filter(|(_, (one, other))| one.scores.success == was && other.scores.success != was);
        turned
            .map(|(example, (one, other))| ChangedQuestion {
                id: example.id.clone(),
                question: example.question.clone(),
                expected: match example.expected {
                    Expected::Clarify => vec!["[to ask back]".to_owned()],
                    _ => golds(example),
                },
                first: said(one),
                second: said(other),
            })
            .collect()
    };
    Ok(Comparison {
        first: first.name.clone(),
        second: second.name.clone(),
        suite: first.card.suite.name.clone(),
        questions: first.predictions.len(),
        resamples: resampling.resamples(),
        level: resampling.level(),
        gained: changed(false),
        lost: changed(true),
        remarks: remarks(first, second, &metrics, units.len()),
        metrics,
        only_in_one,
    })
}

/// One figure of two runs on the same questions; `None` where one of them does not have it.
pub(super) fn compare_metric(
    metric: Metric,
    first: &Run,
    second: &Run,
    units: &Units,
    resampling: &Resampling,
) -> Option<ComparedMetric> {
    let of = |run: &Run, drawn: &[usize]| metric.of(drawn.iter().map(|&at| &run.predictions[at]));
    let (one, other) = (metric.of(first.predictions.iter())?, metric.of(second.predictions.iter())?);
    let found = paired(units, resampling, |drawn| of(first, drawn), |drawn| of(second, drawn))?;
    Some(ComparedMetric {
        metric,
        first: one,
        second: other,
        difference: found.value,
        low: found.low,
        high: found.high,
        p_value: found.p_value,
        verdict: verdict(metric, found.value, found.p_value < 1.0 - resampling.level()),
    })
}

/// Refuses runs of different suites, or of different questions.
pub(super) fn check_same(first: &Run, second: &Run) -> Result<(), CompareError> {
    if first.card.suite.sha256 != second.card.suite.sha256 {
        return Err(CompareError::OtherSuite {
            first: first.name.clone(),
            first_suite: first.card.suite.name.clone(),
            second: second.name.clone(),
            second_suite: second.card.suite.name.clone(),
        });
    }
    if first.examples != second.examples {
        return Err(CompareError::OtherQuestions(first.name.clone(), second.name.clone()));
    }
    Ok(())
}

fn verdict(metric: Metric, difference: f64, significant: bool) -> Verdict {
    if !significant || difference == 0.0 {
        return Verdict::NotSignificant;
    }
    match metric.better() {
        Better::Neither => Verdict::Different,
        Better::Higher if difference > 0.0 => Verdict::Better,
        Better::Lower if difference < 0.0 => Verdict::Better,
        _ => Verdict::Worse,
    }
}

/// What a prediction says, in a few words.
fn said(prediction: &Prediction) -> String {
    match (prediction.given(), prediction.outcome) {
        (Some(given), _) => given.to_owned(),
        (None, PredictedOutcome::Failed) => format!("[failed: {}]", prediction.error.as_deref().unwrap_or("no reason")),
        (None, outcome) => format!("[{}]", outcome.as_str()),
    }
}

/// The names of the settings that two cards say differently, or one of them only.
fn differing<'a>(one: &'a BTreeMap<String, Value>, other: &'a BTreeMap<String, Value>) -> Vec<&'a str> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).map(String::as_str).collect()
}

fn remarks(first: &Run, second: &Run, metrics: &[ComparedMetric], units: usize) -> Vec<String> {
    let mut remarks = Vec::new();
    let (level, tested) = (first.metrics.level, metrics.len());
    remarks.push(format!(
        "{tested} figures are tested, so about {:.1} of them would look significant by chance alone; decide beforehand which one counts",
        tested as f64 * (1.0 - level)
    ));
    if first.card.machine != second.card.machine {
        remarks.push("the runs were made on different machines: their latencies cannot be compared".to_owned());
    }
    let settings = differing(&first.card.configuration, &second.card.configuration);
    if !settings.is_empty() {
        remarks.push(format!("the runs differ in their settings: {}", settings.join(", ")));
    }
    if units < 10 {
        remarks.push(format!("only {units} units are drawn: the intervals are too narrow"));
    }
    if first.card.data.version != second.card.data.version {
        remarks.push("the data sets have different versions, although the questions are the same".to_owned());
    }
    for run in [first, second].iter().filter(|run| run.metrics.failed() > 0) {
        remarks.push(format!("{} questions of `{}` failed and score 0", run.metrics.failed(), run.name));
    }
    remarks
}

#[cfg(test)]
mod tests;
