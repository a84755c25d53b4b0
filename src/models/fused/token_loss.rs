//! The loss of a language model, from hidden states to a number: output layer, softmax and cross entropy in one
//! operation.
//!
//! The logits of a whole micro-batch would be larger than all its activations (a vocabulary has tens of thousands of
//! tokens), so they exist for `ROWS` rows at a time. The gradient of the hidden states needs the same logits and is
//! made from them on the way there. The output layer is frozen. May depend on `kernels` and `product`.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{
    kernels, made, numbers,
    product::{Into, View, multiply},
    tensor, with_numbers,
};

/// How many rows have logits at a time: 24 MiB of a vocabulary of 49,152.
const ROWS: usize = 128;

/// The sum of the cross entropies of `hidden` `[rows, width]` times the transposed `output` `[vocabulary, width]`
/// against `targets`, one token for each row, times `factor`.
pub fn token_loss(hidden: &Tensor, output: &Tensor, targets: Vec<u32>, factor: f64) -> Result<Tensor> {
    let ((rows, width), (vocabulary, output_width)) = (hidden.dims2()?, output.dims2()?);
    if width != output_width || rows != targets.len() || targets.iter().any(|token| *token as usize >= vocabulary) {
        bail!("a token loss got {:?}, {:?} and {} targets", hidden.shape(), output.shape(), targets.len());
    }
    let kept = hidden.track_op().then(OnceLock::new);
    hidden.apply_op1(TokenLoss { output: output.detach(), targets, factor, kept })
}

struct TokenLoss {
    output: Tensor,
    targets: Vec<u32>,
    factor: f64,
    /// The gradient of the hidden states, when there is a way back.
    kept: Option<OnceLock<Vec<f32>>>,
}

impl CustomOp1 for TokenLoss {
    fn name(&self) -> &'static str {
        "token-loss"
    }

    fn cpu_fwd(&self, hidden: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (hidden, (vocabulary, width)) = (numbers(hidden, layout)?, self.output.dims2()?);
        let mut loss = 0.0;
        let mut gradient = vec![0.0; if self.kept.is_some() { hidden.len() } else { 0 }];
        let mut logits = vec![0.0; ROWS.min(self.targets.len()) * vocabulary];
        with_numbers(&self.output, |output| {
            let output = View::rows(output, vocabulary, width, width);
            for (block, targets) in self.targets.chunks(ROWS).enumerate() {
                let (first, rows) = (block * ROWS * width, targets.len());
                let logits = &mut logits[..rows * vocabulary];
                let hidden = View::rows(&hidden[first..], rows, width, width);
                multiply(hidden, output.transposed(), 1.0, Into::Overwrite, logits, vocabulary);
                for (logits, target) in logits.chunks_exact_mut(vocabulary).zip(targets) {
                    kernels::cross_entropy(logits, *target as usize, self.factor as f32, &mut loss);
                }
                if self.kept.is_some() {
                    let logits = View::rows(logits, rows, vocabulary, vocabulary);
                    multiply(logits, output, 1.0, Into::Overwrite, &mut gradient[first..], width);
                }
            }
            Ok(())
        })?;
        if let Some(kept) = &self.kept {
            // Set once: an operation is applied once.
            let _ = kept.set(gradient);
        }
        made(vec![(loss * self.factor) as f32], ())
    }

    fn bwd(&self, hidden: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let Some(kept) = self.kept.as_ref().and_then(OnceLock::get) else {
            bail!("a token loss kept nothing for the way back");
        };
        let factor = gradient.to_scalar::<f32>()?;
        tensor(kept.iter().map(|number| factor * number).collect(), hidden.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::Device;

    use super::super::testing::{agree, flat, variable};
    use super::*;

    fn targets(rows: usize) -> Vec<u32> {
        (0..rows as u32).map(|row| row * 7 % 37).collect()
    }

    #[test]
    fn values_and_gradients_are_those_of_the_composed_one() {
        let output = variable(&[37, 6], 2).as_tensor().detach();
        let composed = |hidden: &Tensor, rows: usize| -> Result<Tensor> {
            let log = candle_nn::ops::log_softmax(&hidden.matmul(&output.t()?)?, 1)?;
            let wanted = log.gather(&Tensor::from_vec(targets(rows), (rows, 1), &Device::Cpu)?, 1)?;
            wanted.sum_all()?.neg()? * 0.25
        };
        // 131: a full block and a part of one.
        for rows in [1, 5, 131] {
            let hidden = variable(&[rows, 6], 1);
            agree(&[&hidden], |t| token_loss(t[0], &output, targets(rows), 0.25), |t| composed(t[0], rows), 2e-5);
        }
    }

    #[test]
    fn large_logits_do_not_overflow_and_what_does_not_fit_is_refused() {
        let output = Tensor::new(&[[200.0f32], [-200.0]], &Device::Cpu).unwrap();
        let hidden = Tensor::new(&[[1.0f32]], &Device::Cpu).unwrap();
        let loss = token_loss(&hidden, &output, vec![1], 1.0).unwrap();
        assert!((flat(&loss)[0] - 400.0).abs() < 1e-3);
        assert!(token_loss(&hidden, &output, vec![2], 1.0).is_err());
        assert!(token_loss(&hidden, &output, vec![0, 1], 1.0).is_err());
    }
}
