//! Qdrant's engine inside the process: `qdrant-edge`, one shard directory per generation.
//!
//! The engine is synchronous. One thread makes all writes, in the order in which they were asked for;
//! searches run on threads of their own, one per core, and go on while it writes (the engine locks single segments
//! for a few dozen points at a time). Both sit behind bounded queues: a full queue and a late answer are
//! `Unavailable`.
//!
//! `optimize` works on a copy of the shard, in a thread of its own, and swaps it in at the end. The engine
//! could optimize in place while it searches, but killed at the end of it, it leaves every point in two
//! segments, which nothing tells apart afterwards and `count` counts twice; and its flush panics when it meets the
//! optimizer. The copy costs twice the disk space for that time, which the engine asks for anyway.
//!
//! May depend on `request` and the engine.

mod files;
mod journal;
mod queue;
mod shard;
mod store;
mod translate;

use std::{
    fs::{self, File},
    num::NonZero,
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Mutex, oneshot};

use self::{
    files::failed,
    queue::WorkQueue,
    shard::{PendingCopy, Shard},
    store::Store,
};
use super::{
    Point, ScoredChunk, VectorQuery, VectorStore, VectorStoreError,
    request::{self, Search},
};
use crate::domain::{ChunkId, DocumentId, GenerationNumber};

const WRITE_QUEUE: usize = 64;
const SEARCH_QUEUE: usize = 256;
const WRITE_LIMIT: Duration = Duration::from_secs(120);
const SEARCH_LIMIT: Duration = Duration::from_secs(30);
/// Some seconds per 10,000 passages: enough for tens of millions.
const OPTIMIZE_LIMIT: Duration = Duration::from_secs(4 * 60 * 60);

/// What decides when the engine builds an HNSW graph.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tuning {
    /// A segment with more kilobytes of vectors gets a graph; the engine's own 10,000 (6,600 vectors of 384
    /// dimensions) when absent. Smaller segments are scanned, which is exact and fast enough. Stored with a
    /// generation when it is created.
    pub indexing_threshold_kb: Option<usize>,
}

/// The vector store in a directory of this machine, used by one process at a time.
pub struct QdrantEdge {
    // Dropped in this order: no thread outlives the shards' directory lock.
    searches: WorkQueue,
    writes: WorkQueue,
    store: Arc<Store>,
    optimizing: Arc<Mutex<()>>,
    _lock: File,
}

impl QdrantEdge {
    /// Opens the store in `directory`, which is created when it is missing. Blocks while shards are loaded.
    pub fn open(directory: &Path) -> Result<Self, VectorStoreError> {
        Self::open_with(directory, Tuning::default())
    }

    /// Opens the store with another tuning for the generations that it will create.
    pub fn open_with(directory: &Path, tuning: Tuning) -> Result<Self, VectorStoreError> {
        fs::create_dir_all(directory).map_err(|error| failed("create", directory, &error))?;
        let lock = files::lock(directory)?;
        let store = Arc::new(Store::load(directory, tuning)?);
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(8);
        let start = |name, threads, capacity| {
            WorkQueue::start(name, threads, capacity)
                .map_err(|error| VectorStoreError::Failed(format!("cannot start a thread: {error}")))
        };
        Ok(Self {
            searches: start("search", threads, SEARCH_QUEUE)?,
            writes: start("write", 1, WRITE_QUEUE)?,
            store,
            optimizing: Arc::new(Mutex::new(())),
            _lock: lock,
        })
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, VectorStoreError> + Send + 'static,
    ) -> Result<T, VectorStoreError> {
        let store = Arc::clone(&self.store);
        self.writes.run(WRITE_LIMIT, move || work(&store)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        generation: GenerationNumber,
        work: impl FnOnce(&Shard) -> Result<T, VectorStoreError> + Send + 'static,
    ) -> Result<T, VectorStoreError> {
        let shard = self.store.shard(generation)?;
        self.searches.run(SEARCH_LIMIT, move || work(&shard)).await
    }
}

#[async_trait]
impl VectorStore for QdrantEdge {
    async fn create_generation(&self, generation: GenerationNumber, dimension: u32) -> Result<(), VectorStoreError> {
        self.write(move |store| store.create(generation, dimension)).await
    }

