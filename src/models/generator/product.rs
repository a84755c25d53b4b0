//! Products of many rows: dense ones on unpacked panels, one thread each.
//!
//! Measured: a product that is split inside the kernel hardly gains from a second thread, while two independent
//! products on halves of the outputs scale. So each thread of the pool takes its own range of panels, unpacks some
//! of them into a buffer the size of its cache and multiplies all rows with it.
//!
//! May depend on `models::fused`, rayon and `packed`.

use std::{cell::RefCell, marker::PhantomData};

use rayon::prelude::*;

use super::packed::PackedMatrix;
use crate::models::fused::{
    kernels::{BLOCK, OUTPUTS},
    product::{Into, View, multiply_at},
};

/// Panels unpacked at a time; with [`DEPTH`], 256 KiB of floats.
const PANELS_PER_TILE: usize = 4;
/// Inputs unpacked at a time. At most 512, where gemm splits sums: so a sum is split at the same places whatever
/// the number of rows, and a row's result does not depend on the rows beside it.
const DEPTH: usize = 512;

/// A matrix of contiguous rows whose disjoint blocks are written by several threads.
#[derive(Clone, Copy)]
pub(super) struct SharedRows<'a> {
    data: *mut f32,
    rows: usize,
    width: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

#[allow(unsafe_code, reason = "threads write disjoint blocks of one matrix, which slices cannot express")]
// SAFETY: the pointer comes from an exclusive borrow that the lifetime keeps alive, and is only followed in `fill`,
// whose callers promise that blocks written at the same time are disjoint.
unsafe impl Send for SharedRows<'_> {}
#[allow(unsafe_code, reason = "as above")]
// SAFETY: as above.
unsafe impl Sync for SharedRows<'_> {}

/// A block of a [`SharedRows`].
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub first_row: usize,
    pub first_column: usize,
}

impl<'a> SharedRows<'a> {
    pub fn new(data: &'a mut [f32], width: usize) -> Self {
        Self { rows: data.len() / width, data: data.as_mut_ptr(), width, lifetime: PhantomData }
    }

    /// Writes `factor * a * b`, or adds it, at a block.
    ///
    /// # Safety
    /// No other call that runs at the same time on a copy of this value may write any number of the block.
    #[allow(unsafe_code, reason = "the caller keeps blocks apart")]
    pub unsafe fn fill(&self, block: Block, a: View<'_>, b: View<'_>, factor: f32, into: Into) {
        let Block { first_row, first_column } = block;
        assert!(
            first_row + a.row_count() <= self.rows && first_column + b.column_count() <= self.width,
            "the block of a product lies outside its matrix"
        );
        // SAFETY: the assert keeps the block inside this matrix; the caller promises that it is ours, and `a` and `b`
        // are borrowed apart from it.
        unsafe {
            multiply_at(a, b, factor, into, self.data.add(first_row * self.width + first_column), self.width);
        }
    }
}

