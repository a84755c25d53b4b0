//! The TOML file of a training run. A key that is not known is an error, and so is a value that makes no sense.
//!
//! Here what every run has, and the file for the reader; `generator` is the file for the generator, `lora` the section
//! that both have. May depend on `schedule`, `optimizer`, the encoder's limits and modules, and the devices of products.

pub mod generator;
pub mod lora;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use generator::{GeneratorConfig, GeneratorTraining, TrunkCache};
pub use lora::LoraTraining;

use super::{TrainError, optimizer::AdamSettings, schedule::Decay};
use crate::models::{
    encoder::{features::Limits, low_rank::Module},
    fused::product::device::Device,
};

/// What every run has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FitSettings {
    /// How often each example is seen.
    pub epochs: u64,
    /// The run ends here even when the epochs are not over; the learning rate falls towards it.
    pub max_steps: Option<u64>,
    /// The sequences of a step.
    pub batch: usize,
    /// About how many tokens a thread works on at a time.
    pub micro_batch_tokens: usize,
    /// The threads; each works on its own micro-batches.
    pub threads: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// The share of the steps in which the learning rate rises.
    pub warm_up: f64,
    /// How it falls afterwards.
    pub decay: Decay,
    /// A checkpoint is written after so many steps.
    pub checkpoint_every: u64,
    /// The validation loss is measured after so many steps.
    pub validate_every: u64,
    /// The run ends when so many validations in a row brought nothing better. Only when the best is kept.
    pub patience: u64,
    /// Which weights are left at the end.
    pub keep: Keep,
    /// What the best weights are the best by, and what patience waits for.
    pub best_by: BestBy,
    /// Where large products are computed. Everything else is on the CPU.
    pub device: Device,
}

/// Which weights a run leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The best ones on the validation data.
    Best,
    /// The last ones: where the loss says little about the task, as with questions that only look answerable.
    Last,
}

/// What weights are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BestBy {
    /// The lowest loss.
    Loss,
    /// The highest F1 of the answers, for a model whose task is measured so.
    F1,
}

impl Default for FitSettings {
    fn default() -> Self {
        Self {
            epochs: 2,
            max_steps: None,
            batch: 32,
            micro_batch_tokens: 1536,
            threads: 2,
            learning_rate: 1e-4,
            warm_up: 0.08,
            decay: Decay::Linear,
            checkpoint_every: 50,
            validate_every: 150,
            patience: 6,
            keep: Keep::Best,
            best_by: BestBy::Loss,
            device: Device::Cpu,
        }
    }
}

/// What the reader's training needs besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReaderTraining {
    /// How many layers are trained, from the top; the others stay as they are.
    pub trainable_layers: usize,
    /// The share of numbers that are dropped in training.
    pub dropout: f32,
    /// What the learning rate of the heads, which begin from nothing, is multiplied by.
    pub head_rate: f64,
    /// The learning rate of each layer is that of the layer above times this.
    pub layer_rate: f64,
    /// How much the loss of the answerability head counts beside that of the spans.
    pub answerable_weight: f64,
    /// Which passages of an example are trained on.
    pub passages: PassageChoice,
    /// How they are shown.
    pub shown: Shown,
    /// At most so many sequences of the validation data are measured; a seeded choice of whole examples.
    pub validation_sequences: usize,
    /// At most about so many passages are read to choose the threshold at the end; a seeded choice of whole examples.
    pub tuning_passages: usize,
    /// Whether the weights are saved in half precision.
    pub half: bool,
}

impl Default for ReaderTraining {
    fn default() -> Self {
        Self {
            trainable_layers: usize::MAX,
            dropout: 0.1,
            head_rate: 5.0,
            layer_rate: 1.0,
            answerable_weight: 0.5,
            passages: PassageChoice::All,
            shown: Shown::Both,
            validation_sequences: 1200,
            tuning_passages: 6000,
            half: false,
        }
    }
}

/// Which passages of an example are trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PassageChoice {
    /// Each passage is a sequence; those without the answer are trained to "no span".
    All,
    /// Of an answered example only the passages that hold a span; of an unanswerable one the first.
    Gold,
}

