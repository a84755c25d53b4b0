//! The metadata store for more than one machine: Postgres, shared by any number of processes.
//!
//! Depends on sqlx's Postgres driver. Transactions are READ COMMITTED and take row locks before they decide: a
//! statement that follows a lock sees what the holder before it has committed. Locks are taken in one order, so that
//! no two transactions wait for each other:
//!
//! 1. the connector's row, shared by what its pass writes; then the document's row,
//! 2. the conversation's row, and then those of traces and of feedback,
//! 3. the job's row (jobs of one document or conversation in the order of their ids),
//! 4. the row of `generation_counter`, shared by what adds to a generation, alone by what changes which one is active,
//! 5. versions, entries and chunks, which belong to a locked document or job.
//!
//! `lease_job` alone takes a job without waiting (`SKIP LOCKED`). Times of the queue are the database's clock.

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
mod listen;
mod outcomes;
mod uploads;

use std::{str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    MetadataStoreError, StoreResult,
    bounded::{CALL, MIGRATION, within},
    schema::{self, Behind},
};

/// Connections of one process, one of which may listen. Calls are short: more would wait for each other inside the
/// database instead.
const CONNECTIONS: u32 = 11;
/// How long a call waits for a connection, the making of one included.
const ACQUIRE: Duration = Duration::from_secs(10);
/// What the server ends by itself, unless the URL says otherwise. The lock timeout is the shortest, because its error
/// names the cause; the last one frees the locks of a client that went away without a word.
const SETTINGS: [(&str, &str); 4] = [
    ("default_transaction_isolation", "read committed"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
];

/// A metadata store in a Postgres database.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects to the database at `url` (`postgres://user:password@host:port/database`) and brings its schema up to
    /// date; nodes that start at the same moment wait for each other. A database whose schema is newer than this
    /// program is refused.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        let options = read(url)?;
        within(MIGRATION, migrate(&options)).await?;
        let given = options.get_options().unwrap_or_default().to_owned();
        let ours = SETTINGS.into_iter().filter(|(name, _)| !given.contains(name));
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_with(options.options(ours))
            .await?;
        Ok(Self { pool })
    }

    /// How far the schema of the database at `url` is behind this program, which is looked at and not changed. `None` where
    /// it is not behind, and where there is none yet.
    pub async fn behind(url: &str) -> StoreResult<Option<Behind>> {
        let options = read(url)?;
        within(CALL, async {
            let mut conn = connect(&options).await?;
            let found: Option<i64> =
                match sqlx::query_scalar::<_, bool>(schema::IN_POSTGRES).fetch_one(&mut conn).await? {
                    true => sqlx::query_scalar(schema::APPLIED).fetch_one(&mut conn).await?,
                    false => None,
                };
            conn.close().await?;
            Ok(schema::behind(found))
        })
        .await
    }

    /// A time that was reckoned on the clock of this process, on the clock of the database, which the queue goes by: the
    /// two may be hours apart.
    async fn on_its_clock(&self, at: Option<DateTime<Utc>>) -> StoreResult<Option<DateTime<Utc>>> {
        let Some(at) = at else { return Ok(None) };
        let there: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.pool).await?;
        Ok(Some(there + (at - Utc::now())))
    }

    /// Begins a transaction. It is rolled back when it is dropped.
    ///
    /// In a task of its own: when `begin` is dropped between its statement and the answer to it, sqlx does not know of
    /// the transaction, and the pool would give the connection to the next caller inside it. A plain statement would
    /// then never be committed.
    async fn begin(&self) -> StoreResult<Transaction<'static, Postgres>> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin().await }).await;
        Ok(begun.map_err(|_| MetadataStoreError::Unavailable("the process is ending".to_owned()))??)
    }
}

/// Whether two URLs lead to the same tables, as far as they tell: who connects to them, and how, makes no others.
pub fn same_database(one: &str, other: &str) -> bool {
    let place = |url: &str| {
        let options = PgConnectOptions::from_str(url).ok()?;
        let database = options.get_database().unwrap_or(options.get_username()).to_owned();
        let server = (options.get_host().to_ascii_lowercase(), options.get_port(), options.get_socket().cloned());
        Some((server, database, options.get_options().map(str::to_owned)))
    };
    one == other || place(one).is_some_and(|of_one| place(other) == Some(of_one))
}

/// Commits a transaction whose work succeeded and rolls back one whose work did not, before the caller hears of it. One
/// that is only dropped is rolled back a little later, and holds its locks until then.
async fn settle<T>(transaction: Transaction<'static, Postgres>, result: StoreResult<T>) -> StoreResult<T> {
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

/// On a connection of its own: a migration may take longer than a statement is allowed to later, and an error in
/// connecting is reported as it is, where the pool would try again until its time is up.
async fn migrate(options: &PgConnectOptions) -> StoreResult<()> {
    let mut conn = connect(options).await?;
    let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut conn).await?;
    if encoding != "UTF8" {
        return Err(MetadataStoreError::Failed(format!(
            "its encoding is {encoding}: create the database with ENCODING 'UTF8'"
        )));
    }
    schema::migrator(|step| step.postgres).run_direct(None, &mut conn, false).await?;
    Ok(conn.close().await?)
}

/// What a URL says.
fn read(url: &str) -> StoreResult<PgConnectOptions> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(MetadataStoreError::Invalid("a Postgres URL starts with `postgres://`".to_owned()));
    }
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| MetadataStoreError::Invalid(format!("not a Postgres URL: {error}")))?;
    Ok(options.application_name("footnote"))
}

/// A connection of its own.
async fn connect(options: &PgConnectOptions) -> StoreResult<PgConnection> {
    tokio::time::timeout(ACQUIRE, options.connect())
        .await
        .map_err(|_| MetadataStoreError::Unavailable("it could not be reached in time".to_owned()))?
        .map_err(MetadataStoreError::from)
}
