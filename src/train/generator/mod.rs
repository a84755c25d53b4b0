//! The generator as something that can be trained: low-rank pairs in its upper layers as variables
//! (<https://arxiv.org/abs/2106.09685>), the rest as it is in its file.
//!
//! `conversations` turns examples into the conversations that the product has with the model, with `targets` for what
//! the model should have said; `trunk` keeps what the layers without pairs make of them. The loss is the mean cross
//! entropy of the tokens of the answers. May depend on `models::generator::training`, `models::adapter`, `answer` (the
//! prompt), `fit` and `config`.

pub mod conversations;
pub mod targets;
#[cfg(test)]
mod tests;
pub mod trunk;

use std::{path::Path, sync::Arc};

use candle_core::{Device, Tensor, Var};
use serde::Serialize;

use super::{
    TrainError,
    batches::Random,
    config::{GeneratorConfig, GeneratorTraining, LoraTraining, TrunkCache},
    fit::Trainable,
    optimizer::Parameter,
    threads::Loss,
};
use crate::models::{
    adapter::{AdapterConfig, AdapterFiles, Precision},
    fused::with_numbers,
    generator::training::{Batch, Module, PairSettings, TrainingLlama},
};
use conversations::Conversation;
use trunk::KeptRows;

/// The folder of the adapter in the folder of a run.
pub const ADAPTER: &str = "adapter";
/// The file in it that says what it was trained on.
const CARD: &str = "card.json";
/// The stream of random numbers from which the pairs begin.
const FIRST_NUMBERS: u64 = u64::MAX - 1;

/// A generator in training.
pub struct GeneratorModel {
    llama: TrainingLlama,
    parameters: Vec<Parameter>,
    /// The lowest layer with pairs.
    first: usize,
    lora: LoraTraining<Module>,
    settings: GeneratorTraining,
}

/// What lies beside an adapter: it fits one file only.
#[derive(Serialize)]
struct AdapterCard<'a> {
    version: &'static str,
    base_sha256: &'a str,
}

impl GeneratorModel {
    /// Gives the upper layers their pairs.
    pub fn new(mut llama: TrainingLlama, config: &GeneratorConfig) -> Result<Self, TrainError> {
        let (layers, lora) = (llama.layers(), &config.lora);
        let trained = config.generator.trainable_layers.unwrap_or(layers);
        if trained > layers {
            return Err(TrainError::TooManyLayers { wanted: trained, layers });
        }
        let first = layers - trained;
        let pairs =
            PairSettings { modules: &lora.modules, rank: lora.rank, scale: lora.scale(), dropout: lora.dropout };
        let mut random = Random::new(config.seed, FIRST_NUMBERS);
        llama.add_pairs(first..layers, pairs, || (2.0 * random.unit() - 1.0) as f32)?;
        let mut parameters = Vec::new();
        for (name, pairs) in llama.pairs_mut() {
            for (factor, tensor) in [("a", &mut pairs.a), ("b", &mut pairs.b)] {
                let var = Var::from_tensor(tensor)?;
                *tensor = var.as_tensor().clone();
                parameters.push(Parameter { name: format!("{name}.{factor}"), var, decays: true, rate_factor: 1.0 });
            }
        }
        Ok(Self { llama, parameters, first, lora: lora.clone(), settings: config.generator.clone() })
    }

    /// The numbers that are trained.
    pub fn trained_numbers(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.var.elem_count()).sum()
    }

    /// The model with its pairs as they are now.
    pub fn llama(&self) -> &TrainingLlama {
        &self.llama
    }

    /// Refuses a run whose trunk's output would not fit where it is to be kept. Gives the bytes that it will take.
    pub fn check_trunk_cache<'a>(
        &self,
        conversations: impl IntoIterator<Item = &'a Conversation>,
    ) -> Result<usize, TrainError> {
        let tokens: usize = conversations.into_iter().map(Conversation::inputs).sum();
        let bytes =
            if self.keeps_trunk() { tokens * self.llama.width() * self.settings.cache_trunk.bytes() } else { 0 };
        let (needed, allowed) = (bytes.div_ceil(1 << 20), self.settings.cache_trunk_mib);
        if needed > allowed { Err(TrainError::TrunkCache { needed, allowed }) } else { Ok(bytes) }
    }

    fn keeps_trunk(&self) -> bool {
        self.first > 0 && self.settings.cache_trunk != TrunkCache::Off
    }

    /// The files of the adapter as it is now.
    pub fn files(&self) -> Result<AdapterFiles, TrainError> {
        let LoraTraining { rank, alpha, dropout, .. } = self.lora;
        let adapter = self.llama.adapter(AdapterConfig::new(rank, alpha, dropout.into(), Vec::new()))?;
        let mut files = adapter.to_files(if self.settings.half { Precision::F16 } else { Precision::F32 })?;
        let card = AdapterCard { version: env!("CARGO_PKG_VERSION"), base_sha256: self.llama.sha256() };
        let card = serde_json::to_vec_pretty(&card)
            .map_err(|error| TrainError::Config { path: CARD.into(), reason: error.to_string() })?;
        files.insert(CARD, card);
        Ok(files)
    }

    /// What the layers below the first trained one make of some conversations, one behind the other.
    fn trunk(&self, items: &[&Conversation], batch: &Batch) -> candle_core::Result<Tensor> {
        let lower =
            |tokens: &[u32], lengths: &Arc<[usize]>| self.llama.lower(self.first, self.llama.embed(tokens)?, lengths);
        if !self.keeps_trunk() {
            let tokens: Vec<u32> = items.iter().flat_map(|item| item.input()).copied().collect();
            return lower(&tokens, &batch.lengths);
        }
        let (width, rows) = (self.llama.width(), batch.lengths.iter().sum::<usize>());
        let mut numbers = Vec::with_capacity(rows * width);
        for item in items {
            let kept = match item.trunk.get() {
                Some(kept) => kept,
                None => {
                    // Alone, so that what is kept does not depend on the company in which it was first needed.
                    let rows = lower(item.input(), &[item.inputs()].into())?;
                    let kept = with_numbers(&rows, |rows| KeptRows::new(rows, self.settings.cache_trunk))?;
                    item.trunk.get_or_init(|| kept)
                }
            };
            kept.append_to(&mut numbers);
        }
        Tensor::from_vec(numbers, (rows, width), &Device::Cpu)
    }
}

impl Trainable for GeneratorModel {
    type Item = Conversation;

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn part_names(&self) -> &'static [&'static str] {
        &[]
    }

    fn has_perplexity(&self) -> bool {
        true
    }

    fn tokens(&self, item: &Conversation) -> usize {
        item.inputs()
    }

    fn units(&self, item: &Conversation) -> f64 {
        item.answer().len() as f64
    }

    fn loss(&self, items: &[&Conversation], factor: f64, seed: Option<u64>) -> candle_core::Result<Loss> {
        let batch = conversations::pack(items);
        let rows = self.trunk(items, &batch)?;
        let total = self.llama.loss(self.first, rows, &batch, seed, factor)?;
        Ok(Loss { total, parts: Vec::new() })
    }

    fn save(&self, folder: &Path) -> Result<(), TrainError> {
        Ok(self.files()?.write(&folder.join(ADAPTER))?)
    }
}
