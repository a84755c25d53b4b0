//! A passage in which answers and supporting sentences are found and marked.
//!
//! Ranges inside are in bytes; what leaves in a [`Span`] is in code points.
//!
//! May depend on `domain`.

use std::ops::Range;

use super::{Reason, sink, sink::Refusal};
use crate::{
    domain::{
        sentences::sentences,
        text::{CodePointIndex, CodePointRange},
    },
    train::dataset::example::{Passage, Span, SpanRole},
};

/// The tag of an example whose answer stands several times in its passage, so that nobody knows which place is meant.
const SEVERAL_PLACES: &str = "several-places";

/// A passage and its sentences.
pub(super) struct Marked {
    pub passage: Passage,
    sentences: Vec<Range<usize>>,
}

/// Where answers without offsets were found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The answers that stand in the passage, in the given order.
    pub answers: Vec<String>,
    pub support: Vec<Span>,
    pub tags: Vec<String>,
}

impl Marked {
    pub fn new(title: &str, text: &str) -> Self {
        let sentences = with_capitals(text).map_or_else(|| sentences(text), |text| sentences(&text));
        Self { passage: sink::passage(title, text), sentences }
    }

    fn text(&self) -> &str {
        &self.passage.text
    }

    /// The place of an answer that must start at code point `start`, without white space around it.
    pub fn at_offset(&self, start: u32, answer: &str) -> Result<Range<usize>, Refusal> {
        let index = CodePointIndex::new(self.text());
        let length = u32::try_from(answer.chars().count()).unwrap_or(u32::MAX);
        let range = CodePointRange { start, end: start.saturating_add(length) };
        let there = index.slice(range);
        match (there == Some(answer)).then(|| index.byte_of(start)).flatten() {
            Some(byte) if !answer.trim().is_empty() => {
                let lead = answer.len() - answer.trim_start().len();
                Ok(byte + lead..byte + lead + answer.trim().len())
            }
            Some(_) => Err((Reason::EmptyField, "an answer is empty".to_owned())),
            None => {
                let shown = there.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"));
                Err((Reason::SpanNotAtOffset, format!("at {start} there is {shown}, not {answer:?}")))
            }
        }
    }

    /// Where a text stands as whole words.
    pub fn places(&self, wanted: &str) -> Vec<Range<usize>> {
        let text = self.text();
        let inside = |edge: Option<char>, beyond: Option<char>| {
            edge.is_some_and(char::is_alphanumeric) && beyond.is_some_and(char::is_alphanumeric)
        };
        text.match_indices(wanted)
            .map(|(start, found)| start..start + found.len())
            .filter(|range| {
                !wanted.is_empty()
                    && !inside(wanted.chars().next(), text[..range.start].chars().next_back())
                    && !inside(wanted.chars().next_back(), text[range.end..].chars().next())
            })
            .collect()
    }

    /// The sentence around a place; all of them when it crosses a boundary.
    pub fn sentence_around(&self, place: &Range<usize>) -> Range<usize> {
        let from = self.sentences.partition_point(|sentence| sentence.end <= place.start);
        let touched = self.sentences[from..].iter().take_while(|sentence| sentence.start < place.end);
        // Headings and marks of lists are no sentences; an answer that reaches into one is still inside its evidence.
        touched.fold(place.clone(), |all, sentence| all.start.min(sentence.start)..all.end.max(sentence.end))
    }

    /// A place as a span.
    pub fn span(&self, place: &Range<usize>, role: SpanRole) -> Span {
        let range = CodePointIndex::new(self.text()).range_of(place.clone());
        // Places are made of matches and boundaries inside the text; an empty span would not pass validation.
        let (start, end) = range.map_or((0, 0), |range| (range.start, range.end));
        Span { passage: self.passage.id.clone(), start, end, role }
    }

