#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::eval::{
    prediction::AnswerLoss,
    testing::{abstaining, answerable, prediction},
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
        (Metric::RiskCoverageArea, 0.25),
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
    for metric in [Metric::CitationPrecision, Metric::GoldPassagesRead] {
        assert_eq!(metric.of(predictions.iter()), None);
    }
}

#[test]
fn a_figure_is_absent_exactly_when_no_question_counts() {
    let predictions = predictions();
    for metric in Metric::ALL {
        for subset in 0..32_u32 {
            let chosen = predictions.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1).map(|(_, one)| one);
            let any = chosen.clone().any(|one| metric.counts(one));
            assert_eq!(metric.of(chosen).is_some(), any, "{metric:?} {subset:b}");
        }
    }
}

#[test]
fn names_in_files_are_those_of_json() {
    for metric in Metric::ALL {
        assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
    }
}
