//! A GGUF file into a model that can run.
//!
//! Every tensor of the file must be one that the forward pass uses, with the shape it expects: a file that asks for
//! more than is implemented is refused, not run without it. Tensor names:
//! <https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py>.

use std::{collections::HashSet, fs::File, io::BufReader, path::Path};

use candle_core::{
    Device,
    quantized::{
        QTensor,
        gguf_file::{Content, Value},
    },
};

use super::{
    GeneratorError,
    adapter::{AdapterMode, AdapterOption, Fitted},
    chat::ChatTemplate,
    config::{LlamaConfig, Metadata},
    llama::{Layer, Weights},
    matrix::Matrix,
    packed::{PackedMatrix, Part},
    tokenizer::Vocabulary,
};

/// All that a GGUF file holds.
pub(super) struct Loaded {
    pub weights: Weights,
    pub vocabulary: Vocabulary,
    pub template: ChatTemplate,
    /// The tokens that end an answer.
    pub ends: Vec<u32>,
}

/// A file that was opened and understood, all but its tensors.
pub(super) struct Opened {
    pub content: Content,
    pub reader: BufReader<File>,
    pub config: LlamaConfig,
    pub vocabulary: Vocabulary,
    pub template: ChatTemplate,
    /// The tokens that end an answer.
    pub ends: Vec<u32>,
}

/// Reads a file, and applies an adapter to it. Packing uses the threads of the current rayon pool.
pub(super) fn load(path: &Path, adapter: Option<&AdapterOption>) -> Result<Loaded, GeneratorError> {
    let Opened { content, reader, config, vocabulary, template, ends } = open(path)?;
    adapter.map_or(Ok(()), |adapter| adapter.check_base(path))?;
    let adapter = adapter.map(|adapter| Fitted::of(adapter, &config)).transpose()?;
    let tensors = Tensors::new(&content, reader, adapter);
    let weights = read_weights(config, vocabulary.size(), tensors).map_err(within(path))?;
    Ok(Loaded { weights, vocabulary, template, ends })
}

/// Opens a file and reads what it says about its model.
pub(super) fn open(path: &Path) -> Result<Opened, GeneratorError> {
    let failed = |reason: String| within(path)(GeneratorError::Load(reason));
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let content = Content::read(&mut reader).map_err(|error| failed(error.to_string()))?;
    understand(content, reader).map_err(within(path))
}

/// Names the file in an error about it.
pub(super) fn within(path: &Path) -> impl Fn(GeneratorError) -> GeneratorError {
    move |error| match error {
        GeneratorError::Load(reason) => GeneratorError::Load(format!("{}: {reason}", path.display())),
        other => other,
    }
}

fn understand(content: Content, reader: BufReader<File>) -> Result<Opened, GeneratorError> {
    let metadata = Metadata(&content.metadata);
    let config = LlamaConfig::read(&metadata)?;
    let vocabulary = Vocabulary::read(&metadata)?;
    let template = ChatTemplate::read(&metadata, &vocabulary)?;
    if let Some(Value::Bool(true)) = metadata.get("tokenizer.ggml.add_bos_token") {
        return Err(GeneratorError::Load("a token before the conversation (`add_bos_token`) is not supported".into()));
    }
    let mut ends = template.ends().to_vec();
    ends.extend(vocabulary.control("<|endoftext|>"));
    for kind in ["eos", "eot", "eom"] {
        ends.extend(metadata.number(&format!("tokenizer.ggml.{kind}_token_id"))?);
    }
    Ok(Opened { content, reader, config, vocabulary, template, ends })
}

fn read_weights(config: LlamaConfig, vocabulary: usize, mut tensors: Tensors<'_>) -> Result<Weights, GeneratorError> {
    let (width, feed_forward) = (config.embedding, config.feed_forward);
    let (queries, kv) = (config.query_width(), config.kv_width());
    let embedding = tensors.packed("token_embd.weight", vocabulary, width)?;
    let output = match tensors.has("output.weight") {
        true => Some(tensors.packed("output.weight", vocabulary, width)?),
        false => None,
    };
    let rope_factors = tensors.rope_factors(&config)?;
    let output_norm = tensors.vector("output_norm.weight", width)?;
    let mut layers = Vec::new();
    for layer in 0..config.layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        layers.push(Layer {
            attention_norm: tensors.vector(&name("attn_norm"), width)?,
            qkv: tensors.matrix(&[(&name("attn_q"), queries), (&name("attn_k"), kv), (&name("attn_v"), kv)], width)?,
            attention_output: tensors.matrix(&[(&name("attn_output"), width)], queries)?,
            feed_forward_norm: tensors.vector(&name("ffn_norm"), width)?,
            gate_up: tensors.matrix(&[(&name("ffn_gate"), feed_forward), (&name("ffn_up"), feed_forward)], width)?,
            down: tensors.matrix(&[(&name("ffn_down"), width)], feed_forward)?,
        });
    }
    tensors.all_used()?;
    Ok(Weights { config, embedding, layers, output_norm, output, rope_factors })
}

