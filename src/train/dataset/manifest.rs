//! The manifest of a frozen data set: what is in it, where it comes from, under which licences, and the sums that tell
//! whether somebody changed it.
//!
//! May depend on `error`.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::DatasetError;

/// The name of the file.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The version of the format of the manifest and of the examples.
pub const FORMAT: u32 = 1;

/// A file of a frozen data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenFile {
    /// Its path below the data set's folder, with `/`.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many examples it holds; absent for a file that holds none by its nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples: Option<u64>,
}

/// What `manifest.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`] when it was written.
    pub format: u32,
    /// What the data set is called.
    pub name: String,
    /// The name of this version.
    pub version: String,
    /// When it was frozen, RFC 3339 in UTC. Not part of any sum's content.
    pub created: String,
    /// The address of the content: SHA-256 of one `sum  path` line per file, in the order of the paths (what
    /// `sha256sum` prints, hashed). The same files have the same address whenever and wherever they are frozen.
    pub sha256: String,
    /// How many examples there are.
    pub examples: u64,
    /// How many of them must be declined.
    pub unanswerable: u64,
    /// How many have the tag `synthetic`.
    pub synthetic: u64,
    /// The number of examples of each split; empty for a data set that is not split.
    pub splits: BTreeMap<String, u64>,
    /// The number of examples of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// The number of examples under each licence.
    pub licences: BTreeMap<String, u64>,
    /// The number of examples of each origin: the provenance up to its first `#`.
    pub provenance: BTreeMap<String, u64>,
    /// The files, by path.
    pub files: Vec<FrozenFile>,
    /// SHA-256 of this manifest as compact JSON in which this field is empty: a manifest that was edited is refused.
    pub manifest_sha256: String,
}

impl Manifest {
    /// Reads the manifest of the data set in `folder` and checks that it agrees with itself.
    pub fn read(folder: &Path) -> Result<Self, DatasetError> {
        let path = folder.join(MANIFEST_FILE);
        let wrong = |reason: String| DatasetError::Manifest(path.clone(), reason);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DatasetError::NotFrozen(folder.to_owned()));
            }
            Err(error) => return Err(DatasetError::io("reading", &path)(error)),
        };
        let manifest: Self =
            serde_json::from_str(&text).map_err(|error| wrong(format!("it is no manifest: {error}")))?;
        if manifest.format != FORMAT {
            return Err(wrong(format!("it has the format {}, and this program reads {FORMAT}", manifest.format)));
        }
        let (recorded, found) = (&manifest.manifest_sha256, manifest.own_sum());
        if *recorded != found {
            return Err(wrong(format!("it was edited: it says that its own sha256 is {recorded}, and it is {found}")));
        }
        let found = content_sum(&manifest.files);
        if manifest.sha256 != found {
            return Err(wrong(format!("it says sha256 {}, and its files give {found}", manifest.sha256)));
        }
        Ok(manifest)
    }

    /// What `manifest_sha256` must be.
    pub(super) fn own_sum(&self) -> String {
        let bare = Self { manifest_sha256: String::new(), ..self.clone() };
        let text = serde_json::to_string(&bare).unwrap_or_default();
        hex::encode(Sha256::digest(text.as_bytes()))
    }

    /// The address in short, for people: name, version and the first digits of the sum.
    pub fn label(&self) -> String {
        format!("{} {} (sha256 {})", self.name, self.version, self.sha256.get(..12).unwrap_or(&self.sha256))
    }
}

/// What `Manifest::sha256` must be for these files.
pub(super) fn content_sum(files: &[FrozenFile]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(format!("{}  {}\n", file.sha256, file.path));
    }
    hex::encode(hash.finalize())
}

/// SHA-256 and length of a file, read in pieces.
pub(super) fn sum_of(path: &Path) -> Result<(String, u64), DatasetError> {
    let mut file = fs::File::open(path).map_err(DatasetError::io("opening", path))?;
    let (mut hash, mut length, mut block) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut block).map_err(DatasetError::io("reading", path))?;
        if read == 0 {
            return Ok((hex::encode(hash.finalize()), length));
        }
        hash.update(&block[..read]);
        length += read as u64;
    }
}
