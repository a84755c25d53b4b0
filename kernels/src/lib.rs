//! The arithmetic of the models that is not a dense matrix product: loops over slices that the compiler turns into SIMD.
//!
//! Each kernel is one generic body, compiled three times on x86-64, for every processor, for those with AVX2 and FMA, and
//! for those with AVX-512, and chosen at run time. Sums are kept in several lanes, because the compiler may not reorder a
//! sum of floats by itself; so a result does not depend on the number of threads, nor on the width of the registers.
//! Depends on nothing.

macro_rules! kernel {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $body:ident) => {
        dispatched! {
            $(#[$meta])*
            fn $name($($arg: $ty),*) = $body::<true>, $body::<true>, $body::<{ cfg!(target_arch = "aarch64") }>
        }
    };
}

/// The same for a body that is written for registers of so many floats: those of AVX-512, of AVX2, and of others.
macro_rules! kernel_by_width {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $body:ident) => {
        dispatched! {
            $(#[$meta])*
            fn $name($($arg: $ty),*) =
                $body::<true, 16>, $body::<true, 8>, $body::<{ cfg!(target_arch = "aarch64") }, 4>
        }
    };
}

/// A function that calls one of three, by what the processor can.
macro_rules! dispatched {
    (
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident: $ty:ty),*) = $widest:expr, $wide:expr, $other:expr
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "kernels take sizes and slices")]
        pub fn $name($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn widest($($arg: $ty),*) {
                    $widest($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn wide($($arg: $ty),*) {
                    $wide($($arg),*)
                }
                let fused = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                if fused
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    #[allow(unsafe_code, reason = "the only way to call a function compiled for more features")]
                    // SAFETY: the processor was just asked for exactly the features that `widest` is compiled for.
                    return unsafe { widest($($arg),*) };
                }
                if fused {
                    #[allow(unsafe_code, reason = "the only way to call a function compiled for more features")]
                    // SAFETY: the processor was just asked for exactly the features that `wide` is compiled for.
                    return unsafe { wide($($arg),*) };
                }
            }
            $other($($arg),*)
        }
    };
}

mod cached;
mod llama;
mod packed;

pub use cached::{POSITIONS, score_keys, weigh_values};
pub use llama::{cross_entropy, rms_norm, rms_norm_backward, rotate, swiglu, swiglu_backward};
pub use packed::{BLOCK, CODES, OUTPUTS, VECTORS, panel_times_vectors, unpack_block};

/// How many partial sums a sum is kept in.
const LANES: usize = 16;

/// `a * b + c`. Fused only where that is an instruction: elsewhere it would be a slow library call.
#[inline(always)]
fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
fn sum_lanes(lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    let mut lanes = lanes;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
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

/// The cumulative normal distribution at `x`, and e^(-x²/2). The error function is Abramowitz and Stegun's 7.1.26,
/// off by at most 1.5e-7.
#[inline(always)]
fn normal<const FMA: bool>(x: f32) -> (f32, f32) {
    let magnitude = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let bell = exp::<FMA>(-(magnitude * magnitude));
    let t = 1.0 / mul_add::<FMA>(0.327_591_1, magnitude, 1.0);
    let mut p = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        p = mul_add::<FMA>(p, t, coefficient);
    }
    let tail = 0.5 * p * t * bell;
    (if x < 0.0 { tail } else { 1.0 - tail }, bell)
}

kernel! {
    /// `out = x * Φ(x)`, the exact (not the tanh) form of GELU (<https://arxiv.org/abs/1606.08415>).
    fn gelu(x: &[f32], out: &mut [f32]) = gelu_body
}

#[inline(always)]
fn gelu_body<const FMA: bool>(x: &[f32], out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = x * normal::<FMA>(*x).0;
    }
}

kernel! {
    /// `out = gradient * (Φ(x) + x φ(x))`.
    fn gelu_backward(x: &[f32], gradient: &[f32], out: &mut [f32]) = gelu_backward_body
}

#[inline(always)]
fn gelu_backward_body<const FMA: bool>(x: &[f32], gradient: &[f32], out: &mut [f32]) {
    const FACTOR: f32 = 0.398_942_3; // 1 / sqrt(2 pi)
    for ((out, x), gradient) in out.iter_mut().zip(x).zip(gradient) {
        let (cumulative, bell) = normal::<FMA>(*x);
        *out = gradient * mul_add::<FMA>(*x, FACTOR * bell, cumulative);
    }
}

/// Which numbers of a tensor are dropped: a hash of the seed and of the number's place decides, so that the way back
/// needs no mask that was kept, and a run that is resumed drops the same ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropped {
    /// Names the tensor and the step.
    pub seed: u32,
    /// A hash below it drops.
    below: u32,
    /// What the others are multiplied by, so that the expectation stays.
    factor: f32,
}

