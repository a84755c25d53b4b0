//! Where vectors live: the contract that every backend keeps.
//!
//! May depend on `domain`. The backends (`qdrant_edge`, `qdrant_server`) depend on their vendor's crate, and
//! no vendor type leaves this module. What both backends must agree on, how a request is checked and which
//! conditions and rankings it stands for, is decided once, in `request`.

#[cfg(feature = "edge")]
pub mod qdrant_edge;
pub mod qdrant_server;
mod request;

pub use request::matches;

use async_trait::async_trait;

use crate::{
    domain::{Allowed, ChunkId, DocumentId, Filter, GenerationNumber, Metadata},
    faults::Fault,
};

/// A sparse vector: sorted, distinct dimensions and their weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseVector {
    /// The dimensions, ascending.
    pub indices: Vec<u32>,
    /// The weight of each dimension.
    pub values: Vec<f32>,
}

/// A passage as the vector store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The passage.
    pub chunk_id: ChunkId,
    /// The passage's document.
    pub document_id: DocumentId,
    /// The version of the document.
    pub version: u32,
    /// The collection that holds the document.
    pub collection: String,
    /// What the user said about the document; filters match it.
    pub metadata: Metadata,
    /// The document's access labels; everyone who may read its collection reads it when there are none.
    pub access: Vec<String>,
    /// The dense vector, of the generation's dimension and of length 1.
    pub dense: Vec<f32>,
    /// The BM25 weights of the passage's terms, without the inverse document frequency: the store applies it.
    pub sparse: SparseVector,
}

/// What to search for.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorQuery {
    /// The collection to look in.
    pub collection: String,
    /// Narrows the documents.
    pub filter: Filter,
    /// The access labels of whoever asks: only passages of documents that have none, or one of these, are found.
    pub labels: Allowed,
    /// Which rankings to make, and how to fuse them.
    pub ranking: Ranking,
    /// How many results to return, at least 1.
    pub limit: usize,
}

/// How results are ranked.
#[derive(Debug, Clone, PartialEq)]
pub enum Ranking {
    /// By cosine to a dense vector.
    Dense(Vec<f32>),
    /// By BM25 (inverse document frequency applied by the store, over all collections; it may count replaced and
    /// deleted passages until the index is optimized or rebuilt).
    Lexical(SparseVector),
    /// By weighted reciprocal rank fusion of both (Cormack, Clarke and Büttcher 2009), computed in the store:
    /// score = sum over the rankings of 1 / (k + rank / weight), rank 1 for the best. This is Qdrant's
    /// weighted form: with weight 1 it is the paper's 1 / (k + rank); weight 2 makes rank 10 count as rank 5.
    /// A ranking whose weight is 0 is left out, and so is the lexical one when the question has no terms.
    Hybrid {
        /// The question's dense vector.
        dense: Vec<f32>,
        /// The question's terms.
        sparse: SparseVector,
        /// How the two rankings are fused.
        fusion: Fusion,
    },
}

/// The constants of reciprocal rank fusion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fusion {
    /// The constant added to every rank.
    pub k: u32,
    /// The weight of the dense ranking.
    pub dense_weight: f32,
    /// The weight of the lexical ranking.
    pub lexical_weight: f32,
    /// How many results of each ranking are fused.
    pub depth: usize,
}

/// A passage that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredChunk {
    /// The passage.
    pub chunk_id: ChunkId,
    /// Its score: larger is better, comparable only inside one result list.
    pub score: f32,
}

/// What went wrong in a vector store.
#[derive(Debug, thiserror::Error)]
pub enum VectorStoreError {
    /// The generation does not exist.
    #[error("the vector index has no generation {0}: run `footnote doctor`")]
    NoSuchGeneration(GenerationNumber),
    /// The generation exists with another dimension.
    #[error(
        "generation {generation} holds vectors of {found} dimensions, the embedder makes {expected}: run `footnote reindex`"
    )]
    DimensionMismatch {
        /// The generation.
        generation: GenerationNumber,
        /// The dimension that was asked for.
        expected: u32,
        /// The dimension that the generation has.
        found: u32,
    },
    /// A request that the contract does not allow.
    #[error("invalid vector request: {0}")]
    Invalid(String),
    /// The store could not be reached, did not answer in time, or says that it is overloaded.
    #[error("the vector store is unavailable: {0}")]
    Unavailable(String),
    /// The store failed.
    #[error("the vector store failed: {0}")]
    Failed(String),
}

impl From<Fault> for VectorStoreError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault.to_string())
    }
}

impl VectorStoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// A store of vectors, in generations: one Qdrant collection or one Edge directory each.
///
/// Every call returns after the store has taken it over: what `upsert` and the deletes were answered `Ok`
/// for is seen by every later `search`, also by that of another process on the same server, and survives
/// `kill -9`. Calls are safe to repeat. Implementations bound their own waiting and never block the caller's
/// executor.
#[async_trait]
pub trait VectorStore: Send + Sync + 'static {
    /// Makes sure that `generation` exists with vectors of `dimension`; `Ok` when it already does.
    /// Fails with `DimensionMismatch` when it exists with another dimension.
    async fn create_generation(&self, generation: GenerationNumber, dimension: u32) -> Result<(), VectorStoreError>;

    /// Removes a generation with all of its vectors; `Ok` when it does not exist.
    async fn drop_generation(&self, generation: GenerationNumber) -> Result<(), VectorStoreError>;

    /// The generations that exist, ascending.
    async fn generations(&self) -> Result<Vec<GenerationNumber>, VectorStoreError>;

    /// Writes points; one with a known `chunk_id` replaces the old one. An empty list is `Ok`.
    async fn upsert(&self, generation: GenerationNumber, points: Vec<Point>) -> Result<(), VectorStoreError>;

    /// Removes all points of a document, or of one version of it; `Ok` when there are none.
    async fn delete_document(
        &self,
        generation: GenerationNumber,
        document: DocumentId,
        version: Option<u32>,
    ) -> Result<(), VectorStoreError>;

    /// The best matches, best first, at most `limit`; ties are broken in no particular order.
    async fn search(
        &self,
        generation: GenerationNumber,
        query: VectorQuery,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError>;

    /// The dense vectors of those points among `ids` that exist, in no particular order. They rank as the ones that were
    /// written do: a store may have brought them to length 1, which they have by contract up to rounding.
    async fn dense_vectors(
        &self,
        generation: GenerationNumber,
        ids: &[ChunkId],
    ) -> Result<Vec<(ChunkId, Vec<f32>)>, VectorStoreError>;

    /// The exact number of points, of a document or of all.
    async fn count(&self, generation: GenerationNumber, document: Option<DocumentId>) -> Result<u64, VectorStoreError>;

    /// The ids of the points behind `after`, ascending by their UUIDs, at most `limit` (1 to 10,000): for who checks all
    /// of them. Fewer than `limit` are the last ones. A point that comes or goes meanwhile may be missed.
    async fn point_ids(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkId>,
        limit: u32,
    ) -> Result<Vec<ChunkId>, VectorStoreError>;

    /// Removes single points; `Ok` for those that do not exist. An empty list is `Ok`.
    async fn delete_points(&self, generation: GenerationNumber, ids: &[ChunkId]) -> Result<(), VectorStoreError>;

    /// Brings the index into the shape that searches fastest (builds HNSW where it pays). Searches and
    /// writes go on meanwhile. `Ok` when there is nothing to do.
    async fn optimize(&self, generation: GenerationNumber) -> Result<(), VectorStoreError>;

    /// `Ok` when the store can be reached.
    async fn ping(&self) -> Result<(), VectorStoreError>;
}
