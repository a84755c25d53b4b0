//! Documents and their versions.

use serde_json::{Number, Value};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, count, number, version_state};
use crate::{
    domain::{Collection, Document, DocumentId, DocumentVersion, Metadata, VersionState},
    metadata_store::{ActiveVersion, MetadataStoreError, StoreResult},
};

/// The start of every query for [`DocumentRow`]s: the document, its newest version, its active version if there is
/// one, and the number of chunks that one has in the active generation.
macro_rules! select_documents {
    () => {
        "SELECT d.id, d.collection, d.name, d.metadata, d.access, d.created_at, d.updated_at, \
         l.version AS l_version, l.state AS l_state, l.sha256 AS l_sha256, l.size_bytes AS l_size_bytes, \
         l.media_type AS l_media_type, l.title AS l_title, l.pages AS l_pages, l.created_at AS l_created_at, \
         a.version AS a_version, a.sha256 AS a_sha256, a.size_bytes AS a_size_bytes, \
         a.media_type AS a_media_type, a.title AS a_title, a.pages AS a_pages, a.created_at AS a_created_at, \
         e.chunks AS a_chunks \
         FROM documents d \
         JOIN versions l ON l.document_id = d.id \
         AND l.version = (SELECT MAX(v.version) FROM versions v WHERE v.document_id = d.id) \
         LEFT JOIN versions a ON a.document_id = d.id AND a.state = 'active' \
         LEFT JOIN generation_versions e ON e.document_id = a.document_id AND e.version = a.version \
         AND e.generation = (SELECT number FROM generations WHERE state = 'active') \
         WHERE d.deleted_at IS NULL"
    };
}
pub(in crate::metadata_store) use select_documents;

/// The start of the query for collections: name, documents, and those of them with an active version.
macro_rules! select_collections {
    () => {
        "SELECT d.collection, COUNT(*), COUNT(a.version) FROM documents d \
         LEFT JOIN versions a ON a.document_id = d.id AND a.state = 'active' WHERE d.deleted_at IS NULL"
    };
}
pub(in crate::metadata_store) use select_collections;

/// A collection, as [`select_collections`] finds it.
pub(in crate::metadata_store) fn collection(
    (name, documents, answerable): (String, i64, i64),
) -> StoreResult<Collection> {
    Ok(Collection { name, documents: count(documents)?, answerable: count(answerable)? })
}

/// Whether two say the same of a document. Postgres gives back 10000000000000000 for 1e16, which is no other number.
pub(in crate::metadata_store) fn same_metadata(one: &Metadata, other: &Metadata) -> bool {
    let same = |one: &Value, other: &Value| match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() != other.is_f64() => whole(one) == whole(other),
        _ => one == other,
    };
    one.len() == other.len()
        && one.iter().all(|(field, value)| other.get(field).is_some_and(|other| same(value, other)))
}

/// A number without fraction: exact up to the largest that has 64 bits.
fn whole(number: &Number) -> Option<i128> {
    let float = || number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i128);
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)).or_else(float)
}

/// A document with its newest and its active version.
#[derive(FromRow)]
pub(in crate::metadata_store) struct DocumentRow<At> {
    id: Uuid,
    collection: String,
    name: String,
    metadata: Json<Metadata>,
    access: Json<Vec<String>>,
    created_at: At,
    updated_at: At,
    l_version: i64,
    l_state: String,
    l_sha256: String,
    l_size_bytes: i64,
    l_media_type: Option<String>,
    l_title: Option<String>,
    l_pages: Option<i64>,
    l_created_at: At,
    a_version: Option<i64>,
    a_sha256: Option<String>,
    a_size_bytes: Option<i64>,
    a_media_type: Option<String>,
    a_title: Option<String>,
    a_pages: Option<i64>,
    a_created_at: Option<At>,
    a_chunks: Option<i64>,
}

