#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::eval::{
    answerer::AnswererError,
    prediction::CitedSpan,
    testing::{abstaining, answerable, suite_of},
};

/// Does what the question says.
#[derive(Default)]
struct Mock {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Is ready for every other question.
#[derive(Default)]
struct Unready(AtomicUsize);

#[async_trait]
impl Answerer for Unready {
    async fn prepare(&self) -> Result<(), AnswererError> {
        match self.0.fetch_add(1, Ordering::SeqCst) % 2 {
            0 => Ok(()),
            _ => Err(AnswererError { message: "it is not there".into(), transient: true }),
        }
    }

    async fn answer(&self, _: &Asked) -> Result<Reply, AnswererError> {
        assert_eq!(self.0.load(Ordering::SeqCst) % 2, 1, "asked without being ready");
        Ok(yes())
    }
}

/// Counts a question as being answered, also when it is given up.
struct Inside<'a>(&'a Mock);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Answerer for Mock {
    async fn answer(&self, asked: &Asked) -> Result<Reply, AnswererError> {
        if asked.question == "instant" {
            return Ok(yes());
        }
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        let _inside = Inside(self);
        self.most.fetch_max(now, Ordering::SeqCst);
        // Lets the others begin.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        match asked.question.as_str() {
            "error" => Err(AnswererError { message: "the queue is full".into(), transient: true }),
            "panic" => panic!("a bug"),
            "hang" => std::future::pending().await,
            "lie" => Ok(Reply { confidence: 7.0, ..yes() }),
            "decline" => {
                Ok(Reply { outcome: PredictedOutcome::Abstained, answer: "The documents do not say.".into(), ..yes() })
            }
            "cite" => {
                let passage = &asked.passages.as_ref().unwrap()[0];
                let quote: String = passage.text.chars().take(4).collect();
                let citation = CitedSpan { passage: passage.id.clone(), start: 0, end: 4, quote };
                Ok(Reply { citations: vec![citation], ..yes() })
            }
            "open" => Ok(Reply { answer: if asked.passages.is_none() { "yes" } else { "no" }.into(), ..yes() }),
            _ => Ok(yes()),
        }
    }
}

fn yes() -> Reply {
    Reply { outcome: PredictedOutcome::Answered, answer: "yes".into(), confidence: 0.75, ..failed_reply() }
}

fn pace(concurrency: usize, timeout: Duration) -> Pace {
    Pace { concurrency: NonZeroUsize::new(concurrency).unwrap(), timeout }
}

/// Long enough that only what hangs could reach it.
const LONG: Duration = Duration::from_secs(600);

fn run_all(loaded: &LoadedSuite, mock: &Arc<Mock>, pace: Pace) -> (Vec<Prediction>, Vec<Progress>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut seen = Vec::new();
    let predictions =
        runtime.block_on(run(loaded, mock.clone(), pace, HashMap::new(), |_, progress| seen.push(progress)));
    (predictions, seen)
}

#[test]
fn a_system_that_cannot_be_made_ready_fails_the_question() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (loaded, answerer) = (suite(&["x"; 4]), Arc::<Unready>::default());
    let predictions = runtime.block_on(run(&loaded, answerer, pace(1, LONG), HashMap::new(), |_, _| ()));
    let errors: Vec<Option<&str>> = predictions.iter().map(|prediction| prediction.error.as_deref()).collect();
    assert_eq!(errors, [None, Some("it is not there"), None, Some("it is not there")]);
}

fn suite(questions: &[&str]) -> LoadedSuite {
    let examples = questions
        .iter()
        .enumerate()
        .map(|(at, question)| match *question {
            "decline" => abstaining(&at.to_string(), question),
            _ => answerable(&at.to_string(), question, "Yes.", &["yes"]),
        })
        .collect();
    suite_of(examples)
}

#[test]
fn every_question_gives_one_prediction_in_order() {
    let questions = ["x", "error", "decline", "panic", "lie", "cite", "x"];
    let (predictions, seen) = run_all(&suite(&questions), &Arc::default(), pace(3, LONG));
    let ids: Vec<&str> = predictions.iter().map(|prediction| prediction.id.as_str()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6"]);
    let errors: Vec<Option<&str>> = predictions.iter().map(|prediction| prediction.error.as_deref()).collect();
    assert_eq!(errors[1], Some("the queue is full"));
    assert_eq!(errors[3], Some("the system panicked: a bug"));
    assert!(errors[4].unwrap().contains("the confidence is 7"));
    assert_eq!([errors[0], errors[2], errors[5], errors[6]], [None; 4]);
    let f1: Vec<f64> = predictions.iter().map(|prediction| prediction.scores.f1).collect();
    assert_eq!(f1, [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
    assert_eq!(predictions[5].scores.citation_precision, Some(1.0));
    assert_eq!(seen.last(), Some(&Progress { done: 7, failed: 3, all: 7 }));
    assert_eq!(seen.len(), 7);
}

#[test]
fn a_question_that_hangs_is_given_up_after_its_time() {
    let mock = Arc::<Mock>::default();
    let (predictions, _) = run_all(&suite(&["hang", "instant"]), &mock, pace(1, Duration::from_millis(1)));
    assert_eq!(predictions[0].error.as_deref(), Some("no answer within 1ms"));
    assert_eq!(predictions[1].outcome, PredictedOutcome::Answered);
    assert_eq!(mock.now.load(Ordering::SeqCst), 0, "the question is still being answered");
}

#[test]
fn as_many_questions_at_a_time_as_allowed() {
    for concurrency in [1, 4] {
        let mock = Arc::<Mock>::default();
        run_all(&suite(&["x"; 12]), &mock, pace(concurrency, LONG));
        assert_eq!(mock.most.load(Ordering::SeqCst), concurrency);
    }
}

#[test]
fn an_open_suite_gives_no_passages() {
    let mut loaded = suite(&["open"]);
    assert_eq!(run_all(&loaded, &Arc::default(), pace(1, LONG)).0[0].answer, "no");
    loaded.suite.mode = Mode::Open;
    assert_eq!(run_all(&loaded, &Arc::default(), pace(1, LONG)).0[0].answer, "yes");
}

#[test]
fn dropping_the_run_gives_up_its_questions() {
    let (loaded, mock) = (suite(&["hang"; 3]), Arc::<Mock>::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut running = Box::pin(run(&loaded, mock.clone(), pace(3, LONG), HashMap::new(), |_, _| ()));
        while mock.now.load(Ordering::SeqCst) < 3 {
            tokio::select! {
                biased;
                _ = &mut running => unreachable!("the questions hang"),
                () = tokio::task::yield_now() => {}
            }
        }
        drop(running);
        while mock.now.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn what_is_known_is_not_asked_again() {
    let loaded = suite(&["hang", "x", "hang"]);
    let answered = run_all(&suite(&["x", "x", "x"]), &Arc::default(), pace(1, LONG)).0;
    let known = answered.into_iter().filter(|one| one.id != "1").map(|one| (one.id.clone(), one)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut new = Vec::new();
    let running = run(&loaded, Arc::<Mock>::default(), pace(1, LONG), known, |one, progress| {
        new.push((one.id.clone(), progress.done));
    });
    let ids: Vec<String> = runtime.block_on(running).into_iter().map(|one| one.id).collect();
    assert_eq!((ids, new), (vec!["0".into(), "1".into(), "2".into()], vec![("1".into(), 3)]));
}
