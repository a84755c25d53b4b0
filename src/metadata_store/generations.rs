//! Generations of the index: one serves, the next one is built beside it, and the one before can be gone back to.
//!
//! May depend on `domain`. Their vectors lie in the vector store.

use async_trait::async_trait;

use super::{ActiveVersion, StoreResult};
use crate::domain::{Chunk, DocumentId, Generation, GenerationNumber, IndexStamp, JobId, ReindexOptions};

/// How an attempt to activate a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwapOutcome {
    /// The generation is active, and the one before it is retired.
    Swapped,
    /// So many active versions have no entry in the generation yet: index them, and try again.
    Incomplete(u64),
}

/// Generations of the index.
#[async_trait]
pub trait GenerationStore: Send + Sync + 'static {
    /// The active generation; on an empty store generation 1 is created with `stamp` and made active. It is not
    /// compared with `stamp`: the caller does that.
    async fn active_generation_or_create(&self, stamp: &IndexStamp) -> StoreResult<Generation>;

    /// The active generation, if there is one.
    async fn active_generation(&self) -> StoreResult<Option<Generation>>;

    /// All generations, ascending.
    async fn generations(&self) -> StoreResult<Vec<Generation>>;

    /// Enqueues a reindex; when one with the same options is already queued or running, that one is returned, and with
    /// other options it is a `Conflict`. So is a rollback without a retired generation to go back to.
    async fn enqueue_reindex(&self, options: ReindexOptions) -> StoreResult<JobId>;

    /// The generation that `job` builds: a new one in state `building` with `stamp` on the first call, the same one
    /// on later calls. A building generation with another stamp, or of another job, is retired and replaced, unless it has
    /// this stamp and the job accepts what was built ([`ReindexOptions::accept_worse`]): then the job goes on with it.
    async fn begin_generation(&self, job: JobId, token: &str, stamp: &IndexStamp) -> StoreResult<Generation>;

    /// The generation that a rollback brings up to date: on the first call the retired one that was active last, which
    /// is then `building`; the same one on later calls. `Conflict` when there is none. What else is being built is
    /// retired.
    async fn revive_generation(&self, job: JobId, token: &str) -> StoreResult<Generation>;

    /// Up to `limit` active versions that `generation` has no entry for yet.
    async fn missing_versions(&self, generation: GenerationNumber, limit: u32) -> StoreResult<Vec<ActiveVersion>>;

    /// How many active versions `generation` has no entry for yet.
    async fn count_missing_versions(&self, generation: GenerationNumber) -> StoreResult<u64>;

    /// Records the chunks of one version in a building generation, whose vectors have been written, in place of what
    /// was recorded before. Records nothing when the version is no longer active, but enqueues a `purge` of it: its own
    /// may have run before these vectors were written. A version without any chunk is recorded too. `Conflict` when the
    /// generation is not being built.
    async fn record_chunks(
        &self,
        generation: GenerationNumber,
        document: DocumentId,
        version: u32,
        chunks: Vec<Chunk>,
    ) -> StoreResult<()>;

    /// Activates `generation`, retires the active one, and ends the job, in one transaction, if no active version is
    /// missing from it.
    async fn swap_generation(&self, job: JobId, token: &str, generation: GenerationNumber) -> StoreResult<SwapOutcome>;

    /// Forgets a retired generation and its chunks; its vectors have been dropped.
    async fn forget_generation(&self, generation: GenerationNumber) -> StoreResult<()>;
}
