//! Following the registry: what was promoted is loaded beside what serves, and then takes its place.
//!
//! What cannot be loaded changes nothing: what served goes on, the log, `/readyz` and the metrics say so, and it is
//! tried again when the history has another entry. Only a store that does not answer is asked again at the next look.
//! May depend on the siblings, the stores, `models` and tokio.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{FetchError, LoadAdapter, LoadError, LoadedModel, NamedAdapter, ServingState, SwapFailure, fetch, load};
use crate::{
    answer::AnswerServices,
    blob_store::BlobStore,
    domain::{AdapterId, AdapterRole},
    metadata_store::{MetadataStore, StoreResult},
    models::slot::Slot,
};

/// How often the history is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The entry of a role's history that a process follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The number of the entry; 0 as long as nothing was promoted.
    pub number: u32,
    /// The registered adapter; `None` for what the process has by itself.
    pub id: Option<AdapterId>,
    /// The adapter itself.
    pub adapter: Option<NamedAdapter>,
}

impl Followed {
    /// The last entry of a role, with its adapter: what a starting process loads.
    pub async fn read(metadata: &dyn MetadataStore, blobs: &BlobStore, role: AdapterRole) -> Result<Self, FetchError> {
        let (number, id) = last(metadata, role).await?;
        let adapter = match id {
            Some(id) => Some(fetch(metadata, blobs, id).await?),
            None => None,
        };
        Ok(Self { number, id, adapter })
    }
}

/// The number and the adapter of the last entry of a role.
async fn last(metadata: &dyn MetadataStore, role: AdapterRole) -> StoreResult<(u32, Option<AdapterId>)> {
    Ok(metadata.serving_adapter(role).await?.map_or((0, None), |entry| (entry.number, entry.adapter)))
}

/// Keeps a process answering with what is promoted.
pub struct AdapterSwap {
    metadata: Arc<dyn MetadataStore>,
    blobs: BlobStore,
    loader: Arc<dyn LoadAdapter>,
    slot: Arc<Slot<AnswerServices>>,
    state: Arc<ServingState>,
    /// Somebody in this process has promoted or rolled back.
    wake: Arc<Notify>,
    /// The entry of each role that was acted on, whatever came of it.
    seen: BTreeMap<AdapterRole, u32>,
}

/// Why an entry cannot be followed.
enum Unfollowed {
    Fetch(FetchError),
    Load(LoadError),
}

impl AdapterSwap {
    /// For services in `slot` that were loaded as `state` says. Roles that are not in it are left alone.
    pub fn new(
        metadata: Arc<dyn MetadataStore>,
        blobs: BlobStore,
        loader: Arc<dyn LoadAdapter>,
        slot: Arc<Slot<AnswerServices>>,
        state: Arc<ServingState>,
        wake: Arc<Notify>,
    ) -> Self {
        let seen = state.loaded().iter().map(|loaded| (loaded.role, loaded.number)).collect();
        Self { metadata, blobs, loader, slot, state, wake, seen }
    }

    /// Looks every two seconds, and when it is woken, until `stop` is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
                () = self.wake.notified() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.look() => {}
            }
        }
    }

    /// Looks once, and swaps what has changed.
    pub async fn look(&mut self) {
        let roles: Vec<AdapterRole> = self.seen.keys().copied().collect();
        for role in roles {
            let (number, id) = match last(&*self.metadata, role).await {
                Ok(last) => last,
                Err(error) => {
                    tracing::debug!(%role, %error, "the adapter that serves cannot be looked up");
                    continue;
                }
            };
            if self.seen.get(&role) == Some(&number) {
                continue;
            }
            match self.follow(role, number, id).await {
                Ok(()) => drop(self.seen.insert(role, number)),
                Err(unfollowed) => {
                    let (reason, again) = match unfollowed {
                        Unfollowed::Fetch(error) => (error.to_string(), error.is_transient()),
                        Unfollowed::Load(error) => (error.to_string(), error.is_transient()),
                    };
                    if self.state.failed(role, SwapFailure { number, adapter: id, reason: reason.clone() }) {
                        tracing::error!(%role, number, ?id, reason, again, "the adapter that was promoted cannot be loaded: the one before goes on serving");
                    }
                    if !again {
                        self.seen.insert(role, number);
                    }
                }
            }
        }
    }

    async fn follow(&self, role: AdapterRole, number: u32, id: Option<AdapterId>) -> Result<(), Unfollowed> {
        if self.state.answers_with(role, id) {
            // Back to it before it was replaced.
            self.state.follows(role, number, id);
            return Ok(());
        }
        let adapter = match id {
            Some(id) => Some(fetch(&*self.metadata, &self.blobs, id).await.map_err(Unfollowed::Fetch)?),
            None => None,
        };
        let loaded: LoadedModel = load(self.loader.clone(), role, adapter).await.map_err(Unfollowed::Load)?;
        // Nobody else replaces: what is read here is what is replaced.
        let services = loaded.put_into(&self.slot.current());
        drop(self.slot.replace(services));
        self.state.follows(role, number, id);
        tracing::info!(%role, number, ?id, "another adapter answers from now on");
        Ok(())
    }
}
