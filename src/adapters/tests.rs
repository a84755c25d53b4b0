#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use bytes::Bytes;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    blob_store::FolderKind,
    domain::PromotionAction,
    eval::{
        prediction::PredictedOutcome,
        run::Run,
        testing::{answerable, prediction, run_of},
    },
    metadata_store::{AdapterQuery, AdapterStore as _, sqlite::SqliteStore},
    models::adapter::AdapterFiles,
    serving::{LoadedModel, fetch_files},
    train::dataset::example::Kind,
};
use AdapterRole::{Generator, Reader};

/// Takes every adapter but those with a file `broken`, and remembers what it was given.
#[derive(Default)]
struct Loader(Mutex<Vec<NamedAdapter>>);

impl LoadAdapter for Loader {
    fn load(&self, _: AdapterRole, adapter: Option<NamedAdapter>) -> Result<LoadedModel, LoadError> {
        let adapter = adapter.unwrap();
        let broken = adapter.files.get("broken").is_some();
        self.0.lock().unwrap().push(adapter);
        if broken { Err(LoadError::new("it has too few layers")) } else { Ok(LoadedModel::Reader(None)) }
    }
}

/// A registry in a folder of its own.
struct Here {
    dir: TempDir,
    store: Arc<SqliteStore>,
    blobs: BlobStore,
    registry: Registry,
}

async fn here(own: OwnAdapters) -> Here {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::connect(&dir.path().join("footnote.db")).await.unwrap());
    let blobs = BlobStore::directory(&dir.path().join("blobs")).unwrap();
    let registry = Registry::new(store.clone(), blobs.clone(), own);
    Here { dir, store, blobs, registry }
}

/// The shipped adapters of these tests.
fn shipped() -> OwnAdapters {
    OwnAdapters { sums: AdapterPair { reader: None, generator: Some("9".repeat(64)) }, fixed: vec![] }
}

fn source(role: AdapterRole, content: &str) -> AdapterSource {
    let mut files = AdapterFiles::default();
    files.insert("adapter_config.json", b"{}".to_vec());
    files.insert("adapter_model.safetensors", content.as_bytes().to_vec());
    AdapterSource {
        name: content.to_owned(),
        role,
        files,
        base_sha256: "b".repeat(64),
        data_versions: vec!["handbook 3".to_owned()],
        card: json!({"result": {"best_loss": 0.25}}),
    }
}

impl Here {
    async fn add(&self, role: AdapterRole, content: &str) -> Adapter {
        let added = self.registry.add(source(role, content), None, Arc::new(Loader::default())).await.unwrap();
        assert!(!added.duplicate);
        added.adapter
    }

    async fn count(&self) -> usize {
        let query = AdapterQuery { limit: 10, ..AdapterQuery::default() };
        self.registry.list(query, None).await.unwrap().items.len()
    }

    /// Writes a run in which these adapters answered, and got right what `right` says: of 60 questions the last ten are
    /// edge cases.
    fn run(&self, name: &str, adapters: &AdapterPair, right: impl Fn(usize) -> bool) -> PathBuf {
        let asked = (0..60).map(|at| {
            let mut example =
                answerable(&format!("q{at}"), "How long is it?", "It is 212 metres long.", &["212 metres"]);
            example.kind = if at < 50 { Kind::Task } else { Kind::Edge };
            let prediction = match right(at) {
                true => prediction(&example, PredictedOutcome::Answered, "212 metres", 0.75),
                false => prediction(&example, PredictedOutcome::Abstained, "", 0.25),
            };
            (example, prediction)
        });
        let (examples, predictions) = asked.unzip();
        let mut run = run_of(examples, predictions);
        let named = AdapterRole::ALL
            .into_iter()
            .filter_map(|role| Some((weigh::adapter_key(role).to_owned(), adapters.of(role)?.to_owned())));
        run.card.models = named.collect();
        let folder = self.dir.path().join(name);
        run.write(&folder, "").unwrap();
        folder
    }

    async fn record(&self, folder: &Path) -> AdapterEvaluation {
        self.registry.record(folder, &[], None).await.unwrap()
    }
}

/// The suite of the runs.
fn pinned() -> SuiteIdentity {
    run_of(vec![], vec![]).card.suite
}

#[tokio::test]
async fn an_adapter_is_loaded_once_stored_and_registered_once() {
    let (here, loader) = (here(shipped()).await, Arc::new(Loader::default()));
    let source = source(Reader, "one");
    let added = here.registry.add(source.clone(), Some("my reader".into()), loader.clone()).await.unwrap();
    assert!(!added.duplicate);
    let adapter = added.adapter;
    assert_eq!((adapter.name.as_str(), adapter.sha256.as_str()), ("my reader", source.files.sha256().as_str()));
    assert_eq!((adapter.size_bytes, adapter.run), (5, source.card.clone()));
    let tried = loader.0.lock().unwrap().clone();
    assert_eq!(tried, [NamedAdapter { name: "my reader".into(), files: source.files.clone() }]);
    assert_eq!(fetch_files(&here.blobs, &adapter.sha256).await.unwrap(), source.files);
    let again = here.registry.add(source, Some("other".into()), loader).await.unwrap();
    assert!(again.duplicate && again.adapter.id == adapter.id && again.adapter.name == "my reader");
    assert_eq!(here.count().await, 1);
}

