//! A checkpoint: everything from which a run goes on to the same losses, in one file.
//!
//! Parameters and both moments as tensors, the position as metadata of the same safetensors file. Order of the data
//! and dropout are functions of the seed and the step, so no state of a generator has to be kept. The file is written
//! beside its place, flushed to the disk and renamed, so that a kill leaves the old one or the new one.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{
    TrainError,
    optimizer::{AdamW, Parameter},
};
use crate::models::fused::with_numbers;

/// The name of the file.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The key of the metadata.
const POSITION: &str = "position";

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// What the run is of: configuration, data, base model. Another one cannot be resumed.
    pub fingerprint: String,
    /// The steps that were made.
    pub step: u64,
    /// The validation loss of the best weights so far, by its bits so that it survives exactly, and their step.
    pub best: Option<(u64, u64)>,
    /// Their F1 by its bits, where it was measured.
    pub best_f1: Option<u64>,
    /// The validations since then.
    pub without_progress: u64,
}

/// Writes a checkpoint.
pub fn save(folder: &Path, position: &Position, parameters: &[Parameter], adam: &AdamW) -> Result<(), TrainError> {
    let path = folder.join(CHECKPOINT);
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for ((parameter, first), second) in parameters.iter().zip(&adam.first).zip(&adam.second) {
        let shape = parameter.var.dims().to_vec();
        let weights = with_numbers(&parameter.var, |numbers| Ok(bytes(numbers)))?;
        for (kind, data) in [("weights", weights), ("first", bytes(first)), ("second", bytes(second))] {
            tensors.push((format!("{kind}/{}", parameter.name), shape.clone(), data));
        }
    }
    let refused = |reason: String| TrainError::Checkpoint { path: path.clone(), reason };
    let views = tensors.iter().map(|(name, shape, data)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), data).map_err(|error| refused(error.to_string()))?;
        Ok((name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, TrainError>>()?;
    let position = serde_json::to_string(position).map_err(|error| refused(error.to_string()))?;
    let metadata = HashMap::from([(POSITION.to_owned(), position)]);
    let whole = safetensors::serialize(views, Some(metadata)).map_err(|error| refused(error.to_string()))?;
    write_atomically(&path, &whole)
}

/// Reads a checkpoint into the parameters and the optimizer.
pub fn load(
    folder: &Path,
    fingerprint: &str,
    parameters: &[Parameter],
    adam: &mut AdamW,
) -> Result<Position, TrainError> {
    let path = folder.join(CHECKPOINT);
    if !path.exists() {
        return Err(TrainError::NoCheckpoint { path });
    }
    let whole = fs::read(&path).map_err(TrainError::io("reading", &path))?;
    let refused = |reason: String| TrainError::Checkpoint { path: path.clone(), reason };
    let (_, metadata) = SafeTensors::read_metadata(&whole).map_err(|error| refused(error.to_string()))?;
    let position = metadata.metadata().as_ref().and_then(|metadata| metadata.get(POSITION));
    let position = position.ok_or_else(|| refused("it does not say where the run was".to_owned()))?;
    let position: Position = serde_json::from_str(position).map_err(|error| refused(error.to_string()))?;
    if position.fingerprint != fingerprint {
        return Err(refused("the configuration, the data or the base model is another one".to_owned()));
    }
    let tensors = SafeTensors::deserialize(&whole).map_err(|error| refused(error.to_string()))?;
    if tensors.len() != 3 * parameters.len() {
        return Err(refused(format!("it holds {} tensors, expected {}", tensors.len(), 3 * parameters.len())));
    }
    let read = |kind: &str, parameter: &Parameter| -> Result<Vec<f32>, TrainError> {
        let name = format!("{kind}/{}", parameter.name);
        let view = tensors.tensor(&name).map_err(|error| refused(format!("`{name}`: {error}")))?;
        if view.dtype() != Dtype::F32 || view.shape() != parameter.var.dims() {
            return Err(refused(format!("`{name}` has another shape or type")));
        }
        let numbers = view.data().as_chunks::<4>().0;
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    };
    for (index, parameter) in parameters.iter().enumerate() {
        let weights = Tensor::from_vec(read("weights", parameter)?, parameter.var.shape(), &Device::Cpu)?;
        parameter.var.set(&weights)?;
        adam.first[index] = read("first", parameter)?;
        adam.second[index] = read("second", parameter)?;
    }
    adam.step = position.step;
    Ok(position)
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Writes a file so that a kill or a loss of power leaves the old one or the new one.
pub fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), TrainError> {
    let partial: PathBuf = path.with_extension("partial");
    let written = || -> std::io::Result<()> {
        let mut file = File::create(&partial)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    written().map_err(TrainError::io("writing", path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::Var;

    use super::*;
    use crate::train::optimizer::AdamSettings;

    fn parameters(value: f32) -> Vec<Parameter> {
        let var = Var::from_tensor(&Tensor::full(value, (2, 3), &Device::Cpu).unwrap()).unwrap();
        vec![Parameter { name: "layers.0.up.weight".into(), var, decays: true, rate_factor: 1.0 }]
    }

    #[test]
    fn everything_comes_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let before = parameters(0.1);
        let mut adam = AdamW::new(AdamSettings::default(), &before);
        for _ in 0..3 {
            adam.step(&before, &[vec![0.3, -0.2, 1e-20, 7.0, 0.0, 1.0]], 1e-3).unwrap();
        }
        let position = Position {
            fingerprint: "a".into(),
            step: 3,
            best: Some((1.234567890123f64.to_bits(), 2)),
            best_f1: Some(0.1f64.to_bits()),
            without_progress: 1,
        };
        save(folder.path(), &position, &before, &adam).unwrap();
        let after = parameters(9.0);
        let mut restored = AdamW::new(AdamSettings::default(), &after);
        assert_eq!(load(folder.path(), "a", &after, &mut restored).unwrap(), position);
        assert_eq!(restored, adam);
        assert_eq!(after[0].var.to_vec2::<f32>().unwrap(), before[0].var.to_vec2::<f32>().unwrap());
        assert!(!folder.path().join("checkpoint.partial").exists());
    }

    #[test]
    fn another_run_and_damage_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let parameters = parameters(0.1);
        let mut adam = AdamW::new(AdamSettings::default(), &parameters);
        let mut try_load = |fingerprint: &str| load(folder.path(), fingerprint, &parameters, &mut adam);
        assert!(matches!(try_load("a"), Err(TrainError::NoCheckpoint { .. })));
        let position = Position { fingerprint: "a".into(), step: 3, best: None, best_f1: None, without_progress: 0 };
        save(folder.path(), &position, &parameters, &AdamW::new(AdamSettings::default(), &parameters)).unwrap();
        assert!(try_load("b").unwrap_err().to_string().contains("another one"));
        let path = folder.path().join(CHECKPOINT);
        let whole = fs::read(&path).unwrap();
        for part in 0..4 {
            fs::write(&path, &whole[..whole.len() * part / 4]).unwrap();
            assert!(matches!(try_load("a"), Err(TrainError::Checkpoint { .. })));
        }
    }
}
