//! Everything out of a store and into another one: what backups are made of.

use std::collections::VecDeque;

use async_trait::async_trait;
use footnote::{
    domain::{
        Access, AdapterPair, AdapterRole, ConversationId, DocumentId, JobKind, JobState, ReindexOptions, Verdict,
        VersionState,
    },
    metadata_store::{
        CommitOutcome, DocumentQuery, FeedbackQuery, JobQuery, MetadataStore, Record, RecordKind, RecordSink,
        RecordSource, StoreResult, UnansweredQuery,
    },
};

use super::{
    Backend, adapters, connectors,
    conversations::{document, purge, record, turns},
    feedback,
    fixtures::{HOUR, OVER, commit, conflict, ingest, jobs_of, lease, lease_of, not_found, sha256, upload},
    outcomes::{delivery, unanswered},
};

/// Keeps what is dumped.
#[derive(Default)]
struct Kept(Vec<Record>);

#[async_trait]
impl RecordSink for Kept {
    async fn take(&mut self, records: Vec<Record>) -> StoreResult<()> {
        assert!(records.iter().all(|record| record.kind() == records[0].kind()));
        self.0.extend(records);
        Ok(())
    }
}

/// Gives what was kept, in pages of three.
struct Given(VecDeque<Record>);

#[async_trait]
impl RecordSource for Given {
    async fn next(&mut self) -> StoreResult<Option<Vec<Record>>> {
        let Some(first) = self.0.pop_front() else { return Ok(None) };
        let mut page = vec![first];
        while page.len() < 3 && self.0.front().is_some_and(|next| next.kind() == page[0].kind()) {
            page.extend(self.0.pop_front());
        }
        Ok(Some(page))
    }
}

async fn dump(store: &dyn MetadataStore) -> Vec<Record> {
    let mut kept = Kept::default();
    store.dump(&mut kept).await.unwrap();
    assert!(kept.0.is_sorted_by_key(Record::kind), "kinds come in their order");
    kept.0
}

async fn load(store: &dyn MetadataStore, records: Vec<Record>) {
    store.begin_restore(&sha256("archive"), false).await.unwrap();
    store.load(&mut Given(records.into()), false).await.unwrap();
}

/// What a dump says, as it is written: the order of a JSON object's keys is no part of it.
fn lines(records: &[Record]) -> Vec<(RecordKind, serde_json::Value)> {
    let json = |record: &Record| serde_json::from_str(&record.to_json().unwrap()).unwrap();
    records.iter().map(|record| (record.kind(), json(record))).collect()
}

/// A store in which there is something of everything.
async fn fill(store: &dyn MetadataStore) -> [DocumentId; 2] {
    let (one, two) = (document(store, "one.md").await, document(store, "Zwei – 2.md").await);
    ingest(store, "one.md", "one, again", 3).await;
    let failing = store.register_upload(upload("broken.pdf", "broken")).await.unwrap();
    let leased = lease(store, JobKind::Ingest).await;
    store.fail_job(failing.job_id, &leased.token, "no pages\u{1F4A5}", None).await.unwrap();
    let gone = document(store, "gone.md").await;
    purge(store, gone).await;
    while let Some(leased) = store.lease_job(&[JobKind::Purge], HOUR).await.unwrap() {
        store.succeed_job(leased.job.id, &leased.token).await.unwrap();
    }
    let conversation = ConversationId::new();
    let mut first = record(conversation, true, "Both?", &[one, two]);
    first.unanswered = Some(unanswered("both", &[0.5, -1.5, f32::MIN_POSITIVE]));
    first.deliveries = vec![delivery("hook")];
    store.record_outcome(first).await.unwrap();
    store.record_outcome(record(conversation, false, "One?", &[one])).await.unwrap();
    store.create_conversation("elsewhere", None).await.unwrap();
    feedback::give(store, &[one, two], Verdict::BetterAnswer).await;
    let adapter = adapters::register(store, AdapterRole::Reader, "reader").await;
    let pair = AdapterPair { reader: Some(adapter.sha256.clone()), generator: None };
    store.record_evaluation(adapters::evaluation("run", "suite", &pair)).await.unwrap();
    adapters::promote(store, adapter.id, 0).await;
    store.roll_back_adapter(AdapterRole::Reader).await.unwrap();
    connectors::fill(store).await;
    store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    // Waiting, and running.
    store.register_upload(upload("waiting.md", "waiting")).await.unwrap();
    let running = lease(store, JobKind::Ingest).await;
    store.register_upload(upload("later.md", "later")).await.unwrap();
    assert_eq!(store.job(running.job.id).await.unwrap().state, JobState::Running);
    [one, two]
}

