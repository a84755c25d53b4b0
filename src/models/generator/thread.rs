//! The OS thread that owns the model, and the queue before it.
//!
//! Some requests are worked on together (`batch`), on as many cores as are free; the others wait in the order in
//! which they came. The queue is bounded, and full means [`GeneratorError::Busy`]. May depend on its siblings, tokio's
//! channels and rayon.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{
    GenerateRequest, Generated, Generator, GeneratorError, Message, StopReason,
    adapter::AdapterOption,
    batch::{Batch, Listener, Work},
    chat::ChatTemplate,
    llama::Llama,
    load::{Loaded, load},
    sequence::End,
    text::TextStream,
    tokenizer::Vocabulary,
};
use crate::models::cores::{Cores, Pools, Urgency};

/// How long the last piece waits for a reader of pieces that has stopped reading.
const LAST_PIECE: Duration = Duration::from_secs(30);

/// What to load, and how to run it.
#[derive(Debug, Clone)]
pub struct LlamaOptions {
    /// A GGUF file.
    pub path: PathBuf,
    /// The name that answers carry.
    pub name: String,
    /// An adapter for the model, if it is not to run as it comes.
    pub adapter: Option<AdapterOption>,
    /// The cores for the arithmetic, shared with what else computes on them.
    pub cores: Arc<Cores>,
    /// The most tokens a prompt and its answer may have, at most what the model was trained for.
    pub context_window: u32,
    /// The tokens of all requests in work, and of prompts that may come again, whose keys and values are held; at least a
    /// window's. Memory is taken as they are first used: for SmolLM2-135M 45 KiB a token.
    pub held_tokens: u32,
    /// Requests that are worked on together, at least 1.
    pub together: usize,
    /// Requests that may wait behind them, at least 1.
    pub queue: usize,
}

/// A Llama-family model from a GGUF file, on its own thread.
pub struct LlamaGenerator {
    name: String,
    adapter: Option<String>,
    window: u32,
    vocabulary: Arc<Vocabulary>,
    template: ChatTemplate,
    jobs: SyncSender<Job>,
}

struct Job {
    prompt: Vec<u32>,
    max_new: usize,
    pieces: Option<mpsc::Sender<String>>,
    reply: oneshot::Sender<Result<Finished, GeneratorError>>,
}

/// An answer, with the end of the text that the reader of pieces had no room for.
#[derive(Debug)]
struct Finished {
    generated: Generated,
    unsent: String,
}

impl LlamaGenerator {
    /// Loads a model and starts its thread. Blocks for as long as reading the file takes.
    pub fn load(options: LlamaOptions) -> Result<Self, GeneratorError> {
        if options.queue == 0 || options.together == 0 {
            return Err(GeneratorError::Load("the queue, and what is worked on together, must be at least 1".into()));
        }
        let begun = Instant::now();
        let Ready { model, vocabulary, template, ends, pools } = Ready::new(&options)?;
        let vocabulary = Arc::new(vocabulary);
        let (jobs, queue) = sync_channel(options.queue);
        let batch = Batch::new(model, ends, options.together);
        let mut worker =
            Worker { batch, vocabulary: Arc::clone(&vocabulary), pools, cores: Arc::clone(&options.cores) };
        std::thread::Builder::new()
            .name("generator".into())
            .spawn(move || worker.run(&queue))
            .map_err(|error| GeneratorError::Load(format!("cannot start a thread: {error}")))?;
        let LlamaOptions { name, adapter, cores, context_window: window, .. } = options;
        let adapter = adapter.map(|adapter| adapter.full_name());
        tracing::info!(name, adapter, cores = cores.all(), window, took = ?begun.elapsed(), "generator loaded");
        Ok(Self { name, adapter, window, vocabulary, template, jobs })
    }
}

/// A model in memory, with what it takes to run it on the thread that has it.
pub(super) struct Ready {
    pub model: Llama,
    pub vocabulary: Vocabulary,
    pub template: ChatTemplate,
    pub ends: Vec<u32>,
    pub pools: Pools,
}

