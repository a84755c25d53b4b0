//! The keys and values of the tokens that were read, for each layer.
//!
//! Allocated once for the whole window; the system hands out its pages as positions are first used. Keys are kept
//! dimension by dimension (each a long row over positions) and values position by position: so both products of
//! attention read along contiguous memory. Depends on rayon only.

use rayon::prelude::*;

/// Attention works on blocks of this many positions, counted from the beginning of the conversation.
pub(super) const POSITIONS: usize = 32;

/// One layer's keys and values.
pub(super) struct LayerCache {
    /// `[dimension of all heads][position]`, rows `stride` apart.
    pub keys: Vec<f32>,
    /// `[position][dimension of all heads]`.
    pub values: Vec<f32>,
    /// Positions in a row of `keys`, of which the last few are never used.
    pub stride: usize,
    /// The width of all key (or value) heads.
    pub width: usize,
}

impl LayerCache {
    /// Room for `window` positions.
    pub fn new(window: usize, width: usize) -> Self {
        // Whole blocks, plus one cache line so that rows do not all fall on the same sets of the cache.
        let stride = window.next_multiple_of(POSITIONS) + 16;
        Self { keys: vec![0.0; width * stride], values: vec![0.0; width * stride], stride, width }
    }

    /// Stores the keys and values of consecutive tokens, found in rows of `row_width` numbers at `offset`.
    pub fn store(&mut self, first: usize, rows: &[f32], row_width: usize, offset: usize) {
        let (width, stride) = (self.width, self.stride);
        let values = offset + width;
        self.keys.par_chunks_exact_mut(stride).with_min_len(16).enumerate().for_each(|(dimension, keys)| {
            for (key, row) in keys[first..].iter_mut().zip(rows.chunks_exact(row_width)) {
                *key = row[offset + dimension];
            }
        });
        for (value, row) in self.values[first * width..].chunks_exact_mut(width).zip(rows.chunks_exact(row_width)) {
            value.copy_from_slice(&row[values..values + width]);
        }
    }
}
