//! A product as cuBLAS is asked for it, and where its result goes: whatever can be tested without a GPU.
//!
//! cuBLAS counts the numbers of a matrix by columns. Rows that lie one behind the other are the columns of the turned
//! matrix, so it is asked for the turned product: `b` turned times `a` turned. May depend on the parent and `kernels`.

use super::{Into, View};
use crate::models::fused::kernels;

/// A factor of the turned product as it lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Factor {
    /// Whether what lies there, read by columns, is the factor turned.
    pub turned: bool,
    /// How far the beginnings of two columns are apart: the "leading dimension".
    pub leading: i32,
}

impl Factor {
    /// A view turned; `None` when columns would overlap or a number is too large for cuBLAS.
    fn of(view: View<'_>) -> Option<Self> {
        let by_row = view.column_stride == 1 && (view.rows == 1 || view.row_stride >= view.columns);
        let by_column = view.row_stride == 1 && (view.columns == 1 || view.column_stride >= view.rows);
        let (turned, stride, column) = match (by_row, by_column) {
            (true, _) => (false, view.row_stride, view.columns),
            (false, true) => (true, view.column_stride, view.rows),
            (false, false) => return None,
        };
        // A single column has no neighbour, but cuBLAS checks its stride all the same.
        Some(Self { turned, leading: i32::try_from(stride.max(column)).ok()? })
    }
}

/// What `cublasSgemm` is asked for: `out [m, n] = alpha * first [m, k] * second [k, n] + beta * out`, by columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arguments {
    /// The numbers of `b`.
    pub first: Factor,
    /// The numbers of `a`.
    pub second: Factor,
    /// The columns of the product, which are the rows of the turned one.
    pub m: i32,
    /// The rows of the product.
    pub n: i32,
    /// The numbers of each sum.
    pub k: i32,
    /// What the product is multiplied with.
    pub alpha: f32,
    /// Zero: what was there before does not travel, and is added where it lies.
    pub beta: f32,
    /// The result has no gaps.
    pub leading_out: i32,
}

impl Arguments {
    /// For `factor * a * b`, of views that fit together and are not empty; `None` when cuBLAS cannot be asked for it.
    pub fn of(a: View<'_>, b: View<'_>, factor: f32) -> Option<Self> {
        let number = |count: usize| i32::try_from(count).ok();
        let m = number(b.columns)?;
        Some(Self {
            first: Factor::of(b)?,
            second: Factor::of(a)?,
            m,
            n: number(a.rows)?,
            k: number(a.columns)?,
            alpha: factor,
            beta: 0.0,
            leading_out: m,
        })
    }
}

/// Where a product is written or added.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The beginning of the first row.
    pub out: *mut f32,
    /// How many rows.
    pub rows: usize,
    /// How many numbers of each row are the product's.
    pub columns: usize,
    /// How far the beginnings of two rows are apart.
    pub stride: usize,
    /// What becomes of what is there.
    pub into: Into,
}

