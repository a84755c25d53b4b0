//! Asks the questions of a suite and scores the replies.
//!
//! Every question gives one prediction: an error, a timeout, a panic or a reply that breaks the contract is a failed
//! question, kept with its reason and scored 0, never left out.
//!
//! May depend on `eval::answerer`, `eval::suite`, `eval::scoring` and tokio.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::{JoinError, JoinSet};

use super::{
    answerer::{Answerer, Asked, Reply},
    prediction::{PredictedOutcome, Prediction},
    scoring::{self, Said},
    suite::{LoadedSuite, Mode, SuiteQuestion},
};

/// How a suite is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many questions are asked at the same time. Latencies mean something only with 1: otherwise they hold the
    /// waiting for others.
    pub concurrency: NonZeroUsize,
    /// How long a question may take.
    pub timeout: Duration,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The questions that have ended.
    pub done: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// All questions.
    pub all: usize,
}

/// Asks every question of `loaded` that is not in `known` and returns the predictions in the order of the questions.
/// `on_prediction` gets each new one as soon as it is there.
///
/// Dropping the future gives up the questions that are being answered.
pub async fn run(
    loaded: &LoadedSuite,
    answerer: Arc<dyn Answerer>,
    pace: Pace,
    mut known: HashMap<String, Prediction>,
    mut on_prediction: impl FnMut(&Prediction, Progress),
) -> Vec<Prediction> {
    let all = loaded.questions.len();
    let mut ended: Vec<Option<Prediction>> =
        loaded.questions.iter().map(|question| known.remove(&question.example.id)).collect();
    let mut tasks: JoinSet<(usize, Ended)> = JoinSet::new();
    // Which question a task answers: what a panic leaves is only the task's id.
    let mut places = HashMap::new();
    let waiting: Vec<usize> = (0..all).filter(|at| ended[*at].is_none()).collect();
    let mut waiting = waiting.into_iter();
    let failed = ended.iter().flatten().filter(|prediction| prediction.outcome == PredictedOutcome::Failed).count();
    let mut progress = Progress { done: all - waiting.len(), failed, all };
    loop {
        while tasks.len() < pace.concurrency.get() {
            let Some(at) = waiting.next() else { break };
            let asked = asked(loaded.suite.mode, &loaded.questions[at]);
            let task = ask(at, answerer.clone(), asked, pace.timeout);
            places.insert(tasks.spawn(task).id(), at);
        }
        let Some(joined) = tasks.join_next_with_id().await else { break };
        let (at, end) = match joined {
            Ok((_, (at, end))) => (at, end),
            Err(error) => {
                let Some(at) = places.get(&error.id()) else { continue };
                (*at, Ended { reply: Err(panic_message(error)), latency: Duration::ZERO, retrieval_score: None })
            }
        };
        let prediction = predict(&loaded.questions[at], end, loaded.suite.success_f1);
        progress.done += 1;
        progress.failed += usize::from(prediction.outcome == PredictedOutcome::Failed);
        on_prediction(&prediction, progress);
        ended[at] = Some(prediction);
    }
    ended.into_iter().flatten().collect()
}

/// What came of a question.
struct Ended {
    reply: Result<Reply, String>,
    latency: Duration,
    retrieval_score: Option<f64>,
}

fn asked(mode: Mode, question: &SuiteQuestion) -> Asked {
    let example = &question.example;
    Asked {
        id: example.id.clone(),
        question: example.question.clone(),
        history: example.history.clone(),
        passages: (mode == Mode::Closed).then(|| example.passages.clone()),
        expected_answer: example.answer.clone().or_else(|| example.short_answers.first().cloned()),
    }
}

async fn ask(at: usize, answerer: Arc<dyn Answerer>, asked: Asked, timeout: Duration) -> (usize, Ended) {
    if let Err(error) = answerer.prepare().await {
        return (at, Ended { reply: Err(error.to_string()), latency: Duration::ZERO, retrieval_score: None });
    }
    let started = Instant::now();
    let reply = tokio::time::timeout(timeout, answerer.answer(&asked)).await;
    let latency = started.elapsed();
    let retrieval_score = match timeout.checked_sub(latency) {
        Some(left) => tokio::time::timeout(left, answerer.retrieval_score(&asked)).await,
        None => Ok(Ok(None)),
    };
    let reply = match reply {
        Ok(Ok(reply)) => match reply.check(&asked) {
            Ok(()) => Ok(reply),
            Err(error) => Err(format!("the reply breaks the contract: {error}")),
        },
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {timeout:?}")),
    };
    let (reply, retrieval_score) = match (reply, retrieval_score) {
        (Err(error), _) => (Err(error), None),
        (Ok(reply), Ok(Ok(score))) if score.is_none_or(f64::is_finite) => (Ok(reply), score),
        (Ok(_), Ok(Ok(_))) => (Err("the score of the search is not a finite number".to_owned()), None),
        (Ok(_), Ok(Err(error))) => (Err(format!("the score of the search: {error}")), None),
        (Ok(_), Err(_)) => (Err(format!("no score of the search within {timeout:?}")), None),
    };
    (at, Ended { reply, latency, retrieval_score })
}

fn panic_message(error: JoinError) -> String {
    if !error.is_panic() {
        return format!("the question was given up: {error}");
    }
    let payload = error.into_panic();
    let said = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| payload.downcast_ref::<String>().cloned());
    format!("the system panicked: {}", said.unwrap_or_else(|| "without a message".to_owned()))
}

fn predict(question: &SuiteQuestion, ended: Ended, success_f1: f64) -> Prediction {
    let example = &question.example;
    let (reply, error) = match ended.reply {
        Ok(reply) => (reply, None),
        Err(error) => (failed_reply(), Some(error)),
    };
    let said = Said {
        outcome: reply.outcome,
        answer: &reply.answer,
        short_answer: reply.short_answer.as_deref(),
        parts: &reply.parts,
        citations: &reply.citations,
        read: reply.read.as_deref(),
    };
    let scores = scoring::score(example, said, success_f1);
    Prediction {
        id: example.id.clone(),
        document: question.document.clone(),
        expected: example.expected,
        outcome: reply.outcome,
        answer: reply.answer,
        short_answer: reply.short_answer,
        confidence: reply.confidence,
        parts: reply.parts,
        citations: reply.citations,
        retrieval_score: ended.retrieval_score,
        read: reply.read,
        answer_loss: reply.answer_loss,
        latency_ms: ended.latency.as_secs_f64() * 1000.0,
        stages_ms: reply.stages_ms,
        error,
        scores,
    }
}

/// What stands in the place of a reply that did not come.
fn failed_reply() -> Reply {
    Reply {
        outcome: PredictedOutcome::Failed,
        answer: String::new(),
        short_answer: None,
        confidence: 0.0,
        parts: Vec::new(),
        citations: Vec::new(),
        read: None,
        answer_loss: None,
        stages_ms: Default::default(),
    }
}

#[cfg(test)]
mod tests;
