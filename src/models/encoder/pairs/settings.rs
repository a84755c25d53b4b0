//! `pairs.json`: what a pair may be, how texts are cut, and what the scores mean.
//!
//! May depend on serde and the siblings of the parent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{decision::Platt, features::Limits};

/// The file of the settings.
pub const PAIR_SETTINGS: &str = "pairs.json";
/// The form of the folder.
pub const FORMAT: u32 = 1;
/// What a label begins with that names every label but one.
const NOT: &str = "not ";

/// `pairs.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairSettings {
    /// The form of the folder.
    pub format: u32,
    /// The sha256 of the base model's weights.
    pub base_sha256: String,
    /// What a pair may be.
    pub labels: Vec<String>,
    /// The label that says that the texts have nothing to do with each other: of the windows of a long text, the one that
    /// says this least decides. With a single label, the one with the highest score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neutral: Option<String>,
    /// How many layers of the base are used, from the bottom.
    pub layers: usize,
    /// How texts are cut.
    pub limits: PairLimits,
    /// From logits to probabilities.
    pub calibration: Calibration,
    /// From which probability on a label counts.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f32>,
}

/// How texts are cut into windows, in tokens: `[CLS] first [SEP] second [SEP]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PairLimits {
    /// The most tokens of a window, with everything that belongs to it.
    pub window: usize,
    /// How many tokens of the second text two neighbouring windows share.
    pub overlap: usize,
    /// The most tokens of the first text; a longer one is refused.
    pub first: usize,
}

impl Default for PairLimits {
    fn default() -> Self {
        Self { window: 384, overlap: 96, first: 192 }
    }
}

impl PairLimits {
    /// The same as the reader's limits, for a question without a title.
    pub fn as_limits(self) -> Limits {
        Limits { window: self.window, overlap: self.overlap, question: self.first, title: 0, span: 1 }
    }

    /// Why these limits cannot work, if they cannot.
    pub fn check(self, positions: usize) -> Result<(), String> {
        if self.window > positions {
            return Err(format!("a window of {} tokens is more than the model's {positions}", self.window));
        }
        if self.first == 0 || self.window <= self.first + self.overlap + 4 {
            return Err(format!(
                "a window of {} tokens leaves no room: the first text and the marks take up to {}, the overlap {}",
                self.window,
                self.first + 3,
                self.overlap
            ));
        }
        Ok(())
    }
}

/// From logits to probabilities; fitted on data that was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Calibration {
    /// Several labels: the logits are divided by this (Guo et al. 2017), then the softmax.
    Temperature(f32),
    /// One label: a logistic curve.
    Platt(Platt),
}

impl Calibration {
    /// Before anything is fitted.
    pub fn unfitted(labels: usize) -> Self {
        if labels == 1 { Self::Platt(Platt { slope: 1.0, intercept: 0.0 }) } else { Self::Temperature(1.0) }
    }
}

impl PairSettings {
    /// Why they cannot be used, if they cannot.
    pub fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its form is {}, and {FORMAT} is supported; train it again", self.format));
        }
        check_labels(&self.labels, self.neutral.as_deref())?;
        let sound = match self.calibration {
            Calibration::Temperature(temperature) => {
                self.labels.len() > 1 && temperature.is_finite() && temperature > 0.0
            }
            Calibration::Platt(Platt { slope, intercept }) => {
                self.labels.len() == 1 && slope.is_finite() && slope > 0.0 && intercept.is_finite()
            }
        };
        if !sound {
            return Err(format!(
                "`calibration` is {:?} for {} labels: one label has a curve that rises, several a temperature over 0",
                self.calibration,
                self.labels.len()
            ));
        }
        for (label, threshold) in &self.thresholds {
            if !self.labels.contains(label) || !(0.0..=1.0).contains(threshold) {
                return Err(format!("`thresholds` has {threshold} for {label:?}, which is no label or no probability"));
            }
        }
        Ok(())
    }

    /// The probabilities of the windows of a pair, taken together. `windows` has the logits of each, at least of one.
    pub fn probabilities(&self, windows: &[Vec<f32>]) -> Vec<f32> {
        let each = windows.iter().map(|logits| self.calibrated(logits));
        let neutral = self.neutral.as_ref().and_then(|name| self.labels.iter().position(|label| label == name));
        // How much a window says. A number that is none is kept, so that it is not lost.
        let says = |shares: &Vec<f32>| match neutral {
            Some(at) => 1.0 - shares[at],
            None => shares.iter().copied().fold(f32::MIN, f32::max),
        };
        each.reduce(|best, next| if says(&next).total_cmp(&says(&best)).is_gt() { next } else { best })
            .unwrap_or_default()
    }

    fn calibrated(&self, logits: &[f32]) -> Vec<f32> {
        match self.calibration {
            Calibration::Platt(Platt { slope, intercept }) => {
                logits.iter().map(|logit| 1.0 / (1.0 + (-(slope * logit + intercept)).exp())).collect()
            }
            Calibration::Temperature(temperature) => {
                let peak = logits.iter().copied().fold(f32::MIN, f32::max);
                let raised: Vec<f32> = logits.iter().map(|logit| ((logit - peak) / temperature).exp()).collect();
                let sum: f32 = raised.iter().sum();
                raised.iter().map(|share| share / sum).collect()
            }
        }
    }
}

