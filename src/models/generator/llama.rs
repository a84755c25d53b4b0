//! The forward pass of a Llama model, and greedy decoding.
//!
//! The architecture: <https://arxiv.org/abs/2302.13971>; the reference for the arithmetic is
//! <https://github.com/huggingface/transformers/blob/main/src/transformers/models/llama/modeling_llama.py>.
//! Runs in the rayon pool that it is called in. May depend on its siblings for the arithmetic; knows no text.

use std::ops::Range;

use super::{
    attention::attend,
    config::LlamaConfig,
    kv_cache::{LayerCache, POSITIONS},
    matrix::{Matrix, Product},
    packed::PackedMatrix,
    rope,
    rows::{change_rows, map_rows},
    speculate::{GUESSES, guess},
};
use crate::models::fused::kernels;

/// A prompt is read in pieces of this many tokens, which bounds the size of the intermediate results.
const CHUNK: usize = 256;

/// The weights of one layer.
pub(super) struct Layer {
    pub attention_norm: Vec<f32>,
    /// Queries, keys and values, one below the other.
    pub qkv: Matrix,
    pub attention_output: Matrix,
    pub feed_forward_norm: Vec<f32>,
    /// Gate and up, one below the other.
    pub gate_up: Matrix,
    pub down: Matrix,
}

/// The weights of a model.
pub(super) struct Weights {
    pub config: LlamaConfig,
    pub embedding: PackedMatrix,
    pub layers: Vec<Layer>,
    pub output_norm: Vec<f32>,
    /// `None`: the embedding is the output layer too.
    pub output: Option<PackedMatrix>,
    /// How much slower each pair of dimensions turns; all 1 unless the file says otherwise.
    pub rope_factors: Vec<f32>,
}

/// A model with the state of the conversation that it last read.
pub(super) struct Llama {
    weights: Weights,
    window: usize,
    cosines: Vec<f32>,
    sines: Vec<f32>,
    cache: Vec<LayerCache>,
    /// The prompt tokens whose keys and values are in the cache.
    read: Vec<u32>,
    /// The forward passes that writing the last answer took: less than its tokens where guesses were right.
    passes: usize,
    buffers: Buffers,
}

/// Intermediate results, kept so that they are not allocated anew for each layer.
#[derive(Default)]
struct Buffers {
    state: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    gate_up: Vec<f32>,
    gated: Vec<f32>,
    logits: Vec<f32>,
}

/// What to do after a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Go on.
    Continue,
    /// Nobody waits for this any more.
    Abandon,
}

/// How decoding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// One of the end tokens came.
    Done,
    /// The bound was reached.
    MaxTokens,
    /// The caller said so.
    Abandoned,
    /// The arithmetic left the range of floats.
    NotFinite,
}

impl Llama {
    /// A model for conversations of up to `window` tokens.
    pub fn new(weights: Weights, window: usize) -> Self {
        let config = &weights.config;
        let (cosines, sines) = rope::angles(config, &weights.rope_factors, window);
        Self {
            cosines,
            sines,
            cache: (0..config.layers).map(|_| LayerCache::new(window, config.kv_heads, config.head_dim)).collect(),
            read: Vec::new(),
            passes: 0,
            buffers: Buffers::default(),
            window,
            weights,
        }
    }

    /// Forgets everything that was read, also what lies behind it: a number that is not finite, left where
    /// attention reads with weight 0, would still spoil its sums.
    pub fn wipe(&mut self) {
        self.read.clear();
        for layer in &mut self.cache {
            layer.wipe();
        }
    }

    /// The forward passes that writing the last answer took.
    pub fn passes(&self) -> usize {
        self.passes
    }

    /// Reads a prompt and continues it greedily. What may come next is looked up in the text (`speculate`) and read in the
    /// same pass as the token before it; only what greedy decoding would have written itself is taken, so the tokens are
    /// the same as one by one. `step` gets each token, and is asked before each piece of work
    /// (then without a token). The prompt plus `max_new` tokens must fit the window.
    pub fn generate(
        &mut self,
        prompt: &[u32],
        max_new: usize,
        ends: &[u32],
        mut step: impl FnMut(Option<u32>) -> Step,
    ) -> End {
        assert!(!prompt.is_empty() && prompt.len() + max_new <= self.window, "the caller checks the length");
        if self.prefill(prompt, || step(None)) == Step::Abandon {
            return End::Abandoned;
        }
        self.passes = 0;
        let mut text = prompt.to_vec();
        // The tokens that were read together, of which the first is certain and the others were guessed to follow it.
        let mut together: Vec<u32> = Vec::new();
        loop {
            // Each score that stands behind a right guess gives the next token as well.
            let mut row = 0;
            let next = loop {
                let Some(next) = best(self.scores(row)) else {
                    self.wipe();
                    return End::NotFinite;
                };
                if ends.contains(&next) {
                    return End::Done;
                }
                if step(Some(next)) == Step::Abandon {
                    return End::Abandoned;
                }
                text.push(next);
                if text.len() - prompt.len() == max_new {
                    return End::MaxTokens;
                }
                row += 1;
                if together.get(row) != Some(&next) {
                    break next;
                }
            };
            let room = max_new - (text.len() - prompt.len());
            together.clear();
            together.push(next);
            together.extend_from_slice(guess(&text, GUESSES.min(room - 1)));
            self.forward(&together, text.len() - 1, Product::Vectors);
            self.score_rows(0..together.len());
            self.passes += 1;
        }
    }

