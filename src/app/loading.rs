//! Loading the models: the configured ones, with adapters of the registry, of the configuration, or those that ship.
//!
//! May depend on `config`, `models` and `serving`.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;

use crate::{
    config::{AdapterChoice, Config},
    domain::{AdapterPair, AdapterRole, EmbedderStamp},
    models::{
        LocateError,
        adapter::AdapterFiles,
        catalog::{DEFAULT_GENERATOR, ENCODER_BASE},
        cores::Cores,
        embedder::{Embedder, EmbedderError, EmbedderSpec, FastEmbedder, OpenEmbedder, Tuning},
        encoder::{MiniLmPairs, MiniLmReader, PairScorer, SpanReader, features::ReaderTokenizer},
        generator::{AdapterMode, AdapterOption, Generator, LlamaGenerator, LlamaOptions},
        locate_embedder, locate_generator, locate_one,
        shipped::{GENERATOR, READER, RERANKER, SUPPORT, shipped},
    },
    serving::{ChosenAdapters, LoadAdapter, LoadError, LoadedModel, NamedAdapter, OwnAdapters},
};

/// The tokens that a prompt and its answer may have: well above the prompt's budget, below what the model takes.
const CONTEXT_WINDOW: u32 = 2_048;
/// The tokens of answers in work and of prompts that may come again, whose keys and values are held: 90 MiB.
const HELD_TOKENS: u32 = 2_048;
/// The answers that are written together. More would share the same arithmetic and wait longer for their first word.
const TOGETHER: usize = 8;

/// The models that an application works with. They can be shared by several.
#[derive(Clone)]
pub struct Models {
    /// Makes dense vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Finds the span that answers; absent when it was not asked for.
    pub reader: Option<Arc<dyn SpanReader>>,
    /// Says whether evidence supports a sentence; absent when it was not asked for, or is switched off.
    pub support: Option<Arc<dyn PairScorer>>,
    /// Says whether a passage answers a question; likewise, or when none ships.
    pub reranker: Option<Arc<dyn PairScorer>>,
    /// Writes drafts; absent when it was not asked for.
    pub generator: Option<Arc<dyn Generator>>,
    /// The words of the language, the most frequent first; none when nothing is to be answered.
    pub words: Vec<String>,
    /// Loads the reader or the generator anew, with another adapter.
    pub loader: Arc<dyn LoadAdapter>,
    /// Loads the embedders of indexes that another one than the configured has built.
    pub opener: Arc<dyn OpenEmbedder>,
}

impl Models {
    /// Loads the configured models from the cache; with what `answers` needs, or without.
    pub async fn load(config: &Config, answers: bool) -> anyhow::Result<Self> {
        Self::load_with(ModelLoader::new(config.clone()), answers, ChosenAdapters::default()).await
    }

    /// The same with chosen adapters.
    pub async fn load_with(loader: ModelLoader, answers: bool, chosen: ChosenAdapters) -> anyhow::Result<Self> {
        // Reading a hundred megabytes of weights is blocking work.
        tokio::task::spawn_blocking(move || {
            let embedder = loader.embedder(loader.config.embedder.as_deref())?;
            let (reader, generator, words) = match answers {
                true => (loader.reader(chosen.reader)?, Some(loader.generator(chosen.generator)?), loader.words()?),
                false => (None, None, Vec::new()),
            };
            let (support, reranker) = match answers {
                true => {
                    (loader.pairs(SUPPORT, &loader.config.support)?, loader.pairs(RERANKER, &loader.config.reranker)?)
                }
                false => (None, None),
            };
            let loader = Arc::new(loader);
            let opener = loader.clone();
            Ok(Self { embedder, reader, support, reranker, generator, words, loader, opener })
        })
        .await
        .context("loading the models panicked")?
    }

    /// These models with another one.
    pub(super) fn with(mut self, loaded: LoadedModel) -> Self {
        match loaded {
            LoadedModel::Reader(reader) => self.reader = reader,
            LoadedModel::Generator(generator) => self.generator = Some(generator),
        }
        self
    }
}

/// Loads the configured models.
#[derive(Clone)]
pub struct ModelLoader {
    config: Config,
    mode: AdapterMode,
    /// Of the reader and the generator, also when one of them is loaded anew.
    cores: Arc<Cores>,
}

