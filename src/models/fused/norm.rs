//! The end of a transformer's sub-layer in one pass: dropout, residual and layer norm.
//!
//! May depend on `kernels`.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::{
    kernels::{self, Dropped},
    made, numbers, tensor, with_numbers,
};

/// Layer norm (<https://arxiv.org/abs/1607.06450>) of `dropout(x) + residual`, both `[rows, width]`; `scale_shift` is
/// `[2, width]`, the scales above the shifts.
pub fn add_norm(x: &Tensor, residual: &Tensor, scale_shift: &Tensor, epsilon: f32, dropped: Dropped) -> Result<Tensor> {
    x.apply_op3(residual, scale_shift, AddNorm { epsilon, dropped })
}

struct AddNorm {
    epsilon: f32,
    dropped: Dropped,
}

fn width(x: &Shape, residual: &Shape, scale_shift: &Shape) -> Result<usize> {
    let (_, width) = x.dims2()?;
    if x != residual || scale_shift.dims() != [2, width] {
        bail!("a norm got {x:?}, {residual:?} and {scale_shift:?}");
    }
    Ok(width)
}

impl CustomOp3 for AddNorm {
    fn name(&self) -> &'static str {
        "add-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
        scale_shift: &CpuStorage,
        scale_shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let width = width(x_layout.shape(), residual_layout.shape(), scale_shift_layout.shape())?;
        let (x, residual) = (numbers(x, x_layout)?, numbers(residual, residual_layout)?);
        let (scale, shift) = numbers(scale_shift, scale_shift_layout)?.split_at(width);
        let mut out = vec![0.0; x.len()];
        kernels::add_norm(x, residual, scale, shift, self.epsilon, self.dropped, &mut out);
        made(out, x_layout.shape().clone())
    }

    fn bwd(
        &self,
        x: &Tensor,
        residual: &Tensor,
        scale_shift: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let width = width(x.shape(), residual.shape(), scale_shift.shape())?;
        let (mut x_gradient, mut residual_gradient) = (vec![0.0; x.elem_count()], vec![0.0; x.elem_count()]);
        let mut parameters = vec![0.0; 2 * width];
        with_numbers(x, |x| {
            with_numbers(residual, |residual| {
                with_numbers(scale_shift, |scale_shift| {
                    with_numbers(gradient, |gradient| {
                        let (scale_gradient, shift_gradient) = parameters.split_at_mut(width);
                        kernels::add_norm_backward(
                            x,
                            residual,
                            &scale_shift[..width],
                            self.epsilon,
                            self.dropped,
                            gradient,
                            &mut x_gradient,
                            &mut residual_gradient,
                            scale_gradient,
                            shift_gradient,
                        );
                        Ok(())
                    })
                })
            })
        })?;
        Ok((
            x.track_op().then(|| tensor(x_gradient, x.shape())).transpose()?,
            residual.track_op().then(|| tensor(residual_gradient, residual.shape())).transpose()?,
            scale_shift.track_op().then(|| tensor(parameters, scale_shift.shape())).transpose()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::{
        dropout::dropout,
        testing::{agree, variable},
    };
    use super::*;

    fn composed(t: &[&Tensor], epsilon: f64, dropped: Dropped) -> Result<Tensor> {
        let sum = (dropout(t[0], dropped)? + t[1])?;
        let off = sum.broadcast_sub(&sum.mean_keepdim(1)?)?;
        let variance = off.sqr()?.mean_keepdim(1)?;
        let normal = off.broadcast_div(&(variance + epsilon)?.sqrt()?)?;
        normal.broadcast_mul(&t[2].get(0)?)?.broadcast_add(&t[2].get(1)?)
    }

    #[test]
    fn values_and_gradients_are_those_of_the_composed_one() {
        for (width, dropped) in [(40, Dropped::NONE), (40, Dropped::new(0.3, 5)), (7, Dropped::NONE)] {
            let (x, residual, parameters) =
                (variable(&[6, width], 1), variable(&[6, width], 2), variable(&[2, width], 3));
            agree(
                &[&x, &residual, &parameters],
                |t| add_norm(t[0], t[1], t[2], 1e-5, dropped),
                |t| composed(t, 1e-5, dropped),
                2e-5,
            );
        }
    }
}
