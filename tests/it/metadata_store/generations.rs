//! Generations, one caller at a time.

use footnote::{
    domain::{DocumentId, GenerationState, JobKind, JobState, ReindexOptions},
    metadata_store::SwapOutcome,
};

use super::{
    Backend,
    fixtures::{
        HOUR, chunks, conflict, fill, ids, ingest, invalid, jobs_of, lease, lease_lost, not_found, reindex, stamp,
        upload,
    },
};

pub async fn the_first_generation_is_number_one_and_made_once(backend: &Backend) {
    let store = &*backend.store;
    let first = store.active_generation().await.unwrap().unwrap();
    assert_eq!((first.number, first.state, &first.stamp), (1, GenerationState::Active, &stamp("first")));
    assert!(first.activated_at.is_some());
    // The caller compares stamps, not the store.
    assert_eq!(store.active_generation_or_create(&stamp("other")).await.unwrap(), first);
    assert_eq!(store.generations().await.unwrap(), [first]);
}

pub async fn one_reindex_is_open_at_a_time(backend: &Backend) {
    let store = &*backend.store;
    let first = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    assert_eq!(store.enqueue_reindex(ReindexOptions::default()).await.unwrap(), first);
    let leased = lease(store, JobKind::Reindex).await;
    assert_eq!(store.enqueue_reindex(ReindexOptions::default()).await.unwrap(), first);
    store.succeed_job(first, &leased.token).await.unwrap();
    assert_ne!(store.enqueue_reindex(ReindexOptions::default()).await.unwrap(), first);
}

pub async fn a_job_builds_one_generation(backend: &Backend) {
    let store = &*backend.store;
    let (leased, number) = reindex(store, "second").await;
    let job = leased.job.id;
    let generation = store.begin_generation(job, &leased.token, &stamp("second")).await.unwrap();
    assert_eq!((generation.number, generation.state), (number, GenerationState::Building));
    assert_eq!((generation.stamp, generation.activated_at), (stamp("second"), None));
    assert_eq!(store.job(job).await.unwrap().generation, Some(number));
    // Also after another worker has taken the job over.
    store.release_job(job, &leased.token).await.unwrap();
    let leased = lease(store, JobKind::Reindex).await;
    let again = store.begin_generation(job, &leased.token, &stamp("second")).await.unwrap();
    assert_eq!(again.number, number);
    assert_eq!(store.active_generation().await.unwrap().unwrap().number, 1);
}

pub async fn another_stamp_or_job_replaces_what_is_being_built(backend: &Backend) {
    let store = &*backend.store;
    ingest(store, "a.md", "one", 1).await;
    let (leased, first) = reindex(store, "second").await;
    fill(store, first).await;
    let job = leased.job.id;
    let second = store.begin_generation(job, &leased.token, &stamp("third")).await.unwrap().number;
    assert!(second > first);
    assert_eq!(store.missing_versions(second, 10).await.unwrap().len(), 1, "it starts empty");
    store.cancel_job(job).await.unwrap();
    let (_, third) = reindex(store, "third").await;
    let states: Vec<_> =
        store.generations().await.unwrap().into_iter().map(|found| (found.number, found.state)).collect();
    use GenerationState::{Active, Building, Retired};
    assert_eq!(states, [(1, Active), (first, Retired), (second, Retired), (third, Building)]);
}

pub async fn a_job_that_accepts_what_was_built_goes_on_with_it(backend: &Backend) {
    let store = &*backend.store;
    ingest(store, "a.md", "one", 1).await;
    let (leased, built) = reindex(store, "second").await;
    fill(store, built).await;
    store.fail_job(leased.job.id, &leased.token, "it finds less", None).await.unwrap();
    let accepting = ReindexOptions { accept_worse: true, ..ReindexOptions::default() };
    let job = store.enqueue_reindex(accepting).await.unwrap();
    let leased = lease(store, JobKind::Reindex).await;
    assert_eq!(store.begin_generation(job, &leased.token, &stamp("second")).await.unwrap().number, built);
    assert_eq!(store.missing_versions(built, 10).await.unwrap(), []);
    assert_eq!(store.job(job).await.unwrap().generation, Some(built));
    // Of another embedder there is nothing to accept.
    let other = store.begin_generation(job, &leased.token, &stamp("third")).await.unwrap().number;
    assert!(other > built);
}

