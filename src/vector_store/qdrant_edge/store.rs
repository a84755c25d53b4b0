//! The generations of a store: which are open, and how they come and go.
//!
//! Everything but `shard` and `generations` is called on the writing thread. May depend on `request` and
//! the parent module's parts.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{
    Tuning,
    files::{self, failed},
    shard::{PendingCopy, Shard},
    translate,
};
use crate::{
    domain::GenerationNumber,
    faults,
    vector_store::{Point, VectorStoreError, request},
};

/// The open generations below a directory.
pub(super) struct Store {
    root: PathBuf,
    tuning: Tuning,
    shards: RwLock<BTreeMap<GenerationNumber, Arc<Shard>>>,
}

impl Store {
    /// Loads the generations below `root`, and removes what killed processes left there.
    pub(super) fn load(root: &Path, tuning: Tuning) -> Result<Self, VectorStoreError> {
        let mut shards = BTreeMap::new();
        for (number, directory) in files::generation_directories(root).map_err(|error| failed("read", root, &error))? {
            let cleaned = match files::read_current(&directory)? {
                Some(current) => files::remove_leftovers(&directory, &current),
                None => fs::remove_dir_all(&directory),
            };
            cleaned.map_err(|error| failed("clean", &directory, &error))?;
            if let Some(shard) = Shard::open(&directory)? {
                shards.insert(number, Arc::new(shard));
            }
        }
        Ok(Self { root: root.to_owned(), tuning, shards: RwLock::new(shards) })
    }

    /// The generations that are open, ascending.
    pub(super) fn generations(&self) -> Vec<GenerationNumber> {
        self.shards().keys().copied().collect()
    }

    /// The open shard of a generation.
    pub(super) fn shard(&self, generation: GenerationNumber) -> Result<Arc<Shard>, VectorStoreError> {
        self.shards().get(&generation).cloned().ok_or(VectorStoreError::NoSuchGeneration(generation))
    }

    /// Where a generation lies.
    pub(super) fn directory(&self, generation: GenerationNumber) -> PathBuf {
        files::generation_directory(&self.root, generation)
    }

    fn shards(&self) -> RwLockReadGuard<'_, BTreeMap<GenerationNumber, Arc<Shard>>> {
        self.shards.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn shards_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<GenerationNumber, Arc<Shard>>> {
        self.shards.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that a generation exists.
    pub(super) fn create(&self, generation: GenerationNumber, dimension: u32) -> Result<(), VectorStoreError> {
        if dimension == 0 || generation < 0 {
            return Err(VectorStoreError::Invalid(
                "a generation has a number from 0 up and a dimension of at least 1".into(),
            ));
        }
        if let Some(shard) = self.shards().get(&generation) {
            return if shard.dimension == dimension {
                Ok(())
            } else {
                Err(VectorStoreError::DimensionMismatch { generation, expected: dimension, found: shard.dimension })
            };
        }
        let shard = Shard::create(&self.directory(generation), dimension, self.tuning)?;
        self.shards_mut().insert(generation, Arc::new(shard));
        Ok(())
    }

    /// Removes a generation.
    pub(super) fn drop(&self, generation: GenerationNumber) -> Result<(), VectorStoreError> {
        let Ok(shard) = self.shard(generation) else { return Ok(()) };
        let directory = self.directory(generation);
        files::remove_current(&directory).map_err(|error| failed("remove", &directory, &error))?;
        faults::blocking_point("edge.drop.unnamed")?;
        self.shards_mut().remove(&generation);
        shard.discard();
        drop(shard);
        faults::blocking_point("edge.drop.removed")?;
        // Empty unless a search still holds the shard: then the next start removes it.
        let _ = fs::remove_dir(&directory);
        Ok(())
    }

    /// Writes points.
    pub(super) fn upsert(&self, generation: GenerationNumber, points: Vec<Point>) -> Result<(), VectorStoreError> {
        let shard = self.shard(generation)?;
        points.iter().try_for_each(|point| request::check_point(generation, shard.dimension, point))?;
        if points.is_empty() { Ok(()) } else { shard.write(translate::upsert(points)?) }
    }

    /// Makes an optimized copy the generation, unless that was dropped meanwhile.
    pub(super) fn adopt(
        &self,
        generation: GenerationNumber,
        pending: &PendingCopy,
        copy: Shard,
    ) -> Result<(), VectorStoreError> {
        let (Some(original), Ok(current)) = (pending.original(), self.shard(generation)) else { return Ok(()) };
        if Arc::ptr_eq(&current, &original) {
            copy.catch_up_and_adopt(&original, &self.directory(generation))?;
            self.shards_mut().insert(generation, Arc::new(copy));
            faults::blocking_point("edge.copy.swapped")?;
        }
        Ok(())
    }
}
