//! How much a reindex works while questions are being answered: less, and never nothing.
//!
//! May depend on nothing but tokio.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// Questions that follow each other are one load: so long nobody must have asked before it is quiet.
const QUIET: Duration = Duration::from_millis(300);

/// The questions that are being answered in this process.
#[derive(Debug, Default)]
pub struct Questions {
    running: AtomicUsize,
    ended: Notify,
}

impl Questions {
    /// A question has come; it has been answered when what is returned is dropped.
    pub fn begin(self: &Arc<Self>) -> Asking {
        self.running.fetch_add(1, Ordering::AcqRel);
        Asking(self.clone())
    }

    /// Whether a question is being answered.
    fn is_asked(&self) -> bool {
        self.running.load(Ordering::Acquire) > 0
    }

    /// Returns when nobody has asked for a while.
    async fn quiet(&self) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            // Heard from here on, also of what ends before it is waited for.
            ended.as_mut().enable();
            if self.is_asked() {
                ended.await;
                continue;
            }
            tokio::time::sleep(QUIET).await;
            if !self.is_asked() {
                return;
            }
        }
    }
}

/// A question that is being answered.
#[derive(Debug)]
pub struct Asking(Arc<Questions>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
        self.0.ended.notify_waiters();
    }
}

/// How work in the background gives way to questions.
#[derive(Debug, Clone)]
pub enum Pace {
    /// It does not: somebody waits for it.
    Full,
    /// After each piece of work it waits until nobody asks, at most so long that it keeps its share of the time.
    Yielding {
        /// The questions.
        questions: Arc<Questions>,
        /// The share of the time that one of the workers keeps, above 0 and up to 1.
        share: f64,
    },
}

impl Pace {
    /// For `workers` that together keep `share` of the time.
    pub fn yielding(questions: Arc<Questions>, share: f64, workers: usize) -> Self {
        Self::Yielding { questions, share: share / workers.max(1) as f64 }
    }

    /// Whether somebody asks now.
    pub fn is_asked(&self) -> bool {
        match self {
            Self::Full => false,
            Self::Yielding { questions, .. } => questions.is_asked(),
        }
    }

    /// Waits as long as it is due after `worked`.
    pub async fn after(&self, worked: Duration) {
        let Self::Yielding { questions, share } = self else { return };
        if questions.is_asked() {
            // Running out of time is the share that is kept.
            let _ = tokio::time::timeout(longest(worked, *share), questions.quiet()).await;
        }
    }
}

/// How long who has worked so long may wait and still keep its share of the time.
fn longest(worked: Duration, share: f64) -> Duration {
    worked.mul_f64((1.0 / share - 1.0).max(0.0))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_share_of_the_time_is_kept() {
        let second = Duration::from_secs(1);
        assert_eq!(longest(second, 1.0), Duration::ZERO);
        assert_eq!(longest(second, 0.25), 3 * second);
        let Pace::Yielding { share, .. } = Pace::yielding(Arc::default(), 0.5, 2) else { unreachable!() };
        assert_eq!(longest(second, share), 3 * second, "two workers keep half of it together");
    }

    #[tokio::test]
    async fn work_waits_for_questions_until_it_is_quiet() {
        let questions = Arc::<Questions>::default();
        let pace = Pace::yielding(questions.clone(), 0.5, 1);
        let hour = Duration::from_secs(3_600);
        // Nobody asks: nothing is waited for.
        assert!(!pace.is_asked());
        pace.after(hour).await;
        let (first, second) = (questions.begin(), questions.begin());
        assert!(pace.is_asked());
        Pace::Full.after(hour).await;
        let mut waiting = Box::pin(pace.after(hour));
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        drop(first);
        assert!(futures::poll!(waiting.as_mut()).is_pending(), "somebody asks still");
        let ended = Instant::now();
        drop(second);
        waiting.await;
        assert!(ended.elapsed() >= QUIET, "a question may follow at once");
    }
}
