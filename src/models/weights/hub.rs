//! Files from the Hugging Face hub, or from a mirror of it, through the hf-hub crate.
//!
//! hf-hub sets no timeout at all, so two things are done around it: the endpoint has to answer within a few
//! seconds before anything is asked of it, and a download runs on its own thread, which is given up when no
//! byte arrives for a while. May depend on hf-hub and ureq, and on the errors and progress of its parent.

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        mpsc::{self, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use hf_hub::{Cache, Repo, RepoType, api::sync::ApiBuilder};

use super::{PullProgress, SourceError};

/// How the hub is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSettings {
    /// The address, without a slash at the end.
    pub endpoint: String,
    /// Never use the network; only what the hub's own cache on this machine holds.
    pub offline: bool,
    /// The hub's own cache on this machine, where other programs may have left the file.
    pub cache: Option<PathBuf>,
    /// The access token, for models that need one.
    pub token: Option<String>,
    /// How long the endpoint may take to answer at all.
    pub connect_timeout: Duration,
    /// How long a running download may bring nothing.
    pub stall_timeout: Duration,
}

impl HubSettings {
    /// As the hub's own tools read the environment: `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_HUB_CACHE`, `HF_HOME`,
    /// `HF_TOKEN`.
    pub fn from_env() -> Self {
        let set = |name: &str| env::var(name).ok().map(|value| value.trim().to_owned()).filter(|v| !v.is_empty());
        let home =
            set("HF_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|dir| dir.join(".cache/huggingface")));
        let cache = set("HF_HUB_CACHE").map(PathBuf::from).or_else(|| home.map(|dir| dir.join("hub")));
        let yes = |value: String| matches!(value.to_ascii_lowercase().as_str(), "1" | "on" | "yes" | "true");
        Self {
            endpoint: set("HF_ENDPOINT")
                .unwrap_or_else(|| "https://huggingface.co".into())
                .trim_end_matches('/')
                .to_owned(),
            offline: set("HF_HUB_OFFLINE").is_some_and(yes),
            token: set("HF_TOKEN").or_else(|| cache.clone().and_then(|dir| Cache::new(dir).token())),
            cache,
            connect_timeout: Duration::from_secs(4),
            stall_timeout: Duration::from_secs(60),
        }
    }
}

/// The hub, and whether it was found to answer.
#[derive(Debug, Clone)]
pub(super) struct Hub {
    settings: HubSettings,
    // Asked once: with no network, every further file would cost the whole timeout again.
    answers: Arc<OnceLock<Result<(), String>>>,
}

impl Hub {
    pub(super) fn new(settings: HubSettings) -> Self {
        Self { settings, answers: Arc::default() }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.settings.endpoint
    }

    /// The file on disk: in the hub's own cache, else downloaded into `scratch`.
    pub(super) fn fetch(
        &self,
        repo: &str,
        revision: &str,
        path: &str,
        scratch: &Path,
        progress: &dyn PullProgress,
    ) -> Result<PathBuf, SourceError> {
        let wanted = Repo::with_revision(repo.to_owned(), RepoType::Model, revision.to_owned());
        if let Some(found) = self.cached(&wanted, revision, path) {
            return Ok(found);
        }
        if self.settings.offline {
            return Err(SourceError::Unusable("HF_HUB_OFFLINE is set, and the hub's cache does not hold it".into()));
        }
        self.answers.get_or_init(|| self.knock()).clone().map_err(SourceError::Unavailable)?;
        self.download(wanted, path, scratch, progress)
    }

    fn cached(&self, repo: &Repo, revision: &str, path: &str) -> Option<PathBuf> {
        let cache = Cache::new(self.settings.cache.clone()?).repo(repo.clone());
        // A full commit has no entry under refs/: its snapshot is found by its name.
        cache.get(path).or_else(|| Some(cache.pointer_path(revision).join(path)).filter(|found| found.is_file()))
    }

    /// Whether anything answers at the endpoint, whatever the answer is.
    fn knock(&self) -> Result<(), String> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(self.settings.connect_timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        match agent.head(self.endpoint()).call() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("no answer within {:?}: {error}", self.settings.connect_timeout)),
        }
    }

    fn download(
        &self,
        repo: Repo,
        path: &str,
        scratch: &Path,
        progress: &dyn PullProgress,
    ) -> Result<PathBuf, SourceError> {
        let (report, events) = mpsc::sync_channel(256);
        let api = ApiBuilder::from_cache(Cache::new(scratch.join("hub")))
            .with_endpoint(self.settings.endpoint.clone())
            .with_token(self.settings.token.clone())
            .with_progress(false)
            .build()
            .map_err(|error| SourceError::Unusable(error.to_string()))?;
        let file = path.to_owned();
        std::thread::Builder::new().name("hub-download".into()).spawn(move || {
            let outcome = api.repo(repo).download_with_progress(&file, Events(report.clone()));
            // The other end is gone when the download was given up as stalled; nobody wants the outcome then.
            let _ = report.send(Event::Over(outcome.map_err(|error| error.to_string())));
        })?;

        let mut arrived = 0;
        let outcome = loop {
            match events.recv_timeout(self.settings.stall_timeout) {
                Ok(Event::Begun(total)) => {
                    progress.begin(&format!("fetching {path}"), Some(total));
                    arrived = 0;
                }
                Ok(Event::Arrived(bytes)) => {
                    arrived += bytes;
                    progress.at(arrived);
                }
                Ok(Event::Over(outcome)) => break outcome.map_err(SourceError::Unavailable),
                Err(RecvTimeoutError::Timeout) => {
                    let told = format!("nothing arrived for {:?}", self.settings.stall_timeout);
                    break Err(SourceError::Unavailable(told));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    break Err(SourceError::Unavailable("the download broke off".into()));
                }
            }
        };
        progress.end();
        outcome
    }
}

