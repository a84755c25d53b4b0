//! The folder that extraction is measured on: for each format `FORMAT/sources/FILE` and what it should become,
//! `FORMAT/groundtruth/FILE.md`, or without the file's own extension `FORMAT/groundtruth/STEM.md`.
//!
//! This is how docling keeps the files of its tests. May depend on nothing of this crate.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Why a folder cannot be measured on.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A folder or a file cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, io::Error),
    /// There is nothing to compare with.
    #[error(
        "{0} holds no file with a ground truth{only}; there should be FORMAT/sources/FILE and FORMAT/groundtruth/FILE.md",
        only = if *.1 { " of these formats" } else { "" }
    )]
    Nothing(PathBuf, bool),
    /// Text and nothing else can be compared.
    #[error("{0} is not in UTF-8")]
    NotText(PathBuf),
}

impl DataError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(..))
    }
}

/// A file whose text is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The name of the format's folder.
    pub format: String,
    /// The name of the file.
    pub file: String,
    /// The file, as an absolute path.
    pub source: PathBuf,
    /// What it says, as Markdown.
    pub truth: String,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Samples {
    /// The files with a ground truth, by format and name.
    pub samples: Vec<Sample>,
    /// The files without one, `FORMAT/FILE`; they are not measured.
    pub without_truth: Vec<String>,
}

/// Reads a folder; only these formats, or all without any.
pub fn read(folder: &Path, formats: &[String]) -> Result<Samples, DataError> {
    let folder = fs::canonicalize(folder).map_err(|error| DataError::Io(folder.to_owned(), error))?;
    let mut found = Samples::default();
    for format in names_in(&folder)? {
        let sources = folder.join(&format).join("sources");
        if !sources.is_dir() || !(formats.is_empty() || formats.contains(&format)) {
            continue;
        }
        for file in names_in(&sources)? {
            let source = sources.join(&file);
            if !source.is_file() {
                continue;
            }
            match truth_of(&folder.join(&format).join("groundtruth"), &file) {
                Some(path) => {
                    let truth = read_text(&path)?;
                    found.samples.push(Sample { format: format.clone(), file, source, truth });
                }
                None => found.without_truth.push(format!("{format}/{file}")),
            }
        }
    }
    if found.samples.is_empty() {
        return Err(DataError::Nothing(folder, !formats.is_empty()));
    }
    Ok(found)
}

/// A file of Markdown.
pub(super) fn read_text(path: &Path) -> Result<String, DataError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(DataError::NotText(path.to_owned())),
        read => read.map_err(|error| DataError::Io(path.to_owned(), error)),
    }
}

fn truth_of(folder: &Path, file: &str) -> Option<PathBuf> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    [file, stem].into_iter().map(|name| folder.join(format!("{name}.md"))).find(|path| path.is_file())
}

/// The names in a folder, sorted; those that are no text are not ours to measure.
fn names_in(folder: &Path) -> Result<Vec<String>, DataError> {
    let broken = |error| DataError::Io(folder.to_owned(), error);
    let entries = fs::read_dir(folder).map_err(broken)?.collect::<Result<Vec<_>, _>>().map_err(broken)?;
    let mut names: Vec<String> = entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_are_found_with_their_truth_by_name_or_stem() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("md/sources/b.md", "b"),
            ("md/groundtruth/b.md.md", "B"),
            ("md/sources/a.md", "a"),
            ("pdf/sources/c.pdf", "c"),
            ("pdf/groundtruth/c.md", "C"),
            ("loose.txt", "x"),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = read(dir.path(), &[]).unwrap();
        let seen: Vec<_> =
            found.samples.iter().map(|s| (s.format.as_str(), s.file.as_str(), s.truth.as_str())).collect();
        assert_eq!(seen, [("md", "b.md", "B"), ("pdf", "c.pdf", "C")]);
        assert_eq!(found.without_truth, ["md/a.md"]);
        assert!(found.samples.iter().all(|sample| sample.source.is_absolute()));
        assert_eq!(read(dir.path(), &["pdf".to_owned()]).unwrap().samples.len(), 1);
        for (folder, formats) in [(dir.path().to_owned(), vec!["odt".to_owned()]), (dir.path().join("none"), vec![])] {
            assert!(read(&folder, &formats).is_err());
        }
    }
}
