//! Counts words, pairs of neighbouring words, and which words share a passage, within bounds.
//!
//! | Bound | What happens beyond it |
//! |---|---|
//! | [`Bounds::words`] different words | The rarest are forgotten: they stay known (a filter of 1 MB remembers them), but no word is corrected to them |
//! | [`Bounds::pairs`] different pairs | Those seen once are forgotten |
//! | [`Bounds::places`] words in passages | Two neighbouring passages count as one from then on |
//!
//! May depend on `vocabulary::table`.

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use super::{
    Vocabulary,
    table::{Known, Table},
};
use crate::answer::preprocess::spelling::MAX_LETTERS;

/// How much a vocabulary remembers. It takes about 80 MB at these bounds while it is built, and half of that afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Different words.
    pub words: usize,
    /// Different pairs of neighbours.
    pub pairs: usize,
    /// Words in passages.
    pub places: usize,
}

impl Bounds {
    /// A quarter of it.
    pub fn smaller(self) -> Self {
        Self { words: self.words / 4, pairs: self.pairs / 4, places: self.places / 4 }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self { words: 200_000, pairs: 1_000_000, places: 2_000_000 }
    }
}

/// Gathers a vocabulary, passage by passage.
#[derive(Debug)]
pub struct Builder {
    bounds: Bounds,
    numbers: HashMap<Box<str>, u32>,
    /// By number; the number of a forgotten word is not given again before the end.
    known: Vec<Known>,
    pairs: HashMap<(u32, u32), u32>,
    /// Words in blocks of passages, each once in a block.
    places: Vec<(u32, u32)>,
    /// The block in which a word was seen last, plus one.
    last: Vec<u32>,
    passages: u32,
    /// A block is `1 << shift` passages.
    shift: u32,
    total: u64,
    forgotten: Filter,
}

