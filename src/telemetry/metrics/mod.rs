//! What the service counts, in Prometheus' text form: how good the answers are beside how fast they come.
//!
//! Every name stands with its meaning in the handbook ("Operating Footnote"), and a test compares the two. What only the
//! stores know is in `moment`; `connectors` has both of connectors. May depend on `domain`.

mod connectors;
mod moment;
mod registered;

use std::{borrow::Cow, collections::BTreeSet, fmt::Write as _, time::Duration};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use connectors::ConnectorMetrics;
pub use moment::Moment;
use moment::MomentGauges;

use crate::domain::{JobKind, JobStage, Outcome, OutcomeKind, RequestKind, Wording};

/// Labels with their values. The values are words of this program or names of its configuration, and never anything that a
/// request says: each value is a series of its own.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Histograms = Family<Labels<1>, Histogram, fn() -> Histogram>;

/// The kinds of jobs that there are.
const JOB_KINDS: [JobKind; 4] = [JobKind::Ingest, JobKind::Purge, JobKind::Reindex, JobKind::Deliver];

/// How a job, or an attempt at it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// It is done.
    Succeeded,
    /// It failed for good.
    Failed,
    /// It failed, and is tried again.
    Retried,
    /// It waits for a store or for room on a disk.
    Postponed,
    /// It was cancelled, taken over by another worker, or overtaken by a newer version.
    Dropped,
}

impl JobEnd {
    fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Postponed => "postponed",
            Self::Dropped => "dropped",
        }
    }
}

/// What the service counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Counters<3>,
    request_seconds: Histograms,
    answers: Counters<2>,
    answers_without_result: Counter,
    wordings: Counters<1>,
    sentences: Counters<1>,
    confidence: Histograms,
    stage_seconds: Histograms,
    tokens: Counters<1>,
    failures: Counters<1>,
    refused: Counters<1>,
    ingest_stage_seconds: Histograms,
    passages: Counters<1>,
    jobs: Counters<2>,
    deliveries: Counters<2>,
    connectors: ConnectorMetrics,
    moment: MomentGauges,
}

