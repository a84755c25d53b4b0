//! Bringing other people's question sets into the form of [`Example`](super::Example).
//!
//! Every importer keeps to the same rules. Offsets are verified: an answer that is not at its offset refuses the
//! record, and nothing is guessed. Where a format gives answers without offsets, an answer that stands once in the
//! passage is marked there; one that stands several times is marked everywhere, gets no evidence unless one sentence
//! holds all places, and the example gets the tag `several-places`. Answer spans and evidence are in the order of how
//! many annotators chose them, so the first of each is the surest. Texts are taken as they are, save white space around
//! questions and answers.
//!
//! May depend on `files`, `validate`, `normal_form`, `domain`.

mod clapnq;
mod csv;
mod fairytaleqa;
mod follow_ups;
mod jsonl;
mod marked;
mod natural_questions;
pub mod printed_list;
mod pubmedqa;
mod qed;
mod report;
mod scifact;
mod sink;
mod sleepqa;
mod squad;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{
    error::DatasetError,
    example::Kind,
    files::{BYTE_ORDER_MARK, Writer, lines},
    validate::is_spdx,
};
pub use csv::{Columns, Field};
pub use follow_ups::FollowUpSources;
pub use report::{FileReport, ImportReport, Reason, Refused};
use sink::Sink;

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// SQuAD 1.1 and 2.0 JSON (Rajpurkar et al. 2016, 2018), and the many sets that borrow its form.
    Squad,
    /// ClapNQ (Rosenthal et al. 2024): long answers with the sentences that support them; JSON lines.
    Clapnq,
    /// Natural Questions with contexts, as "Lost in the middle" (Liu et al. 2023) publishes them; JSON lines.
    NaturalQuestions,
    /// QED (Lamm et al. 2021): Natural Questions with the supporting sentence; JSON lines.
    Qed,
    /// PubMedQA (Jin et al. 2019): yes, no or maybe on abstracts; one JSON object.
    PubmedQa,
    /// SleepQA (Bojic et al. 2022), in the form of dense passage retrieval; one JSON list.
    SleepQa,
    /// FairytaleQA (Xu et al. 2022): CSV files of questions beside those of the stories' sections.
    FairytaleQa,
    /// SciFact (Wadden et al. 2020): claims and the abstracts with their evidence; two CSV files.
    SciFact,
    /// Follow-up questions that stand in a row each beside a place in a SQuAD paragraph or in a page; JSON lines.
    FollowUps,
    /// CSV with named columns.
    Csv,
    /// Our own format, validated.
    Jsonl,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 11] = [
        Self::Squad,
        Self::Clapnq,
        Self::NaturalQuestions,
        Self::Qed,
        Self::PubmedQa,
        Self::SleepQa,
        Self::FairytaleQa,
        Self::SciFact,
        Self::FollowUps,
        Self::Csv,
        Self::Jsonl,
    ];

    /// Its name on the command line; also what the ids of its examples begin with, where the records of the format
    /// have no ids that are unique beyond it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Squad => "squad",
            Self::Clapnq => "clapnq",
            Self::NaturalQuestions => "nq",
            Self::Qed => "qed",
            Self::PubmedQa => "pubmedqa",
            Self::SleepQa => "sleepqa",
            Self::FairytaleQa => "fairytaleqa",
            Self::SciFact => "scifact",
            Self::FollowUps => "follow-ups",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// The licence of the data, where the format is that of one published set.
    pub fn licence(self) -> Option<&'static str> {
        match self {
            // Those of follow-ups depend on where they were written.
            Self::Squad | Self::FollowUps | Self::Csv | Self::Jsonl => None,
            Self::Clapnq | Self::FairytaleQa => Some("Apache-2.0"),
            // The file is MIT, its passages are Wikipedia's.
            Self::NaturalQuestions => Some("MIT AND CC-BY-SA-3.0"),
            Self::Qed => Some("CC-BY-SA-3.0"),
            Self::PubmedQa | Self::SleepQa => Some("MIT"),
            // The claims, and the abstracts.
            Self::SciFact => Some("CC-BY-4.0 AND ODC-By-1.0"),
        }
    }

    /// What the ids of its examples begin with by default.
    fn id_prefix(self) -> String {
        match self {
            // SQuAD's ids are unique by themselves, and whoever compares with published predictions needs them as
            // they are.
            Self::Squad | Self::Csv | Self::Jsonl => String::new(),
            _ => format!("{}-", self.as_str()),
        }
    }
}

