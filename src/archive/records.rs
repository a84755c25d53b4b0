//! The metadata in an archive: kept in a scratch file while the snapshot lasts, and read again page by page.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use async_trait::async_trait;
use chrono::Utc;
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
};

use super::{
    ArchiveError,
    deletions::Deleted,
    manifest::{Content, records_name},
    reader::Reader,
    writer::{Writer, scratch_file},
};
use crate::{
    domain::{DocumentId, JobKind, JobStage, JobState, VersionState},
    metadata_store::{
        ChunkRecord, DeletionRecord, DocumentRecord, JobRecord, MetadataStoreError, RECORDS_PER_PAGE, Record,
        RecordKind, RecordSink, RecordSource, StoreResult,
    },
};

/// About how many bytes a member of records has at most. It is read into memory as a whole, and so many traces of answers
/// as make a page may be more than that allows.
const MEMBER: usize = 8 * 1024 * 1024;

/// The records of a snapshot in a scratch file, as members of an archive: a snapshot ends soon, whoever takes the archive.
pub(super) struct Spool {
    writer: Writer<BufWriter<File>>,
    pieces: BTreeMap<RecordKind, u32>,
}

impl Spool {
    /// An empty one.
    pub(super) fn new(scratch: &Path) -> Result<Self, ArchiveError> {
        let file = BufWriter::new(scratch_file(scratch)?);
        Ok(Self { writer: Writer::new(file, scratch)?, pieces: BTreeMap::new() })
    }

    /// The file with all of them.
    pub(super) async fn finish(self) -> Result<File, ArchiveError> {
        let mut file = self.writer.unfinished().await?;
        file.flush().await.map_err(ArchiveError::io("keep the records"))?;
        Ok(file.into_inner())
    }

    async fn keep(&mut self, records: &[Record]) -> Result<(), ArchiveError> {
        let Some(kind) = records.first().map(Record::kind) else { return Ok(()) };
        let mut lines = String::new();
        for record in records {
            let json = record.to_json();
            let json =
                json.map_err(|error| ArchiveError::Unsupported(format!("a record of {}: {error}", kind.as_str())))?;
            if !lines.is_empty() && lines.len() + json.len() > MEMBER {
                self.member(kind, &lines).await?;
                lines.clear();
            }
            lines += &json;
            lines.push('\n');
        }
        self.member(kind, &lines).await
    }

    async fn member(&mut self, kind: RecordKind, lines: &str) -> Result<(), ArchiveError> {
        let piece = self.pieces.entry(kind).or_default();
        let name = records_name(kind, *piece);
        *piece += 1;
        self.writer.whole(&name, lines.as_bytes()).await
    }
}

#[async_trait]
impl RecordSink for Spool {
    async fn take(&mut self, records: Vec<Record>) -> StoreResult<()> {
        self.keep(&records).await.map_err(|error| MetadataStoreError::Unavailable(error.to_string()))
    }
}

/// The records of an archive, page by page.
pub(super) struct Records {
    reader: Reader,
    /// Only of this kind.
    only: Option<RecordKind>,
}

impl Records {
    /// All of them.
    pub(super) fn all(reader: Reader) -> Self {
        Self { reader, only: None }
    }

    /// Those of one kind.
    pub(super) fn of(reader: Reader, kind: RecordKind) -> Self {
        Self { reader, only: Some(kind) }
    }

    /// The next page, which is of one kind.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Record>>, ArchiveError> {
        while let Some(member) = self.reader.next().await? {
            let Ok(Content::Records(kind)) = Content::of(&member.name) else { continue };
            if self.only.is_some_and(|only| only != kind) {
                continue;
            }
            let bytes = self.reader.whole(&member).await?;
            let damaged = |error: &dyn std::fmt::Display| ArchiveError::Damaged(format!("`{}`: {error}", member.name));
            let text = std::str::from_utf8(&bytes).map_err(|error| damaged(&error))?;
            let records = text.lines().map(|line| kind.parse(line).map_err(|error| damaged(&error)));
            return records.collect::<Result<_, _>>().map(Some);
        }
        Ok(None)
    }
}

/// Documents or passages, asked for in the order of their documents.
pub(super) struct Cursor<T> {
    records: Records,
    page: std::vec::IntoIter<Record>,
    next: Option<T>,
    read: fn(Record) -> Option<T>,
    document: fn(&T) -> DocumentId,
}

impl Cursor<DocumentRecord> {
    /// Over the documents.
    pub(super) async fn documents(reader: Reader) -> Result<Self, ArchiveError> {
        let read = |record| match record {
            Record::Document(document) => Some(document),
            _ => None,
        };
        Self::new(Records::of(reader, RecordKind::Document), read, |document| document.id).await
    }
}

impl Cursor<ChunkRecord> {
    /// Over the passages.
    pub(super) async fn chunks(reader: Reader) -> Result<Self, ArchiveError> {
        let read = |record| match record {
            Record::Chunk(chunk) => Some(chunk),
            _ => None,
        };
        Self::new(Records::of(reader, RecordKind::Chunk), read, |chunk| chunk.document_id).await
    }
}

impl<T> Cursor<T> {
    async fn new(
        records: Records,
        read: fn(Record) -> Option<T>,
        document: fn(&T) -> DocumentId,
    ) -> Result<Self, ArchiveError> {
        let mut cursor = Self { records, page: Vec::new().into_iter(), next: None, read, document };
        cursor.advance().await?;
        Ok(cursor)
    }

