//! Low-rank pairs of BERT's layers: variables in training, entries of an adapter in files, and part of the weights
//! in use. Paths of modules are those of `transformers.BertForQuestionAnswering`, so that PEFT finds them.
//!
//! May depend on the siblings, `models::adapter` and `models::fused`.

use std::{collections::BTreeMap, ops::Range};

use candle_core::{Device, Result as Computed, Tensor};
use serde::{Deserialize, Serialize};

use super::{
    EncoderError,
    bert::{Bert, Layer},
};
use crate::models::{
    adapter::{Adapter, AdapterError, LowRank, trained::TrainedPairs},
    fused::{dropout::Dropout, with_numbers},
};

/// A linear module of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Module {
    /// The queries.
    Query,
    /// The keys.
    Key,
    /// The values.
    Value,
    /// The product behind attention.
    AttentionOutput,
    /// The first product of the feed-forward part.
    Intermediate,
    /// The second.
    Output,
}

/// What is one product in our forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Queries, keys and values.
    Qkv,
    /// The product behind attention.
    AttentionOutput,
    /// The first of the feed-forward part.
    Up,
    /// The second.
    Down,
}

impl Product {
    /// All, from the bottom.
    pub const ALL: [Self; 4] = [Self::Qkv, Self::AttentionOutput, Self::Up, Self::Down];
}

impl Module {
    /// All, in the order of their products.
    pub const ALL: [Self; 6] =
        [Self::Query, Self::Key, Self::Value, Self::AttentionOutput, Self::Intermediate, Self::Output];

    /// Its path within a layer.
    pub fn path(self) -> &'static str {
        match self {
            Self::Query => "attention.self.query",
            Self::Key => "attention.self.key",
            Self::Value => "attention.self.value",
            Self::AttentionOutput => "attention.output.dense",
            Self::Intermediate => "intermediate.dense",
            Self::Output => "output.dense",
        }
    }

    /// Its path within the model.
    pub fn full_path(self, layer: usize) -> String {
        format!("{LAYERS}{layer}.{}", self.path())
    }

    /// The product that it is part of.
    pub fn product(self) -> Product {
        match self {
            Self::Query | Self::Key | Self::Value => Product::Qkv,
            Self::AttentionOutput => Product::AttentionOutput,
            Self::Intermediate => Product::Up,
            Self::Output => Product::Down,
        }
    }

    /// Its columns in the product, of which it has `outputs`.
    pub fn columns(self, outputs: usize) -> Range<usize> {
        let part = match self {
            Self::Key => 1,
            Self::Value => 2,
            _ => 0,
        };
        let width = if self.product() == Product::Qkv { outputs / 3 } else { outputs };
        part * width..(part + 1) * width
    }
}

/// What precedes the number of a layer.
const LAYERS: &str = "bert.encoder.layer.";

/// What the paths of a layer begin with.
pub fn layer_path(layer: usize) -> String {
    format!("{LAYERS}{layer}.")
}

/// The pairs of one product in training.
#[derive(Debug, Clone)]
pub struct Pairs {
    /// Whose pairs they are, in the order of [`Module::ALL`].
    modules: Vec<Module>,
    /// The factors.
    pub trained: TrainedPairs,
    /// The share of the inputs that are dropped in training.
    dropout: f32,
}

/// The pairs of a layer in training; a model in use has none, because they are in its weights.
#[derive(Debug, Clone, Default)]
pub struct LayerPairs([Option<Pairs>; 4]);

impl LayerPairs {
    /// The pairs of a product.
    pub fn get(&self, product: Product) -> Option<&Pairs> {
        self.0[product as usize].as_ref()
    }

    /// Sets the pairs of a product.
    pub fn set(&mut self, product: Product, pairs: Pairs) {
        self.0[product as usize] = Some(pairs);
    }
}

impl Pairs {
    /// Pairs that change nothing yet; `random` gives numbers in `[-1, 1)`.
    pub fn new(
        layer: &Layer,
        product: Product,
        modules: &[Module],
        rank: usize,
        (scale, dropout): (f32, f32),
        random: impl FnMut() -> f32,
    ) -> Computed<Option<Self>> {
        let modules: Vec<Module> =
            Module::ALL.into_iter().filter(|module| module.product() == product && modules.contains(module)).collect();
        if modules.is_empty() {
            return Ok(None);
        }
        let (inputs, outputs) = layer.linear(product).0.dims2()?;
        let parts = modules.iter().map(|module| module.columns(outputs)).collect();
        Ok(Some(Self { modules, trained: TrainedPairs::new(inputs, parts, rank, scale, random)?, dropout }))
    }

    /// Takes over what an adapter has for these modules in this layer.
    pub fn go_on_from(&mut self, adapter: &Adapter, layer: usize) -> Computed<()> {
        let pairs: Vec<_> = self.modules.iter().map(|module| adapter.pairs.get(&module.full_path(layer))).collect();
        self.trained.go_on_from(&pairs)
    }

    /// The product, changed.
    pub fn apply(
        &self,
        x: &Tensor,
        linear: &(Tensor, Tensor),
        dropout: Option<Dropout>,
        place: u64,
    ) -> Computed<Tensor> {
        let dropped = Dropout::at(dropout.map(|dropout| Dropout { rate: self.dropout, ..dropout }), PLACE + place);
        self.trained.apply(x, &linear.0, Some(&linear.1), dropped)
    }

    /// The pair of each module as it is now.
    fn to_low_rank(&self) -> Computed<impl Iterator<Item = (Module, LowRank)>> {
        Ok(self.modules.clone().into_iter().zip(self.trained.to_low_rank()?))
    }
}

/// The places of the pairs' dropout, beyond those of layers and heads.
const PLACE: u64 = 1 << 21;

