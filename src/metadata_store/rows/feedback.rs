//! Feedback, and the traces of answers.

use std::collections::BTreeSet;

use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{StoredTime, word};
use crate::{
    domain::{
        AnswerId, AnswerTrace, ConversationId, DocumentId, Feedback, FeedbackId, Verdict, personal_data::PersonalKind,
    },
    metadata_store::StoreResult,
};

/// How many rows of feedback a purge changes in one transaction.
pub(in crate::metadata_store) const FEEDBACK_AT_ONCE: i64 = 50;

/// The columns of [`FeedbackRow`], of `feedback`.
macro_rules! feedback_columns {
    () => {
        "id, answer_id, conversation_id, collection, verdict, better_answer, comment, redacted, given_by, given_at, trace"
    };
}
pub(in crate::metadata_store) use feedback_columns;

/// Feedback.
#[derive(FromRow)]
pub(in crate::metadata_store) struct FeedbackRow<At> {
    id: Uuid,
    answer_id: Uuid,
    conversation_id: Option<Uuid>,
    collection: String,
    verdict: String,
    better_answer: Option<String>,
    comment: Option<String>,
    redacted: Json<BTreeSet<PersonalKind>>,
    given_by: String,
    given_at: At,
    trace: Json<AnswerTrace>,
}

impl<At: StoredTime> FeedbackRow<At> {
    /// The feedback.
    pub(in crate::metadata_store) fn feedback(self) -> StoreResult<Feedback> {
        Ok(Feedback {
            id: FeedbackId(self.id),
            answer_id: AnswerId(self.answer_id),
            conversation_id: self.conversation_id.map(ConversationId),
            collection: self.collection,
            verdict: word("verdict", &self.verdict, &Verdict::ALL, Verdict::as_str)?,
            better_answer: self.better_answer,
            comment: self.comment,
            redacted: self.redacted.0,
            given_by: self.given_by,
            given_at: self.given_at.utc()?,
            trace: self.trace.0,
        })
    }
}

/// A trace that is kept.
#[derive(FromRow)]
pub(in crate::metadata_store) struct TraceRow {
    /// Where the answer was looked for.
    pub(in crate::metadata_store) collection: String,
    /// Who asked.
    pub(in crate::metadata_store) owner: Option<String>,
    /// The conversation that it was given in.
    pub(in crate::metadata_store) conversation_id: Option<Uuid>,
    /// The trace itself.
    pub(in crate::metadata_store) trace: Json<AnswerTrace>,
}

/// The feedback that `rows` are, without what rests on documents that are `gone`, by the feedback.
pub(in crate::metadata_store) fn shown_feedback<At: StoredTime>(
    rows: Vec<FeedbackRow<At>>,
    gone: &[(Uuid, Uuid)],
) -> StoreResult<Vec<Feedback>> {
    rows.into_iter()
        .map(|row| {
            let gone = gone.iter().filter(|(of, _)| *of == row.id).map(|(_, id)| DocumentId(*id)).collect();
            let mut feedback = row.feedback()?;
            feedback.take_out(&gone);
            Ok(feedback)
        })
        .collect()
}