pub async fn only_the_holder_of_a_reindex_builds(backend: &Backend) {
    let store = &*backend.store;
    let job = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    lease_lost(store.begin_generation(job, "no token", &stamp("second")).await, job);
    let ingestion = store.register_upload(upload("a.md", "one")).await.unwrap().job_id;
    let leased = lease(store, JobKind::Ingest).await;
    conflict(store.begin_generation(ingestion, &leased.token, &stamp("second")).await);
    conflict(store.swap_generation(ingestion, &leased.token, 1).await);
    assert_eq!(store.generations().await.unwrap().len(), 1);
}

pub async fn active_versions_are_missing_until_they_are_recorded(backend: &Backend) {
    let store = &*backend.store;
    let mut documents = Vec::new();
    for i in 0..3 {
        documents.push(ingest(store, &format!("{i}.md"), "bytes", 1).await.document_id);
    }
    store.register_upload(upload("pending.md", "bytes")).await.unwrap();
    let (_, generation) = reindex(store, "second").await;
    assert_eq!(store.missing_versions(generation, 2).await.unwrap().len(), 2);
    let missing = store.missing_versions(generation, 10).await.unwrap();
    assert_eq!(missing.iter().map(|found| found.document_id).collect::<Vec<_>>(), documents);
    assert_eq!(missing[0], store.version_source(documents[0], 1).await.unwrap());

    store.record_chunks(generation, documents[0], 1, vec![]).await.unwrap();
    store.record_chunks(generation, documents[2], 1, chunks(documents[2], 1, generation, 3)).await.unwrap();
    let missing = store.missing_versions(generation, 10).await.unwrap();
    assert_eq!(missing.iter().map(|found| found.document_id).collect::<Vec<_>>(), [documents[1]]);
    assert_eq!(store.missing_versions(1, 10).await.unwrap(), []);
    not_found(store.missing_versions(99, 10).await);
}

pub async fn recording_again_replaces(backend: &Backend) {
    let store = &*backend.store;
    let id = ingest(store, "a.md", "one", 1).await.document_id;
    let (_, generation) = reindex(store, "second").await;
    for count in [3, 3, 1] {
        let chunks = chunks(id, 1, generation, count);
        store.record_chunks(generation, id, 1, chunks).await.unwrap();
        let all = ids(&super::fixtures::chunks(id, 1, generation, 3));
        assert_eq!(store.chunks_by_id(generation, &all).await.unwrap().len(), count as usize);
    }
    invalid(store.record_chunks(generation, id, 1, chunks(id, 1, 1, 1)).await);
}

pub async fn a_version_that_is_no_longer_active_is_not_recorded_but_purged(backend: &Backend) {
    let store = &*backend.store;
    let replaced = ingest(store, "a.md", "one", 1).await.document_id;
    let deleted = ingest(store, "b.md", "one", 1).await.document_id;
    let (_, generation) = reindex(store, "second").await;
    ingest(store, "a.md", "two", 1).await;
    store.delete_document(deleted).await.unwrap();
    while let Some(leased) = store.lease_job(&[JobKind::Purge], HOUR).await.unwrap() {
        store.succeed_job(leased.job.id, &leased.token).await.unwrap();
    }
    let forgotten = DocumentId::new();
    for id in [replaced, deleted, forgotten] {
        let chunks = chunks(id, 1, generation, 2);
        store.record_chunks(generation, id, 1, chunks.clone()).await.unwrap();
        assert_eq!(store.chunks_by_id(generation, &ids(&chunks)).await.unwrap(), []);
        let purge = lease(store, JobKind::Purge).await.job;
        assert_eq!((purge.document_id, purge.version), (Some(id), Some(1)));
    }
}

pub async fn only_a_building_generation_is_filled(backend: &Backend) {
    let store = &*backend.store;
    let id = ingest(store, "a.md", "one", 1).await.document_id;
    conflict(store.record_chunks(1, id, 1, chunks(id, 1, 1, 2)).await);
    not_found(store.record_chunks(9, id, 1, chunks(id, 1, 9, 2)).await);
    let (leased, generation) = reindex(store, "second").await;
    store.begin_generation(leased.job.id, &leased.token, &stamp("third")).await.unwrap();
    conflict(store.record_chunks(generation, id, 1, chunks(id, 1, generation, 2)).await);
    assert_eq!(store.chunks_of(id).await.unwrap().len(), 1);
}

