//! Whether a confidence of 0.8 means that eight in ten are right: reliability bins and the expected calibration error
//! (Guo et al. 2017).
//!
//! May depend on `eval::risk_coverage`.

use serde::{Deserialize, Serialize};

use super::risk_coverage::Judged;

/// The bins of equal width that a report shows.
pub const BINS: usize = 10;
/// The normal quantile of a 95 percent interval.
const Z: f64 = 1.959_963_984_540_054;

/// The answers whose confidence lies in `[low, high)`; the last bin holds 1 as well.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The lower edge.
    pub low: f64,
    /// The upper edge.
    pub high: f64,
    /// The answers in it.
    pub count: usize,
    /// Their mean confidence, and the share of right ones with its interval; absent in an empty bin.
    pub filled: Option<BinFigures>,
}

/// The figures of a bin that holds answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BinFigures {
    /// The mean confidence.
    pub confidence: f64,
    /// The share of right answers.
    pub success: f64,
    /// Wilson's 95 percent interval of that share, lower end.
    pub success_low: f64,
    /// Its upper end.
    pub success_high: f64,
}

/// How confidence and success agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// The bins, from low to high confidence.
    pub bins: Vec<ReliabilityBin>,
    /// The mean distance between the confidence and the share of right answers of a bin, weighted by its answers.
    pub expected_calibration_error: f64,
    /// The mean squared distance between the confidence and 1 or 0 (Brier 1950).
    pub brier_score: f64,
}

impl Reliability {
    /// Sorts answers into `bins` bins of equal width; `None` without answers or bins. Confidences are 0 to 1.
    pub fn of(answers: &[Judged], bins: usize) -> Option<Self> {
        if answers.is_empty() || bins == 0 {
            return None;
        }
        let mut sums = vec![(0_usize, 0.0, 0_usize); bins];
        for answer in answers {
            let bin = ((answer.confidence * bins as f64) as usize).min(bins - 1);
            sums[bin].0 += 1;
            sums[bin].1 += answer.confidence;
            sums[bin].2 += usize::from(answer.success);
        }
        let edge = |at: usize| at as f64 / bins as f64;
        let bins: Vec<ReliabilityBin> = sums
            .into_iter()
            .enumerate()
            .map(|(at, (count, confidence, right))| ReliabilityBin {
                low: edge(at),
                high: edge(at + 1),
                count,
                filled: wilson(right, count).map(|(success_low, success_high)| BinFigures {
                    confidence: confidence / count as f64,
                    success: right as f64 / count as f64,
                    success_low,
                    success_high,
                }),
            })
            .collect();
        let all = answers.len() as f64;
        let distance = |bin: &ReliabilityBin| {
            bin.filled.map_or(0.0, |filled| (filled.success - filled.confidence).abs() * bin.count as f64)
        };
        let squares = answers.iter().map(|answer| (answer.confidence - f64::from(u8::from(answer.success))).powi(2));
        Some(Self {
            expected_calibration_error: bins.iter().map(distance).sum::<f64>() / all,
            brier_score: squares.sum::<f64>() / all,
            bins,
        })
    }
}

/// Wilson's 95 percent interval of a share (Wilson 1927), which also holds for few cases and for shares of 0 and 1;
/// `None` without cases.
pub fn wilson(successes: usize, count: usize) -> Option<(f64, f64)> {
    if count == 0 {
        return None;
    }
    let (n, p) = (count as f64, successes as f64 / count as f64);
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Some((((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_by_hand() {
        let answers: Vec<Judged> = [(0.05, false), (0.15, true), (0.95, true), (1.0, true), (0.9, false)]
            .map(|(confidence, success)| Judged { confidence, success })
            .to_vec();
        let found = Reliability::of(&answers, 10).unwrap();
        let counts: Vec<usize> = found.bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [1, 1, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(found.bins[2].filled, None);
        let last = found.bins[9].filled.unwrap();
        assert!((last.confidence - 0.95).abs() < 1e-12 && (last.success - 2.0 / 3.0).abs() < 1e-12);
        // 0.05 and 0.85 for one answer each, 0.95 - 2/3 for three.
        let expected = (0.05 + 0.85 + 3.0 * (0.95 - 2.0 / 3.0)) / 5.0;
        assert!((found.expected_calibration_error - expected).abs() < 1e-12);
        let brier = (0.05_f64.powi(2) + 0.85_f64.powi(2) + 0.05_f64.powi(2) + 0.9_f64.powi(2)) / 5.0;
        assert!((found.brier_score - brier).abs() < 1e-12);
        assert_eq!(Reliability::of(&[], 10), None);
    }

    #[test]
    fn wilsons_interval_is_the_published_one() {
        // 81 of 263, the example of Newcombe (1998), method 3.
        let (low, high) = wilson(81, 263).unwrap();
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} {high}");
        let (low, high) = wilson(0, 20).unwrap();
        assert!(low.abs() < 1e-12 && (high - 0.1611).abs() < 5e-5, "{low} {high}");
        assert_eq!(wilson(0, 0), None);
    }

    proptest! {
        #[test]
        fn the_error_is_bounded_and_every_answer_is_in_one_bin(
            answers in prop::collection::vec((0.0_f64..=1.0, any::<bool>()), 1..80), bins in 1_usize..20,
        ) {
            let answers: Vec<Judged> =
                answers.into_iter().map(|(confidence, success)| Judged { confidence, success }).collect();
            let found = Reliability::of(&answers, bins).unwrap();
            prop_assert_eq!(found.bins.iter().map(|bin| bin.count).sum::<usize>(), answers.len());
            prop_assert!((0.0..=1.0).contains(&found.expected_calibration_error));
            for filled in found.bins.iter().filter_map(|bin| bin.filled) {
                prop_assert!(filled.success_low <= filled.success + 1e-12 && filled.success <= filled.success_high + 1e-12);
            }
        }
    }
}
