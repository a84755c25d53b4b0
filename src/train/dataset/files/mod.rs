//! A data set on the disk: a folder with `task.jsonl`, `edge.jsonl` and `failure.jsonl` (those that it needs) and,
//! where it has some, `dataset.toml`; or a folder with such folders named `train`, `validation` and `test`. Other files
//! beside them (a README, a licence) are nobody's business here.
//!
//! Opening one whose folder has a manifest verifies every sum in it first.
//!
//! May depend on `example`, `validate`, `settings`, `manifest` and `freeze`.

mod read;
mod write;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    error::DatasetError,
    example::Kind,
    freeze,
    manifest::{MANIFEST_FILE, Manifest},
    settings::Settings,
};
pub use read::{BYTE_ORDER_MARK, Lines, Located, MAX_LINE_BYTES, RawLine, examples, lines, parse};
pub use write::Writer;

/// What a part of a data set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The model learns from it.
    Train,
    /// Choices are made on it.
    Validation,
    /// It is looked at once, at the end.
    Test,
}

impl Split {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The name of its folder.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The split of a folder's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.as_str() == name)
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Kind {
    /// All kinds, in order.
    pub const ALL: [Self; 3] = [Self::Task, Self::Edge, Self::Failure];

    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Edge => "edge",
            Self::Failure => "failure",
        }
    }

    /// The name of its file.
    pub fn file_name(self) -> String {
        format!("{}.jsonl", self.as_str())
    }
}

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The split it belongs to; `None` in a data set that is not split.
    pub split: Option<Split>,
    /// The kind of its examples.
    pub kind: Kind,
    /// Where it is.
    pub path: PathBuf,
}

/// A data set whose files were found and, where it is frozen, verified.
#[derive(Debug, Clone)]
pub struct DataSet {
    root: PathBuf,
    parts: Vec<Part>,
    settings: Settings,
    manifest: Option<Manifest>,
}

impl DataSet {
    /// Finds the files of the data set in `root`. A frozen one is refused when a file was altered, removed or added;
    /// so is one split of a frozen one.
    pub fn open(root: &Path) -> Result<Self, DatasetError> {
        if !root.is_dir() {
            return Err(DatasetError::NoDataSet(root.to_owned(), "there is no such folder".to_owned()));
        }
        let own = split_of(root);
        let home = if own.is_some() && !root.join(MANIFEST_FILE).exists() { parent_of(root)? } else { root.to_owned() };
        let manifest = if home.join(MANIFEST_FILE).exists() { Some(freeze::verify(&home)?) } else { None };
        let settings = match Settings::read(root)? {
            Some(settings) => settings,
            None if home != root => Settings::read(&home)?.unwrap_or_default(),
            None => Settings::default(),
        };
        let mut parts = parts_of(root, own)?;
        let mut split_parts = Vec::new();
        for split in Split::ALL {
            let folder = root.join(split.as_str());
            if folder.is_dir() {
                split_parts.extend(parts_of(&folder, Some(split))?);
            }
        }
        refuse_stray_folders(root)?;
        let reason = match (parts.is_empty(), split_parts.is_empty()) {
            (true, true) => "it holds none of task.jsonl, edge.jsonl and failure.jsonl",
            (false, false) => "it holds examples both beside and inside its split folders; move them into a split",
            _ => {
                parts.extend(split_parts);
                return Ok(Self { root: root.to_owned(), parts, settings, manifest });
            }
        };
        Err(DatasetError::NoDataSet(root.to_owned(), reason.to_owned()))
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its files, by split and kind.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What its `dataset.toml` says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The manifest that it was verified against; `None` for one that is not frozen.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// What it is called: by its settings, else by its folder.
    pub fn name(&self) -> String {
        let folder = || self.root.file_name().map(|name| name.to_string_lossy().into_owned());
        self.settings.name.clone().or_else(folder).unwrap_or_else(|| "dataset".to_owned())
    }

    /// Its splits, in order; one `None` for a data set that is not split.
    pub fn splits(&self) -> Vec<Option<Split>> {
        let mut splits: Vec<Option<Split>> = self.parts.iter().map(|part| part.split).collect();
        splits.dedup();
        splits
    }

    /// All examples, file by file, as they are read. The first line that is no valid example ends with an error.
    pub fn examples(&self) -> impl Iterator<Item = Result<Located<'_>, DatasetError>> {
        self.parts.iter().flat_map(examples)
    }
}

/// The split that a folder is by its name.
pub fn split_of(folder: &Path) -> Option<Split> {
    // `.` and `..` have no name of their own.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.file_name().and_then(|name| Split::from_name(&name.to_string_lossy()))
}

fn parent_of(folder: &Path) -> Result<PathBuf, DatasetError> {
    let folder = folder.canonicalize().map_err(DatasetError::io("looking for", folder))?;
    Ok(folder.parent().unwrap_or(&folder).to_owned())
}

fn parts_of(folder: &Path, split: Option<Split>) -> Result<Vec<Part>, DatasetError> {
    for entry in folder.read_dir().map_err(DatasetError::io("reading", folder))? {
        let name = entry.map_err(DatasetError::io("reading", folder))?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".jsonl") && !Kind::ALL.iter().any(|kind| kind.file_name() == name) {
            let reason = format!("{name} is none of task.jsonl, edge.jsonl and failure.jsonl; rename or import it");
            return Err(DatasetError::NoDataSet(folder.to_owned(), reason));
        }
    }
    let parts = Kind::ALL.into_iter().map(|kind| Part { split, kind, path: folder.join(kind.file_name()) });
    Ok(parts.filter(|part| part.path.is_file()).collect())
}

/// A folder `dev` beside `train` would be passed over without a word.
fn refuse_stray_folders(root: &Path) -> Result<(), DatasetError> {
    for entry in root.read_dir().map_err(DatasetError::io("reading", root))? {
        let path = entry.map_err(DatasetError::io("reading", root))?.path();
        let stray = path.is_dir()
            && split_of(&path).is_none()
            && !path.join(MANIFEST_FILE).exists()
            && Kind::ALL.iter().any(|kind| path.join(kind.file_name()).exists());
        if stray {
            let reason = format!("{} is named neither train, validation nor test", path.display());
            return Err(DatasetError::NoDataSet(root.to_owned(), reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
