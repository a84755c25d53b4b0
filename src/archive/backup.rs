//! Writing an archive of an installation that goes on serving.
//!
//! The metadata is of one moment. What is large is read after it, and may have been purged meanwhile: what was deleted
//! is left out with its document, and of what was replaced the original is kept, out of which a restore makes it again.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use chrono::Utc;
use futures::{StreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};
use tokio::{fs::File, io::AsyncWrite};

use super::{
    ArchiveError, FORMAT, Header, Installation, Verified,
    chain::Earlier,
    deletions,
    manifest::{DELETIONS, HEADER, LEFT_OUT, folder_member, original_name, text_member, vectors_member},
    reader::Reader,
    records::{Records, Spool},
    writer::{PIECE, Writer},
};
use crate::{
    blob_store::{BlobStore, BlobStoreError, FolderKind, TextName},
    domain::{ChunkId, DocumentId, GenerationNumber, IndexStamp},
    metadata_store::{EntryRecord, MetadataStoreError, Record, RecordKind},
    vector_store::VectorStoreError,
};

/// How many vectors are read together: 1.5 MB at 384 dimensions.
const VECTORS_PER_PIECE: u32 = 1_000;
/// The names of originals are put in order in so many rounds, each over one part of them: what is in memory at once is
/// a sixteenth.
const ROUNDS: u8 = 16;

/// What is written.
#[derive(Debug, Clone, Default)]
pub struct BackupOptions {
    /// Leave the vectors out: a restore makes them again.
    pub without_vectors: bool,
    /// Leave out what this earlier archive holds.
    pub since: Option<Verified>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSummary {
    /// The archive's name: the SHA-256 of its manifest.
    pub name: String,
    /// The documents.
    pub documents: u64,
    /// The members, those that an earlier archive holds included.
    pub members: u64,
    /// The size of the archive in bytes.
    pub bytes: u64,
    /// Versions that were replaced or deleted while the archive was written.
    pub left_out: u64,
}

/// A version that was left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeftOut {
    /// The document.
    pub(super) document_id: DocumentId,
    /// The version.
    pub(super) version: i64,
}

/// Writes an archive.
pub async fn backup<W: AsyncWrite + Unpin + Send>(
    installation: &Installation,
    out: W,
    options: &BackupOptions,
) -> Result<(W, BackupSummary), ArchiveError> {
    if let Some(restore) = installation.metadata.restore_under_way().await? {
        return Err(ArchiveError::Unsupported(format!(
            "a restore that was begun at {} has not ended: restore again before anything is backed up",
            restore.begun_at
        )));
    }
    let made_at = Utc::now();
    let mut spool = Spool::new(&installation.scratch)?;
    installation.metadata.dump(&mut spool).await?;
    let spool = spool.finish().await?;
    let surveyed = survey(&spool).await?;
    let earlier = match &options.since {
        Some(since) => {
            let stamps = since.header.stamp.as_ref().zip(surveyed.stamp.as_ref());
            let of_others = stamps.is_some_and(|(theirs, ours)| !ours.differences(theirs).is_empty());
            if since.header.generation == surveyed.generation && of_others {
                return Err(ArchiveError::Chain(format!(
                    "{} is not of this installation: its index is of the same number and of other models",
                    since.path.display()
                )));
            }
            Some(Earlier::of(since).await?)
        }
        None => None,
    };
    let mut work =
        Work { installation, writer: Writer::new(out, &installation.scratch)?, earlier, left_out: BTreeSet::new() };
    let header = Header {
        format: FORMAT,
        made_at,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        generation: surveyed.generation,
        stamp: surveyed.stamp.clone(),
        vectors: !options.without_vectors,
        since: options.since.as_ref().map(|since| since.name.clone()),
    };
    let header = serde_json::to_vec_pretty(&header);
    let header = header.map_err(|error| ArchiveError::Unsupported(format!("its head: {error}")))?;
    work.writer.whole(HEADER, &header).await?;
    work.records(&spool).await?;
    work.originals(&spool).await?;
    work.texts(&spool).await?;
    if let (false, Some(stamp)) = (options.without_vectors, &surveyed.stamp) {
        work.vectors(&spool, stamp.embedder.dimension).await?;
    }
    work.folders(FolderKind::Adapter, &surveyed.adapters).await?;
    work.folders(FolderKind::Evaluation, &surveyed.evaluations).await?;
    work.last(surveyed.documents).await
}

/// What the rest is decided by.
#[derive(Default)]
struct Surveyed {
    documents: u64,
    generation: Option<GenerationNumber>,
    stamp: Option<IndexStamp>,
    adapters: BTreeSet<String>,
    evaluations: BTreeSet<String>,
}

