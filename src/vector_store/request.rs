//! What a request to a vector store means, in words that no vendor owns.
//!
//! Every backend checks a request here and translates what comes out, so that all of them refuse the same
//! requests, match the same documents and rank by the same formula. May depend on `domain` only.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Fusion, Point, Ranking, SparseVector, VectorQuery, VectorStoreError};
use crate::domain::{ChunkId, DocumentId, Filter, GenerationNumber, Metadata};

/// The name of the dense vector of a point.
pub(super) const DENSE: &str = "dense";
/// The name of the sparse vector of a point.
pub(super) const SPARSE: &str = "text";
/// The payload field that holds the collection.
pub(super) const COLLECTION: &str = "collection";
/// The payload field that holds the document's UUID.
pub(super) const DOCUMENT: &str = "document_id";
/// The payload field that holds the version, a number.
pub(super) const VERSION: &str = "version";
/// The payload field that holds the metadata as labels.
pub(super) const LABELS: &str = "labels";
/// The payload field that holds who may read the document.
pub(super) const ACCESS: &str = "access";
/// The fields that get a keyword index: every search names a collection, every delete a document, every metadata filter
/// a label, and every search of a caller with limits an access label.
pub(super) const KEYWORD_FIELDS: [&str; 4] = [COLLECTION, DOCUMENT, LABELS, ACCESS];

/// What stands in place of access labels where a document has none. A point without the field is found by nobody with
/// limits.
const EVERYONE: &str = "everyone";

/// A label longer than this is stored as its digest, so that a long metadata value does not swell the index.
const LONGEST_LABEL: usize = 256;

/// A condition on one payload field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// The field holds one of these keywords (or, for an array, at least one element that is).
    AnyKeyword(&'static str, Vec<String>),
    /// The field holds this number.
    Integer(&'static str, i64),
}

/// One ranking's vector.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Nearest {
    Dense(Vec<f32>),
    Sparse(SparseVector),
}

/// The rankings that a query stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plan {
    /// Nothing can match: a lexical query without terms.
    Nothing,
    /// One ranking by its own scores.
    One(Nearest),
    /// The fusion of rankings with their weights, none of them 0.
    Fused {
        /// Qdrant's own constant: its score is 1 / (rank / weight + k - 1) with rank 1 for the best, so it
        /// is one more than ours.
        qdrant_k: u32,
        depth: usize,
        rankings: Vec<(Nearest, f32)>,
    },
}

/// A search that has been checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Search {
    pub(super) conditions: Vec<Condition>,
    pub(super) plan: Plan,
    pub(super) limit: usize,
}

impl Search {
    /// Checks a query against a generation whose vectors have `dimension`.
    pub(super) fn new(
        generation: GenerationNumber,
        dimension: u32,
        query: VectorQuery,
    ) -> Result<Self, VectorStoreError> {
        if query.limit == 0 {
            return Err(invalid("a search needs a limit of at least 1"));
        }
        let mut conditions = vec![Condition::AnyKeyword(COLLECTION, vec![query.collection])];
        if !query.filter.document_ids.is_empty() {
            let ids = query.filter.document_ids.iter().map(|id| id.0.to_string()).collect();
            conditions.push(Condition::AnyKeyword(DOCUMENT, ids));
        }
        for (field, value) in &query.filter.metadata {
            conditions.push(Condition::AnyKeyword(LABELS, wanted_labels(field, value)?));
        }
        if let Some(labels) = query.labels.as_list() {
            let everyone = std::iter::once(EVERYONE.to_owned());
            let readable = everyone.chain(labels.iter().map(|label| access_keyword(label))).collect();
            conditions.push(Condition::AnyKeyword(ACCESS, readable));
        }
        Ok(Self { conditions, plan: plan(generation, dimension, query.ranking)?, limit: query.limit })
    }
}

