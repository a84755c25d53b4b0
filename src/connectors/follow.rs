//! Beginning passes: when the interval is over, when the source has changed, and when somebody asks.
//!
//! Each connector has a task in every process that is configured with it; of these, the one that holds the lease in the
//! metadata store runs a pass. May depend on `config`, the metadata store, `telemetry::metrics` and the rest of
//! `connectors`.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::{ConnectorServices, Source, SourceError, open, sync::Work};
use crate::{
    config::Connector,
    domain::{PassOutcome, PassReport},
    metadata_store::{MetadataStoreError, Pass, PassEnd, PassWhen},
};

/// How long a process holds a connector without a sign of life.
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// How often it gives one.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often an idle connector looks whether a pass is due: others may have asked for one.
const POLL: Duration = Duration::from_secs(2);
/// How soon after a pass that saw items change the next one begins.
const UNSETTLED: Duration = Duration::from_secs(3);
/// How soon after a pass that failed for what may pass the next one begins, at the latest.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// What a pass ends with that a fault of this program has broken off.
const FAULT: &str = "a fault in this program broke the pass off; its log has more";

/// How a pass ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PassEnded {
    /// How.
    pub outcome: PassOutcome,
    /// Why not as it should.
    pub error: Option<String>,
    /// What it did.
    pub report: PassReport,
}

/// Follows one source.
pub struct Follower {
    services: ConnectorServices,
    connector: Connector,
    source: Arc<dyn Source>,
}

impl Follower {
    /// Follows the source of a connector.
    pub fn new(services: ConnectorServices, connector: Connector) -> Result<Self, SourceError> {
        let source = open(&connector, &services)?;
        Ok(Self { services, connector, source })
    }

