//! Passages for tests.

use crate::{
    answer::Passage,
    domain::{Chunk, ChunkId, DocumentId, text::CodePointRange},
};

/// A passage with this text at the start of a document of its own.
pub fn passage(text: &str) -> Passage {
    let document_id = DocumentId::new();
    Passage {
        chunk: Chunk {
            id: ChunkId::derive(document_id, 1, 1, 0),
            document_id,
            version: 1,
            ordinal: 0,
            range: CodePointRange { start: 0, end: text.chars().count() as u32 },
            text: text.to_owned(),
            context: "Guide > Leases".to_owned(),
            heading_path: vec!["Leases".to_owned()],
            page: None,
            tokens: 0,
        },
        name: "guide.md".to_owned(),
        title: Some("Guide".to_owned()),
        score: 1.0,
    }
}
