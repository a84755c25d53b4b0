//! The whole way from a file to streamed text, with a tiny random model.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::models::generator::{
    Role,
    tiny::{self, Shape},
};

fn options(folder: &tempfile::TempDir) -> LlamaOptions {
    let path = tiny::write(folder.path(), &Shape::default());
    LlamaOptions { queue: 1, ..tiny::options(path) }
}

fn generator() -> Arc<LlamaGenerator> {
    Arc::new(LlamaGenerator::load(options(&tempfile::tempdir().unwrap())).unwrap())
}

fn request(content: &str, max_new_tokens: u32) -> GenerateRequest {
    let messages = vec![Message::new(Role::System, "Be brief."), Message::new(Role::User, content)];
    GenerateRequest { messages, max_new_tokens }
}

#[tokio::test]
async fn the_pieces_are_the_text() {
    let generator = generator();
    for (content, room) in [("the first", 1000), ("the second", 1000), ("the third", 1)] {
        let (sender, mut receiver) = mpsc::channel::<String>(room);
        let reader = tokio::spawn(async move {
            let mut text = String::new();
            while let Some(piece) = receiver.recv().await {
                text.push_str(&piece);
            }
            text
        });
        let request = request(content, 60);
        let prompt_tokens = generator.count_prompt_tokens(&request.messages).unwrap();
        let generated = generator.generate(request, Some(sender)).await.unwrap();
        assert_eq!(reader.await.unwrap(), generated.text);
        assert_eq!(generated.prompt_tokens, prompt_tokens);
        assert!(generated.completion_tokens <= 60);
        assert_eq!(generated.stop == StopReason::MaxTokens, generated.completion_tokens == 60);
    }
}

#[tokio::test]
async fn the_same_request_gives_the_same_answer() {
    let generator = generator();
    let first = generator.generate(request("the same", 40), None).await.unwrap();
    generator.generate(request("another one, which is longer", 40), None).await.unwrap();
    assert_eq!(generator.generate(request("the same", 40), None).await.unwrap(), first);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_whole() {
    let generator = generator();
    let prompt = generator.count_prompt_tokens(&request("the end", 1).messages).unwrap();
    let fits = request("the end", 1024 - prompt);
    assert!(generator.generate(fits, None).await.is_ok());
    let error = generator.generate(request("the end", 1025 - prompt), None).await.unwrap_err();
    assert!(matches!(error, GeneratorError::PromptTooLong { tokens: 1025, window: 1024 }), "{error}");
    assert!(!error.is_transient());
    let error = generator.generate(request("the end", u32::MAX), None).await.unwrap_err();
    assert!(matches!(error, GeneratorError::PromptTooLong { .. }));
    assert!(generator.generate(request("the end", 0), None).await.is_err());
}

/// A job that holds the model's thread until its pieces' first reader lets go is not possible: pieces never hold
/// it up. So the queue is filled before there is a thread.
#[tokio::test]
async fn a_full_queue_is_busy_and_a_lost_thread_is_stopped() {
    let generator = generator();
    let (jobs, queue) = sync_channel(1);
    let stalled = LlamaGenerator {
        name: String::new(),
        adapter: None,
        window: 1024,
        vocabulary: Arc::clone(&generator.vocabulary),
        template: generator.template,
        jobs,
    };
    let mut waiting = Box::pin(stalled.generate(request("one", 5), None));
    assert!(poll_once(&mut waiting).await.is_none());
    let error = stalled.generate(request("two", 5), None).await.unwrap_err();
    assert!(matches!(error, GeneratorError::Busy) && error.is_transient());
    drop(queue);
    assert!(matches!(waiting.await, Err(GeneratorError::Stopped)));
    assert!(matches!(stalled.generate(request("three", 5), None).await, Err(GeneratorError::Stopped)));
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

fn worker(window: usize) -> (Worker, ChatTemplate) {
    let folder = tempfile::tempdir().unwrap();
    let Loaded { weights, vocabulary, template, ends } = load(&options(&folder).path, None).unwrap();
    let (pools, cores) = (Pools::new("test", 2).unwrap(), Arc::new(Cores::new(2)));
    let batch = Batch::new(Llama::new(weights, window, 1024), ends, 2);
    (Worker { batch, vocabulary: Arc::new(vocabulary), pools, cores }, template)
}

fn job(
    worker: &Worker,
    template: ChatTemplate,
    max_new: usize,
) -> (Job, oneshot::Receiver<Result<Finished, GeneratorError>>) {
    let prompt = template.encode(&request("the end", 1).messages, &worker.vocabulary).unwrap();
    let (reply, answer) = oneshot::channel();
    (Job { prompt, max_new, pieces: None, reply }, answer)
}

#[tokio::test]
async fn the_work_for_a_caller_that_left_ends() {
    let (mut worker, template) = worker(1024);
    let (jobs, queue) = sync_channel(2);
    // One has left before anybody looked at it, the other in the middle of its answer.
    let [(early, gone), (late, going)] = [900, 900].map(|max_new| job(&worker, template, max_new));
    drop(gone);
    let (sender, mut receiver) = mpsc::channel(1000);
    for job in [early, Job { pieces: Some(sender), ..late }] {
        jobs.send(job).unwrap();
    }
    assert!(worker.admit(&queue, &mut None) && !worker.batch.is_idle());
    for _ in 0..5 {
        worker.batch.step();
    }
    assert!(receiver.recv().await.is_some());
    drop(going);
    worker.batch.step();
    assert!(worker.batch.is_idle());
    while receiver.recv().await.is_some() {}
    drop(jobs);
    assert!(!worker.admit(&queue, &mut None));
}

#[tokio::test]
async fn a_panic_costs_what_is_worked_on_and_nothing_else() {
    let (mut worker, template) = worker(64);
    let (jobs, queue) = sync_channel(3);
    let [(one, beside), (mut two, panicked), (three, fine)] = [0; 3].map(|_| job(&worker, template, 2));
    // There is no such token: the model's code does not expect it.
    two.prompt[1] = 1_000_000;
    [one, two, three].into_iter().for_each(|job| jobs.send(job).unwrap());
    drop(jobs);
    worker.run(&queue);
    for answer in [beside, panicked] {
        let error = answer.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
    }
    assert!(fine.await.unwrap().is_ok());
}

#[tokio::test]
async fn the_adapter_in_use_is_named_with_its_sum_and_changes_the_answer() {
    use crate::models::{adapter::Precision, generator::AdapterMode};
    let (folder, bare) = (tempfile::tempdir().unwrap(), generator());
    let files = tiny::adapter("").to_files(Precision::F32).unwrap();
    let sum = files.sha256();
    let adapter = Some(AdapterOption { name: "tuned".into(), files, mode: AdapterMode::Merged });
    let tuned = LlamaGenerator::load(LlamaOptions { adapter, ..options(&folder) }).unwrap();
    assert_eq!(tuned.adapter(), Some(format!("tuned@{}", &sum[..12]).as_str()));
    assert_eq!(bare.adapter(), None);
    let ask = || request("the theory of it", 20);
    assert_ne!(tuned.generate(ask(), None).await.unwrap().text, bare.generate(ask(), None).await.unwrap().text);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: fn(&mut LlamaOptions)| {
        let mut options = options(&folder);
        change(&mut options);
        assert!(matches!(LlamaGenerator::load(options), Err(GeneratorError::Load(_))));
    };
    refused(|options| options.queue = 0);
    refused(|options| options.together = 0);
    refused(|options| options.context_window = 0);
    refused(|options| options.context_window = 1025);
    refused(|options| options.path.push("absent"));
}
