//! Connectors whose sources cannot be looked at, in words.
//!
//! May depend on `config`, `connectors` and the metadata store.

use chrono::{DateTime, TimeDelta, Utc};

use super::findings::Findings;
use crate::{
    cli::output,
    config::Connectors,
    connectors::{ConnectorStatus, statuses},
    domain::{ConnectorKind, PassOutcome},
    metadata_store::{MetadataStore, MetadataStoreError},
};

/// A connector that has not succeeded for so many of its intervals does not come right by itself.
const INTERVALS: i32 = 3;
/// What it means that a source is not looked at.
const BEHIND: &str = "what is new at the source is not found, and what is gone from it is still answered from";

/// Where every connector stands, those of the configuration and those that were.
pub async fn check(
    metadata: &dyn MetadataStore,
    configured: &Connectors,
    alone: bool,
    findings: &mut Findings,
) -> Result<(), MetadataStoreError> {
    for status in statuses(metadata, configured).await? {
        report(&status, alone, Utc::now(), findings);
    }
    Ok(())
}

fn report(status: &ConnectorStatus, alone: bool, now: DateTime<Utc>, findings: &mut Findings) {
    let (check, state) = ("connectors", &status.state);
    let (name, kind) = (&state.name, state.kind.as_str());
    let Some(interval) = status.interval_seconds else {
        findings.note(
            check,
            format!(
                "the connector `{name}` ({kind}) is not in this configuration, and has {} documents",
                state.documents
            ),
            "nobody keeps them in step with their source, unless another process is configured with it",
            format!("where nobody is to, `footnote connectors remove {name}`; see `--keep-documents`"),
        );
        return;
    };
    let last = match state.succeeded_at {
        Some(at) => format!("its last pass that succeeded ended at {}", at.format("%Y-%m-%d %H:%M UTC")),
        None => "no pass of it has succeeded yet".to_owned(),
    };
    let patience = TimeDelta::try_seconds(i64::try_from(interval).unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX);
    let patience = patience.checked_mul(INTERVALS).unwrap_or(TimeDelta::MAX);
    let behind = state.succeeded_at.is_none_or(|at| now - at > patience);
    let why = output::one_line(state.error.as_deref().unwrap_or("no reason was recorded"));
    match state.outcome {
        Some(PassOutcome::HeldBack) => findings.bad(
            check,
            format!("the connector `{name}` ({kind}) is held back: {why}; {last}"),
            "what the source does not hold any more is still answered from",
            format!("where it may go, `footnote sync {name} --confirm-deletions`"),
        ),
        Some(PassOutcome::Failed) if behind => findings.bad(
            check,
            format!("the connector `{name}` ({kind}) keeps failing: {why}; {last}"),
            BEHIND,
            format!("{}, and `footnote sync {name}`", remedy(state.kind)),
        ),
        Some(PassOutcome::Failed) => findings.note(
            check,
            format!("the last pass of the connector `{name}` ({kind}) has failed: {why}; {last}"),
            "it is tried again by itself",
            remedy(state.kind),
        ),
        Some(PassOutcome::Complete | PassOutcome::Stopped) if behind && !state.running && !alone => findings.bad(
            check,
            format!("no process follows the connector `{name}` ({kind}): {last}"),
            BEHIND,
            "start `footnote serve` or `footnote worker` with this file of connectors; their logs say what they do",
        ),
        Some(PassOutcome::Complete | PassOutcome::Stopped) => {
            findings.ok(check, format!("the connector `{name}` ({kind}) has {} documents; {last}", state.documents));
        }
        None => findings.ok(check, format!("the connector `{name}` ({kind}) has not been looked at yet")),
    }
    if state.failed > 0 {
        findings.note(
            check,
            format!("{} items of the connector `{name}` ({kind}) could not be taken over or ingested", state.failed),
            "they are not found, or an earlier version of them is",
            format!("`footnote connectors show {name}` says why of each"),
        );
    }
}

fn remedy(kind: ConnectorKind) -> &'static str {
    match kind {
        ConnectorKind::Folder => "see that the folder is there and that this user may read all of it",
        ConnectorKind::Bucket => "see that the bucket can be reached from here, and that the keys are right",
        ConnectorKind::Sitemap => "see that the site answers from here, and what its sitemap lists",
        ConnectorKind::Git => {
            "see that `git` is installed, that the repository can be reached, and that the token is right"
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::domain::ConnectorState;

    fn now() -> DateTime<Utc> {
        "2026-11-01T10:00:00Z".parse().unwrap()
    }

    /// A connector that is followed every ten minutes, whose last pass ended so.
    fn status(outcome: Option<PassOutcome>, succeeded_minutes_ago: Option<i64>) -> ConnectorStatus {
        let state = ConnectorState {
            name: "wiki".to_owned(),
            kind: ConnectorKind::Git,
            pass: 9,
            running: false,
            requested: false,
            begun_at: None,
            ended_at: None,
            outcome,
            error: Some("no route\nto host".to_owned()),
            report: None,
            succeeded_at: succeeded_minutes_ago.map(|minutes| now() - TimeDelta::minutes(minutes)),
            due_at: None,
            items: 0,
            documents: 4,
            failed: 0,
            deleted_here: 0,
        };
        ConnectorStatus { state, followed: true, address: None, collection: None, interval_seconds: Some(600) }
    }

    fn told(status: &ConnectorStatus, alone: bool) -> (bool, String) {
        let mut findings = Findings::default();
        report(status, alone, now(), &mut findings);
        (findings.all_well(), findings.to_string())
    }

    #[test]
    fn what_keeps_failing_is_a_problem_and_what_failed_once_is_not() {
        let (well, text) = told(&status(Some(PassOutcome::Failed), Some(31)), false);
        assert!(!well && text.contains("keeps failing: no route to host") && text.contains("09:29 UTC"), "{text}");
        assert!(text.contains("do: see that `git`") && text.contains("`footnote sync wiki`"), "{text}");
        assert!(!told(&status(Some(PassOutcome::Failed), None), true).0, "nothing has ever come of it");
        let (well, text) = told(&status(Some(PassOutcome::Failed), Some(29)), false);
        assert!(well && text.contains("tried again by itself"), "{text}");
    }

    #[test]
    fn what_waits_for_somebody_or_is_followed_by_nobody_is_a_problem() {
        let (well, text) = told(&status(Some(PassOutcome::HeldBack), Some(1)), false);
        assert!(!well && text.contains("--confirm-deletions"), "{text}");
        let old = status(Some(PassOutcome::Complete), Some(31));
        let (well, text) = told(&old, false);
        assert!(!well && text.contains("no process follows"), "{text}");
        assert!(told(&old, true).0, "embedded stores have no process while they are looked at");
        let mut running = old.clone();
        running.state.running = true;
        assert!(told(&running, false).0);
        for well in [status(Some(PassOutcome::Complete), Some(29)), status(None, None)] {
            let (is_well, text) = told(&well, false);
            assert!(is_well && !text.contains("do:"), "{text}");
        }
    }

    #[test]
    fn items_that_failed_and_connectors_that_nobody_has_are_noted() {
        let mut status = status(Some(PassOutcome::Complete), Some(1));
        status.state.failed = 2;
        let (well, text) = told(&status, false);
        assert!(well && text.contains("2 items") && text.contains("connectors show wiki"), "{text}");
        status.interval_seconds = None;
        let (well, text) = told(&status, false);
        assert!(well && text.contains("not in this configuration") && text.contains("remove wiki"), "{text}");
    }
}