    /// Begins passes until `stop` is cancelled. A pass that runs then is gone on with at the next start.
    pub async fn run(self, stop: CancellationToken) {
        let name = &self.connector.name;
        let (mut changed, mut known, mut told) = (false, false, None);
        // Kept from one look to the next: what it has heard already is not lost.
        let mut hearing = self.source.changed();
        while !stop.is_cancelled() {
            let when = if changed { PassWhen::Now } else { PassWhen::IfDue };
            match self.begin(when, &mut known).await {
                Ok(Some(pass)) => {
                    (changed, told) = (false, None);
                    match run_pass(&self.services, &self.connector, &self.source, &pass, &stop).await {
                        Ok(ended) => log(name, &ended),
                        Err(error) => tracing::warn!(connector = name, %error, "the end of a pass was not recorded"),
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) if error.is_transient() => tracing::warn!(connector = name, %error, "no pass was begun"),
                // It lasts until somebody does something, and is said once.
                Err(error) => {
                    let said = Some(error.to_string());
                    if told != said {
                        tracing::error!(connector = name, %error, "no pass was begun");
                        told = said;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.services.wake.notified() => {}
                () = &mut hearing => {
                    changed = true;
                    hearing = self.source.changed();
                }
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Begins a pass, if it is due. A connector that is not `known` to be of this kind is made known first: what one of
    /// another kind has taken over would look as if it had vanished.
    async fn begin(&self, when: PassWhen, known: &mut bool) -> Result<Option<Pass>, MetadataStoreError> {
        let metadata = &self.services.ingest.metadata;
        if !*known {
            metadata.add_connector(&self.connector.name, self.connector.source.kind()).await?;
            *known = true;
        }
        match metadata.begin_pass(&self.connector.name, when, LEASE).await {
            // Forgotten meanwhile.
            Err(MetadataStoreError::NotFound { .. }) => {
                *known = false;
                Ok(None)
            }
            begun => begun,
        }
    }

    /// Runs one pass now, waiting for one that runs elsewhere; `None` when it was stopped before it began.
    pub async fn once(
        &self,
        confirmed: bool,
        stop: &CancellationToken,
    ) -> Result<Option<PassEnded>, MetadataStoreError> {
        let metadata = &self.services.ingest.metadata;
        metadata.add_connector(&self.connector.name, self.connector.source.kind()).await?;
        while !stop.is_cancelled() {
            if let Some(mut pass) = metadata.begin_pass(&self.connector.name, PassWhen::Now, LEASE).await? {
                pass.confirmed |= confirmed;
                return run_pass(&self.services, &self.connector, &self.source, &pass, stop).await.map(Some);
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        Ok(None)
    }
}

/// Runs a pass that was begun, and records how it ended.
pub async fn run_pass(
    services: &ConnectorServices,
    connector: &Connector,
    source: &Arc<dyn Source>,
    pass: &Pass,
    stop: &CancellationToken,
) -> Result<PassEnded, MetadataStoreError> {
    let (mut report, began) = (PassReport::default(), Instant::now());
    let ended = {
        let work = Work::new(services, connector, source, pass);
        // A fault of ours ends the pass and not the follower: what was taken over is recorded, and the next one goes on.
        let running = AssertUnwindSafe(work.run(&mut report)).catch_unwind();
        tokio::select! {
            result = running => Ok(result.unwrap_or_else(|_| Err(SourceError::Unavailable(FAULT.to_owned()).into()))),
            lost = keep_lease(services, pass) => Err(lost),
            () = stop.cancelled() => Ok(Ok(PassOutcome::Stopped)),
        }
    };
    let (metrics, name, kind) = (&services.ingest.metrics, &connector.name, connector.source.kind());
    // Also of a pass that another process goes on with.
    metrics.connector_documents(name, kind, &report);
    let result = ended?;
    let mut transient = false;
    let (outcome, error) = match result {
        Ok(PassOutcome::HeldBack) => (PassOutcome::HeldBack, Some(held_back(&report))),
        Ok(outcome) => (outcome, None),
        Err(error) => {
            transient = error.is_transient();
            (PassOutcome::Failed, Some(error.to_string()))
        }
    };
    metrics.connector_pass(name, kind, outcome, began.elapsed());
    let again_in = match outcome {
        PassOutcome::Stopped => Duration::ZERO,
        PassOutcome::Failed if transient => connector.interval.min(AFTER_FAILURE),
        PassOutcome::Failed => connector.interval,
        PassOutcome::Complete | PassOutcome::HeldBack if report.unsettled > 0 => connector.interval.min(UNSETTLED),
        PassOutcome::Complete | PassOutcome::HeldBack => connector.interval,
    };
    let ended = PassEnded { outcome, error, report };
    let end = PassEnd { outcome, error: ended.error.clone(), report, again_in };
    services.ingest.metadata.end_pass(pass, end).await?;
    Ok(ended)
}

fn held_back(report: &PassReport) -> String {
    format!(
        "{} documents are not at the source any more, more than a pass deletes by itself: look whether the source is \
         whole, and confirm that they may go",
        report.held_back
    )
}

/// Extends the lease until it is lost; returns why. A store that is away costs a lease only after its whole length.
async fn keep_lease(services: &ConnectorServices, pass: &Pass) -> MetadataStoreError {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match services.ingest.metadata.keep_pass(pass, LEASE).await {
            Err(error @ MetadataStoreError::Conflict(_)) => return error,
            Err(error) => tracing::warn!(connector = pass.connector, %error, "heartbeat failed"),
            Ok(()) => {}
        }
    }
}

fn log(connector: &str, ended: &PassEnded) {
    let PassReport { listed, added, changed, deleted, failed, .. } = ended.report;
    let outcome = ended.outcome.as_str();
    match &ended.error {
        Some(error) => {
            tracing::warn!(connector, outcome, error, listed, added, changed, deleted, failed, "a pass ended");
        }
        None if added + changed + deleted > 0 => {
            tracing::info!(connector, outcome, listed, added, changed, deleted, failed, "a pass ended");
        }
        None => tracing::debug!(connector, outcome, listed, failed, "a pass ended"),
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("connector", &self.connector.name).finish_non_exhaustive()
    }
}
