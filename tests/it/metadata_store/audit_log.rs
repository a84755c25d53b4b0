//! The audit log: what is added stays as it is until it is old.

use chrono::{DateTime, TimeDelta, Utc};
use footnote::{
    domain::AuditEntry,
    metadata_store::{AuditQuery, MetadataStore, NewAuditEntry},
};
use serde_json::json;

use super::{Backend, fixtures::invalid};

fn entry(actor: &str, action: &str, subject: Option<&str>) -> NewAuditEntry {
    NewAuditEntry {
        at: DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap(),
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: subject.map(str::to_owned),
        status: 200,
        address: Some("127.0.0.1".to_owned()),
        request_id: Some("Grüße".to_owned()),
        details: json!({"collection": "漢字", "documents": [1, 2]}).as_object().unwrap().clone(),
    }
}

/// Adds an entry, and reads it back.
async fn add(store: &dyn MetadataStore, entry: NewAuditEntry) -> AuditEntry {
    store.add_audit_entries(&[entry]).await.unwrap();
    let newest = AuditQuery { limit: 1, ..AuditQuery::default() };
    store.audit_entries(newest).await.unwrap().items.remove(0)
}

pub async fn entries_come_back_newest_first_and_by_what_is_asked(backend: &Backend) {
    let store = &*backend.store;
    let mut ids = Vec::new();
    for (actor, action, subject) in
        [("key_1", "ask", None), ("key_2", "delete_document", Some("doc_1")), ("key_1", "delete_document", None)]
    {
        let added = add(store, entry(actor, action, subject)).await;
        let NewAuditEntry { details, address, request_id, .. } = entry(actor, action, subject);
        assert_eq!((&added.details, &added.address, &added.request_id), (&details, &address, &request_id));
        assert_eq!((added.actor.as_str(), added.action.as_str(), added.status), (actor, action, 200));
        ids.push(added.id);
    }
    let found = async |query: AuditQuery| {
        let page = backend.elsewhere().await.audit_entries(AuditQuery { limit: 10, ..query }).await.unwrap();
        page.items.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found(AuditQuery::default()).await, [ids[2], ids[1], ids[0]]);
    assert_eq!(found(AuditQuery { actor: text("key_1"), ..AuditQuery::default() }).await, [ids[2], ids[0]]);
    assert_eq!(found(AuditQuery { action: text("ask"), ..AuditQuery::default() }).await, [ids[0]]);
    assert_eq!(found(AuditQuery { subject: text("doc_1"), ..AuditQuery::default() }).await, [ids[1]]);
    let (before, after) = (Utc::now() - TimeDelta::hours(1), Utc::now() + TimeDelta::hours(1));
    assert_eq!(found(AuditQuery { from: Some(before), until: Some(after), ..AuditQuery::default() }).await.len(), 3);
    assert_eq!(found(AuditQuery { from: Some(after), ..AuditQuery::default() }).await, []);
    assert_eq!(found(AuditQuery { until: Some(before), ..AuditQuery::default() }).await, []);

    let several = [entry("key_4", "a", None), entry("key_4", "b", None)];
    store.add_audit_entries(&several).await.unwrap();
    let of = AuditQuery { actor: text("key_4"), limit: 10, ..AuditQuery::default() };
    let of = store.audit_entries(of).await.unwrap().items;
    assert_eq!(of.iter().map(|one| one.action.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    store.add_audit_entries(&[]).await.unwrap();

    let page = store.audit_entries(AuditQuery { limit: 4, ..AuditQuery::default() }).await.unwrap();
    add(store, entry("key_3", "ask", None)).await;
    let next = AuditQuery { cursor: page.next_cursor.clone(), limit: 4, ..AuditQuery::default() };
    let next = store.audit_entries(next).await.unwrap();
    assert_eq!((next.items[0].id, next.items.len(), next.next_cursor), (ids[0], 1, None));
    invalid(store.audit_entries(AuditQuery { limit: 0, ..AuditQuery::default() }).await);
    invalid(store.audit_entries(AuditQuery { actor: text("\0"), limit: 1, ..AuditQuery::default() }).await);
    let other = AuditQuery { cursor: page.next_cursor, actor: text("key_1"), limit: 4, ..AuditQuery::default() };
    invalid(store.audit_entries(other).await);
}

pub async fn what_a_request_says_of_itself_keeps_it_not_out_of_the_log(backend: &Backend) {
    let store = &*backend.store;
    let odd = NewAuditEntry {
        request_id: Some("é".repeat(5_000)),
        details: json!({"a\0": ["b\0", {"c\0": "d\0"}]}).as_object().unwrap().clone(),
        ..entry("key_1\0", "ask", None)
    };
    let added = add(store, odd).await;
    assert_eq!(added.actor, "key_1\\0");
    assert_eq!(added.request_id.unwrap().len(), 1_024);
    assert_eq!(added.details["a\\0"], json!(["b\\0", {"c\\0": "d\\0"}]));
}

pub async fn old_entries_go_and_the_others_stay(backend: &Backend) {
    let store = &*backend.store;
    let kept = add(store, entry("key_1", "ask", None)).await;
    assert_eq!(store.forget_audit_entries(kept.at).await.unwrap(), 0);
    assert_eq!(store.forget_audit_entries(kept.at + TimeDelta::microseconds(1)).await.unwrap(), 1);
    let all = AuditQuery { limit: 10, ..AuditQuery::default() };
    assert_eq!(store.audit_entries(all).await.unwrap().items, []);
}
