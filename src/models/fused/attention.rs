//! Multi-head attention over packed sequences as one operation (<https://arxiv.org/abs/1706.03762>), also causal and
//! with groups of query heads that share a key/value head (<https://arxiv.org/abs/2305.13245>).
//!
//! Each sequence attends to itself only. Every product reads and writes the heads in place, with strides. When it is
//! causal, the rows are taken in blocks that skip the keys behind them, which saves almost half of a long sequence. The
//! probabilities are kept for the way back when there is one: to compute them again would cost more than to read them.
//! May depend on `kernels` and `product`.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{
    kernels, made, numbers,
    product::{Into, View, multiply},
    tensor, with_numbers,
};

/// The rows of a causal block.
const BLOCK: usize = 128;

/// How the columns of the input are divided, and who sees what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Heads of the queries.
    pub queries: usize,
    /// Heads of the keys and of the values; divides `queries`.
    pub keys: usize,
    /// The numbers of one head.
    pub depth: usize,
    /// Whether a token sees only itself and what comes before it.
    pub causal: bool,
}

impl Heads {
    fn width(&self) -> usize {
        (self.queries + 2 * self.keys) * self.depth
    }

    fn out_width(&self) -> usize {
        self.queries * self.depth
    }

    fn factor(&self) -> f32 {
        1.0 / (self.depth as f32).sqrt()
    }

    /// The first columns of a head's query, key and value.
    fn columns(&self, head: usize) -> (usize, usize, usize) {
        let shared = head / (self.queries / self.keys);
        let key = (self.queries + shared) * self.depth;
        (head * self.depth, key, key + self.keys * self.depth)
    }

    /// The rows of a sequence in blocks, each with the number of keys, from the first on, that any of its rows sees.
    fn blocks(&self, length: usize) -> impl Iterator<Item = (Range<usize>, usize)> + use<> {
        let step = if self.causal { BLOCK } else { length.max(1) };
        (0..length).step_by(step).map(move |start| {
            let end = (start + step).min(length);
            (start..end, end)
        })
    }
}

/// What each token of `qkv` `[rows, (queries + 2 keys) * depth]` attends to, `[rows, queries * depth]`. The rows are
/// sequences of the given `lengths`, one behind the other.
pub fn attention(qkv: &Tensor, lengths: &Arc<[usize]>, heads: Heads) -> Result<Tensor> {
    let (rows, width) = qkv.dims2()?;
    if width != heads.width() || rows != lengths.iter().sum::<usize>() || !heads.queries.is_multiple_of(heads.keys) {
        bail!("attention got {:?} for {heads:?} and sequences of {lengths:?}", qkv.shape());
    }
    let kept = qkv.track_op().then(OnceLock::new);
    qkv.apply_op1(Attention { lengths: lengths.clone(), heads, kept })
}

struct Attention {
    lengths: Arc<[usize]>,
    heads: Heads,
    /// The probabilities, sequence by sequence and head by head.
    kept: Option<OnceLock<Vec<f32>>>,
}

impl Attention {
    fn probabilities(&self) -> usize {
        self.lengths.iter().map(|length| length * length).sum::<usize>() * self.heads.queries
    }

    /// The first row of each sequence, and its length.
    fn sequences(&self) -> impl Iterator<Item = (usize, usize)> {
        self.lengths.iter().scan(0, |next, length| {
            let first = *next;
            *next += length;
            Some((first, *length))
        })
    }

    fn forward(&self, qkv: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let Heads { queries, depth, causal, .. } = self.heads;
        let (width, out_width) = (self.heads.width(), self.heads.out_width());
        let mut out = vec![0.0; qkv.len() / width * out_width];
        let longest = self.lengths.iter().max().map_or(0, |longest| longest * longest);
        let mut all = vec![0.0; if self.kept.is_some() { self.probabilities() } else { longest }];
        let mut begin = 0;
        for (first, length) in self.sequences() {
            for head in 0..queries {
                let (query, key, value) = self.heads.columns(head);
                let part = |column: usize, rows: Range<usize>| {
                    View::rows(&qkv[(first + rows.start) * width + column..], rows.len(), depth, width)
                };
                let scores = &mut all[begin..begin + length * length];
                for (rows, seen) in self.heads.blocks(length) {
                    let (queries, keys) = (part(query, rows.clone()), part(key, 0..seen));
                    let scores = &mut scores[rows.start * length..];
                    multiply(queries, keys.transposed(), 1.0, Into::Overwrite, scores, length);
                }
                kernels::softmax(scores, length, self.heads.factor(), causal);
                for (rows, seen) in self.heads.blocks(length) {
                    let scores = View::rows(&scores[rows.start * length..], rows.len(), seen, length);
                    let out = &mut out[(first + rows.start) * out_width + query..];
                    multiply(scores, part(value, 0..seen), 1.0, Into::Overwrite, out, out_width);
                }
                begin += if self.kept.is_some() { length * length } else { 0 };
            }
        }
        (out, all)
    }

