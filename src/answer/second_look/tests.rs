#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    answer::{
        Passage, answer_with_evidence, preprocess,
        testing::{Indexed, Scripted, ScriptedReader, question},
    },
    domain::{Access, Allowed, Asker, Filter, Outcome, OutcomeKind, Question},
    models::encoder::Decision,
    vector_store::Ranking,
};

const QUESTION: &str = "When are expenses paid?";
const GERMANY: Indexed<'_> = Indexed {
    collection: "default",
    name: "germany.md",
    title: "Travel policy: Germany",
    heading: "Receipts",
    text: "Expenses are paid with the next salary.",
    access: &[],
    metadata: &[("team", "red")],
};
/// Has no word in common with the question: only its title and its heading lead there.
const NORWAY: Indexed<'_> = Indexed {
    name: "norway.md",
    title: "Travel policy: Norway",
    text: "The money arrives within five working days.",
    metadata: &[("team", "blue")],
    ..GERMANY
};
/// Found by both searches, and no sibling.
const LEAVE: Indexed<'_> = Indexed {
    name: "leave.md",
    title: "Leave",
    heading: "Holidays",
    text: "Four weeks of leave are paid as usual.",
    ..GERMANY
};
/// A score that is good enough for everything.
const GOOD: f32 = 4.0;

