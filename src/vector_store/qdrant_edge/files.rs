//! The files around the engine's own: which shard directory is the current one, copies, leftovers, the lock.
//!
//! May depend on `lock_file` and the parent module's errors.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::journal::JOURNAL;
use crate::{
    domain::GenerationNumber,
    faults,
    lock_file::{self, LockError},
    vector_store::VectorStoreError,
};

/// What is left free on the disk: more than the engine adds with one write, the files of a new generation included.
const RESERVE: u64 = 128 << 20;
const CURRENT: &str = "current";
const GENERATION: &str = "generation-";
const SHARD: &str = "shard-";
/// The engine's log of operations, and its files: `closed-<number of the first operation>` and `open-<id>`.
const LOG: &str = "wal";
const CLOSED_LOG: &str = "closed-";
/// Where the engine builds segments: of no use in a copy.
const UNFINISHED_SEGMENTS: &str = "temp_segments";

/// What the file `current` of a generation says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Current {
    pub(super) shard: String,
    pub(super) dimension: u32,
}

/// Takes the exclusive lock of a store. It is held as long as the file is open, and a killed process lets go.
pub(super) fn lock(root: &Path) -> Result<File, VectorStoreError> {
    lock_file::take(&root.join("lock")).map_err(|error| match error {
        LockError::Held { holder, .. } => {
            let holder = holder.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"));
            VectorStoreError::Unavailable(format!(
                "{} is in use by {holder}: stop that one, or give this one another data directory",
                root.display()
            ))
        }
        LockError::File { doing, path, source } => failed(doing, &path, &source),
    })
}

/// The directory of a generation.
pub(super) fn generation_directory(root: &Path, generation: GenerationNumber) -> PathBuf {
    root.join(format!("{GENERATION}{generation:06}"))
}

/// The generation directories below `root`.
pub(super) fn generation_directories(root: &Path) -> io::Result<Vec<(GenerationNumber, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.strip_prefix(GENERATION)).and_then(|n| n.parse().ok())
        {
            found.push((number, entry.path()));
        }
    }
    Ok(found)
}

/// Reads which shard directory is the current one; `None` when the generation was never finished.
pub(super) fn read_current(generation: &Path) -> Result<Option<Current>, VectorStoreError> {
    let path = generation.join(CURRENT);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| failed("read", &path, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", &path, &error)),
    }
}

/// Says in one step, which a loss of power cannot halve, which shard directory is the current one.
pub(super) fn write_current(generation: &Path, current: &Current) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(generation)?;
    file.write_all(serde_json::to_string(current)?.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(generation.join(CURRENT)).map_err(|error| error.error)?;
    faults::blocking_point("edge.current.written")?;
    sync_directory(generation)?;
    generation.parent().map_or(Ok(()), sync_directory)
}

