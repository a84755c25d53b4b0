#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::eval::testing::{abstaining, answerable, prediction, run_of, small_run};

/// A run of 60 questions, every third unanswerable, that answers those that `answers` says.
fn run(answers: impl Fn(usize) -> bool) -> Run {
    let (examples, predictions) = (0..60)
        .map(|at| {
            let id = format!("q{at}");
            let example = match at % 3 {
                0 => abstaining(&id, "Who built the pier?"),
                _ => answerable(&id, "How long is it?", "It is 212 metres long.", &["212 metres"]),
            };
            let prediction = match answers(at) {
                true => prediction(&example, PredictedOutcome::Answered, "212 metres", 0.75),
                false => prediction(&example, PredictedOutcome::Abstained, "", 0.25),
            };
            (example, prediction)
        })
        .unzip();
    run_of(examples, predictions)
}

#[test]
fn a_clear_gain_is_significant_in_the_right_direction() {
    let (always, well) = (run(|_| true), run(|at| at % 3 != 0));
    let found = compare(&always, &well).unwrap();
    let f1 = found.get(Metric::F1).unwrap();
    assert!((f1.difference - 1.0 / 3.0).abs() < 1e-12 && f1.verdict == Verdict::Better, "{f1:?}");
    assert_eq!(found.get(Metric::FalseAnswerRate).unwrap().verdict, Verdict::Better);
    assert_eq!(found.get(Metric::HasAnsF1).unwrap().verdict, Verdict::NotSignificant);
    assert_eq!(found.get(Metric::Coverage).unwrap().verdict, Verdict::Different);
    assert_eq!((found.gained.len(), found.lost.len()), (20, 0));
    let one = &found.gained[0];
    assert_eq!((one.first.as_str(), one.second.as_str()), ("212 metres", "[declined]"));
    let back = compare(&well, &always).unwrap();
    assert_eq!(back.get(Metric::F1).unwrap().verdict, Verdict::Worse);
    assert_eq!((back.gained.len(), back.lost.len()), (0, 20));
}

#[test]
fn a_small_gain_is_not() {
    let (one, other) = (run(|at| at % 3 != 0), run(|at| at % 3 != 0 && at != 1));
    let f1 = *compare(&one, &other).unwrap().get(Metric::F1).unwrap();
    assert!(f1.difference < 0.0 && f1.verdict == Verdict::NotSignificant && f1.p_value > 0.05, "{f1:?}");
}

#[test]
fn runs_of_other_suites_or_questions_are_refused() {
    let one = small_run();
    let mut other = small_run();
    other.card.suite.sha256 = "1".repeat(64);
    assert!(matches!(compare(&one, &other), Err(CompareError::OtherSuite { .. })));
    let mut other = small_run();
    other.examples[0].passages[0].text.push('!');
    assert!(matches!(compare(&one, &other), Err(CompareError::OtherQuestions(..))));
}

#[test]
fn what_spoils_a_comparison_is_said() {
    let one = small_run();
    let mut other = small_run();
    other.card.machine.threads = 64;
    other.card.configuration.insert("target_error".into(), 0.05.into());
    let remarks = compare(&one, &other).unwrap().remarks.join("\n");
    for words in [
        "different machines",
        "in their settings: target_error",
        "only 8 units",
        "1 questions of `small` failed",
        "by chance alone",
    ] {
        assert!(remarks.contains(words), "{remarks}");
    }
}

#[test]
fn a_figure_of_one_run_only_is_named() {
    let (one, mut other) = (small_run(), small_run());
    for prediction in &mut other.predictions {
        prediction.answer_loss = Some(crate::eval::prediction::AnswerLoss { nats: 1.0, tokens: 2 });
    }
    assert_eq!(compare(&one, &other).unwrap().only_in_one, [Metric::AnswerLoss, Metric::Perplexity]);
}
