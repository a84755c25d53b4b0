//! What Qdrant Edge keeps when its process is killed, and what it leaves behind on disk.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use footnote::vector_store::{
    VectorStoreError,
    qdrant_edge::{QdrantEdge, Tuning},
};

use super::*;

const DIRECTORY: &str = "FOOTNOTE_TEST_KILLED_IN";
const FIRST: &str = "FOOTNOTE_TEST_KILLED_FIRST";
const POINTS_PER_DOCUMENT: u128 = 5;

/// A graph is built for as little as a kilobyte of vectors, so that small tests reach it.
const EAGER: Tuning = Tuning { indexing_threshold_kb: Some(1) };

fn open(directory: &Path) -> QdrantEdge {
    QdrantEdge::open_with(directory, EAGER).unwrap()
}

fn points_of(number: u128) -> Vec<Point> {
    let first = number * POINTS_PER_DOCUMENT;
    (first..first + POINTS_PER_DOCUMENT).map(|n| Point { document_id: document(number), ..point(n) }).collect()
}

/// Every fourth document is deleted by the write of the next one.
fn deletes(number: u128) -> Option<u128> {
    (number % 4 == 3).then(|| number - 1)
}

/// Not a test of its own: the process that the next test starts and kills. It reports each write after it was
/// answered, and optimizes all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    footnote::faults::arm_from_environment().unwrap();
    let first: u128 = std::env::var(FIRST).unwrap().parse().unwrap();
    let store = Arc::new(open(Path::new(&directory)));
    store.create_generation(1, DIMENSION).await.unwrap();
    for number in first.. {
        store.upsert(1, points_of(number)).await.unwrap();
        if let Some(deleted) = deletes(number) {
            store.delete_document(1, document(deleted), None).await.unwrap();
        }
        println!("\nanswered {number}");
        if number == first {
            // Not before: a fail point of the optimizer would kill what has answered nothing yet.
            let optimizing = Arc::clone(&store);
            tokio::spawn(async move {
                loop {
                    optimizing.optimize(1).await.unwrap();
                    println!("\noptimized");
                }
            });
        }
    }
}

fn child(directory: &Path, first: u128) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "vector_store::durability::child_that_is_killed", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped());
    command
}

/// Runs the child until a fail point kills it, and returns the last write that was answered, if any was.
fn run_until(point: &str, directory: &Path, first: u128) -> Option<u128> {
    let output = child(directory, first).env(footnote::faults::VARIABLE, format!("{point}=kill@2")).output().unwrap();
    assert!(!output.status.success(), "{point} was not reached");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().filter_map(|line| line.strip_prefix("answered ")).next_back().map(|number| number.parse().unwrap())
}

