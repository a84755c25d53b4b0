//! How alike two sequences of words are.
//!
//! Two figures, both 1 for equal sequences, 0 where no word is shared, and the same in both directions; two empty
//! sequences are equal.
//!
//! - **Similarity**: `2 L / (n + m)` with the length `L` of the longest common subsequence. This is one less the edit
//!   distance of insertions and deletions, divided by its largest value; the order counts. `L` is exact: Hyyrö's
//!   bit-parallel recurrence ("Bit-parallel LCS-length computation revisited", 2004) takes `n m / 64` steps, and texts
//!   beyond [`MAX_WORDS`] words are refused and not cut.
//! - **F1 of the words**: the harmonic mean of precision and recall of the words as multisets, `2 c / (n + m)` with `c`
//!   the words that both have. The order does not count, so the difference between the two figures is what stands in
//!   another place.
//!
//! May depend on nothing.

use std::{collections::HashMap, hash::Hash};

/// The longest text that is compared.
pub const MAX_WORDS: usize = 500_000;

/// `2 L / (n + m)` with the longest common subsequence `L`.
pub fn similarity<T: Hash + Eq>(one: &[T], other: &[T]) -> f64 {
    share(common_subsequence(one, other), one.len(), other.len())
}

/// `2 c / (n + m)` with the number `c` of words that both have, each as often as both have it.
pub fn f1<T: Hash + Eq>(one: &[T], other: &[T]) -> f64 {
    let mut left: HashMap<&T, usize> = HashMap::new();
    for word in one {
        *left.entry(word).or_default() += 1;
    }
    let mut common = 0;
    for word in other {
        if let Some(count @ 1..) = left.get_mut(word) {
            *count -= 1;
            common += 1;
        }
    }
    share(common, one.len(), other.len())
}

fn share(common: usize, one: usize, other: usize) -> f64 {
    if one + other == 0 { 1.0 } else { 2.0 * common as f64 / (one + other) as f64 }
}

/// Where a word stands in a text.
enum Places {
    /// The positions.
    Few(Vec<usize>),
    /// A bit for each position, where that is shorter; there are at most 64 such words.
    Many(Vec<u64>),
}

/// The length of the longest common subsequence. One bit of `row` for each word of `one`: a bit that is cleared is a
/// step in the row of the table of lengths.
pub fn common_subsequence<T: Hash + Eq>(one: &[T], other: &[T]) -> usize {
    let blocks = one.len().div_ceil(64);
    let places = places_of(one, blocks);
    let mut scratch = vec![0u64; blocks];
    let mut row = vec![u64::MAX; blocks];
    for word in other {
        match places.get(word) {
            None => {}
            Some(Places::Many(matches)) => step(&mut row, matches),
            Some(Places::Few(positions)) => {
                for at in positions {
                    scratch[at / 64] |= 1 << (at % 64);
                }
                step(&mut row, &scratch);
                for at in positions {
                    scratch[at / 64] = 0;
                }
            }
        }
    }
    // Bits behind the last word never match, and stay set.
    row.iter().map(|bits| bits.count_zeros() as usize).sum()
}

fn step(row: &mut [u64], matches: &[u64]) {
    let mut carry = false;
    for (bits, matched) in row.iter_mut().zip(matches) {
        let (sum, first) = bits.overflowing_add(*bits & matched);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        carry = first || second;
        *bits = sum | (*bits & !matched);
    }
}

fn places_of<T: Hash + Eq>(words: &[T], blocks: usize) -> HashMap<&T, Places> {
    let mut positions: HashMap<&T, Vec<usize>> = HashMap::new();
    for (at, word) in words.iter().enumerate() {
        positions.entry(word).or_default().push(at);
    }
    let as_places = |positions: Vec<usize>| {
        if positions.len() <= blocks {
            return Places::Few(positions);
        }
        let mut bits = vec![0u64; blocks];
        for at in positions {
            bits[at / 64] |= 1 << (at % 64);
        }
        Places::Many(bits)
    };
    positions.into_iter().map(|(word, positions)| (word, as_places(positions))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::dataset::split_mix::SplitMix64;

    fn words(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    #[test]
    fn the_figures_are_those_of_a_hand_count() {
        // "a c d" is common to both: 2 * 3 / (4 + 5). All of a, b, c, d: 2 * 4 / 9.
        let (one, other) = (words("a b c d"), words("a c d b x"));
        assert_eq!(common_subsequence(&one, &other), 3);
        assert!((similarity(&one, &other) - 6.0 / 9.0).abs() < 1e-12);
        assert!((f1(&one, &other) - 8.0 / 9.0).abs() < 1e-12);
        // A word counts as often as both have it.
        assert!((f1(&words("a a a"), &words("a b")) - 2.0 / 5.0).abs() < 1e-12);
        assert_eq!([similarity(&words("a"), &words("b")), f1(&words("a"), &[])], [0.0, 0.0]);
        assert_eq!([similarity::<&str>(&[], &[]), f1::<&str>(&[], &[])], [1.0, 1.0]);
    }

    #[test]
    fn the_bits_count_what_the_table_counts() {
        let mut random = SplitMix64::new(5);
        for round in 0..200 {
            let mut draw = |most: usize| -> Vec<usize> {
                let length = random.below(most);
                (0..length).map(|_| random.below(1 + round % 7)).collect()
            };
            let (one, other) = (draw(200), draw(150));
            let expected = by_table(&one, &other);
            assert_eq!(common_subsequence(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(common_subsequence(&other, &one), expected);
            assert_eq!(common_subsequence(&one, &one), one.len());
            let shares = [similarity(&one, &other), f1(&one, &other)];
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)) && shares[0] <= shares[1] + 1e-12);
        }
    }

    fn by_table(one: &[usize], other: &[usize]) -> usize {
        let mut above = vec![0; other.len() + 1];
        for word in one {
            let mut row = vec![0];
            for (at, second) in other.iter().enumerate() {
                let longer = if word == second { above[at] + 1 } else { above[at + 1].max(row[at]) };
                row.push(longer);
            }
            above = row;
        }
        above[other.len()]
    }
}
