//! How tests get a real Postgres, and a database of their own in it.
//!
//! In this order: the server at `FOOTNOTE_TEST_POSTGRES_URL`; one that listens on 127.0.0.1:5432 and lets us in; a
//! throwaway cluster of the installed binaries, which ends with this process however it ends. If there is none of
//! them, the tests fail and name the package to install.

#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod cluster;

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use uuid::Uuid;

use cluster::Cluster;

/// How many tests use the server at a time. Each opens a pool or two; a server allows 100 connections by default.
static SLOTS: Semaphore = Semaphore::const_new(4);
static SERVER: OnceCell<Server> = OnceCell::const_new();

struct Server {
    /// A database of it, as somebody who may create databases.
    url: String,
    /// Keeps a throwaway cluster running until the process ends.
    _cluster: Option<Cluster>,
}

/// An empty database, dropped with the value.
pub struct TestDatabase {
    /// Where it is.
    pub url: String,
    admin_url: String,
    name: String,
    _slot: SemaphorePermit<'static>,
}

/// Makes an empty database.
pub async fn database() -> TestDatabase {
    let slot = SLOTS.acquire().await.unwrap();
    let server = SERVER.get_or_init(find_server).await;
    database_at(&server.url, slot).await
}

async fn database_at(admin_url: &str, slot: SemaphorePermit<'static>) -> TestDatabase {
    let name = format!("footnote_test_{}", Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(admin_url).await.unwrap();
    // template0: nothing that somebody has put into the machine's template gets into a test.
    let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    // No test pulls the plug: it need not wait for the disk.
    let sql = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    TestDatabase { url: with_database(admin_url, &name), admin_url: admin_url.to_owned(), name, _slot: slot }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, sql) = (self.admin_url.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // A thread with a runtime of its own: this one may be ending, or be in a panic.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&url).await?;
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await?;
                admin.close().await
            })
        })
        .join();
        if !std::thread::panicking() {
            dropped.unwrap().unwrap();
        }
    }
}

async fn find_server() -> Server {
    if let Ok(url) = std::env::var("FOOTNOTE_TEST_POSTGRES_URL") {
        if let Err(why) = probe(&url).await {
            panic!("FOOTNOTE_TEST_POSTGRES_URL cannot be used: {why}");
        }
        return Server { url, _cluster: None };
    }
    let me = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    for user in ["postgres", &me] {
        let url = format!("postgres://{user}@127.0.0.1:5432/postgres");
        if probe(&url).await.is_ok() {
            return Server { url, _cluster: None };
        }
    }
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap_or_else(|why| panic!("{why}"));
    Server { url: cluster.url(), _cluster: Some(cluster) }
}

/// `Ok` when databases can be created at `url`.
async fn probe(url: &str) -> Result<(), String> {
    let attempt = async {
        let mut conn = PgConnection::connect(url).await?;
        let may: bool = sqlx::query_scalar("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
            .fetch_one(&mut conn)
            .await?;
        conn.close().await?;
        Ok::<bool, sqlx::Error>(may)
    };
    match tokio::time::timeout(Duration::from_secs(5), attempt).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err("its user may not create databases".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer within 5 seconds".to_owned()),
    }
}

/// `url` with another database.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let (scheme, rest) = base.split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    format!("{scheme}://{authority}/{name}{query}")
}

#[test]
fn a_url_keeps_all_but_its_database() {
    assert_eq!(with_database("postgres://u:p@h:1/a?host=%2Ftmp", "b"), "postgres://u:p@h:1/b?host=%2Ftmp");
    assert_eq!(with_database("postgres://h", "b"), "postgres://h/b");
}

/// Whatever server the other tests use, the throwaway cluster is tried too: it is what a bare machine gets.
#[tokio::test]
async fn a_throwaway_cluster_starts_serves_and_leaves_nothing() {
    if cluster::binaries().is_none() {
        let why = Cluster::start().err().unwrap();
        assert!(why.contains("postgresql"), "{why}");
        return;
    }
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
    let database = database_at(&cluster.url(), SLOTS.acquire().await.unwrap()).await;
    let store = footnote::metadata_store::postgres::PostgresStore::connect(&database.url).await.unwrap();
    footnote::metadata_store::DocumentStore::ping(&store).await.unwrap();
    drop(database);
    let folder = cluster.folder().to_owned();
    assert!(folder.join("data").exists());
    tokio::task::spawn_blocking(|| drop(cluster)).await.unwrap();
    assert!(!folder.exists(), "{} was left", folder.display());
}
