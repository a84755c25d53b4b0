//! The files of a model of pairs, both ways: `pairs.json` and a low-rank adapter in the two files of PEFT, whose head has
//! the name that it has in `transformers`.
//!
//! May depend on the siblings and `models::adapter`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::Deserialize;

use super::{
    super::{
        EncoderError,
        bert::Bert,
        load::{BIASED, Base, READER_SETTINGS, refused, whole_tensors},
        low_rank,
    },
    model::PairHead,
    settings::{PAIR_SETTINGS, PairSettings},
};
use crate::models::adapter::{Adapter, AdapterConfig, AdapterFiles, LowRank, Precision, WholeTensors, config::Targets};

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
    base.bert.layers.truncate(settings.layers);
    for (index, layer) in base.bert.layers.iter_mut().enumerate() {
        tensors.replace_vectors(index, layer)?;
    }
    tensors.all_used(&[])?;
    low_rank::merge(&mut base.bert, &adapter)?;
    Ok((base, PairHead(weight, bias), settings))
}

/// An adapter that a training goes on from.
pub struct PairsStart {
    /// The first layers of the base model, with the adapter's own biases and norms, and without its pairs.
    pub bert: Bert,
    /// Its pairs in these layers.
    pub adapter: Adapter,
    /// These biases and norms, by their names in an adapter; training changes none.
    pub vectors: WholeTensors,
}

/// What a training that goes on from an adapter begins with, whatever that was trained for: all that it has in the first
/// `layers`. Its head stays behind.
pub fn start_from(base: &Base, files: &AdapterFiles, layers: usize) -> Result<PairsStart, EncoderError> {
    check_base(base, files)?;
    let mut adapter = Adapter::from_files(files)?;
    let used: BTreeSet<String> =
        (0..layers).flat_map(|layer| low_rank::Module::ALL.map(|module| module.full_path(layer))).collect();
    adapter.pairs.retain(|path, _| used.contains(path));
    let prefixes: Vec<String> = (0..layers).map(low_rank::layer_path).collect();
    adapter.whole.retain(|name, _| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    let (vectors, mut bert) = (adapter.whole.clone(), base.bert.clone());
    bert.layers.truncate(layers);
    let mut tensors = whole_tensors(&mut adapter)?;
    for (index, layer) in bert.layers.iter_mut().enumerate() {
        tensors.replace_vectors(index, layer)?;
    }
    tensors.all_used(&[])?;
    Ok(PairsStart { bert, adapter, vectors })
}

/// Refuses an adapter whose settings name another base: its pairs would mean nothing on this one.
fn check_base(base: &Base, files: &AdapterFiles) -> Result<(), EncoderError> {
    #[derive(Deserialize)]
    struct Trained {
        base_sha256: String,
    }
    for name in [PAIR_SETTINGS, READER_SETTINGS] {
        let Some(bytes) = files.get(name) else { continue };
        let path = Path::new(name);
        let trained: Trained = serde_json::from_slice(bytes).map_err(|error| refused(path, error))?;
        if trained.base_sha256 != base.sha256 {
            let reason = format!("it was trained on the base {}, and this one is {}", trained.base_sha256, base.sha256);
            return Err(refused(path, reason));
        }
    }
    Ok(())
}

/// The files of a model: its pairs, and what it has in place of the base model's biases and norms.
pub fn to_files(
    (pairs, mut whole): (BTreeMap<String, LowRank>, WholeTensors),
    head: &PairHead,
    mut config: AdapterConfig,
    settings: &PairSettings,
    precision: Precision,
) -> Result<AdapterFiles, EncoderError> {
    for (kind, tensor) in [("weight", head.0.t()?), ("bias", head.1.clone())] {
        whole.insert(format!("{HEAD}.{kind}"), (tensor.dims().to_vec(), tensor.flatten_all()?.to_vec1()?));
    }
    config.target_modules = Some(Targets::Ends(pairs.keys().cloned().collect()));
    let modules = whole.keys().filter_map(|name| name.rsplit_once('.')).map(|(module, _)| module);
    let (biased, saved): (BTreeSet<&str>, BTreeSet<&str>) = modules.partition(|module| module.ends_with(BIASED));
    if !biased.is_empty() {
        config.bias = "all".to_owned();
    }
    config.modules_to_save = Some(saved.into_iter().map(str::to_owned).collect());
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
