//! Which sequences a step sees, and how they are divided into micro-batches. Pure functions of seeds and lengths, so
//! that a run which is resumed sees the same ones in the same order.
//!
//! Sequences are packed without padding, so a micro-batch needs no equal lengths; what matters is that all threads get
//! about as many tokens. May depend on nothing.

/// A stream of pseudo-random numbers: SplitMix64 (<https://doi.org/10.1145/2714064.2660195>).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A stream of its own for each pair of numbers.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        random.next();
        random
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; the bias of the multiplication is below 2^-32 for any bound that occurs here.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number from a normal distribution with mean 0 and variance 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let unit = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let (a, b) = (unit(self.next()), unit(self.next()));
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// The numbers from 0 to `count` in the order of an epoch (Fisher and Yates).
pub fn order(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = Random::new(seed, epoch);
    for last in (1..count).rev() {
        order.swap(last, random.below(last + 1));
    }
    order
}

/// Divides sequences of the given lengths among `threads`, each thread's share into micro-batches. Every number below
/// `lengths.len()` occurs once. All micro-batches have about as many tokens: at most `budget`, and as many more as
/// uneven lengths make necessary.
pub fn micro_batches(lengths: &[usize], budget: usize, threads: usize) -> Vec<Vec<Vec<usize>>> {
    let total: usize = lengths.iter().sum();
    let rounds = total.div_ceil(budget.max(1).saturating_mul(threads)).max(1);
    let mut bins: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new()); rounds * threads];
    let mut by_length: Vec<usize> = (0..lengths.len()).collect();
    by_length.sort_by_key(|&index| (std::cmp::Reverse(lengths[index]), index));
    for index in by_length {
        // The emptiest bin, the first of several: longest processing time first (Graham 1969).
        let Some(bin) = bins.iter_mut().min_by_key(|bin| bin.0) else { continue };
        bin.0 += lengths[index];
        bin.1.push(index);
    }
    let mut shares = vec![Vec::new(); threads];
    for (number, (_, mut bin)) in bins.into_iter().enumerate() {
        if !bin.is_empty() {
            bin.sort_unstable();
            shares[number % threads].push(bin);
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_sequence_is_in_one_micro_batch_and_threads_are_even(
            lengths in prop::collection::vec(20_usize..384, 0..80), budget in 400_usize..4096, threads in 1_usize..5,
        ) {
            let shares = micro_batches(&lengths, budget, threads);
            prop_assert_eq!(shares.len(), threads);
            let mut all: Vec<usize> = shares.iter().flatten().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
            for batch in shares.iter().flatten() {
                prop_assert!(batch.iter().map(|&index| lengths[index]).sum::<usize>() <= budget + 384);
            }
        }

        #[test]
        fn an_order_is_a_permutation_that_seed_and_epoch_decide(count in 2_usize..200, seed: u64) {
            let first = order(count, seed, 0);
            let mut sorted = first.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..count).collect::<Vec<_>>());
            prop_assert_eq!(&first, &order(count, seed, 0));
            if count > 20 {
                prop_assert_ne!(&first, &order(count, seed, 1));
            }
        }
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut random = Random::new(3, 4);
        let numbers: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
