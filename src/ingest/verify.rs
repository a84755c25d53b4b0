//! Whether a generation holds what was recorded, before questions are answered with it.
//!
//! May depend on `domain`, the stores and the other modules of `ingest`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{IngestError, IngestServices};
use crate::{
    blob_store::BlobStoreError,
    domain::{Chunk, ChunkId, DocumentId, GenerationNumber, text::CodePointIndex},
    metadata_store::{ChunkPosition, FoundChunk},
};

/// How many chunks are looked at together.
const PAGE: u32 = 500;

/// What was looked at, and found right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Documents whose stored text holds every passage where it is said to be.
    pub documents: u64,
    /// Passages that have a vector.
    pub chunks: u64,
}

/// Looks at every passage of a generation: its vector must be there, and its text must be what the stored text, which
/// citations quote, has in its place. What was deleted meanwhile is passed over.
pub async fn verify(services: &IngestServices, generation: GenerationNumber) -> Result<Verified, IngestError> {
    let (mut verified, mut after) = (Verified::default(), None);
    let mut last_document = None;
    loop {
        let page = services.metadata.chunks_after(generation, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(verified) };
        after = Some(ChunkPosition::from(&last.chunk));
        check_vectors(services, generation, &page).await?;
        for of_one in page.chunk_by(|a, b| version_of(a) == version_of(b)) {
            if !check_texts(services, generation, of_one).await? {
                continue;
            }
            verified.chunks += of_one.len() as u64;
            let document = of_one.first().map(version_of);
            // A document may go on on the next page.
            verified.documents += u64::from(document != last_document);
            last_document = document;
        }
        if page.len() < PAGE as usize {
            return Ok(verified);
        }
    }
}

fn version_of(found: &FoundChunk) -> (DocumentId, u32) {
    (found.chunk.document_id, found.chunk.version)
}

/// Compares passages of one version with its stored text; false when the version went meanwhile.
async fn check_texts(
    services: &IngestServices,
    generation: GenerationNumber,
    of_one: &[FoundChunk],
) -> Result<bool, IngestError> {
    let Some(first) = of_one.first() else { return Ok(false) };
    let (document, version) = version_of(first);
    let stored = match services.blobs.text(document, version, generation).await {
        Ok(stored) => stored.text,
        Err(BlobStoreError::NotFound(_)) if !is_there(services, generation, first.chunk.id).await? => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    match misplaced(&stored, of_one.iter().map(|found| &found.chunk)) {
        Some(chunk) => Err(broken(generation, &first.name, chunk, "its text is not what is stored in its place")),
        None => Ok(true),
    }
}

/// The first of these passages that is not what a stored text has in its place.
pub fn misplaced<'a>(stored: &str, chunks: impl IntoIterator<Item = &'a Chunk>) -> Option<&'a Chunk> {
    let index = CodePointIndex::new(stored);
    chunks.into_iter().find(|chunk| index.slice(chunk.range) != Some(chunk.text.as_str()))
}

async fn check_vectors(
    services: &IngestServices,
    generation: GenerationNumber,
    page: &[FoundChunk],
) -> Result<(), IngestError> {
    let ids: Vec<ChunkId> = page.iter().map(|found| found.chunk.id).collect();
    let vectors = services.vectors.dense_vectors(generation, &ids).await?;
    let usable =
        |vector: &[f32]| vector.iter().all(|value| value.is_finite()) && vector.iter().any(|value| *value != 0.0);
    let there: BTreeSet<ChunkId> = vectors.iter().filter(|(_, vector)| usable(vector)).map(|(id, _)| *id).collect();
    for found in page.iter().filter(|found| !there.contains(&found.chunk.id)) {
        if is_there(services, generation, found.chunk.id).await? {
            return Err(broken(generation, &found.name, &found.chunk, "it has no vector"));
        }
    }
    Ok(())
}

async fn is_there(services: &IngestServices, generation: GenerationNumber, id: ChunkId) -> Result<bool, IngestError> {
    Ok(!services.metadata.chunks_by_id(generation, &[id]).await?.is_empty())
}

fn broken(generation: GenerationNumber, name: &str, chunk: &Chunk, what: &'static str) -> IngestError {
    let (name, document, passage) = (name.to_owned(), chunk.document_id, chunk.ordinal);
    IngestError::Verification { generation, name, document, passage, what }
}
