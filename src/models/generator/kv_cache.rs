//! The keys and values of tokens that were read, in pages that sequences take from one pool.
//!
//! A page has room for 128 positions of one sequence in all layers, so that a sequence takes the memory that its length
//! asks for, and a beginning that several sequences share is there once (<https://arxiv.org/abs/2309.06180>). Inside a
//! page, attention reads along contiguous memory: keys dimension by dimension with the positions side by side, values
//! position by position. Memory is taken when a page is first used and then kept. Depends on rayon only.

use rayon::prelude::*;

/// Attention works on blocks of this many positions, counted from the beginning of a sequence.
pub(super) const POSITIONS: usize = 32;
/// Positions in a page: a whole number of blocks.
pub(super) const PAGE: usize = 4 * POSITIONS;
/// Fewer rows than this are stored by one thread.
const ROWS_PER_TASK: usize = 16;

/// A page of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageId(usize);

/// All pages there are.
pub(super) struct PagePool {
    /// `[layer][keys: [head][dimension][position]; values: [head][position][dimension]]`; empty until first used.
    pages: Vec<Vec<f32>>,
    /// How many hold each page.
    holders: Vec<u32>,
    /// The pages that nobody holds; those used last are taken first.
    free: Vec<PageId>,
    layers: usize,
    heads: usize,
    depth: usize,
}

impl PagePool {
    /// A pool for at least `positions` positions, of `layers` layers and `heads` key/value heads of `depth` dimensions.
    pub fn new(positions: usize, layers: usize, heads: usize, depth: usize) -> Self {
        let count = pages_for(positions);
        Self {
            pages: vec![Vec::new(); count],
            holders: vec![0; count],
            free: (0..count).rev().map(PageId).collect(),
            layers,
            heads,
            depth,
        }
    }

    /// How many pages nobody holds.
    pub fn available(&self) -> usize {
        self.free.len()
    }

    /// Takes a page that nobody holds, if there is one. What stands in it is finite and means nothing.
    pub fn take(&mut self) -> Option<PageId> {
        let id = self.free.pop()?;
        self.holders[id.0] = 1;
        let size = self.layers * 2 * self.half();
        if self.pages[id.0].is_empty() {
            self.pages[id.0] = vec![0.0; size];
        }
        Some(id)
    }

    /// Lets somebody else hold a page as well. Nobody changes the positions that others read.
    pub fn share(&mut self, id: PageId) {
        self.holders[id.0] += 1;
    }

    /// Gives a page back.
    pub fn release(&mut self, id: PageId) {
        let holders = &mut self.holders[id.0];
        *holders -= 1;
        if *holders == 0 {
            self.free.push(id);
        }
    }

    /// Writes over a page what stands in another.
    pub fn copy(&mut self, from: PageId, to: PageId) {
        let mut copy = std::mem::take(&mut self.pages[to.0]);
        copy.copy_from_slice(&self.pages[from.0]);
        self.pages[to.0] = copy;
    }

    /// Sets a page to 0 unless others hold it too: a number that is not finite, left where attention reads with weight 0,
    /// would spoil its sums.
    pub fn clean(&mut self, id: PageId) {
        if self.holders[id.0] == 1 {
            self.pages[id.0].fill(0.0);
        }
    }

    /// Takes all pages from those who hold them, and sets them to 0.
    pub fn reset(&mut self) {
        self.pages.iter_mut().for_each(|page| page.fill(0.0));
        self.holders.fill(0);
        self.free = (0..self.pages.len()).rev().map(PageId).collect();
    }

    /// The keys (or the values) of one layer in floats.
    fn half(&self) -> usize {
        self.heads * self.depth * PAGE
    }

    /// The keys of one head: a row of [`PAGE`] positions for each dimension.
    pub fn keys(&self, id: PageId, layer: usize, head: usize) -> &[f32] {
        let size = self.depth * PAGE;
        &self.pages[id.0][2 * layer * self.half() + head * size..][..size]
    }

