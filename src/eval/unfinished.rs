//! The predictions of a run that is not finished: kept as they come, so that an evaluation of hours goes on where it was
//! interrupted.
//!
//! The first line says what is asked and of which system, and a file of another run is refused. Every other line is a
//! prediction. Questions that failed are asked again.
//!
//! May depend on `eval::suite`, `eval::assemble`, `eval::prediction` and `eval::card`.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    assemble::Origin,
    card::sha256,
    prediction::{PredictedOutcome, Prediction},
    suite::{LoadedSuite, SuiteError},
};

/// Why predictions cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum UnfinishedError {
    /// The file cannot be read or written.
    #[error("cannot {0} {1}: {2}")]
    Io(&'static str, PathBuf, std::io::Error),
    /// It is of another run.
    #[error(
        "{path} is of another run: its {what} differ; remove it to begin again, or name another folder for this run"
    )]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// A line is not what it should be.
    #[error("{path}, line {line}: {reason}; remove the file to begin again")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The suite has no identity.
    #[error(transparent)]
    Suite(#[from] SuiteError),
}

impl UnfinishedError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, _, error) if error.kind() == ErrorKind::Interrupted)
    }
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    suite: String,
    questions: String,
    models: BTreeMap<String, String>,
    configuration: BTreeMap<String, serde_json::Value>,
    program: String,
    commit: Option<String>,
}

/// The file of a run that is not finished.
#[derive(Debug)]
pub struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Unfinished {
    /// The file beside the folder that the run will have.
    pub fn path_of(folder: &Path) -> PathBuf {
        let mut name = folder.as_os_str().to_owned();
        name.push(".unfinished.jsonl");
        name.into()
    }

    /// Opens or begins the file at `path`, and returns what is known already, without the questions that failed.
    pub fn open(
        path: &Path,
        loaded: &LoadedSuite,
        origin: &Origin,
    ) -> Result<(Self, HashMap<String, Prediction>), UnfinishedError> {
        let failed = |doing| move |error| UnfinishedError::Io(doing, path.to_owned(), error);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed("create the folder of"))?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("open"))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed("read"))?;
        let header = header(loaded, origin)?;
        // What a kill left of a line is cut off.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let known = match text[..whole].split_once('\n') {
            None => HashMap::new(),
            Some((first, rest)) => {
                check(first, &header, path)?;
                predictions(rest, path)?
            }
        };
        file.set_len(whole as u64).map_err(failed("shorten"))?;
        file.seek(SeekFrom::End(0)).map_err(failed("read"))?;
        let mut unfinished = Self { file, path: path.to_owned() };
        if whole == 0 {
            unfinished.append(&header)?;
        }
        Ok((unfinished, known))
    }

    /// Keeps a prediction.
    pub fn keep(&mut self, prediction: &Prediction) -> Result<(), UnfinishedError> {
        self.append(prediction)
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), UnfinishedError> {
        let failed = |error| UnfinishedError::Io("write", self.path.clone(), error);
        let mut bytes = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(failed)
    }

    /// Removes the file: the run is finished.
    pub fn remove(self) -> Result<(), UnfinishedError> {
        std::fs::remove_file(&self.path).map_err(|error| UnfinishedError::Io("remove", self.path.clone(), error))
    }
}

fn header(loaded: &LoadedSuite, origin: &Origin) -> Result<Header, UnfinishedError> {
    let mut questions = String::new();
    for question in &loaded.questions {
        let example = serde_json::to_string(&question.example);
        questions.push_str(&example.map_err(|error| UnfinishedError::Io("write", PathBuf::new(), error.into()))?);
    }
    Ok(Header {
        suite: loaded.suite.identity()?.sha256,
        questions: sha256(questions.as_bytes()),
        models: origin.models.clone(),
        configuration: origin.configuration.clone(),
        program: origin.program.clone(),
        commit: origin.commit.clone(),
    })
}

