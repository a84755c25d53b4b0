//! The outermost time limit of a call on a store: a database that stops answering costs a caller so long, not forever.
//!
//! The databases have limits of their own, which are shorter and end the work as well as the wait (a statement
//! timeout, a busy timeout, the pool's). This one is for what they cannot see, such as a connection that went dead
//! without a word.

use std::{future::Future, time::Duration};

use super::{MetadataStoreError, StoreResult};

/// Longer than every limit inside the databases, so that their more precise error comes first.
pub(super) const CALL: Duration = Duration::from_secs(60);

/// A migration may rewrite a table, and waits for another node that migrates at the same time.
pub(super) const MIGRATION: Duration = Duration::from_secs(600);

/// Runs `work`, or gives up with `Unavailable` after `limit`. A transaction that is given up is rolled back.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = StoreResult<T>> + Send) -> StoreResult<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(MetadataStoreError::Unavailable(format!("it did not answer within {} seconds", limit.as_secs())))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_call_that_never_returns_is_unavailable() {
        let result: StoreResult<()> = within(Duration::ZERO, std::future::pending()).await;
        let error = result.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }
}
