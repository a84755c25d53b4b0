//! `config.json` of a BERT model: what the forward pass needs, and a refusal of what it does not do.
//!
//! Keys: <https://huggingface.co/docs/transformers/model_doc/bert#transformers.BertConfig>. May depend on serde.

use std::path::Path;

use serde::Deserialize;

use super::EncoderError;

/// The sizes of a BERT model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BertConfig {
    /// The kind of model; only `bert`.
    pub model_type: String,
    /// The width of a token's vector.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads of each layer.
    pub num_attention_heads: usize,
    /// The width between the two products of the feed-forward part.
    pub intermediate_size: usize,
    /// The nonlinearity; only `gelu`.
    pub hidden_act: String,
    /// Added to variances.
    pub layer_norm_eps: f64,
    /// The longest sequence.
    pub max_position_embeddings: usize,
    /// Token types.
    pub type_vocab_size: usize,
    /// Tokens of the vocabulary.
    pub vocab_size: usize,
    /// How positions are told; only `absolute`.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
}

fn absolute() -> String {
    "absolute".to_owned()
}

impl BertConfig {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, EncoderError> {
        let text = std::fs::read_to_string(path).map_err(|source| EncoderError::Io {
            doing: "reading",
            path: path.to_owned(),
            source,
        })?;
        let refuse = |reason: String| EncoderError::Model { path: path.to_owned(), reason };
        let config: Self = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        config.check().map_err(refuse)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        for (key, value, wanted) in [
            ("model_type", &self.model_type, "bert"),
            ("hidden_act", &self.hidden_act, "gelu"),
            ("position_embedding_type", &self.position_embedding_type, "absolute"),
        ] {
            if value != wanted {
                return Err(format!("`{key}` is `{value}`, and only `{wanted}` is supported"));
            }
        }
        let sizes = [self.hidden_size, self.num_hidden_layers, self.num_attention_heads, self.intermediate_size];
        if sizes.contains(&0) || !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err("its sizes do not go together".to_owned());
        }
        if self.type_vocab_size < 2 {
            return Err("it has no second token type, which marks the passage".to_owned());
        }
        Ok(())
    }

    /// The width of one head.
    pub fn head_width(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::tiny;
    use super::*;

    #[test]
    fn what_is_not_implemented_is_refused() {
        let good = tiny::config();
        assert!(good.check().is_ok());
        for (change, word) in [
            ((|c| c.model_type = "roberta".into()) as fn(&mut BertConfig), "roberta"),
            (|c| c.hidden_act = "relu".into(), "relu"),
            (|c| c.position_embedding_type = "relative_key".into(), "relative_key"),
            (|c| c.num_attention_heads = 3, "sizes"),
            (|c| c.type_vocab_size = 1, "token type"),
        ] {
            let mut config = good.clone();
            change(&mut config);
            assert!(config.check().unwrap_err().contains(word));
        }
    }
}
