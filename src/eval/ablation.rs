//! What each stage of answering brings and costs: a suite is asked with the default stages, and once for each stage with
//! that stage switched.
//!
//! All differences are "with the stage less without it", whichever of the two is the default. A stage earns its
//! milliseconds when, on one suite at least that can show what it is for, task success is significantly better with it
//! (paired bootstrap, the suite's level), and on none significantly worse. Where nothing is better or worse, a stage whose
//! median costs no more than [`FREE_MS`], or no more than two runs of the same stages differ by, is free; any other does
//! not earn them. Task success is the one figure that is judged: it counts false answers, wrong abstentions, parts and
//! asking back alike, and one figure needs no correction for having looked at several.
//!
//! May depend on `eval::run`, `eval::compare`, `eval::bootstrap`, `eval::metric`, `eval::suite` and `domain`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    bootstrap::Resampling,
    compare::{CompareError, ComparedMetric, Verdict, check_same, compare_metric},
    metric::Metric,
    run::Run,
    suite::Mode,
};
use crate::{
    domain::{Stage, Stages},
    train::dataset::example::{Example, Expected},
};

/// The milliseconds at the median that nobody notices.
pub const FREE_MS: f64 = 2.0;
/// The figures of the table.
pub const FIGURES: [Metric; 6] =
    [Metric::Success, Metric::F1, Metric::NoAnsAccuracy, Metric::FalseAnswerRate, Metric::Coverage, Metric::LatencyP50];

/// What a suite can show of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "can", content = "why")]
pub enum Sight {
    /// What it brings and what it harms.
    Whole,
    /// Only what it harms: no question is one of those that the stage is for.
    HarmOnly(&'static str),
    /// Nothing: the stage has nothing to work on, and is not measured.
    Nothing(&'static str),
}

/// What questions like these can show of a stage.
pub fn sight(stage: Stage, examples: &[Example], mode: Mode) -> Sight {
    let any = |holds: fn(&Example) -> bool| examples.iter().any(holds);
    match stage {
        Stage::FollowUps if !any(|example| !example.history.is_empty()) => {
            Sight::Nothing("no question goes on with a conversation")
        }
        Stage::Rerank if mode == Mode::Closed => Sight::Nothing("the passages are given, so nothing is searched"),
        Stage::Parts if !any(|example| !example.parts.is_empty()) => Sight::HarmOnly("no question asks several things"),
        Stage::Clarify if !any(|example| example.expected == Expected::Clarify) => {
            Sight::HarmOnly("no question has several readings")
        }
        _ => Sight::Whole,
    }
}

/// A run of the suite that an ablation needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Its name: `default`, `without-spelling`, `with-rerank`, or `default-again`.
    pub name: String,
    /// The stage that is switched; none in the two runs of the default.
    pub switched: Option<Stage>,
    /// The stages that are on.
    pub stages: Stages,
}

/// The name of the first run.
pub const DEFAULT: &str = "default";
/// The name of the run that shows how far two runs of the same stages differ.
pub const AGAIN: &str = "default-again";

/// The runs of a suite, in order; stages that it can show nothing of have none.
pub fn variants(base: &Stages, examples: &[Example], mode: Mode) -> Vec<Variant> {
    let plain = |name: &str| Variant { name: name.to_owned(), switched: None, stages: base.clone() };
    let switched = Stage::ALL
        .into_iter()
        .filter(|stage| !matches!(sight(*stage, examples, mode), Sight::Nothing(_)))
        .map(|stage| Variant {
            name: format!("{}-{}", if base.has(stage) { "without" } else { "with" }, stage.as_str()),
            switched: Some(stage),
            stages: base.clone().with(stage, !base.has(stage)),
        });
    std::iter::once(plain(DEFAULT)).chain(switched).chain([plain(AGAIN)]).collect()
}

/// A stage on a suite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The stage; absent for the default against itself.
    pub stage: Option<Stage>,
    /// The suite.
    pub suite: String,
    /// The questions.
    pub questions: usize,
    /// What the suite can show of it.
    pub sight: Sight,
    /// The questions that ended otherwise: with another outcome or another answer.
    pub changed: usize,
    /// The figures with the stage less those without it; empty where it was not measured.
    pub figures: Vec<ComparedMetric>,
}

