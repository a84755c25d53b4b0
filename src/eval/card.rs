//! The card of a run: everything that somebody needs who wants to make it again, or who doubts it.
//!
//! May depend on nothing else of the crate.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The layout of a run's folder. A folder of another layout is refused.
pub const FORMAT: u32 = 1;

/// The setting that names the program which was measured, where it was not the product.
pub const COMMAND: &str = "command";

/// A run's card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// [`FORMAT`].
    pub format: u32,
    /// The suite.
    pub suite: SuiteIdentity,
    /// The data.
    pub data: DataIdentity,
    /// The models by their part in the answer (generator, adapter, embedder …), each with a name or a sum.
    pub models: BTreeMap<String, String>,
    /// The settings that the run was made with, by their names.
    pub configuration: BTreeMap<String, serde_json::Value>,
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// The version of the program.
    pub program: String,
    /// The commit that the program was built from, where that is known.
    pub commit: Option<String>,
    /// The machine.
    pub machine: Machine,
    /// When the first question was asked.
    pub started: DateTime<Utc>,
    /// When the last one had ended.
    pub finished: DateTime<Utc>,
    /// The SHA-256 sums of the run's files, by name. Written with the run.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// Which suite a run is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteIdentity {
    /// Its name.
    pub name: String,
    /// `closed` or `open`.
    pub mode: String,
    /// The sum of its settings, whatever the file's comments and order.
    pub sha256: String,
    /// The settings.
    pub settings: serde_json::Value,
}

/// Which data a run is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataIdentity {
    /// The frozen version, where the data set is frozen.
    pub version: Option<String>,
    /// The files that were read.
    pub files: Vec<DataFile>,
}

/// A file of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its path inside the data set, with `/`.
    pub name: String,
    /// The sum of its bytes.
    pub sha256: String,
    /// The examples in it.
    pub examples: usize,
}

/// What a run was made on. Times of different machines cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The operating system.
    pub os: String,
    /// The instruction set.
    pub architecture: String,
    /// The processor, where the system tells.
    pub processor: Option<String>,
    /// The threads that run at the same time.
    pub threads: usize,
    /// The memory in bytes, where the system tells.
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        Self {
            os: std::env::consts::OS.to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            processor: read("/proc/cpuinfo").and_then(|text| value_of(&text, "model name").map(str::to_owned)),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: read("/proc/meminfo").and_then(|text| kilobytes(value_of(&text, "MemTotal")?)),
        }
    }
}

/// The value of the first line `name : value`.
fn value_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.filter(|(found, _)| found.trim() == name).map(|(_, value)| value.trim()).next()
}

fn kilobytes(value: &str) -> Option<u64> {
    value.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The SHA-256 sum of bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The SHA-256 sum of a file, read in blocks.
pub fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash, mut block) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&block[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_systems_files_are_read_by_name() {
        let text = "processor\t: 0\nmodel name\t: Some: Processor\nmodel\t: 85\nMemTotal:       16384 kB\n";
        assert_eq!(value_of(text, "model name"), Some("Some: Processor"));
        assert_eq!(value_of(text, "MemTotal").and_then(kilobytes), Some(16_777_216));
        assert_eq!(value_of(text, "nothing"), None);
        assert!(Machine::this().threads >= 1);
    }

    #[test]
    fn a_file_has_the_sum_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, vec![7; 200_000]).unwrap();
        assert_eq!(sha256_of_file(&path).unwrap(), sha256(&vec![7; 200_000]));
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