pub async fn a_swap_waits_for_what_is_missing(backend: &Backend) {
    let store = &*backend.store;
    for i in 0..3 {
        ingest(store, &format!("{i}.md"), "bytes", 1).await;
    }
    let (leased, generation) = reindex(store, "second").await;
    let job = leased.job.id;
    assert_eq!(store.swap_generation(job, &leased.token, generation).await.unwrap(), SwapOutcome::Incomplete(3));
    let one = store.missing_versions(generation, 1).await.unwrap().remove(0);
    store.record_chunks(generation, one.document_id, one.version, vec![]).await.unwrap();
    assert_eq!(store.swap_generation(job, &leased.token, generation).await.unwrap(), SwapOutcome::Incomplete(2));
    assert_eq!(store.active_generation().await.unwrap().unwrap().number, 1);
    assert_eq!(store.job(job).await.unwrap().state, JobState::Running);
    assert_eq!(fill(store, generation).await, 2);
    assert_eq!(store.swap_generation(job, &leased.token, generation).await.unwrap(), SwapOutcome::Swapped);
}

pub async fn a_swap_activates_and_retires(backend: &Backend) {
    let store = &*backend.store;
    let id = ingest(store, "a.md", "one", 3).await.document_id;
    let (leased, generation) = reindex(store, "second").await;
    fill(store, generation).await;
    let job = leased.job.id;
    store.swap_generation(job, &leased.token, generation).await.unwrap();

    let generations = store.generations().await.unwrap();
    let states: Vec<_> = generations.iter().map(|found| (found.number, found.state)).collect();
    assert_eq!(states, [(1, GenerationState::Retired), (generation, GenerationState::Active)]);
    assert!(generations[1].activated_at.is_some());
    assert_eq!(store.active_generation().await.unwrap().as_ref(), generations.last());
    assert_eq!(store.chunks_of(id).await.unwrap(), chunks(id, 1, generation, 2));
    let finished = store.job(job).await.unwrap();
    assert_eq!((finished.state, finished.progress, finished.generation), (JobState::Succeeded, 1.0, Some(generation)));
    // A question that began before the swap still finds its passages.
    assert_eq!(store.chunks_by_id(1, &ids(&chunks(id, 1, 1, 3))).await.unwrap().len(), 3);
    lease_lost(store.swap_generation(job, &leased.token, generation).await, job);
}

pub async fn an_ingestion_during_a_reindex_is_missing_in_it(backend: &Backend) {
    let store = &*backend.store;
    let id = ingest(store, "a.md", "one", 1).await.document_id;
    let (leased, generation) = reindex(store, "second").await;
    assert_eq!(fill(store, generation).await, 1);
    let other = ingest(store, "b.md", "one", 1).await.document_id;
    ingest(store, "a.md", "two", 1).await;
    let missing: Vec<_> = store
        .missing_versions(generation, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|found| (found.document_id, found.version))
        .collect();
    assert_eq!(missing, [(id, 2), (other, 1)]);
    let swap = store.swap_generation(leased.job.id, &leased.token, generation).await.unwrap();
    assert_eq!(swap, SwapOutcome::Incomplete(2));
}

pub async fn a_deletion_during_a_reindex_leaves_it(backend: &Backend) {
    let store = &*backend.store;
    let recorded = ingest(store, "a.md", "one", 1).await.document_id;
    let (leased, generation) = reindex(store, "second").await;
    fill(store, generation).await;
    let unrecorded = ingest(store, "b.md", "one", 1).await.document_id;
    store.delete_document(recorded).await.unwrap();
    store.delete_document(unrecorded).await.unwrap();
    assert_eq!(store.missing_versions(generation, 10).await.unwrap(), []);
    let wanted = ids(&chunks(recorded, 1, generation, 2));
    assert_eq!(store.chunks_by_id(generation, &wanted).await.unwrap(), []);
    let swap = store.swap_generation(leased.job.id, &leased.token, generation).await.unwrap();
    assert_eq!(swap, SwapOutcome::Swapped);
    assert_eq!(store.chunks_by_id(generation, &wanted).await.unwrap(), []);
    assert_eq!(store.counts().await.unwrap().chunks, 0);
}

pub async fn only_the_builder_swaps(backend: &Backend) {
    let store = &*backend.store;
    let (first, abandoned) = reindex(store, "second").await;
    let token = &first.token;
    not_found(store.swap_generation(first.job.id, token, 99).await);
    conflict(store.swap_generation(first.job.id, token, 1).await);
    lease_lost(store.swap_generation(first.job.id, "no token", abandoned).await, first.job.id);
    store.release_job(first.job.id, token).await.unwrap();
    lease_lost(store.swap_generation(first.job.id, token, abandoned).await, first.job.id);
    store.cancel_job(first.job.id).await.unwrap();

    let id = store.enqueue_reindex(ReindexOptions::default()).await.unwrap();
    let second = lease(store, JobKind::Reindex).await;
    conflict(store.swap_generation(id, &second.token, abandoned).await);
    assert_eq!(store.active_generation().await.unwrap().unwrap().number, 1);
}

const ROLLBACK: ReindexOptions = ReindexOptions { rollback: true, accept_worse: false, embed_all: false };

