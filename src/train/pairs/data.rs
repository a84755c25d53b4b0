//! The pairs of a run.
//!
//! May depend on `dataset::pairs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use sha2::{Digest, Sha256};

use crate::train::{
    TrainError,
    data::DataFile,
    dataset::pairs::{
        Pair,
        file::{self, unsound},
    },
};

/// How many findings an error shows.
const SHOWN: usize = 5;

/// The pairs of some folders, in order.
#[derive(Debug, Clone, Default)]
pub struct PairData {
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Where they come from.
    pub files: Vec<DataFile>,
}

/// Reads folders. A folder that is named twice is read twice: its pairs weigh double. Groups of different folders stay
/// apart, whatever they are called.
pub fn read(folders: &[PathBuf]) -> Result<PairData, TrainError> {
    let mut data = PairData::default();
    for (number, folder) in folders.iter().enumerate() {
        for mut file in file::read(folder)? {
            for group in file.pairs.iter_mut().filter_map(|pair| pair.group.as_mut()) {
                *group = format!("{number}/{group}");
            }
            let bytes = fs::read(&file.path).map_err(TrainError::io("reading", &file.path))?;
            data.files.push(DataFile {
                path: file.path,
                sha256: hex::encode(Sha256::digest(&bytes)),
                examples: file.pairs.len(),
                licences: file.pairs.iter().map(|pair| pair.licence.clone()).collect::<BTreeSet<_>>(),
                version: None,
                left_out: 0,
            });
            data.pairs.extend(file.pairs);
        }
    }
    Ok(data)
}

/// Refuses data that contradicts itself, or of which a source is on both sides.
pub fn refuse_errors(training: &PairData, validation: &PairData) -> Result<(), TrainError> {
    let found = unsound(training.pairs.iter(), validation.pairs.iter(), SHOWN);
    if found.is_empty() {
        return Ok(());
    }
    let shown = found.iter().map(|finding| format!("\n  {finding}")).collect();
    Err(TrainError::UnsoundPairs { shown })
}

/// The pairs that compete with each other, in the order of their first ones; a pair without a group is left out.
pub fn groups(pairs: &[Pair]) -> Vec<Vec<&Pair>> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&Pair>> = Vec::new();
    for pair in pairs {
        let Some(group) = pair.group.as_deref() else { continue };
        let place = *places.entry(group).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(pair);
    }
    groups
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn groups_of_different_folders_do_not_compete() {
        let folder = tempfile::tempdir().unwrap();
        let folders = ["one", "two"].map(|name| folder.path().join(name));
        for path in &folders {
            let line = |label: &str| {
                format!(
                    r#"{{"id":"{label}","first":"a","second":"b","label":"{label}","source":"s","group":"1","provenance":"written here","licence":"CC0-1.0"}}"#
                )
            };
            fs::create_dir(path).unwrap();
            fs::write(path.join("task.jsonl"), format!("{}\n{}\n", line("relevant"), line("not relevant"))).unwrap();
        }
        let read = |folders: &[PathBuf]| read(folders).unwrap().pairs;
        let sizes = |pairs: &[Pair]| groups(pairs).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&read(&folders)), [2, 2]);
        // A folder that is named twice weighs double.
        let twice = [folders[0].clone(), folders[0].clone()];
        assert_eq!(sizes(&read(&twice)), [2, 2]);
    }
}
