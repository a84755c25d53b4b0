//! Rules: which outcomes call for which actions.
//!
//! A rule is what an operator writes; what it leads to is decided in `answer::rules`. May depend on the other modules of
//! `domain` only.

use serde::Deserialize;

use super::{Metadata, OutcomeKind, RequestKind};

/// Outcomes, and what is done about them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What a person calls it: an escalation names it.
    pub name: String,
    /// Which outcomes; all of them when absent.
    #[serde(default)]
    pub when: Condition,
    /// What is done, in this order.
    pub then: Vec<PlannedAction>,
}

/// A condition on an outcome: every member that is given must hold.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// It ended in one of these ways.
    #[serde(default)]
    pub outcomes: Vec<OutcomeKind>,
    /// The confidence is below this.
    #[serde(default)]
    pub confidence_below: Option<f32>,
    /// The confidence is at least this.
    #[serde(default)]
    pub confidence_above: Option<f32>,
    /// It was looked for in one of these collections.
    #[serde(default)]
    pub collections: Vec<String>,
    /// It was a request of one of these kinds.
    #[serde(default)]
    pub kinds: Vec<RequestKind>,
    /// One of the cited documents has all of these in its metadata. An array means: one of these values.
    #[serde(default)]
    pub tags: Metadata,
}

/// What a rule asks for, before anything is done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    /// Send the outcome to the webhook of this name.
    Webhook(String),
    /// Say that this person or team should look at it.
    Escalate(String),
    /// Keep the question for the owners of the documents; `true` is the only value.
    RecordUnanswered(bool),
    /// Name so many of the documents that were found.
    SuggestDocuments(u32),
    /// Name so many documents that are about the same as the cited ones.
    RelatedDocuments(u32),
}
