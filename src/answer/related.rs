//! Documents beside the cited ones that are about the same.
//!
//! May depend on `domain`, the stores and `models`.

use std::collections::BTreeSet;

use super::{AnswerError, Passage, RetrieveServices};
use crate::{
    domain::{Access, Citation, DocumentId, Filter, GenerationNumber},
    vector_store::{Ranking, VectorQuery, VectorStoreError},
};

/// How many of the nearest passages are looked at: those of the cited documents are among them.
const LOOKED_AT: usize = 100;

/// What related documents are looked for by.
pub struct Around<'a> {
    /// Where the answer was looked for.
    pub collection: &'a str,
    /// What narrowed the documents: it narrows these too.
    pub filter: &'a Filter,
    /// What may be read for it.
    pub access: &'a Access,
    /// The answer's citations.
    pub citations: &'a [Citation],
    /// The passages that were found.
    pub passages: &'a [Passage],
    /// The question as it was understood: what is looked for where nothing is cited.
    pub question: &'a str,
    /// Its dense vector, if it is known.
    pub question_vector: Option<&'a [f32]>,
    /// The generation that was searched.
    pub searched: GenerationNumber,
}

/// The documents whose passages are nearest to the passage that the first citation stands in, or to the question where
/// nothing is cited: at most `count`, nearest first, without the cited ones.
pub async fn related_documents(
    services: &RetrieveServices,
    around: Around<'_>,
    count: usize,
) -> Result<Vec<DocumentId>, AnswerError> {
    let cited: BTreeSet<DocumentId> = around.citations.iter().map(|citation| citation.document_id).collect();
    let best = around.citations.first();
    let passage = best.and_then(|best| around.passages.iter().find(|passage| passage.chunk.id == best.chunk_id));
    let Some(generation) = services.metadata.active_generation().await? else { return Ok(Vec::new()) };
    let embedder = services.embedders.of(&generation).await?;
    // A vector of another generation may be another embedder's.
    let known = around.question_vector.filter(|_| around.searched == generation.number);
    let vector = match (passage, known) {
        (Some(passage), _) => {
            let id = passage.chunk.id;
            let stored = match services.vectors.dense_vectors(generation.number, &[id]).await {
                Ok(stored) => stored.into_iter().next().map(|(_, vector)| vector),
                Err(VectorStoreError::NoSuchGeneration(_)) => None,
                Err(error) => return Err(error.into()),
            };
            match stored {
                Some(vector) => vector,
                // Another generation was activated since: the same text has the same vector there.
                None => {
                    let embedded = embedder.embed_passages(vec![passage.chunk.indexed_text()]).await?;
                    embedded.into_iter().next().unwrap_or_default()
                }
            }
        }
        (None, Some(vector)) => vector.to_vec(),
        (None, None) => embedder.embed_question(around.question.to_owned()).await?,
    };
    let query = VectorQuery {
        collection: around.collection.to_owned(),
        filter: around.filter.clone(),
        labels: around.access.labels.clone(),
        ranking: Ranking::Dense(vector),
        limit: LOOKED_AT,
    };
    let mut scored = match services.vectors.search(generation.number, query).await {
        // Another generation was activated a moment ago, or nothing has been ingested: nothing is related then.
        Err(VectorStoreError::NoSuchGeneration(_)) => return Ok(Vec::new()),
        found => found?,
    };
    // Ties come in no particular order, and the same outcome shall name the same documents.
    scored.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.chunk_id.cmp(&other.chunk_id)));
    let ids: Vec<_> = scored.iter().map(|hit| hit.chunk_id).collect();
    let mut related = Vec::new();
    for found in services.metadata.readable_chunks(generation.number, &ids, around.access).await? {
        let document = found.chunk.document_id;
        if related.len() < count && !cited.contains(&document) && !related.contains(&document) {
            related.push(document);
        }
    }
    Ok(related)
}
