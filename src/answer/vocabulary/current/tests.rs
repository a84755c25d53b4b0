#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;
use crate::{
    domain::{
        Access, Allowed, Chunk, ChunkId, EmbedderStamp, IndexStamp, JobKind, JobPriority, Metadata,
        text::CodePointRange,
    },
    metadata_store::{GenerationStore, IngestCommit, NewUpload, sqlite::SqliteStore},
};

async fn store() -> (tempfile::TempDir, Arc<dyn MetadataStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::connect(&folder.path().join("footnote.db")).await.unwrap();
    let embedder = EmbedderStamp {
        name: "none".into(),
        dimension: 1,
        sha256: String::new(),
        query_prefix: String::new(),
        passage_prefix: String::new(),
        folder: None,
    };
    let stamp = IndexStamp { embedder, chunker: String::new(), lexical: String::new() };
    store.active_generation_or_create(&stamp).await.unwrap();
    (folder, Arc::new(store))
}

/// A document with as many passages as texts.
async fn ingest(store: &dyn MetadataStore, name: &str, texts: &[&str]) {
    ingest_for(store, name, texts, &[]).await;
}

/// The same for those who have one of these access labels.
async fn ingest_for(store: &dyn MetadataStore, name: &str, texts: &[&str], labels: &[&str]) {
    let upload = NewUpload {
        collection: "default".into(),
        name: name.into(),
        metadata: Metadata::new(),
        access: labels.iter().map(|label| (*label).to_owned()).collect(),
        replaces: Access::everything(),
        sha256: format!("{:064x}", name.len() * 1_000 + texts.len()),
        size_bytes: 1,
        priority: JobPriority::Normal,
    };
    let registered = store.register_upload(upload).await.unwrap();
    let leased = store.lease_job(&[JobKind::Ingest], Duration::from_secs(3_600)).await.unwrap().unwrap();
    let chunk = |(ordinal, text): (usize, &&str)| Chunk {
        id: ChunkId::derive(registered.document_id, registered.version, 1, ordinal as u32),
        document_id: registered.document_id,
        version: registered.version,
        ordinal: ordinal as u32,
        range: CodePointRange { start: 0, end: text.chars().count() as u32 },
        text: (*text).into(),
        context: "Moorings".into(),
        heading_path: Vec::new(),
        page: None,
        tokens: 3,
    };
    let commit = IngestCommit {
        document_id: registered.document_id,
        version: registered.version,
        generation: 1,
        chunks: texts.iter().enumerate().map(chunk).collect(),
        media_type: "text/plain".into(),
        title: Some("Lighthouse".into()),
        pages: None,
        report: None,
    };
    store.finish_ingest(registered.job_id, &leased.token, commit).await.unwrap();
}

#[tokio::test]
async fn the_words_of_passages_contexts_titles_and_names_are_known_and_follow_the_index() {
    let (_folder, store) = store().await;
    let vocabularies = Vocabularies::new(store.clone(), vec!["the".into()], Bounds::default());
    ingest(&*store, "winch.md", &["the pier", "the crane"]).await;
    assert!(vocabularies.current(&Access::everything()).is_none(), "a question does not wait");
    // The look that the question set off may run meanwhile, or have come first.
    while vocabularies.0.asked_for(&Access::everything()).vocabulary.is_none() {
        vocabularies.refresh(&Access::everything()).await.unwrap();
        tokio::task::yield_now().await;
    }
    let first = vocabularies.current(&Access::everything()).unwrap();
    for (word, count) in
        [("pier", 1), ("crane", 1), ("the", 2), ("moorings", 2), ("lighthouse", 2), ("winch", 2), ("rope", 0)]
    {
        assert_eq!(first.word(word).count, count, "{word}");
    }
    vocabularies.refresh(&Access::everything()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &vocabularies.current(&Access::everything()).unwrap()), "nothing has changed");

    ingest(&*store, "other.md", &["a rope"]).await;
    vocabularies.refresh(&Access::everything()).await.unwrap();
    assert_eq!(vocabularies.current(&Access::everything()).unwrap().word("rope").count, 1);
    assert_eq!(first.word("rope").count, 0, "who took the older one keeps it");
}

#[tokio::test]
async fn more_passages_than_a_page_are_all_read() {
    let (_folder, store) = store().await;
    let texts = vec!["pier"; PAGE as usize + 7];
    ingest(&*store, "a.md", &texts).await;
    let vocabularies = Vocabularies::new(store, Vec::new(), Bounds::default());
    vocabularies.refresh(&Access::everything()).await.unwrap();
    assert_eq!(vocabularies.current(&Access::everything()).unwrap().word("pier").count, PAGE + 7);
}

#[tokio::test]
async fn a_word_that_a_caller_may_not_read_is_not_in_the_callers_vocabulary() {
    let (_folder, store) = store().await;
    ingest(&*store, "open.md", &["the pier"]).await;
    ingest_for(&*store, "closed.md", &["the mole"], &["board"]).await;
    let vocabularies = Vocabularies::new(store, Vec::new(), Bounds::default());
    let reads = |labels: &[&str]| Access {
        labels: Allowed::from_list(Some(labels.iter().map(|label| (*label).to_owned()))),
        ..Access::everything()
    };
    for (access, mole) in [(Access::everything(), 1), (reads(&["board"]), 1), (reads(&["staff"]), 0), (reads(&[]), 0)] {
        vocabularies.refresh(&access).await.unwrap();
        let vocabulary = vocabularies.current(&access).unwrap();
        assert_eq!((vocabulary.word("pier").count, vocabulary.word("mole").count), (1, mole), "{access:?}");
    }
}

#[tokio::test]
async fn no_more_circles_are_held_than_a_few_and_the_one_asked_for_longest_ago_goes() {
    let (_folder, store) = store().await;
    ingest(&*store, "open.md", &["the pier"]).await;
    let vocabularies = Vocabularies::new(store, Vec::new(), Bounds::default());
    let circle =
        |number: usize| Access { labels: Allowed::from_list(Some([number.to_string()])), ..Access::everything() };
    for number in 0..=CIRCLES {
        vocabularies.refresh(&circle(number)).await.unwrap();
    }
    let held = |number| vocabularies.0.asked_for(&circle(number)).vocabulary.is_some();
    assert!(!held(0) && (1..=CIRCLES).all(held));
}
