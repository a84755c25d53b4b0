#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::{
    adapters::refusal::in_words,
    eval::{
        prediction::PredictedOutcome,
        testing::{answerable, prediction, run_of},
    },
};

/// A run of 60 questions, the last twenty of them edge cases and the ten before failures, that gets those right that
/// `right` says.
fn run(name: &str, right: impl Fn(usize) -> bool) -> RecordedRun {
    let (examples, predictions) = (0..60)
        .map(|at| {
            let mut example =
                answerable(&format!("q{at}"), "How long is it?", "It is 212 metres long.", &["212 metres"]);
            example.kind = match at {
                40.. => Kind::Edge,
                30..40 => Kind::Failure,
                _ => Kind::Task,
            };
            let prediction = match right(at) {
                true => prediction(&example, PredictedOutcome::Answered, "212 metres", 0.75),
                false => prediction(&example, PredictedOutcome::Abstained, "", 0.25),
            };
            (example, prediction)
        })
        .unzip();
    RecordedRun { sha256: name.repeat(64), run: run_of(examples, predictions) }
}

fn weighed(serving: &RecordedRun, candidate: &RecordedRun) -> Weighed {
    weigh(AdapterRole::Reader, serving, candidate)
}

#[test]
fn a_clear_gain_is_taken_and_its_figures_are_kept() {
    let (serving, candidate) = (run("a", |at| at % 3 == 0), run("b", |at| at % 3 != 1));
    let Weighed { grounds, refusals } = weighed(&serving, &candidate);
    assert_eq!(refusals, []);
    let grounds = grounds.unwrap();
    assert_eq!((grounds.metric.as_str(), grounds.suite.as_str()), ("f1", "harbour"));
    assert!((grounds.serving - 1.0 / 3.0).abs() < 1e-9 && (grounds.candidate - 2.0 / 3.0).abs() < 1e-9, "{grounds:?}");
    assert!(grounds.low > 0.0 && grounds.p_value < 0.05, "{grounds:?}");
    assert_eq!((grounds.serving_run, grounds.candidate_run), ("a".repeat(64), "b".repeat(64)));
    assert_eq!(grounds.notes, Vec::<String>::new());
}

#[test]
fn a_gain_that_may_be_chance_is_refused_with_its_figures() {
    let (serving, candidate) = (run("a", |at| at > 0), run("b", |_| true));
    let Weighed { grounds, refusals } = weighed(&serving, &candidate);
    assert!(matches!(refusals[..], [Refusal::NotSignificant(_)]), "{refusals:?}");
    let said = in_words(&refusals);
    for words in ["F1 is 100.0%, against 98.3%", "+1.7 [", "p = "] {
        assert!(said.contains(words), "{said}");
    }
    assert!(grounds.is_some(), "what is forced is recorded with its figures");
}

#[test]
fn a_clear_loss_is_refused_as_one() {
    let Weighed { refusals, .. } = weighed(&run("a", |at| at < 30), &run("b", |_| false));
    assert!(matches!(refusals[..], [Refusal::Worse(_)]), "{refusals:?}");
    assert!(in_words(&refusals).contains("significantly worse: F1 is 0.0%, against 50.0%"), "{refusals:?}");
}