async fn survey(spool: &File) -> Result<Surveyed, ArchiveError> {
    let (mut surveyed, mut records) = (Surveyed::default(), Records::all(again(spool).await?));
    while let Some(page) = records.next().await? {
        for record in page {
            match record {
                Record::Generation(generation) => {
                    surveyed.generation = Some(generation.number);
                    let stamp = serde_json::from_value(generation.stamp);
                    let unknown = |error| MetadataStoreError::Failed(format!("the stamp of the index: {error}"));
                    surveyed.stamp = Some(stamp.map_err(unknown)?);
                }
                Record::Document(_) => surveyed.documents += 1,
                Record::Adapter(adapter) => drop(surveyed.adapters.insert(adapter.sha256)),
                Record::Evaluation(evaluation) => drop(surveyed.evaluations.insert(evaluation.run_sha256)),
                _ => {}
            }
        }
    }
    Ok(surveyed)
}

/// The spool from its beginning.
async fn again(spool: &File) -> Result<Reader, ArchiveError> {
    Reader::new(spool.try_clone().await.map_err(ArchiveError::io("read a scratch file"))?).await
}

/// The size of an original, and its bytes.
type Opened = (u64, BoxStream<'static, Result<Bytes, BlobStoreError>>);

struct Work<'a, W> {
    installation: &'a Installation,
    writer: Writer<W>,
    earlier: Option<Earlier>,
    left_out: BTreeSet<LeftOut>,
}

