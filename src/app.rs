//! The one place that chooses backends: a [`Config`] goes in, and services behind traits come out.
//!
//! A backend that was asked for and does not start is an error; nothing is substituted. May depend on everything.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use tokio::sync::{Notify, RwLock, Semaphore};

use crate::{
    answer::{AnswerServices, RetrieveServices},
    blob_store::BlobStore,
    config::{AdapterChoice, Config, DatabaseUrl, VectorUrl},
    ingest::{
        IngestServices,
        chunk::{Chunker, ChunkerConfig},
        extract::{CHILD_COMMAND, Extractor, ExtractorConfig},
    },
    metadata_store::{MetadataStore, postgres::PostgresStore, sqlite::SqliteStore},
    models::{
        adapter::AdapterFiles,
        catalog::DEFAULT_GENERATOR,
        embedder::{Embedder, EmbedderSpec, FastEmbedder, Tuning},
        generator::{AdapterMode, AdapterOption, Generator, LlamaGenerator, LlamaOptions},
        lexical::Lexical,
        shipped::{GENERATOR, shipped},
    },
    telemetry::Metrics,
    vector_store::{VectorStore, qdrant_server::QdrantServer},
};

/// The tokens that a prompt and its answer may have: well above the prompt's budget, below what the model takes.
const CONTEXT_WINDOW: u32 = 4_096;

/// The running application.
pub struct App {
    /// What it was started with.
    pub config: Config,
    /// Documents, jobs and generations.
    pub metadata: Arc<dyn MetadataStore>,
    /// Vectors.
    pub vectors: Arc<dyn VectorStore>,
    /// What ingestion works with.
    pub ingest: IngestServices,
    /// What searching works with.
    pub retrieve: RetrieveServices,
    /// What answering works with; absent when the application was started without a generator.
    pub answer: Option<AnswerServices>,
    /// What is counted.
    pub metrics: Metrics,
    /// One permit for each question that may wait or run.
    pub ask_slots: Arc<Semaphore>,
    /// Held as long as the application lives: the data directory is this process's alone.
    _lock: Option<File>,
}

/// What an application is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose {
    /// Questions will be answered: the generator is loaded.
    pub answers: bool,
    /// The index may be of other models than the configured ones: only a reindex may say so.
    pub any_index: bool,
}

/// The models that an application works with. They can be shared by several.
#[derive(Clone)]
pub struct Models {
    /// Makes dense vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Writes drafts; absent when it was not asked for.
    pub generator: Option<Arc<dyn Generator>>,
}

impl Models {
    /// Loads the configured models from the cache.
    pub async fn load(config: &Config, with_generator: bool) -> anyhow::Result<Self> {
        Self::load_in_mode(config, with_generator, AdapterMode::default()).await
    }

    /// The same, with the generator's adapter applied in another way: for evaluation.
    pub async fn load_in_mode(config: &Config, with_generator: bool, mode: AdapterMode) -> anyhow::Result<Self> {
        let (models_dir, threads) = (config.models_dir.clone(), config.threads);
        let config = config.clone();
        // Reading a hundred megabytes of weights is blocking work.
        tokio::task::spawn_blocking(move || {
            let files = crate::models::locate(&models_dir, with_generator)?;
            let tuning = Tuning::for_threads(threads);
            let embedder: Arc<dyn Embedder> =
                Arc::new(FastEmbedder::open(&EmbedderSpec::minilm(), &files.embedder, &files.runtime, tuning)?);
            let generator = match files.generator {
                Some(path) => {
                    let options = generator_options(&config, path, mode)?;
                    Some(Arc::new(LlamaGenerator::load(options)?) as Arc<dyn Generator>)
                }
                None => None,
            };
            Ok(Self { embedder, generator })
        })
        .await
        .context("loading the models panicked")?
    }
}

impl App {
    /// Loads the models and opens the stores.
    pub async fn start(config: Config, purpose: Purpose) -> anyhow::Result<Arc<Self>> {
        // The lock comes first: two processes that start together must not both load half a minute of weights.
        let lock = if config.is_embedded() { Some(lock_data_dir(&config.data_dir)?) } else { None };
        let models = Models::load(&config, purpose.answers).await?;
        Self::assemble(config, models, purpose, lock).await
    }

    /// Opens the stores, with models that are loaded already.
    pub async fn with_models(config: Config, models: Models, purpose: Purpose) -> anyhow::Result<Arc<Self>> {
        let lock = if config.is_embedded() { Some(lock_data_dir(&config.data_dir)?) } else { None };
        Self::assemble(config, models, purpose, lock).await
    }

