//! Calls whose caller goes away in the middle: a heartbeat when its job ends, a request whose client has left.

use std::time::Duration;

use footnote::metadata_store::{DocumentStore, postgres::PostgresStore};
use sqlx::{Connection, PgConnection};

use super::fixtures::upload;

/// A connection that goes back to the pool inside a transaction that nobody knows of would take the next plain
/// statement into it, and lose that with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_no_transaction_of_a_call_that_was_dropped() {
    let database = crate::postgres::database().await;
    let store = PostgresStore::connect(&database.url).await.unwrap();
    let mut watcher = PgConnection::connect(&database.url).await.unwrap();
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND pid <> pg_backend_pid() AND state <> 'idle'";
    for cut in 0..200u64 {
        // Cut off at ever later moments, so that some calls end before, inside and after each statement.
        let call = store.register_upload(upload(&format!("{cut}.md"), "bytes"));
        let _ = tokio::time::timeout(Duration::from_micros(10 * cut), call).await;
        let settled = async {
            while sqlx::query_scalar::<_, i64>(open).fetch_one(&mut watcher).await.unwrap() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
        assert!(settled.is_ok(), "a call that was dropped after {cut}0 microseconds left its transaction open");
    }
}
