//! A folder as Hugging Face has it: `config.json`, `tokenizer.json` and safetensors files.
//!
//! What it says is turned into the metadata that llama.cpp's conversion would write into a GGUF file, so that one set of
//! checks decides what is supported. Tensors are read from their files one at a time. May depend on `safetensors` and
//! candle's tensors.

use std::{
    collections::{BTreeSet, HashMap},
    f64::consts::TAU,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QTensor, gguf_file::Value},
};
use half::{bf16, f16};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde::Deserialize;

use super::{names::gguf_name, tokenizer_json};
use crate::models::generator::GeneratorError;

/// The factors by which dimensions turn slower, where `config.json` asks for them.
const ROPE_FACTORS: &str = "rope_freqs.weight";
/// A header of more bytes is no header: the format allows no more.
const LONGEST_HEADER: u64 = 100_000_000;

/// The tensors of a folder.
pub(in crate::models::generator) struct ModelFolder {
    /// By GGUF's names.
    tensors: HashMap<String, Stored>,
    rope_factors: Option<Vec<f32>>,
}

struct Stored {
    file: PathBuf,
    /// Where the tensors of the file begin.
    begin: u64,
    info: TensorInfo,
}

/// A folder that was opened.
pub(in crate::models::generator) struct OpenedFolder {
    pub tensors: ModelFolder,
    /// What a GGUF file of the same model would say.
    pub metadata: HashMap<String, Value>,
    /// The tokens that end an answer.
    pub ends: Vec<u32>,
}

/// What matters of `config.json`.
#[derive(Deserialize)]
struct Config {
    model_type: String,
    hidden_size: u32,
    num_hidden_layers: u32,
    num_attention_heads: u32,
    num_key_value_heads: Option<u32>,
    head_dim: Option<u32>,
    intermediate_size: u32,
    max_position_embeddings: u32,
    vocab_size: usize,
    rms_norm_eps: f32,
    rope_theta: Option<f32>,
    rope_scaling: Option<Rope>,
    /// Where newer files have the base and the scaling.
    rope_parameters: Option<Rope>,
    hidden_act: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    use_sliding_window: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
    eos_token_id: Option<OneOrMore>,
}

/// How dimensions turn. Llama 3.1's way to longer windows is the only one that is known.
#[derive(Deserialize)]
struct Rope {
    rope_theta: Option<f32>,
    rope_type: Option<String>,
    /// What older files call `rope_type`.
    r#type: Option<String>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(u32),
    More(Vec<u32>),
}

#[derive(Deserialize)]
struct TokenizerConfig {
    chat_template: Option<String>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

fn refuse(reason: impl Into<String>) -> GeneratorError {
    GeneratorError::Load(reason.into())
}

fn read_file(folder: &Path, name: &str) -> Result<Vec<u8>, GeneratorError> {
    std::fs::read(folder.join(name)).map_err(|error| refuse(format!("{name}: {error}")))
}

fn parse<'a, T: Deserialize<'a>>(name: &str, bytes: &'a [u8]) -> Result<T, GeneratorError> {
    serde_json::from_slice(bytes).map_err(|error| refuse(format!("{name}: {error}")))
}

/// Opens a folder: all but the tensors is read.
pub(in crate::models::generator) fn open(folder: &Path) -> Result<OpenedFolder, GeneratorError> {
    let bytes = read_file(folder, "config.json")?;
    let config: Config = parse("config.json", &bytes)?;
    let mut metadata = config.metadata()?;
    let tokenizer = tokenizer_json::metadata(&read_file(folder, "tokenizer.json")?, config.vocab_size)?;
    metadata.extend(tokenizer.into_iter().map(|(key, value)| (key.to_owned(), value)));
    metadata.insert("tokenizer.chat_template".to_owned(), Value::String(chat_template(folder)?));
    let tensors = ModelFolder {
        tensors: tensors(folder, config.tie_word_embeddings)?,
        rope_factors: config.rope().map(|rope| rope.factors(&config)).transpose()?.flatten(),
    };
    let ends = match config.eos_token_id {
        None => Vec::new(),
        Some(OneOrMore::One(end)) => vec![end],
        Some(OneOrMore::More(ends)) => ends,
    };
    Ok(OpenedFolder { tensors, metadata, ends })
}

impl Config {
    fn rope(&self) -> Option<&Rope> {
        self.rope_scaling.as_ref().or(self.rope_parameters.as_ref())
    }