fn plan(generation: GenerationNumber, dimension: u32, ranking: Ranking) -> Result<Plan, VectorStoreError> {
    Ok(match ranking {
        Ranking::Dense(dense) => {
            check_dense(generation, dimension, &dense)?;
            Plan::One(Nearest::Dense(dense))
        }
        Ranking::Lexical(sparse) => {
            check_sparse(&sparse)?;
            if sparse.indices.is_empty() { Plan::Nothing } else { Plan::One(Nearest::Sparse(sparse)) }
        }
        Ranking::Hybrid { dense, sparse, fusion } => {
            check_dense(generation, dimension, &dense)?;
            check_sparse(&sparse)?;
            let qdrant_k = check_fusion(&fusion)?;
            let mut rankings = Vec::new();
            if fusion.dense_weight > 0.0 {
                rankings.push((Nearest::Dense(dense), fusion.dense_weight));
            }
            if fusion.lexical_weight > 0.0 && !sparse.indices.is_empty() {
                rankings.push((Nearest::Sparse(sparse), fusion.lexical_weight));
            }
            if rankings.is_empty() { Plan::Nothing } else { Plan::Fused { qdrant_k, depth: fusion.depth, rankings } }
        }
    })
}

fn check_fusion(fusion: &Fusion) -> Result<u32, VectorStoreError> {
    let weights = [fusion.dense_weight, fusion.lexical_weight];
    if weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) || weights == [0.0, 0.0] {
        return Err(invalid("the weights of a fusion are numbers from 0 up, and one of them is larger than 0"));
    }
    if fusion.depth == 0 {
        return Err(invalid("a fusion needs a depth of at least 1"));
    }
    fusion.k.checked_add(1).ok_or_else(|| invalid("the constant k of a fusion is too large"))
}

/// Checks a point against a generation whose vectors have `dimension`.
pub(super) fn check_point(generation: GenerationNumber, dimension: u32, point: &Point) -> Result<(), VectorStoreError> {
    check_dense(generation, dimension, &point.dense)?;
    check_sparse(&point.sparse)
}

/// About how many bytes a point has in a request.
pub(super) fn size(point: &Point) -> Result<usize, VectorStoreError> {
    // Beside its text, what frames a keyword; and the ids, the names of the fields and the like.
    let (keyword, rest) = (8, 512);
    let keywords: usize = labels(&point.metadata)?.iter().chain(&point.access).map(|label| label.len() + keyword).sum();
    Ok(keywords + 4 * point.dense.len() + 8 * point.sparse.indices.len() + point.collection.len() + rest)
}

fn check_dense(generation: GenerationNumber, dimension: u32, dense: &[f32]) -> Result<(), VectorStoreError> {
    if dense.len() != dimension as usize {
        let expected = u32::try_from(dense.len()).unwrap_or(u32::MAX);
        return Err(VectorStoreError::DimensionMismatch { generation, expected, found: dimension });
    }
    if dense.iter().any(|value| !value.is_finite()) {
        return Err(invalid("a dense vector holds a value that is not a finite number"));
    }
    Ok(())
}

fn check_sparse(sparse: &SparseVector) -> Result<(), VectorStoreError> {
    if sparse.indices.len() != sparse.values.len() {
        return Err(invalid("a sparse vector has as many values as indices"));
    }
    if !sparse.indices.is_sorted_by(|a, b| a < b) {
        return Err(invalid("the indices of a sparse vector are sorted and distinct"));
    }
    if sparse.values.iter().any(|value| !value.is_finite()) {
        return Err(invalid("a sparse vector holds a value that is not a finite number"));
    }
    Ok(())
}

/// The most ids that are listed at once.
const MAX_IDS: u32 = 10_000;

/// How many ids to list.
pub(super) fn check_limit(limit: u32) -> Result<usize, VectorStoreError> {
    if (1..=MAX_IDS).contains(&limit) {
        Ok(limit as usize)
    } else {
        Err(VectorStoreError::Invalid(format!("the limit must be 1 to {MAX_IDS}, not {limit}")))
    }
}

