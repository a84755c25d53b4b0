//! What the tests of fused operations share: comparison with a composed operation and with finite differences.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{Device, Result, Tensor, Var};

/// Numbers between -1.5 and 1.5 that look random and are always the same.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 * 3.0 - 1.5
    };
    (0..count).map(|_| next()).collect()
}

/// A variable of noise.
pub fn variable(shape: &[usize], seed: u32) -> Var {
    Var::from_vec(noise(shape.iter().product(), seed), shape, &Device::Cpu).unwrap()
}

pub fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

pub fn close(a: &Tensor, b: &Tensor, tolerance: f32, what: &str) {
    assert_eq!(a.dims(), b.dims(), "{what}");
    for (index, (a, b)) in flat(a).iter().zip(flat(b)).enumerate() {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}, number {index}: {a} and {b}");
    }
}

/// A number that depends on every output differently.
fn weighed(out: &Tensor) -> Result<Tensor> {
    let weights = Tensor::from_vec(noise(out.elem_count(), 99), out.shape(), &Device::Cpu)?;
    (out * weights)?.sum_all()
}

/// Checks values and gradients of `ours` against `composed`, and the gradients against finite differences.
pub fn agree(
    arguments: &[&Var],
    ours: impl Fn(&[&Tensor]) -> Result<Tensor>,
    composed: impl Fn(&[&Tensor]) -> Result<Tensor>,
    tolerance: f32,
) {
    let tensors: Vec<&Tensor> = arguments.iter().map(|argument| argument.as_tensor()).collect();
    let (a, b) = (ours(&tensors).unwrap(), composed(&tensors).unwrap());
    close(&a, &b, tolerance, "values");
    let (a, b) = (weighed(&a).unwrap().backward().unwrap(), weighed(&b).unwrap().backward().unwrap());
    for (index, argument) in arguments.iter().enumerate() {
        let what = format!("gradient of argument {index}");
        close(a.get(argument).expect(&what), b.get(argument).expect(&what), tolerance, &what);
    }
    differences(arguments, ours);
}

/// Checks the gradients of `ours` against central differences.
pub fn differences(arguments: &[&Var], ours: impl Fn(&[&Tensor]) -> Result<Tensor>) {
    let loss = || -> f32 {
        let tensors: Vec<&Tensor> = arguments.iter().map(|argument| argument.as_tensor()).collect();
        weighed(&ours(&tensors).unwrap()).unwrap().to_scalar().unwrap()
    };
    let tensors: Vec<&Tensor> = arguments.iter().map(|argument| argument.as_tensor()).collect();
    let gradients = weighed(&ours(&tensors).unwrap()).unwrap().backward().unwrap();
    for (index, argument) in arguments.iter().enumerate() {
        let gradient = flat(gradients.get(argument).unwrap());
        let before = flat(argument);
        let step = 1e-2;
        for place in (0..before.len()).step_by((before.len() / 12).max(1)) {
            let at = |value: f32| {
                let mut changed = before.clone();
                changed[place] = value;
                argument.set(&Tensor::from_vec(changed, argument.shape(), &Device::Cpu).unwrap()).unwrap();
                f64::from(loss())
            };
            let slope = (at(before[place] + step) - at(before[place] - step)) / f64::from(2.0 * step);
            argument.set(&Tensor::from_vec(before.clone(), argument.shape(), &Device::Cpu).unwrap()).unwrap();
            let got = f64::from(gradient[place]);
            assert!(
                (got - slope).abs() < 5e-3 * (1.0 + slope.abs()),
                "argument {index}, number {place}: {got} {slope}"
            );
        }
    }
}
