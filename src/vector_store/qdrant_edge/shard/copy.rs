//! Optimizing a copy of a shard while the original is searched and written.
//!
//! May depend on the parent module.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use qdrant_edge::{EdgeShard, UpdateOperation};
use tokio::sync::OwnedMutexGuard;

use super::Shard;
use crate::vector_store::{
    VectorStoreError,
    qdrant_edge::{
        files::{self, failed, remove_quietly},
        queue::guarded,
        translate,
    },
};

/// The most points that are remembered while a copy of their generation is optimized: 20,000 are some 60 MB.
const MOST_RECORDED_POINTS: usize = 20_000;

/// What was written since a copy was taken.
#[derive(Default)]
pub(super) struct Recording {
    operations: Vec<UpdateOperation>,
    points: usize,
    overflowed: bool,
}

/// A copy of a shard, and the memory of what was written to the original since.
///
/// Whoever drops it ends both: no copy is left behind by a caller that gives up.
pub(in crate::vector_store::qdrant_edge) struct PendingCopy {
    original: Weak<Shard>,
    dimension: u32,
    directory: Option<PathBuf>,
    /// Held until the end: two copies of one shard would share one memory.
    _alone: OwnedMutexGuard<()>,
}

impl PendingCopy {
    /// Copies `original` to a new directory beside it. Nobody may write to it before this returns.
    pub(in crate::vector_store::qdrant_edge) fn begin(
        original: &Arc<Shard>,
        generation: &Path,
        alone: OwnedMutexGuard<()>,
    ) -> Result<Self, VectorStoreError> {
        original.flush()?;
        let directory = generation.join(files::new_shard_name());
        let copy = Self {
            original: Arc::downgrade(original),
            dimension: original.dimension,
            directory: Some(directory.clone()),
            _alone: alone,
        };
        files::copy_shard(&original.directory, &directory)
            .map_err(|error| failed("copy", &original.directory, &error))?;
        *original.recording() = Some(Recording::default());
        Ok(copy)
    }

    /// Loads the copy, on any thread. It is discarded when it is dropped, unless it is adopted.
    pub(in crate::vector_store::qdrant_edge) fn load(&mut self) -> Result<Shard, VectorStoreError> {
        let directory =
            self.directory.clone().ok_or_else(|| VectorStoreError::Failed("the copy was loaded before".to_owned()))?;
        let engine = guarded(|| EdgeShard::load(&directory, None).map_err(translate::error))?;
        self.directory = None;
        Ok(Shard::new(engine, directory, self.dimension, true))
    }

    /// The shard that was copied, while it is open.
    pub(in crate::vector_store::qdrant_edge) fn original(&self) -> Option<Arc<Shard>> {
        self.original.upgrade()
    }
}

impl Drop for PendingCopy {
    fn drop(&mut self) {
        if let Some(original) = self.original.upgrade() {
            original.recording().take();
        }
        if let Some(directory) = &self.directory {
            remove_quietly(directory);
        }
    }
}

impl Shard {
    /// Repeats on this copy what was written to `original` meanwhile, and makes the copy the generation.
    pub(in crate::vector_store::qdrant_edge) fn catch_up_and_adopt(
        &self,
        original: &Self,
        generation: &Path,
    ) -> Result<(), VectorStoreError> {
        let recording = original.recording().take().unwrap_or_default();
        if recording.overflowed {
            return Err(VectorStoreError::Unavailable(format!(
                "more than {MOST_RECORDED_POINTS} passages were written while the index was optimized: \
                 optimize again when fewer are"
            )));
        }
        for operation in recording.operations {
            self.engine()?.update(operation).map_err(translate::error)?;
        }
        self.create_indexes()?;
        self.adopt(generation)?;
        original.discard();
        Ok(())
    }
}

impl Recording {
    pub(super) fn add(&mut self, operation: UpdateOperation, points: usize) {
        self.points = self.points.saturating_add(points);
        if self.overflowed || self.points > MOST_RECORDED_POINTS {
            self.overflowed = true;
            self.operations = Vec::new();
        } else {
            self.operations.push(operation);
        }
    }
}
