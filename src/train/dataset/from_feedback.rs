//! Examples out of feedback: what was said about an answer, in the form of our data sets.
//!
//! Only what says how the question should have ended becomes an example: that an answer is wrong does not say what is right.
//! May depend on `example`, `validate` and `domain`.

use std::collections::HashSet;

use super::{
    example::{Example, ExamplePart, Expected, Kind, Passage, Span, SpanRole},
    passage_id,
    validate::defects,
};
use crate::domain::{Citation, Feedback, Outcome, OutcomeKind, RequestKind, TracedPassage, Verdict};

/// The tag of every example that comes from feedback.
pub const FEEDBACK: &str = "feedback";

/// Why feedback is no example.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// It says that the answer is wrong, and not what is right.
    #[error("it does not say what would have been right: a better answer was not given")]
    NoRightAnswer,
    /// Nothing was looked up for the question.
    #[error("the request is none that documents answer")]
    NotServed,
    /// What it rests on is gone.
    #[error("a document that it rests on was deleted")]
    Deleted,
    /// It would not be a sound example.
    #[error("{0}")]
    Unsound(String),
}

/// The example that feedback is. Its id is that of the feedback.
pub fn example_of(feedback: &Feedback, licence: &str) -> Result<Example, LeftOut> {
    let outcome = &feedback.trace.outcome;
    let right = Right::of(feedback)?;
    let passages = passages(&feedback.trace.passages);
    let lacks = right.rests_on_sources && outcome.citations.iter().any(|citation| citation.quote.is_empty());
    if lacks || (right.answer.is_some() && passages.is_empty()) {
        return Err(LeftOut::Deleted);
    }
    let example = Example {
        id: feedback.id.to_string(),
        kind: right.kind,
        history: Vec::new(),
        question: question(outcome)?,
        parts: if right.expected == Expected::Partial { parts(outcome) } else { Vec::new() },
        passages,
        expected: right.expected,
        support: if right.rests_on_sources { support(feedback) } else { Vec::new() },
        answer: right.answer,
        short_answers: right.short_answer.into_iter().collect(),
        tags: vec![FEEDBACK.to_owned(), feedback.verdict.as_str().to_owned()],
        provenance: format!("{} on {}, given on {}", feedback.id, feedback.answer_id, feedback.given_at.date_naive()),
        licence: licence.to_owned(),
    };
    match defects(&example).into_iter().next() {
        None => Ok(example),
        Some(defect) => Err(LeftOut::Unsound(defect.message)),
    }
}

/// How the question should have ended.
struct Right {
    kind: Kind,
    expected: Expected,
    answer: Option<String>,
    short_answer: Option<String>,
    /// Whether the sources that were cited carry the answer.
    rests_on_sources: bool,
}

impl Right {
    fn of(feedback: &Feedback) -> Result<Self, LeftOut> {
        let (outcome, better) = (&feedback.trace.outcome, feedback.better_answer.clone());
        let given = || match outcome.answer.is_empty() {
            true => Err(LeftOut::Deleted),
            false => Ok(Some(outcome.answer.clone())),
        };
        let declined =
            |kind, expected| Self { kind, expected, answer: None, short_answer: None, rests_on_sources: false };
        let answered = |kind, answer| Self { answer, ..declined(kind, Expected::Answered) };
        Ok(match (feedback.verdict, better) {
            (Verdict::Right, _) => match outcome.outcome {
                OutcomeKind::Answered => Self {
                    short_answer: outcome.short_answer.clone(),
                    rests_on_sources: true,
                    ..answered(Kind::Task, given()?)
                },
                OutcomeKind::Partial => {
                    Self { expected: Expected::Partial, rests_on_sources: true, ..answered(Kind::Task, given()?) }
                }
                OutcomeKind::Abstained => declined(Kind::Task, Expected::Abstained),
                OutcomeKind::Clarify => declined(Kind::Task, Expected::Clarify),
                OutcomeKind::Blocked => return Err(LeftOut::NotServed),
            },
            (Verdict::ShouldHaveAbstained, _) => declined(Kind::Failure, Expected::Abstained),
            (Verdict::WrongSource, None) => {
                Self { short_answer: outcome.short_answer.clone(), ..answered(Kind::Failure, given()?) }
            }
            (_, Some(better)) => answered(Kind::Failure, Some(better)),
            (Verdict::Wrong | Verdict::ShouldHaveAnswered | Verdict::BetterAnswer, None) => {
                return Err(LeftOut::NoRightAnswer);
            }
        })
    }
}

