//! Makes a run of what a suite's questions came to.
//!
//! May depend on `eval::suite`, `eval::measure`, `eval::card` and `eval::run`.

use std::{collections::BTreeMap, path::Path};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    card::{Card, DataIdentity, FORMAT, Machine},
    measure::Metrics,
    prediction::Prediction,
    run::Run,
    suite::{LoadedSuite, SuiteError},
};

/// What is known about a run beside its suite.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The models by their part in the answer, each with a name or a sum.
    pub models: BTreeMap<String, String>,
    /// The settings of the system.
    pub configuration: BTreeMap<String, serde_json::Value>,
    /// The frozen version of the data set.
    pub data_version: Option<String>,
    /// The commit that the program was built from.
    pub commit: Option<String>,
    /// The version of the program.
    pub program: String,
}

/// The run that is written to `folder`.
pub fn assemble(
    folder: &Path,
    loaded: LoadedSuite,
    predictions: Vec<Prediction>,
    origin: Origin,
    (started, finished): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Run, SuiteError> {
    let LoadedSuite { suite, questions, files, .. } = loaded;
    let examples: Vec<_> = questions.into_iter().map(|question| question.example).collect();
    let metrics = Metrics::of(&examples, &predictions, &suite.metrics, suite.resample_by, &suite.resampling()?);
    let card = Card {
        format: FORMAT,
        suite: suite.identity()?,
        data: DataIdentity { version: origin.data_version, files },
        models: origin.models,
        configuration: origin.configuration,
        seed: suite.seed,
        program: origin.program,
        commit: origin.commit,
        machine: Machine::this(),
        started,
        finished,
        files: BTreeMap::new(),
    };
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Run { name, card, examples, predictions, metrics })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::{collections::HashMap, num::NonZeroUsize, sync::Arc, time::Duration};

    use async_trait::async_trait;

    use super::*;
    use crate::eval::{
        answerer::{Answerer, AnswererError, Asked, Reply},
        metric::Metric,
        prediction::PredictedOutcome,
        report, runner,
        testing::{abstaining, answerable, suite_of},
    };

    /// Says the first word of the first passage.
    struct FirstWord;

    #[async_trait]
    impl Answerer for FirstWord {
        async fn answer(&self, asked: &Asked) -> Result<Reply, AnswererError> {
            let text = &asked.passages.as_ref().unwrap()[0].text;
            Ok(Reply {
                outcome: PredictedOutcome::Answered,
                answer: text.split(' ').next().unwrap().to_owned(),
                short_answer: None,
                confidence: 0.5,
                parts: vec![],
                citations: vec![],
                read: None,
                answer_loss: None,
                stages_ms: BTreeMap::from([("generate".to_owned(), 1.0)]),
            })
        }
    }

    #[test]
    fn from_a_suite_to_a_folder_that_is_read_back() {
        let loaded =
            suite_of(vec![answerable("1", "What?", "Herring is sold.", &["herring"]), abstaining("2", "Who?")]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let pace = runner::Pace { concurrency: NonZeroUsize::MIN, timeout: Duration::from_secs(600) };
        let predictions = runtime.block_on(runner::run(&loaded, Arc::new(FirstWord), pace, HashMap::new(), |_, _| ()));
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("first-word");
        let now = Utc::now();
        let mut run = assemble(&folder, loaded, predictions, Origin::default(), (now, now)).unwrap();
        let page = report::evaluation::page(&run);
        run.write(&folder, &page).unwrap();
        let read = Run::read(&folder).unwrap();
        assert_eq!(read.metrics.get(Metric::HasAnsExactMatch).unwrap().value, 1.0);
        assert_eq!(read.metrics.get(Metric::FalseAnswerRate).unwrap().value, 1.0);
        assert_eq!((read.name.as_str(), read.card.suite.name.as_str()), ("first-word", "harbour"));
        assert!(report::render_again(&folder).unwrap().ends_with("report.html"));
    }
}
