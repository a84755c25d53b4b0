//! The reader as something that can be trained: its heads, and its upper layers or low-rank pairs, as variables.
//!
//! May depend on the encoder, `fit` and `features`.

use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};

use super::{
    TrainError,
    batches::Random,
    config::{LoraTraining, ReaderConfig, ReaderTraining},
    features::{Label, Sequence},
    fit::Trainable,
    optimizer::Parameter,
    reading::{FIGURES, ReadingTask, named_figures},
    threads::Loss,
};
use crate::models::{
    adapter::{Adapter, AdapterConfig, AdapterFiles, Precision, WholeTensors},
    encoder::{
        EncoderError,
        bert::{Bert, Layer},
        features::{Limits, ReaderTokenizer},
        heads::ReaderHeads,
        load::{Base, READER_SETTINGS, READER_WEIGHTS, ReaderSettings, Trained, reader_adapter, reader_tensors},
        low_rank::{self, Module, Pairs, Product},
        reader::{Reader, pack},
    },
    fused::{
        dropout::Dropout,
        loss::{SpanTarget, binary_loss, span_loss},
    },
};

/// The folder of the weights in the folder of a run.
pub const READER: &str = "reader";
/// The standard deviation of the heads' first weights, as BERT's own.
pub(super) const HEAD_DEVIATION: f64 = 0.02;

/// A reader in training.
pub struct ReaderModel {
    bert: Bert,
    heads: ReaderHeads,
    parameters: Vec<Parameter>,
    first_trained_layer: usize,
    settings: ReaderTraining,
    lora: Option<LoraTraining<Module>>,
    limits: Limits,
    base_sha256: String,
    /// The biases and norms that are those of the reader it goes on from, and not of the base.
    vectors: WholeTensors,
    /// What its task is measured on, and how texts are read for it.
    measured: Option<(ReadingTask, ReaderTokenizer)>,
}

impl ReaderModel {
    /// Makes variables of the upper layers, or pairs, and heads; those of the low-rank reader `from`, if it is given.
    pub fn new(base: &Base, config: &ReaderConfig, from: Option<&AdapterFiles>) -> Result<Self, TrainError> {
        let from = from.map(|files| base.go_on_from(files)).transpose()?;
        let mut bert = from.as_ref().map_or(&base.bert, |start| &start.bert).clone();
        let layers = bert.layers.len();
        let mut parameters = Vec::new();
        let rate = |layer: usize| config.reader.layer_rate.powi((layers - 1 - layer) as i32);
        let first_trained_layer = match &config.lora {
            Some(lora) => {
                let from = from.as_ref().map(|start| &start.adapter);
                add_pairs(&mut bert, (lora, from), config.seed, rate, &mut parameters)?;
                layers
            }
            None => layers - config.reader.trainable_layers.min(layers),
        };
        for (index, layer) in bert.layers.iter_mut().enumerate().skip(first_trained_layer) {
            train_layer(layer, &format!("layers.{index}"), rate(index), &mut parameters)?;
        }
        let mut random = Random::new(config.seed, u64::MAX);
        let width = bert.config.hidden_size;
        let mut head = |name: &str, outputs: usize, from: Option<&(Tensor, Tensor)>| {
            let numbers: Vec<f32> = (0..width * outputs).map(|_| (HEAD_DEVIATION * random.normal()) as f32).collect();
            let mut pair = match from {
                Some(pair) => pair.clone(),
                None => (
                    Tensor::from_vec(numbers, (width, outputs), &Device::Cpu)?,
                    Tensor::zeros(outputs, DType::F32, &Device::Cpu)?,
                ),
            };
            train_pair(&mut pair, name, config.reader.head_rate, &mut parameters)?;
            Ok::<_, TrainError>(pair)
        };
        let begun = from.as_ref().map(|start| &start.heads);
        let heads = ReaderHeads {
            span: head("heads.span", 2, begun.map(|heads| &heads.span))?,
            answerable: head("heads.answerable", 1, begun.map(|heads| &heads.answerable))?,
        };
        Ok(Self {
            bert,
            heads,
            parameters,
            first_trained_layer,
            settings: config.reader.clone(),
            lora: config.lora.clone(),
            limits: config.limits,
            base_sha256: base.sha256.clone(),
            vectors: from.map(|start| start.vectors).unwrap_or_default(),
            measured: None,
        })
    }

