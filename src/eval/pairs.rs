//! How good a model of pairs is: balanced accuracy, the table of labels, and what the length alone would tell.
//!
//! Intervals are of bootstrap samples of whole sources. May depend on `bootstrap`, `train::pairs` and the encoder.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bootstrap::{Estimate, Resampling, Units, interval};
use crate::{
    models::encoder::pairs::{PairSettings, model::PairModel},
    train::{
        TrainError,
        dataset::{normal_form::word_count, pairs::Pair},
        pairs::{
            scores::{balanced_accuracy, logits, right_labels},
            tune::has_label,
        },
    },
};

/// What was measured on some pairs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairsMeasured {
    /// The pairs.
    pub pairs: usize,
    /// The documents that they are of: what is drawn for the intervals.
    pub sources: usize,
    /// The label that decides, and from which probability on.
    pub label: String,
    /// That probability.
    pub threshold: f32,
    /// Balanced accuracy of "this label or not" at the threshold.
    pub balanced_accuracy: Option<Estimate>,
    /// The share of pairs with the label that are turned down.
    pub turned_down: Option<f64>,
    /// The share of the other pairs that pass.
    pub passed: Option<f64>,
    /// Balanced accuracy between the two labels that say something, of the pairs that have either, by which is likelier.
    pub between_two: Option<Estimate>,
    /// The mean over the labels of the share of their pairs for which the label is the likeliest.
    pub macro_recall: Option<Estimate>,
    /// For each label that pairs have, how often each label is the likeliest.
    pub table: BTreeMap<String, BTreeMap<String, usize>>,
    /// The best balanced accuracy that the number of words of the first text alone could have, with the limit chosen on
    /// these very pairs.
    pub by_length_alone: Option<f64>,
}

/// Measures the model on pairs.
pub fn measure(
    model: &PairModel,
    pairs: &[Pair],
    label: &str,
    resampling: &Resampling,
    threads: usize,
) -> Result<(PairsMeasured, Vec<Vec<f32>>), TrainError> {
    let settings: &PairSettings = model.settings();
    let texts: Vec<(&str, &str)> = pairs.iter().map(|pair| (pair.first.as_str(), pair.second.as_str())).collect();
    let scores: Vec<Vec<f32>> =
        logits(model, &texts, threads)?.iter().map(|windows| settings.probabilities(windows)).collect();
    let at = settings.labels.iter().position(|known| known == label).unwrap_or(0);
    let threshold = settings.thresholds.get(label).copied().unwrap_or(0.5);
    let right = right_labels(&settings.labels, pairs)?;
    let units = Units::clusters(pairs.iter().map(|pair| pair.source.as_str()));
    // A pair that may have the label or another counts neither way.
    let judged: Vec<Option<(f32, bool)>> =
        scores.iter().zip(&right).map(|(scores, right)| Some((scores[at], has_label(right, at)?))).collect();
    let drawn =
        |all: &[Option<(f32, bool)>], numbers: &[usize]| numbers.iter().filter_map(|n| all[*n]).collect::<Vec<_>>();
    let balanced = interval(&units, resampling, |numbers| balanced_accuracy(&drawn(&judged, numbers), threshold));
    // Of the labels that are not neutral, the first two: which of them is likelier.
    let saying: Vec<usize> = (0..settings.labels.len())
        .filter(|at| settings.neutral.as_deref() != Some(settings.labels[*at].as_str()))
        .collect();
    let between_two = match saying.as_slice() {
        [one, other] => {
            let known = |number: &usize| matches!(right[*number].as_slice(), [at] if at == one || at == other);
            let margin = |number: usize| (scores[number][*one] - scores[number][*other], right[number] == [*one]);
            interval(&units, resampling, |numbers| {
                let known: Vec<_> = numbers.iter().filter(|n| known(n)).map(|n| margin(*n)).collect();
                balanced_accuracy(&known, 0.0)
            })
        }
        _ => None,
    };
    let likeliest =
        |scores: &[f32]| (1..scores.len()).fold(0, |best, next| if scores[next] > scores[best] { next } else { best });
    let recall = |numbers: &[usize]| -> Option<f64> {
        let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for number in numbers {
            if let [label] = right[*number].as_slice() {
                let count = counts.entry(*label).or_default();
                count.0 += usize::from(likeliest(&scores[*number]) == *label);
                count.1 += 1;
            }
        }
        let sum: f64 = counts.values().map(|(met, all)| *met as f64 / *all as f64).sum();
        (counts.len() > 1).then(|| sum / counts.len() as f64)
    };
    let mut table: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for (pair, scores) in pairs.iter().zip(&scores) {
        let found = settings.labels[likeliest(scores)].clone();
        *table.entry(pair.label.clone()).or_default().entry(found).or_default() += 1;
    }
    let share = |is: bool, counts: &dyn Fn(f32) -> bool| {
        let all: Vec<f32> = judged.iter().flatten().filter(|(_, one)| *one == is).map(|(score, _)| *score).collect();
        (!all.is_empty()).then(|| all.iter().filter(|score| counts(**score)).count() as f64 / all.len() as f64)
    };
    let length = |pair: &Pair| -(word_count(&pair.first) as f32);
    let lengths: Vec<(f32, bool)> =
        pairs.iter().zip(&judged).filter_map(|(pair, judged)| Some((length(pair), judged.as_ref()?.1))).collect();
    let by_length = lengths.iter().filter_map(|(length, _)| balanced_accuracy(&lengths, *length));
    let measured = PairsMeasured {
        pairs: pairs.len(),
        sources: units.len(),
        label: label.to_owned(),
        threshold,
        balanced_accuracy: balanced,
        turned_down: share(true, &|score| score < threshold),
        passed: share(false, &|score| score >= threshold),
        between_two,
        macro_recall: interval(&units, resampling, recall),
        table,
        by_length_alone: by_length.map(|share| share.max(1.0 - share)).reduce(f64::max),
    };
    Ok((measured, scores))
}
