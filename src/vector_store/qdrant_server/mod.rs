//! A Qdrant server or cluster, over gRPC: one collection per generation, named `<prefix>_g000001`.
//!
//! Every write waits until the server has applied it (`wait`), so that later searches see it and it stands
//! in the server's own write-ahead log; a server that only says that it will apply it is `Unavailable`. Every
//! call has a deadline. The server builds its HNSW graphs by itself, in the background.
//!
//! May depend on `request` and the client.

mod translate;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use qdrant_client::{
    Qdrant, QdrantError,
    qdrant::{
        CountPoints, DeleteCollection, DeletePoints, PointsOperationResponse, PointsSelector, UpdateStatus,
        UpsertPoints,
    },
};

use super::{
    Point, ScoredChunk, VectorQuery, VectorStore, VectorStoreError,
    request::{self, Condition, KEYWORD_FIELDS, Search},
};
use crate::domain::{ChunkId, DocumentId, GenerationNumber};

/// Points per request: some 1.5 MB at 384 dimensions, far below the server's limit of 32 MB at 4,096.
const POINTS_PER_REQUEST: usize = 500;
/// Bytes per request: every point of a document carries the labels of its metadata, which can be many.
const BYTES_PER_REQUEST: usize = 8 << 20;
/// The first server whose reciprocal rank fusion takes weights. An older one would ignore them.
const OLDEST_SERVER: (u64, u64) = (1, 17);

/// How long each kind of call may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Connecting, and asking whether the server is well.
    pub connect: Duration,
    /// Searching, counting and listing.
    pub read: Duration,
    /// Everything that changes something.
    pub write: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), read: Duration::from_secs(30), write: Duration::from_secs(120) }
    }
}

/// The vector store on a Qdrant server.
pub struct QdrantServer {
    client: Qdrant,
    prefix: String,
    deadlines: Deadlines,
    /// A generation's dimension never changes; forgotten when the server says that the generation is gone.
    dimensions: Mutex<HashMap<GenerationNumber, u32>>,
}

impl QdrantServer {
    /// Connects to the server at `url` (`http://host:6334`, its gRPC port) and checks its version.
    ///
    /// `prefix` (letters, digits, `-` and `_`) starts the names of all collections, so that several
    /// installations can share a server.
    pub async fn connect(url: &str, api_key: Option<String>, prefix: &str) -> Result<Self, VectorStoreError> {
        Self::connect_with(url, api_key, prefix, Deadlines::default()).await
    }

