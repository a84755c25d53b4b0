//! The one place that chooses backends: a [`Config`] goes in, and services behind traits come out.
//!
//! A backend that was asked for and does not start is an error; nothing is substituted. May depend on everything.

mod loading;
mod scratch;

use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, bail};
use tokio::sync::{Notify, RwLock, Semaphore};
use tokio_util::sync::CancellationToken;

pub use loading::{ModelLoader, Models, generator_options, own_adapters};

use crate::{
    access::{Admission, Keys, Rates},
    answer::{
        ActServices, AnswerServices, RetrieveServices,
        calibration::{Calibrated, Calibration},
        vocabulary::{Bounds, Vocabularies},
    },
    archive::Installation,
    audit_log::AuditLog,
    blob_store::BlobStore,
    config::{Config, DatabaseUrl, VectorUrl},
    connectors::ConnectorServices,
    delivery::DeliveryServices,
    domain::{AdapterRole, ModelVersions},
    ingest::{
        IndexModels, IngestServices, canaries,
        extract::{CHILD_COMMAND, Extractor, ExtractorConfig, Ocr},
    },
    lock_file::{self, LockError},
    metadata_store::{Behind, MetadataStore, postgres::PostgresStore, sqlite::SqliteStore},
    models::{embedder::Embedders, lexical::Lexical, shipped::shipped_calibration, slot::Slot},
    serving::{self, AdapterSwap, ChosenAdapters, Followed, LoadAdapter, OwnAdapters, ServingState},
    telemetry::Metrics,
    tls::Tls,
    vector_store::{VectorStore, qdrant_server::QdrantServer},
};

/// How many uploads may arrive at once: each is a file in the scratch directory.
const UPLOADS: usize = 64;

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
    /// What answering works with, to be taken once for each question; absent when the application was started without
    /// a generator.
    pub answer: Option<Arc<Slot<AnswerServices>>>,
    /// What outcomes are carried out with.
    pub act: ActServices,
    /// What deliveries to webhooks work with.
    pub deliveries: DeliveryServices,
    /// What the sources that are followed are followed with.
    pub connectors: ConnectorServices,
    /// The adapters that this process has by its configuration and its build.
    pub own_adapters: OwnAdapters,
    /// Takes entries of the audit log.
    pub audit: AuditLog,
    /// How much a caller may ask for.
    pub rates: Rates,
    /// What connections are encrypted with.
    pub tls: Option<Arc<Tls>>,
    /// One permit for each search that may wait or run.
    pub search_slots: Arc<Semaphore>,
    /// One permit for each upload whose bytes arrive.
    pub upload_slots: Arc<Semaphore>,
    /// Recognises API keys.
    pub keys: Keys,
    /// What is told about the adapters that answer.
    pub serving: Arc<ServingState>,
    /// Told when this process has changed which adapter serves.
    pub adapters_changed: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Cancelled when the service begins to stop: it is not ready any more.
    pub stopping: CancellationToken,
    /// Takes questions in, or refuses them.
    pub admission: Admission,
    /// The permit for the backup that may be written: one at a time.
    pub backup_slot: Arc<Semaphore>,
    /// Loads models with other adapters.
    loader: Arc<dyn LoadAdapter>,
    /// Held as long as the application lives: the data directory is this process's alone.
    _lock: Option<File>,
    /// Held likewise: the scratch directory beside those of other processes.
    _scratch_lock: Option<File>,
}

/// What an application is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose {
    /// Questions will be answered: the generator and the reader are loaded.
    pub answers: bool,
    /// The index may be of other models than the configured ones: only a reindex may say so.
    pub any_index: bool,
}

impl App {
    /// Opens the stores and loads the models, with the adapters that serve.
    pub async fn start(config: Config, purpose: Purpose) -> anyhow::Result<Arc<Self>> {
        // The lock comes first: two processes that start together must not both load half a minute of weights.
        let opened = Opened::open(config, purpose.answers).await?;
        let chosen = opened
            .followed
            .iter()
            .fold(ChosenAdapters::default(), |chosen, (role, followed)| chosen.with(*role, followed.adapter.clone()));
        let models = Models::load_with(ModelLoader::new(opened.config.clone()), purpose.answers, chosen).await;
        let models = models.map_err(|error| opened.explain(error))?;
        opened.assemble(models, purpose).await
    }

    /// The same with models that are loaded already; those for which another adapter serves are loaded anew.
    pub async fn with_models(config: Config, mut models: Models, purpose: Purpose) -> anyhow::Result<Arc<Self>> {
        let opened = Opened::open(config, purpose.answers).await?;
        for (role, followed) in opened.followed.iter().filter(|(_, followed)| followed.adapter.is_some()) {
            let loaded = serving::load(models.loader.clone(), *role, followed.adapter.clone()).await;
            models = models.with(loaded.map_err(|error| opened.explain(error.into()))?);
        }
        opened.assemble(models, purpose).await
    }

