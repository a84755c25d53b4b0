//! `POST /v1/chat/completions`: a question as a chat, answered in one piece or in chunks.
//!
//! May depend on `answering`, `messages` and `chunks`.

use std::sync::Arc;

use axum::{
    Extension, Json as Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Annotation, base_of, chunks, messages, models};
use crate::{
    access::Caller,
    app::App,
    domain::{ConversationId, Filter, Outcome, OutcomeKind, Question},
    http::{Problem, answering::TakenIn, audit, extract::Json},
};

/// The routes of this resource.
pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(chat))
}

/// A chat whose last message is a question.
#[derive(Debug, Deserialize, ToSchema)]
struct ChatRequest {
    /// `footnote`, or `footnote:` and the name of the collection to look in.
    model: String,
    /// What was said, oldest first; the last message is a user's.
    messages: Vec<messages::Message>,
    /// Whether the answer is sent in chunks while it is being made.
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    /// There is one answer.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1)]
    n: Option<u32>,
    /// What that protocol has no place for.
    #[serde(default)]
    footnote: Option<AskOptions>,
    /// Members that change nothing here, such as `temperature`: they are named in `footnote.ignored`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    others: Map<String, Value>,
}

/// How chunks are sent.
#[derive(Debug, Deserialize, ToSchema)]
struct StreamOptions {
    /// Whether a last chunk says what the answer cost.
    #[serde(default)]
    include_usage: Option<bool>,
    /// Members that change nothing here: they are named in `footnote.ignored`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    others: Map<String, Value>,
}

/// What a question can say besides its words.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskOptions {
    /// Narrows the documents that are looked at.
    #[serde(default)]
    filter: Option<Filter>,
    /// The stored conversation that this question goes on with, in place of the messages before it.
    #[serde(default)]
    conversation_id: Option<ConversationId>,
    /// How many passages to find, 1 to 50.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    top_k: Option<u32>,
    /// Whether a stored conversation begins here.
    #[serde(default)]
    store: bool,
}