impl Place {
    /// Lets `compute` write all rows without gaps, and puts them where they belong. `spare` is room for that, and grows.
    ///
    /// # Safety
    /// The place must be one that [`super::multiply_at`] may be given.
    #[allow(unsafe_code, reason = "slices cannot express blocks of one matrix")]
    pub unsafe fn fill<E>(
        self,
        spare: &mut Vec<f32>,
        compute: impl FnOnce(&mut [f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = self.rows * self.columns;
        if self.into == Into::Overwrite && self.stride == self.columns {
            // SAFETY: rows without gaps are one slice, all of which is ours to write.
            return compute(unsafe { std::slice::from_raw_parts_mut(self.out, count) });
        }
        if spare.len() < count {
            spare.resize(count, 0.0);
        }
        let computed = &mut spare[..count];
        compute(computed)?;
        for (row, numbers) in computed.chunks_exact(self.columns).enumerate() {
            // SAFETY: these numbers of the row are ours, and only they.
            let there = unsafe { std::slice::from_raw_parts_mut(self.out.add(row * self.stride), self.columns) };
            match self.into {
                Into::Overwrite => there.copy_from_slice(numbers),
                Into::Add => kernels::add(there, numbers),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::{super::tests::Case, *};

    /// `cublasSgemm` by its documentation, with what it checks of its arguments.
    fn sgemm(arguments: &Arguments, first: &[f32], second: &[f32], out: &mut [f32]) {
        let Arguments { m, n, k, alpha, beta, .. } = *arguments;
        let lies = |factor: Factor, rows: i32, columns: i32| if factor.turned { columns } else { rows };
        assert!(m > 0 && n > 0 && k > 0);
        assert!(arguments.first.leading >= lies(arguments.first, m, k));
        assert!(arguments.second.leading >= lies(arguments.second, k, n));
        assert!(arguments.leading_out >= m);
        let at = |factor: Factor, row: i32, column: i32| {
            let (row, column) = if factor.turned { (column, row) } else { (row, column) };
            (row + column * factor.leading) as usize
        };
        for row in 0..m {
            for column in 0..n {
                let term = |i| first[at(arguments.first, row, i)] * second[at(arguments.second, i, column)];
                let place = &mut out[(row + column * arguments.leading_out) as usize];
                // What was there is not even read when beta is zero.
                let before = if beta == 0.0 { 0.0 } else { beta * *place };
                *place = alpha * (0..k).map(term).sum::<f32>() + before;
            }
        }
    }

    /// A product on the path that one takes to the GPU, except for the GPU.
    fn multiply(a: View<'_>, b: View<'_>, factor: f32, into: Into, out: &mut [f32], stride: usize) {
        let arguments = Arguments::of(a, b, factor).unwrap();
        let place = Place { out: out.as_mut_ptr(), rows: a.rows, columns: b.columns, stride, into };
        // What another product left behind.
        let mut spare = vec![f32::NAN; 3];
        #[allow(unsafe_code, reason = "nothing else writes")]
        // SAFETY: nothing else writes to `out`, and the cases are those of the product, whose place is checked.
        let done = unsafe {
            place.fill(&mut spare, |out| {
                sgemm(&arguments, b.covered(), a.covered(), out);
                Ok::<_, Infallible>(())
            })
        };
        done.unwrap();
    }

    proptest! {
        #[test]
        fn what_cublas_is_asked_for_is_the_product(case in Case::any(1)) {
            let ([a, b], (mut out, stride)) = (case.factors(), case.place());
            multiply(a, b, Case::FACTOR, case.mode(), &mut out, stride);
            prop_assert!(case.is_in(&out), "{out:?}");
        }
    }

    #[test]
    fn single_rows_and_columns_are_the_product_too() {
        for sizes in [[1, 1, 1], [1, 5, 1], [5, 1, 5], [1, 1, 5], [5, 1, 1], [1, 5, 5], [5, 5, 1]] {
            for turned in [[false, false], [false, true], [true, false], [true, true]] {
                for (add, gap) in [(false, 0), (false, 2), (true, 0), (true, 2)] {
                    let case = Case::of(sizes, turned, add, gap);
                    let ([a, b], (mut out, stride)) = (case.factors(), case.place());
                    multiply(a, b, Case::FACTOR, case.mode(), &mut out, stride);
                    assert!(case.is_in(&out), "{case:?}: {out:?}");
                }
            }
        }
    }

    #[test]
    fn plain_rows_are_not_turned_and_turned_ones_are() {
        let numbers = [0.0; 60];
        let (a, b) = (View::rows(&numbers, 4, 5, 7), View::rows(&numbers, 6, 5, 9).transposed());
        let arguments = Arguments::of(a, b, 2.0).unwrap();
        assert_eq!(arguments.first, Factor { turned: true, leading: 9 });
        assert_eq!(arguments.second, Factor { turned: false, leading: 7 });
        assert_eq!((arguments.m, arguments.n, arguments.k, arguments.leading_out), (6, 4, 5, 6));
        assert_eq!((arguments.alpha, arguments.beta), (2.0, 0.0));
        assert_eq!((a.covered().len(), b.covered().len()), (3 * 7 + 5, 5 * 9 + 5));
    }

    #[test]
    fn what_cublas_cannot_be_asked_for_has_no_arguments() {
        let numbers = [0.0; 60];
        let plain = View::rows(&numbers, 3, 3, 3);
        let overlapping = View::rows(&numbers, 3, 3, 2);
        assert_eq!(Arguments::of(plain, overlapping, 1.0), None);
        assert_eq!(Arguments::of(overlapping.transposed(), plain, 1.0), None);
        let long = View::rows(&numbers, 1 << 31, 3, 3);
        assert_eq!(Arguments::of(long, plain, 1.0), None);
        assert!(Arguments::of(plain, plain, 1.0).is_some());
    }
}
