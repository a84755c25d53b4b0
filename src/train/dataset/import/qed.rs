//! QED (Lamm et al. 2021): Natural Questions with the sentence that carries the answer.
//!
//! Records whose explanation takes several sentences have answers and no evidence; they get the tag `multi-sentence`.
//! Records for which the annotators found no explanation are refused: the passage may not carry the answer.
//!
//! May depend on `marked` and `sink`.

use std::{ops::Range, path::Path};

use serde::Deserialize;

use super::{
    Reason, Sink, each_line,
    marked::Marked,
    sink::{Draft, Refusal},
};
use crate::train::dataset::{FREE_FORM, error::DatasetError};

#[derive(Deserialize)]
struct Record {
    example_id: i64,
    title_text: String,
    question_text: String,
    paragraph_text: String,
    original_nq_answers: Vec<Vec<Reference>>,
    annotation: Annotation,
}

#[derive(Deserialize)]
struct Annotation {
    explanation_type: String,
    #[serde(default)]
    answer: Vec<AnnotatedAnswer>,
    selected_sentence: Option<Reference>,
}

#[derive(Deserialize)]
struct AnnotatedAnswer {
    paragraph_reference: Reference,
}

#[derive(Deserialize)]
struct Reference {
    start: u32,
    string: String,
}

/// Reads one file.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    each_line(path, sink, |_, record: Record, sink| sink.record(record.example_id.to_string(), draft(record)))
}

fn draft(record: Record) -> Result<Draft, Refusal> {
    let marked = Marked::new(&record.title_text, &record.paragraph_text);
    let mut draft = Draft {
        id: Some(record.example_id.to_string()),
        question: record.question_text,
        passages: vec![marked.passage.clone()],
        ..Draft::default()
    };
    let evidence = match (record.annotation.explanation_type.as_str(), &record.annotation.selected_sentence) {
        ("single_sentence", Some(sentence)) => Some(marked.at_offset(sentence.start, &sentence.string)?),
        ("multi_sentence", _) => {
            draft.tags.push("multi-sentence".to_owned());
            None
        }
        ("none", _) => return Err((Reason::NotExplained, String::new())),
        (other, _) => return Err((Reason::Malformed, format!("explanation_type {other:?}"))),
    };
    let annotated: Vec<&Reference> =
        record.annotation.answer.iter().map(|answer| &answer.paragraph_reference).collect();
    let original = record.original_nq_answers.iter().map(|answer| answer.iter().collect());
    let mut alternatives: Vec<Vec<Range<usize>>> = Vec::new();
    for alternative in std::iter::once(annotated).chain(original) {
        let places: Result<Vec<_>, Refusal> =
            alternative.iter().map(|reference| marked.at_offset(reference.start, &reference.string)).collect();
        let places = places?;
        if !places.is_empty() && !alternatives.contains(&places) {
            alternatives.push(places);
        }
    }
    let Some(first) = alternatives.first() else { return Err((Reason::NoAnswer, String::new())) };
    let text = |place: &Range<usize>| marked.passage.text[place.clone()].to_owned();
    // An answer of several pieces is no bare answer; where there is no other, it is written as a list.
    let single: Vec<Range<usize>> =
        alternatives.iter().filter_map(|places| <[_; 1]>::try_from(places.clone()).ok()).map(|[place]| place).collect();
    let mut places = single.clone();
    if single.is_empty() {
        draft.answer = Some(first.iter().map(text).collect::<Vec<_>>().join(", "));
        draft.tags.push(FREE_FORM.to_owned());
        places = first.clone();
    }
    for place in &single {
        if !draft.short_answers.contains(&text(place)) {
            draft.short_answers.push(text(place));
        }
    }
    draft.answer = draft.answer.or_else(|| draft.short_answers.first().cloned());
    if let Some(sentence) = &evidence {
        let inside = |place: &Range<usize>| sentence.start <= place.start && place.end <= sentence.end;
        // A sentence that says "he" carries an answer that is named elsewhere.
        if places.iter().any(inside) {
            places.retain(inside);
        }
    }
    draft.support = marked.answer_spans(&places);
    draft.support.extend(marked.evidence(evidence.into_iter()));
    Ok(draft)
}
