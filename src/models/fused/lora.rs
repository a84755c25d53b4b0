//! A linear layer whose weight is frozen and changed by a product of low rank (LoRA,
//! <https://arxiv.org/abs/2106.09685>): `x * weight + bias + scale * (dropped(x) * a) * b`.
//!
//! Only `x` and the two factors are arguments of the operation: for weight and bias no gradient is ever computed, and
//! a way back that ends here costs only the small products. May depend on `kernels` and `product`.

use std::{ops::Range, sync::OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::{
    kernels::{self, Dropped},
    made, numbers,
    product::{Into, View, multiply},
    tensor, with_numbers,
};

/// The factors, stored `[in, out]` like the weights.
#[derive(Debug, Clone, Copy)]
pub struct LowRankVars<'a> {
    /// `[in, rank]`; of several pairs one beside the other.
    pub a: &'a Tensor,
    /// `[rank, out]`; of several pairs one beside the other.
    pub b: &'a Tensor,
    /// What the product is multiplied by.
    pub scale: f64,
}

/// `x [rows, in] * weight [in, out] + bias [out] + scale * (dropped(x) * a [in, rank]) * b [rank, out]`.
pub fn lora_linear(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    pair: &LowRankVars<'_>,
    dropped: Dropped,
) -> Result<Tensor> {
    let outputs = weight.dims2()?.1;
    lora_linear_parts(x, weight, bias, pair, std::slice::from_ref(&(0..outputs)), dropped)
}

/// The same with several pairs, each for a range of the outputs, such as queries, keys and values that are one
/// product: `a` is `[in, parts * rank]` and `b` `[rank, outputs of all parts]`. The parts drop the same inputs.
pub fn lora_linear_parts(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    pairs: &LowRankVars<'_>,
    parts: &[Range<usize>],
    dropped: Dropped,
) -> Result<Tensor> {
    let kept = [x, pairs.a, pairs.b].iter().any(|argument| argument.track_op()).then(OnceLock::new);
    let (weight, bias) = (weight.detach(), bias.map(Tensor::detach));
    let operation = LoraLinear { weight, bias, parts: parts.to_vec(), scale: pairs.scale as f32, dropped, kept };
    x.apply_op3(pairs.a, pairs.b, operation)
}

struct LoraLinear {
    weight: Tensor,
    bias: Option<Tensor>,
    parts: Vec<Range<usize>>,
    scale: f32,
    dropped: Dropped,
    /// `dropped(x) * a`, when there is a way back.
    kept: Option<OnceLock<Vec<f32>>>,
}

/// How large everything is.
#[derive(Clone, Copy)]
struct Sizes {
    rows: usize,
    inputs: usize,
    outputs: usize,
    rank: usize,
    /// The columns of `a`.
    ranks: usize,
    /// The columns of `b`.
    changed: usize,
}

/// A pair of factors: its first column in `a`, its first column in `b`, and its outputs.
struct Part {
    in_a: usize,
    in_b: usize,
    outputs: Range<usize>,
}

impl LoraLinear {
    fn sizes(&self, x: &Shape, a: &Shape, b: &Shape) -> Result<Sizes> {
        let ((rows, inputs), (weight_inputs, outputs)) = (x.dims2()?, self.weight.dims2()?);
        let ((a_inputs, ranks), (rank, changed)) = (a.dims2()?, b.dims2()?);
        let biased = self.bias.as_ref().is_none_or(|bias| bias.dims() == [outputs]);
        let inside = self.parts.iter().all(|part| part.start <= part.end && part.end <= outputs);
        if [weight_inputs, a_inputs] != [inputs; 2]
            || !biased
            || !inside
            || ranks != rank * self.parts.len()
            || changed != self.parts.iter().map(ExactSizeIterator::len).sum::<usize>()
        {
            let (weight, parts) = (self.weight.shape(), &self.parts);
            bail!("a low-rank layer got {x:?}, {weight:?}, the factors {a:?} and {b:?}, and the parts {parts:?}");
        }
        Ok(Sizes { rows, inputs, outputs, rank, ranks, changed })
    }

    fn parts(&self, rank: usize) -> impl Iterator<Item = Part> {
        let mut in_b = 0;
        self.parts.iter().enumerate().map(move |(index, outputs)| {
            let part = Part { in_a: index * rank, in_b, outputs: outputs.clone() };
            in_b += outputs.len();
            part
        })
    }

    /// `x` with some numbers dropped; itself when none are.
    fn some_dropped<'a>(&self, x: &'a [f32], place: &'a mut Vec<f32>) -> &'a [f32] {
        if self.dropped.is_none() {
            return x;
        }
        place.resize(x.len(), 0.0);
        kernels::drop_some(x, self.dropped, place);
        place
    }

