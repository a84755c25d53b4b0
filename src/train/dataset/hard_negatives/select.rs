//! Which of the negatives that could be built are built.
//!
//! May depend on `split_mix`.

use crate::train::dataset::split_mix::SplitMix64;

/// A negative that could be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// The position of the example in its split.
    pub example: usize,
    /// How many negatives of the example come before it.
    pub rank: usize,
    /// The number of the wrong passage in the pool, or of the edit.
    pub what: usize,
}

/// As many candidates as the cap allows, in the order of the examples. Every example gets its first negative before any
/// gets a second; among equals the seed decides.
pub(super) fn under_cap(mut all: Vec<Candidate>, examples: u64, synthetic: u64, cap: f64, seed: u64) -> Vec<Candidate> {
    SplitMix64::new(seed).shuffle(&mut all);
    all.sort_by_key(|candidate| candidate.rank);
    all.truncate(allowed(examples, synthetic, cap, all.len()));
    all.sort_unstable();
    all
}

/// The candidates without as many of the `scarce` ones as would make these more than `share` of all; the seed decides.
/// With how many were left out.
pub(super) fn under_share(
    all: Vec<Candidate>,
    scarce: impl Fn(&Candidate) -> bool,
    share: f64,
    seed: u64,
) -> (Vec<Candidate>, u64) {
    let (mut scarce, mut kept): (Vec<_>, Vec<_>) = all.into_iter().partition(scarce);
    let most = allowed(kept.len() as u64, 0, share, scarce.len());
    let left_out = scarce.len() - most;
    SplitMix64::new(seed).shuffle(&mut scarce);
    kept.extend(scarce.into_iter().take(most));
    kept.sort_unstable();
    (kept, left_out as u64)
}

/// The largest number `n` up to `most` with `(synthetic + n) / (examples + n) <= cap`.
fn allowed(examples: u64, synthetic: u64, cap: f64, most: usize) -> usize {
    let fits = |added: usize| {
        let added = added as u64;
        (synthetic + added) as f64 <= cap * (examples + added) as f64
    };
    // The share grows with every negative, so what fits is a beginning of the numbers.
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_cap_is_kept_and_used(examples in 1_u64..200, share in 0.0..1.0_f64, cap in 0.0..1.0_f64, most in 0_usize..300) {
            let synthetic = (examples as f64 * share) as u64;
            let added = allowed(examples, synthetic, cap, most);
            let after = |added: usize| (synthetic + added as u64) as f64 / (examples + added as u64) as f64;
            prop_assert!(added <= most);
            prop_assert!(added == 0 || after(added) <= cap + 1e-9);
            prop_assert!(added == most || after(added + 1) > cap - 1e-9);
        }

        #[test]
        fn scarce_candidates_keep_their_share(count in 0_usize..60, scarce in 0_usize..60, share in 0.0..1.0_f64) {
            let all: Vec<Candidate> = (0..count).map(|example| Candidate { example, rank: 0, what: example }).collect();
            let (kept, left_out) = under_share(all, |candidate| candidate.what < scarce, share, 5);
            let there = kept.iter().filter(|candidate| candidate.what < scarce).count();
            prop_assert_eq!(kept.len() + left_out as usize, count);
            prop_assert!(there as f64 <= share * kept.len() as f64);
            prop_assert!(left_out == 0 || (there + 1) as f64 > share * (kept.len() + 1) as f64);
        }

        #[test]
        fn first_negatives_come_before_second_ones(count in 1_usize..20, seed: u64, cap in 0.0..0.7_f64) {
            let all: Vec<Candidate> = (0..count)
                .flat_map(|example| (0..2).map(move |rank| Candidate { example, rank, what: 0 }))
                .collect();
            let kept = under_cap(all.clone(), count as u64, 0, cap, seed);
            let seconds = kept.iter().filter(|candidate| candidate.rank == 1).count();
            prop_assert!(seconds == 0 || kept.len() - seconds == count);
            prop_assert!(kept.is_sorted());
            prop_assert_eq!(under_cap(all, count as u64, 0, cap, seed), kept);
        }
    }
}
