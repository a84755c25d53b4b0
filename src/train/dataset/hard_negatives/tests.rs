#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use super::*;
use crate::train::dataset::{
    example::{Example, Passage, Span, SpanRole},
    passage_id,
};

/// A question that one passage answers.
fn asked(id: &str, question: &str, title: &str, text: &str, answer: Option<&str>) -> Example {
    let passage = Passage { id: passage_id(text), title: title.to_owned(), text: text.to_owned() };
    let span = answer.and_then(|answer| {
        let start = text.find(answer)? as u32;
        let end = start + answer.len() as u32;
        Some(Span { passage: passage.id.clone(), start, end, role: SpanRole::Answer })
    });
    Example {
        id: id.to_owned(),
        kind: crate::train::dataset::Kind::Task,
        history: vec![],
        parts: vec![],
        question: question.to_owned(),
        passages: vec![passage],
        expected: if answer.is_some() { Expected::Answered } else { Expected::Abstained },
        answer: answer.map(str::to_owned),
        short_answers: answer.map(str::to_owned).into_iter().collect(),
        support: span.into_iter().collect(),
        tags: vec![],
        provenance: format!("own#{id}"),
        licence: if title == "Mill" { "MIT".to_owned() } else { "Apache-2.0".to_owned() },
    }
}

fn kilns() -> Vec<Example> {
    vec![
        asked("a", "Who lit the kiln?", "Kiln", "The kiln was lit by Ada.", Some("Ada")),
        asked("b", "Who sold the kiln?", "Sale", "Ben sold the kiln to Ada.", Some("Ben")),
        asked("c", "Who stopped the mill by the kiln?", "Mill", "The kiln fed the mill that Cy stopped.", Some("Cy")),
        asked("d", "Who built the kiln?", "Kiln", "The kiln was lit by Ada.", None),
    ]
}

fn set_of(examples: &[(Option<Split>, Example)]) -> (tempfile::TempDir, DataSet) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&folder.path().join("set")).unwrap();
    for (split, example) in examples {
        writer.write(*split, example).unwrap();
    }
    writer.finish().unwrap();
    let set = DataSet::open(&folder.path().join("set")).unwrap();
    (folder, set)
}

fn unsplit() -> (tempfile::TempDir, DataSet) {
    set_of(&kilns().into_iter().map(|example| (None, example)).collect::<Vec<_>>())
}

fn read(path: &Path) -> Vec<Example> {
    DataSet::open(path).unwrap().examples().map(|located| located.unwrap().example).collect()
}

fn wanted(per_example: usize, cap: f64) -> Negatives {
    Negatives { kind: NegativeKind::Paired, per_example, cap, seed: 3, splits: vec![] }
}

#[test]
fn negatives_hold_no_accepted_answer_and_follow_their_example() {
    let (folder, set) = unsplit();
    let out = folder.path().join("out");
    let reports = add_negatives(&set, &wanted(2, 1.0), &out).unwrap();
    let examples = read(&out);
    let ids: Vec<&str> = examples.iter().map(|example| example.id.as_str()).collect();
    // "Ada" stands in the passages of a and b, so a has one wrong passage.
    assert_eq!(
        ids,
        ["a", "a-negative-1", "b", "b-negative-1", "b-negative-2", "c", "c-negative-1", "c-negative-2", "d"]
    );
    assert_eq!((reports[0].added, reports[0].not_found, reports[0].answerable), (5, 1, 3));
    assert_eq!(reports[0].added_by_tag, BTreeMap::from([("hard-negative", 5)]));
    let negative = &examples[1];
    assert_eq!((negative.passages[0].title.as_str(), negative.licence.as_str()), ("Mill", "Apache-2.0 AND MIT"));
    assert_eq!(
        (negative.expected, negative.tags.join(" ")),
        (Expected::Abstained, "synthetic hard-negative".to_owned())
    );
}

