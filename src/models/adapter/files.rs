//! The files of an adapter in memory, wherever they come from: a folder, or the program itself.
//!
//! May depend on nothing but the file system.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::{Component, Path},
};

use sha2::{Digest, Sha256};

use super::AdapterError;

/// The most bytes of one file.
const MOST_BYTES: u64 = 1 << 28;
/// The most files of a folder.
const MOST_FILES: usize = 32;

/// The files of an adapter, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdapterFiles(BTreeMap<String, Cow<'static, [u8]>>);

impl AdapterFiles {
    /// Reads a folder. Files whose name begins with a dot are none of the adapter's. A link counts as what it points
    /// at, as in the cache of the Hugging Face hub; anything else that is no plain file is refused.
    pub fn read(folder: &Path) -> Result<Self, AdapterError> {
        let refused = |path: &Path, reason: String| AdapterError::Folder { path: path.to_owned(), reason };
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(io("reading", folder))? {
            let path = entry.map_err(io("reading", folder))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(refused(&path, "its name is not UTF-8".to_owned()));
            };
            if name.starts_with('.') {
                continue;
            }
            let metadata = fs::metadata(&path).map_err(io("reading", &path))?;
            if !metadata.is_file() {
                return Err(refused(&path, "it is no plain file; an adapter's folder holds nothing else".to_owned()));
            }
            if files.len() == MOST_FILES {
                return Err(refused(folder, format!("it holds more than {MOST_FILES} files")));
            }
            let mut contents = Vec::new();
            let file = File::open(&path).map_err(io("opening", &path))?;
            // One byte more than is allowed, so that a file which grew is noticed.
            file.take(MOST_BYTES + 1).read_to_end(&mut contents).map_err(io("reading", &path))?;
            if contents.len() as u64 > MOST_BYTES {
                return Err(refused(&path, format!("it has more than {MOST_BYTES} bytes")));
            }
            files.insert(name.to_owned(), Cow::Owned(contents));
        }
        Ok(Self(files))
    }

    /// Files that are part of the program.
    pub fn from_static(files: impl IntoIterator<Item = (&'static str, &'static [u8])>) -> Self {
        Self(files.into_iter().map(|(name, contents)| (name.to_owned(), Cow::Borrowed(contents))).collect())
    }

    /// Adds a file, or replaces the one of that name.
    pub fn insert(&mut self, name: &str, contents: Vec<u8>) {
        self.0.insert(name.to_owned(), Cow::Owned(contents));
    }

    /// The contents of a file, if it exists.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// The contents of a file that must exist.
    pub fn need(&self, name: &str) -> Result<&[u8], AdapterError> {
        self.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            let present = if names.is_empty() { "no files".to_owned() } else { names.join(", ") };
            AdapterError::Missing { name: name.to_owned(), present }
        })
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A sum over the sorted names and their contents, in hexadecimal: each with its length before it, so that
    /// nothing can move from one to the other.
    pub fn sha256(&self) -> String {
        let mut sum = Sha256::new();
        for (name, contents) in &self.0 {
            for part in [name.as_bytes(), contents] {
                sum.update((part.len() as u64).to_le_bytes());
                sum.update(part);
            }
        }
        hex::encode(sum.finalize())
    }

    /// Writes every file into a folder, which is made if it does not exist. Each file is the old one or the new one,
    /// whatever happens in between; other files of the folder stay.
    pub fn write(&self, folder: &Path) -> Result<(), AdapterError> {
        fs::create_dir_all(folder).map_err(io("creating", folder))?;
        for (name, contents) in &self.0 {
            let path = folder.join(name);
            let mut parts = Path::new(name).components();
            if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
                let reason = "its name is not that of a plain file".to_owned();
                return Err(AdapterError::Folder { path, reason });
            }
            let partial = folder.join(format!(".{name}.partial"));
            let write = || -> std::io::Result<()> {
                let mut file = File::create(&partial)?;
                file.write_all(contents)?;
                file.sync_all()?;
                fs::rename(&partial, &path)
            };
            write().map_err(io("writing", &path))?;
        }
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("writing", folder))?;
        Ok(())
    }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> AdapterError + use<> {
    let path = path.to_owned();
    move |source| AdapterError::Io { doing, path, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_folder_survives_the_way_there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = AdapterFiles::from_static([("a.json", b"{}".as_slice())]);
        files.insert("b.bin", vec![0, 255]);
        files.write(&folder.path().join("new")).unwrap();
        files.insert("b.bin", vec![1]);
        files.write(&folder.path().join("new")).unwrap();
        fs::write(folder.path().join("new/.hidden"), "x").unwrap();
        let read = AdapterFiles::read(&folder.path().join("new")).unwrap();
        assert_eq!(read, files);
        assert_eq!(read.get("b.bin"), Some([1].as_slice()));
        assert!(read.need("c").unwrap_err().to_string().contains("a.json, b.bin"));
    }

    #[test]
    fn the_sum_depends_on_every_name_and_byte() {
        let sum = |files: &[(&'static str, &'static [u8])]| AdapterFiles::from_static(files.iter().copied()).sha256();
        let sums =
            [sum(&[]), sum(&[("a", b"b")]), sum(&[("ab", b"")]), sum(&[("a", b""), ("b", b"")]), sum(&[("a", b"c")])];
        for (index, one) in sums.iter().enumerate() {
            assert!(one.len() == 64 && !sums[index + 1..].contains(one));
        }
        assert_eq!(sum(&[("a", b"1"), ("b", b"2")]), sum(&[("b", b"2"), ("a", b"1")]));
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("checkpoint-1")).unwrap();
        assert!(AdapterFiles::read(folder.path()).unwrap_err().to_string().contains("checkpoint-1"));
        assert!(AdapterFiles::read(&folder.path().join("absent")).is_err());
        for name in ["../a", "a/b", "/a", ".."] {
            let mut files = AdapterFiles::default();
            files.insert(name, vec![]);
            assert!(files.write(&folder.path().join("out")).is_err(), "{name}");
        }
    }
}
