//! A tiny model as a folder of Hugging Face's, and what is wrong with such folders.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use serde_json::json;

use super::*;
use crate::models::generator::{
    config::{LlamaConfig, Metadata},
    llama::{CHUNK, Llama},
    load::{Loaded, load},
    reference,
    tiny::{self, Noise, Shape},
};

/// The tiny Llama's configuration.
fn config() -> serde_json::Value {
    json!({
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 96, "max_position_embeddings": 1024, "vocab_size": 264,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": true,
        "eos_token_id": [2, 0],
    })
}

/// Writes the tiny Llama as Hugging Face would have it.
fn write(folder: &Path, config: &serde_json::Value) {
    let shape = Shape::default();
    let metadata: HashMap<_, _> = tiny::metadata(&shape).into_iter().collect();
    let texts = |key: &str| match &metadata[key] {
        Value::Array(values) => values.iter().map(|value| value.to_string().unwrap().clone()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let tokens = texts("tokenizer.ggml.tokens");
    let vocab: HashMap<_, _> = tokens.iter().enumerate().skip(3).map(|(id, token)| (token.clone(), id)).collect();
    let added: Vec<_> = (0..3).map(|id| json!({"id": id, "content": tokens[id], "special": true})).collect();
    let tokenizer = json!({
        "added_tokens": added,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        ]},
        "model": {"type": "BPE", "vocab": vocab, "merges": texts("tokenizer.ggml.merges")},
    });
    let template = json!({"chat_template": "{{'<|im_start|>' + message['role'] + '<|im_end|>'}}"});
    for (name, json) in [("config.json", config), ("tokenizer.json", &tokenizer), ("tokenizer_config.json", &template)]
    {
        std::fs::write(folder.join(name), serde_json::to_vec(json).unwrap()).unwrap();
    }
    let dense = reference::hugging_face(&LlamaConfig::read(&Metadata(&metadata)).unwrap(), &tiny::tensors(&shape));
    let modules = [
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];
    let named: HashMap<String, Tensor> = dense
        .into_iter()
        .map(|(name, tensor)| {
            let name = match name.as_str() {
                "token_embd.weight" => "model.embed_tokens.weight".to_owned(),
                "output_norm.weight" => "model.norm.weight".to_owned(),
                name => {
                    let [_, layer, part, kind] = name.split('.').collect::<Vec<_>>()[..] else { panic!("{name}") };
                    let module = modules.iter().find(|(gguf, _)| *gguf == part).unwrap().1;
                    format!("model.layers.{layer}.{module}.{kind}")
                }
            };
            (name, tensor)
        })
        .collect();
    candle_core::safetensors::save(&named, folder.join("model.safetensors")).unwrap();
}

/// The scores after a prompt.
fn scores(loaded: Loaded, tokens: &[u32]) -> Vec<f32> {
    let mut last = Vec::new();
    let mut model = Llama::new(loaded.weights, 256, 256);
    assert!(tokens.len() < CHUNK);
    model.trace(tokens, 1, &[], |scores| {
        if last.len() < tokens.len() {
            last.push(scores.to_vec());
        }
    });
    last.pop().unwrap()
}

