//! `adapter_config.json` with PEFT's own keys
//! (<https://huggingface.co/docs/peft/package_reference/lora#peft.LoraConfig>).
//!
//! Keys that change no arithmetic once an adapter is trained are kept as they are; whatever asks for arithmetic that
//! is not implemented is refused. May depend on serde.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ADAPTER_CONFIG, AdapterError};

/// The settings of a low-rank adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdapterConfig {
    /// The kind of adapter; only `LORA`.
    pub peft_type: String,
    /// What the model does (`QUESTION_ANS`, `CAUSAL_LM`).
    #[serde(default)]
    pub task_type: Option<String>,
    /// The model that it was trained on.
    #[serde(default)]
    pub base_model_name_or_path: Option<String>,
    /// The rank of every pair.
    pub r: usize,
    /// Alpha: with the rank it says how much a pair counts.
    pub lora_alpha: f64,
    /// The share of a pair's inputs that were dropped in training.
    #[serde(default)]
    pub lora_dropout: f64,
    /// Which modules have a pair.
    pub target_modules: Option<Targets>,
    /// Only in these layers.
    #[serde(default)]
    pub layers_to_transform: Option<Layers>,
    /// What the list of layers is called in the model.
    #[serde(default)]
    pub layers_pattern: Option<Names>,
    /// The modules that were trained in full.
    #[serde(default)]
    pub modules_to_save: Option<Vec<String>>,
    /// Which biases were trained: `none`, or `all`, when the file holds them whole.
    #[serde(default = "none")]
    pub bias: String,
    /// Whether weights are stored the other way round; only `false`.
    #[serde(default)]
    pub fan_in_fan_out: bool,
    /// Whether a pair counts `alpha / sqrt(r)` (<https://arxiv.org/abs/2312.03732>) and not `alpha / r`.
    #[serde(default)]
    pub use_rslora: bool,
    /// Whether weights are split into length and direction; only `false`.
    #[serde(default)]
    pub use_dora: bool,
    /// How the pairs began.
    #[serde(default = "yes")]
    pub init_lora_weights: Value,
    /// Whether PEFT should freeze it.
    #[serde(default = "inference")]
    pub inference_mode: bool,
    /// The other keys, as they were.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Modules by the ends of their paths, or by a pattern over whole paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Targets {
    /// Ends of paths (`query`).
    Ends(Vec<String>),
    /// A regular expression, or a word such as `all-linear`.
    Pattern(String),
}

/// One layer or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Layers {
    /// One.
    One(usize),
    /// Several.
    Several(Vec<usize>),
}

/// One name or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

fn none() -> String {
    "none".to_owned()
}

fn yes() -> Value {
    Value::Bool(true)
}

fn inference() -> bool {
    true
}

/// Keys that say where an adapter comes from or how it was trained, and nothing about what it computes.
const HISTORY: [&str; 9] = [
    "auto_mapping",
    "revision",
    "exclude_modules",
    "loftq_config",
    "eva_config",
    "lora_ga_config",
    "runtime_config",
    "peft_version",
    "megatron_core",
];

/// Ways to begin that leave the base model's weights alone.
const BEGINNINGS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

impl AdapterConfig {
    /// Settings as PEFT would write them for linear modules whose paths end in one of `targets`.
    pub fn new(rank: usize, alpha: f64, dropout: f64, targets: Vec<String>) -> Self {
        Self {
            peft_type: "LORA".to_owned(),
            task_type: None,
            base_model_name_or_path: None,
            r: rank,
            lora_alpha: alpha,
            lora_dropout: dropout,
            target_modules: Some(Targets::Ends(targets)),
            layers_to_transform: None,
            layers_pattern: None,
            modules_to_save: None,
            bias: none(),
            fan_in_fan_out: false,
            use_rslora: false,
            use_dora: false,
            init_lora_weights: yes(),
            inference_mode: true,
            other: BTreeMap::new(),
        }
    }

    /// Reads and checks the file.
    pub fn parse(text: &[u8]) -> Result<Self, AdapterError> {
        let refused = |reason: String| AdapterError::File { name: ADAPTER_CONFIG.to_owned(), reason };
        let config: Self = serde_json::from_slice(text).map_err(|error| refused(error.to_string()))?;
        config.check().map_err(refused)?;
        Ok(config)
    }

    /// The file.
    pub fn to_json(&self) -> Result<Vec<u8>, AdapterError> {
        let refused = |reason: String| AdapterError::File { name: ADAPTER_CONFIG.to_owned(), reason };
        self.check().map_err(refused)?;
        serde_json::to_vec_pretty(self).map_err(|error| refused(error.to_string()))
    }

    /// What the product of a pair is multiplied by.
    pub fn scale(&self) -> f32 {
        let rank = self.r as f64;
        (self.lora_alpha / if self.use_rslora { rank.sqrt() } else { rank }) as f32
    }

    /// Whether a module may have a pair. A pattern is not looked into.
    pub fn targets(&self, module: &str) -> bool {
        match &self.target_modules {
            Some(Targets::Ends(ends)) => ends.iter().any(|end| ends_in(module, end)),
            Some(Targets::Pattern(_)) | None => true,
        }
    }

    /// Whether a tensor was trained in full: one of a module that is saved, or any bias when all are.
    pub fn saves(&self, tensor: &str) -> bool {
        let Some((module, kind)) = tensor.rsplit_once('.') else { return false };
        (kind == "bias" && self.bias == "all") || self.modules_to_save.iter().flatten().any(|end| ends_in(module, end))
    }

