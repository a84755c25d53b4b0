//! Adapters and runs on their way to the blob store and back. Whatever comes back is checked against its sum.
//!
//! May depend on the stores, `models::adapter`, `eval::run` and `eval::card`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    Registry, RegistryError,
    weigh::{RecordedRun, adapter_key, deciding_metric},
};
use crate::{
    blob_store::{BlobStoreError, FolderKind},
    domain::{AdapterEvaluation, AdapterPair, AdapterRole, EvaluationFigures, Figure, KindCount},
    eval::{
        card::{SuiteIdentity, sha256},
        run::{CARD, EXAMPLES, METRICS, METRICS_TABLE, PREDICTIONS, Run, RunError},
    },
    metadata_store::NewEvaluation,
    models::adapter::AdapterFiles,
    serving::fetch_files,
    train::dataset::example::Kind,
};

/// The files of a run that a comparison needs; the page can be made again from them.
const RUN_FILES: [&str; 5] = [EXAMPLES, PREDICTIONS, METRICS, METRICS_TABLE, CARD];

impl Registry {
    /// Stores the files of an adapter, and reads them back before anything refers to them.
    pub(super) async fn keep_adapter(&self, files: &AdapterFiles) -> Result<String, RegistryError> {
        let sum = files.sha256();
        let named = files.names().filter_map(|name| Some((name.to_owned(), Bytes::copy_from_slice(files.get(name)?))));
        self.blobs.put_folder(FolderKind::Adapter, &sum, &named.collect()).await?;
        fetch_files(&self.blobs, &sum).await?;
        Ok(sum)
    }

    /// Records a run as an evaluation of the adapters that its card names. With `expected`, it must have been made with
    /// these adapters; with `suite`, of this suite.
    pub async fn record(
        &self,
        folder: &Path,
        expected: &[(AdapterRole, Option<String>)],
        suite: Option<&SuiteIdentity>,
    ) -> Result<AdapterEvaluation, RegistryError> {
        let folder = folder.to_owned();
        let read = tokio::task::spawn_blocking(move || read_run(&folder)).await;
        let (run, files) = read.map_err(|error| RegistryError::GivenUp(error.to_string()))??;
        let adapters = pair_of(&run);
        for (role, sum) in expected {
            let found = adapters.of(*role);
            if found != sum.as_deref() {
                let shown = |sum: Option<&str>| sum.unwrap_or("none").to_owned();
                let (found, expected) = (shown(found), shown(sum.as_deref()));
                return Err(RegistryError::OtherAdapter { run: run.name, role: *role, found, expected });
            }
        }
        if let Some(suite) = suite.filter(|suite| suite.sha256 != run.card.suite.sha256) {
            return Err(RegistryError::OtherSuite {
                run: run.name,
                found: run.card.suite.name,
                expected: suite.name.clone(),
                hint: "name its own suite file with --suite, or run the pinned one",
            });
        }
        let run_sha256 = files.get(CARD).map(|card| sha256(card)).unwrap_or_default();
        self.blobs.put_folder(FolderKind::Evaluation, &run_sha256, &files).await?;
        let new = NewEvaluation {
            run_sha256,
            suite: run.card.suite.name.clone(),
            suite_sha256: run.card.suite.sha256.clone(),
            adapters,
            figures: figures(&run),
            run: run.name,
        };
        Ok(self.metadata.record_evaluation(new).await?)
    }

    /// The run of an evaluation, read back and checked.
    pub(super) async fn recorded_run(&self, evaluation: &AdapterEvaluation) -> Result<RecordedRun, RegistryError> {
        let sum = evaluation.run_sha256.clone();
        let files = self.blobs.folder(FolderKind::Evaluation, &sum).await?;
        let found = files.get(CARD).map(|card| sha256(card)).unwrap_or_default();
        if found != sum {
            let reason = format!("the sum of its {CARD} is now {found}");
            return Err(BlobStoreError::Damaged(format!("evaluation {sum}"), reason).into());
        }
        let name = evaluation.run.clone();
        let read = tokio::task::spawn_blocking(move || unpack(&name, &files)).await;
        let run = read.map_err(|error| RegistryError::GivenUp(error.to_string()))??;
        Ok(RecordedRun { sha256: sum, run })
    }
}

/// A run, and the bytes that were checked when it was read.
fn read_run(folder: &Path) -> Result<(Run, BTreeMap<String, Bytes>), RunError> {
    let run = Run::read(folder)?;
    let mut files = BTreeMap::new();
    for name in RUN_FILES {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(|error| RunError::Io("read", path, error))?;
        files.insert(name.to_owned(), Bytes::from(bytes));
    }
    Ok((run, files))
}

/// A run from its files: by way of a folder, so that there is one reader of runs, which checks every sum.
fn unpack(name: &str, files: &BTreeMap<String, Bytes>) -> Result<Run, RunError> {
    let failed = |path: &Path| {
        let path: PathBuf = path.to_owned();
        move |error| RunError::Io("write", path, error)
    };
    let kept = tempfile::tempdir().map_err(failed(&std::env::temp_dir()))?;
    let folder = kept.path().join("run");
    fs::create_dir(&folder).map_err(failed(&folder))?;
    for name in RUN_FILES {
        // One that is missing is reported by whoever reads the folder.
        let Some(bytes) = files.get(name) else { continue };
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(failed(&path))?;
    }
    Ok(Run { name: name.to_owned(), ..Run::read(&folder)? })
}

/// The adapters that answered in a run.
fn pair_of(run: &Run) -> AdapterPair {
    let sum = |role| run.card.models.get(adapter_key(role)).cloned();
    AdapterPair { reader: sum(AdapterRole::Reader), generator: sum(AdapterRole::Generator) }
}

/// What lists show of a run.
fn figures(run: &Run) -> EvaluationFigures {
    let figures = run.metrics.measured.iter().map(|one| Figure {
        metric: one.metric.name().to_owned(),
        value: one.value,
        low: one.low,
        high: one.high,
    });
    let kinds = Kind::ALL.into_iter().map(|kind| {
        let of_kind = run.examples.iter().zip(&run.predictions).filter(|(example, _)| example.kind == kind);
        let (mut questions, mut right) = (0, 0);
        for (_, prediction) in of_kind {
            questions += 1;
            right += u64::from(prediction.scores.success);
        }
        KindCount { kind: kind.as_str().to_owned(), questions, right }
    });
    EvaluationFigures {
        deciding: deciding_metric(&run.card.suite).name().to_owned(),
        figures: figures.collect(),
        kinds: kinds.filter(|kind| kind.questions > 0).collect(),
    }
}
