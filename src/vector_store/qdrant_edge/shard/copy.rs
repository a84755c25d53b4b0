//! Optimizing a copy of a shard while the original is searched and written.
//!
//! May depend on the parent module.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak, atomic::Ordering},
};

use qdrant_edge::EdgeShard;
use tokio::sync::OwnedMutexGuard;

use super::Shard;
use crate::{
    faults,
    vector_store::{
        VectorStoreError,
        qdrant_edge::{
            files::{self, failed, remove_quietly},
            queue::guarded,
            translate,
        },
    },
};

/// A copy of a shard, whose original keeps in its journal what is written since.
///
/// Whoever drops it ends both: no copy is left behind by a caller that gives up.
pub(in crate::vector_store::qdrant_edge) struct PendingCopy {
    original: Weak<Shard>,
    dimension: u32,
    directory: Option<PathBuf>,
    /// Held until the end: a second copy of the shard would clear the journal that the first needs.
    _alone: OwnedMutexGuard<()>,
}

impl PendingCopy {
    /// Copies `original` to a new directory beside it. Nobody may write to it before this returns.
    pub(in crate::vector_store::qdrant_edge) fn begin(
        original: &Arc<Shard>,
        generation: &Path,
        alone: OwnedMutexGuard<()>,
    ) -> Result<Self, VectorStoreError> {
        // The journal is empty now, and grows from here until the copy has been adopted or dropped.
        original.flush()?;
        original.copying.store(true, Ordering::Release);
        let directory = generation.join(files::new_shard_name());
        let copy = Self {
            original: Arc::downgrade(original),
            dimension: original.dimension,
            directory: Some(directory.clone()),
            _alone: alone,
        };
        files::size_of(&original.directory)
            .and_then(|size| files::check_room(generation, size))
            .map_err(|error| failed("copy", &original.directory, &error))?;
        files::copy_shard(&original.directory, &directory)
            .map_err(|error| failed("copy", &original.directory, &error))?;
        faults::blocking_point("edge.copy.made")?;
        Ok(copy)
    }

    /// Loads the copy, on any thread. It is discarded when it is dropped, unless it is adopted.
    pub(in crate::vector_store::qdrant_edge) fn load(&mut self) -> Result<Shard, VectorStoreError> {
        let directory =
            self.directory.clone().ok_or_else(|| VectorStoreError::Failed("the copy was loaded before".to_owned()))?;
        let engine = guarded(|| EdgeShard::load(&directory, None).map_err(translate::error))?;
        self.directory = None;
        Shard::new(engine, directory, self.dimension, true)
    }

    /// The shard that was copied, while it is open.
    pub(in crate::vector_store::qdrant_edge) fn original(&self) -> Option<Arc<Shard>> {
        self.original.upgrade()
    }
}

impl Drop for PendingCopy {
    fn drop(&mut self) {
        if let Some(original) = self.original.upgrade() {
            original.copying.store(false, Ordering::Release);
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
        self.repeat(&mut original.journal())?;
        self.create_indexes()?;
        faults::blocking_point("edge.copy.caught_up")?;
        let adopted = self.adopt(generation).and_then(|()| Ok(faults::blocking_point("edge.copy.adopted")?));
        match adopted {
            Ok(()) => original.discard(),
            // Named already, so that the next start opens the copy: nothing may be written to the original any more. Its
            // directory stays until then, should a loss of power bring the old name back.
            Err(error) if self.is_current(generation) => {
                tracing::warn!(%error, "an optimized index took over, and its name may not be on the disk yet");
                self.keep();
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
