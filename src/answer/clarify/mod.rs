//! When the evidence answers a question in several ways: the readings that a user can choose from, and the sources that
//! contradict each other.
//!
//! The reader has found the best span of each passage. Where several passages answer about equally well, say different
//! things, and speak of different things that the question does not tell apart, the question has several readings. Where
//! they speak of one and the same thing, they contradict each other. `subject` says what a passage speaks of, `choice`
//! what a reply to the readings means, `others` and `siblings` which passages are read for their sake. Everything here is rules on what
//! was read: no model runs. May depend on `domain`, `models::encoder` and `models::lexical`.

mod choice;
mod others;
mod siblings;
mod subject;

use std::collections::HashSet;

use super::Passage;
use crate::{
    domain::{
        sentences::{around, sentences},
        text::CodePointIndex,
    },
    models::{
        encoder::{BestSpan, Decision, best_of_all},
        lexical::Lexical,
    },
};
pub use choice::{choice, chosen_question};
pub use others::{DEPTH, with_others};
pub use siblings::{siblings, words_of_siblings};
use subject::{Asked, Relation, Subject};

/// The most readings that are offered.
pub const MAX_READINGS: usize = 5;

/// How near the best answer another one must come. Tuned on the development part of `datasets/ambiguity`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    /// The score that the best span has at least, relative to the reader's threshold: below it, nothing is read two ways.
    pub best: f32,
    /// For passages that stand in no relation.
    pub any: Margin,
    /// For documents with titles alike, or the same section of two documents.
    pub parallel: Margin,
    /// For both: the form of the documents says already that either may be meant.
    pub twins: Margin,
    /// For sources on one thing: a contradiction is reported of answers that are both good.
    pub conflict: Margin,
}

/// How near another answer must come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    /// How far below the best span's score it may lie.
    pub distance: f32,
    /// The score that it has at least, relative to the reader's threshold.
    pub above_threshold: f32,
    /// The part of the question's content words in the best passage that its passage must hold too.
    pub coverage: f32,
}

impl Margins {
    /// What is used.
    pub const TUNED: Self = Self {
        best: -5.0,
        any: Margin { distance: 4.0, above_threshold: 0.0, coverage: 0.8 },
        parallel: Margin { distance: 8.0, above_threshold: -4.0, coverage: 0.5 },
        twins: Margin { distance: 10.0, above_threshold: -8.0, coverage: 0.0 },
        conflict: Margin { distance: 6.0, above_threshold: -2.5, coverage: 0.5 },
    };
}

/// One way to read a question, and what answers it then.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What tells it from the other readings, in the words of the evidence: what a user chooses from.
    pub label: String,
    /// The passage that answers, by its place among the passages that were read.
    pub passage: usize,
    /// The span that answers.
    pub span: BestSpan,
    /// Its words.
    pub text: String,
}

/// What several good answers mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Readings {
    /// They are about different things: which one is meant is to be asked. Best first, at least two.
    Ambiguous(Vec<Reading>),
    /// They are about the same thing: all of them are to be reported, each with its source. Best first, at least two.
    Conflict(Vec<Reading>),
}

/// A passage that answers well enough to be a reading.
struct Candidate {
    reading: Reading,
    subject: Subject,
    /// The terms of the answer.
    answer: Vec<String>,
    /// The terms of the sentence around it.
    sentence: HashSet<String>,
    /// The part of the question's content words that the passage holds.
    coverage: f32,
}

/// The part of a heading's words that a question must hold to ask for the section.
const SECTION_HEADING: f32 = 0.6;
/// The part of a question's words that the section must hold.
const SECTION_COVERAGE: f32 = 0.66;

/// The readings of a question, if it has several. `spans` are the reader's best spans of the first passages, in their
/// order, and `decision` is the reader's.
pub fn readings(
    lexical: &Lexical,
    question: &str,
    passages: &[Passage],
    spans: &[Option<BestSpan>],
    decision: Decision,
    margins: Margins,
) -> Option<Readings> {
    let by_answers = by_answers(lexical, question, passages, spans, decision, margins);
    // What is answered by one passage needs no choice.
    let declined = best_of_all(spans).is_none_or(|(_, span)| !decision.is_found(span.score));
    by_answers.or_else(|| if declined { by_sections(lexical, question, passages, spans) } else { None })
}