/// The question as a user would type it; one that leans on what was said before, as it was understood.
fn question(outcome: &Outcome) -> Result<String, LeftOut> {
    let asked = &outcome.question;
    match asked.kind {
        RequestKind::FollowUp | RequestKind::Choice if asked.interpreted.is_empty() => Err(LeftOut::Deleted),
        RequestKind::FollowUp | RequestKind::Choice => Ok(asked.interpreted.clone()),
        _ => Ok(asked.original.clone()),
    }
}

/// What was found, without what is gone, each text once.
fn passages(found: &[TracedPassage]) -> Vec<Passage> {
    let mut seen = HashSet::new();
    let standing = found.iter().filter(|passage| !passage.text.is_empty());
    let passages = standing.map(|passage| Passage {
        id: passage_id(&passage.text),
        title: passage.name.clone(),
        text: passage.text.clone(),
    });
    passages.filter(|passage| seen.insert(passage.id.clone())).collect()
}

fn parts(outcome: &Outcome) -> Vec<ExamplePart> {
    let expected = |kind| match kind {
        OutcomeKind::Answered => Expected::Answered,
        OutcomeKind::Partial => Expected::Partial,
        OutcomeKind::Clarify => Expected::Clarify,
        OutcomeKind::Abstained | OutcomeKind::Blocked => Expected::Abstained,
    };
    let parts = outcome.question.parts.iter().map(|part| ExamplePart {
        question: part.question.clone(),
        expected: expected(part.outcome),
        answer: part.answer.clone(),
        short_answers: part.short_answer.clone().into_iter().collect(),
    });
    parts.collect()
}

/// Where the passages carry the answer: the quotes of the citations, and the bare answer in them. A quote that is not
/// exactly in its passage, as where it goes beyond the passage's end, has no span.
fn support(feedback: &Feedback) -> Vec<Span> {
    let (trace, mut spans) = (&feedback.trace, Vec::new());
    for citation in &trace.outcome.citations {
        let Some(passage) = trace.passages.iter().find(|passage| passage.chunk_id == citation.chunk_id) else {
            continue;
        };
        let Some(start) = place(citation, passage) else { continue };
        let length = citation.quote.chars().count() as u32;
        let mut add = |start, length, role| {
            let span = Span { passage: passage_id(&passage.text), start, end: start + length, role };
            if !spans.contains(&span) {
                spans.push(span);
            }
        };
        if let Some(short) = trace.outcome.short_answer.as_deref().filter(|short| !short.is_empty())
            && let Some((before, _)) = citation.quote.split_once(short)
        {
            add(start + before.chars().count() as u32, short.chars().count() as u32, SpanRole::Answer);
        }
        add(start, length, SpanRole::Evidence);
    }
    spans
}