    /// Reads a prompt, up to the logits of what follows it. What it shares with the last prompt is not read again,
    /// in whole blocks of positions: the result is the same to the bit as without that.
    fn prefill(&mut self, prompt: &[u32], mut step: impl FnMut() -> Step) -> Step {
        let shared = self.read.iter().zip(prompt).take_while(|(old, new)| old == new).count();
        // At least two tokens are read anew: a lone row takes another path through the product's kernels.
        let mut position = shared.min(prompt.len().saturating_sub(2)) / POSITIONS * POSITIONS;
        self.read.truncate(position);
        tracing::debug!(tokens = prompt.len(), reused = position, "reading a prompt");
        while position < prompt.len() {
            if step() == Step::Abandon {
                return Step::Abandon;
            }
            let end = ((position / CHUNK + 1) * CHUNK).min(prompt.len());
            self.forward(&prompt[position..end], position, Product::Rows);
            self.read.extend_from_slice(&prompt[position..end]);
            position = end;
        }
        let last = self.buffers.state.len() / self.weights.config.embedding - 1;
        self.score_rows(last..last + 1);
        Step::Continue
    }

    /// Runs all layers over consecutive tokens, the first of which stands at `position`.
    fn forward(&mut self, tokens: &[u32], position: usize, product: Product) {
        let Self { weights, cosines, sines, cache, buffers, .. } = self;
        let config = &weights.config;
        let (rows, embedding, half) = (tokens.len(), config.embedding, config.head_dim / 2);
        let Buffers { state, normed, qkv, attended, gate_up, gated, .. } = buffers;
        state.resize(rows * embedding, 0.0);
        normed.resize(rows * embedding, 0.0);
        attended.resize(rows * config.query_width(), 0.0);
        gated.resize(rows * config.feed_forward, 0.0);
        for (token, row) in tokens.iter().zip(state.chunks_exact_mut(embedding)) {
            weights.embedding.row(*token as usize, row);
        }
        for (layer, cache) in weights.layers.iter().zip(cache) {
            norm(state, &layer.attention_norm, config, normed);
            zeroed(qkv, rows * config.qkv_width());
            layer.qkv.add_product(normed, product, qkv);
            change_rows(qkv, config.qkv_width(), |row, qkv| {
                let angles = (position + row) * half..(position + row + 1) * half;
                let queries_and_keys = &mut qkv[..config.query_width() + config.kv_width()];
                let (width, cosines, sines) = (queries_and_keys.len(), &cosines[angles.clone()], &sines[angles]);
                kernels::rotate(queries_and_keys, width, width, half, cosines, sines, 1.0);
            });
            cache.store(position, qkv, config.qkv_width(), config.query_width());
            attend(config, qkv, position, cache, product, attended);
            layer.attention_output.add_product(attended, product, state);

            norm(state, &layer.feed_forward_norm, config, normed);
            zeroed(gate_up, rows * 2 * config.feed_forward);
            layer.gate_up.add_product(normed, product, gate_up);
            map_rows(gate_up, 2 * config.feed_forward, gated, config.feed_forward, |gate_up, gated| {
                kernels::swiglu(gate_up, config.feed_forward, gated);
            });
            layer.down.add_product(gated, product, state);
        }
    }

    /// Computes the scores of all tokens, after each of some tokens of the last forward pass.
    fn score_rows(&mut self, rows: Range<usize>) {
        let Self { weights, buffers, .. } = self;
        let Buffers { state, normed, logits, .. } = buffers;
        let embedding = weights.config.embedding;
        let output = weights.output.as_ref().unwrap_or(&weights.embedding);
        let state = &state[rows.start * embedding..rows.end * embedding];
        let normed = &mut normed[..state.len()];
        norm(state, &weights.output_norm, &weights.config, normed);
        zeroed(logits, rows.len() * output.outputs);
        output.add_times_vectors(normed, logits);
    }

    /// The scores after one of the rows that were scored.
    fn scores(&self, row: usize) -> &[f32] {
        let output = self.weights.output.as_ref().unwrap_or(&self.weights.embedding);
        &self.buffers.logits[row * output.outputs..(row + 1) * output.outputs]
    }
}

fn norm(state: &[f32], weight: &[f32], config: &LlamaConfig, out: &mut [f32]) {
    map_rows(state, config.embedding, out, config.embedding, |state, out| {
        kernels::rms_norm(state, weight, config.norm_epsilon, out);
    });
}

fn zeroed(buffer: &mut Vec<f32>, length: usize) {
    buffer.clear();
    buffer.resize(length, 0.0);
}

/// The first of the highest scores; `None` when a score is not a finite number.
fn best(logits: &[f32]) -> Option<u32> {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, score) in logits.iter().enumerate() {
        if !score.is_finite() {
            return None;
        }
        if *score > best.1 {
            best = (token, *score);
        }
    }
    Some(best.0 as u32)
}

mod trace;

#[cfg(test)]
mod tests;
