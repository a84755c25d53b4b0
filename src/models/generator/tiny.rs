//! A tiny Llama with random weights, written to a GGUF file: tests take the whole way from file to text with it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{
    Device, Tensor,
    quantized::{
        GgmlDType, QTensor,
        gguf_file::{self, Value},
    },
};

use super::{LlamaOptions, tokenizer::tests::byte_tokens};
use crate::models::{
    adapter::{Adapter, AdapterConfig, LowRank},
    cores::Cores,
};

/// Numbers that look random and are the same in every run (SplitMix64).
pub(super) struct Noise(pub u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly distributed numbers between `-size` and `size`.
    pub fn floats(&mut self, count: usize, size: f32) -> Vec<f32> {
        (0..count).map(|_| ((self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * size).collect()
    }

    /// Tokens that stand for bytes.
    pub fn tokens(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| 3 + (self.next() % 256) as u32).collect()
    }
}

/// What the tiny model is like.
pub(crate) struct Shape {
    pub seed: u64,
    /// The architecture, as GGUF names it.
    pub family: &'static str,
    pub tied: bool,
    pub extra_tensor: Option<&'static str>,
    /// The feed-forward width that the metadata claim; the tensors have 96.
    pub claimed_feed_forward: u32,
}

impl Default for Shape {
    fn default() -> Self {
        Self { seed: 1, family: "llama", tied: true, extra_tensor: None, claimed_feed_forward: 96 }
    }
}

const WIDTH: usize = 64;
const FEED_FORWARD: usize = 96;
const KV: usize = 32;
const CONTROL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const MERGED: [&str; 5] = ["Ġ t", "h e", "Ġt he", "t he", "i n"];

fn tokens() -> Vec<String> {
    let merged = MERGED.iter().map(|merge| merge.replace(' ', ""));
    CONTROL.iter().map(|token| (*token).to_owned()).chain(byte_tokens()).chain(merged).collect()
}

/// The metadata of the tiny model.
pub(super) fn metadata(shape: &Shape) -> Vec<(String, Value)> {
    let text = |text: &str| Value::String(text.to_owned());
    let texts = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::String).collect());
    let types = (0..tokens().len()).map(|id| Value::I32(if id < CONTROL.len() { 3 } else { 1 })).collect();
    let entries = [
        ("general.architecture", text(shape.family)),
        ("llama.block_count", Value::U32(2)),
        ("llama.context_length", Value::U32(1024)),
        ("llama.embedding_length", Value::U32(WIDTH as u32)),
        ("llama.feed_forward_length", Value::U32(shape.claimed_feed_forward)),
        ("llama.attention.head_count", Value::U32(4)),
        ("llama.attention.head_count_kv", Value::U32(2)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("llama.rope.freq_base", Value::F32(10_000.0)),
        ("llama.rope.dimension_count", Value::U32(16)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("smollm")),
        ("tokenizer.ggml.tokens", texts(tokens())),
        ("tokenizer.ggml.token_type", Value::Array(types)),
        ("tokenizer.ggml.merges", texts(MERGED.iter().map(|merge| (*merge).to_owned()).collect())),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
        ("tokenizer.chat_template", text("{{'<|im_start|>' + message['role'] + '<|im_end|>'}}")),
    ];
    let of_family = |key: &str| key.replace("llama.", &format!("{}.", shape.family));
    entries.into_iter().map(|(key, value)| (of_family(key), value)).collect()
}

