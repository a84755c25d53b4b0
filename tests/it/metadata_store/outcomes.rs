//! What is recorded of outcomes: unanswered questions, and what is on its way to webhooks.

use chrono::{TimeDelta, Utc};
use footnote::{
    domain::{
        AnswerId, ChunkId, DocumentId, JobId, JobKind, JobStage, JobState, NearPassage, OutcomeKind, UnansweredId,
        UnansweredState,
    },
    metadata_store::{JobQuery, MetadataStore, NewDelivery, NewUnanswered, OutcomeRecord, UnansweredQuery},
};

use super::{
    Backend,
    fixtures::{HOUR, conflict, ingest, invalid, lease, not_found},
};

/// A delivery to this webhook.
pub fn delivery(webhook: &str) -> NewDelivery {
    NewDelivery { job: JobId::new(), webhook: webhook.to_owned(), body: "{\"a\":  \"Zürich\"}".to_owned() }
}

/// A question to be kept.
pub fn unanswered(asked_as: &str, vector: &[f32]) -> NewUnanswered {
    let document_id = DocumentId::new();
    NewUnanswered {
        id: UnansweredId::new(),
        question: format!("{asked_as}?"),
        interpreted: Some(format!("{asked_as}, as understood")),
        asked_as: asked_as.to_owned(),
        outcome: OutcomeKind::Abstained,
        nearest: vec![NearPassage { document_id, chunk_id: ChunkId::derive(document_id, 1, 1, 0), score: 0.25 }],
        embedder: "embedder@1".to_owned(),
        vector: vector.to_vec(),
    }
}

fn record(collection: &str) -> OutcomeRecord {
    OutcomeRecord {
        answer_id: AnswerId::new(),
        collection: collection.to_owned(),
        conversation: None,
        documents: vec![],
        confidence: 0.125,
        unanswered: None,
        settles: None,
        deliveries: vec![],
    }
}

async fn keep(store: &dyn MetadataStore, collection: &str, asked_as: &str) -> UnansweredId {
    let kept = unanswered(asked_as, &[0.5, -1.5]);
    let id = kept.id;
    store.record_outcome(OutcomeRecord { unanswered: Some(kept), ..record(collection) }).await.unwrap();
    id
}

async fn send(store: &dyn MetadataStore, documents: &[DocumentId]) -> JobId {
    let sent = delivery("hook");
    let job = sent.job;
    let record = OutcomeRecord { deliveries: vec![sent], documents: documents.to_vec(), ..record("default") };
    store.record_outcome(record).await.unwrap();
    job
}

async fn open(store: &dyn MetadataStore, collection: Option<&str>, limit: u32) -> (Vec<UnansweredId>, u64) {
    let query = UnansweredQuery { collection: collection.map(str::to_owned), limit, ..UnansweredQuery::default() };
    let (open, more) = store.open_questions(query).await.unwrap();
    (open.into_iter().map(|one| one.question.id).collect(), more)
}

pub async fn a_kept_question_comes_back_as_it_was(backend: &Backend) {
    let store = &*backend.store;
    let kept = unanswered("when", &[0.1, f32::MIN_POSITIVE, -3.5e8]);
    let record = OutcomeRecord { unanswered: Some(kept.clone()), ..record("manual") };
    store.record_outcome(record.clone()).await.unwrap();
    let query = UnansweredQuery { limit: 10, ..UnansweredQuery::default() };
    let (found, more) = backend.elsewhere().await.open_questions(query).await.unwrap();
    let [found] = &found[..] else { panic!("{found:?}") };
    assert_eq!((more, &found.vector, &found.embedder), (0, &kept.vector, &kept.embedder));
    let question = &found.question;
    assert_eq!((question.id, question.answer_id, question.conversation_id), (kept.id, record.answer_id, None));
    assert_eq!((&question.question, &question.interpreted), (&kept.question, &kept.interpreted));
    assert_eq!((question.outcome, question.confidence, &question.nearest), (kept.outcome, 0.125, &kept.nearest));
    assert_eq!((question.collection.as_str(), question.state), ("manual", UnansweredState::Open));
    assert_eq!(store.unanswered_question(kept.id).await.unwrap(), *question);
    not_found(store.unanswered_question(UnansweredId::new()).await);
}

pub async fn open_questions_are_read_newest_first_and_the_rest_is_counted(backend: &Backend) {
    let store = &*backend.store;
    let mut ids = Vec::new();
    for collection in ["a", "b", "a", "a"] {
        ids.push(keep(store, collection, "same").await);
    }
    assert_eq!(open(store, None, 10).await, (vec![ids[3], ids[2], ids[1], ids[0]], 0));
    assert_eq!(open(store, Some("a"), 2).await, (vec![ids[3], ids[2]], 1));
    assert_eq!(open(store, Some("c"), 2).await, (vec![], 0));
    for limit in [0, 10_001] {
        invalid(store.open_questions(UnansweredQuery { limit, ..UnansweredQuery::default() }).await);
    }
}

pub async fn questions_are_settled_once_by_a_person_or_by_an_answer(backend: &Backend) {
    let store = &*backend.store;
    let (one, two) = (keep(store, "a", "when").await, keep(store, "a", "where").await);
    let (three, other) = (keep(store, "a", "when").await, keep(store, "b", "when").await);
    let answered = OutcomeRecord { settles: Some("when".to_owned()), ..record("a") };
    store.record_outcome(answered).await.unwrap();
    assert_eq!(open(store, None, 10).await.0, [other, two]);
    assert_eq!(store.unanswered_question(one).await.unwrap().state, UnansweredState::Answered);
    let ids = [one, two, three, UnansweredId::new()];
    assert_eq!(store.settle_questions(&ids, UnansweredState::Dismissed).await.unwrap(), 1);
    assert_eq!(store.settle_questions(&ids, UnansweredState::Dismissed).await.unwrap(), 0);
    assert_eq!(store.unanswered_question(one).await.unwrap().state, UnansweredState::Answered);
    assert_eq!(store.unanswered_question(two).await.unwrap().state, UnansweredState::Dismissed);
    assert_eq!(open(store, None, 10).await.0, [other]);
}

