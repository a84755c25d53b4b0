//! MinHash (Broder 1997) with banding: texts that share most of their shingles are found without comparing all pairs.
//!
//! May depend on `split_mix` and `normal_form`.

use std::collections::HashMap;

use super::{
    normal_form::combine,
    split_mix::{SplitMix64, hash64, mix},
};

/// Values of a signature: the estimate of the similarity is off by about 0.05 at 0.8.
const SIZE: usize = 64;
/// Rows of a band. With 16 bands of 4, a pair at 0.8 is missed once in four thousand times, one at 0.3 seen once in eight.
const ROWS: usize = 4;
/// Texts of one bucket that a further one is compared with. A bucket with more holds copies of copies.
const COMPARED: usize = 16;

/// What is left of a text: the least value of its shingles under each of the hash functions.
pub(super) type Signature = [u32; SIZE];

/// The hash functions.
pub(super) struct MinHash {
    seeds: [u64; SIZE],
}

impl MinHash {
    /// Always the same functions.
    pub fn new() -> Self {
        let mut random = SplitMix64::new(0x0f00_7407_e000_0001);
        Self { seeds: std::array::from_fn(|_| random.next_u64()) }
    }

    /// The signature of a set of shingles; all the greatest value for an empty one.
    pub fn signature(&self, shingles: &[u64]) -> Signature {
        let mut signature = [u32::MAX; SIZE];
        for shingle in shingles {
            for (least, seed) in signature.iter_mut().zip(&self.seeds) {
                *least = (*least).min((mix(shingle ^ seed) >> 32) as u32);
            }
        }
        signature
    }
}

/// The share of equal values: an estimate of the share of common shingles (Jaccard's index).
pub(super) fn similarity(a: &Signature, b: &Signature) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / SIZE as f64
}

/// Runs of `length` words, each as a hash; the whole text when it is shorter.
pub(super) fn word_shingles(words: &[u64], length: usize) -> Vec<u64> {
    if words.len() <= length {
        return if words.is_empty() { Vec::new() } else { vec![combine(words)] };
    }
    words.windows(length).map(combine).collect()
}

/// Runs of `length` characters, each as a hash, sorted and distinct.
pub(super) fn character_shingles(text: &str, length: usize) -> Vec<u64> {
    let characters: Vec<char> = text.chars().collect();
    let size = length.min(characters.len()).max(1);
    let mut shingles: Vec<u64> =
        characters.windows(size).map(|run| hash64(run.iter().collect::<String>().as_bytes())).collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// Jaccard's index of two sorted, distinct lists.
pub(super) fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let common = a.iter().filter(|value| b.binary_search(value).is_ok()).count();
    let all = a.len() + b.len() - common;
    if all == 0 { 1.0 } else { common as f64 / all as f64 }
}

/// For every signature that is like an earlier one of its group: its position and the earlier one's. `alike` decides on
/// candidates.
pub(super) fn near_pairs(
    signatures: &[Signature],
    group: impl Fn(usize) -> u64,
    mut alike: impl FnMut(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut buckets: HashMap<u64, Vec<u32>> = HashMap::new();
    let mut pairs = Vec::new();
    for (position, signature) in signatures.iter().enumerate() {
        let bands: Vec<u64> = signature
            .chunks(ROWS)
            .enumerate()
            .map(|(band, rows)| {
                let rows: Vec<u64> = rows.iter().map(|row| u64::from(*row)).collect();
                mix(combine(&rows) ^ group(position).rotate_left(17) ^ band as u64)
            })
            .collect();
        let mut compared: Vec<u32> = bands
            .iter()
            .filter_map(|band| buckets.get(band))
            .flat_map(|bucket| bucket.iter().take(COMPARED))
            .copied()
            .collect();
        compared.sort_unstable();
        compared.dedup();
        if let Some(earlier) = compared.into_iter().map(|at| at as usize).find(|at| alike(*at, position)) {
            pairs.push((position, earlier));
            // The earlier one stands for both.
            continue;
        }
        for band in bands {
            buckets.entry(band).or_default().push(position as u32);
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(from: u64, to: u64) -> Vec<u64> {
        (from..to).map(|number| hash64(&number.to_le_bytes())).collect()
    }

    #[test]
    fn the_estimate_is_near_the_truth() {
        let functions = MinHash::new();
        let (a, b) = (functions.signature(&numbers(0, 900)), functions.signature(&numbers(100, 1000)));
        assert!((similarity(&a, &b) - 0.8).abs() < 0.15);
        assert!(similarity(&a, &functions.signature(&numbers(5000, 6000))) < 0.1);
    }

    #[test]
    fn texts_that_are_alike_are_paired_within_their_group() {
        let functions = MinHash::new();
        let signatures = [
            functions.signature(&numbers(0, 200)),
            functions.signature(&numbers(900, 1100)),
            functions.signature(&numbers(4, 204)),
            functions.signature(&numbers(0, 200)),
        ];
        let alike = |a: usize, b: usize| similarity(&signatures[a], &signatures[b]) > 0.7;
        assert_eq!(near_pairs(&signatures, |_| 0, alike), [(2, 0), (3, 0)]);
        assert_eq!(near_pairs(&signatures, |at| at as u64 / 3, alike), [(2, 0)]);
    }

    #[test]
    fn shingles_of_short_texts_are_the_texts() {
        assert_eq!(word_shingles(&[], 3), Vec::<u64>::new());
        assert_eq!(word_shingles(&[1, 2], 3), [combine(&[1, 2])]);
        assert_eq!(word_shingles(&[1, 2, 3, 4], 3).len(), 2);
        assert_eq!(character_shingles("ab", 4).len(), 1);
        assert!(character_shingles("", 4).is_empty());
    }

    proptest! {
        #[test]
        fn a_text_is_like_itself(text in "\\PC{0,60}") {
            let shingles = character_shingles(&text, 4);
            prop_assert_eq!(jaccard(&shingles, &shingles), 1.0);
        }
    }
}
