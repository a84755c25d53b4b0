//! `/v1/answers/{id}/feedback` and `/v1/feedback`: what people say about answers, kept with what each answer came from.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{Extension, Json as Body, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    audit::Details,
    extract::{Json, Path, Query},
};
use crate::{
    access::Caller,
    answer,
    app::App,
    domain::{AnswerId, Feedback, FeedbackId, OutcomeKind, Verdict},
    metadata_store::{FeedbackQuery, MetadataStoreError, NewFeedback},
};

/// How many traces are kept at most.
const MAX_TRACES: u32 = 10_000;
/// How often traces that are old, or too many, are looked for.
const SWEEP: Duration = Duration::from_secs(10 * 60);

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(give)).routes(routes!(list)).routes(routes!(show, delete))
}

/// What is said about an answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeedbackRequest {
    /// What is said.
    verdict: Verdict,
    /// What should have been answered: with the verdict `better_answer` it is needed, with `wrong`, `wrong_source` and
    /// `should_have_answered` it may be given.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4000)]
    better_answer: Option<String>,
    /// What else is to be said.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4000)]
    comment: Option<String>,
}

/// Say something about an answer
///
/// Kept with everything that the answer came from: the question and what was understood of it, the passages that were found
/// with their scores, the outcome with its citations and its confidence, the models and the times. Whoever has asked can say
/// it, and administrators; for 24 hours, or what `trace_hours` is set to. Of one answer the last feedback stands: it takes
/// the place of the one before, and the status is then 200.
#[utoipa::path(
    post, path = "/v1/answers/{id}/feedback", operation_id = "give_feedback", tag = "feedback", security(("key" = ["ask"])),
    params(("id" = AnswerId, Path)), request_body = FeedbackRequest,
    responses(
        (status = CREATED, body = ListedFeedback),
        (status = OK, body = ListedFeedback),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn give(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<AnswerId>,
    Json(request): Json<FeedbackRequest>,
) -> Result<(StatusCode, Extension<Details>, Body<ListedFeedback>), Problem> {
    let FeedbackRequest { verdict, better_answer, comment } = request;
    let services =
        app.answering().ok_or_else(|| Problem::unavailable("this process was started without a generator"))?;
    let mut redacted = BTreeSet::new();
    let mut kept = |text: Option<String>| text.map(|text| answer::blacked_out(&services, &text, &mut redacted));
    let (better_answer, comment) = (kept(better_answer), kept(comment));
    let given_by = caller.actor.clone();
    let new = NewFeedback { answer_id: id, verdict, better_answer, comment, redacted, given_by };
    let given = app.metadata.give_feedback(new, owner(&caller), caller.access()).await;
    let (feedback, first) = given.map_err(|error| match error {
        MetadataStoreError::NotFound { .. } => unknown(&app, id),
        other => other.into(),
    })?;
    let details = json!({"feedback_id": feedback.id, "verdict": feedback.verdict, "collection": feedback.collection});
    let status = if first { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Extension(Details::of(details)), Body(feedback.into())))
}

/// Why nothing can be said about an answer.
fn unknown(app: &App, id: AnswerId) -> Problem {
    Problem::not_found(match app.config.traces_kept {
        Some(kept) => format!(
            "there is no answer `{id}` that something can be said about: it is another caller's, it was given more than {} \
             hours ago, or its conversation or one of its documents was deleted",
            kept.num_hours()
        ),
        None => format!("there is no answer `{id}` that something can be said about: `trace_hours` is 0"),
    })
}

/// Which feedback to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FeedbackListQuery {
    /// Only with this verdict.
    verdict: Option<Verdict>,
    /// Only about answers from this collection.
    collection: Option<String>,
    /// Where to go on: the `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{40}$")]
    cursor: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Feedback without the trace.
#[derive(Debug, Serialize, ToSchema)]
struct ListedFeedback {
    /// Its identifier.
    id: FeedbackId,
    /// The answer that it is about.
    answer_id: AnswerId,
    /// Where the answer was looked for.
    collection: String,
    /// What is said.
    verdict: Verdict,
    /// What should have been answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    better_answer: Option<String>,
    /// What else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// Who said it.
    given_by: String,
    /// When.
    given_at: DateTime<Utc>,
    /// The question, in the user's own words.
    question: String,
    /// How it ended.
    outcome: OutcomeKind,
    /// The answer; empty once the documents that it rested on were deleted.
    answer: String,
    /// How well the evidence carried it.
    confidence: f32,
}

