#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::train::dataset::{
    Kind,
    example::{Passage, Span, SpanRole},
    passage_id,
};

const KILNS: &str = "Ada Byron lit the Great Kiln in 1858. It stands in Lourdes. The mill by the water was sold to Ben \
                     Turner of Paris. The road was paved in 1871 and is used by carts.";

fn asked(question: &str, answer: &str) -> Example {
    let start = KILNS.find(answer).unwrap() as u32;
    let passage = Passage { id: passage_id(KILNS), title: "Ceramics".to_owned(), text: KILNS.to_owned() };
    let end = start + answer.len() as u32;
    Example {
        id: question.to_lowercase(),
        kind: Kind::Task,
        history: vec![],
        parts: vec![],
        question: question.to_owned(),
        expected: Expected::Answered,
        answer: Some(answer.to_owned()),
        short_answers: vec![answer.to_owned()],
        support: vec![Span { passage: passage.id.clone(), start, end, role: SpanRole::Answer }],
        passages: vec![passage],
        tags: vec![],
        provenance: "own".to_owned(),
        licence: "MIT".to_owned(),
    }
}

fn editor_of(examples: &[Example]) -> Editor {
    let mut editor = Editor { passages: HashMap::new(), documents: HashMap::new(), asked: HashMap::new() };
    examples.iter().for_each(|example| editor.add(example));
    editor
}

fn edits(question: &str, answer: &str) -> Vec<(EditKind, String)> {
    let example = asked(question, answer);
    let edits = editor_of(std::slice::from_ref(&example)).edits(&example, 9, 1).unwrap();
    edits.into_iter().map(|edit| (edit.kind, edit.question)).collect()
}

#[test]
fn names_and_numbers_are_swapped_for_others_of_the_passage() {
    let swapped = edits("What did Ada Byron light in 1858?", "Great Kiln");
    assert_eq!(swapped.len(), 4, "{swapped:?}");
    assert!(swapped.contains(&(EditKind::EntitySwap, "What did Ben Turner of Paris light in 1858?".to_owned())));
    assert!(swapped.contains(&(EditKind::NumberSwap, "What did Ada Byron light in 1871?".to_owned())));
    assert_eq!(swapped[3].0, EditKind::Negation, "negation comes last");
}

#[test]
fn the_answer_changes_places_with_a_name_of_its_sentence() {
    let turned = |question: &str, answer: &str| {
        let edits = edits(question, answer).into_iter();
        edits.filter(|edit| edit.0 == EditKind::RoleSwap).map(|edit| edit.1).collect::<Vec<_>>()
    };
    assert_eq!(turned("What did Ada Byron light in 1858?", "Great Kiln"), ["What did Great Kiln light in 1858?"]);
    // The answer has to be a name and nothing more, of one who does something or to whom it is done.
    assert!(turned("What did Ada Byron light?", "the Great Kiln in").is_empty());
    assert!(turned("When did Ada Byron light it?", "1858").is_empty());
    assert!(turned("Where did Ada Byron light it?", "Great Kiln").is_empty());
    // What holds in both directions would still be answered, and a name of another sentence takes no part.
    assert!(turned("Who met Ada Byron?", "Great Kiln").is_empty());
    assert!(turned("Who sold the mill to Ada Byron?", "Ben Turner of Paris").is_empty());
}

#[test]
fn a_swap_that_the_passage_may_answer_is_not_made() {
    // "Where was Ben Turner ... sold" shares its words with the sentence of the new name.
    assert_eq!(edits("Where was the mill sold that Ada Byron lit?", "Lourdes").iter().filter(is_swap).count(), 0);
    assert_eq!(edits("Who paved it, in 1858?", "Ada Byron").iter().filter(is_swap).count(), 0);
}

fn is_swap(edit: &&(EditKind, String)) -> bool {
    matches!(edit.0, EditKind::EntitySwap | EditKind::NumberSwap)
}

#[test]
fn a_question_that_somebody_asked_is_not_made_again() {
    let example = asked("What did Ada Byron light in 1858?", "Great Kiln");
    let other = asked("What did Ada Byron light, in 1871?", "carts");
    let edits = editor_of(&[example.clone(), other]).edits(&example, 9, 1).unwrap();
    assert!(edits.iter().all(|edit| edit.kind != EditKind::NumberSwap), "{edits:?}");
}

#[test]
fn names_come_from_the_same_document_when_the_passage_has_none() {
    let example = asked("What did Ada Byron light?", "Great Kiln");
    let mut lonely = example.clone();
    lonely.passages[0].text = KILNS[..37].to_owned();
    let mut elsewhere = asked("Who sold it?", "Ben");
    elsewhere.passages[0].text = "The bakery was closed by Cy Young.".to_owned();
    let swap = |examples: &[Example]| {
        let edits = editor_of(examples).edits(&lonely, 9, 1).unwrap();
        edits.into_iter().find(|edit| edit.kind == EditKind::EntitySwap).map(|edit| edit.question)
    };
    assert_eq!(swap(&[lonely.clone(), elsewhere.clone()]).as_deref(), Some("What did Cy Young light?"));
    elsewhere.passages[0].title = "Bread".to_owned();
    assert_eq!(swap(&[lonely.clone(), elsewhere]), None);
}

#[test]
fn opposites_need_an_answer_without_a_rival() {
    let opposed = edits("Who sold the mill by the water?", "Ben Turner");
    // Paris is another name in the sentence of the answer, and might have bought it.
    assert!(opposed.iter().all(|edit| edit.0 != EditKind::Antonym), "{opposed:?}");
    let opposed = edits("What was closed before the road?", "carts");
    assert!(opposed.contains(&(EditKind::Antonym, "What was closed after the road?".to_owned())), "{opposed:?}");
}

#[test]
fn what_cannot_be_told_is_not_edited() {
    assert_eq!(edits("Did Ada Byron light it in 1858?", "Great Kiln"), []);
    let mut decided = asked("What did Ada Byron light?", "Great Kiln");
    decided.short_answers = vec!["yes".to_owned()];
    assert_eq!(editor_of(&[decided.clone()]).edits(&decided, 1, 1), None);
}

#[test]
fn the_seed_decides() {
    let example = asked("What did Ada Byron light in 1858 before the fire?", "Great Kiln");
    let editor = editor_of(std::slice::from_ref(&example));
    assert_eq!(editor.edits(&example, 3, 5), editor.edits(&example, 3, 5));
    let firsts: HashSet<EditKind> =
        (0..20).map(|seed| editor.edits(&example, 1, seed).unwrap().remove(0).kind).collect();
    assert!(firsts.len() > 1, "{firsts:?}");
}
