//! Our words in the server's: collections, points, filters, queries and errors.
//!
//! May depend on `request` and the client only.

use std::collections::HashMap;

use qdrant_client::{
    QdrantError,
    qdrant::{
        self, Condition as ServerCondition, CreateCollection, CreateFieldIndexCollection, DenseVector, Distance,
        FieldCondition, FieldType, Filter, GetCollectionInfoResponse, GetPoints, Match, Modifier, NamedVectors,
        PointId, PointStruct, PointsIdsList, PointsSelector, PrefetchQuery, Query, QueryPoints, RepeatedStrings,
        RetrievedPoint, Rrf, ScoredPoint, ScrollPoints, SearchParams, SparseVectorConfig, SparseVectorParams, Value,
        Vector, VectorInput, VectorOutput, VectorParams, VectorParamsMap, Vectors, VectorsConfig, VectorsSelector,
        WithPayloadSelector, WithVectorsSelector, condition::ConditionOneOf, r#match::MatchValue,
        point_id::PointIdOptions, points_selector::PointsSelectorOneOf, query::Variant, value::Kind, vector,
        vector_input, vector_output, vectors::VectorsOptions, vectors_config, vectors_output,
        with_payload_selector::SelectorOptions as PayloadOptions,
        with_vectors_selector::SelectorOptions as VectorOptions,
    },
};

use crate::{
    domain::{ChunkId, GenerationNumber},
    vector_store::{
        Point, ScoredChunk, VectorStoreError,
        request::{
            ACCESS, COLLECTION, Condition, DENSE, DOCUMENT, LABELS, Nearest, Plan, SPARSE, Search, VERSION,
            access_keywords, labels,
        },
    },
};

/// How many candidates an HNSW search keeps at least, as in `qdrant_edge`.
const HNSW_EF: usize = 256;

/// The request that creates a generation.
pub(super) fn create_collection(name: String, dimension: u32) -> CreateCollection {
    let dense =
        VectorParams { size: u64::from(dimension), distance: Distance::Cosine.into(), ..VectorParams::default() };
    let sparse = SparseVectorParams { modifier: Some(Modifier::Idf.into()), ..SparseVectorParams::default() };
    CreateCollection {
        collection_name: name,
        vectors_config: Some(VectorsConfig {
            config: Some(vectors_config::Config::ParamsMap(VectorParamsMap {
                map: HashMap::from([(DENSE.to_owned(), dense)]),
            })),
        }),
        sparse_vectors_config: Some(SparseVectorConfig { map: HashMap::from([(SPARSE.to_owned(), sparse)]) }),
        ..CreateCollection::default()
    }
}

/// The request that creates the keyword index of a field.
pub(super) fn create_index(collection: &str, field: &str) -> CreateFieldIndexCollection {
    CreateFieldIndexCollection {
        collection_name: collection.to_owned(),
        wait: Some(true),
        field_name: field.to_owned(),
        field_type: Some(FieldType::Keyword.into()),
        ..CreateFieldIndexCollection::default()
    }
}

/// The dimension that a collection was created with.
pub(super) fn dimension(collection: &str, info: GetCollectionInfoResponse) -> Result<u32, VectorStoreError> {
    let params = info.result.and_then(|info| info.config).and_then(|config| config.params);
    let size = match params.and_then(|params| params.vectors_config).and_then(|vectors| vectors.config) {
        Some(vectors_config::Config::ParamsMap(vectors)) => vectors.map.get(DENSE).map(|dense| dense.size),
        _ => None,
    };
    size.and_then(|size| u32::try_from(size).ok()).ok_or_else(|| {
        VectorStoreError::Failed(format!(
            "the server's collection {collection} was not made by this program (it has no vector `{DENSE}`): \
             choose another prefix"
        ))
    })
}

/// A point.
pub(super) fn point(point: Point) -> Result<PointStruct, VectorStoreError> {
    let list = |keywords: Vec<String>| {
        let values = keywords.into_iter().map(text).collect();
        Value { kind: Some(Kind::ListValue(qdrant::ListValue { values })) }
    };
    let payload = HashMap::from([
        (COLLECTION.to_owned(), text(point.collection)),
        (DOCUMENT.to_owned(), text(point.document_id.0.to_string())),
        (VERSION.to_owned(), Value { kind: Some(Kind::IntegerValue(i64::from(point.version))) }),
        (LABELS.to_owned(), list(labels(&point.metadata)?)),
        (ACCESS.to_owned(), list(access_keywords(&point.access))),
    ]);
    let dense = vector::Vector::Dense(DenseVector { data: point.dense });
    let sparse = qdrant::SparseVector { indices: point.sparse.indices, values: point.sparse.values };
    let named = [(DENSE, dense), (SPARSE, vector::Vector::Sparse(sparse))];
    let vectors = named
        .into_iter()
        .map(|(name, vector)| (name.to_owned(), Vector { vector: Some(vector), ..Vector::default() }))
        .collect();
    Ok(PointStruct {
        id: Some(point_id(point.chunk_id)),
        payload,
        vectors: Some(Vectors { vectors_options: Some(VectorsOptions::Vectors(NamedVectors { vectors })) }),
    })
}

