//! A small Qdrant server inside the test process: the client crate's own gRPC server stubs over the engine.
//!
//! It understands the calls that Footnote makes and refuses all others, and it translates the protocol to the engine
//! by itself, apart from the product's code, so that a mistake there does not cancel itself out here. `Faults` makes
//! it fail or wait on demand.
#![cfg(feature = "edge")]

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use qdrant_client::qdrant::{
    self as proto, collections_server, condition::ConditionOneOf, r#match::MatchValue,
    points_selector::PointsSelectorOneOf, points_server, qdrant_server, query::Variant, value::Kind, vector_input,
    vectors_config,
};
use qdrant_edge::{
    Condition, CountRequest, CreateIndex, Distance, EdgeConfigBuilder, EdgeShard, EdgeSparseVectorParamsBuilder,
    EdgeVectorParamsBuilder, FieldCondition, FieldIndexOperations, Filter, Fusion, Match, Modifier, NamedQuery,
    PayloadFieldSchema, PayloadSchemaType, PointId, PointInsertOperations, PointOperations, PointStruct, Prefetch,
    QueryEnum, QueryRequest, ScoringQuery, ScrollRequest, UpdateOperation, Vector, VectorInternal,
    VectorStructInternal, Vectors, WithPayloadInterface, WithVector,
    external::{ordered_float::OrderedFloat, uuid::Uuid},
};
use serde_json::Value as Json;
use tempfile::TempDir;
use tonic::{Code, Request, Response, Status};

/// A running server. Dropping it stops it.
pub struct StubServer {
    url: String,
    faults: Arc<Faults>,
    service: Service,
    running: Option<Running>,
}

/// The thread that serves, and what ends it.
struct Running {
    stop: tokio::sync::oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// What the server does wrong on purpose.
#[derive(Default)]
pub struct Faults {
    failures: AtomicU32,
    code: AtomicU32,
    halves: AtomicU32,
    lost: AtomicU32,
    delay: Mutex<Duration>,
    key: Mutex<Option<String>>,
    version: Mutex<Option<String>>,
}

impl Faults {
    /// Lets the next `calls` calls fail with `code`. The client repeats a call once when the code may mean a broken
    /// connection (internal, unavailable, cancelled, unknown): those take two failures each.
    pub fn fail_next(&self, calls: u32, code: Code) {
        self.code.store(code as u32, Ordering::SeqCst);
        self.failures.store(calls, Ordering::SeqCst);
    }

    /// Lets the next `calls` upserts write the first half of their points, and fail.
    pub fn halve_next(&self, calls: u32) {
        self.halves.store(calls, Ordering::SeqCst);
    }

    /// Lets the next `calls` writes be done, and be answered as if they had not.
    pub fn lose_next_answers(&self, calls: u32) {
        self.lost.store(calls, Ordering::SeqCst);
    }

    fn takes(left: &AtomicU32) -> bool {
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    fn after(&self) -> Result<(), Status> {
        match Self::takes(&self.lost) {
            // Not a code after which the client would repeat the call by itself.
            true => Err(Status::aborted("done, and the answer is lost on purpose")),
            false => Ok(()),
        }
    }

    /// Lets every call from now on wait before it is served.
    pub fn delay(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// Demands an API key from now on.
    pub fn demand_key(&self, key: &str) {
        *self.key.lock().unwrap() = Some(key.to_owned());
    }

    /// Reports another version from now on.
    pub fn report_version(&self, version: &str) {
        *self.version.lock().unwrap() = Some(version.to_owned());
    }

    async fn before<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let delay = *self.delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if let Some(key) = self.key.lock().unwrap().as_deref() {
            let given = request.metadata().get("api-key").and_then(|given| given.to_str().ok());
            if given != Some(key) {
                return Err(Status::unauthenticated("Invalid API key"));
            }
        }
        let failing = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match failing {
            Ok(_) => Err(Status::new(Code::from(self.code.load(Ordering::SeqCst) as i32), "failed on purpose")),
            Err(_) => Ok(()),
        }
    }
}

impl StubServer {
    /// Starts a server on a free port, with an empty storage of its own.
    pub fn start() -> Self {
        let faults = Arc::new(Faults::default());
        let service = Service {
            collections: Arc::default(),
            storage: Arc::new(tempfile::tempdir().unwrap()),
            faults: Arc::clone(&faults),
        };
        let (address, running) = serve("127.0.0.1:0", service.clone());
        Self { url: format!("http://{address}"), faults, service, running: Some(running) }
    }

