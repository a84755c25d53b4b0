//! Axum's extractors with problem documents for what they reject.
//!
//! May depend on axum, serde and `error` only.

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Problem;

/// A JSON body: an object. Our deserializer would take a list too, its elements for members in their order.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(body) = <axum::Json<Box<RawValue>> as FromRequest<S>>::from_request(request, state).await?;
        object(&body).map(Self)
    }
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct OptionalJson<T>(pub Option<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = <axum::Json<Box<RawValue>> as OptionalFromRequest<S>>::from_request(request, state).await?;
        match body {
            // A body that says `null` says no more than none.
            Some(axum::Json(body)) if body.get() != "null" => object(&body).map(|object| Self(Some(object))),
            _ => Ok(Self(None)),
        }
    }
}

fn object<T: DeserializeOwned>(body: &RawValue) -> Result<T, Problem> {
    if !body.get().starts_with('{') {
        return Err(Problem::invalid("the body is JSON, but no object"));
    }
    let mut reader = serde_json::Deserializer::from_str(body.get());
    // With the member that is wrong, which the error alone does not name.
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| Problem::invalid(format!("the body says what cannot be: {error}")))
}

/// Query parameters.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// Path parameters.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);