pub async fn the_last_attempt_at_a_job_is_made_again_after_a_restore(backend: &Backend) {
    let store = &*backend.store;
    let registered = store.register_upload(upload("a.md", "one")).await.unwrap();
    // Its workers were killed, all but the last.
    for attempt in 1..=3 {
        let held = if attempt < 3 { OVER } else { HOUR };
        let leased = store.lease_job(&[JobKind::Ingest], held).await.unwrap().unwrap();
        assert_eq!((leased.job.attempts, leased.job.max_attempts), (attempt, 3));
    }
    let dumped = dump(store).await;
    for other in Backend::others().await {
        load(&*other.store, dumped.clone()).await;
        let leased = lease_of(&*other.store, &registered).await;
        assert_eq!(leased.job.attempts, 3);
        let committed = commit(registered.document_id, 1, 1, 1);
        let outcome = other.store.finish_ingest(registered.job_id, &leased.token, committed).await.unwrap();
        assert_eq!(outcome, CommitOutcome::Active);
    }
}

pub async fn everything_is_dumped_and_loaded_the_same_on_either_backend(backend: &Backend) {
    let store = &*backend.store;
    fill(store).await;
    let dumped = dump(store).await;
    for kind in RecordKind::ALL {
        assert!(dumped.iter().any(|record| record.kind() == *kind), "nothing of {}", kind.as_str());
    }
    // Nothing is lost on the way through a file.
    let read = dumped.iter().map(|record| record.kind().parse(&record.to_json().unwrap()).unwrap());
    assert_eq!(read.collect::<Vec<_>>(), dumped);
    for other in Backend::others().await {
        load(&*other.store, dumped.clone()).await;
        assert_eq!(lines(&dump(&*other.store).await), lines(&dumped));
        let query = DocumentQuery { limit: 100, ..DocumentQuery::default() };
        assert_eq!(other.store.documents(query.clone()).await.unwrap(), store.documents(query).await.unwrap());
        assert_eq!(other.store.active_generation().await.unwrap(), store.active_generation().await.unwrap());
        let chunks = store.chunks_after(1, None, 100).await.unwrap();
        assert_eq!(other.store.chunks_after(1, None, 100).await.unwrap(), chunks);
        let query = UnansweredQuery { limit: 10, ..UnansweredQuery::default() };
        assert_eq!(
            other.store.open_questions(query.clone()).await.unwrap(),
            store.open_questions(query).await.unwrap()
        );
        let query = FeedbackQuery { limit: 10, ..FeedbackQuery::default() };
        assert_eq!(other.store.feedback_list(query.clone()).await.unwrap(), store.feedback_list(query).await.unwrap());
        // What ran is taken up again, and its numbers are not given twice.
        let waiting = jobs_of(&*other.store, JobKind::Ingest).await;
        assert_eq!(waiting.iter().filter(|job| job.state == JobState::Queued).count(), 2);
        let again = lease(&*other.store, JobKind::Ingest).await;
        assert_eq!((again.job.state, again.job.attempts), (JobState::Running, 1));
        let reindex = lease(&*other.store, JobKind::Reindex).await;
        let stamp = super::fixtures::stamp("second");
        assert_eq!(other.store.begin_generation(reindex.job.id, &reindex.token, &stamp).await.unwrap().number, 2);
    }
}

/// Writes to the store when the first records arrive.
struct Interfering<'a> {
    store: &'a dyn MetadataStore,
    delete: Option<DocumentId>,
    kept: Kept,
}

#[async_trait]
impl RecordSink for Interfering<'_> {
    async fn take(&mut self, records: Vec<Record>) -> StoreResult<()> {
        if let Some(document) = self.delete.take() {
            self.store.delete_document(document).await?;
            self.store.forget_document(document).await?;
            self.store.register_upload(upload("late.md", "late")).await?;
        }
        self.kept.take(records).await
    }
}