/// The tensors of a file, what an adapter changes of them, and which of them were used.
pub(super) struct Tensors<'a> {
    content: &'a Content,
    reader: BufReader<File>,
    adapter: Option<Fitted>,
    taken: HashSet<String>,
}

impl<'a> Tensors<'a> {
    /// The tensors of an opened file.
    pub fn new(content: &'a Content, reader: BufReader<File>, adapter: Option<Fitted>) -> Self {
        Self { content, reader, adapter, taken: HashSet::new() }
    }

    /// Whether there is such a tensor.
    pub fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A tensor, its shape checked before any of it is read.
    pub fn read(&mut self, name: &str, shape: &[usize]) -> Result<QTensor, GeneratorError> {
        let Some(info) = self.content.tensor_infos.get(name) else {
            return Err(GeneratorError::Load(format!("the tensor `{name}` is missing")));
        };
        let dims = info.shape.dims();
        if dims != shape {
            return Err(GeneratorError::Load(format!("the tensor `{name}` is {dims:?} and should be {shape:?}")));
        }
        self.taken.insert(name.to_owned());
        let tensor = self.content.tensor(&mut self.reader, name, &Device::Cpu);
        tensor.map_err(|error| GeneratorError::Load(format!("the tensor `{name}`: {error}")))
    }

    /// A matrix that no adapter changes.
    fn packed(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<PackedMatrix, GeneratorError> {
        PackedMatrix::pack(&[Part::Stored(self.read(name, &[outputs, inputs])?)])
    }

    /// Matrices that share their input, one below the other, with what the adapter adds to them.
    fn matrix(&mut self, stacked: &[(&str, usize)], inputs: usize) -> Result<Matrix, GeneratorError> {
        let mut tensors = Vec::with_capacity(stacked.len());
        for (name, outputs) in stacked {
            let tensor = self.read(name, &[*outputs, inputs])?;
            tensors.push((tensor, self.adapter.as_mut().and_then(|adapter| adapter.take(name))));
        }
        Matrix::new(tensors, self.adapter.as_ref().map_or(AdapterMode::default(), Fitted::mode))
    }

    /// How much slower each pair of dimensions turns.
    pub fn rope_factors(&mut self, config: &LlamaConfig) -> Result<Vec<f32>, GeneratorError> {
        match self.has("rope_freqs.weight") {
            true => self.vector("rope_freqs.weight", config.head_dim / 2),
            false => Ok(vec![1.0; config.head_dim / 2]),
        }
    }

    /// Refuses a file with tensors that were not read: it holds another kind of model.
    pub fn all_used(&self) -> Result<(), GeneratorError> {
        match self.content.tensor_infos.keys().find(|name| !self.taken.contains(*name)) {
            Some(name) => Err(GeneratorError::Load(format!(
                "the tensor `{name}` belongs to a kind of model that is not supported"
            ))),
            None => Ok(()),
        }
    }

    /// A vector as floats.
    pub fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, GeneratorError> {
        let dense = self.read(name, &[length])?.dequantize(&Device::Cpu).and_then(|dense| dense.to_vec1());
        let dense: Vec<f32> = dense.map_err(|error| GeneratorError::Load(format!("the tensor `{name}`: {error}")))?;
        match dense.iter().all(|value| value.is_finite()) {
            true => Ok(dense),
            false => Err(GeneratorError::Load(format!("the tensor `{name}` holds numbers that are not finite"))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::models::generator::tiny::{self, Shape};

    fn refused(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        std::fs::write(&path, bytes).unwrap();
        match load(&path, None) {
            Err(GeneratorError::Load(reason)) => reason,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("a damaged file was loaded"),
        }
    }

    #[test]
    fn a_file_is_loaded_with_its_end_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = load(&tiny::write(folder.path(), &Shape::default()), None).unwrap();
        assert_eq!(loaded.weights.layers.len(), 2);
        assert!(loaded.weights.output.is_none());
        assert!([0, 1, 2].iter().all(|token| loaded.ends.contains(token)), "{:?}", loaded.ends);
    }

    #[test]
    fn files_that_are_cut_short_or_no_models_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let whole = std::fs::read(tiny::write(folder.path(), &Shape::default())).unwrap();
        assert!(refused(b"").contains("model.gguf"));
        assert!(refused(b"<html>not found</html>").contains("model.gguf"));
        for part in 1..8 {
            refused(&whole[..whole.len() * part / 8]);
        }
        assert!(load(&folder.path().join("absent.gguf"), None).is_err());
    }

    #[test]
    fn tensors_that_are_too_many_or_misshapen_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let biased = Shape { extra_tensor: Some("blk.0.attn_q.bias"), ..Shape::default() };
        let error = load(&tiny::write(folder.path(), &biased), None).err().unwrap().to_string();
        assert!(error.contains("attn_q.bias"), "{error}");
        let wrong = Shape { claimed_feed_forward: 128, ..Shape::default() };
        let error = load(&tiny::write(folder.path(), &wrong), None).err().unwrap().to_string();
        assert!(error.contains("ffn_gate"), "{error}");
    }
}
