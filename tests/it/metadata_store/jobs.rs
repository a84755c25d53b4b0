//! The queue, one caller at a time.

use chrono::{TimeDelta, Utc};
use footnote::{
    domain::{JobId, JobKind, JobPriority, JobStage, JobState, ReindexOptions, VersionState},
    metadata_store::{JobQuery, LeasedJob, MetadataStore, NewUpload, Registered},
};
use serde_json::json;

use super::{
    Backend,
    fixtures::{
        HOUR, OVER, commit, conflict, ingest, invalid, jobs_of, lease, lease_lost, lease_of, not_found, upload,
    },
};

async fn uploaded(store: &dyn MetadataStore, name: &str) -> Registered {
    store.register_upload(upload(name, name)).await.unwrap()
}

async fn lease_over(store: &dyn MetadataStore) -> Option<LeasedJob> {
    store.lease_job(&[JobKind::Ingest], OVER).await.unwrap()
}

async fn version_state(store: &dyn MetadataStore, registered: &Registered) -> VersionState {
    store.document(registered.document_id).await.unwrap().latest.state
}

pub async fn the_oldest_job_of_the_kinds_is_leased(backend: &Backend) {
    let store = &*backend.store;
    let deleted = ingest(store, "gone.md", "x", 1).await.document_id;
    let first = uploaded(store, "a.md").await;
    let purge = store.delete_document(deleted).await.unwrap();
    let second = uploaded(store, "b.md").await;
    let reindex = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();

    assert_eq!(store.lease_job(&[], HOUR).await.unwrap(), None);
    assert_eq!(lease(store, JobKind::Reindex).await.job.id, reindex);
    let mut order = Vec::new();
    while let Some(leased) = store.lease_job(&[JobKind::Ingest, JobKind::Purge], HOUR).await.unwrap() {
        assert_eq!((leased.job.state, leased.job.attempts), (JobState::Running, 1));
        assert_eq!(store.job(leased.job.id).await.unwrap(), leased.job);
        order.push(leased.job.id);
    }
    assert_eq!(order, [first.job_id, purge, second.job_id]);
}

pub async fn the_queue_is_counted_by_kind_and_state(backend: &Backend) {
    let store = &*backend.store;
    assert_eq!(store.queue().await.unwrap(), []);
    for name in ["a.md", "b.md", "c.md"] {
        uploaded(store, name).await;
    }
    let running = lease(store, JobKind::Ingest).await;
    let later = lease(store, JobKind::Ingest).await;
    let retry_at = Some(Utc::now() + TimeDelta::hours(1));
    store.fail_job(later.job.id, &later.token, "not now", retry_at).await.unwrap();
    let reindex = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    let queue = store.queue().await.unwrap();
    let kinds: Vec<_> = queue.iter().map(|kind| (kind.kind, kind.due, kind.later, kind.running)).collect();
    assert_eq!(kinds, [(JobKind::Ingest, 1, 1, 1), (JobKind::Reindex, 1, 0, 0)]);
    assert!(queue[0].oldest_due_seconds > 0.0, "{queue:?}");
    assert!(queue.iter().all(|kind| kind.oldest_due_seconds < 3_600.0), "{queue:?}");
    // What has ended is not in the queue, and without a job that is due nothing is old.
    store.cancel_job(reindex).await.unwrap();
    while let Some(leased) = store.lease_job(&[JobKind::Ingest], HOUR).await.unwrap() {
        store.cancel_job(leased.job.id).await.unwrap();
    }
    store.cancel_job(running.job.id).await.unwrap();
    let queue = store.queue().await.unwrap();
    let [left] = &queue[..] else { panic!("{queue:?}") };
    assert_eq!((left.kind, left.due, left.later, left.running), (JobKind::Ingest, 0, 1, 0));
    assert_eq!(left.oldest_due_seconds, 0.0);
}

pub async fn a_job_of_high_priority_goes_first_and_none_waits_for_ever(backend: &Backend) {
    let store = &*backend.store;
    let mut jobs = Vec::new();
    for (name, priority) in [
        ("low.md", JobPriority::Low),
        ("normal.md", JobPriority::Normal),
        ("low-2.md", JobPriority::Low),
        ("high.md", JobPriority::High),
        ("normal-2.md", JobPriority::Normal),
    ] {
        let registered = store.register_upload(NewUpload { priority, ..upload(name, name) }).await.unwrap();
        assert_eq!(store.job(registered.job_id).await.unwrap().priority, priority);
        jobs.push(registered.job_id);
    }
    let mut order = Vec::new();
    while let Some(leased) = store.lease_job(&[JobKind::Ingest], HOUR).await.unwrap() {
        order.push(leased.job.id);
    }
    assert_eq!(order, [jobs[3], jobs[1], jobs[4], jobs[0], jobs[2]]);
    // The waiting is bounded: a place is a time.
    assert!(JobPriority::Low.waits_for_others() < std::time::Duration::from_secs(8 * 24 * 3_600));
}

