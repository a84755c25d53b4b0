//! Prefixed UUIDv7 identifiers: sortable by creation time, and readable in a log (`doc_…`, `job_…`).
//!
//! May depend on nothing but `uuid` and `serde`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, schema::Schema, schema::Type},
};
use uuid::Uuid;

/// Why a text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {kind} id: expected `{prefix}` followed by a UUID")]
pub struct InvalidId {
    given: String,
    kind: &'static str,
    prefix: &'static str,
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What every identifier of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier, later than every one made before it on this machine.
            #[allow(clippy::new_without_default, reason = "a default id would suggest a neutral value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix($prefix)
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or_else(|| InvalidId {
                        given: text.chars().take(80).collect(),
                        kind: $kind,
                        prefix: $prefix,
                    })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some(concat!("^", $prefix, "[0-9a-f]{32}$")))
                    .examples([serde_json::json!(concat!($prefix, "0192f0c1d2e37a4b8c5d6e7f8091a2b3"))])
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

prefixed_id!(
    /// A document: a name in a collection, over all of its versions.
    DocumentId, "doc_", "document"
);
prefixed_id!(
    /// A piece of background work.
    JobId, "job_", "job"
);
prefixed_id!(
    /// One answer that was given.
    AnswerId, "ans_", "answer"
);
prefixed_id!(
    /// A conversation: questions that follow each other, and what they got back.
    ConversationId, "cnv_", "conversation"
);
prefixed_id!(
    /// A question that was not answered well enough, kept for the owners of the documents.
    UnansweredId, "unq_", "unanswered question"
);
prefixed_id!(
    /// What somebody said about an answer.
    FeedbackId, "fbk_", "feedback"
);
prefixed_id!(
    /// An adapter that was registered.
    AdapterId, "adp_", "adapter"
);
prefixed_id!(
    /// An API key, whatever its secret is at the moment.
    KeyId, "key_", "API key"
);
prefixed_id!(
    /// An entry of the audit log.
    AuditEntryId, "aud_", "audit entry"
);
prefixed_id!(
    /// A chunk of one version of a document in one index generation.
    ChunkId, "chk_", "chunk"
);

impl ChunkId {
    /// The identifier of the chunk at `ordinal` of a document's `version` in `generation`.
    ///
    /// It is derived, not drawn, so that a job that runs again after a crash overwrites the points that
    /// it wrote before instead of doubling them. The bits follow UUIDv8 (RFC 9562, custom).
    pub fn derive(document: DocumentId, version: u32, generation: GenerationNumber, ordinal: u32) -> Self {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(document.0.as_bytes());
        hash.update(version.to_be_bytes());
        hash.update(generation.to_be_bytes());
        hash.update(ordinal.to_be_bytes());
        let digest = hash.finalize();
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// The number of an index generation: 1 for the first, one more for each reindex.
pub type GenerationNumber = i64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_id_survives_text_and_back() {
        let id = DocumentId::new();
        assert_eq!(id.to_string().parse::<DocumentId>(), Ok(id));
        assert!(id.to_string().starts_with("doc_"));
    }

    #[test]
    fn an_id_of_another_kind_is_refused_with_what_was_expected() {
        let error = JobId::new().to_string().parse::<DocumentId>().unwrap_err();
        assert!(error.to_string().contains("expected `doc_`"), "{error}");
    }

    #[test]
    fn derived_chunk_ids_are_stable_and_distinct() {
        let document = DocumentId::new();
        let first = ChunkId::derive(document, 1, 1, 0);
        assert_eq!(first, ChunkId::derive(document, 1, 1, 0));
        for other in
            [ChunkId::derive(document, 2, 1, 0), ChunkId::derive(document, 1, 2, 0), ChunkId::derive(document, 1, 1, 1)]
        {
            assert_ne!(first, other);
        }
    }
}
