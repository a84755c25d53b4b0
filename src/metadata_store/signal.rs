//! What a worker waits for between two looks into the queue.
//!
//! May depend on nothing but tokio. A signal is a hint and no promise: whoever waits for it looks again after a while
//! all the same.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

/// Told when a process has enqueued a job that can be taken now, by a store that hears of other processes.
#[derive(Debug)]
pub struct JobSignal {
    heard: Arc<Notify>,
    /// What listens, for as long as somebody waits.
    _listener: Option<AbortOnDropHandle<()>>,
}

impl JobSignal {
    /// Of a store that one process has to itself: nobody else enqueues anything.
    pub(super) fn silent() -> Self {
        Self { heard: Arc::default(), _listener: None }
    }

    /// Of a store that hears of other processes: `listen` tells the given handle.
    pub(super) fn listening<F>(listen: impl FnOnce(Arc<Notify>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let heard = Arc::<Notify>::default();
        let listener = tokio::spawn(listen(heard.clone()));
        Self { heard, _listener: Some(AbortOnDropHandle::new(listener)) }
    }

    /// Returns when a job was enqueued since the last time; never when the store hears of nothing.
    pub async fn heard(&self) {
        self.heard.notified().await;
    }
}
