//! Filling an empty store from an archive.
//!
//! As with an upload, what is large comes first and the metadata last, in one transaction: until then nothing is
//! visible, and a restore that was killed is begun again. Documents that were deleted since the archive was written stay
//! deleted.

use std::{collections::BTreeSet, sync::Arc};

use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::{
    ArchiveError, Chain, Installation,
    backup::LeftOut,
    deletions,
    manifest::{Content, Entry, LEFT_OUT},
    reader::{Lines, Member, Reader},
    records::{Changes, Cursor, Records, Restored},
    writer::PIECE,
};
use crate::{
    blob_store::{FolderKind, TextName},
    domain::{Chunk, ChunkId, GenerationNumber, Metadata, text::CodePointRange},
    metadata_store::{ChunkRecord, DeletionRecord, DocumentRecord, Record, RecordKind},
    models::lexical::Lexical,
    vector_store::{Point, SparseVector},
};

/// How an archive is restored.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// What the stores hold may be replaced.
    pub replace: bool,
    /// Deletions that neither the archive nor the stores know.
    pub deletions: Vec<DeletionRecord>,
    /// Leave the blob store alone: it is the one that the archive was written from.
    pub keep_blobs: bool,
}

/// What was restored.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct RestoreSummary {
    /// Documents that can be searched, or will be when their jobs have run.
    pub documents: u64,
    /// Documents of the archive that were deleted since, and are not restored.
    pub deleted: u64,
    /// Versions that were replaced while the archive was written, and are ingested again.
    pub ingested_again: u64,
    /// Vectors.
    pub vectors: u64,
    /// Whether a reindex was enqueued, because the archive has no vectors that this program could use.
    pub reindex: bool,
}

/// Restores a chain, which has been verified.
pub async fn restore(
    chain: &Chain,
    target: &Installation,
    options: &RestoreOptions,
) -> Result<RestoreSummary, ArchiveError> {
    let archive = &chain.newest;
    let changes = changes(chain, target, options).await?;
    target.metadata.begin_restore(&archive.name, options.replace).await?;
    // The database is empty now, so these are nobody's.
    for generation in target.vectors.generations().await? {
        target.vectors.drop_generation(generation).await?;
    }
    let lexical = archive.header.stamp.as_ref().is_none_or(|stamp| stamp.lexical == Lexical::STAMP);
    let mut work = Work {
        target,
        changes: &changes,
        options,
        lexical: Arc::new(Lexical::new()),
        unneeded: unneeded(chain, &changes).await?,
        documents: Cursor::documents(Reader::open(&archive.path).await?).await?,
        chunks: Cursor::chunks(Reader::open(&archive.path).await?).await?,
        document: None,
        vectors: lexical && archive.header.vectors,
        restored: RestoreSummary::default(),
    };
    let indexed = archive.header.generation.zip(archive.header.stamp.as_ref());
    if let Some((generation, stamp)) = indexed {
        target.vectors.create_generation(generation, stamp.embedder.dimension).await?;
    }
    let mut walk = chain.walk().await?;
    while let Some((entry, member, reader)) = walk.next().await? {
        work.member(&entry, &member, reader, indexed.map(|(_, stamp)| stamp.embedder.dimension)).await?;
    }
    let reindex = indexed.is_some() && !work.vectors;
    let mut restored = work.restored;
    let mut records = Restored::new(Reader::open(&archive.path).await?, &changes);
    target.metadata.load(&mut records, reindex).await?;
    if let Some((generation, _)) = indexed {
        target.vectors.optimize(generation).await?;
    }
    restored.documents = target.metadata.counts().await?.documents;
    restored.ingested_again = changes.again.len() as u64;
    restored.reindex = reindex;
    restored.deleted = deleted_documents(chain, &changes).await?;
    Ok(restored)
}

