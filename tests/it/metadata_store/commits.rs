//! `finish_ingest`: the metadata commit.

use footnote::{
    domain::{Chunk, DocumentId, JobId, JobKind, JobStage, JobState, VersionState},
    metadata_store::{CommitOutcome, IngestCommit, SwapOutcome},
};

use super::{
    Backend,
    fixtures::{
        HOUR, OVER, chunks, commit, conflict, fill, ids, ingest, invalid, jobs_of, lease, lease_lost, lease_of,
        not_found, reindex, upload,
    },
};

pub async fn a_commit_makes_the_version_active(backend: &Backend) {
    let store = &*backend.store;
    let registered = store.register_upload(upload("a.md", "bytes")).await.unwrap();
    let leased = lease_of(store, &registered).await;
    let commit = commit(registered.document_id, 1, 1, 3);
    assert_eq!(store.chunks_by_id(1, &ids(&commit.chunks)).await.unwrap(), []);
    let outcome = store.finish_ingest(registered.job_id, &leased.token, commit.clone()).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Active);

    let document = store.document(registered.document_id).await.unwrap();
    assert_eq!(document.active.as_ref(), Some(&document.latest));
    assert_eq!((document.latest.state, document.latest.chunks), (VersionState::Active, Some(3)));
    assert_eq!(store.chunks_of(registered.document_id).await.unwrap(), commit.chunks);
    let job = store.job(registered.job_id).await.unwrap();
    assert_eq!((job.state, job.stage, job.progress, job.error), (JobState::Succeeded, JobStage::Done, 1.0, None));
    assert_eq!(jobs_of(store, JobKind::Purge).await, [], "there was no version before");
    // The lease has ended with the job.
    lease_lost(store.finish_ingest(registered.job_id, &leased.token, commit).await, registered.job_id);
}

pub async fn a_commit_supersedes_the_version_before(backend: &Backend) {
    let store = &*backend.store;
    let id = ingest(store, "a.md", "one", 2).await.document_id;
    let (_, generation) = reindex(store, "second").await;
    fill(store, generation).await;
    let old = [ids(&chunks(id, 1, 1, 2)), ids(&chunks(id, 1, generation, 2))].concat();
    assert_eq!(store.chunks_by_id(generation, &old).await.unwrap().len(), 2);

    ingest(store, "a.md", "two", 1).await;
    for number in [1, generation] {
        assert_eq!(store.chunks_by_id(number, &old).await.unwrap(), [], "generation {number}");
    }
    assert_eq!(store.chunks_of(id).await.unwrap(), chunks(id, 2, 1, 1));
    let document = store.document(id).await.unwrap();
    assert_eq!((document.active.unwrap().version, document.latest.version), (2, 2));
    let purge = lease(store, JobKind::Purge).await.job;
    assert_eq!((purge.document_id, purge.version), (Some(id), Some(1)));
    assert_eq!(store.lease_job(&[JobKind::Purge], HOUR).await.unwrap(), None);
}

pub async fn a_version_without_chunks_becomes_active(backend: &Backend) {
    let store = &*backend.store;
    let id = ingest(store, "empty.md", "", 0).await.document_id;
    let active = store.document(id).await.unwrap().active.unwrap();
    assert_eq!((active.state, active.chunks), (VersionState::Active, Some(0)));
    assert_eq!(store.missing_versions(1, 10).await.unwrap(), [], "it has an entry in the generation");
}

pub async fn a_newer_upload_overtakes(backend: &Backend) {
    let store = &*backend.store;
    let first = store.register_upload(upload("a.md", "one")).await.unwrap();
    let id = first.document_id;
    let leased = lease_of(store, &first).await;
    let second = store.register_upload(upload("a.md", "two")).await.unwrap();
    let outcome = store.finish_ingest(first.job_id, &leased.token, commit(id, 1, 1, 2)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Overtaken);

    assert_eq!(store.document(id).await.unwrap().active, None);
    assert_eq!(store.chunks_by_id(1, &ids(&chunks(id, 1, 1, 2))).await.unwrap(), []);
    let job = store.job(first.job_id).await.unwrap();
    assert_eq!((job.state, job.stage), (JobState::Cancelled, JobStage::Done));
    assert!(job.error.unwrap().contains("newer version"));
    conflict(store.retry_job(first.job_id).await);
    // What it wrote is collected.
    let purge = lease(store, JobKind::Purge).await.job;
    assert_eq!((purge.document_id, purge.version), (Some(id), Some(1)));

    let leased = lease_of(store, &second).await;
    let outcome = store.finish_ingest(second.job_id, &leased.token, commit(id, 2, 1, 2)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Active);
}

pub async fn a_newer_upload_that_failed_does_not_overtake(backend: &Backend) {
    let store = &*backend.store;
    let first = store.register_upload(upload("a.md", "one")).await.unwrap();
    let id = first.document_id;
    let leased = lease_of(store, &first).await;
    let broken = store.register_upload(upload("a.md", "broken")).await.unwrap();
    let failing = lease_of(store, &broken).await;
    store.fail_job(broken.job_id, &failing.token, "no pages", None).await.unwrap();
    let outcome = store.finish_ingest(first.job_id, &leased.token, commit(id, 1, 1, 2)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Active);
    let document = store.document(id).await.unwrap();
    let latest = (document.latest.version, document.latest.state);
    assert_eq!((document.active.unwrap().version, latest), (1, (2, VersionState::Failed)));
    // When it is tried again and succeeds, it takes its place.
    store.retry_job(broken.job_id).await.unwrap();
    let leased = lease_of(store, &broken).await;
    let outcome = store.finish_ingest(broken.job_id, &leased.token, commit(id, 2, 1, 1)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Active);
    assert_eq!(store.document(id).await.unwrap().active.unwrap().version, 2);
}

