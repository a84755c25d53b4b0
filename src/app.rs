//! The one place that chooses backends: a [`Config`] goes in, and services behind traits come out.
//!
//! A backend that was asked for and does not start is an error; nothing is substituted. May depend on everything.

use std::{fs::File, io::Write as _, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use tokio::sync::{Notify, RwLock, Semaphore};

use crate::{
    answer::{AnswerServices, RetrieveServices},
    blob_store::BlobStore,
    config::{Config, DatabaseUrl, VectorUrl},
    ingest::{
        IngestServices,
        chunk::{Chunker, ChunkerConfig},
        extract::{CHILD_COMMAND, Extractor, ExtractorConfig},
    },
    metadata_store::{MetadataStore, postgres::PostgresStore, sqlite::SqliteStore},
    models::{
        AnsweringFiles,
        adapter::AdapterFiles,
        catalog::DEFAULT_GENERATOR,
        embedder::{Embedder, EmbedderSpec, FastEmbedder, Tuning},
        encoder::{MiniLmReader, SpanReader},
        generator::{Generator, LlamaGenerator, LlamaOptions},
        lexical::Lexical,
        shipped::{READER, shipped},
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
    /// Questions will be answered: the generator and the reader are loaded.
    pub answers: bool,
    /// The index may be of other models than the configured ones: only a reindex may say so.
    pub any_index: bool,
}

/// The models that an application works with. They can be shared by several.
#[derive(Clone)]
pub struct Models {
    /// Makes dense vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Finds the span that answers; absent when it was not asked for.
    pub reader: Option<Arc<dyn SpanReader>>,
    /// Writes drafts; absent when it was not asked for.
    pub generator: Option<Arc<dyn Generator>>,
}

impl Models {
    /// Loads the configured models from the cache; with what `answers` needs, or without.
    pub async fn load(config: &Config, answers: bool) -> anyhow::Result<Self> {
        let (models_dir, threads, queue) = (config.models_dir.clone(), config.threads, config.ask_queue);
        let own_reader = config.reader.clone();
        // Reading a hundred megabytes of weights is blocking work.
        tokio::task::spawn_blocking(move || {
            let files = crate::models::locate(&models_dir, answers)?;
            let tuning = Tuning::for_threads(threads);
            let embedder: Arc<dyn Embedder> =
                Arc::new(FastEmbedder::open(&EmbedderSpec::minilm(), &files.embedder, &files.runtime, tuning)?);
            let Some(AnsweringFiles { generator: path, encoder_base }) = files.answering else {
                return Ok(Self { embedder, reader: None, generator: None });
            };
            let reader = load_reader(own_reader.as_deref(), &encoder_base, threads, queue)?;
            let name = DEFAULT_GENERATOR.to_owned();
            let options = LlamaOptions { path, name, threads, context_window: CONTEXT_WINDOW, queue };
            let generator: Arc<dyn Generator> = Arc::new(LlamaGenerator::load(options)?);
            Ok(Self { embedder, reader, generator: Some(generator) })
        })
        .await
        .context("loading the models panicked")?
    }
}

/// The configured reader, or the one that ships.
fn load_reader(
    own: Option<&Path>,
    base: &Path,
    threads: usize,
    queue: usize,
) -> anyhow::Result<Option<Arc<dyn SpanReader>>> {
    let files = match own {
        Some(folder) => Some(
            AdapterFiles::read(folder).with_context(|| format!("cannot read the reader in {}", folder.display()))?,
        ),
        // until adapters/reader ships
        None => shipped(READER),
    };
    let Some(files) = files else { return Ok(None) };
    let reader = MiniLmReader::load(base, &files, threads, queue).with_context(|| match own {
        Some(folder) => format!("the reader in {} cannot be used", folder.display()),
        None => "the reader that ships cannot be used".to_owned(),
    })?;
    Ok(Some(Arc::new(reader)))
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
        let Models { embedder, reader, generator } = models;
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
        let answer = generator.map(|generator| AnswerServices { retrieve: retrieve.clone(), blobs, reader, generator });
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
