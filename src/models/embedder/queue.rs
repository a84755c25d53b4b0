//! The queue before the model: bounded, questions first, callers that left are dropped.
//!
//! Each session of the model belongs to one OS thread for good. The texts of all callers wait in two lists,
//! and a thread that is free takes the next batch of them, so that small calls share a batch. Knows nothing of
//! the library that runs the model.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{EmbedderError, batching::next_batch};

/// How the embedder uses the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    /// Copies of the model, each on its own thread.
    pub sessions: usize,
    /// The threads that one copy uses.
    pub threads_per_session: usize,
    /// The padded tokens of a batch.
    pub batch_tokens: usize,
    /// The passages that may wait, of all callers together; a caller beyond it waits with its texts in hand.
    pub waiting_passages: usize,
    /// The questions (and passages that are as urgent) that may wait; the next one is told `Busy`.
    pub waiting_questions: usize,
    /// How long a caller with passages waits for room in the queue.
    pub patience: Duration,
    /// How long a caller waits for the vectors of passages.
    pub passages_timeout: Duration,
    /// How long a caller waits for the vector of a question.
    pub question_timeout: Duration,
}

impl Tuning {
    /// For `threads` threads in all: a session for each of up to four.
    ///
    /// On two cores, with passages of about 200 tokens, two sessions of one thread do 2,320 tokens/s where one
    /// session of two threads does 1,700 to 1,900: threads inside a session wait for each other after every
    /// operation. A session costs some 100 MB, hence the limit. Batches beyond a few hundred tokens leave the
    /// caches and are slower (2,280 at 512, 2,160 at 768, 1,690 at 2,048), and a question waits for the running
    /// batch, so they are small.
    pub fn for_threads(threads: usize) -> Self {
        let sessions = threads.clamp(1, 4);
        let threads_per_session = (threads / sessions).max(1);
        Self {
            sessions,
            threads_per_session,
            batch_tokens: 384 * threads_per_session,
            waiting_passages: 1024,
            waiting_questions: 256,
            patience: Duration::from_secs(300),
            passages_timeout: Duration::from_secs(600),
            question_timeout: Duration::from_secs(60),
        }
    }
}

/// The model, as the queue sees it.
pub(super) trait Session: Send + 'static {
    /// A vector for each text, in order.
    fn run(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String>;
}

/// A text and its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) text: String,
    pub(super) tokens: usize,
}

/// Which list a call waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    First,
    Passages,
}

type Reply = Result<Vec<Vec<f32>>, EmbedderError>;

/// One call, shared by its texts.
struct Call {
    state: Mutex<CallState>,
}

struct CallState {
    vectors: Vec<Option<Vec<f32>>>,
    reply: Option<oneshot::Sender<Reply>>,
    // Given back when the last text of the call is gone.
    _room: OwnedSemaphorePermit,
}

impl Call {
    fn state(&self) -> MutexGuard<'_, CallState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.state().reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn give(&self, slot: usize, vector: Vec<f32>) {
        let mut state = self.state();
        state.vectors[slot] = Some(vector);
        if state.vectors.iter().all(Option::is_some) {
            let vectors = state.vectors.drain(..).flatten().collect();
            if let Some(reply) = state.reply.take() {
                // The caller may have left in this very moment.
                let _ = reply.send(Ok(vectors));
            }
        }
    }

    fn fail(&self, error: EmbedderError) {
        if let Some(reply) = self.state().reply.take() {
            let _ = reply.send(Err(error));
        }
    }
}

struct Item {
    text: Counted,
    slot: usize,
    call: Arc<Call>,
}

#[derive(Default)]
struct Waiting {
    first: VecDeque<Item>,
    passages: VecDeque<Item>,
    closed: bool,
}

struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    budget: usize,
    dimension: usize,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until there is something to do; `None` when the queue is closed.
    fn next(&self) -> Option<Vec<Item>> {
        let mut waiting = self.waiting();
        loop {
            if waiting.closed {
                return None;
            }
            let Waiting { first, passages, .. } = &mut *waiting;
            for list in [&mut *first, &mut *passages] {
                list.retain(|item| !item.call.is_over());
            }
            let list = if first.is_empty() { passages } else { first };
            if !list.is_empty() {
                return Some(take_batch(list, self.budget));
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn take_batch(list: &mut VecDeque<Item>, budget: usize) -> Vec<Item> {
    let tokens: Vec<usize> = list.iter().map(|item| item.text.tokens).collect();
    let mut picked = vec![false; tokens.len()];
    for index in next_batch(&tokens, budget) {
        picked[index] = true;
    }
    let (mut batch, mut rest) = (Vec::new(), VecDeque::new());
    for (item, picked) in list.drain(..).zip(picked) {
        if picked { batch.push(item) } else { rest.push_back(item) }
    }
    *list = rest;
    batch
}

/// The queue and the threads behind it. Dropping it stops the threads after the batch that they are at; who
/// still waits is told [`EmbedderError::Stopped`].
pub(super) struct Queue {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    passages: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    tuning: Tuning,
}

impl Queue {
    /// Gives each session its thread.
    pub(super) fn start<S: Session>(sessions: Vec<S>, dimension: usize, tuning: Tuning) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            budget: tuning.batch_tokens,
            dimension,
        });
        let mut queue = Self {
            shared,
            threads: Vec::new(),
            passages: Arc::new(Semaphore::new(tuning.waiting_passages)),
            questions: Arc::new(Semaphore::new(tuning.waiting_questions)),
            tuning,
        };
        for (number, mut session) in sessions.into_iter().enumerate() {
            let shared = queue.shared.clone();
            let thread = std::thread::Builder::new().name(format!("embedder-{number}")).spawn(move || {
                while let Some(batch) = shared.next() {
                    work(&mut session, batch, shared.dimension);
                }
            })?;
            queue.threads.push(thread);
        }
        Ok(queue)
    }

    /// The vectors of `texts`, in order.
    pub(super) async fn embed(&self, texts: Vec<Counted>, urgency: Urgency) -> Reply {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (room, timeout) = match urgency {
            Urgency::First => {
                let wanted = permits(texts.len(), self.tuning.waiting_questions);
                let room = self.questions.clone().try_acquire_many_owned(wanted);
                (room.map_err(|_| EmbedderError::Busy { waiting: "questions" })?, self.tuning.question_timeout)
            }
            Urgency::Passages => {
                let wanted = permits(texts.len(), self.tuning.waiting_passages);
                let room = self.passages.clone().acquire_many_owned(wanted);
                let room = tokio::time::timeout(self.tuning.patience, room).await;
                let room = room.map_err(|_| EmbedderError::Busy { waiting: "passages" })?;
                (room.map_err(|_| EmbedderError::Stopped)?, self.tuning.passages_timeout)
            }
        };
        let (reply, answer) = oneshot::channel();
        let vectors = vec![None; texts.len()];
        let call = Arc::new(Call { state: Mutex::new(CallState { vectors, reply: Some(reply), _room: room }) });
        {
            let mut waiting = self.shared.waiting();
            let list = match urgency {
                Urgency::First => &mut waiting.first,
                Urgency::Passages => &mut waiting.passages,
            };
            list.extend(texts.into_iter().enumerate().map(|(slot, text)| Item { text, slot, call: call.clone() }));
        }
        drop(call);
        self.shared.changed.notify_all();
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(EmbedderError::Stopped),
            Err(_) => Err(EmbedderError::Timeout { seconds: timeout.as_secs() }),
        }
    }
}

/// A call with more texts than the queue holds takes all of it: its texts are in memory already, and refusing
/// it would only make its caller cut it up.
fn permits(texts: usize, room: usize) -> u32 {
    u32::try_from(texts.min(room)).unwrap_or(u32::MAX)
}

impl Drop for Queue {
    fn drop(&mut self) {
        {
            let mut waiting = self.shared.waiting();
            waiting.closed = true;
            waiting.first.clear();
            waiting.passages.clear();
        }
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to stop.
            let _ = thread.join();
        }
    }
}

fn work<S: Session>(session: &mut S, batch: Vec<Item>, dimension: usize) {
    let texts: Vec<&str> = batch.iter().map(|item| item.text.text.as_str()).collect();
    match run(session, &texts, dimension) {
        Ok(vectors) => {
            for (item, vector) in batch.iter().zip(vectors) {
                item.call.give(item.slot, vector);
            }
        }
        Err(error) if batch.len() == 1 => batch[0].call.fail(EmbedderError::Inference(error)),
        // The texts of several callers may be in it: only the one that holds the culprit is to fail.
        Err(_) => {
            for item in batch {
                if !item.call.is_over() {
                    work(session, vec![item], dimension);
                }
            }
        }
    }
}

fn run<S: Session>(session: &mut S, texts: &[&str], dimension: usize) -> Result<Vec<Vec<f32>>, String> {
    // A panic in the model must not end the thread: everybody behind it would wait for nothing.
    let vectors =
        catch_unwind(AssertUnwindSafe(|| session.run(texts))).unwrap_or_else(|_| Err("it panicked".into()))?;
    if vectors.len() != texts.len() {
        return Err(format!("it made {} vectors of {} texts", vectors.len(), texts.len()));
    }
    for vector in &vectors {
        if vector.len() != dimension {
            return Err(format!("it made a vector of {} dimensions, expected {dimension}", vector.len()));
        }
        if !vector.iter().all(|value| value.is_finite()) {
            return Err("it made a vector that is not finite".into());
        }
    }
    Ok(vectors)
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
