//! The embedder that ships: an ONNX model under fastembed, with ONNX Runtime loaded from a file.
//!
//! The only module that knows fastembed, ort and tokenizers. Batches are made by our own queue: fastembed gets
//! each of them whole.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use fastembed::{InitOptionsUserDefined, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use ort::environment::Environment;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use super::{
    Embedder, EmbedderError, TokenCounter,
    queue::{Counted, Queue, Session, Tuning, Urgency},
};
use crate::{
    domain::EmbedderStamp,
    models::catalog::{Catalog, DEFAULT_EMBEDDER},
};

/// How the vectors of the tokens become the vector of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The vector of the first token.
    Cls,
}

/// Which model, and how it wants its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderSpec {
    /// The name that goes into the stamp.
    pub name: String,
    /// The dimensions of a vector.
    pub dimension: u32,
    /// The most tokens that a text may have, special tokens included.
    pub max_tokens: usize,
    /// How the vectors of the tokens are pooled.
    pub pooling: Pooling,
    /// What is put before a question.
    pub query_prefix: String,
    /// What is put before a passage.
    pub passage_prefix: String,
    /// The ONNX file, below the model's directory.
    pub model_file: String,
    /// The SHA-256 that the ONNX file must have, if that is known.
    pub sha256: Option<String>,
    /// The folder that the user named; absent for the one that is fetched.
    pub folder: Option<PathBuf>,
}

/// What `embedder.json` in a folder says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    dimension: u32,
    max_tokens: usize,
    pooling: Pooling,
    #[serde(default)]
    query_prefix: String,
    #[serde(default)]
    passage_prefix: String,
    #[serde(default)]
    model_file: Option<String>,
}

impl EmbedderSpec {
    /// all-MiniLM-L6-v2 with int8 weights. It was trained on up to 256 tokens; its tokenizer would take 512.
    pub fn minilm() -> Self {
        let catalog = Catalog::builtin();
        let artefact = catalog.artefact(DEFAULT_EMBEDDER).ok();
        Self {
            name: DEFAULT_EMBEDDER.into(),
            dimension: 384,
            max_tokens: 256,
            pooling: Pooling::Mean,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            model_file: "model.onnx".into(),
            sha256: artefact.and_then(|artefact| artefact.sha256_of("model.onnx")).map(str::to_owned),
            folder: None,
        }
    }

    /// The model in a folder: an ONNX file and its tokenizer as fastembed takes them, and `embedder.json`, which says
    /// `name`, `dimension`, `max_tokens`, `pooling` (`mean` or `cls`) and, where the model wants them, `query_prefix`,
    /// `passage_prefix` and `model_file`.
    pub fn in_folder(folder: &Path) -> Result<Self, EmbedderError> {
        let unusable = |reason: String| EmbedderError::Model { path: folder.display().to_string(), reason };
        let path = folder.join("embedder.json");
        let text =
            std::fs::read_to_string(&path).map_err(|error| unusable(format!("reading {}: {error}", path.display())))?;
        let described: Described =
            serde_json::from_str(&text).map_err(|error| unusable(format!("{}: {error}", path.display())))?;
        if described.dimension == 0 || described.max_tokens == 0 || described.name.is_empty() {
            return Err(unusable("embedder.json needs a name, and a dimension and max_tokens above 0".to_owned()));
        }
        Ok(Self {
            name: described.name,
            dimension: described.dimension,
            max_tokens: described.max_tokens,
            pooling: described.pooling,
            query_prefix: described.query_prefix,
            passage_prefix: described.passage_prefix,
            model_file: described.model_file.unwrap_or_else(|| "model.onnx".to_owned()),
            sha256: None,
            folder: Some(folder.to_owned()),
        })
    }
}

/// An ONNX model under fastembed.
pub struct FastEmbedder {
    stamp: EmbedderStamp,
    max_tokens: usize,
    tokenizer: Arc<Tokenizer>,
    queue: Queue,
}

