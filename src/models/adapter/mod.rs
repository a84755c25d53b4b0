//! Low-rank adapters (LoRA, <https://arxiv.org/abs/2106.09685>) in the files of Python's PEFT
//! (<https://github.com/huggingface/peft>), so that an adapter trained here loads there and the other way round.
//!
//! `files` holds the files of a folder, `config` is `adapter_config.json`, `low_rank` one pair of factors and its way
//! into the weights, `tensors` reads and writes `adapter_model.safetensors`, `trained` is the pairs of a product while
//! they are trained. Knows no kind of model: what module a pair belongs to is a path. May depend on `models::fused`.

pub mod config;
pub mod files;
pub mod low_rank;
mod tensors;
#[cfg(test)]
mod tests;
pub mod trained;

use std::{collections::BTreeMap, path::PathBuf};

pub use config::AdapterConfig;
pub use files::AdapterFiles;
pub use low_rank::LowRank;
pub use tensors::Precision;

/// The name of an adapter's settings.
pub const ADAPTER_CONFIG: &str = "adapter_config.json";
/// The name of an adapter's tensors.
pub const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";

/// Tensors by name, each with its shape.
pub type WholeTensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// An adapter: for some linear modules a pair of factors, for others new tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// Its settings.
    pub config: AdapterConfig,
    /// The pairs, by the path of their module (`bert.encoder.layer.0.attention.self.query`).
    pub pairs: BTreeMap<String, LowRank>,
    /// The tensors that were trained in full, by their names (`qa_outputs.weight`).
    pub whole: WholeTensors,
}

/// Why an adapter cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
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
    /// A folder is not that of an adapter.
    #[error("{path} cannot be read as an adapter: {reason}")]
    Folder {
        /// The folder, or what is in it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the adapter is missing.
    #[error("the adapter has no `{name}`; it has {present}")]
    Missing {
        /// The file.
        name: String,
        /// The files that it has.
        present: String,
    },
    /// A file of the adapter is not what it should be.
    #[error("the adapter's `{name}` cannot be used: {reason}")]
    File {
        /// The file.
        name: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A tensor of the adapter is not what it should be.
    #[error("the adapter's tensor `{name}` cannot be used: {reason}")]
    Tensor {
        /// The tensor, or the module that it belongs to.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl AdapterError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::Interrupted)
    }
}
