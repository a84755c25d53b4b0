//! Traces: a span for a request, a question, a job and each of their stages, sent to a collector by OTLP over HTTP.
//!
//! Spans are queued in memory, at most as many as `OTEL_BSP_MAX_QUEUE_SIZE` says, and sent by a thread of their own; when
//! the queue is full, new ones are dropped. So no request waits for a collector, and none fails with it. May depend on
//! `collector`.

use axum::http::HeaderMap;
use opentelemetry::{
    Key, KeyValue,
    propagation::TextMapPropagator as _,
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{TelemetryError, collector::Collector};

/// What the service is called where `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` do not say it.
const SERVICE: &str = "footnote";
/// Where a collector takes traces, below its address (OTLP/HTTP).
const PATH: &str = "/v1/traces";

/// What sends spans to the collector at `endpoint`, the address without `/v1/traces`.
pub(super) fn provider(endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let refused = |reason: String| TelemetryError::Endpoint { endpoint: endpoint.to_owned(), reason };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new())
        .with_endpoint(address(endpoint))
        .build()
        .map_err(|error| refused(error.to_string()))?;
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build())
}

/// What makes spans.
pub(super) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer(SERVICE)
}

/// Puts a span below the one that the headers of a request name (W3C Trace Context), if they name one.
pub fn follow(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if context.span().span_context().is_valid() {
        // Without a collector there is nothing to put anywhere.
        let _ = span.set_parent(context);
    }
}

fn address(endpoint: &str) -> String {
    format!("{}{PATH}", endpoint.trim_end_matches('/'))
}

/// Who sends: the SDK reads `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, and has a name of its own without them.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let said = Resource::builder().build().get(&Key::from_static_str("service.name"));
    let builder = Resource::builder().with_attribute(version);
    match said {
        Some(name) if !name.as_str().starts_with("unknown_service") => builder.build(),
        _ => builder.with_service_name(SERVICE).build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_to_an_address_once() {
        assert_eq!(address("http://collector:4318"), "http://collector:4318/v1/traces");
        assert_eq!(address("http://collector:4318/otlp/"), "http://collector:4318/otlp/v1/traces");
    }

    #[test]
    fn an_address_that_is_none_is_refused_with_it() {
        let error = provider("not an address").map(|_| ()).map_err(|error| error.to_string());
        assert!(error.as_ref().is_err_and(|error| error.contains("not an address")), "{error:?}");
    }
}
