//! Tests of reading and writing whole adapters.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use safetensors::{Dtype, tensor::TensorView};

use super::*;

const QUERY: &str = "bert.encoder.layer.0.attention.self.query";

/// A quarter of a small whole number is the same in every precision.
fn quarters(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 7 % 23) as f32 / 4.0 - 2.0).collect()
}

fn adapter() -> Adapter {
    let mut config = AdapterConfig::new(2, 6.0, 0.1, vec!["query".to_owned(), "value".to_owned()]);
    config.modules_to_save = Some(vec!["qa_outputs".to_owned()]);
    let pair = LowRank { rank: 2, inputs: 3, outputs: 5, a: quarters(6), b: quarters(10), scale: 3.0 };
    let value = QUERY.replace("query", "value");
    let whole = BTreeMap::from([("qa_outputs.weight".to_owned(), (vec![2, 3], quarters(6)))]);
    Adapter { config, pairs: BTreeMap::from([(QUERY.to_owned(), pair.clone()), (value, pair)]), whole }
}

#[test]
fn an_adapter_survives_the_way_to_the_files_and_back() {
    for precision in [Precision::F32, Precision::F16] {
        let files = adapter().to_files(precision).unwrap();
        assert_eq!(files.names().collect::<Vec<_>>(), [ADAPTER_CONFIG, ADAPTER_WEIGHTS]);
        assert_eq!(Adapter::from_files(&files).unwrap(), adapter());
        assert_eq!(adapter().to_files(precision).unwrap().sha256(), files.sha256());
    }
    let files = adapter().to_files(Precision::F32).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(files.get(ADAPTER_WEIGHTS).unwrap()).unwrap();
    let shape = |name: &str| tensors.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape(&format!("base_model.model.{QUERY}.lora_A.weight")), [2, 3]);
    assert_eq!(shape(&format!("base_model.model.{QUERY}.lora_B.weight")), [5, 2]);
    assert_eq!(shape("base_model.model.qa_outputs.weight"), [2, 3]);
    let bytes = |precision| adapter().to_files(precision).unwrap().get(ADAPTER_WEIGHTS).unwrap().len();
    assert!(bytes(Precision::F16) < bytes(Precision::F32));
}

/// The files of the adapter above with other tensors.
fn with(tensors: &[(&str, &[usize], &[f32])]) -> AdapterFiles {
    let tensors: Vec<_> = tensors
        .iter()
        .map(|(name, shape, numbers)| {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            (format!("base_model.model.{name}"), shape.to_vec(), bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name.replace("base_model.model./", ""), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let mut files = adapter().to_files(Precision::F32).unwrap();
    files.insert(ADAPTER_WEIGHTS, safetensors::serialize(views, None).unwrap());
    files
}

#[test]
fn tensors_that_do_not_belong_together_are_refused() {
    let (a, b) = ("x.query.lora_A.weight", "x.query.lora_B.weight");
    let ones = [1.0f32; 12];
    let good: (&str, &[usize], &[f32]) = (a, &[2, 3], &ones[..6]);
    let partner: (&str, &[usize], &[f32]) = (b, &[4, 2], &ones[..8]);
    assert!(Adapter::from_files(&with(&[good, partner])).is_ok());
    let strange = [1.0, f32::NAN, 1.0, 1.0, 1.0, 1.0];
    for (tensors, word) in [
        (vec![good], "no `lora_B`"),
        (vec![partner], "no `lora_A`"),
        (vec![], "no tensors"),
        (vec![(a, [3, 3].as_slice(), &ones[..9]), partner], "rank is 2"),
        (vec![good, (b, &[4, 3], &ones)], "rank is 2"),
        (vec![(a, &[6], &ones[..6]), partner], "[6]"),
        (vec![(a, &[2, 3], &strange), partner], "number 1 is NaN"),
        (vec![("x.key.lora_A.weight", &[2, 3], &ones[..6]), ("x.key.lora_B.weight", &[4, 2], &ones[..8])], "x.key"),
        (vec![good, partner, ("x.query.lora_magnitude_vector", &[4], &ones[..4])], "not supported"),
        (vec![good, partner, ("x.LayerNorm.weight", &[4], &ones[..4])], "modules_to_save"),
        (vec![good, partner, ("/bert.pooler.weight", &[4], &ones[..4])], "does not begin with"),
    ] {
        let error = Adapter::from_files(&with(&tensors)).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn biases_are_whole_tensors_when_the_settings_say_so() {
    let mut adapter = adapter();
    adapter.whole.insert(format!("{QUERY}.base_layer.bias"), (vec![5], quarters(5)));
    assert!(adapter.to_files(Precision::F32).is_err());
    adapter.config.bias = "all".to_owned();
    assert_eq!(Adapter::from_files(&adapter.to_files(Precision::F32).unwrap()).unwrap(), adapter);
}

#[test]
fn damage_and_missing_files_are_refused() {
    let files = adapter().to_files(Precision::F32).unwrap();
    let whole = files.get(ADAPTER_WEIGHTS).unwrap().to_vec();
    for cut in [0, 4, 40, whole.len() - 1] {
        let mut damaged = files.clone();
        damaged.insert(ADAPTER_WEIGHTS, whole[..cut].to_vec());
        assert!(Adapter::from_files(&damaged).unwrap_err().to_string().contains(ADAPTER_WEIGHTS));
    }
    let mut damaged = files.clone();
    damaged.insert(ADAPTER_CONFIG, b"{".to_vec());
    assert!(Adapter::from_files(&damaged).is_err());
    assert!(matches!(Adapter::from_files(&AdapterFiles::default()), Err(AdapterError::Missing { .. })));
}

#[test]
fn what_would_be_read_back_as_something_else_is_not_written() {
    type Change = fn(&mut Adapter);
    let changes: [(Change, &str); 5] = [
        (|adapter| adapter.config.r = 3, "agree"),
        (|adapter| adapter.config.lora_alpha = 2.0, "agree"),
        (|adapter| adapter.config.modules_to_save = None, "modules_to_save"),
        (|adapter| adapter.pairs.get_mut(QUERY).unwrap().a[1] = f32::INFINITY, "inf"),
        (|adapter| adapter.pairs.get_mut(QUERY).unwrap().b[1] = 1e6, "half precision"),
    ];
    for (change, word) in changes {
        let mut adapter = adapter();
        change(&mut adapter);
        let error = adapter.to_files(Precision::F16).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