impl Metrics {
    /// Counts a request.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = [
            ("route", Cow::Owned(route.to_owned())),
            ("method", method.to_owned().into()),
            ("status", status.to_string().into()),
        ];
        self.request_seconds.get_or_create(&[labels[0].clone()]).observe(took.as_secs_f64());
        self.requests.get_or_create(&labels).inc();
    }

    /// Counts an answer: how it ended, how well it is carried, its stages and its tokens.
    pub fn answer(&self, outcome: &Outcome) {
        let ended = outcome.outcome.as_str();
        let kind = request_kind(outcome.question.kind);
        self.answers.get_or_create(&[("outcome", ended.into()), ("request", kind.into())]).inc();
        let usage = outcome.usage;
        if outcome.outcome == OutcomeKind::Abstained && usage.passages_read + usage.passages_left_out == 0 {
            self.answers_without_result.inc();
        }
        if outcome.outcome != OutcomeKind::Blocked {
            self.confidence.get_or_create(&[("outcome", ended.into())]).observe(outcome.confidence.into());
        }
        // A sentence has a footnote for each of its sources, all with its own beginning.
        let standing: BTreeSet<u32> = outcome.citations.iter().map(|citation| citation.answer_start).collect();
        let (wording, result) = match outcome.wording {
            Some(Wording::Generated) => (Some("generated"), "kept"),
            Some(Wording::Quoted) => (Some("quoted"), "quoted"),
            None => (None, "kept"),
        };
        if let Some(wording) = wording {
            self.wordings.get_or_create(&[("wording", wording.into())]).inc();
        }
        self.sentences.get_or_create(&[("result", result.into())]).inc_by(standing.len() as u64);
        self.sentences.get_or_create(&[("result", "removed".into())]).inc_by(usage.sentences_removed.into());
        let timings = outcome.timings_ms;
        for (stage, milliseconds) in [
            ("preprocess", timings.preprocess),
            ("retrieve", timings.retrieve),
            ("read", timings.read),
            ("generate", timings.generate),
            ("postfilter", timings.postfilter),
            ("total", timings.total),
        ] {
            self.stage_seconds.get_or_create(&[("stage", stage.into())]).observe(milliseconds / 1000.0);
        }
        for (direction, tokens) in [("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)] {
            self.tokens.get_or_create(&[("direction", direction.into())]).inc_by(tokens.into());
        }
    }

    /// Counts a question that got no outcome, by the kind of its problem.
    pub fn answer_failed(&self, problem: &str) {
        self.failures.get_or_create(&[("problem", problem.to_owned().into())]).inc();
    }

    /// Counts a question that was not taken in.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason.into())]).inc();
    }

    /// Counts a stage of an ingestion that has ended.
    pub fn ingest_stage(&self, stage: JobStage, took: Duration) {
        self.ingest_stage_seconds.get_or_create(&[("stage", stage.as_str().into())]).observe(took.as_secs_f64());
    }

    /// Counts the passages of a version that became visible.
    pub fn ingested(&self, computed: u64, kept: u64) {
        for (vector, passages) in [("computed", computed), ("kept", kept)] {
            self.passages.get_or_create(&[("vector", vector.into())]).inc_by(passages);
        }
    }

    /// Counts an attempt at a job.
    pub fn job(&self, kind: JobKind, end: JobEnd) {
        self.jobs.get_or_create(&[("kind", kind.as_str().into()), ("result", end.as_str().into())]).inc();
    }

    /// Counts an attempt to deliver to a webhook, which the configuration names.
    pub fn delivery(&self, webhook: &str, end: JobEnd) {
        let labels = [("webhook", webhook.to_owned().into()), ("result", end.as_str().into())];
        self.deliveries.get_or_create(&labels).inc();
    }

    /// The metrics as text, with those of this moment.
    pub fn render(&self, moment: &Moment) -> String {
        self.moment.set(moment);
        self.connectors.set(&moment.connectors);
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            let _ = writeln!(text, "# the metrics could not be encoded: {error}");
        }
        text
    }
}

fn request_kind(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Question => "question",
        RequestKind::Fragment => "fragment",
        RequestKind::FollowUp => "follow_up",
        RequestKind::Choice => "choice",
        RequestKind::SmallTalk => "small_talk",
        RequestKind::Command => "command",
        RequestKind::OutOfScope => "out_of_scope",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_gauges_are_told_by_their_names() {
        let metrics = Metrics::default();
        metrics.refused("full");
        metrics.ingest_stage(JobStage::Embed, Duration::from_millis(30));
        metrics.delivery("crm", JobEnd::Failed);
        let moment = Moment { questions_open: 3, disks: vec![("data", 7)], ..Moment::default() };
        let text = metrics.render(&moment);
        for line in [
            "footnote_questions_refused_total{reason=\"full\"} 1",
            "footnote_questions_refused_total{reason=\"late\"} 0",
            "footnote_ingest_stage_seconds_count{stage=\"embed\"} 1",
            "footnote_webhook_deliveries_total{webhook=\"crm\",result=\"failed\"} 1",
            "footnote_questions_open 3",
            "footnote_disk_free_bytes{place=\"data\"} 7",
        ] {
            assert!(text.lines().any(|told| told == line), "no {line} in\n{text}");
        }
    }

    #[test]
    fn a_kind_of_job_that_has_left_the_queue_is_told_as_none() {
        let metrics = Metrics::default();
        let waiting =
            crate::domain::QueuedJobs { kind: JobKind::Ingest, due: 2, later: 1, running: 0, oldest_due_seconds: 90.5 };
        let text = metrics.render(&Moment { queue: vec![waiting], ..Moment::default() });
        assert!(text.contains("footnote_queue_oldest_seconds{kind=\"ingest\"} 90.5"), "{text}");
        let text = metrics.render(&Moment::default());
        assert!(text.contains("footnote_queue_oldest_seconds{kind=\"ingest\"} 0.0"), "{text}");
        assert!(text.contains("footnote_queue_jobs{kind=\"ingest\",state=\"due\"} 0"), "{text}");
    }
}
