//! What a service answers while it starts: that it lives, that it is not ready, and why.
//!
//! Loading the models takes a while, and a database may be migrated. Whoever watches the service is told so on the port
//! that it will serve on. May depend on `connections`, `readiness` and `error`.

use std::{io, sync::Arc, time::Duration};

use axum::{Json, Router, http::StatusCode, routing::get};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Problem, connections,
    readiness::{Check, Readiness},
};
use crate::tls::Tls;

/// How long a request that came at the last moment may take.
const GRACE: Duration = Duration::from_secs(2);

/// A service that starts.
#[derive(Debug)]
pub struct Starting {
    stop: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

impl Starting {
    /// Answers on the port of `listener` until [`Starting::end`]; returns the listener that the service will take over.
    pub fn begin(listener: TcpListener, tls: Option<Arc<Tls>>) -> io::Result<(TcpListener, Self)> {
        let kept = listener.into_std()?;
        let listener = TcpListener::from_std(kept.try_clone()?)?;
        let stop = CancellationToken::new();
        let serving = tokio::spawn(connections::serve(listener, router(), tls, stop.clone(), GRACE));
        Ok((TcpListener::from_std(kept)?, Self { stop, serving }))
    }

    /// Leaves the port to the service.
    pub async fn end(mut self) {
        self.stop.cancel();
        match (&mut self.serving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what is answered while the service starts did not end well"),
            Err(error) => tracing::warn!(%error, "what is answered while the service starts did not end well"),
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn router() -> Router {
    let detail = "the service is starting: its stores are opened and its models are loaded";
    let not_ready = move || async move {
        let check = Check { name: "models", ok: false, detail: detail.to_owned() };
        (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness { ready: false, checks: vec![check] }))
    };
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(not_ready))
        .fallback(move || async move { Problem::unavailable(detail) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_service_that_starts_says_so_and_leaves_its_port() {
        crate::tls::prepare_clients();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (listener, starting) = Starting::begin(listener, None).unwrap();
        let get = async |path: &str| reqwest::get(format!("{url}{path}")).await.unwrap();
        assert_eq!(get("/healthz").await.status(), StatusCode::OK);
        let ready = get("/readyz").await;
        assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body: serde_json::Value = ready.json().await.unwrap();
        assert_eq!((&body["ready"], &body["checks"][0]["name"]), (&false.into(), &"models".into()), "{body}");
        let ask = get("/v1/ask").await;
        assert_eq!(ask.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(ask.headers().contains_key("retry-after"));
        starting.end().await;
        let served = Router::new().route("/readyz", get_route());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(connections::serve(listener, served, None, stop.clone(), GRACE));
        assert_eq!(get("/readyz").await.text().await.unwrap(), "served");
        stop.cancel();
        serving.await.unwrap().unwrap();
    }

    fn get_route() -> axum::routing::MethodRouter {
        axum::routing::get(|| async { "served" })
    }
}
