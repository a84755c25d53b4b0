//! The linear modules that may have a pair, and the way from trained pairs to an adapter.
//!
//! Paths and the order of rows in an adapter are those of `transformers.LlamaForCausalLM`, so that PEFT finds them.
//! There a rotation turns two rows that stand half a head apart; in a GGUF file, and so in training, they are
//! neighbours. The rows of the second factor of queries and keys are put back into Hugging Face's order
//! (`LlamaModel.permute` of <https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py>, backwards); the
//! first factor has no rows that belong to heads.
//!
//! May depend on its siblings and `models::adapter`.

use std::{collections::BTreeMap, ops::Range};

use candle_core::Result;
use serde::{Deserialize, Serialize};

use super::{Pairs, Product, TrainingLlama};
use crate::models::{
    adapter::{
        Adapter, AdapterConfig, LowRank,
        config::{Layers, Targets},
        trained::TrainedPairs,
    },
    generator::config::LlamaConfig,
};

/// A linear module of a layer, by its name in Hugging Face's Llama.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Module {
    /// The queries.
    QProj,
    /// The keys.
    KProj,
    /// The values.
    VProj,
    /// The product behind attention.
    OProj,
    /// The gate of the feed-forward part.
    GateProj,
    /// What the gate lets through.
    UpProj,
    /// The product behind it.
    DownProj,
}

impl Module {
    /// All, in the order of their products.
    pub const ALL: [Self; 7] =
        [Self::QProj, Self::KProj, Self::VProj, Self::OProj, Self::GateProj, Self::UpProj, Self::DownProj];

    /// Its path within a layer.
    fn path(self) -> &'static str {
        match self {
            Self::QProj => "self_attn.q_proj",
            Self::KProj => "self_attn.k_proj",
            Self::VProj => "self_attn.v_proj",
            Self::OProj => "self_attn.o_proj",
            Self::GateProj => "mlp.gate_proj",
            Self::UpProj => "mlp.up_proj",
            Self::DownProj => "mlp.down_proj",
        }
    }

    /// Its name: the end of its path.
    pub fn name(self) -> &'static str {
        self.path().rsplit('.').next().unwrap_or_default()
    }

    fn product(self) -> Product {
        match self {
            Self::QProj | Self::KProj | Self::VProj => Product::Qkv,
            Self::OProj => Product::AttentionOutput,
            Self::GateProj | Self::UpProj => Product::GateUp,
            Self::DownProj => Product::Down,
        }
    }

    /// Its columns in the product.
    fn columns(self, config: &LlamaConfig) -> Range<usize> {
        let (queries, kv, feed_forward) = (config.query_width(), config.kv_width(), config.feed_forward);
        match self {
            Self::QProj => 0..queries,
            Self::KProj => queries..queries + kv,
            Self::VProj => queries + kv..queries + 2 * kv,
            Self::GateProj => 0..feed_forward,
            Self::UpProj => feed_forward..2 * feed_forward,
            Self::OProj | Self::DownProj => 0..config.embedding,
        }
    }
}

/// What pairs are made.
#[derive(Debug, Clone, Copy)]
pub struct PairSettings<'a> {
    /// The modules that get one.
    pub modules: &'a [Module],
    /// The rank of each.
    pub rank: usize,
    /// What the product of the factors is multiplied by.
    pub scale: f32,
    /// The share of the inputs that are dropped in training.
    pub dropout: f32,
}

impl TrainingLlama {
    /// Gives the layers in a range their pairs, which change nothing yet. `random` gives numbers in `[-1, 1)`.
    pub fn add_pairs(
        &mut self,
        layers: Range<usize>,
        settings: PairSettings<'_>,
        mut random: impl FnMut() -> f32,
    ) -> Result<()> {
        let PairSettings { modules, rank, scale, dropout } = settings;
        for layer in &mut self.layers[layers] {
            for product in Product::ALL {
                let modules: Vec<Module> = Module::ALL
                    .into_iter()
                    .filter(|module| module.product() == product && modules.contains(module))
                    .collect();
                if modules.is_empty() {
                    continue;
                }
                let inputs = layer.products[product as usize].dims2()?.0;
                let parts = modules.iter().map(|module| module.columns(&self.config)).collect();
                let trained = TrainedPairs::new(inputs, parts, rank, scale, &mut random)?;
                layer.pairs[product as usize] = Some(Pairs { modules, trained, dropout });
            }
        }
        Ok(())
    }

    /// The pairs of each product, with a name.
    pub fn pairs_mut(&mut self) -> impl Iterator<Item = (String, &mut TrainedPairs)> {
        self.layers.iter_mut().enumerate().flat_map(|(index, layer)| {
            layer.pairs.iter_mut().flatten().map(move |pairs| {
                let names: Vec<&str> = pairs.modules.iter().map(|module| module.name()).collect();
                (format!("layers.{index}.{}", names.join("+")), &mut pairs.trained)
            })
        })
    }

    /// The pairs as they are now, as an adapter for Hugging Face's model. `config` says rank, alpha and dropout.
    pub fn adapter(&self, mut config: AdapterConfig) -> Result<Adapter> {
        let (mut pairs, mut layers, mut names) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (index, layer) in self.layers.iter().enumerate() {
            for of_product in layer.pairs.iter().flatten() {
                for (module, pair) in of_product.modules.iter().zip(of_product.trained.to_low_rank()?) {
                    let path = format!("model.layers.{index}.{}", module.path());
                    pairs.insert(path, module.in_order(pair, self.config.head_dim));
                    layers.push(index);
                    names.push(module.name().to_owned());
                }
            }
        }
        layers.dedup();
        names.sort();
        names.dedup();
        config.task_type = Some("CAUSAL_LM".to_owned());
        config.target_modules = Some(Targets::Ends(names));
        config.layers_to_transform = Some(Layers::Several(layers));
        Ok(Adapter { config, pairs, whole: BTreeMap::new() })
    }
}

impl Module {
    /// A pair with the rows of its second factor in Hugging Face's order.
    fn in_order(self, mut pair: LowRank, head_dim: usize) -> LowRank {
        if matches!(self, Self::QProj | Self::KProj) {
            pair.b = halves(&pair.b, pair.rank, head_dim);
        }
        pair
    }
}

/// Rows of `width` numbers; of each head first the even ones, then the odd ones.
fn halves(rows: &[f32], width: usize, head_dim: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows.len());
    for head in rows.chunks_exact(head_dim * width) {
        for parity in 0..2 {
            head.chunks_exact(width).skip(parity).step_by(2).for_each(|row| out.extend_from_slice(row));
        }
    }
    out
}
