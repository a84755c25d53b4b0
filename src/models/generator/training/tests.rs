//! The model in training against the one that answers, and its gradients against finite differences.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use candle_core::{Tensor, Var};

use super::*;
use crate::models::{
    adapter::{AdapterConfig, Precision},
    fused::{
        rms_norm::rms_norm,
        testing::{differences, noise},
    },
    generator::{
        AdapterMode, AdapterOption,
        llama::Llama,
        load::load,
        tiny::{self, Noise, Shape},
    },
};

fn tiny_file(folder: &Path, tied: bool) -> PathBuf {
    tiny::write(folder, &Shape { tied, ..Shape::default() })
}

/// The scores after each token of each sequence, in one packed pass.
fn trained(model: &TrainingLlama, sequences: &[&[u32]]) -> Vec<Vec<f32>> {
    let lengths = sequences.iter().map(|sequence| sequence.len()).collect();
    let rows = model.embed(&sequences.concat()).unwrap();
    let rows = model.run(0..model.layers(), rows, &lengths, None, None).unwrap();
    let normed = rms_norm(&rows, &model.output_norm, model.config.norm_epsilon).unwrap();
    let output = model.output.as_ref().unwrap_or(&model.embedding);
    normed.matmul(&output.t().unwrap()).unwrap().to_vec2().unwrap()
}

/// The same by the model that answers.
fn inferred(path: &Path, adapter: Option<&AdapterOption>, tokens: &[u32]) -> Vec<Vec<f32>> {
    let mut model = Llama::new(load(path, adapter).unwrap().weights, 256, 256);
    let mut rows = Vec::new();
    model.trace(tokens, 0, &[], |scores| rows.push(scores.to_vec()));
    rows
}

fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!((a.len(), a[0].len()), (b.len(), b[0].len()));
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Gives the upper layers pairs that change something.
fn change(model: &mut TrainingLlama, from: usize, modules: &[Module], dropout: f32) {
    let mut numbers = noise(1 << 16, 5).into_iter().cycle();
    let layers = from..model.layers();
    let settings = PairSettings { modules, rank: 3, scale: 2.0, dropout };
    model.add_pairs(layers, settings, || numbers.next().unwrap() / 1.5).unwrap();
    for (index, (_, pairs)) in model.pairs_mut().enumerate() {
        let numbers = noise(pairs.b.elem_count(), 100 + index as u32).into_iter().map(|number| 0.05 * number);
        pairs.b = Tensor::from_vec(numbers.collect(), pairs.b.shape(), &candle_core::Device::Cpu).unwrap();
    }
}

fn option(model: &TrainingLlama, mode: AdapterMode) -> AdapterOption {
    let adapter = model.adapter(AdapterConfig::new(3, 6.0, 0.0, Vec::new())).unwrap();
    AdapterOption { name: "tiny".into(), files: adapter.to_files(Precision::F32).unwrap(), mode }
}

#[test]
fn scores_are_those_of_the_model_that_answers() {
    let folder = tempfile::tempdir().unwrap();
    for tied in [true, false] {
        let path = tiny_file(folder.path(), tied);
        let model = TrainingLlama::load(&path, 200).unwrap();
        let (a, b) = (Noise(11).tokens(150), Noise(12).tokens(33));
        let both = trained(&model, &[&a, &b]);
        let difference = largest_difference(&both[..150], &inferred(&path, None, &a));
        assert!(difference < 2e-4, "{difference}");
        let difference = largest_difference(&both[150..], &inferred(&path, None, &b));
        assert!(difference < 2e-4, "{difference}");
    }
}

/// By hand: `FOOTNOTE_TEST_GGUF=FILE cargo test --release --lib -- --ignored scores_of_a_real_model`.
#[test]
#[ignore = "needs the file of a real model in FOOTNOTE_TEST_GGUF"]
fn scores_of_a_real_model_are_those_of_the_model_that_answers() {
    let path = PathBuf::from(std::env::var_os("FOOTNOTE_TEST_GGUF").unwrap());
    let mut model = TrainingLlama::load(&path, 256).unwrap();
    let text = "The harbour lamp is lit at dawn by the keeper. It is put out at noon, when the boats are back. ";
    let mut tokens = model.answer_tokens(&text.repeat(8)).unwrap();
    tokens.truncate(200);
    let scale = |rows: &[Vec<f32>]| rows.iter().flatten().fold(0.0f32, |peak, score| peak.max(score.abs()));
    let (ours, theirs) = (trained(&model, &[&tokens]), inferred(&path, None, &tokens));
    println!("base: {} of {}", largest_difference(&ours, &theirs), scale(&theirs));
    assert!(largest_difference(&ours, &theirs) < 1e-3 * scale(&theirs));
    change(&mut model, 20, &Module::ALL, 0.0);
    let (ours, theirs) =
        (trained(&model, &[&tokens]), inferred(&path, Some(&option(&model, AdapterMode::MergedDense)), &tokens));
    println!("adapter: {} of {}", largest_difference(&ours, &theirs), scale(&theirs));
    assert!(largest_difference(&ours, &theirs) < 1e-3 * scale(&theirs));
}

