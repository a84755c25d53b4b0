#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::BTreeSet, fs};

use super::*;
use crate::train::dataset::{
    Example, Expected, FREE_FORM, Kind, SYNTHETIC, Split,
    example::{Passage, SpanRole},
    files::Writer,
    passage_id,
    settings::SETTINGS_FILE,
    validate::tests::sound,
};

/// Words that have nothing to do with each other, so that no two texts are alike by accident.
fn prose(seed: usize, count: usize) -> String {
    let words: Vec<String> = (0..count).map(|at| format!("w{}x{}", seed, (at * 7919 + seed * 31) % 9973)).collect();
    format!("Begin{seed} {}.", words.join(" "))
}

/// A sound example about a document of its own.
fn about(number: usize) -> Example {
    let text = format!("{} The answer is number{number}. {}", prose(number, 30), prose(number + 5000, 30));
    let start = text.find(&format!("number{number}")).unwrap() as u32;
    let mut example = sound(&format!("e{number}"));
    example.question = format!("Which number{number} is kept in the {number}th store of grain?");
    example.passages = vec![Passage { id: passage_id(&text), title: format!("Document {number}"), text }];
    example.answer = Some(format!("number{number}"));
    example.short_answers = vec![format!("number{number}")];
    for span in &mut example.support {
        span.passage = example.passages[0].id.clone();
        (span.start, span.end) = (start, start + format!("number{number}").len() as u32);
    }
    example
}

fn declined(mut example: Example, id: &str) -> Example {
    example.id = id.to_owned();
    example.expected = Expected::Abstained;
    example.answer = None;
    example.short_answers.clear();
    example.support.clear();
    example
}

fn folder_of(examples: &[(Option<Split>, Example)], settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&folder.path().join("set")).unwrap();
    for (split, example) in examples {
        writer.write(*split, example).unwrap();
    }
    writer.put(SETTINGS_FILE, settings).unwrap();
    writer.finish().unwrap();
    folder
}

fn opened(folder: &tempfile::TempDir) -> DataSet {
    DataSet::open(&folder.path().join("set")).unwrap()
}

fn linted(examples: &[(Option<Split>, Example)]) -> LintReport {
    lint(&[opened(&folder_of(examples, ""))], &[]).unwrap()
}

fn unsplit(examples: &[Example]) -> LintReport {
    linted(&examples.iter().map(|example| (None, example.clone())).collect::<Vec<_>>())
}

fn codes(report: &LintReport) -> BTreeSet<Code> {
    report.findings.iter().map(|finding| finding.code).collect()
}

/// What an example that was spoilt is reported for, among sound ones.
fn spoilt(spoil: impl FnOnce(&mut Example)) -> BTreeSet<Code> {
    let mut example = about(1);
    spoil(&mut example);
    let report = unsplit(&[about(0), example, about(2)]);
    assert!(report.findings.iter().all(|finding| finding.line == Some(2)), "{:?}", report.findings);
    codes(&report)
}

#[test]
fn a_sound_data_set_has_no_findings() {
    let mut examples: Vec<Example> = (0..30).map(about).collect();
    examples.extend((30..40).map(|number| declined(about(number), &format!("e{number}"))));
    let report = unsplit(&examples);
    assert_eq!(report.findings, []);
    assert_eq!(report.examples, 40);
}

#[test]
fn lines_that_are_no_examples_are_all_reported_with_their_lines() {
    let folder = folder_of(&[(None, about(0)), (None, about(1))], "");
    let path = folder.path().join("set/task.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{{\n{text}\nnothing\n")).unwrap();
    let report = lint(&[opened(&folder)], &[]).unwrap();
    assert_eq!(report.count(Code::Schema), 3);
    assert_eq!(report.findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [Some(1), Some(4), Some(5)]);
    assert!(report.findings.iter().all(|finding| finding.file.ends_with("task.jsonl")));
}

