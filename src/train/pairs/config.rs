//! The recipe of `train pairs`. A key that is not known is an error, and so is a value that makes no sense.
//!
//! May depend on the parent's `config`, `optimizer` and the encoder's settings.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    models::encoder::{
        low_rank::Module,
        pairs::settings::{PairLimits, check_labels},
    },
    train::{
        TrainError,
        config::{FitSettings, LoraTraining, beside, check_run, positive, read, share},
        optimizer::AdamSettings,
    },
};

/// The file for `train pairs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsConfig {
    /// The folder of the base model; the one of the catalogue when absent. A relative one counts from the file's own
    /// folder.
    #[serde(default)]
    pub base: Option<PathBuf>,
    /// The folder of an adapter of the same base that the run goes on from, of this kind or a reader: its low-rank pairs, on
    /// its own biases and norms. Its head is left behind. A relative one counts from the file's own folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// Decides the order of the data, the dropout and the first weights of the head.
    pub seed: u64,
    /// The run.
    #[serde(default)]
    pub fit: FitSettings,
    /// The optimizer.
    #[serde(default)]
    pub adam: AdamSettings,
    /// What a pair may be, and how it is learned.
    pub pairs: PairsTraining,
    /// How texts are cut.
    #[serde(default)]
    pub limits: PairLimits,
    /// How they are cut in use, where that is not as in training: a model can be trained on short windows, which is faster,
    /// and judge longer texts. Calibration and threshold are chosen with these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<PairLimits>,
    /// The low-rank pairs.
    #[serde(default)]
    pub lora: LoraTraining<Module>,
}

/// What a pair may be, and how it is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsTraining {
    /// What a pair may be: several labels, of which one holds; or one, by which the pairs of a group compete.
    pub labels: Vec<String>,
    /// The label of texts that have nothing to do with each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neutral: Option<String>,
    /// How much a pair of a label counts; 1 where it is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, f64>,
    /// How many layers are used, from the bottom; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<usize>,
    /// The share of numbers that are dropped in training.
    #[serde(default = "dropout")]
    pub dropout: f32,
    /// What the learning rate of the head, which begins from nothing, is multiplied by.
    #[serde(default = "head_rate")]
    pub head_rate: f64,
    /// At most so many pairs, or groups, are measured during the run; a seeded choice.
    #[serde(default = "validation_pairs")]
    pub validation_pairs: usize,
    /// The label whose threshold is chosen at the end.
    pub decides: String,
    /// The share of the pairs with this label that the threshold may turn down, on the validation data; when absent, the
    /// threshold with the best balanced accuracy is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_turn_down: Option<f64>,
    /// Whether the weights are saved in half precision.
    #[serde(default)]
    pub half: bool,
}

fn dropout() -> f32 {
    0.05
}

fn head_rate() -> f64 {
    2.0
}

fn validation_pairs() -> usize {
    600
}

impl PairsConfig {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let mut config: Self = read(path, Self::check)?;
        config.base = config.base.map(|base| beside(path, base));
        config.from = config.from.map(|from| beside(path, from));
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let pairs = &self.pairs;
        check_run(&self.fit, &self.adam)?;
        self.lora.check()?;
        check_labels(&pairs.labels, pairs.neutral.as_deref())?;
        share("pairs.dropout", pairs.dropout.into())?;
        share("pairs.may_turn_down", pairs.may_turn_down.unwrap_or(0.0))?;
        positive("pairs.head_rate", pairs.head_rate)?;
        positive("pairs.validation_pairs", pairs.validation_pairs as f64)?;
        positive("pairs.layers", pairs.layers.unwrap_or(1) as f64)?;
        if !pairs.labels.contains(&pairs.decides) {
            return Err(format!("`pairs.decides` is {:?}, which is none of `pairs.labels`", pairs.decides));
        }
        for (label, weight) in &pairs.weights {
            positive(&format!("pairs.weights.{label}"), *weight)?;
        }
        self.check_limits(usize::MAX)
    }

    /// How texts are cut in use.
    pub fn served(&self) -> PairLimits {
        self.served.unwrap_or(self.limits)
    }

    /// Why the windows of training and of use cannot work with so many positions, if they cannot.
    pub fn check_limits(&self, positions: usize) -> Result<(), String> {
        self.limits.check(positions).map_err(|reason| format!("`[limits]`: {reason}"))?;
        self.served().check(positions).map_err(|reason| format!("`[served]`: {reason}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<PairsConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        std::fs::write(&path, text).unwrap();
        PairsConfig::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_recipe_says_what_pairs_may_be_and_mistakes_are_named() {
        let good = "seed = 1\nfrom = 'reader'\n[pairs]\nlabels = ['a', 'b']\ndecides = 'a'\n";
        assert!(read(good).unwrap().from.unwrap().is_absolute());
        let wider = read(&format!("{good}[limits]\nwindow = 300\n[served]\nwindow = 320\n")).unwrap();
        assert_eq!((read(good).unwrap().served().window, wider.limits.window, wider.served().window), (384, 300, 320));
        for (text, word) in [
            ("seed = 1\n", "pairs"),
            ("seed = 1\n[pairs]\nlabels = []\ndecides = 'a'\n", "labels"),
            ("seed = 1\n[pairs]\nlabels = ['a']\ndecides = 'b'\n", "decides"),
            ("seed = 1\n[pairs]\nlabels = ['a']\ndecides = 'a'\nlayers = 0\n", "layers"),
            ("seed = 1\n[pairs]\nlabels = ['a']\ndecides = 'a'\nmay_turn_down = 2.0\n", "may_turn_down"),
            ("seed = 1\n[pairs]\nlabels = ['a']\ndecides = 'a'\n[limits]\nwindow = 10\n", "no room"),
            ("seed = 1\n[pairs]\nlabels = ['a']\ndecides = 'a'\n[served]\nwindow = 10\n", "`[served]`"),
            ("seed = 1\n[pairs]\nlabels = ['a']\ndecides = 'a'\nweight = 1\n", "weight"),
        ] {
            assert!(read(text).unwrap_err().contains(word), "{text}");
        }
    }
}
