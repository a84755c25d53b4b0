//! Human judgement: a blind sheet that shows the answers of two runs side by side, and what its readers said.
//!
//! `sheet` draws the questions and decides which run is A and which is B, `page` and `table` write the sheet, and
//! `filled` reads it back; `agreement` says which run is preferred and how well the reviewers agree. Which run is which
//! stands in a key of its own, which the reviewers do not get.
//!
//! May depend on `eval::run`, `eval::bootstrap`, `train::dataset::split_mix` and `eval::report::html`.

pub mod agreement;
pub mod filled;
pub mod page;
pub mod sheet;
pub mod table;

use std::path::PathBuf;

/// Why a review cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The runs cannot be compared.
    #[error(transparent)]
    Runs(#[from] super::compare::CompareError),
    /// Too few questions.
    #[error("{wanted} questions are asked for and there are {found}{}; ask for fewer", that_differ(.different))]
    TooFew {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
        /// Whether only those were looked at on which the runs differ.
        different: bool,
    },
    /// A file cannot be read or written.
    #[error("cannot {0} {1}: {2}")]
    Io(&'static str, PathBuf, std::io::Error),
    /// A file is not what it should be.
    #[error("{path}{}: {reason}", at_line(.line))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 for the whole file.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A filled sheet belongs to another key.
    #[error("{path} is of the sheet {found}, and the key is of {expected}; name the key that was made with it")]
    OtherSheet {
        /// The filled sheet.
        path: PathBuf,
        /// Its sheet.
        found: String,
        /// The key's.
        expected: String,
    },
    /// Two sheets of one person.
    #[error("two of the sheets are by `{0}`; name each reviewer's sheet once, with different names in it")]
    SameReviewer(String),
    /// Nobody judged anything.
    #[error("no question of the filled sheets is judged")]
    NothingJudged,
}

impl ReviewError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, _, error) if error.kind() == std::io::ErrorKind::Interrupted)
    }
}

fn that_differ(different: &bool) -> &'static str {
    if *different { " that differ" } else { "" }
}

fn at_line(line: &u64) -> String {
    if *line == 0 { String::new() } else { format!(", line {line}") }
}