    /// The services to answer a question with: to be taken once for each.
    pub fn answering(&self) -> Option<Arc<AnswerServices>> {
        self.answer.as_ref().map(|slot| slot.current())
    }

    /// The stores, for who copies them.
    pub fn installation(&self) -> Installation {
        Installation {
            metadata: self.metadata.clone(),
            vectors: self.vectors.clone(),
            blobs: self.ingest.blobs.clone(),
            scratch: self.ingest.scratch.clone(),
        }
    }

    /// What keeps this process answering with the adapters that are promoted; absent without a generator. One of them
    /// runs at a time.
    pub fn adapter_swap(&self) -> Option<AdapterSwap> {
        let slot = self.answer.clone()?;
        let (metadata, blobs, loader) = (self.metadata.clone(), self.ingest.blobs.clone(), self.loader.clone());
        Some(AdapterSwap::new(metadata, blobs, loader, slot, self.serving.clone(), self.adapters_changed.clone()))
    }
}

/// What is opened before the models are loaded.
struct Opened {
    config: Config,
    lock: Option<File>,
    metadata: Arc<dyn MetadataStore>,
    blobs: BlobStore,
    own: OwnAdapters,
    /// The adapters that serve, of the roles that follow the registry.
    followed: BTreeMap<AdapterRole, Followed>,
}

impl Opened {
    async fn open(config: Config, answers: bool) -> anyhow::Result<Self> {
        let lock = if config.is_embedded() { Some(lock_data_dir(&config.data_dir).await?) } else { None };
        let metadata = open_metadata(&config).await?;
        check_restored(&*metadata).await?;
        let blobs = BlobStore::open(&config.blob_url)?;
        let (mut own, mut followed) = (OwnAdapters::default(), BTreeMap::new());
        if answers {
            let configured = config.clone();
            own = tokio::task::spawn_blocking(move || own_adapters(&configured)).await??;
            for role in own.following() {
                let read = Followed::read(&*metadata, &blobs, role).await;
                let read = read.with_context(|| {
                    format!("the {role} adapter that was promoted cannot be read: {}", rollback_hint(role))
                })?;
                followed.insert(role, read);
            }
        }
        Ok(Self { config, lock, metadata, blobs, own, followed })
    }