impl From<Feedback> for ListedFeedback {
    fn from(feedback: Feedback) -> Self {
        let outcome = feedback.trace.outcome;
        Self {
            id: feedback.id,
            answer_id: feedback.answer_id,
            collection: feedback.collection,
            verdict: feedback.verdict,
            better_answer: feedback.better_answer,
            comment: feedback.comment,
            given_by: feedback.given_by,
            given_at: feedback.given_at,
            question: outcome.question.original,
            outcome: outcome.outcome,
            answer: outcome.answer,
            confidence: outcome.confidence,
        }
    }
}

/// A page of feedback.
#[derive(Debug, Serialize, ToSchema)]
struct FeedbackList {
    /// The feedback, newest first, without the traces.
    feedback: Vec<ListedFeedback>,
    /// Give this as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

/// List feedback
#[utoipa::path(
    get, path = "/v1/feedback", operation_id = "list_feedback", tag = "feedback", security(("key" = ["admin"])), params(FeedbackListQuery),
    responses((status = OK, body = FeedbackList))
)]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<FeedbackListQuery>,
) -> Result<Body<FeedbackList>, Problem> {
    let query = FeedbackQuery {
        collection: query.collection,
        verdict: query.verdict,
        access: caller.access().clone(),
        cursor: query.cursor,
        limit: query.limit.unwrap_or(100),
    };
    let page = app.metadata.feedback_list(query).await?;
    let feedback = page.items.into_iter().map(ListedFeedback::from).collect();
    Ok(Body(FeedbackList { feedback, next_cursor: page.next_cursor }))
}

/// Show feedback
///
/// With the trace of its answer. To whoever has asked, and to administrators. Of a document that was deleted, or that the
/// caller may not read, only the ids are left.
#[utoipa::path(
    get, path = "/v1/feedback/{id}", operation_id = "show_feedback", tag = "feedback", security(("key" = ["ask"]), ("key" = ["admin"])),
    params(("id" = FeedbackId, Path)),
    responses(
        (status = OK, body = Feedback),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<FeedbackId>,
) -> Result<Body<Feedback>, Problem> {
    Ok(Body(app.metadata.readable_feedback(id, owner(&caller), caller.access()).await?))
}

/// Feedback that was deleted.
#[derive(Debug, Serialize, ToSchema)]
struct DeletedFeedback {
    /// Its identifier.
    feedback_id: FeedbackId,
}

/// Delete feedback
///
/// With the trace of its answer: nothing more can be said about it then.
#[utoipa::path(
    delete, path = "/v1/feedback/{id}", operation_id = "delete_feedback", tag = "feedback", security(("key" = ["ask"]), ("key" = ["admin"])),
    params(("id" = FeedbackId, Path)),
    responses(
        (status = OK, body = DeletedFeedback),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<FeedbackId>,
) -> Result<Body<DeletedFeedback>, Problem> {
    app.metadata.readable_feedback(id, owner(&caller), caller.access()).await?;
    app.metadata.delete_feedback(id).await?;
    Ok(Body(DeletedFeedback { feedback_id: id }))
}

/// About whose answers a caller sees feedback: an administrator of some collections sees what the list shows.
fn owner(caller: &Caller) -> Option<&str> {
    let is_admin = caller.scopes.contains(&crate::domain::Scope::Admin);
    caller.asker.owner.as_deref().filter(|_| !is_admin)
}

/// Removes the traces that are older than they may be, and those that are too many, now and every ten minutes until `stop`
/// is cancelled.
pub async fn forget_traces(app: Arc<App>, stop: CancellationToken) {
    let mut looks = tokio::time::interval(SWEEP);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        // When they are not kept any more, those that are there go too.
        let before = app.config.traces_kept.map_or_else(Utc::now, |kept| Utc::now() - kept);
        match app.metadata.forget_traces(before, MAX_TRACES).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "old traces of answers are gone"),
            Err(error) => tracing::warn!(%error, "cannot look for old traces of answers"),
        }
    }
}