pub async fn a_report_is_kept_when_the_job_has_ended(backend: &Backend) {
    let store = &*backend.store;
    let purge = store.delete_document(ingest(store, "gone.md", "x", 1).await.document_id).await.unwrap();
    let leased = lease(store, JobKind::Purge).await;
    assert_eq!(leased.job.report, None);
    for report in [json!({"vectors": 1}), json!({"vectors": 2, "é": [null]})] {
        store.report_job(purge, &leased.token, &report).await.unwrap();
        assert_eq!(store.job(purge).await.unwrap().report, Some(report));
    }
    invalid(store.report_job(purge, &leased.token, &json!(["no object"])).await);
    invalid(store.report_job(purge, &leased.token, &json!({"long": "x".repeat(70_000)})).await);
    lease_lost(store.report_job(purge, "no token", &json!({})).await, purge);
    store.succeed_job(purge, &leased.token).await.unwrap();
    assert_eq!(store.job(purge).await.unwrap().report.unwrap()["vectors"], 2);
    lease_lost(store.report_job(purge, &leased.token, &json!({})).await, purge);
}

pub async fn an_expired_lease_is_taken_over_and_its_holder_has_lost_it(backend: &Backend) {
    let store = &*backend.store;
    let registered = uploaded(store, "a.md").await;
    let job = registered.job_id;
    let first = lease_over(store).await.unwrap();
    // Nobody has taken it yet: the holder may go on.
    store.heartbeat(job, &first.token, OVER, JobStage::Extract, 0.1).await.unwrap();
    let second = lease(store, JobKind::Ingest).await;
    assert_eq!((second.job.id, second.job.attempts, second.job.stage), (job, 2, JobStage::Waiting));
    assert_eq!(store.lease_job(&[JobKind::Ingest], HOUR).await.unwrap(), None);

    let token = &first.token;
    lease_lost(store.heartbeat(job, token, HOUR, JobStage::Embed, 0.5).await, job);
    lease_lost(store.fail_job(job, token, "late", None).await, job);
    lease_lost(store.succeed_job(job, token).await, job);
    lease_lost(store.release_job(job, token).await, job);
    lease_lost(store.finish_ingest(job, token, commit(registered.document_id, 1, 1, 1)).await, job);
    assert_eq!(store.job(job).await.unwrap(), second.job);
}

pub async fn a_heartbeat_extends_the_lease_and_says_where_the_job_stands(backend: &Backend) {
    let store = &*backend.store;
    let job = uploaded(store, "a.md").await.job_id;
    let leased = lease_over(store).await.unwrap();
    store.heartbeat(job, &leased.token, HOUR, JobStage::Embed, 0.25).await.unwrap();
    assert_eq!(lease_over(store).await, None, "the heartbeat has made it an hour");
    let now = store.job(job).await.unwrap();
    assert_eq!((now.stage, now.progress), (JobStage::Embed, 0.25));
    assert!(now.updated_at >= leased.job.updated_at);
    for progress in [-0.1, 1.5, f32::NAN] {
        invalid(store.heartbeat(job, &leased.token, HOUR, JobStage::Store, progress).await);
    }
    lease_lost(store.heartbeat(job, "no token", HOUR, JobStage::Store, 0.5).await, job);
    assert_eq!(store.job(job).await.unwrap(), now);
}

pub async fn a_job_that_used_up_its_attempts_fails_with_its_version(backend: &Backend) {
    let store = &*backend.store;
    let registered = uploaded(store, "a.md").await;
    let attempts = store.job(registered.job_id).await.unwrap().max_attempts;
    for attempt in 1..=attempts {
        assert_eq!(lease_over(store).await.unwrap().job.attempts, attempt);
    }
    assert_eq!(lease_over(store).await, None);
    let job = store.job(registered.job_id).await.unwrap();
    assert_eq!((job.state, job.stage, job.attempts), (JobState::Failed, JobStage::Done, attempts));
    assert!(job.error.unwrap().contains("the worker stopped"));
    assert_eq!(version_state(store, &registered).await, VersionState::Failed);
}

