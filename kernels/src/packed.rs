//! Products with a matrix in eight bits a weight, whose outputs lie side by side in panels.

use super::mul_add;

/// How many outputs a panel holds, side by side.
pub const OUTPUTS: usize = 32;
/// How many inputs share one scale.
pub const BLOCK: usize = 32;
/// The codes of one block of one panel.
pub const CODES: usize = OUTPUTS * BLOCK;

/// The most vectors that one call of [`panel_times_vectors`] takes.
pub const VECTORS: usize = 8;
/// The most of them whose sums find room in the registers of AVX2.
const NARROW: usize = 4;

kernel_by_width! {
    /// `out[n][o] = sum over k of weight[o][k] * x[n][k]` for the [`OUTPUTS`] outputs of one panel and up to [`VECTORS`]
    /// vectors, one behind the other, where `weight = scale * code + floor`. The floors meet only the sums of each block
    /// of `x`. The codes are read once for all vectors, and each sum is made in the same order, to the bit, whatever the
    /// number of vectors.
    fn panel_times_vectors(
        codes: &[u8],
        scales: &[f32],
        floors: &[f32],
        x: &[f32],
        sums: &[f32],
        out: &mut [f32],
    ) = panel_times_vectors_body
}

#[inline(always)]
fn panel_times_vectors_body<const FMA: bool, const REGISTER: usize>(
    codes: &[u8],
    scales: &[f32],
    floors: &[f32],
    x: &[f32],
    sums: &[f32],
    out: &mut [f32],
) {
    const HALF: usize = OUTPUTS / 2;
    let vectors = out.len() / OUTPUTS;
    if REGISTER < 16 && vectors > NARROW {
        let blocks = codes.len() / CODES;
        let (x, more_x) = x.split_at(NARROW * blocks * BLOCK);
        let (sums, more_sums) = sums.split_at(NARROW * blocks);
        let (out, more_out) = out.split_at_mut(NARROW * OUTPUTS);
        panel_times_vectors_body::<FMA, REGISTER>(codes, scales, floors, x, sums, out);
        return panel_times_vectors_body::<FMA, REGISTER>(codes, scales, floors, more_x, more_sums, more_out);
    }
    // As many sums at a time as there are registers for: all outputs, or half of them.
    match (REGISTER, vectors) {
        (_, 1) => panel_times::<FMA, 1, OUTPUTS>(codes, scales, floors, x, sums, out),
        (16, 2) => panel_times::<FMA, 2, OUTPUTS>(codes, scales, floors, x, sums, out),
        (16, 3) => panel_times::<FMA, 3, OUTPUTS>(codes, scales, floors, x, sums, out),
        (16, 4) => panel_times::<FMA, 4, OUTPUTS>(codes, scales, floors, x, sums, out),
        (16, 5) => panel_times::<FMA, 5, OUTPUTS>(codes, scales, floors, x, sums, out),
        (16, 6) => panel_times::<FMA, 6, OUTPUTS>(codes, scales, floors, x, sums, out),
        (16, 7) => panel_times::<FMA, 7, OUTPUTS>(codes, scales, floors, x, sums, out),
        (16, VECTORS) => panel_times::<FMA, VECTORS, OUTPUTS>(codes, scales, floors, x, sums, out),
        (_, 2) => panel_times::<FMA, 2, HALF>(codes, scales, floors, x, sums, out),
        (_, 3) => panel_times::<FMA, 3, HALF>(codes, scales, floors, x, sums, out),
        (_, NARROW) => panel_times::<FMA, NARROW, HALF>(codes, scales, floors, x, sums, out),
        (_, other) => panic!("{other} vectors at once"),
    }
}

#[inline(always)]
fn panel_times<const FMA: bool, const N: usize, const WIDTH: usize>(
    codes: &[u8],
    scales: &[f32],
    floors: &[f32],
    x: &[f32],
    sums: &[f32],
    out: &mut [f32],
) {
    let blocks = codes.len() / CODES;
    assert!(x.len() == N * blocks * BLOCK && sums.len() == N * blocks, "vectors and panel differ in size");
    for first in (0..OUTPUTS).step_by(WIDTH) {
        let mut total = [[0.0f32; WIDTH]; N];
        for block in 0..blocks {
            let codes = &codes[block * CODES..(block + 1) * CODES];
            let x: [&[f32]; N] =
                std::array::from_fn(|n| &x[(n * blocks + block) * BLOCK..(n * blocks + block + 1) * BLOCK]);
            let mut lanes = [[0.0f32; WIDTH]; N];
            for (k, codes) in codes.chunks_exact(OUTPUTS).enumerate() {
                let mut weights = [0.0f32; WIDTH];
                for (weight, code) in weights.iter_mut().zip(&codes[first..first + WIDTH]) {
                    *weight = f32::from(*code);
                }
                for n in 0..N {
                    let x = x[n][k];
                    for (lane, weight) in lanes[n].iter_mut().zip(&weights) {
                        *lane = mul_add::<FMA>(*weight, x, *lane);
                    }
                }
            }
            let scales = &scales[block * OUTPUTS + first..][..WIDTH];
            let floors = &floors[block * OUTPUTS + first..][..WIDTH];
            for n in 0..N {
                let sum = sums[n * blocks + block];
                for o in 0..WIDTH {
                    let scaled = mul_add::<FMA>(scales[o], lanes[n][o], total[n][o]);
                    total[n][o] = mul_add::<FMA>(floors[o], sum, scaled);
                }
            }
        }
        for (out, total) in out.chunks_exact_mut(OUTPUTS).zip(&total) {
            out[first..first + WIDTH].copy_from_slice(total);
        }
    }
}