pub async fn a_dump_is_of_one_moment(backend: &Backend) {
    let store = &*backend.store;
    let [one, _] = fill(store).await;
    let before = dump(store).await;
    let mut sink = Interfering { store, delete: Some(one), kept: Kept::default() };
    store.dump(&mut sink).await.unwrap();
    assert_eq!(sink.kept.0, before);
    not_found(store.document(one).await);
}

pub async fn of_a_deleted_document_nothing_is_dumped_but_its_deletion(backend: &Backend) {
    let store = &*backend.store;
    let (secret, other) = (document(store, "secret.md").await, document(store, "other.md").await);
    let id = ConversationId::new();
    let mut both = record(id, true, "Both?", &[secret, other]);
    both.deliveries = vec![delivery("hook")];
    both.unanswered = Some(unanswered("both", &[1.0]));
    store.record_outcome(both).await.unwrap();
    let said = feedback::give(store, &[secret, other], Verdict::BetterAnswer).await;
    store.delete_document(secret).await.unwrap();
    // Its purge has not run.
    let dumped = dump(store).await;
    let text: String = dumped.iter().map(|record| record.to_json().unwrap()).collect();
    for words in ["secret.md", "0.md", "Sätze 0", "as understood", "Zürich", "Größe 0", "größer", "in the hall"] {
        assert!(!text.contains(words), "{words} in {text}");
    }
    assert!(text.contains("Sätze 1") && text.contains("1.md") && text.contains("Größe 1"), "{text}");
    let deletions: Vec<_> = dumped.iter().filter(|record| record.kind() == RecordKind::Deletion).collect();
    assert!(matches!(&deletions[..], [Record::Deletion(one)] if one.document_id == secret), "{deletions:?}");
    for target in Backend::others().await {
        load(&*target.store, dumped.clone()).await;
        let shown = turns(&*target.store, id).await;
        assert_eq!(shown, turns(store, id).await);
        let read =
            async |store: &dyn MetadataStore| store.readable_feedback(said.id, None, &Access::everything()).await;
        assert_eq!(read(&*target.store).await.unwrap(), read(store).await.unwrap());
        let query = JobQuery { kind: Some(JobKind::Deliver), limit: 10, ..JobQuery::default() };
        let jobs = target.store.jobs(query).await.unwrap().items;
        assert_eq!(jobs.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Cancelled]);
    }
}

pub async fn a_store_that_holds_something_is_not_filled(backend: &Backend) {
    let store = &*backend.store;
    let dumped = dump(store).await;
    conflict(store.load(&mut Given(dumped.clone().into()), false).await);
    store.create_conversation("default", None).await.unwrap();
    conflict(store.begin_restore(&sha256("archive"), false).await);
    assert_eq!(store.restore_under_way().await.unwrap(), None);
    let one = document(store, "one.md").await;
    store.delete_document(one).await.unwrap();
    let (reindex, number) = super::fixtures::reindex(store, "second").await;
    store.swap_generation(reindex.job.id, &reindex.token, number).await.unwrap();
    let trace = feedback::trace("Anything?", &[]);
    let answer = trace.outcome.id;
    assert!(store.keep_trace(feedback::kept(None, None, trace)).await.unwrap());
    // Replaced: what was deleted is not forgotten, and no number is given twice.
    store.begin_restore(&sha256("archive"), true).await.unwrap();
    let said = store.give_feedback(feedback::said(answer, Verdict::Right), None, &Access::everything()).await;
    not_found(said);
    assert_eq!(store.counts().await.unwrap(), Default::default());
    store.load(&mut Given(dumped.into()), true).await.unwrap();
    assert_eq!(store.deletions(None, 10).await.unwrap()[0].document_id, one);
    assert_eq!(store.active_generation().await.unwrap().unwrap().number, 1);
    let reindex = lease(store, JobKind::Reindex).await;
    let stamp = super::fixtures::stamp("third");
    assert_eq!(store.begin_generation(reindex.job.id, &reindex.token, &stamp).await.unwrap().number, number + 1);
}