fn text(text: String) -> Value {
    Value { kind: Some(Kind::StringValue(text)) }
}

/// Single points.
pub(super) fn points(ids: &[ChunkId]) -> PointsSelector {
    let ids = ids.iter().copied().map(point_id).collect();
    PointsSelector { points_selector_one_of: Some(PointsSelectorOneOf::Points(PointsIdsList { ids })) }
}

/// The request for points in the order of their ids, from `first` on.
pub(super) fn scroll(collection: String, first: ChunkId, limit: u32, timeout_seconds: u64) -> ScrollPoints {
    ScrollPoints {
        collection_name: collection,
        offset: Some(point_id(first)),
        limit: Some(limit),
        with_payload: Some(WithPayloadSelector { selector_options: Some(PayloadOptions::Enable(false)) }),
        with_vectors: Some(WithVectorsSelector { selector_options: Some(VectorOptions::Enable(false)) }),
        timeout: Some(timeout_seconds),
        ..ScrollPoints::default()
    }
}

/// A filter that every condition must pass.
pub(super) fn filter(conditions: &[Condition]) -> Filter {
    let must = conditions
        .iter()
        .map(|condition| {
            let (field, value) = match condition {
                Condition::AnyKeyword(field, keywords) => {
                    (field, MatchValue::Keywords(RepeatedStrings { strings: keywords.clone() }))
                }
                Condition::Integer(field, value) => (field, MatchValue::Integer(*value)),
            };
            let condition = FieldCondition {
                key: (*field).to_owned(),
                r#match: Some(Match { match_value: Some(value) }),
                ..FieldCondition::default()
            };
            ServerCondition { condition_one_of: Some(ConditionOneOf::Field(condition)) }
        })
        .collect();
    Filter { must, ..Filter::default() }
}

/// A query; `None` when nothing can match.
pub(super) fn query(collection: String, search: Search, timeout_seconds: u64) -> Option<QueryPoints> {
    let filter = filter(&search.conditions);
    let request = QueryPoints {
        collection_name: collection,
        limit: Some(search.limit as u64),
        timeout: Some(timeout_seconds),
        ..QueryPoints::default()
    };
    Some(match search.plan {
        Plan::Nothing => return None,
        Plan::One(nearest) => {
            let (query, using) = scoring(nearest);
            QueryPoints {
                query: Some(query),
                using: Some(using),
                filter: Some(filter),
                params: Some(params(search.limit)),
                ..request
            }
        }
        Plan::Fused { qdrant_k, depth, rankings } => {
            let weights = rankings.iter().map(|(_, weight)| *weight).collect();
            let prefetch = rankings
                .into_iter()
                .map(|(nearest, _)| {
                    let (query, using) = scoring(nearest);
                    PrefetchQuery {
                        query: Some(query),
                        using: Some(using),
                        filter: Some(filter.clone()),
                        params: Some(params(depth)),
                        limit: Some(depth as u64),
                        ..PrefetchQuery::default()
                    }
                })
                .collect();
            let fusion = Query { variant: Some(Variant::Rrf(Rrf { k: Some(qdrant_k), weights })) };
            QueryPoints { prefetch, query: Some(fusion), ..request }
        }
    })
}

fn scoring(nearest: Nearest) -> (Query, String) {
    let (vector, using) = match nearest {
        Nearest::Dense(data) => (vector_input::Variant::Dense(DenseVector { data }), DENSE),
        Nearest::Sparse(sparse) => {
            let sparse = qdrant::SparseVector { indices: sparse.indices, values: sparse.values };
            (vector_input::Variant::Sparse(sparse), SPARSE)
        }
    };
    let query = Query { variant: Some(Variant::Nearest(VectorInput { variant: Some(vector) })) };
    (query, using.to_owned())
}

fn params(limit: usize) -> SearchParams {
    SearchParams { hnsw_ef: Some(HNSW_EF.max(limit) as u64), ..SearchParams::default() }
}

/// A result of the server.
pub(super) fn scored(point: ScoredPoint) -> Result<ScoredChunk, VectorStoreError> {
    Ok(ScoredChunk { chunk_id: chunk_id(point.id)?, score: point.score })
}

