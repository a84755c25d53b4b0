//! Traces, as a collector receives them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span};
use prost::Message as _;
use tokio::net::TcpListener;

use super::{ingest, question};
use crate::{
    program::Program,
    test_app::{client, until},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// What has arrived.
#[derive(Default)]
struct Received {
    bodies: Vec<Bytes>,
    spans: Vec<Span>,
    services: BTreeSet<String>,
}

type Collector = Arc<Mutex<Received>>;

async fn collect(State(received): State<Collector>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let mut received = received.lock().unwrap();
    received.bodies.push(body);
    for of_resource in request.resource_spans {
        for attribute in of_resource.resource.unwrap().attributes {
            if attribute.key == "service.name" {
                received.services.insert(format!("{:?}", attribute.value));
            }
        }
        received.spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
}

/// A collector on a port of its own.
async fn collector() -> (String, Collector) {
    let received = Collector::default();
    let router = Router::new().route("/v1/traces", post(collect)).with_state(received.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, received)
}

fn names(spans: &[&Span]) -> BTreeSet<String> {
    spans.iter().map(|span| span.name.clone()).collect()
}

fn one<'a>(spans: &[&'a Span], name: &str) -> &'a Span {
    let found: Vec<&Span> = spans.iter().copied().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "one {name} among {:?}", names(spans));
    found[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_and_an_ingestion_are_traces_with_a_span_for_each_stage() {
    let (url, received) = collector().await;
    let dir = tempfile::tempdir().unwrap();
    // The standard variable, which needs no setting of ours.
    let program = Program::new(dir.path())
        .await
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .set("OTEL_SERVICE_NAME", "footnote-under-test");
    let (served, client) = (program.serve().await, client());
    ingest(&served, &client, "kiln.md", "# Quokkaville\n\nThe kiln of Quokkaville is lit at seven.\n").await;
    let asked = client
        .post(format!("{}/v1/ask", served.url))
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .json(&question("When is the kiln of Quokkaville lit?", true));
    assert!(asked.send().await.unwrap().text().await.unwrap().contains("seven"));
    // What is on its way is sent before the end.
    let (code, log) = served.terminate(Duration::from_secs(60)).await;
    assert_eq!(code, Some(0), "{log}");

    let received = received.lock().unwrap();
    assert!(received.services.iter().all(|name| name.contains("footnote-under-test")), "{:?}", received.services);
    let of_trace = |id: &[u8]| -> Vec<&Span> { received.spans.iter().filter(|span| span.trace_id == id).collect() };
    let question = of_trace(&hex::decode(TRACE).unwrap());
    let request = one(&question, "POST /v1/ask");
    assert_eq!(hex::encode(&request.parent_span_id), PARENT);
    let answer = one(&question, "answer");
    assert_eq!(answer.parent_span_id, request.span_id);
    for stage in ["preprocess", "retrieve", "read", "generate", "act"] {
        assert_eq!(one(&question, stage).parent_span_id, answer.span_id, "{stage}");
    }
    let generate = one(&question, "generate");
    let checks: Vec<&Span> = question.iter().copied().filter(|span| span.name == "postfilter").collect();
    assert!(!checks.is_empty() && checks.iter().all(|span| span.parent_span_id == generate.span_id));
    assert_eq!(one(&question, "carry_out").parent_span_id, request.span_id);

    let all: Vec<&Span> = received.spans.iter().collect();
    let job = one(&all, "ingest");
    assert!(job.parent_span_id.is_empty(), "a job is a trace of its own");
    let ingestion = of_trace(&job.trace_id);
    for stage in ["extract", "chunk", "embed", "store"] {
        assert_eq!(one(&ingestion, stage).parent_span_id, job.span_id, "{stage}");
    }
    for body in &received.bodies {
        let text = String::from_utf8_lossy(body);
        for word in ["Quokkaville", "kiln", "seven"] {
            assert!(!text.contains(word), "{word} is in a span");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_keeps_nothing_from_being_answered() {
    // Nobody listens there any more.
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(dir.path())
        .await
        .set("FOOTNOTE_OTLP_ENDPOINT", format!("http://{away}"))
        .set("OTEL_BSP_SCHEDULE_DELAY", "50")
        .set("OTEL_BSP_MAX_QUEUE_SIZE", "8");
    let (served, client) = (program.serve().await, client());
    // More spans than there is room for.
    for _ in 0..40 {
        let ready = client.get(format!("{}/readyz", served.url)).send().await.unwrap();
        assert!(ready.status().is_success());
    }
    let mut asked = 0;
    until("something was asked three times", async || {
        let body = question("Which metal has the highest melting temperature?", false);
        let answer = client.post(format!("{}/v1/ask", served.url)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success());
        asked += 1;
        asked == 3
    })
    .await;
    let (code, log) = served.terminate(Duration::from_secs(60)).await;
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches("the collector of traces does not take spans").count(), 1, "it is said once: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_none_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::with_models_in(dir.path(), dir.path()).set("FOOTNOTE_OTLP_ENDPOINT", "collector:4318");
    let ended = program.run(&["doctor"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("otlp_endpoint") && ended.stderr.contains("http://"), "{ended:?}");
}