#[test]
fn the_cap_is_kept_and_what_is_left_out_is_counted() {
    let (folder, set) = unsplit();
    let reports = add_negatives(&set, &wanted(2, 0.34), &folder.path().join("one")).unwrap();
    assert_eq!((reports[0].added, reports[0].over_cap), (2, 3));
    assert!(reports[0].synthetic_share <= 0.34);
    add_negatives(&set, &wanted(2, 0.34), &folder.path().join("two")).unwrap();
    assert_eq!(read(&folder.path().join("one")), read(&folder.path().join("two")));
    assert!(add_negatives(&set, &wanted(0, 0.5), &folder.path().join("x")).is_err());
    assert!(add_negatives(&set, &wanted(1, 1.5), &folder.path().join("x")).is_err());
}

#[test]
fn distractors_are_wrong_and_the_order_is_drawn() {
    let (folder, set) = unsplit();
    let out = folder.path().join("out");
    let reports = add_distractors(&set, 2, 5, &out).unwrap();
    let examples = read(&out);
    assert_eq!(examples.iter().map(|e| e.passages.len()).collect::<Vec<_>>(), [2, 3, 3, 3]);
    assert_eq!((reports[0].added, reports[0].short, reports[0].unchecked), (7, 1, 1));
    for (example, before) in examples.iter().zip(kilns()) {
        assert!(example.passages.contains(&before.passages[0]));
        assert_eq!(example.support, before.support);
        let ids: BTreeSet<&str> = example.passages.iter().map(|passage| passage.id.as_str()).collect();
        assert_eq!(ids.len(), example.passages.len());
    }
    add_distractors(&set, 2, 5, &folder.path().join("again")).unwrap();
    assert_eq!(read(&folder.path().join("again")), examples);
}

#[test]
fn passages_come_from_the_same_split() {
    let splits = [Split::Train, Split::Train, Split::Test, Split::Train];
    let (folder, set) = set_of(&splits.into_iter().map(Some).zip(kilns()).collect::<Vec<_>>());
    let out = folder.path().join("out");
    let reports = add_distractors(&set, 2, 5, &out).unwrap();
    assert_eq!((reports[0].split, reports[1].split), (Some(Split::Train), Some(Split::Test)));
    assert_eq!(reports[1].added, 0);
    assert!(read(&out.join("train")).iter().all(|e| e.passages.iter().all(|passage| passage.title != "Mill")));

    let only = Negatives { splits: vec![Split::Train], ..wanted(1, 1.0) };
    let reports = add_negatives(&set, &only, &folder.path().join("negatives")).unwrap();
    assert_eq!((reports[0].added, reports[1].added), (1, 0));
    let unknown = Negatives { splits: vec![Split::Validation], ..wanted(1, 1.0) };
    assert!(add_negatives(&set, &unknown, &folder.path().join("x")).is_err());
}

#[test]
fn a_question_that_is_answered_elsewhere_is_not_paired_with_that_passage() {
    let mut examples = kilns();
    examples.push(asked("e", "Who lit the kiln?", "Other", "Dee lit the kiln too.", Some("Dee")));
    let (folder, set) = set_of(&examples.into_iter().map(|example| (None, example)).collect::<Vec<_>>());
    let out = folder.path().join("out");
    add_negatives(&set, &wanted(3, 1.0), &out).unwrap();
    let built = read(&out);
    let texts: Vec<&str> =
        built.iter().filter(|e| e.id.starts_with("a-neg")).map(|e| e.passages[0].text.as_str()).collect();
    assert_eq!(texts, ["The kiln fed the mill that Cy stopped."]);
}

#[test]
fn licences_are_joined() {
    assert_eq!(joined("MIT AND CC-BY-SA-3.0", "MIT"), "MIT AND CC-BY-SA-3.0");
    assert_eq!(joined("MIT OR Apache-2.0", "CC-BY-SA-3.0"), "(MIT OR Apache-2.0) AND CC-BY-SA-3.0");
}
