//! What a run got wrong, as examples of the kind `failure` for the next data set.
//!
//! The examples are the suite's own questions: who trains on them can no longer use the suite to see what the training
//! brought. They are for a regression set, or to be reworded first.
//!
//! May depend on `eval::run`, `eval::prediction` and `train::dataset`.

use serde::Serialize;

use super::{
    prediction::{PredictedOutcome, Prediction},
    run::Run,
    squad_score::Ended,
};
use crate::train::dataset::example::{Example, Expected, Kind};

/// How a question ended wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mistake {
    /// The passages hold no answer, and one was given.
    FalseAnswer,
    /// The wrong answer was given.
    WrongAnswer,
    /// The passages hold the answer, and the question was declined.
    WrongAbstention,
    /// There was an error or a timeout. That is a defect of the system, not an example to learn from.
    Failed,
}

impl Mistake {
    /// All of them, the worst first: a made-up answer is worse than a wrong one, and both are worse than none.
    pub const ALL: [Self; 4] = [Self::FalseAnswer, Self::WrongAnswer, Self::WrongAbstention, Self::Failed];

    /// What a prediction got wrong; `None` when it ended well.
    pub fn of(prediction: &Prediction) -> Option<Self> {
        if prediction.scores.success {
            return None;
        }
        Some(match (prediction.outcome.ended(), prediction.expected) {
            (Ended::Failed, _) => Self::Failed,
            (Ended::Answered, Expected::Abstained) => Self::FalseAnswer,
            (Ended::Answered, Expected::Answered | Expected::Partial | Expected::Clarify) => Self::WrongAnswer,
            (Ended::Declined, _) => Self::WrongAbstention,
        })
    }

    /// The tag of the exported example.
    pub fn tag(self) -> &'static str {
        match self {
            Self::FalseAnswer => "false-answer",
            Self::WrongAnswer => "wrong-answer",
            Self::WrongAbstention => "wrong-abstention",
            Self::Failed => "failed",
        }
    }

    /// The words that a person reads.
    pub fn label(self) -> &'static str {
        match self {
            Self::FalseAnswer => "false answer",
            Self::WrongAnswer => "wrong answer",
            Self::WrongAbstention => "wrong abstention",
            Self::Failed => "failed",
        }
    }
}

/// What was exported.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedFailures {
    /// The examples, in the order of the run.
    pub examples: Vec<Example>,
    /// How many there are of each mistake; [`Mistake::Failed`] counts questions that were left out.
    pub counts: Vec<(Mistake, usize)>,
}

/// Makes examples of what a run got wrong. Questions that ended in an error are counted and left out.
pub fn export(run: &Run) -> ExportedFailures {
    let mistakes = run
        .examples
        .iter()
        .zip(&run.predictions)
        .filter_map(|(example, prediction)| Some((example, prediction, Mistake::of(prediction)?)));
    let mistakes: Vec<(&Example, &Prediction, Mistake)> = mistakes.collect();
    let counts = Mistake::ALL
        .into_iter()
        .map(|mistake| (mistake, mistakes.iter().filter(|(_, _, found)| *found == mistake).count()))
        .collect();
    let learnable = mistakes.into_iter().filter(|(_, prediction, _)| prediction.outcome != PredictedOutcome::Failed);
    ExportedFailures {
        examples: learnable.map(|(example, prediction, mistake)| failure(run, example, prediction, mistake)).collect(),
        counts,
    }
}

fn failure(run: &Run, example: &Example, prediction: &Prediction, mistake: Mistake) -> Example {
    let mut tags = example.tags.clone();
    if !tags.iter().any(|tag| tag == mistake.tag()) {
        tags.push(mistake.tag().to_owned());
    }
    let said = prediction.given().map_or_else(|| "declined".to_owned(), |given| format!("said: {given}"));
    Example {
        // The run's sum keeps the failures of several runs apart in one file.
        id: format!("{}-failure-{}", example.id, run.short_sum()),
        kind: Kind::Failure,
        tags,
        provenance: format!(
            "{}; failed in the run {} ({}) of the suite {}, which {said}",
            example.provenance,
            run.name,
            run.short_sum(),
            run.card.suite.name
        ),
        ..example.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::eval::{examples::check, testing::small_run};

    #[test]
    fn mistakes_become_examples_that_name_the_run() {
        let mut run = small_run();
        run.card.files.insert("predictions.jsonl".into(), "0123456789abcdef".into());
        run.examples[2].tags = vec!["tides".into()];
        let exported = export(&run);
        let found: Vec<(&str, &str)> =
            exported.examples.iter().map(|one| (one.id.as_str(), one.tags.last().unwrap().as_str())).collect();
        // q4 overlaps with the gold answer by half, which counts as right; q5 failed.
        assert_eq!(
            found,
            [
                ("q2-failure-01234567", "wrong-abstention"),
                ("q6-failure-01234567", "wrong-answer"),
                ("q7-failure-01234567", "false-answer"),
            ]
        );
        assert_eq!(
            exported.counts,
            [(Mistake::FalseAnswer, 1), (Mistake::WrongAnswer, 1), (Mistake::WrongAbstention, 1), (Mistake::Failed, 1),]
        );
        assert_eq!(exported.examples[0].tags, ["tides", "wrong-abstention"]);
        let provenance = &exported.examples[1].provenance;
        assert!(provenance.starts_with("written for this test; failed in the run small (01234567)"), "{provenance}");
        assert!(exported.examples.iter().all(|one| one.kind == Kind::Failure && check(one).is_ok()));
    }

    #[test]
    fn a_failure_that_fails_again_is_tagged_once() {
        let mut run = small_run();
        run.examples[2].tags = vec!["wrong-abstention".into()];
        assert_eq!(export(&run).examples[0].tags, ["wrong-abstention"]);
    }
}
