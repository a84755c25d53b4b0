//! Whether a sentence of the draft is about the span that the reader found, and what of the source is quoted for it.
//!
//! May depend on `domain`, `models::lexical` and the siblings.

use std::{collections::HashSet, ops::Range};

use super::support::SourceSentence;
use crate::{
    answer::{Passage, read::FoundSpan},
    domain::{
        sentences::{around, sentences},
        text::CodePointIndex,
    },
    models::lexical::Lexical,
};

/// The part of the span's content words that a sentence must hold when it cites the sentence of the span: an answer may
/// reword, and must not tell something else that the same sentence says.
const MIN_SHARE: f32 = 0.5;

/// The span, among the sources of a draft.
#[derive(Debug)]
pub struct SpanSource {
    /// Which of the sources holds it: a sentence, or the sentences that it reaches over.
    pub source: usize,
    words: HashSet<String>,
    terms: HashSet<String>,
}

impl SpanSource {
    /// Finds the span in the first passage, and makes one source of the sentences that it touches. `None` when the span
    /// is not in the passage.
    pub fn find<'a>(
        lexical: &Lexical,
        passage: &'a Passage,
        span: &FoundSpan,
        sources: &mut Vec<SourceSentence<'a>>,
    ) -> Option<Self> {
        let text = passage.chunk.text.as_str();
        let index = CodePointIndex::new(text);
        let bytes = index.byte_of(span.range.start)?..index.byte_of(span.range.end)?;
        let range = quoted(text, bytes);
        sources
            .retain(|source| source.passage != 0 || source.range.end <= range.start || range.end <= source.range.start);
        sources.push(SourceSentence::new(lexical, passage, 0, range));
        Some(Self {
            source: sources.len() - 1,
            words: words(&span.text).collect(),
            terms: lexical.terms(&span.text).into_iter().collect(),
        })
    }

    /// Whether a sentence holds every word of the span, as SQuAD compares answers.
    pub fn is_in(&self, sentence: &str) -> bool {
        let held: HashSet<String> = words(sentence).collect();
        !self.words.is_empty() && self.words.is_subset(&held)
    }

    /// Whether a sentence holds enough of the span's content words to be about it. A span without any (`no`) asks for
    /// none.
    pub fn is_touched_by(&self, sentence: &str, lexical: &Lexical) -> bool {
        let held: HashSet<String> = lexical.terms(sentence).into_iter().collect();
        let shared = self.terms.iter().filter(|term| held.contains(*term)).count();
        shared as f32 >= MIN_SHARE * self.terms.len() as f32
    }
}

/// The words of a text as SQuAD's evaluation compares them (Rajpurkar et al. 2016): in lower case, without punctuation and
/// articles. Punctuation is whatever is no letter and no digit, in any script.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace()
        .map(|word| word.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .filter(|word| !word.is_empty() && !matches!(word.as_str(), "a" | "an" | "the"))
}

/// The sentences that a byte range touches, as one range; where they do not hold all of it, as in a heading, its lines as
/// well, without the marks of a heading.
pub(super) fn quoted(text: &str, span: Range<usize>) -> Range<usize> {
    let touched = around(&sentences(text), &span).unwrap_or(span.end..span.start);
    if touched.start <= span.start && span.end <= touched.end {
        return touched;
    }
    let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
    let (start, end) = (touched.start.min(line_start), touched.end.max(line_end));
    let lines = text[start..end].trim_end();
    let marks = lines.len() - lines.trim_start_matches(|c: char| c == '#' || c.is_whitespace()).len();
    // A span that begins with a mark keeps it.
    (start + marks).min(span.start)..start + lines.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::{
        answer::postfilter::{support::source_sentences, testing::passage},
        domain::text::CodePointRange,
    };

    fn span(text: &str, of: &str) -> FoundSpan {
        let start = text[..text.find(of).unwrap()].chars().count() as u32;
        let range = CodePointRange { start, end: start + of.chars().count() as u32 };
        FoundSpan { range, text: of.to_owned(), score: 1.0, probability: 0.7 }
    }

    fn quote(text: &str, of: &str) -> String {
        let (lexical, passage) = (Lexical::new(), passage(text));
        let mut sources = source_sentences(&lexical, "", std::slice::from_ref(&passage));
        let found = SpanSource::find(&lexical, &passage, &span(text, of), &mut sources).unwrap();
        // The sentences that it is made of are no sources beside it.
        for source in &sources[..found.source] {
            assert!(!source.text.contains(of), "{source:?}");
        }
        sources[found.source].text.to_owned()
    }

    #[test]
    fn whole_sentences_items_and_rows_are_quoted() {
        let text = "# Über Leases\n\nEach lease lasts a minute. It is\nextended. Then it ends.\n\n- One item.\n- Another\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
        assert_eq!(quote(text, "a minute"), "Each lease lasts a minute.");
        assert_eq!(quote(text, "It is\nextended"), "It is\nextended.");
        assert_eq!(quote(text, "extended. Then it"), "It is\nextended. Then it ends.");
        assert_eq!(quote(text, "Another"), "Another");
        assert_eq!(quote(text, "2"), "| 1 | 2 |");
        // A heading is no sentence, and can hold the answer all the same.
        assert_eq!(quote(text, "Leases"), "Über Leases");
    }

    #[test]
    fn a_sentence_is_about_the_span_when_it_holds_its_words() {
        let (lexical, text) = (Lexical::new(), "The port is 8642, and the address may not be changed.");
        let passage = passage(text);
        let found = |of: &str| {
            let mut sources = source_sentences(&lexical, "", std::slice::from_ref(&passage));
            SpanSource::find(&lexical, &passage, &span(text, of), &mut sources).unwrap()
        };
        let port = found("port is 8642");
        assert!(port.is_in("«Port» 8642 it is.") && !port.is_in("It is port 8643."));
        assert!(port.is_touched_by("The port.", &lexical) && !port.is_touched_by("The address.", &lexical));
        let denied = found("may not be changed");
        assert!(!denied.is_in("No, it cannot be changed.") && denied.is_touched_by("No, nobody changes it.", &lexical));
        assert!(!denied.is_touched_by("The port is 8642.", &lexical));
        // A span of stop words asks for no content word.
        assert!(found("not").is_touched_by("It is.", &lexical));
        // One that is nothing but punctuation is in no sentence.
        assert!(!found(",").is_in("Yes, it is."));
    }

    #[test]
    fn a_span_that_is_not_in_its_passage_is_not_found() {
        let (lexical, passage) = (Lexical::new(), passage("Short."));
        let outside = FoundSpan { range: CodePointRange { start: 3, end: 99 }, ..span("Short.", "Short") };
        assert!(SpanSource::find(&lexical, &passage, &outside, &mut Vec::new()).is_none());
    }

    proptest! {
        #[test]
        fn what_is_quoted_holds_the_span_and_begins_and_ends_with_text(
            text in "([A-Za-zé.!?|# \n-]){1,120}", from in 0usize..120, length in 1usize..20,
        ) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            prop_assume!(from + length < places.len());
            let span = places[from]..places[from + length];
            // The reader's spans begin and end with a token.
            prop_assume!(text[span.clone()].trim() == &text[span.clone()]);
            let range = quoted(&text, span.clone());
            prop_assert!(range.start <= span.start && span.end <= range.end, "{:?} {:?}", range, span);
            prop_assert_eq!(text[range.clone()].trim(), &text[range]);
        }
    }
}
