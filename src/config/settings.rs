//! What a user writes: the same keys as flags, environment variables and lines of `footnote.toml`.
//!
//! May depend on clap and serde only.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $key:ident: $kind:ty, $env:literal, $value:literal;)+) => {
        /// Every key, each of them optional.
        #[derive(Debug, Clone, Default, PartialEq, Deserialize, clap::Args)]
        #[serde(deny_unknown_fields)]
        #[command(next_help_heading = "Configuration (footnote.toml < environment < flags)")]
        pub struct Settings {
            /// The configuration file [default: footnote.toml in the working directory, if it exists]
            #[arg(long, global = true, env = "FOOTNOTE_CONFIG", value_name = "FILE")]
            #[serde(skip)]
            pub config: Option<PathBuf>,
            $(
                $(#[doc = $doc])+
                #[arg(long, global = true, env = $env, hide_env_values = true, value_name = $value)]
                pub $key: Option<$kind>,
            )+
        }

        impl Settings {
            /// These settings, and for each key that is not set, the value that `below` has.
            pub fn over(self, below: Self) -> Self {
                Self { config: self.config.or(below.config), $($key: self.$key.or(below.$key),)+ }
            }

            /// The keys and their environment variables, in order.
            pub const KEYS: &[(&str, &str)] = &[$((stringify!($key), $env)),+];
        }
    };
}

