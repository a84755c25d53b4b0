//! What a confidence means: the probability that the answer is right, fitted on answers that were judged, and the
//! threshold that keeps the share of wrong answers under what an operator accepts.
//!
//! A calibration belongs to the models whose answers it was fitted on, and is refused with others. It is made by
//! `footnote eval calibrate`. May depend on `domain`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::ModelVersions;

/// The layout of the file.
pub const FORMAT: u32 = 1;
/// How often a derived threshold may let through more wrong answers than it promises, over many validation sets.
pub const DOUBT: f64 = 0.1;
/// The coverages from which a threshold is looked for, in steps to more answers. See [`Calibration::threshold`].
const STARTS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// Why a calibration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// The file cannot be read.
    #[error("cannot read the calibration {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// It is no calibration.
    #[error("{0} is no calibration: {1}; make one with `footnote eval calibrate`")]
    Malformed(PathBuf, String),
    /// It was fitted on answers of other models.
    #[error(
        "the calibration belongs to other models ({0}): fit one on a run of these (`footnote eval calibrate`), or leave \
         the key `calibration` out"
    )]
    OtherModels(String),
    /// No threshold keeps to the target.
    #[error(
        "no threshold keeps the share of wrong answers under {target}: on the {answers} answers that the calibration was \
         fitted on, {reason}. Accept more, or fit on more answers"
    )]
    OutOfReach {
        /// The share that was asked for.
        target: f64,
        /// The answers.
        answers: usize,
        /// What stands in the way.
        reason: String,
    },
}

impl CalibrationError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == std::io::ErrorKind::Interrupted)
    }
}

/// The models that a calibration belongs to, as [`ModelVersions`] names them. The index does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibratedModels {
    /// The reader.
    pub reader: Option<String>,
    /// The generator.
    pub generator: String,
    /// Its adapter.
    pub adapter: Option<String>,
    /// The embedder.
    pub embedder: String,
}

/// From a raw confidence to a probability; never falling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Curve {
    /// A logistic function of the confidence's log odds (Platt 1999).
    Platt {
        /// The factor of the log odds; above 0.
        slope: f64,
        /// What is added.
        intercept: f64,
    },
    /// Straight lines between points (isotonic regression: Zadrozny and Elkan 2002).
    Isotonic {
        /// Confidence and probability, both rising.
        points: Vec<(f64, f64)>,
    },
}

impl Curve {
    /// The probability that an answer of this raw confidence (0 to 1) is right.
    pub fn at(&self, raw: f64) -> f64 {
        match self {
            Self::Platt { slope, intercept } => logistic(slope * log_odds(raw) + intercept),
            Self::Isotonic { points } => {
                let after = points.partition_point(|(confidence, _)| *confidence < raw);
                match (after.checked_sub(1).and_then(|before| points.get(before)), points.get(after)) {
                    (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (raw - x0) / (x1 - x0),
                    (Some((_, y)), None) | (None, Some((_, y))) => *y,
                    (None, None) => raw,
                }
            }
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Platt { slope, intercept } if !(slope.is_finite() && *slope > 0.0 && intercept.is_finite()) => {
                Err("its slope must be above 0 and its intercept a number")
            }
            Self::Isotonic { points } => {
                let inside = |value: f64| (0.0..=1.0).contains(&value);
                let rising = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
                match rising && !points.is_empty() && points.iter().all(|(x, y)| inside(*x) && inside(*y)) {
                    true => Ok(()),
                    false => Err("its points must rise, from 0 to 1"),
                }
            }
            Self::Platt { .. } => Ok(()),
        }
    }
}

/// The log odds of a confidence, kept away from 0 and 1, which have none.
pub fn log_odds(raw: f64) -> f64 {
    let inside = raw.clamp(1e-4, 1.0 - 1e-4);
    (inside / (1.0 - inside)).ln()
}

/// The logistic function.
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// How the answers of at least a probability came out on the data of the fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskStep {
    /// The least probability.
    pub probability: f64,
    /// The answers of at least that.
    pub answers: usize,
    /// Those of them that are wrong.
    pub wrong: usize,
}

/// What the calibration was fitted on, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedOn {
    /// The suite.
    pub suite: String,
    /// The first digits of the sum of the run's predictions.
    pub run: String,
    /// The answers.
    pub answers: usize,
    /// Those of them that are right.
    pub right: usize,
    /// The expected calibration error of the raw confidence on them.
    pub raw_calibration_error: f64,
    /// That of the probability, each answer's by a curve that was fitted on other documents.
    pub calibration_error: f64,
}

/// A threshold on the probability, and what it brought on the data of the fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Threshold {
    /// Answers of at least this probability are given.
    pub probability: f64,
    /// The answers that it lets through.
    pub answers: usize,
    /// Those of them that are wrong.
    pub wrong: usize,
}

/// A calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// [`FORMAT`].
    pub format: u32,
    /// The models that it belongs to.
    pub models: CalibratedModels,
    /// The curve.
    pub curve: Curve,
    /// What thresholds bring, the highest first, each answer's probability by a curve that was fitted on other documents.
    pub risk: Vec<RiskStep>,
    /// What it was fitted on.
    pub fitted_on: FittedOn,
}

