//! What a reader's score means, found on examples whose answers are known: the score from which on a span counts as an
//! answer, and the probability that it is right.
//!
//! The official script of SQuAD 2.0 looks for the threshold with the best F1 over all questions, which a set with few
//! unanswerable ones wins by never declining. Here both sides weigh the same, and of thresholds that are as good the one
//! is taken that serves both evenly. May depend on `squad_score` and the encoder's `decision`.

use super::squad_score::{AnswerScore, DEFAULT_SUCCESS_F1, Ended, SquadQuestion, SquadSummary};
use crate::models::encoder::{Decision, decision::Platt};

/// The best span of an example, and what it is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Whether the passages hold an answer.
    pub answerable: bool,
    /// The span's score, a finite number; `None` when there was nothing to read.
    pub score: Option<f32>,
    /// How the span compares with the gold answers.
    pub answer: AnswerScore,
}

impl Judged {
    /// Whether the span answers the question.
    fn is_right(&self) -> bool {
        self.answerable && self.answer.f1 >= DEFAULT_SUCCESS_F1
    }

    /// How the question ends when a span counts from `threshold` on.
    fn at(&self, threshold: f32) -> SquadQuestion {
        let answered = self.score.is_some_and(|score| score >= threshold);
        let declined = f64::from(u8::from(!self.answerable));
        SquadQuestion {
            answerable: self.answerable,
            ended: if answered { Ended::Answered } else { Ended::Declined },
            score: match (answered, self.answerable) {
                (true, true) => self.answer,
                (true, false) => AnswerScore { exact_match: 0.0, f1: 0.0 },
                (false, _) => AnswerScore { exact_match: declined, f1: declined },
            },
        }
    }
}

/// The figures of SQuAD 2.0 when a span counts from `threshold` on.
pub fn figures(judged: &[Judged], threshold: f32) -> SquadSummary {
    SquadSummary::of(judged.iter().map(|judged| judged.at(threshold)))
}

/// What a threshold is chosen by: the mean of the F1 over the answerable questions and the share of unanswerable ones
/// that were declined; of a set that has only one of them, that one.
pub fn balanced(figures: &SquadSummary) -> Option<f64> {
    match (figures.has_ans_f1, figures.no_ans_accuracy) {
        (Some(has), Some(no)) => Some((has + no) / 2.0),
        (one, other) => one.or(other),
    }
}

/// How far the [`balanced`] figure of a threshold may lie below the best one: on a few hundred questions such a difference
/// means nothing.
const AS_GOOD: f64 = 0.01;

/// Of the thresholds whose [`balanced`] figure is as good as the best one (within `AS_GOOD`), the one that serves both
/// sides most evenly, the highest of several; half-way between the two scores that it parts. The best figure itself can lie
/// far to one side by chance. `None` when nothing was read.
pub fn best_threshold(judged: &[Judged]) -> Option<f32> {
    let mut scored: Vec<(f32, &Judged)> = judged.iter().filter_map(|judged| Some((judged.score?, judged))).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let count = |answerable: bool| judged.iter().filter(|judged| judged.answerable == answerable).count() as f64;
    let (has, no) = (count(true), count(false));
    // What a threshold is worth, and how unevenly; of a set with one side only, that side.
    let worth = |f1: f64, declined: f64| match (has > 0.0, no > 0.0) {
        (true, true) => ((f1 / has + declined / no) / 2.0, (f1 / has - declined / no).abs()),
        (true, false) => (f1 / has, 0.0),
        _ => (declined / no, 0.0),
    };
    let (mut f1, mut declined) = (0.0, no);
    let mut candidates = vec![(worth(f1, declined), scored.first()?.0.next_up())];
    for (at, (score, judged)) in scored.iter().enumerate() {
        if judged.answerable {
            f1 += judged.answer.f1
        } else {
            declined -= 1.0
        }
        let below = scored.get(at + 1).map(|next| next.0);
        // Questions of the same score are answered together.
        if below == Some(*score) {
            continue;
        }
        let middle = below.map_or(*score, |below| below + (score - below) / 2.0);
        let threshold = if below.is_some_and(|below| middle <= below) { *score } else { middle };
        candidates.push((worth(f1, declined), threshold));
    }
    let best = candidates.iter().map(|((worth, _), _)| *worth).fold(f64::NEG_INFINITY, f64::max);
    let both = has > 0.0 && no > 0.0;
    let least = if both { best - AS_GOOD } else { best };
    let good = candidates.into_iter().filter(|((worth, _), _)| *worth >= least);
    // The first of several is the highest.
    let chosen = good.reduce(|chosen, next| if next.0.1 < chosen.0.1 { next } else { chosen });
    chosen.map(|(_, threshold)| threshold)
}