    /// Connects with other deadlines.
    pub async fn connect_with(
        url: &str,
        api_key: Option<String>,
        prefix: &str,
        deadlines: Deadlines,
    ) -> Result<Self, VectorStoreError> {
        if prefix.is_empty() || !prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(VectorStoreError::Invalid(format!(
                "the collection prefix `{prefix}` must be made of letters, digits, `-` and `_`"
            )));
        }
        // The client's own check of versions prints to standard output; ours is below. The client's timeout is
        // the longest that any call takes, and the shorter ones are set where the calls are made.
        let client = Qdrant::from_url(url)
            .api_key(api_key)
            .connect_timeout(deadlines.connect)
            .timeout(deadlines.write.max(deadlines.read))
            .skip_compatibility_check()
            .build()
            .map_err(|error| VectorStoreError::Invalid(format!("cannot use the vector url `{url}`: {error}")))?;
        let store = Self { client, prefix: prefix.to_owned(), deadlines, dimensions: Mutex::default() };
        let health =
            bounded(deadlines.connect, None, store.client.health_check()).await.map_err(|error| match error {
                VectorStoreError::Unavailable(reason) => VectorStoreError::Unavailable(format!(
                    "no Qdrant server answers at {url} (its gRPC port, usually 6334): {reason}"
                )),
                error => error,
            })?;
        check_version(url, &health.version)?;
        Ok(store)
    }

    fn collection(&self, generation: GenerationNumber) -> String {
        format!("{}_g{generation:06}", self.prefix)
    }

    fn generation(&self, collection: &str) -> Option<GenerationNumber> {
        let number = collection.strip_prefix(&self.prefix)?.strip_prefix("_g")?.parse().ok()?;
        (self.collection(number) == collection).then_some(number)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<GenerationNumber, u32>> {
        self.dimensions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn dimension(&self, generation: GenerationNumber) -> Result<u32, VectorStoreError> {
        let known = self.known().get(&generation).copied();
        if let Some(dimension) = known {
            return Ok(dimension);
        }
        let collection = self.collection(generation);
        let info = self.call(self.deadlines.read, generation, self.client.collection_info(collection.as_str())).await?;
        let dimension = translate::dimension(&collection, info)?;
        self.known().insert(generation, dimension);
        Ok(dimension)
    }

    /// Makes a call about a generation, within a deadline.
    async fn call<T>(
        &self,
        limit: Duration,
        generation: GenerationNumber,
        call: impl Future<Output = Result<T, QdrantError>>,
    ) -> Result<T, VectorStoreError> {
        let result = bounded(limit, Some(generation), call).await;
        if matches!(result, Err(VectorStoreError::NoSuchGeneration(_))) {
            self.known().remove(&generation);
        }
        result
    }

    async fn delete(&self, generation: GenerationNumber, conditions: &[Condition]) -> Result<(), VectorStoreError> {
        self.delete_selected(generation, translate::filter(conditions).into()).await
    }

    async fn delete_selected(
        &self,
        generation: GenerationNumber,
        points: PointsSelector,
    ) -> Result<(), VectorStoreError> {
        let request = DeletePoints {
            collection_name: self.collection(generation),
            wait: Some(true),
            points: Some(points),
            timeout: Some(seconds(self.deadlines.write)),
            ..DeletePoints::default()
        };
        applied(self.call(self.deadlines.write, generation, self.client.delete_points(request)).await?)
    }
}

async fn bounded<T>(
    limit: Duration,
    generation: Option<GenerationNumber>,
    call: impl Future<Output = Result<T, QdrantError>>,
) -> Result<T, VectorStoreError> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result.map_err(|error| translate::error(generation, error)),
        Err(_) => Err(VectorStoreError::Unavailable(format!("no answer within {} s", limit.as_secs_f64()))),
    }
}

/// Points with their sizes, in the order in which they came, in as many as a request holds. A single one is sent
/// whatever its size.
fn batches<T>(points: Vec<(usize, T)>) -> Vec<Vec<T>> {
    let (mut batches, mut bytes) = (Vec::<Vec<T>>::new(), 0);
    for (size, point) in points {
        match batches.last_mut() {
            Some(batch) if batch.len() < POINTS_PER_REQUEST && bytes + size <= BYTES_PER_REQUEST => {
                bytes += size;
                batch.push(point);
            }
            _ => {
                bytes = size;
                batches.push(vec![point]);
            }
        }
    }
    batches
}

/// A deadline as the server takes it, which gives up no earlier than we do.
fn seconds(limit: Duration) -> u64 {
    limit.as_secs() + u64::from(limit.subsec_nanos() > 0)
}

/// That a write has been applied, and not merely been taken over.
fn applied(response: PointsOperationResponse) -> Result<(), VectorStoreError> {
    let status = response.result.map_or(UpdateStatus::UnknownUpdateStatus, |result| result.status());
    if status == UpdateStatus::Completed {
        return Ok(());
    }
    Err(VectorStoreError::Unavailable(format!("the server has not applied the write yet ({})", status.as_str_name())))
}

fn check_version(url: &str, version: &str) -> Result<(), VectorStoreError> {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse::<u64>().ok());
    let (Some(major), Some(minor)) = (numbers.next().flatten(), numbers.next().flatten()) else {
        return Err(VectorStoreError::Failed(format!(
            "the server at {url} reports the version `{version}`: is it Qdrant?"
        )));
    };
    let (oldest_major, oldest_minor) = OLDEST_SERVER;
    if major != oldest_major || minor < oldest_minor {
        return Err(VectorStoreError::Failed(format!(
            "the server at {url} is Qdrant {version}; this program needs {oldest_major}.{oldest_minor} or a later \
             {oldest_major}.x: upgrade it"
        )));
    }
    Ok(())
}

