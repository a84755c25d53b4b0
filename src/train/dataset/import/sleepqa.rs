//! SleepQA (Bojic et al. 2022), in the form of dense passage retrieval (Karpukhin et al. 2020): `question`, `answers`,
//! and the passages that hold them in `positive_ctxs` or `ctxs`.
//!
//! Answers have no offsets; they are marked where they stand in the first passage. Further passages are left out and
//! counted: near but wrong passages are found for all sets alike.
//!
//! May depend on `marked` and `sink`.

use std::path::Path;

use serde::Deserialize;

use super::{
    Format, Reason, Sink,
    marked::Marked,
    read_json,
    sink::{Draft, Refusal},
};
use crate::train::dataset::error::DatasetError;

#[derive(Deserialize)]
struct Record {
    question: String,
    answers: Vec<String>,
    #[serde(default)]
    positive_ctxs: Vec<Context>,
    #[serde(default)]
    negative_ctxs: Vec<Context>,
    #[serde(default)]
    ctxs: Vec<Context>,
}

#[derive(Deserialize)]
struct Context {
    title: String,
    text: String,
    has_answer: Option<bool>,
}

/// Reads one file.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    let records: Vec<Record> = read_json(path, Format::SleepQa)?;
    for (number, record) in records.into_iter().enumerate() {
        let others = (record.positive_ctxs.len() + record.ctxs.len()).saturating_sub(1) + record.negative_ctxs.len();
        sink.leave_out("passages beside the first that holds the answer", others);
        sink.record(format!("record {}", number + 1), draft(record))?;
    }
    Ok(())
}

fn draft(record: Record) -> Result<Draft, Refusal> {
    let mut right =
        record.positive_ctxs.iter().chain(record.ctxs.iter().filter(|context| context.has_answer == Some(true)));
    let Some(context) = right.next() else { return Err((Reason::NoGoldPassage, String::new())) };
    let marked = Marked::new(&context.title, &context.text);
    let found = marked.find(&record.answers);
    if found.answers.is_empty() {
        return Err((Reason::AnswerNotInPassage, format!("{:?}", record.answers)));
    }
    Ok(Draft {
        question: record.question,
        passages: vec![marked.passage.clone()],
        answer: found.answers.first().cloned(),
        short_answers: found.answers,
        support: found.support,
        tags: found.tags,
        ..Draft::default()
    })
}
