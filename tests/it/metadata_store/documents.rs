//! Reading, listing, deleting and forgetting documents.

use footnote::{
    domain::{JobKind, JobState, VersionState},
    metadata_store::{CommitOutcome, DocumentQuery, JobQuery, NewUpload},
};
use serde_json::json;

use super::{
    Backend,
    fixtures::{
        HOUR, chunks, commit, conflict, fill, ids, ingest, invalid, jobs_of, lease, lease_of, names, not_found,
        reindex, sha256, upload,
    },
};

pub async fn a_document_shows_its_active_and_its_newest_version(backend: &Backend) {
    let store = &*backend.store;
    let first = ingest(store, "a.md", "one", 3).await;
    let second = store.register_upload(upload("a.md", "two")).await.unwrap();
    let document = store.document(first.document_id).await.unwrap();
    let active = document.active.unwrap();
    assert_eq!((active.version, active.state, active.chunks), (1, VersionState::Active, Some(3)));
    assert_eq!((active.media_type.as_deref(), active.title.as_deref()), (Some("text/markdown"), Some("Title 1")));
    assert_eq!((active.pages, active.sha256), (Some(3), sha256("one")));
    assert_eq!((document.latest.version, document.latest.state), (2, VersionState::Pending));
    assert_eq!((document.latest.chunks, document.latest.media_type), (None, None));

    let leased = lease_of(store, &second).await;
    store.fail_job(second.job_id, &leased.token, "broken", None).await.unwrap();
    let document = store.document(first.document_id).await.unwrap();
    assert_eq!(document.active.unwrap().version, 1);
    assert_eq!(document.latest.state, VersionState::Failed);
    assert_eq!(document.created_at, document.created_at.min(document.updated_at));
}

pub async fn documents_are_listed_oldest_first_in_stable_pages(backend: &Backend) {
    let store = &*backend.store;
    let mut expected = Vec::new();
    for i in 0..5 {
        expected.push(store.register_upload(upload(&format!("{i}.md"), "bytes")).await.unwrap().document_id);
    }
    let page = |cursor: Option<String>| DocumentQuery { cursor, limit: 2, ..DocumentQuery::default() };
    let first = store.documents(page(None)).await.unwrap();
    let mut seen: Vec<_> = first.items.iter().map(|document| document.id).collect();

    // Between two pages one document that was seen goes, one that was not seen goes, and one is added.
    store.delete_document(expected[1]).await.unwrap();
    store.delete_document(expected[3]).await.unwrap();
    let added = store.register_upload(upload("5.md", "bytes")).await.unwrap().document_id;
    let second = store.documents(page(first.next_cursor)).await.unwrap();
    seen.extend(second.items.iter().map(|document| document.id));
    let third = store.documents(page(second.next_cursor)).await.unwrap();
    seen.extend(third.items.iter().map(|document| document.id));
    assert_eq!(seen, [expected[0], expected[1], expected[2], expected[4], added]);
    assert_eq!(third.next_cursor, None);
}

pub async fn documents_are_filtered_by_collection_and_name(backend: &Backend) {
    let store = &*backend.store;
    for (collection, name) in [("x", "a"), ("x", "b"), ("y", "a")] {
        let upload = NewUpload { collection: collection.to_owned(), ..upload(name, "bytes") };
        store.register_upload(upload).await.unwrap();
    }
    for (collection, name, expected) in
        [(None, None, 3), (Some("x"), None, 2), (None, Some("a"), 2), (Some("y"), Some("a"), 1), (Some("z"), None, 0)]
    {
        let query = DocumentQuery {
            collection: collection.map(str::to_owned),
            name: name.map(str::to_owned),
            limit: 10,
            ..DocumentQuery::default()
        };
        let found = store.documents(query).await.unwrap().items;
        assert_eq!(found.len(), expected, "{collection:?} {name:?}");
        assert!(found.iter().all(|document| collection.is_none_or(|wanted| document.collection == wanted)));
    }
}

