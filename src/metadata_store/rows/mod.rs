//! Rows as both backends read them, and what they mean in the words of `domain`.
//!
//! The two databases share names and shapes of columns and differ in their native types: a time is a `timestamptz`
//! in Postgres and a count of microseconds in SQLite, which is what `At` stands for. Depends on sqlx's `FromRow`
//! only, on no driver. A word or number that the domain does not know is reported, never replaced.

mod adapters;
mod archive;
mod audit_log;
mod chunks;
mod connectors;
mod conversations;
mod documents;
mod feedback;
mod generations;
mod jobs;
mod keys;
mod outcomes;

use chrono::{DateTime, Utc};

pub(super) use self::{
    adapters::*, archive::*, audit_log::*, chunks::*, connectors::*, conversations::*, documents::*, feedback::*,
    generations::*, jobs::*, keys::*, outcomes::*,
};
use super::{ListPage, MetadataStoreError, StoreCounts, StoreResult};
use crate::domain::{Chunk, GenerationState, JobKind, JobPriority, JobStage, JobState, VersionState};

/// A point in time as a database stores it.
pub(super) trait StoredTime {
    /// The time.
    fn utc(self) -> StoreResult<DateTime<Utc>>;
}

impl StoredTime for DateTime<Utc> {
    fn utc(self) -> StoreResult<DateTime<Utc>> {
        Ok(self)
    }
}

impl StoredTime for i64 {
    fn utc(self) -> StoreResult<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self).ok_or_else(|| corrupt("time", self))
    }
}

fn corrupt(what: &str, found: impl std::fmt::Display) -> MetadataStoreError {
    MetadataStoreError::Failed(format!("it holds a {what} `{found}` that this program does not know"))
}

/// A number that the domain counts in 32 bits.
pub(super) fn number(what: &str, found: i64) -> StoreResult<u32> {
    u32::try_from(found).map_err(|_| corrupt(what, found))
}

/// A count, which no database returns below zero.
pub(super) fn count(found: i64) -> StoreResult<u64> {
    u64::try_from(found).map_err(|_| corrupt("count", found))
}

fn word<T: Copy>(what: &str, found: &str, all: &[T], as_str: fn(T) -> &'static str) -> StoreResult<T> {
    all.iter().copied().find(|known| as_str(*known) == found).ok_or_else(|| corrupt(what, found))
}

/// The state of a version that is stored as `found`.
pub(super) fn version_state(found: &str) -> StoreResult<VersionState> {
    use VersionState::{Active, Failed, Pending, Superseded};
    word("version state", found, &[Pending, Active, Superseded, Failed], VersionState::as_str)
}

/// The state of a job that is stored as `found`.
pub(super) fn job_state(found: &str) -> StoreResult<JobState> {
    use JobState::{Cancelled, Failed, Queued, Running, Succeeded};
    word("job state", found, &[Queued, Running, Succeeded, Failed, Cancelled], JobState::as_str)
}

/// The kind of a job that is stored as `found`.
pub(super) fn job_kind(found: &str) -> StoreResult<JobKind> {
    use JobKind::{Deliver, Ingest, Purge, Reindex};
    word("job kind", found, &[Ingest, Purge, Reindex, Deliver], JobKind::as_str)
}

fn job_priority(found: &str) -> StoreResult<JobPriority> {
    use JobPriority::{High, Low, Normal};
    word("job priority", found, &[High, Normal, Low], JobPriority::as_str)
}

fn job_stage(found: &str) -> StoreResult<JobStage> {
    use JobStage::{Chunk, Deliver, Done, Embed, Extract, Store, Swap, Waiting};
    word("job stage", found, &[Waiting, Extract, Chunk, Embed, Store, Swap, Deliver, Done], JobStage::as_str)
}

fn generation_state(found: &str) -> StoreResult<GenerationState> {
    use GenerationState::{Active, Building, Retired};
    word("generation state", found, &[Building, Active, Retired], GenerationState::as_str)
}

/// Says that a thing is not there.
pub(super) fn not_found(what: &'static str, id: impl std::fmt::Display) -> MetadataStoreError {
    MetadataStoreError::NotFound { what, id: id.to_string() }
}

/// The page that `found` is, which was asked for with one entry more than `limit` to see whether more follows.
pub(super) fn page<T>(mut found: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> ListPage<T> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| more).map(cursor);
    ListPage { items: found, next_cursor }
}

/// The number of tokens of all chunks of a version, for its entry in a generation.
pub(super) fn stored_tokens(chunks: &[Chunk]) -> i64 {
    chunks.iter().map(|chunk| i64::from(chunk.tokens)).sum()
}

/// A number of things in memory as the databases store it.
pub(super) fn stored_count(count: usize) -> StoreResult<i64> {
    i64::try_from(count).map_err(|_| corrupt("count", count))
}

/// The query for [`counts`].
pub(super) const COUNTS: &str = "SELECT \
    (SELECT COUNT(*) FROM documents WHERE deleted_at IS NULL), \
    (SELECT COUNT(*) FROM versions WHERE state = 'active'), \
    (SELECT CAST(COALESCE(SUM(e.chunks), 0) AS bigint) FROM generation_versions e \
     JOIN generations g ON g.number = e.generation AND g.state = 'active'), \
    (SELECT CAST(COALESCE(SUM(e.tokens), 0) AS bigint) FROM generation_versions e \
     JOIN generations g ON g.number = e.generation AND g.state = 'active'), \
    (SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running'))";

/// What [`COUNTS`] found. A deleted document has no active version and no entry in a generation.
pub(super) fn counts((documents, active, chunks, tokens, jobs): (i64, i64, i64, i64, i64)) -> StoreResult<StoreCounts> {
    Ok(StoreCounts {
        documents: count(documents)?,
        active_documents: count(active)?,
        chunks: count(chunks)?,
        tokens: count(tokens)?,
        open_jobs: count(jobs)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for state in [VersionState::Pending, VersionState::Active, VersionState::Superseded, VersionState::Failed] {
            assert_eq!(version_state(state.as_str()).unwrap(), state);
        }
        for kind in [JobKind::Ingest, JobKind::Purge, JobKind::Reindex, JobKind::Deliver] {
            assert_eq!(job_kind(kind.as_str()).unwrap(), kind);
        }
        assert_eq!(generation_state("retired").unwrap(), GenerationState::Retired);
        assert_eq!(job_stage("swap").unwrap(), JobStage::Swap);
    }

    #[test]
    fn a_page_has_a_cursor_only_when_more_follows() {
        let cursor = |item: &i32| item.to_string();
        assert_eq!(page(vec![1, 2, 3], 2, cursor), ListPage { items: vec![1, 2], next_cursor: Some("2".to_owned()) });
        assert_eq!(page(vec![1, 2], 2, cursor), ListPage { items: vec![1, 2], next_cursor: None });
        assert_eq!(page(vec![], 2, cursor), ListPage { items: vec![], next_cursor: None });
    }

    #[test]
    fn an_unknown_word_or_number_is_reported_and_not_replaced() {
        let error = job_state("paused").unwrap_err();
        assert!(error.to_string().contains("`paused`"), "{error}");
        assert!(!error.is_transient());
        assert!(number("page", -1).is_err());
        assert!(i64::MAX.utc().is_err());
    }
}
