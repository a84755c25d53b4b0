//! The small encoder (a BERT such as MiniLM) and what is built on it: the reader, which finds the span of a passage
//! that answers a question and says whether there is one.
//!
//! [`SpanReader`] is what answering sees; [`MiniLmReader`] is the one backend. `config` and `load` read the files, `bert`
//! is the forward pass for inference and for training, `heads` turns its rows into logits, `low_rank` what changes its
//! layers, `features` text into tokens and back, `reader` puts them together, `decision` says what a score means,
//! `minilm` lets a few callers read at a time; `pairs` is the same encoder over two texts, with a head of its own, and
//! `parallel` divides windows among threads. May depend on `domain`, `models::adapter`, `models::fused`,
//! `models::cores`, rayon
//! and candle.

pub mod bert;
pub mod config;
pub mod decision;
pub mod features;
pub mod heads;
pub mod load;
pub mod low_rank;
mod minilm;
pub mod pairs;
mod parallel;
#[cfg(test)]
mod parity_tests;
pub mod reader;
#[cfg(test)]
pub mod tiny;
mod turns;

use std::path::PathBuf;

use async_trait::async_trait;

use super::adapter::AdapterError;
use crate::domain::text::CodePointRange;
pub use decision::Decision;
pub use minilm::MiniLmReader;
pub use pairs::{MiniLmPairs, PairError, PairScorer};

/// A passage that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TitledPassage {
    /// The title of its source; may be empty.
    pub title: String,
    /// The text.
    pub text: String,
}

/// The span of a passage that answers best, whether or not it answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestSpan {
    /// Where it stands in the passage's text; never empty.
    pub range: CodePointRange,
    /// How much better it is than "no span"; comparable between the passages of one question. Finite.
    pub score: f32,
}

/// The best span of all passages, and which passage holds it; of equals the first passage's.
pub fn best_of_all(spans: &[Option<BestSpan>]) -> Option<(usize, BestSpan)> {
    let found = spans.iter().enumerate().filter_map(|(passage, span)| Some((passage, (*span)?)));
    found.reduce(|best, next| if next.1.score > best.1.score { next } else { best })
}

/// A model that reads passages and finds the span that answers a question.
#[async_trait]
pub trait SpanReader: Send + Sync + 'static {
    /// The name that answers carry; it differs for readers of different weights.
    fn name(&self) -> &str;

    /// What a score means.
    fn decision(&self) -> Decision;

    /// The best span of each passage, in order; `None` for a passage in which there is nothing to read.
    async fn read(&self, question: String, passages: Vec<TitledPassage>) -> Result<Vec<Option<BestSpan>>, ReaderError>;
}

/// Why passages were not read.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The question takes more of the model's window than it may.
    #[error("the question has {tokens} tokens, the reader takes {max}; shorten it")]
    QuestionTooLong {
        /// Its tokens.
        tokens: usize,
        /// The most it may have.
        max: usize,
    },
    /// Too many questions are waiting already.
    #[error("the reader's queue is full ({waiting} are waiting); try again in a moment")]
    Busy {
        /// How many may wait.
        waiting: usize,
    },
    /// The spans did not come in time.
    #[error("the reader did not answer within {seconds} s; try again when it is less busy")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
    /// Reading failed.
    #[error("reading failed: {0}")]
    Failed(String),
}

impl ReaderError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Timeout { .. })
    }
}

impl From<EncoderError> for ReaderError {
    fn from(error: EncoderError) -> Self {
        match error {
            EncoderError::QuestionTooLong { tokens, max } => Self::QuestionTooLong { tokens, max },
            other => Self::Failed(other.to_string()),
        }
    }
}

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
    #[error("the question, or the text that is judged, has {tokens} tokens, and the model takes {max}; shorten it")]
    QuestionTooLong {
        /// Its tokens.
        tokens: usize,
        /// The most it may have.
        max: usize,
    },
    /// The tokenizer failed on a text.
    #[error("the tokenizer failed: {0}")]
    Tokenizer(String),
    /// There are no threads to be had.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
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
