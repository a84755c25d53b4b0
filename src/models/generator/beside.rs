//! An adapter's pairs in the forward pass, beside the weights that they change: `y += scale * B (A x)`.
//!
//! May depend on `dense`, `models::adapter` and rayon.

use std::cell::RefCell;

use rayon::prelude::*;

use super::{dense::DenseMatrix, kv_cache::POSITIONS};
use crate::models::adapter::LowRank;

thread_local! {
    static INNER: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// A pair for some of the outputs of a matrix.
pub(super) struct Beside {
    /// Where its outputs begin among those of the stacked matrix.
    first_output: usize,
    a: DenseMatrix,
    b: DenseMatrix,
    scale: f32,
}

impl Beside {
    /// A pair whose outputs begin at `first_output`.
    pub fn new(first_output: usize, pair: &LowRank) -> Self {
        let LowRank { rank, inputs, a, b, scale, .. } = pair;
        let (a, b) = (DenseMatrix::of_rows(a, *inputs), DenseMatrix::of_rows(b, *rank));
        Self { first_output, a, b, scale: *scale }
    }

    fn add(&self, x: &[f32], inner: &mut Vec<f32>, out: &mut [f32], stride: usize) {
        let (rows, rank) = (x.len() / self.a.inputs, self.a.outputs);
        inner.clear();
        inner.resize(rows * rank, 0.0);
        self.a.add_rows(x, 1.0, inner, rank);
        self.b.add_rows(inner, self.scale, &mut out[self.first_output..], stride);
    }
}

/// Adds what the pairs of a matrix of `inputs` and `outputs` give for each row of `x`, the rows divided among the
/// threads of the current pool.
pub(super) fn add_beside(pairs: &[Beside], x: &[f32], inputs: usize, out: &mut [f32], outputs: usize) {
    x.par_chunks(POSITIONS * inputs).zip(out.par_chunks_mut(POSITIONS * outputs)).for_each(|(x, out)| {
        INNER.with_borrow_mut(|inner| pairs.iter().for_each(|pair| pair.add(x, inner, out, outputs)));
    });
}
