//! What is left of the body of a refused request is read, so that the refusal arrives.
//!
//! A request without a key is refused by its head. A server that closes the connection then, while the client still sends,
//! resets it, and many clients (Node's `fetch` is one) report that instead of the answer. So some of the rest is read and
//! thrown away: what people send by mistake is small, and what is large is closed on as before.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::Request,
    middleware::Next,
    response::Response,
};
use futures::{Stream, StreamExt as _};

/// So many bytes are read.
const MOST: usize = 1 << 20;
/// For so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that can be read on after the one who had it has dropped it.
struct Shared(Arc<Mutex<BodyDataStream>>);

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    }
}

/// Answers a request; of one that is refused, reads what was not.
pub async fn read_out(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let rest = Arc::new(Mutex::new(body.into_data_stream()));
    let response = next.run(Request::from_parts(head, Body::from_stream(Shared(rest.clone())))).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        // Either way the answer goes out.
        let _ = tokio::time::timeout(PATIENCE, throw_away(Shared(rest))).await;
    }
    response
}

async fn throw_away(mut rest: Shared) {
    let mut read = 0;
    while let Some(Ok(piece)) = rest.next().await {
        read += piece.len();
        if read > MOST {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_on_by_another_and_no_further_than_a_bound() {
        let pieces = |count: usize| {
            let pieces = (0..count).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1 << 18])));
            Arc::new(Mutex::new(Body::from_stream(futures::stream::iter(pieces)).into_data_stream()))
        };
        let body = pieces(3);
        drop(Shared(body.clone()).next().await);
        throw_away(Shared(body.clone())).await;
        assert!(Shared(body).next().await.is_none());
        let long = pieces(9);
        throw_away(Shared(long.clone())).await;
        assert!(Shared(long).next().await.is_some());
    }
}