enum Event {
    Begun(u64),
    Arrived(u64),
    Over(Result<PathBuf, String>),
}

struct Events(SyncSender<Event>);

impl hf_hub::api::Progress for Events {
    fn init(&mut self, size: usize, _: &str) {
        let _ = self.0.send(Event::Begun(size as u64));
    }

    fn update(&mut self, size: usize) {
        let _ = self.0.send(Event::Arrived(size as u64));
    }

    fn finish(&mut self) {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::{
        io::{Read, Write},
        net::TcpListener,
        time::Instant,
    };

    use super::{super::Silent, *};

    fn settings(endpoint: String) -> HubSettings {
        HubSettings {
            endpoint,
            offline: false,
            cache: None,
            token: None,
            connect_timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_secs(60),
        }
    }

    fn fetch(settings: HubSettings) -> Result<PathBuf, SourceError> {
        let scratch = tempfile::tempdir().unwrap();
        Hub::new(settings).fetch("o/m", "main", "f.bin", scratch.path(), &Silent)
    }

    #[test]
    fn a_closed_port_fails_at_once() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let started = Instant::now();
        let error = fetch(settings(format!("http://127.0.0.1:{port}"))).unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("no answer"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_server_that_never_answers_is_given_up_and_not_asked_again() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut settings = settings(format!("http://{}", silent.local_addr().unwrap()));
        settings.connect_timeout = Duration::from_millis(300);
        let hub = Hub::new(settings);
        let scratch = tempfile::tempdir().unwrap();
        let started = Instant::now();
        for _ in 0..200 {
            assert!(hub.fetch("o/m", "main", "f.bin", scratch.path(), &Silent).unwrap_err().is_transient());
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    }

    /// Answers each connection with what `answer` makes of the request line, then leaves it open or closes it.
    fn server(answer: impl Fn(&str) -> (Vec<u8>, bool) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    request.push(byte[0]);
                }
                let (bytes, keep) = answer(&String::from_utf8_lossy(&request));
                let _ = stream.write_all(&bytes);
                if keep {
                    open.push(stream);
                }
            }
        });
        address
    }

    fn hub_reply(request: &str, body: &[u8], claimed: usize) -> Vec<u8> {
        let lower = request.to_ascii_lowercase();
        let (status, part) =
            if lower.contains("bytes=0-0") { ("206 Partial Content", &body[..1]) } else { ("200 OK", body) };
        let length = if part.len() == 1 { 1 } else { claimed };
        let head = format!(
            "HTTP/1.1 {status}\r\netag: \"abc\"\r\nx-repo-commit: c0ffee\r\ncontent-range: bytes 0-0/{claimed}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        if request.starts_with("HEAD") {
            return head.into_bytes();
        }
        [head.as_bytes(), part].concat()
    }

    #[test]
    fn a_file_is_downloaded_from_the_endpoint_it_was_told() {
        let endpoint = server(|request| (hub_reply(request, b"weights", 7), false));
        let scratch = tempfile::tempdir().unwrap();
        let found = Hub::new(settings(endpoint)).fetch("o/m", "main", "f.bin", scratch.path(), &Silent).unwrap();
        assert_eq!(std::fs::read(found).unwrap(), b"weights");
    }

    #[test]
    fn a_download_that_stops_half_way_is_given_up() {
        let endpoint = server(|request| {
            let body = !request.starts_with("HEAD") && !request.to_ascii_lowercase().contains("bytes=0-0");
            (hub_reply(request, b"weights", 7_000_000), body)
        });
        let started = Instant::now();
        let settings = HubSettings { stall_timeout: Duration::from_millis(300), ..settings(endpoint) };
        let error = fetch(settings).unwrap_err();
        assert!(error.to_string().contains("nothing arrived"), "{error}");
        assert!(error.is_transient() && started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn offline_means_the_hubs_cache_only() {
        let cache = tempfile::tempdir().unwrap();
        let mut offline = settings("http://127.0.0.1:1".into());
        (offline.offline, offline.cache) = (true, Some(cache.path().to_owned()));
        let error = fetch(offline.clone()).unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains("HF_HUB_OFFLINE"), "{error}");

        let snapshot = cache.path().join("models--o--m/snapshots/main");
        std::fs::create_dir_all(&snapshot).unwrap();
        std::fs::write(snapshot.join("f.bin"), b"here").unwrap();
        assert_eq!(std::fs::read(fetch(offline).unwrap()).unwrap(), b"here");
    }
}