kernel! {
    /// Writes the weights of one block of one panel as floats, input by input, `stride` floats apart.
    fn unpack_block(codes: &[u8], scales: &[f32], floors: &[f32], out: &mut [f32], stride: usize) = unpack_block_body
}

#[inline(always)]
fn unpack_block_body<const FMA: bool>(codes: &[u8], scales: &[f32], floors: &[f32], out: &mut [f32], stride: usize) {
    for (codes, out) in codes.chunks_exact(OUTPUTS).zip(out.chunks_mut(stride)) {
        for (((out, code), scale), floor) in out[..OUTPUTS].iter_mut().zip(codes).zip(scales).zip(floors) {
            *out = mul_add::<FMA>(f32::from(*code), *scale, *floor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether this processor fuses a product and a sum.
    fn fused() -> bool {
        #[cfg(target_arch = "x86_64")]
        return is_x86_feature_detected!("fma");
        #[cfg(not(target_arch = "x86_64"))]
        return cfg!(target_arch = "aarch64");
    }

    #[test]
    fn several_vectors_give_to_the_bit_what_each_gives_alone_and_what_the_definition_says() {
        let blocks = 3;
        let number = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 50.0;
        let codes: Vec<u8> = (0..blocks * CODES).map(|i| (i * 53 % 251) as u8).collect();
        let scales: Vec<f32> = (0..blocks * OUTPUTS).map(|i| 0.01 * number(i + 3)).collect();
        let floors: Vec<f32> = (0..blocks * OUTPUTS).map(|i| number(i + 7)).collect();
        for vectors in 1..=VECTORS {
            let x: Vec<f32> = (0..vectors * blocks * BLOCK).map(|i| number(i * 3 + 1)).collect();
            let sums: Vec<f32> = x.chunks_exact(BLOCK).map(|block| block.iter().sum()).collect();
            let mut out = vec![9.0; vectors * OUTPUTS];
            panel_times_vectors(&codes, &scales, &floors, &x, &sums, &mut out);
            let mut narrow = vec![9.0; vectors * OUTPUTS];
            panel_times_vectors_body::<true, 8>(&codes, &scales, &floors, &x, &sums, &mut narrow);
            assert!(!fused() || narrow == out, "{vectors} in narrow registers");
            for n in 0..vectors {
                let (x, sums) = (&x[n * blocks * BLOCK..][..blocks * BLOCK], &sums[n * blocks..][..blocks]);
                let mut alone = vec![9.0; OUTPUTS];
                panel_times_vectors(&codes, &scales, &floors, x, sums, &mut alone);
                assert!(alone == out[n * OUTPUTS..][..OUTPUTS], "{n} of {vectors}");
                // What this processor does not choose is the same to the bit, where it can fuse.
                let (mut narrow, mut narrower) = (vec![9.0; OUTPUTS], vec![9.0; OUTPUTS]);
                panel_times_vectors_body::<true, 8>(&codes, &scales, &floors, x, sums, &mut narrow);
                panel_times_vectors_body::<true, 4>(&codes, &scales, &floors, x, sums, &mut narrower);
                assert!(narrow == narrower && (!fused() || narrow == alone), "{n} of {vectors}");
                for (o, got) in alone.iter().enumerate() {
                    let weight = |k: usize| {
                        let at = k / BLOCK * OUTPUTS + o;
                        scales[at] * f32::from(codes[k / BLOCK * CODES + k % BLOCK * OUTPUTS + o]) + floors[at]
                    };
                    let right: f32 = x.iter().enumerate().map(|(k, x)| weight(k) * x).sum();
                    assert!((got - right).abs() < 1e-3, "{o}: {got} {right}");
                }
            }
        }
    }
}
