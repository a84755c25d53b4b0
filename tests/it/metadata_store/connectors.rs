//! Connectors: who runs a pass, what is recorded of items, and whose a document is.

use std::time::Duration;

use footnote::{
    domain::{ConnectorKind, JobKind, LastPass, PassOutcome, PassReport},
    metadata_store::{MetadataStore, NewUpload, Pass, PassEnd, PassWhen, SeenItem},
};

use super::{
    Backend,
    fixtures::{HOUR, OVER, commit, conflict, invalid, lease, lease_of, names, not_found, upload},
};

const ONE: &str = "one";

/// The pass of a new connector.
async fn begun(store: &dyn MetadataStore) -> Pass {
    store.add_connector(ONE, ConnectorKind::Folder).await.unwrap();
    store.begin_pass(ONE, PassWhen::Now, HOUR).await.unwrap().expect("nobody else runs one")
}

fn seen(item: &str) -> SeenItem {
    SeenItem { item: item.to_owned(), fingerprint: format!("state of {item}"), validator: None, error: None }
}

fn end(again_in: Duration) -> PassEnd {
    let report = PassReport { listed: 3, added: 2, ..PassReport::default() };
    PassEnd { outcome: PassOutcome::Complete, error: None, report, again_in }
}

/// Something of every column, for the archive: with a document, without one, and what it was refused for.
pub async fn fill(store: &dyn MetadataStore) {
    let pass = begun(store).await;
    let validator = Some("{\"etag\":\"x\"}".to_owned());
    let followed =
        store.register_item(&pass, SeenItem { validator, ..seen("é.md") }, upload("é.md", "é")).await.unwrap();
    let leased = lease_of(store, &followed).await;
    let committed = commit(followed.document_id, followed.version, 1, 1);
    store.finish_ingest(followed.job_id, &leased.token, committed).await.unwrap();
    store
        .record_item(&pass, SeenItem { error: Some("the file is empty".to_owned()), ..seen("empty.md") })
        .await
        .unwrap();
    store.end_pass(&pass, end(HOUR)).await.unwrap();
}

pub async fn a_pass_is_run_by_one_process_at_a_time(backend: &Backend) {
    let store = &*backend.store;
    let first = begun(store).await;
    assert_eq!((first.number, first.confirmed), (1, false));
    let elsewhere = backend.elsewhere().await;
    assert_eq!(elsewhere.begin_pass(ONE, PassWhen::Now, HOUR).await.unwrap(), None);
    assert!(elsewhere.connectors().await.unwrap()[0].running);
    store.keep_pass(&first, HOUR).await.unwrap();
    store.end_pass(&first, end(HOUR)).await.unwrap();
    conflict(store.end_pass(&first, end(HOUR)).await);
    // One that was killed is gone on with when its lease has ended, and its process has lost it.
    let killed = elsewhere.begin_pass(ONE, PassWhen::Now, OVER).await.unwrap().unwrap();
    let next = store.begin_pass(ONE, PassWhen::IfDue, HOUR).await.unwrap().expect("it is due at once");
    assert_eq!((killed.number, next.number), (2, 3));
    conflict(elsewhere.keep_pass(&killed, HOUR).await);
    assert_eq!(store.expire_passes().await.unwrap(), 1);
    conflict(store.keep_pass(&next, HOUR).await);
    assert!(!store.connectors().await.unwrap()[0].running);
}

pub async fn a_pass_begins_when_it_is_due_or_asked_for(backend: &Backend) {
    let store = &*backend.store;
    let first = begun(store).await;
    store.end_pass(&first, end(HOUR)).await.unwrap();
    let state = store.connectors().await.unwrap().remove(0);
    assert_eq!((state.outcome, state.error, state.report), (Some(PassOutcome::Complete), None, Some(end(HOUR).report)));
    assert!(state.due_at.unwrap() > state.ended_at.unwrap() && state.ended_at >= state.begun_at);
    assert_eq!(store.begin_pass(ONE, PassWhen::IfDue, HOUR).await.unwrap(), None);
    store.request_pass(ONE, true).await.unwrap();
    // A plain request does not take back what was confirmed.
    store.request_pass(ONE, false).await.unwrap();
    assert!(store.connectors().await.unwrap()[0].requested);
    let asked = store.begin_pass(ONE, PassWhen::IfDue, HOUR).await.unwrap().unwrap();
    assert!(asked.confirmed);
    assert!(!store.connectors().await.unwrap()[0].requested);
    let error = Some("the disk is gone\0".to_owned());
    let failed = PassEnd { outcome: PassOutcome::Failed, error, ..end(OVER) };
    store.end_pass(&asked, failed).await.unwrap();
    assert_eq!(store.connectors().await.unwrap()[0].error.as_deref(), Some("the disk is gone\\0"));
    let due = store.begin_pass(ONE, PassWhen::IfDue, HOUR).await.unwrap().expect("no time was to pass");
    assert!(!due.confirmed);
}

