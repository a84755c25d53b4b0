//! The examples of a run: folders of JSON lines, and the sum that says which they were.
//!
//! May depend on `dataset`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    TrainError,
    dataset::{
        DataSet, DatasetError, Example,
        lint::{Severity, lint},
        manifest::Manifest,
    },
};

/// How many findings an error shows.
const SHOWN: usize = 5;

/// What was read, for the card of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// The file.
    pub path: PathBuf,
    /// Its sha256.
    pub sha256: String,
    /// Its examples.
    pub examples: usize,
    /// Examples of it that training cannot learn from, left out: see [`Example::is_trainable`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// Their licences.
    #[serde(default)]
    pub licences: BTreeSet<String>,
    /// The frozen data set that it belongs to: name, version and the beginning of the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The examples of some data sets, in order.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// The examples.
    pub examples: Vec<Example>,
    /// Where they come from.
    pub files: Vec<DataFile>,
}

impl Data {
    /// How many examples were left out because training cannot learn from them.
    pub fn left_out(&self) -> usize {
        self.files.iter().map(|file| file.left_out).sum()
    }
}

/// Reads data sets, frozen ones after they were verified. One with several splits is refused: its test part would be
/// learned from with the rest. A folder that is named twice is read twice: its examples
/// weigh double. Examples that training cannot learn from are counted and left out; data of nothing else is refused.
pub fn read(folders: &[PathBuf]) -> Result<Data, TrainError> {
    let mut data = Data::default();
    for folder in folders {
        let set = DataSet::open(folder)?;
        if set.splits().len() > 1 {
            let reason = format!("{} has several splits; name the folder of one", folder.display());
            return Err(DatasetError::Request(reason).into());
        }
        let version = set.manifest().map(Manifest::label);
        for part in set.parts() {
            let bytes = fs::read(&part.path).map_err(TrainError::io("reading", &part.path))?;
            let sha256 = hex::encode(Sha256::digest(&bytes));
            data.files.push(DataFile {
                path: part.path.clone(),
                sha256,
                examples: 0,
                left_out: 0,
                licences: BTreeSet::new(),
                version: version.clone(),
            });
        }
        for located in set.examples() {
            let located = located?;
            if let Some(file) = data.files.iter_mut().rev().find(|file| file.path == located.part.path) {
                if !located.example.is_trainable() {
                    file.left_out += 1;
                    continue;
                }
                file.examples += 1;
                if !file.licences.contains(&located.example.licence) {
                    file.licences.insert(located.example.licence.clone());
                }
            }
            data.examples.push(located.example);
        }
    }
    let left_out = data.left_out();
    if left_out > 0 && data.examples.is_empty() {
        return Err(TrainError::NothingToLearn(left_out));
    }
    Ok(data)
}

/// Refuses data that `dataset lint` finds errors in: contradictions, duplicates, what leaks into the validation data.
/// What a data set's own `dataset.toml` allows is let be.
pub fn refuse_errors(training: &[PathBuf], validation: &[PathBuf]) -> Result<(), TrainError> {
    let open = |folders: &[PathBuf]| {
        let distinct: BTreeSet<&PathBuf> = folders.iter().collect();
        distinct.into_iter().map(|folder| DataSet::open(folder)).collect::<Result<Vec<_>, _>>()
    };
    let report = lint(&open(training)?, &open(validation)?)?;
    if report.errors == 0 {
        return Ok(());
    }
    let errors = report.findings.iter().filter(|finding| finding.code.severity() == Severity::Error);
    let shown = errors.take(SHOWN).map(|finding| format!("\n  {finding}")).collect();
    Err(TrainError::Unsound { errors: report.errors, shown })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const LINE: &str = r#"{"id":"1","kind":"task","question":"Who lights the lamp?","passages":[{"id":"p","title":"Lamp","text":"The lamp is lit at dawn."}],"expected":"abstained","provenance":"written here","licence":"CC0-1.0"}"#;

    fn set(folder: &std::path::Path, lines: &[&str]) -> Vec<PathBuf> {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("task.jsonl"), lines.join("\n") + "\n").unwrap();
        vec![folder.to_owned()]
    }

    #[test]
    fn files_are_read_and_summed_and_a_bad_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(&[folder.path().to_owned()]).is_err());
        let folders = set(folder.path(), &[LINE, &LINE.replace("\"1\"", "\"2\"")]);
        let data = read(&folders).unwrap();
        assert_eq!((data.examples.len(), data.files[0].examples, data.files[0].sha256.len()), (2, 2, 64));
        assert_eq!(data.files[0].version, None, "it is not frozen");
        assert_eq!(data.files[0].licences, BTreeSet::from(["CC0-1.0".to_owned()]));
        let error = read(&set(folder.path(), &[LINE, r#"{"id":"2"}"#])).unwrap_err().to_string();
        assert!(error.contains('2') && error.contains("kind"), "{error}");
    }

    #[test]
    fn a_set_that_is_divided_is_not_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let train = set(&folder.path().join("train"), &[LINE]);
        set(&folder.path().join("test"), &[&LINE.replace("\"1\"", "\"2\"")]);
        assert_eq!(read(&train).unwrap().examples.len(), 1);
        let error = read(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("several splits"), "{error}");
    }

    #[test]
    fn what_training_cannot_learn_from_is_left_out_with_a_count() {
        let folder = tempfile::tempdir().unwrap();
        let asked_on = LINE
            .replace("\"1\"", "\"2\"")
            .replace("\"question\"", r#""history":[{"question":"Is there a lamp?","answer":"Yes."}],"question""#);
        let unclear = LINE.replace("\"1\"", "\"3\"").replace("abstained", "clarify");
        let data = read(&set(folder.path(), &[LINE, &asked_on, &unclear])).unwrap();
        assert_eq!((data.examples.len(), data.files[0].examples, data.left_out()), (1, 1, 2));
        let error = read(&set(folder.path(), &[&unclear])).unwrap_err().to_string();
        assert!(error.contains("clarify"), "{error}");
    }

    #[test]
    fn a_document_on_both_sides_and_a_contradiction_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let training = set(&folder.path().join("a"), &[LINE]);
        let leak = set(&folder.path().join("b"), &[&LINE.replace("\"1\"", "\"2\"").replace("Who", "When, and who")]);
        let error = refuse_errors(&training, &leak).unwrap_err().to_string();
        assert!(error.contains("leak"), "{error}");
        let answered = LINE.replace("\"1\"", "\"2\"").replace("\"abstained\"", "\"answered\",\"answer\":\"At dawn.\"");
        let both = set(&folder.path().join("c"), &[LINE, &answered]);
        let error = refuse_errors(&both, &[]).unwrap_err().to_string();
        assert!(error.contains("contradict"), "{error}");
    }
}
