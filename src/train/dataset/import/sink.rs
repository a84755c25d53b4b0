//! Where importers put their records: makes examples of them, checks them, counts them and writes them.
//!
//! May depend on `files` and `validate`.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{ImportOptions, ImportReport, Reason, Refused, report::FileReport};
use crate::train::dataset::{
    error::DatasetError,
    example::{Example, Exchange, Expected, Kind, Passage, Span},
    files::{Split, Writer},
    passage_id,
    validate::{self, DefectKind},
};

/// What an importer says of a record. The rest of an example is the same for all records.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The record's own id; a sum of question and passages for formats that have none.
    pub id: Option<String>,
    /// What was said before.
    pub history: Vec<Exchange>,
    pub question: String,
    pub passages: Vec<Passage>,
    /// `None` declines the question.
    pub answer: Option<String>,
    pub short_answers: Vec<String>,
    pub support: Vec<Span>,
    pub tags: Vec<String>,
    /// What the record itself says of its origin and licence.
    pub provenance: Option<String>,
    pub licence: Option<String>,
}

/// Why a record is not taken, and what exactly.
pub(super) type Refusal = (Reason, String);

/// Collects the examples of an import.
pub(super) struct Sink<'a> {
    writer: Writer,
    options: &'a ImportOptions,
    licence: String,
    prefix: String,
    file: String,
    ids: HashSet<String>,
    report: ImportReport,
}

impl<'a> Sink<'a> {
    pub fn new(writer: Writer, options: &'a ImportOptions, licence: String, prefix: String) -> Self {
        let (file, ids, report) = (String::new(), HashSet::new(), ImportReport::default());
        Self { writer, options, licence, prefix, file, ids, report }
    }

    /// What the import was told.
    pub fn options(&self) -> &'a ImportOptions {
        self.options
    }

    /// Goes on to the next file.
    pub fn begin(&mut self, path: &Path) {
        self.file = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        self.report.files.push(FileReport { file: self.file.clone(), ..FileReport::default() });
    }

    /// Takes a record, or refuses it with the importer's reason.
    pub fn record(&mut self, record: String, draft: Result<Draft, Refusal>) -> Result<(), DatasetError> {
        self.record_of(None, record, draft)
    }

    /// The same for a record that says to which split it belongs.
    pub fn record_of(
        &mut self,
        split: Option<Split>,
        record: String,
        draft: Result<Draft, Refusal>,
    ) -> Result<(), DatasetError> {
        match draft {
            Ok(draft) => self.take(split, record, draft),
            Err((reason, detail)) => {
                self.refuse(record, reason, detail);
                Ok(())
            }
        }
    }

    fn take(&mut self, split: Option<Split>, record: String, draft: Draft) -> Result<(), DatasetError> {
        let id = draft.id.clone().unwrap_or_else(|| sum_of(&draft));
        let mut tags = self.options.tags.clone();
        tags.extend(draft.tags);
        let example = Example {
            id: format!("{}{id}", self.prefix),
            kind: self.options.kind,
            history: draft.history,
            parts: vec![],
            question: draft.question.trim().to_owned(),
            passages: draft.passages,
            expected: if draft.answer.is_some() { Expected::Answered } else { Expected::Abstained },
            answer: draft.answer,
            short_answers: draft.short_answers,
            support: draft.support,
            tags,
            provenance: draft.provenance.unwrap_or_else(|| format!("{}#{record}", self.file)),
            licence: draft.licence.unwrap_or_else(|| self.licence.clone()),
        };
        self.finished_of(split, record, example)
    }

    /// Takes an example that is complete.
    pub fn finished(&mut self, record: String, example: Example) -> Result<(), DatasetError> {
        self.finished_of(None, record, example)
    }

    fn finished_of(&mut self, split: Option<Split>, record: String, example: Example) -> Result<(), DatasetError> {
        if let Some(defect) = validate::defects(&example).into_iter().next() {
            let reason = if defect.kind == DefectKind::EmptyField { Reason::EmptyField } else { Reason::Unsound };
            self.refuse(record, reason, defect.message);
        } else if self.ids.contains(&example.id) {
            self.refuse(record, Reason::DuplicateId, example.id);
        } else {
            self.writer.write(split, &example)?;
            self.ids.insert(example.id);
            self.count(|file| (file.read, file.taken) = (file.read + 1, file.taken + 1));
        }
        Ok(())
    }

    /// Counts a record that is not taken.
    pub fn refuse(&mut self, record: String, reason: Reason, detail: impl Into<String>) {
        *self.report.reasons.entry(reason).or_default() += 1;
        self.report.refused.push(Refused { file: self.file.clone(), record, reason, detail: detail.into() });
        self.count(|file| (file.read, file.refused) = (file.read + 1, file.refused + 1));
    }

    /// Counts something of a record that the example has no place for.
    pub fn leave_out(&mut self, what: &'static str, times: usize) {
        if times > 0 {
            *self.report.left_out.entry(what).or_default() += times as u64;
        }
    }

    fn count(&mut self, count: impl FnOnce(&mut FileReport)) {
        if let Some(file) = self.report.files.last_mut() {
            count(file);
        }
    }

    /// Puts the data set in place. One without any example is refused.
    pub fn finish(mut self, out: &Path) -> Result<ImportReport, DatasetError> {
        if self.report.taken() == 0 {
            let reasons: Vec<String> =
                self.report.reasons.iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
            let why = if reasons.is_empty() { "there are none".to_owned() } else { reasons.join("; ") };
            return Err(DatasetError::NoDataSet(out.to_owned(), format!("no record could be taken: {why}")));
        }
        let counts: BTreeMap<_, _> = self.writer.finish()?;
        self.report.written =
            counts.into_iter().map(|((split, kind), count)| (written_name(split, kind), count)).collect();
        Ok(self.report)
    }
}

/// The path of a file inside the data set.
fn written_name(split: Option<Split>, kind: Kind) -> String {
    match split {
        Some(split) => format!("{}/{}", split.as_str(), kind.file_name()),
        None => kind.file_name(),
    }
}

/// An id for a record that has none: what it asks of which passages.
fn sum_of(draft: &Draft) -> String {
    let mut hash = Sha256::new();
    hash.update(draft.question.trim());
    for passage in &draft.passages {
        hash.update(format!("\0{}", passage.text));
    }
    hex::encode(&hash.finalize()[..8])
}

/// A passage whose id is that of its text, in whatever file and example it stands.
pub(super) fn passage(title: &str, text: &str) -> Passage {
    Passage { id: passage_id(text), title: title.trim().to_owned(), text: text.to_owned() }
}
