//! Where a model's tensors come from: a GGUF file, or a folder as Hugging Face has it.
//!
//! Both go by the names of GGUF (<https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py>), so that
//! nothing behind this knows the difference but for the order of the dimensions of a head. May depend on candle's
//! quantized tensors and `safetensors`.

pub(super) mod folder;
mod names;
mod tokenizer_json;

use std::{fs::File, io::BufReader};

use candle_core::{
    Device,
    quantized::{QTensor, gguf_file::Content},
};

use self::folder::ModelFolder;
use super::GeneratorError;

/// The tensors of a model.
pub(super) enum TensorSource {
    /// A GGUF file.
    Gguf {
        /// What it says about itself.
        content: Content,
        /// The file.
        reader: BufReader<File>,
    },
    /// A folder with safetensors files.
    Folder(ModelFolder),
}

impl TensorSource {
    /// The shape of a tensor, if there is one of that name.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        match self {
            Self::Gguf { content, .. } => content.tensor_infos.get(name).map(|info| info.shape.dims().to_vec()),
            Self::Folder(folder) => folder.shape(name),
        }
    }

    /// The names of all tensors.
    pub fn names(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Gguf { content, .. } => Box::new(content.tensor_infos.keys().map(String::as_str)),
            Self::Folder(folder) => Box::new(folder.names()),
        }
    }

    /// Reads a tensor.
    pub fn read(&mut self, name: &str) -> Result<QTensor, GeneratorError> {
        match self {
            Self::Gguf { content, reader } => content
                .tensor(reader, name, &Device::Cpu)
                .map_err(|error| GeneratorError::Load(format!("the tensor `{name}`: {error}"))),
            Self::Folder(folder) => folder.read(name),
        }
    }
}
