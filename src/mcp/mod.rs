//! The Model Context Protocol: tools with which an assistant asks, searches, reads and ingests.
//!
//! Each tool is one request to the HTTP API, with the key of whoever calls it: what a caller may do, how much of it, and
//! what is recorded of it is decided there and nowhere else. Over HTTP the tools are served at `/mcp` without sessions, and
//! over standard input and output by `footnote mcp`. The protocol is that of <https://modelcontextprotocol.io>, by the SDK of
//! its authors; no type of it leaves this module. May depend on axum and reqwest.

mod api;
mod handler;
mod tools;

use std::sync::Arc;

use axum::Router;
use rmcp::{
    ServiceExt as _,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use tokio_util::sync::CancellationToken;

pub use api::{Api, ApiError};
use handler::Tools;

/// The largest message: that of a document to be ingested.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// The tools at `/mcp`, over the API that `router` serves. Whoever reaches it must be let in before.
pub fn routes(router: Router) -> Router {
    let tools = Tools::new(Api::Within(router, None));
    // Hosts and origins are looked at where callers are told apart, by the same rule as for the API.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts(Vec::<String>::new())
        .with_max_request_body_bytes(MAX_MESSAGE_BYTES);
    let sessions = Arc::new(NeverSessionManager::default());
    Router::new().route_service("/mcp", StreamableHttpService::new(move || Ok(tools.clone()), sessions, config))
}

/// Why the tools could not be served.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// The assistant did not begin as the protocol says.
    #[error("the program at the other end of standard input does not speak the protocol: {0}")]
    Greeting(String),
    /// The work ended in an odd way.
    #[error("the tools ended: {0}")]
    Ended(String),
}

impl McpError {
    /// Whether the same may go well later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// Serves the tools over standard input and output until it ends or `stop` is cancelled.
pub async fn serve_stdio(api: Api, stop: CancellationToken) -> Result<(), McpError> {
    let served = Tools::new(api).serve_with_ct(rmcp::transport::stdio(), stop).await;
    let running = served.map_err(|error| McpError::Greeting(error.to_string()))?;
    running.waiting().await.map(|_| ()).map_err(|error| McpError::Ended(error.to_string()))
}