    /// Lets its task be measured on these examples whenever it is validated.
    pub fn measure_on(&mut self, task: ReadingTask, tokenizer: &ReaderTokenizer) {
        self.measured = Some((task, tokenizer.clone()));
    }

    /// The numbers that are trained.
    pub fn trained_numbers(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.var.elem_count()).sum()
    }

    /// Model and heads as they are now.
    pub fn parts(&self) -> (&Bert, &ReaderHeads) {
        (&self.bert, &self.heads)
    }

    /// The files of the reader as it is now.
    pub fn files(&self) -> Result<AdapterFiles, TrainError> {
        let refused = |reason: String| EncoderError::Model { path: READER_SETTINGS.into(), reason };
        let (mut files, trained) = match &self.lora {
            Some(lora) => {
                let config = AdapterConfig::new(lora.rank, lora.alpha, lora.dropout.into(), Vec::new());
                let precision = if self.settings.half { Precision::F16 } else { Precision::F32 };
                let pairs = low_rank::pairs(&self.bert)?;
                (reader_adapter(pairs, self.vectors.clone(), &self.heads, config, precision)?, Trained::LowRank)
            }
            None => {
                let dtype = if self.settings.half { DType::F16 } else { DType::F32 };
                let tensors = reader_tensors(&self.bert, self.first_trained_layer, &self.heads, dtype)?;
                let whole = safetensors::serialize(&tensors, None).map_err(|error| refused(error.to_string()))?;
                let mut files = AdapterFiles::default();
                files.insert(READER_WEIGHTS, whole);
                (files, Trained::LayersFrom(self.first_trained_layer))
            }
        };
        let settings = ReaderSettings::new(self.base_sha256.clone(), trained, self.limits);
        let settings = serde_json::to_vec_pretty(&settings).map_err(|error| refused(error.to_string()))?;
        files.insert(READER_SETTINGS, settings);
        Ok(files)
    }
}

/// Gives the layers the pairs of the recipe, as variables.
pub(super) fn add_pairs(
    bert: &mut Bert,
    (lora, from): (&LoraTraining<Module>, Option<&Adapter>),
    seed: u64,
    rate: impl Fn(usize) -> f64,
    to: &mut Vec<Parameter>,
) -> Result<(), TrainError> {
    let layers = bert.layers.len();
    if let Some(path) = from.and_then(|adapter| adapter.pairs.keys().find(|path| !is_trained(path, lora, layers))) {
        return Err(TrainError::NotInRecipe { path: path.clone() });
    }
    if let Some(layer) = lora.layers.iter().flatten().find(|layer| **layer >= layers) {
        return Err(TrainError::NoLayer { layer: *layer, layers });
    }
    let scale = (lora.scale(), lora.dropout);
    // The stream below that of the heads.
    let mut random = Random::new(seed, u64::MAX - 1);
    let mut random = || (2.0 * random.unit() - 1.0) as f32;
    for (index, layer) in bert.layers.iter_mut().enumerate() {
        if lora.layers.as_ref().is_some_and(|layers| !layers.contains(&index)) {
            continue;
        }
        for product in Product::ALL {
            let pairs = Pairs::new(layer, product, &lora.modules, lora.rank, scale, &mut random)?;
            let Some(mut pairs) = pairs else { continue };
            if let Some(adapter) = from {
                pairs.go_on_from(adapter, index)?;
            }
            let name = format!("layers.{index}.{product:?}").to_lowercase();
            train(&mut pairs.trained.a, format!("{name}.a"), true, rate(index), to)?;
            train(&mut pairs.trained.b, format!("{name}.b"), true, rate(index), to)?;
            layer.pairs.set(product, pairs);
        }
    }
    Ok(())
}

