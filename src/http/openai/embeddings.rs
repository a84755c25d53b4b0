//! `POST /v1/embeddings`: the vectors that the index is searched by.
//!
//! May depend on `app` and `models::embedder`.

use std::sync::Arc;

use axum::{Extension, Json as Body, extract::State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::models;
use crate::{
    app::App,
    http::{Problem, audit::Details, extract::Json},
    models::embedder::EmbedderError,
};

/// The most texts of a request.
const MOST_TEXTS: usize = 256;

/// The routes of this resource.
pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(embed))
}

/// Texts to be embedded.
#[derive(Debug, Deserialize, ToSchema)]
struct EmbeddingsRequest {
    /// The embedder's name, as `/v1/models` lists it.
    model: String,
    input: Input,
    #[serde(default)]
    encoding_format: Option<EncodingFormat>,
    /// As many as the embedder makes.
    #[serde(default)]
    dimensions: Option<u32>,
    /// What that protocol has no place for.
    #[serde(default)]
    footnote: Option<EmbedOptions>,
    /// Members that change nothing here, such as `user`: they are named in `footnote.ignored`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    others: Map<String, Value>,
}

/// What is embedded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "`input` is a text or a list of texts: the numbers of a tokenizer are not read")]
enum Input {
    /// One text.
    One(String),
    /// 1 to 256 texts.
    Many(Vec<String>),
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum EncodingFormat {
    /// As numbers.
    Float,
    /// As the base64 of 32-bit floating-point numbers, the lowest byte first.
    Base64,
}

/// What the embedder can be told besides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EmbedOptions {
    input_type: InputType,
}

/// What the texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum InputType {
    /// Passages to be found.
    Passage,
    /// A question to find them with.
    Query,
}

/// The vectors.
#[derive(Debug, Serialize, ToSchema)]
struct Embeddings {
    /// `list`.
    object: &'static str,
    /// One for each text, in order.
    data: Vec<Embedding>,
    /// The embedder.
    model: String,
    usage: EmbeddingsUsage,
    footnote: Ignored,
}

/// What has changed nothing.
#[derive(Debug, Serialize, ToSchema)]
struct Ignored {
    /// Members of the request.
    ignored: Vec<String>,
}

/// A vector.
#[derive(Debug, Serialize, ToSchema)]
struct Embedding {
    /// `embedding`.
    object: &'static str,
    /// Which of the texts it is of, from 0.
    index: usize,
    embedding: Vector,
}

/// A vector of length 1, as it was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Vector {
    /// As numbers.
    Float(Vec<f32>),
    /// In base64.
    Base64(String),
}

/// What was read.
#[derive(Debug, Serialize, ToSchema)]
struct EmbeddingsUsage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// Embed texts
///
/// For programs that speak OpenAI's protocol: the vectors of the embedder that the index is searched by. A text that is too
/// long for it is refused, not cut.
#[utoipa::path(
    post, path = "/v1/embeddings", operation_id = "embed", tag = "openai", security(("key" = ["ask"])),
    request_body = EmbeddingsRequest,
    responses(
        (status = OK, body = Embeddings),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
        (status = GATEWAY_TIMEOUT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn embed(
    State(app): State<Arc<App>>,
    Json(request): Json<EmbeddingsRequest>,
) -> Result<(Extension<Details>, Body<Embeddings>), Problem> {
    let embedder = app.retrieve.embedders.serving();
    let stamp = embedder.stamp();
    if request.model != stamp.name {
        return Err(models::unknown(&request.model));
    }
    if request.dimensions.is_some_and(|dimensions| dimensions != stamp.dimension) {
        return Err(Problem::invalid(format!("`dimensions` must be {} or absent", stamp.dimension)));
    }
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    if texts.is_empty() || texts.len() > MOST_TEXTS {
        return Err(Problem::invalid(format!("`input` must have 1 to {MOST_TEXTS} texts, and has {}", texts.len())));
    }
    if let Some(empty) = texts.iter().position(|text| text.trim().is_empty()) {
        return Err(Problem::invalid(format!("input[{empty}] has no words")));
    }
    let _slot = app.search_slots.try_acquire().map_err(|_| {
        Problem::busy(format!("{} searches are waiting already: embed again in a while", app.config.ask_queue))
    })?;
    let (counter, count) = (embedder.token_counter(), texts.len());
    let input_type = request.footnote.map_or(InputType::Passage, |options| options.input_type);
    let work = async {
        let counted = texts.clone();
        let tokens = tokio::task::spawn_blocking(move || counted.iter().map(|text| counter(text)).sum::<usize>());
        let vectors = match input_type {
            InputType::Passage => embedder.embed_passages_first(texts).await?,
            InputType::Query => {
                let mut vectors = Vec::with_capacity(texts.len());
                for (number, text) in texts.into_iter().enumerate() {
                    let vector = embedder.embed_question(text).await;
                    vectors.push(vector.map_err(|error| of_text(number, error))?);
                }
                vectors
            }
        };
        Ok::<_, Problem>((tokens.await.map_err(|error| Problem::internal(&error))?, vectors))
    };
    let (tokens, vectors) = tokio::time::timeout(app.config.ask_timeout, work)
        .await
        .map_err(|_| Problem::timed_out("embedding took too long: send fewer texts"))??;
    let written = |vector: Vec<f32>| match request.encoding_format {
        Some(EncodingFormat::Base64) => {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Vector::Base64(STANDARD.encode(bytes))
        }
        _ => Vector::Float(vector),
    };
    let embeddings = Embeddings {
        object: "list",
        data: vectors
            .into_iter()
            .enumerate()
            .map(|(index, vector)| Embedding { object: "embedding", index, embedding: written(vector) })
            .collect(),
        model: stamp.name.clone(),
        usage: EmbeddingsUsage { prompt_tokens: tokens, total_tokens: tokens },
        footnote: Ignored {
            ignored: request.others.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name).collect(),
        },
    };
    Ok((Extension(Details::of(json!({"texts": count}))), Body(embeddings)))
}

/// What went wrong with one of the texts that are embedded one by one, with its place among them.
fn of_text(number: usize, error: EmbedderError) -> EmbedderError {
    match error {
        EmbedderError::TooLong { tokens, max, .. } => EmbedderError::TooLong { index: number, tokens, max },
        error => error,
    }
}
