//! The arithmetic that is not a matrix product: loops over slices, written so that the compiler makes SIMD of them.
//!
//! Each kernel is one generic body, compiled twice on x86-64: once for every processor and once for those with
//! AVX2 and FMA, chosen at run time. Sums are kept in several lanes, because the compiler may not reorder a sum of
//! floats by itself. Depends on nothing.

/// How many outputs a panel of a packed matrix holds, side by side.
pub(super) const LANES: usize = 32;
/// How many inputs share one scale.
pub(super) const BLOCK: usize = 32;
/// The codes of one block of one panel.
pub(super) const CODES: usize = LANES * BLOCK;

macro_rules! kernel {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $body:ident) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "kernels take sizes and slices")]
        pub(super) fn $name($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn wide($($arg: $ty),*) {
                    $body::<true>($($arg),*)
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    #[allow(unsafe_code, reason = "the only way to call a function compiled for more features")]
                    // SAFETY: the processor was just asked for exactly the features that `wide` is compiled for.
                    return unsafe { wide($($arg),*) };
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
}

/// `a * b + c`. Fused only where that is an instruction: elsewhere it would be a slow library call.
#[inline(always)]
fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
fn sum_lanes(lanes: [f32; 8]) -> f32 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// e^x to about one unit in the last place, for any x: too small gives almost 0, too large a very large number.
/// Cody and Waite's reduction to |r| <= ln(2)/2, then a Taylor polynomial.
#[inline(always)]
fn exp<const FMA: bool>(x: f32) -> f32 {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number, which is left in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = mul_add::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<FMA>(n, -LN2_LOW, mul_add::<FMA>(n, -LN2_HIGH, x));
    let mut p = 1.0 / 720.0;
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = mul_add::<FMA>(p, r, coefficient);
    }
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    p * f32::from_bits(exponent << 23)
}

kernel! {
    /// Root-mean-square norm of one row: `out = x / rms(x) * weight` (<https://arxiv.org/abs/1910.07467>).
    fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) = rms_norm_body
}

#[inline(always)]
fn rms_norm_body<const FMA: bool>(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let mut lanes = [0.0f32; 8];
    let chunks = x.chunks_exact(8);
    let mut squares: f32 = chunks.remainder().iter().map(|value| value * value).sum();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = mul_add::<FMA>(*value, *value, *lane);
        }
    }
    squares += sum_lanes(lanes);
    let factor = 1.0 / (squares / x.len() as f32 + epsilon).sqrt();
    for ((out, value), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = value * factor * weight;
    }
}

kernel! {
    /// Rotates each pair of neighbours in each head by its angle (<https://arxiv.org/abs/2104.09864>). Neighbours,
    /// not halves: GGUF files of this family hold query and key rows in that order.
    fn rotate(heads: &mut [f32], cosines: &[f32], sines: &[f32]) = rotate_body
}

#[inline(always)]
fn rotate_body<const FMA: bool>(heads: &mut [f32], cosines: &[f32], sines: &[f32]) {
    for head in heads.chunks_exact_mut(2 * cosines.len()) {
        for ((pair, cosine), sine) in head.chunks_exact_mut(2).zip(cosines).zip(sines) {
            let (a, b) = (pair[0], pair[1]);
            pair[0] = mul_add::<FMA>(a, *cosine, -(b * sine));
            pair[1] = mul_add::<FMA>(a, *sine, b * cosine);
        }
    }
}

kernel! {
    /// Softmax over the first `visible` scores; the others become exactly 0.
    fn softmax(scores: &mut [f32], visible: usize) = softmax_body
}

#[inline(always)]
fn softmax_body<const FMA: bool>(scores: &mut [f32], visible: usize) {
    let (scores, hidden) = scores.split_at_mut(visible);
    hidden.fill(0.0);
    let mut peaks = [f32::NEG_INFINITY; 32];
    let chunks = scores.chunks_exact(32);
    let rest = chunks.remainder().iter().fold(f32::NEG_INFINITY, |peak, score| peak.max(*score));
    for chunk in chunks {
        for (peak, score) in peaks.iter_mut().zip(chunk) {
            *peak = if *score > *peak { *score } else { *peak };
        }
    }
    let peak = peaks.iter().fold(rest, |peak, score| peak.max(*score));
    for score in &mut *scores {
        *score = exp::<FMA>(*score - peak);
    }
    let mut lanes = [0.0f32; 32];
    let chunks = scores.chunks_exact(32);
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, score) in lanes.iter_mut().zip(chunk) {
            *lane += *score;
        }
    }
    let factor = 1.0 / (rest + lanes.iter().sum::<f32>());
    for score in scores {
        *score *= factor;
    }
}

