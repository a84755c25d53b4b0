//! What a caller may read: collections, access labels, and whose conversations.

use footnote::{
    domain::{Access, Allowed, ConversationId, JobKind, OutcomeKind, ReindexOptions},
    metadata_store::{
        CommitOutcome, ConversationQuery, DocumentQuery, InConversation, JobQuery, MetadataStore, MetadataStoreError,
        NewUpload, OutcomeRecord, Registered, UnansweredQuery,
    },
};

use super::{
    Backend,
    conversations::record,
    fixtures::{commit, ids, invalid, lease, lease_of, not_found, upload},
    outcomes::unanswered,
};

fn names(names: &[&str]) -> Allowed {
    Allowed::from_list(Some(names.iter().map(|name| (*name).to_owned())))
}

/// What somebody reads of these collections with these labels.
fn reader(collections: &[&str], labels: &[&str]) -> Access {
    Access { collections: names(collections), labels: names(labels) }
}

/// Uploads and ingests a document of a collection for these labels, with two chunks.
async fn ingest(store: &dyn MetadataStore, collection: &str, name: &str, labels: &[&str]) -> Registered {
    let access = labels.iter().map(|label| (*label).to_owned()).collect();
    let upload = NewUpload { collection: collection.to_owned(), access, ..upload(name, name) };
    let registered = store.register_upload(upload).await.unwrap();
    let leased = lease_of(store, &registered).await;
    let commit = commit(registered.document_id, registered.version, 1, 2);
    let outcome = store.finish_ingest(registered.job_id, &leased.token, commit).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Active);
    registered
}

/// Documents of two collections with different labels, and their names.
async fn four(store: &dyn MetadataStore) -> [(Registered, &'static str); 4] {
    [
        (ingest(store, "a", "open.md", &[]).await, "open.md"),
        (ingest(store, "a", "hr.md", &["hr"]).await, "hr.md"),
        (ingest(store, "a", "both.md", &["board", "hr"]).await, "both.md"),
        (ingest(store, "b", "other.md", &["hr"]).await, "other.md"),
    ]
}

/// Who reads which of the four.
fn readers() -> Vec<(Access, Vec<&'static str>)> {
    vec![
        (Access::everything(), vec!["open.md", "hr.md", "both.md", "other.md"]),
        (Access::nothing(), vec![]),
        (reader(&["a"], &[]), vec!["open.md"]),
        (reader(&["a"], &["board"]), vec!["open.md", "both.md"]),
        (reader(&["a", "b"], &["hr", "no such"]), vec!["open.md", "hr.md", "both.md", "other.md"]),
        (reader(&["b", "c"], &["HR"]), vec![]),
        (Access { collections: names(&["b"]), ..Access::everything() }, vec!["other.md"]),
        (Access { labels: names(&["board"]), ..Access::everything() }, vec!["open.md", "both.md"]),
    ]
}

pub async fn documents_and_their_jobs_are_those_that_may_be_read(backend: &Backend) {
    let store = &*backend.store;
    let four = four(store).await;
    for (access, readable) in readers() {
        let query = DocumentQuery { access: access.clone(), limit: 10, ..DocumentQuery::default() };
        let listed = store.documents(query).await.unwrap().items;
        assert_eq!(listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), readable, "{access:?}");
        let query = JobQuery { access: access.clone(), limit: 10, ..JobQuery::default() };
        let jobs: Vec<_> = store.jobs(query).await.unwrap().items.into_iter().map(|job| job.id).collect();
        for (registered, name) in &four {
            let (document, job) = (registered.document_id, registered.job_id);
            assert_eq!(jobs.contains(&job), readable.contains(name), "{name} for {access:?}");
            if readable.contains(name) {
                assert_eq!(store.readable_document(document, &access).await.unwrap().name, *name);
                assert_eq!(store.readable_job(job, &access).await.unwrap().document_id, Some(document));
            } else {
                not_found(store.readable_document(document, &access).await);
                not_found(store.readable_job(job, &access).await);
            }
        }
    }
    let reindex = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    assert_eq!(store.readable_job(reindex, &Access::everything()).await.unwrap().kind, JobKind::Reindex);
    not_found(store.readable_job(reindex, &Access { collections: names(&["a"]), ..Access::everything() }).await);
    not_found(store.readable_job(reindex, &Access { labels: names(&["hr"]), ..Access::everything() }).await);
}

