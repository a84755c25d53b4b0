//! `card.json`: what a run was, so that it can be repeated and its result be judged.
//!
//! May depend on `data`, `fit` and `tuning`.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde::Serialize;

use super::{TrainError, checkpoint::write_atomically, data::DataFile, fit::Fitted, tuning::Tuned};

/// The machine of a run, as far as it matters for its speed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Architecture and operating system.
    pub platform: String,
    /// Threads that the system offers.
    pub threads: usize,
    /// The widest vector instructions that the products use.
    pub vectors: &'static str,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        #[cfg(target_arch = "x86_64")]
        let vectors = match () {
            () if is_x86_feature_detected!("avx512f") => "avx512f",
            () if is_x86_feature_detected!("avx2") => "avx2",
            () => "sse2",
        };
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = "default";
        Self {
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            vectors,
        }
    }
}

/// The card of a run with a configuration `C`, whose data was counted as `F`, and after which `T` was chosen.
#[derive(Debug, Clone, Serialize)]
pub struct Card<C, F, T = Tuned> {
    /// The version of this program.
    pub version: &'static str,
    /// The commit that the program was built from, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The configuration, with all defaults.
    pub configuration: C,
    /// The sha256 of the base model's weights.
    pub base_sha256: String,
    /// The numbers that are trained.
    pub trained_numbers: usize,
    /// The files that were trained on.
    pub training_files: Vec<DataFile>,
    /// What became of their examples.
    pub training: F,
    /// The files that were validated on.
    pub validation_files: Vec<DataFile>,
    /// What became of their examples.
    pub validation: F,
    /// What was chosen after training, and on what; `None` for a model in which nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tuning: Option<Tuning<T>>,
    /// The machine.
    pub machine: Machine,
    /// Seconds since 1970, at the end.
    pub finished_at: u64,
    /// How it ended.
    pub result: Fitted,
}

/// What was chosen after training.
#[derive(Debug, Clone, Serialize)]
pub struct Tuning<T = Tuned> {
    /// The files that it was chosen on.
    pub files: Vec<DataFile>,
    /// The choice.
    #[serde(flatten)]
    pub tuned: T,
}

impl<C: Serialize, F: Serialize, T: Serialize> Card<C, F, T> {
    /// Writes `card.json`.
    pub fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let path = folder.join("card.json");
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| TrainError::Config { path: path.clone(), reason: error.to_string() })?;
        write_atomically(&path, text.as_bytes())
    }
}

/// The commit of the working tree at `folder`, with "(changed)" behind it when files differ from it; `None` where there
/// is no repository, or no git.
pub fn commit_at(folder: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(folder).args(arguments).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|changes| !changes.is_empty());
    Some(if changed { format!("{commit} (changed)") } else { commit })
}

/// Seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_without_a_repository_has_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(commit_at(folder.path()), None);
    }
}