/// What an import may be told.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The licence of the records, an SPDX expression; the format's own where it says nothing.
    pub licence: Option<String>,
    /// What ids begin with; the format's own where it says nothing.
    pub id_prefix: Option<String>,
    /// The kind of the examples. Our own format says it itself.
    pub kind: Kind,
    /// Tags for every example.
    pub tags: Vec<String>,
    /// Which column of a CSV file is which field.
    pub columns: Columns,
    /// Take an answer that is not at its offset from the only place where it stands, and tag the example `relocated`.
    /// Without it such a record is refused.
    pub relocate: bool,
    /// Where the paragraphs and pages of follow-ups are.
    pub follow_ups: FollowUpSources,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            licence: None,
            id_prefix: None,
            kind: Kind::Task,
            tags: Vec::new(),
            columns: Columns::default(),
            relocate: false,
            follow_ups: FollowUpSources::default(),
        }
    }
}

/// Reads files of one format and writes the data set `out`, which must not exist. A record that cannot be taken is
/// counted with its reason; a file that is not in the format at all is an error.
pub fn import(
    format: Format,
    files: &[PathBuf],
    options: &ImportOptions,
    out: &Path,
) -> Result<ImportReport, DatasetError> {
    let request = |reason: &str| Err(DatasetError::Request(reason.to_owned()));
    let licence = options.licence.clone().or_else(|| format.licence().map(str::to_owned));
    match &licence {
        Some(_) if matches!(format, Format::Jsonl | Format::FollowUps) => {
            return request("records of our own formats say their licence themselves; leave out --licence");
        }
        Some(licence) if !is_spdx(licence) => {
            return request(&format!("{licence:?} is no SPDX licence expression; write e.g. CC-BY-SA-4.0"));
        }
        None if format == Format::Squad || (format == Format::Csv && !options.columns.names(Field::Licence)) => {
            return request("the format does not say its licence; give --licence with its SPDX identifier");
        }
        _ => {}
    }
    if format == Format::Csv {
        options.columns.check().map_err(DatasetError::Request)?;
    }
    if format == Format::FollowUps {
        options.follow_ups.check().map_err(DatasetError::Request)?;
    } else if options.follow_ups != FollowUpSources::default() {
        return request("--squad, --corpus and --stand-alone are for follow-ups; leave them out");
    }
    let prefix = options.id_prefix.clone().unwrap_or_else(|| format.id_prefix());
    let mut sink = Sink::new(Writer::create(out)?, options, licence.unwrap_or_default(), prefix);
    for file in files {
        sink.begin(file);
        match format {
            Format::Squad => squad::read(file, &mut sink),
            Format::Clapnq => clapnq::read(file, &mut sink),
            Format::NaturalQuestions => natural_questions::read(file, &mut sink),
            Format::Qed => qed::read(file, &mut sink),
            Format::PubmedQa => pubmedqa::read(file, &mut sink),
            Format::SleepQa => sleepqa::read(file, &mut sink),
            Format::FairytaleQa => fairytaleqa::read(file, &mut sink),
            Format::SciFact => scifact::read(file, &mut sink),
            Format::FollowUps => follow_ups::read(file, &mut sink),
            Format::Csv => csv::read(file, &options.columns, &mut sink),
            Format::Jsonl => jsonl::read(file, &mut sink),
        }?;
    }
    sink.finish(out)
}

/// A file that is one JSON value.
fn read_json<T: DeserializeOwned>(path: &Path, format: Format) -> Result<T, DatasetError> {
    let bytes = fs::read(path).map_err(DatasetError::io("reading", path))?;
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|error| DatasetError::Format {
        file: path.to_owned(),
        format: format.as_str(),
        reason: error.to_string(),
    })
}

/// The records of a file of JSON lines: each with the number of its line, and refused where it does not fit.
fn each_line<T: DeserializeOwned>(
    path: &Path,
    sink: &mut Sink<'_>,
    mut take: impl FnMut(String, T, &mut Sink<'_>) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    for line in lines(path)? {
        let line = line?;
        let name = format!("line {}", line.number);
        match line.text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string())) {
            Ok(record) => take(name, record, sink)?,
            Err(reason) => sink.refuse(name, Reason::Malformed, reason),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
