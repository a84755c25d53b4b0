//! The filter language: what a filter finds in the engine is what it matches by itself, and what is refused is refused by both.

use std::sync::LazyLock;

use footnote::{
    domain::{Allowed, ChunkId, DocumentId, Filter, GenerationNumber, Metadata},
    vector_store::{
        Point, Ranking, SparseVector, VectorQuery, VectorStore, VectorStoreError, matches, qdrant_edge::QdrantEdge,
    },
};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

const GENERATION: GenerationNumber = 1;

/// An index of documents with metadata of every kind.
pub struct Index {
    runtime: Runtime,
    store: QdrantEdge,
    documents: Vec<(DocumentId, Metadata)>,
    _dir: TempDir,
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

impl Index {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let runtime = Runtime::new().expect("a runtime");
        let store = QdrantEdge::open(dir.path()).expect("a store");
        let long = "long ".repeat(80);
        let kinds = [
            json!({}),
            json!({"a": "b"}),
            json!({"a": ["b", "c"]}),
            json!({"a": 1}),
            json!({"a": 1.0, "b": true}),
            json!({"a": 1.5, "b": false}),
            json!({"a": "1", "b": "true"}),
            json!({"a": long, "": ""}),
            json!({"a.b": "c", "a[]": "d", "\u{e9}": "\u{1f600}"}),
            json!({"a": [1, "1", true, 1e300], "n": -0.0}),
            json!({"n": 9_007_199_254_740_993_i64}),
            json!({"n": 0, "a": []}),
        ];
        let long =
            serde_json::from_str::<serde_json::Value>(r#"{"n": 9149627007149627370496, "f": 0.30000000000000004}"#);
        let long = long.expect("JSON");
        // As it comes back from a database.
        let again = serde_json::from_str(&long.to_string()).expect("JSON");
        let documents: Vec<(DocumentId, Metadata)> = (1..)
            .zip(kinds.into_iter().chain([long, again]))
            .map(|(number, kind)| {
                (DocumentId(Uuid::from_u128(number)), serde_json::from_value(kind).expect("an object"))
            })
            .collect();
        let points = documents.iter().map(|(id, metadata)| Point {
            chunk_id: ChunkId(id.0),
            document_id: *id,
            version: 1,
            collection: "default".to_owned(),
            metadata: metadata.clone(),
            access: Vec::new(),
            dense: vec![1.0, 0.0],
            sparse: SparseVector { indices: vec![1], values: vec![1.0] },
        });
        let made = runtime.block_on(async {
            store.create_generation(GENERATION, 2).await?;
            store.upsert(GENERATION, points.collect()).await
        });
        made.expect("the index");
        Self { runtime, store, documents, _dir: dir }
    }
}

/// The JSON of a filter.
pub fn filter(bytes: &[u8]) {
    let Ok(filter) = serde_json::from_slice::<Filter>(bytes) else { return };
    let index = &*INDEX;
    let written = serde_json::to_vec(&filter).expect("a filter can be written");
    let read: Filter = serde_json::from_slice(&written).expect("what was written can be read");
    for (id, metadata) in &index.documents {
        let matched = [&filter, &read].map(|filter| matches(filter, *id, metadata).ok());
        assert_eq!(matched[0], matched[1], "what was written and read again means the same: {filter:?}");
    }
    let expected: Result<Vec<ChunkId>, VectorStoreError> = index
        .documents
        .iter()
        .filter_map(|(id, metadata)| match matches(&filter, *id, metadata) {
            Ok(true) => Some(Ok(ChunkId(id.0))),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        })
        .collect();
    let query = VectorQuery {
        collection: "default".to_owned(),
        filter: filter.clone(),
        labels: Allowed::All,
        ranking: Ranking::Dense(vec![1.0, 0.0]),
        limit: 100,
    };
    let found = index.runtime.block_on(index.store.search(GENERATION, query));
    match (found, expected) {
        (Ok(found), Ok(expected)) => {
            let mut found: Vec<ChunkId> = found.into_iter().map(|found| found.chunk_id).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{filter:?}");
        }
        (Err(VectorStoreError::Invalid(_)), Err(VectorStoreError::Invalid(_))) => {}
        // Matching one document ends at the first member that does not hold; a search checks all of them.
        (Err(VectorStoreError::Invalid(_)), Ok(expected)) => assert!(expected.is_empty(), "{filter:?}"),
        (found, expected) => panic!("{found:?} and {expected:?} for {filter:?}"),
    }
}

/// Filters as they are meant.
pub fn right() -> Vec<Vec<u8>> {
    let id = format!("doc_{:032x}", 3);
    let filters = [
        json!({}),
        json!({"document_ids": [id], "metadata": {"a": ["b", 1]}}),
        json!({"metadata": {"a": 1.0, "b": true}}),
        json!({"metadata": {"a.b": "c", "n": -0.0}}),
        json!({"metadata": {"n": 9_007_199_254_740_993_i64, "a": "1"}}),
        json!({"metadata": {"a": [], "b": null}}),
    ];
    filters.iter().map(|filter| filter.to_string().into_bytes()).collect()
}
