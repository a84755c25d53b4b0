//! A question on its way through the service: taken in or refused, answered in time, and told to the audit log, whatever
//! protocol it came by.
//!
//! May depend on `app`, `access`, `answer` and `audit`.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use chrono::Utc;
use futures::Stream;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use super::{
    Problem,
    audit::{Asked, Details},
    auth::check_collection,
};
use crate::{
    access::{Admitted, Caller},
    answer::{self, AnswerError, AnswerEvent, AnswerServices, Found},
    app::App,
    domain::{DEFAULT_COLLECTION, DocumentId, Outcome, Question},
    ingest::Asking,
    metadata_store::NewTrace,
};

/// How many events of an answer wait for a reader that is slow.
const EVENTS: usize = 16;
/// How long an answer waits until its trace is kept.
const KEEP_TRACE: Duration = Duration::from_secs(2);

/// A question that was taken in.
pub struct TakenIn {
    app: Arc<App>,
    services: Arc<AnswerServices>,
    question: Question,
    /// Who the audit log and the rates say has asked.
    actor: String,
    slot: Admitted,
    /// The sign that a question is being answered, for as long as it is.
    asking: Asking,
}

/// What comes of a question while it is answered, and in the end.
pub struct Streamed {
    /// Stages and sentences.
    pub events: Events,
    /// The end. It does not come when the events are not received any more.
    pub outcome: oneshot::Receiver<Result<Outcome, Problem>>,
}

/// The events of an answer, with a note of which documents were shown in them: the audit log tells it also of a caller
/// that has read what it wanted and left before the end.
pub struct Events {
    made: mpsc::Receiver<AnswerEvent>,
    shown: Shown,
}

/// The documents of the footnotes that a caller has been sent.
type Shown = Arc<Mutex<BTreeSet<DocumentId>>>;

impl Stream for Events {
    type Item = AnswerEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<AnswerEvent>> {
        let event = ready!(self.made.poll_recv(context));
        if let Some(AnswerEvent::Sentence { citations, .. }) = &event {
            let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.extend(citations.iter().map(|citation| citation.document_id));
        }
        Poll::Ready(event)
    }
}

impl TakenIn {
    /// Takes a question of `caller` in, or says why not.
    pub async fn new(app: Arc<App>, caller: Caller, mut question: Question) -> Result<Self, Problem> {
        let services =
            app.answering().ok_or_else(|| Problem::unavailable("this process was started without a generator"))?;
        let slot = app.admission.admit(Instant::now()).map_err(|refused| {
            app.metrics.refused(refused.reason());
            Problem::not_admitted(refused)
        })?;
        let asking = app.ingest.questions.begin();
        question.asker = caller.asker.clone();
        answer::resume(&*app.metadata, &mut question, caller.conversations_of()).await?;
        check_collection(&caller, question.collection.as_deref().unwrap_or(DEFAULT_COLLECTION))?;
        Ok(Self { app, services, question, actor: caller.actor, slot, asking })
    }

    /// What the audit log is told, whatever comes of the question, and the outcome.
    pub async fn answer(self) -> (Details, Result<Outcome, Problem>) {
        let said = said(&self.app, &self.question);
        let result = self.finish(None).await;
        (details(said, result.as_ref().ok(), BTreeSet::new()), result)
    }

    /// Answers on a task of its own, which ends when nobody receives its events any more, and records the end in the audit
    /// log.
    pub fn stream(self, asked: Option<Asked>) -> Streamed {
        let (sender, made) = mpsc::channel(EVENTS);
        let (last, outcome) = oneshot::channel();
        let shown = Shown::default();
        let events = Events { made, shown: shown.clone() };
        let work = async move {
            let (app, actor) = (self.app.clone(), self.actor.clone());
            let said = said(&app, &self.question);
            let result = self.finish(Some(sender)).await;
            if let Some(asked) = asked {
                let status = result.as_ref().map_or_else(|problem| problem.status, |_| StatusCode::OK.as_u16());
                let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
                asked.record(&app, &actor, status, details(said, result.as_ref().ok(), shown)).await;
            }
            // A caller that left does not read the outcome.
            drop(last.send(result));
        };
        // It goes on in the span of the request when the response has begun.
        tokio::spawn(work.in_current_span());
        Streamed { events, outcome }
    }

