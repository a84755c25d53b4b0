//! The HTTP API as the tools use it: inside the process, or on a server.
//!
//! May depend on axum and reqwest.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header, request::Parts},
};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::config::Secret;

/// How long a server may take to answer: longer than a question may.
const PATIENCE: Duration = Duration::from_secs(600);
/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// What of a caller's request goes with the tool's: who it is, how it came, what the log calls it, and the trace that it
/// belongs to.
const HANDED_ON: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::HOST,
    header::ORIGIN,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// Where requests go.
#[derive(Clone)]
pub enum Api {
    /// To the application of this process, with this key for who calls over standard input.
    Within(Router, Option<Secret>),
    /// To a server, at this address and with this key.
    Server {
        /// The HTTP client.
        client: reqwest::Client,
        /// Such as `http://127.0.0.1:8642`.
        address: String,
        /// The key, where the server needs one.
        key: Option<Secret>,
    },
}

/// A request to the API.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// With the query.
    pub(super) path: String,
    /// The content type and the body.
    pub(super) body: Option<(String, Bytes)>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None }
    }

    pub(super) fn post(path: impl Into<String>, body: &Value) -> Self {
        let body = Some(("application/json".to_owned(), body.to_string().into()));
        Self { method: Method::POST, path: path.into(), body }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The API refuses.
    #[error("{detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What happened, and what to do.
        detail: String,
    },
    /// There was no answer that can be read.
    #[error("the server did not answer: {0}")]
    Away(String),
    /// There is more than is read.
    #[error("the answer is larger than the {MAX_ANSWER_BYTES} bytes that are read: ask for less")]
    TooLarge,
}

impl ApiError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 429 | 503 | 504),
            Self::Away(_) => true,
            Self::TooLarge => false,
        }
    }
}

impl Api {
    /// A server at an address, with a key where it needs one.
    pub fn server(address: &str, key: Option<Secret>) -> Result<Self, ApiError> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build();
        let client = client.map_err(|error| ApiError::Away(error.to_string()))?;
        Ok(Self::Server { client, address: address.trim_end_matches('/').to_owned(), key })
    }

    /// The answer to a request, on behalf of the caller whose own request is `from`; there is none on standard input.
    pub(super) async fn call(&self, call: Call, from: Option<&Parts>) -> Result<Value, ApiError> {
        let (status, body) = match self {
            Self::Within(router, key) => within(router, key.as_ref(), call, from).await?,
            Self::Server { client, address, key } => {
                let mut request = client.request(call.method, format!("{address}{}", call.path));
                if let Some(key) = key {
                    request = request.bearer_auth(key.expose());
                }
                if let Some((content_type, body)) = call.body {
                    request = request.header(header::CONTENT_TYPE, content_type).body(body);
                }
                let response = request.send().await.map_err(|error| away(&error))?;
                (response.status().as_u16(), received(response).await?)
            }
        };
        read(status, &body)
    }
}

/// The body of a server's answer.
async fn received(mut response: reqwest::Response) -> Result<Bytes, ApiError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| away(&error))? {
        if body.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(ApiError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.into())
}

/// What an answer says.
fn read(status: u16, body: &[u8]) -> Result<Value, ApiError> {
    let answer = serde_json::from_slice::<Value>(body);
    if (200..300).contains(&status) {
        return answer.map_err(|error| ApiError::Away(format!("what came with status {status} is no JSON: {error}")));
    }
    // What stands before a server may answer in its place, with a page of its own.
    let detail = answer.ok().and_then(|answer| answer["detail"].as_str().map(str::to_owned));
    let detail = detail.unwrap_or_else(|| format!("the request was answered with status {status}, without a reason"));
    Err(ApiError::Refused { status, detail })
}

async fn within(
    router: &Router,
    key: Option<&Secret>,
    call: Call,
    from: Option<&Parts>,
) -> Result<(u16, Bytes), ApiError> {
    let Call { method, path, body } = call;
    let mut headers = HeaderMap::new();
    match from {
        Some(from) => {
            headers.extend(HANDED_ON.into_iter().filter_map(|name| {
                let value = from.headers.get(&name)?.clone();
                Some((name, value))
            }));
        }
        // Whoever holds standard input is this machine.
        None => {
            headers.insert(header::HOST, HeaderValue::from_static("localhost"));
            if let Some(key) = key {
                let bearer = format!("Bearer {}", key.expose()).parse().map_err(|error| away(&error))?;
                headers.insert(header::AUTHORIZATION, bearer);
            }
        }
    }
    let (content_type, body) = body.unzip();
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, content_type.parse().map_err(|error| away(&error))?);
    }
    let mut request = Request::builder().method(method).uri(path).body(body.map_or_else(Body::empty, Body::from));
    if let Ok(request) = &mut request {
        *request.headers_mut() = headers;
        if let Some(peer) = from.and_then(|from| from.extensions.get::<ConnectInfo<std::net::SocketAddr>>()) {
            request.extensions_mut().insert(*peer);
        }
    }
    let request = request.map_err(|error| away(&error))?;
    let Ok(response) = router.clone().oneshot(request).await;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), MAX_ANSWER_BYTES).await.map_err(|error| {
        // It is not the connection that fails inside a process.
        tracing::debug!(%error, "an answer is not read");
        ApiError::TooLarge
    })?;
    Ok((status, body))
}

fn away(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::Away(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::routing::get;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_of_what_stands_before_a_server_is_told_by_its_status() {
        assert_eq!(read(200, b"{\"a\": 1}").unwrap(), json!({"a": 1}));
        let refused = read(422, b"{\"detail\": \"the question is empty\"}").unwrap_err();
        assert_eq!(refused.to_string(), "the question is empty");
        let away = read(502, b"<html>Bad Gateway</html>").unwrap_err();
        assert!(matches!(away, ApiError::Refused { status: 502, .. }) && away.to_string().contains("502"), "{away}");
        assert!(read(200, b"<html>").unwrap_err().to_string().contains("no JSON"));
    }

    #[tokio::test]
    async fn who_calls_and_the_trace_go_with_a_request_and_nothing_else_does() {
        let seen = |headers: HeaderMap| async move {
            axum::Json(headers.keys().map(|name| name.as_str().to_owned()).collect::<std::collections::BTreeSet<_>>())
        };
        let api = Api::Within(Router::new().route("/", get(seen)), None);
        let from = Request::get("/mcp")
            .header("authorization", "Bearer x")
            .header("host", "localhost")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .header("cookie", "x=y");
        let (from, ()) = from.body(()).unwrap().into_parts();
        let seen = api.call(Call::get("/"), Some(&from)).await.unwrap();
        assert_eq!(seen, json!(["authorization", "host", "traceparent"]));
    }
}