kernel! {
    /// The scores of one tile of keys for several queries of `depth` numbers:
    /// `scores[q][first + p] = factor * sum over d of queries[q][d] * keys[d][p]`. Rows of `keys` are `tile` apart and
    /// rows of scores `seen`; both are a whole number of [`LANES`].
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
    for block in (0..tile.min(seen - first)).step_by(LANES) {
        for (query, scores) in queries.chunks_exact(depth).zip(scores.chunks_exact_mut(seen)) {
            let mut lanes = [0.0f32; LANES];
            for (query, keys) in query.iter().zip(keys.chunks_exact(tile)) {
                for (lane, key) in lanes.iter_mut().zip(&keys[block..block + LANES]) {
                    *lane = mul_add::<FMA>(*query, *key, *lane);
                }
            }
            for (score, lane) in scores[first + block..][..LANES].iter_mut().zip(lanes) {
                *score = factor * lane;
            }
        }
    }
}

kernel! {
    /// `out[q][d] = sum over p of weights[q][p] * values[p][d]`, with `seen` weights for each q and rows of `depth`
    /// values.
    fn weigh_values(weights: &[f32], seen: usize, values: &[f32], depth: usize, out: &mut [f32]) = weigh_values_body
}

#[inline(always)]
fn weigh_values_body<const FMA: bool>(weights: &[f32], seen: usize, values: &[f32], depth: usize, out: &mut [f32]) {
    out.fill(0.0);
    // A block of values is used by all heads while it is near.
    for (block, values) in values.chunks(depth * LANES).enumerate() {
        for (weights, out) in weights.chunks_exact(seen).zip(out.chunks_exact_mut(depth)) {
            let weights = &weights[block * LANES..];
            let (full, rest) = out.as_chunks_mut::<LANES>();
            let rest_begins = full.len() * LANES;
            for (part, out) in full.iter_mut().enumerate() {
                let mut lanes = *out;
                for (weight, values) in weights.iter().zip(values.chunks_exact(depth)) {
                    for (lane, value) in lanes.iter_mut().zip(&values[part * LANES..(part + 1) * LANES]) {
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

kernel! {
    /// The gate of the feed-forward part: `out = silu(gate) * up` (<https://arxiv.org/abs/2002.05202>).
    fn gate(gate: &[f32], up: &[f32], out: &mut [f32]) = gate_body
}

#[inline(always)]
fn gate_body<const FMA: bool>(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate / (1.0 + exp::<FMA>(-gate)) * up;
    }
}

kernel! {
    /// `y[o] += sum over k of weight[o][k] * x[k]` for the [`LANES`] outputs of one panel, where
    /// `weight = scale * code + floor`. The floors meet only the sums of each block of `x`.
    fn panel_times_vector(codes: &[u8], scales: &[f32], floors: &[f32], x: &[f32], sums: &[f32], y: &mut [f32]) =
        panel_times_vector_body
}

#[inline(always)]
fn panel_times_vector_body<const FMA: bool>(
    codes: &[u8],
    scales: &[f32],
    floors: &[f32],
    x: &[f32],
    sums: &[f32],
    y: &mut [f32],
) {
    let mut total = [0.0f32; LANES];
    let blocks = codes.chunks_exact(CODES).zip(scales.chunks_exact(LANES)).zip(floors.chunks_exact(LANES));
    for (((codes, scales), floors), (x, sum)) in blocks.zip(x.chunks_exact(BLOCK).zip(sums)) {
        let mut lanes = [0.0f32; LANES];
        for (codes, x) in codes.chunks_exact(LANES).zip(x) {
            for (lane, code) in lanes.iter_mut().zip(codes) {
                *lane = mul_add::<FMA>(f32::from(*code), *x, *lane);
            }
        }
        for o in 0..LANES {
            total[o] = mul_add::<FMA>(floors[o], *sum, mul_add::<FMA>(scales[o], lanes[o], total[o]));
        }
    }
    for (y, total) in y.iter_mut().zip(total) {
        *y += total;
    }
}

kernel! {
    /// Writes the weights of one block of one panel as floats, input by input, `stride` floats apart.
    fn unpack_block(codes: &[u8], scales: &[f32], floors: &[f32], out: &mut [f32], stride: usize) = unpack_block_body
}

#[inline(always)]
fn unpack_block_body<const FMA: bool>(codes: &[u8], scales: &[f32], floors: &[f32], out: &mut [f32], stride: usize) {
    for (codes, out) in codes.chunks_exact(LANES).zip(out.chunks_mut(stride)) {
        for (((out, code), scale), floor) in out[..LANES].iter_mut().zip(codes).zip(scales).zip(floors) {
            *out = mul_add::<FMA>(f32::from(*code), *scale, *floor);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exp_is_exp() {
        for step in -870_000..=880_000 {
            let x = step as f32 / 10_000.0;
            let (ours, right) = (exp::<false>(x), f64::from(x).exp());
            assert!(((f64::from(ours) - right) / right).abs() < 3e-7, "{x}: {ours} {right}");
        }
        assert!(exp::<false>(-1e30) < 1e-37 && exp::<false>(f32::NAN).is_nan());
    }

    #[test]
    fn rotation_keeps_length_and_depends_on_the_distance_only() {
        // A function: rustc 1.95 miscompiles a closure that changes an array it takes by value
        // (<https://github.com/rust-lang/rust/issues/155241>).
        fn turn(position: f32, mut head: [f32; 4]) -> [f32; 4] {
            let (a, b) = (position * 0.7, position * 0.1);
            rotate(&mut head, &[a.cos(), b.cos()], &[a.sin(), b.sin()]);
            head
        }
        let dot = |a: [f32; 4], b: [f32; 4]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (q, k) = ([0.3, -1.0, 0.5, 2.0], [1.5, 0.25, -0.75, 0.1]);
        assert!((dot(turn(9.0, q), turn(9.0, q)) - dot(q, q)).abs() < 1e-5);
        assert!((dot(turn(9.0, q), turn(4.0, k)) - dot(turn(25.0, q), turn(20.0, k))).abs() < 1e-5);
    }

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
        let mut out = vec![9.0; queries * depth];
        weigh_values(&scores, seen, &values, depth, &mut out);
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

    proptest! {
        #[test]
        fn softmax_is_a_distribution_over_what_is_visible(scores in prop::collection::vec(-80.0f32..80.0, 1..70), hidden in 0usize..9) {
            let mut got = scores.clone();
            got.extend(vec![7.0; hidden]);
            softmax(&mut got, scores.len());
            let peak = scores.iter().copied().fold(f32::MIN, f32::max);
            let sum: f64 = scores.iter().map(|s| f64::from(s - peak).exp()).sum();
            for (got, score) in got.iter().zip(&scores) {
                prop_assert!((f64::from(*got) - f64::from(score - peak).exp() / sum).abs() < 1e-6);
            }
            prop_assert!(got[scores.len()..].iter().all(|score| *score == 0.0));
        }

        #[test]
        fn norm_and_gate_match_their_definitions(x in prop::collection::vec(-9.0f32..9.0, 1..70)) {
            let weight: Vec<f32> = (0..x.len()).map(|i| 0.5 + i as f32 / 10.0).collect();
            let mut out = vec![0.0; x.len()];
            rms_norm(&x, &weight, 1e-5, &mut out);
            let mean = x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / x.len() as f64;
            for ((out, x), w) in out.iter().zip(&x).zip(&weight) {
                let right = f64::from(*x) / (mean + 1e-5).sqrt() * f64::from(*w);
                prop_assert!((f64::from(*out) - right).abs() < 1e-5);
            }
            gate(&x, &weight, &mut out);
            for ((out, x), w) in out.iter().zip(&x).zip(&weight) {
                let right = f64::from(*x) / (1.0 + (-f64::from(*x)).exp()) * f64::from(*w);
                prop_assert!((f64::from(*out) - right).abs() < 1e-5);
            }
        }
    }
}
