//! The files of an encoder and of a reader, both ways.
//!
//! A base model is a folder with `config.json`, `tokenizer.json` and `model.safetensors` under Hugging Face's names.
//! A reader is `reader.json`, which names the base model by its sha256, and either the layers that were trained with
//! the heads, under the same names in `reader.safetensors`, or a low-rank adapter in the two files of PEFT.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use candle_core::{DType, Device, Tensor, safetensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Decision, EncoderError,
    bert::{Bert, Embeddings, Layer},
    config::BertConfig,
    decision::Platt,
    features::{Limits, ReaderTokenizer},
    heads::ReaderHeads,
    low_rank::{self, LayerPairs, Module},
};
use crate::models::adapter::{
    ADAPTER_WEIGHTS, Adapter, AdapterConfig, AdapterFiles, LowRank, Precision, WholeTensors, config::Targets,
};

/// The form of a reader's files.
const FORMAT: u32 = 3;
/// The settings of a reader.
pub const READER_SETTINGS: &str = "reader.json";
/// The weights of a reader.
pub const READER_WEIGHTS: &str = "reader.safetensors";
/// The weights of a base model.
const BASE_WEIGHTS: &str = "model.safetensors";

/// `reader.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderSettings {
    /// The form of the folder.
    pub format: u32,
    /// The sha256 of the base model's weights.
    pub base_sha256: String,
    /// What was trained, beside the heads.
    pub trained: Trained,
    /// How texts are cut into windows.
    pub limits: Limits,
    /// The score from which on a span counts as found.
    pub threshold: f32,
    /// From a score to the probability that the answer is right.
    pub probability: Platt,
}

/// What a reader has of its own, beside the heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trained {
    /// The layers from this one on, in `reader.safetensors`.
    LayersFrom(usize),
    /// Low-rank pairs, in the files of an adapter.
    LowRank,
}

impl ReaderSettings {
    /// Settings of the present form, before threshold and probability are fitted.
    pub fn new(base_sha256: String, trained: Trained, limits: Limits) -> Self {
        let Decision { threshold, probability } = Decision::UNFITTED;
        Self { format: FORMAT, base_sha256, trained, limits, threshold, probability }
    }

    /// What the scores mean.
    pub fn decision(&self) -> Decision {
        Decision { threshold: self.threshold, probability: self.probability }
    }
}

/// A base model.
#[derive(Debug, Clone)]
pub struct Base {
    /// The model without heads.
    pub bert: Bert,
    /// Its tokenizer.
    pub tokenizer: ReaderTokenizer,
    /// The sha256 of its weights, in hexadecimal.
    pub sha256: String,
}

impl Base {
    /// Reads a folder.
    pub fn load(folder: &Path) -> Result<Self, EncoderError> {
        let config = BertConfig::read(&folder.join("config.json"))?;
        let path = folder.join(BASE_WEIGHTS);
        let bytes = fs::read(&path).map_err(io("reading", &path))?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let tensors = safetensors::load_buffer(&bytes, &Device::Cpu);
        let mut tensors = Tensors::new(tensors.map_err(|error| refused(&path, error))?, &path);
        drop(bytes);
        let embeddings = Embeddings {
            words: tensors.take("embeddings.word_embeddings.weight", &[config.vocab_size, config.hidden_size])?,
            positions: tensors
                .take("embeddings.position_embeddings.weight", &[config.max_position_embeddings, config.hidden_size])?,
            types: tensors
                .take("embeddings.token_type_embeddings.weight", &[config.type_vocab_size, config.hidden_size])?,
            norm: tensors.norm("embeddings.LayerNorm", config.hidden_size)?,
        };
        let layers = (0..config.num_hidden_layers).map(|index| tensors.layer(index, &config));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        tensors.all_used(&["pooler.dense.weight", "pooler.dense.bias", "embeddings.position_ids"])?;
        let tokenizer = ReaderTokenizer::load(&folder.join("tokenizer.json"))?;
        Ok(Self { bert: Bert { config, embeddings, layers }, tokenizer, sha256 })
    }