/// What has changed since the records were taken.
async fn changes(chain: &Chain, target: &Installation, options: &RestoreOptions) -> Result<Changes, ArchiveError> {
    let archive = &chain.newest.path;
    let mut deleted = deletions::Deleted::new();
    let known = deletions::of_archive(archive).await?;
    let here = deletions::of_store(&*target.metadata).await?;
    for deletion in known.into_iter().chain(here).chain(options.deletions.iter().cloned()) {
        deleted.entry(deletion.document_id).or_insert(deletion.deleted_at);
    }
    let (mut again, mut lines) = (BTreeSet::new(), Lines::of(archive, LEFT_OUT).await?);
    while let Some(line) = lines.next().await? {
        let left_out: Result<LeftOut, _> = serde_json::from_slice(&line);
        let left_out = left_out.map_err(|error| ArchiveError::Damaged(format!("`{LEFT_OUT}`: {error}")))?;
        if !deleted.contains_key(&left_out.document_id) {
            again.insert((left_out.document_id, left_out.version));
        }
    }
    Ok(Changes { deleted, again })
}

/// The originals that only deleted documents have.
async fn unneeded(chain: &Chain, changes: &Changes) -> Result<BTreeSet<String>, ArchiveError> {
    let mut sums = BTreeSet::new();
    // First those of deleted documents, then without those that others have, too.
    for deleted in [true, false] {
        let mut records = Records::of(Reader::open(&chain.newest.path).await?, RecordKind::Version);
        while let Some(page) = records.next().await? {
            for record in page {
                let Record::Version(version) = record else { continue };
                match changes.deleted.contains_key(&version.document_id) {
                    true if deleted => drop(sums.insert(version.sha256)),
                    false if !deleted => drop(sums.remove(&version.sha256)),
                    _ => {}
                }
            }
        }
    }
    Ok(sums)
}

async fn deleted_documents(chain: &Chain, changes: &Changes) -> Result<u64, ArchiveError> {
    let mut records = Records::of(Reader::open(&chain.newest.path).await?, RecordKind::Document);
    let mut count = 0;
    while let Some(page) = records.next().await? {
        let gone = |record: &&Record| matches!(record, Record::Document(d) if changes.deleted.contains_key(&d.id));
        count += page.iter().filter(gone).count() as u64;
    }
    Ok(count)
}

struct Work<'a> {
    target: &'a Installation,
    changes: &'a Changes,
    options: &'a RestoreOptions,
    lexical: Arc<Lexical>,
    unneeded: BTreeSet<String>,
    documents: Cursor<DocumentRecord>,
    chunks: Cursor<ChunkRecord>,
    /// The document whose vectors come now.
    document: Option<DocumentRecord>,
    /// Whether vectors are restored at all.
    vectors: bool,
    restored: RestoreSummary,
}