#[tokio::test]
async fn what_does_not_load_is_neither_stored_nor_registered() {
    let here = here(shipped()).await;
    let mut source = source(Reader, "one");
    source.files.insert("broken", vec![]);
    let sum = source.files.sha256();
    let error = here.registry.add(source, None, Arc::new(Loader::default())).await.unwrap_err();
    assert!(error.to_string().contains("the reader does not work with this adapter"), "{error}");
    assert!(error.to_string().contains("too few layers"), "{error}");
    assert_eq!(here.count().await, 0);
    assert!(here.blobs.folder(FolderKind::Adapter, &sum).await.is_err());
}

#[tokio::test]
async fn what_a_crash_left_of_an_adapter_is_nothing_and_the_next_attempt_completes_it() {
    let here = here(shipped()).await;
    // Killed between two files.
    let half = source(Reader, "half");
    let file = ("adapter_config.json".to_owned(), Bytes::from_static(b"{}"));
    here.blobs.put_folder(FolderKind::Adapter, &half.files.sha256(), &BTreeMap::from([file])).await.unwrap();
    // Killed between the bytes and the row.
    let unregistered = source(Generator, "unregistered");
    here.registry.keep_adapter(&unregistered.files).await.unwrap();
    assert_eq!(here.count().await, 0);
    for source in [half, unregistered] {
        let files = source.files.clone();
        let added = here.registry.add(source, None, Arc::new(Loader::default())).await.unwrap();
        assert!(!added.duplicate);
        assert_eq!(fetch_files(&here.blobs, &added.adapter.sha256).await.unwrap(), files);
    }
}

#[tokio::test]
async fn changed_bytes_are_noticed() {
    let here = here(shipped()).await;
    let adapter = here.add(Reader, "one").await;
    let changed = BTreeMap::from([("adapter_config.json".to_owned(), Bytes::from_static(b"{ }"))]);
    here.blobs.put_folder(FolderKind::Adapter, &adapter.sha256, &changed).await.unwrap();
    let error = here.registry.chosen(Some(adapter.id)).await.unwrap_err();
    assert!(matches!(error, RegistryError::Fetch(FetchError::Damaged { .. })), "{error}");
}

