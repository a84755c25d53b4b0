//! The trace of an answer, as it may be kept: what was found is blacked out by policy like what was answered.
//!
//! May depend on `domain` and `postfilter`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{AnswerServices, Passage, postfilter};
use crate::domain::{AnswerTrace, Outcome, TracedPassage, personal_data::PersonalKind};

/// The trace of an outcome that was asked for at `asked_at`, with the passages that were found for it.
pub fn trace_of(
    services: &AnswerServices,
    outcome: &Outcome,
    passages: &[Passage],
    asked_at: DateTime<Utc>,
) -> AnswerTrace {
    let redactor = postfilter::redactor_of(services, passages.iter());
    let shown = |headings: &[String]| {
        headings.iter().map(|heading| redactor.redact(heading, &mut BTreeSet::new())).collect::<Vec<_>>()
    };
    let traced = |passage: &Passage| TracedPassage {
        chunk_id: passage.chunk.id,
        document_id: passage.chunk.document_id,
        version: passage.chunk.version,
        name: passage.name.clone(),
        heading_path: shown(&passage.chunk.heading_path),
        page: passage.chunk.page,
        range: passage.chunk.range,
        // What was blacked out in the answer is in its outcome already.
        text: redactor.redact(&passage.chunk.text, &mut BTreeSet::new()),
        score: passage.score,
    };
    AnswerTrace { asked_at, outcome: outcome.clone(), passages: passages.iter().map(traced).collect() }
}

/// What somebody has written, as it may be kept; what was blacked out goes into `found`.
pub fn blacked_out(services: &AnswerServices, text: &str, found: &mut BTreeSet<PersonalKind>) -> String {
    postfilter::redactor_of(services, std::iter::empty()).redact(text, found)
}
