#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::eval::testing::{abstaining, answerable, prediction};

fn run() -> (Vec<Example>, Vec<Prediction>) {
    let mut examples: Vec<Example> = (0..12)
        .map(|at| match at % 3 {
            0 => abstaining(&at.to_string(), "?"),
            _ => answerable(&at.to_string(), "?", "The pier.", &["pier"]),
        })
        .collect();
    for example in examples.iter_mut().take(6) {
        example.tags = vec!["tides".into()];
    }
    examples[0].tags.push("rare".into());
    examples[1].kind = Kind::Edge;
    let predictions = examples
        .iter()
        .enumerate()
        .map(|(at, example)| match at % 4 {
            0 => prediction(example, PredictedOutcome::Abstained, "", 0.1),
            3 => prediction(example, PredictedOutcome::Failed, "", 0.0),
            _ => prediction(example, PredictedOutcome::Answered, "pier", 0.5 + at as f64 / 30.0),
        })
        .collect();
    (examples, predictions)
}

#[test]
fn figures_counts_and_slices_of_a_small_run() {
    let (examples, predictions) = run();
    let settings = Resampling::new(500, 1, 0.95).unwrap();
    let asked = [Metric::F1, Metric::Perplexity, Metric::FalseAnswerRate];
    let metrics = Metrics::of(&examples, &predictions, &asked, ResampleBy::Question, &settings);
    assert_eq!(metrics.not_measured, [Metric::Perplexity]);
    assert_eq!((metrics.questions, metrics.failed()), (12, 3));
    assert_eq!(metrics.outcomes.iter().map(|counted| counted.count).sum::<usize>(), 12);
    let f1 = metrics.get(Metric::F1).unwrap();
    assert!(f1.low <= f1.value && f1.value <= f1.high && f1.low < f1.high);
    assert_eq!(metrics.get(Metric::FalseAnswerRate).unwrap().questions, 4);
    let names: Vec<(&str, usize)> = metrics.slices.iter().map(|s| (s.name.as_str(), s.questions)).collect();
    assert_eq!(names, [("task", 11), ("edge", 1), ("tides", 6)]);
    let read: Metrics = serde_json::from_str(&serde_json::to_string(&metrics).unwrap()).unwrap();
    assert_eq!((read.outcomes, read.not_measured), (metrics.outcomes, metrics.not_measured));
}

#[test]
fn documents_are_drawn_whole() {
    let (_, mut predictions) = run();
    for (at, prediction) in predictions.iter_mut().enumerate() {
        prediction.document = (at % 2).to_string();
    }
    assert_eq!(ResampleBy::Document.units(&predictions).len(), 2);
    assert_eq!(ResampleBy::Question.units(&predictions).len(), 12);
}