/// The first id that may come behind `after`; `None` when there can be none.
pub(super) fn first_behind(after: Option<ChunkId>) -> Option<ChunkId> {
    match after {
        None => Some(ChunkId(uuid::Uuid::nil())),
        Some(after) => after.0.as_u128().checked_add(1).map(|next| ChunkId(uuid::Uuid::from_u128(next))),
    }
}

/// The conditions that pick a document's points, of one version or of all.
pub(super) fn document_conditions(document: DocumentId, version: Option<u32>) -> Vec<Condition> {
    let mut conditions = vec![Condition::AnyKeyword(DOCUMENT, vec![document.0.to_string()])];
    if let Some(version) = version {
        conditions.push(Condition::Integer(VERSION, i64::from(version)));
    }
    conditions
}

/// A document's access labels as they are stored: a label can have any name, also that of the word for none.
pub(super) fn access_keywords(access: &[String]) -> Vec<String> {
    match access {
        [] => vec![EVERYONE.to_owned()],
        labels => labels.iter().map(|label| access_keyword(label)).collect(),
    }
}

fn access_keyword(label: &str) -> String {
    format!("label:{label}")
}

/// A document's metadata as it is stored: one keyword per field and value.
///
/// A label is the JSON array `["field",value]`, so that the text "1" and the number 1 differ, a field may
/// have any name (payload paths would read a dot or a bracket in it), one keyword index serves all fields,
/// and every backend matches alike because it only ever compares keywords. Numbers are written in one form:
/// 1 and 1.0 are the same, other fractions are equal when their 64-bit values are.
pub(super) fn labels(metadata: &Metadata) -> Result<Vec<String>, VectorStoreError> {
    let mut labels = Vec::new();
    for (field, value) in metadata {
        match value {
            Value::Array(values) => {
                for value in values {
                    labels.push(label(field, value)?);
                }
            }
            value => labels.push(label(field, value)?),
        }
    }
    Ok(labels)
}

/// Whether a document with this metadata passes a filter: what a search with it would look at.
pub fn matches(filter: &Filter, document: DocumentId, metadata: &Metadata) -> Result<bool, VectorStoreError> {
    if !filter.document_ids.is_empty() && !filter.document_ids.contains(&document) {
        return Ok(false);
    }
    let labels = labels(metadata)?;
    for (field, value) in &filter.metadata {
        if !wanted_labels(field, value)?.iter().any(|wanted| labels.contains(wanted)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn wanted_labels(field: &str, value: &Value) -> Result<Vec<String>, VectorStoreError> {
    match value {
        Value::Array(values) if values.is_empty() => {
            Err(invalid(&format!("the filter on `{field}` lists no value: leave it out, or name one")))
        }
        Value::Array(values) => values.iter().map(|value| label(field, value)).collect(),
        value => Ok(vec![label(field, value)?]),
    }
}

fn label(field: &str, value: &Value) -> Result<String, VectorStoreError> {
    let value = match value {
        Value::String(_) | Value::Bool(_) => value.clone(),
        Value::Number(number) => match number.as_f64() {
            // The bounds are 2^63 and 2^64: below them a float without fraction is exactly one 64-bit integer. A
            // database may give back as an integer what was said as a float.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9_223_372_036_854_775_808.0 => {
                Value::from(float as i64)
            }
            Some(float)
                if number.is_f64() && (9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0).contains(&float) =>
            {
                Value::from(float as u64)
            }
            _ => value.clone(),
        },
        Value::Null | Value::Object(_) | Value::Array(_) => {
            return Err(invalid(&format!(
                "`{field}` must be a string, a number, a boolean, or a list of these, not {}",
                match value {
                    Value::Null => "null",
                    Value::Object(_) => "an object",
                    _ => "a list in a list",
                }
            )));
        }
    };
    let label = Value::Array(vec![Value::from(field), value]).to_string();
    if label.len() <= LONGEST_LABEL {
        return Ok(label);
    }
    Ok(format!("sha256:{}", hex::encode(Sha256::digest(label.as_bytes()))))
}

fn invalid(what: &str) -> VectorStoreError {
    VectorStoreError::Invalid(what.to_owned())
}

#[cfg(test)]
mod tests;
