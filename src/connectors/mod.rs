//! Connectors: sources whose documents Footnote keeps in step with.
//!
//! A connector looks at its source in passes (`sync`): what is new or other than before is uploaded like any other file,
//! what has vanished is deleted (`sweep`), and every step is recorded as it is taken, so that a pass that was killed is
//! gone on with. `follow` begins the passes when they are due, or when the source says that something has changed. What a
//! source is, is a [`Source`]: `folder`, `bucket`, `sitemap`, `git`. May depend on `config`, `disk`, `ingest`, the metadata
//! store, `telemetry::metrics` and `domain`.

mod bucket;
mod folder;
mod follow;
mod git;
mod selection;
mod sitemap;
mod status;
mod sweep;
mod sync;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::{
    io::AsyncRead,
    sync::{Notify, mpsc},
};

pub use follow::{Follower, PassEnded, run_pass};
pub use selection::Selection;
pub use status::{ConnectorStatus, last_passes, remove, statuses};

use crate::{
    config::{Config, Connector, Connectors, SourceConfig},
    disk::{self, Place},
    ingest::IngestServices,
};

/// How many items are on their way between a source and the pass that takes them.
const ON_THE_WAY: usize = 256;

/// What went wrong with a source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be reached, or does not answer as it should: it may later.
    #[error("{0}")]
    Unavailable(String),
    /// It can be reached, and this cannot be had from it: that changes when the source does, or the configuration.
    #[error("{0}")]
    Refused(String),
    /// The pass that was asking has ended.
    #[error("the pass has ended")]
    Stopped,
}

impl SourceError {
    /// Whether the same call may succeed later although nothing has changed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Stopped)
    }
}

/// An item that a source holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceItem {
    /// What the source calls it: a path with `/`, from the source on. Documents are named by it.
    pub key: String,
    /// Tells one state of the item from another; absent where only reading it tells.
    pub fingerprint: Option<String>,
    /// The item changed so short a time ago that its fingerprint may not tell the next change: it is looked at again.
    pub unsettled: bool,
    /// Its size in bytes, where the source says so.
    pub size: Option<u64>,
    /// Why it cannot be followed, for what the source holds and nobody can read.
    pub problem: Option<String>,
}

/// What reading an item gave.
pub enum Read {
    /// It is as it was when the validator was given.
    Unchanged,
    /// It is not there, although it was listed.
    Gone,
    /// Its bytes.
    Bytes {
        /// The bytes, to their end or to an error.
        reader: Box<dyn AsyncRead + Unpin + Send>,
        /// How many they are, where that is known: fewer are not the item.
        size: Option<u64>,
        /// What [`Source::read`] wants to be given next time.
        validator: Option<String>,
    },
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unchanged => "Unchanged",
            Self::Gone => "Gone",
            Self::Bytes { .. } => "Bytes",
        })
    }
}

/// Takes what a source lists.
#[derive(Debug, Clone)]
pub struct Found(mpsc::Sender<Listed>);

/// Something that a source holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// An item that is followed.
    Item(SourceItem),
    /// Something that is not: a hidden file, a link, what the patterns leave out.
    PassedOver,
}

impl Found {
    /// A taker, and where what it takes comes out. Its queue is bounded: a source waits for who takes.
    pub fn channel() -> (Self, mpsc::Receiver<Listed>) {
        let (sender, receiver) = mpsc::channel(ON_THE_WAY);
        (Self(sender), receiver)
    }

    /// Takes what was found. `Stopped` when nobody wants more.
    pub async fn take(&self, listed: Listed) -> Result<(), SourceError> {
        self.0.send(listed).await.map_err(|_| SourceError::Stopped)
    }

    /// The same, on a thread that may block.
    pub fn take_blocking(&self, listed: Listed) -> Result<(), SourceError> {
        self.0.blocking_send(listed).map_err(|_| SourceError::Stopped)
    }
}

