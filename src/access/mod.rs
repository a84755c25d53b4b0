//! Who a request comes from: API keys are drawn and recognised here, and turned into callers with their rights.
//!
//! May depend on `config`, `domain` and the metadata store. What rights mean for a request is decided in `http`, what
//! they mean for documents in the queries of the stores.

mod admission;
mod keys;
mod rates;
mod tokens;

pub use admission::{Admission, Admitted, Refused};
pub use keys::{DrawnKey, draw, sha256};
pub use rates::Rates;
pub use tokens::{TokenError, Tokens};

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::Utc;
use subtle::ConstantTimeEq as _;

use crate::{
    config::{JwtIssuer, Secret},
    domain::{Access, ApiKey, Asker, KeyId, Scope},
    metadata_store::{MetadataStore, MetadataStoreError},
};

/// What the audit log calls who needs no key.
const LOCAL: &str = "local";
/// How often the use of a key is recorded.
const RECORD_USE: Duration = Duration::from_secs(60);

/// Who a request comes from, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What the audit log calls it.
    pub actor: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// On whose behalf it asks, and what it may read.
    pub asker: Asker,
}

impl Caller {
    /// Who needs no key: there is nothing that it may not do.
    pub fn local() -> Self {
        Self { actor: LOCAL.to_owned(), scopes: Scope::ALL.into(), asker: Asker::program() }
    }

    /// Who has the key of the configuration: nothing is kept from it either.
    pub fn configured() -> Self {
        Self { actor: "configured".to_owned(), ..Self::local() }
    }

    /// Who has this key.
    pub fn of_key(key: &ApiKey) -> Self {
        let actor = key.id.to_string();
        let asker = Asker { owner: Some(actor.clone()), access: key.access() };
        Self { actor, scopes: key.scopes.clone(), asker }
    }

    /// Whether it needed no key.
    pub fn is_local(&self) -> bool {
        self.actor == LOCAL
    }

    /// What it may read.
    pub fn access(&self) -> &Access {
        &self.asker.access
    }

    /// Whose conversations it sees; `None` for all.
    pub fn conversations_of(&self) -> Option<&str> {
        let sees_all = self.scopes.contains(&Scope::Admin) && self.access().is_everything();
        self.asker.owner.as_deref().filter(|_| !sees_all)
    }
}

/// Why a request is from nobody.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// It carries no key, and one is needed.
    #[error("send an API key as `Authorization: Bearer KEY`")]
    Missing,
    /// There is no such key.
    #[error("there is no such API key: send one as `Authorization: Bearer KEY`")]
    Unknown,
    /// The key was taken once.
    #[error("the API key `{0}…` has expired")]
    Expired(String),
    /// The key was taken once.
    #[error("the API key `{0}…` was revoked")]
    Revoked(String),
    /// It is no API key, but a token that is not taken, or that nobody can check.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nobody can say.
    #[error(transparent)]
    Store(#[from] MetadataStoreError),
}

impl AccessError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Token(error) => error.is_transient(),
            Self::Missing | Self::Unknown | Self::Expired(_) | Self::Revoked(_) => false,
        }
    }
}

/// A request, as far as its key goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// It carries a key.
    Caller(Caller),
    /// There is no key that it could carry: nobody has made one, and none is configured.
    Open,
}

/// Recognises keys.
#[derive(Clone)]
pub struct Keys(Arc<Shared>);

struct Shared {
    metadata: Arc<dyn MetadataStore>,
    /// The SHA-256 of the key of the configuration.
    configured: Option<[u8; 32]>,
    /// The identity provider whose tokens are taken.
    tokens: Option<Tokens>,
    /// When the use of a key was last recorded.
    used: Mutex<HashMap<KeyId, Instant>>,
}

impl Keys {
    /// Those in the store, the one of the configuration, and the tokens of an identity provider.
    pub fn new(metadata: Arc<dyn MetadataStore>, configured: Option<&Secret>, issuer: Option<JwtIssuer>) -> Self {
        let configured = configured.map(|key| keys::digest(key.expose()));
        Self(Arc::new(Shared { metadata, configured, tokens: issuer.map(Tokens::new), used: Mutex::default() }))
    }

    /// Whether a request needs a key.
    pub async fn are_needed(&self) -> Result<bool, MetadataStoreError> {
        Ok(self.0.configured.is_some() || self.0.tokens.is_some() || self.0.metadata.has_keys().await?)
    }

    /// Finds out who sends `key`. Keys are looked up by their digest and never compared themselves, so that the time that
    /// it takes says nothing about how much of a guess was right.
    pub async fn identify(&self, key: Option<&str>) -> Result<Identified, AccessError> {
        let Some(key) = key else {
            return if self.are_needed().await? { Err(AccessError::Missing) } else { Ok(Identified::Open) };
        };
        if let Some(tokens) = self.0.tokens.as_ref().filter(|_| Tokens::is_token(key)) {
            return Ok(Identified::Caller(tokens.caller(key).await?));
        }
        let digest = keys::digest(key);
        if self.0.configured.is_some_and(|configured| configured.ct_eq(&digest).into()) {
            return Ok(Identified::Caller(Caller::configured()));
        }
        let now = Utc::now();
        match self.0.metadata.key_by_sha256(&hex::encode(digest), now).await? {
            Some(key) if key.is_usable(now) => {
                self.record_use(&key);
                Ok(Identified::Caller(Caller::of_key(&key)))
            }
            Some(key) if key.revoked_at.is_some() => Err(AccessError::Revoked(key.prefix)),
            Some(key) => Err(AccessError::Expired(key.prefix)),
            None if self.are_needed().await? => Err(AccessError::Unknown),
            None => Ok(Identified::Open),
        }
    }

    /// Records now and then, and never in the way of a request.
    fn record_use(&self, key: &ApiKey) {
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(&key.id).is_some_and(|at| at.elapsed() < RECORD_USE) {
            return;
        }
        used.insert(key.id, Instant::now());
        drop(used);
        let (metadata, id) = (self.0.metadata.clone(), key.id);
        tokio::spawn(async move {
            if let Err(error) = metadata.key_used(id, Utc::now()).await {
                tracing::warn!(%error, key = %id, "the use of a key could not be recorded");
            }
        });
    }
}
