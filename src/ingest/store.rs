//! The ends of the pipeline: from a stored original to its text, and from written vectors to the commit.
//!
//! May depend on `domain`, the stores and the other modules of `ingest`.

use serde_json::json;

use super::{IngestError, IngestServices, embed::Embedded};
use crate::{
    domain::{Chunk, ExtractedDocument, GenerationNumber},
    faults,
    metadata_store::{ActiveVersion, CommitOutcome, IngestCommit, LeasedJob},
};

/// Reads the text out of a stored original.
pub async fn extract(services: &IngestServices, source: &ActiveVersion) -> Result<ExtractedDocument, IngestError> {
    let file = tempfile::NamedTempFile::new_in(&services.scratch).map_err(IngestError::Scratch)?;
    services.blobs.fetch_original(&source.sha256, file.path()).await?;
    Ok(services.extractor.extract(file.path(), &source.name).await?)
}

/// The metadata commit of an ingestion: the moment at which the version becomes visible.
pub async fn commit(
    services: &IngestServices,
    leased: &LeasedJob,
    source: &ActiveVersion,
    generation: GenerationNumber,
    chunks: Vec<Chunk>,
    written: Embedded,
    extracted: &ExtractedDocument,
) -> Result<CommitOutcome, IngestError> {
    let commit = IngestCommit {
        document_id: source.document_id,
        version: source.version,
        generation,
        chunks,
        media_type: extracted.media_type.clone(),
        title: extracted.title.clone(),
        pages: u32::try_from(extracted.pages.len()).ok().filter(|pages| *pages > 0),
        report: Some(json!({"vectors_computed": written.computed, "vectors_kept": written.kept})),
    };
    faults::point("ingest.commit.before").await?;
    let outcome = services.metadata.finish_ingest(leased.job.id, &leased.token, commit).await?;
    faults::point("ingest.commit.after").await?;
    Ok(outcome)
}