settings! {
    /// The directory of the database, the vectors and the originals [default: the platform's data folder]
    data_dir: PathBuf, "FOOTNOTE_DATA_DIR", "DIR";
    /// The cache of model files [default: the platform's cache folder]
    models_dir: PathBuf, "FOOTNOTE_MODELS_DIR", "DIR";
    /// The folder of another embedder, with an `embedder.json`; the index is built with it by `reindex` [default: the one that is fetched]
    embedder: PathBuf, "FOOTNOTE_EMBEDDER", "DIR";
    /// A folder with a reader, as `train reader` makes it [default: the one that ships]
    reader: PathBuf, "FOOTNOTE_READER", "DIR";
    /// The folder of a model that says whether evidence supports a sentence, or `none` [default: the one that ships]
    support: PathBuf, "FOOTNOTE_SUPPORT", "DIR";
    /// The folder of a model that says whether a passage answers, or `none` [default: the one that ships]
    reranker: PathBuf, "FOOTNOTE_RERANKER", "DIR";
    /// The address to serve on [default: 127.0.0.1:8642]
    listen: String, "FOOTNOTE_LISTEN", "ADDRESS:PORT";
    /// A key that may do everything, beside those that `footnote keys create` makes; any address but loopback needs a key
    api_key: String, "FOOTNOTE_API_KEY", "KEY";
    /// The keys of an identity provider whose bearer tokens are taken: a JWK set in a file or at an https:// address
    jwt_keys: String, "FOOTNOTE_JWT_KEYS", "FILE|URL";
    /// The issuer that such a token must name; with `jwt_keys`
    jwt_issuer: String, "FOOTNOTE_JWT_ISSUER", "ISSUER";
    /// The audience that such a token must name; with `jwt_keys`
    jwt_audience: String, "FOOTNOTE_JWT_AUDIENCE", "AUDIENCE";
    /// How many requests one API key may send in a minute, or 0 for any number [default: 600]
    requests_per_minute: u32, "FOOTNOTE_REQUESTS_PER_MINUTE", "N";
    /// How many tokens the generator reads and writes for one API key in a minute, or 0 for any number [default: 0]
    tokens_per_minute: u32, "FOOTNOTE_TOKENS_PER_MINUTE", "N";
    /// A file in PEM with the certificate to serve HTTPS with, and those that lead to its authority; with `tls_key`
    tls_certificate: PathBuf, "FOOTNOTE_TLS_CERTIFICATE", "FILE";
    /// A file in PEM with the key of the certificate
    tls_key: PathBuf, "FOOTNOTE_TLS_KEY", "FILE";
    /// How many days entries of the audit log are kept, or 0 for no log [default: 365]
    audit_days: u32, "FOOTNOTE_AUDIT_DAYS", "DAYS";
    /// Whether the audit log holds the questions themselves [default: false]
    audit_questions: bool, "FOOTNOTE_AUDIT_QUESTIONS", "true|false";
    /// How many hours it is kept what an answer came from, so that feedback can be given on it, or 0 for not at all [default: 24]
    trace_hours: u32, "FOOTNOTE_TRACE_HOURS", "HOURS";
    /// The folder with runs of `eval run` and `train` that the web page shows [default: reports in the data directory]
    reports: PathBuf, "FOOTNOTE_REPORTS", "DIR";
    /// sqlite://FILE or postgres://… [default: SQLite in the data directory]
    database_url: String, "FOOTNOTE_DATABASE_URL", "URL";
    /// edge://DIR or http://HOST:6334 of a Qdrant server [default: Qdrant Edge in the data directory]
    vector_url: String, "FOOTNOTE_VECTOR_URL", "URL";
    /// The API key of the Qdrant server
    vector_api_key: String, "FOOTNOTE_VECTOR_API_KEY", "KEY";
    /// What the collections on the Qdrant server start with [default: footnote]
    vector_prefix: String, "FOOTNOTE_VECTOR_PREFIX", "NAME";
    /// file:///DIR or s3://BUCKET/PREFIX for originals and texts [default: the data directory]
    blob_url: String, "FOOTNOTE_BLOB_URL", "URL";
    /// What is logged, such as `info` or `footnote=debug,warn` [default: info for serve and worker, else warn]
    log: String, "FOOTNOTE_LOG", "FILTER";
    /// How a line of the log is written: `text` or `json` [default: text]
    log_format: String, "FOOTNOTE_LOG_FORMAT", "FORMAT";
    /// The collector that traces are sent to by OTLP over HTTP, without `/v1/traces` [default: OTEL_EXPORTER_OTLP_ENDPOINT, else none]
    otlp_endpoint: String, "FOOTNOTE_OTLP_ENDPOINT", "URL";
    /// The free room on each disk of data below which the service is not ready, in bytes, or 0 for any [default: 268435456]
    min_free_disk_bytes: u64, "FOOTNOTE_MIN_FREE_DISK_BYTES", "BYTES";
    /// The largest file that is taken, in bytes [default: 268435456]
    max_upload_bytes: u64, "FOOTNOTE_MAX_UPLOAD_BYTES", "BYTES";
    /// How many documents are ingested at the same time [default: the number of cores, and 2]
    ingest_concurrency: usize, "FOOTNOTE_INGEST_CONCURRENCY", "N";
    /// The least share of the time in which a reindex works while questions are being answered, above 0 and up to 1 [default: 0.2]
    reindex_share: f64, "FOOTNOTE_REINDEX_SHARE", "SHARE";
    /// A JSONL file of questions that a new index must answer no worse: `question`, `document` and perhaps `collection`
    canaries: PathBuf, "FOOTNOTE_CANARIES", "FILE";
    /// The threads that a model may use [default: the number of cores]
    threads: usize, "FOOTNOTE_THREADS", "N";
    /// The generator: a GGUF file, or a folder as Hugging Face has it [default: the one that is fetched]
    generator: PathBuf, "FOOTNOTE_GENERATOR", "PATH";
    /// The folder of a LoRA adapter for the generator, or `none` [default: the one that ships]
    generator_adapter: PathBuf, "FOOTNOTE_GENERATOR_ADAPTER", "DIR";
    /// The stages of answering that are switched: `-NAME` or `+NAME` with commas, or `none` first [default: none]
    stages: String, "FOOTNOTE_STAGES", "SWITCHES";
    /// What is blacked out in answers, of secret, card, iban, national_id, phone and email, or `none` [default: secret,card,iban,national_id]
    redact: String, "FOOTNOTE_REDACT", "KINDS";
    /// The calibration of the confidence, as `eval calibrate` writes it, or `none` [default: the one that ships, with its models]
    calibration: PathBuf, "FOOTNOTE_CALIBRATION", "FILE";
    /// The share of wrong answers that is accepted, above 0 and below 1; needs a calibration [default: none]
    target_error: f64, "FOOTNOTE_TARGET_ERROR", "SHARE";
    /// The suite file on which adapters are compared before one is promoted
    pinned_suite: PathBuf, "FOOTNOTE_PINNED_SUITE", "FILE";
    /// How many questions may wait or run; beyond it the answer is 429 [default: 32]
    ask_queue: usize, "FOOTNOTE_ASK_QUEUE", "N";
    /// How long a question may be expected to wait; beyond it the answer is 429 [default: 4]
    ask_wait_seconds: u64, "FOOTNOTE_ASK_WAIT_SECONDS", "SECONDS";
    /// How long a question may take [default: 300]
    ask_timeout_seconds: u64, "FOOTNOTE_ASK_TIMEOUT_SECONDS", "SECONDS";
    /// The file of rules: what is done about outcomes, and where webhooks go [default: no rules]
    rules: PathBuf, "FOOTNOTE_RULES", "FILE";
    /// The file of connectors: the sources that documents are kept in step with [default: none]
    connectors: PathBuf, "FOOTNOTE_CONNECTORS", "FILE";
    /// How long one file may be parsed [default: 50]
    extract_timeout_seconds: u64, "FOOTNOTE_EXTRACT_TIMEOUT_SECONDS", "SECONDS";
    /// The memory that one parser process may use, in bytes [default: 2147483648]
    extract_memory_bytes: u64, "FOOTNOTE_EXTRACT_MEMORY_BYTES", "BYTES";
    /// The text recognition program (OCR) for scanned PDFs and pictures, with `{input}` and `{output}` among its arguments, or `none` [default: none]
    ocr_command: String, "FOOTNOTE_OCR_COMMAND", "COMMAND";
    /// How long text recognition may take for one file [default: 600]
    ocr_timeout_seconds: u64, "FOOTNOTE_OCR_TIMEOUT_SECONDS", "SECONDS";
    /// How long a stopping server waits for running requests [default: 20]
    shutdown_grace_seconds: u64, "FOOTNOTE_SHUTDOWN_GRACE_SECONDS", "SECONDS";
}

impl Settings {
    /// Reads a configuration file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        // The message of the parser shows the line, and a line may hold a key or a password.
        toml::from_str(&text).map_err(|error| {
            let line =
                1 + error.span().map_or(0, |span| text.get(..span.start).unwrap_or_default().matches('\n').count());
            ConfigError::Malformed { path: path.to_owned(), message: format!("line {line}: {}", error.message()) }
        })
    }
}
