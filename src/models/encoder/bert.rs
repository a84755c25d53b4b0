//! The forward pass of BERT over packed sequences (<https://arxiv.org/abs/1810.04805>; the reference for the
//! arithmetic is
//! <https://github.com/huggingface/transformers/blob/main/src/transformers/models/bert/modeling_bert.py>).
//!
//! The same code runs inference and training: a layer whose weights are variables is part of candle's graph, one whose
//! weights are plain tensors is not. The embeddings are never trained: the dense gradient of the vocabulary would cost
//! more than all layers. May depend on `low_rank`, `models::fused` and candle.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, bail};

use super::{
    config::BertConfig,
    low_rank::{LayerPairs, Product},
};
use crate::models::fused::{
    attention::{Heads, attention},
    dropout::{Dropout, dropout},
    gelu::gelu,
    kernels::{self, Dropped},
    linear::linear,
    norm::add_norm,
    with_numbers,
};

/// The weights of one layer, products stored `[in, out]`, norms as scale above shift.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Queries, keys and values side by side.
    pub qkv: (Tensor, Tensor),
    /// The output of attention.
    pub attention_output: (Tensor, Tensor),
    /// The norm behind attention.
    pub attention_norm: Tensor,
    /// The first product of the feed-forward part.
    pub up: (Tensor, Tensor),
    /// The second.
    pub down: (Tensor, Tensor),
    /// The norm behind it.
    pub output_norm: Tensor,
    /// What changes the products in training.
    pub pairs: LayerPairs,
}

impl Layer {
    /// Weight and bias of a product.
    pub fn linear(&self, product: Product) -> &(Tensor, Tensor) {
        match product {
            Product::Qkv => &self.qkv,
            Product::AttentionOutput => &self.attention_output,
            Product::Up => &self.up,
            Product::Down => &self.down,
        }
    }

    /// The same to change them.
    pub fn linear_mut(&mut self, product: Product) -> &mut (Tensor, Tensor) {
        match product {
            Product::Qkv => &mut self.qkv,
            Product::AttentionOutput => &mut self.attention_output,
            Product::Up => &mut self.up,
            Product::Down => &mut self.down,
        }
    }
}

/// The weights of the embeddings.
#[derive(Debug, Clone)]
pub struct Embeddings {
    /// `[vocabulary, width]`.
    pub words: Tensor,
    /// `[positions, width]`.
    pub positions: Tensor,
    /// `[types, width]`.
    pub types: Tensor,
    /// Scale above shift.
    pub norm: Tensor,
}

/// A BERT model without a head.
#[derive(Debug, Clone)]
pub struct Bert {
    /// Its sizes.
    pub config: BertConfig,
    /// The embeddings.
    pub embeddings: Embeddings,
    /// The layers, from the bottom.
    pub layers: Vec<Layer>,
}

/// Sequences one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The tokens of all sequences.
    pub tokens: Vec<u32>,
    /// The type of each token.
    pub types: Vec<u8>,
    /// The tokens of each sequence; none is 0.
    pub lengths: Arc<[usize]>,
}

impl Packed {
    /// The row of each sequence's first token.
    pub fn firsts(&self) -> Vec<usize> {
        let ends = self.lengths.iter().scan(0, |next, length| {
            *next += length;
            Some(*next)
        });
        ends.zip(self.lengths.iter()).map(|(end, length)| end - length).collect()
    }
}

impl Bert {
    /// The vector of each token, `[tokens, width]`.
    pub fn forward(&self, packed: &Packed, dropout: Option<Dropout>) -> Result<Tensor> {
        self.forward_from(0, self.embed(packed, dropout)?, &packed.lengths, dropout)
    }

    /// The layers from number `first` on, given what the ones below them made.
    pub fn forward_from(
        &self,
        first: usize,
        mut rows: Tensor,
        lengths: &Arc<[usize]>,
        dropout: Option<Dropout>,
    ) -> Result<Tensor> {
        let heads = Heads {
            queries: self.config.num_attention_heads,
            keys: self.config.num_attention_heads,
            depth: self.config.head_width(),
            causal: false,
        };
        let epsilon = self.config.layer_norm_eps as f32;
        for (index, layer) in self.layers.iter().enumerate().skip(first) {
            let place = 2 * index as u64;
            let product = |x: &Tensor, which: Product| {
                let both = layer.linear(which);
                match layer.pairs.get(which) {
                    Some(pairs) => pairs.apply(x, both, dropout, 4 * index as u64 + which as u64),
                    None => linear(x, &both.0, &both.1),
                }
            };
            let attended = attention(&product(&rows, Product::Qkv)?, lengths, heads)?;
            let attended = product(&attended, Product::AttentionOutput)?;
            let dropped = Dropout::at(dropout, place + 1);
            rows = add_norm(&attended, &rows, &layer.attention_norm, epsilon, dropped)?;
            let outer = product(&gelu(&product(&rows, Product::Up)?)?, Product::Down)?;
            rows = add_norm(&outer, &rows, &layer.output_norm, epsilon, Dropout::at(dropout, place + 2))?;
        }
        Ok(rows)
    }

