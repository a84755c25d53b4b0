//! `train extract` and `train average`: low-rank adapters that are made of trained readers, without training.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{load_base, threshold};
use crate::{
    adapters::source::AdapterSource,
    config::Config,
    models::adapter::{AdapterFiles, Precision},
    train::{
        average::average,
        card::{Machine, Tuning, commit_at, now},
        checkpoint::write_atomically,
        data::DataFile,
        extract::{Extracted, extract},
    },
};

/// Examples that are read at a time to choose a threshold.
const THREADS: usize = 2;

/// The adapter that is made.
#[derive(Debug, Args)]
struct Made {
    /// The folder of the base model; the one of the catalogue when absent
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// The rank of the pairs; the higher, the nearer and the larger
    #[arg(long, value_name = "N", default_value_t = 32)]
    rank: usize,
    /// Save in half precision
    #[arg(long)]
    half: bool,
    /// The folder of the adapter
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Made {
    fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.out.exists(), "{} exists already; name another folder", self.out.display());
        Ok(())
    }

    fn precision(&self) -> Precision {
        if self.half { Precision::F16 } else { Precision::F32 }
    }

    /// Writes the adapter, and says how much of the difference to the base its pairs keep.
    fn write(&self, extracted: &Extracted) -> anyhow::Result<()> {
        extracted.files.write(&self.out)?;
        let (mut kept, mut all) = (0.0, 0.0);
        for module in &extracted.modules {
            println!("{:6.2} %  {}", 100.0 * module.kept / module.all, module.module);
            (kept, all) = (kept + module.kept, all + module.all);
        }
        if all > 0.0 {
            println!("{:6.2} %  of the squared difference to the base is kept", 100.0 * kept / all);
        }
        Ok(())
    }
}

/// Turn a reader that was trained in full into a low-rank adapter, which is a tenth of its size
#[derive(Debug, Args)]
pub(super) struct Extract {
    /// The folder of the reader
    #[arg(long, value_name = "DIR")]
    reader: PathBuf,
    #[command(flatten)]
    made: Made,
}

impl Extract {
    pub(super) fn run(self, settings: &Config) -> anyhow::Result<()> {
        self.made.check()?;
        let reader = AdapterFiles::read(&self.reader)?;
        let base = load_base(self.made.base.as_deref(), settings)?;
        self.made.write(&extract(base, &reader, self.made.rank, self.made.precision())?)
    }
}

/// Average the weights of readers that went on from one another into one low-rank adapter, and choose its threshold
#[derive(Debug, Args)]
pub(super) struct Average {
    /// The folder of a reader, with its card in it or above it; at least two
    #[arg(long = "reader", required = true, value_name = "DIR")]
    readers: Vec<PathBuf>,
    /// Its weight, in the same order; all the same when absent
    #[arg(long = "weight", value_name = "W")]
    weights: Vec<f64>,
    /// A data set to choose the threshold on; may be given several times. None of the readers may have been trained on it
    #[arg(long, required = true, value_name = "DIR")]
    tuning: Vec<PathBuf>,
    #[command(flatten)]
    made: Made,
}

/// The card of a mean, which lies in the adapter's folder: of what it was made, and what that was trained on.
#[derive(Serialize)]
struct MeanCard {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    base_sha256: String,
    mean_of: Vec<Part>,
    rank: usize,
    training_files: Vec<Value>,
    tuning: Tuning,
    machine: Machine,
    finished_at: u64,
}

#[derive(Serialize)]
struct Part {
    weight: f64,
    /// The sum over the reader's files.
    sha256: String,
}

/// Refuses to choose a threshold on a file that was learned from, as far as a card says what was.
pub(super) fn refuse_learned(training: &[Value], tuning: &[DataFile]) -> anyhow::Result<()> {
    let learned =
        |file: &&DataFile| training.iter().any(|known| known["sha256"].as_str() == Some(file.sha256.as_str()));
    if let Some(file) = tuning.iter().find(learned) {
        bail!(
            "{} is among what was learned from, by the card: choose the threshold on other data, or it means nothing",
            file.path.display()
        );
    }
    Ok(())
}

impl Average {
    pub(super) fn run(self, settings: &Config) -> anyhow::Result<()> {
        self.made.check()?;
        ensure!(
            self.weights.is_empty() || self.weights.len() == self.readers.len(),
            "{} readers and {} weights: give each reader its weight, or none of them",
            self.readers.len(),
            self.weights.len()
        );
        let tuning = super::read_data(&self.tuning)?;
        let weights = self.weights.iter().copied().chain(std::iter::repeat(1.0));
        let (mut readers, mut mean_of, mut training_files, mut seen) =
            (Vec::new(), Vec::new(), Vec::new(), BTreeSet::new());
        for (folder, weight) in self.readers.iter().zip(weights) {
            let source = AdapterSource::read(folder)?;
            let files = source.card["training_files"].as_array().cloned().unwrap_or_default();
            training_files.extend(files.into_iter().filter(|file| seen.insert(file["sha256"].to_string())));
            mean_of.push(Part { weight, sha256: source.files.sha256() });
            readers.push((weight, source.files));
        }
        refuse_learned(&training_files, &tuning.files)?;
        let base = load_base(self.made.base.as_deref(), settings)?;
        let base_sha256 = base.sha256.clone();
        self.made.write(&average(&base, &readers, self.made.rank, self.made.precision())?)?;
        let tuned = threshold::tune(base, &self.made.out, tuning.examples, THREADS)?;
        let card = MeanCard {
            version: env!("CARGO_PKG_VERSION"),
            commit: commit_at(Path::new(env!("CARGO_MANIFEST_DIR"))),
            base_sha256,
            mean_of,
            rank: self.made.rank,
            training_files,
            tuning: Tuning { files: tuning.files, tuned },
            machine: Machine::here(),
            finished_at: now(),
        };
        let path = self.made.out.join("card.json");
        let text = serde_json::to_string_pretty(&card).context("writing the card")?;
        Ok(write_atomically(&path, text.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_threshold_is_not_chosen_on_what_was_learned_from() {
        let file = |sha256: &str| serde_json::json!({"path": "task.jsonl", "sha256": sha256, "examples": 1});
        let tuning: Vec<DataFile> = vec![serde_json::from_value(file("a")).unwrap()];
        assert!(refuse_learned(&[file("b")], &tuning).is_ok());
        let error = refuse_learned(&[file("b"), file("a")], &tuning).unwrap_err().to_string();
        assert!(error.contains("task.jsonl is among what was learned from"), "{error}");
    }
}
