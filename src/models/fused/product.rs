//! Matrix products over plain slices by the `gemm` crate's kernels, always on the thread that asks.
//!
//! Measured: a product that is split inside the kernel hardly gains from a second thread, while two independent
//! ones scale. So whoever has several threads gives each its own products. May depend on gemm.

/// A view of numbers laid out with two strides.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Rows of `columns` numbers, the beginnings of neighbours `stride` apart.
    pub fn rows(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// How many rows.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn column_count(&self) -> usize {
        self.columns
    }

    /// The same numbers with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// What becomes of the numbers that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// They are overwritten.
    Overwrite,
    /// The product is added to them.
    Add,
}

/// Writes or adds `factor * a * b` to rows of `out`, whose beginnings are `stride` apart.
///
/// # Panics
/// When the factors do not fit together or a view reaches outside its slice: a defect of the caller.
pub fn multiply(a: View<'_>, b: View<'_>, factor: f32, into: Into, out: &mut [f32], stride: usize) {
    assert!(a.columns == b.rows, "the factors of a product do not fit together");
    if a.rows == 0 || b.columns == 0 {
        return;
    }
    assert!(b.columns <= stride && (a.rows - 1) * stride + b.columns <= out.len(), "a product does not fit its place");
    if a.columns == 0 {
        if into == Into::Overwrite {
            out.chunks_mut(stride).take(a.rows).for_each(|row| row[..b.columns].fill(0.0));
        }
        return;
    }
    #[allow(unsafe_code, reason = "see the SAFETY comment")]
    // SAFETY: the assert above keeps the product inside `out`, which is borrowed exclusively.
    unsafe {
        multiply_at(a, b, factor, into, out.as_mut_ptr(), stride);
    }
}

/// The same at a place in a matrix that several threads write, of two views that are not empty.
///
/// # Safety
/// `out` must point to rows that are `stride` apart, as many as `a` has, of at least as many numbers as `b` has columns,
/// all of which may be written and are not read or written by anybody else meanwhile.
///
/// # Panics
/// When the factors do not fit together, or a view is empty or reaches outside its slice.
#[allow(unsafe_code, reason = "gemm takes pointers, and slices cannot express blocks of one matrix")]
pub unsafe fn multiply_at(a: View<'_>, b: View<'_>, factor: f32, into: Into, out: *mut f32, stride: usize) {
    assert!(a.columns == b.rows, "the factors of a product do not fit together");
    check(a);
    check(b);
    // SAFETY: `check` keeps every address that gemm derives from the strides of `a` and `b` inside their slices, and the
    // caller promises the same of `out`.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out,
            1,
            stride as isize,
            into == Into::Add,
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

fn check(view: View<'_>) {
    assert!(view.rows > 0 && view.columns > 0, "an empty view in a product");
    let last = (view.rows - 1) * view.row_stride + (view.columns - 1) * view.column_stride;
    assert!(last < view.data.len(), "a view in a product reaches outside its numbers");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn products_of_views_are_what_the_definition_says(
            (m, k, n) in (1usize..7, 0usize..7, 1usize..7),
            (a_turned, b_turned, add) in any::<(bool, bool, bool)>(),
            gap in 0usize..3,
        ) {
            let numbers = |count: usize, by: usize| (0..count).map(|i| (i * by % 11) as f32 - 5.0).collect::<Vec<_>>();
            let (a, b) = (numbers((m + gap) * (k + gap), 7), numbers((k + gap) * (n + gap), 3));
            let view = |data, rows: usize, columns: usize, turned| match turned {
                true => View::rows(data, columns, rows, rows + gap).transposed(),
                false => View::rows(data, rows, columns, columns + gap),
            };
            let (left, right) = (view(&a, m, k, a_turned), view(&b, k, n, b_turned));
            let mut out = vec![2.0; m * (n + gap)];
            multiply(left, right, 0.5, if add { Into::Add } else { Into::Overwrite }, &mut out, n + gap);
            let at = |v: View<'_>, r: usize, c: usize| v.data[r * v.row_stride + c * v.column_stride];
            for r in 0..m {
                for c in 0..n + gap {
                    let sum: f32 = (0..k).map(|i| if c < n { at(left, r, i) * at(right, i, c) } else { 0.0 }).sum();
                    let before = if add || c >= n { 2.0 } else { 0.0 };
                    prop_assert!((out[r * (n + gap) + c] - before - 0.5 * sum).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "outside its numbers")]
    fn a_view_that_is_too_large_is_caught() {
        let data = [1.0; 3];
        let view = View::rows(&data, 2, 2, 2);
        multiply(view, view, 1.0, Into::Overwrite, &mut [0.0; 4], 2);
    }
}
