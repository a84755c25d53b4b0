//! The losses of the reader, each one operation from logits to a number.
//!
//! Sums are over the sequences of a micro-batch; the caller scales them by what the whole batch holds. Computed in
//! f64: a few thousand numbers, where nothing is saved by less. May depend on candle.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{made, numbers, tensor, with_numbers};

/// Where a sequence's span lies. Rows count from the beginning of the micro-batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanTarget {
    /// The row that stands for "no span here".
    pub none: usize,
    /// The rows at which a span may begin or end.
    pub candidates: Range<usize>,
    /// The rows of the first and the last token of the span; `none` twice when there is none.
    pub span: (usize, usize),
}

/// The sum over `targets` of the mean of the cross entropies of first and last token, times `factor`. `logits` is
/// `[rows, 2]`.
pub fn span_loss(logits: &Tensor, targets: Vec<SpanTarget>, factor: f64) -> Result<Tensor> {
    logits.apply_op1(SpanLoss { targets, factor })
}

/// The sum of the binary cross entropies of `logits` `[count, 1]` against `targets`, of which those without a value
/// do not count, times `factor`.
pub fn binary_loss(logits: &Tensor, targets: Vec<Option<bool>>, factor: f64) -> Result<Tensor> {
    logits.apply_op1(BinaryLoss { targets, factor })
}

struct SpanLoss {
    targets: Vec<SpanTarget>,
    factor: f64,
}

impl SpanTarget {
    fn rows(&self) -> impl Iterator<Item = usize> + Clone {
        std::iter::once(self.none).chain(self.candidates.clone())
    }

    fn check(&self, rows: usize) -> Result<()> {
        let known = |row: usize| row == self.none || self.candidates.contains(&row);
        if self.none >= rows || self.candidates.end > rows || !known(self.span.0) || !known(self.span.1) {
            bail!("a span loss got {self:?} for {rows} rows");
        }
        Ok(())
    }
}

/// The logarithm of the sum of the exponentials.
fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let peak = values.clone().fold(f64::NEG_INFINITY, f64::max);
    peak + values.map(|value| (value - peak).exp()).sum::<f64>().ln()
}

impl CustomOp1 for SpanLoss {
    fn name(&self) -> &'static str {
        "span-loss"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, _) = layout.shape().dims2()?;
        let logits = numbers(logits, layout)?;
        let mut sum = 0.0;
        for target in &self.targets {
            target.check(rows)?;
            for (side, row) in [(0, target.span.0), (1, target.span.1)] {
                let at = |row: usize| f64::from(logits[2 * row + side]);
                sum += 0.5 * (log_sum(target.rows().map(at)) - at(row));
            }
        }
        made(vec![(sum * self.factor) as f32], ())
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let factor = 0.5 * self.factor * f64::from(gradient.to_scalar::<f32>()?);
        let mut out = vec![0.0; logits.elem_count()];
        with_numbers(logits, |logits| {
            for target in &self.targets {
                for (side, span) in [(0, target.span.0), (1, target.span.1)] {
                    let at = |row: usize| f64::from(logits[2 * row + side]);
                    let sum = log_sum(target.rows().map(at));
                    for row in target.rows() {
                        let wanted = if row == span { 1.0 } else { 0.0 };
                        out[2 * row + side] += (factor * ((at(row) - sum).exp() - wanted)) as f32;
                    }
                }
            }
            Ok(())
        })?;
        tensor(out, logits.shape()).map(Some)
    }
}

struct BinaryLoss {
    targets: Vec<Option<bool>>,
    factor: f64,
}

impl BinaryLoss {
    fn known(&self) -> impl Iterator<Item = (usize, bool)> {
        self.targets.iter().enumerate().filter_map(|(index, target)| target.map(|target| (index, target)))
    }
}

impl CustomOp1 for BinaryLoss {
    fn name(&self) -> &'static str {
        "binary-loss"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let logits = numbers(logits, layout)?;
        if logits.len() != self.targets.len() {
            bail!("a binary loss got {} logits for {} targets", logits.len(), self.targets.len());
        }
        let loss = |(index, target): (usize, bool)| {
            let towards = if target { -f64::from(logits[index]) } else { f64::from(logits[index]) };
            towards.max(0.0) + (-towards.abs()).exp().ln_1p()
        };
        made(vec![(self.known().map(loss).sum::<f64>() * self.factor) as f32], ())
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let factor = self.factor * f64::from(gradient.to_scalar::<f32>()?);
        let mut out = vec![0.0; self.targets.len()];
        with_numbers(logits, |logits| {
            for (index, target) in self.known() {
                let probability = 1.0 / (1.0 + (-f64::from(logits[index])).exp());
                out[index] = (factor * (probability - f64::from(u8::from(target)))) as f32;
            }
            Ok(())
        })?;
        tensor(out, logits.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::{Device, Tensor};

    use super::super::testing::{agree, variable};
    use super::*;

    #[test]
    fn the_span_loss_is_the_mean_of_two_cross_entropies() {
        let logits = variable(&[9, 2], 1);
        // Two sequences: rows 0..5 with candidates 2..4, rows 5..9 with candidates 7..9 and no span.
        let targets = || {
            vec![
                SpanTarget { none: 0, candidates: 2..4, span: (2, 3) },
                SpanTarget { none: 5, candidates: 7..9, span: (5, 5) },
            ]
        };
        let composed = |logits: &Tensor| -> Result<Tensor> {
            let mut sum = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?;
            for (rows, wanted) in [([0u32, 2, 3], [1usize, 2]), ([5, 7, 8], [0, 0])] {
                let part = logits.index_select(&Tensor::new(&rows, &Device::Cpu)?, 0)?;
                let log = candle_nn::ops::log_softmax(&part, 0)?;
                for (side, wanted) in wanted.into_iter().enumerate() {
                    sum = (sum - (log.get(wanted)?.get(side)? * 0.5)?)?;
                }
            }
            sum * 0.25
        };
        agree(&[&logits], |t| span_loss(t[0], targets(), 0.25), |t| composed(t[0]), 1e-5);
        let wrong = SpanTarget { none: 0, candidates: 2..4, span: (2, 4) };
        assert!(span_loss(&logits, vec![wrong], 1.0).is_err());
    }

    #[test]
    fn the_binary_loss_is_a_cross_entropy_over_the_known_ones() {
        let logits = variable(&[3, 1], 4);
        let composed = |logits: &Tensor| -> Result<Tensor> {
            let probability = candle_nn::ops::sigmoid(logits)?;
            let yes = probability.get(0)?.log()?.sum_all()?;
            let no = (1.0 - probability.get(2)?)?.log()?.sum_all()?;
            (yes + no)?.neg()? * 0.5
        };
        let targets = || vec![Some(true), None, Some(false)];
        agree(&[&logits], |t| binary_loss(t[0], targets(), 0.5), |t| composed(t[0]), 1e-5);
    }

    #[test]
    fn large_logits_do_not_overflow() {
        let logits = Tensor::new(&[[400.0f32], [-400.0]], &Device::Cpu).unwrap();
        let loss = binary_loss(&logits, vec![Some(false), Some(false)], 1.0).unwrap();
        assert_eq!(loss.to_scalar::<f32>().unwrap(), 400.0);
    }
}