    async fn assemble(
        config: Config,
        models: Models,
        purpose: Purpose,
        lock: Option<File>,
    ) -> anyhow::Result<Arc<Self>> {
        let scratch = config.scratch_dir();
        // What a killed process left there belongs to no upload that was answered.
        if lock.is_some() && scratch.exists() {
            std::fs::remove_dir_all(&scratch).with_context(|| format!("cannot empty {}", scratch.display()))?;
        }
        std::fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;

        let metadata = open_metadata(&config).await?;
        if matches!(config.database, DatabaseUrl::Sqlite(_)) {
            metadata.expire_leases().await?;
        }
        let vectors = open_vectors(&config).await?;
        let blobs = BlobStore::open(&config.blob_url)?;
        let Models { embedder, generator } = models;
        let lexical = Arc::new(Lexical::new());
        let chunker = Chunker::new(ChunkerConfig::for_embedder(embedder.max_tokens()), embedder.token_counter());

        let ingest = IngestServices {
            metadata: metadata.clone(),
            vectors: vectors.clone(),
            blobs: blobs.clone(),
            extractor: Arc::new(Extractor::new(ExtractorConfig {
                timeout: config.extract_timeout,
                memory_limit_bytes: config.extract_memory_bytes,
                children: config.threads,
                ..ExtractorConfig::new(&config.extract_program, [CHILD_COMMAND])
            })),
            chunker: Arc::new(chunker),
            embedder: embedder.clone(),
            lexical: lexical.clone(),
            scratch,
            wake: Arc::new(Notify::new()),
            originals: Arc::new(RwLock::new(())),
        };
        if !purpose.any_index {
            check_stamp(&ingest).await?;
        }
        let retrieve = RetrieveServices { metadata: metadata.clone(), vectors: vectors.clone(), embedder, lexical };
        let answer = generator.map(|generator| AnswerServices { retrieve: retrieve.clone(), blobs, generator });
        let ask_slots = Arc::new(Semaphore::new(config.ask_queue));
        let metrics = Metrics::default();
        Ok(Arc::new(Self { config, metadata, vectors, ingest, retrieve, answer, metrics, ask_slots, _lock: lock }))
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("data_dir", &self.config.data_dir).finish_non_exhaustive()
    }
}

/// How the generator in the file `path` is loaded.
pub fn generator_options(config: &Config, path: PathBuf, mode: AdapterMode) -> anyhow::Result<LlamaOptions> {
    let adapter = match &config.generator_adapter {
        AdapterChoice::Shipped => shipped(GENERATOR).map(|files| (GENERATOR.to_owned(), files)),
        AdapterChoice::Without => None,
        AdapterChoice::Folder(folder) => {
            let files = AdapterFiles::read(folder)?;
            let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
            Some((name, files))
        }
    };
    Ok(LlamaOptions {
        path,
        name: DEFAULT_GENERATOR.to_owned(),
        adapter: adapter.map(|(name, files)| AdapterOption { name, files, mode }),
        threads: config.threads,
        context_window: CONTEXT_WINDOW,
        queue: config.ask_queue,
    })
}

/// Opens the metadata store that the configuration names.
pub async fn open_metadata(config: &Config) -> anyhow::Result<Arc<dyn MetadataStore>> {
    Ok(match &config.database {
        DatabaseUrl::Sqlite(path) => Arc::new(SqliteStore::connect(path).await?),
        DatabaseUrl::Postgres(url) => Arc::new(PostgresStore::connect(url.expose()).await?),
    })
}

/// Opens the vector store that the configuration names.
pub async fn open_vectors(config: &Config) -> anyhow::Result<Arc<dyn VectorStore>> {
    Ok(match &config.vectors {
        #[cfg(feature = "edge")]
        VectorUrl::Edge(path) => Arc::new(crate::vector_store::qdrant_edge::QdrantEdge::open(path)?),
        #[cfg(not(feature = "edge"))]
        VectorUrl::Edge(_) => bail!(
            "this build has no embedded Qdrant: set FOOTNOTE_VECTOR_URL to a Qdrant server, or build with the `edge` feature"
        ),
        VectorUrl::Server { url, api_key, prefix } => {
            Arc::new(QdrantServer::connect(url, api_key.as_ref().map(|key| key.expose().to_owned()), prefix).await?)
        }
    })
}

/// Refuses an index that was built with other models than the configured ones.
async fn check_stamp(ingest: &IngestServices) -> anyhow::Result<()> {
    let ours = ingest.stamp();
    let Some(active) = ingest.metadata.active_generation().await? else { return Ok(()) };
    let differences = ours.differences(&active.stamp);
    if !differences.is_empty() {
        bail!(
            "the index does not fit this configuration: {}. Run `footnote reindex` to build it anew, or go back to the \
             models it was built with",
            differences.join("; ")
        );
    }
    Ok(())
}

/// Makes sure that no other process works in the data directory.
fn lock_data_dir(data_dir: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(data_dir).with_context(|| format!("cannot create {}", data_dir.display()))?;
    let path = data_dir.join("footnote.lock");
    let mut file = File::options()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            write!(file, "{}", std::process::id())?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(&path).unwrap_or_default();
            bail!(
                "another Footnote process (pid {}) works in {}: ask it through its HTTP API, stop it, or set \
                 FOOTNOTE_DATA_DIR to another directory",
                holder.trim(),
                data_dir.display()
            )
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::Settings;

    #[test]
    fn the_generators_adapter_is_the_one_that_was_asked_for_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let options = |generator_adapter: Option<PathBuf>| {
            let data_dir = Some(folder.path().to_owned());
            let settings =
                Settings { generator_adapter, data_dir: data_dir.clone(), models_dir: data_dir, ..Settings::default() };
            generator_options(&Config::resolve(settings).unwrap(), "model.gguf".into(), AdapterMode::Beside)
        };
        let mine = folder.path().join("mine");
        let error = options(Some(mine.clone())).unwrap_err().to_string();
        assert!(error.contains("mine"), "{error}");
        std::fs::create_dir(&mine).unwrap();
        std::fs::write(mine.join("adapter_config.json"), "{}").unwrap();
        let adapter = options(Some(mine)).unwrap().adapter.unwrap();
        assert_eq!((adapter.name.as_str(), adapter.mode), ("mine", AdapterMode::Beside));
        assert!(adapter.files.get("adapter_config.json").is_some());
        assert!(options(Some("none".into())).unwrap().adapter.is_none());
        assert_eq!(options(None).unwrap().adapter.map(|adapter| adapter.files), shipped(GENERATOR));
    }
}
