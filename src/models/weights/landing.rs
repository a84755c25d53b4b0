//! How a file gets into the cache: copied and hashed into a directory beside it, then renamed into place.
//!
//! May depend on `catalog` and on the errors and progress of its parent.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{FileSpec, PullProgress, SourceError, WeightsError};

/// The file in an artefact's directory that records the sums of what landed, one `sum  name` a line.
const RECORD: &str = "SHA256SUMS";
const BLOCK: usize = 1 << 16;

/// Files that were fetched but are not in the cache yet. Dropped without [`Self::land`], nothing remains.
pub(super) struct Landing {
    dir: TempDir,
    scratch: PathBuf,
    landed: BTreeMap<String, String>,
}

impl Landing {
    /// A new one in `cache`, on the same file system, so that a rename is enough later. What a killed pull of
    /// the same artefact left behind is removed: its lock is held by the caller.
    pub(super) fn begin(cache: &Path, artefact: &str) -> Result<Self, WeightsError> {
        // `+` cannot be in a name, so no other artefact's directory begins like this.
        let prefix = format!(".pull-{artefact}+");
        for entry in fs::read_dir(cache).map_err(WeightsError::io("reading", cache))? {
            let entry = entry.map_err(WeightsError::io("reading", cache))?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_dir_all(entry.path()).map_err(WeightsError::io("removing", &entry.path()))?;
            }
        }
        let dir = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(cache)
            .map_err(WeightsError::io("creating a directory in", cache))?;
        let scratch = dir.path().join("scratch");
        for made in [&scratch, &dir.path().join("files")] {
            fs::create_dir(made).map_err(WeightsError::io("creating", made))?;
        }
        Ok(Self { dir, scratch, landed: BTreeMap::new() })
    }

    /// A directory for whatever a source needs on the way.
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Copies `reader` as the file `spec`, and refuses it when its bytes are not the expected ones.
    pub(super) fn take(
        &mut self,
        spec: &FileSpec,
        reader: &mut dyn Read,
        progress: &dyn PullProgress,
    ) -> Result<(), SourceError> {
        let path = self.dir.path().join("files").join(&spec.name);
        let mut file = File::create(&path)?;
        let sum = copy_checked(spec, reader, &mut file, progress)?;
        // Without this a power cut after the rename could leave a whole name with half the bytes.
        file.sync_all()?;
        self.landed.insert(spec.name.clone(), sum);
        Ok(())
    }

    /// The same for a file on disk.
    pub(super) fn take_file(
        &mut self,
        spec: &FileSpec,
        path: &Path,
        progress: &dyn PullProgress,
    ) -> Result<(), SourceError> {
        self.take(spec, &mut File::open(path)?, progress)
    }

    /// Puts everything into `home`: in one rename when it does not exist, else file by file.
    pub(super) fn land(self, home: &Path) -> Result<(), WeightsError> {
        let files = self.dir.path().join("files");
        let mut sums = if home.is_dir() { recorded(home)? } else { BTreeMap::new() };
        sums.extend(self.landed.clone());
        let lines: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
        let record = files.join(RECORD);
        fs::write(&record, lines).map_err(WeightsError::io("writing", &record))?;
        if !home.exists() {
            return fs::rename(&files, home).map_err(WeightsError::io("moving files to", home));
        }
        for name in self.landed.keys().map(String::as_str).chain([RECORD]) {
            let to = home.join(name);
            fs::rename(files.join(name), &to).map_err(WeightsError::io("moving a file to", &to))?;
        }
        Ok(())
    }
}

fn copy_checked(
    spec: &FileSpec,
    reader: &mut dyn Read,
    writer: &mut dyn Write,
    progress: &dyn PullProgress,
) -> Result<String, SourceError> {
    let pin = spec.pin.as_ref();
    progress.begin(&format!("checking {}", spec.name), pin.map(|pin| pin.size));
    let mut hash = Sha256::new();
    let (mut block, mut total) = (vec![0; BLOCK], 0_u64);
    loop {
        let read = reader.read(&mut block)?;
        if read == 0 {
            break;
        }
        total += read as u64;
        if let Some(pin) = pin.filter(|pin| total > pin.size) {
            progress.end();
            return Err(SourceError::TooLarge { expected: pin.size });
        }
        hash.update(&block[..read]);
        writer.write_all(&block[..read])?;
        progress.at(total);
    }
    progress.end();
    let found = hex::encode(hash.finalize());
    match pin {
        Some(pin) if pin.sha256 != found => Err(SourceError::WrongSum { expected: pin.sha256.clone(), found }),
        _ => Ok(found),
    }
}

/// The SHA-256 of a file.
pub(super) fn sha256(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let (mut file, mut block) = (File::open(path)?, vec![0; BLOCK]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&block[..read]),
        }
    }
}

/// The sums that were recorded when the files of `home` landed; empty when a person put them there.
pub(super) fn recorded(home: &Path) -> Result<BTreeMap<String, String>, WeightsError> {
    let path = home.join(RECORD);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let pairs = text.lines().filter_map(|line| line.split_once("  "));
            Ok(pairs.map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(WeightsError::Io { doing: "reading", path, source: error }),
    }
}

/// Whether the file is in `home` with the bytes that it should have.
pub(super) fn is_sound(home: &Path, spec: &FileSpec) -> Result<bool, WeightsError> {
    let path = home.join(&spec.name);
    if !path.is_file() {
        return Ok(false);
    }
    let expected = match &spec.pin {
        Some(pin) => Some(pin.sha256.clone()),
        None => recorded(home)?.remove(&spec.name),
    };
    match expected {
        Some(expected) => Ok(sha256(&path).map_err(WeightsError::io("reading", &path))? == expected),
        None => Ok(true),
    }
}

/// Held while an artefact is pulled. The system lets go of it when the process ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(path: &Path, patience: Duration, progress: &dyn PullProgress) -> Result<Self, WeightsError> {
        let file = File::create(path).map_err(WeightsError::io("creating", path))?;
        let started = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(WeightsError::io("locking", path)(error)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= patience => {
                    return Err(WeightsError::Locked { path: path.to_owned(), seconds: patience.as_secs() });
                }
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        progress.note("another process is fetching the same files; waiting for it");
                        told = true;
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }
}
