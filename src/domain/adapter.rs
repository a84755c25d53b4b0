//! Adapters: which there are, how they were measured, and which of them serve.
//!
//! May depend on the other modules of `domain` only.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AdapterId;

/// The model that an adapter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdapterRole {
    /// The small encoder that finds answers in passages.
    Reader,
    /// The small chat model that words answers.
    Generator,
}

impl AdapterRole {
    /// All of them, in the order in which lists show them.
    pub const ALL: [Self; 2] = [Self::Reader, Self::Generator];

    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Generator => "generator",
        }
    }

    /// The role that an adapter of this role answers together with.
    pub fn other(self) -> Self {
        match self {
            Self::Reader => Self::Generator,
            Self::Generator => Self::Reader,
        }
    }
}

impl fmt::Display for AdapterRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role of an adapter: use `reader` or `generator`")]
pub struct UnknownRole(String);

impl FromStr for AdapterRole {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| UnknownRole(text.chars().take(80).collect()))
    }
}

/// A registered adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Adapter {
    /// The adapter's identifier.
    pub id: AdapterId,
    /// The model that it belongs to.
    pub role: AdapterRole,
    /// What a person calls it; not unique.
    pub name: String,
    /// SHA-256 over all its files: the same bytes are registered once.
    pub sha256: String,
    /// SHA-256 of the weights that it was trained on.
    pub base_sha256: String,
    /// The data sets that it was trained on, as the card of its run names them.
    pub data_versions: Vec<String>,
    /// The card of the training run.
    #[schema(value_type = Object)]
    pub run: serde_json::Value,
    /// The size of its files.
    pub size_bytes: u64,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

impl Adapter {
    /// Its name with the first digits of its sum: what answers carry and lists show.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, short_sum(&self.sha256))
    }
}

/// The first digits of a sum, for people.
pub fn short_sum(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// The adapters that answer together, each by the SHA-256 over its files. What is absent is the model as it comes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize, ToSchema)]
pub struct AdapterPair {
    /// The reader's.
    pub reader: Option<String>,
    /// The generator's.
    pub generator: Option<String>,
}

impl AdapterPair {
    /// The adapter of a role.
    pub fn of(&self, role: AdapterRole) -> Option<&str> {
        match role {
            AdapterRole::Reader => self.reader.as_deref(),
            AdapterRole::Generator => self.generator.as_deref(),
        }
    }

    /// The pair with another adapter of one role.
    pub fn with(mut self, role: AdapterRole, sha256: Option<String>) -> Self {
        match role {
            AdapterRole::Reader => self.reader = sha256,
            AdapterRole::Generator => self.generator = sha256,
        }
        self
    }
}

/// A figure of an evaluation, with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figure {
    /// Its name, as in the suite file.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// How the questions of one kind ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KindCount {
    /// `task`, `edge` or `failure`.
    pub kind: String,
    /// The questions.
    pub questions: u64,
    /// Those that ended well.
    pub right: u64,
}

/// What lists show of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationFigures {
    /// The figure that a promotion goes by.
    pub deciding: String,
    /// All figures, in the order of the suite.
    pub figures: Vec<Figure>,
    /// The questions by kind; kinds without a question are left out.
    pub kinds: Vec<KindCount>,
}

impl EvaluationFigures {
    /// The figure that a promotion goes by.
    pub fn deciding_figure(&self) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.metric == self.deciding)
    }
}

/// A run of a suite, with the adapters that answered in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AdapterEvaluation {
    /// SHA-256 of the run's card: names the run whatever its folder is called.
    pub run_sha256: String,
    /// The name of the run's folder.
    pub run: String,
    /// The suite's name.
    pub suite: String,
    /// The sum of the suite's settings.
    pub suite_sha256: String,
    /// The adapters that answered.
    pub adapters: AdapterPair,
    /// The figures.
    #[serde(flatten)]
    pub figures: EvaluationFigures,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
}

/// How an adapter came to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PromotionAction {
    /// It was promoted.
    Promote,
    /// The one after it was rolled back.
    Rollback,
}

impl PromotionAction {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

/// Why an adapter was promoted although it was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Forced {
    /// What the person who forced it gave as the reason.
    pub reason: String,
    /// What the refusal said.
    pub refusal: String,
}

/// The comparison that a promotion stands on: the candidate against the adapter that served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Grounds {
    /// The suite's name.
    pub suite: String,
    /// The sum of the suite's settings.
    pub suite_sha256: String,
    /// The run of the adapter that served: its `run_sha256`.
    pub serving_run: String,
    /// The run of the candidate.
    pub candidate_run: String,
    /// The figure that decides.
    pub metric: String,
    /// Its value in the run of the adapter that served.
    pub serving: f64,
    /// Its value in the candidate's run.
    pub candidate: f64,
    /// The candidate's less the other's.
    pub difference: f64,
    /// The lower end of the difference's interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The two-sided p-value of the paired bootstrap.
    pub p_value: f64,
    /// What a reader has to know before believing the figures.
    pub notes: Vec<String>,
}

/// One entry of the history of a role. The last one says what serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Promotion {
    /// The role.
    pub role: AdapterRole,
    /// The number of the entry, from 1.
    pub number: u32,
    /// How it came about.
    pub action: PromotionAction,
    /// The adapter that serves from here on; absent for the one that ships with the program.
    pub adapter: Option<AdapterId>,
    /// The adapter that served before; absent for the one that ships with the program.
    pub replaced: Option<AdapterId>,
    /// Why it was promoted although it was refused; absent for an ordinary promotion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forced: Option<Forced>,
    /// What it was promoted on; absent for a rollback, and where nothing could be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grounds: Option<Grounds>,
    /// When.
    pub promoted_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_role_is_read_as_it_is_shown_and_nothing_else_is() {
        for role in AdapterRole::ALL {
            assert_eq!(role.to_string().parse::<AdapterRole>().unwrap(), role);
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        assert!("embedder".parse::<AdapterRole>().unwrap_err().to_string().contains("`generator`"));
    }

    #[test]
    fn one_adapter_of_a_pair_is_replaced() {
        let pair = AdapterPair { reader: Some("r".into()), generator: Some("g".into()) };
        let other = pair.clone().with(AdapterRole::Generator, None);
        assert_eq!((other.of(AdapterRole::Reader), other.of(AdapterRole::Generator)), (Some("r"), None));
        assert_eq!(other.with(AdapterRole::Generator, Some("g".into())), pair);
    }
}
