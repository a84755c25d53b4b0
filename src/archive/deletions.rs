//! What was deleted, as lines of JSON: so that a restore of an older archive does not bring it back.

use std::{collections::BTreeMap, path::Path};

use chrono::{DateTime, Utc};
use tokio::io::{AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::{
    ArchiveError,
    manifest::{DELETIONS, HEADER},
    reader::Lines,
};
use crate::{
    domain::DocumentId,
    metadata_store::{DeletionRecord, MetadataStore},
};

/// How many are read from a store at once.
const PAGE: u32 = 1_000;

/// When each deleted document was deleted. Ids are all that is kept of what was deleted, so these fit in memory: 32 bytes
/// for each.
pub(super) type Deleted = BTreeMap<DocumentId, DateTime<Utc>>;

/// Writes every deletion of a store, one a line, and returns how many there are.
pub async fn export_deletions<W: AsyncWrite + Unpin + Send>(
    metadata: &dyn MetadataStore,
    out: &mut W,
) -> Result<u64, ArchiveError> {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = metadata.deletions(after, PAGE).await?;
        for deletion in &page {
            out.write_all(line(deletion)?.as_bytes()).await.map_err(ArchiveError::io("write the deletions"))?;
        }
        count += page.len() as u64;
        let Some(last) = page.last().filter(|_| page.len() == PAGE as usize) else { break };
        after = Some(last.document_id);
    }
    out.flush().await.map_err(ArchiveError::io("write the deletions"))?;
    Ok(count)
}

/// A deletion as it is written.
pub(super) fn line(deletion: &DeletionRecord) -> Result<String, ArchiveError> {
    let json = serde_json::to_string(deletion);
    json.map(|json| json + "\n").map_err(|error| ArchiveError::Unsupported(format!("a deletion: {error}")))
}

/// Reads what `export_deletions` wrote, or the deletions of an archive, which has been verified.
pub async fn read_deletions(path: &Path) -> Result<Vec<DeletionRecord>, ArchiveError> {
    if is_archive(path).await? {
        let archive = super::verify(path).await?;
        return of_archive(&archive.path).await;
    }
    let failed = || ArchiveError::io(format!("read {}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(failed())?;
    let (mut lines, mut found, mut number) = (BufReader::new(file).lines(), Vec::new(), 0u64);
    while let Some(line) = lines.next_line().await.map_err(failed())? {
        number += 1;
        let deletion = serde_json::from_str(&line).map_err(|error| {
            ArchiveError::Unsupported(format!("{}, line {number}: not a deletion: {error}", path.display()))
        })?;
        found.push(deletion);
    }
    Ok(found)
}

/// All that were ever deleted, as of the end of an archive.
pub(super) async fn of_archive(path: &Path) -> Result<Vec<DeletionRecord>, ArchiveError> {
    let (mut lines, mut found) = (Lines::of(path, DELETIONS).await?, Vec::new());
    while let Some(line) = lines.next().await? {
        let deletion = serde_json::from_slice(&line);
        found.push(deletion.map_err(|error| ArchiveError::Damaged(format!("`{DELETIONS}`: {error}")))?);
    }
    Ok(found)
}

/// All that were ever deleted in a store.
pub(super) async fn of_store(metadata: &dyn MetadataStore) -> Result<Vec<DeletionRecord>, ArchiveError> {
    let mut found: Vec<DeletionRecord> = Vec::new();
    loop {
        let page = metadata.deletions(found.last().map(|last| last.document_id), PAGE).await?;
        let more = page.len() == PAGE as usize;
        found.extend(page);
        if !more {
            return Ok(found);
        }
    }
}

/// An archive begins with the name of its first member; a line of JSON does not.
async fn is_archive(path: &Path) -> Result<bool, ArchiveError> {
    use tokio::io::AsyncReadExt;
    let failed = || ArchiveError::io(format!("read {}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(failed())?;
    let mut start = Vec::new();
    file.take(HEADER.len() as u64).read_to_end(&mut start).await.map_err(failed())?;
    Ok(start == HEADER.as_bytes())
}