/// Runs the child until it has answered `answers` writes and optimized at least once since it started, kills it,
/// and returns the last write that was answered.
fn run_and_kill(directory: &Path, first: u128, answers: u128) -> u128 {
    let mut child = child(directory, first).spawn().unwrap();
    let mut last = None;
    let mut optimized = false;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref() {
        let line = line.unwrap();
        optimized |= line == "optimized";
        if let Some(number) = line.strip_prefix("answered ") {
            last = Some(number.parse::<u128>().unwrap());
        }
        if optimized && last.is_some_and(|last| last + 1 >= first + answers) {
            break;
        }
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    // What it still said before the kill reached it was answered as well.
    for line in lines {
        if let Some(number) = line.unwrap().strip_prefix("answered ") {
            last = Some(number.parse().unwrap());
        }
    }
    last.unwrap()
}

/// Opens what a killed child left: what it answered is there, and what it did not answer can be repeated.
async fn check_answered(directory: &Path, last: u128) {
    let store = open(directory);
    for number in 0..=last {
        let deleted = (number + 1..=last).find(|later| deletes(*later) == Some(number));
        // The write that was under way when the process was killed may have begun to delete this one.
        let disputed = deletes(last + 1) == Some(number);
        let expected = if deleted.is_some() { 0 } else { POINTS_PER_DOCUMENT as u64 };
        let count = store.count(1, Some(document(number))).await.unwrap();
        assert!(count == expected || (disputed && deleted.is_none()), "document {number}: {count} after {last}");
        let found = store
            .search(
                1,
                VectorQuery {
                    filter: Filter { document_ids: vec![document(number)], ..Filter::default() },
                    ..query(Ranking::Dense(at(0.0)), 9)
                },
            )
            .await
            .unwrap();
        assert_eq!(found.len() as u64, count, "document {number}");
    }
    // The write that was not answered is repeated by its caller, and counts once.
    store.upsert(1, points_of(last + 1)).await.unwrap();
    assert_eq!(store.count(1, Some(document(last + 1))).await.unwrap(), POINTS_PER_DOCUMENT as u64);
    if let Some(deleted) = deletes(last + 1) {
        store.delete_document(1, document(deleted), None).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_at_any_moment() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = 0;
    for answers in [3, 41, 67] {
        let last = run_and_kill(directory.path(), first, answers);
        check_answered(directory.path(), last).await;
        first = last + 2;
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_at_each_point_of_the_store() {
    for point in footnote::faults::POINTS.iter().filter(|point| point.starts_with("edge.")) {
        // A generation is created once, and dropped by nobody here: the tests of the program kill it there.
        if point.starts_with("edge.create.") || point.starts_with("edge.drop.") {
            continue;
        }
        let directory = tempfile::tempdir().unwrap();
        let mut first = 0;
        for _ in 0..2 {
            let Some(last) = run_until(point, directory.path(), first) else { continue };
            check_answered(directory.path(), last).await;
            first = last + 2;
        }
        assert!(first > 0 || point.starts_with("edge.journal."), "{point}: nothing was answered");
        let generation = directory.path().join("generation-000001");
        drop(open(directory.path()));
        assert_eq!(std::fs::read_dir(&generation).unwrap().count(), 2, "{point}: something was left");
    }
}

#[tokio::test]
async fn a_generation_whose_creation_failed_when_it_was_named_can_be_opened_and_created_again() {
    for point in ["edge.create.made", "edge.current.written"] {
        let directory = tempfile::tempdir().unwrap();
        let mut child = child(directory.path(), 0);
        let output = child.env(footnote::faults::VARIABLE, format!("{point}=full@1")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("no space left") && !said.contains("answered 0"), "{point}: {said}");
        let store = open(directory.path());
        store.create_generation(1, DIMENSION).await.unwrap();
        store.upsert(1, points_of(0)).await.unwrap();
        assert_eq!(store.count(1, None).await.unwrap(), POINTS_PER_DOCUMENT as u64);
    }
}

#[tokio::test]
async fn a_directory_is_open_in_one_place_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let Err(error) = QdrantEdge::open(directory.path()) else { panic!("opened twice") };
    let text = error.to_string();
    assert!(text.contains(&format!("in use by process {}", std::process::id())), "{text}");
    drop(store);
    open(directory.path());
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

#[tokio::test]
async fn what_a_killed_create_or_optimize_left_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, vec![point(1)]).await.unwrap();
    drop(store);
    let half_made = directory.path().join("generation-000002/shard-0/segments");
    std::fs::create_dir_all(&half_made).unwrap();
    let half_copied = directory.path().join("generation-000001/shard-0/wal");
    std::fs::create_dir_all(&half_copied).unwrap();
    std::fs::write(directory.path().join("generation-000001/.tmpAbC"), "{").unwrap();
    let store = open(directory.path());
    assert_eq!(store.generations().await.unwrap(), [1]);
    assert_eq!(store.count(1, None).await.unwrap(), 1);
    assert_eq!(directories(directory.path()), [directory.path().join("generation-000001")]);
    assert_eq!(std::fs::read_dir(directory.path().join("generation-000001")).unwrap().count(), 2);
    store.create_generation(2, DIMENSION).await.unwrap();
}

#[tokio::test]
async fn a_damaged_generation_is_named_and_nothing_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.create_generation(1, DIMENSION).await.unwrap();
    drop(store);
    let generation = directory.path().join("generation-000001");
    let shard = directories(&generation).remove(0);
    std::fs::remove_dir_all(shard.join("segments")).unwrap();
    std::fs::remove_file(shard.join("edge_config.json")).unwrap();
    let Err(error) = QdrantEdge::open(directory.path()) else { panic!("opened") };
    assert!(error.to_string().contains("footnote reindex"), "{error}");
    std::fs::write(generation.join("current"), "{").unwrap();
    let Err(error) = QdrantEdge::open(directory.path()) else { panic!("opened") };
    assert!(error.to_string().contains("generation-000001/current"), "{error}");
    assert!(shard.exists());
}

/// Points on a circle, spread so that neighbours in angle are far apart in number.
fn spread(numbers: std::ops::Range<u128>) -> Vec<Point> {
    numbers.map(|number| Point { dense: at((number * 137 % 3_600) as f32 / 10.0), ..point(number) }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_optimized_copy_takes_over_with_what_was_written_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()));
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, spread(0..3_000)).await.unwrap();
    let before = directories(&directory.path().join("generation-000001"));
    let optimizing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.optimize(1).await }
    });
    // Some of this comes before the copy is taken, some while it is optimized, some after.
    for round in 0..30u128 {
        store.upsert(1, spread(3_000 + 10 * round..3_010 + 10 * round)).await.unwrap();
        store
            .upsert(
                1,
                vec![Point {
                    metadata: metadata(serde_json::json!({ "new": true })),
                    ..spread(round..round + 1).remove(0)
                }],
            )
            .await
            .unwrap();
        store.delete_document(1, document(2_000 + round), None).await.unwrap();
    }
    optimizing.await.unwrap().unwrap();
    let after = directories(&directory.path().join("generation-000001"));
    assert_eq!(after.len(), 1, "the old directory is removed");
    assert_ne!(before, after, "the copy has taken over");
    drop(store);
    let store = open(directory.path());
    assert_eq!(store.count(1, None).await.unwrap(), 3_000 + 300 - 30);
    let replaced = VectorQuery {
        filter: Filter { metadata: metadata(serde_json::json!({ "new": true })), ..Filter::default() },
        ..query(Ranking::Dense(at(0.0)), 99)
    };
    assert_eq!(sorted(ids(&search(&store, 1, replaced).await)), (0..30).map(chunk).collect::<Vec<_>>());
    for number in [2_000, 2_029] {
        assert_eq!(store.count(1, Some(document(number))).await.unwrap(), 0);
    }
    // The graph finds the true neighbour.
    for number in [0u128, 17, 1_234, 2_999, 3_299] {
        let exact = spread(number..number + 1).remove(0);
        let found = search(&store, 1, query(Ranking::Dense(exact.dense), 1)).await;
        assert!((found[0].score - 1.0).abs() < 1e-5, "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_gives_up_on_optimizing_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, spread(0..2_000)).await.unwrap();
    {
        let mut optimizing = Box::pin(store.optimize(1));
        assert!(futures::poll!(optimizing.as_mut()).is_pending());
    }
    store.upsert(1, spread(2_000..2_001)).await.unwrap();
    // Waits for the one that was given up, and does the work itself.
    store.optimize(1).await.unwrap();
    assert_eq!(directories(&directory.path().join("generation-000001")).len(), 1);
    assert_eq!(store.count(1, None).await.unwrap(), 2_001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_dropped_while_it_is_optimized_stays_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()));
    store.create_generation(1, DIMENSION).await.unwrap();
    store.upsert(1, spread(0..2_000)).await.unwrap();
    let optimizing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.optimize(1).await }
    });
    store.drop_generation(1).await.unwrap();
    match optimizing.await.unwrap() {
        Ok(()) | Err(VectorStoreError::NoSuchGeneration(1)) => {}
        Err(error) => panic!("{error}"),
    }
    assert_eq!(store.generations().await.unwrap(), Vec::<GenerationNumber>::new());
    drop(store);
    assert_eq!(open(directory.path()).generations().await.unwrap(), Vec::<GenerationNumber>::new());
}