/// How passages are shown to a reader in training. It reads each passage, and then the sentence of its best span alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// As they are.
    Whole,
    /// Only the sentence that holds the answer; without one, the sentence with the most words of the question.
    Sentence,
    /// Both, as two sequences.
    Both,
}

/// The file for `train reader`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderConfig {
    /// The folder of the base model; the one of the catalogue when absent. A relative one counts from the file's own
    /// folder.
    #[serde(default)]
    pub base: Option<PathBuf>,
    /// The folder of a low-rank reader to go on from, with the ranks and modules of this recipe's `[lora]`; a relative
    /// one counts from the file's own folder. A reader is made fit for further documents so, without forgetting the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// Decides the order of the data, the dropout and the first weights of the heads.
    pub seed: u64,
    /// The run.
    #[serde(default)]
    pub fit: FitSettings,
    /// The optimizer.
    #[serde(default)]
    pub adam: AdamSettings,
    /// The reader.
    #[serde(default)]
    pub reader: ReaderTraining,
    /// How texts are cut.
    #[serde(default)]
    pub limits: Limits,
    /// Low-rank pairs instead of whole layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraTraining<Module>>,
}

impl ReaderConfig {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let mut config: Self = read(path, Self::check)?;
        config.base = config.base.map(|base| beside(path, base));
        config.from = config.from.map(|from| beside(path, from));
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let reader = &self.reader;
        if self.from.is_some() && self.lora.is_none() {
            return Err("`from` goes on from low-rank pairs: give `[lora]` with their rank and modules".to_owned());
        }
        check_run(&self.fit, &self.adam)?;
        share("reader.dropout", reader.dropout.into())?;
        if let Some(lora) = &self.lora {
            lora.check()?;
            if reader.trainable_layers != ReaderTraining::default().trainable_layers {
                return Err(
                    "`reader.trainable_layers` is for training in full; beside `[lora]` give `lora.layers`".into()
                );
            }
        }
        positive("reader.head_rate", reader.head_rate)?;
        positive("reader.layer_rate", reader.layer_rate)?;
        positive("reader.validation_sequences", reader.validation_sequences as f64)?;
        positive("reader.tuning_passages", reader.tuning_passages as f64)?;
        not_negative("reader.answerable_weight", reader.answerable_weight)?;
        self.limits.check(usize::MAX)
    }
}

/// The most threads: each has micro-batches and gradients of its own.
const MOST_THREADS: usize = 1024;

/// Reads a file and checks what it says.
pub(super) fn read<C: DeserializeOwned>(
    path: &Path,
    check: impl Fn(&C) -> Result<(), String>,
) -> Result<C, TrainError> {
    let text = std::fs::read_to_string(path).map_err(TrainError::io("reading", path))?;
    let refuse = |reason: String| TrainError::Config { path: path.to_owned(), reason };
    let config: C = toml::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    check(&config).map_err(refuse)?;
    Ok(config)
}

/// A path that the file at `path` names: a relative one counts from the file's own folder.
pub(super) fn beside(path: &Path, named: PathBuf) -> PathBuf {
    match path.parent() {
        Some(folder) if named.is_relative() => folder.join(named),
        _ => named,
    }
}

/// Checks what every run has.
pub(super) fn check_run(fit: &FitSettings, adam: &AdamSettings) -> Result<(), String> {
    fit.device.check_built().map_err(|error| format!("`fit.device` is \"cuda\": {error}"))?;
    share("fit.warm_up", fit.warm_up)?;
    share("adam.beta1", adam.beta1)?;
    share("adam.beta2", adam.beta2)?;
    not_negative("adam.weight_decay", adam.weight_decay)?;
    for (key, value) in [
        ("fit.learning_rate", fit.learning_rate),
        ("adam.epsilon", adam.epsilon),
        ("adam.clip", adam.clip),
        ("fit.epochs", fit.epochs as f64),
        ("fit.max_steps", fit.max_steps.unwrap_or(1) as f64),
        ("fit.batch", fit.batch as f64),
        ("fit.micro_batch_tokens", fit.micro_batch_tokens as f64),
        ("fit.threads", fit.threads as f64),
        ("fit.checkpoint_every", fit.checkpoint_every as f64),
        ("fit.validate_every", fit.validate_every as f64),
        ("fit.patience", fit.patience as f64),
    ] {
        positive(key, value)?;
    }
    if fit.threads > MOST_THREADS {
        return Err(format!("`fit.threads` is {} and should be at most {MOST_THREADS}", fit.threads));
    }
    Ok(())
}