pub async fn collections_are_those_with_a_document_that_may_be_read(backend: &Backend) {
    let store = &*backend.store;
    four(store).await;
    store.register_upload(NewUpload { collection: "B-pending".to_owned(), ..upload("p.md", "p") }).await.unwrap();
    let read = async |after: Option<&str>, limit, access: &Access| {
        let found = store.readable_collections(after, limit, access).await.unwrap();
        found.into_iter().map(|one| (one.name, one.documents, one.answerable)).collect::<Vec<_>>()
    };
    let row = |name: &str, documents, answerable| (name.to_owned(), documents, answerable);
    let everything = Access::everything();
    // In the order of the code points, on both backends.
    let all = [row("B-pending", 1, 0), row("a", 3, 3), row("b", 1, 1)];
    assert_eq!(read(None, 10, &everything).await, all);
    assert_eq!(read(None, 2, &everything).await, all[..2]);
    assert_eq!(read(Some("a"), 2, &everything).await, all[2..]);
    assert_eq!(read(None, 10, &reader(&["a"], &["board"])).await, [row("a", 2, 2)]);
    assert_eq!(read(None, 10, &reader(&["b"], &[])).await, []);
    assert_eq!(read(None, 10, &Access::nothing()).await, []);
    invalid(store.readable_collections(None, 0, &everything).await);
    invalid(store.readable_collections(Some("a\0"), 10, &everything).await);
}

pub async fn chunks_are_those_of_documents_that_may_be_read(backend: &Backend) {
    let store = &*backend.store;
    let four = four(store).await;
    let mut wanted = Vec::new();
    for (registered, _) in &four {
        wanted.extend(ids(&store.chunks_of(registered.document_id).await.unwrap()));
    }
    for (access, readable) in readers() {
        let found = store.readable_chunks(1, &wanted, &access).await.unwrap();
        let of: Vec<_> = found.iter().map(|one| one.name.as_str()).collect();
        let twice: Vec<_> = readable.iter().flat_map(|name| [*name, *name]).collect();
        assert_eq!(of, twice, "{access:?}");
        let mut walked = Vec::new();
        let mut after = None;
        loop {
            let page = store.readable_chunks_after(1, after, 3, &access).await.unwrap();
            walked.extend(page.iter().map(|one| one.name.clone()));
            after = page.last().map(|one| (&one.chunk).into());
            if page.len() < 3 {
                break;
            }
        }
        assert_eq!(walked, twice, "{access:?}");
    }
}

pub async fn access_labels_are_a_documents_at_once_and_a_version_of_their_own(backend: &Backend) {
    let store = &*backend.store;
    let first = ingest(store, "a", "a.md", &["staff"]).await;
    let chunks = ids(&store.chunks_of(first.document_id).await.unwrap());
    let (staff, board) = (reader(&["a"], &["staff"]), reader(&["a"], &["board"]));
    assert_eq!(store.readable_chunks(1, &chunks, &staff).await.unwrap().len(), 2);
    // The same bytes for fewer readers: the version before is kept from the others although it is still the active one.
    let closer = NewUpload { collection: "a".to_owned(), access: vec!["board".to_owned()], ..upload("a.md", "a.md") };
    let second = store.register_upload(closer.clone()).await.unwrap();
    assert_eq!((second.document_id, second.version, second.duplicate), (first.document_id, 2, false));
    assert_eq!(store.readable_chunks(1, &chunks, &staff).await.unwrap(), []);
    assert_eq!(store.readable_chunks(1, &chunks, &board).await.unwrap().len(), 2);
    assert_eq!(store.version_source(first.document_id, 2).await.unwrap().access, ["board"]);
    assert!(store.register_upload(closer).await.unwrap().duplicate);
    assert_eq!(store.document(first.document_id).await.unwrap().access, ["board"]);
}

pub async fn a_document_that_the_uploader_may_not_read_is_not_replaced(backend: &Backend) {
    let store = &*backend.store;
    let kept = ingest(store, "a", "a.md", &["board"]).await;
    let upload =
        |bytes| NewUpload { collection: "a".to_owned(), replaces: reader(&["a"], &["staff"]), ..upload("a.md", bytes) };
    for bytes in ["other", "a.md"] {
        let refused = store.register_upload(upload(bytes)).await.unwrap_err();
        assert!(matches!(refused, MetadataStoreError::Forbidden(_)), "{refused:?}");
    }
    let document = store.document(kept.document_id).await.unwrap();
    assert_eq!((document.latest.version, document.access), (1, vec!["board".to_owned()]));
    for access in [vec!["b".to_owned(), "a".to_owned()], vec!["a".to_owned(), "a".to_owned()], vec![String::new()]] {
        invalid(store.register_upload(NewUpload { access, ..self::upload("b.md", "b") }).await);
    }
}

