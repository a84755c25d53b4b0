//! Chunks: what is stored, and what is found.

use footnote::{
    domain::{Chunk, ChunkId, text::CodePointRange},
    metadata_store::{ChunkPosition, CommitOutcome, DocumentStore, IngestCommit, NewUpload},
};
use serde_json::json;

use super::{
    Backend,
    fixtures::{chunks, commit, fill, ids, ingest, invalid, lease_of, reindex, upload},
};

pub async fn what_is_stored_comes_back_the_same(backend: &Backend) {
    let store = &*backend.store;
    let awkward = "Ärger — «naïve» 漢字 🦀 \u{202e}rtl\u{202c} e\u{301} ' \" \\ % _ ; -- \r\n\t{}[]$1?1";
    let metadata = json!({
        "text": awkward, "big": u64::MAX, "small": i64::MIN, "fraction": 0.1, "tiny": 1.5e-9, "yes": true,
        "tags": ["b", "a", ""], "Ünïcode key": "",
    });
    let upload = NewUpload { metadata: metadata.as_object().unwrap().clone(), ..upload("Grüße/漢字.md", "bytes") };
    let registered = store.register_upload(upload.clone()).await.unwrap();
    let id = registered.document_id;
    let leased = lease_of(store, &registered).await;
    let chunk = Chunk {
        text: awkward.to_owned(),
        context: String::new(),
        heading_path: vec![awkward.to_owned(), String::new()],
        page: None,
        range: CodePointRange { start: 0, end: u32::MAX },
        tokens: u32::MAX,
        ..chunks(id, 1, 1, 1).remove(0)
    };
    let empty = Chunk { text: String::new(), heading_path: vec![], ..chunks(id, 1, 1, 2).remove(1) };
    let commit = IngestCommit {
        chunks: vec![chunk, empty],
        title: Some(awkward.to_owned()),
        pages: Some(u32::MAX),
        report: Some(json!({"said": awkward})),
        ..commit(id, 1, 1, 0)
    };
    let outcome = store.finish_ingest(registered.job_id, &leased.token, commit.clone()).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Active);

    let store = backend.elsewhere().await;
    let found = store.chunks_by_id(1, &ids(&commit.chunks)).await.unwrap();
    assert_eq!(found.iter().map(|found| found.chunk.clone()).collect::<Vec<_>>(), commit.chunks);
    assert!(found.iter().all(|found| found.name == upload.name && found.title.as_deref() == Some(awkward)));
    let document = store.document(id).await.unwrap();
    assert_eq!((document.name, document.metadata), (upload.name, upload.metadata));
    assert_eq!(document.latest.pages, Some(u32::MAX));
    assert_eq!(store.job(registered.job_id).await.unwrap().report, commit.report);
}

pub async fn chunks_come_in_the_order_of_their_ids(backend: &Backend) {
    let store = &*backend.store;
    let first = ingest(store, "a.md", "one", 4).await.document_id;
    let second = ingest(store, "b.md", "two", 2).await.document_id;
    let (a, b) = (ids(&chunks(first, 1, 1, 4)), ids(&chunks(second, 1, 1, 2)));
    let unknown = ChunkId::derive(first, 1, 1, 99);
    let wanted = [a[2], b[1], unknown, a[0], b[0], a[2]];
    let found: Vec<_> = store.chunks_by_id(1, &wanted).await.unwrap().iter().map(|found| found.chunk.id).collect();
    assert_eq!(found, [a[2], b[1], a[0], b[0]]);
    assert_eq!(store.chunks_by_id(1, &[]).await.unwrap(), []);
    let ordinals: Vec<_> = store.chunks_of(first).await.unwrap().iter().map(|chunk| chunk.ordinal).collect();
    assert_eq!(ordinals, [0, 1, 2, 3]);
}

pub async fn chunks_of_other_generations_and_documents_are_left_out(backend: &Backend) {
    let store = &*backend.store;
    let id = ingest(store, "a.md", "one", 2).await.document_id;
    let (_, generation) = reindex(store, "second").await;
    fill(store, generation).await;
    let all = [ids(&chunks(id, 1, 1, 2)), ids(&chunks(id, 1, generation, 2))].concat();
    for number in [1, generation] {
        let found = store.chunks_by_id(number, &all).await.unwrap();
        assert_eq!(found.iter().map(|found| found.chunk.clone()).collect::<Vec<_>>(), chunks(id, 1, number, 2));
    }
    assert_eq!(store.chunks_by_id(99, &all).await.unwrap(), []);
    assert_eq!(store.chunks_of(id).await.unwrap(), chunks(id, 1, 1, 2));
}

pub async fn many_chunks_are_stored_and_found(backend: &Backend) {
    let store = &*backend.store;
    let id = ingest(store, "a.md", "one", 1_201).await.document_id;
    let all = chunks(id, 1, 1, 1_201);
    assert_eq!(store.chunks_of(id).await.unwrap(), all);
    let mut wanted = ids(&all);
    wanted.reverse();
    let found: Vec<_> = store.chunks_by_id(1, &wanted).await.unwrap().iter().map(|found| found.chunk.id).collect();
    assert_eq!(found, wanted);
    store.delete_document(id).await.unwrap();
    assert_eq!(store.chunks_by_id(1, &wanted).await.unwrap(), []);
}

/// All chunks of a generation, in pages of `limit`.
async fn read_all(store: &dyn DocumentStore, generation: i64, limit: u32) -> Vec<Chunk> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.chunks_after(generation, after, limit).await.unwrap();
        assert!(page.len() <= limit as usize);
        let is_last = page.len() < limit as usize;
        after = page.last().map(|found| ChunkPosition::from(&found.chunk)).or(after);
        all.extend(page.into_iter().map(|found| found.chunk));
        if is_last {
            return all;
        }
    }
}

pub async fn all_chunks_of_a_generation_are_read_in_pages(backend: &Backend) {
    let store = &*backend.store;
    assert_eq!(store.chunks_after(1, None, 10).await.unwrap(), []);
    let first = ingest(store, "a.md", "one", 4).await.document_id;
    let gone = ingest(store, "gone.md", "two", 3).await.document_id;
    let second = ingest(store, "b.md", "three", 2).await.document_id;
    let replaced = ingest(store, "c.md", "four", 3).await.document_id;
    ingest(store, "c.md", "five", 1).await;
    store.delete_document(gone).await.unwrap();
    // Ids are UUIDv7, so documents come in the order in which they were made.
    let wanted = [chunks(first, 1, 1, 4), chunks(second, 1, 1, 2), chunks(replaced, 2, 1, 1)].concat();
    for limit in [1, 2, 3, 7, 1_000] {
        assert_eq!(read_all(store, 1, limit).await, wanted, "{limit}");
    }
    let found = store.chunks_after(1, Some(ChunkPosition::from(&wanted[3])), 1).await.unwrap();
    assert_eq!((found[0].name.as_str(), found[0].title.as_deref()), ("b.md", Some("Title 1")));
    let (_, generation) = reindex(store, "second").await;
    fill(store, generation).await;
    assert_eq!(read_all(store, generation, 4).await.len(), 6);
    assert_eq!(read_all(store, 1, 4).await, wanted);
    invalid(store.chunks_after(1, None, 0).await);
    invalid(store.chunks_after(1, None, 1_001).await);
}