impl Work<'_> {
    async fn member(
        &mut self,
        entry: &Entry,
        member: &Member,
        reader: &mut Reader,
        dimension: Option<u32>,
    ) -> Result<(), ArchiveError> {
        match Content::of(&entry.name)? {
            Content::Original(sum) if !self.options.keep_blobs && !self.unneeded.contains(&sum) => {
                self.original(&sum, reader).await
            }
            Content::Text(name) if !self.options.keep_blobs && !self.is_left(name) => {
                let bytes = reader.large(member).await?;
                Ok(self.target.blobs.put_text_bytes(name, bytes.into()).await?)
            }
            Content::Vectors(name) if self.vectors && !self.is_left(name) => {
                let bytes = reader.whole(member).await?;
                self.points(name, &bytes, dimension.unwrap_or(0) as usize, &entry.name).await
            }
            Content::File(kind, sum, file) if !self.options.keep_blobs => {
                self.file(kind, &sum, file, member, reader).await
            }
            _ => Ok(()),
        }
    }

    /// Whether nothing of this version is restored.
    fn is_left(&self, name: TextName) -> bool {
        self.changes.deleted.contains_key(&name.document)
            || self.changes.again.contains(&(name.document, i64::from(name.version)))
    }

    async fn original(&mut self, sum: &str, reader: &mut Reader) -> Result<(), ArchiveError> {
        let scratch = &self.target.scratch;
        let failed = || ArchiveError::io(format!("use the scratch directory {}", scratch.display()));
        let file = tempfile::NamedTempFile::new_in(scratch).map_err(failed())?;
        let mut out = tokio::fs::File::create(file.path()).await.map_err(failed())?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; PIECE]);
        loop {
            let read = reader.piece(&mut buffer).await?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            out.write_all(&buffer[..read]).await.map_err(failed())?;
        }
        out.flush().await.map_err(failed())?;
        // It was read before; the file may have been changed since.
        if hex::encode(hash.finalize()) != sum {
            return Err(ArchiveError::Damaged(format!("the original {sum} is not what it is called")));
        }
        // What lies there under this name may be damaged.
        self.target.blobs.delete_original(sum).await?;
        Ok(self.target.blobs.put_original(sum, file.path()).await?)
    }

    async fn file(
        &mut self,
        kind: FolderKind,
        sum: &str,
        file: String,
        member: &Member,
        reader: &mut Reader,
    ) -> Result<(), ArchiveError> {
        let bytes = reader.large(member).await?;
        Ok(self.target.blobs.put_folder(kind, sum, &[(file, bytes.into())].into()).await?)
    }

    /// Writes the points of a version: the dense vectors of the archive, the passages' terms made again, and what
    /// filters match by.
    async fn points(
        &mut self,
        name: TextName,
        bytes: &[u8],
        dimension: usize,
        member: &str,
    ) -> Result<(), ArchiveError> {
        let damaged = |what: &str| ArchiveError::Damaged(format!("`{member}` {what}"));
        let one = 16 + 4 * dimension;
        if dimension == 0 || !bytes.len().is_multiple_of(one) {
            return Err(damaged("is no list of vectors"));
        }
        if self.document.as_ref().is_none_or(|document| document.id != name.document) {
            self.document = self.documents.next_of(name.document).await?;
        }
        let document = self.document.clone().ok_or_else(|| damaged("is of a document that is not there"))?;
        let Ok(metadata) = serde_json::from_value::<Metadata>(document.metadata) else {
            return Err(damaged("is of a document whose metadata is no object"));
        };
        let Ok(access) = serde_json::from_value::<Vec<String>>(document.access) else {
            return Err(damaged("is of a document whose access labels are no list"));
        };
        let (mut chunks, mut dense) = (Vec::new(), Vec::new());
        for vector in bytes.chunks_exact(one) {
            let (id, values) = vector.split_at(16);
            let id = uuid::Uuid::from_slice(id).map(ChunkId).map_err(|_| damaged("holds no id"))?;
            let chunk = self.chunks.next_of(name.document).await?;
            let chunk = chunk.filter(|chunk| chunk.id == id && chunk.generation == name.generation);
            chunks.push(chunk.ok_or_else(|| damaged("does not fit the passages"))?);
            let (values, _) = values.as_chunks::<4>();
            dense.push(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>());
        }
        let (lexical, texts) = (self.lexical.clone(), chunks.iter().map(indexed_text).collect::<Vec<_>>());
        let sparse: Vec<SparseVector> =
            tokio::task::spawn_blocking(move || texts.iter().map(|text| lexical.passage(text)).collect())
                .await
                .map_err(|error| ArchiveError::Unsupported(format!("the passages could not be read: {error}")))?;
        let points: Vec<Point> = chunks
            .into_iter()
            .zip(dense.into_iter().zip(sparse))
            .map(|(chunk, (dense, sparse))| Point {
                chunk_id: chunk.id,
                document_id: name.document,
                version: name.version,
                collection: document.collection.clone(),
                metadata: metadata.clone(),
                access: access.clone(),
                dense,
                sparse,
            })
            .collect();
        self.restored.vectors += points.len() as u64;
        self.write(name.generation, points).await
    }

    async fn write(&self, generation: GenerationNumber, points: Vec<Point>) -> Result<(), ArchiveError> {
        Ok(self.target.vectors.upsert(generation, points).await?)
    }
}

/// What was indexed of a passage.
fn indexed_text(chunk: &ChunkRecord) -> String {
    Chunk {
        id: chunk.id,
        document_id: chunk.document_id,
        version: 0,
        ordinal: 0,
        range: CodePointRange { start: 0, end: 0 },
        text: chunk.text.clone(),
        context: chunk.context.clone(),
        heading_path: Vec::new(),
        page: None,
        tokens: 0,
    }
    .indexed_text()
}
