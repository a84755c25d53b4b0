//! Why an adapter is not promoted: each reason by itself, with its figures.
//!
//! May depend on `eval` and `domain`.

use std::fmt;

use crate::{
    domain::AdapterRole,
    eval::{
        compare::{CompareError, ComparedMetric},
        metric::Metric,
        report::format::{difference, in_unit},
    },
};

/// The most questions that a refusal names.
const NAMED: usize = 10;

/// Which of the two adapters something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that serves.
    Serving,
    /// The one that would serve.
    Candidate,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serving => "the adapter that serves",
            Self::Candidate => "the candidate",
        })
    }
}

/// One reason.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Nobody said what to measure on.
    #[error(
        "no suite is pinned, so nothing can be compared: set `pinned_suite` (FOOTNOTE_PINNED_SUITE) to a suite file"
    )]
    NoPinnedSuite,
    /// One of them was not measured together with the adapter of the other role that serves now.
    #[error(
        "{side} has no evaluation on the suite `{suite}` together with the {} that serves now: make one with \
         `footnote adapters evaluate {name} --out DIR`",
        .role.other()
    )]
    NotEvaluated {
        /// Which.
        side: Side,
        /// The role that is to be promoted.
        role: AdapterRole,
        /// The suite's name.
        suite: String,
        /// What `evaluate` is to be told.
        name: String,
    },
    /// The runs differ in more than the adapter.
    #[error(
        "the two were not measured with the same models: `{part}` was {serving} beside the adapter that serves and \
         {candidate} beside the candidate; evaluate both again"
    )]
    OtherModels {
        /// The part of the answer.
        part: String,
        /// What the serving adapter's run names.
        serving: String,
        /// What the candidate's run names.
        candidate: String,
    },
    /// The runs are not of the same questions.
    #[error("{0}; evaluate both again")]
    Incomparable(CompareError),
    /// The suite goes by a figure that cannot decide.
    #[error(
        "`{}`, the first figure of the suite, cannot decide: {reason}; put another one first in the suite's `metrics`",
        .metric.name()
    )]
    NoDecision {
        /// The figure.
        metric: Metric,
        /// Why not.
        reason: &'static str,
    },
    /// It is better or the same by what may be chance.
    #[error("it is not significantly better: {}", Compared(*.0))]
    NotSignificant(ComparedMetric),
    /// It is worse.
    #[error("it is significantly worse: {}", Compared(*.0))]
    Worse(ComparedMetric),
    /// It gets fewer of the edge or failure cases right.
    #[error("{0}")]
    LostCases(LostCases),
}

/// How the questions of one kind changed for the worse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostCases {
    /// `edge` or `failure`.
    pub kind: &'static str,
    /// The questions of this kind.
    pub questions: usize,
    /// How many the adapter that serves gets right.
    pub serving: usize,
    /// How many the candidate gets right.
    pub candidate: usize,
    /// Those that only the adapter that serves gets right.
    pub lost: Vec<String>,
    /// Those that only the candidate gets right.
    pub gained: Vec<String>,
}

impl fmt::Display for LostCases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, questions, serving, candidate, lost, gained } = self;
        write!(f, "it lost on {kind} cases: {candidate} of {questions} right, against {serving} before")?;
        write!(f, " (lost {}{}", lost.len(), Named(lost))?;
        if !gained.is_empty() {
            write!(f, "; gained {}{}", gained.len(), Named(gained))?;
        }
        f.write_str(")")
    }
}

/// Some of the ids behind a count.
struct Named<'a>(&'a [String]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, id) in self.0.iter().take(NAMED).enumerate() {
            write!(f, "{}{id}", if at == 0 { ": " } else { ", " })?;
        }
        match self.0.len() {
            more if more > NAMED => write!(f, " and {} more", more - NAMED),
            _ => Ok(()),
        }
    }
}

/// A figure of both.
struct Compared(ComparedMetric);

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = self.0;
        let unit = one.metric.unit();
        write!(
            f,
            "{} is {}, against {} of the adapter that serves; the difference is {} [{}, {}], p = {:.3}",
            one.metric.label(),
            in_unit(one.second, unit),
            in_unit(one.first, unit),
            difference(one.difference, unit),
            difference(one.low, unit),
            difference(one.high, unit),
            one.p_value
        )
    }
}

/// All reasons in one sentence.
pub fn in_words(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
