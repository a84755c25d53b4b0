//! What changed between two data sets, by the ids of the examples.
//!
//! Only a fingerprint of every field is kept in memory.
//!
//! May depend on `files` and `split_mix`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    error::DatasetError,
    example::Example,
    files::{DataSet, Located},
    split_mix::hash64,
};

/// The fields that are compared, in the order of [`fingerprint`].
const FIELDS: [&str; 13] = [
    "split",
    "kind",
    "history",
    "question",
    "parts",
    "passages",
    "expected",
    "answer",
    "short_answers",
    "support",
    "tags",
    "provenance",
    "licence",
];

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DiffReport {
    /// Ids that only the second set has, in its order.
    pub added: Vec<String>,
    /// Ids that only the first set has, sorted.
    pub removed: Vec<String>,
    /// Ids that both have, with the fields that differ, in the order of the second set.
    pub changed: Vec<Changed>,
    /// How many examples are the same.
    pub same: u64,
}

/// An example that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// The fields that differ.
    pub fields: Vec<&'static str>,
}

impl DiffReport {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two data sets. An id that one of them uses twice is an error.
pub fn diff(first: &DataSet, second: &DataSet) -> Result<DiffReport, DatasetError> {
    let before = fingerprints(first)?;
    let after = fingerprints(second)?;
    let mut report = DiffReport::default();
    report.removed.extend(before.keys().filter(|id| !after.contains_key(*id)).cloned());
    let mut in_order: Vec<(&String, &Fingerprint)> = after.iter().collect();
    in_order.sort_by_key(|(_, fingerprint)| fingerprint.position);
    for (id, now) in in_order {
        let Some(then) = before.get(id) else {
            report.added.push(id.clone());
            continue;
        };
        let differ = FIELDS.into_iter().zip(then.fields.iter().zip(&now.fields));
        let fields: Vec<&'static str> = differ.filter(|(_, (a, b))| a != b).map(|(name, _)| name).collect();
        if fields.is_empty() {
            report.same += 1;
        } else {
            report.changed.push(Changed { id: id.clone(), fields });
        }
    }
    Ok(report)
}

struct Fingerprint {
    position: usize,
    fields: [u64; FIELDS.len()],
}

fn fingerprints(set: &DataSet) -> Result<BTreeMap<String, Fingerprint>, DatasetError> {
    let mut found = BTreeMap::new();
    for (position, located) in set.examples().enumerate() {
        let located = located?;
        let fields = fingerprint(&located);
        let Located { part, line, example: Example { id, .. }, .. } = located;
        if found.contains_key(&id) {
            let reason = format!("the id {id:?} is used twice; rename one of the examples");
            return Err(DatasetError::Line { file: part.path.clone(), line, reason });
        }
        found.insert(id, Fingerprint { position, fields });
    }
    Ok(found)
}

fn fingerprint(located: &Located<'_>) -> [u64; FIELDS.len()] {
    let example = &located.example;
    let json = |value: serde_json::Result<String>| hash64(value.unwrap_or_default().as_bytes());
    [
        located.part.split.map_or(0, |split| hash64(split.as_str().as_bytes())),
        json(serde_json::to_string(&example.kind)),
        json(serde_json::to_string(&example.history)),
        json(serde_json::to_string(&example.question)),
        json(serde_json::to_string(&example.parts)),
        json(serde_json::to_string(&example.passages)),
        json(serde_json::to_string(&example.expected)),
        json(serde_json::to_string(&example.answer)),
        json(serde_json::to_string(&example.short_answers)),
        json(serde_json::to_string(&example.support)),
        json(serde_json::to_string(&example.tags)),
        json(serde_json::to_string(&example.provenance)),
        json(serde_json::to_string(&example.licence)),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::train::dataset::{ExamplePart, Exchange, Expected, files::Split, files::Writer, validate::tests::sound};

    fn set_of(examples: &[(Split, Example)]) -> (tempfile::TempDir, DataSet) {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(&folder.path().join("set")).unwrap();
        for (split, example) in examples {
            writer.write(Some(*split), example).unwrap();
        }
        writer.finish().unwrap();
        let set = DataSet::open(&folder.path().join("set")).unwrap();
        (folder, set)
    }

    #[test]
    fn added_removed_and_changed_are_told_apart() {
        let mut reworded = sound("c");
        reworded.question = "How many pots fit?".to_owned();
        reworded.tags = vec!["short".to_owned()];
        let (_one, before) = set_of(&[
            (Split::Train, sound("a")),
            (Split::Train, sound("b")),
            (Split::Train, sound("c")),
            (Split::Train, sound("d")),
        ]);
        let (_two, after) = set_of(&[
            (Split::Train, reworded),
            (Split::Train, sound("z")),
            (Split::Train, sound("b")),
            (Split::Test, sound("d")),
        ]);
        let report = diff(&before, &after).unwrap();
        assert_eq!((report.added, report.removed, report.same), (vec!["z".to_owned()], vec!["a".to_owned()], 1));
        assert_eq!(
            report.changed,
            [
                Changed { id: "c".to_owned(), fields: vec!["question", "tags"] },
                Changed { id: "d".to_owned(), fields: vec!["split"] },
            ]
        );
        assert!(diff(&after, &after).unwrap().is_empty());
    }

    #[test]
    fn another_conversation_and_other_parts_are_changes() {
        let asked_on = Exchange { question: "Is there a kiln?".to_owned(), answer: "Yes.".to_owned() };
        let (_one, before) = set_of(&[(Split::Train, sound("a")), (Split::Train, sound("b"))]);
        let part = |question: &str| ExamplePart {
            question: question.to_owned(),
            expected: Expected::Answered,
            answer: Some("It is.".to_owned()),
            short_answers: Vec::new(),
        };
        let talked = Example { history: vec![asked_on], ..sound("a") };
        let parted = Example { parts: vec![part("Is it old?"), part("Is it hot?")], ..sound("b") };
        let (_two, after) = set_of(&[(Split::Train, talked), (Split::Train, parted)]);
        let fields: Vec<Vec<&str>> =
            diff(&before, &after).unwrap().changed.into_iter().map(|changed| changed.fields).collect();
        assert_eq!(fields, [vec!["history"], vec!["parts"]]);
    }

    #[test]
    fn an_id_that_is_used_twice_is_an_error() {
        let (_one, twice) = set_of(&[(Split::Train, sound("a")), (Split::Test, sound("a"))]);
        assert!(matches!(diff(&twice, &twice), Err(DatasetError::Line { line: 1, .. })));
    }
}
