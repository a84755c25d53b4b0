//! What stands around the stores: the configuration, the disks, and who else works in the data directory.
//!
//! May depend on `config` and `disk`.

use std::{fs::File, path::Path};

use super::findings::Findings;
use crate::{
    cli::output,
    config::{Config, Settings},
    disk,
};

/// Variables that are no settings of a file, and are read all the same.
const OTHER_VARIABLES: [&str; 3] = ["FOOTNOTE_CONFIG", "FOOTNOTE_FAILPOINTS", "FOOTNOTE_TO_VECTOR_API_KEY"];

/// What was set where, without any value. The program does not start with a configuration that cannot be used.
pub fn configuration(config: &Config, findings: &mut Findings) {
    let from = config.file.as_ref().map_or_else(String::new, |file| format!("{}, then ", file.display()));
    let known = |name: &str| Settings::KEYS.iter().any(|(_, variable)| *variable == name);
    let (set, unknown): (Vec<String>, Vec<String>) = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("FOOTNOTE_") && !OTHER_VARIABLES.contains(&name.as_str()))
        .partition(|name| known(name));
    let set = if set.is_empty() { "no variable".to_owned() } else { set.join(", ") };
    findings
        .ok("configuration", format!("the configuration can be used: from {from}the environment ({set}), and flags"));
    for name in unknown {
        findings.note(
            "configuration",
            format!("the variable {name} is set, and is no setting"),
            "it is passed over",
            "look for its right name in the configuration reference, or unset it",
        );
    }
    if config.log.as_deref().is_some_and(|filter| filter.contains("trace")) {
        findings.note(
            "configuration",
            "everything is logged (`trace`)",
            "libraries may log what they send, and the log grows fast",
            "set `log` to `info`, or to `footnote=debug,info` for a while",
        );
    }
    if let Some(file) = &config.file {
        secrets_in(file, findings);
    }
}

#[cfg(unix)]
fn secrets_in(file: &Path, findings: &mut Findings) {
    use std::os::unix::fs::PermissionsExt as _;

    let Ok(mode) = std::fs::metadata(file).map(|found| found.permissions().mode()) else { return };
    let Ok(text) = std::fs::read_to_string(file) else { return };
    let secret = ["api_key", "vector_api_key", "database_url"]
        .into_iter()
        .find(|key| text.lines().any(|line| line.split_once('=').is_some_and(|(name, _)| name.trim() == *key)));
    if let Some(key) = secret.filter(|_| mode & 0o004 != 0) {
        findings.note(
            "permissions",
            format!("every user of this machine can read {}, which has `{key}`", file.display()),
            "the secret in it is none",
            format!("`chmod 640 {}`, or give the secret in the environment", file.display()),
        );
    }
}

#[cfg(not(unix))]
fn secrets_in(_: &Path, _: &mut Findings) {}

/// Whether data can be written, and how much.
pub fn disks(config: &Config, findings: &mut Findings) {
    let mut places = disk::places(config);
    places.push(disk::Place { name: "models", path: config.models_dir.clone() });
    for place in places {
        let (name, path) = (place.name, place.path.display().to_string());
        if !place.path.exists() {
            findings.ok("disk", format!("the {name} directory {path} is not there yet: the first start makes it"));
            continue;
        }
        // A file without a name: nothing is left behind.
        if let Err(error) = tempfile::tempfile_in(&place.path)
            && name != "models"
        {
            findings.bad(
                "permissions",
                format!("nothing can be written to the {name} directory {path}: {error}"),
                "the service cannot start, or takes no uploads",
                "run as the user that owns it, or give this user the directory (`chown`)",
            );
            continue;
        }
        match place.free() {
            Ok(free) if name != "models" && free < config.min_free_disk_bytes => findings.bad(
                "disk",
                format!("{} are free for the {name} directory {path}", output::bytes(free)),
                "the service is not ready, and uploads wait until there is room",
                format!(
                    "make room, or give it a larger disk; `min_free_disk_bytes` is {}",
                    output::bytes(config.min_free_disk_bytes)
                ),
            ),
            Ok(free) => {
                findings.ok("disk", format!("the {name} directory {path} has {} of free room", output::bytes(free)));
            }
            Err(error) => findings.bad(
                "disk",
                format!("the free room for the {name} directory {path} is not known: {error}"),
                "it cannot be told when the disk is full",
                "look at the mount of this directory",
            ),
        }
    }
}

