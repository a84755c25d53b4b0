//! What goes wrong with archives.

use crate::{blob_store::BlobStoreError, metadata_store::MetadataStoreError, vector_store::VectorStoreError};

/// Why an archive was not written, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file could not be read or written.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The archive is not what was written.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// It is no archive, or one of another program.
    #[error("{0}")]
    Unsupported(String),
    /// An incremental archive without the ones that it builds on, or with others.
    #[error("{0}")]
    Chain(String),
    /// Something is missing or damaged in the installation although it is in use.
    #[error("{0}: run `footnote doctor --deep`, which says what can be mended")]
    Missing(String),
    /// Whoever takes the archive does not take it.
    #[error("the archive was not taken for {0} s")]
    Stalled(u64),
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataStoreError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobStoreError),
    /// The vector store failed.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
}

impl ArchiveError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Stalled(_) => true,
            Self::Metadata(error) => error.is_transient(),
            Self::Blobs(error) => error.is_transient(),
            Self::Vectors(error) => error.is_transient(),
            Self::Io { .. } | Self::Damaged(_) | Self::Unsupported(_) | Self::Chain(_) | Self::Missing(_) => false,
        }
    }

    /// Says what was tried when a file failed.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
