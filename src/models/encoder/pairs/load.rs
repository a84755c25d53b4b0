//! The files of a model of pairs, both ways: `pairs.json` and a low-rank adapter in the two files of PEFT, whose head has
//! the name that it has in `transformers`.
//!
//! May depend on the siblings and `models::adapter`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    super::{
        EncoderError,
        load::{Base, refused, whole_tensors},
        low_rank,
    },
    model::PairHead,
    settings::{PAIR_SETTINGS, PairSettings},
};
use crate::models::adapter::{Adapter, AdapterConfig, AdapterFiles, LowRank, Precision, config::Targets};

/// The head in an adapter.
const HEAD: &str = "classifier";

/// The settings among the files.
pub fn settings_of(files: &AdapterFiles) -> Result<PairSettings, EncoderError> {
    let path = Path::new(PAIR_SETTINGS);
    let settings: PairSettings =
        serde_json::from_slice(files.need(PAIR_SETTINGS)?).map_err(|error| refused(path, error))?;
    settings.check().map_err(|reason| refused(path, reason))?;
    Ok(settings)
}

/// Puts a trained model on the base: its pairs become part of the weights, and layers that it does not use go.
pub fn on_base(mut base: Base, files: &AdapterFiles) -> Result<(Base, PairHead, PairSettings), EncoderError> {
    let (settings, path) = (settings_of(files)?, Path::new(PAIR_SETTINGS));
    if settings.base_sha256 != base.sha256 {
        let reason = format!("it was trained on the base {}, and this one is {}", settings.base_sha256, base.sha256);
        return Err(refused(path, reason));
    }
    let (layers, config) = (base.bert.layers.len(), &base.bert.config);
    if settings.layers == 0 || settings.layers > layers {
        return Err(refused(path, format!("it uses {} layers, and the base has {layers}", settings.layers)));
    }
    settings.limits.check(config.max_position_embeddings).map_err(|reason| refused(path, reason))?;
    let mut adapter = Adapter::from_files(files)?;
    let mut tensors = whole_tensors(&mut adapter)?;
    let (weight, bias) = tensors.linear(HEAD, config.hidden_size, settings.labels.len())?;
    tensors.all_used(&[])?;
    base.bert.layers.truncate(settings.layers);
    low_rank::merge(&mut base.bert, &adapter)?;
    Ok((base, PairHead(weight, bias), settings))
}

/// The pairs of an adapter that training may go on from, whatever it was trained for: those of the first `layers`.
pub fn pairs_of(files: &AdapterFiles, layers: usize) -> Result<Adapter, EncoderError> {
    let mut adapter = Adapter::from_files(files)?;
    let used: BTreeSet<String> =
        (0..layers).flat_map(|layer| low_rank::Module::ALL.map(|module| module.full_path(layer))).collect();
    adapter.pairs.retain(|path, _| used.contains(path));
    adapter.whole.clear();
    Ok(adapter)
}

/// The files of a model.
pub fn to_files(
    pairs: BTreeMap<String, LowRank>,
    head: &PairHead,
    mut config: AdapterConfig,
    settings: &PairSettings,
    precision: Precision,
) -> Result<AdapterFiles, EncoderError> {
    let mut whole = BTreeMap::new();
    for (kind, tensor) in [("weight", head.0.t()?), ("bias", head.1.clone())] {
        whole.insert(format!("{HEAD}.{kind}"), (tensor.dims().to_vec(), tensor.flatten_all()?.to_vec1()?));
    }
    config.target_modules = Some(Targets::Ends(pairs.keys().cloned().collect()));
    config.modules_to_save = Some(vec![HEAD.to_owned()]);
    let mut files = Adapter { config, pairs, whole }.to_files(precision)?;
    put_settings(&mut files, settings)?;
    Ok(files)
}

/// Puts settings in place of those that there are.
pub fn put_settings(files: &mut AdapterFiles, settings: &PairSettings) -> Result<(), EncoderError> {
    let text = serde_json::to_vec_pretty(settings).map_err(|error| refused(Path::new(PAIR_SETTINGS), error))?;
    files.insert(PAIR_SETTINGS, text);
    Ok(())
}