    async fn advance(&mut self) -> Result<(), ArchiveError> {
        self.next = loop {
            match self.page.next() {
                Some(record) => break (self.read)(record),
                None => match self.records.next().await? {
                    Some(page) => self.page = page.into_iter(),
                    None => break None,
                },
            }
        };
        Ok(())
    }

    /// The next record of this document; those of documents before it are passed over.
    pub(super) async fn next_of(&mut self, document: DocumentId) -> Result<Option<T>, ArchiveError> {
        while self.next.as_ref().is_some_and(|next| (self.document)(next) < document) {
            self.advance().await?;
        }
        if self.next.as_ref().is_none_or(|next| (self.document)(next) != document) {
            return Ok(None);
        }
        let found = self.next.take();
        self.advance().await?;
        Ok(found)
    }
}

/// What is not restored as it was.
pub(super) struct Changes {
    /// Documents that were deleted, before the archive was written or after it.
    pub(super) deleted: Deleted,
    /// Versions whose text or vectors were replaced while the archive was written: they are ingested again.
    pub(super) again: BTreeSet<(DocumentId, i64)>,
}

impl Changes {
    /// The record as it is restored, if it is.
    fn apply(&self, record: Record) -> Option<Record> {
        let gone = |document: &DocumentId| self.deleted.contains_key(document);
        let again = |document: DocumentId, version: i64| self.again.contains(&(document, version));
        Some(match record {
            Record::Document(document) if gone(&document.id) => return None,
            Record::Version(version) if gone(&version.document_id) => return None,
            Record::Version(mut version) if again(version.document_id, version.version) => {
                version.state = VersionState::Pending.as_str().to_owned();
                Record::Version(version)
            }
            Record::Entry(entry) if gone(&entry.document_id) || again(entry.document_id, entry.version) => return None,
            Record::Chunk(chunk) if gone(&chunk.document_id) || again(chunk.document_id, chunk.version) => return None,
            Record::Job(job) if self.is_again(&job) => Record::Job(queued(job)),
            // All deletions come at the end.
            Record::Deletion(_) => return None,
            other => other,
        })
    }

    fn is_again(&self, job: &JobRecord) -> bool {
        let of = job.document_id.zip(job.version).filter(|_| job.kind == JobKind::Ingest.as_str());
        of.is_some_and(|of| self.again.contains(&of))
    }
}

fn queued(job: JobRecord) -> JobRecord {
    JobRecord {
        state: JobState::Queued.as_str().to_owned(),
        stage: JobStage::Waiting.as_str().to_owned(),
        progress: 0.0,
        attempts: 0,
        error: None,
        due_at: Utc::now(),
        ..job
    }
}

/// The records of an archive as they are restored.
pub(super) struct Restored<'a> {
    records: Records,
    changes: &'a Changes,
    /// The last deletion that was given.
    given: Option<DocumentId>,
}

impl<'a> Restored<'a> {
    /// Those of an archive, with what has changed since.
    pub(super) fn new(reader: Reader, changes: &'a Changes) -> Self {
        Self { records: Records::all(reader), changes, given: None }
    }
}

#[async_trait]
impl RecordSource for Restored<'_> {
    async fn next(&mut self) -> StoreResult<Option<Vec<Record>>> {
        let failed = |error: ArchiveError| MetadataStoreError::Failed(error.to_string());
        while let Some(page) = self.records.next().await.map_err(failed)? {
            let page: Vec<Record> = page.into_iter().filter_map(|record| self.changes.apply(record)).collect();
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        use std::ops::Bound::{Excluded, Unbounded};
        let behind = self.given.map_or(Unbounded, Excluded);
        let rest = self.changes.deleted.range((behind, Unbounded)).take(RECORDS_PER_PAGE);
        let page: Vec<Record> =
            rest.map(|(id, at)| Record::Deletion(DeletionRecord { document_id: *id, deleted_at: *at })).collect();
        self.given = self.changes.deleted.range((behind, Unbounded)).take(RECORDS_PER_PAGE).last().map(|(id, _)| *id);
        Ok(if page.is_empty() { None } else { Some(page) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn large_records_are_divided_among_members_that_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let document = |number: usize| {
            let record = json!({
                "id": DocumentId::new(), "collection": "default", "name": format!("{number}.md"),
                "metadata": {"note": "x".repeat(MEMBER / 3)}, "access": [],
                "created_at": Utc::now(), "updated_at": Utc::now(),
            });
            RecordKind::Document.parse(&record.to_string()).unwrap()
        };
        let given: Vec<Record> = (0..7).map(document).collect();
        let mut spool = Spool::new(dir.path()).unwrap();
        spool.take(given.clone()).await.unwrap();
        let mut records = Records::all(Reader::new(spool.finish().await.unwrap()).await.unwrap());
        let (mut read, mut pages) = (Vec::new(), Vec::new());
        while let Some(page) = records.next().await.unwrap() {
            pages.push(page.len());
            read.extend(page);
        }
        assert_eq!(pages, [2, 2, 2, 1], "three of a third each are more than one holds");
        assert!(read == given, "nothing is lost, and the order stays");
    }
}
