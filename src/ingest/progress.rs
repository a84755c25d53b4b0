//! Where a running job stands, for the heartbeat that records it.
//!
//! May depend on `domain`.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::JobStage;

/// The stage of a job and the part that is done, written by the work and read by its heartbeat.
#[derive(Debug)]
pub struct Progress {
    state: Mutex<(JobStage, f32)>,
    /// Woken when the stage changes, so that it is recorded at once.
    pub changed: Notify,
}

impl Default for Progress {
    fn default() -> Self {
        Self { state: Mutex::new((JobStage::Waiting, 0.0)), changed: Notify::new() }
    }
}

impl Progress {
    /// The job enters a stage. Extraction is the first tenth of an ingestion, embedding nearly all the rest.
    pub fn enter(&self, stage: JobStage) {
        let done = match stage {
            JobStage::Waiting | JobStage::Extract | JobStage::Deliver => 0.0,
            JobStage::Chunk => 0.08,
            JobStage::Embed => 0.1,
            JobStage::Store | JobStage::Swap => 0.95,
            JobStage::Done => 1.0,
        };
        *self.lock() = (stage, done);
        self.changed.notify_one();
    }

    /// So much of the embedding is done, 0 to 1.
    pub fn embedded(&self, part: f32) {
        self.lock().1 = 0.1 + 0.85 * part.clamp(0.0, 1.0);
    }

    /// So much of a reindex is done, 0 to 1.
    pub fn reindexed(&self, part: f32) {
        *self.lock() = (JobStage::Embed, 0.95 * part.clamp(0.0, 1.0));
    }

    /// The stage, and the part that is done.
    pub fn read(&self) -> (JobStage, f32) {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (JobStage, f32)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