/// The answer to a chat.
#[derive(Debug, Serialize, ToSchema)]
struct ChatCompletion {
    /// `chatcmpl-` and the answer's identifier.
    id: String,
    /// `chat.completion`.
    object: &'static str,
    /// When it was answered, in seconds since 1970.
    created: i64,
    /// The model as it was asked for.
    model: String,
    /// The one answer.
    choices: Vec<Choice>,
    usage: ChatUsage,
    footnote: Extra,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
struct Choice {
    index: u32,
    message: AnswerMessage,
    /// Not computed.
    logprobs: Option<Value>,
    /// `stop`.
    finish_reason: &'static str,
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
struct AnswerMessage {
    /// `assistant`.
    role: &'static str,
    /// The answer in words; for an abstention, the sentence that says so. Of several questions, those that are not
    /// answered are named at its end.
    content: String,
    /// The same sentence where the documents do not hold the answer, or the request is none that they answer.
    refusal: Option<String>,
    /// The footnotes.
    annotations: Vec<Annotation>,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct ChatUsage {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
}

/// What that protocol has no place for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Extra {
    /// The outcome, as `/v1/ask` answers it: with every footnote's quote and place.
    outcome: Outcome,
    /// What of the request has changed nothing.
    ignored: Vec<String>,
}

/// An answer in the parts that both forms have.
pub(super) struct Said {
    pub(super) refusal: Option<String>,
    pub(super) annotations: Vec<Annotation>,
    pub(super) usage: ChatUsage,
    pub(super) extra: Extra,
}

/// What is the same for all of an answer.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    pub(super) created: i64,
    pub(super) model: String,
    pub(super) include_usage: bool,
    base: String,
    ignored: Vec<String>,
}

/// Which of several questions are not answered, as it stands behind the answer to the others: a chat shows its content
/// only, and of these that would say nothing.
pub(super) fn left_open(outcome: &Outcome) -> Option<String> {
    let parts = outcome.question.parts.iter().filter(|_| outcome.outcome == OutcomeKind::Partial);
    let open = parts.filter(|part| part.outcome != OutcomeKind::Answered).map(|part| match part.outcome {
        OutcomeKind::Clarify => format!("(not answered, since it has several readings: {})", part.question),
        _ => format!("(not answered: {})", part.question),
    });
    let open: Vec<String> = open.collect();
    (!open.is_empty()).then(|| format!("\n\n{}", open.join("\n")))
}

impl Heading {
    pub(super) fn say(self, outcome: Outcome) -> Said {
        let declines = matches!(outcome.outcome, OutcomeKind::Abstained | OutcomeKind::Blocked);
        let usage = outcome.usage;
        Said {
            refusal: declines.then(|| outcome.answer.clone()),
            annotations: outcome.citations.iter().map(|citation| Annotation::of(citation, &self.base)).collect(),
            usage: ChatUsage {
                prompt_tokens: usage.prompt_tokens,
                completion_tokens: usage.completion_tokens,
                total_tokens: usage.prompt_tokens.saturating_add(usage.completion_tokens),
            },
            extra: Extra { outcome, ignored: self.ignored },
        }
    }
}

/// Ask as a chat
///
/// For programs that speak OpenAI's protocol. The last message is answered from the documents; earlier ones are what it may
/// lean on. With `stream: true` the response is `text/event-stream`: chunks with the sentences of the answer, one with its
/// footnotes, and `[DONE]`.
#[utoipa::path(
    post, path = "/v1/chat/completions", operation_id = "complete_chat", tag = "openai", security(("key" = ["ask"])),
    request_body = ChatRequest,
    responses(
        (status = OK, content((ChatCompletion = "application/json"), (chunks::Chunk = "text/event-stream"))),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
        (status = GATEWAY_TIMEOUT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    recorded: Option<Extension<audit::Asked>>,
    headers: HeaderMap,
    Json(request): Json<ChatRequest>,
) -> Result<Response, Problem> {
    if request.n.is_some_and(|n| n != 1) {
        return Err(Problem::invalid("`n` must be 1: there is one answer to a question"));
    }
    let collection = models::collection_of(&request.model)?;
    let asked = messages::asked(request.messages)?;
    let AskOptions { filter, conversation_id, top_k, store } = request.footnote.unwrap_or_default();
    let mut ignored = asked.ignored;
    ignored.extend(given(request.others));
    let history = match conversation_id {
        Some(_) if !asked.history.is_empty() => {
            ignored.push("the messages before the last: the stored conversation has its own".to_owned());
            Vec::new()
        }
        _ => asked.history,
    };
    let is_streamed = request.stream.unwrap_or_default();
    let include_usage = request.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or_default();
    match request.stream_options {
        Some(options) if is_streamed => {
            ignored.extend(given(options.others).map(|name| format!("stream_options.{name}")));
        }
        Some(_) => ignored.push("stream_options".to_owned()),
        None => {}
    }
    let question =
        Question { collection, filter, conversation_id, history, top_k, store, ..Question::new(asked.question) };
    let heading = Heading {
        created: Utc::now().timestamp(),
        model: request.model,
        include_usage,
        base: base_of(&app, &headers),
        ignored,
    };
    let taken = TakenIn::new(app, caller, question).await?;
    if is_streamed {
        return Ok(chunks::stream(taken.stream(recorded.map(|Extension(asked)| asked)), heading).await);
    }
    let (details, outcome) = taken.answer().await;
    let completion = outcome.map(|outcome| Body(completion(outcome, heading)));
    Ok((Extension(details), completion).into_response())
}

/// The members of a request that say something.
fn given(others: Map<String, Value>) -> impl Iterator<Item = String> {
    others.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name)
}

/// An answer in one piece.
fn completion(outcome: Outcome, heading: Heading) -> ChatCompletion {
    let id = format!("chatcmpl-{}", outcome.id);
    let (created, model) = (heading.created, heading.model.clone());
    let content = outcome.answer.clone() + &left_open(&outcome).unwrap_or_default();
    let Said { refusal, annotations, usage, extra } = heading.say(outcome);
    let message = AnswerMessage { role: "assistant", content, refusal, annotations };
    let choice = Choice { index: 0, message, logprobs: None, finish_reason: "stop" };
    let object = "chat.completion";
    ChatCompletion { id, object, created, model, choices: vec![choice], usage, footnote: extra }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::domain::AnswerId;

    /// An outcome whose parts ended so.
    fn outcome(outcome: &str, parts: [&str; 3]) -> Outcome {
        let part = |(number, ended): (usize, &str)| {
            let question = format!("Question {number}?");
            json!({"question": question, "outcome": ended, "confidence": 0.5})
        };
        let parts: Vec<Value> = parts.into_iter().enumerate().map(part).collect();
        let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "passages_read": 1, "passages_left_out": 0});
        let timings = serde_json::to_value(crate::domain::Timings::default()).unwrap();
        serde_json::from_value(json!({
            "id": AnswerId::new(), "outcome": outcome, "answer": "Thirty days.", "confidence": 0.5, "citations": [],
            "question": {"original": "x", "interpreted": "x", "kind": "question", "corrections": [], "parts": parts},
            "actions": [], "usage": usage, "timings_ms": timings,
            "model": {"reader": null, "generator": "g", "adapter": null, "embedder": "e", "index": 1},
        }))
        .unwrap()
    }

    #[test]
    fn questions_that_are_not_answered_are_named_behind_the_answer_to_the_others() {
        let partial = outcome("partial", ["answered", "abstained", "clarify"]);
        let open = "(not answered: Question 1?)\n(not answered, since it has several readings: Question 2?)";
        assert_eq!(left_open(&partial).unwrap(), format!("\n\n{open}"));
        // What says so itself is left as it is.
        assert_eq!(left_open(&outcome("abstained", ["abstained"; 3])), None);
        assert_eq!(left_open(&outcome("answered", ["answered"; 3])), None);
        let heading = Heading {
            created: 1,
            model: "footnote".into(),
            include_usage: false,
            base: String::new(),
            ignored: vec![],
        };
        let said = serde_json::to_value(completion(partial, heading)).unwrap();
        let message = &said["choices"][0]["message"];
        assert_eq!(message["content"], format!("Thirty days.\n\n{open}"));
        assert_eq!(
            (&message["refusal"], &said["footnote"]["outcome"]["answer"]),
            (&Value::Null, &json!("Thirty days."))
        );
    }
}
