//! What the server client makes of a server that fails, refuses or hangs.

use std::time::Duration;

use footnote::vector_store::{VectorStoreError, qdrant_server::Deadlines};
use tonic::Code;

use super::*;
use crate::qdrant_stub::StubServer;

async fn connect(server: &StubServer, key: Option<&str>) -> Result<QdrantServer, VectorStoreError> {
    QdrantServer::connect(server.url(), key.map(str::to_owned), "footnote").await
}

#[tokio::test]
async fn a_failing_server_is_unavailable_and_the_same_call_succeeds_later() {
    let server = StubServer::start();
    let store = connect(&server, None).await.unwrap();
    store.create_generation(1, DIMENSION).await.unwrap();
    for code in [Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted, Code::Aborted, Code::Unknown] {
        server.faults().fail_next(2, code);
        let error = store.upsert(1, vec![point(1)]).await.unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("failed on purpose"), "{code:?}: {error}");
        server.faults().fail_next(0, Code::Ok);
    }
    store.upsert(1, vec![point(1)]).await.unwrap();
    assert_eq!(store.count(1, None).await.unwrap(), 1);
    for code in [Code::Internal, Code::DataLoss] {
        server.faults().fail_next(2, code);
        let error = store.search(1, query(Ranking::Dense(at(0.0)), 1)).await.unwrap_err();
        assert!(matches!(error, VectorStoreError::Failed(_)), "{code:?}: {error}");
        server.faults().fail_next(0, Code::Ok);
    }
}

#[tokio::test]
async fn half_of_a_write_and_a_lost_answer_are_worth_a_retry_which_makes_it_whole() {
    let server = StubServer::start();
    let store = connect(&server, None).await.unwrap();
    store.create_generation(1, DIMENSION).await.unwrap();
    let points = || (0..10).map(|n| Point { document_id: document(1), ..point(n) }).collect::<Vec<_>>();
    server.faults().halve_next(1);
    let error = store.upsert(1, points()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(store.count(1, None).await.unwrap(), 5);
    server.faults().lose_next_answers(1);
    let error = store.upsert(1, points()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    store.upsert(1, points()).await.unwrap();
    assert_eq!(store.count(1, None).await.unwrap(), 10);
    server.faults().lose_next_answers(1);
    let error = store.delete_document(1, document(1), None).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(store.count(1, None).await.unwrap(), 0);
    store.delete_document(1, document(1), None).await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_is_used_again() {
    let mut server = StubServer::start();
    let store = connect(&server, None).await.unwrap();
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, vec![point(1)]).await.unwrap();
    server.go_away();
    for error in [
        store.upsert(1, vec![point(2)]).await.unwrap_err(),
        store.delete_document(1, document(1), None).await.unwrap_err(),
        store.search(1, query(Ranking::Dense(at(0.0)), 1)).await.unwrap_err(),
        store.count(1, None).await.unwrap_err(),
        store.ping().await.unwrap_err(),
    ] {
        assert!(error.is_transient(), "{error}");
    }
    server.come_back();
    store.ping().await.unwrap();
    assert_eq!(store.count(1, None).await.unwrap(), 1);
}

#[tokio::test]
async fn a_collection_that_somebody_removed_is_a_missing_generation() {
    let server = StubServer::start();
    let (ours, theirs) = (connect(&server, None).await.unwrap(), connect(&server, None).await.unwrap());
    ours.create_generation(1, DIMENSION).await.unwrap();
    theirs.drop_generation(1).await.unwrap();
    let error = ours.search(1, query(Ranking::Dense(at(0.0)), 1)).await.unwrap_err();
    assert!(matches!(error, VectorStoreError::NoSuchGeneration(1)), "{error}");
    // What was remembered of it is forgotten, too.
    theirs.create_generation(1, 5).await.unwrap();
    let error = ours.create_generation(1, DIMENSION).await.unwrap_err();
    assert!(matches!(error, VectorStoreError::DimensionMismatch { expected: DIMENSION, found: 5, .. }), "{error}");
}

#[tokio::test]
async fn other_prefixes_on_the_same_server_are_left_alone() {
    let server = StubServer::start();
    let ours = connect(&server, None).await.unwrap();
    let theirs = QdrantServer::connect(server.url(), None, "footnote_g").await.unwrap();
    ours.create_generation(1, DIMENSION).await.unwrap();
    theirs.create_generation(2, DIMENSION).await.unwrap();
    assert_eq!(ours.generations().await.unwrap(), [1]);
    assert_eq!(theirs.generations().await.unwrap(), [2]);
}

#[tokio::test]
async fn the_api_key_is_sent_and_a_wrong_one_is_not_worth_a_retry() {
    let server = StubServer::start();
    server.faults().demand_key("secret");
    connect(&server, Some("secret")).await.unwrap();
    for wrong in [None, Some("guess")] {
        let Err(error) = connect(&server, wrong).await else { panic!("connected") };
        assert!(!error.is_transient() && error.to_string().contains("API key"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_would_ignore_the_weights_is_refused() {
    let server = StubServer::start();
    server.faults().report_version("1.16.3");
    let Err(error) = connect(&server, None).await else { panic!("connected") };
    assert!(!error.is_transient() && error.to_string().contains("1.16.3"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_when_the_time_is_up() {
    let server = StubServer::start();
    let short = Duration::from_secs(3);
    let deadlines = Deadlines { connect: short, read: short, write: short };
    let store = connect(&server, None).await.unwrap();
    store.create_generation(1, DIMENSION).await.unwrap();
    let impatient = QdrantServer::connect_with(server.url(), None, "footnote", deadlines).await.unwrap();
    impatient.create_generation(1, DIMENSION).await.unwrap();
    server.faults().delay(Duration::from_secs(3_600));
    let (searched, written, deleted, pinged) = tokio::join!(
        impatient.search(1, query(Ranking::Dense(at(0.0)), 1)),
        impatient.upsert(1, vec![point(1)]),
        impatient.delete_document(1, document(1), None),
        impatient.ping(),
    );
    for error in [searched.unwrap_err(), written.unwrap_err(), deleted.unwrap_err(), pinged.unwrap_err()] {
        assert!(error.is_transient(), "{error}");
    }
    server.faults().delay(Duration::ZERO);
    impatient.upsert(1, vec![point(1)]).await.unwrap();
}