    /// Says what to do when the models cannot be loaded with what was promoted.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let promoted = self.followed.iter().filter(|(_, followed)| followed.adapter.is_some());
        let hints: Vec<String> = promoted.map(|(role, _)| rollback_hint(*role)).collect();
        match hints.is_empty() {
            true => error,
            false => error.context(format!("the models cannot be loaded as promoted ({})", hints.join(", "))),
        }
    }

    async fn assemble(self, models: Models, purpose: Purpose) -> anyhow::Result<Arc<App>> {
        let Self { config, lock, metadata, blobs, own: own_adapters, followed } = self;
        // What a killed process left there belongs to no upload that was answered.
        let root = config.scratch_dir();
        let own = match lock {
            Some(_) => scratch::alone(&root).map(|directory| (directory, None)),
            None => scratch::shared(&root).map(|(directory, lock)| (directory, Some(lock))),
        };
        let (scratch, scratch_lock) = own.with_context(|| format!("cannot prepare {}", root.display()))?;

        sweep(blobs.clone(), lock.is_some());
        if matches!(config.database, DatabaseUrl::Sqlite(_)) {
            metadata.expire_leases().await?;
            metadata.expire_passes().await?;
        }
        let vectors = open_vectors(&config).await?;
        let Models { embedder, reader, support, reranker, generator, words, loader, opener } = models;
        let lexical = Arc::new(Lexical::new());
        let embedders = Arc::new(Embedders::new(embedder.clone(), opener));
        let canaries = match config.canaries.clone() {
            Some(path) => tokio::task::spawn_blocking(move || canaries::read(&path)).await??,
            None => Vec::new(),
        };

        let metrics = Arc::new(Metrics::default());
        let ingest = IngestServices {
            metadata: metadata.clone(),
            vectors: vectors.clone(),
            blobs: blobs.clone(),
            extractor: Arc::new(Extractor::new(ExtractorConfig {
                timeout: config.extract_timeout,
                memory_limit_bytes: config.extract_memory_bytes,
                children: config.threads,
                ocr: config.ocr_command.clone().map(|command| Ocr::new(command, config.ocr_timeout)),
                ..ExtractorConfig::new(&config.extract_program, [CHILD_COMMAND])
            })),
            embedders: embedders.clone(),
            configured: IndexModels::of(embedder),
            lexical: lexical.clone(),
            scratch,
            wake: Arc::new(Notify::new()),
            originals: Arc::new(RwLock::new(())),
            questions: Arc::default(),
            reindex_share: config.reindex_share,
            canaries: canaries.into(),
            metrics: metrics.clone(),
        };
        if !purpose.any_index {
            check_index(&ingest).await?;
        }
        let retrieve = RetrieveServices { metadata: metadata.clone(), vectors: vectors.clone(), embedders, lexical };
        let answer = match generator.filter(|_| purpose.answers) {
            Some(generator) => {
                let mut services = AnswerServices {
                    retrieve: retrieve.clone(),
                    blobs,
                    reader,
                    support,
                    reranker,
                    generator,
                    vocabulary: Vocabularies::new(metadata.clone(), words, Bounds::default()),
                    stages: config.stages.clone(),
                    redact: config.redact.clone(),
                    calibration: None,
                };
                services.calibration = calibration(&config, &services.models()).await?;
                Some(Arc::new(Slot::new(services)))
            }
            None => None,
        };
        let audit = match config.audit_kept {
            Some(_) => AuditLog::start(metadata.clone()),
            None => AuditLog::off(),
        };
        let tls = config.tls.as_ref().map(|(certificate, key)| Tls::read(certificate, key)).transpose()?.map(Arc::new);
        let keys = Keys::new(metadata.clone(), config.api_key.as_ref(), config.jwt.clone());
        let deliver = Arc::new(Notify::new());
        let rules = config.rules.clone();
        let act =
            ActServices { retrieve: retrieve.clone(), rules: rules.rules.clone().into(), deliver: deliver.clone() };
        metrics.has_webhooks(rules.webhooks.keys());
        let deliveries =
            DeliveryServices { metadata: metadata.clone(), rules, wake: deliver, metrics: metrics.clone() };
        let configured = config.connectors.connectors.iter();
        metrics.has_connectors(configured.map(|connector| (connector.name.as_str(), connector.source.kind())));
        let connectors = ConnectorServices::new(&config, ingest.clone());
        let serving = Arc::new(ServingState::default());
        for (role, followed) in followed {
            serving.follows(role, followed.number, followed.id);
        }
        Ok(Arc::new(App {
            metadata,
            vectors,
            ingest,
            retrieve,
            answer,
            act,
            deliveries,
            connectors,
            own_adapters,
            audit,
            rates: Rates::new(config.requests_per_minute, config.tokens_per_minute),
            tls,
            search_slots: Arc::new(Semaphore::new(config.ask_queue)),
            upload_slots: Arc::new(Semaphore::new(UPLOADS)),
            keys,
            serving,
            adapters_changed: Arc::new(Notify::new()),
            metrics,
            stopping: CancellationToken::new(),
            admission: Admission::new(config.ask_queue, config.ask_wait),
            backup_slot: Arc::new(Semaphore::new(1)),
            loader,
            config,
            _lock: lock,
            _scratch_lock: scratch_lock,
        }))
    }
}

/// What a confidence means with these models. A calibration that the configuration names must belong to them; the one
/// that ships goes with the models that ship and is passed over with others, unless a target error rests on it.
async fn calibration(config: &Config, running: &ModelVersions) -> anyhow::Result<Option<Arc<Calibrated>>> {
    let asked = config.calibration.clone();
    let read = match asked {
        Some(path) if path.as_os_str() == "none" => None,
        Some(path) => {
            let loaded = tokio::task::spawn_blocking(move || Calibration::load(&path)).await??;
            loaded.check(running)?;
            Some(loaded)
        }
        None => {
            let shipped = shipped_calibration().map(|text| Calibration::parse(text, Path::new("calibration.json")));
            let shipped = shipped.transpose()?;
            shipped.filter(|shipped| shipped.check(running).is_ok())
        }
    };
    let Some(read) = read else {
        if config.target_error.is_some() {
            bail!("`target_error` needs a calibration of the models that run: make one with `footnote eval calibrate`");
        }
        return Ok(None);
    };
    Ok(Some(Arc::new(Calibrated::new(read, config.target_error)?)))
}

/// The way back from an adapter that does not work.
fn rollback_hint(role: AdapterRole) -> String {
    format!("`footnote adapters rollback {role}` goes back to the one before")
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("data_dir", &self.config.data_dir).finish_non_exhaustive()
    }
}

/// The stores of an installation without its models, for who copies or checks them.
pub struct OpenStores {
    /// All of them, and where bytes on their way lie.
    pub installation: Installation,
    /// Whether no other process can work on them: some of them are embedded, and the data directory is locked.
    pub alone: bool,
    _lock: Option<File>,
}

