//! How many tokens any stretch of a text has, without asking the tokenizer each time.
//!
//! A splitter asks for the size of hundreds of overlapping stretches. Here every word goes through the
//! tokenizer once (a repeated word not even that), and a stretch is a difference of two sums. That is exact for
//! tokenizers that never join words, and near enough for the others: the chunker counts each finished chunk again.
//!
//! May depend on nothing of this crate.

use std::{collections::HashMap, ops::Range};

use text_splitter::ChunkSizer;

/// Words longer than this are counted in parts. It also keeps an endless "word" (Base64, a minified script), which
/// some tokenizers count as one unknown token, from being taken for a short one.
const LONGEST_PIECE: usize = 48;

/// Token counts of one text.
pub(super) struct Sizes<'a> {
    text: &'a str,
    counter: &'a dyn Fn(&str) -> usize,
    /// The tokens that are put around every text.
    special: usize,
    /// Where each piece starts; pieces tile the text.
    starts: Vec<usize>,
    /// The tokens before each piece, and those of the whole text at the end.
    before: Vec<usize>,
}

impl<'a> Sizes<'a> {
    /// Counts every word of `text`. `counter` includes the special tokens.
    pub(super) fn new(text: &'a str, counter: &'a dyn Fn(&str) -> usize) -> Self {
        let special = counter("");
        let mut known: HashMap<&str, usize> = HashMap::new();
        let (mut starts, mut before, mut total) = (Vec::new(), vec![0], 0);
        for piece in pieces(text) {
            let word = text[piece.clone()].trim_end();
            total += *known.entry(word).or_insert_with(|| counter(word).saturating_sub(special));
            starts.push(piece.start);
            before.push(total);
        }
        Self { text, counter, special, starts, before }
    }

    /// The tokens of `text[range]` without the special ones.
    pub(super) fn of(&self, range: Range<usize>) -> usize {
        let first = self.starts.partition_point(|start| *start < range.start);
        let last = self.starts.partition_point(|start| *start <= range.end).saturating_sub(1);
        if first > last || self.starts.is_empty() {
            return self.count(&self.text[range]);
        }
        // Both ends may cut a piece: those parts are counted for themselves.
        self.count(&self.text[range.start..self.starts[first]])
            + (self.before[last] - self.before[first])
            + self.count_tail(last, range.end)
    }

    /// The tokens from the start of a piece to `end`, which lies inside it or at its end.
    fn count_tail(&self, piece: usize, end: usize) -> usize {
        let start = self.starts[piece];
        let next = self.starts.get(piece + 1).copied().unwrap_or(self.text.len());
        if start < end && self.text[end..next].trim().is_empty() {
            return self.before[piece + 1] - self.before[piece];
        }
        self.count(&self.text[start..end])
    }

    fn count(&self, text: &str) -> usize {
        if text.trim().is_empty() { 0 } else { (self.counter)(text).saturating_sub(self.special) }
    }
}

impl ChunkSizer for &Sizes<'_> {
    fn size(&self, chunk: &str) -> usize {
        // The splitter hands over slices of the text that it splits: the address says which.
        let offset = (chunk.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        match offset.checked_add(chunk.len()) {
            Some(end) if end <= self.text.len() => self.of(offset..end),
            _ => self.count(chunk),
        }
    }
}

/// Cuts a text into words with the white space after them, and long words into parts.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut in_space) = (0, false);
    for (at, c) in text.char_indices() {
        let space = c.is_whitespace();
        if at > start && !space && (in_space || at - start >= LONGEST_PIECE) {
            pieces.push(start..at);
            start = at;
        }
        in_space = space;
    }
    if start < text.len() {
        pieces.push(start..text.len());
    }
    pieces
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    /// Two special tokens, and a token for every four letters of a word.
    fn counter(text: &str) -> usize {
        2 + text.split_whitespace().map(|word| word.chars().count().div_ceil(4)).sum::<usize>()
    }

    proptest! {
        #[test]
        fn stretches_between_words_are_exact(words in prop::collection::vec("\\S{1,11}", 1..40), cut in any::<prop::sample::Index>()) {
            let text = words.join(" ");
            let sizes = Sizes::new(&text, &counter);
            let at = text.match_indices(' ').map(|(at, _)| at).chain([text.len()]).collect::<Vec<_>>();
            let end = *cut.get(&at);
            prop_assert_eq!(sizes.of(0..end), counter(&text[..end]) - 2);
            prop_assert_eq!(sizes.of(end..text.len()), counter(&text[end..]) - 2);
        }

        #[test]
        fn a_longer_stretch_is_never_smaller(text in "[a-c \n]{0,300}", a in 0usize..300, b in 0usize..300) {
            let (a, b) = (a.min(b).min(text.len()), a.max(b).min(text.len()));
            let sizes = Sizes::new(&text, &counter);
            prop_assert!(sizes.of(0..a) <= sizes.of(0..b));
        }

        #[test]
        fn any_slice_can_be_counted(text in "\\PC{0,200}") {
            let sizes = Sizes::new(&text, &counter);
            let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            for (position, start) in cuts.iter().enumerate() {
                for end in cuts.iter().skip(position) {
                    let _ = (&sizes).size(&text[*start..*end]);
                }
            }
        }
    }

    #[test]
    fn an_endless_word_is_not_one_token() {
        let unknown = |text: &str| 2 + text.split_whitespace().count();
        let text = "A".repeat(10_000);
        assert!(Sizes::new(&text, &unknown).of(0..text.len()) > 100);
    }
}