#[tokio::test]
async fn a_run_is_recorded_for_the_adapters_that_its_card_names() {
    let here = here(shipped()).await;
    let adapter = here.add(Reader, "one").await;
    let pair = shipped().sums.with(Reader, Some(adapter.sha256.clone()));
    let folder = here.run("mine", &pair, |at| at < 55);
    let expected = here.registry.expected_of(Some(adapter.id)).await.unwrap();
    let recorded = here.registry.record(&folder, &expected, Some(&pinned())).await.unwrap();
    assert_eq!((recorded.run.as_str(), recorded.suite.as_str(), &recorded.adapters), ("mine", "harbour", &pair));
    let kinds: Vec<_> =
        recorded.figures.kinds.iter().map(|one| (one.kind.as_str(), one.questions, one.right)).collect();
    assert_eq!(kinds, [("task", 50, 50), ("edge", 10, 5)]);
    assert!((recorded.figures.deciding_figure().unwrap().value - 55.0 / 60.0).abs() < 1e-9);
    assert_eq!(here.record(&folder).await, recorded, "the same run is recorded once");
    // And it comes back whole, after the folder is gone.
    let read = Run::read(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(here.registry.recorded_run(&recorded).await.unwrap().run, read);

    let serving = here.registry.expected_of(None).await.unwrap();
    let folder = here.run("again", &pair, |_| true);
    let error = here.registry.record(&folder, &serving, None).await.unwrap_err();
    assert!(matches!(&error, RegistryError::OtherAdapter { role: Reader, .. }), "{error}");
    assert!(error.to_string().contains(&adapter.sha256) && error.to_string().contains("with none"), "{error}");
    let other = SuiteIdentity { name: "other".into(), sha256: "1".repeat(64), ..pinned() };
    let error = here.registry.record(&folder, &expected, Some(&other)).await.unwrap_err();
    assert!(matches!(&error, RegistryError::OtherSuite { .. }), "{error}");
    assert!(error.to_string().contains("--suite"), "{error}");
}

#[tokio::test]
async fn what_was_not_measured_is_refused_and_the_commands_are_named() {
    let here = here(shipped()).await;
    let adapter = here.add(Reader, "one").await;
    let refused = async |suite: Option<&SuiteIdentity>| {
        let error = here.registry.promote(adapter.id, suite, None).await.unwrap_err();
        assert!(matches!(error, RegistryError::Refused(_)) && !error.is_transient());
        error.to_string()
    };
    assert!(refused(None).await.contains("FOOTNOTE_PINNED_SUITE"));
    let both = refused(Some(&pinned())).await;
    assert!(both.contains("the adapter that serves has no evaluation on the suite `harbour`"), "{both}");
    assert!(both.contains("footnote adapters evaluate serving --out"), "{both}");
    assert!(both.contains(&format!("footnote adapters evaluate {} --out", adapter.id)), "{both}");
    here.record(&here.run("serving", &shipped().sums, |_| false)).await;
    // Beside another generator: that says nothing about the two that would serve together.
    let elsewhere = AdapterPair { reader: Some(adapter.sha256.clone()), generator: None };
    here.record(&here.run("elsewhere", &elsewhere, |_| true)).await;
    let one = refused(Some(&pinned())).await;
    assert!(one.contains("the candidate has no evaluation") && one.contains("the generator that serves now"), "{one}");
    assert!(!one.contains("evaluate serving"), "{one}");
    assert_eq!(here.store.promotions(Reader, 100).await.unwrap(), []);
}

#[tokio::test]
async fn a_better_adapter_is_promoted_a_worse_one_only_by_force_and_both_go_back() {
    let here = here(shipped()).await;
    let (better, worse) = (here.add(Reader, "better").await, here.add(Reader, "worse").await);
    let with = |adapter: &Adapter| shipped().sums.with(Reader, Some(adapter.sha256.clone()));
    let before = here.record(&here.run("before", &shipped().sums, |at| at % 2 == 0)).await;
    let after = here.record(&here.run("after", &with(&better), |at| at % 10 != 1)).await;
    let entry = here.registry.promote(better.id, Some(&pinned()), None).await.unwrap();
    let grounds = entry.grounds.clone().unwrap();
    assert_eq!((grounds.serving_run, grounds.candidate_run), (before.run_sha256, after.run_sha256));
    assert!((grounds.difference - 0.4).abs() < 1e-9 && grounds.low > 0.0, "{entry:?}");
    assert_eq!((entry.forced, entry.number), (None, 1));

    // Measured against what serves now, not against what ships.
    here.record(&here.run("worse", &with(&worse), |at| at % 10 != 1 && at < 57)).await;
    let error = here.registry.promote(worse.id, Some(&pinned()), None).await.unwrap_err().to_string();
    for words in ["not significantly better", "against 90.0%", "lost on edge cases: 6 of 10 right, against 9", "q57"] {
        assert!(error.contains(words), "{words}: {error}");
    }
    let forced = here.registry.promote(worse.id, Some(&pinned()), Some("the pilot needs it".into())).await.unwrap();
    let why = forced.forced.unwrap();
    assert_eq!(why.reason, "the pilot needs it");
    assert!(why.refusal.contains("lost on edge cases") && forced.grounds.is_some(), "{why:?}");
    assert_eq!(here.registry.serving_pair().await.unwrap(), with(&worse));

    let roles = here.registry.serving_roles(Some(&pinned())).await.unwrap();
    assert_eq!((roles[0].adapter, roles[0].evaluation.as_ref().unwrap().run.as_str()), (Some(worse.id), "worse"));
    let shown = here.registry.show(better.id).await.unwrap();
    assert_eq!((shown.serving, shown.evaluations.len(), shown.history.len()), (false, 1, 2));

    let back = here.registry.roll_back(Reader).await.unwrap();
    assert_eq!((back.action, back.adapter), (PromotionAction::Rollback, Some(better.id)));
    assert_eq!(here.registry.roll_back(Reader).await.unwrap().adapter, None);
    assert_eq!(here.registry.serving_pair().await.unwrap(), shipped().sums);
    assert!(here.registry.roll_back(Reader).await.unwrap_err().to_string().contains("nothing to go back to"));
}

#[tokio::test]
async fn what_the_configuration_names_is_not_the_registrys_to_change() {
    let mut own = shipped();
    own.fixed.push((Reader, "reader"));
    let here = here(own).await;
    let adapter = here.add(Reader, "one").await;
    for error in [
        here.registry.promote(adapter.id, None, Some("now".into())).await.unwrap_err(),
        here.registry.roll_back(Reader).await.unwrap_err(),
    ] {
        assert!(matches!(error, RegistryError::Fixed { role: Reader, key: "reader" }), "{error}");
    }
    assert_eq!(here.registry.own.following().collect::<Vec<_>>(), [Generator]);
    let roles = here.registry.serving_roles(None).await.unwrap();
    assert_eq!(roles[0].fixed_by.as_deref(), Some("reader"));
}