impl Row {
    /// One of the figures.
    pub fn get(&self, metric: Metric) -> Option<&ComparedMetric> {
        self.figures.iter().find(|compared| compared.metric == metric)
    }

    fn is(&self, verdict: Verdict) -> bool {
        self.get(Metric::Success).is_some_and(|success| success.verdict == verdict)
    }
}

/// What was found of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Success is better with it.
    Earns,
    /// It changes nothing that can be told from chance, and costs nothing that can be noticed.
    Free,
    /// It costs time, and brings nothing that can be told from chance.
    DoesNotEarn,
    /// Success is worse with it.
    Harms,
    /// Better on one suite and worse on another.
    Mixed,
    /// No suite shows what it is for.
    NotShown,
}

impl Finding {
    /// The words that are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Earns => "earns its milliseconds",
            Self::Free => "free, and brings nothing here",
            Self::DoesNotEarn => "does not earn its milliseconds",
            Self::Harms => "harms",
            Self::Mixed => "better here and worse there",
            Self::NotShown => "not judged: no suite shows what it is for",
        }
    }

    /// Whether it should be on by default; absent where these suites do not decide.
    pub fn wanted(self) -> Option<bool> {
        match self {
            Self::Earns => Some(true),
            Self::DoesNotEarn | Self::Harms => Some(false),
            Self::Free | Self::Mixed | Self::NotShown => None,
        }
    }
}

/// What was found of a stage on all suites.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// The stage.
    pub stage: Stage,
    /// Whether it is on by default.
    pub default: bool,
    /// What was found.
    pub finding: Finding,
    /// Whether the default should be the other one.
    pub default_is_wrong: bool,
}

/// An ablation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ablation {
    /// The models of the first run, by their part.
    pub models: BTreeMap<String, String>,
    /// The stages that are on where nothing is switched.
    pub base: Vec<&'static str>,
    /// The rows: stage by stage, suite by suite, and at the end the default against itself.
    pub rows: Vec<Row>,
    /// What was found of each stage.
    pub judgements: Vec<Judgement>,
}

/// The runs of one suite: the default, each stage that was switched, and the default again.
pub struct SuiteRuns {
    /// What was asked.
    pub mode: Mode,
    /// The default.
    pub default: Run,
    /// The stages that were switched.
    pub switched: Vec<(Stage, Run)>,
    /// The default again.
    pub again: Run,
}

impl SuiteRuns {
    /// All of them.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        [&self.default, &self.again].into_iter().chain(self.switched.iter().map(|(_, run)| run))
    }
}

/// Puts the runs of one or more suites together.
pub fn ablation(base: &Stages, suites: &[SuiteRuns]) -> Result<Ablation, CompareError> {
    let mut rows = Vec::new();
    for stage in Stage::ALL {
        for suite in suites {
            rows.push(row_of(stage, base, suite)?);
        }
    }
    let mut controls = Vec::new();
    for suite in suites {
        let figures = figures(&suite.default, &suite.again)?;
        controls.push(Row {
            stage: None,
            suite: suite.default.card.suite.name.clone(),
            questions: suite.default.predictions.len(),
            sight: Sight::Whole,
            changed: changed(&suite.default, &suite.again),
            figures,
        });
    }
    let judgements = Stage::ALL.into_iter().map(|stage| judge(stage, &rows, &controls)).collect();
    rows.extend(controls);
    Ok(Ablation {
        models: suites.first().map(|suite| suite.default.card.models.clone()).unwrap_or_default(),
        base: base.iter().map(Stage::as_str).collect(),
        rows,
        judgements,
    })
}

