//! The vectors against the passages.

use std::collections::{BTreeMap, HashSet};

use super::{Audit, AuditError, Depth, Indexed, Problem, Stores};
use crate::{
    domain::{ChunkId, Generation, GenerationNumber, GenerationState, JobKind, JobState},
    metadata_store::{ChunkPosition, FoundChunk, JobQuery},
    vector_store::VectorStoreError,
};

/// How many points or passages are looked at together.
const PAGE: u32 = 1_000;

pub(super) async fn check(stores: Stores<'_>, depth: Depth, audit: &mut Audit) -> Result<(), AuditError> {
    // In this order: a generation is recorded before the vector store makes it.
    let existing = stores.vectors.generations().await?;
    let known = stores.metadata.generations().await?;
    let mut unknown = existing.clone();
    unknown.retain(|number| known.iter().all(|generation| generation.number != *number));
    if !unknown.is_empty() {
        // And it is forgotten after the vector store has dropped it.
        let still = stores.vectors.generations().await?;
        unknown.retain(|number| still.contains(number));
    }
    audit.problems.extend(unknown.into_iter().map(Problem::UnknownGeneration));
    let writing = writing(stores).await?;
    for generation in &known {
        let number = generation.number;
        let exists = existing.contains(&number);
        match generation.state {
            GenerationState::Building => audit.right.push(format!("generation {number} is being built")),
            GenerationState::Retired if exists => orphans(stores, number, writing, audit).await.map(drop)?,
            GenerationState::Retired => {}
            GenerationState::Active => active(stores, generation, exists, depth, writing, audit).await?,
        }
    }
    Ok(())
}

