//! Turns for many callers: as many compute at a time as there are cores, a bounded number waits, and nobody for ever.
//!
//! A caller that leaves gives its turn back when its work is done, and before that its place to nobody. May depend on tokio.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

/// How long a caller waits for its turn and its result.
const PATIENCE: Duration = Duration::from_secs(60);

/// Turns at a model.
#[derive(Debug)]
pub struct Turns {
    /// Those who compute.
    pub(super) turns: Arc<Semaphore>,
    /// Those who compute and those who wait.
    pub(super) places: Arc<Semaphore>,
    /// How many may wait.
    pub waiting: usize,
    /// How long they do.
    pub patience: Duration,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoTurn {
    /// Too many wait already.
    Busy,
    /// It did not come in time.
    Late,
    /// The work panicked.
    Panicked(String),
}

impl Turns {
    /// For `together` callers at a time, while `waiting` more wait at most.
    pub fn new(together: usize, waiting: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(together)),
            places: Arc::new(Semaphore::new(waiting + together)),
            waiting,
            patience: PATIENCE,
        }
    }

    /// Does blocking work when it is the caller's turn.
    pub async fn take<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NoTurn> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| NoTurn::Busy)?;
        let done = async {
            let turn = self.turns.clone().acquire_owned().await;
            let turn = turn.map_err(|error| NoTurn::Panicked(error.to_string()))?;
            let done = tokio::task::spawn_blocking(move || {
                // Given back when the work is done, also when nobody waits for it any more.
                let _held = (turn, place);
                work()
            });
            done.await.map_err(|error| NoTurn::Panicked(error.to_string()))
        };
        tokio::time::timeout(self.patience, done).await.map_err(|_| NoTurn::Late)?
    }
}