thread_local! {
    static TILE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// `out += x * transposed(matrix)` for many rows, the outputs divided among the threads of the current pool.
pub(super) fn add_times_rows(x: &[f32], matrix: &PackedMatrix, out: &mut [f32]) {
    let (inputs, outputs) = (matrix.inputs, matrix.outputs);
    let rows = x.len() / inputs;
    assert!(x.len() == rows * inputs && out.len() == rows * outputs, "rows and matrix differ in size");
    if rows == 1 {
        // gemm has another kernel for a lone row, which adds in another order: this one gets company.
        let mut twice = out.repeat(2);
        add_times_rows(&x.repeat(2), matrix, &mut twice);
        return out.copy_from_slice(&twice[..outputs]);
    }
    let out = SharedRows::new(out, outputs);
    let parts = rayon::current_num_threads().min(matrix.panels());
    (0..parts).into_par_iter().for_each(|part| {
        let (start, end) = (matrix.panels() * part / parts, matrix.panels() * (part + 1) / parts);
        TILE.with_borrow_mut(|tile| {
            tile.resize(DEPTH * PANELS_PER_TILE * OUTPUTS, 0.0);
            for panel in (start..end).step_by(PANELS_PER_TILE) {
                let panels = panel..(panel + PANELS_PER_TILE).min(end);
                let stride = panels.len() * OUTPUTS;
                let columns = stride.min(outputs - panel * OUTPUTS);
                for input in (0..inputs).step_by(DEPTH) {
                    let depth = DEPTH.min(inputs - input);
                    matrix.unpack(panels.clone(), input / BLOCK..(input + depth) / BLOCK, tile, stride);
                    let (a, b) =
                        (View::rows(&x[input..], rows, depth, inputs), View::rows(tile, depth, columns, stride));
                    let block = Block { first_row: 0, first_column: panel * OUTPUTS };
                    #[allow(unsafe_code, reason = "see the SAFETY comment")]
                    // SAFETY: each panel belongs to one part, so no two parts write the same column.
                    unsafe {
                        out.fill(block, a, b, 1.0, Into::Add);
                    }
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::quantized::GgmlDType;

    use super::*;
    use crate::models::generator::{packed::tests::quantized, tiny::Noise};

    #[test]
    fn many_rows_give_what_each_row_gives() {
        // 1100 inputs: three unequal depths. 137 outputs: padded panels.
        let (inputs, outputs) = (1120, 137);
        let matrix = PackedMatrix::pack(&[quantized(outputs, inputs, 5, GgmlDType::Q8_0)]).unwrap();
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for rows in [1, 2, 7, 64] {
                let x = Noise(9).floats(rows * inputs, 1.0);
                let mut together = vec![0.5; rows * outputs];
                pool.install(|| add_times_rows(&x, &matrix, &mut together));
                for (x, got) in x.chunks(inputs).zip(together.chunks(outputs)) {
                    let mut alone = vec![0.5; outputs];
                    pool.install(|| matrix.add_times_vectors(x, &mut alone));
                    assert!(got.iter().zip(alone).all(|(got, alone)| (got - alone).abs() < 1e-3));
                }
            }
        }
    }

    #[test]
    fn the_bits_of_a_row_do_not_depend_on_its_company() {
        for (inputs, outputs) in [(576, 192), (64, 128), (64, 192), (96, 64), (576, 3072), (1536, 576)] {
            check_company(inputs, outputs);
        }
    }

    fn check_company(inputs: usize, outputs: usize) {
        let matrix = PackedMatrix::pack(&[quantized(outputs, inputs, 5, GgmlDType::Q4_1)]).unwrap();
        let x = Noise(4).floats(256 * inputs, 1.0);
        let product = |rows: std::ops::Range<usize>| {
            let mut out = vec![0.0; rows.len() * outputs];
            add_times_rows(&x[rows.start * inputs..rows.end * inputs], &matrix, &mut out);
            out
        };
        let all = product(0..256);
        for rows in [0..1, 77..78, 0..2, 0..64, 32..64, 31..64, 32..256, 64..67, 96..227, 254..256] {
            assert!(
                product(rows.clone()) == all[rows.start * outputs..rows.end * outputs],
                "{rows:?} of {inputs} x {outputs}"
            );
        }
    }

    #[test]
    #[should_panic(expected = "outside its matrix")]
    fn a_block_that_is_too_large_is_caught() {
        let (mut out, data) = ([0.0; 4], [1.0; 4]);
        let view = View::rows(&data, 2, 2, 2);
        #[allow(unsafe_code, reason = "nothing else writes")]
        // SAFETY: nothing else writes to `out`.
        unsafe {
            SharedRows::new(&mut out, 2).fill(
                Block { first_row: 1, first_column: 0 },
                view,
                view,
                1.0,
                Into::Overwrite,
            );
        }
    }
}
