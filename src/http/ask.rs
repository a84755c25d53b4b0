//! `POST /v1/ask`: a question, and its answer in one piece or as server-sent events.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Json as Body,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::StreamExt;
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    audit::{Asked, Details, RecordedLater},
    auth::check_collection,
    extract::Json,
};
use crate::{
    access::Caller,
    answer::{self, AnswerError, AnswerEvent, AnswerServices, Found},
    app::App,
    domain::{DEFAULT_COLLECTION, DocumentId, Outcome, Question},
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
    Json(mut question): Json<Question>,
) -> Result<Response, Problem> {
    let services =
        app.answering().ok_or_else(|| Problem::unavailable("this process was started without a generator"))?;
    let slot = app.ask_slots.clone().try_acquire_owned().map_err(|_| {
        Problem::busy(format!("{} questions are waiting already: ask again in a while", app.config.ask_queue))
    })?;
    let slot = (slot, app.ingest.questions.begin());
    question.asker = caller.asker.clone();
    answer::resume(&*app.metadata, &mut question).await?;
    check_collection(&caller, question.collection.as_deref().unwrap_or(DEFAULT_COLLECTION))?;
    if question.stream {
        let asked = asked.map(|Extension(asked)| asked);
        return Ok(stream(app, services, question, slot, (caller.actor, asked)));
    }
    let said = said(&app, &question);
    let outcome = finish(&app, &caller.actor, answer_and_act(&app, &services, question, None)).await?;
    drop(slot);
    Ok((Extension(details(said, Some(&outcome))), Body(outcome)).into_response())
}

/// What the audit log says of a question, whatever comes of it.
fn said(app: &App, question: &Question) -> Map<String, Value> {
    let mut said = Map::new();
    let collection = question.collection.as_deref().unwrap_or(DEFAULT_COLLECTION);
    said.insert("collection".to_owned(), json!(collection));
    if app.config.audit_questions {
        said.insert("question".to_owned(), json!(question.question));
    }
    said
}

/// What the audit log says of a question and its outcome: which documents were shown, and none of their words.
fn details(mut said: Map<String, Value>, outcome: Option<&Outcome>) -> Details {
    if let Some(outcome) = outcome {
        let cited: BTreeSet<DocumentId> = outcome.citations.iter().map(|citation| citation.document_id).collect();
        said.insert("answer_id".to_owned(), json!(outcome.id));
        said.insert("outcome".to_owned(), json!(outcome.outcome));
        said.insert("cited".to_owned(), json!(cited));
        if let Some(conversation) = outcome.conversation_id {
            said.insert("conversation_id".to_owned(), json!(conversation));
        }
    }
    Details(said)
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
    caller: &str,
    work: impl Future<Output = Result<Outcome, answer::AnswerError>>,
) -> Result<Outcome, Problem> {
    let seconds = app.config.ask_timeout.as_secs();
    let outcome = tokio::time::timeout(app.config.ask_timeout, work).await.map_err(|_| {
        Problem::timed_out(format!("the answer took longer than {seconds} s: ask a shorter question, or one at a time"))
    })??;
    app.metrics.answer(&outcome);
    let spent = outcome.usage.prompt_tokens.saturating_add(outcome.usage.completion_tokens);
    app.rates.spend_tokens(caller, spent, Instant::now());
    Ok(outcome)
}

/// A place among the questions that may wait, and the sign that one is being answered.
type Slot = (OwnedSemaphorePermit, Asking);

fn stream(
    app: Arc<App>,
    services: Arc<AnswerServices>,
    question: Question,
    slot: Slot,
    (caller, asked): (String, Option<Asked>),
) -> Response {
    let (sender, receiver) = mpsc::channel::<AnswerEvent>(16);
    let (last, outcome) = tokio::sync::oneshot::channel::<Event>();
    // When the caller goes away the stream is dropped, its receiver with it, and the work ends at its next event.
    tokio::spawn(async move {
        let _slot = slot;
        let said = said(&app, &question);
        let result = finish(&app, &caller, answer_and_act(&app, &services, question, Some(sender))).await;
        if let Some(asked) = asked {
            let status = result.as_ref().map_or_else(|problem| problem.status, |_| StatusCode::OK.as_u16());
            asked.record(&app, &caller, status, details(said, result.as_ref().ok())).await;
        }
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
    let events = Sse::new(events.chain(last).map(Ok::<_, Infallible>));
    (Extension(RecordedLater), events.keep_alive(KeepAlive::new().interval(Duration::from_secs(10)))).into_response()
}