#[async_trait]
impl VectorStore for QdrantServer {
    async fn create_generation(&self, generation: GenerationNumber, dimension: u32) -> Result<(), VectorStoreError> {
        if dimension == 0 || generation < 0 {
            return Err(VectorStoreError::Invalid(
                "a generation has a number from 0 up and a dimension of at least 1".into(),
            ));
        }
        let collection = self.collection(generation);
        let found = match self.dimension(generation).await {
            Err(VectorStoreError::NoSuchGeneration(_)) => {
                let request = translate::create_collection(collection.clone(), dimension);
                match self.call(self.deadlines.write, generation, self.client.create_collection(request)).await {
                    Ok(_) => dimension,
                    // Another process may have created it at the same moment.
                    Err(error) => self.dimension(generation).await.map_err(|_| error)?,
                }
            }
            found => found?,
        };
        if found != dimension {
            return Err(VectorStoreError::DimensionMismatch { generation, expected: dimension, found });
        }
        // Repeated for a collection that exists: its creator may have been killed in between.
        for field in KEYWORD_FIELDS {
            let request = translate::create_index(&collection, field);
            applied(self.call(self.deadlines.write, generation, self.client.create_field_index(request)).await?)?;
        }
        self.known().insert(generation, dimension);
        Ok(())
    }

