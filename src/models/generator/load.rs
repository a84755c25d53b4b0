//! The files of a model into one that can run.
//!
//! Every tensor of the files must be one that the forward pass uses, with the shape it expects: a model that asks for
//! more than is implemented is refused, not run without it. May depend on `source` for the tensors and on its siblings for
//! what is made of them.

use std::{collections::HashSet, fs::File, io::BufReader, path::Path};

use candle_core::{
    Device,
    quantized::{QStorage, QTensor, gguf_file::Content, gguf_file::Value},
};

use super::{
    GeneratorError,
    adapter::{AdapterMode, AdapterOption, Fitted, neighbours},
    chat::ChatTemplate,
    config::{LlamaConfig, Metadata},
    llama::{Layer, Weights},
    matrix::Matrix,
    packed::{PackedMatrix, Part},
    source::{TensorSource, folder},
    tokenizer::Vocabulary,
};

/// All that the files of a model hold.
pub(super) struct Loaded {
    pub weights: Weights,
    pub vocabulary: Vocabulary,
    pub template: ChatTemplate,
    /// The tokens that end an answer.
    pub ends: Vec<u32>,
}

/// A model whose files were opened and understood, all but its tensors.
pub(super) struct Opened {
    pub source: TensorSource,
    pub config: LlamaConfig,
    pub vocabulary: Vocabulary,
    pub template: ChatTemplate,
    /// The tokens that end an answer.
    pub ends: Vec<u32>,
}

/// Reads a GGUF file, or a folder as Hugging Face has it, and applies an adapter to it. Packing uses the threads of the
/// current rayon pool.
pub(super) fn load(path: &Path, adapter: Option<&AdapterOption>) -> Result<Loaded, GeneratorError> {
    let Opened { source, config, vocabulary, template, ends } = open(path)?;
    adapter.map_or(Ok(()), |adapter| adapter.check_base(path))?;
    let adapter = adapter.map(|adapter| Fitted::of(adapter, &config)).transpose()?;
    let tensors = Tensors::new(source, &config, adapter);
    let weights = read_weights(config, vocabulary.size(), tensors).map_err(within(path))?;
    Ok(Loaded { weights, vocabulary, template, ends })
}

/// Opens a GGUF file or a folder, and reads what it says about its model.
pub(super) fn open(path: &Path) -> Result<Opened, GeneratorError> {
    let opened = match path.is_dir() {
        true => folder::open(path).and_then(|opened| {
            let folder::OpenedFolder { tensors, metadata, ends } = opened;
            understand(TensorSource::Folder(tensors), &Metadata(&metadata), ends)
        }),
        false => open_gguf(path),
    };
    opened.map_err(within(path))
}

fn open_gguf(path: &Path) -> Result<Opened, GeneratorError> {
    let failed = |error: &dyn std::fmt::Display| GeneratorError::Load(error.to_string());
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut content = Content::read(&mut reader).map_err(|error| failed(&error))?;
    let metadata = std::mem::take(&mut content.metadata);
    understand(TensorSource::Gguf { content, reader }, &Metadata(&metadata), Vec::new())
}

/// Names the file in an error about it.
pub(super) fn within(path: &Path) -> impl Fn(GeneratorError) -> GeneratorError {
    move |error| match error {
        GeneratorError::Load(reason) => GeneratorError::Load(format!("{}: {reason}", path.display())),
        other => other,
    }
}

fn understand(source: TensorSource, metadata: &Metadata<'_>, mut ends: Vec<u32>) -> Result<Opened, GeneratorError> {
    let config = LlamaConfig::read(metadata)?;
    let vocabulary = Vocabulary::read(metadata)?;
    let template = ChatTemplate::read(metadata, &vocabulary)?;
    if let (Some(Value::Bool(true)), false) = (metadata.get("tokenizer.ggml.add_bos_token"), template.has_beginning()) {
        return Err(GeneratorError::Load("a token before the conversation (`add_bos_token`) is not supported".into()));
    }
    ends.extend(template.ends());
    ends.extend(["<|endoftext|>", "<|end_of_text|>"].iter().filter_map(|end| vocabulary.control(end)));
    for kind in ["eos", "eot", "eom"] {
        ends.extend(metadata.number(&format!("tokenizer.ggml.{kind}_token_id"))?);
    }
    Ok(Opened { source, config, vocabulary, template, ends })
}

