//! Causal attention of new tokens over everything up to them (<https://arxiv.org/abs/1706.03762>), with groups of
//! query heads that share a key/value head (<https://arxiv.org/abs/2305.13245>).
//!
//! The work is cut into (block of positions, head) and divided among the threads; for tokens that are generated into
//! groups of heads, so that their keys and values are read once. Blocks begin at multiples of 32 positions counted from the
//! start of the sequence and always read whole blocks of keys, so a token's result has the same bits whether its
//! beginning was read just now or for an earlier request, and whatever sequences are worked on beside its own. Keys and
//! values are read where they lie, page by page.
//!
//! May depend on `matrix` (one enum), `product`, `kernels`, `kv_cache` and rayon.

use std::{cell::RefCell, ops::Range};

use rayon::prelude::*;

use super::{
    config::LlamaConfig,
    kv_cache::{PAGE, POSITIONS, PageId, PagePool},
    matrix::Product,
    product::{Block, SharedRows},
};
use crate::models::fused::{
    kernels,
    product::{Into, View},
};

thread_local! {
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Consecutive new tokens of one sequence, whose keys and values are in the pool already.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The pages of the sequence.
    pub pages: &'a [PageId],
    /// Where the first of the tokens stands in it.
    pub position: usize,
    /// Which row belongs to the first of them.
    pub first_row: usize,
    /// How many there are.
    pub rows: usize,
}

/// One layer's keys and values of a sequence.
#[derive(Clone, Copy)]
struct Known<'a> {
    pool: &'a PagePool,
    pages: &'a [PageId],
    layer: usize,
}

impl<'a> Known<'a> {
    /// The pages that hold the first `seen` positions, with how many of these each holds.
    fn pages(self, seen: usize) -> impl Iterator<Item = (PageId, Range<usize>)> + 'a {
        let starts = (0..seen).step_by(PAGE);
        self.pages.iter().zip(starts).map(move |(page, start)| (*page, start..(start + PAGE).min(seen)))
    }
}

/// Writes what each head of each new token attends to. `qkv` holds the new tokens' rotated queries (and, behind
/// them, keys and values that are already in `pool`).
pub(super) fn attend(
    config: &LlamaConfig,
    qkv: &[f32],
    places: &[Place<'_>],
    pool: &PagePool,
    layer: usize,
    product: Product,
    out: &mut [f32],
) {
    let depth = config.head_dim;
    if let Product::Vectors = product {
        // Each token as if it came alone.
        let group = config.heads / config.kv_heads;
        let tokens: Vec<(&Place<'_>, usize)> =
            places.iter().flat_map(|place| (0..place.rows).map(move |row| (place, place.position + row))).collect();
        out.par_chunks_exact_mut(group * depth).enumerate().for_each(|(task, out)| {
            let (row, kv_head) = (task / config.kv_heads, task % config.kv_heads);
            let (place, position) = tokens[row];
            let known = Known { pool, pages: place.pages, layer };
            let queries = &qkv[row * config.qkv_width() + kv_head * group * depth..][..group * depth];
            SCORES.with_borrow_mut(|scores| attend_one(queries, depth, position, known, kv_head, scores, out));
        });
        return;
    }
    let blocks: Vec<(Known<'_>, usize, Range<usize>)> = places
        .iter()
        .flat_map(|place| {
            let (first, end) = (place.position, place.position + place.rows);
            (first / POSITIONS..end.div_ceil(POSITIONS)).map(move |block| {
                let positions = (block * POSITIONS).max(first)..((block + 1) * POSITIONS).min(end);
                let row = place.first_row + positions.start - first;
                (Known { pool, pages: place.pages, layer }, row, positions)
            })
        })
        .collect();
    let out = SharedRows::new(out, config.query_width());
    (0..blocks.len() * config.heads).into_par_iter().for_each(|task| {
        let ((known, row, positions), head) = (blocks[task / config.heads].clone(), task % config.heads);
        SCORES.with_borrow_mut(|scores| attend_block(config, qkv, known, row, positions, head, scores, &out));
    });
}

/// One token, all heads that share a key/value head.
fn attend_one(
    queries: &[f32],
    depth: usize,
    position: usize,
    known: Known<'_>,
    kv_head: usize,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let seen = (position + 1).next_multiple_of(POSITIONS);
    let factor = 1.0 / (depth as f32).sqrt();
    scores.resize(queries.len() / depth * seen, 0.0);
    for (page, positions) in known.pages(seen) {
        let keys = known.pool.keys(page, known.layer, kv_head);
        kernels::score_keys(queries, depth, factor, keys, PAGE, positions.start, scores, seen);
    }
    for scores in scores.chunks_exact_mut(seen) {
        softmax(scores, position + 1);
    }
    out.fill(0.0);
    for (page, positions) in known.pages(seen) {
        let values = &known.pool.values(page, known.layer, kv_head)[..positions.len() * depth];
        kernels::weigh_values(scores, seen, positions.start, values, depth, out);
    }
}

/// Weights out of the first `visible` scores; the others become exactly 0.
fn softmax(scores: &mut [f32], visible: usize) {
    let (seen, hidden) = scores.split_at_mut(visible);
    kernels::softmax(seen, visible, 1.0, false);
    hidden.fill(0.0);
}

/// One head of all tokens of a block, the first of which has the row `first_row`.
#[allow(clippy::too_many_arguments, reason = "the inside of one loop")]
fn attend_block(
    config: &LlamaConfig,
    qkv: &[f32],
    known: Known<'_>,
    first_row: usize,
    positions: Range<usize>,
    head: usize,
    scores: &mut Vec<f32>,
    out: &SharedRows<'_>,
) {
    let (rows, depth, width) = (positions.len(), config.head_dim, config.qkv_width());
    let seen = positions.end.next_multiple_of(POSITIONS);
    let kv_head = head / (config.heads / config.kv_heads);
    let factor = 1.0 / (depth as f32).sqrt();
    scores.resize(rows * seen, 0.0);

    let queries = View::rows(&qkv[first_row * width + head * depth..], rows, depth, width);
    let all_scores = SharedRows::new(scores, seen);
    for (page, positions) in known.pages(seen) {
        let keys = View::rows(known.pool.keys(page, known.layer, kv_head), depth, positions.len(), PAGE);
        let block = Block { first_row: 0, first_column: positions.start };
        #[allow(unsafe_code, reason = "see the SAFETY comment")]
        // SAFETY: `scores` belongs to this thread.
        unsafe {
            all_scores.fill(block, queries, keys, factor, Into::Overwrite);
        }
    }
    for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
        softmax(scores, positions.start + row + 1);
    }
    let block = Block { first_row, first_column: head * depth };
    for (page, positions) in known.pages(seen) {
        let weights = View::rows(&scores[positions.start..], rows, positions.len(), seen);
        let values = View::rows(known.pool.values(page, known.layer, kv_head), positions.len(), depth, depth);
        let into = if positions.start == 0 { Into::Overwrite } else { Into::Add };
        #[allow(unsafe_code, reason = "see the SAFETY comment")]
        // SAFETY: each task has its own rows or its own head's columns of `out`.
        unsafe {
            out.fill(block, weights, values, 1.0, into);
        }
    }
}
