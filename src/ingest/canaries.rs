//! Canary questions: whether a new generation finds what the one before found.
//!
//! Those of the operator name the document that answers them; where there are none, sentences of the documents
//! themselves are asked for. May depend on `domain`, the stores, `models` and the other modules of `ingest`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{IndexModels, IngestError, IngestServices};
use crate::{
    domain::{
        Allowed, ChunkId, DEFAULT_COLLECTION, DocumentId, Filter, Generation, GenerationNumber, sentences::sentences,
    },
    metadata_store::{ChunkPosition, DocumentQuery, MetadataStoreError},
    models::embedder::Embedder,
    vector_store::{Ranking, VectorQuery, VectorStoreError},
};

/// How many sentences of the documents are asked for.
const SAMPLED: u64 = 100;
/// Among how many passages the document must be.
const TOP: usize = 10;
/// The part of sampled sentences that may be lost: another embedder is better at some and worse at others.
const TOLERATED: f64 = 0.05;
/// So many may be lost however few were asked for.
const TOLERATED_AT_LEAST: u64 = 2;
/// How long a sentence is that says something of its own, in words.
const SENTENCE_WORDS: std::ops::RangeInclusive<usize> = 6..=60;
/// No embedder refuses a text of so many bytes.
const SENTENCE_BYTES: usize = 400;
const PAGE: u32 = 500;

/// A question of the operator, and the document that answers it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The question.
    pub question: String,
    /// The name of the document.
    pub document: String,
    /// Its collection; `default` when absent.
    #[serde(default)]
    pub collection: Option<String>,
}

/// Why a file of canary questions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// It cannot be read.
    #[error("cannot read the canary questions in {0}: {1}")]
    Unreadable(String, std::io::Error),
    /// A line is not what it should be.
    #[error("{0}, line {1}: {2}; a line is {{\"question\": …, \"document\": name, \"collection\": …}}")]
    Malformed(String, usize, String),
}

impl CanaryError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// Reads a file of canary questions, one JSON object a line. Blocks.
pub fn read(path: &Path) -> Result<Vec<Canary>, CanaryError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| CanaryError::Unreadable(shown.clone(), error))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let malformed = |error: serde_json::Error| CanaryError::Malformed(shown.clone(), at + 1, error.to_string());
            serde_json::from_str(line).map_err(malformed)
        })
        .collect()
}

/// How two generations did on the same questions.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Compared {
    /// The operator's questions.
    pub questions: Score,
    /// Questions whose document is not there: they count nowhere.
    pub without_document: Vec<String>,
    /// Sentences of the documents, by their dense vectors.
    pub sentences: Score,
    /// Why nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
}

/// Of how many questions the document was found, before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Asked.
    pub asked: u64,
    /// Found in the generation that answers questions now.
    pub found_before: u64,
    /// Found in the new one.
    pub found_after: u64,
}

impl Score {
    fn count(&mut self, before: bool, after: bool) {
        self.asked += 1;
        self.found_before += u64::from(before);
        self.found_after += u64::from(after);
    }

    fn lost(self) -> u64 {
        self.found_before.saturating_sub(self.found_after)
    }
}

impl Compared {
    /// Why the new generation is worse, if it is.
    pub fn worse(&self) -> Option<String> {
        let Score { asked, found_before, found_after } = self.questions;
        if self.questions.lost() > 0 {
            return Some(format!(
                "of {asked} canary questions it finds {found_after}, the index before {found_before}"
            ));
        }
        let Score { asked, found_before, found_after } = self.sentences;
        let tolerated = TOLERATED_AT_LEAST.max((asked as f64 * TOLERATED) as u64);
        (self.sentences.lost() > tolerated).then(|| {
            format!("of {asked} sentences of the documents it finds {found_after}, the index before {found_before}")
        })
    }
}

/// Asks both generations, the active one with its own embedder.
pub async fn compare(
    services: &IngestServices,
    building: &Generation,
    models: &IndexModels,
) -> Result<Compared, IngestError> {
    let mut compared = Compared::default();
    let Some(active) = services.metadata.active_generation().await? else { return Ok(compared) };
    let embedder = match services.embedders.of(&active).await {
        Ok(embedder) => embedder,
        Err(error) if error.is_transient() => return Err(error.into()),
        // The index is built anew because nothing can search it any more.
        Err(error) => return Ok(Compared { not_compared: Some(error.to_string()), ..compared }),
    };
    let old = Side { services, generation: active.number, embedder };
    let new = Side { services, generation: building.number, embedder: models.embedder.clone() };
    for canary in services.canaries.iter() {
        let collection = canary.collection.as_deref().unwrap_or(DEFAULT_COLLECTION);
        let query = DocumentQuery {
            collection: Some(collection.to_owned()),
            name: Some(canary.document.clone()),
            limit: 1,
            ..DocumentQuery::default()
        };
        match services.metadata.documents(query).await?.items.first() {
            Some(document) => {
                let asked = (canary.question.as_str(), collection, document.id);
                let before = old.finds_dense(asked).await? || old.finds_words(asked).await?;
                let after = new.finds_dense(asked).await? || new.finds_words(asked).await?;
                compared.questions.count(before, after);
            }
            None => compared.without_document.push(canary.document.clone()),
        }
    }
    for (sentence, collection, document) in sample(services, building.number).await? {
        let asked = (sentence.as_str(), collection.as_str(), document);
        compared.sentences.count(old.finds_dense(asked).await?, new.finds_dense(asked).await?);
    }
    Ok(compared)
}

