//! When the evidence answers a question in several ways: the readings that a user can choose from, and the sources that
//! contradict each other.
//!
//! The reader has found the best span of each passage. Where several passages answer about equally well, say different
//! things, and speak of different things that the question does not tell apart, the question has several readings. Where
//! they speak of one and the same thing, they contradict each other. `subject` says what a passage speaks of, by its title
//! (`title`) and its section (`section`), `naming` which of several a question names, `candidate` which answers are the
//! same or about one thing, `by_sections` when sections are asked for, `choice` what a reply to the readings means, `others`
//! and `siblings` which passages are read for their sake. Everything here is rules on what was read: no model runs. May
//! depend on `domain`, `models::encoder` and `models::lexical`.

mod by_sections;
mod candidate;
mod choice;
mod naming;
mod others;
mod section;
mod siblings;
mod subject;
mod title;

use super::Passage;
use crate::models::{
    encoder::{BestSpan, Decision, best_of_all},
    lexical::Lexical,
};
use by_sections::by_sections;
use candidate::{
    Candidate, hold_the_identifiers, leave_what_the_best_says_too, merge_the_same, name_the_asked,
    one_of_each_other_document, one_of_each_place, things,
};
pub use choice::{choice, chosen_question};
pub use others::{DEPTH, with_others};
pub use siblings::{siblings, words_of_siblings};
use subject::{Asked, Relation};

/// The most readings that are offered.
pub const MAX_READINGS: usize = 5;

/// How near the best answer another one must come. Tuned on both development parts of `datasets/ambiguity`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    /// The score that the best span has at least, relative to the reader's threshold: below it, nothing is read two ways.
    pub best: f32,
    /// For passages that stand in no relation.
    pub any: Margin,
    /// For documents with titles alike, or the same section of two documents.
    pub parallel: Margin,
    /// For those where the reader would answer with the other one as well.
    pub sure_parallel: Margin,
    /// For both titles and sections alike: the form of the documents says already that either may be meant.
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
    /// The part of the question's content words in the best passage that its passage must hold too; for `parallel` ones,
    /// of those in the best section, its section.
    pub coverage: f32,
}

impl Margins {
    /// What is used.
    pub const TUNED: Self = Self {
        best: -5.0,
        any: Margin { distance: 4.0, above_threshold: 0.5, coverage: 0.5 },
        parallel: Margin { distance: 8.0, above_threshold: -4.0, coverage: 0.5 },
        sure_parallel: Margin { distance: 10.0, above_threshold: 0.0, coverage: 0.3 },
        twins: Margin { distance: 9.0, above_threshold: -8.0, coverage: 0.0 },
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
        found.extend(passages.get(at).and_then(|passage| Candidate::new(lexical, &asked, passage, at, span)));
    }
    let all = found.clone();
    one_of_each_place(&mut found);
    let first = found.first().filter(|first| first.reading.passage == best)?.clone();
    let within = |candidate: &Candidate, margin: Margin, held: fn(&Candidate) -> f32| {
        let score = candidate.reading.span.score;
        score >= best_span.score - margin.distance
            && score >= decision.threshold + margin.above_threshold
            && held(candidate) >= margin.coverage * held(&first)
    };
    found.retain(|candidate| {
        let sure = decision.is_found(candidate.reading.span.score);
        let (subject, relation) = (&candidate.subject, candidate.subject.relation(lexical, &first.subject));
        let near = match relation {
            Relation::Twins if subject.is_of_one_form_with(lexical, &first.subject) => {
                within(candidate, margins.twins, |candidate| candidate.coverage)
            }
            Relation::Twins | Relation::Parallel => {
                let margin = if sure { margins.sure_parallel } else { margins.parallel };
                within(candidate, margin, |candidate| candidate.section)
            }
            Relation::Any => within(candidate, margins.any, |candidate| candidate.coverage),
        };
        // A span that goes over the end of a paragraph answers nothing, unless the reader is sure of it.
        let whole = sure || !candidate.reading.text.contains("\n\n");
        candidate.reading.passage == best || (whole && near && candidate.can_be_told_from(lexical, &first))
    });
    leave_what_the_best_says_too(&first.subject, &all, &mut found);
    hold_the_identifiers(question, passages, best, &mut found);
    // Only among these: a document with a word of the question in its title that answers nothing is not what it names.
    name_the_asked(lexical, &asked, &mut found);
    found.first().filter(|first| first.reading.passage == best)?;
    one_of_each_other_document(&first.subject, &mut found);
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
        let good =
            found.into_iter().filter(|candidate| within(candidate, margins.conflict, |candidate| candidate.coverage));
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

#[cfg(test)]
mod tests;
