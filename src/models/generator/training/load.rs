//! A GGUF file into dense weights: four bytes a weight, 540 MB for SmolLM2-135M.
//!
//! May depend on its siblings, on the reading of files for inference, and on sha2.

use std::{fs::File, io, path::Path, sync::Arc};

use candle_core::{Device, Result as Computed, Tensor};
use sha2::{Digest, Sha256};

use super::{Layer, TrainingLlama};
use crate::models::{
    fused::{rotary::Rotation, with_numbers},
    generator::{
        GeneratorError,
        load::{Opened, Tensors, open, within},
        rope,
    },
};

impl TrainingLlama {
    /// Reads a file, for sequences of up to `longest` tokens.
    pub fn load(path: &Path, longest: usize) -> Result<Self, GeneratorError> {
        let opened = open(path)?;
        let sha256 = sum(path).map_err(|error| within(path)(GeneratorError::Load(error.to_string())))?;
        read(opened, longest, sha256).map_err(within(path))
    }
}

fn sum(path: &Path) -> io::Result<String> {
    let mut sum = Sha256::new();
    io::copy(&mut File::open(path)?, &mut sum)?;
    Ok(hex::encode(sum.finalize()))
}

fn read(opened: Opened, longest: usize, sha256: String) -> Result<TrainingLlama, GeneratorError> {
    let Opened { source, config, vocabulary, template, .. } = opened;
    if config.family.has_qkv_bias() {
        return Err(GeneratorError::Load("models with a bias, such as Qwen2, run but cannot be trained".into()));
    }
    if longest == 0 || longest > config.window {
        return Err(GeneratorError::Load(format!(
            "sequences of up to {longest} tokens are asked for, and the model was made for 1 to {}",
            config.window
        )));
    }
    let mut tensors = Tensors::new(source, &config, None);
    let (width, feed_forward) = (config.embedding, config.feed_forward);
    let (queries, kv) = (config.query_width(), config.kv_width());
    let embedding = matrix(&mut tensors, "token_embd.weight", vocabulary.size(), width)?;
    let output = match tensors.has("output.weight") {
        true => Some(matrix(&mut tensors, "output.weight", vocabulary.size(), width)?),
        false => None,
    };
    let (cosines, sines) = rope::angles(&config, &tensors.rope_factors(&config)?, longest);
    let rotation = Arc::new(Rotation { cosines, sines, half: config.head_dim / 2 });
    let output_norm = vector(&mut tensors, "output_norm.weight", width)?;
    let mut layers = Vec::with_capacity(config.layers);
    for layer in 0..config.layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let qkv = [(name("attn_q"), queries), (name("attn_k"), kv), (name("attn_v"), kv)];
        let gate_up = [(name("ffn_gate"), feed_forward), (name("ffn_up"), feed_forward)];
        layers.push(Layer {
            attention_norm: vector(&mut tensors, &name("attn_norm"), width)?,
            feed_forward_norm: vector(&mut tensors, &name("ffn_norm"), width)?,
            products: [
                side_by_side(&mut tensors, &qkv, width)?,
                side_by_side(&mut tensors, &[(name("attn_output"), width)], queries)?,
                side_by_side(&mut tensors, &gate_up, width)?,
                side_by_side(&mut tensors, &[(name("ffn_down"), width)], feed_forward)?,
            ],
            pairs: [const { None }; 4],
        });
    }
    tensors.all_used()?;
    Ok(TrainingLlama { config, embedding, output, output_norm, layers, rotation, vocabulary, template, sha256 })
}

/// A matrix as the file has it, `[outputs, inputs]`.
fn matrix(tensors: &mut Tensors, name: &str, outputs: usize, inputs: usize) -> Result<Tensor, GeneratorError> {
    let dense = tensors.read(name, &[outputs, inputs])?.dequantize(&Device::Cpu).map_err(failed(name))?;
    let finite = with_numbers(&dense, |numbers| Ok(numbers.iter().all(|number| number.is_finite())));
    match finite.map_err(failed(name))? {
        true => Ok(dense),
        false => Err(GeneratorError::Load(format!("the tensor `{name}` holds numbers that are not finite"))),
    }
}

/// Matrices that share their input, `[inputs, outputs of all]`.
fn side_by_side(tensors: &mut Tensors, stacked: &[(String, usize)], inputs: usize) -> Result<Tensor, GeneratorError> {
    let parts = stacked.iter().map(|(name, outputs)| matrix(tensors, name, *outputs, inputs));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let turned = || -> Computed<Tensor> { Tensor::cat(&parts, 0)?.t()?.contiguous() };
    turned().map_err(failed(stacked.first().map_or("", |(name, _)| name)))
}

fn vector(tensors: &mut Tensors, name: &str, length: usize) -> Result<Tensor, GeneratorError> {
    Tensor::from_vec(tensors.vector(name, length)?, length, &Device::Cpu).map_err(failed(name))
}

fn failed(name: &str) -> impl Fn(candle_core::Error) -> GeneratorError {
    move |error| GeneratorError::Load(format!("the tensor `{name}`: {error}"))
}
