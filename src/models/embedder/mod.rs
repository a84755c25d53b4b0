//! Text to dense vectors.
//!
//! [`Embedder`] is what the rest of the program sees; [`FastEmbedder`] is the one backend, and [`Embedders`] knows which
//! one each generation of the index needs. `batching` decides
//! which texts go through the model together, `queue` hands them to the threads that own it. May depend on
//! `domain`, `models::catalog` and `models::weights`.

mod batching;
mod fastembed;
mod queue;
mod registry;

use std::sync::Arc;

use async_trait::async_trait;

use super::weights::WeightsError;
use crate::domain::EmbedderStamp;

pub use fastembed::{EmbedderSpec, FastEmbedder, Pooling};
pub use queue::Tuning;
pub use registry::{Embedders, NoOthers, OpenEmbedder};

/// Counts the tokens of a passage as the embedder will see it: with what is put before it, and with the
/// special tokens around it.
pub type TokenCounter = Arc<dyn Fn(&str) -> usize + Send + Sync>;

/// Turns text into vectors of length 1.
#[async_trait]
pub trait Embedder: Send + Sync + 'static {
    /// What the vectors depend on. An index with another stamp cannot be searched with these vectors.
    fn stamp(&self) -> &EmbedderStamp;

    /// The most tokens that a text may have; a longer one is refused, never cut.
    fn max_tokens(&self) -> usize;

    /// What the chunker sizes passages with.
    fn token_counter(&self) -> TokenCounter;

    /// One vector for each passage, in order. Waits its turn behind questions and earlier passages.
    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError>;

    /// The same vectors for passages that somebody is waiting for: they queue with the questions.
    async fn embed_passages_first(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError> {
        self.embed_passages(texts).await
    }

    /// The vector of a question. Goes before passages: it waits for the running batch at most.
    async fn embed_question(&self, text: String) -> Result<Vec<f32>, EmbedderError>;
}

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbedderError {
    /// A text does not fit into the model.
    #[error("text {index} has {tokens} tokens, the embedder takes {max}; shorten it")]
    TooLong {
        /// Which of the texts of the call, from 0.
        index: usize,
        /// Its tokens.
        tokens: usize,
        /// The most that the model takes.
        max: usize,
    },
    /// Too much is waiting already.
    #[error("the embedder's queue is full ({waiting}); try again in a moment")]
    Busy {
        /// What fills it.
        waiting: &'static str,
    },
    /// The vectors did not come in time.
    #[error("the embedder did not answer within {seconds} s; try again when it is less busy")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
    /// The embedder is shutting down.
    #[error("the embedder has been stopped")]
    Stopped,
    /// The model failed on a text.
    #[error("the embedding model failed: {0}")]
    Inference(String),
    /// The model or its tokenizer could not be loaded.
    #[error("the embedding model in {path} cannot be used: {reason}")]
    Model {
        /// The model's directory or file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// ONNX Runtime could not be loaded.
    #[error("onnx runtime cannot be loaded from {path}: {reason}")]
    Runtime {
        /// The shared library.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The files of the model are not there.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl EmbedderError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Timeout { .. } | Self::Stopped => true,
            Self::Weights(error) => error.is_transient(),
            Self::TooLong { .. } | Self::Inference(_) | Self::Model { .. } | Self::Runtime { .. } => false,
        }
    }
}
