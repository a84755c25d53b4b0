//! The forward pass of a Llama model over several sequences at once.
//!
//! The architecture: <https://arxiv.org/abs/2302.13971>; the reference for the arithmetic is
//! <https://github.com/huggingface/transformers/blob/main/src/transformers/models/llama/modeling_llama.py>. A sequence gets
//! the same bits whatever stands beside it. Runs in the rayon pool that it is called in. May depend on its siblings for the
//! arithmetic; knows no text.

use super::{
    attention::{Place, attend},
    config::LlamaConfig,
    kv_cache::{PageId, PagePool, pages_for},
    matrix::{Matrix, Product},
    packed::PackedMatrix,
    prefix_cache::PrefixCache,
    rope,
    rows::{change_rows, map_rows},
    sequence::{End, Sequence},
};
use crate::models::fused::kernels;

/// A prompt that is read alone is read in parts of so many tokens, which bounds the size of the intermediate results.
pub(super) const CHUNK: usize = 256;
/// The tokens that one pass of writing reads, as far as guesses make them more than there are sequences: beyond this the
/// arithmetic and no longer memory bounds a pass.
const WRITTEN_TOGETHER: usize = 8;

/// The weights of one layer.
pub(super) struct Layer {
    pub attention_norm: Vec<f32>,
    /// Queries, keys and values, one below the other.
    pub qkv: Matrix,
    /// What is added to them, where the model has it.
    pub qkv_bias: Option<Vec<f32>>,
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

/// A model, with what it has read.
pub(super) struct Llama {
    weights: Weights,
    window: usize,
    cosines: Vec<f32>,
    sines: Vec<f32>,
    pool: PagePool,
    prefixes: PrefixCache,
    buffers: Buffers,
}

/// Consecutive tokens of a sequence.
#[derive(Clone, Copy)]
struct Run<'a> {
    tokens: &'a [u32],
    position: usize,
    pages: &'a [PageId],
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

impl Llama {
    /// A model for sequences of up to `window` tokens, which holds the keys and values of up to `positions` tokens of all
    /// sequences in work and of prompts that it has read.
    pub fn new(weights: Weights, window: usize, positions: usize) -> Self {
        let config = &weights.config;
        let (cosines, sines) = rope::angles(config, &weights.rope_factors, window);
        Self {
            cosines,
            sines,
            pool: PagePool::new(positions.max(window), config.layers, config.kv_heads, config.head_dim),
            prefixes: PrefixCache::default(),
            buffers: Buffers::default(),
            window,
            weights,
        }
    }

    /// Forgets everything that was read. The sequences in work lose their pages with it.
    pub fn wipe(&mut self) {
        self.prefixes = PrefixCache::default();
        self.pool.reset();
    }

    /// Begins a sequence, if there is room for it beside those in work; alone, each has. What its prompt shares with one
    /// that was read before is not read again, in whole blocks of positions: the result is the same to the bit as without
    /// that. Prompt and answer must fit the window.
    pub fn begin(&mut self, prompt: &[u32], max_new: usize) -> Option<Sequence> {
        let length = prompt.len() + max_new;
        assert!(!prompt.is_empty() && max_new > 0 && length <= self.window, "the caller checks the length");
        let (pages, held) = self.prefixes.begin(prompt, pages_for(length), &mut self.pool)?;
        tracing::debug!(tokens = prompt.len(), reused = held, "reading a prompt");
        Some(Sequence::new(prompt, max_new, pages, held))
    }

    /// Reads on in the prompts of sequences, the first of them first, of all together up to `room` tokens. Those that are at
    /// the end of their prompt have their first token after it.
    pub fn read(&mut self, sequences: &mut [&mut Sequence], room: usize, ends: &[u32]) {
        let (mut runs, mut rows, mut scored) = (Vec::new(), 0, Vec::new());
        for sequence in sequences.iter() {
            let (position, tokens) = sequence.part_to_read(room - rows);
            if tokens.is_empty() {
                break;
            }
            rows += tokens.len();
            if position + tokens.len() == sequence.prompt().len() {
                scored.push(rows - 1);
            }
            runs.push(Run { tokens, position, pages: &sequence.pages });
        }
        self.forward(&runs, Product::Rows);
        self.score(&scored);
        let counts: Vec<usize> = runs.iter().map(|run| run.tokens.len()).collect();
        let mut row = 0;
        for (sequence, count) in sequences.iter_mut().zip(counts) {
            sequence.has_read(count);
            if !sequence.is_reading() {
                sequence.take([self.scores(row)].into_iter(), ends);
                row += 1;
                if sequence.end() != Some(End::NotFinite) {
                    self.prefixes.keep(sequence.prompt(), &sequence.pages, &mut self.pool);
                }
            }
        }
    }

