//! Passages.

use std::collections::HashMap;

use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::number;
use crate::{
    domain::{Chunk, ChunkId, DocumentId, text::CodePointRange},
    metadata_store::{FoundChunk, StoreResult},
};

/// The start of every query for [`ChunkRow`]s: only chunks of active versions of documents that are not deleted.
macro_rules! select_chunks {
    () => {
        "SELECT c.id, c.document_id, c.version, c.ordinal, c.range_start, c.range_end, c.text, c.context, \
         c.heading_path, c.page, c.tokens, d.name, v.title \
         FROM chunks c \
         JOIN versions v ON v.document_id = c.document_id AND v.version = c.version AND v.state = 'active' \
         JOIN documents d ON d.id = c.document_id AND d.deleted_at IS NULL \
         WHERE "
    };
}
pub(in crate::metadata_store) use select_chunks;

/// A chunk with what a citation needs to know about its document.
#[derive(FromRow)]
pub(in crate::metadata_store) struct ChunkRow {
    id: Uuid,
    document_id: Uuid,
    version: i64,
    ordinal: i64,
    range_start: i64,
    range_end: i64,
    text: String,
    context: String,
    heading_path: Json<Vec<String>>,
    page: Option<i64>,
    tokens: i64,
    name: String,
    title: Option<String>,
}

impl ChunkRow {
    /// The chunk.
    pub(in crate::metadata_store) fn found(self) -> StoreResult<FoundChunk> {
        let chunk = Chunk {
            id: ChunkId(self.id),
            document_id: DocumentId(self.document_id),
            version: number("version", self.version)?,
            ordinal: number("ordinal", self.ordinal)?,
            range: CodePointRange {
                start: number("offset", self.range_start)?,
                end: number("offset", self.range_end)?,
            },
            text: self.text,
            context: self.context,
            heading_path: self.heading_path.0,
            page: self.page.map(|page| number("page", page)).transpose()?,
            tokens: number("number of tokens", self.tokens)?,
        };
        Ok(FoundChunk { chunk, name: self.name, title: self.title })
    }
}

/// The chunks that `rows` are, each once, in the order of `ids`.
pub(in crate::metadata_store) fn in_order_of(ids: &[ChunkId], rows: Vec<ChunkRow>) -> StoreResult<Vec<FoundChunk>> {
    let mut found: HashMap<Uuid, ChunkRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    ids.iter().filter_map(|id| found.remove(&id.0)).map(ChunkRow::found).collect()
}
