//! `register_upload`, one caller at a time.

use footnote::{
    domain::{JobKind, JobStage, JobState, VersionState},
    metadata_store::NewUpload,
};
use serde_json::json;

use super::{
    Backend,
    fixtures::{ingest, invalid, jobs_of, lease_of, names, sha256, upload},
};

pub async fn an_upload_is_recorded_with_its_job(backend: &Backend) {
    let store = &backend.store;
    let registered = store.register_upload(upload("a.md", "bytes")).await.unwrap();
    assert_eq!((registered.version, registered.duplicate), (1, false));
    assert_eq!(registered.job_state, JobState::Queued);

    let document = store.document(registered.document_id).await.unwrap();
    assert_eq!((document.collection.as_str(), document.name.as_str()), ("default", "a.md"));
    assert_eq!(document.active, None);
    assert_eq!((document.latest.version, document.latest.state), (1, VersionState::Pending));
    assert_eq!((document.latest.sha256, document.latest.size_bytes), (sha256("bytes"), 5));
    assert_eq!(document.latest.chunks, None);

    let job = store.job(registered.job_id).await.unwrap();
    assert_eq!((job.kind, job.state, job.stage), (JobKind::Ingest, JobState::Queued, JobStage::Waiting));
    assert_eq!((job.document_id, job.version), (Some(registered.document_id), Some(1)));
    assert_eq!((job.attempts, job.progress, job.error), (0, 0.0, None));
    assert!(job.max_attempts > 1);
}

pub async fn the_same_bytes_are_a_duplicate_while_pending_and_when_active(backend: &Backend) {
    let store = &*backend.store;
    let first = store.register_upload(upload("a.md", "bytes")).await.unwrap();
    let again = store.register_upload(upload("a.md", "bytes")).await.unwrap();
    assert!(again.duplicate);
    assert_eq!((again.document_id, again.version, again.job_id), (first.document_id, 1, first.job_id));
    assert_eq!(again.job_state, JobState::Queued);
    lease_of(store, &first).await;
    assert_eq!(store.register_upload(upload("a.md", "bytes")).await.unwrap().job_state, JobState::Running);

    let other = ingest(store, "b.md", "bytes", 1).await;
    let again = store.register_upload(upload("b.md", "bytes")).await.unwrap();
    assert!(again.duplicate);
    assert_eq!((again.job_id, again.job_state), (other.job_id, JobState::Succeeded));
    assert_eq!(jobs_of(store, JobKind::Ingest).await.len(), 2);
}

pub async fn the_same_bytes_with_other_metadata_are_the_next_version(backend: &Backend) {
    let store = &backend.store;
    let with = |metadata: serde_json::Value| NewUpload {
        metadata: metadata.as_object().unwrap().clone(),
        ..upload("a.md", "bytes")
    };
    let id = store.register_upload(with(json!({"team": "ops"}))).await.unwrap().document_id;
    let before = store.document(id).await.unwrap();
    store.register_upload(with(json!({"team": "ops"}))).await.unwrap();
    assert_eq!(store.document(id).await.unwrap(), before);

    let second = store.register_upload(with(json!({"year": 2024}))).await.unwrap();
    assert_eq!((second.document_id, second.version, second.duplicate), (id, 2, false));
    let after = store.document(id).await.unwrap();
    assert_eq!(after.metadata, *json!({"year": 2024}).as_object().unwrap());
    assert_eq!((after.latest.version, after.latest.sha256), (2, before.latest.sha256));
    assert!(after.updated_at >= before.updated_at);
    // Numbers are the same in whichever form the database gives them back.
    for number in [json!(0.1), json!(1e16), json!(-1e17), json!(1e19), json!(1.5e300)] {
        let upload = with(json!({ "n": number }));
        assert!(!store.register_upload(upload.clone()).await.unwrap().duplicate, "{number}");
        assert!(store.register_upload(upload).await.unwrap().duplicate, "{number}");
    }
}

pub async fn other_bytes_are_the_next_version(backend: &Backend) {
    let store = &*backend.store;
    let first = ingest(store, "a.md", "one", 1).await;
    let second = store.register_upload(upload("a.md", "two")).await.unwrap();
    assert_eq!((second.document_id, second.version, second.duplicate), (first.document_id, 2, false));
    assert_ne!(second.job_id, first.job_id);
    let third = store.register_upload(upload("a.md", "three")).await.unwrap();
    assert_eq!(third.version, 3);
    let document = store.document(first.document_id).await.unwrap();
    assert_eq!((document.active.unwrap().version, document.latest.version), (1, 3));
}

pub async fn bytes_that_failed_are_the_next_version(backend: &Backend) {
    let store = &*backend.store;
    let first = store.register_upload(upload("a.md", "bytes")).await.unwrap();
    let leased = lease_of(store, &first).await;
    store.fail_job(first.job_id, &leased.token, "broken", None).await.unwrap();
    let second = store.register_upload(upload("a.md", "bytes")).await.unwrap();
    assert_eq!((second.document_id, second.version, second.duplicate), (first.document_id, 2, false));
    assert_eq!(second.job_state, JobState::Queued);
}

pub async fn bytes_of_an_older_version_are_the_next_version(backend: &Backend) {
    let store = &*backend.store;
    ingest(store, "a.md", "one", 1).await;
    ingest(store, "a.md", "two", 1).await;
    let third = store.register_upload(upload("a.md", "one")).await.unwrap();
    assert_eq!((third.version, third.duplicate), (3, false));
}

pub async fn a_name_in_another_collection_is_another_document(backend: &Backend) {
    let store = &backend.store;
    let first = store.register_upload(upload("a.md", "bytes")).await.unwrap();
    let other = NewUpload { collection: "other".to_owned(), ..upload("a.md", "bytes") };
    let second = store.register_upload(other).await.unwrap();
    assert!(!second.duplicate);
    assert_ne!(second.document_id, first.document_id);
    // Names are compared as they are written.
    assert!(!store.register_upload(upload("A.md", "bytes")).await.unwrap().duplicate);
}

pub async fn what_cannot_be_recorded_is_refused_and_leaves_nothing(backend: &Backend) {
    let store = &*backend.store;
    for wrong in [
        NewUpload { sha256: "abc".to_owned(), ..upload("a.md", "bytes") },
        NewUpload { collection: String::new(), ..upload("a.md", "bytes") },
        NewUpload { size_bytes: u64::MAX, ..upload("a.md", "bytes") },
        NewUpload { metadata: json!({"a": {"b": 1}}).as_object().unwrap().clone(), ..upload("a.md", "bytes") },
        upload("", "bytes"),
        upload("a\0.md", "bytes"),
        upload(&"n".repeat(1_025), "bytes"),
    ] {
        invalid(store.register_upload(wrong).await);
    }
    assert!(names(store).await.is_empty());
    // The longest name that is allowed can be indexed, whatever it consists of.
    let long: String = (0..256).map(|i| char::from_u32(0x1_0000 + i * 37).unwrap()).collect();
    assert_eq!(long.len(), 1_024);
    store.register_upload(upload(&long, "bytes")).await.unwrap();
    assert_eq!(names(store).await, [long]);
}