/// The tensors of the tiny model: matrices of all types that files have.
pub(super) fn tensors(shape: &Shape) -> Vec<(String, QTensor)> {
    let mut noise = Noise(shape.seed);
    let mut tensors = Vec::new();
    let mut add = |name: String, dims: &[usize], dtype: GgmlDType| {
        let count = dims.iter().product();
        let mut values = noise.floats(count, if dims.len() == 1 { 0.3 } else { 0.25 });
        if dims.len() == 1 {
            values.iter_mut().for_each(|value| *value += 1.0);
        }
        let dense = Tensor::from_vec(values, dims, &Device::Cpu).unwrap();
        tensors.push((name, QTensor::quantize(&dense, dtype).unwrap()));
    };
    add("token_embd.weight".into(), &[tokens().len(), WIDTH], GgmlDType::Q8_0);
    if !shape.tied {
        add("output.weight".into(), &[tokens().len(), WIDTH], GgmlDType::Q8_0);
    }
    for layer in 0..2 {
        for (part, outputs, inputs) in [
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", KV, WIDTH),
            ("attn_v", KV, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", FEED_FORWARD, WIDTH),
            ("ffn_up", FEED_FORWARD, WIDTH),
            ("ffn_down", WIDTH, FEED_FORWARD),
        ] {
            let dtype = if layer == 0 { GgmlDType::Q4_1 } else { GgmlDType::Q4_0 };
            add(format!("blk.{layer}.{part}.weight"), &[outputs, inputs], dtype);
            if shape.family == "qwen2" && ["attn_q", "attn_k", "attn_v"].contains(&part) {
                add(format!("blk.{layer}.{part}.bias"), &[outputs], GgmlDType::F32);
            }
        }
        add(format!("blk.{layer}.attn_norm.weight"), &[WIDTH], GgmlDType::F32);
        add(format!("blk.{layer}.ffn_norm.weight"), &[WIDTH], GgmlDType::F32);
    }
    add("output_norm.weight".into(), &[WIDTH], GgmlDType::F32);
    if let Some(name) = shape.extra_tensor {
        add(name.into(), &[WIDTH], GgmlDType::F32);
    }
    tensors
}

/// The modules of a layer by Hugging Face's names, with their outputs and inputs.
pub(super) const MODULES: [(&str, usize, usize); 7] = [
    ("self_attn.q_proj", WIDTH, WIDTH),
    ("self_attn.k_proj", KV, WIDTH),
    ("self_attn.v_proj", KV, WIDTH),
    ("self_attn.o_proj", WIDTH, WIDTH),
    ("mlp.gate_proj", FEED_FORWARD, WIDTH),
    ("mlp.up_proj", FEED_FORWARD, WIDTH),
    ("mlp.down_proj", WIDTH, FEED_FORWARD),
];

/// A random adapter for the tiny model, which changes as much as there is: a pair for each module of both layers
/// whose name holds `part`.
pub(super) fn adapter(part: &str) -> Adapter {
    let (rank, mut noise) = (3, Noise(5));
    let ends = MODULES.iter().map(|(module, ..)| (*module).to_owned()).collect();
    let config = AdapterConfig::new(rank, 6.0, 0.0, ends);
    let mut pairs = std::collections::BTreeMap::new();
    for layer in 0..2 {
        for (module, outputs, inputs) in MODULES {
            let (a, b) = (noise.floats(rank * inputs, 0.3), noise.floats(outputs * rank, 0.3));
            let pair = LowRank { rank, inputs, outputs, a, b, scale: config.scale() };
            let name = format!("model.layers.{layer}.{module}");
            if name.contains(part) {
                pairs.insert(name, pair);
            }
        }
    }
    Adapter { config, pairs, whole: Default::default() }
}

/// How tests load it.
pub(super) fn options(path: PathBuf) -> LlamaOptions {
    let (name, adapter) = ("tiny".into(), None);
    LlamaOptions {
        path,
        name,
        adapter,
        cores: Arc::new(Cores::new(2)),
        context_window: 1024,
        held_tokens: 2048,
        together: 4,
        queue: 8,
    }
}

/// Writes the tiny model into a folder.
pub(crate) fn write(folder: &Path, shape: &Shape) -> PathBuf {
    let path = folder.join("tiny.gguf");
    let (metadata, tensors) = (metadata(shape), tensors(shape));
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut std::fs::File::create(&path).unwrap(), &metadata, &tensors).unwrap();
    path
}