/// The logistic curve from the score to the probability that the span is right (Platt 1999), by Newton's method as Lin,
/// Lin and Weng 2007 give it ("A note on Platt's probabilistic outputs for support vector machines"), with their targets
/// that keep the curve off 0 and 1. The error says why there is none.
pub fn platt(judged: &[Judged]) -> Result<Platt, String> {
    let points = judged.iter().filter_map(|judged| Some((f64::from(judged.score?), judged.is_right())));
    let points: Vec<(f64, bool)> = points.collect();
    let right = points.iter().filter(|point| point.1).count() as f64;
    let wrong = points.len() as f64 - right;
    if right == 0.0 || wrong == 0.0 {
        return Err(format!("of {} spans {right} are right; both right and wrong ones are needed", points.len()));
    }
    let (high, low) = ((right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0));
    let targets: Vec<(f64, f64)> =
        points.iter().map(|(score, right)| (*score, if *right { high } else { low })).collect();
    let (slope, intercept) = newton(&targets, ((right + 1.0) / (wrong + 1.0)).ln());
    let fitted = Platt { slope: slope as f32, intercept: intercept as f32 };
    Decision { threshold: 0.0, probability: fitted }
        .check()
        .map_err(|_| format!("the slope would be {slope:.4}: right spans do not score higher than wrong ones"))?;
    Ok(fitted)
}

