//! What is not counted but looked up: how much is stored, what waits, and what the process takes.
//!
//! May depend on `domain`.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{JOB_KINDS, Labels};
use crate::{
    domain::{AdapterRole, LastPass, QueuedJobs},
    telemetry::process,
};

/// What is so when the metrics are asked for.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// Documents that are not deleted.
    pub documents: u64,
    /// Documents that are searched.
    pub searchable_documents: u64,
    /// Passages that are searched.
    pub chunks: u64,
    /// The jobs that are not done, of each kind that has any.
    pub queue: Vec<QueuedJobs>,
    /// Questions that wait or are being answered.
    pub questions_open: u64,
    /// The bytes that are free, for each place that data is written to.
    pub disks: Vec<(&'static str, u64)>,
    /// For each role the entry of its adapter history that answers, and whether a later one cannot be loaded.
    pub adapters: Vec<(AdapterRole, u32, bool)>,
    /// The connectors of the configuration, with their intervals.
    pub connectors: Vec<(LastPass, Duration)>,
}

pub(super) type Gauges<const N: usize> = Family<Labels<N>, Gauge>;

/// The gauges of a [`Moment`].
#[derive(Debug, Default)]
pub(super) struct MomentGauges {
    documents: Gauge,
    searchable_documents: Gauge,
    chunks: Gauge,
    queue_jobs: Gauges<2>,
    queue_oldest: Family<Labels<1>, Gauge<f64, AtomicU64>>,
    questions_open: Gauge,
    disks: Gauges<1>,
    adapter_entries: Gauges<1>,
    adapters_not_loaded: Gauges<1>,
    resident_bytes: Gauge,
    open_files: Gauge,
}

impl MomentGauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        registry.register(
            "process_resident_memory_bytes",
            "The memory of the process, without those that parse files",
            gauges.resident_bytes.clone(),
        );
        registry.register("process_open_fds", "Open files, connections and pipes", gauges.open_files.clone());
        let ours = registry.sub_registry_with_prefix("footnote");
        ours.register("documents", "Documents that are not deleted", gauges.documents.clone());
        ours.register("searchable_documents", "Documents that are searched", gauges.searchable_documents.clone());
        ours.register("chunks", "Passages that are searched", gauges.chunks.clone());
        ours.register("queue_jobs", "Jobs that are not done, by kind and state", gauges.queue_jobs.clone());
        ours.register(
            "queue_oldest_seconds",
            "How long the oldest job of a kind has been due and not begun, 0 for none",
            gauges.queue_oldest.clone(),
        );
        ours.register("questions_open", "Questions that wait or are being answered", gauges.questions_open.clone());
        ours.register("disk_free_bytes", "Free bytes of the disks that data is written to", gauges.disks.clone());
        ours.register(
            "adapter_entry",
            "The entry of each role's adapter history that answers, 0 for none",
            gauges.adapter_entries.clone(),
        );
        ours.register(
            "adapter_not_loaded",
            "1 while the adapter that was promoted last cannot be loaded",
            gauges.adapters_not_loaded.clone(),
        );
        gauges
    }

    pub(super) fn set(&self, moment: &Moment) {
        self.documents.set(signed(moment.documents));
        self.searchable_documents.set(signed(moment.searchable_documents));
        self.chunks.set(signed(moment.chunks));
        self.questions_open.set(signed(moment.questions_open));
        // A kind that has none is told as none: a series that ends would keep its last value for a while.
        for kind in JOB_KINDS {
            let none = QueuedJobs { kind, due: 0, later: 0, running: 0, oldest_due_seconds: 0.0 };
            let queued = moment.queue.iter().find(|queued| queued.kind == kind).unwrap_or(&none);
            let of_kind = ("kind", kind.as_str().into());
            for (state, jobs) in [("due", queued.due), ("later", queued.later), ("running", queued.running)] {
                self.queue_jobs.get_or_create(&[of_kind.clone(), ("state", state.into())]).set(signed(jobs));
            }
            self.queue_oldest.get_or_create(&[of_kind]).set(queued.oldest_due_seconds);
        }
        for (place, free) in &moment.disks {
            self.disks.get_or_create(&[("place", (*place).into())]).set(signed(*free));
        }
        for (role, entry, failed) in &moment.adapters {
            let role = [("role", role.as_str().into())];
            self.adapter_entries.get_or_create(&role).set(i64::from(*entry));
            self.adapters_not_loaded.get_or_create(&role).set(i64::from(*failed));
        }
        if let Some(bytes) = process::resident_bytes() {
            self.resident_bytes.set(signed(bytes));
        }
        if let Some(files) = process::open_files() {
            self.open_files.set(signed(files));
        }
    }
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
