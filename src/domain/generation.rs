//! Generations of the index: what the vectors were made with, and which of them answers questions.
//!
//! May depend on the other modules of `domain` only.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::GenerationNumber;

/// Everything that decides what a vector means. Two indexes with different stamps cannot be mixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexStamp {
    /// The embedder.
    pub embedder: EmbedderStamp,
    /// The chunker and its sizes, such as `text-splitter 0.33, 200 tokens`.
    pub chunker: String,
    /// The lexical side: tokenizer, stemmer and weights, such as `bm25-en-1`.
    pub lexical: String,
}

/// What identifies an embedder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmbedderStamp {
    /// The model's name.
    pub name: String,
    /// The number of dimensions of a vector.
    pub dimension: u32,
    /// SHA-256 of the weights, in hexadecimal; of one in a folder, of the weights, `embedder.json` and the tokenizer.
    pub sha256: String,
    /// What is put before a question.
    pub query_prefix: String,
    /// What is put before a passage.
    pub passage_prefix: String,
    /// The folder that it is loaded from; absent for the one that is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

impl EmbedderStamp {
    /// Whether both make the same vectors, wherever they were loaded from.
    pub fn is_same(&self, other: &Self) -> bool {
        let key = |stamp: &Self| {
            let Self { name, dimension, sha256, query_prefix, passage_prefix, folder: _ } = stamp.clone();
            (name, dimension, sha256, query_prefix, passage_prefix)
        };
        key(self) == key(other)
    }

    /// The name and the weights, for a person.
    pub fn described(&self) -> String {
        format!("{}@{}", self.name, self.sha256.get(..12).unwrap_or(&self.sha256))
    }
}

impl IndexStamp {
    /// The differences from `other`, each in words; empty when the two are the same.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, ours: &str, theirs: &str| {
            if ours != theirs {
                found.push(format!("{what} is `{ours}`, the index was built with `{theirs}`"));
            }
        };
        let (a, b) = (&self.embedder, &other.embedder);
        compare("the embedder", &a.name, &b.name);
        compare("its dimension", &a.dimension.to_string(), &b.dimension.to_string());
        compare("the sha256 of its weights", &a.sha256, &b.sha256);
        compare("its question prefix", &a.query_prefix, &b.query_prefix);
        compare("its passage prefix", &a.passage_prefix, &b.passage_prefix);
        compare("the chunker", &self.chunker, &other.chunker);
        compare("the lexical index", &self.lexical, &other.lexical);
        found
    }
}

/// The state of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GenerationState {
    /// A reindex is filling it.
    Building,
    /// It answers questions. Exactly one generation is active once the service has started.
    Active,
    /// Another one replaced it.
    Retired,
}

impl GenerationState {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

/// A generation of the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Generation {
    /// The number, 1 for the first.
    pub number: GenerationNumber,
    /// The state.
    pub state: GenerationState,
    /// What it was built with.
    pub stamp: IndexStamp,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it became active.
    pub activated_at: Option<DateTime<Utc>>,
}
