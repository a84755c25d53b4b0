//! A weight matrix in eight bits a weight, in the one layout that serves both kinds of product.
//!
//! `weight = scale * code + floor`, with a scale and a floor for each block of 32 inputs of an output, so that
//! Q4_0, Q4_1 and Q8_0 weights are held exactly as the file has them; other types are rounded to 255 steps between
//! the smallest and the largest weight of a block. 32 outputs lie side by side in a panel: a product with one
//! vector reads the codes once, in order, with a vector register across outputs, and a product with many rows
//! unpacks a few panels at a time into a buffer that stays in the cache (`product`). The dense matrix never exists:
//! 1.25 bytes a weight instead of 4.
//!
//! May depend on candle's quantized tensors, `kernels` and rayon.

use std::{borrow::Cow, ops::Range};

use candle_core::{
    Device,
    quantized::{GgmlDType, QTensor},
};
use half::f16;
use rayon::prelude::*;

use super::GeneratorError;
use crate::models::fused::kernels::{self, BLOCK, CODES, OUTPUTS, VECTORS};

/// A matrix to pack.
pub(super) enum Part {
    /// As a file has it.
    Stored(QTensor),
    /// Changed after it was read.
    Changed(Changed),
}

/// A matrix of floats: rows of `inputs`, one for each output.
pub(super) struct Changed {
    pub outputs: usize,
    pub inputs: usize,
    pub weights: Vec<f32>,
}

impl Part {
    /// How many outputs it has.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Stored(tensor) => tensor.shape().dims().first().copied().unwrap_or(0),
            Self::Changed(changed) => changed.outputs,
        }
    }
}

/// A matrix of `outputs` x `inputs` weights.
pub(super) struct PackedMatrix {
    pub outputs: usize,
    pub inputs: usize,
    codes: Vec<u8>,
    scales: Vec<f32>,
    floors: Vec<f32>,
}

