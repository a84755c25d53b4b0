#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::train::dataset::{example::Passage, validate::tests::sound};

/// An example whose supporting passage is of `title`, with distractors of other documents.
fn of(id: usize, title: &str, others: &[&str]) -> Example {
    let mut example = sound(&format!("e{id}"));
    example.passages[0].title = title.to_owned();
    for (number, other) in others.iter().enumerate() {
        let text = format!("Distractor {number}.");
        example.passages.insert(0, Passage { id: format!("d{number}"), title: (*other).to_owned(), text });
    }
    example
}

fn write(examples: &[Example]) -> (tempfile::TempDir, DataSet) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&folder.path().join("set")).unwrap();
    for example in examples {
        writer.write(None, example).unwrap();
    }
    writer.put("README.md", "whose it is\n").unwrap();
    writer.finish().unwrap();
    let set = DataSet::open(&folder.path().join("set")).unwrap();
    (folder, set)
}

fn cut(set: &DataSet, plan: &Plan, seed: u64) -> Result<(SplitReport, Vec<(Split, Example)>), DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let report = split(set, plan, seed, &out)?;
    assert!(out.join("README.md").exists());
    let set = DataSet::open(&out)?;
    let read =
        set.examples().map(|located| located.map(|l| (l.part.split.unwrap(), l.example))).collect::<Result<_, _>>();
    Ok((report, read?))
}

fn in_split(read: &[(Split, Example)], wanted: Split) -> BTreeSet<String> {
    read.iter().filter(|(split, _)| *split == wanted).map(|(_, example)| example.id.clone()).collect()
}

#[test]
fn named_documents_are_held_out_whole() {
    let (_folder, set) = write(&[of(0, "A", &[]), of(1, "B_x", &[]), of(2, "A", &["B_x"]), of(3, "C", &[])]);
    let (report, read) = cut(&set, &Plan::HoldOut(vec!["b x".to_owned()]), 1).unwrap();
    assert_eq!(in_split(&read, Split::Validation), BTreeSet::from(["e1".to_owned()]));
    assert_eq!(report.splits[&Split::Train].documents, ["A", "C"]);
    assert_eq!(report.splits[&Split::Train].examples, 3);
    assert!(cut(&set, &Plan::HoldOut(vec!["D".to_owned()]), 1).is_err());
}

#[test]
fn documents_that_one_example_needs_stay_together() {
    let mut both = of(9, "A", &["B"]);
    both.support.push(crate::train::dataset::Span {
        passage: "d0".into(),
        start: 0,
        end: 4,
        ..both.support[1].clone()
    });
    let (_folder, set) = write(&[of(0, "A", &[]), of(1, "B", &[]), of(2, "C", &[]), both]);
    for seed in 0..8 {
        let (_, read) = cut(&set, &Plan::HoldOutDrawn(1), seed).unwrap();
        let held = in_split(&read, Split::Validation);
        assert!(held == BTreeSet::from(["e2".to_owned()]) || held.len() == 3, "{held:?}");
    }
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let (_folder, set) = write(&[of(0, "A", &[]), of(1, "B", &[])]);
    for plan in [
        Plan::Shares([0.8, 0.1, 0.2]),
        Plan::Shares([0.4, 0.3, 0.3]),
        Plan::Shares([1.5, -0.5, 0.0]),
        Plan::HoldOutDrawn(0),
        Plan::HoldOutDrawn(2),
    ] {
        assert!(matches!(cut(&set, &plan, 1), Err(DatasetError::Request(_))), "{plan:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    split(&set, &Plan::HoldOutDrawn(1), 1, &folder.path().join("cut")).unwrap();
    let again = DataSet::open(&folder.path().join("cut")).unwrap();
    assert!(split(&again, &Plan::HoldOutDrawn(1), 1, &folder.path().join("again")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_document_is_in_two_splits_and_nothing_is_lost(titles in prop::collection::vec(0_u8..12, 12..60), seed: u64) {
        let examples: Vec<Example> =
            titles.iter().enumerate().map(|(id, title)| of(id, &format!("T{title}"), &["T0"])).collect();
        let (_folder, set) = write(&examples);
        let plan = Plan::Shares([0.6, 0.2, 0.2]);
        let Ok((report, read)) = cut(&set, &plan, seed) else { return Ok(()) };
        prop_assert_eq!(read.len(), examples.len());
        let mut seen: BTreeMap<String, Split> = BTreeMap::new();
        for (split, example) in &read {
            let title = example.passages.last().unwrap().title.clone();
            prop_assert_eq!(*seen.entry(title).or_insert(*split), *split);
        }
        prop_assert_eq!(cut(&set, &plan, seed).unwrap(), (report, read));
    }
}