    /// The settings of a reader that was trained on this base.
    fn settings_of(&self, files: &AdapterFiles) -> Result<ReaderSettings, EncoderError> {
        let path = Path::new(READER_SETTINGS);
        let settings: ReaderSettings =
            serde_json::from_slice(files.need(READER_SETTINGS)?).map_err(|error| refused(path, error))?;
        if settings.format != FORMAT {
            let reason = format!("its form is {}, and {FORMAT} is supported; train it again", settings.format);
            return Err(refused(path, reason));
        }
        settings.decision().check().map_err(|reason| refused(path, reason))?;
        if settings.base_sha256 != self.sha256 {
            let reason =
                format!("it was trained on the base {}, and this one is {}", settings.base_sha256, self.sha256);
            return Err(refused(path, reason));
        }
        Ok(settings)
    }

    /// What a training that goes on from a low-rank reader begins with.
    pub fn go_on_from(&self, files: &AdapterFiles) -> Result<ReaderStart, EncoderError> {
        let settings = self.settings_of(files)?;
        if settings.trained != Trained::LowRank {
            let reason = "training goes on from low-rank pairs only, and this reader was trained in full";
            return Err(refused(Path::new(READER_SETTINGS), reason));
        }
        let mut adapter = Adapter::from_files(files)?;
        let is_head = |name: &str| HEADS.iter().any(|head| name.rsplit_once('.').is_some_and(|(of, _)| of == *head));
        let mut vectors = adapter.whole.clone();
        vectors.retain(|name, _| !is_head(name));
        let mut tensors = whole_tensors(&mut adapter)?;
        let mut bert = self.bert.clone();
        let heads = tensors.heads(HEADS, bert.config.hidden_size)?;
        for (index, layer) in bert.layers.iter_mut().enumerate() {
            tensors.replace_vectors(index, layer)?;
        }
        tensors.all_used(&[])?;
        Ok(ReaderStart { bert, adapter, vectors, heads })
    }

    /// Puts a trained reader on the base model. Low-rank pairs become part of the weights.
    pub fn with_reader(mut self, files: &AdapterFiles) -> Result<(Self, ReaderHeads, ReaderSettings), EncoderError> {
        let settings = self.settings_of(files)?;
        let config = &self.bert.config;
        let heads = match settings.trained {
            Trained::LayersFrom(first) => {
                if first > config.num_hidden_layers {
                    return Err(refused(Path::new(READER_SETTINGS), "its first trained layer does not exist"));
                }
                let path = Path::new(READER_WEIGHTS);
                let tensors = safetensors::load_buffer(files.need(READER_WEIGHTS)?, &Device::Cpu);
                let mut tensors = Tensors::new(tensors.map_err(|error| refused(path, error))?, path);
                for index in first..config.num_hidden_layers {
                    self.bert.layers[index] = tensors.layer(index, config)?;
                }
                let heads = tensors.heads(["reader.span", "reader.answerable"], config.hidden_size)?;
                tensors.all_used(&[])?;
                heads
            }
            Trained::LowRank => {
                let mut adapter = Adapter::from_files(files)?;
                let mut tensors = whole_tensors(&mut adapter)?;
                let heads = tensors.heads(HEADS, config.hidden_size)?;
                for (index, layer) in self.bert.layers.iter_mut().enumerate() {
                    tensors.replace_vectors(index, layer)?;
                }
                tensors.all_used(&[])?;
                low_rank::merge(&mut self.bert, &adapter)?;
                heads
            }
        };
        Ok((self, heads, settings))
    }
}