impl FastEmbedder {
    /// Loads the model in `model_dir` under the ONNX Runtime in the shared library `runtime`. Blocks for about
    /// a second. A process has one ONNX Runtime: a second embedder has to name the same library.
    pub fn open(spec: &EmbedderSpec, model_dir: &Path, runtime: &Path, tuning: Tuning) -> Result<Self, EmbedderError> {
        let environment = environment(runtime)?;
        let unusable = |reason: String| EmbedderError::Model { path: model_dir.display().to_string(), reason };
        let read = |name: &str| {
            let path = model_dir.join(name);
            std::fs::read(&path).map_err(|error| unusable(format!("reading {}: {error}", path.display())))
        };
        let onnx_file = read(&spec.model_file)?;
        // Of a folder of the user's, its description and its tokenizer decide what a vector means, too.
        let decisive = match spec.folder {
            Some(_) => vec![read("embedder.json")?, read("tokenizer.json")?],
            None => Vec::new(),
        };
        let hash = decisive.iter().fold(Sha256::new_with_prefix(&onnx_file), |hash, file| hash.chain_update(file));
        let sha256 = hex::encode(hash.finalize());
        if let Some(expected) = spec.sha256.as_ref().filter(|expected| **expected != sha256) {
            let told = format!("{} has the sha256 {sha256}, expected {expected}", spec.model_file);
            return Err(unusable(told + "; run `footnote models pull`"));
        }
        let tokenizer_files = TokenizerFiles {
            tokenizer_file: read("tokenizer.json")?,
            config_file: read("config.json")?,
            special_tokens_map_file: read("special_tokens_map.json")?,
            tokenizer_config_file: read("tokenizer_config.json")?,
        };
        let mut model = UserDefinedEmbeddingModel::new(onnx_file, tokenizer_files).with_pooling(match spec.pooling {
            Pooling::Mean => fastembed::Pooling::Mean,
            Pooling::Cls => fastembed::Pooling::Cls,
        });
        // Stops fastembed from insisting that all texts of an index go through in one batch.
        model.quantization = fastembed::QuantizationMode::None;
        let options = InitOptionsUserDefined::new()
            .with_environment(environment)
            .with_max_length(spec.max_tokens)
            .with_intra_threads(tuning.threads_per_session)
            // Threads that spin while no text waits would take the cores from the generator.
            .with_session_config("session.intra_op.allow_spinning", "0");
        let mut sessions = Vec::new();
        for _ in 0..tuning.sessions.max(1) {
            let session = TextEmbedding::try_new_from_user_defined(model.clone(), options.clone());
            sessions.push(FastembedSession(session.map_err(|error| unusable(error.to_string()))?));
        }
        let tokenizer = counting(&sessions[0].0.tokenizer).map_err(unusable)?;
        let dimension = spec.dimension as usize;
        let queue = Queue::start(sessions, dimension, tuning).map_err(|error| unusable(error.to_string()))?;
        let stamp = EmbedderStamp {
            name: spec.name.clone(),
            dimension: spec.dimension,
            sha256,
            query_prefix: spec.query_prefix.clone(),
            passage_prefix: spec.passage_prefix.clone(),
            folder: spec.folder.as_ref().map(|folder| folder.display().to_string()),
        };
        Ok(Self { stamp, max_tokens: spec.max_tokens, tokenizer: Arc::new(tokenizer), queue })
    }

    /// Puts the prefix before each text and counts its tokens, away from the async threads.
    async fn counted(&self, prefix: &str, texts: Vec<String>) -> Result<Vec<Counted>, EmbedderError> {
        let (tokenizer, max, prefix) = (self.tokenizer.clone(), self.max_tokens, prefix.to_owned());
        let counting = tokio::task::spawn_blocking(move || {
            let texts = texts.into_iter().enumerate().map(|(index, text)| {
                let text = if prefix.is_empty() { text } else { prefix.clone() + &text };
                let tokens = count(&tokenizer, &text);
                if tokens > max {
                    return Err(EmbedderError::TooLong { index, tokens, max });
                }
                Ok(Counted { text, tokens })
            });
            texts.collect()
        });
        counting.await.map_err(|error| EmbedderError::Inference(format!("the tokenizer failed: {error}")))?
    }
}