    fn backward(&self, qkv: &[f32], probabilities: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Heads { queries, depth, causal, .. } = self.heads;
        let (width, out_width) = (self.heads.width(), self.heads.out_width());
        let mut out = vec![0.0; qkv.len()];
        let longest = self.lengths.iter().max().map_or(0, |longest| longest * longest);
        let mut scores = vec![0.0; longest];
        let mut begin = 0;
        for (first, length) in self.sequences() {
            let scores = &mut scores[..length * length];
            for head in 0..queries {
                let (query, key, value) = self.heads.columns(head);
                let part = |column: usize, rows: Range<usize>| {
                    View::rows(&qkv[(first + rows.start) * width + column..], rows.len(), depth, width)
                };
                let gradient = |rows: Range<usize>| {
                    View::rows(&gradient[(first + rows.start) * out_width + query..], rows.len(), depth, out_width)
                };
                let kept = &probabilities[begin..begin + length * length];
                begin += length * length;
                for (rows, seen) in self.heads.blocks(length) {
                    let scores = &mut scores[rows.start * length..];
                    let values = part(value, 0..seen);
                    multiply(gradient(rows), values.transposed(), 1.0, Into::Overwrite, scores, length);
                }
                kernels::softmax_backward(kept, scores, length, self.heads.factor(), causal);
                let mut add = |a: View<'_>, b: View<'_>, column: usize, row: usize| {
                    multiply(a, b, 1.0, Into::Add, &mut out[(first + row) * width + column..], width);
                };
                for (rows, seen) in self.heads.blocks(length) {
                    let of = |all| View::rows(all, rows.len(), seen, length);
                    let start = rows.start * length;
                    let (kept, scores) = (of(&kept[start..]), of(&scores[start..]));
                    add(kept.transposed(), gradient(rows.clone()), value, 0);
                    add(scores, part(key, 0..seen), query, rows.start);
                    add(scores.transposed(), part(query, rows.clone()), key, 0);
                }
            }
        }
        out
    }
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (out, probabilities) = self.forward(numbers(qkv, layout)?);
        if let Some(kept) = &self.kept {
            // Set once: an operation is applied once.
            let _ = kept.set(probabilities);
        }
        made(out, (layout.shape().dims2()?.0, self.heads.out_width()))
    }

    fn bwd(&self, qkv: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let Some(probabilities) = self.kept.as_ref().and_then(OnceLock::get) else {
            bail!("attention kept nothing for the way back");
        };
        let out = with_numbers(qkv, |qkv| {
            with_numbers(gradient, |gradient| Ok(self.backward(qkv, probabilities, gradient)))
        })?;
        tensor(out, qkv.shape()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::Device;

    use super::super::testing::{agree, variable};
    use super::*;

    /// One sequence after the other with candle's own operations.
    fn composed(qkv: &Tensor, lengths: &[usize], heads: Heads) -> Result<Tensor> {
        let mut outs = Vec::new();
        let mut first = 0;
        for length in lengths {
            let part = |from: usize, count: usize| -> Result<Tensor> {
                let part = qkv.narrow(0, first, *length)?.narrow(1, from * heads.depth, count * heads.depth)?;
                part.reshape((*length, count, heads.depth))?.transpose(0, 1)?.contiguous()
            };
            let repeat = |part: Tensor| -> Result<Tensor> {
                let group = heads.queries / heads.keys;
                let (keys, length, depth) = part.dims3()?;
                part.unsqueeze(1)?.broadcast_as((keys, group, length, depth))?.reshape((keys * group, length, depth))
            };
            let (q, k) = (part(0, heads.queries)?, repeat(part(heads.queries, heads.keys)?)?);
            let v = repeat(part(heads.queries + heads.keys, heads.keys)?)?;
            let mut scores = (q.matmul(&k.t()?.contiguous()?)? / (heads.depth as f64).sqrt())?;
            if heads.causal {
                let mask: Vec<f32> =
                    (0..length * length).map(|at| if at % length > at / length { -1e9 } else { 0.0 }).collect();
                scores = scores.broadcast_add(&Tensor::from_vec(mask, (*length, *length), &Device::Cpu)?)?;
            }
            let out = candle_nn::ops::softmax(&scores, 2)?.matmul(&v)?;
            outs.push(out.transpose(0, 1)?.reshape((*length, heads.queries * heads.depth))?);
            first += length;
        }
        Tensor::cat(&outs, 0)
    }

    #[test]
    fn values_and_gradients_are_those_of_the_composed_one() {
        // The longest of the last sequences has two full blocks and a part of one.
        for (lengths, keys, causal) in [
            (vec![3, 1, 21], 4, false),
            (vec![3, 1, 21], 4, true),
            (vec![3, 1, 21], 2, true),
            (vec![2, 2 * BLOCK + 9, 1], 2, true),
        ] {
            let heads = Heads { queries: 4, keys, depth: 8, causal };
            let qkv = variable(&[lengths.iter().sum(), heads.width()], 1);
            let lengths: Arc<[usize]> = Arc::from(lengths);
            agree(&[&qkv], |t| attention(t[0], &lengths, heads), |t| composed(t[0], &lengths, heads), 2e-5);
        }
    }

    #[test]
    fn a_sequence_does_not_see_its_neighbours() {
        let heads = Heads { queries: 2, keys: 2, depth: 4, causal: false };
        let qkv = variable(&[9, heads.width()], 1);
        let both = attention(&qkv, &Arc::from([4usize, 5]), heads).unwrap();
        let alone = attention(&qkv.narrow(0, 4, 5).unwrap(), &Arc::from([5usize]), heads).unwrap();
        assert_eq!(both.narrow(0, 4, 5).unwrap().to_vec2::<f32>().unwrap(), alone.to_vec2::<f32>().unwrap());
        assert!(attention(&qkv, &Arc::from([4usize, 4]), heads).is_err());
    }
}
