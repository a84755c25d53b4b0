//! The chunks in which an answer is sent while it is being made.
//!
//! The first names the role, each of the next holds a sentence, the last of the answer its footnotes; then, where it was
//! asked for, what it cost; then `[DONE]`. A request that cannot be served is refused with its status, as if it asked for
//! one piece: many clients look at nothing else. May depend on `answering` and `chat`.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::StreamExt as _;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Annotation,
    chat::{ChatUsage, Extra, Heading, Said, left_open},
    error_of,
};
use crate::{
    answer::AnswerEvent,
    domain::Outcome,
    http::{Problem, answering::Streamed, audit::RecordedLater},
};

/// How many chunks wait for a reader that is slow.
const CHUNKS: usize = 16;

/// A part of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Chunk {
    /// The same for all chunks of an answer.
    id: String,
    /// `chat.completion.chunk`.
    object: &'static str,
    /// When the answer began, in seconds since 1970.
    created: i64,
    /// The model as it was asked for.
    model: String,
    /// One; none in the chunk that says what the answer cost.
    choices: Vec<ChunkChoice>,
    /// In the chunk after the answer, where `stream_options.include_usage` asks for it; null in those before it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ChatUsage>)]
    usage: Option<Option<ChatUsage>>,
    /// In the last chunk of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    footnote: Option<Extra>,
}

/// What a chunk adds to an answer.
#[derive(Debug, Serialize, ToSchema)]
struct ChunkChoice {
    index: u32,
    delta: Delta,
    /// Not computed.
    logprobs: Option<Value>,
    /// `stop` in the last chunk of the answer.
    finish_reason: Option<&'static str>,
}

/// What is added.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

/// The stage in which is found out whether a question can be asked.
const CHECKS: &str = "preprocess";

/// Sends chunks while an answer is being made, from when it is known that the question can be asked.
pub(super) async fn stream(mut streamed: Streamed, heading: Heading) -> Response {
    let first = loop {
        match streamed.events.next().await {
            Some(AnswerEvent::Stage { stage: CHECKS }) => {}
            Some(event) => break event,
            None => {
                let problem = match ended(streamed.outcome).await {
                    Err(problem) => problem,
                    Ok(_) => Problem::internal(&"an answer ended without its stages"),
                };
                return (Extension(RecordedLater), problem).into_response();
            }
        }
    };
    let (sender, receiver) = mpsc::channel(CHUNKS);
    // Ends when nobody reads: its receiver goes, and with it the answer's events.
    tokio::spawn(send(first, streamed, heading, sender).in_current_span());
    let events = Sse::new(ReceiverStream::new(receiver).map(Ok::<_, Infallible>));
    (Extension(RecordedLater), events.keep_alive(KeepAlive::new().interval(Duration::from_secs(10)))).into_response()
}

/// How an answer ended.
async fn ended(outcome: oneshot::Receiver<Result<Outcome, Problem>>) -> Result<Outcome, Problem> {
    outcome.await.unwrap_or_else(|_| Err(Problem::internal(&"an answer ended without an outcome")))
}

async fn send(first: AnswerEvent, streamed: Streamed, heading: Heading, to: mpsc::Sender<Event>) {
    // The answer's identifier is known at its end only.
    let id = format!("chatcmpl-{}", Uuid::now_v7().simple());
    if let Err(Left) = send_all(first, streamed, heading, &id, &to).await {
        tracing::debug!("a caller left before the end of its answer");
    }
}

/// Nobody reads any more.
struct Left;

async fn send_all(
    first: AnswerEvent,
    streamed: Streamed,
    heading: Heading,
    id: &str,
    to: &mpsc::Sender<Event>,
) -> Result<(), Left> {
    let chunk = |delta: Option<Delta>, end: Option<&'static str>| Chunk {
        id: id.to_owned(),
        object: "chat.completion.chunk",
        created: heading.created,
        model: heading.model.clone(),
        choices: delta
            .map(|delta| ChunkChoice { index: 0, delta, logprobs: None, finish_reason: end })
            .into_iter()
            .collect(),
        usage: heading.include_usage.then_some(None),
        footnote: None,
    };
    let content = |content: String| chunk(Some(Delta { content: Some(content), ..Delta::default() }), None);
    let begins = Delta { role: Some("assistant"), content: Some(String::new()), ..Delta::default() };
    give(to, &chunk(Some(begins), None)).await?;
    let Streamed { mut events, outcome } = streamed;
    let (mut is_begun, mut next) = (false, Some(first));
    while let Some(event) = next {
        if let AnswerEvent::Sentence { text, .. } = event {
            give(to, &content(text)).await?;
            is_begun = true;
        }
        // Long before its first sentence an answer ends for which nobody waits.
        next = tokio::select! {
            event = events.next() => event,
            () = to.closed() => return Err(Left),
        };
    }
    let outcome = match ended(outcome).await {
        Ok(outcome) => outcome,
        Err(problem) => return give(to, &failed(&problem)).await,
    };
    // Sentences are those of an answer: what else is said comes at the end.
    if !is_begun {
        give(to, &content(outcome.answer.clone())).await?;
    }
    if let Some(open) = left_open(&outcome) {
        give(to, &content(open)).await?;
    }
    let include_usage = heading.include_usage;
    let Said { refusal, annotations, usage, extra } = heading.clone().say(outcome);
    let last = chunk(Some(Delta { refusal, annotations, ..Delta::default() }), Some("stop"));
    give(to, &Chunk { footnote: Some(extra), ..last }).await?;
    if include_usage {
        give(to, &Chunk { usage: Some(Some(usage)), ..chunk(None, None) }).await?;
    }
    to.send(Event::default().data("[DONE]")).await.map_err(|_| Left)
}

/// A problem as clients of that protocol expect it in a stream.
fn failed(problem: &Problem) -> Value {
    json!({"error": error_of(problem)})
}

async fn give(to: &mpsc::Sender<Event>, what: &impl Serialize) -> Result<(), Left> {
    match Event::default().json_data(what) {
        Ok(event) => to.send(event).await.map_err(|_| Left),
        Err(error) => {
            tracing::error!(%error, "a chunk could not be written");
            Err(Left)
        }
    }
}
