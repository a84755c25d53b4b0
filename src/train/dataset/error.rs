//! What can go wrong with a data set as a whole. What is wrong with single examples is a finding of `lint`, or a
//! refused record of `import`.
//!
//! May depend on nothing of this crate.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a data set could not be read, written, cut or frozen.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file system said no.
    #[error("{doing} {path}: {cause}")]
    Io {
        /// What was being done, as in "reading".
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said. Not named `source`: it is in the message already.
        cause: io::Error,
    },
    /// A line is no valid example.
    #[error("{file}:{line}: {reason}; `footnote dataset lint` lists everything that is wrong")]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u32,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder is no data set.
    #[error("{0} is no data set: {1}")]
    NoDataSet(PathBuf, String),
    /// A file to import is not in the named format.
    #[error("{file} is not in the format {format}: {reason}")]
    Format {
        /// The file.
        file: PathBuf,
        /// The format that was asked for.
        format: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// The settings in `dataset.toml` are wrong.
    #[error("{0}: {1}")]
    Settings(PathBuf, String),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Request(String),
    /// The output is there already.
    #[error("{0} exists; name a folder that does not, or remove it first")]
    Exists(PathBuf),
    /// There is no manifest to verify against.
    #[error("{0} is not frozen, so there is nothing to verify it against; freeze it with `footnote dataset freeze`")]
    NotFrozen(PathBuf),
    /// A frozen file was changed.
    #[error(
        "{file} was changed after it was frozen: the manifest says sha256 {recorded}, the file has {found}; restore the file, or freeze a new version"
    )]
    Altered {
        /// The file.
        file: PathBuf,
        /// The sum in the manifest.
        recorded: String,
        /// The sum of what is there.
        found: String,
    },
    /// A frozen file is gone.
    #[error("{file} is missing from the frozen data set (sha256 {recorded}); restore it, or freeze a new version")]
    Missing {
        /// The file.
        file: PathBuf,
        /// The sum in the manifest.
        recorded: String,
    },
    /// A file was added to a frozen data set.
    #[error(
        "{file} is not in the manifest of the frozen data set (sha256 {found}); remove it, or freeze a new version"
    )]
    Extra {
        /// The file.
        file: PathBuf,
        /// The sum of what is there.
        found: String,
    },
    /// The manifest itself is wrong.
    #[error("{0}: {1}; restore it, or freeze a new version")]
    Manifest(PathBuf, String),
}

impl DatasetError {
    /// Makes an [`DatasetError::Io`] of an error of the file system.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::Io { doing, path, cause }
    }

    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if matches!(
            cause.kind(),
            io::ErrorKind::Interrupted | io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::ResourceBusy
        ))
    }
}
