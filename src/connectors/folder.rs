//! A folder with everything below it.
//!
//! The truth is a walk over all of it; what the system says of changes (`watch`) only begins the next walk sooner. A
//! file is told from its next state by size, times and inode. Links are not followed. May depend on `disk` and the crate
//! `walkdir`.

mod watch;

use std::{
    fs::{File, Metadata},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use walkdir::{DirEntry, WalkDir};

use self::watch::Watch;
use super::{Found, Listed, Read, Selection, Source, SourceError, SourceItem};
use crate::disk::Place;

/// A file that changed less than this ago may change again without looking other: the clock of a file system has a grain.
const GRAIN: Duration = Duration::from_secs(2);
/// So far ahead of ours the clock of a file server may be.
const AHEAD: Duration = Duration::from_secs(600);
/// The deepest that folders are followed.
const MAX_DEPTH: usize = 128;

/// A folder.
pub(super) struct FolderSource {
    walk: Walk,
    watch: Arc<Watch>,
}

impl FolderSource {
    /// The folder at `root`, which need not be there yet, and which may hold none of the places that the program writes to.
    pub(super) fn new(root: PathBuf, hidden: bool, own: Arc<[Place]>, selection: Selection) -> Self {
        Self { watch: Arc::new(Watch::new(root.clone())), walk: Walk { root, hidden, own, selection } }
    }
}

#[async_trait]
impl Source for FolderSource {
    async fn list(&self, found: Found) -> Result<(), SourceError> {
        let (walk, watch) = (self.walk.clone(), self.watch.clone());
        let walked = tokio::task::spawn_blocking(move || {
            walk.check_root()?;
            // Before the walk: what changes during it is told after it.
            watch.keep();
            walk.run(&found)
        })
        .await;
        walked
            .unwrap_or_else(|error| Err(SourceError::Unavailable(format!("the walk over the folder failed: {error}"))))
    }

    async fn read(&self, item: &SourceItem, _: Option<&str>) -> Result<Read, SourceError> {
        let (root, key) = (self.walk.root.clone(), item.key.clone());
        let opened = tokio::task::spawn_blocking(move || open(&root, &key)).await;
        let opened =
            opened.map_err(|error| SourceError::Unavailable(format!("the file could not be opened: {error}")))?;
        Ok(match opened? {
            None => Read::Gone,
            Some(file) => {
                Read::Bytes { reader: Box::new(tokio::fs::File::from_std(file)), size: None, validator: None }
            }
        })
    }

    async fn changed(&self) {
        self.watch.changed().await;
    }
}

#[derive(Clone)]
struct Walk {
    root: PathBuf,
    hidden: bool,
    /// Where the program writes to.
    own: Arc<[Place]>,
    selection: Selection,
}

impl Walk {
    fn check_root(&self) -> Result<(), SourceError> {
        let there = self.root.canonicalize().map_err(|error| unavailable(&self.root, &error))?;
        // `walkdir` would say nothing of a root that is a file.
        if !there.is_dir() {
            return Err(SourceError::Refused(format!("{} is no folder", self.root.display())));
        }
        // Over links too: what is taken over from there would be stored there, and found in the next pass.
        for place in self.own.iter() {
            match place.path.canonicalize() {
                Ok(own) if own.starts_with(&there) => return Err(holds_our_own(&self.root, place)),
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(unavailable(&place.path, &error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn run(&self, found: &Found) -> Result<(), SourceError> {
        let mut first_error = None;
        let mut entries = WalkDir::new(&self.root).min_depth(1).max_depth(MAX_DEPTH).into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // Removed while the walk came by: it is not there.
                Err(error) if error.io_error().is_some_and(|error| error.kind() == ErrorKind::NotFound) => {
                    if error.path() == Some(self.root.as_path()) {
                        return Err(SourceError::Unavailable(error.to_string()));
                    }
                    continue;
                }
                Err(error) => {
                    first_error.get_or_insert(SourceError::Unavailable(format!("not all of it can be read: {error}")));
                    continue;
                }
            };
            let is_folder = entry.file_type().is_dir();
            if !self.hidden && entry.file_name().as_encoded_bytes().starts_with(b".") {
                if is_folder {
                    entries.skip_current_dir();
                }
                found.take_blocking(Listed::PassedOver)?;
            } else if is_folder && entry.depth() == MAX_DEPTH {
                let why = format!("{} lies deeper than {MAX_DEPTH} folders", entry.path().display());
                first_error.get_or_insert(SourceError::Refused(why));
            } else if !is_folder {
                match self.listed(&entry) {
                    Ok(Some(listed)) => found.take_blocking(listed)?,
                    Ok(None) => {}
                    Err(error) => {
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        // A root that went away during the walk looks like one that was emptied.
        std::fs::metadata(&self.root).map_err(|error| unavailable(&self.root, &error))?;
        first_error.map_or(Ok(()), Err)
    }

    /// What an entry that is no folder is to the connector; `None` when it is gone.
    fn listed(&self, entry: &DirEntry) -> Result<Option<Listed>, SourceError> {
        let relative = entry.path().strip_prefix(&self.root).unwrap_or(entry.path());
        let key = relative.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        if !entry.file_type().is_file() || !self.selection.takes(&key) {
            return Ok(Some(Listed::PassedOver));
        }
        if relative.to_str().is_none() {
            let problem = Some("its name is not UTF-8: give it another name".to_owned());
            return Ok(Some(Listed::Item(SourceItem { key, problem, ..SourceItem::default() })));
        }
        let state = match entry.metadata() {
            Ok(state) => state,
            Err(error) if error.io_error().is_some_and(|error| error.kind() == ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(SourceError::Unavailable(format!("not all of it can be read: {error}"))),
        };
        Ok(Some(Listed::Item(SourceItem {
            key,
            fingerprint: Some(fingerprint(&state)),
            unsettled: is_unsettled(state.modified().into_iter().chain(changed_at(&state)), SystemTime::now()),
            size: Some(state.len()),
            problem: None,
        })))
    }
}

/// Why a folder is not followed.
pub(super) fn holds_our_own(folder: &Path, place: &Place) -> SourceError {
    SourceError::Refused(format!(
        "{} holds the {} directory {} of this program: follow a folder beside it",
        folder.display(),
        place.name,
        place.path.display()
    ))
}

/// Tells one state of a file from another, also one of the same size that has the same time of change.
#[cfg(unix)]
fn fingerprint(state: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let (size, inode) = (state.len(), state.ino());
    format!("{size} {}.{} {}.{} {inode}", state.mtime(), state.mtime_nsec(), state.ctime(), state.ctime_nsec())
}

#[cfg(not(unix))]
fn fingerprint(state: &Metadata) -> String {
    format!("{} {:?}", state.len(), state.modified().ok())
}

/// When anything about a file was changed last: unlike the time of its content, nobody can set it.
#[cfg(unix)]
fn changed_at(state: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt as _;
    let (seconds, nanoseconds) = (u64::try_from(state.ctime()).ok()?, u32::try_from(state.ctime_nsec()).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

#[cfg(not(unix))]
fn changed_at(_: &Metadata) -> Option<SystemTime> {
    None
}

/// Whether a file changed a moment ago, by the first of these times that tells. One that lies far in the future tells
/// nothing: somebody has set it, and a file is not looked at again and again until then.
fn is_unsettled(times: impl IntoIterator<Item = SystemTime>, now: SystemTime) -> bool {
    for at in times {
        match now.duration_since(at) {
            Ok(age) => return age < GRAIN,
            Err(ahead) if ahead.duration() < AHEAD => return true,
            Err(_) => {}
        }
    }
    false
}

/// Opens a file below the folder and nothing else: between the walk and this a link may have taken its place. `None` when
/// it is gone.
fn open(root: &Path, key: &str) -> Result<Option<File>, SourceError> {
    let path = root.join(key);
    let gone = |error: &std::io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    // Without its root a file is not gone: the folder is.
    let root = root.canonicalize().map_err(|error| unavailable(root, &error))?;
    let there = match path.canonicalize() {
        Ok(there) => there,
        Err(error) if gone(&error) => return Ok(None),
        Err(error) => return Err(unavailable(&path, &error)),
    };
    let leads_out = || SourceError::Refused(format!("`{key}` leads out of the folder"));
    if !there.starts_with(&root) {
        return Err(leads_out());
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A pipe in its place would keep the reader waiting.
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = match options.open(&there) {
        Ok(file) => file,
        Err(error) if gone(&error) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(SourceError::Refused(format!("`{key}` may not be read: {error}")));
        }
        Err(error) => return Err(unavailable(&path, &error)),
    };
    if !is_below(&file, &root).map_err(|error| unavailable(&path, &error))? {
        return Err(leads_out());
    }
    match file.metadata() {
        Ok(state) if state.is_file() => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) => Err(unavailable(&path, &error)),
    }
}

/// Whether what was opened lies below a folder, whose path leads over no link. Its own path was looked at before: in the
/// moment between, a link may have taken the place of a folder in it.
#[cfg(target_os = "linux")]
fn is_below(file: &File, root: &Path) -> std::io::Result<bool> {
    use std::os::fd::AsRawFd as _;
    Ok(std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?.starts_with(root))
}

#[cfg(not(target_os = "linux"))]
fn is_below(_: &File, _: &Path) -> std::io::Result<bool> {
    Ok(true)
}

fn unavailable(path: &Path, error: &std::io::Error) -> SourceError {
    SourceError::Unavailable(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_link_out_of_the_folder_is_not_opened() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        std::fs::write(inside.path().join("open"), "x").unwrap();
        assert!(open(inside.path(), "open").unwrap().is_some());
        assert!(open(inside.path(), "none").unwrap().is_none());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path(), inside.path().join("link")).unwrap();
            let error = open(inside.path(), "link/secret").unwrap_err();
            assert!(!error.is_transient() && error.to_string().contains("out of the folder"), "{error}");
        }
        // Also one that comes after its path was looked at.
        #[cfg(target_os = "linux")]
        {
            let root = inside.path().canonicalize().unwrap();
            assert!(is_below(&File::open(root.join("open")).unwrap(), &root).unwrap());
            assert!(!is_below(&File::open(root.join("link/secret")).unwrap(), &root).unwrap());
        }
        let gone = outside.path().join("gone");
        assert!(open(&gone, "a").unwrap_err().is_transient(), "a folder that is gone is not one without files");
    }

    #[test]
    fn a_time_that_was_set_far_into_the_future_does_not_keep_a_file_unsettled() {
        let now = SystemTime::now();
        let (old, future) = (now - Duration::from_secs(60), now + Duration::from_secs(86_400));
        for unsettled in [[now, now], [now, old], [now + Duration::from_secs(60), old], [future, now]] {
            assert!(is_unsettled(unsettled, now), "{unsettled:?}");
        }
        for settled in [[old, old], [old, now], [future, old], [future, future]] {
            assert!(!is_unsettled(settled, now), "{settled:?}");
        }
    }

    #[test]
    fn another_state_has_another_fingerprint() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        std::fs::write(&file, "one").unwrap();
        let first = fingerprint(&std::fs::metadata(&file).unwrap());
        assert_eq!(first, fingerprint(&std::fs::metadata(&file).unwrap()));
        let other = dir.path().join("b");
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &file).unwrap();
        assert_ne!(first, fingerprint(&std::fs::metadata(&file).unwrap()), "of the same size, and moved here");
    }
}
