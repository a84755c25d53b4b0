//! Who may do what: every route by every kind of caller, and what access labels keep back.

mod attacks;
mod audit;
mod isolation;
mod keys;
mod labels;
mod limits;
mod second_look;
mod tls;

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use footnote::{access, app::App, domain::Scope, metadata_store::NewKey};
use reqwest::{
    Client,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};

use crate::test_app::{PATIENCE, TestApp};

/// A key that a test makes.
struct Wanted<'a> {
    scopes: &'a [Scope],
    /// All when absent.
    collections: Option<&'a [&'a str]>,
    /// All when absent.
    labels: Option<&'a [&'a str]>,
    expires_at: Option<DateTime<Utc>>,
}

impl Wanted<'_> {
    /// Whatever there is.
    const EVERYTHING: Self = Self { scopes: &Scope::ALL, collections: None, labels: None, expires_at: None };
}

/// Makes a key as `footnote keys create` does.
async fn make_key(app: &Arc<App>, wanted: Wanted<'_>) -> String {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let drawn = access::draw().unwrap();
    let key = NewKey {
        name: "a test".to_owned(),
        prefix: drawn.prefix,
        sha256: drawn.sha256,
        scopes: wanted.scopes.iter().copied().collect(),
        collections: wanted.collections.map(set),
        labels: wanted.labels.map(set),
        expires_at: wanted.expires_at,
    };
    app.metadata.add_key(key).await.unwrap();
    drawn.key.expose().to_owned()
}

/// A client that sends a key with every request.
fn client_with(key: &str) -> Client {
    let bearer = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
    footnote::tls::prepare_clients();
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    Client::builder().timeout(PATIENCE).default_headers(headers).build().unwrap()
}

/// The application as somebody sees it who has a key for these rights.
async fn sees(app: &TestApp, wanted: Wanted<'_>) -> Client {
    client_with(&make_key(&app.app, wanted).await)
}
