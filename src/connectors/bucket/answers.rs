//! The client for S3, with the answers to its list requests read before it reads them: see `names`.
//!
//! Depends on `object_store`'s client.

use async_trait::async_trait;
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
    },
};

use super::names;

/// Makes clients that go by the answers as `names` writes them.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Answers(ReqwestConnector::default().connect(options)?)))
    }
}

#[derive(Debug)]
struct Answers(HttpClient);

#[async_trait]
impl HttpService for Answers {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let lists = request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "list-type=2"));
        let response = self.0.execute(request).await?;
        if !lists || !response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let answer = String::from_utf8(body.bytes().await?.into())
            .map_err(|error| HttpError::new(HttpErrorKind::Decode, error))?;
        Ok(HttpResponse::from_parts(parts, names::askable(&answer).into()))
    }
}
