//! From what was verified to the outcome, and what the application can do about it.
//!
//! May depend on `domain`.

use super::{PreparedQuestion, ReadEvidence, Verdict, Verified};
use crate::domain::{Action, AnswerId, Filter, ModelVersions, Outcome, OutcomeKind, Timings, Usage, Wording};

/// What an abstention says.
const ABSTAINS: &str = "The documents do not hold the answer to this question.";
/// What is said when there is nothing to look in.
const NOTHING_HERE: &str = "There is no document to answer from: upload some first.";
/// What is said when the filter leaves nothing to look in.
const NOTHING_MATCHES: &str = "No document matches the question's filter: widen it, or ask without one.";
/// How many near documents an abstention names at most.
const SUGGESTED: usize = 3;

/// Decides the outcome: with at least one sentence that has a footnote the question is answered.
pub fn act(
    id: AnswerId,
    question: PreparedQuestion,
    read: &ReadEvidence,
    verified: Verified,
    model: ModelVersions,
    usage: Usage,
) -> Outcome {
    let ReadEvidence { evidence, verdict } = read;
    let answered = !verified.sentences.is_empty();
    let short_answer = match verdict {
        Verdict::Holds(span) if answered => Some(span.text.clone()),
        _ => None,
    };
    let (outcome, answer, actions) = if answered {
        (OutcomeKind::Answered, verified.text(), Vec::new())
    } else if evidence.passages.is_empty() && question.filter != Filter::default() {
        (OutcomeKind::Abstained, NOTHING_MATCHES.to_owned(), Vec::new())
    } else if evidence.passages.is_empty() {
        (OutcomeKind::Abstained, NOTHING_HERE.to_owned(), vec![Action::UploadDocuments])
    } else {
        let mut near = Vec::new();
        for passage in &evidence.passages {
            if !near.contains(&passage.chunk.document_id) && near.len() < SUGGESTED {
                near.push(passage.chunk.document_id);
            }
        }
        (OutcomeKind::Abstained, ABSTAINS.to_owned(), vec![Action::SuggestDocuments { document_ids: near }])
    };
    Outcome {
        id,
        outcome,
        answer,
        wording: answered.then_some(if verified.quoted { Wording::Quoted } else { Wording::Generated }),
        short_answer,
        confidence: verified.confidence,
        citations: verified.sentences.into_iter().flat_map(|sentence| sentence.citations).collect(),
        question: question.understood,
        clarify: None,
        actions,
        model,
        usage,
        timings_ms: Timings::default(),
    }
}