impl Ready {
    /// Loads a model.
    pub fn new(options: &LlamaOptions) -> Result<Self, GeneratorError> {
        if options.context_window == 0 {
            return Err(GeneratorError::Load("the context window must be at least 1".into()));
        }
        let pools = Pools::new("generator", options.cores.all())
            .map_err(|error| GeneratorError::Load(format!("cannot start threads: {error}")))?;
        let Loaded { weights, vocabulary, template, ends } =
            pools.widest().install(|| load(&options.path, options.adapter.as_ref()))?;
        let (window, trained) = (options.context_window as usize, weights.config.window);
        if window > trained {
            return Err(GeneratorError::Load(format!(
                "a context window of {window} is configured but the model has {trained}: configure at most that"
            )));
        }
        let model = Llama::new(weights, window, options.held_tokens as usize);
        Ok(Self { model, vocabulary, template, ends, pools })
    }
}

fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

#[async_trait]
impl Generator for LlamaGenerator {
    fn name(&self) -> &str {
        &self.name
    }

    fn adapter(&self) -> Option<&str> {
        self.adapter.as_deref()
    }

    fn context_window(&self) -> u32 {
        self.window
    }

    fn count_tokens(&self, text: &str) -> Result<u32, GeneratorError> {
        Ok(count(self.vocabulary.encode(text)?.len()))
    }

    fn count_prompt_tokens(&self, messages: &[Message]) -> Result<u32, GeneratorError> {
        Ok(count(self.template.encode(messages, &self.vocabulary)?.len()))
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        pieces: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GeneratorError> {
        if request.max_new_tokens == 0 {
            return Err(GeneratorError::Failed("`max_new_tokens` must be at least 1".into()));
        }
        let prompt = self.template.encode(&request.messages, &self.vocabulary)?;
        let tokens = count(prompt.len()).saturating_add(request.max_new_tokens);
        if tokens > self.window {
            return Err(GeneratorError::PromptTooLong { tokens, window: self.window });
        }
        let (reply, answer) = oneshot::channel();
        let job = Job { prompt, max_new: request.max_new_tokens as usize, pieces: pieces.clone(), reply };
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => GeneratorError::Busy,
            TrySendError::Disconnected(_) => GeneratorError::Stopped,
        })?;
        let Finished { generated, unsent } = answer.await.map_err(|_| GeneratorError::Stopped)??;
        if let Some(pieces) = pieces.filter(|_| !unsent.is_empty()) {
            // A reader that is gone does not mind; one that has stalled must learn that it lacks the end.
            let sent = tokio::time::timeout(LAST_PIECE, pieces.send(unsent)).await;
            sent.map(drop)
                .map_err(|_| GeneratorError::Failed("the reader of the pieces has stopped reading".into()))?;
        }
        Ok(generated)
    }
}

struct Worker {
    batch: Batch<Caller>,
    vocabulary: Arc<Vocabulary>,
    pools: Pools,
    cores: Arc<Cores>,
}

impl Worker {
    /// Works until every [`LlamaGenerator`] is gone and nothing is left to do.
    fn run(&mut self, queue: &Receiver<Job>) {
        let mut first = None;
        while self.admit(queue, &mut first) {
            let Self { batch, pools, cores, .. } = self;
            let step = || {
                let asked = Instant::now();
                let share = cores.take(cores.all(), Urgency::First);
                let begun = Instant::now();
                let Work { prompts, answers } = pools.of(share.count()).install(|| batch.step());
                let (waited, took) = (begun - asked, begun.elapsed());
                tracing::trace!(prompts, answers, cores = share.count(), ?waited, ?took, "a step");
            };
            if catch_unwind(AssertUnwindSafe(step)).is_err() {
                for caller in batch.abandon() {
                    caller.fail("the model's code panicked: this is a bug, please report it");
                }
            }
        }
    }

