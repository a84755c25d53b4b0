//! Dropout whose mask is a hash of a seed and the place, so that nothing has to be kept. May depend on `kernels`.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::{
    kernels::{self, Dropped},
    made, numbers, tensor, with_numbers,
};

/// Dropout in a pass of training.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    /// The share of numbers that are dropped.
    pub rate: f32,
    /// Another one for each micro-batch of a run.
    pub seed: u64,
}

impl Dropout {
    /// What is dropped at one place of the network.
    pub fn at(this: Option<Self>, place: u64) -> Dropped {
        match this {
            Some(dropout) if dropout.rate > 0.0 => Dropped::new(dropout.rate, mix(dropout.seed, place)),
            _ => Dropped::NONE,
        }
    }
}

/// A step of SplitMix64 (<https://doi.org/10.1145/2714064.2660195>), cut to 32 bits.
fn mix(seed: u64, place: u64) -> u32 {
    let mut z = seed.wrapping_add((place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as u32
}

/// `x` with some numbers set to 0 and the others enlarged accordingly.
pub fn dropout(x: &Tensor, dropped: Dropped) -> Result<Tensor> {
    if dropped.is_none() { Ok(x.clone()) } else { x.apply_op1(DropSome(dropped)) }
}

struct DropSome(Dropped);

impl CustomOp1 for DropSome {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let mut out = vec![0.0; x.len()];
        kernels::drop_some(x, self.0, &mut out);
        made(out, layout.shape().clone())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut out = vec![0.0; x.elem_count()];
        with_numbers(gradient, |gradient| {
            kernels::drop_some(gradient, self.0, &mut out);
            Ok(())
        })?;
        tensor(out, x.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::Device;

    use super::super::testing::{differences, flat, variable};
    use super::*;

    #[test]
    fn the_share_is_right_and_the_mean_stays() {
        let ones = Tensor::ones((400, 100), candle_core::DType::F32, &Device::Cpu).unwrap();
        for rate in [0.1, 0.5] {
            let out = flat(&dropout(&ones, Dropped::new(rate, 7)).unwrap());
            let gone = out.iter().filter(|value| **value == 0.0).count() as f32 / out.len() as f32;
            let mean = out.iter().sum::<f32>() / out.len() as f32;
            assert!((gone - rate).abs() < 0.01 && (mean - 1.0).abs() < 0.02, "{gone} {mean}");
        }
        assert_eq!(flat(&dropout(&ones, Dropped::NONE).unwrap()), flat(&ones));
    }

    #[test]
    fn the_gradient_goes_where_the_values_went_and_seeds_differ() {
        let x = variable(&[9, 30], 1);
        differences(&[&x], |t| dropout(t[0], Dropped::new(0.4, 3)));
        let with = |seed| flat(&dropout(&x, Dropped::new(0.4, seed)).unwrap());
        assert!(with(1) != with(2) && with(1) == with(1));
    }
}