    /// Answer spans for these places, the surest first, and the sentences around them.
    pub fn support(&self, places: &[Range<usize>]) -> Vec<Span> {
        let mut spans: Vec<Span> = self.answer_spans(places);
        spans.extend(self.evidence(places.iter().map(|place| self.sentence_around(place))));
        spans
    }

    /// Answer spans for these places.
    pub fn answer_spans(&self, places: &[Range<usize>]) -> Vec<Span> {
        let mut spans = Vec::new();
        for place in places {
            let span = self.span(place, SpanRole::Answer);
            if !spans.contains(&span) {
                spans.push(span);
            }
        }
        spans
    }

    /// Evidence spans for these ranges; those that overlap become one.
    pub fn evidence(&self, ranges: impl Iterator<Item = Range<usize>>) -> Vec<Span> {
        let mut merged: Vec<Range<usize>> = Vec::new();
        for mut range in ranges {
            let mut at = merged.len();
            while let Some(other) = merged.iter().position(|known| known.start < range.end && range.start < known.end) {
                let known = merged.remove(other);
                range = known.start.min(range.start)..known.end.max(range.end);
                at = at.min(other);
            }
            merged.insert(at.min(merged.len()), range);
        }
        merged.iter().map(|range| self.span(range, SpanRole::Evidence)).collect()
    }

    /// The span of a supporting sentence, which must stand exactly once.
    pub fn supporting(&self, sentence: &str) -> Result<Range<usize>, Refusal> {
        let sentence = sentence.trim();
        let mut places = self.text().match_indices(sentence);
        match (places.next(), places.next()) {
            (Some((start, found)), None) if !found.is_empty() => Ok(start..start + found.len()),
            _ => Err((Reason::EvidenceNotInPassage, format!("{sentence:?}"))),
        }
    }

    /// Marks answers that come without offsets, wherever they stand.
    pub fn find(&self, answers: &[String]) -> Found {
        let (mut found, mut all, mut sure) = (Found::default(), Vec::new(), Vec::new());
        for answer in answers {
            let places = self.places(answer.trim());
            if places.is_empty() || found.answers.iter().any(|known| known == answer.trim()) {
                continue;
            }
            found.answers.push(answer.trim().to_owned());
            if let [only] = places.as_slice() {
                sure.push(only.clone());
            }
            all.extend(places);
        }
        found.support = self.answer_spans(&all);
        let sentences: Vec<Range<usize>> = all.iter().map(|place| self.sentence_around(place)).collect();
        let one_sentence = sentences.windows(2).all(|pair| pair[0] == pair[1]);
        if one_sentence {
            found.support.extend(self.evidence(sentences.into_iter()));
        } else {
            found.support.extend(self.evidence(sure.iter().map(|place| self.sentence_around(place))));
        }
        if sure.is_empty() && all.len() > 1 {
            found.tags.push(SEVERAL_PLACES.to_owned());
        }
        found
    }
}

