//! A reader that was trained in full, turned into a low-rank adapter: for each matrix the strongest directions of its
//! difference to the base model. Biases and norms are small and kept whole.
//!
//! May depend on `svd` and the encoder.

use std::collections::BTreeMap;

use candle_core::Tensor;
use serde::Serialize;

use super::{TrainError, batches::Random, svd};
use crate::models::{
    adapter::{AdapterConfig, AdapterFiles, LowRank, Precision},
    encoder::{
        bert::Layer,
        heads::ReaderHeads,
        load::{Base, READER_SETTINGS, ReaderSettings, Trained, reader_adapter, vectors},
        low_rank::Module,
    },
};

/// How much of a module's difference is in its pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept {
    /// The path of the module.
    pub module: String,
    /// The squares of the difference, summed up.
    pub all: f64,
    /// Those that the pair keeps.
    pub kept: f64,
}

/// An adapter, and what it keeps.
#[derive(Debug, Clone)]
pub struct Extracted {
    /// Its files, with the settings of the reader.
    pub files: AdapterFiles,
    /// Module by module.
    pub modules: Vec<Kept>,
}

/// Turns the files of a reader, trained in full on `base`, into those of an adapter with pairs of `rank`.
pub fn extract(base: Base, reader: &AdapterFiles, rank: usize, precision: Precision) -> Result<Extracted, TrainError> {
    check_rank(&base, rank)?;
    let before = base.bert.layers.clone();
    let (base, heads, settings) = base.with_reader(reader)?;
    let Trained::LayersFrom(first) = settings.trained else {
        return Err(TrainError::Extract { reason: "it is an adapter already".to_owned() });
    };
    // Below it nothing differs.
    adapter_of(&before, &base.bert.layers, first, &heads, settings, rank, precision)
}

/// Refuses a rank that no pair of this model can have.
pub(super) fn check_rank(base: &Base, rank: usize) -> Result<(), TrainError> {
    let most = base.bert.config.hidden_size.min(base.bert.config.intermediate_size);
    if rank == 0 || rank > most {
        return Err(TrainError::Extract { reason: format!("rank {rank} is not from 1 to {most}") });
    }
    Ok(())
}

/// The adapter with pairs of `rank` of what some layers are `after` a training and were `before` it, from the layer `first`
/// on, with the heads and settings of a reader.
pub(super) fn adapter_of(
    before: &[Layer],
    after: &[Layer],
    first: usize,
    heads: &ReaderHeads,
    settings: ReaderSettings,
    rank: usize,
    precision: Precision,
) -> Result<Extracted, TrainError> {
    let (mut pairs, mut whole, mut modules) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (index, (before, after)) in before.iter().zip(after).enumerate().skip(first) {
        for module in Module::ALL {
            let path = module.full_path(index);
            let mut random = Random::new(index as u64, module as u64);
            let Some((pair, kept, all)) = pair(before, after, module, rank, &mut random)? else { continue };
            modules.push(Kept { module: path.clone(), all, kept });
            pairs.insert(path, pair);
        }
        let unchanged = vectors(index, before)?;
        whole.extend(vectors(index, after)?.into_iter().filter(|(name, vector)| unchanged.get(name) != Some(vector)));
    }
    // Alpha as large as the rank: the pairs count as they are.
    let config = AdapterConfig::new(rank, rank as f64, 0.0, Vec::new());
    let mut files = reader_adapter(pairs, whole, heads, config, precision)?;
    let settings = ReaderSettings { trained: Trained::LowRank, ..settings };
    let settings =
        serde_json::to_vec_pretty(&settings).map_err(|error| TrainError::Extract { reason: error.to_string() })?;
    files.insert(READER_SETTINGS, settings);
    Ok(Extracted { files, modules })
}

/// The pair of a module's difference, what it keeps, and what there is; nothing when there is no difference.
fn pair(
    before: &Layer,
    after: &Layer,
    module: Module,
    rank: usize,
    random: &mut Random,
) -> Result<Option<(LowRank, f64, f64)>, TrainError> {
    let weight = |layer: &Layer| -> candle_core::Result<Tensor> {
        let weight = &layer.linear(module.product()).0;
        let columns = module.columns(weight.dims2()?.1);
        weight.narrow(1, columns.start, columns.len())
    };
    let difference = (weight(after)? - weight(before)?)?;
    let (inputs, outputs) = difference.dims2()?;
    let numbers = difference.flatten_all()?.to_vec1::<f32>()?;
    let all: f64 = numbers.iter().map(|number| f64::from(*number).powi(2)).sum();
    if all == 0.0 {
        return Ok(None);
    }
    let svd::Factors { left, right, kept } = svd::factors(&numbers, inputs, outputs, rank, random);
    let b = (0..outputs).flat_map(|output| (0..rank).map(move |r| r * outputs + output)).map(|at| right[at]).collect();
    Ok(Some((LowRank { rank, inputs, outputs, a: left, b, scale: 1.0 }, kept, all)))
}
