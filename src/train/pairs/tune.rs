//! Calibration and thresholds of a trained model of pairs, chosen on data that it was not trained on and written into
//! `pairs.json`.
//!
//! May depend on `scores` and the encoder.

use std::path::Path;

use serde::Serialize;

use super::scores::{balanced_accuracy, logits, right_labels, softened};
use crate::{
    models::{
        adapter::AdapterFiles,
        encoder::{
            decision::Platt,
            features::ReaderTokenizer,
            load::Base,
            pairs::{
                load::{on_base, put_settings},
                model::PairModel,
                settings::{Calibration, PairLimits, PairSettings},
            },
        },
    },
    train::{TrainError, dataset::pairs::Pair},
};

/// What was chosen, on what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TunedPairs {
    /// The pairs that the threshold was chosen on.
    pub pairs: usize,
    /// Pairs that were left out because their first text is too long.
    pub long_firsts: usize,
    /// From logits to probabilities.
    pub calibration: Calibration,
    /// The label that decides.
    pub label: String,
    /// From which probability on it counts.
    pub threshold: f32,
    /// The balanced accuracy of "this label or not" at the threshold, on these pairs.
    pub balanced_accuracy: f64,
    /// The share of the pairs with the label that are turned down there.
    pub turned_down: f64,
}

/// The pairs of which anything can be learned about a threshold of `label`, and how many are left out because their first
/// text is too long for `limits`. An error where no threshold could be chosen on them: looked at before a run, so that a
/// long one does not end in it.
pub fn tunable<'p>(
    tokenizer: &ReaderTokenizer,
    limits: PairLimits,
    (labels, label): (&[String], &str),
    pairs: &'p [Pair],
) -> Result<(Vec<&'p Pair>, usize), TrainError> {
    let mut kept = Vec::with_capacity(pairs.len());
    for pair in pairs {
        if tokenizer.tokens(&pair.first)?.ids.len() <= limits.first {
            kept.push(pair);
        }
    }
    let long_firsts = pairs.len() - kept.len();
    let right = right_labels(labels, kept.iter().copied())?;
    let at = labels.iter().position(|known| known == label).unwrap_or(0);
    let judged: Vec<bool> = right.iter().filter_map(|right| has_label(right, at)).collect();
    if !judged.contains(&true) || !judged.contains(&false) {
        let counts = format!(
            "{} pairs, all of them {label} or none, and {long_firsts} whose first text is too long",
            judged.len()
        );
        return Err(TrainError::NoSequences { what: "tuning", counts });
    }
    Ok((kept, long_firsts))
}

/// Whether a pair has the label `at`; `None` for one that may have it or another, which says nothing about a threshold.
pub fn has_label(right: &[usize], at: usize) -> Option<bool> {
    let has = right.contains(&at);
    (!has || right.len() == 1).then_some(has)
}

/// Chooses for the model in `folder`, which was trained on `base`: a temperature (or curve) with the highest likelihood,
/// then the threshold of `label`: that with the best balanced accuracy, or the highest one that turns down no greater share
/// of the pairs with the label than `may_turn_down`.
pub fn tune(
    base: Base,
    folder: &Path,
    pairs: &[Pair],
    (label, may_turn_down): (&str, Option<f64>),
    threads: usize,
) -> Result<TunedPairs, TrainError> {
    let mut files = AdapterFiles::read(folder)?;
    let (base, head, settings) = on_base(base, &files)?;
    let (pairs, long_firsts) = tunable(&base.tokenizer, settings.limits, (&settings.labels, label), pairs)?;
    let model = PairModel::new(base.bert, head, base.tokenizer, settings.clone());
    let texts: Vec<(&str, &str)> = pairs.iter().map(|pair| (pair.first.as_str(), pair.second.as_str())).collect();
    let logits = logits(&model, &texts, threads)?;
    let right = right_labels(&settings.labels, pairs.iter().copied())?;
    let mut settings = PairSettings { calibration: calibration(&settings, &logits, &right), ..settings };
    let at = settings.labels.iter().position(|known| known == label).unwrap_or(0);
    let judged: Vec<(f32, bool)> = logits
        .iter()
        .zip(&right)
        .filter_map(|(logits, right)| Some((settings.probabilities(logits)[at], has_label(right, at)?)))
        .collect();
    let Some(threshold) = threshold(&judged, may_turn_down) else {
        let counts = format!("{} pairs, all of them {label} or none", judged.len());
        return Err(TrainError::NoSequences { what: "tuning", counts });
    };
    settings.thresholds.insert(label.to_owned(), threshold);
    put_settings(&mut files, &settings)?;
    files.write(folder)?;
    let yes = judged.iter().filter(|(_, is)| *is).count().max(1);
    let down = judged.iter().filter(|(score, is)| *is && *score < threshold).count();
    Ok(TunedPairs {
        pairs: judged.len(),
        long_firsts,
        calibration: settings.calibration,
        label: label.to_owned(),
        threshold,
        balanced_accuracy: balanced_accuracy(&judged, threshold).unwrap_or(f64::NAN),
        turned_down: down as f64 / yes as f64,
    })
}

