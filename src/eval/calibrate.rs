//! Fits what a confidence means on the answers of a run: the probability that the answer is right.
//!
//! Two curves are tried, Platt's and an isotonic one, and the one with the smaller Brier score is kept. Both are judged
//! by cross-fitting: each answer gets its probability from a curve that was fitted on the other documents, so that the
//! reported calibration error and the thresholds are not those of the data that was fitted. Only answers are judged: of a
//! question that was declined nobody knows whether the answer would have been right, so a threshold can be raised above
//! the one of the run and not lowered below it.
//!
//! May depend on `eval::run`, `eval::calibration`, `eval::bootstrap`, `eval::suite`, `answer::calibration` and
//! `train::dataset`.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::{
    bootstrap::{BootstrapError, Estimate, Resampling, interval},
    calibration::{BINS, Reliability},
    card::sha256,
    measure::ResampleBy,
    prediction::Prediction,
    risk_coverage::Judged,
    run::Run,
    squad_score::Ended,
};
use crate::answer::calibration::{
    CalibratedModels, Calibration, CalibrationError, Curve, FORMAT, FittedOn, RiskStep, Threshold, log_odds, logistic,
};

/// The parts of the cross-fitting.
const FOLDS: usize = 5;
/// The fewest right and the fewest wrong answers.
const FEWEST: usize = 20;
/// The steps of the risk that are kept.
const STEPS: usize = 200;

/// Why a run cannot be fitted on.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// Too few answers.
    #[error(
        "the run has {right} right and {wrong} wrong answers; a fit needs {FEWEST} of both, so take a run of more questions"
    )]
    TooFew {
        /// The right ones.
        right: usize,
        /// The wrong ones.
        wrong: usize,
    },
    /// Not a run of the product.
    #[error("the card of the run names no {0}: fit on a run of the product itself, not of another program")]
    NoModel(&'static str),
    /// The confidence says nothing.
    #[error("surer answers of this run are not more often right than others: its confidence cannot be calibrated")]
    Uninformative,
    /// No threshold keeps to the target.
    #[error(transparent)]
    Threshold(#[from] CalibrationError),
    /// The run's card holds settings that mean nothing.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

impl CalibrateError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Threshold(error) if error.is_transient())
    }
}

/// A fit, and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fitted {
    /// What is written.
    pub calibration: Calibration,
    /// The expected calibration error of the raw confidence.
    pub raw: Estimate,
    /// That of the probabilities, cross-fitted.
    pub calibrated: Estimate,
    /// The Brier score of the raw confidence.
    pub raw_brier: f64,
    /// That of the probabilities, cross-fitted.
    pub brier: f64,
    /// The threshold for the target.
    pub threshold: Threshold,
    /// The questions of the run.
    pub questions: usize,
}

/// An answer that was judged.
#[derive(Debug, Clone, Copy)]
struct Sample {
    raw: f64,
    right: bool,
}

/// Fits on the answers of a run; `target_error` is the share of wrong answers that the threshold is derived for.
pub fn fit(run: &Run, target_error: f64) -> Result<Fitted, CalibrateError> {
    let answered: Vec<&Prediction> =
        run.predictions.iter().filter(|prediction| prediction.outcome.ended() == Ended::Answered).collect();
    let samples: Vec<Sample> = answered
        .iter()
        .map(|prediction| Sample { raw: prediction.confidence, right: prediction.scores.success })
        .collect();
    let right = samples.iter().filter(|sample| sample.right).count();
    let wrong = samples.len() - right;
    if right < FEWEST || wrong < FEWEST {
        return Err(CalibrateError::TooFew { right, wrong });
    }
    let folds = folds(&answered, run.card.seed);
    let mut best: Option<(f64, Curve, Vec<f64>)> = None;
    for fit in [platt, isotonic] {
        let (Some(curve), Some(probabilities)) = (fit(&samples), cross_fitted(&samples, &folds, fit)) else { continue };
        let brier = brier(&samples, &probabilities);
        if best.as_ref().is_none_or(|(least, ..)| brier < *least) {
            best = Some((brier, curve, probabilities));
        }
    }
    // What one probability for all answers would have.
    let base = right as f64 * wrong as f64 / (samples.len() as f64).powi(2);
    let (brier_score, curve, probabilities) =
        best.filter(|(brier, ..)| *brier < base).ok_or(CalibrateError::Uninformative)?;
    let raw: Vec<f64> = samples.iter().map(|sample| sample.raw).collect();
    let resampling = Resampling::new(run.metrics.resamples, run.card.seed, run.metrics.level)?;
    let owned: Vec<Prediction> = answered.iter().map(|prediction| (*prediction).clone()).collect();
    let units = run.metrics.resample_by.units(&owned);
    let error_of = |confidences: &[f64]| {
        interval(&units, &resampling, |drawn| {
            let judged: Vec<Judged> =
                drawn.iter().map(|&at| Judged { confidence: confidences[at], success: samples[at].right }).collect();
            Reliability::of(&judged, BINS).map(|found| found.expected_calibration_error)
        })
        .ok_or(CalibrateError::Uninformative)
    };
    let (raw_error, calibrated) = (error_of(&raw)?, error_of(&probabilities)?);
    let model = |part: &'static str| run.card.models.get(part).cloned();
    let calibration = Calibration {
        format: FORMAT,
        models: CalibratedModels {
            reader: model("reader"),
            generator: model("generator").ok_or(CalibrateError::NoModel("generator"))?,
            adapter: model("adapter"),
            embedder: model("embedder").ok_or(CalibrateError::NoModel("embedder"))?,
        },
        curve,
        risk: risk(&samples, &probabilities),
        fitted_on: FittedOn {
            suite: run.card.suite.name.clone(),
            run: run.short_sum().to_owned(),
            answers: samples.len(),
            right,
            raw_calibration_error: rounded(raw_error.value),
            calibration_error: rounded(calibrated.value),
        },
    };
    Ok(Fitted {
        threshold: calibration.threshold(target_error)?,
        calibration,
        raw: raw_error,
        calibrated,
        raw_brier: brier(&samples, &raw),
        brier: brier_score,
        questions: run.predictions.len(),
    })
}