    /// The values of one head: a row of dimensions for each position.
    pub fn values(&self, id: PageId, layer: usize, head: usize) -> &[f32] {
        let size = self.depth * PAGE;
        &self.pages[id.0][(2 * layer + 1) * self.half() + head * size..][..size]
    }

    /// Stores the keys and values of consecutive tokens of the sequence that has `pages`, the first of which stands at
    /// position `first`. Each row holds a token's keys of all heads, then its values, from `offset` on.
    pub fn store(
        &mut self,
        pages: &[PageId],
        layer: usize,
        first: usize,
        rows: &[f32],
        row_width: usize,
        offset: usize,
    ) {
        let (heads, depth, half) = (self.heads, self.depth, self.half());
        let end = first + rows.len() / row_width;
        for (number, page) in pages.iter().enumerate().take(end.div_ceil(PAGE)).skip(first / PAGE) {
            let start = number * PAGE;
            let positions = start.max(first)..(start + PAGE).min(end);
            let row =
                |position: usize, head: usize| &rows[(position - first) * row_width + offset + head * depth..][..depth];
            let both = &mut self.pages[page.0][2 * layer * half..][..2 * half];
            let (keys, values) = both.split_at_mut(half);
            let least = if positions.len() < ROWS_PER_TASK { heads } else { 1 };
            let each = keys.par_chunks_exact_mut(depth * PAGE).zip(values.par_chunks_exact_mut(depth * PAGE));
            each.enumerate().with_min_len(least).for_each(|(head, (keys, values))| {
                for position in positions.clone() {
                    let place = position - start;
                    for (dimension, key) in row(position, head).iter().enumerate() {
                        keys[dimension * PAGE + place] = *key;
                    }
                    values[place * depth..][..depth].copy_from_slice(row(position, heads + head));
                }
            });
        }
    }
}

/// The pages that so many positions take.
pub(super) fn pages_for(positions: usize) -> usize {
    positions.div_ceil(PAGE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_is_stored_is_found_in_its_place() {
        // Two heads of three dimensions behind an offset of 5, stored in runs that begin and end inside pages.
        let (layers, heads, depth, offset, width) = (2, 2, 3, 5, 5 + 2 * 2 * 3);
        let number = |layer: usize, position: usize, column: usize| (layer * 90_000 + position * 100 + column) as f32;
        let mut pool = PagePool::new(500, layers, heads, depth);
        let other = pool.take().unwrap();
        let pages = [0; 3].map(|_| pool.take().unwrap());
        for run in [0..100, 100..101, 101..300] {
            for layer in 0..layers {
                let rows: Vec<f32> = run
                    .clone()
                    .flat_map(|position| (0..width).map(move |column| number(layer, position, column)))
                    .collect();
                pool.store(&pages, layer, run.start, &rows, width, offset);
            }
        }
        for position in 0..300 {
            let (page, place) = (pages[position / PAGE], position % PAGE);
            for (layer, head) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                for dimension in 0..depth {
                    let key = pool.keys(page, layer, head)[dimension * PAGE + place];
                    assert_eq!(key, number(layer, position, offset + head * depth + dimension));
                    let value = pool.values(page, layer, head)[place * depth + dimension];
                    assert_eq!(value, number(layer, position, offset + (heads + head) * depth + dimension));
                }
            }
        }
        pool.copy(pages[1], other);
        assert_eq!(pool.values(other, 1, 1), pool.values(pages[1], 1, 1));
        pool.clean(other);
        assert!(pool.keys(other, 1, 1).iter().all(|number| *number == 0.0));
    }

    #[test]
    fn a_page_is_free_when_its_last_holder_is_gone() {
        let mut pool = PagePool::new(2 * PAGE, 1, 1, 2);
        let (a, b) = (pool.take().unwrap(), pool.take().unwrap());
        assert_eq!((pool.take(), pool.available()), (None, 0));
        pool.share(a);
        pool.release(a);
        assert_eq!(pool.available(), 0);
        pool.release(a);
        assert_eq!((pool.available(), pool.take()), (1, Some(a)));
        pool.release(b);
        assert_eq!(pool.take(), Some(b));
    }
}
