//! AdamW (<https://arxiv.org/abs/1711.05101>) with clipping, on candle's variables.
//!
//! candle-nn's has the same arithmetic, but its moments cannot be saved, and it makes a dozen temporaries of the size
//! of the model at each step; this one is a single pass in place. May depend on `models::fused` and candle.

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Var, bail};
use serde::{Deserialize, Serialize};

use crate::models::fused::kernels::{self, AdamStep};

/// A tensor that is trained.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name in checkpoints.
    pub name: String,
    /// The tensor.
    pub var: Var,
    /// Whether weight decay pulls at it: not at biases and norms.
    pub decays: bool,
    /// What the learning rate is multiplied by for it.
    pub rate_factor: f64,
}

/// The constants of the optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamSettings {
    /// The decay of the first moment.
    pub beta1: f64,
    /// The decay of the second moment.
    pub beta2: f64,
    /// What keeps the denominator from 0.
    pub epsilon: f64,
    /// How much of a weight goes away at each step, times the learning rate.
    pub weight_decay: f64,
    /// A longer gradient is shortened to this norm.
    pub clip: f64,
}

impl Default for AdamSettings {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, clip: 1.0 }
    }
}

/// The moments of all parameters, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW {
    settings: AdamSettings,
    /// The steps that were made.
    pub step: u64,
    /// The first moments.
    pub first: Vec<Vec<f32>>,
    /// The second moments.
    pub second: Vec<Vec<f32>>,
}

impl AdamW {
    /// Moments of 0.
    pub fn new(settings: AdamSettings, parameters: &[Parameter]) -> Self {
        let zeros = || parameters.iter().map(|parameter| vec![0.0; parameter.var.elem_count()]).collect();
        Self { settings, step: 0, first: zeros(), second: zeros() }
    }

    /// Makes a step and returns the norm that the gradient had before it was clipped. When that is not a finite
    /// number, nothing is changed.
    pub fn step(&mut self, parameters: &[Parameter], gradients: &[Vec<f32>], rate: f64) -> Result<f64> {
        let mut squares = 0.0;
        for gradient in gradients {
            kernels::sum_of_squares(gradient, &mut squares);
        }
        let norm = squares.sqrt();
        if !norm.is_finite() {
            return Ok(norm);
        }
        let AdamSettings { beta1, beta2, epsilon, weight_decay, clip } = self.settings;
        self.step += 1;
        let correction = |beta: f64| (1.0 / (1.0 - beta.powi(self.step.min(1 << 30) as i32))) as f32;
        let moments = self.first.iter_mut().zip(self.second.iter_mut());
        for ((parameter, gradient), (first, second)) in parameters.iter().zip(gradients).zip(moments) {
            let rate = rate * parameter.rate_factor;
            let step = AdamStep {
                gradient_factor: if norm > clip { (clip / norm) as f32 } else { 1.0 },
                rate: rate as f32,
                keep: if parameter.decays { (1.0 - rate * weight_decay) as f32 } else { 1.0 },
                beta1: beta1 as f32,
                beta2: beta2 as f32,
                correction1: correction(beta1),
                correction2: correction(beta2),
                epsilon: epsilon as f32,
            };
            parameter.var.inplace_op1(&Update { moments: Mutex::new((first, second)), gradient, step })?;
        }
        Ok(norm)
    }
}

/// The change of one parameter.
struct Update<'a> {
    moments: Mutex<(&'a mut Vec<f32>, &'a mut Vec<f32>)>,
    gradient: &'a [f32],
    step: AdamStep,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, weights: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(weights) = weights else { bail!("a parameter is not f32") };
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("a parameter is not contiguous") };
        let Ok(mut moments) = self.moments.lock() else { bail!("the moments of a parameter are broken") };
        let (first, second) = &mut *moments;
        if [self.gradient.len(), first.len(), second.len()] != [end - start; 3] {
            bail!("a gradient has {} numbers and its parameter {}", self.gradient.len(), end - start);
        }
        kernels::adam_step(&mut weights[start..end], self.gradient, first, second, self.step);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::{Device, Tensor};
    use candle_nn::{Optimizer, ParamsAdamW};

    use super::*;

    fn parameter(values: &[f32], decays: bool) -> Parameter {
        let var = Var::from_tensor(&Tensor::new(values, &Device::Cpu).unwrap()).unwrap();
        Parameter { name: "w".into(), var, decays, rate_factor: 1.0 }
    }

    /// The gradient of the sum of (w - target)^2.
    fn gradient(var: &Var, target: f32) -> Tensor {
        ((var.as_tensor() - f64::from(target)).unwrap() * 2.0).unwrap()
    }

    #[test]
    fn it_is_what_candle_does() {
        let ours = [parameter(&[0.3, -2.0, 5.0], true)];
        let theirs = parameter(&[0.3, -2.0, 5.0], true).var;
        let settings = AdamSettings { weight_decay: 0.1, clip: 1e9, ..AdamSettings::default() };
        let mut adam = AdamW::new(settings, &ours);
        let parameters = ParamsAdamW { lr: 0.05, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1 };
        let mut reference = candle_nn::AdamW::new(vec![theirs.clone()], parameters).unwrap();
        for _ in 0..50 {
            adam.step(&ours, &[gradient(&ours[0].var, 1.0).to_vec1().unwrap()], 0.05).unwrap();
            let loss = (theirs.as_tensor() - 1.0).unwrap().sqr().unwrap().sum_all().unwrap();
            reference.backward_step(&loss).unwrap();
        }
        let (a, b) = (ours[0].var.to_vec1::<f32>().unwrap(), theirs.to_vec1::<f32>().unwrap());
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} {b:?}");
    }

    #[test]
    fn clipping_shortens_and_nonsense_changes_nothing() {
        let parameters = [parameter(&[1.0, 1.0], false)];
        let mut adam = AdamW::new(AdamSettings::default(), &parameters);
        assert_eq!(adam.step(&parameters, &[vec![30.0, 40.0]], 0.1).unwrap(), 50.0);
        assert!((adam.first[0][0] - 0.06).abs() < 1e-6, "{:?}", adam.first);
        let before = adam.clone();
        assert!(adam.step(&parameters, &[vec![f32::NAN, 0.0]], 0.1).unwrap().is_nan());
        assert_eq!(adam, before);
        assert!(adam.step(&parameters, &[vec![0.0]], 0.1).is_err());
    }
}