/// A place that holds items.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Lists everything that the source holds and the connector follows, each item once, in any order and without holding
    /// all of it in memory. `Ok` only when that was everything: deleting rests on it. What can be listed beside something
    /// that cannot is listed all the same, and the error comes at the end.
    async fn list(&self, found: Found) -> Result<(), SourceError>;

    /// Reads an item that [`list`](Self::list) has found in the same pass. `validator` is what came with the bytes that
    /// were taken over last, if there are such. The bytes are those of the item's fingerprint, or of a later state, which
    /// then has another fingerprint.
    async fn read(&self, item: &SourceItem, validator: Option<&str>) -> Result<Read, SourceError>;

    /// Waits until something may have changed since it was called first; for ever where the source does not say. Nothing
    /// rests on it: passes begin without it too.
    async fn changed(&self) {
        std::future::pending().await
    }
}

/// Everything that connectors work with.
#[derive(Clone)]
pub struct ConnectorServices {
    /// Takes documents in, and the stores.
    pub ingest: IngestServices,
    /// The connectors of the configuration.
    pub configured: Arc<Connectors>,
    /// The largest file that is taken.
    pub max_upload_bytes: u64,
    /// The program's data directory.
    pub data_dir: PathBuf,
    /// The bytes that stay free on its disk.
    pub min_free_disk_bytes: u64,
    /// Where the program writes to: no folder that is followed may hold one of them.
    pub own: Arc<[Place]>,
    /// Woken when a pass was asked for in this process.
    pub wake: Arc<Notify>,
}

impl ConnectorServices {
    /// Those of a configuration.
    pub fn new(config: &Config, ingest: IngestServices) -> Self {
        Self {
            ingest,
            configured: config.connectors.clone(),
            max_upload_bytes: config.max_upload_bytes,
            data_dir: config.data_dir.clone(),
            min_free_disk_bytes: config.min_free_disk_bytes,
            own: disk::places(config).into(),
            wake: Arc::new(Notify::new()),
        }
    }
}

/// Opens the source of a connector. Nothing is asked of it yet: one that cannot be reached is opened.
pub fn open(connector: &Connector, services: &ConnectorServices) -> Result<Arc<dyn Source>, SourceError> {
    let selection = Selection::of(connector);
    Ok(match &connector.source {
        SourceConfig::Folder { path, hidden } => folder(path, *hidden, services, selection)?,
        SourceConfig::Bucket { url, endpoint, region, keys } => match url.strip_prefix("file://") {
            // It has no hidden objects.
            Some(path) => folder(Path::new(path), true, services, selection)?,
            None => {
                let (endpoint, region) = (endpoint.as_deref(), region.as_deref());
                bucket::open(&bucket::Place { url, endpoint, region, keys: keys.as_ref() }, selection)?
            }
        },
        SourceConfig::Sitemap { url, hosts, delay, private_network, ask_every_page } => {
            let manners = sitemap::Manners { delay: *delay, private_network: *private_network };
            Arc::new(sitemap::SitemapSource::new(url.clone(), hosts, manners, *ask_every_page, selection)?)
        }
        SourceConfig::Git { url, branch, folder, token } => {
            let mirror = services.data_dir.join("connectors").join(format!("{}.git", connector.name));
            let of =
                git::Branch { url: url.clone(), branch: branch.clone(), folder: folder.clone(), token: token.clone() };
            Arc::new(git::GitSource::new(of, mirror, services.min_free_disk_bytes, selection))
        }
    })
}

fn folder(
    path: &Path,
    hidden: bool,
    services: &ConnectorServices,
    selection: Selection,
) -> Result<Arc<dyn Source>, SourceError> {
    if let Some(place) = services.own.iter().find(|place| place.path.starts_with(path)) {
        return Err(folder::holds_our_own(path, place));
    }
    Ok(Arc::new(folder::FolderSource::new(path.to_owned(), hidden, services.own.clone(), selection)))
}