fn read_weights(config: LlamaConfig, vocabulary: usize, mut tensors: Tensors) -> Result<Weights, GeneratorError> {
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
            qkv_bias: match config.family.has_qkv_bias() {
                true => Some(
                    [("attn_q", queries), ("attn_k", kv), ("attn_v", kv)]
                        .map(|(part, width)| tensors.vector(&format!("blk.{layer}.{part}.bias"), width))
                        .into_iter()
                        .collect::<Result<Vec<_>, _>>()?
                        .concat(),
                ),
                false => None,
            },
            attention_output: tensors.matrix(&[(&name("attn_output"), width)], queries)?,
            feed_forward_norm: tensors.vector(&name("ffn_norm"), width)?,
            gate_up: tensors.matrix(&[(&name("ffn_gate"), feed_forward), (&name("ffn_up"), feed_forward)], width)?,
            down: tensors.matrix(&[(&name("ffn_down"), width)], feed_forward)?,
        });
    }
    tensors.all_used()?;
    Ok(Weights { config, embedding, layers, output_norm, output, rope_factors })
}

/// The tensors of a model, what an adapter changes of them, and which of them were used.
pub(super) struct Tensors {
    source: TensorSource,
    /// The dimensions of a head, where those that turn together are to be made neighbours.
    turned: Option<usize>,
    adapter: Option<Fitted>,
    taken: HashSet<String>,
}

impl Tensors {
    /// The tensors of a model that was opened.
    pub fn new(source: TensorSource, config: &LlamaConfig, adapter: Option<Fitted>) -> Self {
        let are_neighbours = matches!(source, TensorSource::Gguf { .. }) && config.family.has_neighbours();
        let turned = (!are_neighbours).then_some(config.head_dim);
        Self { source, turned, adapter, taken: HashSet::new() }
    }

    /// Whether there is such a tensor.
    pub fn has(&self, name: &str) -> bool {
        self.source.shape(name).is_some()
    }

    /// A tensor, its shape checked before any of it is read. The dimensions of a head that turn together are neighbours.
    pub fn read(&mut self, name: &str, shape: &[usize]) -> Result<QTensor, GeneratorError> {
        let Some(found) = self.source.shape(name) else {
            return Err(GeneratorError::Load(format!("the tensor `{name}` is missing")));
        };
        if found != shape {
            return Err(GeneratorError::Load(format!("the tensor `{name}` is {found:?} and should be {shape:?}")));
        }
        self.taken.insert(name.to_owned());
        let tensor = self.source.read(name)?;
        match self.turned {
            Some(head_dim) if name.contains(".attn_q.") || name.contains(".attn_k.") => {
                turn(&tensor, head_dim).map_err(|error| GeneratorError::Load(format!("the tensor `{name}`: {error}")))
            }
            _ => Ok(tensor),
        }
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
        match self.source.names().find(|name| !self.taken.contains(*name)) {
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

/// Rows half a head apart as neighbours, whatever each row is made of; the rows of a bias are its numbers.
fn turn(tensor: &QTensor, head_dim: usize) -> candle_core::Result<QTensor> {
    let (shape, dtype) = (tensor.shape().clone(), tensor.dtype());
    let rows = shape.dims().first().copied().unwrap_or(0);
    let bytes = tensor.data()?;
    let turned = neighbours(&bytes, bytes.len() / rows.max(1), head_dim);
    QTensor::new(QStorage::from_data(turned.into(), &Device::Cpu, dtype)?, shape)
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
