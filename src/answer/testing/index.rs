//! Documents in the index of a test, as an ingestion leaves them.

use std::time::Duration;

use super::{Scripted, WordsInCommon};
use crate::{
    domain::{
        Access, Chunk, ChunkId, DocumentId, ExtractedDocument, GenerationNumber, IndexStamp, JobKind, JobPriority,
        text::CodePointRange,
    },
    metadata_store::{IngestCommit, NewUpload, Registered},
    models::embedder::Embedder as _,
    vector_store::Point,
};

/// A document of one passage.
#[derive(Debug, Clone, Copy)]
pub struct Indexed<'a> {
    /// Its collection.
    pub collection: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its title.
    pub title: &'a str,
    /// The heading above its passage.
    pub heading: &'a str,
    /// Its passage, which is all of its text.
    pub text: &'a str,
    /// Its access labels.
    pub access: &'a [&'a str],
    /// Fields and values of its metadata.
    pub metadata: &'a [(&'a str, &'a str)],
}

impl Indexed<'_> {
    fn upload(&self) -> NewUpload {
        NewUpload {
            collection: self.collection.to_owned(),
            name: self.name.to_owned(),
            metadata: self.metadata.iter().map(|(field, value)| ((*field).to_owned(), (*value).into())).collect(),
            access: self.access.iter().map(|label| (*label).to_owned()).collect(),
            replaces: Access::everything(),
            sha256: "0".repeat(64),
            size_bytes: 1,
            priority: JobPriority::Normal,
        }
    }

    fn chunk(&self, registered: &Registered, generation: GenerationNumber) -> Chunk {
        let (document_id, version) = (registered.document_id, registered.version);
        Chunk {
            id: ChunkId::derive(document_id, version, generation, 0),
            document_id,
            version,
            ordinal: 0,
            range: CodePointRange { start: 0, end: self.text.chars().count() as u32 },
            text: self.text.to_owned(),
            context: format!("{} > {}", self.title, self.heading),
            heading_path: vec![self.heading.to_owned()],
            page: None,
            tokens: 1,
        }
    }
}

impl Scripted {
    /// Registers an upload and leaves its job in the queue.
    pub async fn upload(&self, document: &Indexed<'_>) -> Registered {
        self.services.retrieve.metadata.register_upload(document.upload()).await.unwrap()
    }

    /// Puts a document into the index.
    pub async fn ingest(&self, document: &Indexed<'_>) -> DocumentId {
        let (metadata, lexical) = (&self.services.retrieve.metadata, &self.services.retrieve.lexical);
        let embedder = self.embedder.stamp().clone();
        let dimension = embedder.dimension;
        let stamp = IndexStamp { embedder, chunker: String::new(), lexical: String::new() };
        let generation = metadata.active_generation_or_create(&stamp).await.unwrap().number;
        let vectors = &self.services.retrieve.vectors;
        vectors.create_generation(generation, dimension).await.unwrap();

        let registered = self.upload(document).await;
        let leased = metadata.lease_job(&[JobKind::Ingest], Duration::from_secs(3_600)).await.unwrap().unwrap();
        let NewUpload { collection, metadata: fields, access, .. } = document.upload();
        let chunk = document.chunk(&registered, generation);
        let stored = ExtractedDocument { text: chunk.text.clone(), ..ExtractedDocument::default() };
        let (document_id, version) = (registered.document_id, registered.version);
        self.services.blobs.put_text(document_id, version, generation, &stored).await.unwrap();
        let point = Point {
            chunk_id: chunk.id,
            document_id,
            version,
            collection,
            metadata: fields,
            access,
            dense: WordsInCommon::vector(&chunk.indexed_text()),
            sparse: lexical.passage(&chunk.indexed_text()),
        };
        vectors.upsert(generation, vec![point]).await.unwrap();
        let commit = IngestCommit {
            document_id,
            version,
            generation,
            chunks: vec![chunk],
            media_type: "text/plain".to_owned(),
            title: Some(document.title.to_owned()),
            pages: None,
            report: None,
        };
        metadata.finish_ingest(registered.job_id, &leased.token, commit).await.unwrap();
        document_id
    }
}
