//! What can be recorded of feedback.
//!
//! Depends on its parent and on `domain` only.

use serde_json::Value;

use super::{collection, invalid, label, no_nul, without_nul};
use crate::{
    domain::MAX_FEEDBACK_CODE_POINTS,
    metadata_store::{FeedbackQuery, MetadataStoreError, NewFeedback, NewTrace, StoreResult},
};

/// A trace as it is stored: NUL characters, which a question may hold, are written out.
pub(in crate::metadata_store) fn trace(trace: &NewTrace) -> StoreResult<Value> {
    collection(&trace.collection)?;
    let written = serde_json::to_value(&trace.trace);
    let written = written.map_err(|error| MetadataStoreError::Failed(format!("a trace cannot be written: {error}")))?;
    Ok(without_nul(written))
}

/// Feedback that can be recorded.
pub(in crate::metadata_store) fn feedback(feedback: &NewFeedback) -> StoreResult<()> {
    feedback.verdict.check_better_answer(feedback.better_answer.is_some()).or_else(invalid)?;
    for (what, text) in [("better_answer", &feedback.better_answer), ("comment", &feedback.comment)] {
        let Some(text) = text else { continue };
        if text.trim().is_empty() {
            return invalid(format!("`{what}` is empty: fill it in, or leave it out"));
        }
        let length = text.chars().count();
        if length > MAX_FEEDBACK_CODE_POINTS {
            return invalid(format!(
                "`{what}` has {length} code points, more than the {MAX_FEEDBACK_CODE_POINTS} that are allowed"
            ));
        }
        no_nul(&format!("`{what}`"), text)?;
    }
    label("who gives feedback", &feedback.given_by, super::MAX_NAME)
}

/// A query for feedback that the databases can be asked.
pub(in crate::metadata_store) fn feedback_query(query: &FeedbackQuery) -> StoreResult<()> {
    no_nul("the collection", query.collection.as_deref().unwrap_or_default())
}