impl Dropped {
    /// Drops each number with probability `rate`, in `[0, 1)`.
    pub fn new(rate: f32, seed: u32) -> Self {
        Self { seed, below: (f64::from(rate) * f64::from(u32::MAX)) as u32, factor: 1.0 / (1.0 - rate) }
    }

    /// Drops nothing.
    pub const NONE: Self = Self { seed: 0, below: 0, factor: 1.0 };

    /// Whether anything can be dropped.
    pub fn is_none(&self) -> bool {
        self.below == 0
    }

    /// What the number at `place` is multiplied by. The hash is "lowbias32" of Chris Wellons' survey
    /// (<https://nullprogram.com/blog/2018/07/31/>).
    #[inline(always)]
    fn factor_at(&self, place: u32) -> f32 {
        let mut x = place.wrapping_mul(0x9e37_79b9) ^ self.seed;
        x ^= x >> 16;
        x = x.wrapping_mul(0x7feb_352d);
        x ^= x >> 15;
        x = x.wrapping_mul(0x846c_a68b);
        x ^= x >> 16;
        if x < self.below { 0.0 } else { self.factor }
    }
}

kernel! {
    /// `out = x` with some numbers dropped.
    fn drop_some(x: &[f32], dropped: Dropped, out: &mut [f32]) = drop_some_body
}

#[inline(always)]
fn drop_some_body<const FMA: bool>(x: &[f32], dropped: Dropped, out: &mut [f32]) {
    for (place, (out, x)) in out.iter_mut().zip(x).enumerate() {
        *out = x * dropped.factor_at(place as u32);
    }
}

/// Mean and reciprocal standard deviation of a row.
#[inline(always)]
fn moments<const FMA: bool>(row: &[f32], epsilon: f32) -> (f32, f32) {
    let width = row.len() as f32;
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [0.0f32; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += *value;
        }
    }
    let mean = (sum_lanes(lanes) + rest.iter().sum::<f32>()) / width;
    let mut lanes = [0.0f32; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            let off = *value - mean;
            *lane = mul_add::<FMA>(off, off, *lane);
        }
    }
    let squares = sum_lanes(lanes) + rest.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>();
    (mean, 1.0 / (squares / width + epsilon).sqrt())
}

