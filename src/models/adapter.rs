//! The files of an adapter, whether they come from a folder or travel in the binary.
//!
//! May depend on nothing of this crate.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use sha2::{Digest, Sha256};

/// The files by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterFiles(BTreeMap<String, Cow<'static, [u8]>>);

impl AdapterFiles {
    /// Reads every file of a folder; folders in it are passed over.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.path().is_file() {
                files
                    .insert(entry.file_name().to_string_lossy().into_owned(), Cow::Owned(std::fs::read(entry.path())?));
            }
        }
        Ok(Self(files))
    }

    /// Files that are part of the program.
    pub fn from_static(files: impl IntoIterator<Item = (&'static str, &'static [u8])>) -> Self {
        Self(files.into_iter().map(|(name, bytes)| (name.to_owned(), Cow::Borrowed(bytes))).collect())
    }

    /// The bytes of a file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Cow::as_ref)
    }

    /// One sum over all files, names included, in hexadecimal.
    pub fn sha256(&self) -> String {
        let mut sum = Sha256::new();
        for (name, bytes) in &self.0 {
            sum.update((name.len() as u64).to_le_bytes());
            sum.update(name);
            sum.update((bytes.len() as u64).to_le_bytes());
            sum.update(bytes);
        }
        hex::encode(sum.finalize())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_and_the_binary_hold_the_same_and_another_byte_is_another_sum() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("b.bin"), [1, 2]).unwrap();
        std::fs::write(dir.path().join("a.json"), "{}").unwrap();
        std::fs::create_dir(dir.path().join("more")).unwrap();
        let read = AdapterFiles::read(dir.path()).unwrap();
        let held = |bytes: &'static [u8]| AdapterFiles::from_static([("a.json", b"{}".as_slice()), ("b.bin", bytes)]);
        assert_eq!(read, held(&[1, 2]));
        assert_eq!((read.get("a.json"), read.get("more")), (Some(b"{}".as_slice()), None));
        assert_eq!(read.sha256(), held(&[1, 2]).sha256());
        assert_ne!(read.sha256(), held(&[1, 3]).sha256());
        // What moves from one file to the next is another adapter.
        let joined = |a: &'static [u8], b: &'static [u8]| AdapterFiles::from_static([("a", a), ("b", b)]).sha256();
        assert_ne!(joined(b"xy", b"z"), joined(b"x", b"yz"));
        assert!(AdapterFiles::read(&dir.path().join("none")).is_err());
    }
}
