//! Why an ingestion did not end as it should.
//!
//! May depend on the errors of what ingestion calls.

use super::extract::ExtractError;
use crate::{
    blob_store::BlobStoreError, metadata_store::MetadataStoreError, models::embedder::EmbedderError,
    vector_store::VectorStoreError,
};

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file cannot be read.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// The embedder failed.
    #[error(transparent)]
    Embed(#[from] EmbedderError),
    /// The vector store failed.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataStoreError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobStoreError),
    /// The scratch directory failed.
    #[error("cannot write to the scratch directory: {0}")]
    Scratch(std::io::Error),
    /// The active index was built with other models.
    #[error("the index was built with other models ({0}): run `footnote reindex`")]
    WrongIndex(String),
    /// A document that was readable before is not readable now.
    #[error("document `{name}` ({document}): {source}")]
    Document {
        /// The document's name.
        name: String,
        /// Its id.
        document: crate::domain::DocumentId,
        /// What went wrong.
        source: Box<IngestError>,
    },
    /// A new generation does not hold what it should.
    #[error(
        "generation {generation} was not activated: passage {passage} of `{name}` ({document}) is broken, {what}; run \
         `footnote reindex` again"
    )]
    Verification {
        /// The generation.
        generation: i64,
        /// The document's name.
        name: String,
        /// The document.
        document: crate::domain::DocumentId,
        /// The passage, from 0.
        passage: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// A new generation finds less than the one that answers questions.
    #[error(
        "generation {generation} was not activated: {why}; `footnote reindex --accept-worse` activates it all the same"
    )]
    WorseIndex {
        /// The generation.
        generation: i64,
        /// How much less.
        why: String,
    },
    /// A test asked for it.
    #[error(transparent)]
    Fault(#[from] crate::faults::Fault),
    /// A thread of this process died.
    #[error("a background thread failed: {0}")]
    Thread(String),
}

impl IngestError {
    /// The same for the log, which holds no names of documents: their identifiers say which they are.
    pub fn for_the_log(&self) -> String {
        match self {
            Self::Document { document, source, .. } => format!("document {document}: {}", source.for_the_log()),
            Self::Verification { generation, document, passage, what, .. } => {
                format!("generation {generation} was not activated: passage {passage} of {document} is broken, {what}")
            }
            other => other.to_string(),
        }
    }

    /// Whether a store is away or a disk is full: nothing that the document could have caused.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Vectors(_) | Self::Metadata(_) | Self::Blobs(_) | Self::Scratch(_) | Self::Fault(_) => {
                self.is_transient()
            }
            Self::Document { source, .. } => source.is_outage(),
            Self::Extract(_)
            | Self::Embed(_)
            | Self::WrongIndex(_)
            | Self::Verification { .. }
            | Self::WorseIndex { .. }
            | Self::Thread(_) => false,
        }
    }

    /// Whether the same work may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Extract(error) => error.is_transient(),
            Self::Embed(error) => error.is_transient(),
            Self::Vectors(error) => error.is_transient(),
            Self::Metadata(error) => error.is_transient(),
            Self::Blobs(error) => error.is_transient(),
            Self::Document { source, .. } => source.is_transient(),
            Self::Scratch(_) | Self::Fault(_) => true,
            Self::WrongIndex(_) | Self::Verification { .. } | Self::WorseIndex { .. } | Self::Thread(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DocumentId;

    #[test]
    fn a_line_of_the_log_has_the_identifier_of_a_document_and_not_its_name() {
        let (document, name) = (DocumentId::new(), "dismissals.md".to_owned());
        let inner =
            IngestError::Verification { generation: 3, name: name.clone(), document, passage: 4, what: "it is empty" };
        let errors = [
            IngestError::Document { name, document, source: Box::new(IngestError::Extract(ExtractError::Empty)) },
            inner,
        ];
        for error in errors {
            let logged = error.for_the_log();
            assert!(error.to_string().contains("dismissals"), "{error}");
            assert!(logged.contains(&document.to_string()) && !logged.contains("dismissals"), "{logged}");
        }
    }
}
