//! The vector store's contract, one set of cases for every backend: Qdrant Edge, the server client against the
//! in-process stub, and against a real server when `FOOTNOTE_TEST_QDRANT_URL` names one.

mod cases;
#[cfg(feature = "edge")]
mod durability;
#[cfg(feature = "edge")]
mod faults;

use std::sync::Arc;

use footnote::{
    domain::{Allowed, ChunkId, DocumentId, Filter, GenerationNumber, Metadata},
    vector_store::{
        Fusion, Point, Ranking, ScoredChunk, SparseVector, VectorQuery, VectorStore, qdrant_server::QdrantServer,
    },
};

/// The dimension that the cases use.
const DIMENSION: u32 = 3;

/// A backend with a place of its own to store in.
trait Backend: Sized {
    /// Makes the place; `None` when the backend is not to be tested here.
    async fn start() -> Option<Self>;
    /// Opens the store, as a process that starts would. One at a time.
    async fn open(&self) -> Arc<dyn VectorStore>;
    /// Removes what would stay behind.
    async fn finish(self);
}

#[cfg(feature = "edge")]
struct Edge(tempfile::TempDir);

#[cfg(feature = "edge")]
impl Backend for Edge {
    async fn start() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    async fn open(&self) -> Arc<dyn VectorStore> {
        Arc::new(footnote::vector_store::qdrant_edge::QdrantEdge::open(self.0.path()).unwrap())
    }

    async fn finish(self) {}
}

#[cfg(feature = "edge")]
struct Stub(crate::qdrant_stub::StubServer);

#[cfg(feature = "edge")]
impl Backend for Stub {
    async fn start() -> Option<Self> {
        Some(Self(crate::qdrant_stub::StubServer::start()))
    }

    async fn open(&self) -> Arc<dyn VectorStore> {
        Arc::new(QdrantServer::connect(self.0.url(), None, "footnote").await.unwrap())
    }

    async fn finish(self) {}
}

/// The server that `FOOTNOTE_TEST_QDRANT_URL` names, with a prefix of this test's own.
struct Real {
    url: String,
    prefix: String,
}

impl Backend for Real {
    async fn start() -> Option<Self> {
        let url = std::env::var("FOOTNOTE_TEST_QDRANT_URL").ok()?;
        Some(Self { url, prefix: format!("test_{}", DocumentId::new().0.simple()) })
    }

    async fn open(&self) -> Arc<dyn VectorStore> {
        let key = std::env::var("FOOTNOTE_TEST_QDRANT_API_KEY").ok();
        Arc::new(QdrantServer::connect(&self.url, key, &self.prefix).await.unwrap())
    }

    async fn finish(self) {
        let store = self.open().await;
        for generation in store.generations().await.unwrap() {
            store.drop_generation(generation).await.unwrap();
        }
    }
}

macro_rules! on_backend {
    ($module:ident, $backend:ty, $($case:ident)*) => {
        mod $module {
            use super::{Backend as _, cases};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let Some(backend) = <$backend>::start().await else { return };
                    cases::$case(&backend).await;
                    backend.finish().await;
                }
            )*
        }
    };
}

macro_rules! contract {
    ($($case:ident)*) => {
        #[cfg(feature = "edge")]
        on_backend!(edge, super::Edge, $($case)*);
        #[cfg(feature = "edge")]
        on_backend!(server_stub, super::Stub, $($case)*);
        on_backend!(server, super::Real, $($case)*);
    };
}

contract! {
    creating_a_generation_twice_keeps_its_points
    another_dimension_is_refused
    an_upsert_replaces_the_point_of_the_same_chunk
    a_replacement_without_terms_is_not_found_by_the_old_ones
    deleting_removes_one_version_or_the_whole_document
    collections_do_not_see_each_other
    filters_match_by_type_and_value
    filters_of_several_members_must_all_hold
    metadata_that_no_filter_could_match_is_refused
    a_caller_finds_what_has_no_access_label_or_one_of_the_callers
    dense_results_are_ordered_by_cosine
    lexical_results_are_ordered_by_bm25_with_document_frequency
    a_lexical_query_without_terms_finds_nothing
    hybrid_scores_are_the_weighted_reciprocal_ranks
    a_hybrid_query_without_terms_ranks_by_the_dense_vector
    hybrid_depth_and_limits_bound_the_results
    dense_vectors_come_back_of_the_points_that_exist
    a_missing_generation_is_named_in_the_error
    generations_are_listed_and_dropped
    reopening_keeps_everything
    optimizing_changes_no_result
    writes_and_searches_go_on_together
    a_large_upsert_is_taken_whole
    ids_are_listed_in_order_and_points_removed_one_by_one
}

// ---- what the cases are made of ----

fn document(number: u128) -> DocumentId {
    DocumentId(uuid::Uuid::from_u128(0xd0c0_0000_0000_0000_0000_0000_0000_0000 | number))
}

fn chunk(number: u128) -> ChunkId {
    ChunkId(uuid::Uuid::from_u128(0xc000_0000_0000_0000_0000_0000_0000_0000 | number))
}

fn sparse(terms: &[(u32, f32)]) -> SparseVector {
    SparseVector {
        indices: terms.iter().map(|(index, _)| *index).collect(),
        values: terms.iter().map(|(_, value)| *value).collect(),
    }
}

/// The unit vector at `degrees` in the plane of the first two dimensions.
fn at(degrees: f32) -> Vec<f32> {
    let radians = degrees.to_radians();
    vec![radians.cos(), radians.sin(), 0.0]
}

fn point(number: u128) -> Point {
    Point {
        chunk_id: chunk(number),
        document_id: document(number),
        version: 1,
        collection: "default".to_owned(),
        metadata: Metadata::new(),
        access: Vec::new(),
        dense: at(number as f32),
        sparse: sparse(&[(number as u32, 1.0)]),
    }
}

fn metadata(value: serde_json::Value) -> Metadata {
    value.as_object().unwrap().clone()
}

fn fusion(dense_weight: f32, lexical_weight: f32, depth: usize) -> Fusion {
    Fusion { k: 60, dense_weight, lexical_weight, depth }
}

fn query(ranking: Ranking, limit: usize) -> VectorQuery {
    VectorQuery { collection: "default".to_owned(), filter: Filter::default(), labels: Allowed::All, ranking, limit }
}

async fn search(store: &dyn VectorStore, generation: GenerationNumber, query: VectorQuery) -> Vec<ScoredChunk> {
    store.search(generation, query).await.unwrap()
}

fn ids(found: &[ScoredChunk]) -> Vec<ChunkId> {
    found.iter().map(|found| found.chunk_id).collect()
}

fn sorted(mut ids: Vec<ChunkId>) -> Vec<ChunkId> {
    ids.sort();
    ids
}

#[track_caller]
fn assert_close(found: &[ScoredChunk], expected: &[(ChunkId, f32)]) {
    assert_eq!(ids(found), expected.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "{found:?}");
    for (found, (_, score)) in found.iter().zip(expected) {
        assert!((found.score - score).abs() < 1e-4 * score.abs().max(0.01), "{} is not {score}", found.score);
    }
}
