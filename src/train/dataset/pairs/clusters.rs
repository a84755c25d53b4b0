//! Records that share something belong together, and go to one split together.
//!
//! May depend on the parent's `files` and `split_mix`.

use std::{collections::HashMap, hash::Hash};

use crate::train::dataset::{files::Split, split_mix::SplitMix64};

/// The shares of train, validation (what thresholds are chosen on) and test.
pub const SHARES: [f64; 3] = [0.5, 0.15, 0.35];

/// For each record, given by what it holds, the number of its cluster: the first record of it.
pub fn clusters<K: Hash + Eq>(records: &[Vec<K>]) -> Vec<usize> {
    fn root(parent: &mut [usize], mut at: usize) -> usize {
        while parent[at] != at {
            parent[at] = parent[parent[at]];
            at = parent[at];
        }
        at
    }
    let mut parent: Vec<usize> = (0..records.len()).collect();
    let mut first: HashMap<&K, usize> = HashMap::new();
    for (number, held) in records.iter().enumerate() {
        for key in held {
            let other = *first.entry(key).or_insert(number);
            let (a, b) = (root(&mut parent, other), root(&mut parent, number));
            parent[a.max(b)] = a.min(b);
        }
    }
    (0..records.len()).map(|at| root(&mut parent, at)).collect()
}

/// For each cluster its split: each, in an order drawn by the seed, goes to the split that lacks most records.
pub fn splits(clusters: &[usize], seed: u64) -> HashMap<usize, Split> {
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    clusters.iter().for_each(|cluster| *sizes.entry(*cluster).or_default() += 1);
    let mut order: Vec<usize> = sizes.keys().copied().collect();
    order.sort_unstable();
    SplitMix64::new(seed).shuffle(&mut order);
    let mut lacking = SHARES.map(|share| share * clusters.len() as f64);
    let mut chosen = HashMap::new();
    for cluster in order {
        let most = (1..3).fold(0, |best, split| if lacking[split] > lacking[best] { split } else { best });
        lacking[most] -= sizes[&cluster] as f64;
        chosen.insert(cluster, Split::ALL[most]);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_joins_also_over_a_third() {
        let records = [vec!["a"], vec!["b"], vec!["c", "b"], vec!["a", "d"], vec!["d", "c"], vec![]];
        assert_eq!(clusters(&records), [0, 0, 0, 0, 0, 5]);
        assert_eq!(clusters(&[vec![1], vec![2], vec![1]]), [0, 1, 0]);
    }

    #[test]
    fn splits_have_about_their_shares_and_the_seed_decides() {
        let all: Vec<usize> = (0..200).collect();
        let chosen = splits(&all, 7);
        let count = |split: Split| chosen.values().filter(|one| **one == split).count();
        assert_eq!((count(Split::Train), count(Split::Validation), count(Split::Test)), (100, 30, 70));
        assert_eq!(chosen, splits(&all, 7));
        assert_ne!(chosen, splits(&all, 8));
    }
}
