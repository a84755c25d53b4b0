//! The clock jumps an hour, forward or back: no job waits for an hour, and none is done twice.
//!
//! The queue in Postgres goes by the clock of the database, which is moved here for good: functions of the same names
//! stand before the server's own. The embedded queue goes by the clock of the process; what a jump leaves is written into
//! its rows, which are then of an hour from now after a jump back, and of an hour ago after one forward.

use std::time::Duration;

use footnote::{
    domain::{JobKind, JobState},
    metadata_store::{JobQuery, JobStore, postgres::PostgresStore},
};
use sqlx::Connection as _;

use super::{check_sound, ingest_sample, more};
use crate::{
    postgres::{self, TestDatabase},
    qdrant_stub::StubServer,
    sample,
    test_app::{TestApp, until},
};

/// A clock that a test can move.
enum Clock {
    /// Of an embedded store, by its file.
    Rows(String),
    /// Of a database.
    Database(String),
}

impl Clock {
    /// Gives a database, which must be empty, a clock that can be moved.
    async fn of(database: &TestDatabase) -> Self {
        let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
        let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut connection).await.unwrap();
        let clock = "SELECT pg_catalog.clock_timestamp() + (SELECT by FROM moved.clock)";
        for sql in [
            "CREATE SCHEMA moved".to_owned(),
            "CREATE TABLE moved.clock (by interval NOT NULL)".to_owned(),
            "INSERT INTO moved.clock VALUES (interval '0')".to_owned(),
            format!("CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ {clock} $$"),
            format!("CREATE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql AS $$ {clock} $$"),
            format!("ALTER DATABASE {name} SET search_path = moved, pg_catalog, public"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
        // The schema of the program is made in `public`, where it would be without all this.
        connection.close().await.unwrap();
        Self::Database(database.url.clone())
    }

    /// Moves it by so many hours from where it is.
    async fn jump(&self, hours: i64) {
        match self {
            Self::Database(url) => {
                let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                let sql = "UPDATE moved.clock SET by = by + $1 * interval '1 hour'";
                sqlx::query(sql).bind(hours as f64).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Rows(path) => {
                let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{path}")).await.unwrap();
                let sql = "UPDATE jobs SET due_at = due_at - ?1, created_at = created_at - ?1, \
                           updated_at = updated_at - ?1, lease_expires_at = lease_expires_at - ?1";
                sqlx::query(sql).bind(hours * 3_600_000_000).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

async fn jumps(mut app: TestApp, clock: &Clock) {
    let mut expected = ingest_sample(&app).await;
    for hours in [-1, 1] {
        // While jobs wait.
        app.rest().await;
        for (name, text) in more(if hours == 1 { 0 } else { 10 }, 4) {
            app.upload(&name, text.clone()).await;
            expected.insert(name, text);
        }
        clock.jump(hours).await;
        app.work();
        check_sound(&app, &expected).await;
        // And while one runs.
        let (name, text) = (format!("large-{hours}.md"), sample::long_document("the depot", 60));
        let (_, body) = app.upload(&name, text.clone()).await;
        expected.insert(name, text);
        let job = body["documents"][0]["job_id"].as_str().unwrap().to_owned();
        until("the job runs", async || app.read(&format!("/v1/jobs/{job}")).await["state"] == "running").await;
        clock.jump(hours).await;
        check_sound(&app, &expected).await;
        let job = app.read(&format!("/v1/jobs/{job}")).await;
        assert_eq!(job["state"], "succeeded", "{job}");
    }
    let query = JobQuery { kind: Some(JobKind::Ingest), limit: 1_000, ..JobQuery::default() };
    let jobs = app.app.metadata.jobs(query).await.unwrap().items;
    assert_eq!(jobs.len(), expected.len(), "one job for each document");
    assert!(jobs.iter().all(|job| job.state == JobState::Succeeded));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_an_embedded_store_may_jump() {
    let app = TestApp::start().await;
    let clock = Clock::Rows(app.app.config.data_dir.join("footnote.db").display().to_string());
    jumps(app, &clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_the_database_may_jump() {
    let (database, vectors) = (postgres::database().await, StubServer::start());
    let clock = Clock::of(&database).await;
    let app = TestApp::start_with(|settings| {
        settings.database_url = Some(database.url.clone());
        settings.vector_url = Some(vectors.url().to_owned());
    })
    .await;
    jumps(app, &clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_waits_as_long_as_it_should_by_the_clock_of_the_database() {
    let database = postgres::database().await;
    let clock = Clock::of(&database).await;
    // Behind ours, from the beginning: what is reckoned on our clock would be due in an hour more.
    clock.jump(-1).await;
    let store = PostgresStore::connect(&database.url).await.unwrap();
    let (kinds, lease) = ([JobKind::Reindex], Duration::from_secs(60));
    let id = footnote::metadata_store::GenerationStore::enqueue_reindex(&store).await.unwrap();
    let take = async || store.lease_job(&kinds, lease).await.unwrap();
    let leased = take().await.unwrap();
    store.fail_job(id, &leased.token, "it broke off", Some(chrono::Utc::now())).await.unwrap();
    let leased = take().await.expect("the retry is due");
    let in_a_while = chrono::Utc::now() + chrono::TimeDelta::minutes(10);
    store.fail_job(id, &leased.token, "it broke off again", Some(in_a_while)).await.unwrap();
    assert!(take().await.is_none(), "the second retry is not due yet");
    clock.jump(1).await;
    assert!(take().await.is_some());
}