/// A low-rank reader that a training goes on from.
pub struct ReaderStart {
    /// The base model with the reader's own biases and norms, and without its pairs.
    pub bert: Bert,
    /// Its pairs.
    pub adapter: Adapter,
    /// These biases and norms, by their names in an adapter: a mean of readers has its own, of which training changes none.
    pub vectors: WholeTensors,
    /// Its heads.
    pub heads: ReaderHeads,
}

/// The adapter of a reader: its pairs, its heads, and what else it has in place of the base model's ([`vectors`]). The
/// span head has the name it has in `transformers`.
pub fn reader_adapter(
    pairs: BTreeMap<String, LowRank>,
    mut whole: WholeTensors,
    heads: &ReaderHeads,
    mut config: AdapterConfig,
    precision: Precision,
) -> Result<AdapterFiles, EncoderError> {
    for (name, head) in HEADS.into_iter().zip([&heads.span, &heads.answerable]) {
        for (kind, tensor) in [("weight", head.0.t()?), ("bias", head.1.clone())] {
            whole.insert(format!("{name}.{kind}"), (tensor.dims().to_vec(), tensor.flatten_all()?.to_vec1()?));
        }
    }
    let modules = whole.keys().filter_map(|name| name.rsplit_once('.')).map(|(module, _)| module);
    let (biased, saved): (BTreeSet<&str>, BTreeSet<&str>) = modules.partition(|module| module.ends_with(BIASED));
    if !biased.is_empty() {
        config.bias = "all".to_owned();
    }
    // Not `QUESTION_ANS`: PEFT's class for that (0.21.2) does not pass the token types on, and without them the scores
    // are others.
    config.task_type = None;
    config.target_modules = Some(Targets::Ends(pairs.keys().cloned().collect()));
    config.modules_to_save = Some(saved.into_iter().map(str::to_owned).collect());
    Ok(Adapter { config, pairs, whole }.to_files(precision)?)
}

/// The biases and norms of a layer, under the names that they have in an adapter.
pub fn vectors(index: usize, layer: &Layer) -> Result<WholeTensors, EncoderError> {
    let mut out = BTreeMap::new();
    for module in Module::ALL {
        let bias = layer.linear(module.product()).1.to_vec1::<f32>()?;
        let bias = bias[module.columns(bias.len())].to_vec();
        out.insert(format!("{}{BIASED}.bias", module.full_path(index)), (vec![bias.len()], bias));
    }
    for (part, norm) in NORMS.into_iter().zip([&layer.attention_norm, &layer.output_norm]) {
        for (kind, vector) in ["weight", "bias"].into_iter().zip(norm.to_vec2::<f32>()?) {
            out.insert(format!("bert.encoder.layer.{index}.{part}.{kind}"), (vec![vector.len()], vector));
        }
    }
    Ok(out)
}

/// What `reader.safetensors` holds. Half precision halves the file and changes scores in the third decimal.
pub fn reader_tensors(
    bert: &Bert,
    first_trained_layer: usize,
    heads: &ReaderHeads,
    dtype: DType,
) -> Result<HashMap<String, Tensor>, EncoderError> {
    let mut out = HashMap::new();
    let mut put = |name: String, tensor: Tensor| -> Result<(), EncoderError> {
        out.insert(name, tensor.detach().to_dtype(dtype)?.contiguous()?);
        Ok(())
    };
    for (index, layer) in bert.layers.iter().enumerate().skip(first_trained_layer) {
        let name = |part: &str, kind: &str| format!("encoder.layer.{index}.{part}.{kind}");
        for (part, tensors) in LINEAR.into_iter().zip([&layer.attention_output, &layer.up, &layer.down]) {
            put(name(part, "weight"), tensors.0.t()?)?;
            put(name(part, "bias"), tensors.1.clone())?;
        }
        for (part, norm) in NORMS.into_iter().zip([&layer.attention_norm, &layer.output_norm]) {
            put(name(part, "weight"), norm.get(0)?)?;
            put(name(part, "bias"), norm.get(1)?)?;
        }
        let weights = layer.qkv.0.chunk(3, 1)?;
        let biases = layer.qkv.1.chunk(3, 0)?;
        for ((part, weight), bias) in QKV.into_iter().zip(weights).zip(biases) {
            put(name(part, "weight"), weight.t()?)?;
            put(name(part, "bias"), bias)?;
        }
    }
    for (name, tensors) in [("reader.span", &heads.span), ("reader.answerable", &heads.answerable)] {
        put(format!("{name}.weight"), tensors.0.t()?)?;
        put(format!("{name}.bias"), tensors.1.clone())?;
    }
    Ok(out)
}

