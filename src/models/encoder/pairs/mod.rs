//! Two texts read together, and what the one is to the other: whether evidence supports a sentence, whether a passage
//! answers a question.
//!
//! [`PairScorer`] is what answering sees; [`MiniLmPairs`] is the one backend. `settings` is the file `pairs.json`, `model`
//! the encoder with its head, `load` reads and writes both, `minilm` lets a few callers score at a time. May depend on
//! the siblings, `models::adapter`, `models::cores` and candle.

pub mod load;
mod minilm;
pub mod model;
pub mod settings;

use async_trait::async_trait;

pub use minilm::MiniLmPairs;
pub use settings::PairSettings;

use super::EncoderError;

/// A model that reads two texts together.
#[async_trait]
pub trait PairScorer: Send + Sync + 'static {
    /// The name that answers carry; it differs for models of different weights.
    fn name(&self) -> &str;

    /// What a pair may be, in the order of the scores.
    fn labels(&self) -> &[String];

    /// From which score on a label counts, where that was chosen; on data that nothing was trained on.
    fn threshold(&self, label: &str) -> Option<f32>;

    /// For each pair the probability of each label, 0 to 1. With several labels they add up to 1; with one it is the
    /// probability that it holds. The first text of a pair has a length that it may not pass; the second may be of any.
    async fn score(&self, pairs: Vec<(String, String)>) -> Result<Vec<Vec<f32>>, PairError>;
}

/// Why pairs were not scored.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The first text takes more of the model's window than it may.
    #[error("the text to compare has {tokens} tokens, the model takes {max}; give it in parts")]
    TextTooLong {
        /// Its tokens.
        tokens: usize,
        /// The most it may have.
        max: usize,
    },
    /// Too many callers are waiting already.
    #[error("the queue of {name} is full ({waiting} are waiting); try again in a moment")]
    Busy {
        /// The model.
        name: String,
        /// How many may wait.
        waiting: usize,
    },
    /// The scores did not come in time.
    #[error("{name} did not answer within {seconds} s; try again when it is less busy")]
    Timeout {
        /// The model.
        name: String,
        /// How long was waited.
        seconds: u64,
    },
    /// Scoring failed.
    #[error("comparing texts failed: {0}")]
    Failed(String),
}

impl PairError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Timeout { .. })
    }
}

impl From<EncoderError> for PairError {
    fn from(error: EncoderError) -> Self {
        match error {
            EncoderError::QuestionTooLong { tokens, max } => Self::TextTooLong { tokens, max },
            other => Self::Failed(other.to_string()),
        }
    }
}
