//! The adapter registry: data version -> run -> evaluation -> adapter, and which adapter serves.
//!
//! `source` reads the folder of an adapter, `files` moves adapters and runs to and from the blob store, `weigh` decides
//! whether a candidate is better, and `refusal` says why not. What serves is the last entry of the history in the
//! metadata store; `serving` is how a running process follows it.
//!
//! May depend on the stores, `serving`, `models::adapter` and `eval` (runs, suites, comparisons).

mod files;
pub mod overview;
pub mod refusal;
pub mod source;
pub mod weigh;

use std::{path::PathBuf, sync::Arc};

use crate::{
    blob_store::{BlobStore, BlobStoreError},
    domain::{Adapter, AdapterEvaluation, AdapterId, AdapterPair, AdapterRole, Forced, Promotion},
    eval::{card::SuiteIdentity, run::RunError, suite::SuiteError},
    metadata_store::{MetadataStore, MetadataStoreError, NewAdapter, NewPromotion, RegisteredAdapter},
    models::adapter::AdapterError,
    serving::{ChosenAdapters, FetchError, LoadAdapter, LoadError, NamedAdapter, OwnAdapters, fetch, load},
};
use refusal::{Refusal, Side, in_words};
use source::AdapterSource;
use weigh::{RecordedRun, Weighed, weigh};

/// What the command line calls the adapters that serve now.
pub const SERVING: &str = "serving";

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The metadata store failed, or does not allow it.
    #[error(transparent)]
    Metadata(#[from] MetadataStoreError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobStoreError),
    /// The files of an adapter cannot be read.
    #[error(transparent)]
    Files(#[from] AdapterError),
    /// The card of a training run does not say what the registry keeps.
    #[error("{path} cannot be used: {reason}")]
    Card {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A registered adapter cannot be read.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The adapter does not fit its model.
    #[error("the {role} does not work with this adapter, so it is not registered: {reason}")]
    DoesNotLoad {
        /// The model.
        role: AdapterRole,
        /// What it said.
        reason: LoadError,
    },
    /// A run cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A suite cannot be read.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// The run was made with another adapter than it is to be recorded for.
    #[error(
        "the run `{run}` was made with the {role} adapter {found} and not with {expected}: it says nothing about this one"
    )]
    OtherAdapter {
        /// The run.
        run: String,
        /// The role.
        role: AdapterRole,
        /// The sum in its card.
        found: String,
        /// The sum of the adapter.
        expected: String,
    },
    /// The run is of another suite than it is to be recorded for.
    #[error("the run `{run}` is of the suite `{found}` with other settings than `{expected}` has: {hint}")]
    OtherSuite {
        /// The run.
        run: String,
        /// Its suite.
        found: String,
        /// The suite that was asked for.
        expected: String,
        /// What to do.
        hint: &'static str,
    },
    /// The configuration names an adapter, so the registry does not decide.
    #[error(
        "the {role}'s adapter is fixed by the configuration ({key}), so nothing can be promoted or rolled back: remove \
         that setting first"
    )]
    Fixed {
        /// The role.
        role: AdapterRole,
        /// The configuration's key.
        key: &'static str,
    },
    /// The candidate is not better.
    #[error("the adapter is not promoted: {}", in_words(.0))]
    Refused(Vec<Refusal>),
    /// The work was given up.
    #[error("the work was given up: {0}")]
    GivenUp(String),
}