pub async fn what_killed_attempts_left_is_purged_unless_it_is_begun_again(backend: &Backend) {
    let store = &*backend.store;
    let registered = uploaded(store, "a.md").await;
    let use_up = async || while lease_over(store).await.is_some() {};
    use_up().await;
    let purge = jobs_of(store, JobKind::Purge).await.remove(0);
    assert_eq!((purge.document_id, purge.version), (Some(registered.document_id), Some(1)));
    assert_eq!(purge.state, JobState::Queued);
    // Begun again before the purge was: the purge must not take what the new attempt writes.
    store.retry_job(registered.job_id).await.unwrap();
    assert_eq!(store.job(purge.id).await.unwrap().state, JobState::Cancelled);
    use_up().await;
    let purge = lease(store, JobKind::Purge).await;
    conflict(store.retry_job(registered.job_id).await);
    assert_eq!(store.job(registered.job_id).await.unwrap().state, JobState::Failed);
    store.succeed_job(purge.job.id, &purge.token).await.unwrap();
    assert_eq!(store.retry_job(registered.job_id).await.unwrap().state, JobState::Queued);
    assert_eq!(jobs_of(store, JobKind::Purge).await.len(), 2);
}

pub async fn an_exhausted_job_does_not_keep_others_waiting(backend: &Backend) {
    let store = &*backend.store;
    let hopeless = uploaded(store, "a.md").await.job_id;
    while store.job(hopeless).await.unwrap().attempts < store.job(hopeless).await.unwrap().max_attempts {
        lease_over(store).await.unwrap();
    }
    let next = uploaded(store, "b.md").await.job_id;
    assert_eq!(lease(store, JobKind::Ingest).await.job.id, next, "the same call fails one and leases the other");
    assert_eq!(store.job(hopeless).await.unwrap().state, JobState::Failed);
}

pub async fn a_failed_attempt_is_repeated_when_it_is_due(backend: &Backend) {
    let store = &*backend.store;
    let registered = uploaded(store, "a.md").await;
    let job = registered.job_id;
    let leased = lease_of(store, &registered).await;
    store.fail_job(job, &leased.token, "model is\0away", Some(Utc::now())).await.unwrap();
    let queued = store.job(job).await.unwrap();
    assert_eq!((queued.state, queued.stage, queued.attempts), (JobState::Queued, JobStage::Waiting, 1));
    assert_eq!(queued.error.as_deref(), Some("model is\\0away"));
    assert_eq!(version_state(store, &registered).await, VersionState::Pending);
    lease_lost(store.fail_job(job, &leased.token, "again", None).await, job);

    let leased = lease_of(store, &registered).await;
    let later = Utc::now() + TimeDelta::hours(1);
    store.fail_job(job, &leased.token, "model is away", Some(later)).await.unwrap();
    assert_eq!(store.lease_job(&[JobKind::Ingest], HOUR).await.unwrap(), None, "it is not due");
    assert_eq!(store.job(job).await.unwrap().state, JobState::Queued);
}