/// Whether another process works in the data directory, and which. Nothing can be checked behind its back.
pub fn is_taken(config: &Config, findings: &mut Findings) -> bool {
    if !config.is_embedded() {
        findings.ok("lock", "the stores are on servers: other processes may work on them meanwhile");
        return false;
    }
    let path = config.data_dir.join("footnote.lock");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.ok("lock", "nobody has worked in the data directory yet");
            return false;
        }
        Err(error) => {
            findings.bad(
                "lock",
                format!("{} cannot be opened: {error}", path.display()),
                "it cannot be told whether another process works in the data directory",
                "run as the user that owns the data directory",
            );
            return false;
        }
    };
    match file.try_lock() {
        Ok(()) => {
            findings.ok("lock", "no other process works in the data directory");
            false
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let pid = std::fs::read_to_string(&path).unwrap_or_default();
            findings.bad(
                "lock",
                format!("another process works in {}: {}", config.data_dir.display(), described(pid.trim())),
                "embedded stores belong to one process at a time, so they cannot be checked now",
                "ask a running service how it is (GET /readyz, GET /v1/jobs?state=failed, GET /v1/connectors), or stop it and \
                 run `footnote doctor` again",
            );
            true
        }
        Err(std::fs::TryLockError::Error(error)) => {
            findings.bad(
                "lock",
                format!("{} cannot be locked: {error}", path.display()),
                "two processes could work in the directory at once",
                "use a file system that has locks: not every network file system does",
            );
            false
        }
    }
}

/// A process, by its number and its command. Not by its whole command line: flags may be secrets.
fn described(pid: &str) -> String {
    let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return format!("process {pid}") };
    let words: Vec<String> =
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let program = words.first().and_then(|word| Path::new(word).file_name()).map(|name| name.to_string_lossy());
    let command = super::super::command();
    let subcommand = words.iter().skip(1).find(|word| command.find_subcommand(word).is_some());
    let words: Vec<String> = program.map(|name| name.into_owned()).into_iter().chain(subcommand.cloned()).collect();
    format!("process {pid} ({})", words.join(" "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn settings(dir: &Path) -> Settings {
        Settings { data_dir: Some(dir.to_owned()), models_dir: Some(dir.join("models")), ..Settings::default() }
    }

    #[test]
    fn a_process_is_described_without_its_flags() {
        let described = described(&std::process::id().to_string());
        assert!(described.contains(&std::process::id().to_string()) && !described.contains("--"), "{described}");
        assert_eq!(super::described("no-such-process"), "process no-such-process");
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_that_cannot_be_opened_is_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::resolve(settings(dir.path())).unwrap();
        let told = || {
            let mut findings = Findings::default();
            assert!(!is_taken(&config, &mut findings));
            (findings.all_well(), findings.to_string())
        };
        assert!(told().0, "nobody has worked there");
        // A link to itself can be opened by nobody, not even by root.
        std::os::unix::fs::symlink("footnote.lock", dir.path().join("footnote.lock")).unwrap();
        let (well, text) = told();
        assert!(!well && text.contains("cannot be opened"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_named_by_a_flag_is_looked_at_too() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("other.toml");
        std::fs::write(&file, "api_key = \"0123456789abcdef\"\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let settings = Settings { config: Some(file), ..settings(dir.path()) };
        let mut findings = Findings::default();
        configuration(&Config::load(settings).unwrap(), &mut findings);
        let text = findings.to_string();
        assert!(text.contains("other.toml, then") && text.contains("chmod 640"), "{text}");
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let config = |least: u64| {
            Config::resolve(Settings { min_free_disk_bytes: Some(least), ..settings(dir.path()) }).unwrap()
        };
        let found = |least: u64| {
            let mut findings = Findings::default();
            disks(&config(least), &mut findings);
            findings
        };
        assert!(found(0).all_well());
        let full = found(u64::MAX);
        assert!(!full.all_well() && full.to_string().contains("min_free_disk_bytes"), "{full}");
    }
}
