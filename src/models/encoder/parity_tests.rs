//! Our encoder against `transformers`, and a low-rank reader of ours against PEFT, on real weights: see
//! `tests/parity/peft_reader.py`, which writes what is compared with.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use candle_core::{Device, Tensor, safetensors};

use super::{bert::Packed, load::Base};
use crate::models::adapter::AdapterFiles;

fn path(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("set {variable}; tests/parity/peft_reader.py says how")).into()
}

/// The largest difference of two tensors of the same shape, and the largest number of the second.
fn furthest(ours: &Tensor, theirs: &Tensor) -> (f32, f32) {
    assert_eq!(ours.dims(), theirs.dims());
    let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (ours, theirs) = (flat(ours), flat(theirs));
    let largest = theirs.iter().fold(0.0f32, |most, number| most.max(number.abs()));
    (ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max), largest)
}

#[test]
#[ignore = "needs real weights and a reference from Python; tests/parity/peft_reader.py says how"]
fn encoder_and_reader_are_those_of_transformers_and_peft() {
    let reference = safetensors::load(path("PARITY_REFERENCE"), &Device::Cpu).unwrap();
    let whole = |name: &str| reference[name].to_vec1::<i64>().unwrap();
    let packed = Packed {
        tokens: whole("tokens").into_iter().map(|token| u32::try_from(token).unwrap()).collect(),
        types: whole("types").into_iter().map(|kind| u8::try_from(kind).unwrap()).collect(),
        lengths: whole("lengths").into_iter().map(|length| usize::try_from(length).unwrap()).collect(),
    };
    let base = Base::load(&path("PARITY_BASE")).unwrap();
    let (off, largest) = furthest(&base.bert.forward(&packed, None).unwrap(), &reference["hidden"]);
    println!("hidden states: off by at most {off:e}, the largest is {largest}");
    assert!(off < 1e-4 * (1.0 + largest));
    let files = AdapterFiles::read(&path("PARITY_READER")).unwrap();
    let (reader, heads, _) = base.with_reader(&files).unwrap();
    let rows = reader.bert.forward(&packed, None).unwrap();
    let logits = heads.forward(&rows, &packed.firsts(), None).unwrap();
    let (off, largest) = furthest(&logits.span, &reference["span"]);
    println!("start and end logits: off by at most {off:e}, the largest is {largest}");
    assert!(off < 1e-4 * (1.0 + largest));
}
