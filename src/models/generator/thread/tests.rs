//! The whole way from a file to streamed text, with a tiny random model.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::models::generator::{
    Role,
    tiny::{self, Shape},
};

fn options(folder: &tempfile::TempDir) -> LlamaOptions {
    let path = tiny::write(folder.path(), &Shape::default());
    LlamaOptions { path, name: "tiny".into(), adapter: None, threads: 2, context_window: 1024, queue: 1 }
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

#[tokio::test]
async fn the_work_of_a_caller_that_left_is_abandoned() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let Loaded { weights, vocabulary, template, .. } = load(&options.path, None).unwrap();
    let prompt = template.encode(&request("the caller", 1).messages, &vocabulary).unwrap();
    let (model, vocabulary) = (Llama::new(weights, 1024), Arc::new(vocabulary));
    let mut worker = Worker { model, vocabulary, ends: vec![], pool };
    let (reply, answer) = oneshot::channel();
    drop(answer);
    let (sender, mut receiver) = mpsc::channel(1000);
    let error = worker.work(&prompt, 900, &mut Some(sender), &reply).err().unwrap();
    assert!(error.to_string().contains("left"), "{error}");
    assert!(receiver.recv().await.is_none(), "nothing was generated");
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let Loaded { weights, vocabulary, template, ends } = load(&options.path, None).unwrap();
    let prompt = template.encode(&request("the end", 1).messages, &vocabulary).unwrap();
    let (model, vocabulary) = (Llama::new(weights, 64), Arc::new(vocabulary));
    let mut worker = Worker { model, vocabulary, ends, pool };
    let (jobs, queue) = sync_channel(2);
    let mut answers = Vec::new();
    // The first does not fit the window of 64, which the model asserts; the caller would have refused it.
    for max_new in [1000, 2] {
        let (reply, answer) = oneshot::channel();
        jobs.send(Job { prompt: prompt.clone(), max_new, pieces: None, reply }).unwrap();
        answers.push(answer);
    }
    drop(jobs);
    worker.run(&queue);
    let [panicked, fine] = <[_; 2]>::try_from(answers).unwrap();
    assert!(matches!(panicked.await.unwrap(), Err(GeneratorError::Failed(_))));
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
    refused(|options| options.threads = 0);
    refused(|options| options.queue = 0);
    refused(|options| options.context_window = 0);
    refused(|options| options.context_window = 1025);
    refused(|options| options.path.push("absent"));
}
