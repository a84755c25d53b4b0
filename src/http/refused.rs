//! What is left of the body of a refused request is read, so that the refusal arrives.
//!
//! A request without a key is refused by its head. A server that closes the connection then, while the client still sends,
//! resets it, and many clients (Node's `fetch` is one) report that instead of the answer. So some of the rest is read and
//! thrown away: what people send by mistake is small, and what is large is closed on as before.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::Request,
    http::header::EXPECT,
    middleware::Next,
    response::Response,
};
use futures::{Stream, StreamExt as _};

/// So many bytes are read.
const MOST: usize = 1 << 20;
/// For so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body, and whether any of it was asked for.
struct Rest {
    body: BodyDataStream,
    begun: bool,
}

/// A body that can be read on after the one who had it has dropped it.
#[derive(Clone)]
struct Shared(Arc<Mutex<Rest>>);

impl Shared {
    fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Rest { body: body.into_data_stream(), begun: false })))
    }

    fn lock(&self) -> MutexGuard<'_, Rest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut rest = self.lock();
        rest.begun = true;
        rest.body.poll_next_unpin(context)
    }
}

/// Answers a request; of one that is refused, reads what was not.
pub async fn read_out(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Who asks whether to send the body sends none until it is read (RFC 9110, 10.1.1): reading it would call for it.
    let asks =
        request.headers().get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let (head, body) = request.into_parts();
    let rest = Shared::new(body);
    let response = next.run(Request::from_parts(head, Body::from_stream(rest.clone()))).await;
    let is_refused = response.status().is_client_error() || response.status().is_server_error();
    if is_refused && (!asks || rest.lock().begun) {
        // Either way the answer goes out.
        let _ = tokio::time::timeout(PATIENCE, throw_away(rest)).await;
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
    #![allow(clippy::unwrap_used)]

    use axum::{Router, http::StatusCode, middleware, routing::post};
    use tower::ServiceExt as _;

    use super::*;

    fn body(pieces: usize) -> Body {
        let pieces = (0..pieces).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1 << 18])));
        Body::from_stream(futures::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_is_read_on_by_another_and_no_further_than_a_bound() {
        let short = Shared::new(body(3));
        drop(short.clone().next().await);
        throw_away(short.clone()).await;
        assert!(short.clone().next().await.is_none());
        let long = Shared::new(body(9));
        throw_away(long.clone()).await;
        assert!(long.clone().next().await.is_some());
    }

    #[tokio::test]
    async fn a_body_that_nobody_has_called_for_is_left_where_it_is() {
        let unread = || async { StatusCode::UNAUTHORIZED };
        let begun = |body: Body| async move {
            drop(body.into_data_stream().next().await);
            StatusCode::UNPROCESSABLE_ENTITY
        };
        let router = Router::new().route("/unread", post(unread)).route("/begun", post(begun));
        let router = router.layer(middleware::from_fn(read_out));
        for (path, expects, is_read) in
            [("/unread", None, true), ("/unread", Some("100-Continue"), false), ("/begun", Some("100-continue"), true)]
        {
            // What is not read is still there.
            let body = Shared::new(body(2));
            let mut request = Request::post(path);
            if let Some(expects) = expects {
                request = request.header(EXPECT, expects);
            }
            let request = request.body(Body::from_stream(body.clone())).unwrap();
            assert!(router.clone().oneshot(request).await.unwrap().status().is_client_error());
            assert_eq!(body.clone().next().await.is_none(), is_read, "{path} {expects:?}");
        }
    }
}