impl Builder {
    /// Nothing yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            numbers: HashMap::new(),
            known: Vec::new(),
            pairs: HashMap::new(),
            places: Vec::new(),
            last: Vec::new(),
            passages: 0,
            shift: 0,
            total: 0,
            forgotten: Filter::default(),
        }
    }

    /// Adds the texts of one passage: its own, its headings, the name of its document.
    pub fn add<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        let block = (self.passages >> self.shift) + 1;
        self.passages += 1;
        for text in texts {
            let mut before = None;
            for word in words(text) {
                if word.starts {
                    before = None;
                }
                let number = self.number(&word.text);
                let known = &mut self.known[number as usize];
                known.count = known.count.saturating_add(1);
                known.capitals = known.capitals.saturating_add(u32::from(word.capital && before.is_some()));
                self.total += 1;
                if self.last[number as usize] != block {
                    self.last[number as usize] = block;
                    self.places.push((number, block - 1));
                }
                if let Some(before) = before {
                    *self.pairs.entry((before, number)).or_insert(0) += 1;
                }
                before = Some(number);
            }
        }
        // Some slack, so that a bound is not met again with the next word.
        if self.numbers.len() > self.bounds.words + self.bounds.words / 2 {
            self.forget_words();
        }
        if self.pairs.len() > self.bounds.pairs {
            self.forget_pairs();
        }
        if self.places.len() > self.bounds.places {
            self.join_passages();
        }
    }

    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = self.known.len() as u32;
        self.numbers.insert(word.into(), number);
        self.known.push(Known::default());
        self.last.push(0);
        number
    }

    /// Leaves the most frequent words, as many as the bound allows.
    fn forget_words(&mut self) {
        let mut counts: Vec<u32> = self.numbers.values().map(|number| self.known[*number as usize].count).collect();
        let over = counts.len().saturating_sub(self.bounds.words);
        if over == 0 {
            return;
        }
        counts.sort_unstable();
        let least = counts[over - 1];
        let (mut kept, mut dropped) = (HashMap::new(), Vec::new());
        let mut renumbered = vec![u32::MAX; self.known.len()];
        let (mut known, mut last) = (Vec::new(), Vec::new());
        for (word, number) in std::mem::take(&mut self.numbers) {
            let old = number as usize;
            if self.known[old].count <= least {
                dropped.push(word);
                continue;
            }
            renumbered[old] = known.len() as u32;
            kept.insert(word, known.len() as u32);
            known.push(self.known[old]);
            last.push(self.last[old]);
        }
        dropped.iter().for_each(|word| self.forgotten.insert(word));
        (self.numbers, self.known, self.last) = (kept, known, last);
        let new = |number: u32| Some(renumbered[number as usize]).filter(|number| *number != u32::MAX);
        self.places = self.places.iter().filter_map(|(word, block)| Some((new(*word)?, *block))).collect();
        self.pairs = self.pairs.iter().filter_map(|((a, b), count)| Some(((new(*a)?, new(*b)?), *count))).collect();
    }

    fn forget_pairs(&mut self) {
        let mut least = 1;
        while self.pairs.len() > self.bounds.pairs * 3 / 4 {
            self.pairs.retain(|_, count| *count > least);
            least += 1;
        }
    }

    fn join_passages(&mut self) {
        self.shift += 1;
        self.places.iter_mut().for_each(|place| place.1 >>= 1);
        self.places.sort_unstable();
        self.places.dedup();
        self.last.iter_mut().for_each(|last| *last = 0);
    }

    /// The vocabulary of what was added, with `base`: words of the language, the most frequent first.
    pub fn finish<'a>(mut self, base: impl IntoIterator<Item = &'a str>) -> Vocabulary {
        self.forget_words();
        let mut words = self.numbers;
        let mut known = self.known;
        for (rank, word) in base.into_iter().enumerate() {
            let number = *words.entry(word.into()).or_insert_with(|| {
                known.push(Known::default());
                known.len() as u32 - 1
            });
            let entry = &mut known[number as usize];
            if entry.rank == 0 {
                entry.rank = rank as u32 + 1;
            }
        }
        let mut place_of = vec![u32::MAX; known.len()];
        let numbers: Vec<(Box<str>, u32)> = words.into_iter().collect();
        let table = Table::new(numbers.iter().map(|(word, number)| (word.clone(), known[*number as usize])));
        for (word, number) in &numbers {
            if let Some(at) = table.find(word) {
                place_of[*number as usize] = at as u32;
            }
        }
        let new = |number: u32| Some(place_of[number as usize]).filter(|at| *at != u32::MAX);
        let mut pairs: Vec<(u64, u32)> =
            self.pairs.into_iter().filter_map(|((a, b), count)| Some((super::pair(new(a)?, new(b)?), count))).collect();
        pairs.sort_unstable();
        let mut places: Vec<(u32, u32)> =
            self.places.iter().filter_map(|(word, block)| Some((new(*word)?, *block))).collect();
        places.sort_unstable();
        places.dedup();
        let blocks = (self.passages + (1 << self.shift) - 1) >> self.shift;
        Vocabulary::new(table, pairs, places, blocks, self.total, self.forgotten)
    }
}

/// A word of a text.
struct TextWord {
    /// In lower case.
    text: String,
    /// Whether it was written with a capital.
    capital: bool,
    /// Whether a sentence or a line of its own starts with it.
    starts: bool,
}

/// The words of a text: runs of letters, in lower case. What an apostrophe leaves behind (`'s`) is none.
fn words(text: &str) -> impl Iterator<Item = TextWord> + '_ {
    let mut rest = text;
    let mut starts = true;
    std::iter::from_fn(move || {
        loop {
            let begin = rest.find(char::is_alphabetic)?;
            let between = &rest[..begin];
            starts |= between.contains(['.', '!', '?', ':', ';']) || between.contains("\n\n");
            let after_apostrophe = between.ends_with(['\'', '\u{2019}']);
            let word = &rest[begin..];
            let end = word.find(|c: char| !c.is_alphabetic() && !is_mark(c)).unwrap_or(word.len());
            rest = &word[end..];
            let word = &word[..end];
            if word.chars().nth(MAX_LETTERS).is_some() || (after_apostrophe && word.len() <= 2) {
                continue;
            }
            let found = TextWord {
                text: word.to_lowercase(),
                capital: word.starts_with(char::is_uppercase),
                starts: std::mem::take(&mut starts),
            };
            return Some(found);
        }
    })
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Remembers words in bits: says "no" rightly, and "yes" wrongly for about one word in a hundred when it holds 800,000.
#[derive(Debug, Default)]
pub struct Filter {
    bits: Vec<u64>,
}

