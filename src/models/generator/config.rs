//! The shape of a model, and typed access to the metadata of a GGUF file.
//!
//! Key names: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Whatever changes the arithmetic and is
//! not implemented here is refused, so that a model either runs as it was trained or does not run.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::Value;

use super::GeneratorError;

/// The metadata of a GGUF file.
pub(super) struct Metadata<'a>(pub &'a HashMap<String, Value>);

fn refuse(reason: impl Into<String>) -> GeneratorError {
    GeneratorError::Load(reason.into())
}

impl<'a> Metadata<'a> {
    /// A value, if the key is there.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key)
    }

    /// A string, if the key is there.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, GeneratorError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(refuse(format!("the metadata `{key}` is not a string"))),
        }
    }

    /// A non-negative whole number of any width, if the key is there.
    pub fn number(&self, key: &str) -> Result<Option<u32>, GeneratorError> {
        let value = match self.get(key) {
            None => return Ok(None),
            Some(Value::I8(n)) => u32::try_from(*n).ok(),
            Some(Value::I16(n)) => u32::try_from(*n).ok(),
            Some(Value::I32(n)) => u32::try_from(*n).ok(),
            Some(Value::I64(n)) => u32::try_from(*n).ok(),
            Some(other) => other.to_u64().ok().and_then(|n| u32::try_from(n).ok()),
        };
        value.map(Some).ok_or_else(|| refuse(format!("the metadata `{key}` is not a whole number")))
    }

    /// A whole number that must be there.
    pub fn need_number(&self, key: &str) -> Result<u32, GeneratorError> {
        self.number(key)?.ok_or_else(|| refuse(format!("the metadata `{key}` is missing")))
    }

    /// A float, if the key is there.
    pub fn float(&self, key: &str) -> Result<Option<f32>, GeneratorError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::F32(value)) => Ok(Some(*value)),
            Some(Value::F64(value)) => Ok(Some(*value as f32)),
            Some(_) => Err(refuse(format!("the metadata `{key}` is not a float"))),
        }
    }

    /// A list of strings that must be there.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>, GeneratorError> {
        let wrong = || refuse(format!("the metadata `{key}` is missing or not a list of strings"));
        let Some(Value::Array(values)) = self.get(key) else { return Err(wrong()) };
        values.iter().map(|value| value.to_string().map(String::as_str).map_err(|_| wrong())).collect()
    }

    /// A list of whole numbers that must be there.
    pub fn numbers(&self, key: &str) -> Result<Vec<i64>, GeneratorError> {
        let wrong = || refuse(format!("the metadata `{key}` is missing or not a list of whole numbers"));
        let Some(Value::Array(values)) = self.get(key) else { return Err(wrong()) };
        values
            .iter()
            .map(|value| match value {
                Value::I32(n) => Ok(i64::from(*n)),
                Value::U32(n) => Ok(i64::from(*n)),
                _ => Err(wrong()),
            })
            .collect()
    }
}

/// Models whose forward pass is that of Llama, but for what is said here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Llama, and those that call themselves so, such as SmolLM2.
    Llama,
    /// Qwen2 and Qwen2.5 (<https://arxiv.org/abs/2407.10671>): queries, keys and values have a bias.
    Qwen2,
}

impl Family {
    /// The name of the architecture in a GGUF file, which its keys begin with.
    fn architecture(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
        }
    }

    /// Whether the two dimensions that turn together are neighbours in a GGUF file. Hugging Face's files always have them
    /// half a head apart, and llama.cpp's conversion changes that for Llama only.
    pub fn has_neighbours(self) -> bool {
        self == Self::Llama
    }

    /// Whether queries, keys and values have a bias.
    pub fn has_qkv_bias(self) -> bool {
        self == Self::Qwen2
    }
}

/// The shape of a Llama model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LlamaConfig {
    pub family: Family,
    pub layers: usize,
    pub embedding: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub feed_forward: usize,
    /// The window that the model was trained for.
    pub window: usize,
    pub rope_base: f32,
    pub norm_epsilon: f32,
}