/// The fold of each answer: whole documents where there are enough, else single questions. The same seed gives the same
/// folds.
fn folds(answered: &[&Prediction], seed: u64) -> Vec<usize> {
    let documents: BTreeSet<&str> = answered.iter().map(|prediction| prediction.document.as_str()).collect();
    let by = if documents.len() >= 2 * FOLDS { ResampleBy::Document } else { ResampleBy::Question };
    let label = |prediction: &Prediction| match by {
        ResampleBy::Document => prediction.document.clone(),
        ResampleBy::Question => prediction.id.clone(),
    };
    let labels: BTreeSet<String> = answered.iter().map(|prediction| label(prediction)).collect();
    let mut order: Vec<(String, String)> =
        labels.into_iter().map(|label| (sha256(format!("{seed} fold {label}").as_bytes()), label)).collect();
    order.sort();
    let fold: HashMap<String, usize> =
        order.into_iter().enumerate().map(|(at, (_, label))| (label, at % FOLDS)).collect();
    answered.iter().map(|prediction| fold.get(&label(prediction)).copied().unwrap_or_default()).collect()
}

/// The probability of each answer by the curve of the other folds.
fn cross_fitted(samples: &[Sample], folds: &[usize], fit: fn(&[Sample]) -> Option<Curve>) -> Option<Vec<f64>> {
    let curves: Vec<Curve> = (0..FOLDS)
        .map(|fold| {
            let others = samples.iter().zip(folds).filter(|(_, of)| **of != fold).map(|(sample, _)| *sample);
            fit(&others.collect::<Vec<_>>())
        })
        .collect::<Option<_>>()?;
    Some(samples.iter().zip(folds).map(|(sample, fold)| curves[*fold].at(sample.raw)).collect())
}

fn brier(samples: &[Sample], probabilities: &[f64]) -> f64 {
    let squares = samples.iter().zip(probabilities).map(|(sample, p)| (p - f64::from(u8::from(sample.right))).powi(2));
    squares.sum::<f64>() / samples.len() as f64
}

