//! Risk over coverage (El-Yaniv and Wiener 2010): how well the confidence orders the answers.
//!
//! Answers are taken from the most confident on. Coverage is the share of all questions that are answered so far, and
//! risk the share of wrong answers among those. Questions that were declined have no answer to judge: they count in
//! the denominator of the coverage, so the curve ends where the system stops to answer.
//!
//! Answers of equal confidence cannot be told apart by a threshold, so they enter together, and a point inside such a
//! group is the mean over every order that the group could have. The figures therefore do not depend on the order of
//! the questions.
//!
//! May depend on nothing else of the crate.

use serde::{Deserialize, Serialize};

/// An answer that was given, and whether it is right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// How sure the system was, 0 to 1.
    pub confidence: f64,
    /// Whether the answer is right.
    pub success: bool,
}

/// What a threshold on the confidence brings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Answers of at least this confidence are given.
    pub threshold: f64,
    /// The share of all questions that are then answered.
    pub coverage: f64,
    /// The share of wrong answers among them.
    pub risk: f64,
}

/// The risk at one coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskAt {
    /// The share of all questions that are answered.
    pub coverage: f64,
    /// [`RiskCoverage::risk_at`] it.
    pub risk: Option<f64>,
}

/// The curve of a set of questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// One point for each confidence that occurs, the highest first; coverage rises from point to point.
    pub points: Vec<CurvePoint>,
    /// The risk at a coverage of a tenth, two tenths and so on.
    pub tenths: Vec<RiskAt>,
    /// The mean risk over the coverages that are reached, 1/n, 2/n and so on: the area under the curve, divided by
    /// its width so that systems that decline more can be compared. Less is better. Absent without an answer.
    pub area: Option<f64>,
    /// The questions, answered or not.
    pub asked: usize,
}

/// Answers of one confidence.
#[derive(Debug, Clone, Copy)]
struct Tie {
    confidence: f64,
    count: usize,
    wrong: usize,
}

impl RiskCoverage {
    /// The curve of the answers that were given to `asked` questions. Confidences are compared as numbers, and a NaN
    /// (which a validated reply never holds) as the lowest.
    pub fn of(answers: &[Judged], asked: usize) -> Self {
        let ties = ties(answers);
        let (mut count, mut wrong) = (0, 0);
        let points = ties
            .iter()
            .map(|tie| {
                count += tie.count;
                wrong += tie.wrong;
                CurvePoint {
                    threshold: tie.confidence,
                    coverage: count as f64 / asked as f64,
                    risk: wrong as f64 / count as f64,
                }
            })
            .collect();
        let mut curve = Self { points, tenths: Vec::new(), area: area_of(&ties), asked };
        let tenths = (1..=10).map(|tenth| f64::from(tenth) / 10.0);
        curve.tenths = tenths.map(|coverage| RiskAt { coverage, risk: curve.risk_at(coverage) }).collect();
        curve
    }

    /// The area alone, as [`RiskCoverage::area`].
    pub fn area(answers: &[Judged]) -> Option<f64> {
        area_of(&ties(answers))
    }

    /// The risk when the most confident answers to `coverage` (0 to 1) of the questions are given, at least one;
    /// `None` where the system gave fewer. Inside a group of equal confidence, the mean over the group's orders.
    pub fn risk_at(&self, coverage: f64) -> Option<f64> {
        // The tolerance keeps 0.3 of 10 at 3, whatever the product's last bit is.
        let wanted = (coverage * self.asked as f64 - 1e-9).ceil().max(1.0);
        let (mut count, mut wrong) = (0.0, 0.0);
        for point in &self.points {
            let to = point.coverage * self.asked as f64;
            let wrong_to = point.risk * to;
            if wanted <= to + 1e-9 {
                let inside = (wanted - count) * (wrong_to - wrong) / (to - count);
                return Some((wrong + inside) / wanted);
            }
            (count, wrong) = (to, wrong_to);
        }
        None
    }

    /// The point of the largest coverage whose risk is at most `risk`: the threshold that an owner would set who
    /// accepts that risk. `None` when no threshold keeps to it.
    pub fn point_at_risk(&self, risk: f64) -> Option<CurvePoint> {
        self.points.iter().rev().find(|point| point.risk <= risk).copied()
    }
}

fn ties(answers: &[Judged]) -> Vec<Tie> {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut ties: Vec<Tie> = Vec::new();
    for answer in sorted {
        let wrong = usize::from(!answer.success);
        match ties.last_mut() {
            Some(tie) if tie.confidence == answer.confidence => {
                tie.count += 1;
                tie.wrong += wrong;
            }
            _ => ties.push(Tie { confidence: answer.confidence, count: 1, wrong }),
        }
    }
    ties
}

