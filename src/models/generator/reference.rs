//! The same model in plain candle operations, token by token nothing cached, all weights dense: slow and obviously
//! right. Tests compare the real forward pass with it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;

use candle_core::{D, Device, Tensor, quantized::QTensor};
use candle_nn::{ops, rotary_emb};

use super::config::LlamaConfig;

/// The scores after each token of a sequence.
pub(super) fn logits(config: &LlamaConfig, tensors: &[(String, QTensor)], tokens: &[u32]) -> Vec<Vec<f32>> {
    let dense: HashMap<&str, Tensor> =
        tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.dequantize(&Device::Cpu).unwrap())).collect();
    let weight = |name: &str| dense[name].clone();
    let times = |x: &Tensor, name: &str| x.matmul(&weight(name).t().unwrap()).unwrap();
    let norm = |x: &Tensor, name: &str| ops::rms_norm_slow(x, &weight(name), config.norm_epsilon).unwrap();
    let length = tokens.len();

    let pairs = (0..config.head_dim / 2).map(|pair| config.rope_base.powf(-2.0 * pair as f32 / config.head_dim as f32));
    let speeds = Tensor::from_iter(pairs, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let positions = Tensor::from_iter((0..length).map(|p| p as f32), &Device::Cpu).unwrap().unsqueeze(1).unwrap();
    let angles = positions.matmul(&speeds).unwrap();
    let (cosines, sines) = (angles.cos().unwrap(), angles.sin().unwrap());
    let future = (0..length * length).map(|i| if i % length > i / length { f32::NEG_INFINITY } else { 0.0 });
    let mask = Tensor::from_iter(future, &Device::Cpu).unwrap().reshape((length, length)).unwrap();

    let ids = Tensor::new(tokens, &Device::Cpu).unwrap();
    let mut x = weight("token_embd.weight").index_select(&ids, 0).unwrap();
    for layer in 0..config.layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let normed = norm(&x, &name("attn_norm"));
        let heads = |part: &str, count: usize| {
            let projected = times(&normed, &name(part)).reshape((1, length, count, config.head_dim)).unwrap();
            projected.transpose(1, 2).unwrap().contiguous().unwrap()
        };
        let rotated = |x: Tensor| rotary_emb::rope_i_slow(&x, &cosines, &sines).unwrap();
        let repeated = |x: Tensor| {
            let groups = config.heads / config.kv_heads;
            let indices =
                Tensor::from_iter((0..config.heads).map(|head| (head / groups) as u32), &Device::Cpu).unwrap();
            x.index_select(&indices, 1).unwrap()
        };
        let queries = rotated(heads("attn_q", config.heads));
        let keys = repeated(rotated(heads("attn_k", config.kv_heads)));
        let values = repeated(heads("attn_v", config.kv_heads));
        let scores =
            (queries.matmul(&keys.transpose(2, 3).unwrap()).unwrap() / (config.head_dim as f64).sqrt()).unwrap();
        let attention = ops::softmax(&scores.broadcast_add(&mask).unwrap(), D::Minus1).unwrap();
        let attended = attention.matmul(&values).unwrap().transpose(1, 2).unwrap();
        let attended = attended.reshape((length, config.query_width())).unwrap();
        x = (x + times(&attended, &name("attn_output"))).unwrap();

        let normed = norm(&x, &name("ffn_norm"));
        let gated = (ops::silu(&times(&normed, &name("ffn_gate"))).unwrap() * times(&normed, &name("ffn_up"))).unwrap();
        x = (x + times(&gated, &name("ffn_down"))).unwrap();
    }
    let output = if dense.contains_key("output.weight") { "output.weight" } else { "token_embd.weight" };
    times(&norm(&x, "output_norm.weight"), output).to_vec2().unwrap()
}
