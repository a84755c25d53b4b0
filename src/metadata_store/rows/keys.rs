//! API keys.

use std::collections::BTreeSet;

use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::StoredTime;
use crate::{
    domain::{ApiKey, KeyId, Scope},
    metadata_store::{MetadataStoreError, StoreResult},
};

/// The columns of [`KeyRow`], of `api_keys`.
macro_rules! key_columns {
    () => {
        "id, name, prefix, scopes, collections, labels, created_at, expires_at, rotated_at, previous_until, \
         revoked_at, last_used_at"
    };
}
pub(in crate::metadata_store) use key_columns;

/// A key.
#[derive(FromRow)]
pub(in crate::metadata_store) struct KeyRow<At> {
    id: Uuid,
    name: String,
    prefix: String,
    scopes: Json<BTreeSet<Scope>>,
    collections: Option<Json<BTreeSet<String>>>,
    labels: Option<Json<BTreeSet<String>>>,
    created_at: At,
    expires_at: Option<At>,
    rotated_at: Option<At>,
    previous_until: Option<At>,
    revoked_at: Option<At>,
    last_used_at: Option<At>,
}

impl<At: StoredTime> KeyRow<At> {
    /// The key.
    pub(in crate::metadata_store) fn key(self) -> StoreResult<ApiKey> {
        let time = |at: Option<At>| at.map(StoredTime::utc).transpose();
        Ok(ApiKey {
            id: KeyId(self.id),
            name: self.name,
            prefix: self.prefix,
            scopes: self.scopes.0,
            collections: self.collections.map(|collections| collections.0),
            labels: self.labels.map(|labels| labels.0),
            created_at: self.created_at.utc()?,
            expires_at: time(self.expires_at)?,
            rotated_at: time(self.rotated_at)?,
            previous_until: time(self.previous_until)?,
            revoked_at: time(self.revoked_at)?,
            last_used_at: time(self.last_used_at)?,
        })
    }
}

/// Why a revoked key gets no other secret.
pub(in crate::metadata_store) fn revoked(id: KeyId) -> MetadataStoreError {
    MetadataStoreError::Conflict(format!("key {id} was revoked: create another one"))
}