/// Slope and intercept of the curve with the lowest cross entropy for points `(score, target)`.
fn newton(points: &[(f64, f64)], intercept: f64) -> (f64, f64) {
    let loss = |slope: f64, intercept: f64| -> f64 {
        // ln(1 + e^z) - target z, without overflow.
        let each = points.iter().map(|(score, target)| {
            let z = slope * score + intercept;
            z.max(0.0) + (-z.abs()).exp().ln_1p() - target * z
        });
        each.sum()
    };
    let (mut slope, mut intercept) = (0.0, intercept);
    let mut now = loss(slope, intercept);
    for _ in 0..MOST_STEPS {
        // A small ridge keeps the matrix invertible when all scores are the same.
        let (mut gradient, mut hessian) = ([0.0; 2], [RIDGE, 0.0, RIDGE]);
        for (score, target) in points {
            let probability = 1.0 / (1.0 + (-(slope * score + intercept)).exp());
            let (error, weight) = (probability - target, probability * (1.0 - probability));
            gradient = [gradient[0] + error * score, gradient[1] + error];
            hessian = [hessian[0] + weight * score * score, hessian[1] + weight * score, hessian[2] + weight];
        }
        if gradient.iter().all(|part| part.abs() < SMALL) {
            break;
        }
        let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
        let step = [
            -(hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant,
            -(hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant,
        ];
        let descent = gradient[0] * step[0] + gradient[1] * step[1];
        let lengths = std::iter::successors(Some(1.0), |length| (*length > 1e-10).then(|| length / 2.0));
        let mut tried = lengths.map(|length| {
            let to = (slope + length * step[0], intercept + length * step[1]);
            (length, to, loss(to.0, to.1))
        });
        let Some((_, to, lower)) = tried.find(|(length, _, lower)| *lower < now + 1e-4 * length * descent) else {
            break;
        };
        ((slope, intercept), now) = (to, lower);
    }
    (slope, intercept)
}

/// The most steps of Newton's method; about ten are usual.
const MOST_STEPS: usize = 100;
/// From here on a gradient counts as zero.
const SMALL: f64 = 1e-5;
const RIDGE: f64 = 1e-12;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    fn judged(answerable: bool, score: f32, f1: f64) -> Judged {
        let exact_match = f64::from(u8::from(f1 == 1.0));
        Judged { answerable, score: Some(score), answer: AnswerScore { exact_match, f1 } }
    }

    #[test]
    fn the_threshold_weighs_both_sides_the_same() {
        let mut all =
            vec![judged(true, 4.0, 1.0), judged(true, 3.0, 0.5), judged(false, 2.0, 0.0), judged(true, 1.0, 1.0)];
        // Answering the last gains a third of one side and costs all of the other.
        assert_eq!(best_threshold(&all), Some(2.5));
        let found = figures(&all, 2.5);
        assert_eq!((found.has_ans_f1, found.no_ans_accuracy, found.f1), (Some(0.5), Some(1.0), Some(0.625)));
        assert_eq!(found.exact_match, Some(0.5));
        assert_eq!(balanced(&found), Some(0.75));
        // With many unanswerable ones below, that one is a small part of its side.
        all.extend((0..10).map(|_| judged(false, -5.0, 0.0)));
        assert_eq!(best_threshold(&all), Some(-2.0));
    }

    #[test]
    fn a_set_with_one_side_or_nothing_read_has_a_threshold_or_none() {
        let read = [judged(true, 4.0, 0.5), judged(true, -3.0, 1.0)];
        assert_eq!(best_threshold(&read), Some(-3.0));
        let none = [judged(false, 4.0, 0.0)];
        assert!(best_threshold(&none).unwrap() > 4.0);
        let unread = Judged { score: None, ..none[0] };
        assert_eq!(best_threshold(&[unread]), None);
        assert_eq!(figures(&[unread], 0.0).no_ans_accuracy, Some(1.0));
    }

    #[test]
    fn the_curve_is_the_one_that_the_points_come_from() {
        // So many of a hundred are right at each score as the curve 1 / (1 + e^-(0.8 s - 1)) says.
        let points = (-10..=10).flat_map(|score| {
            let share = 1.0 / (1.0 + (-(0.8 * f64::from(score) - 1.0)).exp());
            (0..1000).map(move |number| judged(f64::from(number) < 1000.0 * share, score as f32, 1.0))
        });
        let found = platt(&points.collect::<Vec<_>>()).unwrap();
        assert!((found.slope - 0.8).abs() < 0.01 && (found.intercept + 1.0).abs() < 0.02, "{found:?}");
    }

    #[test]
    fn a_curve_that_falls_or_has_one_side_is_refused() {
        let falling: Vec<Judged> = (0..40).map(|at| judged(at < 20, at as f32, 1.0)).collect();
        assert!(platt(&falling).unwrap_err().contains("do not score higher"));
        assert!(platt(&[judged(true, 1.0, 1.0)]).unwrap_err().contains("are needed"));
        // Half right is right, less is not.
        assert!(platt(&[judged(true, 1.0, 0.5), judged(true, 0.0, 0.4)]).is_ok());
    }

    proptest! {
        #[test]
        fn no_threshold_is_better(
            all in prop::collection::vec((any::<bool>(), -5i8..5, 0.0_f64..=1.0), 1..40), other in -6.0_f32..6.0,
        ) {
            let all: Vec<Judged> = all.into_iter().map(|(answerable, score, f1)| judged(answerable, score.into(), f1)).collect();
            let worth = |threshold| balanced(&figures(&all, threshold)).unwrap();
            let chosen = best_threshold(&all).unwrap();
            prop_assert!(worth(chosen) >= worth(other) - AS_GOOD - 1e-9);
            // Of those that are as good as the best of all, none serves the two sides more evenly.
            let best = all.iter().flat_map(|judged| [judged.score.unwrap(), judged.score.unwrap().next_up()]);
            let best = best.map(worth).fold(f64::NEG_INFINITY, f64::max);
            let gap = |threshold| {
                let found = figures(&all, threshold);
                found.has_ans_f1.zip(found.no_ans_accuracy).map_or(0.0, |(has, no)| (has - no).abs())
            };
            let as_good = worth(other) >= best - AS_GOOD + 1e-9;
            prop_assert!(!as_good || gap(chosen) <= gap(other) + 1e-9, "{} {}", gap(chosen), gap(other));
        }

        #[test]
        fn separable_points_give_a_finite_rising_curve(right in 1usize..50, wrong in 1usize..50, gap in 0.1_f32..100.0) {
            let points = (0..right).map(|_| judged(true, gap, 1.0)).chain((0..wrong).map(|_| judged(false, -gap, 0.0)));
            let found = platt(&points.collect::<Vec<_>>()).unwrap();
            let decision = Decision { threshold: 0.0, probability: found };
            prop_assert!(decision.probability_of(gap) > 0.5 && decision.probability_of(-gap) < 0.5, "{found:?}");
        }
    }
}