kernel! {
    /// Layer norm (<https://arxiv.org/abs/1607.06450>) of `dropped(x) + residual`, row by row.
    fn add_norm(
        x: &[f32],
        residual: &[f32],
        scale: &[f32],
        shift: &[f32],
        epsilon: f32,
        dropped: Dropped,
        out: &mut [f32],
    ) = add_norm_body
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a kernel: sizes and slices")]
fn add_norm_body<const FMA: bool>(
    x: &[f32],
    residual: &[f32],
    scale: &[f32],
    shift: &[f32],
    epsilon: f32,
    dropped: Dropped,
    out: &mut [f32],
) {
    let width = scale.len();
    let rows = x.chunks_exact(width).zip(residual.chunks_exact(width)).zip(out.chunks_exact_mut(width));
    for (row, ((x, residual), out)) in rows.enumerate() {
        sum_dropped(x, residual, dropped, row * width, out);
        let (mean, factor) = moments::<FMA>(out, epsilon);
        for ((out, scale), shift) in out.iter_mut().zip(scale).zip(shift) {
            *out = mul_add::<FMA>((*out - mean) * factor, *scale, *shift);
        }
    }
}

#[inline(always)]
fn sum_dropped(x: &[f32], residual: &[f32], dropped: Dropped, first: usize, out: &mut [f32]) {
    if dropped.is_none() {
        for ((out, x), residual) in out.iter_mut().zip(x).zip(residual) {
            *out = *x + *residual;
        }
    } else {
        for (place, ((out, x), residual)) in out.iter_mut().zip(x).zip(residual).enumerate() {
            *out = *x * dropped.factor_at((first + place) as u32) + *residual;
        }
    }
}

kernel! {
    /// The way back of [`add_norm`]: writes the gradients of `x` and of the residual, adds those of scale and shift.
    fn add_norm_backward(
        x: &[f32],
        residual: &[f32],
        scale: &[f32],
        epsilon: f32,
        dropped: Dropped,
        gradient: &[f32],
        x_gradient: &mut [f32],
        residual_gradient: &mut [f32],
        scale_gradient: &mut [f32],
        shift_gradient: &mut [f32],
    ) = add_norm_backward_body
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a kernel: sizes and slices")]
fn add_norm_backward_body<const FMA: bool>(
    x: &[f32],
    residual: &[f32],
    scale: &[f32],
    epsilon: f32,
    dropped: Dropped,
    gradient: &[f32],
    x_gradient: &mut [f32],
    residual_gradient: &mut [f32],
    scale_gradient: &mut [f32],
    shift_gradient: &mut [f32],
) {
    let width = scale.len();
    let rows = x.chunks_exact(width).zip(residual.chunks_exact(width)).zip(gradient.chunks_exact(width));
    let outs = x_gradient.chunks_exact_mut(width).zip(residual_gradient.chunks_exact_mut(width));
    for (row, (((x, residual), gradient), (x_gradient, residual_gradient))) in rows.zip(outs).enumerate() {
        // `x_gradient` holds the normalised row until its own turn comes.
        sum_dropped(x, residual, dropped, row * width, x_gradient);
        let (mean, factor) = moments::<FMA>(x_gradient, epsilon);
        for value in x_gradient.iter_mut() {
            *value = (*value - mean) * factor;
        }
        let normal = &*x_gradient;
        for ((to, gradient), normal) in scale_gradient.iter_mut().zip(gradient).zip(normal) {
            *to = mul_add::<FMA>(*gradient, *normal, *to);
        }
        for (to, gradient) in shift_gradient.iter_mut().zip(gradient) {
            *to += *gradient;
        }
        let (sum, product) = scaled_sums::<FMA>(gradient, scale, normal);
        let (sum, product) = (sum / width as f32, product / width as f32);
        for (((to, gradient), scale), normal) in residual_gradient.iter_mut().zip(gradient).zip(scale).zip(normal) {
            *to = factor * (gradient * scale - sum - normal * product);
        }
        if dropped.is_none() {
            x_gradient.copy_from_slice(residual_gradient);
        } else {
            for (place, (to, from)) in x_gradient.iter_mut().zip(residual_gradient.iter()).enumerate() {
                *to = *from * dropped.factor_at((row * width + place) as u32);
            }
        }
    }
}

/// The sums of `gradient * scale` and of `gradient * scale * normal`.
#[inline(always)]
fn scaled_sums<const FMA: bool>(gradient: &[f32], scale: &[f32], normal: &[f32]) -> (f32, f32) {
    let (mut sums, mut products) = ([0.0f32; LANES], [0.0f32; LANES]);
    let ((gradients, g_rest), (scales, s_rest), (normals, n_rest)) =
        (gradient.as_chunks::<LANES>(), scale.as_chunks::<LANES>(), normal.as_chunks::<LANES>());
    for ((gradient, scale), normal) in gradients.iter().zip(scales).zip(normals) {
        for lane in 0..LANES {
            let scaled = gradient[lane] * scale[lane];
            sums[lane] += scaled;
            products[lane] = mul_add::<FMA>(scaled, normal[lane], products[lane]);
        }
    }
    let (mut sum, mut product) = (sum_lanes(sums), sum_lanes(products));
    for ((gradient, scale), normal) in g_rest.iter().zip(s_rest).zip(n_rest) {
        sum += gradient * scale;
        product += gradient * scale * normal;
    }
    (sum, product)
}

kernel! {
    /// Softmax of `factor * row` for each row of `width`, in place. When `causal`, row number i sees its first i + 1
    /// scores only, and the others become exactly 0.
    fn softmax(scores: &mut [f32], width: usize, factor: f32, causal: bool) = softmax_body
}

#[inline(always)]
fn softmax_body<const FMA: bool>(scores: &mut [f32], width: usize, factor: f32, causal: bool) {
    for (index, row) in scores.chunks_exact_mut(width).enumerate() {
        let (row, hidden) = row.split_at_mut(if causal { (index + 1).min(width) } else { width });
        hidden.fill(0.0);
        let (chunks, rest) = row.as_chunks::<LANES>();
        let mut peaks = [f32::NEG_INFINITY; LANES];
        for chunk in chunks {
            for (peak, score) in peaks.iter_mut().zip(chunk) {
                *peak = if *score > *peak { *score } else { *peak };
            }
        }
        let peak = peaks.iter().chain(rest).fold(f32::NEG_INFINITY, |peak, score| peak.max(*score));
        for score in row.iter_mut() {
            *score = exp::<FMA>((*score - peak) * factor);
        }
        let (chunks, rest) = row.as_chunks::<LANES>();
        let mut lanes = [0.0f32; LANES];
        for chunk in chunks {
            for (lane, score) in lanes.iter_mut().zip(chunk) {
                *lane += *score;
            }
        }
        let scale = 1.0 / (sum_lanes(lanes) + rest.iter().sum::<f32>());
        for score in row.iter_mut() {
            *score *= scale;
        }
    }
}

kernel! {
    /// The way back of [`softmax`], in place: `gradient` of the probabilities becomes that of the scores. When `causal`,
    /// those of hidden scores become exactly 0.
    fn softmax_backward(probabilities: &[f32], gradient: &mut [f32], width: usize, factor: f32, causal: bool) =
        softmax_backward_body
}

#[inline(always)]
fn softmax_backward_body<const FMA: bool>(
    probabilities: &[f32],
    gradient: &mut [f32],
    width: usize,
    factor: f32,
    causal: bool,
) {
    let rows = probabilities.chunks_exact(width).zip(gradient.chunks_exact_mut(width));
    for (index, (probabilities, gradient)) in rows.enumerate() {
        let visible = if causal { (index + 1).min(width) } else { width };
        let (gradient, hidden) = gradient.split_at_mut(visible);
        hidden.fill(0.0);
        let probabilities = &probabilities[..visible];
        let mut lanes = [0.0f32; LANES];
        let ((p, p_rest), (g, g_rest)) = (probabilities.as_chunks::<LANES>(), gradient.as_chunks::<LANES>());
        for (p, g) in p.iter().zip(g) {
            for lane in 0..LANES {
                lanes[lane] = mul_add::<FMA>(p[lane], g[lane], lanes[lane]);
            }
        }
        let sum = sum_lanes(lanes) + p_rest.iter().zip(g_rest).map(|(p, g)| p * g).sum::<f32>();
        for (p, g) in probabilities.iter().zip(gradient) {
            *g = factor * p * (*g - sum);
        }
    }
}

kernel! {
    /// `to += from`.
    fn add(to: &mut [f32], from: &[f32]) = add_body
}

#[inline(always)]
fn add_body<const FMA: bool>(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}

kernel! {
    /// Adds each row of `rows` to `to`.
    fn add_rows(to: &mut [f32], rows: &[f32]) = add_rows_body
}

#[inline(always)]
fn add_rows_body<const FMA: bool>(to: &mut [f32], rows: &[f32]) {
    for row in rows.chunks_exact(to.len()) {
        for (to, from) in to.iter_mut().zip(row) {
            *to += *from;
        }
    }
}

kernel! {
    /// Adds the sum of the squares to `total`.
    fn sum_of_squares(values: &[f32], total: &mut f64) = sum_of_squares_body
}

#[inline(always)]
fn sum_of_squares_body<const FMA: bool>(values: &[f32], total: &mut f64) {
    // Short runs in f32, their sums in f64: fast, and no worse for a long tensor.
    for run in values.chunks(4096) {
        let (chunks, rest) = run.as_chunks::<LANES>();
        let mut lanes = [0.0f32; LANES];
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane = mul_add::<FMA>(*value, *value, *lane);
            }
        }
        *total += f64::from(sum_lanes(lanes) + rest.iter().map(|value| value * value).sum::<f32>());
    }
}

