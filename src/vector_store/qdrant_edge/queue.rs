//! Threads that run the engine's blocking calls, fed by a bounded queue.
//!
//! May depend on the parent module's errors only.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::vector_store::VectorStoreError;

type Task = Box<dyn FnOnce() + Send>;

/// A queue of work with its threads. Dropping it lets the queued work finish.
pub(super) struct WorkQueue {
    name: &'static str,
    sender: Option<SyncSender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl WorkQueue {
    /// Starts `threads` threads behind a queue of `capacity`.
    pub(super) fn start(name: &'static str, threads: usize, capacity: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Task>(capacity);
        let receiver = Arc::new(Mutex::new(receiver));
        let threads = (0..threads)
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                thread::Builder::new().name(format!("edge-{name}")).spawn(move || serve(&receiver))
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { name, sender: Some(sender), threads })
    }

    /// Runs `work` on a thread of the queue and waits for it, at most `limit`.
    ///
    /// Work whose caller has given up before it started is not begun; work that has begun runs to its end.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> Result<T, VectorStoreError> + Send + 'static,
    ) -> Result<T, VectorStoreError> {
        let (reply, answer) = oneshot::channel();
        let task: Task = Box::new(move || {
            if !reply.is_closed() {
                // Nobody listening any more is no failure: the caller has given up and will ask again.
                let _ = reply.send(guarded(work));
            }
        });
        let sender = self.sender.as_ref().ok_or_else(|| stopped(self.name))?;
        sender.try_send(task).map_err(|error| match error {
            TrySendError::Full(_) => {
                VectorStoreError::Unavailable(format!("its queue of {} is full: try again later", self.name))
            }
            TrySendError::Disconnected(_) => stopped(self.name),
        })?;
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(stopped(self.name)),
            Err(_) => Err(VectorStoreError::Unavailable(format!(
                "no answer to {} within {} s: try again later",
                self.name,
                limit.as_secs()
            ))),
        }
    }
}

impl Drop for WorkQueue {
    fn drop(&mut self) {
        self.sender.take();
        for thread in self.threads.drain(..) {
            // A panic of a task was caught and reported; there is nobody left to report another one to.
            let _ = thread.join();
        }
    }
}

fn serve(receiver: &Mutex<Receiver<Task>>) {
    loop {
        // The lock is held while waiting and released before working: the threads take turns in waiting.
        let task = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match task {
            Ok(task) => task(),
            Err(_) => return,
        }
    }
}

fn stopped(name: &str) -> VectorStoreError {
    VectorStoreError::Failed(format!("the threads for {name} have stopped: restart the service"))
}

/// Runs a call into the engine; a panic in it becomes an error, so that it ends the call and not the service.
///
/// The engine's own locks do not poison and are released while it unwinds.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, VectorStoreError>) -> Result<T, VectorStoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(VectorStoreError::Failed(format!("the engine panicked: {}", panic_text(panic.as_ref()))))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_panic_fails_its_call_and_leaves_the_queue_working() {
        let queue = WorkQueue::start("tests", 1, 4).unwrap();
        let panicked = queue.run(LONG, || -> Result<(), _> { panic!("torn page {}", 7) }).await;
        assert!(
            matches!(&panicked, Err(VectorStoreError::Failed(text)) if text.contains("torn page 7")),
            "{panicked:?}"
        );
        assert_eq!(queue.run(LONG, || Ok(5)).await.unwrap(), 5);
    }

    #[tokio::test]
    async fn a_full_queue_and_a_slow_call_are_unavailable_and_abandoned_work_is_not_begun() {
        let queue = WorkQueue::start("tests", 1, 1).unwrap();
        let (release, held) = mpsc::channel::<()>();
        let (began, beginning) = mpsc::channel::<&str>();
        let began_first = began.clone();
        let mut first = Box::pin(queue.run(LONG, move || {
            began_first.send("first").unwrap();
            held.recv().unwrap();
            Ok(())
        }));
        while beginning.try_recv() != Ok("first") {
            assert!(futures::poll!(first.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
        let abandoned = queue.run(Duration::ZERO, move || {
            began.send("abandoned").unwrap();
            Ok(())
        });
        let abandoned = abandoned.await;
        assert!(matches!(abandoned, Err(VectorStoreError::Unavailable(_))), "{abandoned:?}");
        let full = queue.run(LONG, || Ok(())).await;
        assert!(matches!(&full, Err(VectorStoreError::Unavailable(text)) if text.contains("full")), "{full:?}");
        release.send(()).unwrap();
        first.await.unwrap();
        drop(queue);
        assert!(beginning.try_iter().all(|task| task != "abandoned"));
    }
}
