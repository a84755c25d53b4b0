#![allow(clippy::unwrap_used)]

use super::*;
use crate::{answer::postfilter::testing::passage, domain::text::CodePointRange};

const G2: (&str, &str) = ("Gateway G2: manual", "## Warranty\n\nThe warranty lasts two years from the purchase.");
const G5: (&str, &str) = ("Gateway G5: manual", "## Warranty\n\nThere is a warranty of five years.");
const SHEET: (&str, &str) = ("Gateway G5: data sheet", "The warranty of the G5 lasts three years.");
const S1: (&str, &str) = ("Sensor S1: manual", "A sensor has a warranty of two years.");

fn titled(title: &str, text: &str) -> Passage {
    Passage { title: Some(title.to_owned()), ..passage(text) }
}

/// Without a heading above it.
fn plain(title: &str, text: &str) -> Passage {
    let mut passage = titled(title, text);
    passage.chunk.heading_path.clear();
    passage
}

/// The span of an answer in its text.
fn span_of((text, answer, score): (&str, &str, f32)) -> Option<BestSpan> {
    let start = text[..text.find(answer)?].chars().count() as u32;
    Some(BestSpan { range: CodePointRange { start, end: start + answer.chars().count() as u32 }, score })
}

/// Reads passages in which each of these answers is found with its score.
fn read(question: &str, found: &[((&str, &str), &str, f32)]) -> Option<Readings> {
    read_as(titled, question, found)
}

fn read_as(
    passage: fn(&str, &str) -> Passage,
    question: &str,
    found: &[((&str, &str), &str, f32)],
) -> Option<Readings> {
    let passages: Vec<Passage> = found.iter().map(|((title, text), ..)| passage(title, text)).collect();
    let spans: Vec<Option<BestSpan>> =
        found.iter().map(|((_, text), answer, score)| span_of((text, answer, *score))).collect();
    readings(&Lexical::new(), question, &passages, &spans, Decision::UNFITTED, Margins::TUNED)
}

fn labels(readings: Option<Readings>) -> Vec<String> {
    let Some(Readings::Ambiguous(readings)) = readings else { panic!("{readings:?}") };
    readings.into_iter().map(|reading| reading.label).collect()
}

const QUESTION: &str = "How long is the warranty?";

#[test]
fn answers_about_different_things_are_readings_by_their_titles_best_first() {
    let found = read(QUESTION, &[(G2, "two years", 4.0), (G5, "five years", 5.0)]);
    assert_eq!(labels(found), [G5.0, G2.0]);
    let Some(Readings::Ambiguous(found)) = read(QUESTION, &[(G2, "two years", 4.0), (G5, "five years", 5.0)]) else {
        panic!("not ambiguous")
    };
    assert_eq!((found[0].passage, found[0].text.as_str(), found[0].span.score), (1, "five years", 5.0));
}

#[test]
fn a_question_that_names_the_thing_is_clear() {
    let found = [(G2, "two years", 5.0), (G5, "five years", 5.0)];
    assert_eq!(read("How long is the warranty of the G2?", &found), None);
}

#[test]
fn what_says_the_same_is_no_other_reading() {
    assert_eq!(read(QUESTION, &[(G2, "two years", 5.0), (S1, "two years", 5.0)]), None);
    assert_eq!(read(QUESTION, &[(G2, "two years from the purchase", 5.0), (S1, "two years", 5.0)]), None);
}

#[test]
fn an_answer_that_is_much_worse_or_bad_is_no_reading() {
    let tuned = Margins::TUNED;
    let far = 20.0 - tuned.twins.distance - 0.1;
    assert_eq!(read(QUESTION, &[(G2, "two years", 20.0), (G5, "five years", far)]), None);
    let bad = tuned.twins.above_threshold - 0.1;
    assert_eq!(read(QUESTION, &[(G2, "two years", 0.5), (G5, "five years", bad)]), None);
    assert_eq!(read(QUESTION, &[]), None);
    let low = tuned.best - 0.1;
    assert_eq!(read(QUESTION, &[(SHEET, "three years", low), (S1, "two years", low)]), None);
}