impl PackedMatrix {
    /// Packs matrices that share their input, one below the other.
    pub fn pack(parts: &[Part]) -> Result<Self, GeneratorError> {
        let stacked = parts.iter().map(Source::of).collect::<Result<Vec<_>, _>>()?;
        let inputs = stacked.first().map_or(0, |source| source.inputs);
        if inputs == 0 || !inputs.is_multiple_of(BLOCK) || stacked.iter().any(|source| source.inputs != inputs) {
            return Err(GeneratorError::Load(format!(
                "a matrix has {inputs} inputs, which is not a multiple of {BLOCK}"
            )));
        }
        let rows: Vec<(&Source<'_>, usize)> =
            stacked.iter().flat_map(|source| (0..source.outputs).map(move |row| (source, row))).collect();
        let (blocks, panels) = (inputs / BLOCK, rows.len().div_ceil(OUTPUTS));
        let mut packed = Self {
            outputs: rows.len(),
            inputs,
            codes: vec![0; panels * blocks * CODES],
            scales: vec![0.0; panels * blocks * OUTPUTS],
            floors: vec![0.0; panels * blocks * OUTPUTS],
        };
        let panels = packed
            .codes
            .par_chunks_exact_mut(blocks * CODES)
            .zip(packed.scales.par_chunks_exact_mut(blocks * OUTPUTS))
            .zip(packed.floors.par_chunks_exact_mut(blocks * OUTPUTS));
        panels.zip(rows.par_chunks(OUTPUTS)).for_each(|(((codes, scales), floors), rows)| {
            for (lane, (source, row)) in rows.iter().enumerate() {
                for block in 0..blocks {
                    let (scale, floor, block_codes) = source.block(row * blocks + block);
                    scales[block * OUTPUTS + lane] = scale;
                    floors[block * OUTPUTS + lane] = floor;
                    for (k, code) in block_codes.into_iter().enumerate() {
                        codes[block * CODES + k * OUTPUTS + lane] = code;
                    }
                }
            }
        });
        // A floor or scale that is not finite would turn every later answer into noise.
        if packed.scales.iter().chain(&packed.floors).any(|value| !value.is_finite()) {
            return Err(GeneratorError::Load("a weight is not a finite number: the file is damaged".into()));
        }
        Ok(packed)
    }

    fn blocks(&self) -> usize {
        self.inputs / BLOCK
    }

    /// How many panels there are; the last may be padded with zeros.
    pub fn panels(&self) -> usize {
        self.outputs.div_ceil(OUTPUTS)
    }

    /// The weights of one output.
    pub fn row(&self, output: usize, out: &mut [f32]) {
        let (first, lane) = (output / OUTPUTS * self.blocks(), output % OUTPUTS);
        for (block, out) in out.chunks_exact_mut(BLOCK).enumerate() {
            let scale = self.scales[(first + block) * OUTPUTS + lane];
            let floor = self.floors[(first + block) * OUTPUTS + lane];
            for (k, out) in out.iter_mut().enumerate() {
                *out = scale * f32::from(self.codes[(first + block) * CODES + k * OUTPUTS + lane]) + floor;
            }
        }
    }

    /// `y += self * x` for each of a few vectors, the panels divided among the threads of the current pool. Bound by
    /// memory, so the codes are read once for all vectors and never written out; the result for one vector has the same
    /// bits whatever stands beside it.
    pub fn add_times_vectors(&self, x: &[f32], y: &mut [f32]) {
        let vectors = x.len() / self.inputs;
        assert!(
            x.len() == vectors * self.inputs && y.len() == vectors * self.outputs,
            "vectors and matrix differ in size"
        );
        let sums: Vec<f32> = x.chunks_exact(BLOCK).map(|block| block.iter().sum()).collect();
        let (blocks, panels) = (self.blocks(), self.panels());
        // Panel by panel the outputs of all vectors, so that each thread has a part of its own.
        let mut products = vec![0.0; panels * vectors * OUTPUTS];
        let share = panels.div_ceil(rayon::current_num_threads());
        products.par_chunks_mut(share * vectors * OUTPUTS).enumerate().for_each(|(part, products)| {
            for (panel, products) in products.chunks_exact_mut(vectors * OUTPUTS).enumerate() {
                let first = (part * share + panel) * blocks;
                let together = products
                    .chunks_mut(VECTORS * OUTPUTS)
                    .zip(x.chunks(VECTORS * self.inputs).zip(sums.chunks(VECTORS * blocks)));
                for (products, (x, sums)) in together {
                    kernels::panel_times_vectors(
                        &self.codes[first * CODES..(first + blocks) * CODES],
                        &self.scales[first * OUTPUTS..(first + blocks) * OUTPUTS],
                        &self.floors[first * OUTPUTS..(first + blocks) * OUTPUTS],
                        x,
                        sums,
                        products,
                    );
                }
            }
        });
        for (panel, products) in products.chunks_exact(vectors * OUTPUTS).enumerate() {
            for (products, y) in products.chunks_exact(OUTPUTS).zip(y.chunks_exact_mut(self.outputs)) {
                for (y, product) in y[panel * OUTPUTS..].iter_mut().zip(products) {
                    *y += product;
                }
            }
        }
    }

    /// Writes the weights of some panels and blocks as floats: one row for each input, `stride` floats apart, with
    /// the outputs side by side.
    pub fn unpack(&self, panels: Range<usize>, blocks: Range<usize>, out: &mut [f32], stride: usize) {
        for (column, panel) in panels.enumerate() {
            for (step, block) in blocks.clone().enumerate() {
                let at = panel * self.blocks() + block;
                kernels::unpack_block(
                    &self.codes[at * CODES..(at + 1) * CODES],
                    &self.scales[at * OUTPUTS..(at + 1) * OUTPUTS],
                    &self.floors[at * OUTPUTS..(at + 1) * OUTPUTS],
                    &mut out[step * BLOCK * stride + column * OUTPUTS..],
                    stride,
                );
            }
        }
    }
}

/// Where the blocks of a matrix come from. Block layouts:
/// <https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h>.
struct Source<'a> {
    outputs: usize,
    inputs: usize,
    blocks: Blocks<'a>,
}