pub async fn a_rollback_brings_back_the_generation_that_was_active_last(backend: &Backend) {
    let store = &*backend.store;
    let kept = ingest(store, "kept.md", "bytes", 2).await.document_id;
    let (leased, second) = reindex(store, "second").await;
    fill(store, second).await;
    store.swap_generation(leased.job.id, &leased.token, second).await.unwrap();
    let added = ingest(store, "added.md", "bytes", 1).await.document_id;

    let job = store.enqueue_reindex(ROLLBACK).await.unwrap();
    assert_eq!(store.enqueue_reindex(ROLLBACK).await.unwrap(), job);
    conflict(store.enqueue_reindex(ReindexOptions::default()).await);
    let leased = lease(store, JobKind::Reindex).await;
    assert_eq!(leased.job.options, Some(ROLLBACK));
    lease_lost(store.revive_generation(job, "no token").await, job);
    let revived = store.revive_generation(job, &leased.token).await.unwrap();
    assert_eq!((revived.number, revived.state, &revived.stamp), (1, GenerationState::Building, &stamp("first")));
    // Also after another worker has taken the job over.
    store.release_job(job, &leased.token).await.unwrap();
    let leased = lease(store, JobKind::Reindex).await;
    assert_eq!(store.revive_generation(job, &leased.token).await.unwrap().number, 1);
    assert_eq!(store.job(job).await.unwrap().generation, Some(1));
    // What it had is there still; what came since is missing.
    let missing: Vec<_> = store.missing_versions(1, 10).await.unwrap().into_iter().map(|one| one.document_id).collect();
    assert_eq!((missing, store.count_missing_versions(1).await.unwrap()), (vec![added], 1));
    assert_eq!(store.swap_generation(job, &leased.token, 1).await.unwrap(), SwapOutcome::Incomplete(1));
    fill(store, 1).await;
    assert_eq!(store.swap_generation(job, &leased.token, 1).await.unwrap(), SwapOutcome::Swapped);
    assert_eq!(store.active_generation().await.unwrap().unwrap().number, 1);
    assert_eq!(store.chunks_of(kept).await.unwrap().len(), 2);
    // And back again.
    let job = store.enqueue_reindex(ROLLBACK).await.unwrap();
    let leased = lease(store, JobKind::Reindex).await;
    assert_eq!(store.revive_generation(job, &leased.token).await.unwrap().number, second);
}

pub async fn a_rollback_needs_something_to_go_back_to(backend: &Backend) {
    let store = &*backend.store;
    conflict(store.enqueue_reindex(ROLLBACK).await);
    // One that was given up was never active.
    let (leased, _) = reindex(store, "second").await;
    store.begin_generation(leased.job.id, &leased.token, &stamp("third")).await.unwrap();
    store.fail_job(leased.job.id, &leased.token, "given up", None).await.unwrap();
    conflict(store.enqueue_reindex(ROLLBACK).await);
}

pub async fn a_retired_generation_is_forgotten_and_its_number_never_used_again(backend: &Backend) {
    let store = &*backend.store;
    let mut documents = Vec::new();
    for i in 0..3 {
        documents.push(ingest(store, &format!("{i}.md"), "bytes", 2).await.document_id);
    }
    conflict(store.forget_generation(1).await);
    let (leased, second) = reindex(store, "second").await;
    conflict(store.forget_generation(second).await);
    fill(store, second).await;
    store.swap_generation(leased.job.id, &leased.token, second).await.unwrap();
    store.forget_generation(1).await.unwrap();
    for id in documents {
        assert_eq!(store.chunks_by_id(1, &ids(&chunks(id, 1, 1, 2))).await.unwrap(), []);
        assert_eq!(store.chunks_of(id).await.unwrap().len(), 2);
    }
    // A reindex that is repeated after a crash finds nothing to do.
    store.forget_generation(1).await.unwrap();

    let (leased, third) = reindex(store, "third").await;
    let fourth = store.begin_generation(leased.job.id, &leased.token, &stamp("fourth")).await.unwrap().number;
    store.forget_generation(third).await.unwrap();
    let fifth = store.begin_generation(leased.job.id, &leased.token, &stamp("fifth")).await.unwrap().number;
    store.forget_generation(fourth).await.unwrap();
    assert_eq!((second, third, fourth, fifth), (2, 3, 4, 5));
    let numbers: Vec<_> = store.generations().await.unwrap().into_iter().map(|found| found.number).collect();
    assert_eq!(numbers, [2, 5]);
    assert_eq!(jobs_of(store, JobKind::Reindex).await.len(), 2);
}
