//! Looks for everything in a data set that would spoil a training or a measurement. One file per kind of finding.
//!
//! Files are read line by line. What is kept of an example is its id and question, its bare answers and hashes; of a
//! passage, a hash and a signature. When two splits are compared word by word, the runs of words of the smaller ones
//! are kept as hashes, and the files are read a second time.
//!
//! May depend on `files`, `validate`, `normal_form`, `min_hash` and `settings`.

mod answers;
mod contradictions;
mod duplicates;
mod finding;
mod leakage;
mod lengths;
mod mixed;
mod personal;
mod phrases;
mod schema;
mod shares;
mod survey;

pub use finding::{Code, Finding, LintReport, Severity};

use super::{error::DatasetError, files::DataSet};
use survey::Survey;

/// Looks at data sets together: what is a duplicate in one of them and another is one. Leaks are looked for between
/// their splits (a set that is not split counts as `train`) and between them and `against`, which is not looked at
/// otherwise.
pub fn lint(sets: &[DataSet], against: &[DataSet]) -> Result<LintReport, DatasetError> {
    let mut survey = Survey::default();
    for set in sets {
        survey.read(set, false)?;
    }
    for set in against {
        survey.read(set, true)?;
    }
    duplicates::look(&mut survey);
    contradictions::look(&mut survey);
    leakage::look(&mut survey);
    phrases::look(&mut survey)?;
    lengths::look(&mut survey);
    shares::look(&mut survey);
    mixed::look(&mut survey);
    Ok(survey.finish())
}

#[cfg(test)]
mod tests;
