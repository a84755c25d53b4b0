//! The adapter registry in a running service: swapping while questions are asked, adapters that do not load, and the
//! commands beside a server.

mod commands;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use footnote::{
    adapters::{Registry, source::AdapterSource},
    app::{App, Models, Purpose},
    domain::{Adapter, AdapterRole},
    models::{
        adapter::AdapterFiles,
        generator::{GenerateRequest, Generated, Generator, GeneratorError, Message, StopReason},
    },
    serving::{AdapterSwap, LoadAdapter, LoadError, LoadedModel, NamedAdapter},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::test_app::{TestApp, config, models, settings, until};

/// Each adapter has its own word, and what it writes stands in this document.
const WORDS: [&str; 4] = ["heron", "otter", "badger", "lynx"];
const QUESTION: &str = "What is the code word of the adapter?";

fn sentence(word: &str) -> String {
    format!("The code word of the adapter is {word}.")
}

/// A generator that knows its adapter's word and nothing else.
struct Knows {
    word: String,
    adapter: Option<String>,
    /// A permit for each draft: without any left, questions are held while they are being answered.
    gate: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

#[async_trait]
impl Generator for Knows {
    fn name(&self) -> &str {
        "knows"
    }

    fn adapter(&self) -> Option<&str> {
        self.adapter.as_deref()
    }

    fn context_window(&self) -> u32 {
        4_096
    }

    fn count_tokens(&self, text: &str) -> Result<u32, GeneratorError> {
        Ok(text.split_whitespace().count() as u32)
    }

    fn count_prompt_tokens(&self, messages: &[Message]) -> Result<u32, GeneratorError> {
        messages.iter().map(|message| self.count_tokens(&message.content)).sum()
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        pieces: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GeneratorError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        let text = sentence(&self.word);
        pieces.unwrap().send(text.clone()).await.map_err(|_| GeneratorError::Stopped)?;
        Ok(Generated {
            prompt_tokens: self.count_prompt_tokens(&request.messages)?,
            completion_tokens: self.count_tokens(&text)?,
            text,
            stop: StopReason::EndToken,
        })
    }
}

/// Makes generators of adapters, and fails for one whose word is `broken`.
struct Loader {
    gate: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    loaded: AtomicUsize,
}

impl LoadAdapter for Loader {
    fn load(&self, role: AdapterRole, adapter: Option<NamedAdapter>) -> Result<LoadedModel, LoadError> {
        if role == AdapterRole::Reader {
            return Ok(LoadedModel::Reader(None));
        }
        self.loaded.fetch_add(1, Ordering::SeqCst);
        let word = |adapter: &NamedAdapter| String::from_utf8(adapter.files.get("word").unwrap().to_vec()).unwrap();
        let own = WORDS[0].to_owned();
        let word = adapter.as_ref().map_or(own, word);
        if word == "broken" {
            return Err(LoadError::new("it has too few layers"));
        }
        let adapter = adapter.map(|adapter| format!("{}@{}", adapter.name, &adapter.files.sha256()[..12]));
        let (gate, waiting) = (self.gate.clone(), self.waiting.clone());
        Ok(LoadedModel::Generator(Arc::new(Knows { word, adapter, gate, waiting })))
    }
}

/// An application with such a generator, that holds the document.
struct Service {
    app: TestApp,
    loader: Arc<Loader>,
    _dir: TempDir,
}

async fn scripted_models(permits: usize) -> (Models, Arc<Loader>) {
    let (gate, waiting) = (Arc::new(Semaphore::new(permits)), Arc::new(AtomicUsize::new(0)));
    let loader = Arc::new(Loader { gate, waiting, loaded: AtomicUsize::new(0) });
    let LoadedModel::Generator(generator) = loader.load(AdapterRole::Generator, None).unwrap() else { panic!() };
    (
        Models { reader: None, support: None, generator: Some(generator), loader: loader.clone(), ..models().await },
        loader,
    )
}

impl Service {
    async fn start(permits: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        settings.ask_queue = Some(100);
        let (models, loader) = scripted_models(permits).await;
        let mut app = TestApp::idle_with_models(config(settings), models).await;
        app.work();
        let text = WORDS.map(sentence).join("\n\n");
        app.ingest("words.md", format!("# Code words\n\n{text}\n")).await;
        Self { app, loader, _dir: dir }
    }

    fn registry(&self) -> Registry {
        let app = &self.app.app;
        Registry::new(app.metadata.clone(), app.ingest.blobs.clone(), app.own_adapters.clone())
    }

    /// Registers an adapter with this word. One that does not load is put past the check, as if its base had changed.
    async fn add(&self, word: &str) -> Adapter {
        let mut files = AdapterFiles::default();
        files.insert("word", word.as_bytes().to_vec());
        let source = AdapterSource {
            name: word.to_owned(),
            role: AdapterRole::Generator,
            files,
            base_sha256: "b".repeat(64),
            data_versions: vec!["words 1".to_owned()],
            card: json!({}),
        };
        struct Anything;
        impl LoadAdapter for Anything {
            fn load(&self, _: AdapterRole, _: Option<NamedAdapter>) -> Result<LoadedModel, LoadError> {
                Ok(LoadedModel::Reader(None))
            }
        }
        self.registry().add(source, None, Arc::new(Anything)).await.unwrap().adapter
    }