#[test]
fn a_folder_gives_the_scores_that_the_same_model_gives_as_a_file() {
    let (folder, file) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), &config());
    let tokens = Noise(31).tokens(50);
    let loaded = load(folder.path(), None).unwrap_or_else(|error| panic!("{error}"));
    assert!([0, 1, 2].iter().all(|end| loaded.ends.contains(end)), "{:?}", loaded.ends);
    let right = load(&tiny::write(file.path(), &Shape::default()), None).unwrap();
    assert_eq!(
        loaded.vocabulary.encode("the theory of 42").unwrap(),
        right.vocabulary.encode("the theory of 42").unwrap()
    );
    let (found, right) = (scores(loaded, &tokens), scores(right, &tokens));
    let largest = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Its floats are rounded to eight bits; rows in the wrong order are far off.
    assert!(largest(&found, &right) < 0.1, "{}", largest(&found, &right));
    // The base, where newer files have it.
    let mut newer = config();
    newer.as_object_mut().unwrap().remove("rope_theta");
    for (base, same) in [(10_000.0, true), (50.0, false)] {
        newer["rope_parameters"] = json!({"rope_type": "default", "rope_theta": base});
        write(folder.path(), &newer);
        let difference = largest(&scores(load(folder.path(), None).unwrap(), &tokens), &right);
        assert_eq!(difference < 0.1, same, "{base}: {difference}");
    }
    let turned = json!({"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32});
    let mut scaled = config();
    scaled["rope_scaling"] = turned;
    write(folder.path(), &scaled);
    assert!(largest(&scores(load(folder.path(), None).unwrap(), &tokens), &right) > 0.2);
}

#[test]
fn dimensions_turn_slower_as_llama_3_asks() {
    let scaling = Rope {
        rope_theta: None,
        r#type: None,
        rope_type: Some("llama3".into()),
        factor: Some(8.0),
        low_freq_factor: Some(1.0),
        high_freq_factor: Some(4.0),
        original_max_position_embeddings: Some(8192.0),
    };
    let mut json = config();
    json["rope_theta"] = json!(500_000.0);
    json["head_dim"] = json!(128);
    let config: Config = serde_json::from_value(json).unwrap();
    let factors = scaling.factors(&config).unwrap().unwrap();
    assert_eq!(factors.len(), 64);
    // Fast pairs turn as they are, slow ones eight times slower, and those between in between.
    assert!(factors[..29].iter().all(|factor| *factor == 1.0), "{factors:?}");
    assert!(factors[36..].iter().all(|factor| *factor == 8.0), "{factors:?}");
    assert!(factors.windows(2).all(|pair| pair[0] <= pair[1]));
}

#[test]
fn what_a_folder_lacks_or_asks_for_in_vain_is_said() {
    let refused = |change: &dyn Fn(&mut serde_json::Value), after: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config();
        change(&mut config);
        write(folder.path(), &config);
        after(folder.path());
        load(folder.path(), None).err().expect("it was loaded").to_string()
    };
    let nothing = |_: &Path| ();
    for (key, value) in [
        ("hidden_act", json!("gelu")),
        ("attention_bias", json!(true)),
        ("use_sliding_window", json!(true)),
        ("model_type", json!("gemma")),
        ("rope_scaling", json!({"rope_type": "yarn", "factor": 4.0})),
        // As older and as newer files say it, and as none does.
        ("rope_scaling", json!({"type": "yarn", "factor": 4.0})),
        ("rope_scaling", json!({"factor": 4.0})),
        ("rope_parameters", json!({"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0})),
        ("num_hidden_layers", json!(3)),
    ] {
        let error = refused(&|config| config[key] = value.clone(), &nothing);
        let named = [key, "gemma", "yarn", "without a name", "blk.2"].iter().any(|word| error.contains(word));
        assert!(named, "{key}: {error}");
    }
    for missing in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
        let error = refused(&|_| (), &|folder| std::fs::remove_file(folder.join(missing)).unwrap());
        assert!(error.contains(missing), "{missing} is missing: {error}");
    }
    let cut = |folder: &Path| {
        let path = folder.join("model.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() - 10]).unwrap();
    };
    assert!(refused(&|_| (), &cut).contains("cut short"));
    let nonsense = |folder: &Path| std::fs::write(folder.join("model.safetensors"), [255; 64]).unwrap();
    assert!(refused(&|_| (), &nonsense).contains("no safetensors file"));
    let outside = |folder: &Path| {
        let index = json!({"weight_map": {"model.norm.weight": "../secret"}});
        std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    };
    assert!(refused(&|_| (), &outside).contains("outside its folder"));
}