pub async fn a_delivery_is_a_job_whose_body_goes_when_it_has_arrived(backend: &Backend) {
    let store = &*backend.store;
    let job = send(store, &[]).await;
    let queued = store.job(job).await.unwrap();
    assert_eq!(
        (queued.kind, queued.state, queued.webhook.as_deref()),
        (JobKind::Deliver, JobState::Queued, Some("hook"))
    );
    // Byte for byte.
    assert_eq!(store.delivery_body(job).await.unwrap().as_deref(), Some("{\"a\":  \"Zürich\"}"));
    assert_eq!(store.lease_job(&[JobKind::Ingest, JobKind::Purge, JobKind::Reindex], HOUR).await.unwrap(), None);
    let leased = lease(store, JobKind::Deliver).await;
    assert_eq!(leased.job.id, job);
    store.heartbeat(job, &leased.token, HOUR, JobStage::Deliver, 0.0).await.unwrap();
    assert_eq!(store.job(job).await.unwrap().stage, JobStage::Deliver);
    store.fail_job(job, &leased.token, "status 500", Some(Utc::now())).await.unwrap();
    assert!(store.delivery_body(job).await.unwrap().is_some());
    let leased = lease(store, JobKind::Deliver).await;
    assert_eq!((leased.job.attempts, leased.job.error.as_deref()), (2, Some("status 500")));
    store.succeed_job(job, &leased.token).await.unwrap();
    assert_eq!(store.delivery_body(job).await.unwrap(), None);
    let query = JobQuery { kind: Some(JobKind::Deliver), limit: 10, ..JobQuery::default() };
    let [ended] = &store.jobs(query).await.unwrap().items[..] else { panic!("one job") };
    assert_eq!((ended.id, ended.state), (job, JobState::Succeeded));
}

pub async fn what_did_not_arrive_is_retried_while_its_body_is_kept(backend: &Backend) {
    let store = &*backend.store;
    let job = send(store, &[]).await;
    for _ in 0..2 {
        let leased = lease(store, JobKind::Deliver).await;
        store.fail_job(job, &leased.token, "status 404", None).await.unwrap();
        assert_eq!(store.job(job).await.unwrap().state, JobState::Failed);
        assert_eq!(store.retry_job(job).await.unwrap().state, JobState::Queued);
    }
    assert_eq!(store.cancel_job(job).await.unwrap().state, JobState::Cancelled);
    let waiting = send(store, &[]).await;
    assert_eq!(store.forget_deliveries(Utc::now() - TimeDelta::days(1)).await.unwrap(), 0);
    assert_eq!(store.forget_deliveries(Utc::now() + TimeDelta::days(1)).await.unwrap(), 1);
    conflict(store.retry_job(job).await);
    assert!(store.delivery_body(waiting).await.unwrap().is_some());
}

pub async fn a_delivery_that_quotes_a_deleted_document_is_not_sent(backend: &Backend) {
    let store = &*backend.store;
    let [quoted, other] = [ingest(store, "a.md", "a", 1).await, ingest(store, "b.md", "b", 1).await];
    let job = send(store, &[quoted.document_id, other.document_id]).await;
    let beside = send(store, &[other.document_id]).await;
    store.delete_document(quoted.document_id).await.unwrap();
    // From this moment on, and not only when the purge has run.
    assert_eq!(store.delivery_body(job).await.unwrap(), None);
    assert_eq!(store.job(job).await.unwrap().state, JobState::Queued);
    assert!(!store.take_out_document(quoted.document_id).await.unwrap());
    let ended = store.job(job).await.unwrap();
    assert_eq!(ended.state, JobState::Cancelled);
    assert!(ended.error.unwrap().contains("deleted"));
    conflict(store.retry_job(job).await);
    assert!(store.delivery_body(beside).await.unwrap().is_some());
}

pub async fn what_cannot_be_recorded_is_refused_and_leaves_nothing(backend: &Backend) {
    let store = &*backend.store;
    type Spoil = fn(&mut OutcomeRecord);
    let cases: [Spoil; 6] = [
        |one| one.collection = String::new(),
        |one| one.confidence = f32::NAN,
        |one| one.confidence = 1.5,
        |one| one.deliveries[0].webhook = " ".to_owned(),
        |one| one.unanswered.as_mut().unwrap().vector.push(f32::INFINITY),
        |one| one.unanswered.as_mut().unwrap().question.push('\0'),
    ];
    for spoil in cases {
        let whole = OutcomeRecord { unanswered: Some(unanswered("x", &[1.0])), ..record("default") };
        let mut spoilt = OutcomeRecord { deliveries: vec![delivery("hook")], ..whole };
        spoil(&mut spoilt);
        invalid(store.record_outcome(spoilt).await);
    }
    // A job that is there already: the database itself says no, and the question before it is not kept either.
    let taken = send(store, &[]).await;
    let mut twice = OutcomeRecord { unanswered: Some(unanswered("x", &[1.0])), ..record("default") };
    twice.deliveries = vec![NewDelivery { job: taken, ..delivery("hook") }];
    assert!(store.record_outcome(twice).await.is_err());
    assert_eq!(open(store, None, 10).await, (vec![], 0));
    assert_eq!(store.counts().await.unwrap().open_jobs, 1);
}
