//! A weight matrix of the forward pass, with or without an adapter.
//!
//! May depend on `packed`, `product`, `dense`, `beside`, `adapter` and candle's quantized tensors.

use candle_core::{Device, quantized::QTensor};

use super::{
    GeneratorError,
    adapter::AdapterMode,
    beside::{Beside, add_beside},
    dense::DenseMatrix,
    packed::{Changed, PackedMatrix, Part},
    product::add_times_rows,
};
use crate::models::adapter::LowRank;

/// A matrix of `outputs` x `inputs`: perhaps several of the file, one below the other.
pub(super) struct Matrix {
    base: Base,
    beside: Vec<Beside>,
}

enum Base {
    Packed(PackedMatrix),
    Dense(DenseMatrix),
}

/// Which product is used. Not chosen by the number of rows: a prompt that leaves one token for its last chunk must
/// be read the same way whenever it is read.
#[derive(Clone, Copy)]
pub(super) enum Product {
    /// Of parts of prompts.
    Rows,
    /// Of tokens that are generated, with those that are guessed to follow them. Each gets the bits that it gets alone.
    Vectors,
}

impl Matrix {
    /// Makes a matrix of tensors that share their input, one below the other, and of the adapter's pairs for them.
    pub fn new(stacked: Vec<(QTensor, Option<LowRank>)>, mode: AdapterMode) -> Result<Self, GeneratorError> {
        if mode == AdapterMode::MergedDense && stacked.iter().any(|(_, pair)| pair.is_some()) {
            let (mut rows, mut inputs) = (Vec::new(), 0);
            for (tensor, pair) in &stacked {
                let part = merged(tensor, pair.as_ref())?;
                rows.extend(part.weights);
                inputs = part.inputs;
            }
            return Ok(Self { base: Base::Dense(DenseMatrix::of_rows(&rows, inputs)), beside: Vec::new() });
        }
        let (mut parts, mut beside, mut first_output) = (Vec::new(), Vec::new(), 0);
        for (tensor, pair) in stacked {
            let part = match pair {
                Some(pair) if mode == AdapterMode::Merged => Part::Changed(merged(&tensor, Some(&pair))?),
                pair => {
                    beside.extend(pair.map(|pair| Beside::new(first_output, &pair)));
                    Part::Stored(tensor)
                }
            };
            first_output += part.outputs();
            parts.push(part);
        }
        Ok(Self { base: Base::Packed(PackedMatrix::pack(&parts)?), beside })
    }

    /// `out += x * transposed(self)` for each row of `x`.
    pub fn add_product(&self, x: &[f32], product: Product, out: &mut [f32]) {
        let (inputs, outputs) = match &self.base {
            Base::Packed(packed) => (packed.inputs, packed.outputs),
            Base::Dense(dense) => (dense.inputs, dense.outputs),
        };
        match (&self.base, product) {
            (Base::Packed(packed), Product::Rows) => add_times_rows(x, packed, out),
            (Base::Packed(packed), Product::Vectors) => packed.add_times_vectors(x, out),
            (Base::Dense(dense), Product::Rows) => dense.add_times(x, out),
            (Base::Dense(dense), Product::Vectors) => {
                x.chunks_exact(inputs).zip(out.chunks_exact_mut(outputs)).for_each(|(x, out)| dense.add_times(x, out));
            }
        }
        if !self.beside.is_empty() {
            let together = match product {
                Product::Rows => x.len() / inputs,
                Product::Vectors => 1,
            };
            for (x, out) in x.chunks(together * inputs).zip(out.chunks_mut(together * outputs)) {
                add_beside(&self.beside, x, inputs, out, outputs);
            }
        }
    }
}

/// A tensor as floats, with its pair added.
fn merged(tensor: &QTensor, pair: Option<&LowRank>) -> Result<Changed, GeneratorError> {
    let failed = |error: candle_core::Error| GeneratorError::Load(error.to_string());
    let (outputs, inputs) = tensor.shape().dims2().map_err(failed)?;
    let dense = tensor.dequantize(&Device::Cpu).and_then(|dense| dense.flatten_all()?.to_vec1());
    let mut weights: Vec<f32> = dense.map_err(failed)?;
    if let Some(pair) = pair {
        pair.add_to(&mut weights).map_err(|error| GeneratorError::Load(error.to_string()))?;
    }
    Ok(Changed { outputs, inputs, weights })
}
