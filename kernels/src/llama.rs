//! What a Llama model has and a BERT has not: root-mean-square norm, rotary positions, the gated feed-forward part, and
//! the loss over a whole vocabulary.

use super::{LANES, exp, mul_add, sum_lanes};

/// The reciprocal root of the mean square of a row.
#[inline(always)]
fn reciprocal_root<const FMA: bool>(row: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot::<FMA>(row, row) / row.len() as f32 + epsilon).sqrt()
}

#[inline(always)]
fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] = mul_add::<FMA>(a[lane], b[lane], lanes[lane]);
        }
    }
    sum_lanes(lanes) + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

kernel! {
    /// Root-mean-square norm (<https://arxiv.org/abs/1910.07467>) row by row: `out = x / rms(x) * weight`.
    fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) = rms_norm_body
}

#[inline(always)]
fn rms_norm_body<const FMA: bool>(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = weight.len();
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let factor = reciprocal_root::<FMA>(x, epsilon);
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = x * factor * weight;
        }
    }
}

kernel! {
    /// The way back of [`rms_norm`] to `x`; the weight is frozen.
    fn rms_norm_backward(x: &[f32], weight: &[f32], epsilon: f32, gradient: &[f32], out: &mut [f32]) =
        rms_norm_backward_body
}

#[inline(always)]
fn rms_norm_backward_body<const FMA: bool>(x: &[f32], weight: &[f32], epsilon: f32, gradient: &[f32], out: &mut [f32]) {
    let width = weight.len();
    let rows = x.chunks_exact(width).zip(gradient.chunks_exact(width)).zip(out.chunks_exact_mut(width));
    for ((x, gradient), out) in rows {
        let factor = reciprocal_root::<FMA>(x, epsilon);
        for ((out, gradient), weight) in out.iter_mut().zip(gradient).zip(weight) {
            *out = gradient * weight;
        }
        // What the row's length does to all its numbers.
        let shared = dot::<FMA>(out, x) * factor * factor / width as f32;
        for (out, x) in out.iter_mut().zip(x) {
            *out = factor * mul_add::<FMA>(-shared, *x, *out);
        }
    }
}

kernel! {
    /// Turns each pair of neighbours in the first `columns` numbers of each row of `width` by the angle of its position
    /// (<https://arxiv.org/abs/2104.09864>); row number i stands at position i. A head has twice as many numbers as
    /// there are `cosines` of a position (`half`). `direction` is 1, or -1 to turn back.
    fn rotate(
        rows: &mut [f32],
        width: usize,
        columns: usize,
        half: usize,
        cosines: &[f32],
        sines: &[f32],
        direction: f32,
    ) = rotate_body
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a kernel: sizes and slices")]
fn rotate_body<const FMA: bool>(
    rows: &mut [f32],
    width: usize,
    columns: usize,
    half: usize,
    cosines: &[f32],
    sines: &[f32],
    direction: f32,
) {
    let angles = cosines.chunks_exact(half).zip(sines.chunks_exact(half));
    for (row, (cosines, sines)) in rows.chunks_exact_mut(width).zip(angles) {
        for head in row[..columns].chunks_exact_mut(2 * half) {
            for ((pair, cosine), sine) in head.as_chunks_mut::<2>().0.iter_mut().zip(cosines).zip(sines) {
                let ([a, b], sine) = (*pair, direction * sine);
                *pair = [mul_add::<FMA>(a, *cosine, -(b * sine)), mul_add::<FMA>(a, sine, b * cosine)];
            }
        }
    }
}

kernel! {
    /// The gate of the feed-forward part (<https://arxiv.org/abs/2002.05202>): rows of `2 * width` numbers, the gate
    /// before what it lets through, become rows of `width`: `out = silu(gate) * up`.
    fn swiglu(gate_up: &[f32], width: usize, out: &mut [f32]) = swiglu_body
}

#[inline(always)]
fn swiglu_body<const FMA: bool>(gate_up: &[f32], width: usize, out: &mut [f32]) {
    for (gate_up, out) in gate_up.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, up) = gate_up.split_at(width);
        for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
            *out = gate / (1.0 + exp::<FMA>(-gate)) * up;
        }
    }
}

