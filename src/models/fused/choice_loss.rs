//! The cross entropy of choices: one operation from logits to a number.
//!
//! A choice is among neighbouring logits: the labels of a pair, or the pairs of a question. Several may be right, and then
//! their probabilities are added: what is known of an example may be only that it is not one of the labels. Computed in
//! f64, as the losses of `loss`. May depend on candle.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{made, numbers, tensor, with_numbers};

/// A choice among logits, which are counted row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What there is to choose from.
    pub among: Range<usize>,
    /// Which of these are right, counted from the first of them.
    pub right: Vec<usize>,
    /// How much it counts.
    pub weight: f64,
}

impl Choice {
    fn check(&self, logits: usize) -> Result<()> {
        let count = self.among.len();
        if self.among.end > logits || self.right.is_empty() || self.right.iter().any(|at| *at >= count) {
            bail!("a choice loss got {self:?} for {logits} logits");
        }
        Ok(())
    }

    /// The logits, as f64.
    fn of<'a>(&self, logits: &'a [f32]) -> impl Iterator<Item = f64> + Clone + 'a {
        logits[self.among.clone()].iter().map(|logit| f64::from(*logit))
    }

    /// The logarithms of the sums over all and over what is right.
    fn sums(&self, logits: &[f32]) -> (f64, f64) {
        let right = self.right.iter().map(|at| f64::from(logits[self.among.start + at]));
        (log_sum(self.of(logits)), log_sum(right))
    }

    /// Whether the highest logit is a right one.
    pub fn is_met(&self, logits: &[f32]) -> bool {
        let best = self.of(logits).enumerate().fold(None, |best: Option<(usize, f64)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        });
        best.is_some_and(|(at, _)| self.right.contains(&at))
    }
}

/// The logarithm of the sum of the exponentials.
fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let peak = values.clone().fold(f64::NEG_INFINITY, f64::max);
    peak + values.map(|value| (value - peak).exp()).sum::<f64>().ln()
}

/// The weighted sum over `choices` of the cross entropy, times `factor`.
pub fn choice_loss(logits: &Tensor, choices: Vec<Choice>, factor: f64) -> Result<Tensor> {
    logits.apply_op1(ChoiceLoss { choices, factor })
}

struct ChoiceLoss {
    choices: Vec<Choice>,
    factor: f64,
}

impl CustomOp1 for ChoiceLoss {
    fn name(&self) -> &'static str {
        "choice-loss"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let logits = numbers(logits, layout)?;
        let mut sum = 0.0;
        for choice in &self.choices {
            choice.check(logits.len())?;
            let (all, right) = choice.sums(logits);
            sum += choice.weight * (all - right);
        }
        made(vec![(sum * self.factor) as f32], ())
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let factor = self.factor * f64::from(gradient.to_scalar::<f32>()?);
        let mut out = vec![0.0; logits.elem_count()];
        with_numbers(logits, |logits| {
            for choice in &self.choices {
                let (all, right) = choice.sums(logits);
                for (at, logit) in choice.of(logits).enumerate() {
                    let wanted = if choice.right.contains(&at) { (logit - right).exp() } else { 0.0 };
                    out[choice.among.start + at] += (factor * choice.weight * ((logit - all).exp() - wanted)) as f32;
                }
            }
            Ok(())
        })?;
        tensor(out, logits.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::Device;

    use super::super::testing::{agree, variable};
    use super::*;

    #[test]
    fn the_loss_is_a_cross_entropy_and_right_ones_share() {
        let logits = variable(&[4, 3], 1);
        let choices = || {
            vec![
                Choice { among: 0..3, right: vec![2], weight: 1.0 },
                Choice { among: 3..6, right: vec![0, 2], weight: 0.5 },
                Choice { among: 6..12, right: vec![1], weight: 2.0 },
            ]
        };
        let composed = |logits: &Tensor| -> Result<Tensor> {
            let flat = logits.flatten_all()?;
            let mut sum = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?;
            for choice in choices() {
                let part = flat.narrow(0, choice.among.start, choice.among.len())?;
                let shares = candle_nn::ops::softmax(&part, 0)?;
                let mut right = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?;
                for at in choice.right {
                    right = (right + shares.get(at)?)?;
                }
                sum = (sum - (right.log()? * choice.weight)?)?;
            }
            sum * 0.25
        };
        agree(&[&logits], |t| choice_loss(t[0], choices(), 0.25), |t| composed(t[0]), 1e-5);
        for wrong in [(0..13, vec![0]), (0..3, vec![3]), (0..3, vec![])] {
            let choice = Choice { among: wrong.0, right: wrong.1, weight: 1.0 };
            assert!(choice_loss(&logits, vec![choice], 1.0).is_err());
        }
    }

    #[test]
    fn a_choice_is_met_by_the_highest_and_the_first_of_equals() {
        let choice = Choice { among: 1..4, right: vec![1], weight: 1.0 };
        assert!(choice.is_met(&[9.0, 0.0, 2.0, 1.0]) && !choice.is_met(&[9.0, 0.0, 2.0, 3.0]));
        assert!(!choice.is_met(&[9.0, 2.0, 2.0, 1.0]));
    }
}