#[test]
fn single_examples_are_looked_at() {
    let one = |code| BTreeSet::from([code]);
    assert_eq!(spoilt(|e| e.question = " ".into()), one(Code::EmptyField));
    assert_eq!(spoilt(|e| e.licence.clear()), one(Code::Origin));
    assert_eq!(spoilt(|e| e.answer = None), one(Code::Outcome));
    assert_eq!(spoilt(|e| e.support[0].passage = "nowhere".into()), one(Code::Span));
    assert_eq!(spoilt(|e| e.id = "e0".into()), one(Code::DuplicateId));
    assert_eq!(spoilt(|e| e.passages.push(e.passages[0].clone())), one(Code::PassageId));
    assert_eq!(
        spoilt(|e| e.short_answers = vec!["elsewhere".into()]),
        BTreeSet::from([Code::AnswerNotInPassages, Code::AnswerSpan])
    );
    assert_eq!(spoilt(|e| e.support[0].start -= 4), one(Code::AnswerSpan));
    assert_eq!(spoilt(|e| e.question = "Which store is it? When was it built?".into()), one(Code::TwoQuestions));
    assert_eq!(spoilt(|e| e.question = "Translate the passage into Dutch".into()), one(Code::Instruction));
    assert_eq!(spoilt(|e| e.question.push_str(" Context: none")), one(Code::Instruction));
    assert_eq!(spoilt(|e| e.question.push_str(" ada@kiln-works.org")), one(Code::PersonalEmail));
    assert_eq!(spoilt(|e| e.passages[0].text.push_str(" 4111 1111 1111 1111")), one(Code::PersonalCard));
    assert_eq!(spoilt(|e| e.question = prose(77, 90)), one(Code::TooLong));
    assert_eq!(spoilt(|e| e.passages[0].text.push_str(&prose(78, 2500))), one(Code::TooLong));
}

#[test]
fn an_answer_that_is_in_no_passage_may_be_tagged() {
    let found = spoilt(|e| {
        e.support.clear();
        e.short_answers = vec!["yes".into()];
        e.tags = vec![FREE_FORM.into()];
    });
    assert_eq!(found, BTreeSet::new());
}

#[test]
fn an_example_in_the_file_of_another_kind_is_found() {
    let folder = folder_of(&[(None, about(0)), (None, Example { kind: Kind::Edge, ..about(1) })], "");
    let set = folder.path().join("set");
    let edge = fs::read_to_string(set.join("edge.jsonl")).unwrap();
    fs::write(set.join("task.jsonl"), edge).unwrap();
    fs::write(set.join("edge.jsonl"), "").unwrap();
    let report = lint(&[opened(&folder)], &[]).unwrap();
    assert_eq!(codes(&report), BTreeSet::from([Code::WrongKind]));
}

#[test]
fn duplicates_are_found_whatever_their_ids_and_case() {
    let mut copy = Example { id: "copy".to_owned(), ..about(1) };
    copy.question = copy.question.to_uppercase();
    let mut near = Example { id: "near".to_owned(), ..about(2) };
    near.question = near.question.replace("of grain?", "of grains?");
    let mut reworded = about(3);
    reworded.id = "reworded".to_owned();
    reworded.question = "Where is grain?".to_owned();
    reworded.passages[0].text.push_str(" More.");
    reworded.passages[0].id = passage_id(&reworded.passages[0].text);
    reworded.support.iter_mut().for_each(|span| span.passage = reworded.passages[0].id.clone());
    let report = unsplit(&[about(1), about(2), about(3), copy, near, reworded]);
    let found: Vec<(Code, Option<u32>)> = report.findings.iter().map(|finding| (finding.code, finding.line)).collect();
    assert_eq!(
        found,
        [(Code::Duplicate, Some(4)), (Code::NearDuplicate, Some(5)), (Code::NearDuplicatePassage, Some(6)),]
    );
    assert!(report.findings[0].message.contains("task.jsonl:1"), "{}", report.findings[0].message);
}

#[test]
fn contradictions_are_found_also_when_other_passages_are_beside() {
    let mut other_answer = Example { id: "other".to_owned(), ..about(1) };
    other_answer.short_answers = vec!["Begin1".to_owned()];
    other_answer.support.retain(|span| span.role == SpanRole::Evidence);
    let mut longer = Example { id: "longer".to_owned(), ..about(3) };
    longer.short_answers = vec!["is number3".to_owned(), "number3".to_owned()];
    let mut with_another = declined(about(2), "declined");
    with_another.passages.insert(0, about(9).passages[0].clone());
    let report = unsplit(&[about(1), about(2), about(3), other_answer, longer, with_another]);
    let mut found = codes(&report);
    assert!(found.remove(&Code::ContradictingAnswers) && found.remove(&Code::ContradictingOutcome));
    // The longer answer agrees, so it is only a duplicate.
    assert_eq!(found, BTreeSet::from([Code::Duplicate]));
    assert_eq!(report.count(Code::ContradictingAnswers), 1);
}

