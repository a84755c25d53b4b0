//! Opening a store: new, again, with another schema, and not at all. Each backend in its own way.

use std::time::Duration;

use footnote::metadata_store::{
    DocumentStore, MetadataStoreError, StoreResult, postgres::PostgresStore, sqlite::SqliteStore,
};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::fixtures::upload;

/// What a later version of the program leaves behind.
const LATER: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                     SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations LIMIT 1";

/// What an earlier version of the program leaves behind, as far as the versions say it.
const EARLIER: &str = "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";

fn refused<T>(result: StoreResult<T>, why: &str) -> MetadataStoreError {
    let error = result.err().expect("it must be refused");
    assert!(error.to_string().contains(why), "`{error}` does not say `{why}`");
    error
}

#[tokio::test]
async fn sqlite_makes_its_folder_and_finds_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not/there yet/füße?.db");
    let id = {
        let store = SqliteStore::connect(&path).await.unwrap();
        store.register_upload(upload("a.md", "bytes")).await.unwrap().document_id
    };
    assert!(path.exists());
    let store = SqliteStore::connect(&path).await.unwrap();
    assert_eq!(store.document(id).await.unwrap().name, "a.md");
    store.ping().await.unwrap();
}

#[tokio::test]
async fn sqlite_is_opened_by_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("footnote.db");
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let path = path.clone();
        opening.spawn(async move { SqliteStore::connect(&path).await.unwrap().ping().await.unwrap() });
    }
    opening.join_all().await;
}

#[tokio::test]
async fn sqlite_refuses_a_schema_that_is_newer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("footnote.db");
    let store = SqliteStore::connect(&path).await.unwrap();
    let mut conn = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query(LATER).execute(&mut conn).await.unwrap();
    refused(store.ping().await, "newer footnote");
    let error = refused(SqliteStore::connect(&path).await, "newer footnote");
    assert!(!error.is_transient() && error.to_string().contains("9999"), "{error}");
    assert!(error.to_string().contains("footnote.db"), "{error}");
}

#[tokio::test]
async fn sqlite_says_how_far_its_schema_is_behind_and_leaves_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("footnote.db");
    assert_eq!(SqliteStore::behind(&path).await.unwrap(), None);
    assert!(!path.exists(), "looking makes nothing");
    drop(SqliteStore::connect(&path).await.unwrap());
    assert_eq!(SqliteStore::behind(&path).await.unwrap(), None);
    let mut conn = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query(EARLIER).execute(&mut conn).await.unwrap();
    for _ in 0..2 {
        let behind = SqliteStore::behind(&path).await.unwrap().expect("it is behind");
        assert_eq!(behind.needed - behind.found, 1, "{behind:?}");
    }
}

#[tokio::test]
async fn sqlite_refuses_a_file_that_is_none_and_a_folder_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("footnote.db");
    std::fs::write(&path, "certainly no database, whatever its name says".repeat(100)).unwrap();
    let error = refused(SqliteStore::connect(&path).await, "not a database");
    assert!(!error.is_transient(), "{error}");
    refused(SqliteStore::connect(&path.join("below/a/file.db")).await, "folder");
}

#[tokio::test]
async fn postgres_is_opened_by_many_at_once() {
    let database = crate::postgres::database().await;
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = database.url.clone();
        opening.spawn(async move { PostgresStore::connect(&url).await.unwrap().ping().await.unwrap() });
    }
    opening.join_all().await;
}

#[tokio::test]
async fn postgres_refuses_a_schema_that_is_newer() {
    let database = crate::postgres::database().await;
    let store = PostgresStore::connect(&database.url).await.unwrap();
    let mut conn = PgConnection::connect(&database.url).await.unwrap();
    sqlx::query(LATER).execute(&mut conn).await.unwrap();
    refused(store.ping().await, "newer footnote");
    let error = refused(PostgresStore::connect(&database.url).await, "newer footnote");
    assert!(!error.is_transient() && error.to_string().contains("9999"), "{error}");
}