pub async fn a_deletion_overtakes_and_purges_again(backend: &Backend) {
    let store = &*backend.store;
    let registered = store.register_upload(upload("a.md", "one")).await.unwrap();
    let id = registered.document_id;
    let leased = store.lease_job(&[JobKind::Ingest], OVER).await.unwrap().unwrap();
    let purge = store.delete_document(id).await.unwrap();
    let purging = lease(store, JobKind::Purge).await;
    assert_eq!(purging.job.id, purge, "the lease had ended, so the purge did not wait");
    lease_lost(store.heartbeat(registered.job_id, &leased.token, HOUR, JobStage::Embed, 0.5).await, registered.job_id);
    store.forget_document(id).await.unwrap();
    store.succeed_job(purge, &purging.token).await.unwrap();

    let outcome = store.finish_ingest(registered.job_id, &leased.token, commit(id, 1, 1, 2)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Overtaken);
    assert_eq!(store.chunks_by_id(1, &ids(&chunks(id, 1, 1, 2))).await.unwrap(), []);
    let again = lease(store, JobKind::Purge).await.job;
    assert_ne!(again.id, purge);
    assert_eq!((again.document_id, again.version), (Some(id), None));
    conflict(store.retry_job(registered.job_id).await);
}

pub async fn a_commit_without_the_lease_is_lost(backend: &Backend) {
    let store = &*backend.store;
    let registered = store.register_upload(upload("a.md", "one")).await.unwrap();
    let (id, job) = (registered.document_id, registered.job_id);
    let finish = |token: String| async move { store.finish_ingest(job, &token, commit(id, 1, 1, 2)).await };
    lease_lost(finish("no token".to_owned()).await, job);
    let first = store.lease_job(&[JobKind::Ingest], OVER).await.unwrap().unwrap();
    let second = lease_of(store, &registered).await;
    assert_ne!(first.token, second.token);
    lease_lost(finish(first.token).await, job);
    store.cancel_job(job).await.unwrap();
    lease_lost(finish(second.token).await, job);
    assert_eq!(store.document(id).await.unwrap().active, None);
    assert_eq!(jobs_of(store, JobKind::Purge).await, []);
}

pub async fn a_commit_of_something_else_is_refused(backend: &Backend) {
    let store = &*backend.store;
    let other = ingest(store, "b.md", "one", 1).await.document_id;
    let registered = store.register_upload(upload("a.md", "one")).await.unwrap();
    let leased = lease_of(store, &registered).await;
    let job = registered.job_id;
    invalid(store.finish_ingest(job, &leased.token, commit(other, 1, 1, 1)).await);
    invalid(store.finish_ingest(job, &leased.token, commit(registered.document_id, 2, 1, 1)).await);
    not_found(store.finish_ingest(JobId::new(), &leased.token, commit(registered.document_id, 1, 1, 1)).await);
    not_found(store.finish_ingest(JobId::new(), &leased.token, commit(DocumentId::new(), 1, 1, 1)).await);
    assert_eq!(store.job(job).await.unwrap().state, JobState::Running);
}

pub async fn a_commit_for_another_generation_changes_nothing(backend: &Backend) {
    let store = &*backend.store;
    let registered = store.register_upload(upload("a.md", "one")).await.unwrap();
    let (id, job) = (registered.document_id, registered.job_id);
    let leased = lease_of(store, &registered).await;
    let (reindexing, generation) = reindex(store, "second").await;
    let early = store.finish_ingest(job, &leased.token, commit(id, 1, generation, 2)).await.unwrap();
    assert_eq!(early, CommitOutcome::WrongGeneration(1), "it is still being built");
    let swapped = store.swap_generation(reindexing.job.id, &reindexing.token, generation).await.unwrap();
    assert_eq!(swapped, SwapOutcome::Swapped);

    let outcome = store.finish_ingest(job, &leased.token, commit(id, 1, 1, 2)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::WrongGeneration(generation));
    assert_eq!(store.document(id).await.unwrap().latest.state, VersionState::Pending);
    assert_eq!(store.chunks_by_id(1, &ids(&chunks(id, 1, 1, 2))).await.unwrap(), []);
    store.heartbeat(job, &leased.token, HOUR, JobStage::Embed, 0.5).await.unwrap();

    let outcome = store.finish_ingest(job, &leased.token, commit(id, 1, generation, 2)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Active);
    assert_eq!(store.chunks_of(id).await.unwrap(), chunks(id, 1, generation, 2));
}

pub async fn a_commit_of_wrong_chunks_is_refused(backend: &Backend) {
    let store = &*backend.store;
    let registered = store.register_upload(upload("a.md", "one")).await.unwrap();
    let id = registered.document_id;
    let leased = lease_of(store, &registered).await;
    let with = |chunks: Vec<Chunk>| IngestCommit { chunks, ..commit(id, 1, 1, 0) };
    let good = chunks(id, 1, 1, 3);
    for wrong in [
        chunks(id, 2, 1, 1),
        chunks(id, 1, 2, 1),
        chunks(DocumentId::new(), 1, 1, 1),
        vec![good[1].clone()],
        vec![good[0].clone(), good[0].clone()],
        vec![Chunk { text: "\0".to_owned(), ..good[0].clone() }],
    ] {
        invalid(store.finish_ingest(registered.job_id, &leased.token, with(wrong)).await);
    }
    assert_eq!(store.document(id).await.unwrap().active, None);
    store.finish_ingest(registered.job_id, &leased.token, with(good)).await.unwrap();
}