    /// Writes on in sequences whose prompts are read: at least a token in each, unless it ends.
    pub fn write(&mut self, sequences: &mut [&mut Sequence], ends: &[u32]) {
        let guesses = (WRITTEN_TOGETHER / sequences.len()).saturating_sub(1);
        sequences.iter_mut().for_each(|sequence| sequence.choose(guesses));
        let runs: Vec<Run<'_>> = sequences
            .iter()
            .map(|sequence| {
                let (position, tokens) = sequence.chosen();
                Run { tokens, position, pages: &sequence.pages }
            })
            .collect();
        self.forward(&runs, Product::Vectors);
        let rows: Vec<usize> = (0..runs.iter().map(|run| run.tokens.len()).sum()).collect();
        self.score(&rows);
        let mut first = 0;
        for sequence in sequences.iter_mut() {
            let count = sequence.chosen().1.len();
            sequence.take((first..first + count).map(|row| self.scores(row)), ends);
            first += count;
        }
    }

    /// Ends a sequence, whether or not it is at its end.
    pub fn finish(&mut self, sequence: Sequence) {
        if sequence.end() == Some(End::NotFinite) {
            // What is not finite may stand behind what is kept, in the same page.
            self.prefixes.clear(&mut self.pool);
            sequence.pages.iter().for_each(|page| self.pool.clean(*page));
        }
        sequence.pages.into_iter().for_each(|page| self.pool.release(page));
    }

    /// Runs all layers over new tokens of several sequences.
    fn forward(&mut self, runs: &[Run<'_>], product: Product) {
        let Self { weights, cosines, sines, pool, buffers, .. } = self;
        let config = &weights.config;
        let mut rows = 0;
        let places: Vec<Place<'_>> = runs
            .iter()
            .map(|Run { tokens, position, pages }| {
                let place = Place { pages, position: *position, first_row: rows, rows: tokens.len() };
                rows += tokens.len();
                place
            })
            .collect();
        let positions: Vec<usize> =
            places.iter().flat_map(|place| place.position..place.position + place.rows).collect();
        let (embedding, half, width) = (config.embedding, config.head_dim / 2, config.qkv_width());
        let Buffers { state, normed, qkv, attended, gate_up, gated, .. } = buffers;
        state.resize(rows * embedding, 0.0);
        normed.resize(rows * embedding, 0.0);
        attended.resize(rows * config.query_width(), 0.0);
        gated.resize(rows * config.feed_forward, 0.0);
        let tokens = runs.iter().flat_map(|run| run.tokens);
        for (token, row) in tokens.zip(state.chunks_exact_mut(embedding)) {
            weights.embedding.row(*token as usize, row);
        }
        for (number, layer) in weights.layers.iter().enumerate() {
            norm(state, &layer.attention_norm, config, normed);
            match &layer.qkv_bias {
                None => zeroed(qkv, rows * width),
                Some(bias) => {
                    qkv.clear();
                    (0..rows).for_each(|_| qkv.extend_from_slice(bias));
                }
            }
            layer.qkv.add_product(normed, product, qkv);
            change_rows(qkv, width, |row, qkv| {
                let angles = positions[row] * half..(positions[row] + 1) * half;
                let queries_and_keys = &mut qkv[..config.query_width() + config.kv_width()];
                let (width, cosines, sines) = (queries_and_keys.len(), &cosines[angles.clone()], &sines[angles]);
                kernels::rotate(queries_and_keys, width, width, half, cosines, sines, 1.0);
            });
            for place in &places {
                let rows = &qkv[place.first_row * width..][..place.rows * width];
                pool.store(place.pages, number, place.position, rows, width, config.query_width());
            }
            attend(config, qkv, &places, pool, number, product, attended);
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

    /// Computes the scores of all tokens, after some rows of the last forward pass.
    fn score(&mut self, rows: &[usize]) {
        let Self { weights, buffers, .. } = self;
        let Buffers { state, normed, logits, .. } = buffers;
        let (config, embedding) = (&weights.config, weights.config.embedding);
        let output = weights.output.as_ref().unwrap_or(&weights.embedding);
        normed.resize(normed.len().max(rows.len() * embedding), 0.0);
        let normed = &mut normed[..rows.len() * embedding];
        for (row, normed) in rows.iter().zip(normed.chunks_exact_mut(embedding)) {
            let state = &state[row * embedding..(row + 1) * embedding];
            kernels::rms_norm(state, &weights.output_norm, config.norm_epsilon, normed);
        }
        zeroed(logits, rows.len() * output.outputs);
        if rows.is_empty() {
            return;
        }
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

mod trace;

#[cfg(test)]
mod tests;
