//! The learning rate over the steps of a run. Pure functions; depends on serde only.

use serde::{Deserialize, Serialize};

/// How the learning rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// It does not.
    Constant,
    /// In a straight line to 0.
    Linear,
    /// Along half a cosine to 0 (<https://arxiv.org/abs/1608.03983>, without restarts).
    Cosine,
}

/// The learning rate as a share of the configured one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// The steps in which it rises from 0.
    pub warm_up: u64,
    /// All steps.
    pub total: u64,
    /// How it falls afterwards.
    pub decay: Decay,
}

impl Schedule {
    /// The share at `step`, which counts from 1.
    pub fn share(&self, step: u64) -> f64 {
        if step <= self.warm_up {
            return step as f64 / self.warm_up as f64;
        }
        let left = self.total.saturating_sub(self.warm_up).max(1);
        let done = ((step - self.warm_up) as f64 - 1.0).max(0.0) / left as f64;
        match self.decay {
            Decay::Constant => 1.0,
            Decay::Linear => (1.0 - done).max(0.0),
            Decay::Cosine => 0.5 * (1.0 + (done.min(1.0) * std::f64::consts::PI).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_then_falls_and_ends_near_nothing() {
        for decay in [Decay::Linear, Decay::Cosine] {
            let schedule = Schedule { warm_up: 10, total: 110, decay };
            let shares: Vec<f64> = (1..=110).map(|step| schedule.share(step)).collect();
            assert!((shares[0] - 0.1).abs() < 1e-12 && shares[9] == 1.0 && shares[10] == 1.0);
            assert!(shares[..10].windows(2).all(|pair| pair[0] < pair[1]));
            assert!(shares[10..].windows(2).all(|pair| pair[0] > pair[1]));
            assert!(shares[109] > 0.0 && shares[109] < 0.02, "{}", shares[109]);
        }
    }

    #[test]
    fn no_warm_up_and_no_decay_are_possible() {
        let schedule = Schedule { warm_up: 0, total: 3, decay: Decay::Constant };
        assert!((1..=9).all(|step| schedule.share(step) == 1.0));
        assert_eq!(Schedule { warm_up: 5, total: 5, decay: Decay::Linear }.share(5), 1.0);
    }
}
