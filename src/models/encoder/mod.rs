//! The small encoder (a BERT such as MiniLM) and what is built on it: the reader, which finds the span of a passage
//! that answers a question and says whether there is one.
//!
//! `config` and `load` read the files, `bert` is the forward pass for inference and for training, `heads` turns its
//! rows into logits, `low_rank` what changes its layers, `features` text into tokens and back, `reader` puts them
//! together. May depend on `models::adapter`, `models::fused` and candle.

pub mod bert;
pub mod config;
pub mod features;
pub mod heads;
pub mod load;
pub mod low_rank;
#[cfg(test)]
mod parity_tests;
pub mod reader;
#[cfg(test)]
pub mod tiny;

use std::path::PathBuf;

use super::adapter::AdapterError;

/// Why an encoder cannot be loaded or used.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
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
    /// A file is not what it should be.
    #[error("{path} cannot be used: {reason}")]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The files of a reader cannot be read or used.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The question alone fills the model's window.
    #[error("the question has {tokens} tokens, the reader takes {max}; shorten it")]
    QuestionTooLong {
        /// Its tokens.
        tokens: usize,
        /// The most it may have.
        max: usize,
    },
    /// The tokenizer failed on a text.
    #[error("the tokenizer failed: {0}")]
    Tokenizer(String),
    /// A computation failed.
    #[error("the encoder failed: {0}")]
    Inference(#[from] candle_core::Error),
}

impl EncoderError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::Interrupted,
            Self::Adapter(error) => error.is_transient(),
            _ => false,
        }
    }
}