impl OpenStores {
    /// Opens them, alone where they are embedded.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let lock = if config.is_embedded() { Some(lock_data_dir(&config.data_dir).await?) } else { None };
        Self::open_under(config, lock).await
    }

    /// Opens stores that share their data directory with others which are open, and so the lock of those.
    pub async fn beside(config: &Config, others: &Self) -> anyhow::Result<Self> {
        if others.alone { Self::open_under(config, None).await } else { Self::open(config).await }
    }

    async fn open_under(config: &Config, lock: Option<File>) -> anyhow::Result<Self> {
        let scratch = config.scratch_dir();
        std::fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
        let metadata = open_metadata(config).await?;
        let vectors = open_vectors(config).await?;
        let blobs = BlobStore::open(&config.blob_url)?;
        Ok(Self {
            installation: Installation { metadata, vectors, blobs, scratch },
            alone: lock.is_some(),
            _lock: lock,
        })
    }
}

/// Refuses a store that holds half of an archive.
async fn check_restored(metadata: &dyn MetadataStore) -> anyhow::Result<()> {
    if let Some(restore) = metadata.restore_under_way().await? {
        bail!(
            "a restore that was begun at {} has not ended, and nothing is restored yet: run `footnote restore` again \
             (the manifest of its archive has the sha256 {})",
            restore.begun_at.format("%Y-%m-%d %H:%M:%S UTC"),
            restore.archive
        );
    }
    Ok(())
}

/// Opens the metadata store that the configuration names.
pub async fn open_metadata(config: &Config) -> anyhow::Result<Arc<dyn MetadataStore>> {
    Ok(match &config.database {
        DatabaseUrl::Sqlite(path) => Arc::new(SqliteStore::connect(path).await?),
        DatabaseUrl::Postgres(url) => Arc::new(PostgresStore::connect(url.expose()).await?),
    })
}

/// How far the schema of the metadata store is behind this program; opening the store would bring it up to date.
pub async fn schema_behind(config: &Config) -> anyhow::Result<Option<Behind>> {
    Ok(match &config.database {
        DatabaseUrl::Sqlite(path) => SqliteStore::behind(path).await?,
        DatabaseUrl::Postgres(url) => PostgresStore::behind(url.expose()).await?,
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

/// Removes what killed processes were writing into the blob store, beside everything else. Others than this process may
/// write into it when it is not `alone`; no write takes an hour.
fn sweep(blobs: BlobStore, alone: bool) {
    let before = SystemTime::now() - if alone { Duration::ZERO } else { Duration::from_secs(3_600) };
    tokio::task::spawn_blocking(move || match blobs.remove_unfinished(before) {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed files that a killed process had not finished"),
        Err(error) => tracing::warn!(%error, "cannot look for files that were not finished"),
    });
}

/// Refuses an index that cannot be searched: its embedder cannot be loaded, or its terms are others than ours. One of
/// another embedder than the configured one is searched with its own until it has been built anew.
async fn check_index(ingest: &IngestServices) -> anyhow::Result<()> {
    let Some(active) = ingest.metadata.active_generation().await? else { return Ok(()) };
    if let Err(error) = ingest.models_of(&active).await {
        let differences = ingest.configured.stamp().differences(&active.stamp);
        bail!(
            "the index does not fit this configuration: {}, and its own models cannot be used ({error}). Run `footnote \
             reindex` to build it anew, or go back to the models it was built with",
            differences.join("; ")
        );
    }
    let configured = ingest.configured.embedder.stamp();
    if !active.stamp.embedder.is_same(configured) {
        tracing::warn!(
            index = active.stamp.embedder.described(),
            configured = configured.described(),
            "the index is of another embedder than the configured one, and is searched with its own: `footnote reindex` \
             or POST /v1/admin/reindex builds it anew while questions are answered"
        );
    }
    Ok(())
}

/// Makes sure that no other process works in the data directory.
async fn lock_data_dir(data_dir: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(data_dir).with_context(|| format!("cannot create {}", data_dir.display()))?;
    let path = data_dir.join("footnote.lock");
    match tokio::task::spawn_blocking(move || lock_file::take(&path)).await? {
        Ok(file) => Ok(file),
        Err(LockError::Held { holder, .. }) => bail!(
            "another Footnote process (pid {}) works in {}: ask it through its HTTP API, stop it, or set \
             FOOTNOTE_DATA_DIR to another directory",
            holder.as_deref().unwrap_or("unknown"),
            data_dir.display()
        ),
        Err(error) => Err(error.into()),
    }
}
