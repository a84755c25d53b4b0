//! Feedback: what is said about answers, and for a while what each answer came from, so that something can be said about
//! it.
//!
//! May depend on `domain`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{ListPage, StoreResult};
use crate::domain::{
    Access, AnswerId, AnswerTrace, ConversationId, Feedback, FeedbackId, Verdict, personal_data::PersonalKind,
};

/// The trace of an answer that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTrace {
    /// Where the answer was looked for.
    pub collection: String,
    /// Who asked; `None` for who needed no key.
    pub owner: Option<String>,
    /// The conversation that it was given in.
    pub conversation_id: Option<ConversationId>,
    /// The trace; its outcome says which answer it is of.
    pub trace: AnswerTrace,
}

/// What somebody says about an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFeedback {
    /// The answer.
    pub answer_id: AnswerId,
    /// What is said.
    pub verdict: Verdict,
    /// What should have been answered.
    pub better_answer: Option<String>,
    /// What else is said.
    pub comment: Option<String>,
    /// The kinds of personal data that were blacked out in both.
    pub redacted: BTreeSet<PersonalKind>,
    /// Who says it.
    pub given_by: String,
}

/// Which feedback to list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedbackQuery {
    /// Only about answers from this collection.
    pub collection: Option<String>,
    /// Only with this verdict.
    pub verdict: Option<Verdict>,
    /// Only about collections that this reads.
    pub access: Access,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// What is said about answers.
#[async_trait]
pub trait FeedbackStore: Send + Sync + 'static {
    /// Keeps the trace of an answer for a while. `false` when it is not kept because its conversation, or a document that
    /// its words come from, was deleted meanwhile.
    async fn keep_trace(&self, trace: NewTrace) -> StoreResult<bool>;

    /// Records what is said about an answer of `owner` (`None`: of anybody) from a collection that `access` reads, and
    /// moves its trace there, in one transaction. What was said about it before is replaced, and keeps its identifier.
    /// Returns the feedback as `access` may see it, and whether it is the first about this answer. `NotFound` when there
    /// is neither a trace nor feedback, `Invalid` when the verdict does not fit how the answer ended.
    async fn give_feedback(
        &self,
        feedback: NewFeedback,
        owner: Option<&str>,
        access: &Access,
    ) -> StoreResult<(Feedback, bool)>;

    /// Feedback about an answer of `owner` (`None`: of anybody) from a collection that `access` reads; `NotFound`
    /// otherwise. Of a document that was deleted, or that `access` does not read, nothing is shown but its ids.
    async fn readable_feedback(&self, id: FeedbackId, owner: Option<&str>, access: &Access) -> StoreResult<Feedback>;

    /// Feedback, newest first; each as `readable_feedback` shows it.
    async fn feedback_list(&self, query: FeedbackQuery) -> StoreResult<ListPage<Feedback>>;

    /// Deletes feedback with its trace. `NotFound` when it does not exist.
    async fn delete_feedback(&self, id: FeedbackId) -> StoreResult<()>;

    /// Removes the traces that were kept before `before`, and those beyond the `newest`; says how many that were.
    async fn forget_traces(&self, before: DateTime<Utc>, newest: u32) -> StoreResult<u64>;
}
