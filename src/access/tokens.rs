//! Bearer tokens of an identity provider (OpenID Connect): signed JWTs, checked against the provider's published keys.
//!
//! May depend on `config` and `domain`. Only what is signed with a key pair is taken, never with a shared secret, and only
//! with the issuer and the audience that are configured. The claims are those of RFC 7519 and RFC 8693 (`scope`), and two of our
//! own: `footnote_collections` and `footnote_labels`, each a list of names or `"*"`.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use super::Caller;
use crate::{
    config::{JwtIssuer, KeySource},
    domain::{Access, Allowed, Asker, Scope},
};

/// What the scopes of a token start with that are meant for this service.
const SCOPE: &str = "footnote:";
/// How long the keys are good for.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How soon they are read again when a token names one that is not among them.
const AGAIN: Duration = Duration::from_secs(60);
/// How long a provider may take to give its keys.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nobody asks again after the keys could not be read.
const AWAY: Duration = Duration::from_secs(15);
/// The longest document of keys.
const MAX_BYTES: usize = 1 << 20;
/// The longest subject, in bytes: OpenID Connect Core 1.0, 2.
const MAX_SUBJECT: usize = 255;
/// What tokens may be signed with.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not what it should be.
    #[error("the bearer token is not taken: {0}")]
    Refused(String),
    /// The provider's keys cannot be had.
    #[error("the keys of the identity provider cannot be read: {0}")]
    Keys(String),
}

impl TokenError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Keys(_))
    }
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    scp: Option<Names>,
    #[serde(default)]
    footnote_collections: Option<Names>,
    #[serde(default)]
    footnote_labels: Option<Names>,
}

/// A list of names, or one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(BTreeSet<String>),
}

impl Names {
    /// The names that they allow; `"*"` alone stands for all.
    fn allowed(self) -> Allowed {
        match self {
            Self::One(name) if name == "*" => Allowed::All,
            Self::One(name) => Allowed::from_list(Some([name])),
            Self::Many(names) => Allowed::from_list(Some(names)),
        }
    }

    fn into_words(self) -> Vec<String> {
        match self {
            Self::One(words) => words.split_whitespace().map(str::to_owned).collect(),
            Self::Many(names) => names.into_iter().collect(),
        }
    }
}

impl Claims {
    /// Who the token is for. What it does not give it does not have: without a claim, no collection and no label.
    fn caller(self) -> Caller {
        let words = self.scope.map(Names::One).into_iter().chain(self.scp).flat_map(Names::into_words);
        let scopes = words.filter_map(|word| word.strip_prefix(SCOPE)?.parse::<Scope>().ok()).collect();
        let allowed = |names: Option<Names>| names.map_or_else(Allowed::none, Names::allowed);
        let access = Access { collections: allowed(self.footnote_collections), labels: allowed(self.footnote_labels) };
        let actor = format!("jwt:{}", self.sub);
        Caller { scopes, asker: Asker { owner: Some(actor.clone()), access }, actor }
    }
}

/// Checks tokens.
pub struct Tokens {
    issuer: JwtIssuer,
    known: RwLock<Option<Known>>,
    /// One reader at a time; when the last attempt failed.
    reading: tokio::sync::Mutex<Option<Instant>>,
}

struct Known {
    keys: Vec<Jwk>,
    read: Instant,
}

/// A JWK set. A key of a kind that we do not know is passed over, and does not make the others unreadable (RFC 7517, 5).
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl Published {
    /// Those that a token may be signed with, as far as we know.
    fn signing(self) -> Vec<Jwk> {
        let known = self.keys.into_iter().filter_map(|key| {
            let read = serde_json::from_value::<Jwk>(key);
            read.inspect_err(|error| tracing::debug!(%error, "a key of the identity provider is of no known kind")).ok()
        });
        known.filter(|key| key.common.public_key_use != Some(PublicKeyUse::Encryption)).collect()
    }
}

