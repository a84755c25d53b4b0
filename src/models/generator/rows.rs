//! Work on the rows of a matrix, divided among the threads of the current pool.
//!
//! Depends on rayon only.

use rayon::prelude::*;

/// Fewer rows than this are not worth a hand-over to another thread.
const ROWS_PER_TASK: usize = 8;

/// Calls `work(row, input, output)` for each row of two matrices.
pub(super) fn map_rows(
    input: &[f32],
    input_width: usize,
    output: &mut [f32],
    output_width: usize,
    work: impl Fn(&[f32], &mut [f32]) + Sync,
) {
    let (input, output) = (input.par_chunks_exact(input_width), output.par_chunks_exact_mut(output_width));
    input.zip(output).with_min_len(ROWS_PER_TASK).for_each(|(input, output)| work(input, output));
}

/// Calls `work(index, row)` for each row of a matrix.
pub(super) fn change_rows(matrix: &mut [f32], width: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    matrix
        .par_chunks_exact_mut(width)
        .enumerate()
        .with_min_len(ROWS_PER_TASK)
        .for_each(|(index, row)| work(index, row));
}
