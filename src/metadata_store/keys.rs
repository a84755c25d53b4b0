//! API keys: what is stored of them, and how a request's key is found.
//!
//! May depend on `domain`. The store never sees a key, only its SHA-256.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{ListPage, StoreResult};
use crate::domain::{ApiKey, KeyId, Scope};

/// A key that was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct NewKey {
    /// What a person calls it.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// What it allows: at least one scope.
    pub scopes: BTreeSet<Scope>,
    /// The collections that it allows; `None` for all.
    pub collections: Option<BTreeSet<String>>,
    /// The access labels that it lets read; `None` for all.
    pub labels: Option<BTreeSet<String>>,
    /// When it ceases to be taken.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which keys to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyQuery {
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// API keys.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Records a key.
    async fn add_key(&self, key: NewKey) -> StoreResult<ApiKey>;

    /// A key, whatever its state; `NotFound` otherwise.
    async fn key(&self, id: KeyId) -> StoreResult<ApiKey>;

    /// Keys, whatever their state, newest first.
    async fn keys(&self, query: KeyQuery) -> StoreResult<ListPage<ApiKey>>;

    /// The key with this SHA-256, or with this one before its last rotation while that is taken too. It may have expired
    /// or been revoked: the caller looks.
    async fn key_by_sha256(&self, sha256: &str, now: DateTime<Utc>) -> StoreResult<Option<ApiKey>>;

    /// Gives a key another secret; the one before is taken until `previous_until`. `Conflict` when it was revoked.
    async fn rotate_key(
        &self,
        id: KeyId,
        prefix: &str,
        sha256: &str,
        previous_until: DateTime<Utc>,
    ) -> StoreResult<ApiKey>;

    /// Revokes a key, for good; nothing changes when it was revoked before.
    async fn revoke_key(&self, id: KeyId) -> StoreResult<ApiKey>;

    /// Records that a key was used at `at`; nothing when it is not there any more.
    async fn key_used(&self, id: KeyId, at: DateTime<Utc>) -> StoreResult<()>;

    /// Whether a key was ever made: from then on a request needs one.
    async fn has_keys(&self) -> StoreResult<bool>;
}
