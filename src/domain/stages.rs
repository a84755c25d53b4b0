//! The stages of answering that can be switched off, each by its name.
//!
//! May depend on nothing.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A stage that can be switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Misspelt words are corrected by the vocabulary of the index.
    Spelling,
    /// Keywords are read as questions.
    Fragments,
    /// Questions that lean on the conversation are made to stand alone.
    FollowUps,
    /// Requests that ask several things are split.
    Parts,
    /// Small talk, commands and requests that no document answers are told apart.
    RequestKinds,
    /// Questions with several readings are asked back.
    Clarify,
    /// Passages are ordered anew by a model that reads question and passage together.
    Rerank,
    /// Each sentence of a draft is checked against its evidence by a model.
    Support,
    /// Numbers, dates, names and negations of a draft are compared with its evidence.
    Literal,
    /// Sources that contradict each other are reported.
    Conflicts,
    /// Personal data and secrets are blacked out.
    Redact,
}

impl Stage {
    /// All of them, in the order in which a question meets them.
    pub const ALL: [Self; 11] = [
        Self::RequestKinds,
        Self::FollowUps,
        Self::Parts,
        Self::Spelling,
        Self::Fragments,
        Self::Rerank,
        Self::Clarify,
        Self::Literal,
        Self::Support,
        Self::Conflicts,
        Self::Redact,
    ];

    /// The name in configuration and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spelling => "spelling",
            Self::Fragments => "fragments",
            Self::FollowUps => "follow_ups",
            Self::Parts => "parts",
            Self::RequestKinds => "request_kinds",
            Self::Clarify => "clarify",
            Self::Rerank => "rerank",
            Self::Support => "support",
            Self::Literal => "literal",
            Self::Conflicts => "conflicts",
            Self::Redact => "redact",
        }
    }

    /// Whether it is on when nothing is said: a stage that does not earn its milliseconds is not
    /// (`docs/ARCHITECTURE.md` has the figures).
    pub fn is_default(self) -> bool {
        !matches!(self, Self::Rerank)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The stages that are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stages(BTreeSet<Stage>);

impl Default for Stages {
    fn default() -> Self {
        Self(Stage::ALL.into_iter().filter(|stage| stage.is_default()).collect())
    }
}

impl Stages {
    /// None of them.
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether a stage is on.
    pub fn has(&self, stage: Stage) -> bool {
        self.0.contains(&stage)
    }

    /// The same with one stage switched.
    pub fn with(mut self, stage: Stage, on: bool) -> Self {
        if on {
            self.0.insert(stage);
        } else {
            self.0.remove(&stage);
        }
        self
    }

    /// Those that are on, in the order in which a question meets them.
    pub fn iter(&self) -> impl Iterator<Item = Stage> + '_ {
        Stage::ALL.into_iter().filter(|stage| self.has(*stage))
    }
}

/// Why a list of stages cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no switch: write `+NAME` or `-NAME`, separated by commas, or `none` first; the stages are {names}", names = names())]
pub struct InvalidStages(String);

fn names() -> String {
    Stage::ALL.map(Stage::as_str).join(", ")
}

impl FromStr for Stages {
    type Err = InvalidStages;

    /// `-spelling,+rerank`: what differs from the default; `none,+literal`: nothing but what follows.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut stages = Self::default();
        for (place, word) in text.split(',').map(str::trim).filter(|word| !word.is_empty()).enumerate() {
            if place == 0 && word == "none" {
                stages = Self::none();
                continue;
            }
            let on = word.starts_with('+');
            let named = word.strip_prefix(['+', '-']);
            let stage = Stage::ALL.into_iter().find(|stage| named == Some(stage.as_str()));
            stages = stages.with(stage.ok_or_else(|| InvalidStages(word.to_owned()))?, on);
        }
        Ok(stages)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_list_says_what_differs_from_the_default() {
        let stages: Stages = "-spelling, +rerank".parse().unwrap();
        assert!(!stages.has(Stage::Spelling) && stages.has(Stage::Rerank) && stages.has(Stage::Literal));
        assert_eq!("".parse::<Stages>().unwrap(), Stages::default());
        let few: Stages = "none,+literal".parse().unwrap();
        assert_eq!(few.iter().collect::<Vec<_>>(), [Stage::Literal]);
        for wrong in ["spelling", "+speling", "+literal,none"] {
            assert!(wrong.parse::<Stages>().unwrap_err().to_string().contains("follow_ups"), "{wrong}");
        }
    }
}