    async fn drop_generation(&self, generation: GenerationNumber) -> Result<(), VectorStoreError> {
        self.write(move |store| store.drop(generation)).await
    }

    async fn generations(&self) -> Result<Vec<GenerationNumber>, VectorStoreError> {
        Ok(self.store.generations())
    }

    async fn upsert(&self, generation: GenerationNumber, points: Vec<Point>) -> Result<(), VectorStoreError> {
        self.write(move |store| store.upsert(generation, points)).await
    }

    async fn delete_document(
        &self,
        generation: GenerationNumber,
        document: DocumentId,
        version: Option<u32>,
    ) -> Result<(), VectorStoreError> {
        let conditions = request::document_conditions(document, version);
        self.write(move |store| store.shard(generation)?.remove(translate::delete(&conditions)?)).await
    }

    async fn search(
        &self,
        generation: GenerationNumber,
        query: VectorQuery,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        self.read(generation, move |shard| shard.search(Search::new(generation, shard.dimension, query)?)).await
    }

    async fn dense_vectors(
        &self,
        generation: GenerationNumber,
        ids: &[ChunkId],
    ) -> Result<Vec<(ChunkId, Vec<f32>)>, VectorStoreError> {
        let ids = ids.to_vec();
        self.read(generation, move |shard| shard.dense_vectors(&ids)).await
    }

    async fn count(&self, generation: GenerationNumber, document: Option<DocumentId>) -> Result<u64, VectorStoreError> {
        let conditions = document.map_or_else(Vec::new, |document| request::document_conditions(document, None));
        self.read(generation, move |shard| shard.count(&conditions)).await
    }

    async fn point_ids(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkId>,
        limit: u32,
    ) -> Result<Vec<ChunkId>, VectorStoreError> {
        let limit = request::check_limit(limit)?;
        let first = request::first_behind(after);
        self.read(generation, move |shard| first.map_or(Ok(Vec::new()), |first| shard.point_ids(first, limit))).await
    }

    async fn delete_points(&self, generation: GenerationNumber, ids: &[ChunkId]) -> Result<(), VectorStoreError> {
        let ids = ids.to_vec();
        self.write(move |store| {
            let shard = store.shard(generation)?;
            if ids.is_empty() { Ok(()) } else { shard.remove(translate::delete_points(&ids)) }
        })
        .await
    }

    async fn optimize(&self, generation: GenerationNumber) -> Result<(), VectorStoreError> {
        let alone = tokio::time::timeout(OPTIMIZE_LIMIT, Arc::clone(&self.optimizing).lock_owned())
            .await
            .map_err(|_| VectorStoreError::Unavailable("the index is being optimized already".to_owned()))?;
        let mut pending = self
            .write(move |store| PendingCopy::begin(&store.shard(generation)?, &store.directory(generation), alone))
            .await?;
        let (reply, answer) = oneshot::channel();
        thread::Builder::new()
            .name("edge-optimize".to_owned())
            .spawn(move || {
                let optimized = pending.load().and_then(|copy| Ok(copy.optimize()?.then_some((pending, copy))));
                // A caller that gave up drops the copy with the reply.
                drop(reply.send(optimized));
            })
            .map_err(|error| VectorStoreError::Failed(format!("cannot start a thread: {error}")))?;
        let optimized = match tokio::time::timeout(OPTIMIZE_LIMIT, answer).await {
            Ok(Ok(optimized)) => optimized?,
            Ok(Err(_)) => {
                return Err(VectorStoreError::Failed("the optimizing thread ended without a result".to_owned()));
            }
            Err(_) => return Err(VectorStoreError::Unavailable("optimizing the index takes too long".to_owned())),
        };
        match optimized {
            Some((pending, copy)) => self.write(move |store| store.adopt(generation, &pending, copy)).await,
            None => Ok(()),
        }
    }

    async fn ping(&self) -> Result<(), VectorStoreError> {
        self.searches.run(SEARCH_LIMIT, || Ok(())).await
    }
}
