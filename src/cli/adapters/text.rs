//! Adapters on a terminal.
//!
//! May depend on `domain`, `adapters` and the number formats of `eval`.

use std::fmt::Write as _;

use crate::{
    adapters::overview::{AdapterDetails, ListedAdapter, ServingRole},
    cli::output,
    domain::{AdapterEvaluation, AdapterId, Figure, Grounds, Promotion, PromotionAction, short_sum},
    eval::{
        card::SuiteIdentity,
        metric::{Metric, Unit},
        report::format::{difference, in_unit},
    },
    metadata_store::RegisteredAdapter,
};

/// What serves, and a line for each adapter.
pub(super) fn list(serving: &[ServingRole], adapters: &[ListedAdapter], pinned: Option<&SuiteIdentity>) -> String {
    let mut text = String::new();
    for one in serving {
        let what = match (&one.fixed_by, one.adapter, &one.sha256) {
            (Some(key), _, Some(sum)) => format!("the adapter {} that the configuration names ({key})", short_sum(sum)),
            (Some(key), _, None) => format!("none, as the configuration says ({key})"),
            (None, Some(id), _) => id.to_string(),
            (None, None, Some(sum)) => format!("the adapter {} that ships", short_sum(sum)),
            (None, None, None) => "none: the model as it comes".to_owned(),
        };
        let _ = writeln!(text, "{:<10} serving {what}; {}", one.role.as_str(), score(one.evaluation.as_ref(), pinned));
    }
    if adapters.is_empty() {
        text.push_str("\nno adapter is registered: `footnote adapters add FOLDER` registers one\n");
    } else {
        text.push('\n');
    }
    for one in adapters {
        let _ = writeln!(
            text,
            "{} {}  {:<9}  {}@{}  {}  data: {}",
            if one.serving { "*" } else { " " },
            one.id,
            one.role.as_str(),
            one.name,
            short_sum(&one.sha256),
            score(one.evaluation.as_ref(), pinned),
            one.data_versions.join(", "),
        );
    }
    text
}

/// The figure that decides, with its interval.
fn score(evaluation: Option<&AdapterEvaluation>, pinned: Option<&SuiteIdentity>) -> String {
    match (evaluation, pinned) {
        (Some(evaluation), _) => match evaluation.figures.deciding_figure() {
            Some(one) => format!("{} on `{}`", figure(one), evaluation.suite),
            None => format!("evaluated on `{}`", evaluation.suite),
        },
        (None, Some(suite)) => format!("not evaluated on `{}`", suite.name),
        (None, None) => "not evaluated".to_owned(),
    }
}

fn metric(name: &str) -> Option<Metric> {
    Metric::ALL.into_iter().find(|metric| metric.name() == name)
}

/// A figure that a later program recorded is shown by its name, as a plain number.
fn figure(one: &Figure) -> String {
    let (label, unit) = metric(&one.metric).map_or((one.metric.as_str(), Unit::Number), |m| (m.label(), m.unit()));
    let [value, low, high] = [one.value, one.low, one.high].map(|value| in_unit(value, unit));
    format!("{label} {value} [{low}, {high}]")
}

/// Everything about an adapter.
pub(super) fn details(details: &AdapterDetails) -> String {
    let adapter = &details.adapter;
    let mut text = format!(
        "{}\n  {} adapter {}{}\n  sha256 {}\n  base   {}\n  size   {}, registered {}\n",
        adapter.id,
        adapter.role,
        adapter.name,
        if details.serving { ", serving" } else { "" },
        adapter.sha256,
        adapter.base_sha256,
        output::bytes(adapter.size_bytes),
        adapter.created_at.format("%Y-%m-%d %H:%M:%S UTC"),
    );
    for version in &adapter.data_versions {
        let _ = writeln!(text, "  data   {version}");
    }
    if let Some(result) = adapter.run.get("result") {
        let _ = writeln!(text, "  run    {result}");
    }
    for evaluation in &details.evaluations {
        text.push('\n');
        text.push_str(&evaluated(evaluation));
    }
    if details.evaluations.is_empty() {
        let _ = writeln!(text, "\nnot evaluated: `footnote adapters evaluate {} --out DIR`", adapter.id);
    }
    for one in &details.history {
        text.push('\n');
        text.push_str(&entry(one));
    }
    text.push_str("\n--json shows the card of the run as well\n");
    text
}

/// An evaluation.
pub(super) fn evaluated(evaluation: &AdapterEvaluation) -> String {
    let sum = |sum: &Option<String>| sum.as_deref().map_or("none", short_sum).to_owned();
    let mut text = format!(
        "evaluation `{}` on the suite `{}` ({}), with the reader adapter {} and the generator adapter {}\n",
        evaluation.run,
        evaluation.suite,
        short_sum(&evaluation.suite_sha256),
        sum(&evaluation.adapters.reader),
        sum(&evaluation.adapters.generator),
    );
    for one in &evaluation.figures.figures {
        let mark = if one.metric == evaluation.figures.deciding { "  <- decides" } else { "" };
        let _ = writeln!(text, "  {}{mark}", figure(one));
    }
    for kind in &evaluation.figures.kinds {
        let _ = writeln!(text, "  {} of {} {} questions right", kind.right, kind.questions, kind.kind);
    }
    text
}

/// What a registration came to.
pub(super) fn added(registered: &RegisteredAdapter) -> String {
    let adapter = &registered.adapter;
    let what = if registered.duplicate { "was registered before" } else { "is registered" };
    format!("{}  {} adapter {} {what}\n", adapter.id, adapter.role, adapter.label())
}

/// An entry of a history.
pub(super) fn entry(entry: &Promotion) -> String {
    let named = |id: Option<AdapterId>| id.map_or("what ships".to_owned(), |id| id.to_string());
    let how = match entry.action {
        PromotionAction::Promote => "promoted",
        PromotionAction::Rollback => "back by a rollback",
    };
    let mut text = format!(
        "{} {}, {}: {} {how}, in place of {}\n",
        entry.role,
        entry.number,
        entry.promoted_at.format("%Y-%m-%d %H:%M:%S UTC"),
        named(entry.adapter),
        named(entry.replaced)
    );
    if let Some(forced) = &entry.forced {
        let _ = writeln!(text, "  forced, because: {}\n  although: {}", forced.reason, forced.refusal);
    }
    if let Some(grounds) = &entry.grounds {
        text.push_str(&compared(grounds));
    }
    text
}

fn compared(grounds: &Grounds) -> String {
    let (label, unit) =
        metric(&grounds.metric).map_or((grounds.metric.as_str(), Unit::Number), |one| (one.label(), one.unit()));
    let mut text = format!(
        "  {label} on `{}`: {} against {}, {} [{}, {}], p = {:.3}\n",
        grounds.suite,
        in_unit(grounds.candidate, unit),
        in_unit(grounds.serving, unit),
        difference(grounds.difference, unit),
        difference(grounds.low, unit),
        difference(grounds.high, unit),
        grounds.p_value
    );
    for note in &grounds.notes {
        let _ = writeln!(text, "  note: {note}");
    }
    text
}

#[cfg(test)]
mod tests;
