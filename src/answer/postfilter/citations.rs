//! Footnotes: a quote, its offsets in the stored text, and the proof that the two agree.
//!
//! May depend on `domain` and the blob store.

use std::ops::Range;

use crate::{
    answer::{AnswerError, Passage},
    blob_store::{BlobStore, BlobStoreError},
    domain::{
        Citation, GenerationNumber,
        text::{CodePointIndex, CodePointRange},
    },
};

/// The footnote for `quote`, a byte range of the passage's text, or `None` when the stored text does not hold
/// exactly that quote at its offsets any more: then there is nothing to cite.
pub async fn cite(
    blobs: &BlobStore,
    generation: GenerationNumber,
    passage: &Passage,
    quote: Range<usize>,
    answer: Range<u32>,
) -> Result<Option<Citation>, AnswerError> {
    let chunk = &passage.chunk;
    let stored = match blobs.text(chunk.document_id, chunk.version, generation).await {
        Ok(stored) => stored,
        // The document was deleted while its answer was being written.
        Err(BlobStoreError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let (Some(within), Some(text)) = (CodePointIndex::new(&chunk.text).range_of(quote.clone()), chunk.text.get(quote))
    else {
        return Ok(None);
    };
    let source = CodePointRange { start: chunk.range.start + within.start, end: chunk.range.start + within.end };
    let index = CodePointIndex::new(&stored.text);
    if index.slice(source) != Some(text) {
        tracing::error!(chunk = %chunk.id, document = %chunk.document_id, "a quote differs from the stored text");
        return Ok(None);
    }
    let byte = index.byte_of(source.start).unwrap_or_default();
    Ok(Some(Citation {
        answer_start: answer.start,
        answer_end: answer.end,
        document_id: chunk.document_id,
        name: passage.name.clone(),
        version: chunk.version,
        chunk_id: chunk.id,
        page: stored.page_of(byte),
        heading: stored.heading_path(byte).last().map(|heading| (*heading).to_owned()),
        source_start: source.start,
        source_end: source.end,
        quote: text.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{answer::postfilter::testing::passage, domain::ExtractedDocument};

    #[tokio::test]
    async fn a_quote_is_cited_by_code_points_and_only_while_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = BlobStore::directory(dir.path()).unwrap();
        let mut found = passage("é is one code point. It takes two bytes.");
        found.chunk.range = CodePointRange { start: 3, end: 43 };
        let (document, version) = (found.chunk.document_id, found.chunk.version);
        let store = |text: &str| ExtractedDocument { text: text.to_owned(), ..Default::default() };
        blobs.put_text(document, version, 1, &store("ü. é is one code point. It takes two bytes.")).await.unwrap();

        let second = "é is one code point. ".len()..found.chunk.text.len();
        let cited = cite(&blobs, 1, &found, second.clone(), 0..5).await.unwrap().unwrap();
        assert_eq!((cited.source_start, cited.source_end), (24, 43));
        assert_eq!(cited.quote, "It takes two bytes.");

        blobs.put_text(document, version, 1, &store("ü. é is one code point. It takes 2 bytes.")).await.unwrap();
        assert_eq!(cite(&blobs, 1, &found, second.clone(), 0..5).await.unwrap(), None);
        blobs.delete_texts(document, None).await.unwrap();
        assert_eq!(cite(&blobs, 1, &found, second, 0..5).await.unwrap(), None);
    }
}