impl Calibration {
    /// Reads a file. Blocking work.
    pub fn load(path: &Path) -> Result<Self, CalibrationError> {
        let text = std::fs::read_to_string(path).map_err(|error| CalibrationError::Io(path.to_owned(), error))?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file; `path` is what an error names.
    pub fn parse(text: &str, path: &Path) -> Result<Self, CalibrationError> {
        let malformed = |reason: String| CalibrationError::Malformed(path.to_owned(), reason);
        let read: Self = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if read.format != FORMAT {
            return Err(malformed(format!("its format is {}, and this program reads {FORMAT}", read.format)));
        }
        read.curve.check().map_err(|reason| malformed(reason.to_owned()))?;
        let falling = |pair: &[RiskStep]| {
            pair[0].probability > pair[1].probability
                && pair[0].answers < pair[1].answers
                && pair[0].wrong <= pair[1].wrong
        };
        if read.risk.is_empty() || !read.risk.windows(2).all(falling) {
            return Err(malformed("its `risk` must hold steps of falling probability and rising counts".to_owned()));
        }
        Ok(read)
    }

    /// Refuses other models than those that the calibration belongs to, and says which differ.
    pub fn check(&self, running: &ModelVersions) -> Result<(), CalibrationError> {
        let none = || "none".to_owned();
        let pairs = [
            ("reader", self.models.reader.clone(), running.reader.clone()),
            ("generator", Some(self.models.generator.clone()), Some(running.generator.clone())),
            ("adapter", self.models.adapter.clone(), running.adapter.clone()),
            ("embedder", Some(self.models.embedder.clone()), Some(running.embedder.clone())),
        ];
        let differences: Vec<String> = pairs
            .into_iter()
            .filter(|(_, fitted, runs)| fitted != runs)
            .map(|(part, fitted, runs)| {
                let [fitted, runs] = [fitted, runs].map(|name| name.unwrap_or_else(none));
                format!("{part}: fitted on {fitted}, running {runs}")
            })
            .collect();
        if differences.is_empty() { Ok(()) } else { Err(CalibrationError::OtherModels(differences.join("; "))) }
    }

    /// The probability that an answer of this raw confidence (0 to 1) is right.
    pub fn probability(&self, raw: f32) -> f32 {
        self.curve.at(f64::from(raw)).clamp(0.0, 1.0) as f32
    }

    /// The lowest threshold on the probability that keeps the share of wrong answers under `target` (above 0, below 1).
    ///
    /// Over many validation sets, no more than [`DOUBT`] of the thresholds let through more. Thresholds are tested in an
    /// order that does not depend on which answers are right: from four coverages on, each to more answers until one
    /// fails, with a fourth of the doubt for each (the multi-start fixed sequence of Angelopoulos, Bates, Candès, Jordan
    /// and Lei 2021, "Learn then test"). A test is the exact binomial one: would so few wrong answers be likely if their
    /// share were `target`?
    pub fn threshold(&self, target: f64) -> Result<Threshold, CalibrationError> {
        let all = self.risk.last().map_or(0, |step| step.answers);
        let refused = |reason: &str| CalibrationError::OutOfReach { target, answers: all, reason: reason.to_owned() };
        if !(target > 0.0 && target < 1.0) {
            return Err(refused("and a share is above 0 and below 1"));
        }
        let passes =
            |step: &&RiskStep| binomial_at_most(step.wrong, step.answers, target) <= DOUBT / STARTS.len() as f64;
        let starts = STARTS.map(|coverage| {
            let wanted = (coverage * all as f64).floor() as usize;
            self.risk.partition_point(|step| step.answers < wanted)
        });
        let found = starts.into_iter().filter_map(|start| self.risk[start..].iter().take_while(passes).last());
        let lowest = found.max_by_key(|step| step.answers);
        lowest
            .map(|step| Threshold { probability: step.probability, answers: step.answers, wrong: step.wrong })
            .ok_or_else(|| refused("too many of the surest ones are wrong, or they are too few to be sure"))
    }
}

/// A calibration as it is used: with the threshold that an operator's target error brings.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    calibration: Calibration,
    /// The probability from which on an answer is given.
    threshold: Option<f32>,
}

impl Calibrated {
    /// With the threshold for this share of wrong answers, if one is asked for.
    pub fn new(calibration: Calibration, target_error: Option<f64>) -> Result<Self, CalibrationError> {
        let threshold = target_error.map(|target| calibration.threshold(target)).transpose()?;
        Ok(Self { calibration, threshold: threshold.map(|threshold| threshold.probability as f32) })
    }

    /// Whether it belongs to these models.
    pub fn check(&self, running: &ModelVersions) -> Result<(), CalibrationError> {
        self.calibration.check(running)
    }

    /// The probability that an answer of this raw confidence (0 to 1) is right.
    pub fn probability(&self, raw: f32) -> f32 {
        self.calibration.probability(raw)
    }

    /// Whether an answer of this probability is to be given.
    pub fn is_enough(&self, probability: f32) -> bool {
        self.threshold.is_none_or(|threshold| probability >= threshold)
    }
}