impl<W: AsyncWrite + Unpin + Send> Work<'_, W> {
    async fn records(&mut self, spool: &File) -> Result<(), ArchiveError> {
        let mut reader = again(spool).await?;
        while let Some(member) = reader.next().await? {
            let bytes = reader.whole(&member).await?;
            self.writer.whole(&member.name, &bytes).await?;
        }
        Ok(())
    }

    /// Every original once, in the order of their sums.
    async fn originals(&mut self, spool: &File) -> Result<(), ArchiveError> {
        for round in 0..ROUNDS {
            let digit = char::from_digit(u32::from(round), 16).unwrap_or('0');
            let (mut sums, mut records) = (BTreeSet::new(), Records::of(again(spool).await?, RecordKind::Version));
            while let Some(page) = records.next().await? {
                for record in page {
                    if let Record::Version(version) = record
                        && version.sha256.starts_with(digit)
                    {
                        sums.insert(version.sha256);
                    }
                }
            }
            for sum in sums {
                self.original(&sum).await?;
            }
        }
        Ok(())
    }

    async fn original(&mut self, sum: &str) -> Result<(), ArchiveError> {
        let name = original_name(sum);
        if self.held(&name).await? {
            return Ok(());
        }
        let Installation { metadata, blobs, .. } = self.installation;
        let mut opened = open_original(blobs, sum).await?;
        if opened.is_none() {
            // Purged with its documents, whose deletions stand at the end of the archive.
            if metadata.referenced_blobs(&[sum.to_owned()]).await?.is_empty() {
                return Ok(());
            }
            // Or the same bytes were uploaded again since: they are stored before a document names them.
            opened = open_original(blobs, sum).await?;
        }
        let Some((size, mut stream)) = opened else {
            return Err(ArchiveError::Missing(format!("the original {sum} of a document is missing")));
        };
        self.writer.begin(&name, size).await?;
        while let Some(piece) = stream.next().await {
            self.writer.piece(&piece?).await?;
        }
        let found = self.writer.end().await?;
        if found == sum {
            Ok(())
        } else {
            Err(ArchiveError::Missing(format!("the original {sum} is damaged: its sha256 is now {found}")))
        }
    }

    async fn texts(&mut self, spool: &File) -> Result<(), ArchiveError> {
        let mut records = Records::of(again(spool).await?, RecordKind::Entry);
        while let Some(page) = records.next().await? {
            for entry in entries(page) {
                let text = text_name(&entry)?;
                let name = text_member(text);
                if self.held(&name).await? {
                    continue;
                }
                match self.installation.blobs.text_bytes(text).await {
                    Ok(bytes) => self.writer.whole(&name, &bytes).await?,
                    Err(BlobStoreError::NotFound(_)) => self.left_out(&entry, "the text").await?,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    async fn vectors(&mut self, spool: &File, dimension: u32) -> Result<(), ArchiveError> {
        let mut records = Records::of(again(spool).await?, RecordKind::Entry);
        while let Some(page) = records.next().await? {
            for entry in entries(page) {
                let chunks = u32::try_from(entry.chunks).map_err(|_| unknown_number(&entry))?;
                for (piece, first) in (0..chunks).step_by(VECTORS_PER_PIECE as usize).enumerate() {
                    let ordinals = first..chunks.min(first.saturating_add(VECTORS_PER_PIECE));
                    let piece = u32::try_from(piece).map_err(|_| unknown_number(&entry))?;
                    if !self.some_vectors(&entry, ordinals, piece, dimension).await? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes some vectors of a version; false when it was left out.
    async fn some_vectors(
        &mut self,
        entry: &EntryRecord,
        ordinals: std::ops::Range<u32>,
        piece: u32,
        dimension: u32,
    ) -> Result<bool, ArchiveError> {
        let text = text_name(entry)?;
        let name = vectors_member(text, piece);
        if self.held(&name).await? {
            return Ok(true);
        }
        let id = |ordinal| ChunkId::derive(text.document, text.version, text.generation, ordinal);
        let ids: Vec<ChunkId> = ordinals.map(id).collect();
        let mut found = match self.installation.vectors.dense_vectors(text.generation, &ids).await {
            Ok(found) => found,
            Err(VectorStoreError::NoSuchGeneration(_)) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        if found.len() < ids.len() {
            self.left_out(entry, "a vector").await?;
            return Ok(false);
        }
        let places: HashMap<ChunkId, usize> = ids.iter().copied().zip(0..).collect();
        found.sort_by_key(|(id, _)| places.get(id).copied());
        let mut bytes = Vec::with_capacity(found.len() * (16 + 4 * dimension as usize));
        for (id, vector) in &found {
            if vector.len() != dimension as usize {
                return Err(ArchiveError::Missing(format!(
                    "the vector of {id} has {} dimensions, not {dimension}",
                    vector.len()
                )));
            }
            bytes.extend_from_slice(id.0.as_bytes());
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        }
        self.writer.whole(&name, &bytes).await?;
        Ok(true)
    }

    async fn folders(&mut self, kind: FolderKind, sums: &BTreeSet<String>) -> Result<(), ArchiveError> {
        for sum in sums {
            let files = self.installation.blobs.folder(kind, sum).await.map_err(|error| match error {
                BlobStoreError::NotFound(key) => ArchiveError::Missing(format!("`{key}` is missing")),
                other => other.into(),
            })?;
            for (file, bytes) in files {
                let name = folder_member(kind, sum, &file);
                if self.held(&name).await? {
                    continue;
                }
                self.writer.begin(&name, bytes.len() as u64).await?;
                for piece in bytes.chunks(PIECE) {
                    self.writer.piece(piece).await?;
                }
                self.writer.end().await?;
            }
        }
        Ok(())
    }

    /// What was left out, what was deleted, and the end.
    async fn last(mut self, documents: u64) -> Result<(W, BackupSummary), ArchiveError> {
        let mut lines = String::new();
        for left_out in &self.left_out {
            let json = serde_json::to_string(left_out);
            lines += &json.map_err(|error| ArchiveError::Unsupported(format!("what was left out: {error}")))?;
            lines.push('\n');
        }
        self.writer.whole(LEFT_OUT, lines.as_bytes()).await?;
        let mut deleted = String::new();
        for deletion in deletions::of_store(&*self.installation.metadata).await? {
            deleted += &deletions::line(&deletion)?;
        }
        self.writer.whole(DELETIONS, deleted.as_bytes()).await?;
        let left_out = self.left_out.len() as u64;
        let (out, written) = self.writer.finish().await?;
        let summary =
            BackupSummary { name: written.name, documents, members: written.members, bytes: written.bytes, left_out };
        Ok((out, summary))
    }

    /// Whether the earlier archive holds a member; then the manifest says so.
    async fn held(&mut self, name: &str) -> Result<bool, ArchiveError> {
        let Some(earlier) = &mut self.earlier else { return Ok(false) };
        let Some(entry) = earlier.held(name).await? else { return Ok(false) };
        self.writer.elsewhere(&entry).await?;
        Ok(true)
    }

    /// Leaves a version out of which something is missing, if it was replaced or deleted meanwhile.
    async fn left_out(&mut self, entry: &EntryRecord, what: &str) -> Result<(), ArchiveError> {
        let metadata = &self.installation.metadata;
        let active = match metadata.document(entry.document_id).await {
            Ok(document) => document.active.is_some_and(|active| i64::from(active.version) == entry.version),
            Err(MetadataStoreError::NotFound { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        let known = metadata.generations().await?.iter().any(|generation| generation.number == entry.generation);
        if active && known {
            return Err(ArchiveError::Missing(format!(
                "{what} of version {} of {} is missing in generation {}, although the document is searched",
                entry.version, entry.document_id, entry.generation
            )));
        }
        self.left_out.insert(LeftOut { document_id: entry.document_id, version: entry.version });
        Ok(())
    }
}

/// An original and its size; `None` when it is not there.
async fn open_original(blobs: &BlobStore, sum: &str) -> Result<Option<Opened>, ArchiveError> {
    let opened = match blobs.original_size(sum).await {
        Ok(size) => blobs.read_original(sum).await.map(|stream| (size, stream)),
        Err(error) => Err(error),
    };
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(BlobStoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn entries(page: Vec<Record>) -> impl Iterator<Item = EntryRecord> {
    page.into_iter().filter_map(|record| match record {
        Record::Entry(entry) => Some(entry),
        _ => None,
    })
}

fn text_name(entry: &EntryRecord) -> Result<TextName, ArchiveError> {
    let version = u32::try_from(entry.version).map_err(|_| unknown_number(entry))?;
    Ok(TextName { document: entry.document_id, version, generation: entry.generation })
}

fn unknown_number(entry: &EntryRecord) -> ArchiveError {
    ArchiveError::Metadata(MetadataStoreError::Failed(format!(
        "it holds a number that this program does not know, about {}",
        entry.document_id
    )))
}
