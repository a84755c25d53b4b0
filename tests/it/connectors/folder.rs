//! A folder while it is watched: whatever happens in it, the index ends as if it had been ingested afresh.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use footnote::{
    app::Models,
    config::{Connector, Settings, SourceConfig},
    connectors::Follower,
    domain::{JobPriority, PassOutcome, VersionState},
    ingest::upload::{self, Description},
    metadata_store::DocumentQuery,
};
use tokio_util::sync::CancellationToken;

use super::{app_with, complete, documents, follower, pass, sha256, write_settled};
use crate::{
    index_life::embedders::Blind,
    test_app::{TestApp, config, models, settings, until},
};

/// How many files there are at the beginning.
const FILES: usize = 1_000;
/// How many things happen to them.
const CHANGES: usize = 800;

/// A generator of numbers that is the same everywhere (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn seeded() -> Self {
        let given =
            std::env::var("FOOTNOTE_CONNECTORS_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
        let seed = given.unwrap_or(0x5eed);
        println!("FOOTNOTE_CONNECTORS_SEED={seed}");
        Self(seed.max(1))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// An application with an embedder that costs nothing, in `dir`.
async fn cheap_app(dir: &Path, change: impl FnOnce(&mut Settings)) -> TestApp {
    let all = models().await;
    let models = Models { embedder: Arc::new(Blind(all.embedder.clone())), ..all };
    let mut settings = settings(dir);
    change(&mut settings);
    let mut app = TestApp::idle_with_models(config(settings), models).await;
    app.work();
    app
}

fn text(name: &str, state: usize) -> String {
    format!("# The file {name}\n\nIt is in its state number {state}, and speaks of nothing else than {name}.\n")
}

/// What is searched: the sum of the active version of each document, and the texts of its passages.
async fn index(app: &TestApp) -> BTreeMap<String, (String, Vec<String>)> {
    let (mut found, mut cursor) = (BTreeMap::new(), None);
    loop {
        let query = DocumentQuery { cursor, limit: 1_000, ..DocumentQuery::default() };
        let page = app.app.metadata.documents(query).await.unwrap();
        for document in page.items {
            let active = document.active.unwrap_or_else(|| panic!("{} is not searched", document.name));
            let chunks = app.app.metadata.chunks_of(document.id).await.unwrap();
            let texts = chunks.into_iter().map(|chunk| chunk.text).collect();
            found.insert(document.name, (active.sha256, texts));
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return found;
        }
    }
}

/// Everything that the folder holds is searched as it is, and nothing else is there.
async fn in_step(app: &TestApp, expected: &BTreeMap<String, String>) -> bool {
    if app.app.metadata.counts().await.unwrap().open_jobs > 0 {
        return false;
    }
    let (mut found, mut cursor) = (BTreeMap::new(), None);
    loop {
        let query = DocumentQuery { cursor, limit: 1_000, ..DocumentQuery::default() };
        let page = app.app.metadata.documents(query).await.unwrap();
        for document in page.items {
            if document.latest.state != VersionState::Active {
                return false;
            }
            found.insert(document.name, document.latest.sha256);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return found == *expected;
        }
    }
}

/// The files of a folder and their sums.
fn files(root: &Path) -> BTreeMap<String, String> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            (name, sha256(&fs::read(entry.path()).unwrap()))
        })
        .collect()
}

