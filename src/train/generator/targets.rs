//! What the generator should have said to an example: a sentence that its source carries, or that there is none.
//!
//! May depend on `dataset`, `domain` and `answer::prompts`.

use std::ops::Range;

use crate::{
    answer::prompts::DECLINES,
    domain::{sentences::sentences, text::CodePointIndex},
    train::dataset::example::{Example, Expected, Span, SpanRole},
};

/// What the generator should have said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a target comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The answer of the example is a sentence.
    Answer,
    /// The answer is a bare one: the sentence of the passage around it.
    Passage,
    /// The passages do not hold the answer.
    Abstention,
}

/// The target of an example; none when its answer is a bare one and no sentence around it is known.
pub fn target(example: &Example) -> Option<Target> {
    if example.expected == Expected::Abstained {
        return Some(Target { text: format!("{DECLINES}."), origin: Origin::Abstention });
    }
    if let Some(answer) = example.answer.as_deref().filter(|answer| is_sentence(answer, &example.short_answers)) {
        return Some(Target { text: on_one_line(answer), origin: Origin::Answer });
    }
    let role = |role: SpanRole| example.support.iter().find(|span| span.role == role);
    let span = role(SpanRole::Answer).or_else(|| role(SpanRole::Evidence))?;
    let text = sentence_around(example, span)?;
    Some(Target { text, origin: Origin::Passage })
}

/// Whether an answer is a sentence: it ends as one does, has a few words, and is not one of the bare answers.
fn is_sentence(answer: &str, bare: &[String]) -> bool {
    let answer = answer.trim();
    let open = answer.trim_end_matches(['"', '\'', ')', ']', '”', '’', '*', '_', '`']);
    open.ends_with(['.', '!', '?', '…'])
        && answer.split_whitespace().count() > 2
        && !bare.iter().any(|bare| bare.trim() == answer)
}

/// The sentence around a span, several when it crosses a boundary. A row of a table is none.
fn sentence_around(example: &Example, span: &Span) -> Option<String> {
    let passage = example.passages.iter().find(|passage| passage.id == span.passage)?;
    let index = CodePointIndex::new(&passage.text);
    let place = index.byte_of(span.start)?..index.byte_of(span.end)?;
    let touched = |sentence: &Range<usize>| sentence.start < place.end && place.start < sentence.end;
    let mut touching = sentences(&passage.text).into_iter().filter(touched);
    let first = touching.next()?;
    let end = touching.next_back().map_or(first.end, |last| last.end);
    let text = on_one_line(&passage.text[first.start..end]);
    (!text.starts_with('|')).then_some(text)
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::train::dataset::example::{Kind, Passage};

    const TEXT: &str = "# Lámps\n\nThe lamp is lit\nat dawn. It is put out at noon.\n\n| Who | Keeper |\n";

    fn example(answer: Option<&str>, short: &[&str], spans: &[(&str, SpanRole)]) -> Example {
        let span = |(found, role): &(&str, SpanRole)| {
            let start = TEXT[..TEXT.find(found).unwrap()].chars().count() as u32;
            Span { passage: "p".into(), start, end: start + found.chars().count() as u32, role: *role }
        };
        Example {
            id: "e".into(),
            kind: Kind::Task,
            history: vec![],
            parts: vec![],
            question: "When?".into(),
            passages: vec![Passage { id: "p".into(), title: "t".into(), text: TEXT.into() }],
            expected: if answer.is_some() { Expected::Answered } else { Expected::Abstained },
            answer: answer.map(str::to_owned),
            short_answers: short.iter().map(|short| (*short).to_owned()).collect(),
            support: spans.iter().map(span).collect(),
            tags: Vec::new(),
            provenance: "us".into(),
            licence: "CC0-1.0".into(),
        }
    }

    #[test]
    fn a_sentence_is_taken_and_a_bare_answer_becomes_one() {
        let of = |answer, short: &[&str], spans: &[(&str, SpanRole)]| {
            target(&example(answer, short, spans)).map(|target| (target.text, target.origin))
        };
        let (answer, evidence) = (SpanRole::Answer, SpanRole::Evidence);
        let lit = ("The lamp is lit at dawn.".to_owned(), Origin::Passage);
        let said = of(Some("It is lit\nat dawn."), &["at dawn"], &[("at dawn", answer)]);
        assert_eq!(said, Some(("It is lit at dawn.".to_owned(), Origin::Answer)));
        assert_eq!(of(Some("at dawn"), &["at dawn"], &[("at dawn", answer)]), Some(lit.clone()));
        assert_eq!(of(Some("Lit at dawn."), &["Lit at dawn."], &[("lit\nat dawn.", answer)]), Some(lit.clone()));
        assert_eq!(of(Some("Yes."), &[], &[("put out", evidence), ("dawn", answer)]), Some(lit));
        let both = of(Some("dawn"), &["dawn"], &[("dawn. It", evidence)]).unwrap();
        assert_eq!(both.0, "The lamp is lit at dawn. It is put out at noon.");
        let declined = of(None, &[], &[]).unwrap();
        assert_eq!(declined, ("The passages do not say.".to_owned(), Origin::Abstention));
    }

    #[test]
    fn without_a_sentence_there_is_no_target() {
        for spans in [vec![], vec![("Keeper", SpanRole::Answer)], vec![("Lámps", SpanRole::Answer)]] {
            assert_eq!(target(&example(Some("Keeper"), &["Keeper"], &spans)), None, "{spans:?}");
        }
    }
}
