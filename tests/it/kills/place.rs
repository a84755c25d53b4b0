//! A pair of backends, and the real program on it: started, killed and started again.

use std::{path::PathBuf, sync::Arc};

use footnote::{
    blob_store::BlobStore,
    metadata_store::{MetadataStore, postgres::PostgresStore, sqlite::SqliteStore},
    vector_store::{VectorStore, qdrant_edge::QdrantEdge, qdrant_server::QdrantServer},
};
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::{
    postgres::{self, TestDatabase},
    program::{Program, Served},
    qdrant_stub::StubServer,
};

/// Which backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// SQLite and Qdrant Edge.
    Embedded,
    /// Postgres and a Qdrant server.
    Servers,
}

pub const PAIRS: [Pair; 2] = [Pair::Embedded, Pair::Servers];

impl Pair {
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "sqlite+edge",
            Self::Servers => "postgres+qdrant",
        }
    }
}

/// Backends of one run, with nothing in them at first. The servers outlive the program.
pub struct Place {
    pub program: Program,
    pub database: Option<TestDatabase>,
    pub qdrant: Option<StubServer>,
    dir: TempDir,
}

/// The stores, opened by the test while the program does not run.
pub struct Stores {
    pub metadata: Arc<dyn MetadataStore>,
    pub vectors: Arc<dyn VectorStore>,
    pub blobs: BlobStore,
}

impl Place {
    pub async fn new(pair: Pair) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let program =
            Program::new(dir.path()).await.set("FOOTNOTE_LOG", "warn").set("FOOTNOTE_INGEST_CONCURRENCY", "2");
        match pair {
            Pair::Embedded => Self { program, database: None, qdrant: None, dir },
            Pair::Servers => {
                let (database, qdrant) = (postgres::database().await, StubServer::start());
                let program =
                    program.set("FOOTNOTE_DATABASE_URL", &database.url).set("FOOTNOTE_VECTOR_URL", qdrant.url());
                Self { program, database: Some(database), qdrant: Some(qdrant), dir }
            }
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Starts the program, with fail points or without, for everything but questions. What it logged when it ended before
    /// it took requests.
    pub async fn serve(&self, points: Option<&str>) -> Result<Served, String> {
        self.armed(points).try_serve(&["serve", "--without-answers"]).await
    }

    /// The same with the models that answer.
    pub async fn serve_answering(&self, points: Option<&str>) -> Result<Served, String> {
        self.armed(points).try_serve(&["serve"]).await
    }

    fn armed(&self, points: Option<&str>) -> Program {
        let program = self.program.clone();
        match points {
            Some(points) => program.set("FOOTNOTE_FAILPOINTS", points),
            None => program,
        }
    }

    /// Lets a minute and more pass for the queue: all leases have run out, and all that waits is due. Only while the
    /// program does not run: what waits for a writer to finish would otherwise not wait.
    pub async fn time_passes(&self) {
        const SQL: &str = "UPDATE jobs SET due_at = created_at, lease_expires_at = CASE WHEN lease_expires_at IS NULL \
                           THEN NULL ELSE created_at END WHERE state IN ('queued', 'running')";
        match &self.database {
            Some(database) => {
                let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
                sqlx::query(SQL).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            None => {
                let path = self.dir.path().join("footnote.db");
                if !path.exists() {
                    return;
                }
                let url = format!("sqlite://{}", path.display());
                let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
                // The program may have been killed before it made the table.
                let made: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE name = 'jobs'")
                    .fetch_optional(&mut connection)
                    .await
                    .unwrap();
                if made.is_some() {
                    sqlx::query(SQL).execute(&mut connection).await.unwrap();
                }
                connection.close().await.unwrap();
            }
        }
    }

    /// Every version of every document: the document's id, the version, its state and the sum of its bytes.
    pub async fn versions(&self) -> Vec<(uuid::Uuid, i64, String, String)> {
        const SQL: &str = "SELECT document_id, version, state, sha256 FROM versions ORDER BY document_id, version";
        match &self.database {
            Some(database) => {
                let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
                sqlx::query_as(SQL).fetch_all(&mut connection).await.unwrap()
            }
            None => {
                let url = format!("sqlite://{}", self.dir.path().join("footnote.db").display());
                let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
                sqlx::query_as(SQL).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    pub async fn open(&self) -> Stores {
        let blobs = BlobStore::directory(&self.dir.path().join("blobs")).unwrap();
        match (&self.database, &self.qdrant) {
            (Some(database), Some(qdrant)) => Stores {
                metadata: Arc::new(PostgresStore::connect(&database.url).await.unwrap()),
                vectors: Arc::new(QdrantServer::connect(qdrant.url(), None, "footnote").await.unwrap()),
                blobs,
            },
            _ => Stores {
                metadata: Arc::new(SqliteStore::connect(&self.dir.path().join("footnote.db")).await.unwrap()),
                vectors: Arc::new(QdrantEdge::open(&self.dir.path().join("vectors")).unwrap()),
                blobs,
            },
        }
    }
}