impl LlamaConfig {
    /// Reads and checks the shape.
    pub fn read(metadata: &Metadata<'_>) -> Result<Self, GeneratorError> {
        let architecture = metadata.text("general.architecture")?.unwrap_or("none");
        let family = [Family::Llama, Family::Qwen2].into_iter().find(|family| family.architecture() == architecture);
        let family = family.ok_or_else(|| {
            refuse(format!(
                "the file holds a model of the architecture `{architecture}`; name one of `llama` or `qwen2`"
            ))
        })?;
        let key = |end: &str| format!("{architecture}.{end}");
        for name in ["expert_count", "attention.sliding_window"].map(key) {
            if metadata.number(&name)?.is_some_and(|value| value != 0) {
                return Err(refuse(format!("`{name}` is set, and that kind of model is not supported")));
            }
        }
        if let Some(kind) = metadata.text(&key("rope.scaling.type"))?.filter(|kind| *kind != "none") {
            return Err(refuse(format!("rope scaling `{kind}` is not supported")));
        }
        let size = |end: &str| -> Result<usize, GeneratorError> {
            let name = key(end);
            let value = metadata.need_number(&name)? as usize;
            // The bound keeps products of two sizes far from overflow, whatever the file says.
            if value == 0 || value > 1 << 24 {
                return Err(refuse(format!("`{name}` is {value}, which no model of this family has")));
            }
            Ok(value)
        };
        let (embedding, heads) = (size("embedding_length")?, size("attention.head_count")?);
        let head_dim = match metadata.number(&key("attention.key_length"))? {
            Some(length) => length as usize,
            None => embedding / heads,
        };
        let epsilon = key("attention.layer_norm_rms_epsilon");
        let config = Self {
            family,
            layers: size("block_count")?,
            embedding,
            heads,
            kv_heads: match metadata.get(&key("attention.head_count_kv")) {
                Some(_) => size("attention.head_count_kv")?,
                None => heads,
            },
            head_dim,
            feed_forward: size("feed_forward_length")?,
            window: size("context_length")?,
            rope_base: metadata.float(&key("rope.freq_base"))?.unwrap_or(10_000.0),
            norm_epsilon: metadata
                .float(&epsilon)?
                .ok_or_else(|| refuse(format!("the metadata `{epsilon}` is missing")))?,
        };
        config.check(metadata)?;
        Ok(config)
    }

    fn check(&self, metadata: &Metadata<'_>) -> Result<(), GeneratorError> {
        let head_dim = self.head_dim;
        if !self.heads.is_multiple_of(self.kv_heads) || head_dim == 0 || !head_dim.is_multiple_of(2) {
            return Err(refuse(format!(
                "{} heads, {} key/value heads and {head_dim} dimensions a head do not go together",
                self.heads, self.kv_heads
            )));
        }
        for end in ["attention.value_length", "rope.dimension_count"] {
            let key = format!("{}.{end}", self.family.architecture());
            if let Some(length) = metadata.number(&key)?.filter(|length| *length as usize != head_dim) {
                return Err(refuse(format!("`{key}` is {length} but a head has {head_dim} dimensions")));
            }
        }
        let base_is_sane = self.rope_base.is_finite() && self.rope_base > 1.0;
        let epsilon_is_sane = self.norm_epsilon.is_finite() && self.norm_epsilon >= 0.0;
        if !base_is_sane || !epsilon_is_sane {
            return Err(refuse("the rope base or the norm's epsilon is not a usable number"));
        }
        Ok(())
    }

    /// The width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// The width of all key (or value) heads together.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// The width of queries, keys and values side by side.
    pub fn qkv_width(&self) -> usize {
        self.query_width() + 2 * self.kv_width()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::models::generator::tiny;

    fn read(change: impl FnOnce(&mut HashMap<String, Value>)) -> Result<LlamaConfig, GeneratorError> {
        let mut metadata: HashMap<_, _> = tiny::metadata(&tiny::Shape::default()).into_iter().collect();
        change(&mut metadata);
        LlamaConfig::read(&Metadata(&metadata))
    }

    fn refused(change: impl FnOnce(&mut HashMap<String, Value>), needle: &str) {
        let error = read(change).unwrap_err().to_string();
        assert!(error.contains(needle), "{error}");
    }

    #[test]
    fn a_sound_file_is_read() {
        let config = read(|_| {}).unwrap();
        assert_eq!((config.heads, config.kv_heads, config.head_dim), (4, 2, 16));
        assert_eq!(config.qkv_width(), 64 + 2 * 32);
    }

    #[test]
    fn what_is_not_implemented_is_refused() {
        refused(|m| drop(m.insert("general.architecture".into(), Value::String("mamba".into()))), "mamba");
        refused(|m| drop(m.insert("llama.expert_count".into(), Value::U32(8))), "expert_count");
        refused(|m| drop(m.insert("llama.rope.scaling.type".into(), Value::String("yarn".into()))), "yarn");
        refused(|m| drop(m.insert("llama.rope.dimension_count".into(), Value::U32(8))), "dimension_count");
    }

    #[test]
    fn nonsense_is_refused_without_a_panic() {
        refused(|m| drop(m.remove("llama.block_count")), "missing");
        refused(|m| drop(m.insert("llama.block_count".into(), Value::U32(0))), "block_count");
        refused(|m| drop(m.insert("llama.embedding_length".into(), Value::U32(u32::MAX))), "embedding_length");
        refused(|m| drop(m.insert("llama.attention.head_count_kv".into(), Value::U32(3))), "go together");
        refused(|m| drop(m.insert("llama.context_length".into(), Value::I32(-1))), "whole number");
        refused(|m| drop(m.insert("llama.rope.freq_base".into(), Value::F32(f32::NAN))), "rope base");
    }
}
