//! What there is, how good it is, and what serves: for lists and for one adapter.
//!
//! May depend on `domain` and the metadata store.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Registry, RegistryError};
use crate::{
    domain::{Adapter, AdapterEvaluation, AdapterId, AdapterPair, AdapterRole, Promotion},
    eval::card::SuiteIdentity,
    metadata_store::{AdapterQuery, ListPage},
};

/// The most evaluations and promotions that are shown of one adapter.
const SHOWN: u32 = 100;

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ListedAdapter {
    /// The adapter's identifier.
    pub id: AdapterId,
    /// The model that it belongs to.
    pub role: AdapterRole,
    /// What a person calls it.
    pub name: String,
    /// SHA-256 over all its files.
    pub sha256: String,
    /// The data sets that it was trained on.
    pub data_versions: Vec<String>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// Whether it serves.
    pub serving: bool,
    /// Its newest evaluation: on the pinned suite together with the adapter of the other role that serves, or on any
    /// suite when none is pinned.
    pub evaluation: Option<AdapterEvaluation>,
}

/// What serves for a role.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ServingRole {
    /// The role.
    pub role: AdapterRole,
    /// The adapter; absent for the one that ships with the program, or that the configuration names.
    pub adapter: Option<AdapterId>,
    /// The sum of its files; absent where the model runs as it comes.
    pub sha256: Option<String>,
    /// The configuration's key, when that fixes the adapter.
    pub fixed_by: Option<String>,
    /// The last entry of the history; absent when nothing was promoted yet.
    pub promotion: Option<Promotion>,
    /// The newest evaluation of what serves, as for an adapter.
    pub evaluation: Option<AdapterEvaluation>,
}

/// Everything about one adapter.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AdapterDetails {
    /// The adapter, with the card of the run that made it.
    #[serde(flatten)]
    pub adapter: Adapter,
    /// Whether it serves.
    pub serving: bool,
    /// Its evaluations, newest first.
    pub evaluations: Vec<AdapterEvaluation>,
    /// The entries of its role's history that it occurs in, newest first.
    pub history: Vec<Promotion>,
}

impl Registry {
    /// What serves, role by role.
    pub async fn serving_roles(&self, pinned: Option<&SuiteIdentity>) -> Result<Vec<ServingRole>, RegistryError> {
        let pair = self.serving_pair().await?;
        let mut roles = Vec::new();
        for role in AdapterRole::ALL {
            let fixed = self.own.fixed.iter().find(|(fixed, _)| *fixed == role);
            roles.push(ServingRole {
                role,
                adapter: self.serving(role).await?,
                sha256: pair.of(role).map(str::to_owned),
                fixed_by: fixed.map(|(_, key)| (*key).to_owned()),
                promotion: self.metadata.serving_adapter(role).await?,
                evaluation: self.evaluation(role, pair.of(role), &pair, pinned).await?,
            });
        }
        Ok(roles)
    }

    /// A page of the adapters, newest first.
    pub async fn list(
        &self,
        query: AdapterQuery,
        pinned: Option<&SuiteIdentity>,
    ) -> Result<ListPage<ListedAdapter>, RegistryError> {
        let pair = self.serving_pair().await?;
        let page = self.metadata.adapters(query).await?;
        let mut items = Vec::new();
        for adapter in page.items {
            items.push(ListedAdapter {
                serving: self.serving(adapter.role).await? == Some(adapter.id),
                evaluation: self.evaluation(adapter.role, Some(&adapter.sha256), &pair, pinned).await?,
                id: adapter.id,
                role: adapter.role,
                name: adapter.name,
                sha256: adapter.sha256,
                data_versions: adapter.data_versions,
                created_at: adapter.created_at,
            });
        }
        Ok(ListPage { items, next_cursor: page.next_cursor })
    }

    /// Everything about one adapter.
    pub async fn show(&self, id: AdapterId) -> Result<AdapterDetails, RegistryError> {
        let adapter = self.metadata.adapter(id).await?;
        let evaluations = self.metadata.evaluations_of(adapter.role, Some(&adapter.sha256), SHOWN).await?;
        let mut history = self.metadata.promotions(adapter.role, SHOWN).await?;
        history.retain(|entry| entry.adapter == Some(id) || entry.replaced == Some(id));
        Ok(AdapterDetails { serving: self.serving(adapter.role).await? == Some(id), adapter, evaluations, history })
    }

    async fn evaluation(
        &self,
        role: AdapterRole,
        sha256: Option<&str>,
        serving: &AdapterPair,
        pinned: Option<&SuiteIdentity>,
    ) -> Result<Option<AdapterEvaluation>, RegistryError> {
        Ok(match pinned {
            Some(suite) => {
                let pair = serving.clone().with(role, sha256.map(str::to_owned));
                self.metadata.latest_evaluation(&suite.sha256, &pair).await?
            }
            None => self.metadata.evaluations_of(role, sha256, 1).await?.pop(),
        })
    }
}