impl Tokens {
    /// Of this issuer. Nothing is read before the first token comes.
    pub fn new(issuer: JwtIssuer) -> Self {
        Self { issuer, known: RwLock::default(), reading: tokio::sync::Mutex::default() }
    }

    /// Whether this is a token, and no API key.
    pub fn is_token(text: &str) -> bool {
        text.starts_with("ey") && text.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// Who a token is for.
    pub async fn caller(&self, token: &str) -> Result<Caller, TokenError> {
        let refused = |error: jsonwebtoken::errors::Error| TokenError::Refused(error.to_string());
        let header = decode_header(token).map_err(refused)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(TokenError::Refused(format!("it is signed with {:?}", header.alg)));
        }
        let key = self.key(header.kid.as_deref()).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer.issuer]);
        validation.set_audience(&[&self.issuer.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        let key = DecodingKey::from_jwk(&key).map_err(refused)?;
        let claims = decode::<Claims>(token, &key, &validation).map_err(refused)?.claims;
        // It owns conversations, is counted by, and stands in the audit log: as it is, or not at all.
        let names = (1..=MAX_SUBJECT).contains(&claims.sub.len()) && !claims.sub.chars().any(char::is_control);
        if !names {
            let why = format!("its subject must have 1 to {MAX_SUBJECT} bytes and no control characters");
            return Err(TokenError::Refused(why));
        }
        Ok(claims.caller())
    }

    /// The key of this name, or the only one there is. Keys are read anew when they are old, or when there is none of
    /// that name, which is how a provider changes them; but not for every token that names one that nobody has.
    async fn key(&self, name: Option<&str>) -> Result<Jwk, TokenError> {
        let age = |known: &Option<Known>| known.as_ref().map(|known| known.read.elapsed());
        let (found, known) = self.look(name, age);
        if found.is_some() && known.is_some_and(|age| age < FRESH) {
            return found.ok_or_else(no_key);
        }
        let mut failed = self.reading.lock().await;
        // Somebody else may have read them meanwhile.
        let (found, known) = self.look(name, age);
        if known.is_some_and(|age| age < if found.is_some() { FRESH } else { AGAIN }) {
            return found.ok_or_else(no_key);
        }
        // While the provider is away, only now and then a request waits for it.
        if failed.is_some_and(|at| at.elapsed() < AWAY) {
            return found.ok_or_else(|| TokenError::Keys("they could not be read a moment ago".to_owned()));
        }
        match self.read().await {
            Ok(keys) => {
                *failed = None;
                let read = Instant::now();
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Known { keys, read });
                self.look(name, age).0.ok_or_else(no_key)
            }
            // Old keys are better than none while the provider is away.
            Err(error) => {
                tracing::warn!(%error, "the keys of the identity provider are old");
                *failed = Some(Instant::now());
                found.ok_or(error)
            }
        }
    }

    fn look<T>(&self, name: Option<&str>, about: impl Fn(&Option<Known>) -> T) -> (Option<Jwk>, T) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let keys = known.as_ref().map(|known| known.keys.as_slice()).unwrap_or_default();
        let found = match name {
            Some(name) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(name)),
            None => keys.first().filter(|_| keys.len() == 1),
        };
        (found.cloned(), about(&known))
    }

    async fn read(&self) -> Result<Vec<Jwk>, TokenError> {
        let text = match &self.issuer.keys {
            KeySource::File(path) => {
                tokio::fs::read(path).await.map_err(|error| TokenError::Keys(format!("{}: {error}", path.display())))?
            }
            KeySource::Url(url) => fetch(url).await.map_err(|error| TokenError::Keys(error.to_string()))?,
        };
        if text.len() > MAX_BYTES {
            return Err(TokenError::Keys(format!("they have more than {MAX_BYTES} bytes")));
        }
        let published: Published =
            serde_json::from_slice(&text).map_err(|error| TokenError::Keys(format!("they are no JWK set: {error}")))?;
        Ok(published.signing())
    }
}