/// One thing that happens in the folder. `gone` is what was deleted, to be restored.
fn change(root: &Path, dice: &mut Dice, number: usize, gone: &mut Vec<(String, Vec<u8>)>) {
    let names: Vec<String> = files(root).into_keys().collect();
    let name = names[dice.below(names.len())].clone();
    let path = root.join(&name);
    match dice.below(100) {
        // Written over where it stands, to other words of the same length now and then.
        0..35 => fs::write(&path, text(&name, number)).unwrap(),
        // Put in its place, as editors do.
        35..45 => {
            let beside = root.join(format!("{name}.new"));
            fs::write(&beside, text(&name, number)).unwrap();
            fs::rename(beside, &path).unwrap();
        }
        // Renamed, also into a folder that is new.
        45..65 => {
            let to = root.join(format!("moved-{}", dice.below(20))).join(format!("{number}.md"));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::rename(&path, to).unwrap();
        }
        // Deleted.
        65..80 => {
            gone.push((name, fs::read(&path).unwrap()));
            fs::remove_file(path).unwrap();
        }
        // Restored as it was.
        80..92 if !gone.is_empty() => {
            let (name, bytes) = gone.swap_remove(dice.below(gone.len()));
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        // A whole folder gets another name.
        92..94 => {
            let folder = path.parent().unwrap();
            if folder != root {
                fs::rename(folder, root.join(format!("folder-{number}"))).unwrap();
            }
        }
        _ => fs::write(root.join(format!("new-{number}.md")), text("new", number)).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_a_thousand_files_that_changes_while_it_is_watched_ends_as_a_fresh_ingest_of_it() {
    let (dir, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = source.path().join("docs");
    for number in 0..FILES {
        let name = format!("{}/{number}.md", number % 20);
        write_settled(&root.join(&name), text(&name, 0).as_bytes());
    }
    let file = source.path().join("connectors.toml");
    // The interval is longer than the test: passes begin because of what is heard from the folder.
    let described = format!(
        "[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\ninterval_seconds = 86400\n",
        root.display()
    );
    fs::write(&file, described).unwrap();
    let app = cheap_app(dir.path(), |settings| settings.connectors = Some(file)).await;
    let stop = CancellationToken::new();
    let following = tokio::spawn(follower(&app, "one").run(stop.clone()));
    let expected = files(&root);
    until("the folder is ingested", async || in_step(&app, &expected).await).await;

    let (mut dice, mut gone) = (Dice::seeded(), Vec::new());
    for number in 1..=CHANGES {
        change(&root, &mut dice, number, &mut gone);
        if number % 100 == 0 {
            // So that passes come in between, and not only after everything.
            let before = app.app.metadata.connectors().await.unwrap()[0].pass;
            until("a pass is begun", async || app.app.metadata.connectors().await.unwrap()[0].pass > before).await;
        }
    }
    let expected = files(&root);
    until("the index is in step with the folder", async || in_step(&app, &expected).await).await;
    stop.cancel();
    following.await.unwrap();
    app.settle().await;

    let fresh_dir = tempfile::tempdir().unwrap();
    let fresh = cheap_app(fresh_dir.path(), |_| {}).await;
    for name in expected.keys() {
        let mut file = tokio::fs::File::open(root.join(name)).await.unwrap();
        let received = upload::receive(&fresh.app.ingest, &mut file, 1 << 20).await.unwrap();
        let description = Description::of("default");
        upload::register(&fresh.app.ingest, name, description, JobPriority::Normal, &received).await.unwrap();
    }
    until("the fresh ingest has ended", async || in_step(&fresh, &expected).await).await;
    fresh.settle().await;
    let (kept, ingested) = (index(&app).await, index(&fresh).await);
    assert_eq!(kept.len(), ingested.len());
    for (name, of_fresh) in &ingested {
        assert_eq!(kept.get(name), Some(of_fresh), "{name}");
    }
    // Nothing is left of what went: as many vectors as a fresh index has.
    let [a, b] = [&app, &fresh].map(|app| app.app.vectors.count(1, None));
    assert_eq!(a.await.unwrap(), b.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_empty_because_its_disk_is_gone_costs_no_document() {
    let source = tempfile::tempdir().unwrap();
    let root = source.path().join("mount");
    for number in 0..5 {
        write_settled(&root.join(format!("{number}.md")), text("x", number).as_bytes());
    }
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", root.display());
    let (app, _dir) = app_with(&described).await;
    complete(&app, "one").await;
    // What is mounted there is gone, and the folder that it was mounted on is there.
    fs::rename(&root, source.path().join("elsewhere")).unwrap();
    fs::create_dir(&root).unwrap();
    let ended = pass(&app, "one").await;
    assert_eq!(ended.outcome.as_str(), "held_back", "{ended:?}");
    assert_eq!(documents(&app).await.len(), 5);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_files_and_links_are_passed_over_and_counted() {
    let source = tempfile::tempdir().unwrap();
    let root = source.path().join("docs");
    write_settled(&root.join("a.md"), b"one");
    write_settled(&root.join(".hidden.md"), b"two");
    write_settled(&root.join(".git/config"), b"three");
    std::os::unix::fs::symlink("/etc/passwd", root.join("link.md")).unwrap();
    let described = |lines: &str| {
        format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n{lines}\n", root.display())
    };
    let (app, _dir) = app_with(&described("")).await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.listed, ended.report.passed_over), (1, 3), "{ended:?}");
    let (app, _dir) = app_with(&described("hidden = true")).await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.listed, ended.report.passed_over), (3, 1), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_a_moment_ago_is_looked_at_again() {
    let source = tempfile::tempdir().unwrap();
    let root = source.path().join("docs");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a.md"), "one").unwrap();
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", root.display());
    let (app, _dir) = app_with(&described).await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.added, ended.report.unsettled), (1, 1), "{ended:?}");
    let due = app.app.metadata.connectors().await.unwrap()[0].due_at.unwrap();
    assert!(due < chrono::Utc::now() + chrono::TimeDelta::seconds(4), "not after the whole interval");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_holds_the_data_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("connectors.toml");
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", dir.path().display());
    fs::write(&file, described).unwrap();
    let inside = dir.path().join("data");
    let app = cheap_app(&inside, |settings| settings.connectors = Some(file)).await;
    let connector = app.app.config.connectors.get("one").unwrap().clone();
    let follow = |source| Follower::new(app.app.connectors.clone(), Connector { source, ..connector.clone() });
    let error = follow(connector.source.clone()).unwrap_err();
    assert!(error.to_string().contains("data directory"), "{error}");
    let error = follow(bucket_at(dir.path())).unwrap_err();
    assert!(error.to_string().contains("data directory"), "{error}");

    // Nor is one that leads there over a link, which is seen when it is looked at.
    #[cfg(unix)]
    {
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        for source in [SourceConfig::Folder { path: link.clone(), hidden: false }, bucket_at(&link)] {
            let ended = follow(source).unwrap().once(false, &CancellationToken::new()).await.unwrap().unwrap();
            assert_eq!((ended.outcome, ended.report.listed), (PassOutcome::Failed, 0), "{ended:?}");
            assert!(ended.error.as_ref().unwrap().contains("data directory"), "{ended:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_holds_the_originals_is_refused() {
    let (dir, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = dir.path().join("connectors.toml");
    let followed = shared.path().display();
    fs::write(&file, format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{followed}\"\n")).unwrap();
    // Outside the data directory: what is taken over would be stored in the folder, and taken over again.
    let originals = format!("file://{}", shared.path().join("footnote").display());
    let app = cheap_app(&dir.path().join("data"), |settings| {
        settings.connectors = Some(file);
        settings.blob_url = Some(originals);
    })
    .await;
    let connector = app.app.config.connectors.get("one").unwrap().clone();
    let error = Follower::new(app.app.connectors.clone(), connector).unwrap_err();
    assert!(error.to_string().contains("holds the originals directory"), "{error}");
}

fn bucket_at(path: &Path) -> SourceConfig {
    SourceConfig::Bucket { url: format!("file://{}", path.display()), endpoint: None, region: None, keys: None }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_a_directory_leads_nowhere_else() {
    let (source, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = source.path().join("objects");
    write_settled(&root.join("a.md"), b"one");
    write_settled(&root.join(".b.md"), b"two");
    write_settled(&outside.path().join("secret.md"), b"of somebody else");
    std::os::unix::fs::symlink(outside.path(), root.join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.md"), root.join("link.md")).unwrap();
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"bucket\"\nurl = \"file://{}\"\n", root.display());
    let (app, _dir) = app_with(&described).await;
    let ended = complete(&app, "one").await;
    assert_eq!((ended.report.listed, ended.report.passed_over), (2, 2), "{ended:?}");
    assert_eq!(documents(&app).await.into_keys().collect::<Vec<_>>(), [".b.md", "a.md"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_was_of_another_kind_is_not_followed_while_its_documents_are_there() {
    let source = tempfile::tempdir().unwrap();
    for name in ["a.md", "b.md"] {
        write_settled(&source.path().join("docs").join(name), name.as_bytes());
        write_settled(&source.path().join("objects").join(name), b"something else");
    }
    let root = source.path().join("docs");
    let described = format!("[[connectors]]\nname = \"one\"\nkind = \"folder\"\npath = \"{}\"\n", root.display());
    let (app, _dir) = app_with(&described).await;
    complete(&app, "one").await;
    let before = documents(&app).await;
    let connector = app.app.config.connectors.get("one").unwrap().clone();
    let other = Connector { source: bucket_at(&source.path().join("objects")), ..connector };
    let following = Follower::new(app.app.connectors.clone(), other).unwrap();
    app.app.metadata.request_pass("one", false).await.unwrap();
    let stop = CancellationToken::new();
    let following = tokio::spawn(following.run(stop.clone()));
    // It would begin at once.
    let begun = until("a pass is begun", async || !app.app.metadata.connectors().await.unwrap()[0].requested);
    assert!(tokio::time::timeout(std::time::Duration::from_secs(1), begun).await.is_err());
    stop.cancel();
    following.await.unwrap();
    assert_eq!(documents(&app).await, before);
}
