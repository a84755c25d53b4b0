//! Which adapters a process answers with: it follows the last entry of each role's history in the metadata store.
//!
//! `swap` looks at the history, loads what was promoted beside what serves, and puts it in its place; a question that
//! is being answered keeps the models it began with. `state` is what is told about it.
//!
//! May depend on the stores, `models` and `answer` (for what is swapped).

mod state;
mod swap;

use std::{sync::Arc, time::Duration};

pub use state::{LoadedAdapter, ServingState, SwapFailure};
pub use swap::{AdapterSwap, Followed};

use crate::{
    answer::AnswerServices,
    blob_store::{BlobStore, BlobStoreError, FolderKind},
    domain::{AdapterId, AdapterPair, AdapterRole},
    metadata_store::{AdapterStore, MetadataStoreError},
    models::{adapter::AdapterFiles, encoder::SpanReader, generator::Generator},
};

/// What a process has by its configuration and its build: what serves where nothing was promoted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnAdapters {
    /// The sums of the adapters.
    pub sums: AdapterPair,
    /// The roles for which the configuration names one, each with its key: they do not follow the registry.
    pub fixed: Vec<(AdapterRole, &'static str)>,
}

impl OwnAdapters {
    /// The roles that follow the registry.
    pub fn following(&self) -> impl Iterator<Item = AdapterRole> + '_ {
        AdapterRole::ALL.into_iter().filter(|role| self.fixed.iter().all(|(fixed, _)| fixed != role))
    }
}

/// The adapters that models are loaded with; what is absent is as the process has it by itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChosenAdapters {
    /// The reader's.
    pub reader: Option<NamedAdapter>,
    /// The generator's.
    pub generator: Option<NamedAdapter>,
}

impl ChosenAdapters {
    /// The choice with an adapter for one role.
    pub fn with(mut self, role: AdapterRole, adapter: Option<NamedAdapter>) -> Self {
        match role {
            AdapterRole::Reader => self.reader = adapter,
            AdapterRole::Generator => self.generator = adapter,
        }
        self
    }
}

/// How long loading a model may take.
const LOAD: Duration = Duration::from_secs(300);

/// An adapter with the name that answers carry.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedAdapter {
    /// What a person calls it.
    pub name: String,
    /// Its files.
    pub files: AdapterFiles,
}

/// A model that was loaded for a role.
#[derive(Clone)]
pub enum LoadedModel {
    /// A reader; `None` where nothing was promoted and none ships.
    Reader(Option<Arc<dyn SpanReader>>),
    /// A generator.
    Generator(Arc<dyn Generator>),
}

impl LoadedModel {
    /// The services with this model in place of theirs.
    pub fn put_into(self, services: &AnswerServices) -> AnswerServices {
        let mut services = services.clone();
        match self {
            Self::Reader(reader) => services.reader = reader,
            Self::Generator(generator) => services.generator = generator,
        }
        services
    }
}

/// Why an adapter cannot be put on its model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct LoadError {
    /// What went wrong, and what to do.
    pub reason: String,
}

impl LoadError {
    /// With this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// Loads the model of a role.
pub trait LoadAdapter: Send + Sync + 'static {
    /// Loads it with an adapter, or as this process has it by itself: with what its configuration names, or what
    /// ships. Blocks for as long as that takes.
    fn load(&self, role: AdapterRole, adapter: Option<NamedAdapter>) -> Result<LoadedModel, LoadError>;
}

/// Loads on a thread that may block.
pub async fn load(
    loader: Arc<dyn LoadAdapter>,
    role: AdapterRole,
    adapter: Option<NamedAdapter>,
) -> Result<LoadedModel, LoadError> {
    let loading = tokio::task::spawn_blocking(move || loader.load(role, adapter));
    match tokio::time::timeout(LOAD, loading).await {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(error)) => Err(LoadError::new(format!("loading it panicked: {error}"))),
        Err(_) => Err(LoadError::new(format!("loading it took longer than {} s", LOAD.as_secs()))),
    }
}

/// Why the files of a registered adapter cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is not registered, or the database does not answer.
    #[error(transparent)]
    Metadata(#[from] MetadataStoreError),
    /// Its files are not there, or the blob store does not answer.
    #[error(transparent)]
    Blobs(#[from] BlobStoreError),
    /// Its files are not those that were registered.
    #[error("the files of the adapter {expected} were changed: their sum is now {found}; restore them from a backup")]
    Damaged {
        /// The sum that they were registered under.
        expected: String,
        /// Their sum.
        found: String,
    },
}

impl FetchError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Metadata(error) => error.is_transient(),
            Self::Blobs(error) => error.is_transient(),
            Self::Damaged { .. } => false,
        }
    }
}

/// Reads a registered adapter, and checks its sum.
pub async fn fetch<S: AdapterStore + ?Sized>(
    metadata: &S,
    blobs: &BlobStore,
    id: AdapterId,
) -> Result<NamedAdapter, FetchError> {
    let adapter = metadata.adapter(id).await?;
    Ok(NamedAdapter { files: fetch_files(blobs, &adapter.sha256).await?, name: adapter.name })
}

/// Reads the files that are stored under a sum, and checks it.
pub async fn fetch_files(blobs: &BlobStore, sha256: &str) -> Result<AdapterFiles, FetchError> {
    let mut files = AdapterFiles::default();
    for (name, bytes) in blobs.folder(FolderKind::Adapter, sha256).await? {
        files.insert(&name, bytes.into());
    }
    let found = files.sha256();
    if found == sha256 { Ok(files) } else { Err(FetchError::Damaged { expected: sha256.to_owned(), found }) }
}
