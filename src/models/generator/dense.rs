//! Products with weights that are plain floats: an adapter's, and matrices that are merged without rounding.
//!
//! May depend on rayon and on the products of `models::fused`.

use rayon::prelude::*;

use super::kv_cache::POSITIONS;
use crate::models::fused::product::{Into, View, multiply};

/// Inputs multiplied at a time, as in `product`: gemm splits longer sums, at places that depend on the number of rows.
const DEPTH: usize = 512;
/// Rows that one task multiplies: whole blocks of positions, so that a row is never alone in one reading and in
/// company in another.
const ROWS_PER_TASK: usize = 2 * POSITIONS;

/// Weights as rows of `inputs` floats, one for each output.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub weights: &'a [f32],
    pub outputs: usize,
    pub inputs: usize,
}

impl Rows<'_> {
    /// `out += factor * x * transposed(weights)` on this thread, for as many rows as `x` has; the rows of `out` begin
    /// `stride` floats apart.
    pub fn add_times(self, x: &[f32], factor: f32, out: &mut [f32], stride: usize) {
        let rows = x.len() / self.inputs;
        for input in (0..self.inputs).step_by(DEPTH) {
            let depth = DEPTH.min(self.inputs - input);
            let x = View::rows(&x[input..], rows, depth, self.inputs);
            let weights = View::rows(&self.weights[input..], self.outputs, depth, self.inputs);
            multiply(x, weights.transposed(), factor, Into::Add, out, stride);
        }
    }
}

/// A matrix of `outputs` x `inputs` floats: four bytes a weight.
pub(super) struct DenseMatrix {
    pub outputs: usize,
    pub inputs: usize,
    pub weights: Vec<f32>,
}

impl DenseMatrix {
    /// `out += x * transposed(self)`, divided among the threads of the current pool: many rows by rows, one row by
    /// outputs.
    pub fn add_times(&self, x: &[f32], out: &mut [f32]) {
        let Self { outputs, inputs, .. } = *self;
        let rows = x.len() / inputs;
        assert!(x.len() == rows * inputs && out.len() == rows * outputs, "rows and matrix differ in size");
        if rows == 1 {
            let share = outputs.div_ceil(rayon::current_num_threads());
            out.par_chunks_mut(share).zip(self.weights.par_chunks(share * inputs)).for_each(|(out, weights)| {
                let (outputs, stride) = (out.len(), out.len());
                Rows { weights, outputs, inputs }.add_times(x, 1.0, out, stride);
            });
            return;
        }
        let weights = Rows { weights: &self.weights, outputs, inputs };
        let tasks = x.par_chunks(ROWS_PER_TASK * inputs).zip(out.par_chunks_mut(ROWS_PER_TASK * outputs));
        tasks.for_each(|(x, out)| weights.add_times(x, 1.0, out, outputs));
    }
}
