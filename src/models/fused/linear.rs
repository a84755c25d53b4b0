//! `x * weight + bias`, with weights stored `[in, out]` so that no product needs a copy.
//!
//! May depend on `kernels` and `product`.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::{
    kernels, made, numbers,
    product::{Into, View, multiply},
    tensor, with_numbers,
};

/// `x [rows, in] * weight [in, out] + bias [out]`.
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.apply_op3(weight, bias, Linear)
}

struct Linear;

fn sizes(x: &Shape, weight: &Shape, bias: &Shape) -> Result<(usize, usize, usize)> {
    let ((rows, inputs), (weight_inputs, outputs)) = (x.dims2()?, weight.dims2()?);
    if inputs != weight_inputs || bias.dims() != [outputs] {
        bail!("a linear layer got {x:?}, {weight:?} and {bias:?}");
    }
    Ok((rows, inputs, outputs))
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs, outputs) = sizes(x_layout.shape(), weight_layout.shape(), bias_layout.shape())?;
        let (x, weight, bias) = (numbers(x, x_layout)?, numbers(weight, weight_layout)?, numbers(bias, bias_layout)?);
        let mut out = bias.repeat(rows);
        let (x, weight) = (View::rows(x, rows, inputs, inputs), View::rows(weight, inputs, outputs, outputs));
        multiply(x, weight, 1.0, Into::Add, &mut out, outputs);
        made(out, (rows, outputs))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, inputs, outputs) = sizes(x.shape(), weight.shape(), bias.shape())?;
        with_numbers(gradient, |gradient| {
            let by_row = View::rows(gradient, rows, outputs, outputs);
            let for_x = || {
                let mut out = vec![0.0; rows * inputs];
                with_numbers(weight, |weight| {
                    let turned = View::rows(weight, inputs, outputs, outputs).transposed();
                    multiply(by_row, turned, 1.0, Into::Overwrite, &mut out, inputs);
                    Ok(())
                })?;
                tensor(out, x.shape())
            };
            let for_weight = || {
                let mut out = vec![0.0; inputs * outputs];
                with_numbers(x, |x| {
                    let turned = View::rows(x, rows, inputs, inputs).transposed();
                    multiply(turned, by_row, 1.0, Into::Overwrite, &mut out, outputs);
                    Ok(())
                })?;
                tensor(out, weight.shape())
            };
            let for_bias = || {
                let mut out = vec![0.0; outputs];
                kernels::add_rows(&mut out, gradient);
                tensor(out, bias.shape())
            };
            Ok((
                x.track_op().then(for_x).transpose()?,
                weight.track_op().then(for_weight).transpose()?,
                bias.track_op().then(for_bias).transpose()?,
            ))
        })
    }
}

/// `x [rows, in] * weight [in, out]` with a weight that gets no gradient, and no bias.
pub fn frozen_linear(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let ((_, inputs), (weight_inputs, _)) = (x.dims2()?, weight.dims2()?);
    if inputs != weight_inputs {
        bail!("a linear layer got {:?} and {:?}", x.shape(), weight.shape());
    }
    x.apply_op1(FrozenLinear { weight: weight.detach() })
}

struct FrozenLinear {
    weight: Tensor,
}

impl CustomOp1 for FrozenLinear {
    fn name(&self) -> &'static str {
        "frozen-linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((rows, _), (inputs, outputs)) = (layout.shape().dims2()?, self.weight.dims2()?);
        let x = View::rows(numbers(x, layout)?, rows, inputs, inputs);
        let mut out = vec![0.0; rows * outputs];
        with_numbers(&self.weight, |weight| {
            let weight = View::rows(weight, inputs, outputs, outputs);
            multiply(x, weight, 1.0, Into::Overwrite, &mut out, outputs);
            Ok(())
        })?;
        made(out, (rows, outputs))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let ((rows, _), (inputs, outputs)) = (x.dims2()?, self.weight.dims2()?);
        let mut out = vec![0.0; rows * inputs];
        with_numbers(&self.weight, |weight| {
            with_numbers(gradient, |gradient| {
                let turned = View::rows(weight, inputs, outputs, outputs).transposed();
                multiply(View::rows(gradient, rows, outputs, outputs), turned, 1.0, Into::Overwrite, &mut out, inputs);
                Ok(())
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
    fn values_and_gradients_are_those_of_the_composed_layer() {
        let (x, w, b) = (variable(&[5, 7], 1), variable(&[7, 3], 2), variable(&[3], 3));
        agree(&[&x, &w, &b], |t| linear(t[0], t[1], t[2]), |t| t[0].matmul(t[1])?.broadcast_add(t[2]), 1e-5);
    }

    #[test]
    fn what_is_frozen_gets_no_gradient() {
        let (x, w, b) = (variable(&[5, 7], 1), variable(&[7, 3], 2), variable(&[3], 3));
        let out = linear(&x.as_tensor().detach(), w.as_tensor(), &b.as_tensor().detach()).unwrap();
        let gradients = out.sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(&w).is_some() && gradients.get(&b).is_none() && gradients.get(&x).is_none());
    }

    #[test]
    fn a_frozen_layer_has_the_same_values_and_passes_gradients_on() {
        let (x, w) = (variable(&[5, 7], 1), variable(&[7, 3], 2));
        agree(&[&x], |t| frozen_linear(t[0], &w), |t| t[0].matmul(&w.as_tensor().detach()), 1e-5);
        let gradients = frozen_linear(&x, &w).unwrap().sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(&w).is_none());
        assert!(frozen_linear(&w, &x).is_err());
    }
}
