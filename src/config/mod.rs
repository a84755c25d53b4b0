//! Configuration: `footnote.toml` < environment < flags. Every key has all three forms.
//!
//! [`Settings`] is what a user writes, in any of the forms; [`Config`] is what the program runs with, complete
//! and checked. Rules have a file of their own, see [`Rules`], and so have [`Connectors`]; the command line of a text
//! recognition program is an [`OcrCommand`]. May depend on `domain`.

mod connectors;
mod ocr_command;
mod rules;
mod secret;
mod settings;
mod values;

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use chrono::TimeDelta;
pub use connectors::{Connector, Connectors, SourceConfig};
pub use ocr_command::{InvalidOcrCommand, OcrCommand};
pub use rules::{Rules, SigningKey, Webhook};
pub use secret::Secret;
pub use settings::Settings;

use self::values::{
    absolute, at_least, database, invalid, is_loopback, jwt, log_format, ocr_command, otlp_endpoint, redact, seconds,
    share, some_number, some_of, stages, tls, vectors,
};
use crate::domain::{Stages, personal_data::PersonalKind};

/// The complete configuration.
#[derive(Clone)]
pub struct Config {
    /// The file that it was read from, if there was one.
    pub file: Option<PathBuf>,
    /// The database, the Edge shards and the originals of the embedded default live here.
    pub data_dir: PathBuf,
    /// The cache of model files.
    pub models_dir: PathBuf,
    /// A folder with an embedder to build indexes with instead of the one that is fetched.
    pub embedder: Option<PathBuf>,
    /// A folder with a reader to use instead of the one that ships.
    pub reader: Option<PathBuf>,
    /// The model that says whether evidence supports a sentence.
    pub support: AdapterChoice,
    /// The model that says whether a passage answers a question.
    pub reranker: AdapterChoice,
    /// The address that `serve` binds.
    pub listen: SocketAddr,
    /// A key that may do everything, as `Authorization: Bearer …`, beside those that are in the store.
    pub api_key: Option<Secret>,
    /// The identity provider whose bearer tokens are taken.
    pub jwt: Option<JwtIssuer>,
    /// How many requests one API key may send in a minute.
    pub requests_per_minute: Option<u32>,
    /// How many tokens the generator reads and writes for one API key in a minute.
    pub tokens_per_minute: Option<u32>,
    /// The files of the certificate to serve HTTPS with, and of its key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How long entries of the audit log are kept; `None` for no log.
    pub audit_kept: Option<TimeDelta>,
    /// Whether the audit log holds the questions themselves.
    pub audit_questions: bool,
    /// How long it is kept what an answer came from; `None` for not at all.
    pub traces_kept: Option<TimeDelta>,
    /// The folder with the runs that the web page shows.
    pub reports: PathBuf,
    /// Documents, jobs, generations.
    pub database: DatabaseUrl,
    /// Vectors.
    pub vectors: VectorUrl,
    /// Originals and extracted texts: `file:///…` or `s3://…`.
    pub blob_url: String,
    /// What is logged; each command has its own default.
    pub log: Option<String>,
    /// How a line of the log is written.
    pub log_format: LogFormat,
    /// The collector that traces are sent to.
    pub otlp_endpoint: Option<String>,
    /// The free room on each disk of data below which the service is not ready, in bytes.
    pub min_free_disk_bytes: u64,
    /// The largest file that is taken, in bytes.
    pub max_upload_bytes: u64,
    /// How many documents are ingested at the same time.
    pub ingest_concurrency: usize,
    /// The least share of the time in which a reindex works while questions are being answered.
    pub reindex_share: f64,
    /// The questions that a new index must answer no worse than the one before.
    pub canaries: Option<PathBuf>,
    /// The threads that a model may use.
    pub threads: usize,
    /// A GGUF file, or a folder as Hugging Face has it, with a generator to use instead of the one that is fetched.
    pub generator: Option<PathBuf>,
    /// The generator's adapter.
    pub generator_adapter: AdapterChoice,
    /// The stages of answering that are on.
    pub stages: Stages,
    /// The kinds of personal data and secrets that are blacked out in answers.
    pub redact: BTreeSet<PersonalKind>,
    /// The file that says what a confidence means, instead of the one that ships.
    pub calibration: Option<PathBuf>,
    /// The share of wrong answers that is accepted, above 0 and below 1; the threshold follows from it.
    pub target_error: Option<f64>,
    /// The suite file on which adapters are compared before one is promoted.
    pub pinned_suite: Option<PathBuf>,
    /// How many questions may wait for the generator; the next one is answered 429.
    pub ask_queue: usize,
    /// How long a question may be expected to wait behind others; one that would wait longer is answered 429.
    pub ask_wait: Duration,
    /// How long a question may take.
    pub ask_timeout: Duration,
    /// What is done about outcomes.
    pub rules: Arc<Rules>,
    /// The sources that documents are kept in step with.
    pub connectors: Arc<Connectors>,
    /// How long one file may be parsed.
    pub extract_timeout: Duration,
    /// The memory that one parser process may use, in bytes.
    pub extract_memory_bytes: u64,
    /// The text recognition program for scanned PDFs and pictures.
    pub ocr_command: Option<OcrCommand>,
    /// How long text recognition may take for one file.
    pub ocr_timeout: Duration,
    /// The program that is started to parse files: this one, with its hidden subcommand.
    pub extract_program: PathBuf,
    /// How long a stopping server waits for running requests.
    pub shutdown_grace: Duration,
}

