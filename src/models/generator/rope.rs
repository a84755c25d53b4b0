//! The angles by which rotary positions turn each pair of dimensions (<https://arxiv.org/abs/2104.09864>), for
//! inference and for training.
//!
//! May depend on `config`.

use super::config::LlamaConfig;

/// The cosines and sines of positions `0..window`: for each position those of all pairs of a head. `factors` say how
/// much slower each pair turns.
pub(super) fn angles(config: &LlamaConfig, factors: &[f32], window: usize) -> (Vec<f32>, Vec<f32>) {
    let angle = |position: usize, pair: usize| {
        let exponent = -2.0 * pair as f64 / config.head_dim as f64;
        position as f64 * f64::from(config.rope_base).powf(exponent) / f64::from(factors[pair])
    };
    let half = config.head_dim / 2;
    let angles = || (0..window).flat_map(|position| (0..half).map(move |pair| angle(position, pair)));
    (angles().map(|angle| angle.cos() as f32).collect(), angles().map(|angle| angle.sin() as f32).collect())
}