impl ModelLoader {
    /// As answers use them.
    pub fn new(config: Config) -> Self {
        let cores = Arc::new(Cores::new(config.threads));
        Self { config, mode: AdapterMode::default(), cores }
    }

    /// With the generator's adapter applied in another way: for evaluation.
    pub fn in_mode(self, mode: AdapterMode) -> Self {
        Self { mode, ..self }
    }

    /// The embedder in a folder, or the one that is fetched.
    fn embedder(&self, folder: Option<&Path>) -> Result<Arc<dyn Embedder>, LocateEmbedderError> {
        let files = locate_embedder(&self.config.models_dir)?;
        let (spec, place) = match folder {
            Some(folder) => (EmbedderSpec::in_folder(folder)?, folder),
            None => (EmbedderSpec::minilm(), files.embedder.as_path()),
        };
        let tuning = Tuning::for_threads(self.config.threads);
        Ok(Arc::new(FastEmbedder::open(&spec, place, &files.runtime, tuning)?))
    }

    /// The words of the encoder's vocabulary.
    fn words(&self) -> anyhow::Result<Vec<String>> {
        let base = locate_one(&self.config.models_dir, ENCODER_BASE)?;
        Ok(ReaderTokenizer::load(&base.join("tokenizer.json"))?.whole_words())
    }

    fn reader(&self, adapter: Option<NamedAdapter>) -> anyhow::Result<Option<Arc<dyn SpanReader>>> {
        let adapter = match adapter {
            Some(adapter) => Some(adapter),
            None => own_reader(&self.config)?,
        };
        let Some(NamedAdapter { name, files }) = adapter else { return Ok(None) };
        let base = locate_one(&self.config.models_dir, ENCODER_BASE)?;
        let reader = MiniLmReader::load(&base, &files, self.cores.clone(), self.config.ask_queue);
        Ok(Some(Arc::new(reader.with_context(|| format!("the reader `{name}` cannot be used"))?)))
    }

    /// A model of pairs: the one that ships in `folder`, or what was chosen.
    pub fn pairs(&self, folder: &str, choice: &AdapterChoice) -> anyhow::Result<Option<Arc<dyn PairScorer>>> {
        let files = match choice {
            AdapterChoice::Shipped => shipped(folder),
            AdapterChoice::Without => None,
            AdapterChoice::Folder(folder) => Some(AdapterFiles::read(folder)?),
        };
        let Some(files) = files else { return Ok(None) };
        let base = locate_one(&self.config.models_dir, ENCODER_BASE)?;
        let model = MiniLmPairs::load(folder, &base, &files, self.cores.clone(), self.config.ask_queue);
        Ok(Some(Arc::new(model.with_context(|| format!("the model of the key `{folder}` cannot be used"))?)))
    }

    fn generator(&self, adapter: Option<NamedAdapter>) -> anyhow::Result<Arc<dyn Generator>> {
        let options = generator_options(&self.config, self.mode, adapter)?;
        Ok(Arc::new(LlamaGenerator::load(LlamaOptions { cores: self.cores.clone(), ..options })?))
    }
}

impl LoadAdapter for ModelLoader {
    fn load(&self, role: AdapterRole, adapter: Option<NamedAdapter>) -> Result<LoadedModel, LoadError> {
        let loaded = match role {
            AdapterRole::Reader => self.reader(adapter).map(LoadedModel::Reader),
            AdapterRole::Generator => self.generator(adapter).map(LoadedModel::Generator),
        };
        loaded.map_err(|error| LoadError::new(format!("{error:#}")))
    }
}

impl OpenEmbedder for ModelLoader {
    fn open(&self, stamp: &EmbedderStamp) -> Result<Arc<dyn Embedder>, EmbedderError> {
        self.embedder(stamp.folder.as_deref().map(Path::new)).map_err(|error| match error {
            LocateEmbedderError::Embedder(error) => error,
            LocateEmbedderError::Locate(error) => {
                EmbedderError::Model { path: stamp.described(), reason: error.to_string() }
            }
        })
    }
}

/// Why an embedder is not loaded.
#[derive(Debug, thiserror::Error)]
enum LocateEmbedderError {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error(transparent)]
    Embedder(#[from] EmbedderError),
}