/// The sections of several documents that the question asks for by their heading, such as the prerequisites of a
/// tutorial: the answer is more than a span, so that the reader is sure of none.
fn by_sections(
    lexical: &Lexical,
    question: &str,
    passages: &[Passage],
    spans: &[Option<BestSpan>],
) -> Option<Readings> {
    let asked = Asked::new(lexical, question);
    let mut found: Vec<Candidate> = Vec::new();
    for (at, (passage, span)) in passages.iter().zip(spans).enumerate() {
        let Some(candidate) = span.and_then(|span| candidate(lexical, &asked, passage, at, span)) else { continue };
        let heading = candidate.subject.heading_terms(lexical);
        let other = found.iter().all(|known| !known.subject.is_in_document_of(&candidate.subject));
        if other && candidate.coverage >= SECTION_COVERAGE && asked.share_of(&heading) >= SECTION_HEADING {
            found.push(candidate);
        }
    }
    name_the_asked(lexical, &asked, &mut found);
    if found.len() < 2 || things(&asked, &found).len() < found.len() {
        return None;
    }
    found.truncate(MAX_READINGS);
    subject::label(&mut found);
    Some(Readings::Ambiguous(found.into_iter().map(|candidate| candidate.reading).collect()))
}

/// The readings whose answers the reader has found.
fn by_answers(
    lexical: &Lexical,
    question: &str,
    passages: &[Passage],
    spans: &[Option<BestSpan>],
    decision: Decision,
    margins: Margins,
) -> Option<Readings> {
    let (best, best_span) = best_of_all(spans)?;
    if best_span.score < decision.threshold + margins.best {
        return None;
    }
    let asked = Asked::new(lexical, question);
    let mut near: Vec<(usize, BestSpan)> =
        spans.iter().enumerate().filter_map(|(at, span)| Some((at, (*span)?))).collect();
    // A stable sort: among equals the better passage comes first.
    near.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
    let mut found: Vec<Candidate> = Vec::new();
    for (at, span) in near {
        found.extend(passages.get(at).and_then(|passage| candidate(lexical, &asked, passage, at, span)));
    }
    one_of_each_place(&mut found);
    let first = found.first().filter(|first| first.reading.passage == best)?;
    let (subject, covered) = (first.subject.clone(), first.coverage);
    let within = |candidate: &Candidate, margin: Margin| {
        let score = candidate.reading.span.score;
        score >= best_span.score - margin.distance
            && score >= decision.threshold + margin.above_threshold
            && candidate.coverage >= margin.coverage * covered
    };
    found.retain(|candidate| {
        let margin = match candidate.subject.relation(lexical, &subject) {
            Relation::Twins => margins.twins,
            Relation::Parallel => margins.parallel,
            Relation::Any => margins.any,
        };
        // A span that goes over the end of a paragraph answers nothing, unless the reader is sure of it.
        let whole = decision.is_found(candidate.reading.span.score) || !candidate.reading.text.contains("\n\n");
        candidate.reading.passage == best
            || (whole && within(candidate, margin) && candidate.subject.can_be_told_from(lexical, &subject))
    });
    // Only among these: a document with a word of the question in its title that answers nothing is not what it names.
    name_the_asked(lexical, &asked, &mut found);
    found.first().filter(|first| first.reading.passage == best)?;
    one_of_each_other_document(&subject, &mut found);
    merge_the_same(&mut found);
    if found.len() < 2 {
        return None;
    }
    let things = things(&asked, &found);
    if things.len() == 1 {
        // What the reader would decline is no statement that another could contradict.
        if !decision.is_found(best_span.score) {
            return None;
        }
        let good = found.into_iter().filter(|candidate| within(candidate, margins.conflict));
        let readings: Vec<Reading> = good.map(|candidate| candidate.reading).take(MAX_READINGS).collect();
        return (readings.len() > 1).then_some(Readings::Conflict(readings));
    }
    let mut firsts: Vec<Candidate> = Vec::new();
    for (at, candidate) in found.into_iter().enumerate() {
        if things.iter().any(|thing| thing.first() == Some(&at)) {
            firsts.push(candidate);
        }
    }
    firsts.truncate(MAX_READINGS);
    subject::label(&mut firsts);
    Some(Readings::Ambiguous(firsts.into_iter().map(|candidate| candidate.reading).collect()))
}