/// Unmakes a generation: from here on it does not exist, whatever is left of its files. It may have been unmade by a call
/// that failed later on.
pub(super) fn remove_current(generation: &Path) -> io::Result<()> {
    match fs::remove_file(generation.join(CURRENT)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    sync_directory(generation)
}

/// Removes what a killed process left in a generation: everything but `current` and the shard it names.
pub(super) fn remove_leftovers(generation: &Path, current: &Current) -> io::Result<()> {
    for entry in fs::read_dir(generation)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == CURRENT || *name == *current.shard {
            continue;
        }
        tracing::warn!(path = %entry.path().display(), "removing what an interrupted run left in the vector index");
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A name that no shard directory had before.
pub(super) fn new_shard_name() -> String {
    format!("{SHARD}{}", uuid::Uuid::now_v7().simple())
}

/// Copies a shard that nobody writes to.
pub(super) fn copy_shard(from: &Path, to: &Path) -> io::Result<()> {
    copy_tree(from, to, &|path| path == from.join(UNFINISHED_SEGMENTS) || path == from.join(JOURNAL))?;
    trim_log(to)
}

fn copy_tree(from: &Path, to: &Path, skip: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if skip(&entry.path()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target, skip)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Removes all closed files of the log but the last, whose number the engine counts on from.
pub(super) fn trim_log(shard: &Path) -> io::Result<()> {
    let mut closed = Vec::new();
    for entry in fs::read_dir(shard.join(LOG))? {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(first) =
            name.to_str().and_then(|name| name.strip_prefix(CLOSED_LOG)).and_then(|n| n.parse::<u64>().ok())
        {
            closed.push((first, entry.path()));
        }
    }
    closed.sort();
    closed.pop();
    // The oldest go first: cut off at any moment, what remains has no gap.
    closed.iter().try_for_each(|(_, path)| fs::remove_file(path))
}

/// Makes the files and directories below `root`, and itself, durable.
pub(super) fn sync_tree(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::options().write(true).open(entry.path())?.sync_all()?;
        }
    }
    sync_directory(root)
}

/// Removes a directory that is of no use any more. What cannot be removed now is removed when the store is
/// opened again.
pub(super) fn remove_quietly(directory: &Path) {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(directory = %directory.display(), %error, "an old vector shard could not be removed yet");
        }
        _ => {}
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Other systems cannot open a directory to sync it, and keep its entries themselves.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Refuses a write when it might fill the disk, of which it takes `bytes` and leaves a reserve.
///
/// The engine writes through memory maps of sparse files. Where the disk has no room for a page of them, the process is
/// ended by a signal (SIGBUS), and no error could be told to anybody.
pub(super) fn check_room(directory: &Path, bytes: u64) -> io::Result<()> {
    let free = fs4::available_space(directory)?;
    if free >= RESERVE.saturating_add(bytes) {
        return Ok(());
    }
    let text = format!("{free} bytes are free on the disk, and the vector index leaves {RESERVE} of them alone");
    Err(io::Error::new(io::ErrorKind::StorageFull, text))
}

/// The bytes of the files below a directory.
pub(super) fn size_of(root: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        size += if entry.file_type()?.is_dir() { size_of(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(size)
}

/// An error that names what could not be done to which path. A full disk passes when somebody makes room: it is worth
/// another attempt.
pub(super) fn failed(what: &str, path: &Path, error: &(dyn std::error::Error + 'static)) -> VectorStoreError {
    let text = format!("cannot {what} {}: {error}", path.display());
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => VectorStoreError::Unavailable(text),
        _ => VectorStoreError::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_write_that_might_fill_the_disk_is_refused_and_worth_another_attempt() {
        let directory = tempfile::tempdir().unwrap();
        let error = check_room(directory.path(), u64::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let error = failed("write", directory.path(), &error);
        assert!(error.is_transient() && error.to_string().contains("bytes are free"), "{error}");
        assert!(!failed("write", directory.path(), &io::Error::other("x")).is_transient());
        fs::create_dir(directory.path().join("a")).unwrap();
        fs::write(directory.path().join("a/b"), [0; 9]).unwrap();
        assert_eq!(size_of(directory.path()).unwrap(), 9);
    }

    #[test]
    fn trimming_the_log_keeps_the_last_closed_file_and_the_open_ones() {
        let shard = tempfile::tempdir().unwrap();
        let log = shard.path().join(LOG);
        fs::create_dir(&log).unwrap();
        for name in ["closed-0", "closed-9", "closed-100", "open-4", "open-5", "first-index"] {
            fs::write(log.join(name), "").unwrap();
        }
        trim_log(shard.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["closed-100", "first-index", "open-4", "open-5"]);
    }

    #[test]
    fn the_current_shard_is_what_was_written_last() {
        let root = tempfile::tempdir().unwrap();
        let generation = generation_directory(root.path(), 7);
        fs::create_dir(&generation).unwrap();
        assert_eq!(read_current(&generation).unwrap(), None);
        for shard in ["shard-a", "shard-b"] {
            let current = Current { shard: shard.to_owned(), dimension: 3 };
            write_current(&generation, &current).unwrap();
            assert_eq!(read_current(&generation).unwrap(), Some(current));
        }
        assert_eq!(generation_directories(root.path()).unwrap(), [(7, generation.clone())]);
        remove_current(&generation).unwrap();
        assert_eq!(read_current(&generation).unwrap(), None);
    }
}