fn check(line: &str, wanted: &Header, path: &Path) -> Result<(), UnfinishedError> {
    let found: Header = serde_json::from_str(line).map_err(|error| UnfinishedError::Malformed {
        path: path.to_owned(),
        line: 1,
        reason: error.to_string(),
    })?;
    let what = [
        (found.suite == wanted.suite, "suite's settings"),
        (found.questions == wanted.questions, "questions"),
        (found.models == wanted.models, "models"),
        (found.configuration == wanted.configuration, "settings"),
        ((found.program, found.commit) == (wanted.program.clone(), wanted.commit.clone()), "program's versions"),
    ];
    match what.into_iter().find(|(same, _)| !same) {
        Some((_, what)) => Err(UnfinishedError::OtherRun { path: path.to_owned(), what }),
        None => Ok(()),
    }
}

fn predictions(text: &str, path: &Path) -> Result<HashMap<String, Prediction>, UnfinishedError> {
    let mut known = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let prediction: Prediction = serde_json::from_str(line).map_err(|error| UnfinishedError::Malformed {
            path: path.to_owned(),
            line: at + 2,
            reason: error.to_string(),
        })?;
        // A question that failed and was asked again stands twice; the later line counts.
        if prediction.outcome == PredictedOutcome::Failed {
            known.remove(&prediction.id);
        } else {
            known.insert(prediction.id.clone(), prediction);
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::fs;

    use super::*;
    use crate::eval::testing::{answerable, prediction, suite_of};

    fn suite() -> LoadedSuite {
        suite_of((0..3).map(|at| answerable(&at.to_string(), "?", "Yes.", &["yes"])).collect())
    }

    fn said(loaded: &LoadedSuite, at: usize, outcome: PredictedOutcome) -> Prediction {
        prediction(&loaded.questions[at].example, outcome, "yes", 0.5)
    }

    #[test]
    fn what_was_kept_is_known_after_a_kill() {
        let (folder, loaded) = (tempfile::tempdir().unwrap(), suite());
        let path = Unfinished::path_of(&folder.path().join("run"));
        assert!(path.ends_with("run.unfinished.jsonl"));
        let origin = Origin::default();
        let (mut unfinished, known) = Unfinished::open(&path, &loaded, &origin).unwrap();
        assert!(known.is_empty());
        unfinished.keep(&said(&loaded, 0, PredictedOutcome::Answered)).unwrap();
        unfinished.keep(&said(&loaded, 1, PredictedOutcome::Failed)).unwrap();
        drop(unfinished);
        // Killed in the middle of a line.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"id\": \"2\", \"docu").unwrap();
        let (mut unfinished, known) = Unfinished::open(&path, &loaded, &origin).unwrap();
        assert_eq!(known.keys().collect::<Vec<_>>(), ["0"]);
        unfinished.keep(&said(&loaded, 1, PredictedOutcome::Answered)).unwrap();
        let (unfinished, known) = Unfinished::open(&path, &loaded, &origin).unwrap();
        assert_eq!(known.len(), 2);
        unfinished.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn the_file_of_another_run_is_refused() {
        let (folder, loaded) = (tempfile::tempdir().unwrap(), suite());
        let path = folder.path().join("x");
        Unfinished::open(&path, &loaded, &Origin::default()).unwrap();
        let tuned = Origin { models: BTreeMap::from([("adapter".into(), "tuned".into())]), ..Origin::default() };
        let error = Unfinished::open(&path, &loaded, &tuned).unwrap_err();
        assert!(matches!(error, UnfinishedError::OtherRun { what: "models", .. }), "{error}");
        let mut other = suite();
        other.questions.pop();
        let error = Unfinished::open(&path, &other, &Origin::default()).unwrap_err();
        assert!(matches!(error, UnfinishedError::OtherRun { what: "questions", .. }), "{error}");
        fs::write(&path, fs::read_to_string(&path).unwrap() + "nonsense\n").unwrap();
        let error = Unfinished::open(&path, &loaded, &Origin::default()).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