pub async fn when_a_pass_last_succeeded_is_known_although_others_fail(backend: &Backend) {
    let store = &*backend.store;
    let told = async || store.connectors().await.unwrap().remove(0);
    let failed = || PassEnd { outcome: PassOutcome::Failed, error: Some("the disk is gone".to_owned()), ..end(OVER) };
    store.end_pass(&begun(store).await, failed()).await.unwrap();
    assert_eq!(told().await.succeeded_at, None);
    store.end_pass(&begun(store).await, end(OVER)).await.unwrap();
    let succeeded = told().await;
    assert_eq!(succeeded.succeeded_at, succeeded.ended_at);
    for outcome in [PassOutcome::Failed, PassOutcome::HeldBack, PassOutcome::Stopped] {
        store.end_pass(&begun(store).await, PassEnd { outcome, ..failed() }).await.unwrap();
        let state = told().await;
        assert_eq!((state.outcome, state.succeeded_at), (Some(outcome), succeeded.ended_at));
        assert!(state.ended_at > succeeded.ended_at);
    }
    store.end_pass(&begun(store).await, end(OVER)).await.unwrap();
    assert!(told().await.succeeded_at > succeeded.ended_at);
    store.add_connector("two", ConnectorKind::Git).await.unwrap();
    let pass = store.begin_pass(ONE, PassWhen::Now, HOUR).await.unwrap();
    let last = |name: &str, kind| LastPass {
        name: name.to_owned(),
        kind,
        running: false,
        outcome: None,
        report: None,
        succeeded_at: None,
    };
    let one = LastPass {
        running: pass.is_some(),
        outcome: Some(PassOutcome::Complete),
        report: Some(end(OVER).report),
        succeeded_at: told().await.succeeded_at,
        ..last(ONE, ConnectorKind::Folder)
    };
    assert_eq!(store.last_passes().await.unwrap(), [one, last("two", ConnectorKind::Git)]);
}

pub async fn a_pass_that_was_lost_changes_nothing(backend: &Backend) {
    let store = &*backend.store;
    let old = begun(store).await;
    store.register_item(&old, seen("a"), upload("a", "a")).await.unwrap();
    store.keep_pass(&old, OVER).await.unwrap();
    let new = store.begin_pass(ONE, PassWhen::Now, HOUR).await.unwrap().unwrap();
    store.register_item(&new, seen("b"), upload("b", "b")).await.unwrap();
    conflict(store.register_item(&old, seen("c"), upload("c", "c")).await);
    conflict(store.record_item(&old, seen("a")).await);
    conflict(store.mark_items(&old, &["a".to_owned()]).await);
    conflict(store.drop_item(&old, "b").await);
    assert_eq!(names(store).await, ["a", "b"]);
    // Nor has anything vanished for it that the next one has seen.
    assert_eq!(store.vanished_items(&old, 10).await.unwrap(), Vec::<String>::new());
}

pub async fn an_item_and_its_document_are_recorded_together(backend: &Backend) {
    let store = &*backend.store;
    let pass = begun(store).await;
    let first = store.register_item(&pass, seen("a"), upload("docs/a", "one")).await.unwrap();
    assert_eq!((first.version, first.duplicate), (1, false));
    let again = store.register_item(&pass, seen("a"), upload("docs/a", "one")).await.unwrap();
    assert_eq!((again.document_id, again.duplicate), (first.document_id, true));
    let changed = SeenItem { fingerprint: "another".to_owned(), ..seen("a") };
    let second = store.register_item(&pass, changed.clone(), upload("docs/a", "two")).await.unwrap();
    assert_eq!((second.document_id, second.version), (first.document_id, 2));
    let known = store.known_items(ONE, &["a".to_owned()]).await.unwrap().remove(0);
    assert_eq!((known.seen, known.document_id), (changed, Some(first.document_id)));
    let state = store.connectors().await.unwrap().remove(0);
    assert_eq!((state.items, state.documents, state.deleted_here), (1, 1, 0));
    // Deleted here: the item is known, and comes as another document when it is taken over again.
    store.delete_document(first.document_id).await.unwrap();
    let state = store.connectors().await.unwrap().remove(0);
    assert_eq!((state.items, state.documents, state.deleted_here), (1, 0, 1));
    let new = store.register_item(&pass, seen("a"), upload("docs/a", "three")).await.unwrap();
    assert_ne!(new.document_id, first.document_id);
    assert_eq!(store.known_items(ONE, &["a".to_owned()]).await.unwrap()[0].document_id, Some(new.document_id));
}