    /// Answers the question within its time, and does what the rules ask for.
    async fn finish(self, events: Option<mpsc::Sender<AnswerEvent>>) -> Result<Outcome, Problem> {
        let Self { app, services, question, actor, slot, asking } = self;
        let seconds = app.config.ask_timeout.as_secs();
        let work = answer_and_act(&app, &services, question, events);
        let outcome = match tokio::time::timeout(app.config.ask_timeout, work).await {
            // What was carried out is not lost because a database is slow to keep what it came from.
            Ok(Ok((outcome, trace))) => {
                if let Some(trace) = trace {
                    keep_trace(&app, trace).await;
                }
                Ok(outcome)
            }
            // Nobody waits for an outcome any more: nothing has failed.
            Ok(Err(left @ AnswerError::CallerLeft)) => return Err(left.into()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Problem::timed_out(format!(
                "the answer took longer than {seconds} s: ask a shorter question, or one at a time"
            ))),
        };
        let outcome = outcome.inspect_err(|problem| app.metrics.answer_failed(problem.name()))?;
        app.metrics.answer(&outcome);
        let spent = outcome.usage.prompt_tokens.saturating_add(outcome.usage.completion_tokens);
        app.rates.spend_tokens(&actor, spent, Instant::now());
        slot.answered(Instant::now());
        drop(asking);
        Ok(outcome)
    }
}

/// The outcome, and what it came from where that is kept.
async fn answer_and_act(
    app: &App,
    services: &AnswerServices,
    question: Question,
    events: Option<mpsc::Sender<AnswerEvent>>,
) -> Result<(Outcome, Option<NewTrace>), AnswerError> {
    let asked_at = Utc::now();
    let (mut outcome, passages) = answer::answer_with_evidence(services, question.clone(), events).await?;
    let found = Found { passages: &passages, question_vector: None };
    answer::carry_out(&app.act, &question, &mut outcome, found).instrument(tracing::info_span!("carry_out")).await?;
    let trace = app.config.traces_kept.map(|_| NewTrace {
        collection: question.collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned()),
        owner: question.asker.owner,
        conversation_id: outcome.conversation_id,
        trace: answer::trace_of(services, &outcome, &passages, asked_at),
    });
    Ok((outcome, trace))
}

/// Keeps what an answer came from, so that something can be said about it. The answer is given whether or not that can be
/// done: where it cannot, feedback on it is answered that it is not there.
async fn keep_trace(app: &App, new: NewTrace) {
    let answer = new.trace.outcome.id;
    match tokio::time::timeout(KEEP_TRACE, app.metadata.keep_trace(new)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, %answer, "the trace of an answer is not kept"),
        Err(_) => tracing::warn!(%answer, "the trace of an answer is not kept: the database took too long"),
    }
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

/// What the audit log says of a question and its outcome: which documents were shown, those of an answer without an end
/// too, and none of their words.
fn details(mut said: Map<String, Value>, outcome: Option<&Outcome>, mut shown: BTreeSet<DocumentId>) -> Details {
    shown.extend(outcome.iter().flat_map(|outcome| &outcome.citations).map(|citation| citation.document_id));
    if outcome.is_some() || !shown.is_empty() {
        said.insert("cited".to_owned(), json!(shown));
    }
    if let Some(outcome) = outcome {
        said.insert("answer_id".to_owned(), json!(outcome.id));
        said.insert("outcome".to_owned(), json!(outcome.outcome));
        if let Some(conversation) = outcome.conversation_id {
            said.insert("conversation_id".to_owned(), json!(conversation));
        }
    }
    Details(said)
}
