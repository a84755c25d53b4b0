//! The OS thread that owns the model, and the queue before it.
//!
//! One request is worked on at a time, by all threads of the model's own pool: a second one beside it would only
//! make both slower. The queue is bounded, and full means [`GeneratorError::Busy`]. May depend on its siblings, tokio's
//! channels and rayon.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rayon::ThreadPool;
use tokio::sync::{mpsc, oneshot};

use super::{
    GenerateRequest, Generated, Generator, GeneratorError, Message, StopReason,
    adapter::AdapterOption,
    chat::ChatTemplate,
    llama::{End, Llama, Step},
    load::{Loaded, load},
    text::TextStream,
    tokenizer::Vocabulary,
};

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
    /// Threads for the arithmetic, at least 1. More than there are cores makes it slower.
    pub threads: usize,
    /// The most tokens a prompt and its answer may have, at most what the model was trained for. Memory is taken
    /// as positions are first used: for SmolLM2-135M 45 KiB a position.
    pub context_window: u32,
    /// Requests that may wait behind the one that is worked on, at least 1.
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
        if options.queue == 0 {
            return Err(GeneratorError::Load("the queue must be at least 1".into()));
        }
        let begun = Instant::now();
        let Ready { model, vocabulary, template, ends, pool } = Ready::new(&options)?;
        let vocabulary = Arc::new(vocabulary);
        let (jobs, queue) = sync_channel(options.queue);
        let mut worker = Worker { model, vocabulary: Arc::clone(&vocabulary), ends, pool };
        std::thread::Builder::new()
            .name("generator".into())
            .spawn(move || worker.run(&queue))
            .map_err(|error| GeneratorError::Load(format!("cannot start a thread: {error}")))?;
        let LlamaOptions { name, adapter, threads, context_window: window, .. } = options;
        let adapter = adapter.map(|adapter| adapter.full_name());
        tracing::info!(name, adapter, threads, window, took = ?begun.elapsed(), "generator loaded");
        Ok(Self { name, adapter, window, vocabulary, template, jobs })
    }
}

/// A model in memory, with what it takes to run it on the thread that has it.
pub(super) struct Ready {
    pub model: Llama,
    pub vocabulary: Vocabulary,
    pub template: ChatTemplate,
    pub ends: Vec<u32>,
    pub pool: ThreadPool,
}

impl Ready {
    /// Loads a model.
    pub fn new(options: &LlamaOptions) -> Result<Self, GeneratorError> {
        if options.threads == 0 || options.context_window == 0 {
            return Err(GeneratorError::Load("threads and context window must be at least 1".into()));
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .thread_name(|index| format!("generator-{index}"))
            .build()
            .map_err(|error| GeneratorError::Load(format!("cannot start threads: {error}")))?;
        let Loaded { weights, vocabulary, template, ends } =
            pool.install(|| load(&options.path, options.adapter.as_ref()))?;
        let (window, trained) = (options.context_window as usize, weights.config.window);
        if window > trained {
            return Err(GeneratorError::Load(format!(
                "a context window of {window} is configured but the model has {trained}: configure at most that"
            )));
        }
        Ok(Self { model: Llama::new(weights, window), vocabulary, template, ends, pool })
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
    model: Llama,
    vocabulary: Arc<Vocabulary>,
    ends: Vec<u32>,
    pool: ThreadPool,
}

impl Worker {
    /// Works until every [`LlamaGenerator`] is gone.
    fn run(&mut self, queue: &Receiver<Job>) {
        for job in queue {
            let Job { prompt, max_new, mut pieces, reply } = job;
            let begun = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(|| self.work(&prompt, max_new, &mut pieces, &reply)));
            let result = result.unwrap_or_else(|_| {
                self.model.wipe();
                Err(GeneratorError::Failed("the model's code panicked: this is a bug, please report it".into()))
            });
            if let Ok(Finished { generated, .. }) = &result {
                let Generated { prompt_tokens, completion_tokens, stop, .. } = generated;
                tracing::debug!(prompt_tokens, completion_tokens, ?stop, took = ?begun.elapsed(), "generated");
            }
            // Fails only when the caller has left.
            let _ = reply.send(result);
        }
    }

    fn work(
        &mut self,
        prompt: &[u32],
        max_new: usize,
        pieces: &mut Option<mpsc::Sender<String>>,
        reply: &oneshot::Sender<Result<Finished, GeneratorError>>,
    ) -> Result<Finished, GeneratorError> {
        let Self { model, vocabulary, ends, pool } = self;
        let (mut stream, mut text, mut unsent, mut completion_tokens) =
            (TextStream::default(), String::new(), String::new(), 0);
        let mut take = |piece: String| {
            text.push_str(&piece);
            unsent.push_str(&piece);
            offer(pieces, &mut unsent);
        };
        let end = pool.install(|| {
            model.generate(prompt, max_new, ends, |token| {
                if reply.is_closed() {
                    return Step::Abandon;
                }
                if let Some(token) = token {
                    completion_tokens += 1;
                    take(stream.push(vocabulary.bytes(token)));
                }
                Step::Continue
            })
        });
        let stop = match end {
            End::Done => StopReason::EndToken,
            End::MaxTokens => StopReason::MaxTokens,
            End::Abandoned => return Err(GeneratorError::Failed("the caller has left".into())),
            End::NotFinite => return Err(GeneratorError::Failed("the model's scores are not finite numbers".into())),
        };
        take(stream.finish());
        Ok(Finished {
            generated: Generated { text, prompt_tokens: count(prompt.len()), completion_tokens, stop },
            unsent,
        })
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
