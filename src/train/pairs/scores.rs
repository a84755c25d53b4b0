//! The scores of many pairs, and how well a threshold divides them.
//!
//! May depend on the encoder.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{
    models::encoder::pairs::{model::PairModel, settings::meant},
    train::{TrainError, dataset::pairs::Pair},
};

/// Pairs that a thread takes at a time.
const AT_A_TIME: usize = 16;
/// No probability is taken for quite certain: one mistake would outweigh all else.
const CERTAIN: f64 = 1e-6;

/// The logits of each label, of each window, of each pair of a chunk, with the chunk's number.
type OfChunks = Vec<(usize, Vec<Vec<Vec<f32>>>)>;

/// The logits of the windows of all pairs, with some threads.
pub fn logits(model: &PairModel, texts: &[(&str, &str)], threads: usize) -> Result<Vec<Vec<Vec<f32>>>, TrainError> {
    let chunks: Vec<&[(&str, &str)]> = texts.chunks(AT_A_TIME).collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<OfChunks, TrainError> {
        let mut made = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(chunk) = chunks.get(number) else { return Ok(made) };
            made.push((number, model.logits(chunk)?));
        }
    };
    let mut parts = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut parts = vec![work()];
        for other in others {
            parts.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        parts.into_iter().collect::<Result<Vec<_>, _>>()
    })?
    .concat();
    parts.sort_by_key(|(number, _)| *number);
    Ok(parts.into_iter().flat_map(|(_, logits)| logits).collect())
}

/// Which of the labels each pair may have.
pub fn right_labels<'p>(
    labels: &[String],
    pairs: impl IntoIterator<Item = &'p Pair>,
) -> Result<Vec<Vec<usize>>, TrainError> {
    let right = |pair: &Pair| {
        meant(labels, &pair.label).ok_or_else(|| TrainError::UnknownLabel {
            pair: pair.id.clone(),
            label: pair.label.clone(),
            known: labels.join(", "),
        })
    };
    pairs.into_iter().map(right).collect()
}

/// The mean of the share of yes that score at least `threshold` and of no that do not; `None` without both.
pub fn balanced_accuracy(judged: &[(f32, bool)], threshold: f32) -> Option<f64> {
    let mut counts = [(0_usize, 0_usize); 2];
    for (score, is) in judged {
        let count = &mut counts[usize::from(*is)];
        count.0 += usize::from((*score >= threshold) == *is);
        count.1 += 1;
    }
    let [no, yes] = counts.map(|(met, all)| (all > 0).then(|| met as f64 / all as f64));
    Some(0.5 * (no? + yes?))
}

/// A probability that is not quite 0 or 1.
pub fn softened(probability: f64) -> f64 {
    probability.clamp(CERTAIN, 1.0 - CERTAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_weigh_the_same() {
        let judged = [(0.9, true), (0.8, true), (0.2, true), (0.1, true), (0.7, false)];
        assert_eq!(balanced_accuracy(&judged, 0.5), Some(0.25));
        assert_eq!(balanced_accuracy(&judged, 0.75), Some(0.75));
        assert_eq!(balanced_accuracy(&judged[..4], 0.5), None);
    }
}
