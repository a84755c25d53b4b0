//! Why a question got no outcome at all.
//!
//! May depend on the errors of what answering calls.

use super::preprocess::parts::TooManyParts;
use crate::{
    blob_store::BlobStoreError,
    metadata_store::MetadataStoreError,
    models::{
        embedder::EmbedderError,
        encoder::{PairError, ReaderError},
        generator::GeneratorError,
    },
    vector_store::VectorStoreError,
};

/// Why a question got no outcome.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The request is not one that can be served.
    #[error("{0}")]
    Invalid(String),
    /// The request asks more things than one request may.
    #[error(transparent)]
    Parts(#[from] TooManyParts),
    /// The code that reads requests panicked.
    #[error("the request could not be read: {0}")]
    Understand(String),
    /// The embedder failed.
    #[error(transparent)]
    Embed(#[from] EmbedderError),
    /// The reader failed.
    #[error(transparent)]
    Read(#[from] ReaderError),
    /// A model of pairs of texts failed.
    #[error(transparent)]
    Pairs(#[from] PairError),
    /// The generator failed.
    #[error(transparent)]
    Generate(#[from] GeneratorError),
    /// The vector store failed.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataStoreError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobStoreError),
    /// Nobody waits for the answer any more.
    #[error("the caller left")]
    CallerLeft,
}

impl AnswerError {
    /// Whether the same question may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Embed(error) => error.is_transient(),
            Self::Read(error) => error.is_transient(),
            Self::Pairs(error) => error.is_transient(),
            Self::Generate(error) => error.is_transient(),
            Self::Vectors(error) => error.is_transient(),
            Self::Metadata(error) => error.is_transient(),
            Self::Blobs(error) => error.is_transient(),
            Self::Invalid(_) | Self::Parts(_) | Self::Understand(_) | Self::CallerLeft => false,
        }
    }
}