pub async fn an_item_that_gets_another_name_is_one_document(backend: &Backend) {
    let store = &*backend.store;
    let pass = begun(store).await;
    let first = store.register_item(&pass, seen("a"), upload("old/a", "one")).await.unwrap();
    store.register_upload(upload("taken/a", "by hand")).await.unwrap();
    conflict(store.register_item(&pass, seen("a"), upload("taken/a", "one")).await);
    assert_eq!(names(store).await, ["old/a", "taken/a"], "what has no new place keeps its old one");
    let second = store.register_item(&pass, seen("a"), upload("new/a", "one")).await.unwrap();
    assert_eq!((second.version, second.duplicate), (1, false));
    assert_eq!(names(store).await, ["taken/a", "new/a"]);
    not_found(store.document(first.document_id).await);
    let moved = NewUpload { collection: "other".to_owned(), ..upload("new/a", "one") };
    let third = store.register_item(&pass, seen("a"), moved).await.unwrap();
    not_found(store.document(second.document_id).await);
    assert_eq!(store.known_items(ONE, &["a".to_owned()]).await.unwrap()[0].document_id, Some(third.document_id));
    // One that was deleted here is none to be deleted.
    store.delete_document(third.document_id).await.unwrap();
    store.register_item(&pass, seen("a"), upload("again/a", "one")).await.unwrap();
    assert_eq!(names(store).await, ["taken/a", "again/a"]);
}

pub async fn what_is_known_of_items_comes_back(backend: &Backend) {
    let store = &*backend.store;
    let pass = begun(store).await;
    let validator = Some("x".repeat(4_096));
    let refused = SeenItem { error: Some("no\0".to_owned()), validator, fingerprint: String::new(), ..seen("é/b") };
    store.record_item(&pass, refused.clone()).await.unwrap();
    let asked = ["é/b".to_owned(), "other".to_owned()];
    let known = backend.elsewhere().await.known_items(ONE, &asked).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((&known[0].seen.error, known[0].document_id), (&Some("no\\0".to_owned()), None));
    assert_eq!(known[0].seen.validator, refused.validator);
    // What is recorded anew is recorded as a whole, and keeps the document.
    let made = store.register_item(&pass, seen("é/b"), upload("b", "b")).await.unwrap();
    store.record_item(&pass, SeenItem { error: Some("gone".to_owned()), ..seen("é/b") }).await.unwrap();
    let known = store.known_items(ONE, &asked).await.unwrap().remove(0);
    assert_eq!((known.document_id, known.seen.validator), (Some(made.document_id), None));
    invalid(store.known_items(ONE, &vec!["x".to_owned(); 1_001]).await);
}

pub async fn a_document_is_changed_by_whoever_made_it_only(backend: &Backend) {
    let store = &*backend.store;
    let pass = begun(store).await;
    store.register_item(&pass, seen("a"), upload("a", "one")).await.unwrap();
    conflict(store.register_upload(upload("a", "by hand")).await);
    conflict(store.register_upload(upload("a", "one")).await);
    conflict(store.register_item(&pass, seen("b"), upload("a", "of another item")).await);
    store.add_connector("two", ConnectorKind::Git).await.unwrap();
    let other = store.begin_pass("two", PassWhen::Now, HOUR).await.unwrap().unwrap();
    conflict(store.register_item(&other, seen("a"), upload("a", "of another connector")).await);
    store.register_upload(upload("hand", "by hand")).await.unwrap();
    conflict(store.register_item(&pass, seen("hand"), upload("hand", "the source's")).await);
    // Nothing of what was refused is recorded.
    assert!(store.known_items(ONE, &["b".to_owned(), "hand".to_owned()]).await.unwrap().is_empty());
    assert_eq!(store.connectors().await.unwrap()[1].items, 0);
    let document = store.document(store.known_items(ONE, &["a".to_owned()]).await.unwrap()[0].document_id.unwrap());
    assert_eq!(document.await.unwrap().latest.version, 1);
}

