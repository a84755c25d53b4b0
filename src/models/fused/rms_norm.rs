//! Root-mean-square norm (<https://arxiv.org/abs/1910.07467>) with a frozen weight. May depend on `kernels`.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{kernels, made, numbers, tensor, with_numbers};

/// `x / rms(x) * weight` for each row of `x` `[rows, width]`; `weight` is `[width]` and gets no gradient.
pub fn rms_norm(x: &Tensor, weight: &Tensor, epsilon: f32) -> Result<Tensor> {
    let (_, width) = x.dims2()?;
    if weight.dims() != [width] {
        bail!("a norm got {:?} and the weight {:?}", x.shape(), weight.shape());
    }
    x.apply_op1(RmsNorm { weight: weight.detach(), epsilon })
}

struct RmsNorm {
    weight: Tensor,
    epsilon: f32,
}

impl CustomOp1 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let mut out = vec![0.0; x.len()];
        with_numbers(&self.weight, |weight| {
            kernels::rms_norm(x, weight, self.epsilon, &mut out);
            Ok(())
        })?;
        made(out, layout.shape().clone())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut out = vec![0.0; x.elem_count()];
        with_numbers(x, |x| {
            with_numbers(gradient, |gradient| {
                with_numbers(&self.weight, |weight| {
                    kernels::rms_norm_backward(x, weight, self.epsilon, gradient, &mut out);
                    Ok(())
                })
            })
        })?;
        tensor(out, x.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::testing::{agree, variable};
    use super::*;

    #[test]
    fn values_and_gradients_are_those_of_the_composed_one() {
        // 40: two full runs of lanes and a part of one.
        for width in [7, 40] {
            let (x, weight) = (variable(&[6, width], 1), variable(&[width], 2));
            let composed = |x: &Tensor| -> Result<Tensor> {
                let root = (x.sqr()?.mean_keepdim(1)? + 1e-5)?.sqrt()?;
                x.broadcast_div(&root)?.broadcast_mul(&weight.as_tensor().detach())
            };
            agree(&[&x], |t| rms_norm(t[0], &weight, 1e-5), |t| composed(t[0]), 2e-5);
        }
    }

    #[test]
    fn the_weight_is_frozen_and_must_fit() {
        let (x, weight) = (variable(&[3, 5], 1), variable(&[5], 2));
        let gradients = rms_norm(&x, &weight, 1e-5).unwrap().sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(&x).is_some() && gradients.get(&weight).is_none());
        assert!(rms_norm(&x, &variable(&[4], 2), 1e-5).is_err());
    }
}
