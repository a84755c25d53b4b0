//! The weights of the words' clues, fitted on examples whose answers are known: a logistic regression of "the span is
//! right" on the score and the clues, whose weights are then counted in units of the score.
//!
//! May depend on `threshold` and the encoder's `clues`.

use super::threshold::Judged;
use crate::models::encoder::clues::ClueWeights;

/// Fewer examples say nothing about so many numbers.
const FEWEST: usize = 200;
/// How strongly the weights, in units of each clue's own spread, are held near 0.
const RIDGE: f64 = 2.0;
/// Newton's method is done by then.
const STEPS: usize = 50;
/// The score, the two clues and the constant.
const SIZE: usize = 4;

/// The weights; all 0 where there are too few examples, or where the score would not count for the better.
pub fn fit(judged: &[Judged]) -> ClueWeights {
    let points: Vec<([f64; SIZE], bool)> = judged
        .iter()
        .filter_map(|judged| {
            let (score, [elsewhere, words]) = (f64::from(judged.score?), judged.clues?.numbers());
            Some(([score, elsewhere, words, 1.0], judged.is_right()))
        })
        .collect();
    let right = points.iter().filter(|point| point.1).count();
    if points.len() < FEWEST || right == 0 || right == points.len() {
        return ClueWeights::default();
    }
    let count = points.len() as f64;
    let mut spread = [1.0; SIZE];
    let mut mean = [0.0; SIZE];
    for at in 0..SIZE - 1 {
        mean[at] = points.iter().map(|(point, _)| point[at]).sum::<f64>() / count;
        let variance = points.iter().map(|(point, _)| (point[at] - mean[at]).powi(2)).sum::<f64>() / count;
        // A clue that is the same everywhere says nothing.
        spread[at] = if variance > 1e-12 { variance.sqrt() } else { f64::INFINITY };
    }
    let scaled: Vec<([f64; SIZE], f64)> = points
        .iter()
        .map(|(point, right)| {
            let scale = |at: usize| if at == SIZE - 1 { 1.0 } else { (point[at] - mean[at]) / spread[at] };
            (std::array::from_fn(scale), f64::from(u8::from(*right)))
        })
        .collect();
    let Some(weights) = logistic(&scaled) else { return ClueWeights::default() };
    let of_score = weights[0] / spread[0];
    if !(of_score > 0.0 && of_score.is_finite()) {
        return ClueWeights::default();
    }
    ClueWeights::of_numbers([1, 2].map(|at| weights[at] / spread[at] / of_score))
}

/// The weights of least cross entropy and ridge, by Newton's method.
fn logistic(points: &[([f64; SIZE], f64)]) -> Option<[f64; SIZE]> {
    let mut weights = [0.0; SIZE];
    for _ in 0..STEPS {
        let mut gradient = [0.0; SIZE];
        let mut hessian = [[0.0; SIZE]; SIZE];
        for at in 0..SIZE {
            // The constant is free.
            let ridge = if at == SIZE - 1 { 1e-9 } else { RIDGE };
            gradient[at] = ridge * weights[at];
            hessian[at][at] = ridge;
        }
        for (point, right) in points {
            let log_odds: f64 = point.iter().zip(&weights).map(|(number, weight)| number * weight).sum();
            let probability = 1.0 / (1.0 + (-log_odds).exp());
            for row in 0..SIZE {
                gradient[row] += (probability - right) * point[row];
                for column in 0..SIZE {
                    hessian[row][column] += probability * (1.0 - probability) * point[row] * point[column];
                }
            }
        }
        let step = solve(hessian, gradient)?;
        for (weight, step) in weights.iter_mut().zip(step) {
            *weight -= step;
        }
        if step.iter().all(|part| part.abs() < 1e-9) {
            break;
        }
    }
    weights.iter().all(|weight| weight.is_finite()).then_some(weights)
}

/// Solves `matrix x = right` by elimination with pivots; `None` for a singular matrix.
fn solve(mut matrix: [[f64; SIZE]; SIZE], mut right: [f64; SIZE]) -> Option<[f64; SIZE]> {
    for column in 0..SIZE {
        let pivot = (column..SIZE).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() < 1e-12 {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..SIZE {
            let factor = matrix[row][column] / matrix[column][column];
            for at in column..SIZE {
                matrix[row][at] -= factor * matrix[column][at];
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..SIZE).rev() {
        for at in row + 1..SIZE {
            right[row] -= matrix[row][at] * right[at];
        }
        right[row] /= matrix[row][row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{models::encoder::clues::Clues, train::squad_score::AnswerScore};

    fn judged(count: usize, right: impl Fn(f32, Clues, f32) -> bool) -> Vec<Judged> {
        // Numbers that look drawn, the same each time.
        let number = |at: usize, salt: usize| ((at * 7919 + salt * 104_729) % 1009) as f32 / 1009.0;
        let one = |at: usize| {
            let clues = Clues { elsewhere: number(at, 1), words: (10.0 * number(at, 3)).floor() };
            let score = 8.0 * number(at, 4) - 4.0;
            let right = right(score, clues, number(at, 5));
            let exact = f64::from(u8::from(right));
            Judged {
                answerable: right,
                score: Some(score),
                clues: Some(clues),
                answer: AnswerScore { exact_match: exact, f1: exact },
            }
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn the_weights_are_those_that_the_examples_come_from() {
        // Right with the odds of e^(score - 3 elsewhere - 0.2 words).
        let all = judged(20_000, |score, clues, drawn| {
            let log_odds = score - 3.0 * clues.elsewhere - 0.2 * clues.words;
            drawn < 1.0 / (1.0 + (-log_odds).exp())
        });
        let found = fit(&all);
        let near = |a: f32, b: f32| (a - b).abs() < 0.2;
        assert!(near(found.elsewhere, -3.0) && near(found.words, -0.2), "{found:?}");
    }

    #[test]
    fn too_few_examples_one_side_only_or_a_score_against_the_truth_give_none() {
        for all in [
            judged(FEWEST - 1, |score, _, _| score > 0.0),
            judged(400, |_, _, _| true),
            judged(400, |score, _, _| score < 0.0),
        ] {
            assert_eq!(fit(&all), ClueWeights::default());
        }
    }
}
