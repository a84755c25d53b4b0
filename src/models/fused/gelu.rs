//! GELU (<https://arxiv.org/abs/1606.08415>), the exact form, in one pass. May depend on `kernels`.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::{kernels, made, numbers, tensor, with_numbers};

/// `x * Φ(x)`.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    x.apply_op1(Gelu)
}

struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let mut out = vec![0.0; x.len()];
        kernels::gelu(x, &mut out);
        made(out, layout.shape().clone())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut out = vec![0.0; x.elem_count()];
        with_numbers(x, |x| {
            with_numbers(gradient, |gradient| {
                kernels::gelu_backward(x, gradient, &mut out);
                Ok(())
            })
        })?;
        tensor(out, x.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::Device;

    use super::super::testing::{agree, close, variable};
    use super::*;

    #[test]
    fn values_and_gradients_are_those_of_the_composed_one() {
        let x = variable(&[5, 41], 1);
        agree(&[&x], |t| gelu(t[0]), |t| t[0].gelu_erf(), 2e-6);
    }

    #[test]
    fn far_from_zero_it_is_right_too() {
        let x = Tensor::arange(-20.0f32, 20.0, &Device::Cpu).unwrap();
        close(&gelu(&x).unwrap(), &x.gelu_erf().unwrap(), 1e-6, "values");
    }
}
