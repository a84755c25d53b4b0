//! API keys: how they are found, rotated and revoked.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use footnote::{
    domain::{ApiKey, KeyId, Scope},
    metadata_store::{KeyQuery, MetadataStore, NewKey},
};

use super::{
    Backend,
    fixtures::{conflict, invalid, not_found, sha256},
};

fn key(secret: &str) -> NewKey {
    NewKey {
        name: "Zürich".to_owned(),
        prefix: format!("fnk_{secret}"),
        sha256: sha256(secret),
        scopes: BTreeSet::from([Scope::Ask, Scope::Ingest]),
        collections: Some(BTreeSet::from(["a".to_owned(), "b".to_owned()])),
        labels: Some(BTreeSet::new()),
        expires_at: None,
    }
}

async fn found(store: &dyn MetadataStore, secret: &str, now: DateTime<Utc>) -> Option<KeyId> {
    store.key_by_sha256(&sha256(secret), now).await.unwrap().map(|key| key.id)
}

pub async fn a_key_comes_back_as_it_was_made_and_is_found_by_its_sum(backend: &Backend) {
    let store = &*backend.store;
    assert!(!store.has_keys().await.unwrap());
    // To the precision that both databases keep.
    let expires_at = DateTime::from_timestamp_micros((Utc::now() + TimeDelta::days(1)).timestamp_micros());
    let made = store.add_key(NewKey { expires_at, ..key("one") }).await.unwrap();
    let everything = store.add_key(NewKey { collections: None, labels: None, ..key("two") }).await.unwrap();
    assert!(store.has_keys().await.unwrap());
    let NewKey { name, prefix, scopes, collections, labels, .. } = key("one");
    let expected = ApiKey {
        id: made.id,
        name,
        prefix,
        scopes,
        collections,
        labels,
        created_at: made.created_at,
        expires_at,
        rotated_at: None,
        previous_until: None,
        revoked_at: None,
        last_used_at: None,
    };
    assert_eq!(made, expected);
    let elsewhere = backend.elsewhere().await;
    assert_eq!(elsewhere.key(made.id).await.unwrap(), made);
    assert_eq!(elsewhere.key_by_sha256(&sha256("one"), Utc::now()).await.unwrap(), Some(made));
    assert!(everything.access().is_everything());
    assert_eq!(found(store, "three", Utc::now()).await, None);
    not_found(store.key(KeyId::new()).await);
}

pub async fn keys_are_listed_newest_first_in_stable_pages(backend: &Backend) {
    let store = &*backend.store;
    let mut ids = Vec::new();
    for secret in ["one", "two", "three"] {
        ids.push(store.add_key(key(secret)).await.unwrap().id);
    }
    let page = store.keys(KeyQuery { cursor: None, limit: 2 }).await.unwrap();
    assert_eq!(page.items.iter().map(|key| key.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    store.add_key(key("four")).await.unwrap();
    let next = store.keys(KeyQuery { cursor: page.next_cursor, limit: 2 }).await.unwrap();
    assert_eq!((next.items.iter().map(|key| key.id).collect::<Vec<_>>(), next.next_cursor), (vec![ids[0]], None));
    invalid(store.keys(KeyQuery { cursor: None, limit: 0 }).await);
}

pub async fn after_a_rotation_both_secrets_are_taken_for_a_while(backend: &Backend) {
    let store = &*backend.store;
    let id = store.add_key(key("old")).await.unwrap().id;
    let (now, until) = (Utc::now(), Utc::now() + TimeDelta::minutes(5));
    let rotated = store.rotate_key(id, "fnk_new", &sha256("new"), until).await.unwrap();
    assert_eq!((rotated.id, rotated.prefix.as_str(), rotated.revoked_at), (id, "fnk_new", None));
    assert!(rotated.rotated_at.is_some() && rotated.previous_until.is_some());
    assert_eq!((found(store, "new", now).await, found(store, "old", now).await), (Some(id), Some(id)));
    let later = until + TimeDelta::seconds(1);
    assert_eq!((found(store, "new", later).await, found(store, "old", later).await), (Some(id), None));
    // Only the one before is taken, never the one before that.
    store.rotate_key(id, "fnk_newer", &sha256("newer"), until).await.unwrap();
    assert_eq!((found(store, "new", now).await, found(store, "old", now).await), (Some(id), None));
    not_found(store.rotate_key(KeyId::new(), "fnk_x", &sha256("x"), until).await);
    invalid(store.rotate_key(id, "fnk_x", "no sum", until).await);
}

pub async fn a_revoked_key_stays_in_the_list_and_is_never_rotated(backend: &Backend) {
    let store = &*backend.store;
    let made = store.add_key(key("one")).await.unwrap();
    assert!(made.is_usable(Utc::now()));
    let revoked = store.revoke_key(made.id).await.unwrap();
    assert!(revoked.revoked_at.is_some() && !revoked.is_usable(Utc::now()));
    assert_eq!(store.revoke_key(made.id).await.unwrap(), revoked, "once is enough");
    assert_eq!(found(store, "one", Utc::now()).await, Some(made.id), "so that its use can be explained");
    conflict(store.rotate_key(made.id, "fnk_x", &sha256("x"), Utc::now()).await);
    assert!(store.has_keys().await.unwrap());
    not_found(store.revoke_key(KeyId::new()).await);
}

pub async fn the_last_use_of_a_key_is_recorded(backend: &Backend) {
    let store = &*backend.store;
    let id = store.add_key(key("one")).await.unwrap().id;
    let at = DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap();
    store.key_used(id, at).await.unwrap();
    store.key_used(id, at - TimeDelta::hours(1)).await.unwrap();
    assert_eq!(store.key(id).await.unwrap().last_used_at, Some(at), "another node's clock does not turn it back");
    store.key_used(KeyId::new(), at).await.unwrap();
}

pub async fn what_is_no_key_is_refused_and_leaves_nothing(backend: &Backend) {
    let store = &*backend.store;
    let empty = || Some(BTreeSet::new());
    for wrong in [
        NewKey { name: " ".to_owned(), ..key("one") },
        NewKey { sha256: "abc".to_owned(), ..key("one") },
        NewKey { scopes: BTreeSet::new(), ..key("one") },
        NewKey { collections: empty(), ..key("one") },
        NewKey { collections: Some(BTreeSet::from([String::new()])), ..key("one") },
        NewKey { labels: Some(BTreeSet::from(["a\0".to_owned()])), ..key("one") },
    ] {
        invalid(store.add_key(wrong).await);
    }
    assert!(!store.has_keys().await.unwrap());
}