#[test]
fn documents_that_do_not_go_beside_each_other_must_answer_as_well() {
    let shop = ("Corner shop", "All goods have a warranty of six months.");
    assert_eq!(labels(read(QUESTION, &[(G2, "two years", 5.0), (shop, "six months", 4.0)])), [G2.0, shop.0]);
    let far = 5.0 - Margins::TUNED.any.distance - 0.1;
    assert_eq!(read(QUESTION, &[(G2, "two years", 5.0), (shop, "six months", far)]), None);
    assert!(read(QUESTION, &[(G2, "two years", 5.0), (G5, "five years", far)]).is_some());
}

#[test]
fn sources_on_one_thing_contradict_each_other_and_are_one_reading_among_others() {
    let found = [(G5, "five years", 5.0), (SHEET, "three years", 4.5)];
    let Some(Readings::Conflict(both)) = read("How long is the warranty of the G5?", &found) else {
        panic!("no conflict")
    };
    assert_eq!(both.iter().map(|reading| reading.text.as_str()).collect::<Vec<_>>(), ["five years", "three years"]);
    let found = [(G5, "five years", 5.0), (SHEET, "three years", 4.5), (G2, "two years", 4.0)];
    assert_eq!(labels(read(QUESTION, &found)), [G5.0, G2.0]);
}

#[test]
fn sections_of_one_document_are_told_apart_by_their_headings() {
    let (rest, health) = ("## REST server\n\nThe port is 7280.", "## Health server\n\nThe port is not set.");
    let passages: Vec<Passage> = [rest, health].map(passage).into();
    let document = passages[0].chunk.document_id;
    let mut passages = passages;
    passages[1].chunk.document_id = document;
    let span = |start: u32, end: u32| Some(BestSpan { range: CodePointRange { start, end }, score: 3.0 });
    let spans = [span(28, 32), span(30, 37)];
    let of =
        |question: &str| readings(&Lexical::new(), question, &passages, &spans, Decision::UNFITTED, Margins::TUNED);
    assert_eq!(labels(of("What is the port?")), ["REST server", "Health server"]);
    assert_eq!(of("What is the port for REST?"), None);
}

/// Reads two sections of one document.
fn read_sections(question: &str, sections: [(&str, &str, f32); 2]) -> Option<Readings> {
    let mut passages: Vec<Passage> = sections.iter().map(|(text, ..)| passage(text)).collect();
    passages[1].chunk.document_id = passages[0].chunk.document_id;
    let spans = sections.map(span_of);
    readings(&Lexical::new(), question, &passages, &spans, Decision::UNFITTED, Margins::TUNED)
}

#[test]
fn sections_with_other_headings_are_readings_where_each_holds_what_is_asked() {
    let (windows, linux) = ("## Windows\n\nSettings are in the registry.", "## Linux\n\nSettings are in a file.");
    let found = [(windows, "the registry", 6.0), (linux, "a file", 4.0)];
    assert_eq!(labels(read_sections("Where are the settings?", found)), ["Windows", "Linux"]);
    assert_eq!(read_sections("Where are the settings on Linux?", [found[1], found[0]]), None);
    // What only one of them speaks of is no question of both.
    let other = ("## Linux\n\nNotes are in a file.", "a file", 4.0);
    assert_eq!(read_sections("Where are the settings?", [found[0], other]), None);
}

#[test]
fn what_the_document_of_the_best_answer_says_too_is_no_other_reading() {
    let question = "How do I stop the containers?";
    let jaeger = "Stop the containers with Control-C.";
    let again = "Or stop the containers with docker compose down.";
    let grafana = "Stop the containers with docker compose down.";
    let mut passages = [plain("Traces with Jaeger", jaeger), plain("", again), plain("Logs with Grafana", grafana)];
    let of = |passages: &[Passage]| {
        let found =
            [(jaeger, "Control-C", 3.0), (again, "docker compose down", 1.0), (grafana, "docker compose down", 2.0)];
        readings(&Lexical::new(), question, passages, &found.map(span_of), Decision::UNFITTED, Margins::TUNED)
    };
    assert!(of(&passages).is_some());
    passages[1] = Passage { chunk: passages[1].chunk.clone(), ..passages[0].clone() };
    passages[1].chunk.document_id = passages[0].chunk.document_id;
    assert_eq!(of(&passages), None);
}