pub async fn a_forgotten_documents_jobs_are_those_of_its_collection(backend: &Backend) {
    let store = &*backend.store;
    let gone = ingest(store, "a", "a.md", &["hr"]).await;
    let purge = store.delete_document(gone.document_id).await.unwrap();
    not_found(store.readable_job(purge, &reader(&["a"], &["staff"])).await);
    assert_eq!(store.readable_job(purge, &reader(&["a"], &["hr"])).await.unwrap().id, purge);
    let leased = lease(store, JobKind::Purge).await;
    store.forget_document(gone.document_id).await.unwrap();
    store.succeed_job(leased.job.id, &leased.token).await.unwrap();
    assert_eq!(store.readable_job(purge, &reader(&["a"], &["hr"])).await.unwrap().id, purge);
    not_found(store.readable_job(purge, &reader(&["b"], &["hr"])).await);
}

pub async fn conversations_are_those_of_their_owner(backend: &Backend) {
    let store = &*backend.store;
    let one = store.create_conversation("a", Some("key_1")).await.unwrap().id;
    let other = store.create_conversation("a", Some("key_2")).await.unwrap().id;
    let nobodys = store.create_conversation("b", None).await.unwrap().id;
    let begun = ConversationId::new();
    let recorded = record(begun, true, "when", &[]);
    let conversation = recorded.conversation.map(|of| InConversation { owner: Some("key_1".to_owned()), ..of });
    store.record_outcome(OutcomeRecord { conversation, ..recorded }).await.unwrap();

    let listed = async |owner: Option<&str>, access: Access| {
        let owner = owner.map(str::to_owned);
        let query = ConversationQuery { owner, access, limit: 10, ..ConversationQuery::default() };
        store.conversations(query).await.unwrap().items.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, Access::everything()).await, [begun, nobodys, other, one]);
    assert_eq!(listed(Some("key_1"), Access::everything()).await, [begun, one]);
    assert_eq!(listed(Some("key_1"), reader(&["a"], &[])).await, [one], "the other asks the default collection");
    assert_eq!(listed(Some("key_3"), Access::everything()).await, []);
    let everything = Access::everything();
    assert_eq!(store.readable_conversation(one, Some("key_1"), &everything).await.unwrap().id, one);
    assert_eq!(store.readable_conversation(one, None, &everything).await.unwrap().id, one);
    not_found(store.readable_conversation(one, Some("key_2"), &everything).await);
    not_found(store.readable_conversation(nobodys, Some("key_1"), &everything).await);
    not_found(store.readable_conversation(one, Some("key_1"), &reader(&["b"], &[])).await);
}

pub async fn of_a_document_that_may_not_be_read_turns_show_its_ids_only(backend: &Backend) {
    let store = &*backend.store;
    let open = ingest(store, "default", "open.md", &[]).await.document_id;
    let closed = ingest(store, "default", "closed.md", &["board"]).await.document_id;
    let id = ConversationId::new();
    store.record_outcome(record(id, true, "when", &[open, closed])).await.unwrap();
    let whole = store.turns(id, 0, 10).await.unwrap();
    let board = reader(&["default"], &["board"]);
    assert_eq!(store.readable_turns(id, 0, 10, &board).await.unwrap(), whole);
    let shown = store.readable_turns(id, 0, 10, &reader(&["default"], &[])).await.unwrap();
    let (whole, shown) = (&whole[0].turn, &shown[0].turn);
    assert_eq!(whole.answer.as_deref(), Some("Sätze 0. Sätze 1."));
    assert_eq!(shown.answer.as_deref(), Some("Sätze 0."), "what rests on the closed document is left out");
    assert_eq!(shown.sources.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["0.md", ""]);
}

pub async fn unanswered_questions_are_those_of_collections_that_may_be_read(backend: &Backend) {
    let store = &*backend.store;
    let mut kept = Vec::new();
    for collection in ["a", "b"] {
        let question = unanswered("when", &[1.0]);
        kept.push(question.id);
        let recorded = record(ConversationId::new(), true, "when", &[]);
        let of = OutcomeRecord {
            collection: collection.to_owned(),
            conversation: None,
            unanswered: Some(question),
            ..recorded
        };
        store.record_outcome(of).await.unwrap();
    }
    let access = reader(&["b"], &[]);
    let query = UnansweredQuery { access: access.clone(), limit: 10, ..UnansweredQuery::default() };
    let (found, more) = store.open_questions(query).await.unwrap();
    assert_eq!((found.iter().map(|one| one.question.id).collect::<Vec<_>>(), more), (vec![kept[1]], 0));
    assert_eq!(store.readable_question(kept[1], &access).await.unwrap().outcome, OutcomeKind::Abstained);
    not_found(store.readable_question(kept[0], &access).await);
}