#[tokio::test]
async fn postgres_says_how_far_its_schema_is_behind_and_leaves_it_there() {
    let database = crate::postgres::database().await;
    drop(PostgresStore::connect(&database.url).await.unwrap());
    assert_eq!(PostgresStore::behind(&database.url).await.unwrap(), None);
    let mut conn = PgConnection::connect(&database.url).await.unwrap();
    sqlx::query(EARLIER).execute(&mut conn).await.unwrap();
    for _ in 0..2 {
        let behind = PostgresStore::behind(&database.url).await.unwrap().expect("it is behind");
        assert_eq!(behind.needed - behind.found, 1, "{behind:?}");
    }
    sqlx::query("DROP TABLE _sqlx_migrations").execute(&mut conn).await.unwrap();
    assert_eq!(PostgresStore::behind(&database.url).await.unwrap(), None, "there is none that could be behind");
}

#[tokio::test]
async fn postgres_that_is_away_or_unknown_is_told_apart() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let started = std::time::Instant::now();
    let error = PostgresStore::connect(&format!("postgres://u@127.0.0.1:{port}/d")).await.err().unwrap();
    assert!(error.is_transient(), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));

    let database = crate::postgres::database().await;
    let error = PostgresStore::connect(&format!("{}_not", database.url)).await.err().unwrap();
    assert!(!error.is_transient() && error.to_string().contains("does not exist"), "{error}");
    let error = PostgresStore::connect("mysql://h/d").await.err().unwrap();
    assert!(matches!(error, MetadataStoreError::Invalid(_)), "{error}");
}

#[tokio::test]
async fn postgres_whose_rows_are_locked_is_unavailable_and_the_url_sets_how_soon() {
    let database = crate::postgres::database().await;
    let separator = if database.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20lock_timeout%3D50ms", database.url);
    let store = PostgresStore::connect(&url).await.unwrap();
    let id = store.register_upload(upload("a.md", "bytes")).await.unwrap().document_id;
    let mut conn = PgConnection::connect(&database.url).await.unwrap();
    let mut holder = conn.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM documents FOR UPDATE").execute(&mut *holder).await.unwrap();
    let error = store.delete_document(id).await.err().unwrap();
    assert!(error.is_transient() && error.to_string().contains("lock timeout"), "{error}");
    holder.rollback().await.unwrap();
    store.delete_document(id).await.unwrap();
}

#[tokio::test]
async fn the_queue_survives_the_step_that_makes_its_table_anew() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("footnote.db").display());
    let mut conn = SqliteConnection::connect(&url).await.unwrap();
    for step in [
        include_str!("../../../migrations/sqlite/0001_initial.sql"),
        include_str!("../../../migrations/sqlite/0002_adapters.sql"),
        "INSERT INTO jobs (id, kind, document_id, version, generation, state, stage, progress, attempts, max_attempts, \
         error, due_at, lease_token, lease_expires_at, created_at, updated_at) VALUES \
         (zeroblob(16), 'ingest', zeroblob(16), 3, NULL, 'running', 'embed', 0.5, 2, 3, 'slow', 7, zeroblob(16), 8, 9, 10), \
         (randomblob(16), 'reindex', NULL, NULL, 4, 'queued', 'waiting', 0, 0, 10, NULL, 7, NULL, NULL, 9, 10)",
        include_str!("../../../migrations/sqlite/0003_conversations_and_actions.sql"),
    ] {
        sqlx::raw_sql(step).execute(&mut conn).await.unwrap();
    }
    type Job = (String, Option<i64>, Option<i64>, String, f64, i64, Option<String>, i64, Option<i64>, Option<String>);
    let jobs: Vec<Job> = sqlx::query_as(
        "SELECT kind, version, generation, stage, progress, attempts, error, due_at, lease_expires_at, webhook FROM jobs \
         ORDER BY kind",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let ingest =
        ("ingest".to_owned(), Some(3), None, "embed".to_owned(), 0.5, 2, Some("slow".to_owned()), 7, Some(8), None);
    let reindex = ("reindex".to_owned(), None, Some(4), "waiting".to_owned(), 0.0, 0, None, 7, None, None);
    assert_eq!(jobs, [ingest, reindex]);
    // One reindex at a time, as before; and a delivery goes to a webhook.
    let second = "INSERT INTO jobs (id, kind, state, stage, progress, attempts, max_attempts, due_at, created_at, updated_at) \
                  VALUES (randomblob(16), 'reindex', 'queued', 'waiting', 0, 0, 10, 7, 9, 10)";
    for wrong in [second.to_owned(), second.replace("'reindex'", "'deliver'")] {
        let error = sqlx::raw_sql(sqlx::AssertSqlSafe(wrong)).execute(&mut conn).await.unwrap_err();
        assert!(error.to_string().contains("constraint"), "{error}");
    }
}
