//! API keys: what is known of a key, which is not the key itself.
//!
//! May depend on the other modules of `domain` only.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Access, Allowed, KeyId, Scope};

/// An API key as it is listed. The key itself is shown once, when it is made, and kept nowhere: what is stored is its
/// SHA-256, which is enough for 256 drawn bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// The key's identifier. It stays the same when the key is rotated.
    pub id: KeyId,
    /// What a person calls it.
    pub name: String,
    /// How the key begins, to recognise it by.
    pub prefix: String,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
    /// The collections that it allows; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collections: Option<BTreeSet<String>>,
    /// The access labels of the documents that it lets read, beside those without any; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeSet<String>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ceases to be taken; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last given another secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<DateTime<Utc>>,
    /// Until when the secret before that one is taken too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_until: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to about a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// What it lets read.
    pub fn access(&self) -> Access {
        Access {
            collections: Allowed::from_list(self.collections.clone()),
            labels: Allowed::from_list(self.labels.clone()),
        }
    }

    /// Whether it is taken at this moment.
    pub fn is_usable(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
