//! Matrix products over plain slices by the `gemm` crate's kernels, always on the thread that asks.
//!
//! Measured: a product that is split inside the kernel hardly gains from a second thread, while two independent
//! ones scale. So whoever has several threads gives each its own products. A run of training may ask for a GPU, which
//! then computes the large ones: `device` is that choice, `cuda` computes there, and `column_major` is how cuBLAS is told
//! what a view is. May depend on gemm and `kernels`, and `cuda` on cudarc.

#[cfg(any(test, feature = "cuda"))]
mod column_major;
#[cfg(feature = "cuda")]
mod cuda;
pub mod device;

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

    /// Where the last number of a view that is not empty lies.
    fn last(&self) -> usize {
        (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride
    }

    /// The numbers from the first to the last that a checked view reaches, with those between its rows.
    #[cfg(any(test, feature = "cuda"))]
    fn covered(&self) -> &'a [f32] {
        &self.data[..=self.last()]
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
/// all of which are initialised, may be written and are not read or written by anybody else meanwhile.
///
/// # Panics
/// When the factors do not fit together, or a view is empty or reaches outside its slice.
#[allow(unsafe_code, reason = "gemm takes pointers, and slices cannot express blocks of one matrix")]
pub unsafe fn multiply_at(a: View<'_>, b: View<'_>, factor: f32, into: Into, out: *mut f32, stride: usize) {
    assert!(a.columns == b.rows, "the factors of a product do not fit together");
    check(a);
    check(b);
    #[cfg(feature = "cuda")]
    if let Some(arguments) = device::takes(a, b, factor) {
        let place = column_major::Place { out, rows: a.rows, columns: b.columns, stride, into };
        // SAFETY: the arguments are those of `a` and `b`, which are checked, and the caller promises what `place` says.
        match unsafe { cuda::multiply_at(&arguments, a, b, place) } {
            Ok(()) => return,
            // Whoever trains asks for it after each step; until then the numbers are those of the CPU.
            Err(error) => device::failed(error),
        }
    }
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
    assert!(view.last() < view.data.len(), "a view in a product reaches outside its numbers");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    /// A product of two views of any kind.
    #[derive(Debug, Clone)]
    pub struct Case {
        sizes: [usize; 3],
        turned: [bool; 2],
        add: bool,
        gap: usize,
        numbers: [Vec<f32>; 2],
    }

    impl Case {
        /// What the product is added to, or what it overwrites.
        pub const BEFORE: f32 = 2.0;
        /// What it is multiplied with.
        pub const FACTOR: f32 = 0.5;

        /// Any of up to six rows and columns, and of at least so many numbers in a sum.
        pub fn any(least: usize) -> impl Strategy<Value = Self> {
            (1usize..7, least..7, 1usize..7, any::<[bool; 2]>(), any::<bool>(), 0usize..3)
                .prop_map(|(m, k, n, turned, add, gap)| Self::of([m, k, n], turned, add, gap))
        }

        /// One of `[m, k]` and `[k, n]`, either of which may lie turned, with gaps between all rows.
        pub fn of(sizes: [usize; 3], turned: [bool; 2], add: bool, gap: usize) -> Self {
            let [m, k, n] = sizes;
            let numbers = |count: usize, by: usize| (0..count).map(|i| (i * by % 11) as f32 - 5.0).collect::<Vec<_>>();
            let numbers = [numbers((m + gap) * (k + gap), 7), numbers((k + gap) * (n + gap), 3)];
            Self { sizes, turned, add, gap, numbers }
        }

        pub fn factors(&self) -> [View<'_>; 2] {
            let [m, k, n] = self.sizes;
            let view = |which: usize, rows: usize, columns: usize| match self.turned[which] {
                true => View::rows(&self.numbers[which], columns, rows, rows + self.gap).transposed(),
                false => View::rows(&self.numbers[which], rows, columns, columns + self.gap),
            };
            [view(0, m, k), view(1, k, n)]
        }

        pub fn mode(&self) -> Into {
            if self.add { Into::Add } else { Into::Overwrite }
        }

        /// The place for the result as it is before, and its stride.
        pub fn place(&self) -> (Vec<f32>, usize) {
            let stride = self.sizes[2] + self.gap;
            (vec![Self::BEFORE; self.sizes[0] * stride], stride)
        }

        /// Whether the place holds what the definition says, and what it held before in its gaps.
        pub fn is_in(&self, out: &[f32]) -> bool {
            let ([m, k, n], [a, b]) = (self.sizes, self.factors());
            let at = |v: View<'_>, r: usize, c: usize| v.data[r * v.row_stride + c * v.column_stride];
            let stride = n + self.gap;
            out.len() == m * stride
                && (0..m).all(|r| {
                    (0..stride).all(|c| {
                        let sum: f32 = (0..k).map(|i| if c < n { at(a, r, i) * at(b, i, c) } else { 0.0 }).sum();
                        let before = if self.add || c >= n { Self::BEFORE } else { 0.0 };
                        (out[r * stride + c] - before - Self::FACTOR * sum).abs() < 1e-4
                    })
                })
        }
    }

    proptest! {
        #[test]
        fn products_of_views_are_what_the_definition_says(case in Case::any(0)) {
            let ([a, b], (mut out, stride)) = (case.factors(), case.place());
            multiply(a, b, Case::FACTOR, case.mode(), &mut out, stride);
            prop_assert!(case.is_in(&out), "{out:?}");
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
