//! `adapter_model.safetensors`, both ways. PEFT names a pair `base_model.model.<module>.lora_A.weight` and
//! `….lora_B.weight`, and a tensor that was trained in full `base_model.model.<module>.<tensor>`.
//!
//! May depend on `config`, `files`, `low_rank` and the safetensors crate.

use std::collections::{BTreeMap, HashMap};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{ADAPTER_CONFIG, ADAPTER_WEIGHTS, Adapter, AdapterConfig, AdapterError, AdapterFiles, LowRank};

/// What PEFT puts before the path of every module.
const PREFIX: &str = "base_model.model.";
/// What it puts behind it for the first factor.
const A: &str = ".lora_A.weight";
/// And for the second.
const B: &str = ".lora_B.weight";

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Two bytes each: half the file, and scores change in the third decimal.
    F16,
    /// Four bytes each.
    F32,
}

/// A tensor: its shape and its numbers.
type Whole = (Vec<usize>, Vec<f32>);

impl Adapter {
    /// Reads and checks the two files of an adapter.
    pub fn from_files(files: &AdapterFiles) -> Result<Self, AdapterError> {
        let config = AdapterConfig::parse(files.need(ADAPTER_CONFIG)?)?;
        let bytes = files.need(ADAPTER_WEIGHTS)?;
        let refused = |reason: String| AdapterError::File { name: ADAPTER_WEIGHTS.to_owned(), reason };
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| refused(error.to_string()))?;
        let (mut first, mut second, mut whole) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (name, view) in tensors.iter() {
            let Some(path) = name.strip_prefix(PREFIX) else {
                return Err(wrong(name, format!("its name does not begin with `{PREFIX}`, as PEFT's do")));
            };
            let tensor = (view.shape().to_vec(), numbers(name, &view)?);
            if let Some(module) = path.strip_suffix(A) {
                first.insert(module.to_owned(), tensor);
            } else if let Some(module) = path.strip_suffix(B) {
                second.insert(module.to_owned(), tensor);
            } else if path.contains("lora_") {
                return Err(wrong(name, "such a part of an adapter is not supported"));
            } else if config.saves(path) {
                whole.insert(path.to_owned(), tensor);
            } else {
                return Err(wrong(name, "it is no part of a pair, and `modules_to_save` does not name its module"));
            }
        }
        let mut pairs = BTreeMap::new();
        for (module, a) in first {
            let Some(b) = second.remove(&module) else {
                return Err(wrong(&module, "it has a `lora_A` and no `lora_B`"));
            };
            let pair = pair(&config, &module, a, b)?;
            pairs.insert(module, pair);
        }
        if let Some(module) = second.keys().next() {
            return Err(wrong(module, "it has a `lora_B` and no `lora_A`"));
        }
        if pairs.is_empty() && whole.is_empty() {
            return Err(refused("it holds no tensors".to_owned()));
        }
        Ok(Self { config, pairs, whole })
    }

    /// The two files of the adapter.
    pub fn to_files(&self, precision: Precision) -> Result<AdapterFiles, AdapterError> {
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (module, pair) in &self.pairs {
            let LowRank { rank, inputs, outputs, a, b, .. } = pair;
            if *rank != self.config.r || !self.config.targets(module) || pair.scale != self.config.scale() {
                return Err(wrong(module, "the pair does not agree with the settings of the adapter"));
            }
            for (end, shape, numbers) in [(A, vec![*rank, *inputs], a), (B, vec![*outputs, *rank], b)] {
                let name = format!("{PREFIX}{module}{end}");
                let bytes = bytes(&name, numbers, precision)?;
                tensors.push((name, shape, bytes));
            }
        }
        for (path, (shape, numbers)) in &self.whole {
            if !self.config.saves(path) {
                return Err(wrong(path, "`modules_to_save` does not name its module"));
            }
            let name = format!("{PREFIX}{path}");
            let bytes = bytes(&name, numbers, precision)?;
            tensors.push((name, shape.clone(), bytes));
        }
        let dtype = match precision {
            Precision::F16 => Dtype::F16,
            Precision::F32 => Dtype::F32,
        };
        let views = tensors.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(dtype, shape.clone(), bytes).map_err(|error| wrong(name, error))?;
            Ok((name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>, AdapterError>>()?;
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let whole = safetensors::serialize(views, Some(metadata))
            .map_err(|error| AdapterError::File { name: ADAPTER_WEIGHTS.to_owned(), reason: error.to_string() })?;
        let mut files = AdapterFiles::default();
        files.insert(ADAPTER_CONFIG, self.config.to_json()?);
        files.insert(ADAPTER_WEIGHTS, whole);
        Ok(files)
    }
}

fn pair(config: &AdapterConfig, module: &str, a: Whole, b: Whole) -> Result<LowRank, AdapterError> {
    let (([rank, inputs], a), ([outputs, rank_of_b], b)) = (two(module, a)?, two(module, b)?);
    if rank != config.r || rank_of_b != config.r {
        let reason = format!(
            "`lora_A` is [{rank}, {inputs}] and `lora_B` [{outputs}, {rank_of_b}], the adapter's rank is {}",
            config.r
        );
        return Err(wrong(module, reason));
    }
    if !config.targets(module) {
        return Err(wrong(module, "it has a pair, and `target_modules` does not name it"));
    }
    Ok(LowRank { rank, inputs, outputs, a, b, scale: config.scale() })
}

fn two(module: &str, (shape, numbers): Whole) -> Result<([usize; 2], Vec<f32>), AdapterError> {
    let shape: [usize; 2] =
        shape.try_into().map_err(|shape| wrong(module, format!("a factor of a linear module is no {shape:?}")))?;
    Ok((shape, numbers))
}

/// The numbers of a tensor, all of them finite.
fn numbers(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, AdapterError> {
    let data = view.data();
    let numbers: Vec<f32> = match view.dtype() {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::F16 => data.as_chunks::<2>().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
        Dtype::BF16 => data.as_chunks::<2>().0.iter().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect(),
        other => return Err(wrong(name, format!("its type is {other:?}, and F32, F16 and BF16 are supported"))),
    };
    finite(name, &numbers)?;
    Ok(numbers)
}

fn bytes(name: &str, numbers: &[f32], precision: Precision) -> Result<Vec<u8>, AdapterError> {
    finite(name, numbers)?;
    match precision {
        Precision::F32 => Ok(numbers.iter().flat_map(|number| number.to_le_bytes()).collect()),
        Precision::F16 => {
            if let Some(number) = numbers.iter().find(|number| !f16::from_f32(**number).is_finite()) {
                return Err(wrong(name, format!("{number} is too large for half precision; save it in full")));
            }
            Ok(numbers.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()).collect())
        }
    }
}

fn finite(name: &str, numbers: &[f32]) -> Result<(), AdapterError> {
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(place) => Err(wrong(name, format!("number {place} is {}", numbers[place]))),
        None => Ok(()),
    }
}

fn wrong(name: &str, reason: impl ToString) -> AdapterError {
    AdapterError::Tensor { name: name.to_owned(), reason: reason.to_string() }
}
