//! The lock of a directory: a file that one process at a time keeps locked, with the number of that process in it.
//!
//! The system lets go of it when the process ends, however it ends. Depends on nothing.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long a lock is waited for. A process that has just ended may still be letting go; and a process that is just being
/// started holds what its parent held until it becomes another program, which on a busy machine takes more than a second.
const LETTING_GO: Duration = Duration::from_secs(5);
/// How often it is tried meanwhile.
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{} is locked by {}", path.display(), holder.as_deref().unwrap_or("another process"))]
    Held {
        /// The file.
        path: PathBuf,
        /// The number of the process, where it could be read.
        holder: Option<String>,
    },
    /// The file cannot be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What could not be done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LockError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

/// Takes the lock at `path`, which is made where it is missing. It is held as long as the file is open. Blocks for some
/// seconds while another process holds it.
pub fn take(path: &Path) -> Result<File, LockError> {
    take_within(path, LETTING_GO)
}

fn take_within(path: &Path, patience: Duration) -> Result<File, LockError> {
    let failed = |doing| move |source| LockError::File { doing, path: path.to_owned(), source };
    let opened = File::options().create(true).truncate(false).read(true).write(true).open(path);
    let mut file = opened.map_err(failed("open"))?;
    let deadline = Instant::now() + patience;
    let locked = loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(TRY_AGAIN),
            locked => break locked,
        }
    };
    match locked {
        Ok(()) => {
            let written =
                file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
            written.map_err(failed("write"))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The number only helps to find the other process.
            let read = file.read_to_string(&mut holder).is_ok();
            let holder = Some(holder.trim().to_owned()).filter(|holder| read && !holder.is_empty());
            Err(LockError::Held { path: path.to_owned(), holder })
        }
        Err(TryLockError::Error(source)) => Err(failed("lock")(source)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_lock_that_is_held_names_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path).unwrap();
        let error = take_within(&path, Duration::ZERO).unwrap_err();
        let id = std::process::id().to_string();
        assert!(
            error.is_transient() && matches!(&error, LockError::Held { holder: Some(by), .. } if *by == id),
            "{error}"
        );
        drop(held);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), id);
        take_within(&path, Duration::ZERO).unwrap();
    }

    /// As a process that is being started holds what its parent has let go of already.
    #[test]
    fn a_lock_that_another_holder_is_about_to_let_go_of_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path).unwrap();
        // The same open file, as a child that was not asked has it.
        let inherited = held.try_clone().unwrap();
        drop(held);
        assert!(take_within(&path, Duration::ZERO).is_err(), "it is still held");
        let (waits, waiting) = mpsc::channel();
        let taking = thread::spawn(move || {
            waits.send(()).unwrap();
            take_within(&path, LONG).map(drop)
        });
        waiting.recv().unwrap();
        drop(inherited);
        taking.join().unwrap().unwrap();
    }

    #[test]
    fn a_lock_in_no_directory_is_an_error_that_stays() {
        let dir = tempfile::tempdir().unwrap();
        let error = take(&dir.path().join("missing/lock")).unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains("cannot open"), "{error}");
    }
}