fn point_id(chunk: ChunkId) -> PointId {
    chunk.0.to_string().into()
}

/// The chunk of a point.
pub(super) fn chunk_id(point: Option<PointId>) -> Result<ChunkId, VectorStoreError> {
    match point.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Uuid(id)) => id
            .parse()
            .map(ChunkId)
            .map_err(|_| VectorStoreError::Failed(format!("the server answered with the point id `{id}`"))),
        id => {
            Err(VectorStoreError::Failed(format!("the index holds the point {id:?}, which this program did not write")))
        }
    }
}

/// The request that reads the dense vectors of points.
pub(super) fn get_dense(collection: String, ids: &[ChunkId], timeout_seconds: u64) -> GetPoints {
    let dense = VectorsSelector { names: vec![DENSE.to_owned()] };
    GetPoints {
        collection_name: collection,
        ids: ids.iter().copied().map(point_id).collect(),
        with_payload: Some(WithPayloadSelector { selector_options: Some(PayloadOptions::Enable(false)) }),
        with_vectors: Some(WithVectorsSelector { selector_options: Some(VectorOptions::Include(dense)) }),
        timeout: Some(timeout_seconds),
        ..GetPoints::default()
    }
}

/// A point that was read with its dense vector.
pub(super) fn dense_vector(point: RetrievedPoint) -> Result<(ChunkId, Vec<f32>), VectorStoreError> {
    let id = chunk_id(point.id)?;
    let vector = match point.vectors.and_then(|vectors| vectors.vectors_options) {
        Some(vectors_output::VectorsOptions::Vectors(mut named)) => named.vectors.remove(DENSE),
        _ => None,
    };
    match vector.map(VectorOutput::into_vector) {
        Some(vector_output::Vector::Dense(dense)) => Ok((id, dense.data)),
        _ => Err(VectorStoreError::Failed(format!("point {} has no vector `{DENSE}`", id.0))),
    }
}

/// gRPC's status codes, by the numbers that the protocol fixes.
mod code {
    pub(super) const CANCELLED: i32 = 1;
    pub(super) const UNKNOWN: i32 = 2;
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const DEADLINE_EXCEEDED: i32 = 4;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const ABORTED: i32 = 10;
    pub(super) const INTERNAL: i32 = 13;
    pub(super) const UNAVAILABLE: i32 = 14;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

/// An error of the client. `generation` names the collection that the call was about.
pub(super) fn error(generation: Option<GenerationNumber>, error: QdrantError) -> VectorStoreError {
    let status = match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => status,
        QdrantError::Io(error) => return VectorStoreError::Unavailable(error.to_string()),
        error => return VectorStoreError::Failed(error.to_string()),
    };
    let message = status.message().to_owned();
    match (i32::from(status.code()), generation) {
        (code::NOT_FOUND, Some(generation)) => VectorStoreError::NoSuchGeneration(generation),
        (code::INVALID_ARGUMENT, _) => VectorStoreError::Invalid(message),
        (code::PERMISSION_DENIED | code::UNAUTHENTICATED, _) => {
            VectorStoreError::Failed(format!("the server refused the API key: {message}"))
        }
        // Its disk is full, which passes when somebody makes room: what waits for that is tried again.
        (code::INTERNAL, _) if message.contains("No space left on device") => VectorStoreError::Unavailable(message),
        // The client reports a failed connection as internal, a broken one as unknown, its own timeout as
        // cancelled; the server's own failures are internal, too.
        (code::INTERNAL, _) if !message.starts_with("Failed to connect") => VectorStoreError::Failed(message),
        (
            code::CANCELLED
            | code::UNKNOWN
            | code::DEADLINE_EXCEEDED
            | code::RESOURCE_EXHAUSTED
            | code::ABORTED
            | code::INTERNAL
            | code::UNAVAILABLE,
            _,
        ) => VectorStoreError::Unavailable(message),
        _ => VectorStoreError::Failed(format!("{}: {message}", status.code())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_of_the_server_is_worth_another_attempt_and_another_failure_of_it_is_not() {
        let of =
            |message: &str| error(Some(1), QdrantError::ResponseError { status: tonic::Status::internal(message) });
        let full = "Service internal error: No space left on device: WAL buffer size exceeds available disk space";
        assert!(matches!(of(full), VectorStoreError::Unavailable(told) if told == full));
        assert!(matches!(of("Service internal error: task panicked"), VectorStoreError::Failed(_)));
        assert!(of("Failed to connect to http://qdrant:6334").is_transient());
    }
}
