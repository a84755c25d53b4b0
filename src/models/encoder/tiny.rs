//! A BERT model small enough for tests, with weights that look random and are always the same, and a reader on it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::{
    bert::{Bert, Embeddings, Layer},
    config::BertConfig,
    features::{Limits, tests::letters},
    heads::ReaderHeads,
    low_rank::LayerPairs,
    reader::Reader,
};
use crate::models::cores::Cores;

/// Two layers of width 16.
pub fn config() -> BertConfig {
    BertConfig {
        model_type: "bert".into(),
        hidden_size: 16,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 32,
        hidden_act: "gelu".into(),
        layer_norm_eps: 1e-12,
        max_position_embeddings: 64,
        type_vocab_size: 2,
        vocab_size: 120,
        position_embedding_type: "absolute".into(),
    }
}

/// The model.
pub fn bert(seed: u32) -> Bert {
    let config = config();
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let mut noise = |shape: &[usize]| {
        let numbers: Vec<f32> = (0..shape.iter().product())
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect();
        Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
    };
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    let mut product = |inputs: usize, outputs: usize| (noise(&[inputs, outputs]), noise(&[outputs]));
    let layers: Vec<_> = (0..config.num_hidden_layers)
        .map(|_| (product(width, 3 * width), product(width, width), product(width, inner), product(inner, width)))
        .collect();
    let mut norm = || {
        (noise(&[2, width]) + Tensor::new(&[[1.0f32], [0.0]], &Device::Cpu).unwrap().broadcast_as((2, width)).unwrap())
            .unwrap()
    };
    let layers = layers
        .into_iter()
        .map(|(qkv, attention_output, up, down)| Layer {
            qkv,
            attention_output,
            attention_norm: norm(),
            up,
            down,
            output_norm: norm(),
            pairs: LayerPairs::default(),
        })
        .collect();
    let embeddings = Embeddings {
        norm: norm(),
        words: noise(&[config.vocab_size, width]),
        positions: noise(&[config.max_position_embeddings, width]),
        types: noise(&[config.type_vocab_size, width]),
    };
    Bert { config, embeddings, layers }
}

/// A reader whose tokens are letters, and whose windows are short.
pub fn reader(threads: usize) -> Reader {
    let bert = bert(7);
    let width = bert.config.hidden_size;
    let head = |outputs: usize| {
        let numbers: Vec<f32> = (0..width * outputs).map(|i| ((i * 7 % 13) as f32 - 6.0) / 6.0).collect();
        let weight = Tensor::from_vec(numbers, (width, outputs), &Device::Cpu).unwrap();
        (weight, Tensor::zeros(outputs, candle_core::DType::F32, &Device::Cpu).unwrap())
    };
    let heads = ReaderHeads { span: head(2), answerable: head(1) };
    let limits = Limits { window: 24, overlap: 6, question: 8, title: 4, span: 4 };
    let reader = Reader::new(bert, heads, letters(), limits);
    reader.with_threads(Arc::new(Cores::new(threads))).unwrap()
}