    async fn promote(&self, adapter: &Adapter) -> Value {
        let path = format!("/v1/admin/adapters/{}/promote", adapter.id);
        let (status, entry) = self.app.post(&path, json!({"force": "a test"})).await;
        assert_eq!(status, StatusCode::OK, "{entry}");
        entry
    }

    async fn roll_back(&self) -> Value {
        let (status, entry) = self.app.post("/v1/admin/adapters/generator/rollback", json!({})).await;
        assert_eq!(status, StatusCode::OK, "{entry}");
        entry
    }

    /// What this process says that it answers with.
    async fn loaded(&self) -> Value {
        let listed = self.app.read("/v1/admin/adapters").await;
        listed["loaded"].as_array().unwrap().iter().find(|one| one["role"] == "generator").unwrap().clone()
    }

    async fn follows(&self, number: u64) {
        until("the promotion is followed", async || self.loaded().await["number"] == number).await;
    }

    fn swap(&self) -> AdapterSwap {
        self.app.app.adapter_swap().unwrap()
    }

    fn swapping(&self) -> (CancellationToken, JoinHandle<()>) {
        let stop = CancellationToken::new();
        (stop.clone(), tokio::spawn(self.swap().run(stop)))
    }

    fn asks(&self, count: usize, tasks: &mut JoinSet<(StatusCode, Value)>) {
        for _ in 0..count {
            let request = self.app.client.post(format!("{}/v1/ask", self.app.url)).json(&json!({"question": QUESTION}));
            tasks.spawn(async move {
                let response = request.send().await.unwrap();
                (response.status(), response.json().await.unwrap())
            });
        }
    }
}

/// The word that an outcome is about, after checking that the adapter that it names is the one that wrote it.
fn word_of((status, outcome): (StatusCode, Value)) -> String {
    assert_eq!((status, &outcome["outcome"]), (StatusCode::OK, &json!("answered")), "{outcome}");
    let answer = outcome["answer"].as_str().unwrap();
    let word = WORDS.into_iter().find(|word| answer == sentence(word)).unwrap_or_else(|| panic!("{outcome}"));
    assert_eq!(outcome["wording"], "generated", "{outcome}");
    match outcome["model"]["adapter"].as_str() {
        Some(adapter) => assert!(adapter.starts_with(&format!("{word}@")), "{outcome}"),
        None => assert_eq!(word, WORDS[0], "{outcome}"),
    }
    word.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_in_flight_end_with_the_models_they_began_with() {
    let service = Service::start(0).await;
    let (stop, swapping) = service.swapping();
    let (first, second) = (service.add(WORDS[1]).await, service.add(WORDS[2]).await);
    let mut tasks = [JoinSet::new(), JoinSet::new(), JoinSet::new()];
    // Before anything is promoted, and after each promotion: 50 questions, all of them being answered at once.
    for (asked, at_once) in [17, 17, 16].into_iter().enumerate() {
        match asked {
            0 => {}
            1 => drop(service.promote(&first).await),
            _ => drop(service.promote(&second).await),
        }
        service.follows(asked as u64).await;
        let before = service.loader.waiting.load(Ordering::SeqCst);
        service.asks(at_once, &mut tasks[asked]);
        until("all of them are being answered", async || {
            service.loader.waiting.load(Ordering::SeqCst) == before + at_once
        })
        .await;
    }
    service.loader.gate.add_permits(50);
    for (tasks, word) in tasks.into_iter().zip(WORDS) {
        for answered in tasks.join_all().await {
            assert_eq!(word_of(answered), word);
        }
    }
    stop.cancel();
    swapping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_questions_lose_nothing_while_adapters_come_and_go() {
    let service = Service::start(10_000).await;
    let (stop, swapping) = service.swapping();
    let mut adapters = Vec::new();
    for word in &WORDS[1..] {
        adapters.push(service.add(word).await);
    }
    let mut tasks = JoinSet::new();
    let (mut words, mut number) = (BTreeSet::new(), 0);
    for round in 0..5 {
        service.asks(10, &mut tasks);
        // Forwards and back while they are on their way.
        service.promote(&adapters[round % 3]).await;
        number += 1;
        if round % 2 == 1 {
            service.roll_back().await;
            number += 1;
        }
        service.follows(number).await;
        service.asks(1, &mut tasks);
    }
    while let Some(answered) = tasks.join_next().await {
        words.insert(word_of(answered.unwrap()));
    }
    assert!(words.len() > 1, "{words:?}");
    // What the history says serves is what answers.
    let listed = service.app.read("/v1/admin/adapters").await;
    let serving = listed["adapters"].as_array().unwrap().iter().find(|one| one["serving"] == true).unwrap();
    service.asks(1, &mut tasks);
    assert_eq!(word_of(tasks.join_next().await.unwrap().unwrap()), serving["name"].as_str().unwrap());
    stop.cancel();
    swapping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adapter_that_does_not_load_leaves_the_one_before_and_is_told() {
    let service = Service::start(100).await;
    let mut swap = service.swap();
    let (good, broken) = (service.add(WORDS[1]).await, service.add("broken").await);
    service.promote(&good).await;
    swap.look().await;
    service.promote(&broken).await;
    let before = service.loader.loaded.load(Ordering::SeqCst);
    for _ in 0..3 {
        swap.look().await;
    }
    assert_eq!(service.loader.loaded.load(Ordering::SeqCst), before + 1, "it is tried once");
    let ask = async || {
        let mut tasks = JoinSet::new();
        service.asks(1, &mut tasks);
        word_of(tasks.join_next().await.unwrap().unwrap())
    };
    assert_eq!(ask().await, WORDS[1]);
    let loaded = service.loaded().await;
    assert_eq!((&loaded["number"], &loaded["adapter"]), (&json!(1), &json!(good.id)), "{loaded}");
    assert_eq!((&loaded["failure"]["number"], &loaded["failure"]["adapter"]), (&json!(2), &json!(broken.id)));
    let text = async |path: &str| {
        let response = service.app.client.get(format!("{}{path}", service.app.url)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.text().await.unwrap()
    };
    let ready = service.app.read("/readyz").await;
    assert!(ready["ready"] == true && ready.to_string().contains("too few layers"), "{ready}");
    assert!(text("/metrics").await.contains("footnote_adapter_not_loaded{role=\"generator\"} 1"));
    // Going back needs no loading: the one before is there.
    service.roll_back().await;
    swap.look().await;
    assert_eq!(service.loader.loaded.load(Ordering::SeqCst), before + 1);
    assert_eq!(ask().await, WORDS[1]);
    assert!(!text("/readyz").await.contains("too few layers"));
    let metrics = text("/metrics").await;
    assert!(metrics.contains("footnote_adapter_not_loaded{role=\"generator\"} 0"), "{metrics}");
    assert!(metrics.contains("footnote_adapter_entry{role=\"generator\"} 3"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_takes_what_is_promoted_or_says_how_to_go_back() {
    let service = Service::start(100).await;
    let (good, broken) = (service.add(WORDS[2]).await, service.add("broken").await);
    service.promote(&good).await;
    let Service { app, _dir: dir, .. } = service;
    let (configuration, _) = app.stop().await;
    let purpose = Purpose { answers: true, any_index: false };
    let (models, _) = scripted_models(100).await;
    let started = App::with_models(configuration.clone(), models.clone(), purpose).await.unwrap();
    assert_eq!(started.answering().unwrap().generator.adapter(), Some(good.label().as_str()));
    let own = started.own_adapters.clone();
    let registry = Registry::new(started.metadata.clone(), started.ingest.blobs.clone(), own);
    registry.promote(broken.id, None, Some("a test".to_owned())).await.unwrap();
    drop(started);
    let error = format!("{:#}", App::with_models(configuration.clone(), models.clone(), purpose).await.unwrap_err());
    assert!(error.contains("too few layers") && error.contains("footnote adapters rollback generator"), "{error}");
    // What needs no answers starts all the same.
    App::with_models(configuration, models, Purpose { answers: false, any_index: false }).await.unwrap();
    drop(dir);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_routes_show_and_refuse() {
    let service = Service::start(100).await;
    let adapter = service.add(WORDS[1]).await;
    let path = format!("/v1/admin/adapters/{}", adapter.id);
    let (status, refused) = service.app.post(&format!("{path}/promote"), json!({})).await;
    assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("urn:footnote:problem:adapter-refused")));
    assert!(refused["detail"].as_str().unwrap().contains("FOOTNOTE_PINNED_SUITE"), "{refused}");
    let (status, blank) = service.app.post(&format!("{path}/promote"), json!({"force": " "})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{blank}");
    let (status, early) = service.app.post("/v1/admin/adapters/generator/rollback", json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{early}");
    let (status, _) = service.app.post("/v1/admin/adapters/embedder/rollback", json!({})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    service.promote(&adapter).await;
    let (status, twice) = service.app.post(&format!("{path}/promote"), json!({"force": "again"})).await;
    assert_eq!((status, &twice["type"]), (StatusCode::CONFLICT, &json!("urn:footnote:problem:conflict")), "{twice}");

    let shown = service.app.read(&path).await;
    assert_eq!((&shown["name"], &shown["serving"]), (&json!(WORDS[1]), &json!(true)), "{shown}");
    assert_eq!(shown["history"][0]["forced"]["reason"], "a test");
    let listed = service.app.read("/v1/admin/adapters?role=generator&limit=1").await;
    assert_eq!(listed["adapters"][0]["id"], json!(adapter.id));
    assert_eq!(listed["serving"][1]["promotion"]["number"], 1, "{listed}");
    assert_eq!(service.app.read("/v1/admin/adapters?role=reader").await["adapters"], json!([]));
    let unknown = service.app.get(&format!("/v1/admin/adapters/adp_{}", "0".repeat(32))).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
}
