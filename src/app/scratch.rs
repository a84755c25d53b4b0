//! The directory for bytes that are on their way, and what killed processes left in it.
//!
//! With the embedded stores the data directory is this process's alone, and so is its scratch directory. With stores on
//! servers several processes may share a machine and a data directory: each has a directory of its own in there, with a
//! file that it keeps locked, and removes those whose process is gone. Depends on nothing.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The file that a process keeps locked in its directory.
const LOCK: &str = "lock";

/// Empties the directory, which nobody else uses.
pub(super) fn alone(root: &Path) -> io::Result<PathBuf> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    fs::create_dir_all(root)?;
    Ok(root.to_owned())
}

/// Makes a directory of this process's own in one that others use as well. It is this process's as long as the file is
/// open.
pub(super) fn shared(root: &Path) -> io::Result<(PathBuf, File)> {
    fs::create_dir_all(root)?;
    for entry in fs::read_dir(root)? {
        let directory = entry?.path();
        let Ok(lock) = File::open(directory.join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            // Somebody else may be removing it as well.
            let _ = fs::remove_dir_all(&directory);
        }
    }
    loop {
        let directory = tempfile::Builder::new().prefix("process-").tempdir_in(root)?.keep();
        let lock = File::create(directory.join(LOCK))?;
        // Another process that starts may have taken it for that of a dead one before it was locked.
        if lock.try_lock().is_ok() && directory.join(LOCK).exists() {
            return Ok((directory, lock));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_a_dead_process_left_goes_and_what_a_living_one_has_stays() {
        let root = tempfile::tempdir().unwrap();
        let (living, _lock) = shared(root.path()).unwrap();
        let (dead, lock) = shared(root.path()).unwrap();
        fs::write(living.join("upload"), "on its way").unwrap();
        fs::write(dead.join("upload"), "half of it").unwrap();
        drop(lock);
        let (own, _own) = shared(root.path()).unwrap();
        assert!(living.join("upload").exists() && own.exists() && !dead.exists());
        assert_ne!(own, living);
    }
}
