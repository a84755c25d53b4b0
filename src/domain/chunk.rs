//! Chunks: the passages that are embedded, found and cited.
//!
//! May depend on the other modules of `domain` only.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChunkId, DocumentId, text::CodePointRange};

/// A passage of one version of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Chunk {
    /// The chunk's identifier.
    pub id: ChunkId,
    /// The document.
    pub document_id: DocumentId,
    /// The version of the document.
    pub version: u32,
    /// The position among the version's chunks, 0 for the first.
    pub ordinal: u32,
    /// Where the passage stands in the stored text, in code points.
    pub range: CodePointRange,
    /// The passage: exactly the stored text at `range`.
    pub text: String,
    /// What is put before the passage when it is embedded and shown to a model: title, headings, and the
    /// header of a table that the passage continues. Not part of the source range.
    pub context: String,
    /// The headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// The page on which the passage starts, for formats that have pages.
    pub page: Option<u32>,
    /// The number of tokens of context and passage under the embedder's tokenizer.
    pub tokens: u32,
}

impl Chunk {
    /// What the embedder and the lexical index read: the context, a line break, the passage.
    pub fn indexed_text(&self) -> String {
        if self.context.is_empty() { self.text.clone() } else { format!("{}\n{}", self.context, self.text) }
    }
}
