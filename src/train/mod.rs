//! Training: examples in, a small model that fits the job out.
//!
//! `data` reads examples, `features` turns them into sequences, `batches` says in which order; `fit` is the loop for
//! every kind of model (a [`fit::Trainable`]), with `schedule`, `optimizer`, `threads`, `checkpoint` and `metrics_log`;
//! `reader`, `generator` and `pairs` are the kinds that exist, `card` is what is written about a run; `extract` makes an adapter of
//! a reader that was trained in full, with `svd`. `reading` measures the reader's task with `squad_score`, `threshold` says
//! what its scores mean, `tuning` writes that into a reader. May depend on `models` and on what `answer` says of prompts
//! and sentences.

pub mod average;
pub mod batches;
pub mod card;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod dataset;
pub mod extract;
pub mod features;
pub mod fit;
#[cfg(test)]
mod fit_tests;
pub mod generator;
pub mod metrics_log;
pub mod optimizer;
pub mod pairs;
pub mod reader;
#[cfg(test)]
mod reader_tests;
pub mod reading;
pub mod schedule;
pub mod sentence;
pub mod squad_score;
pub mod svd;
pub mod threads;
pub mod threshold;
pub mod tuning;

use std::path::{Path, PathBuf};

use crate::models::{
    adapter::AdapterError, encoder::EncoderError, fused::product::device::DeviceError, generator::GeneratorError,
};

/// Why a run cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file cannot be read or written.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration is wrong.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The recipe names a layer that the model does not have.
    #[error("`lora.layers` names layer {layer}; the model has {layers}, counted from 0")]
    NoLayer {
        /// The layer.
        layer: usize,
        /// How many there are.
        layers: usize,
    },
    /// The adapter to go on from has more than the recipe trains.
    #[error("the reader to go on from has a pair for `{path}`, which the recipe does not train: add it to `[lora]`")]
    NotInRecipe {
        /// The module.
        path: String,
    },
    /// A reader cannot become an adapter.
    #[error("this reader cannot be turned into an adapter: {reason}")]
    Extract {
        /// Why not.
        reason: String,
    },
    /// The recipe asks for more layers than there are.
    #[error("`generator.trainable_layers` is {wanted}, and the model has {layers} layers")]
    TooManyLayers {
        /// How many are asked for.
        wanted: usize,
        /// How many there are.
        layers: usize,
    },
    /// What the lower layers make of all sequences does not fit where it is to be kept.
    #[error(
        "keeping what the lower layers make of all sequences needs {needed} MiB, and `generator.cache_trunk_mib` allows \
         {allowed}: allow more, keep half of it with `cache_trunk = \"f16\"`, or nothing with `cache_trunk = false`"
    )]
    TrunkCache {
        /// The MiB that it needs.
        needed: usize,
        /// The MiB that it may take.
        allowed: usize,
    },
    /// An example cannot be read.
    #[error("{path}, line {line}: {reason}")]
    Data {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 when it is about the whole file.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A data set cannot be read, or is not what was frozen.
    #[error(transparent)]
    Dataset(#[from] dataset::DatasetError),
    /// The data has errors that training would learn.
    #[error(
        "the data has {errors} errors; mend them, or allow them in its dataset.toml (`footnote dataset lint`):{shown}"
    )]
    Unsound {
        /// How many.
        errors: u64,
        /// The first of them.
        shown: String,
    },
    /// No example that training can learn from.
    #[error(
        "all {0} examples go on with a conversation, ask several things, or are expected to end in `clarify` or \
         `partial`: training learns from single questions that are answered or declined"
    )]
    NothingToLearn(usize),
    /// Pairs that training would learn wrongly, or that are on both sides.
    #[error("the pairs have errors; mend them or give other folders:{shown}")]
    UnsoundPairs {
        /// The first of them.
        shown: String,
    },
    /// A pair has a label that the recipe or the model does not know.
    #[error("the pair {pair:?} is {label:?}; the labels are {known}, each also with `not ` before it")]
    UnknownLabel {
        /// Its id.
        pair: String,
        /// The label.
        label: String,
        /// Those that there are.
        known: String,
    },
    /// An answer lies outside its passage.
    #[error("the answer at [{start}, {end}) covers no token of passage `{passage}`; run `dataset lint`")]
    Span {
        /// The passage's id.
        passage: String,
        /// The first code point.
        start: u32,
        /// One past the last.
        end: u32,
    },
    /// Nothing is left to train or to validate on.
    #[error("no {what} sequences are left; the counts say why: {counts}")]
    NoSequences {
        /// Training or validation.
        what: &'static str,
        /// What was left out.
        counts: String,
    },
    /// The folder holds another run.
    #[error("{path} holds a run already; give `--resume` to go on with it, or another folder")]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// The best weights cannot be told by F1.
    #[error(
        "`fit.best_by` is \"f1\", and no F1 was measured: the kind of model has none, or the validation data no example \
         that it can be measured on; use \"loss\", or other data"
    )]
    NoF1,
    /// There is nothing to resume.
    #[error("{path} does not exist: there is no run to resume here")]
    NoCheckpoint {
        /// The checkpoint.
        path: PathBuf,
    },
    /// A checkpoint does not belong to this run, or is damaged.
    #[error("{path} cannot be resumed: {reason}")]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The loss is not a number any more.
    #[error("at step {step} the gradient or a loss is no finite number; lower the learning rate and start again")]
    Diverged {
        /// The step.
        step: u64,
    },
    /// The GPU that the recipe asks for cannot be used, or failed during the run.
    #[error("`fit.device` is \"cuda\": {0}")]
    Device(DeviceError),
    /// The encoder failed.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The generator failed.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The trained model cannot be written.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// A computation failed.
    #[error("training failed: {0}")]
    Compute(#[from] candle_core::Error),
}

// By hand, so that what is part of the message is not shown again as its source.
impl From<DeviceError> for TrainError {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

impl TrainError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::Interrupted,
            Self::Device(error) => error.is_transient(),
            Self::Encoder(error) => error.is_transient(),
            Self::Generator(error) => error.is_transient(),
            Self::Adapter(error) => error.is_transient(),
            _ => false,
        }
    }
}