/// The pairs of a model in training, under the paths of an adapter.
pub fn pairs(bert: &Bert) -> Computed<BTreeMap<String, LowRank>> {
    let mut out = BTreeMap::new();
    for (index, layer) in bert.layers.iter().enumerate() {
        for pairs in Product::ALL.into_iter().filter_map(|product| layer.pairs.get(product)) {
            out.extend(pairs.to_low_rank()?.map(|(module, pair)| (module.full_path(index), pair)));
        }
    }
    Ok(out)
}

/// Adds the pairs of an adapter to the weights, so that they cost nothing in use.
pub fn merge(bert: &mut Bert, adapter: &Adapter) -> Result<(), EncoderError> {
    for (path, pair) in &adapter.pairs {
        let refused = |reason: &str| AdapterError::Tensor { name: path.clone(), reason: reason.to_owned() };
        let place = path.strip_prefix(LAYERS).and_then(|rest| rest.split_once('.'));
        let place = place.and_then(|(layer, module)| {
            let module = Module::ALL.into_iter().find(|known| known.path() == module)?;
            Some((layer.parse::<usize>().ok()?, module))
        });
        let (layer, module) = place.ok_or_else(|| refused("BERT has no such module that can have a pair"))?;
        let layer = bert.layers.get_mut(layer).ok_or_else(|| refused("the base model has no such layer"))?;
        let weight = &mut layer.linear_mut(module.product()).0;
        let (inputs, outputs) = weight.dims2()?;
        let columns = module.columns(outputs);
        if (pair.inputs, pair.outputs) != (inputs, columns.len()) {
            return Err(refused("it is for a model of another width").into());
        }
        let mut numbers = with_numbers(weight, |numbers| Ok(numbers.to_vec()))?;
        pair.add_turned(&mut numbers[columns.start..], outputs)?;
        *weight = Tensor::from_vec(numbers, (inputs, outputs), &Device::Cpu)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::{
        super::{bert::Packed, tiny},
        *,
    };
    use crate::models::adapter::AdapterConfig;

    /// A model with pairs that change something.
    fn changed(modules: &[Module], layers: &[usize]) -> Bert {
        let mut bert = tiny::bert(3);
        for (index, layer) in bert.layers.iter_mut().enumerate().filter(|(index, _)| layers.contains(index)) {
            for product in Product::ALL {
                let mut state = (index * 4 + product as usize) as u32 + 1;
                let mut random = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 8) as f32 / (1 << 23) as f32 - 1.0
                };
                let pairs = Pairs::new(layer, product, modules, 3, (2.0, 0.1), &mut random).unwrap();
                let Some(mut pairs) = pairs else { continue };
                let numbers: Vec<f32> = (0..pairs.trained.b.elem_count()).map(|_| 0.3 * random()).collect();
                pairs.trained.b = Tensor::from_vec(numbers, pairs.trained.b.shape(), &Device::Cpu).unwrap();
                layer.pairs.set(product, pairs);
            }
        }
        bert
    }

    fn rows(bert: &Bert) -> Vec<f32> {
        let tokens = vec![1, 5, 6, 2, 9, 7, 2];
        let packed = Packed { types: vec![0; tokens.len()], tokens, lengths: [7].into() };
        bert.forward(&packed, None).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn pairs_that_are_merged_give_the_same_rows() {
        for (modules, layers) in [
            (Module::ALL.to_vec(), vec![0, 1]),
            (vec![Module::Query, Module::Value], vec![1]),
            (vec![Module::Value, Module::Output, Module::Key], vec![0]),
        ] {
            let bert = changed(&modules, &layers);
            let pairs = pairs(&bert).unwrap();
            assert_eq!(pairs.len(), modules.len() * layers.len());
            let adapter = Adapter { config: AdapterConfig::new(3, 6.0, 0.1, vec![]), pairs, whole: BTreeMap::new() };
            let mut merged = tiny::bert(3);
            let before = rows(&merged);
            merge(&mut merged, &adapter).unwrap();
            let (merged, live) = (rows(&merged), rows(&bert));
            assert!(merged.iter().zip(&live).all(|(a, b)| (a - b).abs() < 1e-4), "{modules:?}");
            assert!(live.iter().zip(&before).any(|(a, b)| (a - b).abs() > 1e-2), "{modules:?}");
        }
    }

    #[test]
    fn new_pairs_change_nothing() {
        let mut bert = tiny::bert(3);
        let before = rows(&bert);
        let pairs = Pairs::new(&bert.layers[0], Product::Qkv, &Module::ALL, 2, (2.0, 0.0), || 0.5).unwrap().unwrap();
        assert_eq!(pairs.trained.a.dims(), [16, 6]);
        assert_eq!(pairs.trained.a.to_vec2::<f32>().unwrap()[0][0], 0.125);
        bert.layers[0].pairs.set(Product::Qkv, pairs);
        assert_eq!(rows(&bert), before);
    }

    #[test]
    fn pairs_of_another_model_are_refused() {
        let pair = LowRank { rank: 1, inputs: 16, outputs: 16, a: vec![0.0; 16], b: vec![0.0; 16], scale: 1.0 };
        for (path, word) in [
            ("bert.encoder.layer.2.attention.self.query", "no such layer"),
            ("bert.encoder.layer.0.attention.self.rotary", "no such module"),
            ("model.layers.0.self_attn.q_proj", "no such module"),
            ("bert.encoder.layer.0.intermediate.dense", "another width"),
        ] {
            let pairs = BTreeMap::from([(path.to_owned(), pair.clone())]);
            let config = AdapterConfig::new(1, 1.0, 0.0, vec![]);
            let error = merge(&mut tiny::bert(3), &Adapter { config, pairs, whole: BTreeMap::new() }).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
