//! Natural Questions with contexts, one JSON object a line (Kwiatkowski et al. 2019, in the form of Liu et al. 2023):
//! `question`, `answers` and `ctxs`, of which one `isgold`.
//!
//! Answers have no offsets; those that stand in the gold passage are marked there.
//!
//! May depend on `marked` and `sink`.

use std::path::Path;

use serde::Deserialize;

use super::{
    Reason, Sink, each_line,
    marked::Marked,
    sink::{Draft, Refusal, passage},
};
use crate::train::dataset::error::DatasetError;

#[derive(Deserialize)]
struct Record {
    question: String,
    answers: Vec<String>,
    ctxs: Vec<Context>,
}

#[derive(Deserialize)]
struct Context {
    title: String,
    text: String,
    #[serde(default)]
    isgold: bool,
}

/// Reads one file.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    each_line(path, sink, |line, record: Record, sink| sink.record(line, draft(record)))
}

fn draft(record: Record) -> Result<Draft, Refusal> {
    let mut gold = record.ctxs.iter().filter(|context| context.isgold);
    let (Some(only), None) = (gold.next(), gold.next()) else {
        return Err((Reason::NoGoldPassage, "exactly one must be".to_owned()));
    };
    let found = Marked::new(&only.title, &only.text).find(&record.answers);
    if found.answers.is_empty() {
        return Err((Reason::AnswerNotInPassage, format!("{:?}", record.answers)));
    }
    let mut short_answers: Vec<String> = Vec::new();
    for answer in record.answers.iter().map(|answer| answer.trim()) {
        if !answer.is_empty() && !short_answers.iter().any(|known| known == answer) {
            short_answers.push(answer.to_owned());
        }
    }
    Ok(Draft {
        question: record.question,
        passages: record.ctxs.iter().map(|context| passage(&context.title, &context.text)).collect(),
        answer: found.answers.first().cloned(),
        short_answers,
        support: found.support,
        tags: found.tags,
        ..Draft::default()
    })
}