/// A text without any capital letter, with capitals at the beginnings of its sentences and every byte in its place:
/// UAX #29 ends no sentence before a small letter. `None` for a text that has capitals of its own.
fn with_capitals(text: &str) -> Option<String> {
    if text.contains(char::is_uppercase) {
        return None;
    }
    let (mut ended, mut spaced) = (false, false);
    let raised = text.chars().map(|c| {
        let begins = ended && spaced && c.is_alphanumeric();
        match c {
            '.' | '!' | '?' => (ended, spaced) = (true, false),
            _ if c.is_whitespace() => spaced = true,
            _ if c.is_alphanumeric() => ended = false,
            _ => {}
        }
        if begins { c.to_ascii_uppercase() } else { c }
    });
    Some(raised.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    fn shown(marked: &Marked, spans: &[Span], role: SpanRole) -> Vec<String> {
        let index = CodePointIndex::new(&marked.passage.text);
        let of_role = spans.iter().filter(|span| span.role == role);
        of_role
            .map(|span| index.slice(CodePointRange { start: span.start, end: span.end }).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn an_answer_is_only_taken_at_its_offset() {
        let marked = Marked::new("Öfen", "Öfen are hot. Pots are not.");
        assert_eq!(&marked.text()[marked.at_offset(14, "Pots ").unwrap()], "Pots");
        assert_eq!(marked.at_offset(13, "Pots").unwrap_err().0, Reason::SpanNotAtOffset);
        assert_eq!(marked.at_offset(400, "Pots").unwrap_err().0, Reason::SpanNotAtOffset);
        assert_eq!(marked.at_offset(13, " ").unwrap_err().0, Reason::EmptyField);
    }

    #[test]
    fn the_sentence_is_that_of_the_answer_or_all_that_it_crosses() {
        let marked = Marked::new("t", "One is small. Two is Mr. Brown. Three is tall.");
        let around = |text: &str| {
            let places = marked.places(text);
            shown(&marked, &marked.support(&places), SpanRole::Evidence)
        };
        assert_eq!(around("Brown"), ["Two is Mr. Brown."]);
        assert_eq!(around("small. Two"), ["One is small. Two is Mr. Brown."]);
        assert_eq!(around("is"), ["One is small.", "Two is Mr. Brown.", "Three is tall."]);
    }

    #[test]
    fn a_text_without_capitals_has_sentences_too() {
        let marked = Marked::new("t", "it is small, e.g. tiny. two is (3.5 m) tall! \"three\" is é.");
        let around = |text: &str| shown(&marked, &marked.support(&marked.places(text)), SpanRole::Evidence);
        assert_eq!(around("tiny"), ["it is small, e.g. tiny."]);
        assert_eq!(around("3.5"), ["two is (3.5 m) tall!"]);
        assert_eq!(around("é"), ["\"three\" is é."]);
    }

    #[test]
    fn answers_are_found_as_whole_words() {
        let marked = Marked::new("t", "In 1905 and 19055, the 5 men.");
        assert_eq!(marked.places("1905").len(), 1);
        assert_eq!(marked.places("5").len(), 1);
        assert!(marked.places("men.").len() == 1 && marked.places("").is_empty());
    }

    #[test]
    fn an_answer_that_stands_often_gets_no_guessed_evidence() {
        let marked = Marked::new("t", "The ox ran. The ox slept. The cow stood, as a cow does.");
        let twice = marked.find(&["ox".to_owned(), "fox".to_owned()]);
        assert_eq!(twice.answers, ["ox"]);
        assert_eq!(twice.support.len(), 2);
        assert_eq!(twice.tags, [SEVERAL_PLACES]);
        let once = marked.find(&["cow".to_owned()]);
        assert_eq!(shown(&marked, &once.support, SpanRole::Evidence), ["The cow stood, as a cow does."]);
        let sure = marked.find(&["ox".to_owned(), "slept".to_owned()]);
        assert_eq!(shown(&marked, &sure.support, SpanRole::Evidence), ["The ox slept."]);
        assert!(sure.tags.is_empty());
    }

    #[test]
    fn a_supporting_sentence_stands_once() {
        let marked = Marked::new("t", "A b. C d. A b.");
        assert_eq!(marked.supporting(" C d. ").unwrap(), 5..9);
        assert!(marked.supporting("A b.").is_err() && marked.supporting("E f.").is_err());
    }

    proptest! {
        #[test]
        fn every_place_is_inside_its_evidence(text in "[a-cé. \n]{1,80}", wanted in "[a-cé]{1,2}") {
            let marked = Marked::new("t", &text);
            for place in marked.places(&wanted) {
                let around = marked.sentence_around(&place);
                prop_assert!(around.start <= place.start && place.end <= around.end);
                let span = marked.span(&place, SpanRole::Answer);
                prop_assert_eq!(marked.at_offset(span.start, &wanted), Ok(place));
            }
        }
    }
}