pub async fn a_job_that_waits_for_a_store_uses_up_no_attempt(backend: &Backend) {
    let store = &*backend.store;
    let job = uploaded(store, "a.md").await.job_id;
    for _ in 0..5 {
        let leased = lease(store, JobKind::Ingest).await;
        assert_eq!((leased.job.id, leased.job.attempts), (job, 1));
        lease_lost(store.postpone_job(job, "no token", "away", Utc::now()).await, job);
        let past = Utc::now() - TimeDelta::seconds(1);
        store.postpone_job(job, &leased.token, "the vector store is away", past).await.unwrap();
        let waiting = store.job(job).await.unwrap();
        assert_eq!((waiting.state, waiting.attempts), (JobState::Queued, 0));
        assert_eq!(waiting.error.as_deref(), Some("the vector store is away"));
        lease_lost(store.postpone_job(job, &leased.token, "late", past).await, job);
    }
    let leased = lease(store, JobKind::Ingest).await;
    store.postpone_job(job, &leased.token, "away", Utc::now() + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(store.lease_job(&[JobKind::Ingest], HOUR).await.unwrap(), None, "it is not due yet");
}

pub async fn a_failure_for_good_fails_the_version(backend: &Backend) {
    let store = &*backend.store;
    let registered = uploaded(store, "a.md").await;
    let leased = lease_of(store, &registered).await;
    store.fail_job(registered.job_id, &leased.token, "not a PDF", None).await.unwrap();
    let job = store.job(registered.job_id).await.unwrap();
    assert_eq!((job.state, job.error.as_deref()), (JobState::Failed, Some("not a PDF")));
    assert_eq!(version_state(store, &registered).await, VersionState::Failed);

    // Also with a time for a retry, once the attempts are used up.
    let registered = uploaded(store, "b.md").await;
    loop {
        let leased = lease_of(store, &registered).await;
        let last = leased.job.attempts == leased.job.max_attempts;
        store.fail_job(registered.job_id, &leased.token, "away", Some(Utc::now())).await.unwrap();
        let state = store.job(registered.job_id).await.unwrap().state;
        assert_eq!(state, if last { JobState::Failed } else { JobState::Queued });
        if last {
            break;
        }
    }
    assert_eq!(version_state(store, &registered).await, VersionState::Failed);
}

pub async fn a_release_does_not_count(backend: &Backend) {
    let store = &*backend.store;
    let registered = uploaded(store, "a.md").await;
    let job = registered.job_id;
    for _ in 0..20 {
        let leased = lease_of(store, &registered).await;
        assert_eq!(leased.job.attempts, 1);
        store.release_job(job, &leased.token).await.unwrap();
        lease_lost(store.release_job(job, &leased.token).await, job);
    }
    let job = store.job(job).await.unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
}

pub async fn a_cancelled_job_loses_its_lease_and_its_version(backend: &Backend) {
    let store = &*backend.store;
    let queued = uploaded(store, "a.md").await;
    let job = store.cancel_job(queued.job_id).await.unwrap();
    assert_eq!((job.state, job.stage), (JobState::Cancelled, JobStage::Done));
    assert_eq!(store.job(queued.job_id).await.unwrap(), job);
    assert_eq!(version_state(store, &queued).await, VersionState::Failed);

    let running = uploaded(store, "b.md").await;
    let leased = lease_of(store, &running).await;
    store.cancel_job(running.job_id).await.unwrap();
    let (job, token) = (running.job_id, &leased.token);
    lease_lost(store.heartbeat(job, token, HOUR, JobStage::Embed, 0.5).await, job);
    lease_lost(store.fail_job(job, token, "late", Some(Utc::now())).await, job);
    lease_lost(store.release_job(job, token).await, job);
    assert_eq!(version_state(store, &running).await, VersionState::Failed);
    assert_eq!(lease_over(store).await, None);
}

pub async fn what_has_ended_and_purges_cannot_be_cancelled(backend: &Backend) {
    let store = &*backend.store;
    let registered = ingest(store, "a.md", "one", 1).await;
    conflict(store.cancel_job(registered.job_id).await);
    let purge = store.delete_document(registered.document_id).await.unwrap();
    conflict(store.cancel_job(purge).await);
    let cancelled = uploaded(store, "b.md").await.job_id;
    store.cancel_job(cancelled).await.unwrap();
    conflict(store.cancel_job(cancelled).await);
    let reindex = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    assert_eq!(store.cancel_job(reindex).await.unwrap().state, JobState::Cancelled);
}

pub async fn a_retry_starts_afresh(backend: &Backend) {
    let store = &*backend.store;
    let registered = uploaded(store, "a.md").await;
    let job = registered.job_id;
    for end in ["fail", "cancel"] {
        let leased = lease_of(store, &registered).await;
        store.heartbeat(job, &leased.token, HOUR, JobStage::Embed, 0.5).await.unwrap();
        conflict(store.retry_job(job).await);
        match end {
            "fail" => store.fail_job(job, &leased.token, "broken", None).await.unwrap(),
            _ => drop(store.cancel_job(job).await.unwrap()),
        }
        let again = store.retry_job(job).await.unwrap();
        assert_eq!((again.state, again.stage, again.progress), (JobState::Queued, JobStage::Waiting, 0.0));
        assert_eq!((again.attempts, again.error), (0, None));
        assert_eq!(version_state(store, &registered).await, VersionState::Pending);
        conflict(store.retry_job(job).await);
        lease_lost(store.heartbeat(job, &leased.token, HOUR, JobStage::Embed, 0.5).await, job);
    }
    let leased = lease_of(store, &registered).await;
    store.finish_ingest(job, &leased.token, commit(registered.document_id, 1, 1, 1)).await.unwrap();
    conflict(store.retry_job(job).await);

    // A reindex that failed is not queued beside another one.
    let first = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    store.cancel_job(first).await.unwrap();
    let second = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    conflict(store.retry_job(first).await);
    store.cancel_job(second).await.unwrap();
    assert_eq!(store.retry_job(first).await.unwrap().state, JobState::Queued);
}

pub async fn a_retry_of_what_was_replaced_or_deleted_is_refused(backend: &Backend) {
    let store = &*backend.store;
    let first = uploaded(store, "a.md").await;
    store.cancel_job(first.job_id).await.unwrap();
    store.register_upload(upload("a.md", "other bytes")).await.unwrap();
    conflict(store.retry_job(first.job_id).await);
    assert_eq!(store.job(first.job_id).await.unwrap().state, JobState::Cancelled);

    let second = uploaded(store, "b.md").await;
    store.cancel_job(second.job_id).await.unwrap();
    store.delete_document(second.document_id).await.unwrap();
    conflict(store.retry_job(second.job_id).await);
    store.forget_document(second.document_id).await.unwrap();
    conflict(store.retry_job(second.job_id).await);
}

pub async fn only_an_ingestion_ends_with_its_commit(backend: &Backend) {
    let store = &*backend.store;
    let registered = uploaded(store, "a.md").await;
    let leased = lease_of(store, &registered).await;
    conflict(store.succeed_job(registered.job_id, &leased.token).await);

    let purge = store.delete_document(ingest(store, "b.md", "b", 1).await.document_id).await.unwrap();
    let leased = lease(store, JobKind::Purge).await;
    store.heartbeat(purge, &leased.token, HOUR, JobStage::Store, 0.5).await.unwrap();
    store.succeed_job(purge, &leased.token).await.unwrap();
    let job = store.job(purge).await.unwrap();
    assert_eq!((job.state, job.stage, job.progress), (JobState::Succeeded, JobStage::Done, 1.0));
    lease_lost(store.succeed_job(purge, &leased.token).await, purge);
}

pub async fn leases_are_expired_at_once(backend: &Backend) {
    let store = &*backend.store;
    let first = uploaded(store, "a.md").await.job_id;
    uploaded(store, "b.md").await;
    lease(store, JobKind::Ingest).await;
    lease(store, JobKind::Ingest).await;
    uploaded(store, "c.md").await;
    assert_eq!(store.expire_leases().await.unwrap(), 2);
    let again = lease(store, JobKind::Ingest).await;
    assert_eq!((again.job.id, again.job.attempts), (first, 2));
}

pub async fn jobs_are_listed_newest_first_in_stable_pages(backend: &Backend) {
    let store = &*backend.store;
    let mut expected = Vec::new();
    for i in 0..5 {
        expected.push(uploaded(store, &format!("{i}.md")).await.job_id);
    }
    expected.reverse();
    let page = |cursor: Option<String>| JobQuery { cursor, limit: 2, ..JobQuery::default() };
    let first = store.jobs(page(None)).await.unwrap();
    let mut seen: Vec<JobId> = first.items.iter().map(|job| job.id).collect();
    uploaded(store, "newer.md").await;
    let second = store.jobs(page(first.next_cursor)).await.unwrap();
    seen.extend(second.items.iter().map(|job| job.id));
    let third = store.jobs(page(second.next_cursor)).await.unwrap();
    seen.extend(third.items.iter().map(|job| job.id));
    assert_eq!((seen, third.next_cursor), (expected.clone(), None));

    let cancelled = store.cancel_job(expected[0]).await.unwrap();
    let document = cancelled.document_id.unwrap();
    let filtered = [
        (JobQuery { state: Some(JobState::Cancelled), limit: 10, ..JobQuery::default() }, 1),
        (JobQuery { state: Some(JobState::Queued), limit: 10, ..JobQuery::default() }, 5),
        (JobQuery { kind: Some(JobKind::Purge), limit: 10, ..JobQuery::default() }, 0),
        (JobQuery { document_id: Some(document), limit: 10, ..JobQuery::default() }, 1),
    ];
    for (query, expected) in filtered {
        assert_eq!(store.jobs(query.clone()).await.unwrap().items.len(), expected, "{query:?}");
    }
    assert_eq!(jobs_of(store, JobKind::Ingest).await.len(), 6);
}

pub async fn an_unknown_job_is_not_found(backend: &Backend) {
    let store = &*backend.store;
    let id = JobId::new();
    not_found(store.job(id).await);
    not_found(store.cancel_job(id).await);
    not_found(store.retry_job(id).await);
    not_found(store.heartbeat(id, "token", HOUR, JobStage::Embed, 0.5).await);
    not_found(store.fail_job(id, "token", "error", None).await);
    not_found(store.succeed_job(id, "token").await);
    not_found(store.release_job(id, "token").await);
}
