//! The keys and values of the tokens that were read, for each layer.
//!
//! Allocated once for the whole window; the system hands out its pages as positions are first used. Both are laid
//! out so that attention reads along contiguous memory: values position by position for each head, and keys in
//! tiles of 128 positions, in a tile dimension by dimension. Depends on rayon only.

use rayon::prelude::*;

/// Attention works on blocks of this many positions, counted from the beginning of the conversation.
pub(super) const POSITIONS: usize = 32;
/// Positions in a tile of keys: a whole number of blocks.
pub(super) const TILE: usize = 4 * POSITIONS;

/// One layer's keys and values.
pub(super) struct LayerCache {
    /// `[tile][head][dimension][position in the tile]`.
    keys: Vec<f32>,
    /// `[head][position][dimension]`.
    values: Vec<f32>,
    heads: usize,
    depth: usize,
    capacity: usize,
}

impl LayerCache {
    /// Room for `window` positions of `heads` key/value heads with `depth` dimensions each.
    pub fn new(window: usize, heads: usize, depth: usize) -> Self {
        let capacity = window.next_multiple_of(TILE);
        let size = capacity * heads * depth;
        Self { keys: vec![0.0; size], values: vec![0.0; size], heads, depth, capacity }
    }

    /// The keys of one head in one tile: a row of [`TILE`] positions for each dimension.
    pub fn keys(&self, head: usize, tile: usize) -> &[f32] {
        let size = self.depth * TILE;
        &self.keys[(tile * self.heads + head) * size..][..size]
    }

    /// The values of one head: a row of dimensions for each position.
    pub fn values(&self, head: usize) -> &[f32] {
        let size = self.capacity * self.depth;
        &self.values[head * size..][..size]
    }

    /// Stores the keys and values of consecutive tokens. Each row holds a token's keys of all heads, then its values,
    /// from `offset` on.
    pub fn store(&mut self, first: usize, rows: &[f32], row_width: usize, offset: usize) {
        let (heads, depth) = (self.heads, self.depth);
        let end = first + rows.len() / row_width;
        let first_tile = first / TILE;
        let tiles = &mut self.keys[first_tile * heads * depth * TILE..end.div_ceil(TILE) * heads * depth * TILE];
        tiles.par_chunks_exact_mut(depth * TILE).enumerate().for_each(|(index, keys)| {
            let (start, head) = ((first_tile + index / heads) * TILE, index % heads);
            for position in start.max(first)..(start + TILE).min(end) {
                let row = &rows[(position - first) * row_width + offset + head * depth..][..depth];
                for (dimension, key) in row.iter().enumerate() {
                    keys[dimension * TILE + position - start] = *key;
                }
            }
        });
        for head in 0..heads {
            let values = &mut self.values[(head * self.capacity + first) * depth..];
            let from = offset + (heads + head) * depth;
            for (value, row) in values.chunks_exact_mut(depth).zip(rows.chunks_exact(row_width)) {
                value.copy_from_slice(&row[from..from + depth]);
            }
        }
    }

    /// Sets everything to 0.
    pub fn wipe(&mut self) {
        self.keys.fill(0.0);
        self.values.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_is_stored_is_found_in_its_place() {
        // Two heads of three dimensions behind an offset of 5, stored in runs that begin and end inside tiles.
        let (heads, depth, offset, width) = (2, 3, 5, 5 + 2 * 2 * 3);
        let number = |position: usize, column: usize| (position * 100 + column) as f32;
        let mut cache = LayerCache::new(300, heads, depth);
        for run in [0..100, 100..101, 101..300] {
            let rows: Vec<f32> =
                run.clone().flat_map(|position| (0..width).map(move |column| number(position, column))).collect();
            cache.store(run.start, &rows, width, offset);
        }
        for position in 0..300 {
            for head in 0..heads {
                for dimension in 0..depth {
                    let key = cache.keys(head, position / TILE)[dimension * TILE + position % TILE];
                    assert_eq!(key, number(position, offset + head * depth + dimension));
                    let value = cache.values(head)[position * depth + dimension];
                    assert_eq!(value, number(position, offset + (heads + head) * depth + dimension));
                }
            }
        }
        cache.wipe();
        assert!(cache.keys(1, 2).iter().chain(cache.values(1)).all(|number| *number == 0.0));
    }
}
