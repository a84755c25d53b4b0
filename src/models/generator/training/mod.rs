//! The generator's model in training: its weights as they are in the file, and low-rank pairs beside some of them
//! (<https://arxiv.org/abs/2106.09685>).
//!
//! `load` reads a GGUF file into dense weights, `forward` runs packed sequences through them, `modules` names what may
//! have a pair and turns what was trained into an adapter. The arithmetic is that of inference, on floats instead of
//! packed bytes: tests hold the two against each other. May depend on its siblings for files and texts,
//! `models::adapter`, `models::fused` and candle.

mod forward;
mod load;
mod modules;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::Tensor;

pub use forward::Batch;
pub use modules::{Module, PairSettings};

use super::{GeneratorError, Message, chat::ChatTemplate, config::LlamaConfig, tokenizer::Vocabulary};
use crate::models::{adapter::trained::TrainedPairs, fused::rotary::Rotation};

/// A model whose weights are frozen.
pub struct TrainingLlama {
    config: LlamaConfig,
    /// `[vocabulary, width]`.
    embedding: Tensor,
    /// `[vocabulary, width]`; `None`: the embedding is the output layer too.
    output: Option<Tensor>,
    /// `[width]`.
    output_norm: Tensor,
    layers: Vec<Layer>,
    rotation: Arc<Rotation>,
    vocabulary: Vocabulary,
    template: ChatTemplate,
    sha256: String,
}

/// The weights of one layer, products stored `[in, out]`, and what changes them.
struct Layer {
    attention_norm: Tensor,
    feed_forward_norm: Tensor,
    products: [Tensor; 4],
    pairs: [Option<Pairs>; 4],
}

/// The pairs of one product.
struct Pairs {
    /// Whose they are, in the order of [`Module::ALL`].
    modules: Vec<Module>,
    trained: TrainedPairs,
    /// The share of their inputs that are dropped in training.
    dropout: f32,
}

/// What is one product in the forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Product {
    /// Queries, keys and values.
    Qkv,
    /// The product behind attention.
    AttentionOutput,
    /// The gate, and what it lets through.
    GateUp,
    /// The product behind the gate.
    Down,
}

impl Product {
    const ALL: [Self; 4] = [Self::Qkv, Self::AttentionOutput, Self::GateUp, Self::Down];
}

impl TrainingLlama {
    /// How many layers there are.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// The numbers of a hidden state.
    pub fn width(&self) -> usize {
        self.config.embedding
    }

    /// The longest sequence that the model was made for.
    pub fn window(&self) -> usize {
        self.config.window
    }

    /// The sha256 of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The tokens of a prompt, exactly as the generator reads it.
    pub fn prompt_tokens(&self, messages: &[Message]) -> Result<Vec<u32>, GeneratorError> {
        self.template.encode(messages, &self.vocabulary)
    }

    /// The tokens of an answer and the one that ends it, as the generator would have to write them.
    pub fn answer_tokens(&self, text: &str) -> Result<Vec<u32>, GeneratorError> {
        let mut tokens = self.vocabulary.encode(text)?;
        tokens.push(self.template.end());
        Ok(tokens)
    }
}
