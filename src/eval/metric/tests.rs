#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::{
    eval::{
        prediction::AnswerLoss,
        testing::{abstaining, answerable, pair, prediction},
    },
    train::dataset::example::Example,
};

fn predictions() -> Vec<Prediction> {
    let (pier, why) = (answerable("1", "?", "The pier.", &["pier"]), answerable("2", "?", "The tide.", &["tide"]));
    let none = abstaining("3", "?");
    let mut found = vec![
        prediction(&pier, PredictedOutcome::Answered, "pier", 0.9),
        prediction(&why, PredictedOutcome::Abstained, "", 0.2),
        prediction(&none, PredictedOutcome::Answered, "pier", 0.6),
        prediction(&none, PredictedOutcome::Abstained, "", 0.1),
        prediction(&pier, PredictedOutcome::Failed, "", 0.0),
    ];
    found[0].answer_loss = Some(AnswerLoss { nats: 2.0, tokens: 1 });
    found[1].answer_loss = Some(AnswerLoss { nats: 1.0, tokens: 2 });
    found[4].latency_ms = 60_000.0;
    found
}

#[test]
fn every_figure_by_hand() {
    let predictions = predictions();
    let expected = [
        (Metric::F1, 0.4),
        (Metric::ExactMatch, 0.4),
        (Metric::HasAnsF1, 1.0 / 3.0),
        (Metric::HasAnsExactMatch, 1.0 / 3.0),
        (Metric::NoAnsAccuracy, 0.5),
        (Metric::Success, 0.4),
        (Metric::FalseAnswerRate, 0.5),
        (Metric::WrongAbstentionRate, 1.0 / 3.0),
        (Metric::Coverage, 0.4),
        (Metric::WrongClarifyRate, 0.0),
        (Metric::RiskCoverageArea, 0.25),
        // One of three answerable questions failed, one has 0.2: no threshold covers 70 percent of them.
        (Metric::CalibrationError, (0.1 + 0.6) / 2.0),
        (Metric::CitationRecall, 0.0),
        (Metric::AnswerLoss, 1.0),
        (Metric::Perplexity, std::f64::consts::E),
        (Metric::LatencyP50, 10.0),
        (Metric::LatencyP95, 10.0),
        (Metric::Failed, 0.2),
    ];
    for (metric, value) in expected {
        let found = metric.of(predictions.iter()).unwrap();
        assert!((found - value).abs() < 1e-12, "{metric:?}: {found}");
    }
    for metric in [
        Metric::CitationPrecision,
        Metric::GoldPassagesRead,
        Metric::NoAnsAt70,
        Metric::NoAnsAt80,
        Metric::NoAnsAt70ByRetrieval,
        Metric::RiskCoverageAreaByRetrieval,
        Metric::PartsRight,
        Metric::ClarifiedRate,
    ] {
        assert_eq!(metric.of(predictions.iter()), None);
    }
}

#[test]
fn a_figure_is_absent_exactly_when_no_question_counts() {
    let predictions = predictions();
    // Those need answerable and unanswerable questions, which no question says by itself.
    let of_both = |metric: &Metric| metric.name().starts_with("no_ans_at");
    for metric in Metric::ALL.into_iter().filter(|metric| !of_both(metric)) {
        for subset in 0..32_u32 {
            let chosen = predictions.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1).map(|(_, one)| one);
            let any = chosen.clone().any(|one| metric.counts(one));
            assert_eq!(metric.of(chosen).is_some(), any, "{metric:?} {subset:b}");
        }
    }
}

#[test]
fn asking_back_and_parts_are_counted_apart() {
    let pier = answerable("1", "How long is the pier?", "The pier is 212 metres long.", &["212 metres"]);
    let none = abstaining("2", "Who built it?");
    let unclear = Example { expected: Expected::Clarify, ..abstaining("3", "How long is it?") };
    let both = pair(&pier, &none);
    let predictions = [
        prediction(&unclear, PredictedOutcome::Clarify, "Which?", 0.4),
        prediction(&unclear, PredictedOutcome::Answered, "212 metres", 0.6),
        prediction(&pier, PredictedOutcome::Clarify, "Which?", 0.4),
        prediction(&none, PredictedOutcome::Abstained, "", 0.1),
        prediction(&both, PredictedOutcome::Answered, "The pier is 212 metres long.", 0.8),
    ];
    let of = |metric: Metric| metric.of(predictions.iter()).unwrap();
    assert_eq!((of(Metric::ClarifiedRate), of(Metric::WrongClarifyRate)), (0.5, 1.0 / 3.0));
    assert_eq!((of(Metric::PartsRight), of(Metric::PartAccuracy)), (0.0, 0.5));
    // The unclear questions are neither answerable nor unanswerable.
    assert_eq!((of(Metric::NoAnsAccuracy), of(Metric::WrongAbstentionRate), of(Metric::Success)), (1.0, 0.5, 0.4));
}

#[test]
fn a_threshold_on_the_search_is_compared_with_one_on_the_confidence() {
    let (pier, none) = (answerable("1", "?", "The pier.", &["pier"]), abstaining("2", "?"));
    let scored = |example: &Example, confidence: f64, retrieval_score: f64| Prediction {
        retrieval_score: Some(retrieval_score),
        ..prediction(example, PredictedOutcome::Answered, "pier", confidence)
    };
    // The confidence knows which is which, the search has it the wrong way round.
    let predictions = [scored(&pier, 0.9, 0.3), scored(&pier, 0.8, 0.4), scored(&none, 0.2, 0.7)];
    let of = |metric: Metric| metric.of(predictions.iter()).unwrap();
    assert_eq!((of(Metric::NoAnsAt70), of(Metric::NoAnsAt80)), (1.0, 1.0));
    assert_eq!((of(Metric::NoAnsAt70ByRetrieval), of(Metric::NoAnsAt80ByRetrieval)), (0.0, 0.0));
    assert!(of(Metric::RiskCoverageArea) < of(Metric::RiskCoverageAreaByRetrieval));
}

#[test]
fn names_in_files_are_those_of_json() {
    for metric in Metric::ALL {
        assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
    }
}
