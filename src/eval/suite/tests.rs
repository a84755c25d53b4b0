#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::eval::testing::{abstaining, answerable};

const SMALLEST: &str = "name = \"harbour\"\nmode = \"closed\"\ndata = \"data\"\n";

/// A folder with a data set of 20 validation and 3 training examples.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let line = |example: &Example| serde_json::to_string(example).unwrap() + "\n";
    let validation: String = (0..20)
        .map(|at| match at % 2 {
            0 => line(&answerable(&format!("v{at}"), "Is the pier old?", &format!("The pier has {at} posts."), &[])),
            _ => line(&abstaining(&format!("v{at}"), "Who built it?")),
        })
        .collect();
    fs::write(folder.path().join("data/validation.jsonl"), validation).unwrap();
    let train: String = (0..3).map(|at| line(&abstaining(&format!("t{at}"), "Is the pier old?"))).collect();
    fs::write(folder.path().join("data/train.jsonl"), train).unwrap();
    folder
}

fn suite(folder: &tempfile::TempDir, settings: &str) -> Result<Suite, SuiteError> {
    let path = folder.path().join("suite.toml");
    fs::write(&path, format!("{SMALLEST}{settings}")).unwrap();
    Suite::read(&path)
}

fn load(settings: &str) -> Result<LoadedSuite, SuiteError> {
    let folder = folder();
    suite(&folder, settings)?.load(folder.path())
}

fn ids(loaded: &LoadedSuite) -> Vec<&str> {
    loaded.questions.iter().map(|question| question.example.id.as_str()).collect()
}

#[test]
fn a_suite_asks_its_split_in_order() {
    let loaded = load("split = \"validation\"").unwrap();
    assert_eq!(loaded.questions.len(), 20);
    assert_eq!(ids(&loaded)[..3], ["v0", "v1", "v2"]);
    assert_eq!(loaded.suite.metrics.len(), Metric::ALL.len());
    assert_eq!((loaded.files[0].name.as_str(), loaded.files[0].examples), ("validation.jsonl", 20));
}