/// Whether a job may be writing vectors that are not committed yet.
pub(super) async fn writing(stores: Stores<'_>) -> Result<bool, AuditError> {
    for kind in [JobKind::Ingest, JobKind::Reindex, JobKind::Purge] {
        for state in [JobState::Queued, JobState::Running] {
            let query = JobQuery { kind: Some(kind), state: Some(state), limit: 1, ..JobQuery::default() };
            if !stores.metadata.jobs(query).await?.items.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn active(
    stores: Stores<'_>,
    generation: &Generation,
    exists: bool,
    depth: Depth,
    writing: bool,
    audit: &mut Audit,
) -> Result<(), AuditError> {
    let number = generation.number;
    let chunks = stores.metadata.counts().await?.chunks;
    if !exists {
        if chunks > 0 {
            let why = format!("its vectors, of {chunks} passages, are missing: run `footnote reindex`");
            audit.problems.push(Problem::UnusableGeneration(number, why));
        }
        return Ok(());
    }
    let (points, without) = orphans(stores, number, writing, audit).await?;
    // Each point was looked up: when as many have a passage as there are passages, none is missing.
    let complete = points - without == chunks;
    if complete && !depth.deep {
        if let Some(why) = wrong_dimension(stores, generation).await? {
            audit.problems.push(Problem::UnusableGeneration(number, why));
            return Ok(());
        }
        audit.right.push(format!("generation {number} is active, and holds a vector for each of {chunks} passages"));
        return Ok(());
    }
    let lacking = lacking(stores, generation).await?;
    if lacking.is_empty() {
        audit.right.push(format!("generation {number} is active, and holds a vector for each of {chunks} passages"));
    }
    audit.problems.extend(lacking.into_iter().map(|(indexed, count)| Problem::WithoutVectors(indexed, count)));
    Ok(())
}

/// The points of a generation that are of no passage; returns how many points there are, and how many of them are not.
async fn orphans(
    stores: Stores<'_>,
    generation: GenerationNumber,
    writing: bool,
    audit: &mut Audit,
) -> Result<(u64, u64), AuditError> {
    let (mut after, mut points, mut found) = (None, 0, Vec::new());
    loop {
        let ids = stores.vectors.point_ids(generation, after, PAGE).await?;
        let known = stores.metadata.chunks_by_id(generation, &ids).await?;
        let known: HashSet<ChunkId> = known.iter().map(|found| found.chunk.id).collect();
        points += ids.len() as u64;
        found.extend(ids.iter().filter(|id| !known.contains(id)));
        let Some(last) = ids.last().filter(|_| ids.len() == PAGE as usize) else { break };
        after = Some(*last);
    }
    let without = found.len() as u64;
    // A job that has begun since the first look may be writing what it has not committed yet.
    if !found.is_empty() && (writing || self::writing(stores).await?) {
        audit.undecided.push(format!(
            "generation {generation} holds {without} vectors without a passage, of jobs that are open: check again when \
             they have ended"
        ));
    } else {
        let found = still_orphans(stores, generation, found).await?;
        if !found.is_empty() {
            audit.problems.push(Problem::Orphans(generation, found));
        }
    }
    Ok((points, without))
}

/// Those points that are there and of no passage now: a job may have come and gone since they were looked at.
async fn still_orphans(
    stores: Stores<'_>,
    generation: GenerationNumber,
    found: Vec<ChunkId>,
) -> Result<Vec<ChunkId>, AuditError> {
    let mut orphans = Vec::new();
    for ids in found.chunks(PAGE as usize) {
        let there = stores.vectors.dense_vectors(generation, ids).await?;
        let known = stores.metadata.chunks_by_id(generation, ids).await?;
        let known: HashSet<ChunkId> = known.iter().map(|found| found.chunk.id).collect();
        orphans.extend(there.into_iter().map(|(id, _)| id).filter(|id| !known.contains(id)));
    }
    Ok(orphans)
}

/// What is wrong with the dimension of an existing generation, by the first vector that there is.
async fn wrong_dimension(stores: Stores<'_>, generation: &Generation) -> Result<Option<String>, AuditError> {
    let first = stores.vectors.point_ids(generation.number, None, 1).await?;
    let expected = generation.stamp.embedder.dimension as usize;
    let vectors = stores.vectors.dense_vectors(generation.number, &first).await?;
    let wrong = vectors.iter().find(|(_, vector)| vector.len() != expected);
    Ok(wrong.map(|(_, vector)| {
        format!("its vectors have {} dimensions, its stamp says {expected}: run `footnote reindex`", vector.len())
    }))
}

/// The documents with passages that have no usable vector, and how many.
async fn lacking(stores: Stores<'_>, generation: &Generation) -> Result<BTreeMap<Indexed, u64>, AuditError> {
    let (mut after, mut lacking): (Option<ChunkPosition>, _) = (None, BTreeMap::new());
    let dimension = generation.stamp.embedder.dimension as usize;
    loop {
        let page = stores.metadata.chunks_after(generation.number, after, PAGE).await?;
        let ids: Vec<ChunkId> = page.iter().map(|found| found.chunk.id).collect();
        let vectors = match stores.vectors.dense_vectors(generation.number, &ids).await {
            Err(VectorStoreError::NoSuchGeneration(_)) => Vec::new(),
            vectors => vectors?,
        };
        let usable = |vector: &[f32]| vector.len() == dimension && vector.iter().all(|value| value.is_finite());
        let good: HashSet<ChunkId> = vectors.iter().filter(|(_, vector)| usable(vector)).map(|(id, _)| *id).collect();
        let without: Vec<ChunkId> = ids.into_iter().filter(|id| !good.contains(id)).collect();
        // What was replaced or deleted since the page was read lacks nothing.
        for FoundChunk { chunk, name, .. } in stores.metadata.chunks_by_id(generation.number, &without).await? {
            let indexed =
                Indexed { document: chunk.document_id, name, version: chunk.version, generation: generation.number };
            *lacking.entry(indexed).or_insert(0) += 1;
        }
        let Some(last) = page.last().filter(|_| page.len() == PAGE as usize) else { return Ok(lacking) };
        after = Some(ChunkPosition::from(&last.chunk));
    }
}
