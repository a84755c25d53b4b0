//! What fits, and what is refused with a reason.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::models::{
    adapter::Precision,
    generator::{
        load::load,
        tiny::{self, Shape},
    },
};

fn option(adapter: &Adapter) -> AdapterOption {
    AdapterOption { name: "tuned".into(), files: adapter.to_files(Precision::F32).unwrap(), mode: AdapterMode::Merged }
}

fn refused(option: &AdapterOption) -> String {
    let folder = tempfile::tempdir().unwrap();
    match load(&tiny::write(folder.path(), &Shape::default()), Some(option)) {
        Err(error @ GeneratorError::Adapter { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("an adapter that does not fit was taken"),
    }
}

#[test]
fn halves_of_heads_become_neighbours() {
    // Two heads of four rows, two numbers each: the number of the row, and a mark.
    let rows: Vec<f32> = (0..8).flat_map(|row| [row as f32, 0.5]).collect();
    let turned: Vec<f32> = neighbours(&rows, 2, 4).chunks(2).map(|row| row[0]).collect();
    assert_eq!(turned, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
}

#[test]
fn what_the_model_does_not_have_is_refused() {
    let renamed = |from: &str, to: &str| {
        let mut adapter = tiny::adapter("layers.1.self_attn.q_proj");
        let pair = adapter.pairs.remove(from).unwrap();
        adapter.pairs.insert(to.to_owned(), pair);
        adapter.config.target_modules = None;
        refused(&option(&adapter))
    };
    let query = "model.layers.1.self_attn.q_proj";
    assert!(renamed(query, "model.layers.2.self_attn.q_proj").contains("only 2 layers"));
    for strange in
        ["lm_head", "model.embed_tokens", "model.layers.x.self_attn.q_proj", "bert.layers.1.self_attn.q_proj"]
    {
        let error = renamed(query, strange);
        assert!(error.contains(strange) && error.contains("tuned"), "{error}");
    }
    assert!(renamed(query, "model.layers.1.self_attn.k_proj").contains("64 x 64, and this model's is 32 x 64"));
    assert!(renamed(query, "model.layers.1.mlp.experts").contains("experts"));
}

#[test]
fn whole_tensors_and_damage_are_refused() {
    let mut adapter = tiny::adapter("");
    adapter.config.modules_to_save = Some(vec!["lm_head".to_owned()]);
    adapter.whole.insert("lm_head.weight".to_owned(), (vec![1], vec![1.0]));
    assert!(refused(&option(&adapter)).contains("lm_head.weight"));
    let mut damaged = option(&tiny::adapter(""));
    damaged.files.insert("adapter_model.safetensors", vec![0; 9]);
    assert!(refused(&damaged).contains("adapter_model.safetensors"));
}

#[test]
fn an_adapter_of_another_model_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = tiny::write(folder.path(), &Shape::default());
    let sum = hex::encode(Sha256::digest(std::fs::read(&path).unwrap()));
    let mut option = option(&tiny::adapter(""));
    for card in [format!(r#"{{"base_sha256": "{sum}", "version": "1"}}"#), "{}".to_owned()] {
        option.files.insert(CARD, card.into_bytes());
        assert!(load(&path, Some(&option)).is_ok());
    }
    option.files.insert(CARD, format!(r#"{{"base_sha256": "{}"}}"#, "0".repeat(64)).into_bytes());
    let error = refused(&option);
    assert!(error.contains(&sum) && error.contains("000000"), "{error}");
    option.files.insert(CARD, b"{".to_vec());
    assert!(refused(&option).contains(CARD));
}

#[test]
fn modes_are_read_as_they_are_written() {
    for mode in [AdapterMode::Merged, AdapterMode::Beside, AdapterMode::MergedDense] {
        assert_eq!(mode.as_str().parse(), Ok(mode));
    }
    assert!("fast".parse::<AdapterMode>().unwrap_err().contains("beside"));
}
