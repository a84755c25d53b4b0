//! The models: where their files come from, and what runs them.
//!
//! `catalog` names the files, `weights` fetches and checks them; `embedder` turns text into dense vectors, `lexical` into
//! BM25 terms; `encoder` reads passages, on the operations of `fused`; `generator` writes drafts; `adapter` is what
//! training may add to either, `cores` is what they share, `shipped` holds those that travel in the binary, and `slot` is where what serves can be
//! replaced. May depend on `domain`, and on `vector_store` for the shape of a sparse vector. No vendor type leaves the
//! `mod.rs` of a model.

pub mod adapter;
pub mod catalog;
pub mod cores;
pub mod embedder;
pub mod encoder;
pub mod fused;
pub mod generator;
pub mod lexical;
pub mod shipped;
pub mod slot;
pub mod weights;

use std::path::{Path, PathBuf};

use catalog::{Catalog, CatalogError, DEFAULT_EMBEDDER, DEFAULT_GENERATOR, ONNX_RUNTIME};
use weights::{ModelCache, WeightsError};

/// Where the files of the embedder lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderFiles {
    /// The directory of the model.
    pub embedder: PathBuf,
    /// The shared library of ONNX Runtime.
    pub runtime: PathBuf,
}

/// Why the files of a model were not found.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// The catalogue has no such artefact for this platform.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The files are not in the cache.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl LocateError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Weights(error) if error.is_transient())
    }
}

/// Finds the folder of one artefact in the cache; what is missing is an error that names the command.
pub fn locate_one(models_dir: &Path, name: &str) -> Result<PathBuf, LocateError> {
    Ok(ModelCache::new(models_dir.to_owned()).locate(Catalog::builtin().artefact(name)?)?)
}

/// Finds the generator that is fetched in the cache: a GGUF file. When it is missing, the error names the command.
pub fn locate_generator(models_dir: &Path) -> Result<PathBuf, LocateError> {
    single_file(&ModelCache::new(models_dir.to_owned()), &Catalog::builtin(), DEFAULT_GENERATOR)
}

fn single_file(cache: &ModelCache, catalog: &Catalog, name: &str) -> Result<PathBuf, LocateError> {
    let artefact = catalog.artefact(name)?;
    let dir = cache.locate(artefact)?;
    Ok(artefact.files.first().map_or(dir.clone(), |file| dir.join(&file.name)))
}

/// Finds the embedder in the cache. Never looks at the network: what is missing is an error that names the command.
pub fn locate_embedder(models_dir: &Path) -> Result<EmbedderFiles, LocateError> {
    let (cache, catalog) = (ModelCache::new(models_dir.to_owned()), Catalog::builtin());
    Ok(EmbedderFiles {
        embedder: cache.locate(catalog.artefact(DEFAULT_EMBEDDER)?)?,
        runtime: single_file(&cache, &catalog, ONNX_RUNTIME)?,
    })
}
