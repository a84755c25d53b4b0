//! The adapter registry: which adapters there are, how they were measured, and which of them serve.
//!
//! May depend on `domain`. The files lie in the blob store and are written before the rows here: a row without its
//! files cannot come about, and files without a row are nobody's.

use async_trait::async_trait;

use super::{ListPage, StoreResult};
use crate::domain::{
    Adapter, AdapterEvaluation, AdapterId, AdapterPair, AdapterRole, EvaluationFigures, Forced, Grounds, Promotion,
};

/// An adapter whose files already lie in the blob store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAdapter {
    /// The model that it belongs to.
    pub role: AdapterRole,
    /// What a person calls it.
    pub name: String,
    /// SHA-256 over all its files, in hexadecimal.
    pub sha256: String,
    /// SHA-256 of the weights that it was trained on.
    pub base_sha256: String,
    /// The data sets that it was trained on.
    pub data_versions: Vec<String>,
    /// The card of the training run: an object.
    pub run: serde_json::Value,
    /// The size of its files.
    pub size_bytes: u64,
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredAdapter {
    /// The adapter.
    pub adapter: Adapter,
    /// The same bytes were registered before, as this adapter: nothing was changed, not its name either.
    pub duplicate: bool,
}

/// Which adapters to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdapterQuery {
    /// Only of this role.
    pub role: Option<AdapterRole>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// A run whose files already lie in the blob store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvaluation {
    /// SHA-256 of the run's card.
    pub run_sha256: String,
    /// The name of the run's folder.
    pub run: String,
    /// The suite's name.
    pub suite: String,
    /// The sum of the suite's settings.
    pub suite_sha256: String,
    /// The adapters that answered.
    pub adapters: AdapterPair,
    /// What lists show of it.
    pub figures: EvaluationFigures,
}

/// An adapter that shall serve.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPromotion {
    /// The adapter.
    pub adapter: AdapterId,
    /// The number of the role's last entry when this was decided, 0 for none. When another one was added since, the
    /// decision stands on what no longer serves, and nothing is changed.
    pub after: u32,
    /// Why it is promoted although it was refused.
    pub forced: Option<Forced>,
    /// What it is promoted on.
    pub grounds: Option<Grounds>,
}

/// Adapters, their evaluations and their promotions.
#[async_trait]
pub trait AdapterStore: Send + Sync + 'static {
    /// Records an adapter. Of the same bytes that are registered at the same moment exactly one is new.
    async fn register_adapter(&self, adapter: NewAdapter) -> StoreResult<RegisteredAdapter>;

    /// An adapter; `NotFound` otherwise.
    async fn adapter(&self, id: AdapterId) -> StoreResult<Adapter>;

    /// Adapters, newest first.
    async fn adapters(&self, query: AdapterQuery) -> StoreResult<ListPage<Adapter>>;

    /// Records an evaluation; a run that is recorded already is returned as it is.
    async fn record_evaluation(&self, evaluation: NewEvaluation) -> StoreResult<AdapterEvaluation>;

    /// The newest evaluation of exactly these adapters on a suite.
    async fn latest_evaluation(
        &self,
        suite_sha256: &str,
        adapters: &AdapterPair,
    ) -> StoreResult<Option<AdapterEvaluation>>;

    /// The newest evaluations in which this adapter answered (`None`: no adapter at all), at most `limit` (1 to 1,000).
    async fn evaluations_of(
        &self,
        role: AdapterRole,
        sha256: Option<&str>,
        limit: u32,
    ) -> StoreResult<Vec<AdapterEvaluation>>;

    /// The last entry of a role; `None` while what ships with the program serves because nothing was promoted yet.
    async fn serving_adapter(&self, role: AdapterRole) -> StoreResult<Option<Promotion>>;

    /// The entries of a role, newest first, at most `limit` (1 to 1,000).
    async fn promotions(&self, role: AdapterRole, limit: u32) -> StoreResult<Vec<Promotion>>;

    /// Lets an adapter serve. `Conflict` when it serves already, or when another entry was added since the decision.
    async fn promote_adapter(&self, promotion: NewPromotion) -> StoreResult<Promotion>;

    /// Goes back to what served before the adapter that serves was promoted: a rollback after a rollback goes back one
    /// step more. `Conflict` when nothing was promoted, or everything was rolled back.
    async fn roll_back_adapter(&self, role: AdapterRole) -> StoreResult<Promotion>;
}
