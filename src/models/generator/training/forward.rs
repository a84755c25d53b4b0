//! The forward pass over packed sequences, and the loss on the tokens of answers.
//!
//! Layers without pairs below the first one that has some are part of no graph. May depend on its siblings and
//! `models::fused`.

use std::{ops::Range, sync::Arc};

use candle_core::{Device, Result, Tensor, bail};

use super::{Layer, Product, TrainingLlama};
use crate::models::fused::{
    attention::{Heads, attention},
    dropout::Dropout,
    linear::frozen_linear,
    rms_norm::rms_norm,
    rotary::rotate,
    swiglu::swiglu,
    token_loss::token_loss,
    with_numbers,
};

/// Sequences one behind the other, and which of their rows are asked for the token that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The tokens of each sequence; none is 0.
    pub lengths: Arc<[usize]>,
    /// The rows, ascending.
    pub asked: Vec<u32>,
    /// For each of them the token that follows it.
    pub targets: Vec<u32>,
}

impl TrainingLlama {
    /// The hidden states before the first layer, `[tokens, width]`.
    pub fn embed(&self, tokens: &[u32]) -> Result<Tensor> {
        let width = self.width();
        let mut rows = Vec::with_capacity(tokens.len() * width);
        with_numbers(&self.embedding, |embedding| {
            for token in tokens {
                let first = *token as usize * width;
                match embedding.get(first..first + width) {
                    Some(row) => rows.extend_from_slice(row),
                    None => bail!("token {token} is not in the vocabulary"),
                }
            }
            Ok(())
        })?;
        Tensor::from_vec(rows, (tokens.len(), width), &Device::Cpu)
    }

    /// Runs the lower layers up to `first` over packed sequences.
    pub fn lower(&self, first: usize, rows: Tensor, lengths: &Arc<[usize]>) -> Result<Tensor> {
        self.run(0..first, rows, lengths, None, None)
    }

    /// Runs the layers from `first` on, given what the ones below made, and gives the summed cross entropies of the
    /// asked rows, times `factor`.
    pub fn loss(
        &self,
        first: usize,
        rows: Tensor,
        batch: &Batch,
        dropout_seed: Option<u64>,
        factor: f64,
    ) -> Result<Tensor> {
        let rows = self.run(first..self.layers.len(), rows, &batch.lengths, dropout_seed, Some(&batch.asked))?;
        let normed = rms_norm(&rows, &self.output_norm, self.config.norm_epsilon)?;
        token_loss(&normed, self.output.as_ref().unwrap_or(&self.embedding), batch.targets.clone(), factor)
    }

    /// Runs some layers. With `asked`, nothing but attention of the last one looks at the other rows, and the result
    /// has only the asked ones.
    pub(super) fn run(
        &self,
        layers: Range<usize>,
        mut rows: Tensor,
        lengths: &Arc<[usize]>,
        dropout_seed: Option<u64>,
        asked: Option<&[u32]>,
    ) -> Result<Tensor> {
        let config = &self.config;
        let heads = Heads { queries: config.heads, keys: config.kv_heads, depth: config.head_dim, causal: true };
        let (turned, epsilon) = (config.query_width() + config.kv_width(), config.norm_epsilon);
        let (asked, last) = (asked.map(|asked| Tensor::new(asked, &Device::Cpu)).transpose()?, layers.end);
        for (index, layer) in self.layers.iter().enumerate().take(layers.end).skip(layers.start) {
            let product = |which: Product, x: &Tensor| layer.product(which, x, index, dropout_seed);
            let normed = rms_norm(&rows, &layer.attention_norm, epsilon)?;
            let qkv = rotate(&product(Product::Qkv, &normed)?, turned, lengths, &self.rotation)?;
            let mut attended = attention(&qkv, lengths, heads)?;
            if let (Some(asked), true) = (&asked, index + 1 == last) {
                attended = attended.index_select(asked, 0)?;
                rows = rows.index_select(asked, 0)?;
            }
            rows = (rows + product(Product::AttentionOutput, &attended)?)?;
            let normed = rms_norm(&rows, &layer.feed_forward_norm, epsilon)?;
            let gated = swiglu(&product(Product::GateUp, &normed)?)?;
            rows = (rows + product(Product::Down, &gated)?)?;
        }
        Ok(rows)
    }
}

impl Layer {
    /// One of the products of layer number `index`.
    fn product(&self, which: Product, x: &Tensor, index: usize, dropout_seed: Option<u64>) -> Result<Tensor> {
        let weight = &self.products[which as usize];
        match &self.pairs[which as usize] {
            Some(pairs) => {
                let dropout = dropout_seed.map(|seed| Dropout { rate: pairs.dropout, seed });
                let place = (4 * index + which as usize) as u64;
                pairs.trained.apply(x, weight, None, Dropout::at(dropout, place))
            }
            None => frozen_linear(x, weight),
        }
    }
}