#[test]
fn an_identifier_or_a_version_that_the_best_passage_holds_is_in_every_reading() {
    let new = ("Proxy 2.0: configuration", "The default of http.idle_timeout is 60 seconds.");
    let old = ("Proxy 1.8: configuration", "The default of idle_timeout is 75 seconds.");
    let found = [(new, "60 seconds", 3.0), (old, "75 seconds", 2.5)];
    assert_eq!(labels(read("What is the default of idle_timeout?", &found)), [new.0, old.0]);
    assert_eq!(read("What is the default of http.idle_timeout?", &found), None);
    assert_eq!(read("Which idle_timeout has version 2.0?", &found), None);
}

#[test]
fn titles_of_another_form_are_held_to_more_than_those_of_twins() {
    let question = "Is a restart needed after a change?";
    let best = ("Proxy 2.0: configuration", "A change needs a restart.");
    let twin = ("Proxy 1.8: configuration", "It is read again without one.");
    let page = ("Upgrading Proxy from 1.8 to 2.0", "It takes more memory.");
    let of = |other, answer| read_as(plain, question, &[(best, "needs a restart", 4.0), (other, answer, -3.0)]);
    assert_eq!(labels(of(twin, "without one")), [best.0, twin.0]);
    assert_eq!(of(page, "more memory"), None);
}

#[test]
fn of_documents_with_titles_alike_the_section_must_hold_less_where_the_reader_is_sure() {
    let question = "How many square metres of brick does a litre cover?";
    let best = ("Kestrel masonry paint", "One litre is enough to cover six square metres of brick.");
    let other = ("Matt walls by Kestrel", "## Use\n\nA litre covers 13 units.");
    let with = |score: f32| read(question, &[(best, "six square metres", 4.0), (other, "13 units", score)]);
    assert_eq!(with(-0.5), None);
    assert_eq!(labels(with(0.5)), [best.0, other.0]);
}

const KAFKA: (&str, &str) = ("Kafka", "## Prerequisites\n\nFor this tutorial: a running cluster, and the source.");
const PULSAR: (&str, &str) = ("Pulsar", "## Prerequisites\n\nFor this tutorial: a broker on this machine.");

#[test]
fn sections_that_a_question_asks_for_by_their_heading_are_readings_where_no_span_answers() {
    let question = "What are the prerequisites of the tutorial?";
    let low = Decision::UNFITTED.threshold - 2.0;
    let found = [(KAFKA, "a running cluster", low), (PULSAR, "a broker", low - 1.0)];
    assert_eq!(labels(read(question, &found)), ["Kafka", "Pulsar"]);
    // One is named, one is alone, one is of another heading, and one is answered.
    assert_eq!(read("What are the prerequisites of the Kafka tutorial?", &found), None);
    assert_eq!(read(question, &found[..1]), None);
    let elsewhere = ("Pulsar", "## What the tutorial needs\n\nA broker, as for all prerequisites.");
    assert_eq!(read(question, &[(KAFKA, "a running cluster", low), (elsewhere, "A broker", low)]), None);
    let hopeless = [(KAFKA, "a running cluster", low - 9.0), (PULSAR, "a broker", low - 9.0)];
    assert_eq!(labels(read(question, &hopeless)), ["Kafka", "Pulsar"]);
    assert_eq!(read("Which broker does the tutorial use?", &hopeless), None);
    let answered = [(KAFKA, "a running cluster", Decision::UNFITTED.threshold + 9.0), (PULSAR, "a broker", low - 9.0)];
    assert_eq!(read(question, &answered), None);
}
