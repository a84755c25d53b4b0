//! A module.

/// Adds.
#[inline]
pub(crate) fn add(a: u8) -> u8 {
    a + 1
}

impl<T> From<T> for X {}