    /// The layer's output, and `dropped(x) * a`.
    fn forward(&self, x: &[f32], a: &[f32], b: &[f32], sizes: Sizes) -> Result<(Vec<f32>, Vec<f32>)> {
        let Sizes { rows, inputs, outputs, rank, ranks, changed } = sizes;
        let mut out = match &self.bias {
            Some(bias) => with_numbers(bias, |bias| Ok(bias.repeat(rows)))?,
            None => vec![0.0; rows * outputs],
        };
        with_numbers(&self.weight, |weight| {
            let weight = View::rows(weight, inputs, outputs, outputs);
            multiply(View::rows(x, rows, inputs, inputs), weight, 1.0, Into::Add, &mut out, outputs);
            Ok(())
        })?;
        let (mut inner, mut place) = (vec![0.0; rows * ranks], Vec::new());
        let x = View::rows(self.some_dropped(x, &mut place), rows, inputs, inputs);
        multiply(x, View::rows(a, inputs, ranks, ranks), 1.0, Into::Overwrite, &mut inner, ranks);
        for part in self.parts(rank).filter(|part| rows > 0 && !part.outputs.is_empty()) {
            let inner = View::rows(&inner[part.in_a..], rows, rank, ranks);
            let b = View::rows(&b[part.in_b..], rank, part.outputs.len(), changed);
            multiply(inner, b, self.scale, Into::Add, &mut out[part.outputs.start..], outputs);
        }
        Ok((out, inner))
    }

    /// The gradient of `dropped(x) * a`: `scale * gradient * bᵀ`.
    fn inner_gradient(&self, b: &[f32], gradient: &[f32], sizes: Sizes) -> Vec<f32> {
        let Sizes { rows, outputs, rank, ranks, changed, .. } = sizes;
        let mut out = vec![0.0; rows * ranks];
        for part in self.parts(rank).filter(|part| rows > 0 && !part.outputs.is_empty()) {
            let width = part.outputs.len();
            let gradient = View::rows(&gradient[part.outputs.start..], rows, width, outputs);
            let turned = View::rows(&b[part.in_b..], rank, width, changed).transposed();
            multiply(gradient, turned, self.scale, Into::Overwrite, &mut out[part.in_a..], ranks);
        }
        out
    }

    /// `dropped(inner * aᵀ) + gradient * weightᵀ`.
    fn for_x(&self, inner: View<'_>, a: &[f32], gradient: &[f32], sizes: Sizes) -> Result<Vec<f32>> {
        let Sizes { rows, inputs, outputs, ranks, .. } = sizes;
        let mut out = vec![0.0; rows * inputs];
        let turned = View::rows(a, inputs, ranks, ranks).transposed();
        multiply(inner, turned, 1.0, Into::Overwrite, &mut out, inputs);
        if !self.dropped.is_none() {
            let all = std::mem::take(&mut out);
            out.resize(all.len(), 0.0);
            kernels::drop_some(&all, self.dropped, &mut out);
        }
        with_numbers(&self.weight, |weight| {
            let turned = View::rows(weight, inputs, outputs, outputs).transposed();
            multiply(View::rows(gradient, rows, outputs, outputs), turned, 1.0, Into::Add, &mut out, inputs);
            Ok(())
        })?;
        Ok(out)
    }

    /// `scale * innerᵀ * gradient`, part by part.
    fn for_b(&self, inner: &[f32], gradient: &[f32], sizes: Sizes) -> Vec<f32> {
        let Sizes { rows, outputs, rank, ranks, changed, .. } = sizes;
        let mut out = vec![0.0; rank * changed];
        for part in self.parts(rank).filter(|part| rows > 0 && !part.outputs.is_empty()) {
            let turned = View::rows(&inner[part.in_a..], rows, rank, ranks).transposed();
            let gradient = View::rows(&gradient[part.outputs.start..], rows, part.outputs.len(), outputs);
            multiply(turned, gradient, self.scale, Into::Overwrite, &mut out[part.in_b..], changed);
        }
        out
    }
}