pub async fn limits_and_cursors_outside_the_contract_are_refused(backend: &Backend) {
    let store = &*backend.store;
    for i in 0..2 {
        store.register_upload(upload(&format!("{i}.md"), "bytes")).await.unwrap();
    }
    let query = |limit: u32| DocumentQuery { limit, ..DocumentQuery::default() };
    for limit in [0, 1_001] {
        invalid(store.documents(query(limit)).await);
        invalid(store.jobs(JobQuery { limit, ..JobQuery::default() }).await);
    }
    let cursor = store.documents(query(1)).await.unwrap().next_cursor;
    assert!(cursor.is_some());
    invalid(store.documents(DocumentQuery { cursor: cursor.clone(), name: Some("0.md".into()), ..query(1) }).await);
    invalid(store.jobs(JobQuery { cursor, limit: 1, ..JobQuery::default() }).await);
    invalid(store.documents(DocumentQuery { cursor: Some("next".into()), ..query(1) }).await);
    invalid(store.documents(DocumentQuery { name: Some("\0".into()), ..query(1) }).await);
}

pub async fn delete_hides_everything_at_once(backend: &Backend) {
    let store = &*backend.store;
    let gone = ingest(store, "a.md", "one", 2).await.document_id;
    let kept = ingest(store, "b.md", "two", 2).await.document_id;
    let wanted = [ids(&chunks(gone, 1, 1, 2)), ids(&chunks(kept, 1, 1, 2))].concat();
    assert_eq!(store.chunks_by_id(1, &wanted).await.unwrap().len(), 4);

    store.delete_document(gone).await.unwrap();
    for seen in [&backend.store, &backend.elsewhere().await] {
        let found = seen.chunks_by_id(1, &wanted).await.unwrap();
        assert!(found.len() == 2 && found.iter().all(|found| found.chunk.document_id == kept));
        assert_eq!(seen.chunks_of(gone).await.unwrap(), []);
        not_found(seen.document(gone).await);
        assert_eq!(names(&**seen).await, ["b.md"]);
    }
    not_found(store.delete_document(gone).await);
}

pub async fn delete_cancels_open_jobs_and_enqueues_a_purge(backend: &Backend) {
    let store = &*backend.store;
    let first = ingest(store, "a.md", "one", 1).await;
    let second = store.register_upload(upload("a.md", "two")).await.unwrap();
    let purge = store.delete_document(first.document_id).await.unwrap();

    let job = store.job(second.job_id).await.unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert!(job.error.unwrap().contains("deleted"));
    assert_eq!(store.job(first.job_id).await.unwrap().state, JobState::Succeeded);
    let leased = lease(store, JobKind::Purge).await;
    assert_eq!((leased.job.id, leased.job.document_id), (purge, Some(first.document_id)));
    assert_eq!(leased.job.version, None);
    assert_eq!(store.lease_job(&[JobKind::Ingest], HOUR).await.unwrap(), None);
}

pub async fn a_deleted_name_is_free_and_another_document(backend: &Backend) {
    let store = &*backend.store;
    let before = ingest(store, "a.md", "bytes", 1).await.document_id;
    store.delete_document(before).await.unwrap();
    let after = ingest(store, "a.md", "bytes", 1).await;
    assert_eq!(after.version, 1);
    assert_ne!(after.document_id, before);
    store.forget_document(before).await.unwrap();
    assert_eq!(store.chunks_of(after.document_id).await.unwrap().len(), 1);
}

pub async fn a_purge_waits_for_the_lease_of_a_running_ingestion(backend: &Backend) {
    let store = &*backend.store;
    let registered = store.register_upload(upload("a.md", "bytes")).await.unwrap();
    let leased = lease_of(store, &registered).await;
    let purge = store.delete_document(registered.document_id).await.unwrap();
    assert_eq!(store.lease_job(&[JobKind::Purge], HOUR).await.unwrap(), None, "vectors may still be written");
    let commit = commit(registered.document_id, 1, 1, 2);
    let outcome = store.finish_ingest(registered.job_id, &leased.token, commit).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Overtaken);
    assert_eq!(lease(store, JobKind::Purge).await.job.id, purge);

    // Also when a user has cancelled the ingestion before.
    let registered = store.register_upload(upload("b.md", "bytes")).await.unwrap();
    lease_of(store, &registered).await;
    store.cancel_job(registered.job_id).await.unwrap();
    store.delete_document(registered.document_id).await.unwrap();
    assert_eq!(store.lease_job(&[JobKind::Purge], HOUR).await.unwrap(), None);
}