fn candidate(lexical: &Lexical, asked: &Asked, passage: &Passage, at: usize, span: BestSpan) -> Option<Candidate> {
    let index = CodePointIndex::new(&passage.chunk.text);
    let text = index.slice(span.range)?.to_owned();
    let bytes = index.byte_of(span.range.start)?..index.byte_of(span.range.end)?;
    let sentence = around(&sentences(&passage.chunk.text), &bytes);
    let sentence = sentence.map_or(text.as_str(), |range| &passage.chunk.text[range]);
    let answer: Vec<String> = lexical.terms(&text);
    Some(Candidate {
        subject: Subject::of(passage, bytes.start),
        sentence: lexical.terms(sentence).into_iter().collect(),
        coverage: asked.coverage(lexical, passage),
        reading: Reading { label: String::new(), passage: at, span, text },
        answer,
    })
}

/// Where the question names what some of the candidates are about, only these are meant.
fn name_the_asked(lexical: &Lexical, asked: &Asked, found: &mut Vec<Candidate>) {
    let subjects: Vec<&Subject> = found.iter().map(|candidate| &candidate.subject).collect();
    let mut kept = subject::named(lexical, asked, &subjects).into_iter();
    found.retain(|_| kept.next().unwrap_or(true));
}

/// Of the candidates of one place, the best counts.
fn one_of_each_place(found: &mut Vec<Candidate>) {
    let mut places: Vec<Subject> = Vec::new();
    found.retain(|candidate| {
        let known = places.iter().any(|place| place.is_same_place(&candidate.subject));
        if !known {
            places.push(candidate.subject.clone());
        }
        !known
    });
}

/// Sections are told apart in the document of the best answer only: of another one, the best counts.
fn one_of_each_other_document(best: &Subject, found: &mut Vec<Candidate>) {
    let mut documents: Vec<Subject> = Vec::new();
    found.retain(|candidate| {
        let other = !candidate.subject.is_in_document_of(best);
        let known = documents.iter().any(|document| document.is_in_document_of(&candidate.subject));
        documents.extend((other && !known).then(|| candidate.subject.clone()));
        !(other && known)
    });
}

/// Candidates that say the same are one, the best of them.
fn merge_the_same(found: &mut Vec<Candidate>) {
    let mut answers: Vec<Vec<String>> = Vec::new();
    found.retain(|candidate| {
        let known = answers.iter().any(|answer| says_the_same(answer, &candidate.answer));
        if !known {
            answers.push(candidate.answer.clone());
        }
        !known
    });
}

/// One answer holds all the words of the other.
fn says_the_same(a: &[String], b: &[String]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.iter().all(|term| long.contains(term))
}

/// The candidates by the thing that they are about: those of one thing contradict each other.
fn things(asked: &Asked, found: &[Candidate]) -> Vec<Vec<usize>> {
    let mut things: Vec<Vec<usize>> = Vec::new();
    for (at, candidate) in found.iter().enumerate() {
        let same = |thing: &&mut Vec<usize>| {
            thing.iter().any(|other| {
                let other = &found[*other];
                other.subject.is_same_thing(&candidate.subject, asked)
                    || (other.subject.are_fields(&candidate.subject)
                        && asked.is_answered_alike(&other.sentence, &candidate.sentence))
            })
        };
        match things.iter_mut().find(same) {
            Some(thing) => thing.push(at),
            None => things.push(vec![at]),
        }
    }
    things
}

#[cfg(test)]
mod tests;
