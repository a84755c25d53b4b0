//! The section `[lora]` of a recipe. May depend on the models' lists of modules.

use serde::{Deserialize, Serialize};

use super::{positive, share};
use crate::models::{encoder, generator};

/// Low-rank training (LoRA, <https://arxiv.org/abs/2106.09685>): the base model stays as it is, and each of the named
/// modules gets a pair of small factors. A reader's heads are trained in full as ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, bound(deserialize = "M: Deserialize<'de>, LoraTraining<M>: Default"))]
pub struct LoraTraining<M> {
    /// The rank of the pairs.
    pub rank: usize,
    /// A pair counts `alpha / rank`.
    pub alpha: f64,
    /// The share of a pair's inputs that are dropped in training.
    pub dropout: f32,
    /// Which modules have one.
    pub modules: Vec<M>,
    /// In which layers, from 0; in all when absent.
    pub layers: Option<Vec<usize>>,
}

/// The highest rank: no layer of the models that are trained is as wide.
const HIGHEST_RANK: usize = 4096;

impl<M> LoraTraining<M> {
    fn of(modules: Vec<M>) -> Self {
        Self { rank: 16, alpha: 32.0, dropout: 0.05, modules, layers: None }
    }

    /// What the product of a pair is multiplied by.
    pub fn scale(&self) -> f32 {
        (self.alpha / self.rank as f64) as f32
    }

    pub(in crate::train) fn check(&self) -> Result<(), String> {
        share("lora.dropout", self.dropout.into())?;
        positive("lora.alpha", self.alpha)?;
        if self.rank == 0 {
            return Err("`lora.rank` is 0 and should be more".to_owned());
        }
        if self.rank > HIGHEST_RANK {
            return Err(format!("`lora.rank` is {} and should be at most {HIGHEST_RANK}", self.rank));
        }
        if self.modules.is_empty() || self.layers.as_ref().is_some_and(Vec::is_empty) {
            return Err("`lora.modules` and `lora.layers` may be left out, but not be empty".to_owned());
        }
        Ok(())
    }
}

impl Default for LoraTraining<encoder::low_rank::Module> {
    fn default() -> Self {
        Self::of(encoder::low_rank::Module::ALL.to_vec())
    }
}

impl Default for LoraTraining<generator::training::Module> {
    fn default() -> Self {
        Self::of(generator::training::Module::ALL.to_vec())
    }
}