    async fn drop_generation(&self, generation: GenerationNumber) -> Result<(), VectorStoreError> {
        let request = DeleteCollection {
            collection_name: self.collection(generation),
            timeout: Some(seconds(self.deadlines.write)),
        };
        let dropped = self.call(self.deadlines.write, generation, self.client.delete_collection(request)).await;
        self.known().remove(&generation);
        match dropped {
            Ok(_) | Err(VectorStoreError::NoSuchGeneration(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn generations(&self) -> Result<Vec<GenerationNumber>, VectorStoreError> {
        let list = bounded(self.deadlines.read, None, self.client.list_collections()).await?;
        let mut generations: Vec<_> =
            list.collections.iter().filter_map(|collection| self.generation(&collection.name)).collect();
        generations.sort_unstable();
        Ok(generations)
    }

    async fn upsert(&self, generation: GenerationNumber, points: Vec<Point>) -> Result<(), VectorStoreError> {
        let dimension = self.dimension(generation).await?;
        points.iter().try_for_each(|point| request::check_point(generation, dimension, point))?;
        let sized =
            |point: Point| -> Result<_, VectorStoreError> { Ok((request::size(&point)?, translate::point(point)?)) };
        let points = points.into_iter().map(sized).collect::<Result<Vec<_>, _>>()?;
        for points in batches(points) {
            let request = UpsertPoints {
                collection_name: self.collection(generation),
                wait: Some(true),
                points,
                timeout: Some(seconds(self.deadlines.write)),
                ..UpsertPoints::default()
            };
            applied(self.call(self.deadlines.write, generation, self.client.upsert_points(request)).await?)?;
        }
        Ok(())
    }

    async fn delete_document(
        &self,
        generation: GenerationNumber,
        document: DocumentId,
        version: Option<u32>,
    ) -> Result<(), VectorStoreError> {
        self.delete(generation, &request::document_conditions(document, version)).await
    }

    async fn search(
        &self,
        generation: GenerationNumber,
        query: VectorQuery,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        let search = Search::new(generation, self.dimension(generation).await?, query)?;
        let Some(query) = translate::query(self.collection(generation), search, seconds(self.deadlines.read)) else {
            return Ok(Vec::new());
        };
        let found = self.call(self.deadlines.read, generation, self.client.query(query)).await?;
        found.result.into_iter().map(translate::scored).collect()
    }

    async fn dense_vectors(
        &self,
        generation: GenerationNumber,
        ids: &[ChunkId],
    ) -> Result<Vec<(ChunkId, Vec<f32>)>, VectorStoreError> {
        let mut vectors = Vec::with_capacity(ids.len());
        for ids in ids.chunks(POINTS_PER_REQUEST) {
            let request = translate::get_dense(self.collection(generation), ids, seconds(self.deadlines.read));
            let found = self.call(self.deadlines.read, generation, self.client.get_points(request)).await?;
            for point in found.result {
                vectors.push(translate::dense_vector(point)?);
            }
        }
        Ok(vectors)
    }

    async fn count(&self, generation: GenerationNumber, document: Option<DocumentId>) -> Result<u64, VectorStoreError> {
        let request = CountPoints {
            collection_name: self.collection(generation),
            filter: document.map(|document| translate::filter(&request::document_conditions(document, None))),
            exact: Some(true),
            timeout: Some(seconds(self.deadlines.read)),
            ..CountPoints::default()
        };
        let count = self.call(self.deadlines.read, generation, self.client.count(request)).await?;
        count
            .result
            .map(|result| result.count)
            .ok_or_else(|| VectorStoreError::Failed("the server answered a count without a number".to_owned()))
    }

    async fn point_ids(
        &self,
        generation: GenerationNumber,
        after: Option<ChunkId>,
        limit: u32,
    ) -> Result<Vec<ChunkId>, VectorStoreError> {
        request::check_limit(limit)?;
        let Some(first) = request::first_behind(after) else { return Ok(Vec::new()) };
        let scroll = translate::scroll(self.collection(generation), first, limit, seconds(self.deadlines.read));
        let found = self.call(self.deadlines.read, generation, self.client.scroll(scroll)).await?;
        found.result.into_iter().map(|point| translate::chunk_id(point.id)).collect()
    }

    async fn delete_points(&self, generation: GenerationNumber, ids: &[ChunkId]) -> Result<(), VectorStoreError> {
        for ids in ids.chunks(POINTS_PER_REQUEST) {
            self.delete_selected(generation, translate::points(ids)).await?;
        }
        Ok(())
    }

    async fn optimize(&self, generation: GenerationNumber) -> Result<(), VectorStoreError> {
        // The server does it by itself; what remains to check is that the generation is there.
        let collection = self.collection(generation);
        self.call(self.deadlines.read, generation, self.client.collection_info(collection.as_str())).await.map(drop)
    }

    async fn ping(&self) -> Result<(), VectorStoreError> {
        bounded(self.deadlines.connect, None, self.client.health_check()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn only_servers_with_weighted_fusion_are_accepted() {
        for version in ["1.17.0", "1.17.1-dev", "1.20.3"] {
            check_version("http://x", version).unwrap();
        }
        for version in ["1.16.9", "0.11.0", "2.0.0"] {
            let error = check_version("http://x", version).unwrap_err();
            assert!(error.to_string().contains("needs 1.17"), "{error}");
        }
        for version in ["", "qdrant", "1"] {
            let error = check_version("http://x", version).unwrap_err();
            assert!(error.to_string().contains("is it Qdrant"), "{error}");
        }
    }

    #[test]
    fn a_request_holds_so_many_points_and_so_many_bytes() {
        let lengths = |points: Vec<(usize, ())>| batches(points).iter().map(Vec::len).collect::<Vec<_>>();
        assert!(lengths(Vec::new()).is_empty());
        assert_eq!(lengths(vec![(1, ()); 1_001]), [500, 500, 1]);
        assert_eq!(lengths(vec![(BYTES_PER_REQUEST / 3, ()); 7]), [3, 3, 1]);
        assert_eq!(lengths(vec![(1, ()), (BYTES_PER_REQUEST + 1, ()), (1, ())]), [1, 1, 1]);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_and_the_error_says_where_it_was_looked_for() {
        // Bound and dropped: nobody listens there now.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let Err(error) = QdrantServer::connect(&url, None, "footnote").await else { panic!("connected") };
        assert!(error.is_transient() && error.to_string().contains(&url), "{error}");
    }

    #[tokio::test]
    async fn a_url_or_a_prefix_that_cannot_be_used_is_refused() {
        for (url, prefix) in
            [("http://127.0.0.1:6334", ""), ("http://127.0.0.1:6334", "a b"), ("not a url", "footnote")]
        {
            let Err(error) = QdrantServer::connect(url, None, prefix).await else { panic!("connected") };
            assert!(!error.is_transient(), "{error}");
        }
    }
}