impl RegistryError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Metadata(error) => error.is_transient(),
            Self::Blobs(error) => error.is_transient(),
            Self::Files(error) => error.is_transient(),
            Self::Fetch(error) => error.is_transient(),
            Self::Run(error) => error.is_transient(),
            Self::Suite(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// The adapter registry.
#[derive(Clone)]
pub struct Registry {
    metadata: Arc<dyn MetadataStore>,
    blobs: BlobStore,
    own: OwnAdapters,
}

impl Registry {
    /// The registry in these stores.
    pub fn new(metadata: Arc<dyn MetadataStore>, blobs: BlobStore, own: OwnAdapters) -> Self {
        Self { metadata, blobs, own }
    }

    /// Registers an adapter, after `loader` has put it on its model: what does not load cannot be promoted later. Bytes
    /// first, then the row; what a killed process left is completed by the next attempt.
    pub async fn add(
        &self,
        source: AdapterSource,
        name: Option<String>,
        loader: Arc<dyn LoadAdapter>,
    ) -> Result<RegisteredAdapter, RegistryError> {
        let role = source.role;
        let name = name.unwrap_or_else(|| source.name.clone());
        let named = NamedAdapter { name: name.clone(), files: source.files.clone() };
        load(loader, role, Some(named)).await.map_err(|reason| RegistryError::DoesNotLoad { role, reason })?;
        let sha256 = self.keep_adapter(&source.files).await?;
        let new = NewAdapter {
            role,
            name,
            sha256,
            size_bytes: source.size_bytes(),
            base_sha256: source.base_sha256,
            data_versions: source.data_versions,
            run: source.card,
        };
        Ok(self.metadata.register_adapter(new).await?)
    }

    /// What serves now.
    pub async fn serving_pair(&self) -> Result<AdapterPair, RegistryError> {
        let mut pair = self.own.sums.clone();
        for role in AdapterRole::ALL {
            if let Some(id) = self.serving(role).await? {
                pair = pair.with(role, Some(self.metadata.adapter(id).await?.sha256));
            }
        }
        Ok(pair)
    }

    /// The registered adapter of a role that serves now; `None` for what the process has by itself.
    async fn serving(&self, role: AdapterRole) -> Result<Option<AdapterId>, RegistryError> {
        if self.own.fixed.iter().any(|(fixed, _)| *fixed == role) {
            return Ok(None);
        }
        Ok(self.metadata.serving_adapter(role).await?.and_then(|entry| entry.adapter))
    }

    /// Lets an adapter serve, if it is significantly better than what serves on the pinned suite and no worse on edge
    /// and failure cases; with `force`, a reason, also if it is not.
    pub async fn promote(
        &self,
        id: AdapterId,
        pinned: Option<&SuiteIdentity>,
        force: Option<String>,
    ) -> Result<Promotion, RegistryError> {
        let candidate = self.metadata.adapter(id).await?;
        self.check_follows(candidate.role)?;
        // Before the comparison: what is decided stands on this entry.
        let after = self.metadata.serving_adapter(candidate.role).await?.map_or(0, |entry| entry.number);
        let Weighed { grounds, refusals } = match pinned {
            Some(suite) => self.weigh_on(&candidate, suite).await?,
            None => Weighed { grounds: None, refusals: vec![Refusal::NoPinnedSuite] },
        };
        let forced = match (refusals.is_empty(), force) {
            (true, _) => None,
            (false, Some(reason)) => Some(Forced { reason, refusal: in_words(&refusals) }),
            (false, None) => return Err(RegistryError::Refused(refusals)),
        };
        Ok(self.metadata.promote_adapter(NewPromotion { adapter: id, after, forced, grounds }).await?)
    }

    /// Goes back to what served before the present adapter was promoted.
    pub async fn roll_back(&self, role: AdapterRole) -> Result<Promotion, RegistryError> {
        self.check_follows(role)?;
        Ok(self.metadata.roll_back_adapter(role).await?)
    }

    /// The adapters that an evaluation answers with: what serves, with `candidate` in the place of its role.
    pub async fn chosen(&self, candidate: Option<AdapterId>) -> Result<ChosenAdapters, RegistryError> {
        let mut chosen = ChosenAdapters::default();
        for role in AdapterRole::ALL {
            if let Some(id) = self.serving(role).await? {
                chosen = chosen.with(role, Some(fetch(&*self.metadata, &self.blobs, id).await?));
            }
        }
        if let Some(id) = candidate {
            let role = self.metadata.adapter(id).await?.role;
            chosen = chosen.with(role, Some(fetch(&*self.metadata, &self.blobs, id).await?));
        }
        Ok(chosen)
    }

    /// What the card of a run must name to be an evaluation of `candidate`, or of what serves: a candidate may be
    /// recorded beside an adapter of the other role that does not serve yet.
    pub async fn expected_of(
        &self,
        candidate: Option<AdapterId>,
    ) -> Result<Vec<(AdapterRole, Option<String>)>, RegistryError> {
        Ok(match candidate {
            Some(id) => {
                let adapter = self.metadata.adapter(id).await?;
                vec![(adapter.role, Some(adapter.sha256))]
            }
            None => {
                let pair = self.serving_pair().await?;
                AdapterRole::ALL.into_iter().map(|role| (role, pair.of(role).map(str::to_owned))).collect()
            }
        })
    }

    fn check_follows(&self, role: AdapterRole) -> Result<(), RegistryError> {
        match self.own.fixed.iter().find(|(fixed, _)| *fixed == role) {
            Some((role, key)) => Err(RegistryError::Fixed { role: *role, key }),
            None => Ok(()),
        }
    }

    async fn weigh_on(&self, candidate: &Adapter, suite: &SuiteIdentity) -> Result<Weighed, RegistryError> {
        let role = candidate.role;
        let now = self.serving_pair().await?;
        let then = now.clone().with(role, Some(candidate.sha256.clone()));
        let mut refusals = Vec::new();
        let mut found: Vec<AdapterEvaluation> = Vec::new();
        let sides = [(Side::Serving, now, SERVING.to_owned()), (Side::Candidate, then, candidate.id.to_string())];
        for (side, pair, name) in sides {
            match self.metadata.latest_evaluation(&suite.sha256, &pair).await? {
                Some(evaluation) => found.push(evaluation),
                None => refusals.push(Refusal::NotEvaluated { side, role, suite: suite.name.clone(), name }),
            }
        }
        let [serving, candidate] = found.as_slice() else { return Ok(Weighed { grounds: None, refusals }) };
        let (serving, candidate): (RecordedRun, RecordedRun) =
            tokio::try_join!(self.recorded_run(serving), self.recorded_run(candidate))?;
        // Thousands of rounds of resampling.
        let weighed = tokio::task::spawn_blocking(move || weigh(role, &serving, &candidate)).await;
        weighed.map_err(|error| RegistryError::GivenUp(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