/// Why these cannot be labels, if they cannot.
pub fn check_labels(labels: &[String], neutral: Option<&str>) -> Result<(), String> {
    let wrong = |label: &String| label.trim().is_empty() || label.starts_with(NOT);
    if labels.is_empty() || labels.iter().any(wrong) {
        return Err(format!("there must be labels, and none may be empty or begin with {NOT:?}"));
    }
    if (1..labels.len()).any(|at| labels[..at].contains(&labels[at])) {
        return Err("a label is named twice".to_owned());
    }
    match neutral {
        Some(name) if !labels.iter().any(|label| label == name) || labels.len() == 1 => {
            Err(format!("`neutral` is {name:?}, and should be one of several labels"))
        }
        _ => Ok(()),
    }
}

/// The labels that a pair of this label may have: itself, or with `not ` before it all others. `None` for one that is not
/// known. With a single label its opposite has none.
pub fn meant(labels: &[String], label: &str) -> Option<Vec<usize>> {
    let named = |name: &str| labels.iter().position(|known| known == name);
    match (named(label), label.strip_prefix(NOT).and_then(named)) {
        (Some(at), _) => Some(vec![at]),
        (None, Some(but)) => Some((0..labels.len()).filter(|at| *at != but).collect()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(labels: &[&str], neutral: Option<&str>) -> PairSettings {
        PairSettings {
            format: FORMAT,
            base_sha256: String::new(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            neutral: neutral.map(str::to_owned),
            layers: 2,
            limits: PairLimits::default(),
            calibration: Calibration::unfitted(labels.len()),
            thresholds: BTreeMap::new(),
        }
    }

    #[test]
    fn the_window_that_says_most_decides() {
        let three = settings(&["supported", "contradicted", "unknown"], Some("unknown"));
        let windows = [vec![0.0, 0.0, 4.0], vec![-1.0, 2.0, 0.0], vec![1.0, 0.0, 1.0]];
        let all = three.probabilities(&windows);
        assert_eq!(all, three.probabilities(&windows[1..2]));
        assert!((all.iter().sum::<f32>() - 1.0).abs() < 1e-6 && all[1] > 0.8);
        let one = settings(&["relevant"], None);
        assert_eq!(one.probabilities(&[vec![-1.0], vec![0.0]]), [0.5]);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let good = settings(&["a", "b"], Some("b"));
        assert!(good.check().is_ok());
        for (change, word) in [
            ((|s| s.format = 9) as fn(&mut PairSettings), "form"),
            (|s| s.labels[1] = "a".into(), "twice"),
            (|s| s.labels[1] = "not a".into(), "begin with"),
            (|s| s.neutral = Some("c".into()), "neutral"),
            (|s| s.calibration = Calibration::Temperature(0.0), "calibration"),
            (|s| s.calibration = Calibration::unfitted(1), "calibration"),
            (|s| _ = s.thresholds.insert("c".into(), 0.5), "thresholds"),
            (|s| _ = s.thresholds.insert("a".into(), 1.5), "thresholds"),
        ] {
            let mut wrong = good.clone();
            change(&mut wrong);
            assert!(wrong.check().unwrap_err().contains(word), "{word}");
        }
        assert!(PairLimits { window: 300, overlap: 100, first: 197 }.check(512).is_err());
        assert!(PairLimits::default().check(256).is_err() && PairLimits::default().check(512).is_ok());
    }

    #[test]
    fn a_label_may_say_what_a_pair_is_not() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(meant(&labels, "b"), Some(vec![1]));
        assert_eq!(meant(&labels, "not b"), Some(vec![0, 2]));
        assert_eq!(meant(&labels[..1], "not a"), Some(vec![]));
        assert_eq!(meant(&labels, "not d"), None);
    }
}
