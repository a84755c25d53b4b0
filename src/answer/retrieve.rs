//! Finding the passages that may hold the answer: dense and BM25, fused inside the vector store.
//!
//! Only what the metadata store calls committed and active, and what the asker may read, comes out of here. May depend on `domain`, the
//! stores and `models`.

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AnswerError, PreparedPart, PreparedQuestion, RetrieveServices,
    preprocess::{check_top_k, clean},
};
use crate::{
    domain::{Access, Allowed, Chunk, DEFAULT_COLLECTION, Filter, Generation, GenerationNumber},
    metadata_store::FoundChunk,
    vector_store::{Fusion, Ranking, ScoredChunk, VectorQuery, VectorStoreError},
};

/// The constants of the fusion. They were chosen on a development set, where both of its halves agreed, and
/// checked once on another collection: `docs/ARCHITECTURE.md` has the figures.
pub const FUSION: Fusion = Fusion { k: 0, dense_weight: 0.5, lexical_weight: 1.0, depth: 100 };

/// Points that are no longer active may still be in the index: so many more are asked for than are needed.
const SPARE: usize = 10;

/// What another wording counts beside the question as it was understood.
const OTHER_WEIGHT: f32 = 0.5;

/// How many passages of the conversation are read again.
const CARRIED: usize = 2;

/// What was found for a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The generation that was searched.
    pub generation: GenerationNumber,
    /// The passages, best first.
    pub passages: Vec<Passage>,
    /// The question's dense vector, for the checks that follow; empty where passages were ranked by words alone.
    pub question_vector: Vec<f32>,
}

/// A passage that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Passage {
    /// The passage itself.
    #[serde(flatten)]
    pub chunk: Chunk,
    /// The document's name.
    pub name: String,
    /// The document's title.
    pub title: Option<String>,
    /// Its score: larger is better, comparable only inside one result.
    pub score: f32,
}

/// A search without the generator.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// The question, in the user's own words: 1 to 4,000 code points.
    #[schema(min_length = 1, max_length = 4000)]
    pub question: String,
    /// The collection to look in; `default` when absent.
    #[serde(default)]
    pub collection: Option<String>,
    /// Narrows the documents that are looked at.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// How many passages to return, 1 to 50; 5 when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    pub top_k: Option<u32>,
    /// How passages are ranked; `hybrid` when absent.
    #[serde(default)]
    pub ranking: RankingKind,
    /// What may be read for it: no part of a request. What nobody has filled in is nothing.
    #[serde(skip, default = "Access::nothing")]
    #[schema(ignore)]
    pub access: Access,
}

/// How passages are ranked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum RankingKind {
    /// Dense and lexical, fused: what `ask` uses.
    #[default]
    Hybrid,
    /// By the dense vectors alone.
    Dense,
    /// By BM25 alone.
    Lexical,
}

/// What a search returns.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SearchResponse {
    /// The question as it was searched.
    pub interpreted: String,
    /// The generation of the index.
    pub index: GenerationNumber,
    /// The passages, best first.
    pub results: Vec<Passage>,
}

/// Finds the evidence for one part of a question, `limit` passages: with the question as it was understood, and with the
/// user's own words and with what was asked before where they are others, so that a wrong reading loses nothing.
pub async fn retrieve(
    services: &RetrieveServices,
    question: &PreparedQuestion,
    part: &PreparedPart,
    limit: usize,
) -> Result<Evidence, AnswerError> {
    let search = |text| find(services, Wanted::by(question, text, limit), RankingKind::Hybrid);
    search_all(part, search).await
}