/// Logistic regression on the log odds by Newton's method, with the targets that Platt (1999) uses against overfitting;
/// `None` when surer answers are not more often right.
fn platt(samples: &[Sample]) -> Option<Curve> {
    let right = samples.iter().filter(|sample| sample.right).count() as f64;
    let wrong = samples.len() as f64 - right;
    let (high, low) = ((right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0));
    let points: Vec<(f64, f64)> =
        samples.iter().map(|sample| (log_odds(sample.raw), if sample.right { high } else { low })).collect();
    let loss = |slope: f64, intercept: f64| -> f64 {
        let of = |&(x, target): &(f64, f64)| {
            let z = slope * x + intercept;
            // ln(1 + e^z) without overflow.
            z.max(0.0) + (-z.abs()).exp().ln_1p() - target * z
        };
        points.iter().map(of).sum()
    };
    let (mut slope, mut intercept) = (0.0, ((right + 1.0) / (wrong + 1.0)).ln());
    for _ in 0..100 {
        let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for &(x, target) in &points {
            let p = logistic(slope * x + intercept);
            let (error, weight) = (p - target, p * (1.0 - p));
            g = [g[0] + error * x, g[1] + error];
            h = [h[0] + weight * x * x, h[1] + weight * x, h[2] + weight];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        if determinant <= 0.0 {
            return None;
        }
        let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
        let (before, mut scale) = (loss(slope, intercept), 1.0);
        while scale > 1e-6 && loss(slope - scale * step[0], intercept - scale * step[1]) > before {
            scale /= 2.0;
        }
        slope -= scale * step[0];
        intercept -= scale * step[1];
        if step[0].abs().max(step[1].abs()) < 1e-9 {
            break;
        }
    }
    (slope > 1e-5 && slope.is_finite() && intercept.is_finite())
        .then(|| Curve::Platt { slope: rounded(slope), intercept: rounded(intercept) })
}

/// Pools neighbours that are out of order (Ayer, Brunk, Ewing, Reid and Silverman 1955). A block's share counts one more
/// right and one more wrong answer halves, so that none is 0 or 1; `None` when one block is left.
fn isotonic(samples: &[Sample]) -> Option<Curve> {
    struct Block {
        raw: f64,
        right: f64,
        count: f64,
    }
    let share = |block: &Block| block.right / block.count;
    let mut sorted = samples.to_vec();
    sorted.sort_by(|a, b| a.raw.total_cmp(&b.raw));
    let mut blocks: Vec<Block> = Vec::new();
    let mut last_raw = f64::NAN;
    for Sample { raw, right } in sorted {
        let right = f64::from(u8::from(right));
        match blocks.last_mut() {
            Some(block) if raw == last_raw => {
                *block = Block { raw: block.raw + raw, right: block.right + right, count: block.count + 1.0 };
            }
            _ => blocks.push(Block { raw, right, count: 1.0 }),
        }
        last_raw = raw;
        // Equal confidences must be whole before they are compared: the next of them may still come.
    }
    let mut pooled: Vec<Block> = Vec::new();
    for block in blocks {
        pooled.push(block);
        while let [.., before, last] = pooled.as_slice()
            && share(before) >= share(last)
        {
            let merged = Block {
                raw: before.raw + last.raw,
                right: before.right + last.right,
                count: before.count + last.count,
            };
            pooled.truncate(pooled.len() - 2);
            pooled.push(merged);
        }
    }
    if pooled.len() < 2 {
        return None;
    }
    let mut points: Vec<(f64, f64)> = pooled
        .iter()
        .map(|block| (rounded(block.raw / block.count), rounded((block.right + 0.5) / (block.count + 1.0))))
        .collect();
    points.dedup_by(|later, earlier| later.0 <= earlier.0);
    // The halves move small blocks more than large ones, so the order is made again.
    for at in 1..points.len() {
        points[at].1 = points[at].1.max(points[at - 1].1);
    }
    Some(Curve::Isotonic { points })
}

/// Six decimals: more say nothing, and a number this short is the same after it was written and read.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// What thresholds bring: a step where the probability falls, thinned to about [`STEPS`].
fn risk(samples: &[Sample], probabilities: &[f64]) -> Vec<RiskStep> {
    let of = |(probability, sample): (&f64, &Sample)| (rounded(*probability), sample.right);
    let mut order: Vec<(f64, bool)> = probabilities.iter().zip(samples).map(of).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let apart = order.len().div_ceil(STEPS);
    let (mut steps, mut wrong): (Vec<RiskStep>, usize) = (Vec::new(), 0);
    for (at, (probability, right)) in order.iter().enumerate() {
        wrong += usize::from(!right);
        let is_last = at + 1 == order.len();
        let falls = is_last || order[at + 1].0 < *probability;
        let far = steps.last().is_none_or(|step| at + 1 - step.answers >= apart);
        if falls && (far || is_last) {
            steps.push(RiskStep { probability: *probability, answers: at + 1, wrong });
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::path::Path;

    use super::*;
    use crate::{
        eval::{
            prediction::PredictedOutcome,
            testing::{answerable, prediction, run_of},
        },
        train::dataset::split_mix::SplitMix64,
    };

    /// Answers that are right as often as `truth` says of their confidence.
    fn samples(count: usize, truth: fn(f64) -> f64) -> Vec<Sample> {
        let mut random = SplitMix64::new(5);
        let mut uniform = move || random.below(1_000_000) as f64 / 1e6;
        (0..count)
            .map(|_| {
                let raw = uniform();
                Sample { raw, right: uniform() < truth(raw) }
            })
            .collect()
    }

    fn run(count: usize, truth: fn(f64) -> f64) -> Run {
        let (examples, predictions): (Vec<_>, Vec<_>) = samples(count, truth)
            .into_iter()
            .enumerate()
            .map(|(at, sample)| {
                let example = answerable(&format!("q{at}"), "How long is it?", "It is long.", &["212 metres"]);
                let said = if sample.right { "212 metres" } else { "a mile" };
                let mut prediction = prediction(&example, PredictedOutcome::Answered, said, sample.raw);
                prediction.document = format!("document {}", at % 40);
                (example, prediction)
            })
            .unzip();
        let mut run = run_of(examples, predictions);
        for (part, name) in [("generator", "llama"), ("embedder", "minilm"), ("reader", "reader-1")] {
            run.card.models.insert(part.to_owned(), name.to_owned());
        }
        run
    }

    #[test]
    fn both_curves_find_what_the_confidence_means() {
        // Overconfident: a log odds of 0 means a probability of 0.27.
        let truth = |raw: f64| logistic(1.5 * log_odds(raw) - 1.0);
        let samples = samples(4_000, truth);
        let Some(Curve::Platt { slope, intercept }) = platt(&samples) else { panic!() };
        assert!((slope - 1.5).abs() < 0.15 && (intercept + 1.0).abs() < 0.15, "{slope} {intercept}");
        let curve = isotonic(&samples).unwrap();
        for raw in [0.2, 0.5, 0.8, 0.9] {
            assert!((curve.at(raw) - truth(raw)).abs() < 0.08, "{raw}: {} {}", curve.at(raw), truth(raw));
        }
    }

    #[test]
    fn pooling_by_hand() {
        let given = [(0.1, false), (0.2, true), (0.3, false), (0.4, true), (0.4, true)];
        let samples = given.map(|(raw, right)| Sample { raw, right });
        let Some(Curve::Isotonic { points }) = isotonic(&samples) else { panic!() };
        let expected = [(0.1, 0.25), (0.25, 0.5), (0.4, 2.5 / 3.0)];
        assert_eq!(points.len(), 3);
        for ((x, y), (wanted_x, wanted_y)) in points.into_iter().zip(expected) {
            assert!((x - wanted_x).abs() < 1e-5 && (y - wanted_y).abs() < 1e-5, "{x} {y}");
        }
        assert!(isotonic(&[(0.1, true), (0.9, false)].map(|(raw, right)| Sample { raw, right })).is_none());
    }

    #[test]
    fn a_fit_makes_the_confidence_honest_and_derives_a_threshold() {
        let fitted = fit(&run(800, |raw| logistic(1.5 * log_odds(raw) - 1.0)), 0.2).unwrap();
        assert!(fitted.raw.value > 0.08 && fitted.calibrated.value < 0.06, "{fitted:?}");
        assert!(fitted.brier < fitted.raw_brier);
        let threshold = fitted.threshold;
        assert!((threshold.wrong as f64) < 0.2 * threshold.answers as f64 && threshold.answers > 100, "{threshold:?}");
        let text = serde_json::to_string(&fitted.calibration).unwrap();
        assert_eq!(Calibration::parse(&text, Path::new("x")).unwrap(), fitted.calibration);
        assert_eq!(fitted.calibration.models.reader.as_deref(), Some("reader-1"));
        assert!(fitted.calibration.probability(0.9) > fitted.calibration.probability(0.3));
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        assert!(matches!(fit(&run(60, |_| 0.95), 0.1), Err(CalibrateError::TooFew { .. })));
        assert!(matches!(fit(&run(400, |raw| 1.0 - raw), 0.1), Err(CalibrateError::Uninformative)));
        let mut other = run(400, |raw| raw);
        other.card.models.clear();
        assert!(matches!(fit(&other, 0.3), Err(CalibrateError::NoModel("generator"))));
    }

    #[test]
    fn folds_hold_whole_documents() {
        let run = run(200, |raw| raw);
        let answered: Vec<&Prediction> = run.predictions.iter().collect();
        let folds = folds(&answered, 1);
        for fold in 0..FOLDS {
            assert_eq!(folds.iter().filter(|of| **of == fold).count(), 40);
        }
        for (at, prediction) in answered.iter().enumerate() {
            let same = answered.iter().position(|other| other.document == prediction.document).unwrap();
            assert_eq!(folds[at], folds[same]);
        }
    }
}
