//! Errors as RFC 9457 problem documents, and the only place that knows status codes.
//!
//! May depend on the errors of everything that a request can reach.

use std::time::Duration;

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{AccessError, Refused},
    adapters::RegistryError,
    answer::AnswerError,
    blob_store::BlobStoreError,
    ingest::{IngestError, upload::ReceiveError},
    metadata_store::MetadataStoreError,
    models::{embedder::EmbedderError, encoder::ReaderError, generator::GeneratorError},
    serving::FetchError,
    vector_store::VectorStoreError,
};

/// What stands in place of a status where the caller left, or was cut off, before its response began. No response has it;
/// other servers use the same.
pub(super) const CALLER_LEFT: u16 = 499;

/// An error, as `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of error it is, for programs to match: `urn:footnote:problem:…`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and what to do.
    pub detail: String,
    /// In how many seconds the same request may succeed.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:footnote:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// The kind in a word, without what all kinds begin with.
    pub fn name(&self) -> &str {
        self.kind.rsplit(':').next().unwrap_or(&self.kind)
    }

    /// 400: the request cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// 401: there is no such key, or not any more.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "The API key is missing or is not taken", detail)
    }

    /// 403: the key is not for this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The API key is not for this", detail)
    }

    /// 403: without a key, only programs of this machine are served.
    pub fn foreign() -> Self {
        let detail = "without an API key only requests to a loopback name, from no other site's page, are served";
        Self::new(StatusCode::FORBIDDEN, "foreign", "The request comes from elsewhere", detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// 409: the thing is not in a state that allows this.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "The state does not allow this", detail)
    }

    /// 409: the adapter is not better than the one that serves.
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "adapter-refused", "The adapter is not better than the one that serves", detail)
    }

    /// 413: the body is too large.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// 422: the request can be read, but asks for something that cannot be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request asks for something that cannot be", detail)
    }

    /// 429: too many requests at once.
    pub fn busy(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", "Too many requests at once", detail);
        Self { retry_after: Some(5), ..problem }
    }

    /// 429: a question that would not be answered soon.
    pub fn not_admitted(refused: Refused) -> Self {
        match refused {
            Refused::Full(open) => Self::busy(format!("{open} questions are waiting already: ask again in a while")),
            Refused::Late(wait, away) => {
                let seconds = u32::try_from(away.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                let waiting = wait.as_secs();
                let detail =
                    format!("the questions that are waiting already take {waiting} s: ask again in {seconds} s");
                Self { retry_after: Some(seconds), ..Self::busy(detail) }
            }
        }
    }

    /// 429: the caller has had its share.
    pub fn limited(wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(1);
        let detail = format!("the API key has had what it may ask for in a minute: ask again in {seconds} s");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "limited", "The API key has had its share", detail);
        Self { retry_after: Some(u32::try_from(seconds).unwrap_or(u32::MAX)), ..problem }
    }

    /// 499: the caller did not wait for the answer. Nobody reads this; the audit log keeps the status, the one that
    /// proxies log for it.
    fn left() -> Self {
        let status = StatusCode::from_u16(CALLER_LEFT).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, "caller-left", "The caller left", "the connection was closed before the answer was complete")
    }

    /// 503: something that this service needs does not answer.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let title = "Something that this service needs does not answer";
        Self { retry_after: Some(10), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail) }
    }

    /// 504: it took too long.
    pub fn timed_out(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "timed-out", "It took too long", detail)
    }

    /// 500: a defect. The details go to the log, not to the caller.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        let detail = "the server's log says what happened, under this request's x-request-id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(&self)).into_response();
        // For whoever says it again in other words.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<MetadataStoreError> for Problem {
    fn from(error: MetadataStoreError) -> Self {
        match error {
            MetadataStoreError::NotFound { .. } => Self::not_found(error.to_string()),
            MetadataStoreError::Conflict(_) | MetadataStoreError::LeaseLost(_) => Self::conflict(error.to_string()),
            MetadataStoreError::Invalid(_) => Self::invalid(error.to_string()),
            MetadataStoreError::Forbidden(_) => Self::forbidden(error.to_string()),
            MetadataStoreError::Unavailable(_) => unavailable("the database", &error),
            MetadataStoreError::Failed(_) => Self::internal(&error),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            AccessError::Token(error) if error.is_transient() => unavailable("the identity provider", &error),
            error => Self::unauthorized(error.to_string()),
        }
    }
}

