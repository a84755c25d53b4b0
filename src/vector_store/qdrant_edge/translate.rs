//! Our words in the engine's: configuration, points, filters, queries and errors.
//!
//! May depend on `request` and the engine only.

use std::collections::HashMap;

use qdrant_edge::{
    Condition as EngineCondition, CreateIndex, Distance, EdgeConfig, EdgeConfigBuilder, EdgeOptimizersConfig,
    EdgeSparseVectorParamsBuilder, EdgeVectorParamsBuilder, FieldCondition, FieldIndexOperations, Filter, Fusion,
    HnswIndexConfig, JsonPath, KeywordIndexParams, Match, MatchValue, Modifier, NamedQuery, OperationError,
    PayloadFieldSchema, PayloadSchemaParams, PointId, PointInsertOperations, PointOperations, PointStruct, Prefetch,
    QueryEnum, QueryRequest, Record, ScoredPoint, ScoringQuery, ScrollRequest, SearchParams, UpdateOperation,
    ValueVariants, Vector, VectorInternal, VectorStructInternal, Vectors, WalOptions, WithPayloadInterface, WithVector,
    external::ordered_float::OrderedFloat,
};
use serde_json::json;

use super::Tuning;
use crate::{
    domain::ChunkId,
    vector_store::{
        Point, ScoredChunk, VectorStoreError,
        request::{
            ACCESS, COLLECTION, Condition, DENSE, DOCUMENT, KEYWORD_FIELDS, LABELS, Nearest, SPARSE, VERSION,
            access_keywords, labels,
        },
    },
};

/// The engine's log of operations grows in files of this size. It is never replayed (`shard` says why), so
/// small files are enough; an operation that is larger gets a file of its own size.
const LOG_FILE_BYTES: usize = 4 << 20;

/// How many candidates an HNSW search keeps: twice the engine's default, for recall on a few thousand
/// results deep fusions. Segments below the indexing threshold are scanned exactly and ignore it.
const HNSW_EF: usize = 256;

/// The configuration of a new shard.
pub(super) fn config(dimension: u32, tuning: Tuning) -> EdgeConfig {
    // Passages and questions have length 1 by contract, for which cosine and dot product rank alike; cosine
    // stays right for an embedder that does not quite keep to it.
    let dense = EdgeVectorParamsBuilder::new(dimension as usize, Distance::Cosine).on_disk(true).build();
    let sparse = EdgeSparseVectorParamsBuilder::new().modifier(Modifier::Idf).on_disk(true).build();
    EdgeConfigBuilder::new()
        .vector(DENSE, dense)
        .sparse_vector(SPARSE, sparse)
        .hnsw_config(HnswIndexConfig { on_disk: Some(true), ..HnswIndexConfig::default() })
        .optimizers(EdgeOptimizersConfig {
            indexing_threshold: tuning.indexing_threshold_kb,
            ..EdgeOptimizersConfig::default()
        })
        .wal_options(WalOptions { segment_capacity: LOG_FILE_BYTES, ..WalOptions::default() })
        .build()
}

/// The operations that create the payload indexes; ones that exist already are left as they are.
pub(super) fn index_operations() -> Result<Vec<UpdateOperation>, VectorStoreError> {
    KEYWORD_FIELDS
        .into_iter()
        .map(|field| {
            let schema = PayloadSchemaParams::Keyword(KeywordIndexParams {
                on_disk: Some(true),
                ..KeywordIndexParams::default()
            });
            Ok(UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(CreateIndex {
                field_name: path(field)?,
                field_schema: Some(PayloadFieldSchema::FieldParams(schema)),
            })))
        })
        .collect()
}

/// The operation that writes points.
pub(super) fn upsert(points: Vec<Point>) -> Result<UpdateOperation, VectorStoreError> {
    let points = points.into_iter().map(point).collect::<Result<_, _>>()?;
    Ok(UpdateOperation::PointOperation(PointOperations::UpsertPoints(PointInsertOperations::PointsList(points))))
}

fn point(point: Point) -> Result<qdrant_edge::PointStructPersisted, VectorStoreError> {
    let payload = json!({
        COLLECTION: point.collection,
        DOCUMENT: point.document_id.0.to_string(),
        VERSION: point.version,
        LABELS: labels(&point.metadata)?,
        ACCESS: access_keywords(&point.access),
    });
    // A passage without terms gets an empty sparse vector rather than none: a point that is moved between
    // segments while it is replaced keeps the vectors that the new one does not name.
    let sparse = Vector::new_sparse(point.sparse.indices, point.sparse.values).map_err(error)?;
    let vectors = HashMap::from([(DENSE.to_owned(), Vector::new_dense(point.dense)), (SPARSE.to_owned(), sparse)]);
    Ok(PointStruct::new(PointId::Uuid(point.chunk_id.0), Vectors::from(vectors), payload).into())
}

/// The operation that deletes what the conditions pick.
pub(super) fn delete(conditions: &[Condition]) -> Result<UpdateOperation, VectorStoreError> {
    Ok(UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter(conditions)?)))
}

/// The operation that deletes single points.
pub(super) fn delete_points(ids: &[ChunkId]) -> UpdateOperation {
    let ids = ids.iter().copied().map(point_id).collect();
    UpdateOperation::PointOperation(PointOperations::DeletePoints { ids })
}

