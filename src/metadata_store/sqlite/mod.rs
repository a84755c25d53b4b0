//! The embedded metadata store: SQLite, one file.
//!
//! Depends on sqlx's SQLite driver. One connection writes and a few read. The writer's queue is sqlx's pool, which is
//! fair and has a time limit; inside SQLite, writers would poll for the lock. A write transaction takes the lock when
//! it begins (`BEGIN IMMEDIATE`): one that first reads and then upgrades could only be answered "busy" when another
//! process wrote in between, however long it waited.
//!
//! `synchronous = FULL`, so that every commit is on the disk before it is answered. Against `kill -9` the default of
//! WAL would do; against a power cut only this keeps the promise that was made with a 202. It costs one flush for each
//! of the few commits that an upload and its ingestion make, next to seconds of embedding.

mod access;
mod adapters;
mod archive;
mod audit_log;
mod chunks;
mod commit;
mod connectors;
mod conversations;
mod documents;
mod feedback;
mod generations;
mod jobs;
mod keys;
mod outcomes;
mod uploads;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use chrono::Utc;
use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    MetadataStoreError, StoreResult,
    bounded::{CALL, MIGRATION, within},
    schema::{self, Behind},
};

/// How long a statement waits for another process that writes to the file.
const BUSY: Duration = Duration::from_secs(10);
/// How long opening waits before it asks for the lock again.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// How long a call waits for a connection: behind other writers, whose transactions are short.
const ACQUIRE: Duration = Duration::from_secs(30);
/// How many read at the same time. Reads are short, and each connection is a thread with a page cache.
const READERS: u32 = 4;

/// A metadata store in a SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file at `path`, makes it and its folder where they are missing, and brings its schema up to date.
    /// A file whose schema is newer than this program is refused.
    pub async fn connect(path: &Path) -> StoreResult<Self> {
        let opened = within(MIGRATION, Self::open(path)).await;
        opened.map_err(|error| match error {
            MetadataStoreError::Failed(why) => MetadataStoreError::Failed(format!("{}: {why}", path.display())),
            MetadataStoreError::Unavailable(why) => {
                MetadataStoreError::Unavailable(format!("{}: {why}", path.display()))
            }
            other => other,
        })
    }

    /// How far the schema of the file at `path` is behind this program, which is looked at and not changed. `None` where it
    /// is not behind, and where there is none yet.
    pub async fn behind(path: &Path) -> StoreResult<Option<Behind>> {
        if !path.exists() {
            return Ok(None);
        }
        within(CALL, async {
            let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY).pragma("query_only", "ON");
            let mut conn = options.connect().await?;
            let found: Option<i64> = match sqlx::query_scalar::<_, bool>(schema::IN_SQLITE).fetch_one(&mut conn).await?
            {
                true => sqlx::query_scalar(schema::APPLIED).fetch_one(&mut conn).await?,
                false => None,
            };
            conn.close().await?;
            Ok(schema::behind(found))
        })
        .await
    }

    async fn open(path: &Path) -> StoreResult<Self> {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder)
                .await
                .map_err(|error| MetadataStoreError::Failed(format!("its folder could not be made: {error}")))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        // Connections to a file do not go stale, so none is ever closed to be opened again.
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(ACQUIRE)
                .max_lifetime(None)
                .idle_timeout(None)
                // A transaction that SQLite itself has rolled back, as it does when the disk is full, cannot be rolled
                // back again, and sqlx counts it as open for ever: the connection would never begin another one.
                .after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        };
        let writer = open_writer(|| pool().max_connections(1).connect_with(options.clone())).await?;
        migrate(&writer).await?;
        let readers = pool().max_connections(READERS).connect_with(options.pragma("query_only", "ON")).await?;
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that may write. It is rolled back when it is dropped.
    async fn write(&self) -> StoreResult<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Opens the connection that writes. Turning a new file to WAL is the one thing for which SQLite does not wait: of processes
/// that do it at the same moment some are answered "locked" at once (<https://sqlite.org/wal.html>, "Sometimes Queries
/// Return SQLITE_BUSY"), and have to ask again, for as long as a statement would have waited.
async fn open_writer<F>(connect: impl Fn() -> F) -> StoreResult<SqlitePool>
where
    F: Future<Output = Result<SqlitePool, sqlx::Error>>,
{
    let give_up = Instant::now() + BUSY;
    loop {
        match connect().await.map_err(MetadataStoreError::from) {
            Err(error) if error.is_transient() && Instant::now() < give_up => tokio::time::sleep(ASK_AGAIN).await,
            opened => return opened,
        }
    }
}

/// Commits a transaction whose work succeeded and rolls back one whose work did not, before the caller hears of it. One
/// that is only dropped is rolled back a little later, and holds its locks until then.
async fn settle<T>(transaction: Transaction<'static, Sqlite>, result: StoreResult<T>) -> StoreResult<T> {
    match result {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(error) => {
            if let Err(also) = transaction.rollback().await {
                tracing::debug!(error = %also, "a transaction that had failed could not be rolled back");
            }
            Err(error)
        }
    }
}

/// One transaction around all migrations: of two processes that open a new file at the same moment, the second waits
/// and finds nothing to do.
async fn migrate(writer: &SqlitePool) -> StoreResult<()> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    schema::migrator(|step| step.sqlite).run_direct(None, &mut *transaction, false).await?;
    Ok(transaction.commit().await?)
}

/// The present, as it is stored.
fn now() -> i64 {
    Utc::now().timestamp_micros()
}
