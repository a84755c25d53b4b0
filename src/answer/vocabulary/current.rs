//! The vocabulary of the active generation, built in the background and renewed when the index has changed.
//!
//! A question never waits for it: as long as there is none, nothing is corrected, and while a newer one is built, the
//! older one serves. May depend on `metadata_store`.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Bounds, Builder, Vocabulary};
use crate::{
    domain::{Access, GenerationNumber},
    metadata_store::{ChunkPosition, MetadataStore, MetadataStoreError, StoreCounts},
};

/// The chunks that are read at once.
const PAGE: u32 = 500;
/// How long a look at the index is good for.
const FRESH: Duration = Duration::from_secs(10);
/// For how many circles of readers a vocabulary is held. One more of them, and the one that was asked for longest ago is
/// built again when it is next asked for.
const CIRCLES: usize = 8;
/// The longest that one look or one page may take.
const CALL: Duration = Duration::from_secs(30);

/// Why there is no newer vocabulary.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// The index cannot be read.
    #[error(transparent)]
    Store(#[from] MetadataStoreError),
    /// The database did not answer in time.
    #[error("the database did not answer within {} s", CALL.as_secs())]
    TimedOut,
    /// The thread that counts ended.
    #[error("the words could not be counted: {0}")]
    Failed(String),
}

impl VocabularyError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::TimedOut => true,
            Self::Failed(_) => false,
        }
    }
}

/// What tells one state of the index from another, without reading it: a document that comes, goes or is replaced changes
/// a count. One that is replaced by as many passages with as many tokens does not, and nearly the same words serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    generation: GenerationNumber,
    counts: (u64, u64, u64),
}

impl State {
    fn new(generation: GenerationNumber, counts: StoreCounts) -> Self {
        Self { generation, counts: (counts.active_documents, counts.chunks, counts.tokens) }
    }
}

/// Gives the vocabulary of the index as it is, or as it was a moment ago.
#[derive(Clone)]
pub struct Vocabularies(Arc<Shared>);

struct Shared {
    metadata: Arc<dyn MetadataStore>,
    /// The words of the language, the most frequent first.
    base: Vec<String>,
    bounds: Bounds,
    /// For each circle of readers its own, the one that was asked for last at the end: a word that a caller may not read
    /// is not one that a question of the caller is corrected to.
    now: Mutex<Vec<(Access, Now)>>,
    /// Whether somebody looks or builds: one at a time.
    busy: AtomicBool,
}

#[derive(Default, Clone)]
struct Now {
    vocabulary: Option<Arc<Vocabulary>>,
    state: Option<State>,
    looked: Option<Instant>,
}

impl Vocabularies {
    /// None yet. `base` are words of the language, the most frequent first (`ReaderTokenizer::whole_words`); it may be empty.
    pub fn new(metadata: Arc<dyn MetadataStore>, base: Vec<String>, bounds: Bounds) -> Self {
        Self(Arc::new(Shared { metadata, base, bounds, now: Mutex::default(), busy: AtomicBool::new(false) }))
    }

    /// The vocabulary of what `access` reads, as far as there is one, at once. Where it may be old, a newer one is looked
    /// for in the background; must be called within a Tokio runtime.
    pub fn current(&self, access: &Access) -> Option<Arc<Vocabulary>> {
        let Now { vocabulary, looked, .. } = self.0.asked_for(access);
        let is_old = looked.is_none_or(|looked| looked.elapsed() >= FRESH);
        if is_old && !self.0.busy.load(Ordering::Relaxed) {
            let (all, access) = (self.clone(), access.clone());
            tokio::spawn(async move {
                if let Err(error) = all.refresh(&access).await {
                    tracing::warn!(%error, "the vocabulary of the index could not be built; spelling goes on with what there is");
                }
            });
        }
        vocabulary
    }

    /// Looks whether the index has changed, and builds its vocabulary anew if so. Returns at once when somebody is at it
    /// already. For a program that answers one question and ends, or one that wants the vocabulary before the first.
    pub async fn refresh(&self, access: &Access) -> Result<(), VocabularyError> {
        let shared = &self.0;
        if shared.busy.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // Also when the future is dropped.
        let _free = Free(&shared.busy);
        let known = shared.asked_for(access).state;
        let result = shared.newer(access, known).await;
        // A failure is not tried again at once: every question would.
        let looked = Some(Instant::now());
        match result {
            Ok(Some((vocabulary, state))) => {
                shared.put(access, Now { vocabulary: Some(Arc::new(vocabulary)), state: Some(state), looked });
                Ok(())
            }
            other => {
                shared.put(access, Now { looked, ..shared.asked_for(access) });
                other.map(drop)
            }
        }
    }
}

impl Shared {
    /// What is held for these readers.
    fn asked_for(&self, access: &Access) -> Now {
        // The lock is held for copies: nothing can panic under it.
        let mut all = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = all.iter().position(|(of, _)| of == access) else { return Now::default() };
        let found = all.remove(place);
        let now = found.1.clone();
        all.push(found);
        now
    }

    /// Holds `now` for these readers, in place of what was held, and of what was asked for longest ago.
    fn put(&self, access: &Access, now: Now) {
        let mut all = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(of, _)| of != access);
        all.push((access.clone(), now));
        if all.len() > CIRCLES {
            all.remove(0);
        }
    }

    /// The vocabulary of what `access` reads where it is no longer `known`.
    async fn newer(
        &self,
        access: &Access,
        known: Option<State>,
    ) -> Result<Option<(Vocabulary, State)>, VocabularyError> {
        let Some(generation) = within(self.metadata.active_generation()).await? else { return Ok(None) };
        let state = State::new(generation.number, within(self.metadata.counts()).await?);
        if known == Some(state) {
            return Ok(None);
        }
        // Of those who read everything there is one circle, of others there may be several.
        let bounds = if access.is_everything() { self.bounds } else { self.bounds.smaller() };
        let mut builder = Builder::new(bounds);
        let mut after = None;
        loop {
            let page = within(self.metadata.readable_chunks_after(state.generation, after, PAGE, access)).await?;
            let is_last = page.len() < PAGE as usize;
            after = page.last().map(|found| ChunkPosition::from(&found.chunk)).or(after);
            // Counting is work for a core, and the runtime has others to serve.
            builder = blocking(move || {
                for found in &page {
                    let named = found.title.as_deref().into_iter().chain([found.name.as_str()]);
                    let texts = [found.chunk.text.as_str(), found.chunk.context.as_str()];
                    builder.add(texts.into_iter().chain(named));
                }
                builder
            })
            .await?;
            if is_last {
                break;
            }
        }
        let base = self.base.clone();
        let vocabulary = blocking(move || builder.finish(base.iter().map(String::as_str))).await?;
        tracing::debug!(words = vocabulary.len(), bytes = vocabulary.bytes(), "the vocabulary of the index is built");
        Ok(Some((vocabulary, state)))
    }
}

/// Lets the next one look, however this one ended.
struct Free<'a>(&'a AtomicBool);

impl Drop for Free<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

async fn within<T>(call: impl Future<Output = Result<T, MetadataStoreError>>) -> Result<T, VocabularyError> {
    tokio::time::timeout(CALL, call).await.map_err(|_| VocabularyError::TimedOut)?.map_err(VocabularyError::from)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, VocabularyError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| VocabularyError::Failed(error.to_string()))
}

#[cfg(test)]
mod tests;