/// Searches with the question as it was understood and with its other wordings.
async fn search_all<'a, F>(part: &'a PreparedPart, search: impl Fn(&'a str) -> F) -> Result<Evidence, AnswerError>
where
    F: Future<Output = Result<Evidence, AnswerError>>,
{
    let asked = Some(&part.asked).filter(|asked| **asked != part.interpreted);
    let others: Vec<&String> = asked.into_iter().chain(&part.after_the_last).collect();
    let others = try_join_all(others.into_iter().map(|text| search(text)));
    let (mut evidence, others) = tokio::try_join!(search(&part.interpreted), others)?;
    for other in others {
        // A swap between the two: the passages of one generation cannot be cited from another.
        if other.generation == evidence.generation {
            let limit = evidence.passages.len().max(other.passages.len());
            evidence.passages = merged(evidence.passages, other.passages, limit);
        }
    }
    Ok(evidence)
}

/// Adds the passages that the conversation rests on, behind the others: what is asked next often stands there too. A
/// question with a filter gets none, since nothing says that they pass it, and of another collection than the one that is
/// asked there are none: a caller that sends the history itself may name any.
pub async fn carry(
    services: &RetrieveServices,
    question: &PreparedQuestion,
    evidence: &mut Evidence,
) -> Result<(), AnswerError> {
    let found = |id| evidence.passages.iter().any(|passage| passage.chunk.id == id);
    let mut ids: Vec<_> = question.carried.iter().map(|source| source.chunk_id).filter(|id| !found(*id)).collect();
    ids.dedup();
    ids.truncate(CARRIED);
    if ids.is_empty() || !question.filter.is_empty() {
        return Ok(());
    }
    let asked = question.access.collections.allows(&question.collection).then(|| question.collection.clone());
    let collections = Allowed::from_list(Some(asked));
    let access = Access { collections, labels: question.access.labels.clone() };
    let chunks = services.metadata.readable_chunks(evidence.generation, &ids, &access).await?;
    let carried = chunks.into_iter().map(|found| Passage {
        chunk: found.chunk,
        name: found.name,
        title: found.title,
        score: 0.0,
    });
    evidence.passages.extend(carried);
    Ok(())
}

/// The passages of a generation that hold these words, best first: a search without the embedder, where the question may
/// look. There are none when the generation has been replaced meanwhile.
pub async fn by_words(
    services: &RetrieveServices,
    question: &PreparedQuestion,
    generation: GenerationNumber,
    text: &str,
    limit: usize,
) -> Result<Vec<Passage>, AnswerError> {
    let ranking = Ranking::Lexical(services.lexical.question(text));
    match find_in(services, generation, &Wanted::by(question, text, limit), ranking).await {
        Err(AnswerError::Vectors(VectorStoreError::NoSuchGeneration(_))) => Ok(Vec::new()),
        other => other,
    }
}

/// The passages of both searches, best first by their weighted scores, which of both kinds are sums of reciprocal ranks.
fn merged(understood: Vec<Passage>, other: Vec<Passage>, limit: usize) -> Vec<Passage> {
    let mut all = understood;
    for mut passage in other {
        passage.score *= OTHER_WEIGHT;
        match all.iter_mut().find(|known| known.chunk.id == passage.chunk.id) {
            Some(known) => known.score += passage.score,
            None => all.push(passage),
        }
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all.truncate(limit);
    all
}

/// Finds passages for a program or a person.
pub async fn search(services: &RetrieveServices, request: SearchRequest) -> Result<SearchResponse, AnswerError> {
    let interpreted = clean(&request.question)?.text;
    let wanted = Wanted {
        text: &interpreted,
        collection: request.collection.as_deref().unwrap_or(DEFAULT_COLLECTION),
        filter: &request.filter.unwrap_or_default(),
        access: &request.access,
        top_k: check_top_k(request.top_k)?,
    };
    let evidence = find(services, wanted, request.ranking).await?;
    Ok(SearchResponse { index: evidence.generation, results: evidence.passages, interpreted })
}

/// What is looked for, and where.
struct Wanted<'a> {
    text: &'a str,
    collection: &'a str,
    filter: &'a Filter,
    access: &'a Access,
    top_k: usize,
}

impl<'a> Wanted<'a> {
    /// A text, where the question is looked for: every search for a question has its collection, its filter and what its
    /// asker may read.
    fn by(question: &'a PreparedQuestion, text: &'a str, top_k: usize) -> Self {
        let PreparedQuestion { collection, filter, access, .. } = question;
        Self { text, collection, filter, access, top_k }
    }
}

/// Searches the active generation.
async fn find(services: &RetrieveServices, wanted: Wanted<'_>, kind: RankingKind) -> Result<Evidence, AnswerError> {
    let mut retried = false;
    loop {
        let generation = services.metadata.active_generation().await?;
        let question_vector = match kind {
            RankingKind::Lexical => Vec::new(),
            RankingKind::Dense | RankingKind::Hybrid => embedded(services, wanted.text, generation.as_ref()).await?,
        };
        let Some(Generation { number: generation, .. }) = generation else {
            return Ok(Evidence { generation: 0, passages: Vec::new(), question_vector });
        };
        let ranking = ranking(services, wanted.text, kind, &question_vector);
        let passages = match find_in(services, generation, &wanted, ranking).await {
            // The generation was collected between the two calls: a swap has happened, so ask again.
            Err(AnswerError::Vectors(VectorStoreError::NoSuchGeneration(_))) if !retried => {
                retried = true;
                continue;
            }
            // Nothing has been ingested yet: the first upload creates the generation's vectors.
            Err(AnswerError::Vectors(VectorStoreError::NoSuchGeneration(_)))
                if services.metadata.counts().await?.chunks == 0 =>
            {
                Vec::new()
            }
            other => other?,
        };
        return Ok(Evidence { generation, passages, question_vector });
    }
}

/// The passages of one generation that may be read, best first.
async fn find_in(
    services: &RetrieveServices,
    generation: GenerationNumber,
    wanted: &Wanted<'_>,
    ranking: Ranking,
) -> Result<Vec<Passage>, AnswerError> {
    let query = VectorQuery {
        collection: wanted.collection.to_owned(),
        filter: wanted.filter.clone(),
        labels: wanted.access.labels.clone(),
        ranking,
        limit: wanted.top_k + SPARE,
    };
    let scored = services.vectors.search(generation, query).await?;
    let ids: Vec<_> = scored.iter().map(|hit| hit.chunk_id).collect();
    let found = services.metadata.readable_chunks(generation, &ids, wanted.access).await?;
    let mut passages = join(scored, found);
    passages.truncate(wanted.top_k);
    Ok(passages)
}

/// The vector of a question. A generation is searched with the embedder that built it, which is not always the one that
/// is configured.
async fn embedded(
    services: &RetrieveServices,
    text: &str,
    generation: Option<&Generation>,
) -> Result<Vec<f32>, AnswerError> {
    let embedder = match generation {
        Some(generation) => services.embedders.of(generation).await?,
        None => services.embedders.configured().clone(),
    };
    Ok(embedder.embed_question(text.to_owned()).await?)
}

fn ranking(services: &RetrieveServices, text: &str, kind: RankingKind, dense: &[f32]) -> Ranking {
    let sparse = || services.lexical.question(text);
    match kind {
        RankingKind::Dense => Ranking::Dense(dense.to_vec()),
        RankingKind::Lexical => Ranking::Lexical(sparse()),
        RankingKind::Hybrid => Ranking::Hybrid { dense: dense.to_vec(), sparse: sparse(), fusion: FUSION },
    }
}

/// Puts the scores to the chunks that are visible; both lists are in the order of the ranking.
///
/// Equal scores are common, since the second of one ranking gets what the first of the other gets, and a store returns
/// them in whatever order it holds them. Here they come by document and place, oldest document first, so that a restored,
/// migrated or rebuilt index gives the same evidence.
fn join(scored: Vec<ScoredChunk>, found: Vec<FoundChunk>) -> Vec<Passage> {
    let mut found = found.into_iter().peekable();
    let visible = scored.into_iter().filter_map(|hit| {
        let chunk = found.next_if(|next| next.chunk.id == hit.chunk_id)?;
        Some(Passage { chunk: chunk.chunk, name: chunk.name, title: chunk.title, score: hit.score })
    });
    let mut passages: Vec<Passage> = visible.collect();
    let place = |passage: &Passage| (passage.chunk.document_id, passage.chunk.ordinal);
    passages.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b))));
    passages
}

#[cfg(test)]
mod tests;
