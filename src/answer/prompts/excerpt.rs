//! The part of a passage that the generator reads once the reader has found the answer: the sentences around the span.
//!
//! Reading the prompt is what an answer waits for, and of a passage little is needed to word an answer whose place is
//! known. May depend on `domain`.

use std::ops::Range;

use crate::domain::sentences::sentences;

/// The sentences before that of the span: what `it` and `this` in it stand for.
const BEFORE: usize = 2;
/// The sentences after it: a restriction, an exception.
const AFTER: usize = 1;

/// The sentences around a range of bytes, with the lines between them exactly as they stand; before the rows of a table
/// its first two lines, without which cells mean nothing.
pub fn excerpt(text: &str, span: Range<usize>) -> String {
    let all = sentences(text);
    // Where the span touches none, as in a heading, these two are the same place between two sentences.
    let first = all.partition_point(|sentence| sentence.end <= span.start);
    let behind = all.partition_point(|sentence| sentence.start < span.end).max(first);
    let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
    let (start, end) = if first < behind { (span.start, span.end) } else { (line_start, line_end) };
    let window = &all[first.saturating_sub(BEFORE)..(behind + AFTER).min(all.len())];
    let start = window.first().map_or(start, |sentence| sentence.start.min(start));
    let end = window.last().map_or(end, |sentence| sentence.end.max(end));
    let header = header_above(text, start);
    format!("{}{}", &text[header], &text[start..end])
}

/// The header row and the delimiter row of the table in whose later rows `at` lies; an empty range anywhere else.
fn header_above(text: &str, at: usize) -> Range<usize> {
    let at = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    if !text[at..].starts_with('|') {
        return at..at;
    }
    let rows_above = text[..at].split_inclusive('\n').rev().take_while(|line| line.starts_with('|'));
    let top = at - rows_above.map(str::len).sum::<usize>();
    let header: usize = text[top..at].split_inclusive('\n').take(2).map(str::len).sum();
    top..top + header
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn around(text: &str, of: &str) -> String {
        let start = text.find(of).unwrap();
        excerpt(text, start..start + of.len())
    }

    #[test]
    fn the_sentences_around_the_span_are_kept_as_they_stand() {
        let text = "# Ä\n\nOne. Two is\nlong. Three.\n\n## B\n\nFour. Five. Six. Seven.\n";
        assert_eq!(around(text, "Four"), "Two is\nlong. Three.\n\n## B\n\nFour. Five.");
        assert_eq!(around(text, "Five. Si"), "Three.\n\n## B\n\nFour. Five. Six. Seven.");
        assert_eq!(around(text, "One"), "One. Two is\nlong.");
        assert_eq!(around(text, "Seven"), "Five. Six. Seven.");
    }

    #[test]
    fn a_heading_is_kept_with_what_stands_around_it() {
        assert_eq!(around("One.\n\n## The B\n\nTwo. Three.", "B"), "One.\n\n## The B\n\nTwo.");
        assert_eq!(around("# Nothing but this", "this"), "# Nothing but this");
    }

    #[test]
    fn rows_stand_under_the_header_of_their_table() {
        let text = "Keys:\n\n| Key | Default |\n|---|---|\n| a | 1 |\n| b | 2 |\n| c | 3 |\n| d | 4 |\n| e | 5 |\n";
        assert_eq!(around(text, "4"), "| Key | Default |\n|---|---|\n| b | 2 |\n| c | 3 |\n| d | 4 |\n| e | 5 |");
        // The window already begins there.
        assert_eq!(around(text, "1"), "Keys:\n\n| Key | Default |\n|---|---|\n| a | 1 |\n| b | 2 |");
        assert_eq!(around(text, "2"), "| Key | Default |\n|---|---|\n| a | 1 |\n| b | 2 |\n| c | 3 |");
    }

    proptest! {
        #[test]
        fn the_span_is_always_in_it(text in "([A-Za-zé.!?|#: \n-]){1,160}", from in 0usize..160, length in 1usize..30) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            prop_assume!(from + length < places.len());
            let span = places[from]..places[from + length];
            prop_assert!(excerpt(&text, span.clone()).contains(&text[span]));
        }
    }
}
