//! The trace of an answer: all that it came from, and what is left of that when a document goes.
//!
//! May depend on the other modules of `domain` only.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChunkId, CitedStretch, DocumentId, Outcome, Turn, take_out, text::CodePointRange};

/// Everything that an answer came from: the question and what was understood of it, the passages that were found, and the
/// outcome with its citations, its confidence, its models and its times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerTrace {
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
    /// The outcome, as it was answered.
    pub outcome: Outcome,
    /// The passages that were found for it, best first, part by part where it asks several things.
    pub passages: Vec<TracedPassage>,
}

/// A passage that was found for a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TracedPassage {
    /// The passage.
    pub chunk_id: ChunkId,
    /// The document.
    pub document_id: DocumentId,
    /// The version of it.
    pub version: u32,
    /// The document's name; empty once the document was deleted.
    pub name: String,
    /// The headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// The page on which it starts, for formats that have pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Where it stands in the document's stored text, in code points.
    pub range: CodePointRange,
    /// Its text, but for what is blacked out by policy; empty once the document was deleted.
    pub text: String,
    /// Its score in the search: larger is better, comparable only for one question.
    pub score: f32,
}

impl AnswerTrace {
    /// The documents that its words come from: those that were found and those that are cited, each once, in order.
    pub fn documents(&self) -> Vec<DocumentId> {
        let found = self.passages.iter().map(|passage| passage.document_id);
        let cited = self.outcome.citations.iter().map(|citation| citation.document_id);
        let documents: BTreeSet<DocumentId> = found.chain(cited).collect();
        documents.into_iter().collect()
    }

    /// Takes out what rests on documents that are gone, as it is taken out of a turn. The ids, the scores and the offsets
    /// in sources stay: they say that there was something. Taking out the same documents again changes nothing.
    pub fn take_out(&mut self, gone: &BTreeSet<DocumentId>) {
        if gone.is_empty() {
            return;
        }
        for passage in self.passages.iter_mut().filter(|passage| gone.contains(&passage.document_id)) {
            passage.name.clear();
            passage.heading_path.clear();
            passage.text.clear();
        }
        let outcome = &mut self.outcome;
        let mut turn = Turn {
            question: outcome.question.original.clone(),
            interpreted: Some(std::mem::take(&mut outcome.question.interpreted)),
            answer: Some(std::mem::take(&mut outcome.answer)),
            short_answer: outcome.short_answer.take(),
            ..Turn::default()
        };
        // A citation without a quote has lost its document before, and carries nothing.
        let standing = outcome.citations.iter().filter(|citation| !citation.quote.is_empty());
        let mut cited: Vec<CitedStretch> = standing
            .map(|citation| CitedStretch {
                start: citation.answer_start,
                end: citation.answer_end,
                document_id: citation.document_id,
            })
            .collect();
        take_out(&mut turn, &mut cited, gone);
        outcome.answer = turn.answer.unwrap_or_default();
        outcome.short_answer = turn.short_answer;
        outcome.question.interpreted = turn.interpreted.unwrap_or_default();
        // Words that were taken for others may be those of a document, and so may parts and readings.
        outcome.question.corrections.clear();
        outcome.question.parts.clear();
        outcome.clarify = outcome.clarify.take().map(|_| Vec::new());
        let mut places = cited.into_iter();
        for citation in &mut outcome.citations {
            if gone.contains(&citation.document_id) {
                citation.name.clear();
                citation.heading = None;
                citation.quote.clear();
                (citation.answer_start, citation.answer_end) = (0, 0);
            } else if !citation.quote.is_empty()
                && let Some(place) = places.next()
            {
                (citation.answer_start, citation.answer_end) = (place.start, place.end);
            }
        }
    }
}

