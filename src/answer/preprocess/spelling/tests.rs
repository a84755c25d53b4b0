#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;
use crate::answer::vocabulary::{Bounds, Builder, Vocabulary};

/// The commonest words, as the language has them.
const BASE: [&str; 63] = [
    "the",
    "of",
    "and",
    "in",
    "to",
    "was",
    "is",
    "for",
    "as",
    "on",
    "with",
    "that",
    "it",
    "his",
    "by",
    "at",
    "from",
    "were",
    "are",
    "this",
    "what",
    "how",
    "who",
    "when",
    "where",
    "which",
    "why",
    "does",
    "did",
    "do",
    "can",
    "have",
    "has",
    "there",
    "their",
    "they",
    "about",
    "many",
    "much",
    "use",
    "used",
    "old",
    "fast",
    "set",
    "fail",
    "error",
    "before",
    "than",
    "between",
    "difference",
    "production",
    "one",
    "not",
    "you",
    "mean",
    "form",
    "number",
    "water",
    "year",
    "make",
    "test",
    "prop",
    "val",
];

/// The index of a harbour.
fn harbour() -> Vocabulary {
    built(&[])
}

fn built(more: &[String]) -> Vocabulary {
    let mut builder = Builder::new(Bounds::default());
    for _ in 0..5 {
        builder.add(["The harbour master keeps the lighthouse of Grimsby and the long pier."]);
        builder
            .add(["Moorings in the harbour are allotted by the master every spring. A mooring costs thirty pounds."]);
        builder.add(["The parliament of the island voted on the government of the harbour and its independence."]);
        builder.add(["Before the definition of knots, ropes were measured with the diving committee of Grimsby."]);
    }
    more.iter().for_each(|text| builder.add([text.as_str()]));
    builder.finish(BASE)
}

fn corrected(text: &str) -> String {
    let words = harbour();
    correct(text, &words, &words).text
}

#[test]
fn slips_are_corrected_and_told() {
    let words = harbour();
    let spelled = correct("Who kepes the lighthosue of the harbuor?", &words, &words);
    assert_eq!(spelled.text, "Who keeps the lighthouse of the harbour?");
    let pairs: Vec<_> = spelled.corrections.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
    assert_eq!(pairs, [("kepes", "keeps"), ("lighthosue", "lighthouse"), ("harbuor", "harbour")]);
    assert!(spelled.corrections.iter().all(|one| one.kind == CorrectionKind::Spelling));
    assert!(spelled.confidences.iter().all(|confidence| (0.5..=1.0).contains(confidence)));
    for (typed, meant) in [
        ("Waht did teh parliment of the island do?", "What did the parliament of the island do?"),
        ("Whta is the goverment?", "What is the government?"),
        ("is the habour's pier old", "is the harbour's pier old"),
        ("indepedence, \"teh\" island", "independence, \"teh\" island"),
        ("how old is Grimsbyy?", "how old is Grimsby?"),
    ] {
        assert_eq!(corrected(typed), meant);
    }
}

#[test]
fn what_is_known_quoted_or_nobodys_word_stays() {
    for text in [
        "",
        "?",
        "Who keeps the pier?",
        "What is `harbuor`, \"lighthosue\" and harbuor_master?",
        "HARBUOR harbuor2 hArbuor harbuor.txt harbuor-master ./harbuor",
        // Another form of a known word.
        "Is the master mastering the islands?",
        // A name that is near no name, although a word is near.
        "Where does Mastre live, and Pirer?",
        // Nothing is near.
        "xylophone quizzes",
        // Most words are unknown: another language.
        "wer hat den Hafen undt das Parlament gebaut",
        // A letter more at the start is somebody's name for something.
        "what does fmaster do",
    ] {
        assert_eq!(corrected(text), text);
    }
}

#[test]
fn neighbours_decide_between_words_that_are_equally_near() {
    let texts: Vec<String> =
        (0..4).flat_map(|_| ["the brown bread loaf", "a broad river bend"].map(str::to_owned)).collect();
    let words = built(&texts);
    let text = |typed: &str| correct(typed, &words, &words).text;
    assert_eq!(text("who bakes the brown braed loaf"), "who bakes the brown bread loaf");
    let near = |one: &str| words.together("bread", one) > words.together("broad", one);
    assert!(near("loaf") && !near("river"));
}

/// A sentence of another script is one run of letters, and the one letter that differs is the year.
#[test]
fn a_question_without_spaces_is_not_made_another_one_of_the_index() {
    let words = built(&vec!["规定：二零二四年的年假有多少天。".to_owned(); 8]);
    for text in ["二零二三年的年假有多少天", "二零二三年的年假有多少天?"] {
        assert_eq!(correct(text, &words, &words).text, text);
    }
}

#[test]
fn an_accent_that_was_left_out_is_no_mistake() {
    let words = built(&["the Château of Céloron".to_owned()]);
    assert_eq!(correct("where is the chateau", &words, &words).text, "where is the chateau");
}

/// Every identifier of `datasets/spelling/identifiers.csv`, in questions, with the word of the index that is near it.
#[test]
fn no_identifier_is_corrected_whether_the_index_holds_near_words_or_not() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/spelling/identifiers.csv");
    let mut table = csv::Reader::from_path(path).unwrap();
    let rows: Vec<(String, String)> =
        table.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row[2].to_owned())).collect();
    assert_eq!(rows.len(), 200);
    let handbook: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"))
        .map(|files| files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok()).collect())
        .unwrap_or_default();
    let near: Vec<String> = rows.iter().map(|(_, near)| format!("there was a {near} in that place")).collect();
    let mut wrong = Vec::new();
    for words in [built(&[]), built(&handbook), built(&[handbook.clone(), near.clone(), near].concat())] {
        for (identifier, _) in &rows {
            for frame in [
                "What does X do?",
                "How do I set X?",
                "Why does X fail with an error?",
                "X",
                "how to use X in production",
                "What is the difference between X and the old one?",
                "Is X faster than before?",
            ] {
                let question = frame.replace('X', identifier);
                let spelled = correct(&question, &words, &words);
                if spelled.corrections.iter().any(|one| identifier.contains(&one.from)) {
                    wrong.push(format!("{question} -> {}", spelled.text));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

proptest! {
    #[test]
    fn words_of_the_index_are_never_changed(at in prop::collection::vec(0usize..12, 1..8)) {
        let words = ["harbour", "master", "moorings", "Grimsby", "spring", "the", "pier", "committee", "ropes", "diving", "of", "what"];
        let text = at.iter().map(|at| words[*at]).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(corrected(&text), text);
    }

    #[test]
    fn nothing_panics_and_only_what_is_told_changes(text in "\\PC{0,60}") {
        let words = harbour();
        let spelled = correct(&text, &words, &words);
        prop_assert_eq!(spelled.corrections.len(), spelled.confidences.len());
        prop_assert_eq!(spelled.corrections.is_empty(), spelled.text == text);
    }
}
