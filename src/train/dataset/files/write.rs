//! Writing a data set: into a folder beside the wanted one, which is renamed into place when everything is on the disk.
//! Whoever looks finds a whole data set or none.
//!
//! May depend on `example`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{DataSet, Split};
use crate::train::dataset::{
    error::DatasetError,
    example::{Example, Kind},
    manifest::MANIFEST_FILE,
};

/// Writes a data set. Dropped without [`Self::finish`], nothing remains.
#[derive(Debug)]
pub struct Writer {
    out: PathBuf,
    scratch: TempDir,
    files: BTreeMap<(Option<Split>, Kind), Open>,
}

/// A file that is being written.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: BufWriter<File>,
    examples: u64,
}

impl Writer {
    /// A new one that will become the folder `out`, which must not exist.
    pub fn create(out: &Path) -> Result<Self, DatasetError> {
        let out = std::path::absolute(out).map_err(DatasetError::io("looking for", out))?;
        if out.exists() {
            return Err(DatasetError::Exists(out));
        }
        let parent = out.parent().unwrap_or(&out).to_owned();
        fs::create_dir_all(&parent).map_err(DatasetError::io("creating", &parent))?;
        // In the same folder, so that a rename is enough later.
        let scratch = tempfile::Builder::new()
            .prefix(".dataset-")
            .tempdir_in(&parent)
            .map_err(DatasetError::io("creating a folder in", &parent))?;
        Ok(Self { out, scratch, files: BTreeMap::new() })
    }

    /// Adds an example to the file of its kind.
    pub fn write(&mut self, split: Option<Split>, example: &Example) -> Result<(), DatasetError> {
        let line = serde_json::to_string(example)
            .map_err(|error| DatasetError::io("writing", &self.out)(std::io::Error::other(error)))?;
        self.write_line(split, example.kind, &line)
    }

    /// Adds a line as it is.
    pub fn write_line(&mut self, split: Option<Split>, kind: Kind, line: &str) -> Result<(), DatasetError> {
        if !self.files.contains_key(&(split, kind)) {
            let folder = split.map_or_else(|| self.folder(), |split| self.folder().join(split.as_str()));
            fs::create_dir_all(&folder).map_err(DatasetError::io("creating", &folder))?;
            let path = folder.join(kind.file_name());
            let file = File::create_new(&path).map_err(DatasetError::io("creating", &path))?;
            self.files.insert((split, kind), Open { path, file: BufWriter::with_capacity(1 << 16, file), examples: 0 });
        }
        if let Some(Open { path, file, examples }) = self.files.get_mut(&(split, kind)) {
            let written = file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n"));
            written.map_err(DatasetError::io("writing", path))?;
            *examples += 1;
        }
        Ok(())
    }

    /// Copies a file into the folder, under `name`.
    pub fn copy(&mut self, from: &Path, name: &Path) -> Result<(), DatasetError> {
        let to = self.folder().join(name);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(DatasetError::io("creating", folder))?;
        }
        fs::copy(from, &to).map_err(DatasetError::io("copying", from))?;
        File::open(&to).and_then(|file| file.sync_all()).map_err(DatasetError::io("writing", &to))
    }

    /// Copies what lies beside the examples of a data set and belongs to it: settings, README, licence texts.
    pub fn copy_companions(&mut self, set: &DataSet) -> Result<(), DatasetError> {
        let root = set.root();
        for entry in root.read_dir().map_err(DatasetError::io("reading", root))? {
            let path = entry.map_err(DatasetError::io("reading", root))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_file() && !name.ends_with(".jsonl") && name != MANIFEST_FILE {
                self.copy(&path, Path::new(&name))?;
            }
        }
        Ok(())
    }

    /// Writes a small file into the folder, under `name`.
    pub fn put(&mut self, name: &str, text: &str) -> Result<(), DatasetError> {
        let path = self.folder().join(name);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(DatasetError::io("writing", &path))
    }

    /// Where the files are until the end.
    pub fn folder(&self) -> PathBuf {
        self.scratch.path().join("files")
    }

    /// Flushes everything to the disk and puts it in place. Returns how many examples each file has.
    pub fn finish(self) -> Result<BTreeMap<(Option<Split>, Kind), u64>, DatasetError> {
        let folder = self.folder();
        fs::create_dir_all(&folder).map_err(DatasetError::io("creating", &folder))?;
        let mut counts = BTreeMap::new();
        for (key, Open { path, file, examples }) in self.files {
            let flushed = file.into_inner().map_err(|error| error.into_error()).and_then(|file| file.sync_all());
            flushed.map_err(DatasetError::io("writing", &path))?;
            counts.insert(key, examples);
        }
        // A rename onto an empty folder would succeed, and somebody may have made one meanwhile.
        if self.out.exists() {
            return Err(DatasetError::Exists(self.out));
        }
        fs::rename(&folder, &self.out).map_err(DatasetError::io("moving the data set to", &self.out))?;
        Ok(counts)
    }
}