async fn fetch(url: &str) -> Result<Vec<u8>, reqwest::Error> {
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut text = Vec::new();
    // One piece beyond the limit is enough to know.
    while text.len() <= MAX_BYTES
        && let Some(piece) = response.chunk().await?
    {
        text.extend_from_slice(&piece);
    }
    Ok(text)
}

fn no_key() -> TokenError {
    TokenError::Refused("the identity provider has no key of that name".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use chrono::Utc;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    /// A provider with one key, and its tokens.
    struct Provider {
        dir: tempfile::TempDir,
        key: rcgen::KeyPair,
    }

    impl Provider {
        fn new() -> Self {
            let provider = Self { dir: tempfile::tempdir().unwrap(), key: rcgen::KeyPair::generate().unwrap() };
            provider.publish("one");
            provider
        }

        /// Publishes the key under this name.
        fn publish(&self, name: &str) {
            let point = self.key.public_key_raw();
            let [x, y] = [&point[1..33], &point[33..65]].map(|part| URL_SAFE_NO_PAD.encode(part));
            let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": name, "x": x, "y": y});
            std::fs::write(self.dir.path().join("keys.json"), json!({"keys": [key]}).to_string()).unwrap();
        }

        fn tokens(&self) -> Tokens {
            Tokens::new(JwtIssuer {
                keys: KeySource::File(self.dir.path().join("keys.json")),
                issuer: "https://id.example.org".to_owned(),
                audience: "footnote".to_owned(),
            })
        }

        fn token(&self, name: &str, change: impl FnOnce(&mut Value)) -> String {
            let mut claims = json!({
                "iss": "https://id.example.org", "aud": ["footnote", "other"], "sub": "alice",
                "exp": Utc::now().timestamp() + 600,
                "scope": "openid footnote:ask footnote:ingest footnote:root",
                "footnote_collections": ["a", "b"], "footnote_labels": "*",
            });
            change(&mut claims);
            let header = Header { kid: Some(name.to_owned()), ..Header::new(Algorithm::ES256) };
            encode(&header, &claims, &EncodingKey::from_ec_der(&self.key.serialize_der())).unwrap()
        }
    }

    #[tokio::test]
    async fn a_token_says_who_its_caller_is_and_what_the_caller_may_do() {
        let provider = Provider::new();
        let token = provider.token("one", |_| {});
        assert!(Tokens::is_token(&token) && !Tokens::is_token("fnk_0123.4567.89ab"));
        let caller = provider.tokens().caller(&token).await.unwrap();
        assert_eq!((caller.actor.as_str(), caller.asker.owner.as_deref()), ("jwt:alice", Some("jwt:alice")));
        assert_eq!(caller.scopes, BTreeSet::from([Scope::Ask, Scope::Ingest]));
        assert_eq!(caller.access().collections.as_list(), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(caller.access().labels, Allowed::All);
        let bare = provider.token("one", |claims| {
            for claim in ["scope", "footnote_collections", "footnote_labels"] {
                claims.as_object_mut().unwrap().remove(claim);
            }
            claims["scp"] = json!(["footnote:admin"]);
        });
        let caller = provider.tokens().caller(&bare).await.unwrap();
        assert_eq!((caller.scopes, caller.asker.access), (BTreeSet::from([Scope::Admin]), Access::nothing()));
    }

    #[tokio::test]
    async fn what_is_not_signed_for_us_now_is_refused() {
        let (provider, other) = (Provider::new(), Provider::new());
        let tokens = provider.tokens();
        let with = |key: &str, value: Value| provider.token("one", |claims| claims[key] = value);
        let now = Utc::now().timestamp();
        let without = |claim: &str| provider.token("one", |claims| drop(claims.as_object_mut().unwrap().remove(claim)));
        let mut altered = provider.token("one", |_| {});
        let payload = altered.split('.').nth(1).unwrap().to_owned();
        let root = URL_SAFE_NO_PAD.decode(&payload).unwrap();
        let root = String::from_utf8(root).unwrap().replace("alice", "bob");
        altered = altered.replace(&payload, &URL_SAFE_NO_PAD.encode(root));
        let secret = EncodingKey::from_secret(b"guess");
        let shared = encode(&Header::new(Algorithm::HS256), &json!({"sub": "alice"}), &secret).unwrap();
        let unsigned = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
        for (what, token) in [
            ("another signer", other.token("one", |_| {})),
            ("another key", provider.token("two", |_| {})),
            ("another issuer", with("iss", json!("https://evil.example.org"))),
            ("another audience", with("aud", json!("somebody"))),
            ("expired", with("exp", json!(now - 600))),
            ("not yet", with("nbf", json!(now + 600))),
            ("nobody", with("sub", json!(""))),
            ("a subject without end", with("sub", json!("x".repeat(256)))),
            ("a subject of two lines", with("sub", json!("alice\nbob"))),
            ("no end", without("exp")),
            ("no issuer", without("iss")),
            ("no audience", without("aud")),
            ("altered", altered),
            ("a shared secret", shared),
            ("unsigned", unsigned),
            ("nonsense", "ey.x.y".to_owned()),
        ] {
            assert!(matches!(tokens.caller(&token).await, Err(TokenError::Refused(_))), "{what}");
        }
    }

    #[tokio::test]
    async fn keys_of_kinds_that_nobody_here_knows_stand_in_no_ones_way() {
        let provider = Provider::new();
        let path = provider.dir.path().join("keys.json");
        let mut set: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let ours = set["keys"][0].clone();
        let other = |changes: Value| {
            let mut key = ours.clone();
            key["kid"] = json!("other");
            key.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            key
        };
        set["keys"] = json!([
            other(json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA"})),
            other(json!({"crv": "secp256k1", "alg": "ES256K"})),
            other(json!({"use": "enc", "alg": "ECDH-ES"})),
            other(json!({"use": "enc"})),
            "no key at all",
            ours,
        ]);
        std::fs::write(&path, set.to_string()).unwrap();
        let tokens = provider.tokens();
        tokens.caller(&provider.token("one", |_| {})).await.unwrap();
        assert_eq!(tokens.key(None).await.unwrap().common.key_id.as_deref(), Some("one"), "the only one that signs");
        assert!(tokens.caller(&provider.token("other", |_| {})).await.is_err(), "what encrypts does not sign");
    }

    #[tokio::test]
    async fn keys_that_were_changed_are_read_again_but_not_for_every_token() {
        let provider = Provider::new();
        let tokens = provider.tokens();
        tokens.caller(&provider.token("one", |_| {})).await.unwrap();
        provider.publish("two");
        // The keys were read a moment ago: a name that nobody knows does not have them read again at once.
        assert!(tokens.caller(&provider.token("two", |_| {})).await.is_err());
        tokens.known.write().unwrap().as_mut().unwrap().read = Instant::now() - AGAIN;
        tokens.caller(&provider.token("two", |_| {})).await.unwrap();
        std::fs::remove_file(provider.dir.path().join("keys.json")).unwrap();
        tokens.known.write().unwrap().as_mut().unwrap().read = Instant::now() - FRESH;
        tokens.caller(&provider.token("two", |_| {})).await.unwrap();
        let other = provider.tokens();
        let error = other.caller(&provider.token("two", |_| {})).await.err().unwrap();
        assert!(error.is_transient(), "{error}");
        // Nobody waits for a provider that was away a moment ago.
        provider.publish("two");
        let error = other.caller(&provider.token("two", |_| {})).await.err().unwrap();
        assert!(error.is_transient() && error.to_string().contains("a moment ago"), "{error}");
    }
}
