//! One generation on disk: a directory of the engine, and the file that says which directory it is.
//!
//! ```text
//! generation-000001/current          names the shard directory and its dimension; written last, atomically
//! generation-000001/shard-<uuid>/    one EdgeShard
//! ```
//!
//! A generation exists when its `current` does. Whatever else lies about was left by a process that was
//! killed while it created, optimized or dropped something, and is removed when the store is opened.
//!
//! # What survives
//! The engine keeps its id map in memory until it is flushed, which syncs dozens of files, and qdrant-edge
//! 0.7.2 never replays its own log when it loads a shard. So every write is added to a journal of ours (one
//! sync) before it is answered; the engine is flushed, and the journal cleared, now and then and when the
//! shard is closed, and what a journal still holds is written again when the shard is opened. An answered
//! write therefore survives `kill -9` at any moment, and a loss of power as far as the disk keeps its promise
//! for fsync. One gap is left: the engine does not sync directories, so a loss of power soon after a flush
//! that followed a new vector file (one in some ten thousand points) can lose that file; the store then
//! refuses to load, and `footnote reindex` builds a new generation from the originals.
//!
//! As the engine's log is not replayed, its closed files are needed for their last number alone: all but the
//! last are removed before a shard is loaded.

mod copy;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use qdrant_edge::{CountRequest, EdgeShard, UpdateOperation};

pub(super) use self::copy::PendingCopy;
use super::{
    Tuning,
    files::{self, Current, failed, remove_quietly},
    journal::{self, Journal},
    queue::guarded,
    translate,
};
use crate::{
    domain::ChunkId,
    faults,
    vector_store::{
        ScoredChunk, VectorStoreError,
        request::{Condition, Plan, Search},
    },
};

/// The journal's size at which the engine is flushed: some 2,500 passages, which are written again in about a
/// second when the process was killed.
const FLUSH_BYTES: u64 = 16 << 20;

/// An open shard. The last holder that drops it flushes it, and removes it when it was discarded.
pub(super) struct Shard {
    engine: Option<EdgeShard>,
    directory: PathBuf,
    pub(super) dimension: u32,
    discarded: AtomicBool,
    journal: Mutex<Journal>,
    /// Whether a copy needs the journal from its beginning.
    copying: AtomicBool,
}

impl Shard {
    /// Creates the shard of a new generation in `generation`, which may hold leftovers but no `current`.
    pub(super) fn create(generation: &Path, dimension: u32, tuning: Tuning) -> Result<Self, VectorStoreError> {
        fs::create_dir_all(generation).map_err(|error| failed("create", generation, &error))?;
        files::check_room(generation, 0).map_err(|error| failed("create", generation, &error))?;
        let directory = generation.join(files::new_shard_name());
        fs::create_dir(&directory).map_err(|error| failed("create", &directory, &error))?;
        let config = translate::config(dimension, tuning);
        let engine = guarded(|| EdgeShard::new(&directory, config).map_err(translate::error))
            .inspect_err(|_| remove_quietly(&directory))?;
        let shard = Self::new(engine, directory, dimension, true)?;
        shard.create_indexes()?;
        faults::blocking_point("edge.create.made")?;
        let adopted = shard.adopt(generation);
        if adopted.is_err() && shard.is_current(generation) {
            // Named already, though perhaps not for good: without its directory the store would not open.
            shard.keep();
        }
        adopted.map(|()| shard)
    }

    /// Opens the shard that `current` names; `None` when there is none.
    pub(super) fn open(generation: &Path) -> Result<Option<Self>, VectorStoreError> {
        let Some(current) = files::read_current(generation)? else { return Ok(None) };
        let directory = generation.join(&current.shard);
        files::trim_log(&directory).map_err(|error| failed("open", &directory, &error))?;
        let engine = guarded(|| EdgeShard::load(&directory, None).map_err(translate::error)).map_err(|error| {
            VectorStoreError::Failed(format!(
                "{} cannot be loaded ({error}): restore it from a backup, or remove {} and run `footnote reindex`",
                directory.display(),
                generation.display()
            ))
        })?;
        let shard = Self::new(engine, directory, current.dimension, false)?;
        // An optimized shard that got a new segment for writes may lack the indexes there.
        shard.create_indexes()?;
        if shard.journal().length() > 0 {
            shard.repeat(&mut shard.journal())?;
            shard.flush()?;
        }
        Ok(Some(shard))
    }

    /// Runs the engine's optimizers and makes their result durable; false when there was nothing to do.
    pub(super) fn optimize(&self) -> Result<bool, VectorStoreError> {
        let optimized = guarded(|| self.engine()?.optimize().map_err(translate::error))?;
        if optimized {
            self.sync()?;
        }
        Ok(optimized)
    }

    /// Applies an operation and makes it durable.
    pub(super) fn write(&self, operation: UpdateOperation) -> Result<(), VectorStoreError> {
        self.write_checked(operation, false)
    }

    /// The same for an operation that removes points.
    pub(super) fn remove(&self, operation: UpdateOperation) -> Result<(), VectorStoreError> {
        self.write_checked(operation, true)
    }

    fn write_checked(&self, operation: UpdateOperation, frees: bool) -> Result<(), VectorStoreError> {
        let frame = journal::encode(&operation).map_err(|error| failed("write", &self.directory, &error))?;
        // A delete is let through: it is what makes room, and adds next to nothing.
        if !frees {
            files::check_room(&self.directory, frame.len() as u64)
                .map_err(|error| failed("write", &self.directory, &error))?;
        }
        self.engine()?.update(operation).map_err(translate::error)?;
        let mut journal = self.journal();
        journal.append(&frame).map_err(|error| failed("write", &self.directory, &error))?;
        if journal.length() > FLUSH_BYTES && !self.copying.load(Ordering::Acquire) {
            drop(journal);
            self.flush()?;
        }
        Ok(())
    }

