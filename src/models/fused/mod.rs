//! Operations on candle tensors that do in one pass what candle composes of many, with their gradients.
//!
//! candle's own layer norm, softmax and GELU are chains of small operations, each with a temporary as large as the
//! activations; on a CPU they cost as much as the products. Each operation here is a [`candle_core`] custom operation
//! with a hand-written way back, and is tested against the composed one. Rows are packed: sequences of different
//! lengths lie one behind the other, and only [`attention`] and the losses know where one ends, so there is no padding.
//!
//! Tensors are f32, contiguous, on the CPU. May depend on candle and gemm, and `product` on cudarc.

pub mod attention;
pub mod choice_loss;
pub mod dropout;
pub mod gelu;
pub mod linear;
pub mod lora;
pub mod loss;
pub mod norm;
pub mod product;
pub mod rms_norm;
pub mod rotary;
pub mod swiglu;
#[cfg(test)]
pub(crate) mod testing;
pub mod token_loss;

pub use footnote_kernels as kernels;

use candle_core::{CpuStorage, Device, Layout, Result, Shape, Storage, Tensor, bail};

/// The numbers of a contiguous f32 storage.
pub(super) fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("a fused operation was given a tensor that is not contiguous"),
    }
}

/// Calls `read` with the numbers of a contiguous f32 tensor on the CPU.
pub fn with_numbers<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => read(numbers(storage, layout)?),
        _ => bail!("a fused operation was given a tensor that is not on the cpu"),
    }
}

fn made(numbers: Vec<f32>, shape: impl std::convert::Into<Shape>) -> Result<(CpuStorage, Shape)> {
    Ok((CpuStorage::F32(numbers), shape.into()))
}

fn tensor(numbers: Vec<f32>, shape: &Shape) -> Result<Tensor> {
    Tensor::from_vec(numbers, shape.clone(), &Device::Cpu)
}
