//! The answers of passages that may be readings: which of them count, which say the same and which are about one thing.
//!
//! May depend on `domain`, `models::encoder`, `models::lexical` and its neighbours `naming`, `section` and `subject`.

use std::collections::HashSet;

use super::{
    Reading,
    naming::named,
    section::section_around,
    subject::{Asked, Subject},
};
use crate::{
    answer::Passage,
    domain::{
        sentences::{around, sentences},
        text::CodePointIndex,
    },
    models::{encoder::BestSpan, lexical::Lexical},
};

/// So much worse than the answer of another document the same one may be in the document of the best.
const SAID_TOO: f32 = 2.0;
/// The part of the question that two sections of one document hold, both as much, where either may be meant.
const IN_SECTION: f32 = 0.5;

/// A passage that answers well enough to be a reading.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) reading: Reading,
    pub(super) subject: Subject,
    /// The terms of the answer.
    answer: Vec<String>,
    /// The terms of the sentence around it.
    sentence: HashSet<String>,
    /// The part of the question's content words that the passage holds.
    pub(super) coverage: f32,
    /// The part of them, without those of the title, that the section around the answer holds.
    pub(super) section: f32,
}

impl Candidate {
    /// Of the best span of the passage at this place; `None` where it is none of its text.
    pub(super) fn new(lexical: &Lexical, asked: &Asked, passage: &Passage, at: usize, span: BestSpan) -> Option<Self> {
        let index = CodePointIndex::new(&passage.chunk.text);
        let text = index.slice(span.range)?.to_owned();
        let bytes = index.byte_of(span.range.start)?..index.byte_of(span.range.end)?;
        let sentence = around(&sentences(&passage.chunk.text), &bytes);
        let sentence = sentence.map_or(text.as_str(), |range| &passage.chunk.text[range]);
        let answer: Vec<String> = lexical.terms(&text);
        let subject = Subject::of(passage, bytes.start);
        let section = section_around(&passage.chunk.text, bytes.start);
        Some(Self {
            sentence: lexical.terms(sentence).into_iter().collect(),
            coverage: asked.coverage(lexical, passage),
            section: asked.coverage_in_section(lexical, &subject, section),
            subject,
            reading: Reading { label: String::new(), passage: at, span, text },
            answer,
        })
    }

    /// A user can choose between the two: two documents, two sections of one whose headings go beside each other, or two
    /// sections that hold the question equally well.
    pub(super) fn can_be_told_from(&self, lexical: &Lexical, other: &Self) -> bool {
        let as_much = (self.section - other.section).abs() < f32::EPSILON && self.section >= IN_SECTION;
        let under_headings = self.subject.is_under_a_heading() && other.subject.is_under_a_heading();
        self.subject.can_be_told_from(lexical, &other.subject) || (as_much && under_headings)
    }
}

/// Where the question names what some of the candidates are about, only these are meant.
pub(super) fn name_the_asked(lexical: &Lexical, asked: &Asked, found: &mut Vec<Candidate>) {
    let subjects: Vec<&Subject> = found.iter().map(|candidate| &candidate.subject).collect();
    let mut kept = named(lexical, asked, &subjects).into_iter();
    found.retain(|_| kept.next().unwrap_or(true));
}

/// Of the candidates of one place, the best counts.
pub(super) fn one_of_each_place(found: &mut Vec<Candidate>) {
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
pub(super) fn one_of_each_other_document(best: &Subject, found: &mut Vec<Candidate>) {
    let mut documents: Vec<Subject> = Vec::new();
    found.retain(|candidate| {
        let other = !candidate.subject.is_in_document_of(best);
        let known = documents.iter().any(|document| document.is_in_document_of(&candidate.subject));
        documents.extend((other && !known).then(|| candidate.subject.clone()));
        !(other && known)
    });
}

/// The answer of another document that the document of the best one gives as well is no other reading: `all` are the
/// candidates of every passage.
pub(super) fn leave_what_the_best_says_too(best: &Subject, all: &[Candidate], found: &mut Vec<Candidate>) {
    found.retain(|candidate| {
        let said = |known: &Candidate| {
            known.subject.is_in_document_of(best)
                && known.reading.span.score >= candidate.reading.span.score - SAID_TOO
                && says_the_same(&known.answer, &candidate.answer)
        };
        candidate.subject.is_in_document_of(best) || !all.iter().any(said)
    });
}

/// Where the question holds an identifier or a version that the best passage holds too, so does every other reading.
pub(super) fn hold_the_identifiers(question: &str, passages: &[Passage], best: usize, found: &mut Vec<Candidate>) {
    let holds = |at: usize, identifier: &str| {
        passages.get(at).is_some_and(|passage| {
            let title = passage.title.as_deref().unwrap_or_default();
            let text = format!("{}\n{title}\n{}", passage.name, passage.chunk.indexed_text());
            text.to_lowercase().contains(identifier)
        })
    };
    let held: Vec<String> = identifiers(question).filter(|identifier| holds(best, identifier)).collect();
    found.retain(|candidate| held.iter().all(|identifier| holds(candidate.reading.passage, identifier)));
}

/// Words with a mark inside, such as `idle_timeout` and `2.0`, and options, in lower case.
fn identifiers(question: &str) -> impl Iterator<Item = String> {
    let words = question.split_whitespace().map(|word| {
        word.trim_start_matches(['(', '"', '\'', '`']).trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
    });
    words.filter(|word| word.contains(['_', '/', '.', ':']) || (word.starts_with('-') && word.len() > 1))
}

/// Candidates that say the same are one, the best of them.
pub(super) fn merge_the_same(found: &mut Vec<Candidate>) {
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
pub(super) fn things(asked: &Asked, found: &[Candidate]) -> Vec<Vec<usize>> {
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