#[async_trait]
impl Embedder for FastEmbedder {
    fn stamp(&self) -> &EmbedderStamp {
        &self.stamp
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn token_counter(&self) -> TokenCounter {
        let (tokenizer, prefix) = (self.tokenizer.clone(), self.stamp.passage_prefix.clone());
        if prefix.is_empty() {
            return Arc::new(move |text| count(&tokenizer, text));
        }
        Arc::new(move |text| count(&tokenizer, &format!("{prefix}{text}")))
    }

    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError> {
        let texts = self.counted(&self.stamp.passage_prefix, texts).await?;
        self.queue.embed(texts, Urgency::Passages).await
    }

    async fn embed_passages_first(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedderError> {
        let texts = self.counted(&self.stamp.passage_prefix, texts).await?;
        self.queue.embed(texts, Urgency::First).await
    }

    async fn embed_question(&self, text: String) -> Result<Vec<f32>, EmbedderError> {
        let texts = self.counted(&self.stamp.query_prefix, vec![text]).await?;
        let vectors = self.queue.embed(texts, Urgency::First).await?;
        vectors.into_iter().next().ok_or_else(|| EmbedderError::Inference("it made no vector".into()))
    }
}

struct FastembedSession(TextEmbedding);

impl Session for FastembedSession {
    fn run(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        self.0.embed(texts, Some(texts.len())).map_err(|error| error.to_string())
    }
}

/// The tokenizer of the model without truncation and padding, so that it tells the length that a text has.
fn counting(tokenizer: &Tokenizer) -> Result<Tokenizer, String> {
    let mut tokenizer = tokenizer.clone();
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

/// The tokens of `text`, special ones included. A text that the tokenizer fails on counts as many as it has
/// bytes: that is more than it can have, so it is refused or cut smaller, never truncated.
fn count(tokenizer: &Tokenizer, text: &str) -> usize {
    tokenizer.encode_fast(text, true).map_or(text.len() + 2, |encoding| encoding.len())
}

/// The ONNX Runtime of this process, loaded at the first call.
///
/// ort looks for the library by itself, and panics when it finds none, unless it was loaded before anything
/// else is asked of it.
fn environment(runtime: &Path) -> Result<Environment, EmbedderError> {
    static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);
    let unusable = |reason: String| EmbedderError::Runtime { path: runtime.display().to_string(), reason };
    let path = std::fs::canonicalize(runtime).map_err(|error| unusable(error.to_string()))?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((first, environment)) = &*loaded {
        if *first != path {
            return Err(unusable(format!("this process runs {} already", first.display())));
        }
        return Ok(environment.clone());
    }
    let builder = ort::init_from(&path).map_err(|error| unusable(error.to_string()))?;
    let environment =
        builder.with_name("footnote").with_telemetry(false).build().map_err(|error| unusable(error.to_string()))?;
    *loaded = Some((path, environment.clone()));
    Ok(environment)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn tokenizer() -> Tokenizer {
        let json = r###"{"version":"1.0","truncation":{"max_length":4,"strategy":"LongestFirst","stride":0},
            "padding":{"strategy":{"Fixed":4},"direction":"Right","pad_to_multiple_of":null,"pad_id":0,
            "pad_type_id":0,"pad_token":"[PAD]"},"added_tokens":[],"normalizer":null,
            "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
            "model":{"type":"WordLevel","vocab":{"[PAD]":0,"[UNK]":1},"unk_token":"[UNK]"}}"###;
        Tokenizer::from_bytes(json).unwrap()
    }

    #[test]
    fn a_length_is_neither_cut_nor_padded() {
        let raw = tokenizer();
        let counter = counting(&raw).unwrap();
        for words in [0, 1, 3, 4, 5, 300] {
            assert_eq!(count(&counter, &"word ".repeat(words)), words);
        }
        assert_eq!(count(&raw, &"word ".repeat(300)), 4, "the test needs a tokenizer that truncates");
    }

    #[test]
    fn a_library_that_is_not_there_or_is_none_is_an_error_and_no_panic() {
        let dir = tempfile::tempdir().unwrap();
        let absent = environment(&dir.path().join("libonnxruntime.so")).unwrap_err();
        assert!(matches!(absent, EmbedderError::Runtime { .. }), "{absent}");
        let text = dir.path().join("text.so");
        std::fs::write(&text, "no library").unwrap();
        let none = environment(&text).unwrap_err();
        assert!(matches!(none, EmbedderError::Runtime { .. }) && !none.is_transient(), "{none}");
    }
}