fn row_of(stage: Stage, base: &Stages, suite: &SuiteRuns) -> Result<Row, CompareError> {
    let default = &suite.default;
    let row = Row {
        stage: Some(stage),
        suite: default.card.suite.name.clone(),
        questions: default.predictions.len(),
        sight: sight(stage, &default.examples, suite.mode),
        changed: 0,
        figures: Vec::new(),
    };
    let Some((_, switched)) = suite.switched.iter().find(|(of, _)| *of == stage) else { return Ok(row) };
    let (without, with) = if base.has(stage) { (switched, default) } else { (default, switched) };
    Ok(Row { changed: changed(without, with), figures: figures(without, with)?, ..row })
}

fn figures(without: &Run, with: &Run) -> Result<Vec<ComparedMetric>, CompareError> {
    check_same(without, with)?;
    let resampling = Resampling::new(without.metrics.resamples, without.card.seed, without.metrics.level)?;
    let units = without.metrics.resample_by.units(&without.predictions);
    Ok(FIGURES.into_iter().filter_map(|metric| compare_metric(metric, without, with, &units, &resampling)).collect())
}

fn changed(one: &Run, other: &Run) -> usize {
    let pairs = one.predictions.iter().zip(&other.predictions);
    pairs.filter(|(one, other)| (one.outcome, &one.answer) != (other.outcome, &other.answer)).count()
}

fn judge(stage: Stage, rows: &[Row], controls: &[Row]) -> Judgement {
    let measured: Vec<&Row> = rows.iter().filter(|row| row.stage == Some(stage) && !row.figures.is_empty()).collect();
    let better = measured.iter().any(|row| row.sight == Sight::Whole && row.is(Verdict::Better));
    let worse = measured.iter().any(|row| row.is(Verdict::Worse));
    let shown = measured.iter().any(|row| row.sight == Sight::Whole && row.changed > 0);
    let finding = match (better, worse) {
        (true, true) => Finding::Mixed,
        (true, false) => Finding::Earns,
        (false, true) => Finding::Harms,
        (false, false) if !shown => Finding::NotShown,
        (false, false) if measured.iter().all(|row| is_free(row, controls)) => Finding::Free,
        (false, false) => Finding::DoesNotEarn,
    };
    let default = stage.is_default();
    let default_is_wrong = finding.wanted().is_some_and(|wanted| wanted != default);
    Judgement { stage, default, finding, default_is_wrong }
}