/// One of the two generations.
struct Side<'a> {
    services: &'a IngestServices,
    generation: GenerationNumber,
    embedder: std::sync::Arc<dyn Embedder>,
}

type Asked<'a> = (&'a str, &'a str, DocumentId);

impl Side<'_> {
    async fn finds_dense(&self, asked: Asked<'_>) -> Result<bool, IngestError> {
        let vector = self.embedder.embed_question(asked.0.to_owned()).await?;
        self.finds(Ranking::Dense(vector), asked).await
    }

    async fn finds_words(&self, asked: Asked<'_>) -> Result<bool, IngestError> {
        self.finds(Ranking::Lexical(self.services.lexical.question(asked.0)), asked).await
    }

    async fn finds(&self, ranking: Ranking, (_, collection, document): Asked<'_>) -> Result<bool, IngestError> {
        let query = VectorQuery {
            collection: collection.to_owned(),
            filter: Filter::default(),
            labels: Allowed::All,
            ranking,
            limit: TOP,
        };
        let hits = match self.services.vectors.search(self.generation, query).await {
            // Nothing was ever ingested.
            Err(VectorStoreError::NoSuchGeneration(_)) => return Ok(false),
            hits => hits?,
        };
        let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk_id).collect();
        let found = self.services.metadata.chunks_by_id(self.generation, &ids).await?;
        Ok(found.iter().any(|found| found.chunk.document_id == document))
    }
}

/// A sentence of every so many passages, with its collection and document: the same ones of the same index.
async fn sample(
    services: &IngestServices,
    generation: GenerationNumber,
) -> Result<Vec<(String, String, DocumentId)>, IngestError> {
    let all = services.metadata.counts().await?.chunks;
    let (step, mut seen, mut after) = ((all / SAMPLED).max(1), 0u64, None);
    let mut sampled = Vec::new();
    loop {
        let page = services.metadata.chunks_after(generation, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(sampled) };
        after = Some(ChunkPosition::from(&last.chunk));
        for found in &page {
            seen += 1;
            if !seen.is_multiple_of(step) {
                continue;
            }
            let text = &found.chunk.text;
            let telling = sentences(text).into_iter().map(|range| &text[range]);
            let is_telling =
                |one: &&str| one.len() <= SENTENCE_BYTES && SENTENCE_WORDS.contains(&one.split_whitespace().count());
            let Some(sentence) = telling.into_iter().find(is_telling) else {
                continue;
            };
            let source = match services.metadata.version_source(found.chunk.document_id, found.chunk.version).await {
                Ok(source) => source,
                // It was deleted a moment ago.
                Err(MetadataStoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            sampled.push((sentence.to_owned(), source.collection, source.document_id));
        }
        if page.len() < PAGE as usize {
            return Ok(sampled);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn compared(questions: [u64; 3], sentences: [u64; 3]) -> Compared {
        let score = |[asked, found_before, found_after]: [u64; 3]| Score { asked, found_before, found_after };
        Compared { questions: score(questions), sentences: score(sentences), ..Compared::default() }
    }

    #[test]
    fn no_canary_question_may_be_lost_and_few_sentences() {
        for fine in [compared([0; 3], [0; 3]), compared([5, 4, 4], [100, 90, 85]), compared([5, 3, 5], [10, 9, 7])] {
            assert_eq!(fine.worse(), None, "{fine:?}");
        }
        let worse = compared([5, 4, 3], [0; 3]).worse().unwrap();
        assert!(worse.contains("canary questions it finds 3, the index before 4"), "{worse}");
        let worse = compared([0; 3], [100, 90, 84]).worse().unwrap();
        assert!(worse.contains("sentences"), "{worse}");
        assert!(compared([0; 3], [10, 9, 6]).worse().is_some());
    }

    #[test]
    fn a_line_that_is_no_canary_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("canaries.jsonl");
        std::fs::write(&path, "{\"question\": \"When?\", \"document\": \"a.md\"}\n\n{\"question\": 1}\n").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("\"document\""), "{error}");
        std::fs::write(&path, "{\"question\": \"When?\", \"document\": \"a.md\"}\n").unwrap();
        assert_eq!(read(&path).unwrap()[0].document, "a.md");
    }
}