/// The temperature, or the curve, under which the right labels are likeliest, of a grid that is fine enough.
fn calibration(settings: &PairSettings, logits: &[Vec<Vec<f32>>], right: &[Vec<usize>]) -> Calibration {
    let loss = |calibration: Calibration| -> f64 {
        let settings = PairSettings { calibration, ..settings.clone() };
        let one = |(logits, right): (&Vec<Vec<f32>>, &Vec<usize>)| -> f64 {
            let shares = settings.probabilities(logits);
            let holds: f64 = match shares.as_slice() {
                [share] if right.is_empty() => 1.0 - f64::from(*share),
                shares => right.iter().map(|at| f64::from(shares[*at])).sum(),
            };
            -softened(holds).ln()
        };
        logits.iter().zip(right).map(one).sum()
    };
    let steps = |from: f32, to: f32, count: usize| {
        (0..=count).map(move |step| from * (to / from).powf(step as f32 / count as f32))
    };
    let candidates: Vec<Calibration> = match settings.calibration {
        Calibration::Temperature(_) => steps(0.25, 8.0, 60).map(Calibration::Temperature).collect(),
        Calibration::Platt(_) => {
            let intercepts = || (-40..=40).map(|step| step as f32 * 0.2);
            steps(0.05, 4.0, 30)
                .flat_map(|slope| intercepts().map(move |intercept| Calibration::Platt(Platt { slope, intercept })))
                .collect()
        }
    };
    let scored = candidates.into_iter().map(|candidate| (candidate, loss(candidate)));
    let best = scored.fold(None, |best: Option<(Calibration, f64)>, next| match best {
        Some(best) if best.1 <= next.1 => Some(best),
        _ => Some(next),
    });
    best.map_or(settings.calibration, |best| best.0)
}

/// `None` unless there are pairs with and without the label.
fn threshold(judged: &[(f32, bool)], may_turn_down: Option<f64>) -> Option<f32> {
    if !judged.iter().any(|(_, is)| *is) || judged.iter().all(|(_, is)| *is) {
        return None;
    }
    if let Some(share) = may_turn_down {
        let mut scores: Vec<f32> = judged.iter().filter(|(_, is)| *is).map(|(score, _)| *score).collect();
        scores.sort_by(f32::total_cmp);
        return scores.get((share * scores.len() as f64) as usize).copied();
    }
    let mut scores: Vec<f32> = judged.iter().map(|(score, _)| *score).collect();
    scores.sort_by(f32::total_cmp);
    scores.dedup();
    // Between two scores, so that what is a little worse than any that was seen is not decided by chance.
    let between = scores.windows(2).map(|two| 0.5 * (two[0] + two[1]));
    let measured = between.filter_map(|at| Some((at, balanced_accuracy(judged, at)?)));
    measured
        .fold(None, |best: Option<(f32, f64)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        })
        .map(|best| best.0)
        .or_else(|| scores.first().copied())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_threshold_is_the_best_one_or_the_one_that_turns_down_so_many() {
        let judged = [(0.1, false), (0.2, false), (0.3, true), (0.35, false), (0.8, true), (0.9, true), (0.95, true)];
        let best = threshold(&judged, None).unwrap();
        assert!((0.2..0.3).contains(&best) || (0.35..0.8).contains(&best), "{best}");
        assert_eq!(threshold(&judged, Some(0.25)), Some(0.8));
        assert_eq!(threshold(&judged, Some(0.0)), Some(0.3));
        assert_eq!(threshold(&judged[4..], None), None);
    }
}
