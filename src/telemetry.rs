//! Logs and metrics.
//!
//! Logs hold no document text and no question. Metrics are in Prometheus' text form. May depend on `domain`
//! and on what `metadata_store` and `serving` tell.

use std::{fmt::Write as _, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{domain::Outcome, metadata_store::StoreCounts, serving::LoadedAdapter};

/// Sends logs to standard error. A filter that cannot be read is an error, not silence.
pub fn init_logs(filter: &str) -> Result<(), String> {
    // The engine warns of flags that its server sets and the embedded engine has no way to.
    let quieted = format!("qdrant_edge::common=error,{filter}");
    let parsed = EnvFilter::try_new(quieted).map_err(|error| format!("the log filter `{filter}`: {error}"))?;
    tracing_subscriber::registry()
        .with(parsed)
        .with(fmt::layer().with_writer(std::io::stderr).with_target(true))
        .try_init()
        .map_err(|error| error.to_string())
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    name: String,
}

/// What the service counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<Label, Histogram, fn() -> Histogram>,
    answers: Family<Label, Counter>,
    stage_seconds: Family<Label, Histogram, fn() -> Histogram>,
    tokens: Family<Label, Counter>,
    stored: Family<Label, Gauge>,
    adapter_entries: Family<Label, Gauge>,
    adapters_not_loaded: Family<Label, Gauge>,
}

fn seconds() -> Histogram {
    Histogram::new([0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("footnote");
        let metrics = Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            answers: Family::default(),
            stage_seconds: Family::new_with_constructor(seconds),
            tokens: Family::default(),
            stored: Family::default(),
            adapter_entries: Family::default(),
            adapters_not_loaded: Family::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "HTTP requests by route, method and status", metrics.requests.clone());
        registry.register("http_request_seconds", "Seconds until the response began", metrics.request_seconds.clone());
        registry.register("answers", "Questions by how they ended", metrics.answers.clone());
        registry.register("answer_stage_seconds", "Seconds of each stage of an answer", metrics.stage_seconds.clone());
        registry.register("generator_tokens", "Tokens of the generator by direction", metrics.tokens.clone());
        registry.register("stored", "Documents, chunks and open jobs", metrics.stored.clone());
        registry.register(
            "adapter_entry",
            "The entry of each role's adapter history that answers, 0 for none",
            metrics.adapter_entries.clone(),
        );
        registry.register(
            "adapter_not_loaded",
            "1 while the adapter that was promoted last cannot be loaded",
            metrics.adapters_not_loaded.clone(),
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts a request.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = RequestLabels { route: route.to_owned(), method: method.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.get_or_create(&Label { name: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Counts an answer, with its stages and its tokens.
    pub fn answer(&self, outcome: &Outcome) {
        let label = |name: &str| Label { name: name.to_owned() };
        self.answers.get_or_create(&label(outcome.outcome.as_str())).inc();
        let timings = outcome.timings_ms;
        for (stage, milliseconds) in [
            ("preprocess", timings.preprocess),
            ("retrieve", timings.retrieve),
            ("read", timings.read),
            ("generate", timings.generate),
            ("postfilter", timings.postfilter),
            ("total", timings.total),
        ] {
            self.stage_seconds.get_or_create(&label(stage)).observe(milliseconds / 1000.0);
        }
        self.tokens.get_or_create(&label("prompt")).inc_by(u64::from(outcome.usage.prompt_tokens));
        self.tokens.get_or_create(&label("completion")).inc_by(u64::from(outcome.usage.completion_tokens));
    }

    /// The metrics as text, with the store's counts and the adapters of this moment.
    pub fn render(&self, counts: StoreCounts, adapters: &[LoadedAdapter]) -> String {
        for one in adapters {
            let label = Label { name: one.role.as_str().to_owned() };
            self.adapter_entries.get_or_create(&label).set(i64::from(one.number));
            self.adapters_not_loaded.get_or_create(&label).set(i64::from(one.failure.is_some()));
        }
        for (name, value) in [
            ("documents", counts.documents),
            ("active_documents", counts.active_documents),
            ("chunks", counts.chunks),
            ("open_jobs", counts.open_jobs),
        ] {
            self.stored.get_or_create(&Label { name: name.to_owned() }).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            let _ = writeln!(text, "# the metrics could not be encoded: {error}");
        }
        text
    }
}
