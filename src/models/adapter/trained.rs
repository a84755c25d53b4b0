//! The pairs of one product while they are trained: variables, beside a weight that stays as it is.
//!
//! Several modules can be one product (queries, keys and values); their factors then lie beside each other, so that the
//! input is read once. May depend on `low_rank`, `models::fused` and candle.

use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::LowRank;
use crate::models::fused::{
    kernels::Dropped,
    lora::{LowRankVars, lora_linear_parts},
};

/// Pairs of factors for some ranges of a product's outputs.
#[derive(Debug, Clone)]
pub struct TrainedPairs {
    /// The columns of the product that each pair changes.
    parts: Vec<Range<usize>>,
    /// `[in, pairs * rank]`.
    pub a: Tensor,
    /// `[rank, columns of all pairs]`.
    pub b: Tensor,
    /// What the product of the factors is multiplied by.
    scale: f32,
}

impl TrainedPairs {
    /// Pairs that change nothing yet: `random` numbers in `[-1, 1)`, scaled as PEFT does (Kaiming's uniform
    /// distribution with a slope of the root of 5, so within `1 / sqrt(in)`), and zeros.
    pub fn new(
        inputs: usize,
        parts: Vec<Range<usize>>,
        rank: usize,
        scale: f32,
        mut random: impl FnMut() -> f32,
    ) -> Result<Self> {
        let ranks = rank * parts.len();
        let bound = 1.0 / (inputs as f32).sqrt();
        let a: Vec<f32> = (0..inputs * ranks).map(|_| bound * random()).collect();
        let a = Tensor::from_vec(a, (inputs, ranks), &Device::Cpu)?;
        let changed = parts.iter().map(ExactSizeIterator::len).sum::<usize>();
        let b = Tensor::zeros((rank, changed), DType::F32, &Device::Cpu)?;
        Ok(Self { parts, a, b, scale })
    }

    /// Takes over pairs that were trained before, in the order of the parts; where there is none, a part stays as it is.
    /// Their ranks and widths must be those of the parts.
    pub fn go_on_from(&mut self, pairs: &[Option<&LowRank>]) -> Result<()> {
        let (rank, (inputs, ranks)) = (self.b.dims2()?.0, self.a.dims2()?);
        let (mut a, mut b) = (self.a.flatten_all()?.to_vec1::<f32>()?, self.b.flatten_all()?.to_vec1::<f32>()?);
        let changed = b.len() / rank;
        let mut first = 0;
        for (index, (part, pair)) in self.parts.iter().zip(pairs).enumerate() {
            let outputs = part.len();
            if let Some(pair) = pair {
                if (pair.rank, pair.inputs, pair.outputs) != (rank, inputs, outputs) {
                    bail!(
                        "a pair is {} x {} of rank {}, and {inputs} x {outputs} of rank {rank} is trained: give the recipe \
                         the rank and the modules of the adapter to go on from",
                        pair.inputs,
                        pair.outputs,
                        pair.rank
                    );
                }
                for r in 0..rank {
                    (0..inputs).for_each(|i| a[i * ranks + index * rank + r] = pair.a[r * inputs + i]);
                    // The scale of the recipe may be another one.
                    let factor = pair.scale / self.scale;
                    (0..outputs).for_each(|o| b[r * changed + first + o] = factor * pair.b[o * rank + r]);
                }
            }
            first += outputs;
        }
        self.a = Tensor::from_vec(a, (inputs, ranks), &Device::Cpu)?;
        self.b = Tensor::from_vec(b, (rank, changed), &Device::Cpu)?;
        Ok(())
    }

    /// `x [rows, in] * weight [in, out] + bias`, changed.
    pub fn apply(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, dropped: Dropped) -> Result<Tensor> {
        let vars = LowRankVars { a: &self.a, b: &self.b, scale: self.scale.into() };
        lora_linear_parts(x, weight, bias, &vars, &self.parts, dropped)
    }

    /// The pairs as they are now, in the order of their parts.
    pub fn to_low_rank(&self) -> Result<Vec<LowRank>> {
        let (rank, (inputs, ranks)) = (self.b.dims2()?.0, self.a.dims2()?);
        let (a, b) = (self.a.flatten_all()?.to_vec1::<f32>()?, self.b.flatten_all()?.to_vec1::<f32>()?);
        let changed = b.len() / rank;
        let mut first = 0;
        let pairs = self.parts.iter().enumerate().map(|(index, part)| {
            let outputs = part.len();
            let a = (0..rank).flat_map(|r| (0..inputs).map(move |i| i * ranks + index * rank + r)).map(|at| a[at]);
            let b = (0..outputs).flat_map(|o| (0..rank).map(move |r| r * changed + first + o)).map(|at| b[at]);
            let pair = LowRank { rank, inputs, outputs, a: a.collect(), b: b.collect(), scale: self.scale };
            first += outputs;
            pair
        });
        Ok(pairs.collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn new_pairs_change_nothing_and_read_pairs_change_what_the_trained_ones_do() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let numbers = |count: usize, random: &mut dyn FnMut() -> f32| (0..count).map(|_| random()).collect::<Vec<_>>();
        let matrix = |numbers: Vec<f32>, shape: (usize, usize)| Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
        let (x, weight) = (numbers(3 * 16, &mut random), numbers(16 * 9, &mut random));
        let (x, weight) = (matrix(x, (3, 16)), matrix(weight, (16, 9)));
        let plain = x.matmul(&weight).unwrap();
        let mut pairs = TrainedPairs::new(16, vec![0..4, 6..9], 2, 0.5, &mut random).unwrap();
        assert_eq!((pairs.a.dims(), pairs.b.dims()), ([16, 4].as_slice(), [2, 7].as_slice()));
        assert!(pairs.a.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|number| number.abs() <= 0.25));
        let difference =
            |a: &Tensor, b: &Tensor| (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        let live = |pairs: &TrainedPairs| pairs.apply(&x, &weight, None, Dropped::NONE).unwrap();
        assert!(difference(&live(&pairs), &plain) < 1e-5);
        pairs.b = matrix(numbers(14, &mut random), (2, 7));
        let mut changed = weight.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (pair, first) in pairs.to_low_rank().unwrap().iter().zip([0, 6]) {
            pair.add_turned(&mut changed[first..], 9).unwrap();
        }
        let merged = x.matmul(&matrix(changed, (16, 9))).unwrap();
        assert!(difference(&live(&pairs), &merged) < 1e-5 && difference(&live(&pairs), &plain) > 1e-2);

        // Another run goes on from them, with another scale.
        let trained = pairs.to_low_rank().unwrap();
        let mut next = TrainedPairs::new(16, vec![0..4, 6..9], 2, 2.0, &mut random).unwrap();
        next.go_on_from(&[Some(&trained[0]), Some(&trained[1])]).unwrap();
        assert!(difference(&live(&next), &merged) < 1e-5);
        let mut wider = TrainedPairs::new(16, vec![0..4, 6..9], 3, 2.0, &mut random).unwrap();
        assert!(wider.go_on_from(&[Some(&trained[0]), None]).unwrap_err().to_string().contains("rank"));
    }
}
