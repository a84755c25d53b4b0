//! A LoRA adapter (<https://arxiv.org/abs/2106.09685>) fitted to the model in a GGUF file.
//!
//! An adapter names the modules of Hugging Face's Llama; the file has names of its own, and another order of the rows
//! of queries and keys: there the two numbers that a rotation turns together stand half a head apart, here they are
//! neighbours (`kernels::rotate`). Whatever of an adapter does not fit is refused, not left out.
//!
//! May depend on `models::adapter`, `config` and sha2.

use std::{collections::BTreeMap, fs::File, path::Path, str::FromStr};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{GeneratorError, config::LlamaConfig};
use crate::models::adapter::{Adapter, AdapterFiles, LowRank};

/// The file of an adapter that says what it was trained on.
const CARD: &str = "card.json";

/// How an adapter is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AdapterMode {
    /// Added to the weights before they are packed: as fast as without it, but the sum is rounded to eight bits.
    #[default]
    Merged,
    /// Computed beside the packed weights, for every token.
    Beside,
    /// Added to the weights of its matrices, which then stay floats: what `Merged` would be without rounding. Takes
    /// more than three times the memory, and is for evaluation.
    MergedDense,
}

impl AdapterMode {
    /// The word for it on the command line and in the card of an evaluation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Beside => "beside",
            Self::MergedDense => "dense",
        }
    }
}

impl FromStr for AdapterMode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let modes = [Self::Merged, Self::Beside, Self::MergedDense];
        modes.into_iter().find(|mode| mode.as_str() == word).ok_or_else(|| "use merged, beside or dense".to_owned())
    }
}

/// An adapter to load with a model.
#[derive(Debug, Clone)]
pub struct AdapterOption {
    /// The name that answers carry, before the sum of the files.
    pub name: String,
    /// Its files, as Python's PEFT writes them.
    pub files: AdapterFiles,
    /// How it is applied.
    pub mode: AdapterMode,
}

impl AdapterOption {
    /// The name with the beginning of the sum of the files: what tells two versions apart.
    pub fn full_name(&self) -> String {
        let sum = self.files.sha256();
        format!("{}@{}", self.name, sum.get(..12).unwrap_or(&sum))
    }

    fn refuse(&self, reason: impl Into<String>) -> GeneratorError {
        GeneratorError::Adapter { name: self.name.clone(), reason: reason.into() }
    }

    /// Refuses an adapter that says that it was trained on another file than `model`.
    pub(super) fn check_base(&self, model: &Path) -> Result<(), GeneratorError> {
        /// The part of a card that matters here.
        #[derive(Deserialize)]
        struct Card {
            base_sha256: Option<String>,
        }
        let Some(bytes) = self.files.get(CARD) else { return Ok(()) };
        let card: Card =
            serde_json::from_slice(bytes).map_err(|error| self.refuse(format!("its {CARD} is damaged: {error}")))?;
        let Some(expected) = card.base_sha256 else { return Ok(()) };
        let mut sum = Sha256::new();
        let model = if model.is_dir() { &model.join("model.safetensors") } else { model };
        let read = File::open(model).and_then(|mut file| std::io::copy(&mut file, &mut sum));
        read.map_err(|error| GeneratorError::Load(format!("{}: {error}", model.display())))?;
        let found = hex::encode(sum.finalize());
        if found != expected {
            return Err(self.refuse(format!(
                "it was trained on a model file with the sha256 {expected}, and {} has {found}: use that file, or train \
                 the adapter again",
                model.display()
            )));
        }
        Ok(())
    }
}

/// The pairs of an adapter, by the tensors of the file that they belong to.
pub(super) struct Fitted {
    pairs: BTreeMap<String, LowRank>,
    mode: AdapterMode,
}

impl Fitted {
    /// Fits an adapter to a model of the shape `config`.
    pub fn of(option: &AdapterOption, config: &LlamaConfig) -> Result<Self, GeneratorError> {
        let adapter = Adapter::from_files(&option.files).map_err(|error| option.refuse(error.to_string()))?;
        if let Some(name) = adapter.whole.keys().next() {
            return Err(option.refuse(format!("it replaces `{name}` whole, which a generator does not support")));
        }
        if adapter.pairs.is_empty() {
            return Err(option.refuse("it changes nothing: it has no pair of matrices"));
        }
        let mut pairs = BTreeMap::new();
        for (name, pair) in adapter.pairs {
            let (tensor, pair) = fit(&name, pair, config).map_err(|reason| option.refuse(reason))?;
            pairs.insert(tensor, pair);
        }
        Ok(Self { pairs, mode: option.mode })
    }

    /// How the pairs are applied.
    pub fn mode(&self) -> AdapterMode {
        self.mode
    }

    /// The pair of a tensor, if it has one.
    pub fn take(&mut self, tensor: &str) -> Option<LowRank> {
        self.pairs.remove(tensor)
    }
}

/// The tensor that a module is called in the file, and its pair with the rows in the file's order.
fn fit(name: &str, mut pair: LowRank, config: &LlamaConfig) -> Result<(String, LowRank), String> {
    let unknown = || format!("it changes `{name}`, which this model does not have");
    let (layer, module) =
        name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
    let layer: usize = layer.parse().map_err(|_| unknown())?;
    if layer >= config.layers {
        return Err(format!("it changes `{name}`, and this model has only {} layers", config.layers));
    }
    let (width, feed_forward) = (config.embedding, config.feed_forward);
    let (part, outputs, inputs) = match module {
        "self_attn.q_proj" => ("attn_q", config.query_width(), width),
        "self_attn.k_proj" => ("attn_k", config.kv_width(), width),
        "self_attn.v_proj" => ("attn_v", config.kv_width(), width),
        "self_attn.o_proj" => ("attn_output", width, config.query_width()),
        "mlp.gate_proj" => ("ffn_gate", feed_forward, width),
        "mlp.up_proj" => ("ffn_up", feed_forward, width),
        "mlp.down_proj" => ("ffn_down", width, feed_forward),
        _ => return Err(unknown()),
    };
    if (pair.outputs, pair.inputs) != (outputs, inputs) {
        return Err(format!(
            "its `{name}` is {} x {}, and this model's is {outputs} x {inputs}: it was made for another model",
            pair.outputs, pair.inputs
        ));
    }
    if matches!(part, "attn_q" | "attn_k") {
        pair.b = neighbours(&pair.b, pair.rank, config.head_dim);
    }
    Ok((format!("blk.{layer}.{part}.weight"), pair))
}

/// The rows of each head in the order of the file: those half a head apart become neighbours. As llama.cpp's
/// conversion permutes them (`LlamaModel.permute`,
/// <https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py>).
pub(super) fn neighbours<T: Copy>(rows: &[T], width: usize, head_dim: usize) -> Vec<T> {
    let mut turned = Vec::with_capacity(rows.len());
    for head in rows.chunks_exact(head_dim * width) {
        let (first, second) = head.split_at(head_dim / 2 * width);
        for (first, second) in first.chunks_exact(width).zip(second.chunks_exact(width)) {
            turned.extend_from_slice(first);
            turned.extend_from_slice(second);
        }
    }
    turned
}

#[cfg(test)]
mod tests;
