//! A whole application on port 0 with a data directory of its own, and what tests do with it.

mod calls;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use footnote::{
    app::{App, Models, Purpose},
    config::{Config, Settings},
    delivery::DeliveryWorker,
    http,
    ingest::worker::Worker,
    models::{
        catalog::Catalog,
        encoder::SpanReader,
        weights::{ModelCache, Silent},
    },
};
use reqwest::multipart;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::OnceCell, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The model files are fetched before the first test that needs them, when they are not there: as a user would, from
/// whatever source answers.
static FILES: OnceCell<()> = OnceCell::const_new();
/// The models are loaded once for all tests.
static MODELS: OnceCell<Models> = OnceCell::const_new();

/// How long a test waits for something that will happen.
pub const PATIENCE: Duration = Duration::from_secs(300);

pub struct TestApp {
    pub app: Arc<App>,
    pub url: String,
    pub client: reqwest::Client,
    running: Running,
    // Last: the directory goes after everything that writes to it.
    dir: Option<TempDir>,
}

/// What runs for an application, and the check at its end.
struct Running {
    app: Weak<App>,
    /// Whether no job may be open at the end.
    checked: bool,
    stop: CancellationToken,
    server: JoinHandle<()>,
    worker: Option<(CancellationToken, JoinHandle<()>)>,
    deliveries: Option<JoinHandle<()>>,
}

/// The settings of a test: everything in `dir`, and no question is refused because the machine is slow.
pub fn settings(dir: &Path) -> Settings {
    let listen = Some("127.0.0.1:0".into());
    Settings { data_dir: Some(dir.to_owned()), listen, ask_wait_seconds: Some(600), ..Settings::default() }
}

/// The configuration of a test. Files are parsed by the real binary, as in production.
pub fn config(settings: Settings) -> Config {
    let mut config = Config::resolve(settings).unwrap();
    config.extract_program = PathBuf::from(env!("CARGO_BIN_EXE_footnote"));
    config
}

/// The directory of the model files, which are fetched if they are missing.
pub async fn model_files() -> PathBuf {
    let models_dir = config(settings(Path::new("/nonexistent"))).models_dir;
    FILES
        .get_or_init(|| async {
            let cache = ModelCache::new(models_dir.clone());
            tokio::task::spawn_blocking(move || {
                for artefact in Catalog::builtin().artefacts() {
                    if cache.locate(artefact).is_err() {
                        cache.pull(artefact, &Silent).unwrap();
                    }
                }
            })
            .await
            .unwrap();
        })
        .await;
    models_dir
}

/// The models.
pub async fn models() -> Models {
    model_files().await;
    let load = || async { Models::load(&config(settings(Path::new("/nonexistent"))), true).await.unwrap() };
    MODELS.get_or_init(load).await.clone()
}

/// Waits until `check` holds: looks at it again and again, and says what did not come.
pub async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while !check().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        looks.tick().await;
    }
}

