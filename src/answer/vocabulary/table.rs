//! The words of an index in a few flat arrays, and the search for words that look alike.
//!
//! There is no index of misspellings: each word has the set of its letters as a bit mask, and an edit changes at most two
//! bits. Comparing masks leaves a few words in a thousand, and only of these the distance is computed. A hundred thousand
//! words take 2.5 MB, and a search a fraction of a millisecond. May depend on nothing of this crate but
//! `preprocess::spelling::edits`.

use std::ops::Range;

use crate::answer::preprocess::spelling::{MAX_LETTERS, folded};

/// What is known of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// How often it stands in the index.
    pub count: u32,
    /// How often of these with a capital at its start.
    pub capitals: u32,
    /// Its place in the base vocabulary, from 1 for the most frequent word; 0 when it is not there.
    pub rank: u32,
}

/// Words with what is known of them, sorted by length and letters.
#[derive(Debug, Default)]
pub struct Table {
    letters: String,
    starts: Vec<u32>,
    masks: Vec<u32>,
    known: Vec<Known>,
    /// The words of each length in letters.
    lengths: Vec<Range<usize>>,
}

impl Table {
    /// A table of words in lower case. Words of more than [`MAX_LETTERS`] letters are left out: they are no words.
    pub fn new(words: impl IntoIterator<Item = (Box<str>, Known)>) -> Self {
        let mut words: Vec<(usize, Box<str>, Known)> =
            words.into_iter().map(|(word, known)| (word.chars().count(), word, known)).collect();
        words.retain(|(length, ..)| (1..=MAX_LETTERS).contains(length));
        words.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        words.dedup_by(|a, b| a.1 == b.1);
        let mut table = Self { lengths: vec![0..0; MAX_LETTERS + 1], ..Self::default() };
        table.letters.reserve_exact(words.iter().map(|(_, word, _)| word.len()).sum());
        table.starts.reserve_exact(words.len() + 1);
        for (at, (length, word, known)) in words.iter().enumerate() {
            let range = &mut table.lengths[*length];
            *range = if range.start == range.end { at..at + 1 } else { range.start..at + 1 };
            table.starts.push(table.letters.len() as u32);
            table.letters.push_str(word);
            table.masks.push(mask(word));
            table.known.push(*known);
        }
        table.starts.push(table.letters.len() as u32);
        table
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// The number of a word.
    pub fn find(&self, word: &str) -> Option<usize> {
        let range = self.lengths.get(word.chars().count())?.clone();
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low.midpoint(high);
            match self.word(middle).cmp(word) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// A word by its number.
    pub fn word(&self, at: usize) -> &str {
        &self.letters[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// What is known of a word by its number.
    pub fn known(&self, at: usize) -> Known {
        self.known[at]
    }

    /// The words that at most `distance` edits part from `word`, in no order that means anything. With two edits, only those
    /// that start with its first or second letter, or the other way round: people rarely miss the first letter, and one
    /// word in ten has to be looked at.
    pub fn similar(&self, word: &str, distance: usize) -> Vec<&str> {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() > MAX_LETTERS {
            return Vec::new();
        }
        let (wanted, bits) = (mask(word), 2 * distance as u32);
        let starts = [letters.first(), letters.get(1)].map(|letter| letter.copied().map(folded));
        let may_start = |candidate: &str| {
            let mut others = candidate.chars().map(folded);
            let (first, second) = (others.next(), others.next());
            distance < 2 || first == starts[0] || first == starts[1] || second == starts[0]
        };
        let mut found = Vec::new();
        for length in letters.len().saturating_sub(distance)..=(letters.len() + distance).min(MAX_LETTERS) {
            let range = self.lengths.get(length).cloned().unwrap_or_default();
            for (at, mask) in self.masks[range.clone()].iter().enumerate() {
                if (mask ^ wanted).count_ones() <= bits {
                    let candidate = self.word(range.start + at);
                    if may_start(candidate) && within(&letters, candidate, distance) {
                        found.push(candidate);
                    }
                }
            }
        }
        found
    }

    /// The bytes that the table takes.
    pub fn bytes(&self) -> usize {
        self.letters.capacity() + 4 * (self.starts.capacity() + self.masks.capacity()) + 12 * self.known.capacity()
    }
}

/// The letters of a word as bits: one for each letter from a to z, six for all others.
fn mask(word: &str) -> u32 {
    word.chars().map(folded).fold(0, |mask, letter| match letter {
        'a'..='z' => mask | 1 << (letter as u32 - 'a' as u32),
        other => mask | 1 << (26 + other as u32 % 6),
    })
}

/// Whether at most `distance` edits part two words: a letter more, less or another, or two neighbours swapped. Letters
/// that differ in their accents only are the same here.
fn within(one: &[char], other: &str, distance: usize) -> bool {
    let mut letters = ['\0'; MAX_LETTERS];
    let mut width = 0;
    for letter in other.chars() {
        letters[width] = folded(letter);
        width += 1;
    }
    let far = distance + 1;
    let mut rows = [[far; MAX_LETTERS + 2]; 3];
    for (column, cell) in rows[0].iter_mut().enumerate().take(distance.min(width) + 1) {
        *cell = column;
    }
    for row in 1..=one.len() {
        let (this, above, before) = (row % 3, (row - 1) % 3, (row + 1) % 3);
        let (from, to) = (row.saturating_sub(distance), (row + distance).min(width));
        let letter = folded(one[row - 1]);
        // What lies outside of the band is far; the cells beside it are read by the next rows.
        if from > 0 {
            rows[this][from - 1] = far;
        }
        rows[this][to + 1] = far;
        let mut least = far;
        for column in from..=to {
            let mut best = rows[above][column] + 1;
            if column > 0 {
                best = best.min(rows[this][column - 1] + 1);
                best = best.min(rows[above][column - 1] + usize::from(letter != letters[column - 1]));
                if row > 1 && column > 1 && letter == letters[column - 2] && folded(one[row - 2]) == letters[column - 1]
                {
                    best = best.min(rows[before][column - 2] + 1);
                }
            }
            rows[this][column] = best.min(far);
            least = least.min(best);
        }
        if least >= far {
            return false;
        }
    }
    rows[one.len() % 3][width] <= distance
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn table(words: &[&str]) -> Table {
        Table::new(
            words
                .iter()
                .enumerate()
                .map(|(at, word)| (Box::from(*word), Known { count: at as u32 + 1, ..Known::default() })),
        )
    }

    #[test]
    fn words_are_found_with_what_is_known_of_them() {
        let table = table(&["parliament", "café", "the", "scottish"]);
        let count = |word: &str| table.find(word).map(|at| table.known(at).count);
        assert_eq!((count("parliament"), count("café"), count("the")), (Some(1), Some(2), Some(3)));
        assert_eq!((count("parliment"), count(""), count("cafe")), (None, None, None));
        assert_eq!(Table::new([]).find("a"), None);
    }

    #[test]
    fn words_that_look_alike_are_found_by_distance() {
        let table = table(&["parliament", "parliaments", "parsnip", "the", "then", "café"]);
        assert_eq!(table.similar("parliment", 1), ["parliament"]);
        assert_eq!(table.similar("parliment", 2), ["parliament", "parliaments"]);
        assert_eq!(table.similar("teh", 1), ["the"]);
        assert_eq!(table.similar("cafe", 1), ["café"]);
        assert_eq!(table.similar(&"x".repeat(99), 2), [""; 0]);
    }

    proptest! {
        #[test]
        fn a_word_is_found_from_any_word_that_one_or_two_edits_made_of_it(
            word in "[a-f]{1,9}", edits in prop::collection::vec((0usize..9, "[a-f]", 0u8..4), 1..3),
        ) {
            prop_assume!(word.len() > 1);
            let mut letters: Vec<char> = word.chars().collect();
            let distance = edits.len();
            for (at, letter, kind) in edits {
                // Two edits leave the first letter alone.
                let at = if distance == 1 { at % letters.len() } else { 1 + at % (letters.len() - 1).max(1) };
                match kind {
                    0 => letters.insert(at, letter.chars().next().unwrap()),
                    1 if letters.len() > 2 => drop(letters.remove(at)),
                    2 if distance == 1 && at + 1 < letters.len() => letters.swap(at, at + 1),
                    _ => letters[at] = letter.chars().next().unwrap(),
                }
            }
            let typed: String = letters.into_iter().collect();
            let table = table(&[&word]);
            prop_assert_eq!(table.similar(&typed, distance), [&word]);
        }

        #[test]
        fn nothing_panics_and_every_word_is_found(words in prop::collection::btree_set("\\PC{1,40}", 0..20), other in "\\PC{0,40}") {
            let all: Vec<&str> = words.iter().map(String::as_str).collect();
            let table = table(&all);
            let short: BTreeSet<&str> = all.iter().copied().filter(|word| word.chars().count() <= MAX_LETTERS).collect();
            prop_assert_eq!(table.len(), short.len());
            for word in short {
                prop_assert_eq!(table.find(word).map(|at| table.word(at)), Some(word));
            }
            table.similar(&other, 2);
        }
    }
}
