//! ClapNQ (Rosenthal et al. 2024): a long answer and the sentences that support it, or neither.
//!
//! Where several annotators answered, the first one that gave both is taken.
//!
//! May depend on `marked` and `sink`.

use std::path::Path;

use serde::Deserialize;

use super::{
    Reason, Sink, each_line,
    marked::Marked,
    sink::{Draft, Refusal},
};
use crate::train::dataset::error::DatasetError;

#[derive(Deserialize)]
struct Record {
    id: String,
    input: String,
    passages: Vec<Source>,
    output: Vec<Output>,
}

#[derive(Deserialize)]
struct Source {
    title: String,
    text: String,
}

#[derive(Deserialize)]
struct Output {
    answer: String,
    selected_sentences: Vec<String>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    /// The annotator would not say.
    #[serde(default)]
    skip: bool,
}

/// Reads one file.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    each_line(path, sink, |line, record: Record, sink| {
        let answers = record.output.iter().filter(|output| !output.answer.trim().is_empty()).count();
        let (id, draft) = (record.id.clone(), draft(record));
        if draft.is_ok() {
            sink.leave_out("answers of further annotators", answers.saturating_sub(1));
        }
        sink.record(if id.is_empty() { line } else { id }, draft)
    })
}

fn draft(record: Record) -> Result<Draft, Refusal> {
    let marked: Vec<Marked> = record.passages.iter().map(|source| Marked::new(&source.title, &source.text)).collect();
    let mut draft = Draft {
        id: Some(record.id),
        question: record.input,
        passages: marked.iter().map(|marked| marked.passage.clone()).collect(),
        ..Draft::default()
    };
    let given: Vec<&Output> = record.output.iter().filter(|output| !output.meta.skip).collect();
    if given.is_empty() {
        return Err((Reason::SetAside, String::new()));
    }
    let says = |output: &&&Output| !output.answer.trim().is_empty();
    let complete = given.iter().find(|output| says(output) && !output.selected_sentences.is_empty());
    let Some(output) = complete.or_else(|| given.iter().find(says)) else {
        // Nobody found an answer, and nobody selected a sentence: the question is unanswerable.
        return match given.iter().find(|output| !output.selected_sentences.is_empty()) {
            None => Ok(draft),
            Some(_) => Err((Reason::NoAnswer, "sentences are selected, and there is no answer".to_owned())),
        };
    };
    draft.answer = Some(output.answer.trim().replace("\r\n", "\n"));
    for (number, marked) in marked.iter().enumerate() {
        let mut found = Vec::new();
        for sentence in &output.selected_sentences {
            match marked.supporting(sentence) {
                Ok(place) => found.push(place),
                // With several passages a sentence stands in one of them.
                Err(refusal) if record.passages.len() == 1 => return Err(refusal),
                Err(_) => {
                    let elsewhere = record
                        .passages
                        .iter()
                        .enumerate()
                        .any(|(other, source)| other != number && source.text.contains(sentence.trim()));
                    if !elsewhere {
                        return Err((Reason::EvidenceNotInPassage, format!("{sentence:?}")));
                    }
                }
            }
        }
        draft.support.extend(marked.evidence(found.into_iter()));
    }
    Ok(draft)
}
