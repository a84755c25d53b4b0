//! Many callers at the same moment, on two connections pools as two processes would have them.

use std::{collections::HashSet, sync::Arc};

use footnote::{
    domain::{JobKind, JobState, ReindexOptions, VersionState},
    metadata_store::{CommitOutcome, MetadataStore, MetadataStoreError, SwapOutcome},
};
use tokio::task::JoinSet;

use super::{
    Backend,
    fixtures::{HOUR, chunks, commit, fill, ids, ingest, jobs_of, lease, lease_of, names, reindex, stamp, upload},
};

/// Runs `count` tasks, on either pool in turn, and collects what they return.
async fn at_once<T, F>(backend: &Backend, count: usize, task: impl Fn(usize, Arc<dyn MetadataStore>) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let stores = [backend.store.clone(), backend.elsewhere().await];
    let mut tasks = JoinSet::new();
    for i in 0..count {
        tasks.spawn(task(i, stores[i % 2].clone()));
    }
    tasks.join_all().await
}

pub async fn identical_uploads_make_one_version(backend: &Backend) {
    let all =
        at_once(backend, 32, |_, store| async move { store.register_upload(upload("a.md", "bytes")).await.unwrap() })
            .await;
    assert_eq!(all.iter().filter(|registered| !registered.duplicate).count(), 1);
    let distinct: HashSet<_> = all.iter().map(|one| (one.document_id, one.version, one.job_id)).collect();
    assert_eq!(distinct.len(), 1);
    assert_eq!(names(&*backend.store).await, ["a.md"]);
    assert_eq!(jobs_of(&*backend.store, JobKind::Ingest).await.len(), 1);
}

pub async fn different_uploads_make_one_version_each(backend: &Backend) {
    let all = at_once(backend, 24, |i, store| async move {
        store.register_upload(upload("a.md", &format!("bytes {i}"))).await.unwrap()
    })
    .await;
    let mut versions: Vec<_> = all.iter().map(|registered| registered.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=24).collect::<Vec<_>>());
    assert_eq!(names(&*backend.store).await, ["a.md"]);
    assert_eq!(jobs_of(&*backend.store, JobKind::Ingest).await.len(), 24);
}

pub async fn uploads_and_deletions_of_one_name_leave_one_document_at_most(backend: &Backend) {
    at_once(backend, 16, |i, store| async move {
        for round in 0..3 {
            let registered = store.register_upload(upload("a.md", &format!("{}", round % 2))).await.unwrap();
            if i % 2 == 0 {
                match store.delete_document(registered.document_id).await {
                    Ok(_) | Err(MetadataStoreError::NotFound { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    })
    .await;
    let store = &*backend.store;
    let left = names(store).await.len();
    assert!(left <= 1, "{left} documents of one name");
    // Of the ingestions, those of deleted documents are cancelled, and no other.
    for job in jobs_of(store, JobKind::Ingest).await {
        let living = store.document(job.document_id.unwrap()).await.is_ok();
        assert_eq!(job.state, if living { JobState::Queued } else { JobState::Cancelled });
    }
}

pub async fn no_job_is_leased_twice(backend: &Backend) {
    for i in 0..30 {
        backend.store.register_upload(upload(&format!("{i}.md"), "bytes")).await.unwrap();
    }
    let leased = at_once(backend, 12, |_, store| async move {
        let mut mine = Vec::new();
        while let Some(leased) = store.lease_job(&[JobKind::Ingest], HOUR).await.unwrap() {
            mine.push(leased.job.id);
        }
        mine
    })
    .await
    .concat();
    assert_eq!(leased.len(), 30);
    assert_eq!(leased.iter().collect::<HashSet<_>>().len(), 30);
}

pub async fn one_first_generation_and_one_reindex(backend: &Backend) {
    let generations = at_once(backend, 16, |_, store| async move {
        store.active_generation_or_create(&stamp("any")).await.unwrap().number
    })
    .await;
    assert_eq!(generations, [1; 16]);
    let reindexes =
        at_once(backend, 16, |_, store| async move { store.enqueue_reindex(ReindexOptions::default()).await.unwrap() })
            .await;
    assert_eq!(reindexes.iter().collect::<HashSet<_>>().len(), 1);
    assert_eq!(jobs_of(&*backend.store, JobKind::Reindex).await.len(), 1);
}

pub async fn a_commit_and_a_deletion_do_not_both_win(backend: &Backend) {
    let store = &backend.store;
    let elsewhere = backend.elsewhere().await;
    for round in 0..10 {
        let registered = store.register_upload(upload(&format!("{round}.md"), "bytes")).await.unwrap();
        let id = registered.document_id;
        let leased = lease_of(&**store, &registered).await;
        let (committed, deleted) = tokio::join!(
            store.finish_ingest(registered.job_id, &leased.token, commit(id, 1, 1, 2)),
            elsewhere.delete_document(id),
        );
        deleted.unwrap();
        assert!(matches!(committed.unwrap(), CommitOutcome::Active | CommitOutcome::Overtaken));
        assert_eq!(store.chunks_by_id(1, &ids(&chunks(id, 1, 1, 2))).await.unwrap(), [], "round {round}");
        assert!(store.document(id).await.is_err());
        // Whoever was first, the purge is due: nobody writes any more.
        assert_eq!(lease(&**store, JobKind::Purge).await.job.document_id, Some(id));
    }
    assert_eq!(store.counts().await.unwrap().chunks, 0);
}

pub async fn a_swap_and_commits_leave_nothing_missing(backend: &Backend) {
    let store = &backend.store;
    let elsewhere = backend.elsewhere().await;
    ingest(&**store, "a.md", "first", 1).await;
    for round in 0..10 {
        let active = store.active_generation().await.unwrap().unwrap().number;
        let (reindexing, generation) = reindex(&**store, &format!("stamp {round}")).await;
        let registered = store.register_upload(upload("a.md", &format!("bytes {round}"))).await.unwrap();
        let (id, version) = (registered.document_id, registered.version);
        let leased = lease_of(&**store, &registered).await;
        fill(&**store, generation).await;
        let (swap, committed) = tokio::join!(
            store.swap_generation(reindexing.job.id, &reindexing.token, generation),
            elsewhere.finish_ingest(registered.job_id, &leased.token, commit(id, version, active, 2)),
        );
        match (swap.unwrap(), committed.unwrap()) {
            (SwapOutcome::Swapped, CommitOutcome::WrongGeneration(now)) => {
                assert_eq!(now, generation);
                let commit = commit(id, version, generation, 2);
                let outcome = store.finish_ingest(registered.job_id, &leased.token, commit).await.unwrap();
                assert_eq!(outcome, CommitOutcome::Active);
            }
            (SwapOutcome::Incomplete(1), CommitOutcome::Active) => {
                fill(&**store, generation).await;
                let swap = store.swap_generation(reindexing.job.id, &reindexing.token, generation).await.unwrap();
                assert_eq!(swap, SwapOutcome::Swapped);
            }
            other => panic!("round {round}: {other:?}"),
        }
        assert_eq!(store.active_generation().await.unwrap().unwrap().number, generation);
        assert_eq!(store.missing_versions(generation, 10).await.unwrap(), []);
        let document = store.document(id).await.unwrap();
        assert_eq!((document.latest.state, document.latest.version), (VersionState::Active, version));
        assert_eq!(store.chunks_of(id).await.unwrap(), chunks(id, version, generation, 2));
        while let Some(purge) = store.lease_job(&[JobKind::Purge], HOUR).await.unwrap() {
            store.succeed_job(purge.job.id, &purge.token).await.unwrap();
        }
    }
}
