//! What the service tells about itself while it works: logs, traces, and what it counts.
//!
//! None of them holds a question or a document's text. May depend on `config` and `domain`.

mod collector;
pub mod metrics;
mod process;
pub mod traces;

use std::{io::IsTerminal as _, time::Duration};

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Registry,
    filter::filter_fn,
    fmt,
    layer::{Layer, SubscriberExt},
    util::SubscriberInitExt,
};

pub use metrics::{Metrics, Moment};

use crate::config::LogFormat;

/// How long the end of the program waits for the spans that are still on their way.
const FLUSH: Duration = Duration::from_secs(5);

/// Why nothing could be told.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of the log cannot be read.
    #[error("the log filter `{filter}`: {reason}")]
    Filter {
        /// The filter, as it was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Spans cannot be sent to where they should go.
    #[error("traces cannot be sent to `{endpoint}`: {reason}")]
    Endpoint {
        /// Where they should go.
        endpoint: String,
        /// Why not.
        reason: String,
    },
    /// The logs go elsewhere already.
    #[error("the logs cannot be set up: {0}")]
    Taken(String),
}

impl TelemetryError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// What is told, for as long as the program runs.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends logs to standard error, and traces to the collector at `endpoint` if there is one.
    ///
    /// A filter that cannot be read is an error, not silence. A collector that is away is none: see [`traces`].
    pub fn start(filter: &str, format: LogFormat, endpoint: Option<&str>) -> Result<Self, TelemetryError> {
        // It would be silence about everything, errors too.
        if filter.trim().is_empty() {
            let reason =
                "it is empty: give a level such as `info`, `off` to log nothing, or leave the setting away".to_owned();
            return Err(TelemetryError::Filter { filter: filter.to_owned(), reason });
        }
        // The engine warns of flags that its server sets and the embedded engine has no way to; the reader of HTML warns,
        // without saying where, of what it passes over.
        let quieted = format!("qdrant_edge::common=error,html5ever=error,{filter}");
        let filter = EnvFilter::try_new(quieted)
            .map_err(|error| TelemetryError::Filter { filter: filter.to_owned(), reason: error.to_string() })?;
        let traces = endpoint.map(traces::provider).transpose()?;
        let spans = traces.as_ref().map(|provider| {
            // Spans of this program only, and no line of the log.
            let ours = filter_fn(|told| {
                told.is_span() && *told.level() <= Level::INFO && told.target().starts_with("footnote")
            });
            let layer = tracing_opentelemetry::layer().with_tracer(traces::tracer(provider)).with_location(false);
            layer.with_threads(false).with_filter(ours.with_max_level_hint(LevelFilter::INFO))
        });
        tracing_subscriber::registry()
            .with(lines(format).with_filter(filter))
            .with(spans)
            .try_init()
            .map_err(|error| TelemetryError::Taken(error.to_string()))?;
        Ok(Self { traces })
    }

    /// Sends what is still on its way, and waits for it no longer than a few seconds.
    pub async fn end(self) {
        let Some(traces) = self.traces else { return };
        let flushing = tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(FLUSH));
        match tokio::time::timeout(2 * FLUSH, flushing).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last spans were not sent"),
            Ok(Err(_)) | Err(_) => tracing::warn!("the last spans were not sent in time"),
        }
    }
}

/// The log: a line for a person, or a JSON object for a program. Each has the spans that it belongs to, and with that of a
/// request its identifier.
fn lines(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    // Programs that collect lines would keep the colours, and find no identifier among them.
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|word| !word.is_empty());
    let colours = std::io::stderr().is_terminal() && !unwanted;
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_target(true);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).with_span_list(true).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_filter_is_an_error_and_not_silence() {
        for filter in ["", " "] {
            let error = Telemetry::start(filter, LogFormat::Text, None).map(|_| ()).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.contains("`off`")), "{error:?}");
        }
    }
}
