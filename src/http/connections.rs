//! Connections: accepted, encrypted where a certificate is configured, and bounded in number and patience.
//!
//! May depend on `tls` and hyper. What is said over a connection is the router's.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, header},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::tls::Tls;

/// The most connections at once; one more is answered 503 and closed.
const MAX_CONNECTIONS: usize = 1_024;
/// The most requests at once on one connection of HTTP/2.
const MAX_STREAMS: u32 = 64;
/// How long a client may take for the head of a request, the wait for it on an idle connection included.
const HEAD: Duration = Duration::from_secs(30);
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait after a connection could not be accepted: without open files left, the next one fails as well.
const PAUSE: Duration = Duration::from_millis(100);
/// What a connection hears for which there is no place.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Serves until `stop` is cancelled, then lets running requests finish for at most `grace`.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // They end with this function: what is cut off holds nothing any more.
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Also while there is no place: each that was turned away would stay in memory until there is one.
        while connections.try_join_next().is_some() {}
        let Ok(place) = places.clone().try_acquire_owned() else {
            connections.spawn(turn_away(stream));
            continue;
        };
        let connection = Connection { router: router.clone(), peer, _place: place, watcher: graceful.watcher() };
        connections.spawn(connection.begin(stream, tls.clone()));
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(grace) => {
            tracing::warn!("requests were still running after {} s: they are cut off", grace.as_secs());
        }
    }
    Ok(())
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
    watcher: Watcher,
}

impl Connection {
    async fn begin(self, stream: TcpStream, tls: Option<Arc<Tls>>) {
        // Answers are small and wait for nothing.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else { return self.serve(stream).await };
        match tokio::time::timeout(HANDSHAKE, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, peer = %self.peer, "a handshake failed"),
            Err(_) => tracing::debug!(peer = %self.peer, "a handshake took too long"),
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { router, peer, watcher, _place } = self;
        let service = tower::service_fn(move |request: Request<hyper::body::Incoming>| {
            let mut request = named(request.map(Body::new));
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS).keep_alive_interval(Some(HEAD));
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        if let Err(error) = watcher.watch(connection.into_owned()).await {
            tracing::debug!(%error, %peer, "a connection ended");
        }
    }
}

/// A request with the name that it was sent to as its `Host`, where those who decide by that name look for it. HTTP/2 says
/// it in the target, and so does a target in absolute form; what stands in the header then counts for nothing (RFC 9113,
/// 8.3.1; RFC 9112, 3.2.2).
fn named<B>(mut request: Request<B>) -> Request<B> {
    let host = request.uri().authority().map(|authority| {
        let port = authority.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", authority.host())
    });
    if let Some(host) = host.and_then(|host| HeaderValue::try_from(host).ok()) {
        request.headers_mut().insert(header::HOST, host);
    }
    request
}

/// Says that there is no place, where the other side hears it in plain text, and closes.
async fn turn_away(mut stream: TcpStream) {
    let said = async {
        stream.write_all(FULL).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(HANDSHAKE, said).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_name_in_the_target_is_the_host() {
        let host = |target: &str, said: Option<&str>| {
            let request = Request::get(target);
            let request = said.into_iter().fold(request, |request, said| request.header(header::HOST, said));
            named(request.body(()).unwrap()).headers().get(header::HOST).map(|host| host.to_str().unwrap().to_owned())
        };
        assert_eq!(host("https://localhost:8642/v1/ask", None).as_deref(), Some("localhost:8642"));
        assert_eq!(host("https://[::1]/v1/ask", None).as_deref(), Some("[::1]"));
        assert_eq!(host("http://user@example.org/v1/ask", Some("localhost")).as_deref(), Some("example.org"));
        assert_eq!(host("/v1/ask", Some("localhost")).as_deref(), Some("localhost"));
        assert_eq!(host("/v1/ask", None), None);
    }
}