    fn check(&self) -> Result<(), String> {
        const MERGE: &str = "merge the adapter into its model with PEFT, or train it without";
        if self.peft_type != "LORA" {
            return Err(format!("it is of type `{}`, and only `LORA` is supported; {MERGE}", self.peft_type));
        }
        if self.r == 0 {
            return Err("its rank `r` is 0".to_owned());
        }
        // In the precision that is reckoned in: weights that are no numbers would come of another.
        if !self.scale().is_finite() || !(0.0..1.0).contains(&self.lora_dropout) {
            return Err(format!(
                "`lora_alpha` {} or `lora_dropout` {} makes no sense",
                self.lora_alpha, self.lora_dropout
            ));
        }
        if !["none", "all"].contains(&self.bias.as_str()) {
            return Err(format!("`bias` is `{}`, and only `none` and `all` are supported; {MERGE}", self.bias));
        }
        for (key, set) in [("use_dora", self.use_dora), ("fan_in_fan_out", self.fan_in_fan_out)] {
            if set {
                return Err(format!("`{key}` is not supported; {MERGE}"));
            }
        }
        let begins_well = match &self.init_lora_weights {
            Value::Bool(_) => true,
            Value::String(way) => BEGINNINGS.contains(&way.as_str()),
            _ => false,
        };
        if !begins_well {
            return Err(format!(
                "`init_lora_weights` is {}, which changes the base model as well; convert the adapter with PEFT",
                self.init_lora_weights
            ));
        }
        match self.other.iter().find(|(key, value)| !HISTORY.contains(&key.as_str()) && !is_off(key, value)) {
            Some((key, value)) => Err(format!("`{key}` is {value}, which is not supported; {MERGE}")),
            None => Ok(()),
        }
    }
}

/// Whether the value of a key that we do not know leaves the arithmetic as it is: PEFT writes every key it has.
fn is_off(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
        // A size that PEFT always writes, and which means nothing while `use_qalora` is off.
        Value::Number(_) => key == "qalora_group_size",
        _ => false,
    }
}

/// Whether the path of a module is `end` or has it as its last parts.
fn ends_in(module: &str, end: &str) -> bool {
    module.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use serde_json::json;

    use super::*;

    /// What PEFT 0.17 writes.
    fn written_by_peft() -> Value {
        json!({
            "alpha_pattern": {}, "auto_mapping": null, "base_model_name_or_path": "some/model", "bias": "none",
            "corda_config": null, "eva_config": null, "exclude_modules": null, "fan_in_fan_out": false,
            "inference_mode": true, "init_lora_weights": true, "layer_replication": null, "layers_pattern": null,
            "layers_to_transform": null, "loftq_config": {}, "lora_alpha": 16, "lora_bias": false,
            "lora_dropout": 0.05, "megatron_config": null, "megatron_core": "megatron.core",
            "modules_to_save": ["qa_outputs"], "peft_type": "LORA", "qalora_group_size": 16, "r": 4,
            "rank_pattern": {}, "revision": null, "target_modules": ["query", "output.dense"],
            "target_parameters": null, "task_type": "QUESTION_ANS", "trainable_token_indices": null,
            "use_dora": false, "use_qalora": false, "use_rslora": false
        })
    }

    #[test]
    fn what_peft_writes_is_read_and_written_back() {
        let read = AdapterConfig::parse(written_by_peft().to_string().as_bytes()).unwrap();
        assert_eq!((read.r, read.scale()), (4, 4.0));
        assert!(read.targets("bert.encoder.layer.0.attention.self.query") && read.targets("a.output.dense"));
        assert!(!read.targets("a.my_query") && !read.targets("a.dense"));
        assert!(read.saves("qa_outputs.weight") && !read.saves("bert.weight") && !read.saves("bert.bias"));
        let mut expected = written_by_peft();
        expected["lora_alpha"] = json!(16.0);
        let written: Value = serde_json::from_slice(&read.to_json().unwrap()).unwrap();
        assert_eq!(written, expected);
    }

    #[test]
    fn the_root_of_the_rank_is_honoured() {
        let mut config = AdapterConfig::new(4, 16.0, 0.0, vec![]);
        config.use_rslora = true;
        assert_eq!(config.scale(), 8.0);
    }

    #[test]
    fn arithmetic_that_is_not_implemented_is_refused() {
        for (key, value) in [
            ("peft_type", json!("LOHA")),
            ("r", json!(0)),
            ("lora_dropout", json!(1.0)),
            ("lora_alpha", json!(1e300)),
            ("bias", json!("lora_only")),
            ("use_dora", json!(true)),
            ("fan_in_fan_out", json!(true)),
            ("lora_bias", json!(true)),
            ("rank_pattern", json!({"query": 2})),
            ("alpha_pattern", json!({"query": 2})),
            ("init_lora_weights", json!("pissa")),
            ("layer_replication", json!([[0, 2]])),
            ("trainable_token_indices", json!([1])),
            ("use_something_new", json!(true)),
            ("something_new", json!("x")),
        ] {
            let mut config = written_by_peft();
            config[key] = value;
            let error = AdapterConfig::parse(config.to_string().as_bytes()).unwrap_err().to_string();
            assert!(error.contains(key) || error.contains("LOHA") || error.contains("rank"), "{key}: {error}");
        }
    }
}
