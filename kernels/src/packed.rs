//! Products with a matrix in eight bits a weight, whose outputs lie side by side in panels.

use super::mul_add;

/// How many outputs a panel holds, side by side.
pub const OUTPUTS: usize = 32;
/// How many inputs share one scale.
pub const BLOCK: usize = 32;
/// The codes of one block of one panel.
pub const CODES: usize = OUTPUTS * BLOCK;

kernel! {
    /// `y[o] += sum over k of weight[o][k] * x[k]` for the [`OUTPUTS`] outputs of one panel, where
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
    let mut total = [0.0f32; OUTPUTS];
    let blocks = codes.chunks_exact(CODES).zip(scales.chunks_exact(OUTPUTS)).zip(floors.chunks_exact(OUTPUTS));
    for (((codes, scales), floors), (x, sum)) in blocks.zip(x.chunks_exact(BLOCK).zip(sums)) {
        let mut lanes = [0.0f32; OUTPUTS];
        for (codes, x) in codes.chunks_exact(OUTPUTS).zip(x) {
            for (lane, code) in lanes.iter_mut().zip(codes) {
                *lane = mul_add::<FMA>(f32::from(*code), *x, *lane);
            }
        }
        for o in 0..OUTPUTS {
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
    for (codes, out) in codes.chunks_exact(OUTPUTS).zip(out.chunks_mut(stride)) {
        for (((out, code), scale), floor) in out[..OUTPUTS].iter_mut().zip(codes).zip(scales).zip(floors) {
            *out = mul_add::<FMA>(f32::from(*code), *scale, *floor);
        }
    }
}