pub async fn a_restore_that_has_not_ended_is_said_and_begun_again(backend: &Backend) {
    let store = &*backend.store;
    let [source, _] = Backend::others().await;
    fill(&*source.store).await;
    let dumped = dump(&*source.store).await;
    store.begin_restore(&sha256("first"), false).await.unwrap();
    let under_way = store.restore_under_way().await.unwrap().unwrap();
    assert_eq!(under_way.archive, sha256("first"));
    assert_eq!(backend.elsewhere().await.restore_under_way().await.unwrap(), Some(under_way));
    // What breaks in the middle leaves nothing.
    let mut broken = dumped.clone();
    let doubled = broken.iter().find(|record| record.kind() == RecordKind::Chunk).unwrap().clone();
    let place = broken.iter().rposition(|record| record.kind() == RecordKind::Chunk).unwrap();
    broken.insert(place, doubled);
    assert!(store.load(&mut Given(broken.into()), false).await.is_err());
    assert_eq!(store.counts().await.unwrap().documents, 0);
    assert!(store.restore_under_way().await.unwrap().is_some());
    store.begin_restore(&sha256("second"), false).await.unwrap();
    store.load(&mut Given(dumped.clone().into()), false).await.unwrap();
    assert_eq!(store.restore_under_way().await.unwrap(), None);
    assert_eq!(lines(&dump(store).await), lines(&dumped));
}

pub async fn what_is_loaded_without_its_document_is_taken_out(backend: &Backend) {
    let store = &*backend.store;
    let [source, _] = Backend::others().await;
    let (one, two) = (document(&*source.store, "one.md").await, document(&*source.store, "two.md").await);
    let id = ConversationId::new();
    let mut both = record(id, true, "Both?", &[one, two]);
    both.deliveries = vec![delivery("hook")];
    source.store.record_outcome(both).await.unwrap();
    feedback::give(&*source.store, &[one, two], Verdict::Right).await;
    let waiting = source.store.register_upload(upload("one.md", "again")).await.unwrap();
    assert_eq!(waiting.document_id, one);
    let about_one = |record: &Record| match record {
        Record::Document(document) => document.id == one,
        Record::Version(version) => version.document_id == one,
        Record::Entry(entry) => entry.document_id == one,
        Record::Chunk(chunk) => chunk.document_id == one,
        _ => false,
    };
    let records: Vec<_> = dump(&*source.store).await.into_iter().filter(|record| !about_one(record)).collect();
    load(store, records).await;
    let shown = turns(store, id).await;
    assert_eq!(shown[0].turn.answer.as_deref(), Some("Sätze 1."));
    assert_eq!(shown[0].turn.sources[0].name, "");
    // Not only not shown.
    let text: String = dump(store).await.iter().map(|record| record.to_json().unwrap()).collect();
    assert!(!text.contains("Sätze 0") && !text.contains("Zürich") && !text.contains("Größe 0"), "{text}");
    assert!(text.contains("Größe 1"), "{text}");
    assert_eq!(store.job(waiting.job_id).await.unwrap().state, JobState::Cancelled);
    assert_eq!(store.counts().await.unwrap().open_jobs, 0);
    assert_eq!(store.document(two).await.unwrap().latest.state, VersionState::Active);
}

pub async fn deletions_are_kept_for_ever_and_listed_in_pages(backend: &Backend) {
    let store = &*backend.store;
    assert_eq!(store.deletions(None, 10).await.unwrap(), []);
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let id = document(store, name).await;
        purge(store, id).await;
        ids.push(id);
    }
    let listed = async |after, limit| {
        let page = backend.elsewhere().await.deletions(after, limit).await.unwrap();
        page.into_iter().map(|deletion| deletion.document_id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 2).await, ids[..2]);
    assert_eq!(listed(Some(ids[1]), 2).await, ids[2..]);
    super::fixtures::invalid(store.deletions(None, 0).await);
    not_found(store.delete_document(ids[0]).await);
    assert_eq!(listed(None, 10).await, ids);
}

pub async fn originals_are_known_while_any_version_refers_to_them(backend: &Backend) {
    let store = &*backend.store;
    let one = ingest(store, "one.md", "first", 1).await.document_id;
    ingest(store, "one.md", "second", 1).await;
    let sums = ["first", "second", "third"].map(sha256).to_vec();
    let known = async || store.known_blobs(&sums).await.unwrap();
    let mut expected = sums[..2].to_vec();
    expected.sort();
    assert_eq!(known().await, expected);
    store.delete_document(one).await.unwrap();
    assert_eq!(known().await, expected);
    store.forget_document(one).await.unwrap();
    assert_eq!(known().await, Vec::<String>::new());
}
