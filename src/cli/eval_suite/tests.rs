#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::fs;

use clap::{CommandFactory, Parser};

use super::*;
use crate::answer::calibration::Calibration;
use crate::eval::{
    bootstrap::Resampling,
    prediction::PredictedOutcome,
    review::{agreement, filled},
    suite::LEVEL,
    testing::{answerable, prediction, run_of, small_run},
};

#[derive(Parser)]
enum Commands {
    Run(RunSuite),
    Ablate(Ablate),
    Calibrate(Calibrate),
    Compare(Compare),
    Review(Review),
    Failures(Failures),
    Report(Report),
}

fn parse(arguments: &[&str]) -> Commands {
    Commands::try_parse_from(std::iter::once(&"eval").chain(arguments)).unwrap_or_else(|error| panic!("{error}"))
}

/// Two runs in a folder: `one`, and `other` with one answer more right.
fn two_runs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    small_run().write(&folder.path().join("one"), "").unwrap();
    let mut other = small_run();
    other.predictions[6].answer = "212 metres".into();
    other.predictions[6].scores = other.predictions[0].scores;
    other.write(&folder.path().join("other"), "").unwrap();
    folder
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

#[test]
fn the_arguments_are_consistent() {
    Commands::command().debug_assert();
}

#[test]
fn a_review_goes_round() {
    let folder = two_runs();
    let (one, other, out) = (path(&folder, "one"), path(&folder, "other"), path(&folder, "sheet"));
    let make = ["review", "make", &one, &other, "--out", &out, "--all"];
    let Commands::Review(review) = parse(&make) else { panic!() };
    review.run().unwrap();
    assert!(fs::read_to_string(folder.path().join("sheet/sheet.html")).unwrap().contains("Which answer is better?"));
    // Every A, as a spreadsheet would save it.
    let sheet = fs::read_to_string(folder.path().join("sheet/sheet.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(sheet.trim_start_matches('\u{feff}').as_bytes());
    let mut filled = csv::Writer::from_writer(Vec::new());
    filled.write_record(rows.headers().unwrap()).unwrap();
    for row in rows.records() {
        let row = row.unwrap();
        filled.write_record(row.iter().enumerate().map(|(at, cell)| if at == 6 { "A" } else { cell })).unwrap();
    }
    fs::write(folder.path().join("ann.csv"), filled.into_inner().unwrap()).unwrap();
    let key = filled::read_key(&folder.path().join("sheet.key.json")).unwrap();
    let read = filled::read(&folder.path().join("ann.csv"), &key).unwrap();
    assert_eq!((read.verdicts.len(), read.sides), (8, (8, 0)));
    let report = agreement::sum_up(&key, &[read], &Resampling::new(200, 1, LEVEL).unwrap()).unwrap();
    assert_eq!((report.preference.value, report.leaning), (0.0, (4, 4)));
    let said = text::review(&report);
    assert!(said.contains("no significant preference") && said.contains("8 : 0"), "{said}");
    let Commands::Review(again) = parse(&make) else { panic!() };
    assert!(again.run().is_err(), "a sheet was overwritten");
}

#[test]
fn a_comparison_shows_what_changed() {
    let folder = two_runs();
    let read = |name| Run::read(&folder.path().join(name)).unwrap();
    let comparison = compare(&read("one"), &read("other")).unwrap();
    let shown = text::comparison(&comparison, 1);
    for words in
        ["wrong -> right: 1", "<b>Anna & Söhne</b>  ->  212 metres", "right -> wrong: 0", "not significant", "+12.5 ["]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let Commands::Compare(command) = parse(&["compare", &path(&folder, "one"), &path(&folder, "other"), "--json"])
    else {
        panic!()
    };
    assert_eq!(command.run().unwrap(), Exit::Ok);
}

#[test]
fn a_calibration_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let (examples, predictions) = (0..200)
        .map(|at| {
            let example = answerable(&format!("q{at}"), "How long is it?", "It is long.", &["212 metres"]);
            let confidence = f64::from(at) / 200.0;
            let answer = if at % 7 == 0 || confidence < 0.3 { "a mile" } else { "212 metres" };
            let prediction = prediction(&example, PredictedOutcome::Answered, answer, confidence);
            (example, prediction)
        })
        .unzip();
    let mut run = run_of(examples, predictions);
    for part in ["generator", "embedder"] {
        run.card.models.insert(part.into(), part.into());
    }
    run.write(&folder.path().join("run"), "").unwrap();
    let (run, out) = (path(&folder, "run"), path(&folder, "calibration.json"));
    let arguments = ["calibrate", &run, "--target-error", "0.3", "--out", &out];
    let Commands::Calibrate(command) = parse(&arguments) else { panic!() };
    command.run().unwrap();
    let written = Calibration::load(Path::new(&out)).unwrap();
    assert_eq!((written.models.generator.as_str(), written.fitted_on.answers), ("generator", 200));
    assert!(written.fitted_on.calibration_error < written.fitted_on.raw_calibration_error);
    let Commands::Calibrate(again) = parse(&arguments) else { panic!() };
    assert!(again.run().unwrap_err().to_string().contains("cannot write"));
}

#[test]
fn failures_are_written_once_and_a_report_again() {
    let folder = two_runs();
    let (run, out) = (path(&folder, "one"), path(&folder, "failure.jsonl"));
    let arguments = ["failures", &run, "--out", &out];
    let Commands::Failures(command) = parse(&arguments) else { panic!() };
    command.run().unwrap();
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 3);
    let Commands::Failures(again) = parse(&arguments) else { panic!() };
    assert!(again.run().unwrap_err().to_string().contains("cannot write"));
    let Commands::Report(command) = parse(&["report", &run]) else { panic!() };
    command.run().unwrap();
    assert!(fs::read_to_string(folder.path().join("one/report.html")).unwrap().contains("harbour"));
}

#[test]
fn a_run_does_not_begin_where_there_is_one() {
    let folder = two_runs();
    let Commands::Run(command) = parse(&["run", "--suite", "x.toml", "--out", &path(&folder, "one")]) else { panic!() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(command.measure(async |_, _| panic!("the suite was loaded"))).unwrap_err();
    assert!(error.to_string().contains("exists"), "{error}");
}