#[test]
fn a_sample_depends_on_the_seed_and_keeps_the_order() {
    let drawn = |seed: u32| {
        let loaded = load(&format!("split = \"validation\"\nlimit = 8\nseed = {seed}")).unwrap();
        ids(&loaded).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let first = drawn(1);
    assert_eq!(first.len(), 8);
    assert_eq!(first, drawn(1));
    assert_ne!(first, drawn(2));
    let numbers: Vec<u32> = first.iter().map(|id| id[1..].parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}

#[test]
fn distractors_come_from_the_corpus_and_keep_the_document() {
    let loaded = load("split = \"validation\"\ncorpus = [\"train\"]\ndistractors = 2").unwrap();
    assert_eq!(loaded.passages.len(), 23);
    for question in &loaded.questions {
        assert_eq!(question.example.passages.len(), 3);
        let own = question.example.passages.iter().find(|one| one.id == format!("{}-p", question.example.id)).unwrap();
        assert_eq!(question.document, own.title);
    }
}

#[test]
fn typos_change_the_questions_and_nothing_else() {
    let folder = folder();
    fs::create_dir(folder.path().join("typos")).unwrap();
    fs::write(folder.path().join("typos/nlpaug-spelling_en.txt"), "pier peir\nbuilt bilt\n").unwrap();
    fs::write(folder.path().join("typos/nlpaug-keyboard-en.json"), r#"{"i": ["u", "o"], "%": "$"}"#).unwrap();
    let settings = "split = \"validation\"\ncorpus = [\"train\"]\ndistractors = 2\nlimit = 8\nseed = 3\n";
    let clean = suite(&folder, settings).unwrap().load(folder.path()).unwrap();
    let mistyped = suite(&folder, &format!("{settings}typos = \"typos\"")).unwrap();
    assert_eq!(mistyped.identity().unwrap().settings["typos"], "typos");
    let mistyped = mistyped.load(folder.path()).unwrap();
    for (clean, mistyped) in clean.questions.iter().zip(&mistyped.questions) {
        assert_ne!(clean.example.question, mistyped.example.question);
        let mut restored = mistyped.clone();
        restored.example.question = clean.example.question.clone();
        assert_eq!(&restored, clean);
    }
    assert_eq!(mistyped.files.len(), clean.files.len() + 2);
    let missing = suite(&folder, &format!("{settings}typos = \"nowhere\"")).unwrap().load(folder.path());
    assert!(missing.unwrap_err().to_string().contains("nlpaug-spelling_en.txt"));
}

#[test]
fn what_a_suite_cannot_mean_is_refused() {
    let folder = folder();
    for (settings, word) in [
        ("surprise = 1", "surprise"),
        ("mode = \"closed\"", "duplicate"),
        ("limit = 0", "limit"),
        ("success_f1 = 0.0", "success_f1"),
        ("success_f1 = 1.1", "success_f1"),
        ("timeout_s = 0", "timeout_s"),
        ("pairs = 0", "pairs"),
        ("metrics = []", "metrics"),
        ("metrics = [\"f1\", \"f1\"]", "metrics"),
        ("metrics = [\"bleu\"]", "bleu"),
        ("resamples = 5", "resamples"),
        ("split = \"a\"\ncorpus = [\"a\"]", "corpus"),
        ("limit = -1", "limit"),
    ] {
        let error = suite(&folder, settings).unwrap_err().to_string();
        assert!(error.contains(word), "{settings}: {error}");
    }
    let open = "name = \"x\"\nmode = \"open\"\ndata = \"data\"\ndistractors = 1\n";
    fs::write(folder.path().join("open.toml"), open).unwrap();
    assert!(Suite::read(&folder.path().join("open.toml")).unwrap_err().to_string().contains("distractors"));
    assert!(load("split = \"validation\"\nlimit = 21").unwrap_err().to_string().contains("there are 20 examples"));
    assert!(load("split = \"validation\"\ndistractors = 20").unwrap_err().to_string().contains("19 other passages"));
    assert!(load("split = \"test\"").unwrap_err().to_string().contains("test.jsonl"));
}

#[test]
fn the_identity_is_that_of_the_settings() {
    let folder = folder();
    let plain = suite(&folder, "seed = 1\nlimit = 2").unwrap().identity().unwrap();
    let commented = suite(&folder, "# a remark\nlimit = 2\nseed = 1").unwrap().identity().unwrap();
    assert_eq!(plain, commented);
    assert_ne!(plain.sha256, suite(&folder, "seed = 2\nlimit = 2").unwrap().identity().unwrap().sha256);
}

#[test]
fn pairs_are_asked_instead_of_the_sample() {
    let folder = folder();
    let lines: String = (0..40)
        .map(|at| {
            let question = format!("How old is thing{at} item{at}?");
            let mut example = match at % 2 {
                0 => answerable(&format!("p{at}"), &question, &format!("It is {at}."), &[&format!("{at} years")]),
                _ => abstaining(&format!("p{at}"), &question),
            };
            example.passages[0].title = format!("Pier {}", at % 4 / 2);
            serde_json::to_string(&example).unwrap() + "\n"
        })
        .collect();
    fs::write(folder.path().join("data/test.jsonl"), lines).unwrap();
    let loaded = suite(&folder, "split = \"test\"\npairs = 4").unwrap().load(folder.path()).unwrap();
    assert_eq!((loaded.questions.len(), loaded.passages.len()), (4, 40));
    assert!(loaded.questions.iter().all(|question| question.example.parts.len() == 2));
    let many = suite(&folder, "split = \"test\"\npairs = 40").unwrap().load(folder.path());
    assert!(many.unwrap_err().to_string().contains("pairs need"));
}

#[test]
fn the_corpus_may_be_another_data_set() {
    let folder = folder();
    fs::create_dir(folder.path().join("wiki")).unwrap();
    let line = serde_json::to_string(&abstaining("w", "Is the pier old?")).unwrap() + "\n";
    fs::write(folder.path().join("wiki/task.jsonl"), &line).unwrap();
    fs::write(folder.path().join("wiki/train.jsonl"), line.replace("\"w\"", "\"w2\"").replace("w-p", "w-q")).unwrap();
    let passages = |settings: &str| {
        let settings = format!("split = \"validation\"\ncorpus_data = \"wiki\"\n{settings}");
        suite(&folder, &settings).unwrap().load(folder.path()).unwrap().passages
    };
    assert_eq!(passages("corpus = [\"train\"]").last().unwrap().id, "w-q");
    assert_eq!(passages("").len(), 22);
}