/// Whether the recipe gives this module of an adapter a pair: what it does not would be lost.
fn is_trained(path: &str, lora: &LoraTraining<Module>, layers: usize) -> bool {
    let chosen = |layer: &usize| lora.layers.as_ref().is_none_or(|layers| layers.contains(layer));
    (0..layers).filter(chosen).any(|layer| lora.modules.iter().any(|module| module.full_path(layer) == path))
}

fn train(
    tensor: &mut Tensor,
    name: String,
    decays: bool,
    rate: f64,
    to: &mut Vec<Parameter>,
) -> Result<(), TrainError> {
    let var = Var::from_tensor(tensor)?;
    *tensor = var.as_tensor().clone();
    to.push(Parameter { name, var, decays, rate_factor: rate });
    Ok(())
}

pub(super) fn train_pair(
    pair: &mut (Tensor, Tensor),
    name: &str,
    rate: f64,
    to: &mut Vec<Parameter>,
) -> Result<(), TrainError> {
    train(&mut pair.0, format!("{name}.weight"), true, rate, to)?;
    train(&mut pair.1, format!("{name}.bias"), false, rate, to)
}

fn train_layer(layer: &mut Layer, name: &str, rate: f64, to: &mut Vec<Parameter>) -> Result<(), TrainError> {
    let Layer { qkv, attention_output, attention_norm, up, down, output_norm, pairs: _ } = layer;
    for (part, pair) in [("qkv", qkv), ("attention_output", attention_output), ("up", up), ("down", down)] {
        train_pair(pair, &format!("{name}.{part}"), rate, to)?;
    }
    for (part, norm) in [("attention_norm", attention_norm), ("output_norm", output_norm)] {
        train(norm, format!("{name}.{part}"), false, rate, to)?;
    }
    Ok(())
}

impl Trainable for ReaderModel {
    type Item = Sequence;

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn part_names(&self) -> &'static [&'static str] {
        &["span", "answerable"]
    }

    fn tokens(&self, item: &Sequence) -> usize {
        item.window.tokens.len()
    }

    fn units(&self, _: &Sequence) -> f64 {
        1.0
    }

    fn loss(&self, items: &[&Sequence], factor: f64, seed: Option<u64>) -> candle_core::Result<Loss> {
        let dropout = seed.map(|seed| Dropout { rate: self.settings.dropout, seed });
        let packed = pack(items.iter().map(|item| &item.window));
        let firsts = packed.firsts();
        let rows = self.bert.forward(&packed, dropout)?;
        let logits = self.heads.forward(&rows, &firsts, dropout)?;
        let spans = items.iter().zip(&firsts).filter_map(|(item, first)| {
            let span = match item.label {
                Label::Span(start, end) => (first + start, first + end),
                Label::None => (*first, *first),
                Label::Unmarked => return None,
            };
            let passage = &item.window.passage;
            Some(SpanTarget { none: *first, candidates: first + passage.start..first + passage.end, span })
        });
        let answerable = items.iter().map(|item| Some(item.label != Label::None));
        let span = span_loss(&logits.span, spans.collect(), factor)?;
        let answerable = binary_loss(&logits.answerable, answerable.collect(), factor)?;
        let parts = vec![f64::from(span.to_scalar::<f32>()?), f64::from(answerable.to_scalar::<f32>()?)];
        Ok(Loss { total: (span + (answerable * self.settings.answerable_weight)?)?, parts })
    }

    fn figure_names(&self) -> &'static [&'static str] {
        if self.measured.is_some() { &FIGURES } else { &[] }
    }

    fn figures(&self) -> Result<Vec<Option<f64>>, TrainError> {
        let Some((task, tokenizer)) = &self.measured else { return Ok(Vec::new()) };
        let reader = Reader::new(self.bert.clone(), self.heads.clone(), tokenizer.clone(), self.limits);
        Ok(named_figures(&task.judge(&reader, |_| ())?))
    }

    fn save(&self, folder: &Path) -> Result<(), TrainError> {
        Ok(self.files()?.write(&folder.join(READER))?)
    }
}
