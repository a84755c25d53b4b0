//! A vector store in memory that remembers what it was asked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;

use crate::{
    domain::{ChunkId, DocumentId, GenerationNumber},
    vector_store::{Point, Ranking, ScoredChunk, SparseVector, VectorQuery, VectorStore, VectorStoreError, matches},
};

/// Finds what has something in common with the query, by the dot product. A hybrid ranking is that of its words.
#[derive(Default)]
pub struct VectorsInMemory {
    generations: Mutex<BTreeMap<GenerationNumber, Vec<Point>>>,
    queries: Mutex<Vec<VectorQuery>>,
}

impl VectorsInMemory {
    /// What it was asked, in order.
    pub fn queries(&self) -> Vec<VectorQuery> {
        self.queries.lock().unwrap().clone()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<GenerationNumber, Vec<Point>>> {
        self.generations.lock().unwrap()
    }

    /// The points of a generation that meet a condition.
    fn points(
        &self,
        generation: GenerationNumber,
        kept: impl Fn(&Point) -> bool,
    ) -> Result<Vec<Point>, VectorStoreError> {
        let generations = self.held();
        let points = generations.get(&generation).ok_or(VectorStoreError::NoSuchGeneration(generation))?;
        Ok(points.iter().filter(|point| kept(point)).cloned().collect())
    }

    fn remove(&self, generation: GenerationNumber, gone: impl Fn(&Point) -> bool) -> Result<(), VectorStoreError> {
        let mut generations = self.held();
        let points = generations.get_mut(&generation).ok_or(VectorStoreError::NoSuchGeneration(generation))?;
        points.retain(|point| !gone(point));
        Ok(())
    }
}

fn score(ranking: &Ranking, point: &Point) -> f32 {
    match ranking {
        Ranking::Dense(dense) => dense.iter().zip(&point.dense).map(|(a, b)| a * b).sum(),
        Ranking::Lexical(sparse) | Ranking::Hybrid { sparse, .. } => product(sparse, &point.sparse),
    }
}

fn product(a: &SparseVector, b: &SparseVector) -> f32 {
    let shared = a.indices.iter().zip(&a.values).filter_map(|(dimension, value)| {
        let at = b.indices.binary_search(dimension).ok()?;
        Some(value * b.values[at])
    });
    shared.sum()
}

#[async_trait]
impl VectorStore for VectorsInMemory {
    async fn create_generation(&self, generation: GenerationNumber, _: u32) -> Result<(), VectorStoreError> {
        self.held().entry(generation).or_default();
        Ok(())
    }

    async fn drop_generation(&self, generation: GenerationNumber) -> Result<(), VectorStoreError> {
        self.held().remove(&generation);
        Ok(())
    }

    async fn generations(&self) -> Result<Vec<GenerationNumber>, VectorStoreError> {
        Ok(self.held().keys().copied().collect())
    }

    async fn upsert(&self, generation: GenerationNumber, points: Vec<Point>) -> Result<(), VectorStoreError> {
        self.remove(generation, |known| points.iter().any(|point| point.chunk_id == known.chunk_id))?;
        self.held().entry(generation).or_default().extend(points);
        Ok(())
    }

    async fn delete_document(
        &self,
        generation: GenerationNumber,
        document: DocumentId,
        version: Option<u32>,
    ) -> Result<(), VectorStoreError> {
        let of_version = |point: &Point| version.is_none_or(|version| point.version == version);
        self.remove(generation, |point| point.document_id == document && of_version(point))
    }

    async fn search(
        &self,
        generation: GenerationNumber,
        query: VectorQuery,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        self.queries.lock().unwrap().push(query.clone());
        let readable =
            |point: &Point| point.access.is_empty() || point.access.iter().any(|label| query.labels.allows(label));
        let mut found = Vec::new();
        for point in self.points(generation, |point| point.collection == query.collection && readable(point))? {
            let score = score(&query.ranking, &point);
            if score > 0.0 && matches(&query.filter, point.document_id, &point.metadata)? {
                found.push(ScoredChunk { chunk_id: point.chunk_id, score });
            }
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(query.limit);
        Ok(found)
    }

    async fn dense_vectors(
        &self,
        generation: GenerationNumber,
        ids: &[ChunkId],
    ) -> Result<Vec<(ChunkId, Vec<f32>)>, VectorStoreError> {
        let points = self.points(generation, |point| ids.contains(&point.chunk_id))?;
        Ok(points.into_iter().map(|point| (point.chunk_id, point.dense)).collect())
    }

    async fn count(&self, generation: GenerationNumber, document: Option<DocumentId>) -> Result<u64, VectorStoreError> {
        let of_document = |point: &Point| document.is_none_or(|document| point.document_id == document);
        Ok(self.points(generation, of_document)?.len() as u64)
    }

    async fn point_ids(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkId>,
        limit: u32,
    ) -> Result<Vec<ChunkId>, VectorStoreError> {
        let points = self.points(generation, |point| after.is_none_or(|after| point.chunk_id > after))?;
        let mut ids: Vec<ChunkId> = points.into_iter().map(|point| point.chunk_id).collect();
        ids.sort_unstable();
        ids.truncate(limit as usize);
        Ok(ids)
    }

    async fn delete_points(&self, generation: GenerationNumber, ids: &[ChunkId]) -> Result<(), VectorStoreError> {
        self.remove(generation, |point| ids.contains(&point.chunk_id))
    }

    async fn optimize(&self, _: GenerationNumber) -> Result<(), VectorStoreError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), VectorStoreError> {
        Ok(())
    }
}
