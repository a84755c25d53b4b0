//! Rotary positions (<https://arxiv.org/abs/2104.09864>) over packed sequences: the way back turns back.
//!
//! Pairs are neighbours, not halves of a head, as in the GGUF files of this family. May depend on `kernels`.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{kernels, made, numbers, tensor, with_numbers};

/// The angles of all positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// For each position the cosine of each pair of a head.
    pub cosines: Vec<f32>,
    /// And the sine.
    pub sines: Vec<f32>,
    /// Pairs of a head.
    pub half: usize,
}

/// Turns the heads in the first `columns` columns of `x` `[rows, width]`; the others stay. The rows are sequences of
/// the given `lengths`, one behind the other, and each begins at position 0.
pub fn rotate(x: &Tensor, columns: usize, lengths: &Arc<[usize]>, rotation: &Arc<Rotation>) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let known = rotation.cosines.len() / rotation.half.max(1);
    let longest = lengths.iter().max().copied().unwrap_or(0);
    if columns > width
        || rotation.half == 0
        || !columns.is_multiple_of(2 * rotation.half)
        || rotation.sines.len() != rotation.cosines.len()
        || rows != lengths.iter().sum::<usize>()
        || longest > known
    {
        bail!(
            "a rotation of {columns} columns by angles for {known} positions got {:?} and sequences of {lengths:?}",
            x.shape()
        );
    }
    x.apply_op1(Rotate { columns, lengths: lengths.clone(), rotation: rotation.clone() })
}

struct Rotate {
    columns: usize,
    lengths: Arc<[usize]>,
    rotation: Arc<Rotation>,
}

impl Rotate {
    fn turned(&self, x: &[f32], width: usize, direction: f32) -> Vec<f32> {
        let mut out = x.to_vec();
        let Rotation { cosines, sines, half } = &*self.rotation;
        let mut first = 0;
        for length in self.lengths.iter() {
            let rows = &mut out[first * width..(first + length) * width];
            kernels::rotate(rows, width, self.columns, *half, cosines, sines, direction);
            first += length;
        }
        out
    }
}

impl CustomOp1 for Rotate {
    fn name(&self) -> &'static str {
        "rotate"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        made(self.turned(numbers(x, layout)?, width, 1.0), layout.shape().clone())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, width) = x.dims2()?;
        let out = with_numbers(gradient, |gradient| Ok(self.turned(gradient, width, -1.0)))?;
        tensor(out, x.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::Device;
    use candle_nn::rotary_emb::rope_i_slow;

    use super::super::testing::{agree, variable};
    use super::*;

    fn rotation(positions: usize, half: usize) -> Arc<Rotation> {
        let angles = || (0..positions * half).map(|at| (at / half) as f32 * 0.9f32.powi((at % half) as i32));
        Arc::new(Rotation { cosines: angles().map(f32::cos).collect(), sines: angles().map(f32::sin).collect(), half })
    }

    #[test]
    fn values_and_gradients_are_those_of_candle_sequence_by_sequence() {
        let (lengths, rotation) = (Arc::from([3usize, 1, 5]), rotation(7, 4));
        let x = variable(&[9, 20], 1);
        let composed = |x: &Tensor| -> Result<Tensor> {
            let mut parts = Vec::new();
            let mut first = 0;
            for length in [3, 1, 5] {
                let rows = x.narrow(0, first, length)?;
                first += length;
                let heads = rows.narrow(1, 0, 16)?.reshape((1, length, 2, 8))?.transpose(1, 2)?.contiguous()?;
                let angles = |of: &[f32]| Tensor::from_slice(&of[..length * 4], (length, 4), &Device::Cpu);
                let turned = rope_i_slow(&heads, &angles(&rotation.cosines)?, &angles(&rotation.sines)?)?;
                let turned = turned.transpose(1, 2)?.reshape((length, 16))?;
                parts.push(Tensor::cat(&[&turned, &rows.narrow(1, 16, 4)?], 1)?);
            }
            Tensor::cat(&parts, 0)
        };
        agree(&[&x], |t| rotate(t[0], 16, &lengths, &rotation), |t| composed(t[0]), 1e-5);
    }

    #[test]
    fn what_has_no_angles_is_refused() {
        let x = variable(&[9, 20], 1);
        for (columns, lengths, positions) in [(16, [4usize, 5], 4), (16, [4, 4], 9), (12, [4, 5], 9), (24, [4, 5], 9)] {
            assert!(rotate(&x, columns, &Arc::from(lengths), &rotation(positions, 4)).is_err(), "{columns}");
        }
    }
}
