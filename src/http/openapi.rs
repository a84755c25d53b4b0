//! The OpenAPI 3.1 document: made from the handlers, so that it cannot say something else than they do.
//!
//! May depend on utoipa only.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use utoipa::{
    OpenApi as _,
    openapi::{
        OpenApi, Ref, RefOr,
        content::ContentBuilder,
        response::ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::Problem;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Footnote",
        description = "Question answering over your own documents, with footnotes that can be checked.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem)),
    security(("key" = []))
)]
struct Base;

/// The document before the routes are added.
pub fn base() -> OpenApi {
    Base::openapi()
}

/// Adds what holds for every route: the key, and the problems that any of them can answer with.
pub fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    components
        .add_security_scheme("key", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
    for item in document.paths.paths.values_mut() {
        let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            let of_body =
                [("413", "The body is too large"), ("415", "The body has another media type than is read here")];
            let of_body = of_body.into_iter().filter(|_| operation.request_body.is_some());
            for (status, text) in [
                ("400", "The request cannot be read"),
                ("401", "The API key is missing, unknown, expired or revoked"),
                ("403", "The API key is not for this; or there is none, and the request comes from elsewhere"),
                ("429", "There are too many requests at once, or the API key has had its share"),
                ("422", "The request asks for something that cannot be"),
                ("500", "The server failed"),
                ("503", "Something that this service needs does not answer"),
            ]
            .into_iter()
            .chain(of_body)
            {
                let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
                let problem = ResponseBuilder::new()
                    .description(text)
                    .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build());
                operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem.build().into());
            }
            // A response without a description is none: generators of clients refuse the document.
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    response.description = described(status).to_owned();
                }
            }
        }
    }
    document
}

/// What a status says, where its handler does not say it.
fn described(status: &str) -> &'static str {
    match status {
        "200" => "Done: what was asked for",
        "201" => "It was made",
        "202" => "It was taken, and is worked on",
        "404" => "There is no such thing, or the caller may not see it",
        "409" => "The state does not allow this",
        "413" => "The body is too large",
        "429" => "There are too many requests at once, or the API key has had its share",
        "504" => "It took too long",
        _ => "The answer",
    }
}

/// Serves the document.
pub fn router(document: Arc<OpenApi>) -> Router {
    Router::new().route("/openapi.json", get(move || async move { Json(document.as_ref().clone()) }))
}