enum Blocks<'a> {
    Q4_0(Cow<'a, [u8]>),
    Q4_1(Cow<'a, [u8]>),
    Q8_0(Cow<'a, [u8]>),
    Dense(Cow<'a, [f32]>),
}

impl<'a> Source<'a> {
    fn of(part: &'a Part) -> Result<Self, GeneratorError> {
        let tensor = match part {
            Part::Stored(tensor) => tensor,
            Part::Changed(Changed { outputs, inputs, weights }) => {
                return Ok(Self { outputs: *outputs, inputs: *inputs, blocks: Blocks::Dense(weights.into()) });
            }
        };
        let failed = |error: candle_core::Error| GeneratorError::Load(error.to_string());
        let (outputs, inputs) = tensor.shape().dims2().map_err(failed)?;
        let blocks = match tensor.dtype() {
            GgmlDType::Q4_0 => Blocks::Q4_0(tensor.data().map_err(failed)?),
            GgmlDType::Q4_1 => Blocks::Q4_1(tensor.data().map_err(failed)?),
            GgmlDType::Q8_0 => Blocks::Q8_0(tensor.data().map_err(failed)?),
            _ => {
                let dense = tensor.dequantize(&Device::Cpu).and_then(|dense| dense.flatten_all()?.to_vec1());
                Blocks::Dense(Cow::Owned(dense.map_err(failed)?))
            }
        };
        Ok(Self { outputs, inputs, blocks })
    }

    /// Scale, floor and codes of a block, counted over the whole matrix.
    fn block(&self, index: usize) -> (f32, f32, [u8; BLOCK]) {
        let half_at = |bytes: &[u8], at: usize| f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32();
        let nibbles = |bytes: &[u8]| {
            std::array::from_fn(|k| if k < BLOCK / 2 { bytes[k] & 15 } else { bytes[k - BLOCK / 2] >> 4 })
        };
        match &self.blocks {
            Blocks::Q4_0(bytes) => {
                let bytes = &bytes[index * 18..(index + 1) * 18];
                let scale = half_at(bytes, 0);
                (scale, -8.0 * scale, nibbles(&bytes[2..]))
            }
            Blocks::Q4_1(bytes) => {
                let bytes = &bytes[index * 20..(index + 1) * 20];
                (half_at(bytes, 0), half_at(bytes, 2), nibbles(&bytes[4..]))
            }
            Blocks::Q8_0(bytes) => {
                let bytes = &bytes[index * 34..(index + 1) * 34];
                let scale = half_at(bytes, 0);
                // A signed byte with its sign bit flipped is the same number plus 128.
                (scale, -128.0 * scale, std::array::from_fn(|k| bytes[2 + k] ^ 0x80))
            }
            Blocks::Dense(weights) => {
                let weights = &weights[index * BLOCK..(index + 1) * BLOCK];
                let low = weights.iter().copied().fold(f32::INFINITY, f32::min);
                let high = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let scale = (high - low) / 255.0;
                let code = |weight: f32| if scale > 0.0 { ((weight - low) / scale).round() as u8 } else { 0 };
                // `min` passes over NaN: let it through so that the caller sees it.
                let floor = if weights.iter().any(|weight| weight.is_nan()) { f32::NAN } else { low };
                (scale, floor, std::array::from_fn(|k| code(weights[k])))
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use candle_core::Tensor;

    use super::*;
    use crate::models::generator::tiny::Noise;

    pub fn quantized(outputs: usize, inputs: usize, seed: u64, dtype: GgmlDType) -> Part {
        let weights = Noise(seed).floats(outputs * inputs, 0.1);
        let dense = Tensor::from_vec(weights, (outputs, inputs), &Device::Cpu).unwrap();
        Part::Stored(QTensor::quantize(&dense, dtype).unwrap())
    }

    fn dense(part: &Part) -> Vec<Vec<f32>> {
        let Part::Stored(tensor) = part else { panic!("not stored") };
        tensor.dequantize(&Device::Cpu).unwrap().to_vec2().unwrap()
    }

    #[test]
    fn quantized_files_are_held_exactly_and_dense_ones_nearly() {
        for dtype in [GgmlDType::Q4_0, GgmlDType::Q4_1, GgmlDType::Q8_0, GgmlDType::F32, GgmlDType::F16] {
            // 41 outputs: the last panel is padded.
            let tensor = quantized(41, 96, 7, dtype);
            let packed = PackedMatrix::pack(std::slice::from_ref(&tensor)).unwrap();
            let tolerance = if matches!(dtype, GgmlDType::F32 | GgmlDType::F16) { 0.2 / 255.0 } else { 1e-6 };
            for (output, right) in dense(&tensor).into_iter().enumerate() {
                let mut row = vec![0.0; 96];
                packed.row(output, &mut row);
                for (got, right) in row.iter().zip(right) {
                    assert!((got - right).abs() <= tolerance, "{dtype:?} {output}: {got} {right}");
                }
            }
        }
    }

    #[test]
    fn stacked_matrices_multiply_and_unpack_as_one() {
        let tensors = [quantized(40, 64, 1, GgmlDType::Q4_1), quantized(24, 64, 2, GgmlDType::Q8_0)];
        let packed = PackedMatrix::pack(&tensors).unwrap();
        let rows: Vec<Vec<f32>> = tensors.iter().flat_map(dense).collect();
        let x = Noise(3).floats(64, 1.0);
        let mut y = vec![1.0; 64];
        packed.add_times_vectors(&x, &mut y);
        let mut unpacked = vec![0.0; 64 * 64];
        packed.unpack(0..2, 0..2, &mut unpacked, 64);
        for (output, row) in rows.iter().enumerate() {
            let right: f32 = row.iter().zip(&x).map(|(w, x)| w * x).sum();
            assert!((y[output] - 1.0 - right).abs() < 1e-4, "{output}: {} {right}", y[output]);
            for (input, weight) in row.iter().enumerate() {
                assert!((unpacked[input * 64 + output] - weight).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_weight_that_is_not_a_number_is_refused() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut weights = Noise(1).floats(32 * 32, 0.1);
            weights[77] = bad;
            let dense = Tensor::from_vec(weights, (32, 32), &Device::Cpu).unwrap();
            let tensor = QTensor::quantize(&dense, GgmlDType::F32).unwrap();
            assert!(matches!(PackedMatrix::pack(&[Part::Stored(tensor)]), Err(GeneratorError::Load(_))));
        }
    }
}
