//! `GET /v1/models`: what can be asked for as a model.
//!
//! May depend on `app` and `access`.

use std::sync::Arc;

use axum::{Json as Body, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::Caller,
    app::App,
    domain::{DEFAULT_COLLECTION, ModelVersions},
    http::{Problem, extract::Path},
};

/// The model that answers from the collection `default`.
const ANSWERS: &str = "footnote";

/// The routes of this resource.
pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// The collection that a model answers from; the default one for the bare name.
pub(super) fn collection_of(model: &str) -> Result<Option<String>, Problem> {
    match model.strip_prefix(ANSWERS) {
        Some("") => Ok(None),
        Some(rest) if rest.len() > 1 && rest.starts_with(':') => Ok(Some(rest[1..].to_owned())),
        _ => Err(unknown(model)),
    }
}

pub(super) fn unknown(model: &str) -> Problem {
    Problem::not_found(format!(
        "there is no model `{model}`: `{ANSWERS}` answers, `{ANSWERS}:` and the name of a collection answers from that \
         one, and /v1/models lists them with the one that embeds"
    ))
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
struct Model {
    /// What to ask for.
    id: String,
    /// `model`.
    object: &'static str,
    /// Not known: 0.
    created: i64,
    /// `footnote`.
    owned_by: &'static str,
    /// Which models answer, for one that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    footnote: Option<ModelVersions>,
}

/// The models.
#[derive(Debug, Serialize, ToSchema)]
struct ModelList {
    /// `list`.
    object: &'static str,
    /// Those that answer, one for each collection that the key names, and the one that embeds.
    data: Vec<Model>,
}

/// List what can be asked for as a model
#[utoipa::path(
    get, path = "/v1/models", operation_id = "list_models", tag = "openai", security(("key" = ["ask"])),
    responses((status = OK, body = ModelList))
)]
async fn list(State(app): State<Arc<App>>, caller: Caller) -> Body<ModelList> {
    let collections = &caller.access().collections;
    let named = collections.as_list().unwrap_or_default();
    // Who may not ask the default collection is not offered what answers from it.
    let mut ids: Vec<String> = collections.allows(DEFAULT_COLLECTION).then(|| ANSWERS.to_owned()).into_iter().collect();
    ids.extend(named.iter().map(|collection| format!("{ANSWERS}:{collection}")));
    let answering = ids.into_iter().map(|id| answers(&app, id));
    let embeds = model(app.retrieve.embedders.serving().stamp().name.clone(), None);
    Body(ModelList { object: "list", data: answering.chain([embeds]).collect() })
}

/// Show what can be asked for as a model
#[utoipa::path(
    get, path = "/v1/models/{id}", operation_id = "show_model", tag = "openai", security(("key" = ["ask"])),
    params(("id" = String, Path)),
    responses(
        (status = OK, body = Model),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Body<Model>, Problem> {
    if id == app.retrieve.embedders.serving().stamp().name {
        return Ok(Body(model(id, None)));
    }
    // A collection that the caller may not read is not told from one that is not there.
    let collection = collection_of(&id)?;
    match caller.access().collections.allows(collection.as_deref().unwrap_or(DEFAULT_COLLECTION)) {
        true => Ok(Body(answers(&app, id))),
        false => Err(unknown(&id)),
    }
}

fn answers(app: &App, id: String) -> Model {
    model(id, app.answering().map(|services| services.models()))
}

fn model(id: String, footnote: Option<ModelVersions>) -> Model {
    Model { id, object: "model", created: 0, owned_by: "footnote", footnote }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_model_names_its_collection() {
        assert_eq!(collection_of("footnote").unwrap(), None);
        assert_eq!(collection_of("footnote:hr").unwrap(), Some("hr".to_owned()));
        for other in ["gpt-4o", "footnotes", "footnote:", ""] {
            assert_eq!(collection_of(other).unwrap_err().status, 404);
        }
    }
}
