//! What a process tells about the adapters it answers with.
//!
//! May depend on `domain`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{AdapterId, AdapterRole};

/// A promoted adapter that does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SwapFailure {
    /// The entry of the history that could not be followed.
    pub number: u32,
    /// The adapter; absent for the one that the process has by itself.
    pub adapter: Option<AdapterId>,
    /// Why.
    pub reason: String,
}

/// What a process answers with for a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LoadedAdapter {
    /// The role.
    pub role: AdapterRole,
    /// The entry of the history that it follows; 0 as long as nothing was promoted.
    pub number: u32,
    /// The registered adapter; absent for the one that the process has by itself.
    pub adapter: Option<AdapterId>,
    /// A later entry that could not be followed: what served before goes on serving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<SwapFailure>,
}

/// What a process answers with.
#[derive(Debug, Default)]
pub struct ServingState(Mutex<BTreeMap<AdapterRole, LoadedAdapter>>);

impl ServingState {
    /// Role by role.
    pub fn loaded(&self) -> Vec<LoadedAdapter> {
        self.lock().values().cloned().collect()
    }

    /// What could not be followed, in words; `None` when everything could.
    pub fn failures(&self) -> Option<String> {
        let loaded = self.loaded();
        let failed = loaded.iter().filter_map(|one| {
            let failure = one.failure.as_ref()?;
            let adapter = failure.adapter.map_or("that ships".to_owned(), |id| id.to_string());
            Some(format!(
                "the {} adapter {adapter} was promoted and cannot be loaded, the one before goes on serving: {}",
                one.role, failure.reason
            ))
        });
        let failed: Vec<String> = failed.collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }

    /// An entry is followed now.
    pub fn follows(&self, role: AdapterRole, number: u32, adapter: Option<AdapterId>) {
        self.lock().insert(role, LoadedAdapter { role, number, adapter, failure: None });
    }

    /// An entry could not be followed. Returns whether that is news.
    pub(super) fn failed(&self, role: AdapterRole, failure: SwapFailure) -> bool {
        let mut loaded = self.lock();
        let entry = loaded.entry(role).or_insert(LoadedAdapter { role, number: 0, adapter: None, failure: None });
        entry.failure.replace(failure.clone()) != Some(failure)
    }

    /// Whether this adapter answers now.
    pub(super) fn answers_with(&self, role: AdapterRole, adapter: Option<AdapterId>) -> bool {
        self.lock().get(&role).is_some_and(|loaded| loaded.adapter == adapter)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AdapterRole, LoadedAdapter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_followed_is_news_once_and_told_until_something_is_followed() {
        let (state, role, id) = (ServingState::default(), AdapterRole::Reader, AdapterId::new());
        state.follows(role, 1, Some(id));
        assert_eq!(state.failures(), None);
        let failure = SwapFailure { number: 2, adapter: None, reason: "it is damaged".to_owned() };
        assert!(state.failed(role, failure.clone()));
        assert!(!state.failed(role, failure.clone()));
        assert!(state.failed(role, SwapFailure { number: 3, ..failure }));
        let told = state.failures().unwrap_or_default();
        assert!(told.contains("the reader adapter that ships") && told.contains("it is damaged"), "{told}");
        // What served before is what answers.
        assert!(state.answers_with(role, Some(id)) && !state.answers_with(role, None));
        assert_eq!(state.loaded()[0].number, 1);
        state.follows(role, 4, Some(id));
        assert_eq!(state.failures(), None);
    }
}