    /// Applies what a journal holds, of this shard or of the one that it is a copy of.
    fn repeat(&self, journal: &mut Journal) -> Result<(), VectorStoreError> {
        let operations =
            journal.operations().map_err(|error| failed("read the journal of", &self.directory, &error))?;
        for operation in operations {
            let operation = operation.map_err(|error| failed("read the journal of", &self.directory, &error))?;
            guarded(|| self.engine()?.update(operation).map_err(translate::error))?;
        }
        Ok(())
    }

    /// Searches.
    pub(super) fn search(&self, search: Search) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        let filter = translate::filter(&search.conditions)?;
        let request = match search.plan {
            Plan::Nothing => return Ok(Vec::new()),
            Plan::One(nearest) => translate::query_one(nearest, filter, search.limit)?,
            Plan::Fused { qdrant_k, depth, rankings } => {
                translate::query_fused(rankings, qdrant_k, depth, &filter, search.limit)?
            }
        };
        let found = self.engine()?.query(request).map_err(translate::error)?;
        found.iter().map(translate::scored).collect()
    }

    /// The dense vectors of those points that exist.
    pub(super) fn dense_vectors(&self, ids: &[ChunkId]) -> Result<Vec<(ChunkId, Vec<f32>)>, VectorStoreError> {
        let ids: Vec<_> = ids.iter().map(|id| translate::point_id(*id)).collect();
        let found = self
            .engine()?
            .retrieve(&ids, Some(translate::WITHOUT_PAYLOAD), Some(translate::dense_only()))
            .map_err(translate::error)?;
        found.into_iter().map(translate::dense_vector).collect()
    }

    /// Counts what the conditions pick; all points when there are none.
    pub(super) fn count(&self, conditions: &[Condition]) -> Result<u64, VectorStoreError> {
        let filter = if conditions.is_empty() { None } else { Some(translate::filter(conditions)?) };
        let count = self.engine()?.count(CountRequest { filter, exact: true }).map_err(translate::error)?;
        Ok(count as u64)
    }

    /// The ids of the points from `first` on, ascending.
    pub(super) fn point_ids(&self, first: ChunkId, limit: usize) -> Result<Vec<ChunkId>, VectorStoreError> {
        let (found, _) = self.engine()?.scroll(translate::scroll(first, limit)).map_err(translate::error)?;
        found.iter().map(|point| translate::chunk_id(point.id)).collect()
    }

    /// Marks the directory to be removed when the last search has ended.
    pub(super) fn discard(&self) {
        self.discarded.store(true, Ordering::Release);
    }

    /// Marks the directory to stay.
    fn keep(&self) {
        self.discarded.store(false, Ordering::Release);
    }

    fn new(engine: EdgeShard, directory: PathBuf, dimension: u32, discarded: bool) -> Result<Self, VectorStoreError> {
        let journal = Journal::open(&directory).map_err(|error| failed("open the journal of", &directory, &error))?;
        Ok(Self {
            engine: Some(engine),
            directory,
            dimension,
            discarded: AtomicBool::new(discarded),
            journal: Mutex::new(journal),
            copying: AtomicBool::new(false),
        })
    }

    fn sync(&self) -> Result<(), VectorStoreError> {
        self.flush()?;
        files::sync_tree(&self.directory).map_err(|error| failed("write", &self.directory, &error))
    }

    fn create_indexes(&self) -> Result<(), VectorStoreError> {
        for operation in translate::index_operations()? {
            self.engine()?.update(operation).map_err(translate::error)?;
        }
        Ok(())
    }

    /// Makes everything durable, directories included, and names this shard in `current`.
    fn adopt(&self, generation: &Path) -> Result<(), VectorStoreError> {
        self.sync()?;
        let current = Current { shard: self.name(), dimension: self.dimension };
        files::write_current(generation, &current).map_err(|error| failed("write", generation, &error))?;
        self.keep();
        Ok(())
    }

    /// Whether `current` names this shard.
    fn is_current(&self, generation: &Path) -> bool {
        files::read_current(generation).is_ok_and(|current| current.is_some_and(|named| named.shard == self.name()))
    }

    fn name(&self) -> String {
        self.directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Makes durable what the engine holds, and clears the journal unless a copy needs it.
    ///
    /// The engine's flush panics when it fails, and when it meets the engine's own optimizer; no shard that
    /// is written to is ever optimized in place.
    fn flush(&self) -> Result<(), VectorStoreError> {
        faults::blocking_point("edge.flush")?;
        guarded(|| {
            self.engine()?.flush();
            Ok(())
        })?;
        faults::blocking_point("edge.flushed")?;
        self.clear_journal()
    }

    fn clear_journal(&self) -> Result<(), VectorStoreError> {
        if self.copying.load(Ordering::Acquire) {
            return Ok(());
        }
        self.journal().clear().map_err(|error| failed("clear the journal of", &self.directory, &error))
    }

    fn engine(&self) -> Result<&EdgeShard, VectorStoreError> {
        self.engine.as_ref().ok_or_else(|| VectorStoreError::Failed("the index is closed".to_owned()))
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            // The engine flushes itself when it is dropped.
            let closed = guarded(|| {
                drop(engine);
                self.clear_journal()
            });
            if let Err(error) = closed {
                tracing::error!(directory = %self.directory.display(), %error, "a vector shard did not close");
            }
        }
        if self.discarded.load(Ordering::Acquire) {
            remove_quietly(&self.directory);
            // An error would have nobody to be told to: what could not be removed is removed at the next start.
            let _ = faults::blocking_point("edge.shard.removed");
        }
    }
}
