//! Products of many rows: the `gemm` crate's kernels over plain slices, one thread each.
//!
//! Measured: a product that is split inside the kernel hardly gains from a second thread, while two independent
//! products on halves of the outputs scale. So each thread of the pool takes its own range of panels, unpacks some
//! of them into a buffer the size of its cache and multiplies all rows with it.
//!
//! May depend on gemm, rayon and `packed`.

use std::{cell::RefCell, marker::PhantomData};

use rayon::prelude::*;

use super::{
    kernels::{BLOCK, LANES},
    packed::PackedMatrix,
};

/// Panels unpacked at a time; with [`DEPTH`], 256 KiB of floats.
const PANELS_PER_TILE: usize = 4;
/// Inputs unpacked at a time. At most 512, where gemm splits sums: so a sum is split at the same places whatever
/// the number of rows, and a row's result does not depend on the rows beside it.
const DEPTH: usize = 512;

/// A view of numbers laid out with two strides.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub columns: usize,
    pub row_stride: usize,
    pub column_stride: usize,
}

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
    pub unsafe fn fill(&self, block: Block, a: View<'_>, b: View<'_>, factor: f32, add: bool) {
        check(a);
        check(b);
        assert!(a.columns == b.rows, "the factors of a product do not fit together");
        assert!(
            block.first_row + a.rows <= self.rows && block.first_column + b.columns <= self.width,
            "the block of a product lies outside its matrix"
        );
        // SAFETY: `check` and the asserts above keep every address gemm derives from these strides inside `a`, `b`
        // and this matrix; the caller promises that the block is ours, and `a` and `b` are borrowed apart from it.
        unsafe {
            gemm::gemm(
                a.rows,
                b.columns,
                a.columns,
                self.data.add(block.first_row * self.width + block.first_column),
                1,
                self.width as isize,
                add,
                a.data.as_ptr(),
                a.column_stride as isize,
                a.row_stride as isize,
                b.data.as_ptr(),
                b.column_stride as isize,
                b.row_stride as isize,
                1.0,
                factor,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

fn check(view: View<'_>) {
    let (rows, columns) = (view.rows, view.columns);
    assert!(rows > 0 && columns > 0, "an empty view in a product");
    let last = (rows - 1) * view.row_stride + (columns - 1) * view.column_stride;
    assert!(last < view.data.len(), "a view in a product reaches outside its numbers");
}

thread_local! {
    static TILE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// `out += x * transposed(matrix)` for many rows, the outputs divided among the threads of the current pool.
pub(super) fn add_times_rows(x: &[f32], matrix: &PackedMatrix, out: &mut [f32]) {
    let (inputs, outputs) = (matrix.inputs, matrix.outputs);
    let rows = x.len() / inputs;
    assert!(x.len() == rows * inputs && out.len() == rows * outputs, "rows and matrix differ in size");
    let out = SharedRows::new(out, outputs);
    let parts = rayon::current_num_threads().min(matrix.panels());
    (0..parts).into_par_iter().for_each(|part| {
        let (start, end) = (matrix.panels() * part / parts, matrix.panels() * (part + 1) / parts);
        TILE.with_borrow_mut(|tile| {
            tile.resize(DEPTH * PANELS_PER_TILE * LANES, 0.0);
            for panel in (start..end).step_by(PANELS_PER_TILE) {
                let panels = panel..(panel + PANELS_PER_TILE).min(end);
                let stride = panels.len() * LANES;
                let columns = stride.min(outputs - panel * LANES);
                for input in (0..inputs).step_by(DEPTH) {
                    let depth = DEPTH.min(inputs - input);
                    matrix.unpack(panels.clone(), input / BLOCK..(input + depth) / BLOCK, tile, stride);
                    let a = View { data: &x[input..], rows, columns: depth, row_stride: inputs, column_stride: 1 };
                    let b = View { data: tile, rows: depth, columns, row_stride: stride, column_stride: 1 };
                    let block = Block { first_row: 0, first_column: panel * LANES };
                    #[allow(unsafe_code, reason = "see the SAFETY comment")]
                    // SAFETY: each panel belongs to one part, so no two parts write the same column.
                    unsafe {
                        out.fill(block, a, b, 1.0, true);
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
                    pool.install(|| matrix.add_times_vector(x, &mut alone));
                    assert!(got.iter().zip(alone).all(|(got, alone)| (got - alone).abs() < 1e-3));
                }
            }
        }
    }

    #[test]
    fn the_bits_of_a_row_do_not_depend_on_its_company() {
        let (inputs, outputs) = (576, 192);
        let matrix = PackedMatrix::pack(&[quantized(outputs, inputs, 5, GgmlDType::Q4_1)]).unwrap();
        let x = Noise(4).floats(256 * inputs, 1.0);
        let product = |rows: std::ops::Range<usize>| {
            let mut out = vec![0.0; rows.len() * outputs];
            add_times_rows(&x[rows.start * inputs..rows.end * inputs], &matrix, &mut out);
            out
        };
        let all = product(0..256);
        for rows in [0..2, 0..64, 32..64, 32..256, 64..67, 96..227, 254..256] {
            assert!(product(rows.clone()) == all[rows.start * outputs..rows.end * outputs], "{rows:?}");
        }
    }

    #[test]
    #[should_panic(expected = "outside its numbers")]
    fn a_view_that_is_too_large_is_caught() {
        let mut out = [0.0; 4];
        let data = [1.0; 3];
        let view = View { data: &data, rows: 2, columns: 2, row_stride: 2, column_stride: 1 };
        #[allow(unsafe_code, reason = "nothing else writes")]
        // SAFETY: nothing else writes to `out`.
        unsafe {
            SharedRows::new(&mut out, 2).fill(Block { first_row: 0, first_column: 0 }, view, view, 1.0, false);
        }
    }
}