fn area_of(ties: &[Tie]) -> Option<f64> {
    let (mut count, mut wrong, mut sum) = (0, 0, 0.0);
    for tie in ties {
        // Of the first `inside` answers of a group in random order, this share is wrong on average.
        let rate = tie.wrong as f64 / tie.count as f64;
        for inside in 1..=tie.count {
            sum += (wrong as f64 + inside as f64 * rate) / (count + inside) as f64;
        }
        count += tie.count;
        wrong += tie.wrong;
    }
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    fn judged(pairs: &[(f64, bool)]) -> Vec<Judged> {
        pairs.iter().map(|&(confidence, success)| Judged { confidence, success }).collect()
    }

    #[test]
    fn a_curve_by_hand() {
        let answers = judged(&[(0.9, true), (0.8, false), (0.7, true), (0.2, false)]);
        let curve = RiskCoverage::of(&answers, 5);
        let found: Vec<(f64, f64)> = curve.points.iter().map(|point| (point.coverage, point.risk)).collect();
        assert_eq!(found, [(0.2, 0.0), (0.4, 0.5), (0.6, 1.0 / 3.0), (0.8, 0.5)]);
        assert!((curve.area.unwrap() - (0.0 + 0.5 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
        assert_eq!(curve.risk_at(0.2), Some(0.0));
        assert!((curve.risk_at(0.6).unwrap() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((curve.risk_at(0.81), curve.risk_at(0.0)), (None, Some(0.0)));
        assert_eq!(curve.tenths[7], RiskAt { coverage: 0.8, risk: Some(0.5) });
        assert_eq!(curve.tenths[8].risk, None);
        assert_eq!(curve.point_at_risk(0.4).unwrap().threshold, 0.7);
        assert_eq!(curve.point_at_risk(0.0).unwrap().threshold, 0.9);
    }

    #[test]
    fn equal_confidences_enter_together() {
        let answers = judged(&[(0.5, true), (0.5, false), (0.5, false), (0.5, true)]);
        let curve = RiskCoverage::of(&answers, 4);
        assert_eq!(curve.points.len(), 1);
        // Whatever the order, half of the first one, two or three is wrong on average.
        assert_eq!(curve.area, Some(0.5));
        assert!([0.25, 0.5, 0.75, 1.0].iter().all(|at| (curve.risk_at(*at).unwrap() - 0.5).abs() < 1e-12));
        assert_eq!(curve.point_at_risk(0.4), None);
    }

    #[test]
    fn nobody_answered() {
        let curve = RiskCoverage::of(&[], 3);
        assert_eq!((curve.points.len(), curve.area, curve.risk_at(0.1)), (0, None, None));
    }

    /// The area of one order of the answers.
    fn area_of_order(order: &[Judged]) -> f64 {
        let mut wrong = 0.0;
        let risks = order.iter().enumerate().map(|(at, answer)| {
            wrong += f64::from(u8::from(!answer.success));
            wrong / (at + 1) as f64
        });
        risks.sum::<f64>() / order.len() as f64
    }

    proptest! {
        #[test]
        fn the_order_of_the_questions_does_not_matter_and_the_end_is_the_error_rate(
            pairs in prop::collection::vec((0_u8..6, any::<bool>()), 1..60), seed: u64,
        ) {
            let mut answers: Vec<Judged> = pairs
                .iter()
                .map(|(confidence, success)| Judged { confidence: f64::from(*confidence) / 5.0, success: *success })
                .collect();
            let before = RiskCoverage::of(&answers, answers.len());
            crate::train::dataset::split_mix::SplitMix64::new(seed).shuffle(&mut answers);
            prop_assert_eq!(&RiskCoverage::of(&answers, answers.len()), &before);
            let rate = answers.iter().filter(|answer| !answer.success).count() as f64 / answers.len() as f64;
            prop_assert!((before.risk_at(1.0).unwrap() - rate).abs() < 1e-9);
            let coverages: Vec<f64> = before.points.iter().map(|point| point.coverage).collect();
            prop_assert!(coverages.windows(2).all(|pair| pair[0] < pair[1]));
        }

        #[test]
        fn groups_of_two_have_the_mean_area_of_their_two_orders(pairs in prop::collection::vec(any::<(bool, bool)>(), 1..8)) {
            let count = pairs.len() as f64;
            let group = |at: usize, pair: &(bool, bool)| {
                let confidence = 1.0 - at as f64 / count;
                [Judged { confidence, success: pair.0 }, Judged { confidence, success: pair.1 }]
            };
            let forward: Vec<Judged> = pairs.iter().enumerate().flat_map(|(at, pair)| group(at, pair)).collect();
            let swapped: Vec<Judged> =
                pairs.iter().enumerate().flat_map(|(at, pair)| group(at, &(pair.1, pair.0))).collect();
            let mean = f64::midpoint(area_of_order(&forward), area_of_order(&swapped));
            prop_assert!((RiskCoverage::area(&forward).unwrap() - mean).abs() < 1e-9);
        }

        #[test]
        fn a_perfect_order_has_the_least_area(successes in prop::collection::vec(any::<bool>(), 1..40), seed: u64) {
            let count = successes.len() as f64;
            let mut ordered = successes.clone();
            ordered.sort_by_key(|success| !success);
            let with_rank = |list: &[bool]| -> Vec<Judged> {
                let each = |(at, success): (usize, &bool)| Judged { confidence: 1.0 - at as f64 / count, success: *success };
                list.iter().enumerate().map(each).collect()
            };
            let best = RiskCoverage::area(&with_rank(&ordered)).unwrap();
            let mut other = successes;
            crate::train::dataset::split_mix::SplitMix64::new(seed).shuffle(&mut other);
            prop_assert!(best <= RiskCoverage::area(&with_rank(&other)).unwrap() + 1e-12);
        }
    }
}
