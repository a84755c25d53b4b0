//! The generator: a small chat model that runs inside the process, on the CPU.
//!
//! [`Generator`] is what the rest of the service sees; [`LlamaGenerator`] is the model that ships. The flow of
//! one request: `chat` + `tokenizer` turn messages into tokens, `thread` queues them for the one OS thread that
//! owns the model, `batch` works on several at once, each of them a `sequence`, whose beginning `prefix_cache` may know,
//! `llama` runs the forward pass (`matrix` with `packed` and `product`, `attention`, `kv_cache` and the kernels crate),
//! and `text` turns tokens back into pieces of valid UTF-8. `adapter` fits a LoRA adapter to the model:
//! it is merged into the weights while `load` reads them, or kept `beside` them. `trace` is for comparing with other
//! implementations, and `training` is the same model with pairs that are trained.
//!
//! May depend on candle (GGUF files, and for `training`), gemm, rayon, tokenizers, tokio's channels, `models::adapter`
//! and `models::fused`; knows nothing of documents, prompts or the network. No vendor type leaves this file but those
//! of `training`.

mod adapter;
mod attention;
mod batch;
mod beside;
mod chat;
mod config;
mod dense;
mod kv_cache;
mod llama;
mod load;
mod matrix;
mod packed;
mod prefix_cache;
mod product;
#[cfg(test)]
mod reference;
mod rope;
mod rows;
mod sequence;
mod source;
mod speculate;
mod speed;
mod text;
mod thread;
#[cfg(test)]
pub(crate) mod tiny;
mod tokenizer;
mod trace;
pub mod training;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub use adapter::{AdapterMode, AdapterOption};
pub use speed::{Stopwatch, Timed};
pub use thread::{LlamaGenerator, LlamaOptions};
pub use trace::Trace;

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The rules of the conversation.
    System,
    /// The person who asks.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation. Its content is always plain text: markers such as `<|im_start|>` in it are
/// read as the characters they are, never as the beginning of another message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message by `role`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateRequest {
    /// The conversation so far; the last message is the user's. No system message is added to it.
    pub messages: Vec<Message>,
    /// The most tokens the answer may have, at least 1.
    pub max_new_tokens: u32,
}

/// Why generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The model said that it is done.
    EndToken,
    /// `max_new_tokens` were generated.
    MaxTokens,
}

/// An answer of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The whole text: exactly the concatenation of the pieces that were streamed.
    pub text: String,
    /// The length of the prompt in tokens, template included.
    pub prompt_tokens: u32,
    /// The length of the answer in tokens, without the end token.
    pub completion_tokens: u32,
    /// Why it ended.
    pub stop: StopReason,
}

/// A model that continues a conversation.
#[async_trait]
pub trait Generator: Send + Sync + 'static {
    /// The name of the model.
    fn name(&self) -> &str;

    /// The name of the fine-tuned adapter in use, with the beginning of its SHA-256, if there is one.
    fn adapter(&self) -> Option<&str>;

    /// How many tokens a prompt and its answer may have together.
    fn context_window(&self) -> u32;

    /// The length of a text in tokens.
    fn count_tokens(&self, text: &str) -> Result<u32, GeneratorError>;

    /// The length of a whole prompt in tokens, exactly as [`Generator::generate`] would count it.
    fn count_prompt_tokens(&self, messages: &[Message]) -> Result<u32, GeneratorError>;

    /// Continues the conversation, greedily. `pieces` gets the text as it comes, in whole code points; a slow
    /// reader gets fewer and longer pieces, and never holds up the model. Read it while this future runs, not
    /// after. When the future is dropped the model turns away from the request within one token.
    async fn generate(
        &self,
        request: GenerateRequest,
        pieces: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GeneratorError>;
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// The prompt and the answer do not fit; nothing was cut.
    #[error(
        "prompt and answer need {tokens} tokens but the model's window has {window}: pass fewer or shorter passages, \
         or ask for a shorter answer"
    )]
    PromptTooLong {
        /// The length of the prompt plus `max_new_tokens`.
        tokens: u32,
        /// The context window.
        window: u32,
    },
    /// The queue before the model is full.
    #[error("the generator is busy: try again in a moment")]
    Busy,
    /// The model's thread has ended.
    #[error("the generator has stopped: restart the service")]
    Stopped,
    /// This generation failed.
    #[error("generation failed: {0}")]
    Failed(String),
    /// The adapter does not fit the model, or is damaged.
    #[error("the adapter `{name}` cannot be used: {reason}")]
    Adapter {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model could not be loaded.
    #[error("cannot load the generator: {0}")]
    Load(String),
}

impl GeneratorError {
    /// Whether the same request may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy)
    }
}
