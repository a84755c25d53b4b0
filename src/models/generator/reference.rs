//! The same model in plain candle operations, token by token nothing cached, all weights dense: slow and obviously
//! right. Tests compare the real forward pass with it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;

use candle_core::{D, Device, Tensor, quantized::QTensor};
use candle_nn::{ops, rotary_emb};

use super::config::LlamaConfig;
use crate::models::adapter::LowRank;

/// Which two numbers of a head turn together.
#[derive(Clone, Copy, PartialEq)]
enum Pairs {
    /// Neighbours, as the rows of a GGUF file of this family lie.
    Neighbours,
    /// Those half a head apart, as Hugging Face has them.
    Halves,
}

pub(super) type Dense = HashMap<String, Tensor>;

fn dense(tensors: &[(String, QTensor)]) -> Dense {
    tensors.iter().map(|(name, tensor)| (name.clone(), tensor.dequantize(&Device::Cpu).unwrap())).collect()
}

/// The scores after each token of a sequence.
pub(super) fn logits(config: &LlamaConfig, tensors: &[(String, QTensor)], tokens: &[u32]) -> Vec<Vec<f32>> {
    let pairs = if config.family.has_neighbours() { Pairs::Neighbours } else { Pairs::Halves };
    forward(config, &dense(tensors), tokens, pairs)
}

/// The weights of a file whose pairs are neighbours, in Hugging Face's order of rows.
pub(super) fn hugging_face(config: &LlamaConfig, tensors: &[(String, QTensor)]) -> Dense {
    let (mut dense, half) = (dense(tensors), config.head_dim / 2);
    for (name, weight) in &mut dense {
        if name.contains("attn_q") || name.contains("attn_k") {
            let rows = weight.dims()[0] as u32;
            // Row `i` of a half of a head is row `2 i`, or the one after it, of the same head in the file.
            let order = (0..rows as usize).map(|row| {
                let (head, within) = (row / config.head_dim, row % config.head_dim);
                (head * config.head_dim + within % half * 2 + within / half) as u32
            });
            *weight = weight.index_select(&Tensor::from_iter(order, &Device::Cpu).unwrap(), 0).unwrap();
        }
    }
    dense
}

/// The scores as Hugging Face computes them with an adapter: the weights in its order of rows, the pairs added there.
pub(super) fn adapted<'a>(
    config: &LlamaConfig,
    tensors: &[(String, QTensor)],
    pairs: impl IntoIterator<Item = (&'a String, &'a LowRank)>,
    tokens: &[u32],
) -> Vec<Vec<f32>> {
    let mut dense = hugging_face(config, tensors);
    for (module, pair) in pairs {
        let [_, _, layer, _, part] = module.split('.').collect::<Vec<_>>()[..] else { panic!("{module}") };
        let part = match part {
            "q_proj" => "attn_q",
            "k_proj" => "attn_k",
            "v_proj" => "attn_v",
            "o_proj" => "attn_output",
            "gate_proj" => "ffn_gate",
            "up_proj" => "ffn_up",
            _ => "ffn_down",
        };
        let a = Tensor::from_slice(&pair.a, (pair.rank, pair.inputs), &Device::Cpu).unwrap();
        let b = Tensor::from_slice(&pair.b, (pair.outputs, pair.rank), &Device::Cpu).unwrap();
        let change = (b.matmul(&a).unwrap() * f64::from(pair.scale)).unwrap();
        let weight = dense.get_mut(&format!("blk.{layer}.{part}.weight")).unwrap();
        *weight = (&*weight + change).unwrap();
    }
    forward(config, &dense, tokens, Pairs::Halves)
}

fn forward(config: &LlamaConfig, dense: &Dense, tokens: &[u32], turned: Pairs) -> Vec<Vec<f32>> {
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
            let mut projected = times(&normed, &name(part));
            if let Some(bias) = dense.get(&format!("blk.{layer}.{part}.bias")) {
                projected = projected.broadcast_add(bias).unwrap();
            }
            let projected = projected.reshape((1, length, count, config.head_dim)).unwrap();
            projected.transpose(1, 2).unwrap().contiguous().unwrap()
        };
        let rotated = |x: Tensor| match turned {
            Pairs::Neighbours => rotary_emb::rope_i_slow(&x, &cosines, &sines).unwrap(),
            Pairs::Halves => rotary_emb::rope_slow(&x, &cosines, &sines).unwrap(),
        };
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
