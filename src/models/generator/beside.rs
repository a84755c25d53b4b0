//! An adapter's pairs in the forward pass, beside the weights that they change: `y += scale * B (A x)`.
//!
//! May depend on `dense`, `models::adapter` and rayon.

use std::cell::RefCell;

use rayon::prelude::*;

use super::{dense::Rows, kv_cache::POSITIONS};
use crate::models::adapter::LowRank;

thread_local! {
    static INNER: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// A pair, and where its outputs begin among those of the stacked matrix.
pub(super) struct Beside {
    pub first_output: usize,
    pub pair: LowRank,
}

/// Adds what the pairs of a matrix of `inputs` and `outputs` give for each row of `x`, the rows divided among the
/// threads of the current pool.
pub(super) fn add_beside(pairs: &[Beside], x: &[f32], inputs: usize, out: &mut [f32], outputs: usize) {
    // Whole blocks of positions: see `dense`.
    x.par_chunks(POSITIONS * inputs).zip(out.par_chunks_mut(POSITIONS * outputs)).for_each(|(x, out)| {
        INNER.with_borrow_mut(|inner| pairs.iter().for_each(|pair| pair.add(x, inner, out, outputs)));
    });
}

impl Beside {
    fn add(&self, x: &[f32], inner: &mut Vec<f32>, out: &mut [f32], stride: usize) {
        let LowRank { rank, inputs, outputs, ref a, ref b, scale, .. } = self.pair;
        inner.clear();
        inner.resize(x.len() / inputs * rank, 0.0);
        Rows { weights: a, outputs: rank, inputs }.add_times(x, 1.0, inner, rank);
        Rows { weights: b, outputs, inputs: rank }.add_times(inner, scale, &mut out[self.first_output..], stride);
    }
}
