//! Outcomes on their way to webhooks: taken from the durable queue, signed, sent, repeated until they arrive.
//!
//! A delivery is a job of kind `deliver`, which was recorded in one transaction with what else was recorded of the outcome
//! (`answer::carry_out`). It arrives at least once, with the same `webhook-id` each time, by which a receiver knows what it
//! has seen. May depend on `domain`, `config`, the metadata store and
//! `telemetry::metrics`.

mod error;
mod send;
mod sign;
mod target;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub use error::DeliveryError;

use crate::{
    config::Rules,
    domain::{JobId, JobKind, JobStage},
    faults,
    metadata_store::{LeasedJob, MetadataStore, MetadataStoreError},
    telemetry::metrics::{JobEnd, Metrics},
};

/// How long a lease lasts: longer than an attempt, so that it needs no heartbeat on the way.
const LEASE: Duration = Duration::from_secs(60);
/// How long an idle worker waits before it looks again for jobs that other processes enqueued.
const POLL: Duration = Duration::from_millis(500);
/// How many are sent at the same time.
const CONCURRENCY: usize = 4;
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 60 * 60);
/// How long what did not arrive can be retried by a person.
const KEPT: TimeDelta = TimeDelta::days(30);
/// How often what is older is looked for.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Everything that deliveries work with.
#[derive(Clone)]
pub struct DeliveryServices {
    /// The queue, and what is sent.
    pub metadata: Arc<dyn MetadataStore>,
    /// Where webhooks go.
    pub rules: Arc<Rules>,
    /// Woken when a delivery was enqueued in this process.
    pub wake: Arc<Notify>,
    /// Where attempts are counted.
    pub metrics: Arc<Metrics>,
}

/// Takes deliveries and sends them.
pub struct DeliveryWorker {
    services: DeliveryServices,
    /// The wait after the first attempt.
    first_wait: Duration,
}

impl DeliveryWorker {
    /// A worker that waits half a minute after a first attempt, and twice as long after each further one.
    pub fn new(services: DeliveryServices) -> Self {
        Self { services, first_wait: Duration::from_secs(30) }
    }

    /// The same with another wait after the first attempt.
    pub fn waiting(self, first_wait: Duration) -> Self {
        Self { first_wait, ..self }
    }

    /// Works until `stop` is cancelled. What is being sent then goes back to the queue: it may arrive twice.
    pub async fn run(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        let mut tasks = JoinSet::new();
        let mut sweep = tokio::time::interval(SWEEP);
        while !stop.is_cancelled() {
            let taken = match tasks.len() < CONCURRENCY {
                true => worker.take().await,
                false => None,
            };
            if let Some(leased) = taken {
                let (worker, stop) = (worker.clone(), stop.clone());
                tasks.spawn(async move { worker.deliver(leased, stop).await });
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = worker.services.wake.notified() => {}
                Some(ended) = tasks.join_next() => log_panic(ended),
                _ = sweep.tick() => worker.sweep().await,
                () = tokio::time::sleep(POLL) => {}
            }
        }
        while let Some(ended) = tasks.join_next().await {
            log_panic(ended);
        }
    }

    /// Sends what could be sent now, and returns.
    pub async fn drain(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.take().await {
                Some(leased) => self.deliver(leased, stop.clone()).await,
                None => return,
            }
        }
    }

    async fn take(&self) -> Option<LeasedJob> {
        let leased = self.services.metadata.lease_job(&[JobKind::Deliver], LEASE).await;
        leased.unwrap_or_else(|error| {
            tracing::error!(%error, "cannot take a delivery");
            None
        })
    }

    async fn deliver(&self, leased: LeasedJob, stop: CancellationToken) {
        let (id, token, metadata) = (leased.job.id, &leased.token, &self.services.metadata);
        let span = tracing::info_span!("delivery", job = %id, attempt = leased.job.attempts);
        let result = tokio::select! {
            result = self.attempt(&leased).instrument(span) => result,
            () = stop.cancelled() => {
                if let Err(error) = metadata.release_job(id, token).await {
                    tracing::warn!(job = %id, %error, "cannot put the delivery back: it is taken up when its lease ends");
                }
                return;
            }
        };
        let end = match &result {
            Ok(()) => JobEnd::Succeeded,
            Err(DeliveryError::Metadata(MetadataStoreError::LeaseLost(_))) => JobEnd::Dropped,
            Err(error) if error.is_transient() && leased.job.attempts < leased.job.max_attempts => JobEnd::Retried,
            Err(_) => JobEnd::Failed,
        };
        self.services.metrics.job(JobKind::Deliver, end);
        self.services.metrics.delivery(leased.job.webhook.as_deref().unwrap_or("none"), end);
        let recorded = match result {
            Ok(()) => metadata.succeed_job(id, token).await,
            Err(DeliveryError::Metadata(error @ MetadataStoreError::LeaseLost(_))) => {
                tracing::info!(job = %id, reason = %error, "delivery dropped");
                return;
            }
            Err(error) => {
                let wait = self.wait(leased.job.attempts, error.retry_after());
                let retry_at = error.is_transient().then(|| Utc::now() + wait);
                tracing::warn!(job = %id, error = error.for_the_log(), retry = retry_at.is_some(), "delivery failed");
                metadata.fail_job(id, token, &error.to_string(), retry_at).await
            }
        };
        if let Err(error) = recorded {
            tracing::warn!(job = %id, %error, "cannot record how a delivery ended: it is sent again when its lease ends");
        }
        self.services.wake.notify_one();
    }

    async fn attempt(&self, leased: &LeasedJob) -> Result<(), DeliveryError> {
        let (id, name) = (leased.job.id, leased.job.webhook.clone().unwrap_or_default());
        let rules = &self.services.rules;
        let webhook = rules.webhooks.get(&name).ok_or(DeliveryError::UnknownWebhook(name))?.clone();
        // The lease is renewed last, so that a delivery that was cancelled meanwhile is not sent.
        let body = self.services.metadata.delivery_body(id).await?.ok_or(DeliveryError::Gone)?;
        self.services.metadata.heartbeat(id, &leased.token, LEASE, JobStage::Deliver, 0.0).await?;
        faults::point("delivery.sending").await.map_err(MetadataStoreError::from)?;
        let sent = tokio::task::spawn_blocking(move || send::send(&webhook, &message_id(id), &body));
        sent.await.map_err(|error| DeliveryError::Thread(error.to_string()))??;
        Ok(faults::point("delivery.sent").await.map_err(MetadataStoreError::from)?)
    }

    /// How long to wait after so many attempts: doubling, at least as long as the receiver asks for.
    fn wait(&self, attempts: u32, asked_for: Option<u64>) -> Duration {
        let doubled = self.first_wait.saturating_mul(1u32 << attempts.saturating_sub(1).min(20));
        doubled.max(Duration::from_secs(asked_for.unwrap_or(0))).min(LONGEST_WAIT)
    }

    /// Forgets what ended without success long ago.
    async fn sweep(&self) {
        match self.services.metadata.forget_deliveries(Utc::now() - KEPT).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "deliveries that did not arrive can no longer be retried"),
            Err(error) => tracing::warn!(%error, "cannot look for old deliveries"),
        }
    }
}

/// What a receiver knows a delivery by: the same at every attempt.
fn message_id(job: JobId) -> String {
    job.to_string()
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a delivery's task panicked: it is taken up again when its lease ends");
    }
}

impl std::fmt::Debug for DeliveryWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryWorker").field("first_wait", &self.first_wait).finish_non_exhaustive()
    }
}