/// An index of these documents, and a reader that gives this score to the answer of the German policy and a little less
/// to that of the Norwegian one.
async fn index_of(documents: &[Indexed<'_>], score: f32) -> Scripted {
    let answers = vec![("with the next salary", score), ("within five working days", score - 0.5)];
    let reader = ScriptedReader::finding_each(answers);
    let mut scripted = Scripted::new(Some(reader), "Expenses are paid with the next salary.").await;
    // The vocabulary is built beside the questions: no test may depend on whether it is there.
    scripted.services.stages = scripted.services.stages.with(Stage::Spelling, false);
    for document in documents {
        scripted.ingest(document).await;
    }
    scripted
}

async fn ask(scripted: &Scripted, question: Question) -> (Outcome, Vec<Passage>) {
    answer_with_evidence(&scripted.services, question, None).await.unwrap()
}

/// The titles that the reader was given, call by call.
fn read_titles(scripted: &Scripted) -> Vec<Vec<String>> {
    let seen = scripted.reader.as_ref().unwrap().seen();
    seen.into_iter().map(|(_, passages)| passages.into_iter().map(|passage| passage.title).collect()).collect()
}

fn asks_for(labels: Option<&[&str]>) -> Question {
    let labels = labels.map(|labels| labels.iter().map(|label| (*label).to_owned()));
    let access = Access { labels: Allowed::from_list(labels), ..Access::everything() };
    Question { asker: Asker { owner: None, access }, ..question(QUESTION) }
}

fn narrowed_to(metadata: serde_json::Value) -> Question {
    let filter = Filter { metadata: metadata.as_object().unwrap().clone(), ..Filter::default() };
    Question { filter: Some(filter), ..question(QUESTION) }
}

#[tokio::test]
async fn a_sibling_that_the_search_did_not_find_is_read_and_offered() {
    let scripted = index_of(&[LEAVE, GERMANY, NORWAY], GOOD).await;
    let (outcome, passages) = ask(&scripted, question(QUESTION)).await;
    assert_eq!(read_titles(&scripted), [vec![GERMANY.title, LEAVE.title], vec![NORWAY.title]]);
    assert_eq!(outcome.outcome, OutcomeKind::Clarify, "{outcome:?}");
    assert_eq!(outcome.clarify, Some([GERMANY.title, NORWAY.title].map(str::to_owned).to_vec()));
    assert!(scripted.generator.prompts().is_empty());
    let names: Vec<&str> = passages.iter().map(|passage| passage.name.as_str()).collect();
    assert_eq!(names, [GERMANY.name, LEAVE.name, NORWAY.name]);
    // It is looked for by its title, its heading and the question, and needs no second vector.
    let queries = scripted.vectors.queries();
    let [first, second] = &queries[..] else { panic!("{queries:?}") };
    assert!(matches!(first.ranking, Ranking::Hybrid { .. }), "{first:?}");
    let words = scripted.services.retrieve.lexical.question(&format!("{} Receipts {QUESTION}", GERMANY.title));
    assert_eq!(second.ranking, Ranking::Lexical(words));
    assert_eq!(scripted.embedder.questions(), 1);
}

#[tokio::test]
async fn a_better_answer_of_a_sibling_is_the_verdict() {
    let scripted = index_of(&[GERMANY, NORWAY], GOOD).await;
    let prepared = preprocess::preprocess(&scripted.services, question(QUESTION)).await.unwrap();
    let part = &prepared.parts[0];
    let reader = ScriptedReader::finding_each(vec![("with the next salary", GOOD), ("five working days", GOOD + 1.0)]);
    let services = AnswerServices { reader: Some(Arc::new(reader)), ..scripted.services.clone() };
    let evidence = retrieve::retrieve(&services.retrieve, &prepared, part, 5).await.unwrap();
    let first = read::read(services.reader.as_deref(), part, evidence).await.unwrap();
    let after = second_look(&services, &prepared, part, first.clone()).await.unwrap();
    let best = |read: &ReadEvidence| match &read.verdict {
        read::Verdict::Holds(span) => (read.evidence.passages[0].name.clone(), span.text.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(best(&first), (GERMANY.name.to_owned(), "with the next salary".to_owned()));
    assert_eq!(best(&after), (NORWAY.name.to_owned(), "five working days".to_owned()));
    assert_eq!((after.evidence.passages.len(), after.spans.len()), (2, 2));
}

#[tokio::test]
async fn nothing_is_looked_for_where_no_second_reading_could_stand() {
    let least = Decision::UNFITTED.threshold + Margins::TUNED.best;
    for (asked, score, clarifies, searches) in [
        // Just good enough: what keeps the others from being looked for is what they differ in.
        (QUESTION, least, true, 2),
        (QUESTION, least - 0.1, true, 1),
        (QUESTION, least, false, 1),
        ("When are expenses paid in Germany?", least, true, 1),
    ] {
        let mut scripted = index_of(&[GERMANY, LEAVE, NORWAY], score).await;
        scripted.services.stages = scripted.services.stages.with(Stage::Clarify, clarifies);
        ask(&scripted, question(asked)).await;
        let queries = scripted.vectors.queries();
        assert_eq!(queries.len(), searches, "{asked}, {score}, {clarifies}: {queries:?}");
        assert_eq!(read_titles(&scripted).len(), searches, "{asked}, {score}, {clarifies}");
    }
}

#[tokio::test]
async fn nothing_is_looked_for_where_a_sibling_was_found_or_nobody_reads() {
    let found = Indexed { text: "Expenses are paid within five working days.", ..NORWAY };
    let scripted = index_of(&[GERMANY, found], GOOD).await;
    let (outcome, _) = ask(&scripted, question(QUESTION)).await;
    assert_eq!((outcome.outcome, scripted.vectors.queries().len()), (OutcomeKind::Clarify, 1), "{outcome:?}");

    let mut scripted = index_of(&[GERMANY, NORWAY], GOOD).await;
    scripted.services.reader = None;
    ask(&scripted, question(QUESTION)).await;
    assert_eq!(scripted.vectors.queries().len(), 1);
}

#[tokio::test]
async fn the_second_search_looks_where_the_first_one_did_and_for_whom() {
    let of_board = Indexed { access: &["board", "chair"], ..NORWAY };
    let elsewhere = Indexed { collection: "elsewhere", ..NORWAY };
    for (sibling, asked, offered) in [
        (of_board, asks_for(None), true),
        (of_board, asks_for(Some(&["staff", "chair"])), true),
        (of_board, asks_for(Some(&["staff"])), false),
        (of_board, asks_for(Some(&[])), false),
        (elsewhere, question(QUESTION), false),
        (NORWAY, narrowed_to(json!({"team": ["red", "blue"]})), true),
        (NORWAY, narrowed_to(json!({"team": "red"})), false),
    ] {
        let scripted = index_of(&[GERMANY, LEAVE], GOOD).await;
        let id = scripted.ingest(&sibling).await.to_string();
        let what = format!("{sibling:?} {asked:?}");
        let (outcome, passages) = ask(&scripted, asked).await;
        let kind = if offered { OutcomeKind::Clarify } else { OutcomeKind::Answered };
        assert_eq!(outcome.outcome, kind, "{what}");
        // All that leaves the stages, and all that the models were given.
        let (read, written) = (scripted.reader.as_ref().unwrap().seen(), scripted.generator.prompts());
        let shown = format!("{} {read:?} {written:?}", serde_json::to_string(&(&outcome, &passages)).unwrap());
        for trace in [sibling.title, sibling.name, sibling.text, &id] {
            assert_eq!(shown.contains(trace), offered, "{what}: `{trace}` in {shown}");
        }
        // It was looked for in every case.
        let queries = scripted.vectors.queries();
        let [first, second] = &queries[..] else { panic!("{what}: {queries:?}") };
        assert_eq!((&second.collection, &second.filter), (&first.collection, &first.filter), "{what}");
        assert_eq!(second.labels, first.labels, "{what}");
    }
}

#[tokio::test]
async fn a_sibling_among_named_documents_only_where_it_is_named() {
    let scripted = index_of(&[LEAVE], GOOD).await;
    let (germany, norway) = (scripted.ingest(&GERMANY).await, scripted.ingest(&NORWAY).await);
    for (named, kind) in [(vec![germany], OutcomeKind::Answered), (vec![germany, norway], OutcomeKind::Clarify)] {
        let filter = Filter { document_ids: named, ..Filter::default() };
        let (outcome, passages) = ask(&scripted, Question { filter: Some(filter.clone()), ..question(QUESTION) }).await;
        assert_eq!(outcome.outcome, kind, "{outcome:?}");
        assert!(passages.iter().all(|passage| filter.document_ids.contains(&passage.chunk.document_id)));
    }
}

#[tokio::test]
async fn a_sibling_that_was_closed_a_moment_ago_is_not_read_though_its_vectors_are_open_still() {
    let scripted = index_of(&[GERMANY, LEAVE, NORWAY], GOOD).await;
    let staff = asks_for(Some(&["staff"]));
    let (outcome, _) = ask(&scripted, staff.clone()).await;
    assert_eq!(outcome.outcome, OutcomeKind::Clarify, "{outcome:?}");
    // The labels are those of the document at once, and those of its points when the job has run.
    scripted.upload(&Indexed { access: &["board"], ..NORWAY }).await;
    let (outcome, passages) = ask(&scripted, staff).await;
    assert_eq!(outcome.outcome, OutcomeKind::Answered, "{outcome:?}");
    assert!(passages.iter().all(|passage| passage.name != NORWAY.name), "{passages:?}");
    assert_eq!(scripted.vectors.queries().len(), 4, "it was looked for both times");
}

#[tokio::test]
async fn where_the_index_was_replaced_between_the_two_searches_the_first_reading_stands() {
    let scripted = index_of(&[GERMANY, NORWAY], GOOD).await;
    let prepared = preprocess::preprocess(&scripted.services, question(QUESTION)).await.unwrap();
    let (part, reader) = (&prepared.parts[0], scripted.services.reader.as_deref());
    let evidence = retrieve::retrieve(&scripted.services.retrieve, &prepared, part, 5).await.unwrap();
    let read = read::read(reader, part, evidence).await.unwrap();
    let generation = read.evidence.generation;
    scripted.services.retrieve.vectors.drop_generation(generation).await.unwrap();
    let after = second_look(&scripted.services, &prepared, part, read.clone()).await.unwrap();
    assert_eq!(after, read);
    assert_eq!(scripted.vectors.queries().len(), 2, "it was looked for");
}