    /// Goes away: connections break, and nobody listens there any more. What it holds stays.
    pub fn go_away(&mut self) {
        let Running { stop, thread } = self.running.take().expect("it is there");
        drop(stop);
        thread.join().unwrap();
    }

    /// Comes back at the same address, with what it held.
    pub fn come_back(&mut self) {
        let address = self.url.strip_prefix("http://").unwrap();
        self.running = Some(serve(address, self.service.clone()).1);
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes it misbehave.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

/// Serves at an address, on a runtime of its own: the server outlives the runtime of the test that talks to it.
fn serve(address: &str, service: Service) -> (std::net::SocketAddr, Running) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel();
    let address = address.to_owned();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(address).await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let serving = tonic::transport::Server::builder()
                .add_service(qdrant_server::QdrantServer::new(service.clone()))
                .add_service(collections_server::CollectionsServer::new(service.clone()))
                .add_service(points_server::PointsServer::new(service).max_decoding_message_size(32 << 20))
                .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener));
            tokio::select! {
                ended = serving => ended.unwrap(),
                _ = stopped => {}
            }
        });
        // Connections end with the runtime, as with a process that is killed.
        runtime.shutdown_timeout(Duration::from_secs(5));
    });
    (told.recv().unwrap(), Running { stop, thread })
}

#[derive(Clone)]
struct Service {
    collections: Arc<Mutex<BTreeMap<String, Collection>>>,
    storage: Arc<TempDir>,
    faults: Arc<Faults>,
}

#[derive(Clone)]
struct Collection {
    shard: Arc<EdgeShard>,
    created: proto::CreateCollection,
}

impl Service {
    fn collection(&self, name: &str) -> Result<Collection, Status> {
        let found = self.collections.lock().unwrap().get(name).cloned();
        found.ok_or_else(|| Status::not_found(format!("Collection `{name}` doesn't exist!")))
    }