impl From<BlobStoreError> for Problem {
    fn from(error: BlobStoreError) -> Self {
        match error {
            BlobStoreError::NotFound(_) => Self::not_found("this version's file is not there any more"),
            BlobStoreError::Unavailable(_) => unavailable("the blob store", &error),
            BlobStoreError::UnknownUrl(_) | BlobStoreError::Damaged(..) => Self::internal(&error),
        }
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::TooLarge(_) => Self::too_large(error.to_string()),
            ReceiveError::Empty => Self::invalid(error.to_string()),
            ReceiveError::Broken(_) | ReceiveError::Stalled => Self::bad_request(error.to_string()),
            ReceiveError::Scratch(_) => unavailable("the scratch directory", &error),
        }
    }
}

impl From<VectorStoreError> for Problem {
    fn from(error: VectorStoreError) -> Self {
        match error {
            VectorStoreError::Invalid(_) => Self::invalid(error.to_string()),
            VectorStoreError::Unavailable(_) => unavailable("the vector store", &error),
            _ => Self::internal(&error),
        }
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Metadata(error) => error.into(),
            IngestError::Blobs(error) => error.into(),
            IngestError::Vectors(error) => error.into(),
            other if other.is_transient() => unavailable("ingestion", &other),
            other => Self::internal(&other),
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Metadata(error) | RegistryError::Fetch(FetchError::Metadata(error)) => error.into(),
            RegistryError::Refused(_) => Self::refused(error.to_string()),
            RegistryError::Fixed { .. } | RegistryError::Suite(_) => Self::conflict(error.to_string()),
            other if other.is_transient() => unavailable("the adapter registry", &other),
            other => Self::internal(&other),
        }
    }
}

impl From<AnswerError> for Problem {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Invalid(detail) => Self::invalid(detail),
            AnswerError::Metadata(error) => error.into(),
            AnswerError::Blobs(error) => error.into(),
            AnswerError::Vectors(error) => error.into(),
            AnswerError::Read(ReaderError::Busy { .. }) => Self::busy("the reader's queue is full: ask again"),
            AnswerError::Generate(GeneratorError::Busy) => Self::busy("the generator's queue is full: ask again"),
            AnswerError::Generate(error @ GeneratorError::PromptTooLong { .. }) => Self::invalid(error.to_string()),
            AnswerError::Embed(error) => error.into(),
            AnswerError::Parts(error) => Self::invalid(error.to_string()),
            AnswerError::CallerLeft => Self::left(),
            other if other.is_transient() => Self::busy("the models are busy: ask again"),
            other => Self::internal(&other),
        }
    }
}

impl From<EmbedderError> for Problem {
    fn from(error: EmbedderError) -> Self {
        match error {
            EmbedderError::TooLong { .. } => Self::invalid(error.to_string()),
            other if other.is_transient() => Self::busy("the embedder is busy: ask again"),
            other => Self::internal(&other),
        }
    }
}

/// The details of a service that does not answer (a host, a path) go to the log.
fn unavailable(what: &str, error: &dyn std::fmt::Display) -> Problem {
    tracing::warn!(%error, "{what} is unavailable");
    Problem::unavailable(format!("{what} does not answer: try again"))
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(rejection.body_text()),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body has another media type than is read here",
                "send JSON with `Content-Type: application/json`",
            ),
            StatusCode::UNPROCESSABLE_ENTITY => Self::invalid(rejection.body_text()),
            _ => Self::bad_request(rejection.body_text()),
        }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

/// For a path that is not served.
pub async fn no_such_route(uri: axum::http::Uri) -> Problem {
    Problem::not_found(format!("`{}` is not served here: see /openapi.json", uri.path()))
}

/// For a method that a path does not have.
pub async fn method_not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "The path has no such method",
        format!("`{}` does not take {method}: see /openapi.json", uri.path()),
    )
}

/// For a handler that panicked.
pub fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    Problem::internal(&message).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::preprocess::parts::TooManyParts;

    #[test]
    fn what_a_caller_has_done_is_no_failure_of_the_server() {
        let many = Problem::from(AnswerError::Parts(TooManyParts(5)));
        assert!(many.status == 422 && many.detail.contains("5 things"), "{many:?}");
        let left = Problem::from(AnswerError::CallerLeft);
        assert_eq!((left.status, left.name()), (CALLER_LEFT, "caller-left"));
    }
}