#[test]
fn a_leak_between_splits_is_found() {
    let both = |train: Example, test: Example| {
        let own = [(Some(Split::Train), about(1)), (Some(Split::Test), about(2))];
        linted(&[&own[..], &[(Some(Split::Train), train), (Some(Split::Test), test)]].concat())
    };
    assert_eq!(both(about(3), about(4)).findings, []);

    let mut same_document = about(4);
    same_document.passages[0].title = "DOCUMENT_3".to_owned();
    let report = both(about(3), same_document.clone());
    assert_eq!(codes(&report), BTreeSet::from([Code::LeakDocument]));
    assert!(report.findings[0].file.ends_with("train/task.jsonl") && report.findings[0].line == Some(2));

    let mut distractor = about(4);
    distractor.passages.insert(0, Passage { title: "Document 3".to_owned(), ..about(8).passages[0].clone() });
    assert_eq!(codes(&both(about(3), distractor)), BTreeSet::from([Code::LeakDocument]));

    let mut copied = about(4);
    copied.passages[0].text.push_str(&about(3).passages[0].text);
    assert_eq!(codes(&both(about(3), copied)), BTreeSet::from([Code::LeakText]));

    let mut quoted = about(4);
    let quote: Vec<&str> = about(3).passages[0].text.clone().leak().split(' ').take(14).collect();
    quoted.passages[0].text.push_str(&format!(" {} ", quote.join(" ")));
    let report = both(about(3), quoted);
    assert_eq!(codes(&report), BTreeSet::from([Code::LeakPhrase]));
    assert_eq!(report.errors, 0);

    let asked = |question: &str| {
        let (mut train, mut test) = (about(3), about(4));
        train.question = question.to_owned();
        test.question = question.to_uppercase();
        codes(&both(train, test))
    };
    assert_eq!(asked("Which of the two kilns was lit by Ada?"), BTreeSet::from([Code::LeakQuestion]));
    assert_eq!(asked("Who lit the old kiln?"), BTreeSet::from([Code::SameQuestion]));
    assert_eq!(asked("Who lit it?"), BTreeSet::new());
    let long = "Which of the two kilns by the river was lit by Ada in the year before the flood";
    let (mut train, mut test) = (about(3), about(4));
    (train.question, test.question) = (format!("{long}?"), format!("And {long} came?"));
    assert_eq!(codes(&both(train, test)), BTreeSet::from([Code::LeakQuestion]));
}

#[test]
fn a_leak_into_another_data_set_is_found_and_only_that() {
    let train = folder_of(&[(None, about(1)), (None, about(2))], "");
    let mut spoilt = about(2);
    spoilt.licence.clear();
    let held = folder_of(&[(None, spoilt), (None, about(3))], "");
    let report = lint(&[opened(&train)], &[opened(&held)]).unwrap();
    assert_eq!(codes(&report), BTreeSet::from([Code::LeakDocument, Code::LeakText, Code::LeakQuestion]));
    assert!(report.findings.iter().all(|finding| finding.line == Some(2)));
    assert_eq!(report.examples, 2);
}

#[test]
fn shares_are_kept_in_their_band_and_settings_decide() {
    let mut examples: Vec<(Option<Split>, Example)> = (0..30).map(|number| (None, about(number))).collect();
    for (_, example) in examples.iter_mut().take(18) {
        example.tags = vec![SYNTHETIC.to_owned()];
    }
    let with = |settings: &str| codes(&lint(&[opened(&folder_of(&examples, settings))], &[]).unwrap());
    assert_eq!(with(""), BTreeSet::from([Code::UnanswerableShare, Code::SyntheticShare]));
    assert_eq!(with("[lint]\nmin_unanswerable = 0.0\nmax_synthetic = 0.6"), BTreeSet::new());
    let allowed = folder_of(&examples, "[lint]\nallow = [\"synthetic-share\", \"unanswerable-share\"]");
    let report = lint(&[opened(&allowed)], &[]).unwrap();
    assert_eq!((report.findings.len(), report.errors, report.allowed.len()), (0, 0, 2));
    let unknown = folder_of(&examples, "[lint]\nallow = [\"synthetic\"]");
    assert!(lint(&[opened(&unknown)], &[]).is_err());
}

#[test]
fn outliers_and_mixed_answers_are_found() {
    let mut examples: Vec<Example> = (0..60).map(about).collect();
    examples.extend((60..70).map(|number| declined(about(number), &format!("e{number}"))));
    examples[7].passages[0].text.push_str(&prose(91, 1800));
    examples[8].question = "Why?".to_owned();
    for example in &mut examples[20..30] {
        (example.short_answers, example.tags) = (vec![], vec![FREE_FORM.to_owned()]);
        example.support.clear();
    }
    let report = unsplit(&examples);
    assert_eq!(codes(&report), BTreeSet::from([Code::LengthOutlier, Code::MixedAnswers]));
    let lines: Vec<Option<u32>> =
        report.findings.iter().filter(|f| f.code == Code::LengthOutlier).map(|finding| finding.line).collect();
    assert_eq!(lines, [Some(8), Some(9)]);
}

#[test]
fn codes_have_distinct_names() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
}