impl CustomOp3 for LoraLinear {
    fn name(&self) -> &'static str {
        "lora-linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = self.sizes(x_layout.shape(), a_layout.shape(), b_layout.shape())?;
        let (out, inner) = self.forward(numbers(x, x_layout)?, numbers(a, a_layout)?, numbers(b, b_layout)?, sizes)?;
        if let Some(kept) = &self.kept {
            // Set once: an operation is applied once.
            let _ = kept.set(inner);
        }
        made(out, (sizes.rows, sizes.outputs))
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let sizes = self.sizes(x.shape(), a.shape(), b.shape())?;
        let Sizes { rows, inputs, ranks, .. } = sizes;
        let Some(kept) = self.kept.as_ref().and_then(OnceLock::get) else {
            bail!("a low-rank layer kept nothing for the way back");
        };
        with_numbers(gradient, |gradient| {
            let inner = with_numbers(b, |b| Ok(self.inner_gradient(b, gradient, sizes)))?;
            let inner = View::rows(&inner, rows, ranks, ranks);
            let for_x = || tensor(with_numbers(a, |a| self.for_x(inner, a, gradient, sizes))?, x.shape());
            let for_a = || {
                let mut out = vec![0.0; inputs * ranks];
                with_numbers(x, |x| {
                    let mut place = Vec::new();
                    let turned = View::rows(self.some_dropped(x, &mut place), rows, inputs, inputs).transposed();
                    multiply(turned, inner, 1.0, Into::Overwrite, &mut out, ranks);
                    Ok(())
                })?;
                tensor(out, a.shape())
            };
            let for_b = || tensor(self.for_b(kept, gradient, sizes), b.shape());
            Ok((
                x.track_op().then(for_x).transpose()?,
                a.track_op().then(for_a).transpose()?,
                b.track_op().then(for_b).transpose()?,
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    #![allow(clippy::single_range_in_vec_init, reason = "one range of outputs is meant")]
    use candle_core::Device;

    use super::super::{
        dropout::dropout,
        testing::{agree, noise, variable},
    };
    use super::*;

    fn frozen(shape: &[usize], seed: u32) -> Tensor {
        Tensor::from_vec(noise(shape.iter().product(), seed), shape, &Device::Cpu).unwrap()
    }

    /// The same with candle's own operations, one pair after the other.
    fn composed(
        t: &[&Tensor],
        weight: &Tensor,
        bias: Option<&Tensor>,
        parts: &[Range<usize>],
        dropped: Dropped,
    ) -> Result<Tensor> {
        let rank = t[2].dims2()?.0;
        let mut out = t[0].matmul(weight)?;
        if let Some(bias) = bias {
            out = out.broadcast_add(bias)?;
        }
        let x = dropout(t[0], dropped)?;
        let width = out.dims2()?.1;
        let mut in_b = 0;
        for (index, part) in parts.iter().enumerate() {
            let a = t[1].narrow(1, index * rank, rank)?.contiguous()?;
            let b = t[2].narrow(1, in_b, part.len())?.contiguous()?;
            in_b += part.len();
            let change = (x.matmul(&a)?.matmul(&b)? * 0.7)?;
            out = (out + change.pad_with_zeros(1, part.start, width - part.end)?)?;
        }
        Ok(out)
    }

    #[test]
    fn values_and_gradients_are_those_of_the_composed_layer() {
        let (x, a, b) = (variable(&[5, 7], 1), variable(&[7, 2], 2), variable(&[2, 6], 3));
        let (weight, bias) = (frozen(&[7, 6], 4), frozen(&[6], 5));
        for dropped in [Dropped::NONE, Dropped::new(0.4, 9)] {
            for bias in [None, Some(&bias)] {
                let ours = |t: &[&Tensor]| {
                    lora_linear(t[0], &weight, bias, &LowRankVars { a: t[1], b: t[2], scale: 0.7 }, dropped)
                };
                agree(&[&x, &a, &b], ours, |t| composed(t, &weight, bias, &[0..6], dropped), 1e-4);
            }
        }
    }

    #[test]
    fn pairs_for_ranges_of_the_outputs_are_those_of_several_layers() {
        let (x, weight, bias) = (variable(&[5, 7], 1), frozen(&[7, 9], 4), frozen(&[9], 5));
        for parts in [vec![0..3, 3..6, 6..9], vec![0..5, 7..9], vec![4..9]] {
            let changed = parts.iter().map(ExactSizeIterator::len).sum();
            let (a, b) = (variable(&[7, 2 * parts.len()], 2), variable(&[2, changed], 3));
            let dropped = Dropped::new(0.3, 8);
            let ours = |t: &[&Tensor]| {
                let pairs = LowRankVars { a: t[1], b: t[2], scale: 0.7 };
                lora_linear_parts(t[0], &weight, Some(&bias), &pairs, &parts, dropped)
            };
            agree(&[&x, &a, &b], ours, |t| composed(t, &weight, Some(&bias), &parts, dropped), 1e-4);
        }
    }

    #[test]
    fn what_is_frozen_gets_no_gradient() {
        let (x, weight, a, b) =
            (variable(&[5, 7], 1), variable(&[7, 3], 2), variable(&[7, 2], 3), variable(&[2, 3], 4));
        let pair = LowRankVars { a: a.as_tensor(), b: b.as_tensor(), scale: 1.0 };
        let out = lora_linear(&x.as_tensor().detach(), weight.as_tensor(), None, &pair, Dropped::NONE).unwrap();
        let gradients = out.sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(&x).is_none() && gradients.get(&weight).is_none());
        assert!(gradients.get(&a).is_some() && gradients.get(&b).is_some());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (x, weight) = (frozen(&[5, 7], 1), frozen(&[7, 6], 2));
        let try_with = |a: &[usize], b: &[usize], parts: &[Range<usize>]| {
            let (a, b) = (frozen(a, 3), frozen(b, 4));
            let pairs = LowRankVars { a: &a, b: &b, scale: 1.0 };
            lora_linear_parts(&x, &weight, None, &pairs, parts, Dropped::NONE).is_ok()
        };
        assert!(try_with(&[7, 2], &[2, 6], &[0..6]) && try_with(&[7, 4], &[2, 5], &[0..3, 4..6]));
        assert!(!try_with(&[7, 3], &[2, 6], &[0..6]) && !try_with(&[7, 2], &[2, 5], &[0..6]));
        assert!(!try_with(&[6, 2], &[2, 6], &[0..6]) && !try_with(&[7, 2], &[2, 6], &[1..7]));
    }
}
