//! What an index is built with: the embedder, and the chunker that is sized for it.
//!
//! May depend on `domain`, `models` and `chunk`.

use std::sync::Arc;

use super::{
    IngestError, IngestServices,
    chunk::{Chunker, ChunkerConfig},
};
use crate::{
    domain::{Generation, IndexStamp},
    models::{embedder::Embedder, lexical::Lexical},
};

/// An embedder and its chunker.
#[derive(Clone)]
pub struct IndexModels {
    /// Makes dense vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Splits text into passages.
    pub chunker: Arc<Chunker>,
}

impl IndexModels {
    /// The embedder, with a chunker of its own.
    pub fn of(embedder: Arc<dyn Embedder>) -> Self {
        let chunker = Chunker::new(ChunkerConfig::for_embedder(embedder.max_tokens()), embedder.token_counter());
        Self { embedder, chunker: Arc::new(chunker) }
    }

    /// What an index that these build is stamped with.
    pub fn stamp(&self) -> IndexStamp {
        IndexStamp {
            embedder: self.embedder.stamp().clone(),
            chunker: self.chunker.stamp(),
            lexical: Lexical::STAMP.to_owned(),
        }
    }
}

impl IngestServices {
    /// What is written to a generation with: its own embedder, so that its vectors can be compared. Passages may be cut
    /// by a newer chunker than its others were, which changes nothing for a search; terms of another lexical index
    /// would.
    pub async fn models_of(&self, generation: &Generation) -> Result<IndexModels, IngestError> {
        let (ours, theirs) = (Lexical::STAMP, &generation.stamp.lexical);
        if ours != theirs {
            return Err(IngestError::WrongIndex(format!(
                "the lexical index is `{ours}`, the index was built with `{theirs}`"
            )));
        }
        let embedder = self.embedders.of(generation).await?;
        let configured = &self.configured;
        Ok(if Arc::ptr_eq(&embedder, &configured.embedder) { configured.clone() } else { IndexModels::of(embedder) })
    }
}
