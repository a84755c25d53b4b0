//! LISTEN and NOTIFY: workers hear at once of a job that any process has enqueued.
//!
//! A notification is sent with the transaction that enqueues, so that whoever hears it finds the job. It can be lost
//! while a connection is made again: workers look into the queue now and then all the same.

use std::{sync::Arc, time::Duration};

use sqlx::{PgConnection, PgPool, postgres::PgListener};
use tokio::sync::Notify;

use crate::metadata_store::{JobSignal, StoreResult};

const CHANNEL: &str = "footnote_jobs";
/// How long is waited before the connection is made again.
const RECONNECT: Duration = Duration::from_secs(2);

/// Tells every listener, when the transaction is committed, that there is a job.
pub(super) async fn tell(conn: &mut PgConnection) -> StoreResult<()> {
    sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(conn).await?;
    Ok(())
}

/// A signal that holds one connection of the pool for as long as it lives.
pub(super) fn signal(pool: PgPool) -> JobSignal {
    JobSignal::listening(|heard| listen(pool, heard))
}

async fn listen(pool: PgPool, heard: Arc<Notify>) {
    loop {
        if let Err(error) = listen_once(&pool, &heard).await {
            tracing::debug!(%error, "not told of new jobs for a moment");
        }
        if pool.is_closed() {
            return;
        }
        tokio::time::sleep(RECONNECT).await;
        // What came meanwhile was not heard.
        heard.notify_one();
    }
}

async fn listen_once(pool: &PgPool, heard: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // `None` is a connection that broke off; it is made again by the next call.
    while listener.try_recv().await?.is_some() {
        heard.notify_one();
    }
    Ok(())
}
