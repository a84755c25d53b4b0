//! Questions that ask for a section by its heading, where several documents have such a section.
//!
//! May depend on `models::encoder`, `models::lexical` and its neighbours `candidate` and `subject`.

use super::{
    MAX_READINGS, Readings,
    candidate::{Candidate, name_the_asked, things},
    subject::{Asked, label},
};
use crate::{
    answer::Passage,
    models::{encoder::BestSpan, lexical::Lexical},
};

/// The part of a heading's words that a question must hold to ask for the section.
const SECTION_HEADING: f32 = 0.5;
/// The part of a question's words that the section must hold.
const SECTION_COVERAGE: f32 = 0.5;

/// The sections of several documents that the question asks for by their heading, such as the prerequisites of a
/// tutorial: the answer is more than a span, so that the reader is sure of none.
pub(super) fn by_sections(
    lexical: &Lexical,
    question: &str,
    passages: &[Passage],
    spans: &[Option<BestSpan>],
) -> Option<Readings> {
    let asked = Asked::new(lexical, question);
    let mut found: Vec<Candidate> = Vec::new();
    for (at, (passage, span)) in passages.iter().zip(spans).enumerate() {
        let Some(candidate) = span.and_then(|span| Candidate::new(lexical, &asked, passage, at, span)) else {
            continue;
        };
        let heading = candidate.subject.heading_terms(lexical);
        let other = found.iter().all(|known| !known.subject.is_in_document_of(&candidate.subject));
        // The question asks for the sections by a word that their headings share.
        let alike = found.first().is_none_or(|first| {
            first.subject.heading_terms(lexical).intersection(&heading).any(|term| asked.holds(term))
        });
        if other && alike && candidate.coverage >= SECTION_COVERAGE && asked.share_of(&heading) >= SECTION_HEADING {
            found.push(candidate);
        }
    }
    name_the_asked(lexical, &asked, &mut found);
    if found.len() < 2 || things(&asked, &found).len() < found.len() {
        return None;
    }
    found.truncate(MAX_READINGS);
    label(&mut found);
    Some(Readings::Ambiguous(found.into_iter().map(|candidate| candidate.reading).collect()))
}