/// What PEFT puts between a module with a pair and its bias.
pub(super) const BIASED: &str = ".base_layer";
/// The heads of spans and of answerability in an adapter.
const HEADS: [&str; 2] = ["qa_outputs", "answerable"];
const QKV: [&str; 3] = ["attention.self.query", "attention.self.key", "attention.self.value"];
const LINEAR: [&str; 3] = ["attention.output.dense", "intermediate.dense", "output.dense"];
const NORMS: [&str; 2] = ["attention.output.LayerNorm", "output.LayerNorm"];

/// Takes what an adapter holds beside its pairs.
pub(super) fn whole_tensors(adapter: &mut Adapter) -> Result<Tensors<'static>, EncoderError> {
    let whole = std::mem::take(&mut adapter.whole)
        .into_iter()
        .map(|(name, (shape, numbers))| Ok((name, Tensor::from_vec(numbers, shape, &Device::Cpu)?)));
    Ok(Tensors::new(whole.collect::<Result<HashMap<_, _>, EncoderError>>()?, Path::new(ADAPTER_WEIGHTS)))
}

/// The tensors of a file that were not taken yet, without the prefix that whole models have.
pub(super) struct Tensors<'a> {
    left: HashMap<String, Tensor>,
    path: &'a Path,
}

impl<'a> Tensors<'a> {
    fn new(tensors: HashMap<String, Tensor>, path: &'a Path) -> Self {
        let bare = |name: String| name.strip_prefix("bert.").map(str::to_owned).unwrap_or(name);
        Self { left: tensors.into_iter().map(|(name, tensor)| (bare(name), tensor)).collect(), path }
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, EncoderError> {
        let Some(tensor) = self.left.remove(name) else {
            return Err(refused(self.path, format!("the tensor `{name}` is missing")));
        };
        if tensor.dims() != shape {
            let reason = format!("the tensor `{name}` is {:?} and should be {shape:?}", tensor.dims());
            return Err(refused(self.path, reason));
        }
        Ok(tensor.to_dtype(DType::F32)?)
    }

    pub(super) fn linear(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<(Tensor, Tensor), EncoderError> {
        let weight = self.take(&format!("{name}.weight"), &[outputs, inputs])?.t()?.contiguous()?;
        Ok((weight, self.take(&format!("{name}.bias"), &[outputs])?))
    }

    fn norm(&mut self, name: &str, width: usize) -> Result<Tensor, EncoderError> {
        let scale = self.take(&format!("{name}.weight"), &[width])?;
        Ok(Tensor::stack(&[scale, self.take(&format!("{name}.bias"), &[width])?], 0)?)
    }

    fn layer(&mut self, index: usize, config: &BertConfig) -> Result<Layer, EncoderError> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let mut parts = Vec::new();
        for part in QKV {
            parts.push(self.linear(&name(part), width, width)?);
        }
        let weights: Vec<_> = parts.iter().map(|part| &part.0).collect();
        let biases: Vec<_> = parts.iter().map(|part| &part.1).collect();
        Ok(Layer {
            qkv: (Tensor::cat(&weights, 1)?.contiguous()?, Tensor::cat(&biases, 0)?),
            attention_output: self.linear(&name(LINEAR[0]), width, width)?,
            up: self.linear(&name(LINEAR[1]), width, inner)?,
            down: self.linear(&name(LINEAR[2]), inner, width)?,
            attention_norm: self.norm(&name(NORMS[0]), width)?,
            output_norm: self.norm(&name(NORMS[1]), width)?,
            pairs: LayerPairs::default(),
        })
    }

    /// Puts the biases and norms that there are in place of the layer's own.
    pub(super) fn replace_vectors(&mut self, index: usize, layer: &mut Layer) -> Result<(), EncoderError> {
        for module in Module::ALL {
            let name = format!("encoder.layer.{index}.{}{BIASED}.bias", module.path());
            if !self.left.contains_key(&name) {
                continue;
            }
            let bias = &mut layer.linear_mut(module.product()).1;
            let mut numbers = bias.to_vec1::<f32>()?;
            let columns = module.columns(numbers.len());
            let new = self.take(&name, &[columns.len()])?.to_vec1::<f32>()?;
            numbers[columns].copy_from_slice(&new);
            *bias = Tensor::new(numbers, &Device::Cpu)?;
        }
        for (part, norm) in NORMS.into_iter().zip([&mut layer.attention_norm, &mut layer.output_norm]) {
            let name = format!("encoder.layer.{index}.{part}");
            if ["weight", "bias"].iter().any(|kind| self.left.contains_key(&format!("{name}.{kind}"))) {
                *norm = self.norm(&name, norm.dims2()?.1)?;
            }
        }
        Ok(())
    }

    fn heads(&mut self, [span, answerable]: [&str; 2], width: usize) -> Result<ReaderHeads, EncoderError> {
        Ok(ReaderHeads { span: self.linear(span, width, 2)?, answerable: self.linear(answerable, width, 1)? })
    }

    pub(super) fn all_used(&self, unneeded: &[&str]) -> Result<(), EncoderError> {
        match self.left.keys().find(|name| !unneeded.contains(&name.as_str())) {
            Some(name) => Err(refused(self.path, format!("the tensor `{name}` belongs to another kind of model"))),
            None => Ok(()),
        }
    }
}

pub(super) fn refused(path: &Path, reason: impl ToString) -> EncoderError {
    EncoderError::Model { path: path.to_owned(), reason: reason.to_string() }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> EncoderError {
    let path: PathBuf = path.to_owned();
    move |source| EncoderError::Io { doing, path, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::tiny;
    use super::*;

    #[test]
    fn a_layer_survives_the_way_to_the_file_and_back() {
        let bert = tiny::bert(5);
        let width = bert.config.hidden_size;
        let head = |outputs| {
            let weight = Tensor::ones((width, outputs), DType::F32, &Device::Cpu).unwrap();
            (weight, Tensor::zeros(outputs, DType::F32, &Device::Cpu).unwrap())
        };
        let heads = ReaderHeads { span: head(2), answerable: head(1) };
        let tensors = reader_tensors(&bert, 1, &heads, DType::F32).unwrap();
        assert_eq!(tensors["encoder.layer.1.intermediate.dense.weight"].dims(), [32, 16]);
        assert!(!tensors.contains_key("encoder.layer.0.output.dense.weight"));
        let path = Path::new("reader.safetensors");
        let mut read = Tensors::new(tensors.clone(), path);
        let layer = read.layer(1, &bert.config).unwrap();
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let before = &bert.layers[1];
        assert_eq!(flat(&layer.qkv.0), flat(&before.qkv.0));
        assert_eq!(flat(&layer.qkv.1), flat(&before.qkv.1));
        assert_eq!(flat(&layer.down.0), flat(&before.down.0));
        assert_eq!(flat(&layer.output_norm), flat(&before.output_norm));
        read.linear("reader.span", width, 2).unwrap();
        assert!(read.all_used(&[]).unwrap_err().to_string().contains("reader.answerable"));
        assert!(Tensors::new(tensors, path).layer(0, &bert.config).unwrap_err().to_string().contains("missing"));
    }
}
