//! Causal attention of new tokens over everything up to them (<https://arxiv.org/abs/1706.03762>), with groups of
//! query heads that share a key/value head (<https://arxiv.org/abs/2305.13245>).
//!
//! The work is cut into (block of positions, head) and divided among the threads; for tokens that are generated into
//! groups of heads, so that their keys and values are read once. Blocks begin at multiples of 32 positions counted from the
//! start of the conversation and always read whole blocks of keys, so a token's result has the same bits whether its
//! beginning was read just now or for an earlier request.
//!
//! May depend on `matrix` (one enum), `product`, `kernels`, `kv_cache` and rayon.

use std::{cell::RefCell, ops::Range};

use rayon::prelude::*;

use super::{
    config::LlamaConfig,
    kv_cache::{LayerCache, POSITIONS, TILE},
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

/// Writes what each head of each new token attends to. `qkv` holds the new tokens' rotated queries (and, behind
/// them, keys and values that are already in `cache`); the first of them stands at position `first`.
pub(super) fn attend(
    config: &LlamaConfig,
    qkv: &[f32],
    first: usize,
    cache: &LayerCache,
    product: Product,
    out: &mut [f32],
) {
    let rows = qkv.len() / config.qkv_width();
    let depth = config.head_dim;
    if let Product::Vectors = product {
        // Each token as if it came alone.
        let group = config.heads / config.kv_heads;
        out.par_chunks_exact_mut(group * depth).enumerate().for_each(|(task, out)| {
            let (row, kv_head) = (task / config.kv_heads, task % config.kv_heads);
            let queries = &qkv[row * config.qkv_width() + kv_head * group * depth..][..group * depth];
            SCORES.with_borrow_mut(|scores| attend_one(queries, depth, first + row, cache, kv_head, scores, out));
        });
        return;
    }
    let blocks: Vec<Range<usize>> = (first / POSITIONS..(first + rows).div_ceil(POSITIONS))
        .map(|block| (block * POSITIONS).max(first)..((block + 1) * POSITIONS).min(first + rows))
        .collect();
    let out = SharedRows::new(out, config.query_width());
    (0..blocks.len() * config.heads).into_par_iter().for_each(|task| {
        let (positions, head) = (blocks[task / config.heads].clone(), task % config.heads);
        SCORES.with_borrow_mut(|scores| attend_block(config, qkv, first, cache, positions, head, scores, &out));
    });
}

/// One token, all heads that share a key/value head.
fn attend_one(
    queries: &[f32],
    depth: usize,
    position: usize,
    cache: &LayerCache,
    kv_head: usize,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let seen = (position + 1).next_multiple_of(POSITIONS);
    let factor = 1.0 / (depth as f32).sqrt();
    scores.resize(queries.len() / depth * seen, 0.0);
    for tile in 0..seen.div_ceil(TILE) {
        kernels::score_keys(queries, depth, factor, cache.keys(kv_head, tile), TILE, tile * TILE, scores, seen);
    }
    for scores in scores.chunks_exact_mut(seen) {
        softmax(scores, position + 1);
    }
    kernels::weigh_values(scores, seen, &cache.values(kv_head)[..seen * depth], depth, out);
}

/// Weights out of the first `visible` scores; the others become exactly 0.
fn softmax(scores: &mut [f32], visible: usize) {
    let (seen, hidden) = scores.split_at_mut(visible);
    kernels::softmax(seen, visible, 1.0, false);
    hidden.fill(0.0);
}

/// One head of all tokens of a block.
#[allow(clippy::too_many_arguments, reason = "the inside of one loop")]
fn attend_block(
    config: &LlamaConfig,
    qkv: &[f32],
    first: usize,
    cache: &LayerCache,
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

    let queries = &qkv[(positions.start - first) * width + head * depth..];
    let queries = View::rows(queries, rows, depth, width);
    let all_scores = SharedRows::new(scores, seen);
    for tile in 0..seen.div_ceil(TILE) {
        let keys = View::rows(cache.keys(kv_head, tile), depth, TILE.min(seen - tile * TILE), TILE);
        #[allow(unsafe_code, reason = "see the SAFETY comment")]
        // SAFETY: `scores` belongs to this thread.
        unsafe {
            all_scores.fill(Block { first_row: 0, first_column: tile * TILE }, queries, keys, factor, Into::Overwrite);
        }
    }
    for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
        softmax(scores, positions.start + row + 1);
    }
    let weights = View::rows(scores, rows, seen, seen);
    let values = View::rows(cache.values(kv_head), seen, depth, depth);
    let block = Block { first_row: positions.start - first, first_column: head * depth };
    #[allow(unsafe_code, reason = "see the SAFETY comment")]
    // SAFETY: each task has its own rows or its own head's columns of `out`.
    unsafe {
        out.fill(block, weights, values, 1.0, Into::Overwrite);
    }
}
