//! Weighs a candidate against the adapter that serves, from a run of each on the same suite.
//!
//! Pure. The figure that decides is the first that the suite names: the suite is pinned, and so is what counts on it.
//! May depend on `eval` and `domain`.

use super::refusal::{LostCases, Refusal};
use crate::{
    domain::{AdapterRole, Grounds},
    eval::{
        card::{Card, SuiteIdentity},
        compare::{Comparison, Verdict, compare},
        metric::{Better, Metric},
        run::Run,
    },
    train::dataset::example::Kind,
};

/// A run, and the sum that names it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRun {
    /// SHA-256 of its card.
    pub sha256: String,
    /// The run.
    pub run: Run,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// The figures, as far as the two can be compared.
    pub grounds: Option<Grounds>,
    /// What speaks against the candidate; nothing, when it may serve.
    pub refusals: Vec<Refusal>,
}

impl Weighed {
    fn refused(refusal: Refusal) -> Self {
        Self { grounds: None, refusals: vec![refusal] }
    }
}

/// The part of a run's card that holds the sum of the adapter of a role.
pub fn adapter_key(role: AdapterRole) -> &'static str {
    match role {
        AdapterRole::Reader => "reader_adapter",
        AdapterRole::Generator => "generator_adapter",
    }
}

/// The part of a run's card that names the model of a role: with its adapter the name changes too.
fn model_key(role: AdapterRole) -> &'static str {
    match role {
        AdapterRole::Reader => "reader",
        AdapterRole::Generator => "adapter",
    }
}

/// The figure that a suite goes by.
pub fn deciding_metric(suite: &SuiteIdentity) -> Metric {
    let first = suite.settings.get("metrics").and_then(|metrics| metrics.get(0)).and_then(|name| name.as_str());
    Metric::ALL.into_iter().find(|metric| Some(metric.name()) == first).unwrap_or(Metric::F1)
}

/// Weighs `candidate` against `serving`, which differ in the adapter of `role` only.
pub fn weigh(role: AdapterRole, serving: &RecordedRun, candidate: &RecordedRun) -> Weighed {
    if let Some(refusal) = other_models(role, &serving.run.card, &candidate.run.card) {
        return Weighed::refused(refusal);
    }
    let comparison = match compare(&serving.run, &candidate.run) {
        Ok(comparison) => comparison,
        Err(error) => return Weighed::refused(Refusal::Incomparable(error)),
    };
    let metric = deciding_metric(&candidate.run.card.suite);
    if metric.better() == Better::Neither {
        return Weighed::refused(Refusal::NoDecision { metric, reason: "neither direction of it is better" });
    }
    let Some(deciding) = comparison.get(metric).copied() else {
        return Weighed::refused(Refusal::NoDecision { metric, reason: "it was not measured in both runs" });
    };
    let mut refusals = Vec::new();
    match deciding.verdict {
        Verdict::Better => {}
        Verdict::Worse => refusals.push(Refusal::Worse(deciding)),
        Verdict::Different | Verdict::NotSignificant => refusals.push(Refusal::NotSignificant(deciding)),
    }
    let mut notes = notes(&comparison, &serving.run, &candidate.run);
    for kind in [Kind::Edge, Kind::Failure] {
        match changed(kind, &serving.run, &candidate.run) {
            Changed { questions: 0, .. } => {
                notes.push(format!("the suite holds no {} cases: nothing is known about them", kind.as_str()));
            }
            Changed { questions, serving, candidate, lost, gained } if candidate < serving => {
                let kind = kind.as_str();
                refusals.push(Refusal::LostCases(LostCases { kind, questions, serving, candidate, lost, gained }));
            }
            Changed { lost, gained, .. } if !lost.is_empty() => notes.push(format!(
                "of the {} cases it gained {} and lost {}: {}",
                kind.as_str(),
                gained.len(),
                lost.len(),
                lost.join(", ")
            )),
            Changed { .. } => {}
        }
    }
    let grounds = Grounds {
        suite: comparison.suite,
        suite_sha256: candidate.run.card.suite.sha256.clone(),
        serving_run: serving.sha256.clone(),
        candidate_run: candidate.sha256.clone(),
        metric: metric.name().to_owned(),
        serving: deciding.first,
        candidate: deciding.second,
        difference: deciding.difference,
        low: deciding.low,
        high: deciding.high,
        p_value: deciding.p_value,
        notes,
    };
    Weighed { grounds: Some(grounds), refusals }
}

/// A difference that is not the adapter's.
fn other_models(role: AdapterRole, serving: &Card, candidate: &Card) -> Option<Refusal> {
    let own = [adapter_key(role), model_key(role)];
    let parts = serving.models.keys().chain(candidate.models.keys()).filter(|part| !own.contains(&part.as_str()));
    let named = |card: &Card, part: &str| card.models.get(part).map_or("absent".to_owned(), |name| format!("`{name}`"));
    parts
        .map(|part| (part, named(serving, part), named(candidate, part)))
        .find(|(_, one, other)| one != other)
        .map(|(part, serving, candidate)| Refusal::OtherModels { part: part.clone(), serving, candidate })
}

/// What a reader has to know before believing the figures. How many figures are tested does not matter here: one was
/// chosen beforehand.
fn notes(comparison: &Comparison, serving: &Run, candidate: &Run) -> Vec<String> {
    let mut notes: Vec<String> = comparison.remarks.iter().skip(1).cloned().collect();
    let commit = |run: &Run| run.card.commit.clone().unwrap_or_else(|| "an unknown commit".to_owned());
    if commit(serving) != commit(candidate) {
        notes.push(format!(
            "the runs were made by different states of the program: {} and {}",
            commit(serving),
            commit(candidate)
        ));
    }
    notes
}

/// How the questions of a kind ended in both runs.
#[derive(Default)]
struct Changed {
    questions: usize,
    serving: usize,
    candidate: usize,
    lost: Vec<String>,
    gained: Vec<String>,
}

fn changed(kind: Kind, serving: &Run, candidate: &Run) -> Changed {
    let mut changed = Changed::default();
    let pairs = serving.examples.iter().zip(serving.predictions.iter().zip(&candidate.predictions));
    for (example, (before, after)) in pairs.filter(|(example, _)| example.kind == kind) {
        changed.questions += 1;
        changed.serving += usize::from(before.scores.success);
        changed.candidate += usize::from(after.scores.success);
        match (before.scores.success, after.scores.success) {
            (true, false) => changed.lost.push(example.id.clone()),
            (false, true) => changed.gained.push(example.id.clone()),
            _ => {}
        }
    }
    changed
}

#[cfg(test)]
mod tests;