/// Whether the median rises by no more than nobody notices, or than it does between two runs of the same stages.
fn is_free(row: &Row, controls: &[Row]) -> bool {
    let noise = controls.iter().find(|control| control.suite == row.suite);
    let noise = noise.and_then(|control| control.get(Metric::LatencyP50)).map_or(0.0, |p50| p50.difference.abs());
    row.get(Metric::LatencyP50).is_none_or(|p50| p50.difference <= FREE_MS.max(noise))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{
        eval::{
            prediction::{PredictedOutcome, Prediction},
            testing::{answerable, pair, prediction, run_of},
        },
        train::dataset::example::Exchange,
    };

    fn examples() -> Vec<Example> {
        (0..40).map(|at| answerable(&format!("q{at}"), "How long is it?", "It is long.", &["212 metres"])).collect()
    }

    /// A run in which the first `right` questions are answered rightly, each in `ms` milliseconds.
    fn run(right: usize, ms: f64) -> Run {
        let examples = examples();
        let said = |(at, example): (usize, &Example)| {
            let answer = if at < right { "212 metres" } else { "a mile" };
            Prediction {
                latency_ms: ms + (at % 5) as f64,
                ..prediction(example, PredictedOutcome::Answered, answer, 0.5)
            }
        };
        let predictions = examples.iter().enumerate().map(said).collect();
        run_of(examples, predictions)
    }

    /// An ablation in which only the rerank (off by default) and the literal check (on) were switched.
    fn ablated(rerank: (usize, f64), literal: (usize, f64), again: f64) -> Ablation {
        let switched = vec![(Stage::Rerank, run(rerank.0, rerank.1)), (Stage::Literal, run(literal.0, literal.1))];
        let suite = SuiteRuns { mode: Mode::Open, default: run(20, 100.0), switched, again: run(20, again) };
        ablation(&Stages::default(), &[suite]).unwrap()
    }

    fn found(ablation: &Ablation, stage: Stage) -> (Finding, bool) {
        let judged = ablation.judgements.iter().find(|judged| judged.stage == stage).unwrap();
        (judged.finding, judged.default_is_wrong)
    }

    #[test]
    fn differences_are_with_the_stage_less_without_it() {
        let ablation = ablated((30, 150.0), (10, 98.0), 100.0);
        let of = |stage| ablation.rows.iter().find(|row| row.stage == Some(stage)).unwrap();
        let (rerank, literal) = (of(Stage::Rerank), of(Stage::Literal));
        assert!((rerank.get(Metric::Success).unwrap().difference - 0.25).abs() < 1e-9);
        assert!((rerank.get(Metric::LatencyP50).unwrap().difference - 50.0).abs() < 1e-9);
        // It is on by default, so the run without it is the switched one.
        assert!((literal.get(Metric::Success).unwrap().difference - 0.25).abs() < 1e-9);
        assert!((literal.get(Metric::LatencyP50).unwrap().difference - 2.0).abs() < 1e-9);
        assert_eq!((rerank.changed, literal.changed), (10, 10));
        assert_eq!(found(&ablation, Stage::Rerank), (Finding::Earns, true), "it is off by default");
        assert_eq!(found(&ablation, Stage::Literal), (Finding::Earns, false));
        assert_eq!(found(&ablation, Stage::Spelling), (Finding::NotShown, false));
    }

    #[test]
    fn a_stage_that_brings_nothing_has_to_be_free() {
        let ablation = ablated((21, 130.0), (30, 90.0), 100.0);
        assert_eq!(found(&ablation, Stage::Rerank), (Finding::DoesNotEarn, false));
        assert_eq!(found(&ablation, Stage::Literal), (Finding::Harms, true));
        assert_eq!(found(&ablated((21, 101.5), (19, 70.0), 100.0), Stage::Rerank).0, Finding::Free);
        // Two runs of the same stages differ by as much.
        assert_eq!(found(&ablated((21, 130.0), (19, 70.0), 140.0), Stage::Literal).0, Finding::Free);
        assert_eq!(found(&ablated((20, 130.0), (19, 70.0), 100.0), Stage::Rerank).0, Finding::NotShown, "no change");
    }

    #[test]
    fn a_suite_shows_what_its_questions_are_for() {
        let plain = examples();
        let of = |stage| sight(stage, &plain, Mode::Closed);
        assert!(matches!(of(Stage::FollowUps), Sight::Nothing(_)));
        assert!(matches!(of(Stage::Rerank), Sight::Nothing(_)));
        assert!(matches!(of(Stage::Parts), Sight::HarmOnly(_)));
        assert!(matches!(of(Stage::Clarify), Sight::HarmOnly(_)));
        assert_eq!(of(Stage::Literal), Sight::Whole);
        let said = Exchange { question: "Is there a pier?".into(), answer: "Yes.".into() };
        let follow_up = Example { history: vec![said], ..plain[0].clone() };
        assert_eq!(sight(Stage::FollowUps, &[follow_up], Mode::Open), Sight::Whole);
        assert_eq!(sight(Stage::Parts, &[pair(&plain[0], &plain[1])], Mode::Open), Sight::Whole);
        let unclear = Example { expected: Expected::Clarify, ..plain[0].clone() };
        assert_eq!(sight(Stage::Clarify, &[unclear], Mode::Open), Sight::Whole);
        let names: Vec<String> =
            variants(&Stages::default(), &plain, Mode::Open).into_iter().map(|variant| variant.name).collect();
        assert_eq!((names[0].as_str(), names.last().unwrap().as_str()), (DEFAULT, AGAIN));
        assert!(names.contains(&"with-rerank".to_owned()) && names.contains(&"without-spelling".to_owned()));
        assert!(!names.iter().any(|name| name.contains("follow")));
    }
}
