#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::eval::testing::small_run;

#[test]
fn a_run_comes_back_as_it_was_written() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep/run-1");
    let mut run = small_run();
    run.write(&folder, "<p>report</p>").unwrap();
    let read = Run::read(&folder).unwrap();
    assert_eq!(read.name, "run-1");
    assert_eq!((&read.card, &read.examples, &read.predictions), (&run.card, &run.examples, &run.predictions));
    assert_eq!(read.short_sum().len(), 8);
    let table = fs::read_to_string(folder.join(METRICS_TABLE)).unwrap();
    assert!(table.starts_with("metric,value,low,high,questions\nf1,"), "{table}");
    // Nothing unfinished is left beside it.
    assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_run_is_never_overwritten() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = small_run();
    assert!(matches!(run.write(parent.path(), ""), Err(RunError::Exists(_))));
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

/// What reading says after one file was changed by `change`.
fn after(name: &str, change: impl Fn(String) -> String) -> RunError {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("run");
    small_run().write(&folder, "").unwrap();
    let text = fs::read_to_string(folder.join(name)).unwrap();
    fs::write(folder.join(name), change(text)).unwrap();
    Run::read(&folder).unwrap_err()
}

#[test]
fn an_altered_file_is_refused() {
    for name in SUMMED {
        let error = after(name, |text| text.replacen('0', "1", 1) + " ");
        assert!(matches!(&error, RunError::Altered { path, .. } if path.ends_with(name)), "{error}");
    }
}

#[test]
fn a_card_that_says_something_else_is_refused() {
    let another_format = after(CARD, |text| text.replace("\"format\": 1", "\"format\": 9"));
    assert!(matches!(another_format, RunError::Format { found: 9, .. }), "{another_format}");
    let without = after(CARD, |text| text.replace("\"format\": 1,", ""));
    assert!(without.to_string().contains("`format` is missing"), "{without}");
    let unknown = after(CARD, |text| text.replacen('{', "{\"surprise\": 1,", 1));
    assert!(unknown.to_string().contains("surprise"), "{unknown}");
    let unnamed = after(CARD, |text| text.replace("metrics.csv", "other.csv"));
    assert!(unnamed.to_string().contains("no sum of metrics.csv"), "{unnamed}");
}

#[test]
fn predictions_of_other_examples_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let attempt = |name: &str, change: fn(&mut Run)| {
        let mut run = small_run();
        change(&mut run);
        run.write(&parent.path().join(name), "").unwrap();
        Run::read(&parent.path().join(name)).unwrap_err().to_string()
    };
    assert!(attempt("a", |run| run.predictions.swap(0, 1)).contains("line 1"));
    assert!(attempt("b", |run| drop(run.predictions.pop())).contains("predictions for"));
    let twice = attempt("c", |run| {
        run.examples[1] = run.examples[0].clone();
        run.predictions[1] = run.predictions[0].clone();
    });
    assert!(twice.contains("occurs twice"), "{twice}");
}

#[test]
fn a_folder_without_a_card_holds_no_run() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Run::read(folder.path()), Err(RunError::NoRun(_))));
}

#[test]
fn a_report_can_be_made_again() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("run");
    small_run().write(&folder, "old").unwrap();
    replace_report(&folder, "new").unwrap();
    assert_eq!(fs::read_to_string(folder.join(REPORT)).unwrap(), "new");
    Run::read(&folder).unwrap();
}