#[test]
fn a_gain_that_cost_edge_or_failure_cases_is_refused_and_names_them() {
    // Better on ordinary questions by far; of the edge cases it loses three and gains one.
    let serving = run("a", |at| at > 40 || at == 30);
    let candidate = run("b", |at| at != 41 && at != 42 && at != 43 && at != 30);
    let Weighed { refusals, .. } = weighed(&serving, &candidate);
    let [Refusal::LostCases(edge)] = &refusals[..] else { panic!("{refusals:?}") };
    assert_eq!((edge.kind, edge.questions, edge.serving, edge.candidate), ("edge", 20, 19, 17));
    assert_eq!((edge.lost.join(" "), edge.gained.join(" ")), ("q41 q42 q43".into(), "q40".into()));
    assert_eq!(
        edge.to_string(),
        "it lost on edge cases: 17 of 20 right, against 19 before (lost 3: q41, q42, q43; gained 1: q40)"
    );
    // Among the failures it lost one and gained nine: told, and no reason to refuse.
    let grounds = weighed(&serving, &candidate).grounds.unwrap();
    assert!(grounds.notes.iter().any(|note| note.contains("gained 9 and lost 1: q30")), "{:?}", grounds.notes);
    let all_lost = run("b", |at| at < 30);
    let Weighed { refusals, .. } = weighed(&serving, &all_lost);
    let kinds =
        refusals.iter().filter_map(|one| if let Refusal::LostCases(lost) = one { Some(lost.kind) } else { None });
    assert_eq!(kinds.collect::<Vec<_>>(), ["edge", "failure"]);
    assert!(in_words(&refusals).contains("q50 and 9 more"), "{}", in_words(&refusals));
}

#[test]
fn what_the_suite_says_nothing_about_is_said() {
    let ordinary = |mut recorded: RecordedRun| {
        recorded.run.examples.iter_mut().for_each(|example| example.kind = Kind::Task);
        recorded
    };
    let Weighed { grounds, refusals } = weighed(&ordinary(run("a", |_| false)), &ordinary(run("b", |_| true)));
    assert_eq!(refusals, []);
    let notes = grounds.unwrap().notes.join("; ");
    assert!(notes.contains("no edge cases") && notes.contains("no failure cases"), "{notes}");
}

#[test]
fn runs_that_differ_in_more_than_the_adapter_are_refused() {
    let with = |name: &str, models: &[(&str, &str)]| {
        let mut recorded = run(name, |_| name == "b");
        recorded.run.card.models = models.iter().map(|(part, of)| ((*part).to_owned(), (*of).to_owned())).collect();
        recorded
    };
    let serving = with("a", &[("reader_adapter", "1"), ("reader", "old"), ("generator_adapter", "2")]);
    let candidate = with("b", &[("reader_adapter", "3"), ("reader", "new"), ("generator_adapter", "2")]);
    assert_eq!(weighed(&serving, &candidate).refusals, []);
    let other = with("b", &[("reader_adapter", "3"), ("reader", "new")]);
    let refusals = weighed(&serving, &other).refusals;
    assert!(
        matches!(&refusals[..], [Refusal::OtherModels { part, .. }] if part == "generator_adapter"),
        "{refusals:?}"
    );
    assert!(in_words(&refusals).contains("was `2` beside the adapter that serves and absent"), "{refusals:?}");
    let mut asked_else = candidate.clone();
    asked_else.run.examples[0].question.push('!');
    assert!(matches!(weighed(&serving, &asked_else).refusals[..], [Refusal::Incomparable(_)]));
    let mut other_suite = candidate;
    other_suite.run.card.suite.sha256 = "1".repeat(64);
    assert!(matches!(weighed(&serving, &other_suite).refusals[..], [Refusal::Incomparable(_)]));
}

#[test]
fn the_first_figure_of_the_suite_decides() {
    let going_by = |metric: &str, mut recorded: RecordedRun| {
        recorded.run.card.suite.settings = serde_json::json!({ "metrics": [metric, "f1"] });
        recorded
    };
    let pair = |metric| (going_by(metric, run("a", |_| false)), going_by(metric, run("b", |_| true)));
    let (serving, candidate) = pair("wrong_abstention_rate");
    let Weighed { grounds, refusals } = weighed(&serving, &candidate);
    assert_eq!((refusals, grounds.unwrap().metric.as_str()), (vec![], "wrong_abstention_rate"));
    for (metric, reason) in [("coverage", "neither direction"), ("answer_loss", "not measured")] {
        let (serving, candidate) = pair(metric);
        let refusals = weighed(&serving, &candidate).refusals;
        assert!(matches!(refusals[..], [Refusal::NoDecision { .. }]), "{refusals:?}");
        assert!(in_words(&refusals).contains(reason), "{refusals:?}");
    }
}