#[cfg(test)]
pub(crate) use tests::trace as testing_trace;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::domain::{
        AnswerId, Citation, ModelVersions, OutcomeKind, RequestKind, Timings, UnderstoodQuestion, Usage,
    };

    /// An answer of a sentence of four characters for each document, cited from it.
    pub(crate) fn trace(question: &str, documents: &[DocumentId]) -> AnswerTrace {
        let (mut answer, mut citations, mut passages) = (String::new(), Vec::new(), Vec::new());
        for (number, document_id) in documents.iter().enumerate() {
            let answer_start = answer.chars().count() as u32;
            answer.push_str(&format!("Ä{number}a. "));
            let chunk_id = ChunkId::derive(*document_id, 1, 1, 0);
            let text = format!("The text says Ä{number}a. It ends.");
            citations.push(Citation {
                answer_start,
                answer_end: answer_start + 4,
                document_id: *document_id,
                name: format!("{number}.md"),
                version: 1,
                chunk_id,
                page: None,
                heading: Some("Heading".to_owned()),
                source_start: 24,
                source_end: 28,
                quote: format!("Ä{number}a."),
            });
            passages.push(TracedPassage {
                chunk_id,
                document_id: *document_id,
                version: 1,
                name: format!("{number}.md"),
                heading_path: vec!["Heading".to_owned()],
                page: None,
                range: CodePointRange { start: 10, end: 10 + text.chars().count() as u32 },
                text,
                score: 0.5,
            });
        }
        let question = UnderstoodQuestion {
            original: question.to_owned(),
            interpreted: question.to_owned(),
            kind: RequestKind::Question,
            language: None,
            corrections: vec![],
            parts: vec![],
        };
        let outcome = Outcome {
            id: AnswerId::new(),
            outcome: if documents.is_empty() { OutcomeKind::Abstained } else { OutcomeKind::Answered },
            answer: answer.trim_end().to_owned(),
            wording: None,
            contradicting: false,
            short_answer: (!documents.is_empty()).then(|| "Ä0a".to_owned()),
            confidence: 0.625,
            citations,
            redacted: BTreeSet::new(),
            question,
            conversation_id: None,
            clarify: None,
            actions: vec![],
            model: ModelVersions {
                reader: None,
                generator: "generator".to_owned(),
                adapter: None,
                embedder: "embedder".to_owned(),
                index: 1,
            },
            usage: Usage::default(),
            timings_ms: Timings::default(),
        };
        AnswerTrace { asked_at: DateTime::UNIX_EPOCH, outcome, passages }
    }

    #[test]
    fn of_a_deleted_document_ids_scores_and_places_are_left() {
        let (one, two) = (DocumentId::new(), DocumentId::new());
        let mut taken = trace("Both?", &[one, two]);
        let before = taken.clone();
        assert_eq!(taken.documents().len(), 2);
        taken.take_out(&BTreeSet::from([one]));
        assert_eq!((taken.outcome.answer.as_str(), &taken.outcome.short_answer), ("Ä1a.", &None));
        assert_eq!((taken.passages[0].text.as_str(), taken.passages[0].name.as_str()), ("", ""));
        assert_eq!((taken.passages[0].score, taken.passages[0].chunk_id), (0.5, before.passages[0].chunk_id));
        assert_eq!(taken.passages[1], before.passages[1]);
        let [lost, kept] = &taken.outcome.citations[..] else { panic!("{taken:?}") };
        assert_eq!((lost.quote.as_str(), lost.name.as_str(), lost.source_start), ("", "", 24));
        assert_eq!((kept.answer_start, kept.answer_end, kept.quote.as_str()), (0, 4, "Ä1a."));
        let once = taken.clone();
        taken.take_out(&BTreeSet::from([one]));
        assert_eq!(taken, once);
        taken.take_out(&BTreeSet::from([two]));
        assert_eq!((taken.outcome.answer.as_str(), taken.outcome.question.original.as_str()), ("", "Both?"));
        assert!(!serde_json::to_string(&taken).unwrap().contains("Ä1a"));
    }

    #[test]
    fn what_only_came_near_leaves_the_answer_as_it_was() {
        let (one, near) = (DocumentId::new(), DocumentId::new());
        let mut taken = trace("One?", &[one, near]);
        taken.outcome.citations.truncate(1);
        taken.outcome.answer = "Ä0a.".to_owned();
        let before = taken.outcome.clone();
        taken.take_out(&BTreeSet::from([near]));
        assert_eq!((&taken.outcome, taken.passages[1].text.as_str()), (&before, ""));
        let untouched = taken.clone();
        taken.take_out(&BTreeSet::new());
        assert_eq!(taken, untouched);
    }
}