pub async fn forget_removes_the_rows_of_a_deleted_document_only(backend: &Backend) {
    let store = &*backend.store;
    let registered = ingest(store, "a.md", "one", 2).await;
    let id = registered.document_id;
    conflict(store.forget_document(id).await);
    assert_eq!(store.chunks_of(id).await.unwrap().len(), 2);

    store.delete_document(id).await.unwrap();
    assert_eq!(store.blobs_of(id).await.unwrap(), [sha256("one")]);
    store.forget_document(id).await.unwrap();
    assert!(store.blobs_of(id).await.unwrap().is_empty());
    not_found(store.version_source(id, 1).await);
    // A purge that is repeated after a crash finds nothing to do, and the history stays.
    store.forget_document(id).await.unwrap();
    assert_eq!(store.job(registered.job_id).await.unwrap().document_id, Some(id));
}

pub async fn blobs_are_referenced_by_documents_that_are_not_deleted(backend: &Backend) {
    let store = &*backend.store;
    let first = ingest(store, "a.md", "shared", 1).await.document_id;
    ingest(store, "a.md", "own", 1).await;
    let second = ingest(store, "b.md", "shared", 1).await.document_id;
    let mut all = vec![sha256("own"), sha256("shared")];
    all.sort();
    assert_eq!(store.blobs_of(first).await.unwrap(), all);
    let candidates = [all.clone(), vec![sha256("never seen")]].concat();
    assert_eq!(store.referenced_blobs(&candidates).await.unwrap(), all);
    assert_eq!(store.referenced_blobs(&[]).await.unwrap(), Vec::<String>::new());

    store.delete_document(first).await.unwrap();
    assert_eq!(store.blobs_of(first).await.unwrap(), all);
    assert_eq!(store.referenced_blobs(&candidates).await.unwrap(), [sha256("shared")]);
    store.delete_document(second).await.unwrap();
    assert!(store.referenced_blobs(&candidates).await.unwrap().is_empty());
}

pub async fn a_version_says_what_it_was_made_of(backend: &Backend) {
    let store = &*backend.store;
    let metadata = json!({"team": "ops"}).as_object().unwrap().clone();
    let id = ingest(store, "a.md", "one", 1).await.document_id;
    store.register_upload(NewUpload { metadata: metadata.clone(), ..upload("a.md", "two") }).await.unwrap();
    for (version, bytes) in [(1, "one"), (2, "two")] {
        let source = store.version_source(id, version).await.unwrap();
        assert_eq!((source.document_id, source.version, source.sha256), (id, version, sha256(bytes)));
        assert_eq!((source.collection.as_str(), source.name.as_str()), ("default", "a.md"));
        assert_eq!(source.metadata, metadata);
    }
    not_found(store.version_source(id, 3).await);
    store.delete_document(id).await.unwrap();
    assert_eq!(store.version_source(id, 2).await.unwrap().sha256, sha256("two"));
}

pub async fn counts_follow_what_happens(backend: &Backend) {
    let store = &*backend.store;
    store.ping().await.unwrap();
    let counts = || async { store.counts().await.unwrap() };
    assert_eq!(counts().await, Default::default());
    let first = ingest(store, "a.md", "one", 3).await.document_id;
    ingest(store, "b.md", "two", 2).await;
    store.register_upload(upload("c.md", "three")).await.unwrap();
    let now = counts().await;
    assert_eq!((now.documents, now.active_documents, now.chunks, now.tokens, now.open_jobs), (3, 2, 5, 35, 1));

    // A generation that is being built does not count, until it is active.
    let (leased, generation) = reindex(store, "second").await;
    fill(store, generation).await;
    assert_eq!(counts().await.chunks, 5);
    store.swap_generation(leased.job.id, &leased.token, generation).await.unwrap();
    assert_eq!((counts().await.chunks, counts().await.tokens), (4, 28));
    assert_eq!(store.document(first).await.unwrap().active.unwrap().chunks, Some(2));

    store.delete_document(first).await.unwrap();
    let now = counts().await;
    assert_eq!((now.documents, now.active_documents, now.chunks, now.open_jobs), (2, 1, 2, 2));
    assert_eq!(jobs_of(store, JobKind::Purge).await.len(), 1);
}
