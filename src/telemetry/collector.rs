//! The way to a collector of traces: one POST at a time, with a limit on everything.
//!
//! With ureq, which blocks: it is called on the thread of the exporter and nowhere else. Depends on nothing.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long all of it may take.
const TOTAL: Duration = Duration::from_secs(5);
/// How much of what a collector says is read, in bytes.
const MAX_RESPONSE: u64 = 64 * 1024;

/// Sends to a collector, and says once that it is away, and once that it is back.
#[derive(Debug)]
pub(super) struct Collector {
    agent: ureq::Agent,
    away: AtomicBool,
}

impl Collector {
    pub(super) fn new() -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(TOTAL))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("footnote/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self { agent, away: AtomicBool::new(false) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let (head, mut body) = self.agent.run(Request::from_parts(head, body.to_vec()))?.into_parts();
        let said = body.with_config().limit(MAX_RESPONSE).read_to_vec()?;
        Ok(Response::from_parts(head, said.into()))
    }

    /// Says what is news.
    fn tell(&self, failure: Option<String>) {
        let was_away = self.away.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(why) if !was_away => {
                tracing::warn!(why, "the collector of traces does not take spans: they are dropped until it does");
            }
            None if was_away => tracing::info!("the collector of traces takes spans again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.send(request);
        self.tell(match &sent {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers {}", response.status())),
            Err(error) => Some(error.to_string()),
        });
        sent
    }
}
