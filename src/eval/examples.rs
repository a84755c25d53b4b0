//! Reads the examples of one split of a data set, and checks what an evaluation stands on.
//!
//! A split is the folder `SPLIT/` of the data set, with a `.jsonl` file for each kind, or the file `SPLIT.jsonl`.
//! Without a split, the `.jsonl` files of the data set's own folder are read.
//!
//! May depend on `eval::card` (for sums), `domain::text` and `train::dataset`.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::card::{DataFile, sha256};
use crate::{
    domain::text::{CodePointIndex, CodePointRange},
    train::dataset::{
        example::{Example, Expected, SpanRole},
        validate::{history_defect, parts_defect},
    },
};

/// Why examples cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExamplesError {
    /// A file or folder cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// There is no such split.
    #[error("there is neither the folder {folder} nor the file {file}; name a split that the data set has")]
    NoSplit {
        /// The folder that was looked for.
        folder: PathBuf,
        /// The file that was looked for.
        file: PathBuf,
    },
    /// Nothing to read.
    #[error("{0} holds no .jsonl file with examples")]
    Empty(PathBuf),
    /// A line is no example.
    #[error("{path}, line {line}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

impl ExamplesError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == std::io::ErrorKind::Interrupted)
    }
}

/// Examples and the files that they came from.
#[derive(Debug, Clone, Default)]
pub struct ExampleFiles {
    /// The examples, file by file in the order of the names.
    pub examples: Vec<Example>,
    /// The files.
    pub files: Vec<DataFile>,
}

/// Reads the split of the data set in `folder`; its own files when `split` is `None`.
pub fn read_split(folder: &Path, split: Option<&str>) -> Result<ExampleFiles, ExamplesError> {
    let mut read = ExampleFiles::default();
    let mut places: HashMap<String, (PathBuf, usize)> = HashMap::new();
    for path in split_files(folder, split)? {
        let bytes = fs::read(&path).map_err(|error| ExamplesError::Io(path.clone(), error))?;
        let before = read.examples.len();
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            ExamplesError::Malformed { path: path.clone(), line, reason: "it is not UTF-8".to_owned() }
        })?;
        // What some editors put before the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (at, line) in text.lines().enumerate() {
            let malformed = |reason| ExamplesError::Malformed { path: path.clone(), line: at + 1, reason };
            let example: Example = serde_json::from_str(line).map_err(|error| malformed(error.to_string()))?;
            check(&example).map_err(malformed)?;
            if let Some((first, line)) = places.insert(example.id.clone(), (path.clone(), at + 1)) {
                let reason = format!("the id `{}` stands in {}, line {line}, already", example.id, first.display());
                return Err(malformed(reason));
            }
            read.examples.push(example);
        }
        let name = path.strip_prefix(folder).unwrap_or(&path);
        read.files.push(DataFile {
            name: name.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"),
            sha256: sha256(&bytes),
            examples: read.examples.len() - before,
        });
    }
    if read.examples.is_empty() {
        return Err(ExamplesError::Empty(split.map_or_else(|| folder.to_owned(), |split| folder.join(split))));
    }
    Ok(read)
}

fn split_files(folder: &Path, split: Option<&str>) -> Result<Vec<PathBuf>, ExamplesError> {
    let Some(split) = split else { return jsonl_files(folder) };
    let (inner, file) = (folder.join(split), folder.join(format!("{split}.jsonl")));
    if inner.is_dir() {
        jsonl_files(&inner)
    } else if file.is_file() {
        Ok(vec![file])
    } else {
        Err(ExamplesError::NoSplit { folder: inner, file })
    }
}

