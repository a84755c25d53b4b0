//! `POST /v1/ask`: a question, and its answer in one piece or as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension, Json as Body,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::StreamExt;
use tracing::Span;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    answering::{Streamed, TakenIn},
    audit::{Asked, RecordedLater},
    extract::Json,
};
use crate::{
    access::Caller,
    answer::AnswerEvent,
    app::App,
    domain::{Outcome, Question},
};

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(ask))
}

/// Ask a question
///
/// With `stream: true` the response is `text/event-stream`: `stage` and `sentence` events while the answer is being
/// made, then one `outcome` event with exactly the JSON that a plain request gets, or one `problem` event.
#[utoipa::path(
    post, path = "/v1/ask", tag = "ask", security(("key" = ["ask"])), request_body = Question,
    responses(
        (status = OK, content((Outcome = "application/json"), (AnswerEvent = "text/event-stream"))),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
        (status = GATEWAY_TIMEOUT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    asked: Option<Extension<Asked>>,
    Json(question): Json<Question>,
) -> Result<Response, Problem> {
    let is_streamed = question.stream;
    let taken = TakenIn::new(app, caller, question).await?;
    if is_streamed {
        return Ok(stream(taken.stream(asked.map(|Extension(asked)| asked))));
    }
    let (details, outcome) = taken.answer().await;
    Ok((Extension(details), outcome.map(Body)).into_response())
}

fn stream(Streamed { events, outcome }: Streamed) -> Response {
    let events = events.filter_map(|event| async move {
        let name = match event {
            AnswerEvent::Stage { .. } => "stage",
            AnswerEvent::Sentence { .. } => "sentence",
        };
        Event::default().event(name).json_data(event).ok()
    });
    // The events are written when the handler has returned.
    let span = Span::current();
    let last = futures::stream::once(outcome).filter_map(move |result| {
        let span = span.clone();
        async move {
            // Who reads this is still there: what has made the answer is not.
            let ended = || span.in_scope(|| Err(Problem::internal(&"an answer ended without an outcome")));
            let event = match result.unwrap_or_else(|_| ended()) {
                Ok(outcome) => Event::default().event("outcome").json_data(outcome),
                Err(problem) => Event::default().event("problem").json_data(problem),
            };
            event.inspect_err(|error| span.in_scope(|| tracing::error!(%error, "an event could not be written"))).ok()
        }
    });
    let events = Sse::new(events.chain(last).map(Ok::<_, Infallible>));
    (Extension(RecordedLater), events.keep_alive(KeepAlive::new().interval(Duration::from_secs(10)))).into_response()
}
