//! Products with weights that are plain floats: an adapter's, and matrices that are merged without rounding.
//!
//! May depend on rayon and on the products of `models::fused`.

use rayon::prelude::*;

use super::kv_cache::POSITIONS;
use crate::models::fused::product::{Into, View, multiply};

/// Inputs multiplied at a time, as in `product`: gemm splits longer sums, at places that depend on the number of rows.
const DEPTH: usize = 512;
/// Rows that one task multiplies.
const ROWS_PER_TASK: usize = 2 * POSITIONS;

/// A matrix of `outputs` x `inputs` floats, four bytes a weight. Held as `[inputs, outputs]`: with both factors
/// contiguous along the sum, gemm has kernels for few rows that add in another order than those for many.
pub(super) struct DenseMatrix {
    pub outputs: usize,
    pub inputs: usize,
    turned: Vec<f32>,
}

impl DenseMatrix {
    /// A matrix from rows of `inputs` weights, one for each output.
    pub fn of_rows(rows: &[f32], inputs: usize) -> Self {
        let outputs = rows.len() / inputs;
        let mut turned = vec![0.0; rows.len()];
        for (output, row) in rows.chunks_exact(inputs).enumerate() {
            for (place, weight) in turned[output..].iter_mut().step_by(outputs).zip(row) {
                *place = *weight;
            }
        }
        Self { outputs, inputs, turned }
    }

    /// `out += factor * x * transposed(self)` on this thread, for as many rows as `x` has; the rows of `out` begin
    /// `stride` floats apart.
    pub fn add_rows(&self, x: &[f32], factor: f32, out: &mut [f32], stride: usize) {
        self.add_columns(x, 0, self.outputs, factor, out, stride);
    }

    /// `out += x * transposed(self)`, to the bit the same for a row whatever stands beside it, divided among the threads of the current pool: many rows by rows, one row by
    /// outputs.
    pub fn add_times(&self, x: &[f32], out: &mut [f32]) {
        let Self { outputs, inputs, .. } = *self;
        let rows = x.len() / inputs;
        assert!(x.len() == rows * inputs && out.len() == rows * outputs, "rows and matrix differ in size");
        if rows == 1 {
            let share = outputs.div_ceil(rayon::current_num_threads());
            out.par_chunks_mut(share).enumerate().for_each(|(part, out)| {
                let count = out.len();
                self.add_columns(x, part * share, count, 1.0, out, count);
            });
            return;
        }
        let tasks = x.par_chunks(ROWS_PER_TASK * inputs).zip(out.par_chunks_mut(ROWS_PER_TASK * outputs));
        tasks.for_each(|(x, out)| self.add_rows(x, 1.0, out, outputs));
    }

    /// The product for `count` outputs from `first` on.
    fn add_columns(&self, x: &[f32], first: usize, count: usize, factor: f32, out: &mut [f32], stride: usize) {
        let rows = x.len() / self.inputs;
        if rows == 1 {
            // gemm has another kernel for a lone row, which adds in another order: this one gets company.
            let mut twice = out[..count].repeat(2);
            self.add_columns(&x.repeat(2), first, count, factor, &mut twice, count);
            return out[..count].copy_from_slice(&twice[..count]);
        }
        for input in (0..self.inputs).step_by(DEPTH) {
            let depth = DEPTH.min(self.inputs - input);
            let x = View::rows(&x[input..], rows, depth, self.inputs);
            let weights = View::rows(&self.turned[input * self.outputs + first..], depth, count, self.outputs);
            multiply(x, weights, factor, Into::Add, out, stride);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::generator::tiny::Noise;

    /// The products of some rows, and the numbers that they are made of.
    fn check(inputs: usize, outputs: usize) {
        let rows = Noise(1).floats(inputs * outputs, 0.1);
        let matrix = DenseMatrix::of_rows(&rows, inputs);
        let x = Noise(2).floats(130 * inputs, 1.0);
        let product = |range: std::ops::Range<usize>| {
            let mut out = vec![0.5; range.len() * outputs];
            matrix.add_times(&x[range.start * inputs..range.end * inputs], &mut out);
            out
        };
        let all = product(0..130);
        for alone in [0, 7, 129] {
            for (output, got) in product(alone..alone + 1).into_iter().enumerate() {
                let weights = &rows[output * inputs..][..inputs];
                let right: f32 = weights.iter().zip(&x[alone * inputs..]).map(|(weight, x)| weight * x).sum();
                assert!((got - 0.5 - right).abs() < 1e-4, "{alone} {output}: {got} {right}");
                assert!(got == all[alone * outputs + output]);
            }
        }
        for range in [0..2, 0..33, 0..64, 64..130, 128..130] {
            assert!(product(range.clone()) == all[range.start * outputs..range.end * outputs], "{range:?}");
        }
    }

    #[test]
    fn products_are_sums_whatever_the_rows_and_threads() {
        // 1100 inputs: three unequal depths. 130 rows: three tasks, the last of two rows.
        check(1100, 37);
        // The two products of a pair.
        for rank in [2, 3, 8, 16] {
            check(576, rank);
            check(rank, 192);
        }
    }
}