/// An identity provider whose bearer tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtIssuer {
    /// Where its keys are: a JWK set (RFC 7517).
    pub keys: KeySource,
    /// What its tokens name as their issuer.
    pub issuer: String,
    /// What its tokens must name as their audience.
    pub audience: String,
}

/// Where a JWK set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// At an `https://` address.
    Url(String),
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// A JSON object, for a program.
    Json,
}

/// Where documents, jobs and generations are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// One SQLite file.
    Sqlite(PathBuf),
    /// A Postgres server, by its whole URL.
    Postgres(Secret),
}

/// Where vectors live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VectorUrl {
    /// Qdrant Edge in this process, in a directory.
    Edge(PathBuf),
    /// A Qdrant server, by the URL of its gRPC port.
    Server {
        /// The URL.
        url: String,
        /// The API key of the server.
        api_key: Option<Secret>,
        /// What its collections' names start with.
        prefix: String,
    },
}

/// Which adapter a model gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The one that ships with the program, if there is one.
    Shipped,
    /// None: the model runs as it comes.
    Without,
    /// The one in a folder.
    Folder(PathBuf),
}

impl AdapterChoice {
    /// What a user wrote; the folder `none` is `./none`.
    fn of(setting: Option<PathBuf>) -> Self {
        match setting {
            None => Self::Shipped,
            Some(word) if word.as_os_str() == "none" => Self::Without,
            Some(folder) => Self::Folder(folder),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        message: String,
    },
    /// A key has a value that it cannot have.
    #[error("{key} cannot be `{value}`: {expected}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it can be.
        expected: String,
    },
    /// There is no home directory to put data in.
    #[error("this user has no data directory: set FOOTNOTE_DATA_DIR")]
    NoDataDir,
}

/// The address that `serve` binds when nothing is set.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8642";
/// Where programs that speak OpenTelemetry send what they tell, unless they are told otherwise.
const OTEL_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The most hours for which it is kept what an answer came from: a year.
const MAX_TRACE_HOURS: u32 = 8_760;
/// The most days for which entries of the audit log are kept: a hundred years, leap days and all.
const MAX_AUDIT_DAYS: u32 = 36_525;
/// The most questions that may wait: there is a place for each in several queues.
const MAX_QUEUE: usize = 10_000;
/// The most threads, and documents that are ingested at the same time: beyond any machine.
const MAX_AT_ONCE: usize = 1_024;
/// The shortest API key that is taken.
const MIN_API_KEY: usize = 16;

impl Config {
    /// Reads the configuration file, if there is one, puts `settings` (environment and flags) over it, and checks
    /// the result. Without `settings.config` the file is `footnote.toml` in the working directory, if it exists.
    pub fn load(settings: Settings) -> Result<Self, ConfigError> {
        let usual = || Some(PathBuf::from("footnote.toml")).filter(|path| path.is_file());
        let file = settings.config.clone().or_else(usual);
        let below = file.as_deref().map(Settings::from_file).transpose()?.unwrap_or_default();
        Ok(Self { file, ..Self::resolve(settings.over(below))? })
    }