#[test]
fn an_adapter_does_in_answers_what_the_pairs_do_in_training() {
    let folder = tempfile::tempdir().unwrap();
    let path = tiny_file(folder.path(), true);
    let tokens = Noise(13).tokens(70);
    let plain = inferred(&path, None, &tokens);
    for (from, modules) in [
        (0, Module::ALL.to_vec()),
        (1, vec![Module::KProj, Module::UpProj]),
        (1, vec![Module::DownProj, Module::QProj]),
    ] {
        let mut model = TrainingLlama::load(&path, 200).unwrap();
        change(&mut model, from, &modules, 0.0);
        let ours = trained(&model, &[&tokens]);
        assert!(largest_difference(&ours, &plain) > 0.05);
        for mode in [AdapterMode::MergedDense, AdapterMode::Beside] {
            let difference = largest_difference(&ours, &inferred(&path, Some(&option(&model, mode)), &tokens));
            assert!(difference < 5e-4, "{modules:?} {mode:?}: {difference}");
        }
    }
}

#[test]
fn an_adapter_has_hugging_faces_names_and_order_of_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = TrainingLlama::load(&tiny_file(folder.path(), true), 200).unwrap();
    change(&mut model, 1, &[Module::QProj, Module::VProj, Module::GateProj], 0.0);
    let adapter = model.adapter(AdapterConfig::new(3, 6.0, 0.0, Vec::new())).unwrap();
    let names: Vec<&str> = adapter.pairs.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["model.layers.1.mlp.gate_proj", "model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.v_proj"]
    );
    let config: serde_json::Value = serde_json::from_slice(&adapter.config.to_json().unwrap()).unwrap();
    assert_eq!(config["target_modules"], serde_json::json!(["gate_proj", "q_proj", "v_proj"]));
    assert_eq!(config["layers_to_transform"], serde_json::json!([1]));
    assert_eq!(config["task_type"], "CAUSAL_LM");
    // llama.cpp's permute: `reshape(heads, 2, depth / 2, in).swapaxes(1, 2)`.
    let (rank, depth) = (3, model.config.head_dim);
    let (_, trained) = model.pairs_mut().next().unwrap();
    let columns = trained.b.to_vec2::<f32>().unwrap();
    let queries = &adapter.pairs["model.layers.1.self_attn.q_proj"];
    for row in 0..queries.outputs {
        let (head, half, pair) = (row / depth, row % depth / (depth / 2), row % (depth / 2));
        let ours = head * depth + 2 * pair + half;
        assert!((0..rank).all(|r| queries.b[row * rank + r] == columns[r][ours]), "row {row}");
    }
}

/// Turns all factors into variables.
fn variables(model: &mut TrainingLlama) -> Vec<Var> {
    let mut all = Vec::new();
    for (_, pairs) in model.pairs_mut() {
        for factor in [&mut pairs.a, &mut pairs.b] {
            let var = Var::from_tensor(factor).unwrap();
            *factor = var.as_tensor().clone();
            all.push(var);
        }
    }
    all
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let folder = tempfile::tempdir().unwrap();
    let path = tiny_file(folder.path(), true);
    let (a, b) = (Noise(21).tokens(9), Noise(22).tokens(6));
    let batch = Batch { lengths: [9, 6].into(), asked: vec![3, 4, 8, 9, 14], targets: vec![7, 1, 60, 4, 4] };
    for (from, modules) in [(0, Module::ALL.to_vec()), (1, vec![Module::OProj, Module::KProj, Module::DownProj])] {
        let mut model = TrainingLlama::load(&path, 200).unwrap();
        change(&mut model, from, &modules, 0.2);
        let variables = variables(&mut model);
        let rows = model.embed(&[a.as_slice(), &b].concat()).unwrap();
        let rows = model.lower(from, rows, &batch.lengths).unwrap();
        let arguments: Vec<&Var> = variables.iter().collect();
        differences(&arguments, |_| model.loss(from, rows.clone(), &batch, Some(3), 4.0));
    }
}

#[test]
fn the_loss_is_the_cross_entropy_of_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let model = TrainingLlama::load(&tiny_file(folder.path(), true), 200).unwrap();
    let (a, b) = (Noise(21).tokens(9), Noise(22).tokens(6));
    let scores = trained(&model, &[&a, &b]);
    let batch = Batch { lengths: [9, 6].into(), asked: vec![3, 8, 9, 14], targets: vec![7, 1, 60, 4] };
    let entropy = |(row, target): (&u32, &u32)| {
        let scores = &scores[*row as usize];
        let sum: f64 = scores.iter().map(|score| f64::from(*score).exp()).sum();
        sum.ln() - f64::from(scores[*target as usize])
    };
    let expected: f64 = batch.asked.iter().zip(&batch.targets).map(entropy).sum();
    for first in 0..=1 {
        let rows = model.embed(&[a.as_slice(), &b].concat()).unwrap();
        let rows = model.lower(first, rows, &batch.lengths).unwrap();
        let loss = model.loss(first, rows, &batch, None, 0.5).unwrap().to_scalar::<f32>().unwrap();
        assert!((f64::from(loss) - 0.5 * expected).abs() < 1e-3, "{loss} {expected}");
    }
}

#[test]
fn sequences_beyond_the_model_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = tiny_file(folder.path(), true);
    let error = TrainingLlama::load(&path, 1025).err().unwrap().to_string();
    assert!(error.contains("1024") && error.contains("tiny.gguf"), "{error}");
    let model = TrainingLlama::load(&path, 8).unwrap();
    let rows = model.embed(&Noise(1).tokens(9)).unwrap();
    assert!(model.lower(2, rows, &[9].into()).is_err());
    assert!(model.embed(&[5000]).is_err());
}
