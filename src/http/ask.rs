//! `POST /v1/ask`: a question, and its answer in one piece or as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json as Body,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Problem, extract::Json};
use crate::{
    answer::{self, AnswerError, AnswerEvent, AnswerServices, Found},
    app::App,
    domain::{Outcome, Question},
    ingest::Asking,
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
    post, path = "/v1/ask", tag = "ask", request_body = Question,
    responses(
        (status = OK, content((Outcome = "application/json"), (AnswerEvent = "text/event-stream"))),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
        (status = GATEWAY_TIMEOUT, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn ask(State(app): State<Arc<App>>, Json(mut question): Json<Question>) -> Result<Response, Problem> {
    let services =
        app.answering().ok_or_else(|| Problem::unavailable("this process was started without a generator"))?;
    let slot = app.ask_slots.clone().try_acquire_owned().map_err(|_| {
        Problem::busy(format!("{} questions are waiting already: ask again in a while", app.config.ask_queue))
    })?;
    let slot = (slot, app.ingest.questions.begin());
    answer::resume(&*app.metadata, &mut question).await?;
    if question.stream {
        return Ok(stream(app, services, question, slot));
    }
    let outcome = finish(&app, answer_and_act(&app, &services, question, None)).await?;
    drop(slot);
    Ok(Body(outcome).into_response())
}

/// Answers a question, and does what the rules ask for.
async fn answer_and_act(
    app: &App,
    services: &AnswerServices,
    question: Question,
    events: Option<mpsc::Sender<AnswerEvent>>,
) -> Result<Outcome, AnswerError> {
    let (mut outcome, passages) = answer::answer_with_evidence(services, question.clone(), events).await?;
    let found = Found { passages: &passages, question_vector: None };
    answer::carry_out(&app.act, &question, &mut outcome, found).await?;
    Ok(outcome)
}

async fn finish(
    app: &App,
    work: impl Future<Output = Result<Outcome, answer::AnswerError>>,
) -> Result<Outcome, Problem> {
    let seconds = app.config.ask_timeout.as_secs();
    let outcome = tokio::time::timeout(app.config.ask_timeout, work).await.map_err(|_| {
        Problem::timed_out(format!("the answer took longer than {seconds} s: ask a shorter question, or one at a time"))
    })??;
    app.metrics.answer(&outcome);
    Ok(outcome)
}

/// A place among the questions that may wait, and the sign that one is being answered.
type Slot = (OwnedSemaphorePermit, Asking);

fn stream(app: Arc<App>, services: Arc<AnswerServices>, question: Question, slot: Slot) -> Response {
    let (sender, receiver) = mpsc::channel::<AnswerEvent>(16);
    let (last, outcome) = tokio::sync::oneshot::channel::<Event>();
    // When the caller goes away the stream is dropped, its receiver with it, and the work ends at its next event.
    tokio::spawn(async move {
        let _slot = slot;
        let result = finish(&app, answer_and_act(&app, &services, question, Some(sender))).await;
        let event = match result {
            Ok(outcome) => Event::default().event("outcome").json_data(outcome),
            Err(problem) => Event::default().event("problem").json_data(problem),
        };
        match event {
            // A caller that left does not read the outcome.
            Ok(event) => drop(last.send(event)),
            Err(error) => tracing::error!(%error, "an event could not be written"),
        }
    });
    let events = ReceiverStream::new(receiver).filter_map(|event| async move {
        let name = match event {
            AnswerEvent::Stage { .. } => "stage",
            AnswerEvent::Sentence { .. } => "sentence",
        };
        Event::default().event(name).json_data(event).ok()
    });
    let last = futures::stream::once(outcome).filter_map(|event| async { event.ok() });
    Sse::new(events.chain(last).map(Ok::<_, Infallible>))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(10)))
        .into_response()
}