pub(super) fn share(key: &str, value: f64) -> Result<(), String> {
    match (0.0..1.0).contains(&value) {
        true => Ok(()),
        false => Err(format!("`{key}` is {value} and should be at least 0 and below 1")),
    }
}

pub(super) fn positive(key: &str, value: f64) -> Result<(), String> {
    match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(format!("`{key}` is {value} and should be more than 0")),
    }
}

fn not_negative(key: &str, value: f64) -> Result<(), String> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(format!("`{key}` is {value} and should be at least 0")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn read(text: &str) -> Result<ReaderConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        std::fs::write(&path, text).unwrap();
        ReaderConfig::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_short_file_is_enough() {
        let config = read("base = '/models/minilm'\nseed = 1\n[fit]\nepochs = 3\ndecay = 'cosine'\n").unwrap();
        assert_eq!((config.fit.epochs, config.fit.decay), (3, Decay::Cosine));
        assert_eq!(config.reader, ReaderTraining::default());
        assert_eq!(config.lora, None);
        let lora = read("seed = 1\n[lora]\nrank = 4\nmodules = ['query', 'attention_output']\n").unwrap().lora.unwrap();
        assert_eq!((lora.rank, lora.modules), (4, vec![Module::Query, Module::AttentionOutput]));
        let relative = read("base = 'minilm'\nseed = 1\n").unwrap();
        let base = relative.base.unwrap();
        assert!(base.is_absolute() && base.ends_with("minilm"));
    }

    #[test]
    fn what_is_unknown_or_makes_no_sense_is_refused() {
        for (text, word) in [
            ("[fit]\nlearning_rates = 1\n", "learning_rates"),
            ("[reader]\ndropout = 1.0\n", "dropout"),
            ("[fit]\nbatch = 0\n", "fit.batch"),
            ("[fit]\nthreads = 100000\n", "fit.threads"),
            ("[adam]\nweight_decay = -1\n", "weight_decay"),
            ("[limits]\nwindow = 100\n", "no room"),
            ("[fit]\ndecay = 'sudden'\n", "sudden"),
            ("[fit]\ndevice = 'tpu'\n", "tpu"),
            ("[lora]\nrank = 0\n", "lora.rank"),
            ("[lora]\nrank = 1000000000000\n", "lora.rank"),
            ("[lora]\nalpha = 0.0\n", "lora.alpha"),
            ("[lora]\ndropout = 1.0\n", "lora.dropout"),
            ("[lora]\nmodules = ['pooler']\n", "pooler"),
            ("[lora]\nlayers = []\n", "lora.layers"),
            ("[reader]\ntrainable_layers = 2\n[lora]\nrank = 4\n", "lora.layers"),
        ] {
            let error = read(&format!("base = 'x'\nseed = 1\n{text}")).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(read("base = 'x'\n").unwrap_err().contains("seed"));
    }

    #[test]
    fn a_gpu_is_asked_for_by_name_and_only_in_a_program_that_knows_it() {
        assert_eq!(read("seed = 1\n").unwrap().fit.device, Device::Cpu);
        assert_eq!(read("seed = 1\n[fit]\ndevice = 'cpu'\n").unwrap().fit.device, Device::Cpu);
        let asked = read("seed = 1\n[fit]\ndevice = 'cuda'\n");
        if cfg!(feature = "cuda") {
            assert_eq!(asked.unwrap().fit.device, Device::Cuda);
        } else {
            let error = asked.unwrap_err();
            assert!(error.contains("`fit.device` is \"cuda\"") && error.contains("--features cuda"), "{error}");
        }
    }
}