/// Where a quote starts in a passage, in code points.
fn place(citation: &Citation, passage: &TracedPassage) -> Option<u32> {
    let start = citation.source_start.checked_sub(passage.range.start)?;
    let length = citation.quote.chars().count();
    let there: String = passage.text.chars().skip(start as usize).take(length).collect();
    (length > 0 && there == citation.quote).then_some(start)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use chrono::DateTime;

    use super::*;
    use crate::domain::{DocumentId, FeedbackId, testing_trace};

    fn feedback(verdict: Verdict, better: Option<&str>, documents: &[DocumentId]) -> Feedback {
        let trace = testing_trace("Which one?", documents);
        Feedback {
            id: FeedbackId::new(),
            answer_id: trace.outcome.id,
            conversation_id: None,
            collection: "default".to_owned(),
            verdict,
            better_answer: better.map(str::to_owned),
            comment: None,
            redacted: BTreeSet::new(),
            given_by: "local".to_owned(),
            given_at: DateTime::UNIX_EPOCH,
            trace,
        }
    }

    #[test]
    fn a_right_answer_is_an_example_with_what_carries_it() {
        let given = feedback(Verdict::Right, None, &[DocumentId::new(), DocumentId::new()]);
        let example = example_of(&given, "LicenseRef-ours").unwrap();
        assert_eq!((example.kind, example.expected), (Kind::Task, Expected::Answered));
        assert_eq!((example.question.as_str(), example.answer.as_deref()), ("Which one?", Some("Ä0a. Ä1a.")));
        assert_eq!((example.passages.len(), &example.short_answers[..]), (2, &["Ä0a".to_owned()][..]));
        let [answer, evidence, other] = &example.support[..] else { panic!("{example:?}") };
        assert_eq!((answer.role, answer.start, answer.end), (SpanRole::Answer, 14, 17));
        assert_eq!((evidence.role, evidence.start, evidence.end), (SpanRole::Evidence, 14, 18));
        assert_ne!(other.passage, evidence.passage);
    }

    #[test]
    fn what_does_not_say_what_is_right_is_left_out() {
        let documents = [DocumentId::new()];
        for verdict in [Verdict::Wrong, Verdict::ShouldHaveAnswered] {
            assert_eq!(example_of(&feedback(verdict, None, &documents), "CC0-1.0"), Err(LeftOut::NoRightAnswer));
            let better = example_of(&feedback(verdict, Some("This one."), &documents), "CC0-1.0").unwrap();
            assert_eq!((better.kind, better.answer.as_deref()), (Kind::Failure, Some("This one.")));
            assert!(better.support.is_empty() && better.short_answers.is_empty());
        }
        let mut blocked = feedback(Verdict::Right, None, &[]);
        blocked.trace.outcome.outcome = OutcomeKind::Blocked;
        assert_eq!(example_of(&blocked, "CC0-1.0"), Err(LeftOut::NotServed));
        let unsound = example_of(&feedback(Verdict::Right, None, &documents), "no licence");
        assert!(matches!(unsound, Err(LeftOut::Unsound(why)) if why.contains("SPDX")));
    }

    #[test]
    fn abstentions_are_kept_with_what_was_found() {
        let right = example_of(&feedback(Verdict::Right, None, &[]), "CC0-1.0").unwrap();
        assert_eq!((right.kind, right.expected, right.answer), (Kind::Task, Expected::Abstained, None));
        let wrong = example_of(&feedback(Verdict::ShouldHaveAbstained, None, &[DocumentId::new()]), "CC0-1.0").unwrap();
        assert_eq!((wrong.kind, wrong.expected, wrong.passages.len()), (Kind::Failure, Expected::Abstained, 1));
        let source = example_of(&feedback(Verdict::WrongSource, None, &[DocumentId::new()]), "CC0-1.0").unwrap();
        assert_eq!((source.answer.as_deref(), source.support.len()), (Some("Ä0a."), 0));
    }

    #[test]
    fn what_rests_on_a_deleted_document_is_left_out() {
        let (one, two) = (DocumentId::new(), DocumentId::new());
        let mut given = feedback(Verdict::Right, None, &[one, two]);
        given.take_out(&BTreeSet::from([one]));
        assert_eq!(example_of(&given, "CC0-1.0"), Err(LeftOut::Deleted));
        let mut declined = feedback(Verdict::ShouldHaveAbstained, None, &[one, two]);
        declined.take_out(&BTreeSet::from([one]));
        assert_eq!(example_of(&declined, "CC0-1.0").unwrap().passages.len(), 1);
    }
}