pub async fn what_a_pass_has_not_seen_has_vanished_and_goes_with_its_document(backend: &Backend) {
    let store = &*backend.store;
    let first = begun(store).await;
    for item in ["a", "b", "c"] {
        store.register_item(&first, seen(item), upload(item, item)).await.unwrap();
    }
    store.record_item(&first, SeenItem { error: Some("refused".to_owned()), ..seen("d") }).await.unwrap();
    store.end_pass(&first, end(HOUR)).await.unwrap();
    let second = store.begin_pass(ONE, PassWhen::Now, HOUR).await.unwrap().unwrap();
    store.mark_items(&second, &["a".to_owned(), "unknown".to_owned()]).await.unwrap();
    let vanished = store.vanished(&second).await.unwrap();
    assert_eq!((vanished.documents, vanished.of), (2, 3));
    assert_eq!(store.vanished_items(&second, 2).await.unwrap(), ["b", "c"]);
    assert_eq!(store.vanished_items(&second, 10).await.unwrap(), ["b", "c", "d"]);
    let purge = store.drop_item(&second, "b").await.unwrap().expect("it had a document");
    assert_eq!(store.job(purge).await.unwrap().kind, JobKind::Purge);
    assert_eq!(names(store).await, ["a", "c"]);
    assert_eq!(store.drop_item(&second, "d").await.unwrap(), None);
    conflict(store.drop_item(&second, "a").await);
    conflict(store.drop_item(&second, "b").await);
    // What was deleted here goes without another purge.
    let c = store.known_items(ONE, &["c".to_owned()]).await.unwrap()[0].document_id.unwrap();
    store.delete_document(c).await.unwrap();
    assert_eq!(store.drop_item(&second, "c").await.unwrap(), None);
    assert_eq!(store.connectors().await.unwrap()[0].items, 1);
    invalid(store.vanished_items(&second, 0).await);
}

pub async fn failures_are_told_until_they_are_mended(backend: &Backend) {
    let store = &*backend.store;
    let pass = begun(store).await;
    for item in ["a", "b"] {
        store.record_item(&pass, SeenItem { error: Some(format!("{item} is empty")), ..seen(item) }).await.unwrap();
    }
    let broken = store.register_item(&pass, seen("c.pdf"), upload("c.pdf", "broken")).await.unwrap();
    let leased = lease(store, JobKind::Ingest).await;
    store.fail_job(broken.job_id, &leased.token, "no pages", None).await.unwrap();
    let told = async |after: Option<&str>, limit| {
        let failures = store.failures(ONE, after, limit).await.unwrap();
        failures.into_iter().map(|failure| (failure.item, failure.error)).collect::<Vec<_>>()
    };
    let expected = [("a", "a is empty"), ("b", "b is empty"), ("c.pdf", "no pages")];
    let expected = expected.map(|(item, error)| (item.to_owned(), error.to_owned()));
    assert_eq!(told(None, 10).await, expected);
    assert_eq!(told(None, 1).await, expected[..1]);
    assert_eq!(told(Some("a"), 10).await, expected[1..]);
    assert_eq!(store.connectors().await.unwrap()[0].failed, 3);
    store.register_item(&pass, seen("a"), upload("a", "a")).await.unwrap();
    store.register_item(&pass, seen("c.pdf"), upload("c.pdf", "mended")).await.unwrap();
    assert_eq!(told(None, 10).await, expected[1..2]);
    assert_eq!(store.connectors().await.unwrap()[0].failed, 1);
}

pub async fn a_connector_is_forgotten_and_its_documents_stay(backend: &Backend) {
    let store = &*backend.store;
    let pass = begun(store).await;
    store.register_item(&pass, seen("a"), upload("a", "one")).await.unwrap();
    conflict(store.forget_connector(ONE).await);
    conflict(store.add_connector(ONE, ConnectorKind::Git).await);
    store.end_pass(&pass, end(HOUR)).await.unwrap();
    store.forget_connector(ONE).await.unwrap();
    assert!(store.connectors().await.unwrap().is_empty());
    // The document is like one that was uploaded by hand.
    assert_eq!(store.register_upload(upload("a", "by hand")).await.unwrap().version, 2);
    not_found(store.forget_connector(ONE).await);
    // A name without items may stand for another source.
    store.add_connector(ONE, ConnectorKind::Folder).await.unwrap();
    store.add_connector(ONE, ConnectorKind::Git).await.unwrap();
    assert_eq!(store.connectors().await.unwrap()[0].kind, ConnectorKind::Git);
}

pub async fn what_is_no_connector_is_refused(backend: &Backend) {
    let store = &*backend.store;
    for name in ["", "a b", "ü", "a/b", &"x".repeat(65)] {
        invalid(store.add_connector(name, ConnectorKind::Folder).await);
    }
    not_found(store.begin_pass("none", PassWhen::Now, HOUR).await);
    not_found(store.request_pass("none", false).await);
    invalid(store.request_pass("a\0", false).await);
    invalid(store.failures("a\0", None, 10).await);
    invalid(store.failures(ONE, Some("\0"), 10).await);
    let pass = begun(store).await;
    for wrong in [
        seen(""),
        seen(&"x".repeat(1_025)),
        seen("a\nb"),
        SeenItem { fingerprint: "x".repeat(4_097), ..seen("a") },
        SeenItem { validator: Some("\0".to_owned()), ..seen("a") },
        SeenItem { error: Some(String::new()), ..seen("a") },
    ] {
        invalid(store.record_item(&pass, wrong).await);
    }
    assert_eq!(store.connectors().await.unwrap()[0].items, 0);
    invalid(store.end_pass(&pass, end(Duration::MAX)).await);
}
