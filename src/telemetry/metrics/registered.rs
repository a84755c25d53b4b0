//! The metrics with their names, and the series that are there before anything happens.
//!
//! May depend on `domain`.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{
    Counters, Histograms, JOB_KINDS, JobEnd, Labels, Metrics, connectors::ConnectorMetrics, moment::MomentGauges,
    request_kind,
};
use crate::domain::{OutcomeKind, RequestKind};

fn seconds() -> Histogram {
    Histogram::new([0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0])
}

fn shares() -> Histogram {
    Histogram::new([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])
}

fn histograms(of: fn() -> Histogram) -> Histograms {
    Family::new_with_constructor(of)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        // The names of what every process has are those that all programs use.
        let moment = MomentGauges::register(&mut registry);
        let connectors = ConnectorMetrics::register(&mut registry);
        let ours = registry.sub_registry_with_prefix("footnote");
        macro_rules! counted {
            ($name:literal, $help:literal, $metric:expr) => {{
                let metric = $metric;
                ours.register($name, $help, metric.clone());
                metric
            }};
        }
        let version: Family<Labels<1>, Gauge> = Family::default();
        version.get_or_create(&[("version", env!("CARGO_PKG_VERSION").into())]).set(1);
        ours.register("build_info", "1, with the version of the program", version);
        let metrics = Self {
            requests: counted!("http_requests", "HTTP requests by route, method and status", Family::default()),
            request_seconds: counted!(
                "http_request_seconds",
                "Seconds until the response began, by route",
                histograms(seconds)
            ),
            answers: counted!(
                "answers",
                "Questions by how they ended and what kind of request they were",
                Family::default()
            ),
            answers_without_result: counted!(
                "answers_without_result",
                "Questions for which no passage was found",
                Counter::default()
            ),
            wordings: counted!("answers_worded", "Answers by who worded them", Family::default()),
            sentences: counted!(
                "answer_sentences",
                "Sentences by what became of them: kept, removed because no source carries them, or quoted from a source",
                Family::default()
            ),
            confidence: counted!("answer_confidence", "The confidence of answers, by outcome", histograms(shares)),
            stage_seconds: counted!("answer_stage_seconds", "Seconds of each stage of an answer", histograms(seconds)),
            tokens: counted!("generator_tokens", "Tokens of the generator by direction", Family::default()),
            failures: counted!(
                "question_failures",
                "Questions that were taken in and got no outcome, by the problem",
                Family::default()
            ),
            refused: counted!("questions_refused", "Questions that were not taken in, by reason", Family::default()),
            ingest_stage_seconds: counted!(
                "ingest_stage_seconds",
                "Seconds of each stage of an ingestion",
                histograms(seconds)
            ),
            passages: counted!(
                "ingested_passages",
                "Passages that were ingested, by whether their vector was computed or kept",
                Family::default()
            ),
            jobs: counted!("jobs_ended", "Attempts at jobs by kind and how they ended", Family::default()),
            deliveries: counted!(
                "webhook_deliveries",
                "Attempts at deliveries by webhook and how they ended",
                Family::default()
            ),
            connectors,
            moment,
            registry,
        };
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// Makes the series whose labels are known before anything happens. A rate over a series that begins with its first
    /// event misses that event, and a share of something that has no series is nothing instead of zero.
    fn begin_at_zero(&self) {
        let served = [OutcomeKind::Answered, OutcomeKind::Partial, OutcomeKind::Abstained, OutcomeKind::Clarify];
        let turned_down = [RequestKind::SmallTalk, RequestKind::Command, RequestKind::OutOfScope];
        let endings = served.map(|outcome| (outcome, RequestKind::Question));
        for (outcome, kind) in endings.into_iter().chain(turned_down.map(|kind| (OutcomeKind::Blocked, kind))) {
            let labels = [("outcome", outcome.as_str().into()), ("request", request_kind(kind).into())];
            drop(self.answers.get_or_create(&labels));
        }
        let known: [(&Counters<1>, &'static str, &[&'static str]); 6] = [
            (&self.wordings, "wording", &["generated", "quoted"]),
            (&self.sentences, "result", &["kept", "removed", "quoted"]),
            (&self.failures, "problem", &["timed-out", "busy", "unavailable", "internal"]),
            (&self.refused, "reason", &["full", "late"]),
            (&self.passages, "vector", &["computed", "kept"]),
            (&self.tokens, "direction", &["prompt", "completion"]),
        ];
        for (counters, label, values) in known {
            for value in values {
                drop(counters.get_or_create(&[(label, (*value).into())]));
            }
        }
        for kind in JOB_KINDS {
            for end in [JobEnd::Succeeded, JobEnd::Failed, JobEnd::Retried, JobEnd::Postponed, JobEnd::Dropped] {
                let labels = [("kind", kind.as_str().into()), ("result", end.as_str().into())];
                drop(self.jobs.get_or_create(&labels));
            }
        }
    }

    /// Names the webhooks that there are, so that their series begin at zero as well.
    pub fn has_webhooks<'a>(&self, names: impl Iterator<Item = &'a String>) {
        for name in names {
            for end in [JobEnd::Succeeded, JobEnd::Failed, JobEnd::Retried, JobEnd::Dropped] {
                let labels = [("webhook", name.clone().into()), ("result", end.as_str().into())];
                drop(self.deliveries.get_or_create(&labels));
            }
        }
    }
}