/// How the configured generator is loaded, with `adapter` or with what the configuration says.
pub fn generator_options(
    config: &Config,
    mode: AdapterMode,
    adapter: Option<NamedAdapter>,
) -> anyhow::Result<LlamaOptions> {
    let adapter = match adapter {
        Some(adapter) => Some(adapter),
        None => own_generator_adapter(config)?,
    };
    let (path, name) = match &config.generator {
        Some(path) => (path.clone(), path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()),
        None => (locate_generator(&config.models_dir)?, DEFAULT_GENERATOR.to_owned()),
    };
    Ok(LlamaOptions {
        path,
        name,
        adapter: adapter.map(|NamedAdapter { name, files }| AdapterOption { name, files, mode }),
        cores: Arc::new(Cores::new(config.threads)),
        context_window: CONTEXT_WINDOW,
        held_tokens: HELD_TOKENS,
        together: TOGETHER,
        queue: config.ask_queue,
    })
}

/// The reader where nothing was promoted.
fn own_reader(config: &Config) -> anyhow::Result<Option<NamedAdapter>> {
    Ok(match &config.reader {
        Some(folder) => Some(read_folder(folder)?),
        None => shipped(READER).map(|files| NamedAdapter { name: READER.to_owned(), files }),
    })
}

/// The generator's adapter where nothing was promoted.
fn own_generator_adapter(config: &Config) -> anyhow::Result<Option<NamedAdapter>> {
    Ok(match &config.generator_adapter {
        AdapterChoice::Shipped => shipped(GENERATOR).map(|files| NamedAdapter { name: GENERATOR.to_owned(), files }),
        AdapterChoice::Without => None,
        AdapterChoice::Folder(folder) => Some(read_folder(folder)?),
    })
}

/// An adapter that the configuration names.
fn read_folder(folder: &Path) -> anyhow::Result<NamedAdapter> {
    let files = AdapterFiles::read(folder)?;
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    Ok(NamedAdapter { name, files })
}

/// What this program has by its configuration and its build. Reads the folders that the configuration names, and sums
/// them: blocking work.
pub fn own_adapters(config: &Config) -> anyhow::Result<OwnAdapters> {
    let mut own = OwnAdapters::default();
    let sum = |adapter: Option<NamedAdapter>| adapter.map(|adapter| adapter.files.sha256());
    own.sums = AdapterPair { reader: sum(own_reader(config)?), generator: sum(own_generator_adapter(config)?) };
    if config.reader.is_some() {
        own.fixed.push((AdapterRole::Reader, "reader"));
    }
    if config.generator_adapter != AdapterChoice::Shipped {
        own.fixed.push((AdapterRole::Generator, "generator_adapter"));
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::path::PathBuf;

    use super::*;
    use crate::config::Settings;

    #[test]
    fn the_generators_adapter_is_the_one_that_was_asked_for_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let config = |generator: Option<&str>, generator_adapter: Option<PathBuf>| {
            let (data_dir, generator) = (Some(folder.path().to_owned()), generator.map(PathBuf::from));
            let models_dir = data_dir.clone();
            let settings = Settings { generator, generator_adapter, data_dir, models_dir, ..Settings::default() };
            Config::resolve(settings).unwrap()
        };
        let options = |adapter| generator_options(&config(Some("my.gguf"), adapter), AdapterMode::Beside, None);
        let mine = folder.path().join("mine");
        let error = options(Some(mine.clone())).unwrap_err().to_string();
        assert!(error.contains("mine"), "{error}");
        std::fs::create_dir(&mine).unwrap();
        std::fs::write(mine.join("adapter_config.json"), "{}").unwrap();
        let adapter = options(Some(mine)).unwrap().adapter.unwrap();
        assert_eq!((adapter.name.as_str(), adapter.mode), ("mine", AdapterMode::Beside));
        assert!(adapter.files.get("adapter_config.json").is_some());
        assert!(options(Some("none".into())).unwrap().adapter.is_none());
        // The one that ships goes with the generator that is fetched.
        let mine = options(None).unwrap();
        assert!(
            (mine.name.as_str(), mine.path.as_path(), mine.adapter.is_none()) == ("my", Path::new("my.gguf"), true)
        );
        let fetched = own_generator_adapter(&config(None, None)).unwrap();
        assert_eq!(fetched.map(|adapter| adapter.files), shipped(GENERATOR));
    }
}