impl<At: StoredTime> DocumentRow<At> {
    /// The document.
    pub(in crate::metadata_store) fn document(self) -> StoreResult<Document> {
        let pages = |pages: Option<i64>| pages.map(|pages| number("number of pages", pages)).transpose();
        let mut latest = DocumentVersion {
            version: number("version", self.l_version)?,
            state: version_state(&self.l_state)?,
            sha256: self.l_sha256,
            size_bytes: count(self.l_size_bytes)?,
            media_type: self.l_media_type,
            title: self.l_title,
            pages: pages(self.l_pages)?,
            chunks: None,
            created_at: self.l_created_at.utc()?,
        };
        let active = match (self.a_version, self.a_sha256, self.a_size_bytes, self.a_created_at) {
            (Some(version), Some(sha256), Some(size_bytes), Some(created_at)) => Some(DocumentVersion {
                version: number("version", version)?,
                state: VersionState::Active,
                sha256,
                size_bytes: count(size_bytes)?,
                media_type: self.a_media_type,
                title: self.a_title,
                pages: pages(self.a_pages)?,
                chunks: self.a_chunks.map(|chunks| number("number of chunks", chunks)).transpose()?,
                created_at: created_at.utc()?,
            }),
            _ => None,
        };
        if let Some(active) = active.as_ref().filter(|active| active.version == latest.version) {
            latest.chunks = active.chunks;
        }
        Ok(Document {
            id: DocumentId(self.id),
            collection: self.collection,
            name: self.name,
            metadata: self.metadata.0,
            access: self.access.0,
            created_at: self.created_at.utc()?,
            updated_at: self.updated_at.utc()?,
            active,
            latest,
        })
    }
}

/// The start of every query for [`ActiveVersionRow`]s.
macro_rules! select_sources {
    () => {
        "SELECT v.document_id, v.version, d.collection, d.name, d.metadata, d.access, v.sha256 \
         FROM versions v JOIN documents d ON d.id = v.document_id WHERE "
    };
}
pub(in crate::metadata_store) use select_sources;

/// A version as a reindex needs it.
#[derive(FromRow)]
pub(in crate::metadata_store) struct ActiveVersionRow {
    document_id: Uuid,
    version: i64,
    collection: String,
    name: String,
    metadata: Json<Metadata>,
    access: Json<Vec<String>>,
    sha256: String,
}

impl ActiveVersionRow {
    /// The version.
    pub(in crate::metadata_store) fn source(self) -> StoreResult<ActiveVersion> {
        Ok(ActiveVersion {
            document_id: DocumentId(self.document_id),
            version: number("version", self.version)?,
            collection: self.collection,
            name: self.name,
            metadata: self.metadata.0,
            access: self.access.0,
            sha256: self.sha256,
        })
    }
}

/// Why an upload does not replace a document.
pub(in crate::metadata_store) fn not_the_callers(name: &str) -> MetadataStoreError {
    MetadataStoreError::Forbidden(format!(
        "the name `{name}` is taken by a document that you may not read: use another name"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_the_same_in_whichever_form_a_number_comes_back() {
        let same = |one: Value, other: Value| {
            let of = |value: Value| json!({ "n": value }).as_object().unwrap().clone();
            same_metadata(&of(one), &of(other))
        };
        assert!(same(json!(1e16), json!(10_000_000_000_000_000_u64)) && same(json!(-0.0), json!(0)));
        assert!(same(json!(1e19), json!(10_000_000_000_000_000_000_u64)) && same(json!(["a"]), json!(["a"])));
        for (one, other) in [
            (json!(9_007_199_254_740_992.0), json!(9_007_199_254_740_993_u64)),
            (json!(0.5), json!(0)),
            (json!(1e300), json!(u64::MAX)),
            (json!("1"), json!(1)),
            (json!(["a", "b"]), json!(["b", "a"])),
        ] {
            assert!(!same(one.clone(), other.clone()), "{one} and {other}");
        }
        assert!(!same_metadata(&Metadata::new(), json!({"a": 1}).as_object().unwrap()));
    }
}
