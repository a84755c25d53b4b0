//! The gate of Llama's feed-forward part (<https://arxiv.org/abs/2002.05202>) in one pass. May depend on `kernels`.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{kernels, made, numbers, tensor, with_numbers};

/// `silu(gate) * up` `[rows, width]` of `gate_up` `[rows, 2 * width]`, the gate before the other half.
pub fn swiglu(gate_up: &Tensor) -> Result<Tensor> {
    if !gate_up.dims2()?.1.is_multiple_of(2) {
        bail!("a gate got {:?}, which has no two halves", gate_up.shape());
    }
    gate_up.apply_op1(SwiGlu)
}

struct SwiGlu;

impl CustomOp1 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(&self, gate_up: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, both) = layout.shape().dims2()?;
        let mut out = vec![0.0; rows * (both / 2)];
        kernels::swiglu(numbers(gate_up, layout)?, both / 2, &mut out);
        made(out, (rows, both / 2))
    }

    fn bwd(&self, gate_up: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, both) = gate_up.dims2()?;
        let mut out = vec![0.0; gate_up.elem_count()];
        with_numbers(gate_up, |gate_up| {
            with_numbers(gradient, |gradient| {
                kernels::swiglu_backward(gate_up, gradient, both / 2, &mut out);
                Ok(())
            })
        })?;
        tensor(out, gate_up.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::testing::{agree, variable};
    use super::*;

    #[test]
    fn values_and_gradients_are_those_of_the_composed_one() {
        let x = variable(&[5, 82], 1);
        let composed = |x: &Tensor| candle_nn::ops::silu(&x.narrow(1, 0, 41)?)? * x.narrow(1, 41, 41)?;
        agree(&[&x], |t| swiglu(t[0]), |t| composed(t[0]), 1e-5);
        assert!(swiglu(&variable(&[5, 3], 1)).is_err());
    }
}