impl TestApp {
    /// The embedded application in a new directory, with a worker.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, with settings of the test's own.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut app = Self::idle_with(change).await;
        app.work();
        app
    }

    /// The embedded application in a new directory, without a worker: jobs stay in the queue.
    pub async fn idle() -> Self {
        Self::idle_with(|_| {}).await
    }

    /// The same, with settings of the test's own.
    pub async fn idle_with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        change(&mut settings);
        Self { dir: Some(dir), ..Self::idle_from(config(settings)).await }
    }

    /// The application with this configuration and a worker; the caller keeps its directory.
    pub async fn start_from(config: Config) -> Self {
        let mut app = Self::idle_from(config).await;
        app.work();
        app
    }

    /// The embedded application in a new directory, with a worker and a reader of the test's own.
    pub async fn start_with_reader(reader: Arc<dyn SpanReader>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let models = Models { reader: Some(reader), ..models().await };
        let mut app = Self::idle_with_models(config(settings(dir.path())), models).await;
        app.dir = Some(dir);
        app.work();
        app
    }

    /// The application with this configuration and without a worker; the caller keeps its directory.
    pub async fn idle_from(config: Config) -> Self {
        Self::idle_with_models(config, models().await).await
    }

    /// The same with models of the test's own.
    pub async fn idle_with_models(config: Config, models: Models) -> Self {
        let app = App::with_models(config, models, Purpose { answers: true, any_index: false }).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let server = http::serve(listener, app.clone(), stop.clone(), Duration::from_secs(5));
        let server = tokio::spawn(async move { server.await.unwrap() });
        let running =
            Running { app: Arc::downgrade(&app), checked: true, stop, server, worker: None, deliveries: None };
        Self { app, url, client: client(), running, dir: None }
    }

    /// Starts a worker.
    pub fn work(&mut self) {
        let stop = self.running.stop.child_token();
        let worker = Worker::new(self.app.ingest.clone(), self.app.config.ingest_concurrency);
        self.running.worker = Some((stop.clone(), tokio::spawn(worker.run(stop))));
    }

    /// Starts a worker that delivers, and does not wait between two attempts.
    pub fn deliver(&mut self) {
        let worker = DeliveryWorker::new(self.app.deliveries.clone()).waiting(Duration::ZERO);
        self.running.deliveries = Some(tokio::spawn(worker.run(self.running.stop.child_token())));
    }

    /// Stops the worker, and waits for its end.
    pub async fn rest(&mut self) {
        let (stop, worker) = self.running.worker.take().expect("a worker runs");
        stop.cancel();
        worker.await.unwrap();
    }

    /// Stops the application in an orderly way, and waits until nothing holds its directory any more.
    pub async fn stop(self) -> (Config, Option<TempDir>) {
        let Self { app, client, mut running, dir, .. } = self;
        let config = app.config.clone();
        running.checked = false;
        running.stop.cancel();
        if let Some((_, worker)) = running.worker.take() {
            worker.await.unwrap();
        }
        if let Some(deliveries) = running.deliveries.take() {
            deliveries.await.unwrap();
        }
        drop(client);
        (&mut running.server).await.unwrap();
        let gone = Arc::downgrade(&app);
        drop(app);
        // The last connection may hold the application for a moment longer than the server.
        until("nothing holds the application any more", async || gone.strong_count() == 0).await;
        // Its fields go after its last holder, and a process that a test is just starting shares its open files until it
        // runs: the lock is free when it can be had.
        let lock = config.data_dir.join("footnote.lock");
        until("the data directory is free", async || match std::fs::File::open(&lock) {
            Ok(file) => file.try_lock().is_ok() && file.unlock().is_ok(),
            // With stores on servers nothing is locked.
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        })
        .await;
        (config, dir)
    }

    /// Stops the application and starts it again on the same data, without a worker.
    pub async fn restart(self) -> Self {
        let (config, dir) = self.stop().await;
        Self { dir, ..Self::idle_from(config).await }
    }

    /// The jobs that are open when the test ends are meant to be.
    pub fn leaves_jobs(&mut self) {
        self.running.checked = false;
    }
}

/// A client that waits for a while, and not for ever.
pub fn client() -> reqwest::Client {
    footnote::tls::prepare_clients();
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}

/// A file of a form.
pub fn file(name: &str, bytes: impl Into<Vec<u8>>) -> multipart::Part {
    multipart::Part::bytes(bytes.into()).file_name(name.to_owned())
}

/// The events of a stream: name and data.
pub fn events(text: &str) -> Vec<(String, Value)> {
    let field = |block: &str, name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    text.split("\n\n")
        .filter_map(|block| Some((field(block, "event:")?, serde_json::from_str(&field(block, "data:")?).unwrap())))
        .collect()
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        let app = self.app.upgrade().filter(|_| self.checked && !std::thread::panicking());
        let open = app.map_or(0, |app| open_jobs(&app));
        self.server.abort();
        if let Some((_, worker)) = &self.worker {
            worker.abort();
        }
        if let Some(deliveries) = &self.deliveries {
            deliveries.abort();
        }
        // The other threads of the runtime let go of the application, so that its directory can be removed.
        let deadline = Instant::now() + Duration::from_secs(2);
        while self.app.strong_count() > 0 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(open, 0, "the test left {open} jobs in the queue");
    }
}

/// Counted on a thread of its own: this one belongs to a runtime.
fn open_jobs(app: &App) -> u64 {
    let count = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(app.metadata.counts()).unwrap().open_jobs
    };
    std::thread::scope(|scope| scope.spawn(count).join()).unwrap()
}