kernel! {
    /// The way back of [`swiglu`], to both halves.
    fn swiglu_backward(gate_up: &[f32], gradient: &[f32], width: usize, out: &mut [f32]) = swiglu_backward_body
}

#[inline(always)]
fn swiglu_backward_body<const FMA: bool>(gate_up: &[f32], gradient: &[f32], width: usize, out: &mut [f32]) {
    let rows = gate_up.chunks_exact(2 * width).zip(gradient.chunks_exact(width)).zip(out.chunks_exact_mut(2 * width));
    for ((gate_up, gradient), out) in rows {
        let (gate, up) = gate_up.split_at(width);
        let (gate_out, up_out) = out.split_at_mut(width);
        let ins = gate.iter().zip(up).zip(gradient);
        for ((((gate, up), gradient), gate_out), up_out) in ins.zip(gate_out.iter_mut()).zip(up_out.iter_mut()) {
            let open = 1.0 / (1.0 + exp::<FMA>(-gate));
            *up_out = gradient * gate * open;
            *gate_out = gradient * up * open * mul_add::<FMA>(*gate, 1.0 - open, 1.0);
        }
    }
}

kernel! {
    /// The cross entropy of a row of logits against one of them is added to `loss`; the row becomes its gradient, times
    /// `factor`.
    fn cross_entropy(logits: &mut [f32], target: usize, factor: f32, loss: &mut f64) = cross_entropy_body
}

#[inline(always)]
fn cross_entropy_body<const FMA: bool>(logits: &mut [f32], target: usize, factor: f32, loss: &mut f64) {
    let (chunks, rest) = logits.as_chunks::<LANES>();
    let mut peaks = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (peak, logit) in peaks.iter_mut().zip(chunk) {
            *peak = if *logit > *peak { *logit } else { *peak };
        }
    }
    let peak = peaks.iter().chain(rest).fold(f32::NEG_INFINITY, |peak, logit| peak.max(*logit));
    let wanted = f64::from(logits[target]) - f64::from(peak);
    // Short runs in f32, their sums in f64: a vocabulary has tens of thousands of tokens.
    let mut sum = 0.0f64;
    for run in logits.chunks_mut(4096) {
        for logit in run.iter_mut() {
            *logit = exp::<FMA>(*logit - peak);
        }
        let (chunks, rest) = run.as_chunks::<LANES>();
        let mut lanes = [0.0f32; LANES];
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += *value;
            }
        }
        sum += f64::from(sum_lanes(lanes) + rest.iter().sum::<f32>());
    }
    *loss += sum.ln() - wanted;
    let scale = factor / sum as f32;
    for logit in logits.iter_mut() {
        *logit *= scale;
    }
    logits[target] -= factor;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rotation_keeps_length_and_depends_on_the_distance_only() {
        // A function: rustc 1.95 miscompiles a closure that changes an array it takes by value
        // (<https://github.com/rust-lang/rust/issues/155241>).
        fn turn(position: f32, mut head: [f32; 4]) -> [f32; 4] {
            let (a, b) = (position * 0.7, position * 0.1);
            rotate(&mut head, 4, 4, 2, &[a.cos(), b.cos()], &[a.sin(), b.sin()], 1.0);
            head
        }
        let dot = |a: [f32; 4], b: [f32; 4]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (q, k) = ([0.3, -1.0, 0.5, 2.0], [1.5, 0.25, -0.75, 0.1]);
        assert!((dot(turn(9.0, q), turn(9.0, q)) - dot(q, q)).abs() < 1e-5);
        assert!((dot(turn(9.0, q), turn(4.0, k)) - dot(turn(25.0, q), turn(20.0, k))).abs() < 1e-5);
    }

    proptest! {
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
            swiglu(&[x.clone(), weight.clone()].concat(), x.len(), &mut out);
            for ((out, x), w) in out.iter().zip(&x).zip(&weight) {
                let right = f64::from(*x) / (1.0 + (-f64::from(*x)).exp()) * f64::from(*w);
                prop_assert!((f64::from(*out) - right).abs() < 1e-5);
            }
        }
    }
}