    fn rope_base(&self) -> Option<f32> {
        self.rope_theta.or_else(|| self.rope_parameters.as_ref()?.rope_theta)
    }

    /// The metadata of a GGUF file.
    fn metadata(&self) -> Result<HashMap<String, Value>, GeneratorError> {
        let unsupported = [
            ("hidden_act", self.hidden_act != "silu"),
            ("attention_bias", self.attention_bias),
            ("mlp_bias", self.mlp_bias),
            ("use_sliding_window", self.use_sliding_window),
        ];
        if let Some((key, _)) = unsupported.iter().find(|(_, asked)| *asked) {
            return Err(refuse(format!("config.json: `{key}` asks for a kind of model that is not supported")));
        }
        let family = &self.model_type;
        let mut metadata = HashMap::from([("general.architecture".to_owned(), Value::String(family.clone()))]);
        let mut add = |key: &str, value: Value| metadata.insert(format!("{family}.{key}"), value);
        add("block_count", Value::U32(self.num_hidden_layers));
        add("context_length", Value::U32(self.max_position_embeddings));
        add("embedding_length", Value::U32(self.hidden_size));
        add("feed_forward_length", Value::U32(self.intermediate_size));
        add("attention.head_count", Value::U32(self.num_attention_heads));
        add("attention.head_count_kv", Value::U32(self.num_key_value_heads.unwrap_or(self.num_attention_heads)));
        add("attention.layer_norm_rms_epsilon", Value::F32(self.rms_norm_eps));
        if let Some(width) = self.head_dim {
            add("attention.key_length", Value::U32(width));
        }
        if let Some(base) = self.rope_base() {
            add("rope.freq_base", Value::F32(base));
        }
        Ok(metadata)
    }
}

impl Rope {
    /// How much slower each pair of dimensions turns, as llama.cpp's conversion computes it.
    fn factors(&self, config: &Config) -> Result<Option<Vec<f32>>, GeneratorError> {
        let kind = self.rope_type.as_deref().or(self.r#type.as_deref()).unwrap_or("without a name");
        if kind == "default" {
            return Ok(None);
        }
        let numbers = (self.factor, self.low_freq_factor, self.high_freq_factor, self.original_max_position_embeddings);
        let ("llama3", (Some(factor), Some(low), Some(high), Some(window))) = (kind, numbers) else {
            return Err(refuse(format!("config.json: rope scaling `{kind}` is not supported, or lacks a number")));
        };
        let width = config.head_dim.or_else(|| config.hidden_size.checked_div(config.num_attention_heads));
        let (width, base) = (f64::from(width.unwrap_or(0)), f64::from(config.rope_base().unwrap_or(10_000.0)));
        let pairs = (0..width as u32 / 2).map(|pair| {
            let length = TAU * base.powf(2.0 * f64::from(pair) / width);
            let turns = window / length;
            if turns > high {
                1.0
            } else if turns < low {
                factor
            } else {
                let smooth = (turns - low) / (high - low);
                1.0 / ((1.0 - smooth) / factor + smooth)
            }
        });
        Ok(Some(pairs.map(|factor| factor as f32).collect()))
    }
}

/// The chat template: in a file of its own, or in the tokenizer's configuration.
fn chat_template(folder: &Path) -> Result<String, GeneratorError> {
    if let Ok(template) = std::fs::read_to_string(folder.join("chat_template.jinja")) {
        return Ok(template);
    }
    let bytes = read_file(folder, "tokenizer_config.json")?;
    let config: TokenizerConfig = parse("tokenizer_config.json", &bytes)?;
    config.chat_template.ok_or_else(|| refuse("tokenizer_config.json: there is no chat template"))
}

/// All tensors of a folder.
fn tensors(folder: &Path, tied: bool) -> Result<HashMap<String, Stored>, GeneratorError> {
    let index = folder.join("model.safetensors.index.json");
    let files: BTreeSet<String> = match index.is_file() {
        true => {
            let bytes = read_file(folder, "model.safetensors.index.json")?;
            parse::<Index>("model.safetensors.index.json", &bytes)?.weight_map.into_values().collect()
        }
        false => BTreeSet::from(["model.safetensors".to_owned()]),
    };
    let mut tensors = HashMap::new();
    for name in files {
        if Path::new(&name).components().count() != 1 {
            return Err(refuse(format!("model.safetensors.index.json names the file `{name}` outside its folder")));
        }
        let (begin, found) = header(&folder.join(&name)).map_err(|reason| refuse(format!("{name}: {reason}")))?;
        for (tensor, info) in found {
            // Where the output layer is the embedding, a copy of it means nothing.
            let renamed = gguf_name(&tensor).filter(|renamed| !(tied && renamed == "output.weight"));
            if let Some(renamed) = renamed {
                tensors.insert(renamed, Stored { file: folder.join(&name), begin, info });
            }
        }
    }
    Ok(tensors)
}

/// Where the tensors of a safetensors file begin, and which there are
/// (<https://github.com/huggingface/safetensors#format>).
fn header(path: &Path) -> Result<(u64, Vec<(String, TensorInfo)>), String> {
    let text = |error: std::io::Error| error.to_string();
    let mut file = File::open(path).map_err(text)?;
    let size = file.metadata().map_err(text)?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(text)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || 8 + length > size {
        return Err("this is no safetensors file, or it is cut short".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(text)?;
    let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let found: Vec<_> = metadata.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
    let end = metadata.data_len() as u64;
    match 8 + length + end == size {
        true => Ok((8 + length, found)),
        false => Err(format!("it has {size} bytes and should have {}: it is cut short", 8 + length + end)),
    }
}

impl ModelFolder {
    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        match &self.rope_factors {
            Some(factors) if name == ROPE_FACTORS => Some(vec![factors.len()]),
            _ => self.tensors.get(name).map(|stored| stored.info.shape.clone()),
        }
    }

    /// The names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str).chain(self.rope_factors.as_ref().map(|_| ROPE_FACTORS))
    }

    /// Reads a tensor.
    pub fn read(&self, name: &str) -> Result<QTensor, GeneratorError> {
        let failed = |reason: String| refuse(format!("the tensor `{name}`: {reason}"));
        let numbers = match &self.rope_factors {
            Some(factors) if name == ROPE_FACTORS => factors.clone(),
            _ => {
                let stored = self.tensors.get(name).ok_or_else(|| failed("it is missing".to_owned()))?;
                stored.numbers().map_err(failed)?
            }
        };
        let shape = self.shape(name).unwrap_or_default();
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu);
        let tensor = tensor.and_then(|tensor| QTensor::quantize(&tensor, GgmlDType::F32));
        tensor.map_err(|error| failed(error.to_string()))
    }
}

impl Stored {
    fn numbers(&self) -> Result<Vec<f32>, String> {
        let (first, last) = self.info.data_offsets;
        let mut file = File::open(&self.file).map_err(|error| error.to_string())?;
        file.seek(SeekFrom::Start(self.begin + first as u64)).map_err(|error| error.to_string())?;
        let mut bytes = vec![0; last - first];
        file.read_exact(&mut bytes).map_err(|error| error.to_string())?;
        let halves = || bytes.as_chunks::<2>().0.iter();
        Ok(match self.info.dtype {
            Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Dtype::F16 => halves().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
            Dtype::BF16 => halves().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect(),
            other => return Err(format!("numbers of the type {other:?} are not supported")),
        })
    }
}

#[cfg(test)]
mod tests;