/// The probability of at most `wrong` of `count`, each with the probability `share`.
fn binomial_at_most(wrong: usize, count: usize, share: f64) -> f64 {
    let odds = (share / (1.0 - share)).ln();
    let (mut log_term, mut sum) = (count as f64 * (1.0 - share).ln(), 0.0);
    for number in 0..=wrong.min(count) {
        sum += log_term.exp();
        if number < count {
            log_term += ((count - number) as f64 / (number + 1) as f64).ln() + odds;
        }
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn calibration(risk: &[(f64, usize, usize)]) -> Calibration {
        let step = |&(probability, answers, wrong): &(f64, usize, usize)| RiskStep { probability, answers, wrong };
        Calibration {
            format: FORMAT,
            models: CalibratedModels {
                reader: Some("reader-1".into()),
                generator: "llama".into(),
                adapter: None,
                embedder: "minilm".into(),
            },
            curve: Curve::Platt { slope: 1.0, intercept: 0.0 },
            risk: risk.iter().map(step).collect(),
            fitted_on: FittedOn {
                suite: "harbour".into(),
                run: "00000000".into(),
                answers: 400,
                right: 300,
                raw_calibration_error: 0.2,
                calibration_error: 0.02,
            },
        }
    }

    fn running() -> ModelVersions {
        ModelVersions {
            reader: Some("reader-1".into()),
            generator: "llama".into(),
            adapter: None,
            embedder: "minilm".into(),
            index: 3,
        }
    }

    #[test]
    fn curves_by_hand() {
        let same = Curve::Platt { slope: 1.0, intercept: 0.0 };
        assert!((same.at(0.3) - 0.3).abs() < 1e-9);
        assert!((Curve::Platt { slope: 1.0, intercept: 1.0 }.at(0.5) - logistic(1.0)).abs() < 1e-12);
        let lines = Curve::Isotonic { points: vec![(0.2, 0.1), (0.6, 0.5), (0.8, 0.9)] };
        for (raw, probability) in [(0.0, 0.1), (0.2, 0.1), (0.4, 0.3), (0.6, 0.5), (0.7, 0.7), (1.0, 0.9)] {
            assert!((lines.at(raw) - probability).abs() < 1e-9, "{raw}");
        }
    }

    #[test]
    fn other_models_are_refused_by_name() {
        let mine = calibration(&[(0.9, 100, 1)]);
        mine.check(&running()).unwrap();
        mine.check(&ModelVersions { index: 9, ..running() }).unwrap();
        let error = mine.check(&ModelVersions { adapter: Some("tuned".into()), ..running() }).unwrap_err().to_string();
        assert!(error.contains("adapter: fitted on none, running tuned") && !error.contains("embedder"), "{error}");
        assert!(mine.check(&ModelVersions { reader: None, ..running() }).is_err());
    }

    #[test]
    fn the_threshold_keeps_to_the_target_with_some_certainty() {
        let steps = calibration(&[(0.9, 100, 2), (0.8, 200, 8), (0.7, 300, 24), (0.5, 400, 80)]);
        // 8 of 200 are surely under 0.1; 24 of 300 are 0.08 and may well come from 0.1.
        let found = steps.threshold(0.1).unwrap();
        assert_eq!((found.probability, found.answers, found.wrong), (0.8, 200, 8));
        assert_eq!(steps.threshold(0.3).unwrap().answers, 400);
        let error = steps.threshold(0.01).unwrap_err().to_string();
        assert!(error.contains("0.01") && error.contains("400 answers"), "{error}");
        assert!(steps.threshold(0.0).is_err() && steps.threshold(1.0).is_err());
    }

    #[test]
    fn binomial_tails_by_hand() {
        assert!((binomial_at_most(0, 3, 0.5) - 0.125).abs() < 1e-12);
        assert!((binomial_at_most(1, 3, 0.5) - 0.5).abs() < 1e-12);
        assert!((binomial_at_most(3, 3, 0.5) - 1.0).abs() < 1e-12);
        // Where the first term is too small for a number of its own.
        assert!((binomial_at_most(5_000, 10_000, 0.5) - 0.5).abs() < 0.01);
    }

    #[test]
    fn a_file_is_read_or_refused() {
        let mine = calibration(&[(0.9, 100, 2), (0.5, 400, 80)]);
        let text = serde_json::to_string(&mine).unwrap();
        let read = |text: &str| Calibration::parse(text, Path::new("calibration.json"));
        assert_eq!(read(&text).unwrap(), mine);
        let refused = |from: &str, to: &str| read(&text.replace(from, to)).unwrap_err().to_string();
        assert!(refused("\"format\":1", "\"format\":2").contains("format is 2"));
        assert!(refused("\"slope\":1.0", "\"slope\":-1.0").contains("slope"));
        assert!(refused("\"answers\":100", "\"answers\":500").contains("risk"));
        assert!(refused("\"curve\"", "\"bend\"").contains("calibration.json"));
        let missing = Calibration::load(Path::new("no/such/calibration.json")).unwrap_err().to_string();
        assert!(missing.contains("no/such"), "{missing}");
    }
}
