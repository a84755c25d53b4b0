//! Attention of new tokens to keys and values that are kept: keys in tiles, position beside position, and values row by
//! row.

use super::mul_add;

/// How many positions are worked on side by side; scores are a whole number of them.
pub const POSITIONS: usize = 32;

kernel! {
    /// The scores of one tile of keys for several queries of `depth` numbers:
    /// `scores[q][first + p] = factor * sum over d of queries[q][d] * keys[d][p]`. Rows of `keys` are `tile` apart and
    /// rows of scores `seen`; both are a whole number of [`POSITIONS`].
    fn score_keys(
        queries: &[f32],
        depth: usize,
        factor: f32,
        keys: &[f32],
        tile: usize,
        first: usize,
        scores: &mut [f32],
        seen: usize,
    ) = score_keys_body
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a kernel: sizes and slices")]
fn score_keys_body<const FMA: bool>(
    queries: &[f32],
    depth: usize,
    factor: f32,
    keys: &[f32],
    tile: usize,
    first: usize,
    scores: &mut [f32],
    seen: usize,
) {
    for block in (0..tile.min(seen - first)).step_by(POSITIONS) {
        for (query, scores) in queries.chunks_exact(depth).zip(scores.chunks_exact_mut(seen)) {
            let mut lanes = [0.0f32; POSITIONS];
            for (query, keys) in query.iter().zip(keys.chunks_exact(tile)) {
                for (lane, key) in lanes.iter_mut().zip(&keys[block..block + POSITIONS]) {
                    *lane = mul_add::<FMA>(*query, *key, *lane);
                }
            }
            for (score, lane) in scores[first + block..][..POSITIONS].iter_mut().zip(lanes) {
                *score = factor * lane;
            }
        }
    }
}

kernel! {
    /// `out[q][d] += sum over p of weights[q][first + p] * values[p][d]`, with `seen` weights for each q and rows of `depth`
    /// values, as many as there are.
    fn weigh_values(
        weights: &[f32],
        seen: usize,
        first: usize,
        values: &[f32],
        depth: usize,
        out: &mut [f32],
    ) = weigh_values_body
}

#[inline(always)]
fn weigh_values_body<const FMA: bool>(
    weights: &[f32],
    seen: usize,
    first: usize,
    values: &[f32],
    depth: usize,
    out: &mut [f32],
) {
    // A block of values is used by all heads while it is near.
    for (block, values) in values.chunks(depth * POSITIONS).enumerate() {
        for (weights, out) in weights.chunks_exact(seen).zip(out.chunks_exact_mut(depth)) {
            let weights = &weights[first + block * POSITIONS..];
            let (full, rest) = out.as_chunks_mut::<POSITIONS>();
            let rest_begins = full.len() * POSITIONS;
            for (part, out) in full.iter_mut().enumerate() {
                let mut lanes = *out;
                for (weight, values) in weights.iter().zip(values.chunks_exact(depth)) {
                    for (lane, value) in lanes.iter_mut().zip(&values[part * POSITIONS..(part + 1) * POSITIONS]) {
                        *lane = mul_add::<FMA>(*weight, *value, *lane);
                    }
                }
                *out = lanes;
            }
            for (weight, values) in weights.iter().zip(values.chunks_exact(depth)) {
                for (out, value) in rest.iter_mut().zip(&values[rest_begins..]) {
                    *out = mul_add::<FMA>(*weight, *value, *out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_weighted_values_are_sums_of_products() {
        // 48 dimensions: one full run of lanes and a part of one. 96 positions: a tile and a part of one.
        let (queries, depth, tile, seen) = (3, 48, 64, 96);
        let number = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 50.0;
        let numbers = |count: usize, from: usize| (from..from + count).map(number).collect::<Vec<f32>>();
        let (query, values) = (numbers(queries * depth, 3), numbers(seen * depth, 5));
        let tiles = [numbers(depth * tile, 7), numbers(depth * tile, 11)];
        let mut scores = vec![9.0; queries * seen];
        for (index, keys) in tiles.iter().enumerate() {
            score_keys(&query, depth, 0.5, keys, tile, index * tile, &mut scores, seen);
        }
        let mut out = vec![0.0; queries * depth];
        for (first, values) in [(0, &values[..tile * depth]), (tile, &values[tile * depth..])] {
            weigh_values(&scores, seen, first, values, depth, &mut out);
        }
        for q in 0..queries {
            let (query, scores) = (&query[q * depth..][..depth], &scores[q * seen..][..seen]);
            for (p, score) in scores.iter().enumerate() {
                let keys = &tiles[p / tile];
                let right: f32 = (0..depth).map(|d| query[d] * keys[d * tile + p % tile]).sum();
                assert!((score - 0.5 * right).abs() < 1e-4, "{q} {p}");
            }
            for (d, out) in out[q * depth..][..depth].iter().enumerate() {
                let right: f32 = (0..seen).map(|p| scores[p] * values[p * depth + d]).sum();
                assert!((out - right).abs() < 1e-3, "{q} {d}: {out} {right}");
            }
        }
    }
}
