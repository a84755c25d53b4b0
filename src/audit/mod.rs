//! Checking the stores against each other: vectors without passages and passages without vectors, texts and originals
//! that are missing or damaged, and what nobody names.
//!
//! `check` changes nothing. `mend` makes again what can be made again and removes what nobody needs, and says what it
//! did. May depend on `domain`, the stores, the blob store and `ingest`.

mod blobs;
mod index;
mod mend;

use std::fmt;

pub use mend::{mend_stores, mend_with_models};

use crate::{
    blob_store::{BlobStore, BlobStoreError, TextName},
    domain::{ChunkId, DocumentId, GenerationNumber},
    ingest::IngestError,
    metadata_store::{MetadataStore, MetadataStoreError},
    vector_store::{VectorStore, VectorStoreError},
};

/// What is checked.
#[derive(Clone, Copy)]
pub struct Stores<'a> {
    /// Documents and their passages.
    pub metadata: &'a dyn MetadataStore,
    /// Vectors.
    pub vectors: &'a dyn VectorStore,
    /// Originals and texts.
    pub blobs: &'a BlobStore,
}

/// How closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Read every original and compare its sum, every text and compare its passages, every vector.
    pub deep: bool,
    /// No other process works on these stores, so what nobody names now is nobody's.
    pub alone: bool,
}

/// A version of a document in a generation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Indexed {
    /// The document.
    pub document: DocumentId,
    /// Its name.
    pub name: String,
    /// The version that is searched.
    pub version: u32,
    /// The generation.
    pub generation: GenerationNumber,
}

impl fmt::Display for Indexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, version {})", self.name, self.document, self.version)
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// The vector store holds a generation that the database does not know.
    UnknownGeneration(GenerationNumber),
    /// The vector store lacks the active generation, or holds it with another dimension.
    UnusableGeneration(GenerationNumber, String),
    /// Points that are of no passage.
    Orphans(GenerationNumber, Vec<ChunkId>),
    /// A document some of whose passages have no usable vector.
    WithoutVectors(Indexed, u64),
    /// A document whose text is missing or not what its passages were cut from.
    BadText(Indexed, String),
    /// An original that is missing or damaged; the names of the documents that need it are said.
    BadOriginal(Indexed, String),
    /// An adapter whose files are missing.
    AdapterWithoutFiles(String),
    /// An original that no document names.
    UnnamedOriginal(String),
    /// A text of a version or generation that there is not.
    UnnamedText(TextName),
    /// A file that this program did not write.
    Foreign(String),
}

impl Problem {
    /// Whether it is nobody's and does no harm: what a process leaves that is killed between storing and registering.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::UnnamedOriginal(_) | Self::UnnamedText(_) | Self::Foreign(_))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownGeneration(number) => {
                write!(f, "the vector store holds generation {number}, which the database does not know")
            }
            Self::UnusableGeneration(number, why) => write!(f, "generation {number}: {why}"),
            Self::Orphans(generation, ids) => {
                write!(f, "generation {generation} holds {} vectors without a passage", ids.len())
            }
            Self::WithoutVectors(indexed, count) => {
                write!(f, "{count} passages of {indexed} have no usable vector in generation {}", indexed.generation)
            }
            Self::BadText(indexed, why) => write!(f, "the text of {indexed} {why}"),
            Self::BadOriginal(indexed, why) => write!(f, "the original of {indexed} {why}"),
            Self::AdapterWithoutFiles(label) => write!(f, "the files of the adapter {label} are missing or damaged"),
            Self::UnnamedOriginal(sum) => write!(f, "no document names the original {sum}"),
            Self::UnnamedText(name) => write!(
                f,
                "there is a text of version {} of {} in generation {}, which the database does not know",
                name.version, name.document, name.generation
            ),
            Self::Foreign(key) => write!(f, "the blob store holds `{key}`, which this program did not write"),
        }
    }
}

/// What was looked at and what was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audit {
    /// What is not as it should be.
    pub problems: Vec<Problem>,
    /// What was looked at and is right, in words.
    pub right: Vec<String>,
    /// What could not be judged, in words, and why.
    pub undecided: Vec<String>,
}

/// Why a check ended early.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataStoreError),
    /// The vector store failed.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobStoreError),
    /// Making something again failed.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl AuditError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Metadata(error) => error.is_transient(),
            Self::Vectors(error) => error.is_transient(),
            Self::Blobs(error) => error.is_transient(),
            Self::Ingest(error) => error.is_transient(),
        }
    }
}

/// Checks everything.
pub async fn check(stores: Stores<'_>, depth: Depth) -> Result<Audit, AuditError> {
    let mut audit = Audit::default();
    index::check(stores, depth, &mut audit).await?;
    blobs::check(stores, depth, &mut audit).await?;
    Ok(audit)
}
