//! What connectors do and where they stand.
//!
//! Their names come from the configuration, so there are no more series than it has connectors. What this process did is
//! counted; where a connector stands is what the store says, whichever process looked at its source. May depend on
//! `domain`.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{
    Counters, Labels, Metrics,
    moment::{Gauges, signed},
};
use crate::domain::{ConnectorKind, LastPass, PassOutcome, PassReport};

/// The metrics of connectors.
#[derive(Debug, Default)]
pub(super) struct ConnectorMetrics {
    passes: Counters<3>,
    documents: Counters<3>,
    last_pass_seconds: Family<Labels<2>, Gauge<f64, AtomicU64>>,
    last_success: Gauges<2>,
    intervals: Gauges<2>,
    running: Gauges<2>,
    failed_items: Gauges<2>,
}

impl ConnectorMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let ours = registry.sub_registry_with_prefix("footnote");
        ours.register("connector_passes", "Passes over sources by how they ended", metrics.passes.clone());
        ours.register(
            "connector_documents",
            "Documents that passes made, changed and deleted",
            metrics.documents.clone(),
        );
        ours.register(
            "connector_last_pass_seconds",
            "Seconds that the last pass of this process took",
            metrics.last_pass_seconds.clone(),
        );
        ours.register(
            "connector_last_success_timestamp_seconds",
            "When a pass last succeeded, in seconds since 1970, 0 for never",
            metrics.last_success.clone(),
        );
        ours.register(
            "connector_interval_seconds",
            "How long after a pass the next one begins",
            metrics.intervals.clone(),
        );
        ours.register("connector_running", "1 while a pass runs", metrics.running.clone());
        ours.register(
            "connector_failed_items",
            "Items that the last pass could not take over",
            metrics.failed_items.clone(),
        );
        metrics
    }

    /// Sets where the connectors stand, with their intervals.
    pub(super) fn set(&self, connectors: &[(LastPass, Duration)]) {
        for (last, interval) in connectors {
            let of = labels(&last.name, last.kind);
            self.last_success.get_or_create(&of).set(last.succeeded_at.map_or(0, |at| at.timestamp()));
            self.intervals.get_or_create(&of).set(signed(interval.as_secs()));
            self.running.get_or_create(&of).set(i64::from(last.running));
            self.failed_items.get_or_create(&of).set(signed(last.report.unwrap_or_default().failed));
        }
    }
}

impl Metrics {
    /// Names the connectors that there are, so that what they count begins at zero.
    pub fn has_connectors<'a>(&self, connectors: impl Iterator<Item = (&'a str, ConnectorKind)>) {
        for (name, kind) in connectors {
            for outcome in PassOutcome::ALL {
                drop(self.connectors.passes.get_or_create(&with(name, kind, "result", result(outcome))));
            }
            self.connector_documents(name, kind, &PassReport::default());
        }
    }

    /// Counts a pass that has ended.
    pub fn connector_pass(&self, name: &str, kind: ConnectorKind, outcome: PassOutcome, took: Duration) {
        self.connectors.passes.get_or_create(&with(name, kind, "result", result(outcome))).inc();
        self.connectors.last_pass_seconds.get_or_create(&labels(name, kind)).set(took.as_secs_f64());
    }

    /// Counts what a pass did to documents, however it ended.
    pub fn connector_documents(&self, name: &str, kind: ConnectorKind, report: &PassReport) {
        for (change, count) in [("added", report.added), ("changed", report.changed), ("deleted", report.deleted)] {
            self.connectors.documents.get_or_create(&with(name, kind, "change", change)).inc_by(count);
        }
    }
}

fn labels(name: &str, kind: ConnectorKind) -> Labels<2> {
    [("connector", name.to_owned().into()), ("kind", kind.as_str().into())]
}

fn with(name: &str, kind: ConnectorKind, label: &'static str, value: &'static str) -> Labels<3> {
    let [name, kind] = labels(name, kind);
    [name, kind, (label, value.into())]
}

/// In the words of the other metrics: a pass that was complete has succeeded.
fn result(outcome: PassOutcome) -> &'static str {
    match outcome {
        PassOutcome::Complete => "succeeded",
        PassOutcome::HeldBack | PassOutcome::Failed | PassOutcome::Stopped => outcome.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connector_counts_begins_at_zero_and_is_told_by_its_name_and_kind() {
        let metrics = Metrics::default();
        metrics.has_connectors([("wiki", ConnectorKind::Git)].into_iter());
        metrics.connector_pass("wiki", ConnectorKind::Git, PassOutcome::Failed, Duration::from_millis(1_500));
        let report = PassReport { added: 2, deleted: 1, ..PassReport::default() };
        metrics.connector_documents("wiki", ConnectorKind::Git, &report);
        let text = metrics.render(&super::super::Moment::default());
        for line in [
            "footnote_connector_passes_total{connector=\"wiki\",kind=\"git\",result=\"failed\"} 1",
            "footnote_connector_passes_total{connector=\"wiki\",kind=\"git\",result=\"succeeded\"} 0",
            "footnote_connector_passes_total{connector=\"wiki\",kind=\"git\",result=\"held_back\"} 0",
            "footnote_connector_passes_total{connector=\"wiki\",kind=\"git\",result=\"stopped\"} 0",
            "footnote_connector_documents_total{connector=\"wiki\",kind=\"git\",change=\"added\"} 2",
            "footnote_connector_documents_total{connector=\"wiki\",kind=\"git\",change=\"changed\"} 0",
            "footnote_connector_documents_total{connector=\"wiki\",kind=\"git\",change=\"deleted\"} 1",
            "footnote_connector_last_pass_seconds{connector=\"wiki\",kind=\"git\"} 1.5",
        ] {
            assert!(text.lines().any(|told| told == line), "no {line} in\n{text}");
        }
    }
}