/// The request for points in the order of their ids, from `first` on.
pub(super) fn scroll(first: ChunkId, limit: usize) -> ScrollRequest {
    ScrollRequest {
        offset: Some(point_id(first)),
        limit: Some(limit),
        filter: None,
        with_payload: Some(WITHOUT_PAYLOAD),
        with_vector: WithVector::Bool(false),
        order_by: None,
    }
}

/// A filter that every condition must pass.
pub(super) fn filter(conditions: &[Condition]) -> Result<Filter, VectorStoreError> {
    let conditions = conditions
        .iter()
        .map(|condition| {
            let (field, value) = match condition {
                Condition::AnyKeyword(field, keywords) => (*field, Match::from(keywords.clone())),
                Condition::Integer(field, value) => {
                    (*field, Match::Value(MatchValue { value: ValueVariants::Integer(*value) }))
                }
            };
            Ok(EngineCondition::Field(FieldCondition::new_match(path(field)?, value)))
        })
        .collect::<Result<Vec<_>, VectorStoreError>>()?;
    Ok(Filter { must: Some(conditions), ..Filter::default() })
}

/// A query by one ranking.
pub(super) fn query_one(nearest: Nearest, filter: Filter, limit: usize) -> Result<QueryRequest, VectorStoreError> {
    Ok(QueryRequest { filter: Some(filter), query: Some(scoring(nearest)?), ..request(limit) })
}

/// A query that fuses rankings.
pub(super) fn query_fused(
    rankings: Vec<(Nearest, f32)>,
    qdrant_k: u32,
    depth: usize,
    filter: &Filter,
    limit: usize,
) -> Result<QueryRequest, VectorStoreError> {
    let weights = rankings.iter().map(|(_, weight)| OrderedFloat(*weight)).collect();
    let prefetches = rankings
        .into_iter()
        .map(|(nearest, _)| {
            Ok(Prefetch {
                prefetches: Vec::new(),
                query: Some(scoring(nearest)?),
                limit: depth,
                params: Some(params(depth)),
                filter: Some(filter.clone()),
                score_threshold: None,
            })
        })
        .collect::<Result<_, VectorStoreError>>()?;
    let fusion = Fusion::Rrf { k: qdrant_k as usize, weights: Some(weights) };
    Ok(QueryRequest { prefetches, query: Some(ScoringQuery::Fusion(fusion)), params: None, ..request(limit) })
}

fn request(limit: usize) -> QueryRequest {
    QueryRequest {
        prefetches: Vec::new(),
        query: None,
        filter: None,
        score_threshold: None,
        limit,
        offset: 0,
        params: Some(params(limit)),
        with_vector: WithVector::Bool(false),
        with_payload: WithPayloadInterface::Bool(false),
    }
}

fn params(limit: usize) -> SearchParams {
    SearchParams { hnsw_ef: Some(HNSW_EF.max(limit)), ..SearchParams::default() }
}

fn scoring(nearest: Nearest) -> Result<ScoringQuery, VectorStoreError> {
    let (vector, name) = match nearest {
        Nearest::Dense(dense) => (Vector::new_dense(dense), DENSE),
        Nearest::Sparse(sparse) => (Vector::new_sparse(sparse.indices, sparse.values).map_err(error)?, SPARSE),
    };
    Ok(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector.0, name))))
}

/// A result of the engine.
pub(super) fn scored(point: &ScoredPoint) -> Result<ScoredChunk, VectorStoreError> {
    Ok(ScoredChunk { chunk_id: chunk_id(point.id)?, score: point.score })
}

/// The point of a chunk.
pub(super) fn point_id(chunk: ChunkId) -> PointId {
    PointId::Uuid(chunk.0)
}

/// The chunk of a point.
pub(super) fn chunk_id(point: PointId) -> Result<ChunkId, VectorStoreError> {
    match point {
        PointId::Uuid(id) => Ok(ChunkId(id)),
        PointId::NumId(number) => {
            Err(VectorStoreError::Failed(format!("the index holds point {number}, which this program did not write")))
        }
    }
}

/// Points are read without what the metadata store knows better.
pub(super) const WITHOUT_PAYLOAD: WithPayloadInterface = WithPayloadInterface::Bool(false);

/// Points are read with their dense vector alone.
pub(super) fn dense_only() -> WithVector {
    WithVector::Selector(vec![DENSE.into()])
}

/// A point that was read with its dense vector.
pub(super) fn dense_vector(record: Record) -> Result<(ChunkId, Vec<f32>), VectorStoreError> {
    let id = chunk_id(record.id)?;
    let vector = match record.vector {
        Some(VectorStructInternal::Named(mut named)) => named.remove(DENSE),
        _ => None,
    };
    match vector {
        Some(VectorInternal::Dense(dense)) => Ok((id, dense)),
        _ => Err(VectorStoreError::Failed(format!("point {} has no vector `{DENSE}`", id.0))),
    }
}

/// An error of the engine.
pub(super) fn error(error: OperationError) -> VectorStoreError {
    match error {
        OperationError::ValidationError { description } => VectorStoreError::Invalid(description),
        OperationError::OutOfMemory { .. } | OperationError::Timeout { .. } | OperationError::Cancelled { .. } => {
            VectorStoreError::Unavailable(error.to_string())
        }
        error => VectorStoreError::Failed(error.to_string()),
    }
}

fn path(field: &str) -> Result<JsonPath, VectorStoreError> {
    field.parse().map_err(|()| VectorStoreError::Failed(format!("`{field}` is not a payload path")))
}