fn jsonl_files(folder: &Path) -> Result<Vec<PathBuf>, ExamplesError> {
    let unreadable = |error| ExamplesError::Io(folder.to_owned(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() { Err(ExamplesError::Empty(folder.to_owned())) } else { Ok(found) }
}

/// Checks what scoring an example stands on. What makes a data set good is the business of its linter.
pub fn check(example: &Example) -> Result<(), String> {
    if example.id.trim().is_empty() {
        return Err("the id is empty".to_owned());
    }
    if example.question.trim().is_empty() {
        return Err("the question is empty".to_owned());
    }
    let has_answer = example.answer.is_some() || !example.short_answers.is_empty();
    match example.expected {
        Expected::Answered | Expected::Partial if !has_answer => {
            return Err("it is expected to be answered and holds neither `answer` nor `short_answers`".to_owned());
        }
        Expected::Abstained | Expected::Clarify if has_answer => {
            return Err("it is expected to be declined or asked back about and holds an answer".to_owned());
        }
        _ => {}
    }
    if let Some(defect) = history_defect(example).or_else(|| parts_defect(example)) {
        return Err(defect);
    }
    let mut texts = HashMap::new();
    for passage in &example.passages {
        if texts.insert(passage.id.as_str(), CodePointIndex::new(&passage.text)).is_some() {
            return Err(format!("two passages have the id `{}`", passage.id));
        }
    }
    for span in &example.support {
        let Some(text) = texts.get(span.passage.as_str()) else {
            return Err(format!("a span names the passage `{}`, which is not there", span.passage));
        };
        let range = CodePointRange { start: span.start, end: span.end };
        if range.is_empty() || text.slice(range).is_none() {
            return Err(format!("the span {}-{} does not lie in the passage `{}`", span.start, span.end, span.passage));
        }
    }
    Ok(())
}

/// The document that an example asks about: that of its first evidence, else of its first span, else of its first
/// passage; its own id when it has no passage.
pub fn document_of(example: &Example) -> &str {
    let evidence = example.support.iter().find(|span| span.role == SpanRole::Evidence);
    let marked = evidence.or(example.support.first()).map(|span| span.passage.as_str());
    let passage = example.passages.iter().find(|passage| Some(passage.id.as_str()) == marked);
    passage.or(example.passages.first()).map_or(&example.id, |passage| &passage.title)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::eval::testing::{abstaining, answerable};

    fn line(example: &Example) -> String {
        serde_json::to_string(example).unwrap() + "\n"
    }

    #[test]
    fn a_split_is_a_folder_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (answerable("1", "?", "Yes.", &[]), abstaining("2", "?"));
        fs::create_dir(folder.path().join("test")).unwrap();
        fs::write(folder.path().join("test/task.jsonl"), line(&one)).unwrap();
        fs::write(folder.path().join("test/edge.jsonl"), line(&two)).unwrap();
        fs::write(folder.path().join("test/notes.txt"), "no example").unwrap();
        fs::write(folder.path().join("small.jsonl"), line(&two)).unwrap();
        let read = read_split(folder.path(), Some("test")).unwrap();
        let names: Vec<(&str, usize)> = read.files.iter().map(|file| (file.name.as_str(), file.examples)).collect();
        assert_eq!(names, [("test/edge.jsonl", 1), ("test/task.jsonl", 1)]);
        assert_eq!(read.examples, [two.clone(), one]);
        assert_eq!(read_split(folder.path(), Some("small")).unwrap().examples, std::slice::from_ref(&two));
        assert_eq!(read_split(folder.path(), None).unwrap().examples, [two]);
        let missing = read_split(folder.path(), Some("train")).unwrap_err().to_string();
        assert!(missing.contains("train.jsonl"), "{missing}");
    }

    #[test]
    fn a_bad_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let reading = |text: &str| {
            fs::write(folder.path().join("a.jsonl"), text).unwrap();
            read_split(folder.path(), Some("a")).unwrap_err().to_string()
        };
        let good = line(&answerable("1", "?", "Yes.", &[]));
        assert!(reading(&format!("{good}{{\n")).contains("line 2"));
        assert!(reading(&format!("{good}{good}")).contains("line 2: the id `1` stands in"));
        assert!(reading(&good.replace("\"question\"", "\"query\"")).contains("unknown field"));
        fs::write(folder.path().join("b.jsonl"), format!("\u{feff}{good}").replace('\n', "\r\n")).unwrap();
        assert_eq!(read_split(folder.path(), Some("b")).unwrap().examples.len(), 1);
        assert!(reading("").contains("holds no .jsonl file with examples"));
    }

    #[test]
    fn an_example_that_cannot_be_scored_is_refused() {
        let good = answerable("1", "Is it old?", "Yes.", &[]);
        assert_eq!(check(&good), Ok(()));
        let broken = |change: fn(&mut Example)| {
            let mut example = good.clone();
            change(&mut example);
            check(&example).unwrap_err()
        };
        assert!(broken(|example| example.question = " ".into()).contains("question"));
        assert!(broken(|example| example.answer = None).contains("neither"));
        assert!(broken(|example| example.expected = Expected::Abstained).contains("declined"));
        assert!(broken(|example| example.support[0].passage = "x".into()).contains("`x`"));
        assert!(broken(|example| example.support[0].end = 900).contains("900"));
        assert!(broken(|example| example.support[0].end = 0).contains("0-0"));
        assert!(broken(|example| example.passages.push(example.passages[0].clone())).contains("two passages"));
    }

    #[test]
    fn the_document_is_that_of_the_evidence() {
        let mut example = answerable("1", "?", "Yes.", &[]);
        let mut other = example.passages[0].clone();
        (other.id, other.title) = ("other".into(), "Elsewhere".into());
        example.passages.insert(0, other);
        assert_eq!(document_of(&example), example.passages[1].title);
        example.support.clear();
        assert_eq!(document_of(&example), "Elsewhere");
        example.passages.clear();
        assert_eq!(document_of(&example), "1");
    }
}