    /// Word, position and type added up and normed. No part of any graph.
    pub fn embed(&self, packed: &Packed, drop: Option<Dropout>) -> Result<Tensor> {
        let width = self.config.hidden_size;
        let count = packed.tokens.len();
        if packed.types.len() != count || packed.lengths.iter().sum::<usize>() != count {
            bail!("{count} tokens, {} types, lengths {:?}", packed.types.len(), packed.lengths);
        }
        if packed.lengths.iter().any(|length| *length == 0 || *length > self.config.max_position_embeddings) {
            bail!(
                "sequences of {:?} tokens; the model takes 1 to {}",
                packed.lengths,
                self.config.max_position_embeddings
            );
        }
        let positions = packed.lengths.iter().flat_map(|length| 0..*length);
        let Embeddings { words, positions: places, types, norm } = &self.embeddings;
        let (mut word_rows, mut rest) = (vec![0.0; count * width], vec![0.0; count * width]);
        with_numbers(words, |words| {
            for (out, token) in word_rows.chunks_exact_mut(width).zip(&packed.tokens) {
                out.copy_from_slice(row(words, *token as usize, width)?);
            }
            Ok(())
        })?;
        with_numbers(places, |places| {
            with_numbers(types, |types| {
                for ((out, position), kind) in rest.chunks_exact_mut(width).zip(positions).zip(&packed.types) {
                    out.copy_from_slice(row(places, position, width)?);
                    kernels::add(out, row(types, usize::from(*kind), width)?);
                }
                Ok(())
            })
        })?;
        let mut out = vec![0.0; count * width];
        with_numbers(norm, |norm| {
            let (scale, shift) = norm.split_at(width);
            let epsilon = self.config.layer_norm_eps as f32;
            kernels::add_norm(&word_rows, &rest, scale, shift, epsilon, Dropped::NONE, &mut out);
            Ok(())
        })?;
        dropout(&Tensor::from_vec(out, (count, width), &Device::Cpu)?, Dropout::at(drop, 0))
    }
}

fn row(table: &[f32], index: usize, width: usize) -> Result<&[f32]> {
    match table.get(index * width..(index + 1) * width) {
        Some(row) => Ok(row),
        None => bail!("number {index} is not in the embeddings"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::tiny;
    use super::*;

    #[test]
    fn a_sequence_has_the_same_vectors_alone_and_in_company() {
        let bert = tiny::bert(3);
        let pack = |tokens: &[u32], lengths: &[usize]| Packed {
            tokens: tokens.to_vec(),
            types: tokens.iter().map(|token| (token % 2) as u8).collect(),
            lengths: lengths.into(),
        };
        let both = bert.forward(&pack(&[1, 5, 6, 2, 1, 7, 2], &[4, 3]), None).unwrap();
        let alone = bert.forward(&pack(&[1, 7, 2], &[3]), None).unwrap();
        let (both, alone) = (both.to_vec2::<f32>().unwrap(), alone.to_vec2::<f32>().unwrap());
        for (a, b) in both[4..].iter().flatten().zip(alone.iter().flatten()) {
            assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bert = tiny::bert(3);
        let packed = |tokens: Vec<u32>, lengths: &[usize]| Packed {
            types: vec![0; tokens.len()],
            tokens,
            lengths: lengths.into(),
        };
        assert!(bert.forward(&packed(vec![1; 3], &[3]), None).is_ok());
        assert!(bert.forward(&packed(vec![1; 3], &[2]), None).is_err());
        assert!(bert.forward(&packed(vec![100_000], &[1]), None).is_err());
        let long = bert.config.max_position_embeddings + 1;
        assert!(bert.forward(&packed(vec![1; long], &[long]), None).is_err());
    }
}