    fn update(
        &self,
        name: &str,
        operation: UpdateOperation,
    ) -> Result<Response<proto::PointsOperationResponse>, Status> {
        self.collection(name)?.shard.update(operation).map_err(engine)?;
        let status = proto::UpdateStatus::Completed.into();
        let result = Some(proto::UpdateResult { operation_id: Some(0), status });
        Ok(Response::new(proto::PointsOperationResponse { result, ..Default::default() }))
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'a>>;

/// The calls that Footnote does not make, in the form that the async trait asks for.
macro_rules! refused {
    ($($name:ident($request:ident) -> $response:ident;)*) => {$(
        fn $name<'a, 'b>(&'a self, _: Request<proto::$request>) -> Answer<'b, proto::$response>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(async { Err(Status::unimplemented(concat!("the stub does not serve ", stringify!($name)))) })
        }
    )*};
}

#[tonic::async_trait]
impl qdrant_server::Qdrant for Service {
    async fn health_check(
        &self,
        request: Request<proto::HealthCheckRequest>,
    ) -> Result<Response<proto::HealthCheckReply>, Status> {
        self.faults.before(&request).await?;
        let version = self.faults.version.lock().unwrap().clone().unwrap_or_else(|| "1.17.0-stub".to_owned());
        Ok(Response::new(proto::HealthCheckReply { title: "stub".to_owned(), version, commit: None }))
    }
}

#[tonic::async_trait]
impl collections_server::Collections for Service {
    async fn get(
        &self,
        request: Request<proto::GetCollectionInfoRequest>,
    ) -> Result<Response<proto::GetCollectionInfoResponse>, Status> {
        self.faults.before(&request).await?;
        let created = self.collection(&request.get_ref().collection_name)?.created;
        let params = proto::CollectionParams {
            vectors_config: created.vectors_config,
            sparse_vectors_config: created.sparse_vectors_config,
            ..Default::default()
        };
        let config = proto::CollectionConfig { params: Some(params), ..Default::default() };
        let info = proto::CollectionInfo { config: Some(config), ..Default::default() };
        Ok(Response::new(proto::GetCollectionInfoResponse { result: Some(info), time: 0.0 }))
    }

    async fn list(
        &self,
        request: Request<proto::ListCollectionsRequest>,
    ) -> Result<Response<proto::ListCollectionsResponse>, Status> {
        self.faults.before(&request).await?;
        let names = self.collections.lock().unwrap().keys().cloned().collect::<Vec<_>>();
        let collections = names.into_iter().map(|name| proto::CollectionDescription { name }).collect();
        Ok(Response::new(proto::ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn create(
        &self,
        request: Request<proto::CreateCollection>,
    ) -> Result<Response<proto::CollectionOperationResponse>, Status> {
        self.faults.before(&request).await?;
        let created = request.into_inner();
        let mut collections = self.collections.lock().unwrap();
        if collections.contains_key(&created.collection_name) {
            return Err(Status::already_exists("Collection already exists"));
        }
        let directory = self.storage.path().join(Uuid::now_v7().to_string());
        std::fs::create_dir(&directory).unwrap();
        let mut config = EdgeConfigBuilder::new();
        let Some(vectors_config::Config::ParamsMap(dense)) = created.vectors_config.clone().and_then(|c| c.config)
        else {
            return Err(Status::invalid_argument("expected named vectors"));
        };
        for (name, params) in dense.map {
            let distance = match params.distance() {
                proto::Distance::Cosine => Distance::Cosine,
                other => return Err(Status::invalid_argument(format!("the stub has no distance {other:?}"))),
            };
            config = config.vector(name, EdgeVectorParamsBuilder::new(params.size as usize, distance).build());
        }
        for (name, params) in created.sparse_vectors_config.clone().unwrap_or_default().map {
            let mut sparse = EdgeSparseVectorParamsBuilder::new();
            if params.modifier() == proto::Modifier::Idf {
                sparse = sparse.modifier(Modifier::Idf);
            }
            config = config.sparse_vector(name, sparse.build());
        }
        let shard = Arc::new(EdgeShard::new(&directory, config.build()).map_err(engine)?);
        collections.insert(created.collection_name.clone(), Collection { shard, created });
        Ok(Response::new(proto::CollectionOperationResponse { result: true, time: 0.0 }))
    }

    async fn delete(
        &self,
        request: Request<proto::DeleteCollection>,
    ) -> Result<Response<proto::CollectionOperationResponse>, Status> {
        self.faults.before(&request).await?;
        let removed = self.collections.lock().unwrap().remove(&request.get_ref().collection_name);
        Ok(Response::new(proto::CollectionOperationResponse { result: removed.is_some(), time: 0.0 }))
    }

    refused! {
        update(UpdateCollection) -> CollectionOperationResponse;
        update_aliases(ChangeAliases) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        list_aliases(ListAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        collection_exists(CollectionExistsRequest) -> CollectionExistsResponse;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}

#[tonic::async_trait]
impl points_server::Points for Service {
    async fn upsert(
        &self,
        request: Request<proto::UpsertPoints>,
    ) -> Result<Response<proto::PointsOperationResponse>, Status> {
        self.faults.before(&request).await?;
        let request = request.into_inner();
        let mut points = request.points.into_iter().map(point).collect::<Result<Vec<_>, _>>()?;
        let halved = Faults::takes(&self.faults.halves);
        if halved {
            points.truncate(points.len() / 2);
        }
        let points = PointInsertOperations::PointsList(points.into_iter().map(Into::into).collect());
        let upsert = UpdateOperation::PointOperation(PointOperations::UpsertPoints(points));
        let written = self.update(&request.collection_name, upsert)?;
        if halved {
            return Err(Status::aborted("half of it was written on purpose"));
        }
        self.faults.after()?;
        Ok(written)
    }

    async fn delete(
        &self,
        request: Request<proto::DeletePoints>,
    ) -> Result<Response<proto::PointsOperationResponse>, Status> {
        self.faults.before(&request).await?;
        let request = request.into_inner();
        let delete = match request.points.and_then(|points| points.points_selector_one_of) {
            Some(PointsSelectorOneOf::Filter(by)) => PointOperations::DeletePointsByFilter(filter(by)?),
            Some(PointsSelectorOneOf::Points(list)) => {
                let ids = list.ids.into_iter().map(point_id).collect::<Result<_, _>>()?;
                PointOperations::DeletePoints { ids }
            }
            None => return Err(Status::invalid_argument("nothing was selected")),
        };
        let deleted = self.update(&request.collection_name, UpdateOperation::PointOperation(delete))?;
        self.faults.after()?;
        Ok(deleted)
    }

    async fn create_field_index(
        &self,
        request: Request<proto::CreateFieldIndexCollection>,
    ) -> Result<Response<proto::PointsOperationResponse>, Status> {
        self.faults.before(&request).await?;
        let request = request.into_inner();
        let field_name = request.field_name.parse().map_err(|()| Status::invalid_argument("not a payload path"))?;
        let field_schema = match request.field_type() {
            proto::FieldType::Keyword => Some(PayloadFieldSchema::FieldType(PayloadSchemaType::Keyword)),
            other => return Err(Status::unimplemented(format!("the stub has no index of type {other:?}"))),
        };
        let create = FieldIndexOperations::CreateIndex(CreateIndex { field_name, field_schema });
        self.update(&request.collection_name, UpdateOperation::FieldIndexOperation(create))
    }

    async fn count(&self, request: Request<proto::CountPoints>) -> Result<Response<proto::CountResponse>, Status> {
        self.faults.before(&request).await?;
        let request = request.into_inner();
        let shard = self.collection(&request.collection_name)?.shard;
        let exact = request.exact();
        let filter = request.filter.map(filter).transpose()?;
        let count = shard.count(CountRequest { filter, exact }).map_err(engine)?;
        let result = Some(proto::CountResult { count: count as u64 });
        Ok(Response::new(proto::CountResponse { result, ..Default::default() }))
    }

    async fn query(&self, request: Request<proto::QueryPoints>) -> Result<Response<proto::QueryResponse>, Status> {
        self.faults.before(&request).await?;
        let request = request.into_inner();
        let shard = self.collection(&request.collection_name)?.shard;
        let prefetches = request.prefetch.into_iter().map(prefetch).collect::<Result<Vec<_>, _>>()?;
        let query = QueryRequest {
            prefetches,
            query: request.query.map(|query| scoring(query, request.using)).transpose()?,
            filter: request.filter.map(filter).transpose()?,
            score_threshold: None,
            limit: request.limit.unwrap_or(10) as usize,
            offset: 0,
            params: None,
            with_vector: WithVector::Bool(false),
            with_payload: WithPayloadInterface::Bool(false),
        };
        let found = shard.query(query).map_err(engine)?;
        let result = found
            .into_iter()
            .map(|point| proto::ScoredPoint {
                id: Some(point.id.to_string().into()),
                score: point.score,
                ..Default::default()
            })
            .collect();
        Ok(Response::new(proto::QueryResponse { result, ..Default::default() }))
    }

    async fn get(&self, request: Request<proto::GetPoints>) -> Result<Response<proto::GetResponse>, Status> {
        use proto::{point_id::PointIdOptions, vector_output::Vector as Out, vectors_output::VectorsOptions};
        self.faults.before(&request).await?;
        let request = request.into_inner();
        let shard = self.collection(&request.collection_name)?.shard;
        let mut ids = Vec::new();
        for id in request.ids {
            let Some(PointIdOptions::Uuid(id)) = id.point_id_options else {
                return Err(Status::unimplemented("the stub wants UUIDs"));
            };
            ids.push(PointId::Uuid(id.parse().map_err(|_| Status::invalid_argument("not a UUID"))?));
        }
        let with_vector = match request.with_vectors.and_then(|vectors| vectors.selector_options) {
            Some(proto::with_vectors_selector::SelectorOptions::Include(names)) => WithVector::Selector(names.names),
            other => return Err(Status::unimplemented(format!("the stub cannot read {other:?}"))),
        };
        let found = shard.retrieve(&ids, Some(WithPayloadInterface::Bool(false)), Some(with_vector)).map_err(engine)?;
        let mut result = Vec::new();
        for record in found {
            let Some(VectorStructInternal::Named(named)) = record.vector else {
                return Err(Status::internal("a point without named vectors"));
            };
            let mut vectors = std::collections::HashMap::new();
            for (name, vector) in named {
                let VectorInternal::Dense(data) = vector else {
                    return Err(Status::unimplemented("the stub reads dense vectors only"));
                };
                let vector = Some(Out::Dense(proto::DenseVector { data }));
                vectors.insert(name.to_string(), proto::VectorOutput { vector, ..Default::default() });
            }
            result.push(proto::RetrievedPoint {
                id: Some(record.id.to_string().into()),
                vectors: Some(proto::VectorsOutput {
                    vectors_options: Some(VectorsOptions::Vectors(proto::NamedVectorsOutput { vectors })),
                }),
                ..Default::default()
            });
        }
        Ok(Response::new(proto::GetResponse { result, ..Default::default() }))
    }

    async fn scroll(&self, request: Request<proto::ScrollPoints>) -> Result<Response<proto::ScrollResponse>, Status> {
        self.faults.before(&request).await?;
        let request = request.into_inner();
        let shard = self.collection(&request.collection_name)?.shard;
        let scroll = ScrollRequest {
            offset: request.offset.map(point_id).transpose()?,
            limit: request.limit.map(|limit| limit as usize),
            filter: request.filter.map(filter).transpose()?,
            with_payload: Some(WithPayloadInterface::Bool(false)),
            with_vector: WithVector::Bool(false),
            order_by: None,
        };
        let (found, next) = shard.scroll(scroll).map_err(engine)?;
        let result = found
            .into_iter()
            .map(|point| proto::RetrievedPoint { id: Some(point.id.to_string().into()), ..Default::default() })
            .collect();
        let next_page_offset = next.map(|id| id.to_string().into());
        Ok(Response::new(proto::ScrollResponse { result, next_page_offset, ..Default::default() }))
    }

    refused! {
        update_vectors(UpdatePointVectors) -> PointsOperationResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        set_payload(SetPayloadPoints) -> PointsOperationResponse;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query_batch(QueryBatchPoints) -> QueryBatchResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}

fn engine(error: qdrant_edge::OperationError) -> Status {
    use qdrant_edge::OperationError as E;
    match error {
        E::ValidationError { .. } | E::WrongVectorDimension { .. } | E::VectorNameNotExists { .. } => {
            Status::invalid_argument(error.to_string())
        }
        error => Status::internal(error.to_string()),
    }
}

fn point_id(id: proto::PointId) -> Result<PointId, Status> {
    let Some(proto::point_id::PointIdOptions::Uuid(id)) = id.point_id_options else {
        return Err(Status::unimplemented("the stub wants UUIDs"));
    };
    id.parse().map(PointId::Uuid).map_err(|_| Status::invalid_argument("not a UUID"))
}

fn point(point: proto::PointStruct) -> Result<PointStruct, Status> {
    use proto::{point_id::PointIdOptions, vector::Vector as One, vectors::VectorsOptions};
    let Some(PointIdOptions::Uuid(id)) = point.id.and_then(|id| id.point_id_options) else {
        return Err(Status::unimplemented("the stub wants UUIDs"));
    };
    let id: Uuid = id.parse().map_err(|_| Status::invalid_argument("not a UUID"))?;
    let Some(VectorsOptions::Vectors(named)) = point.vectors.and_then(|vectors| vectors.vectors_options) else {
        return Err(Status::unimplemented("the stub wants named vectors"));
    };
    let mut vectors = Vec::new();
    for (name, vector) in named.vectors {
        let vector = match vector.vector {
            Some(One::Dense(dense)) => Vector::new_dense(dense.data),
            Some(One::Sparse(sparse)) => Vector::new_sparse(sparse.indices, sparse.values).map_err(engine)?,
            other => return Err(Status::unimplemented(format!("the stub has no vector {other:?}"))),
        };
        vectors.push((name, vector));
    }
    let payload =
        point.payload.into_iter().map(|(key, value)| Ok((key, json(value)?))).collect::<Result<_, Status>>()?;
    Ok(PointStruct::new(PointId::Uuid(id), Vectors::from(vectors), Json::Object(payload)))
}

fn json(value: proto::Value) -> Result<Json, Status> {
    Ok(match value.kind {
        Some(Kind::StringValue(text)) => Json::from(text),
        Some(Kind::IntegerValue(number)) => Json::from(number),
        Some(Kind::ListValue(list)) => Json::Array(list.values.into_iter().map(json).collect::<Result<_, _>>()?),
        other => return Err(Status::unimplemented(format!("the stub has no payload {other:?}"))),
    })
}

fn filter(filter: proto::Filter) -> Result<Filter, Status> {
    if !(filter.should.is_empty() && filter.must_not.is_empty() && filter.min_should.is_none()) {
        return Err(Status::unimplemented("the stub knows `must` only"));
    }
    let mut must = Vec::new();
    for condition in filter.must {
        let Some(ConditionOneOf::Field(field)) = condition.condition_one_of else {
            return Err(Status::unimplemented("the stub knows field conditions only"));
        };
        let value = match field.r#match.and_then(|value| value.match_value) {
            Some(MatchValue::Keywords(keywords)) => Match::from(keywords.strings),
            Some(MatchValue::Integer(number)) => Match::from(number),
            other => return Err(Status::unimplemented(format!("the stub has no match {other:?}"))),
        };
        let path = field.key.parse().map_err(|()| Status::invalid_argument("not a payload path"))?;
        must.push(Condition::Field(FieldCondition::new_match(path, value)));
    }
    Ok(Filter { must: Some(must), ..Filter::default() })
}

fn prefetch(prefetch: proto::PrefetchQuery) -> Result<Prefetch, Status> {
    Ok(Prefetch {
        prefetches: prefetch.prefetch.into_iter().map(self::prefetch).collect::<Result<_, _>>()?,
        query: prefetch.query.map(|query| scoring(query, prefetch.using)).transpose()?,
        limit: prefetch.limit.unwrap_or(10) as usize,
        params: None,
        filter: prefetch.filter.map(filter).transpose()?,
        score_threshold: None,
    })
}

fn scoring(query: proto::Query, using: Option<String>) -> Result<ScoringQuery, Status> {
    match query.variant {
        Some(Variant::Nearest(input)) => {
            let vector = match input.variant {
                Some(vector_input::Variant::Dense(dense)) => Vector::new_dense(dense.data),
                Some(vector_input::Variant::Sparse(sparse)) => {
                    Vector::new_sparse(sparse.indices, sparse.values).map_err(engine)?
                }
                other => return Err(Status::unimplemented(format!("the stub has no query vector {other:?}"))),
            };
            Ok(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector.0, using.unwrap_or_default()))))
        }
        Some(Variant::Rrf(rrf)) => {
            let weights = rrf.weights.iter().copied().map(OrderedFloat).collect::<Vec<_>>();
            let weights = if weights.is_empty() { None } else { Some(weights) };
            Ok(ScoringQuery::Fusion(Fusion::Rrf { k: rrf.k.unwrap_or(2) as usize, weights }))
        }
        other => Err(Status::unimplemented(format!("the stub has no query {other:?}"))),
    }
}