    /// Fills in the defaults and checks every value.
    pub fn resolve(settings: Settings) -> Result<Self, ConfigError> {
        let data_dir = match settings.data_dir {
            Some(path) => path,
            None => dirs::data_dir().ok_or(ConfigError::NoDataDir)?.join("footnote"),
        };
        let data_dir = absolute("data_dir", &data_dir)?;
        let models_dir = match settings.models_dir {
            Some(path) => path,
            None => dirs::cache_dir().ok_or(ConfigError::NoDataDir)?.join("footnote").join("models"),
        };
        let listen = settings.listen.as_deref().unwrap_or(DEFAULT_LISTEN);
        let listen: SocketAddr = listen.parse().map_err(|_| {
            invalid("listen", listen, "give an address and a port, such as 127.0.0.1:8642 or [::1]:8642")
        })?;
        let api_key = settings.api_key.map(Secret::new);
        match &api_key {
            Some(key) if key.expose().len() < MIN_API_KEY => {
                return Err(invalid("api_key", "***", "use at least 16 characters, drawn at random"));
            }
            _ => {}
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let audit_days = settings.audit_days.unwrap_or(365);
        if audit_days > MAX_AUDIT_DAYS {
            return Err(invalid("audit_days", audit_days, "give 0 to 36525, which is a hundred years"));
        }
        let trace_hours = settings.trace_hours.unwrap_or(24);
        if trace_hours > MAX_TRACE_HOURS {
            let given = trace_hours.to_string();
            return Err(invalid("trace_hours", &given, "give 0 to 8760, which is a year"));
        }
        Ok(Self {
            file: None,
            jwt: jwt(settings.jwt_keys, settings.jwt_issuer, settings.jwt_audience)?,
            requests_per_minute: some_number(settings.requests_per_minute.unwrap_or(600)),
            tokens_per_minute: some_number(settings.tokens_per_minute.unwrap_or(0)),
            tls: tls(settings.tls_certificate, settings.tls_key)?,
            audit_kept: (audit_days > 0).then(|| TimeDelta::days(i64::from(audit_days))),
            audit_questions: settings.audit_questions.unwrap_or(false),
            traces_kept: (trace_hours > 0).then(|| TimeDelta::hours(i64::from(trace_hours))),
            reports: settings.reports.unwrap_or_else(|| data_dir.join("reports")),
            database: database(settings.database_url.as_deref(), &data_dir)?,
            vectors: vectors(
                settings.vector_url.as_deref(),
                settings.vector_api_key,
                settings.vector_prefix.unwrap_or_else(|| "footnote".to_owned()),
                &data_dir,
            )?,
            blob_url: settings.blob_url.unwrap_or_else(|| format!("file://{}", data_dir.join("blobs").display())),
            embedder: settings.embedder.map(|folder| absolute("embedder", &folder)).transpose()?,
            reader: settings.reader,
            support: AdapterChoice::of(settings.support),
            reranker: AdapterChoice::of(settings.reranker),
            log: settings.log,
            log_format: log_format(settings.log_format.as_deref())?,
            otlp_endpoint: otlp_endpoint(settings.otlp_endpoint, std::env::var(OTEL_ENDPOINT).ok())?,
            min_free_disk_bytes: settings.min_free_disk_bytes.unwrap_or(256 * 1024 * 1024),
            max_upload_bytes: at_least("max_upload_bytes", settings.max_upload_bytes, 256 * 1024 * 1024, 1)?,
            ingest_concurrency: some_of("ingest_concurrency", settings.ingest_concurrency, threads + 2, MAX_AT_ONCE)?,
            reindex_share: share(
                "reindex_share",
                settings.reindex_share,
                |share| share <= 1.0,
                "up to 1, such as 0.2",
            )?
            .unwrap_or(0.2),
            canaries: settings.canaries,
            threads: some_of("threads", settings.threads, threads, MAX_AT_ONCE)?,
            // The adapter that ships was trained on the generator that is fetched.
            generator_adapter: match (settings.generator_adapter, &settings.generator) {
                (None, Some(_)) => AdapterChoice::Without,
                (choice, _) => AdapterChoice::of(choice),
            },
            generator: settings.generator,
            pinned_suite: settings.pinned_suite,
            stages: stages(settings.stages.as_deref().unwrap_or_default())?,
            redact: redact(settings.redact.as_deref())?,
            calibration: settings.calibration,
            target_error: share("target_error", settings.target_error, |share| share < 1.0, "below 1, such as 0.1")?,
            ask_queue: some_of("ask_queue", settings.ask_queue, 32, MAX_QUEUE)?,
            ask_wait: seconds("ask_wait_seconds", settings.ask_wait_seconds, 4)?,
            ask_timeout: seconds("ask_timeout_seconds", settings.ask_timeout_seconds, 300)?,
            rules: Arc::new(settings.rules.as_deref().map(Rules::from_file).transpose()?.unwrap_or_default()),
            connectors: Arc::new(
                settings.connectors.as_deref().map(Connectors::from_file).transpose()?.unwrap_or_default(),
            ),
            extract_timeout: seconds("extract_timeout_seconds", settings.extract_timeout_seconds, 50)?,
            extract_memory_bytes: at_least(
                "extract_memory_bytes",
                settings.extract_memory_bytes,
                2 * 1024 * 1024 * 1024,
                128 * 1024 * 1024,
            )?,
            ocr_command: ocr_command(settings.ocr_command.as_deref())?,
            ocr_timeout: seconds("ocr_timeout_seconds", settings.ocr_timeout_seconds, 600)?,
            shutdown_grace: seconds("shutdown_grace_seconds", settings.shutdown_grace_seconds, 20)?,
            extract_program: std::env::current_exe()
                .map_err(|error| invalid("extract_program", "this program", &error.to_string()))?,
            data_dir,
            models_dir,
            listen,
            api_key,
        })
    }

    /// A directory in the data directory for bytes that are on their way.
    pub fn scratch_dir(&self) -> PathBuf {
        self.data_dir.join("scratch")
    }

    /// Whether `serve` would listen beyond this machine.
    pub fn listens_to_the_network(&self) -> bool {
        !is_loopback(self.listen.ip())
    }

    /// Whether everything lives in this process's own data directory.
    pub fn is_embedded(&self) -> bool {
        matches!(self.database, DatabaseUrl::Sqlite(_)) || matches!(self.vectors, VectorUrl::Edge(_))
    }
}

#[cfg(test)]
mod tests;
