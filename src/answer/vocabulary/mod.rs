//! The vocabulary of an index: which words its passages use, how often, and beside which others.
//!
//! It is what spelling is corrected against. One vocabulary serves all that a caller may read and not each collection: a
//! word that stands anywhere in it is a word, so a question about one collection is never "corrected" away from what
//! another one holds. May depend on the metadata store, and on the traits of `preprocess::spelling`.

mod build;
mod current;
mod table;

pub use build::{Bounds, Builder};
pub use current::{Vocabularies, VocabularyError};

use std::ops::Range;

use self::{
    build::Filter,
    table::{Known, Table},
};
use super::preprocess::spelling::{Context, WordUse, Words};

/// The words of an index.
#[derive(Debug)]
pub struct Vocabulary {
    table: Table,
    pairs: Vec<u64>,
    pair_counts: Vec<u32>,
    /// Where the blocks of each word lie in `blocks`; empty for words that stand everywhere and say nothing.
    spans: Vec<Range<u32>>,
    blocks: Vec<u32>,
    block_count: u32,
    total: u64,
    forgotten: Filter,
}

/// Two numbers as one.
fn pair(first: u32, second: u32) -> u64 {
    (u64::from(first) << 32) | u64::from(second)
}

/// A word in more than this part of all passages says nothing about what one is about.
const EVERYWHERE: u32 = 8;

impl Vocabulary {
    /// From sorted pairs and sorted places, each once.
    fn new(
        table: Table,
        pairs: Vec<(u64, u32)>,
        places: Vec<(u32, u32)>,
        block_count: u32,
        total: u64,
        forgotten: Filter,
    ) -> Self {
        let mut spans = vec![0..0; table.len()];
        let mut blocks = Vec::new();
        for of_one in places.chunk_by(|one, next| one.0 == next.0) {
            let start = blocks.len() as u32;
            if of_one.len() <= 8 || of_one.len() as u32 <= block_count / EVERYWHERE {
                blocks.extend(of_one.iter().map(|(_, block)| *block));
            }
            spans[of_one[0].0 as usize] = start..blocks.len() as u32;
        }
        blocks.shrink_to_fit();
        let (pairs, pair_counts) = pairs.into_iter().unzip();
        Self { table, pairs, pair_counts, spans, blocks, block_count, total, forgotten }
    }

    /// What is known of a word in lower case.
    pub fn word(&self, word: &str) -> Known {
        self.table.find(word).map(|at| self.table.known(at)).unwrap_or_default()
    }

    /// How many different words there are, those of the base vocabulary included.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no word at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
            + 8 * self.pairs.capacity()
            + 4 * self.pair_counts.capacity()
            + 8 * self.spans.capacity()
            + 4 * self.blocks.capacity()
            + self.forgotten.bytes()
    }

    fn blocks_of(&self, word: &str) -> &[u32] {
        let span = self.table.find(word).map_or(0..0, |at| self.spans[at].clone());
        &self.blocks[span.start as usize..span.end as usize]
    }
}

impl Words for Vocabulary {
    fn word(&self, word: &str) -> WordUse {
        let Known { count, capitals, rank } = Vocabulary::word(self, word);
        WordUse { count, capitals, rank }
    }

    fn is_known(&self, word: &str) -> bool {
        self.table.find(word).is_some() || self.forgotten.holds(word)
    }

    fn total(&self) -> u64 {
        self.total
    }

    fn similar(&self, word: &str, distance: usize) -> Vec<&str> {
        self.table.similar(word, distance)
    }
}

impl Context for Vocabulary {
    fn followed_by(&self, first: &str, second: &str) -> u32 {
        let (Some(first), Some(second)) = (self.table.find(first), self.table.find(second)) else { return 0 };
        let wanted = pair(first as u32, second as u32);
        self.pairs.binary_search(&wanted).map_or(0, |at| self.pair_counts[at])
    }

    fn together(&self, one: &str, other: &str) -> f64 {
        let (mut one, mut other) = (self.blocks_of(one), self.blocks_of(other));
        let by_chance = one.len() as f64 * other.len() as f64 / f64::from(self.block_count.max(1));
        if by_chance == 0.0 {
            return 1.0;
        }
        let mut both = 0;
        while let (Some(a), Some(b)) = (one.first(), other.first()) {
            both += u32::from(a == b);
            if a <= b {
                one = &one[1..];
            }
            if b <= a {
                other = &other[1..];
            }
        }
        f64::from(both) / by_chance
    }
}
