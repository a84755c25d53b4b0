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

/// Reads folders. A folder that is named twice is read twice: its pairs weigh double.
pub fn read(folders: &[PathBuf]) -> Result<PairData, TrainError> {
    let mut data = PairData::default();
    for folder in folders {
        for file in file::read(folder)? {
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