/// The constants of one step of AdamW.
#[derive(Debug, Clone, Copy)]
pub struct AdamStep {
    /// The gradient is multiplied by it first (clipping).
    pub gradient_factor: f32,
    /// The learning rate.
    pub rate: f32,
    /// `1 - rate * weight decay`.
    pub keep: f32,
    /// The decay of the first moment.
    pub beta1: f32,
    /// The decay of the second moment.
    pub beta2: f32,
    /// `1 / (1 - beta1^t)`.
    pub correction1: f32,
    /// `1 / (1 - beta2^t)`.
    pub correction2: f32,
    /// What keeps the denominator from 0.
    pub epsilon: f32,
}

kernel! {
    /// One step of AdamW (<https://arxiv.org/abs/1711.05101>, algorithm 2).
    fn adam_step(weights: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], step: AdamStep) =
        adam_step_body
}

#[inline(always)]
fn adam_step_body<const FMA: bool>(
    weights: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    step: AdamStep,
) {
    for (((weight, gradient), first), second) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
        let gradient = gradient * step.gradient_factor;
        *first = step.beta1 * *first + (1.0 - step.beta1) * gradient;
        *second = step.beta2 * *second + (1.0 - step.beta2) * (gradient * gradient);
        let towards = *first * step.correction1 / ((*second * step.correction2).sqrt() + step.epsilon);
        *weight = *weight * step.keep - step.rate * towards;
    }
}

#[cfg(test)]
mod tests {
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

    proptest! {
        #[test]
        fn softmax_is_a_distribution_and_leaves_the_rest_alone(scores in prop::collection::vec(-80.0f32..80.0, 1..70), hidden in 0usize..9) {
            let mut got = scores.clone();
            got.extend(vec![7.0; hidden]);
            softmax(&mut got[..scores.len()], scores.len(), 1.0, false);
            let peak = scores.iter().copied().fold(f32::MIN, f32::max);
            let sum: f64 = scores.iter().map(|s| f64::from(s - peak).exp()).sum();
            for (got, score) in got.iter().zip(&scores) {
                prop_assert!((f64::from(*got) - f64::from(score - peak).exp() / sum).abs() < 1e-6);
            }
            prop_assert!(got[scores.len()..].iter().all(|score| *score == 7.0));
        }
    }
}