    /// Takes as many of those who wait as can be worked on; `first` is the one that waits for room. Waits for one when
    /// there is no work. False when nobody is left who could come.
    fn admit(&mut self, queue: &Receiver<Job>, first: &mut Option<Job>) -> bool {
        loop {
            let next = match first.take() {
                Some(job) => Ok(job),
                None if self.batch.is_idle() => queue.recv().map_err(|_| TryRecvError::Disconnected),
                None => queue.try_recv(),
            };
            let job = match next {
                Ok(job) => job,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return !self.batch.is_idle(),
            };
            if job.reply.is_closed() {
                continue;
            }
            let Job { prompt, max_new, pieces, reply } = job;
            let caller = Caller::new(prompt.len(), pieces, reply, Arc::clone(&self.vocabulary));
            if let Err(Caller { pieces, reply, .. }) = self.batch.admit(&prompt, max_new, caller) {
                *first = Some(Job { prompt, max_new, pieces, reply });
                return true;
            }
        }
    }
}

/// Who waits for an answer, and what was written of it.
struct Caller {
    begun: Instant,
    prompt_tokens: usize,
    completion_tokens: u32,
    vocabulary: Arc<Vocabulary>,
    stream: TextStream,
    text: String,
    unsent: String,
    pieces: Option<mpsc::Sender<String>>,
    reply: oneshot::Sender<Result<Finished, GeneratorError>>,
}

impl Caller {
    fn new(
        prompt_tokens: usize,
        pieces: Option<mpsc::Sender<String>>,
        reply: oneshot::Sender<Result<Finished, GeneratorError>>,
        vocabulary: Arc<Vocabulary>,
    ) -> Self {
        let (stream, text, unsent) = (TextStream::default(), String::new(), String::new());
        let begun = Instant::now();
        Self { begun, prompt_tokens, completion_tokens: 0, vocabulary, stream, text, unsent, pieces, reply }
    }

    fn take(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.unsent.push_str(piece);
        offer(&mut self.pieces, &mut self.unsent);
    }

    fn fail(self, reason: &str) {
        // Fails only when the caller has left.
        let _ = self.reply.send(Err(GeneratorError::Failed(reason.into())));
    }
}

impl Listener for Caller {
    fn has_left(&self) -> bool {
        self.reply.is_closed()
    }

    fn token(&mut self, token: u32) {
        self.completion_tokens += 1;
        let piece = self.stream.push(self.vocabulary.bytes(token));
        self.take(&piece);
    }

    fn end(mut self, end: End) {
        let stop = match end {
            End::Done => StopReason::EndToken,
            End::MaxTokens => StopReason::MaxTokens,
            End::NotFinite => return self.fail("the model's scores are not finite numbers"),
        };
        let rest = std::mem::take(&mut self.stream).finish();
        self.take(&rest);
        let Self { begun, prompt_tokens, completion_tokens, text, unsent, reply, .. } = self;
        tracing::debug!(prompt_tokens, completion_tokens, ?stop, took = ?begun.elapsed(), "generated");
        let generated = Generated { text, prompt_tokens: count(prompt_tokens), completion_tokens, stop };
        // Fails only when the caller has left.
        let _ = reply.send(Ok(Finished { generated, unsent }));
    }
}

/// Passes on what is unsent, unless the reader has no room: then it stays for the next time.
fn offer(pieces: &mut Option<mpsc::Sender<String>>, unsent: &mut String) {
    let Some(sender) = pieces.as_ref().filter(|_| !unsent.is_empty()) else { return };
    match sender.try_send(std::mem::take(unsent)) {
        Ok(()) => {}
        Err(mpsc::error::TrySendError::Full(piece)) => *unsent = piece,
        Err(mpsc::error::TrySendError::Closed(_)) => *pieces = None,
    }
}

#[cfg(test)]
mod tests;