impl Filter {
    const BITS: u64 = 1 << 23;

    fn insert(&mut self, word: &str) {
        self.bits.resize(Self::BITS as usize / 64, 0);
        for bit in Self::places(word) {
            self.bits[bit as usize / 64] |= 1 << (bit % 64);
        }
    }

    /// Whether the word may have been inserted.
    pub fn holds(&self, word: &str) -> bool {
        !self.bits.is_empty()
            && Self::places(word).iter().all(|bit| self.bits[*bit as usize / 64] >> (bit % 64) & 1 == 1)
    }

    fn places(word: &str) -> [u64; 5] {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(word);
        let (step, start) = ((hash >> 32) | 1, hash & 0xffff_ffff);
        [0, 1, 2, 3, 4].map(|at: u64| start.wrapping_add(at.wrapping_mul(step)) % Self::BITS)
    }

    /// The bytes that it takes.
    pub fn bytes(&self) -> usize {
        8 * self.bits.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::preprocess::spelling::{Context, Words};

    fn built(bounds: Bounds, passages: &[&str]) -> Vocabulary {
        let mut builder = Builder::new(bounds);
        passages.iter().for_each(|passage| builder.add([*passage]));
        builder.finish(["the", "of", "harbour"])
    }

    #[test]
    fn words_pairs_and_passages_are_counted() {
        let vocabulary = built(
            Bounds::default(),
            &[
                "The pier's lamp. Lamp of the Pier, the pier",
                "A pier and a lamp",
                "Nothing of the kind",
                "shared_buffers",
            ],
        );
        let count = |word: &str| vocabulary.word(word);
        assert_eq!((count("pier").count, count("pier").capitals, count("lamp").count), (4, 1, 3));
        assert_eq!((count("the").rank, count("harbour").rank, count("harbour").count), (1, 3, 0));
        assert_eq!(count("s").count, 0, "what an apostrophe leaves behind is no word");
        assert_eq!(count("buffers").count, 1);
        assert_eq!((vocabulary.followed_by("the", "pier"), vocabulary.followed_by("lamp", "lamp")), (3, 0));
        assert!(vocabulary.together("pier", "lamp") > 1.0);
        assert_eq!(vocabulary.together("lamp", "nothing"), 0.0);
    }

    #[test]
    fn beyond_the_bounds_the_rarest_words_are_known_and_no_longer_proposed() {
        let bounds = Bounds { words: 4, ..Bounds::default() };
        let rare = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"];
        let passages = [&["pier lamp", "pier lamp"][..], &rare].concat();
        let vocabulary = built(bounds, &passages);
        assert_eq!((vocabulary.word("pier").count, vocabulary.word("alpha").count), (2, 0));
        assert!(rare.iter().all(|word| vocabulary.is_known(word)));
        assert!(!vocabulary.is_known("golf"));
        assert_eq!(vocabulary.similar("alphq", 1), [""; 0]);
        assert_eq!(vocabulary.followed_by("pier", "lamp"), 2);
    }

    #[test]
    fn beyond_the_bounds_passages_are_joined_and_pairs_seen_once_go() {
        let bounds = Bounds { pairs: 3, places: 7, ..Bounds::default() };
        let vocabulary =
            built(bounds, &["pier lamp", "pier lamp", "crane winch", "crane rope", "salt mast", "oar hull"]);
        assert_eq!((vocabulary.followed_by("pier", "lamp"), vocabulary.followed_by("crane", "winch")), (2, 0));
        assert!(vocabulary.together("winch", "rope") > 1.0, "neighbours count as one passage");
        assert_eq!(vocabulary.together("pier", "hull"), 0.0);
    }
}
