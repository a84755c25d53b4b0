//! PubMedQA (Jin et al. 2019): a question, an abstract without its conclusion, and yes, no or maybe.
//!
//! The sections of an abstract are one passage, a paragraph each. The conclusion is the answer, the decision the short
//! answer. Which sentences carry it is not labelled, so there is no support; the tag is `free-form`.
//!
//! May depend on `sink`.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{
    Format, Reason, Sink, read_json,
    sink::{Draft, Refusal, passage},
};
use crate::train::dataset::{FREE_FORM, error::DatasetError};

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "QUESTION")]
    question: String,
    #[serde(rename = "CONTEXTS")]
    contexts: Vec<String>,
    #[serde(rename = "LONG_ANSWER")]
    long_answer: String,
    final_decision: Option<String>,
}

/// Reads one file: an object of records by PubMed's number.
pub(super) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), DatasetError> {
    let records: BTreeMap<String, Record> = read_json(path, Format::PubmedQa)?;
    for (id, record) in records {
        let draft = draft(&id, record);
        sink.record(id, draft)?;
    }
    Ok(())
}

fn draft(id: &str, record: Record) -> Result<Draft, Refusal> {
    let decision = record.final_decision.unwrap_or_default();
    if !matches!(decision.as_str(), "yes" | "no" | "maybe") {
        return Err((Reason::NoAnswer, format!("final_decision is {decision:?}")));
    }
    Ok(Draft {
        id: Some(id.to_owned()),
        question: record.question,
        passages: vec![passage(&format!("PubMed {id}"), &record.contexts.join("\n\n"))],
        answer: Some(record.long_answer.trim().to_owned()),
        short_answers: vec![decision],
        tags: vec![FREE_FORM.to_owned()],
        ..Draft::default()
    })
}
