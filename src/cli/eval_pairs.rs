//! `eval pairs`: how good a model that compares two texts is, on pairs that it was not trained on.
//!
//! May depend on `eval::pairs`, `train::pairs` and the encoder.

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use serde::Serialize;

use super::output;
use crate::{
    config::Config,
    eval::{
        bootstrap::{Estimate, Resampling},
        pairs::{PairsMeasured, measure},
    },
    models::{
        self,
        adapter::AdapterFiles,
        catalog::ENCODER_BASE,
        encoder::pairs::{PairSettings, model::PairModel},
        shipped::{SUPPORT, shipped},
    },
    train::{
        dataset::pairs::Pair,
        pairs::data::{self},
    },
};

/// How good a model that compares two texts is
///
/// Balanced accuracy of "this label or not" at the model's threshold, with 95 % intervals over bootstrap samples of
/// documents, for all pairs and for each of their tags.
#[derive(Debug, clap::Args)]
pub struct EvalPairs {
    /// A folder of pairs; may be given several times
    #[arg(long = "data", required = true, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// The folder of the model; the one for support that ships when it is not given
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// The label that decides
    #[arg(long, value_name = "LABEL", default_value = "supported")]
    label: String,
    /// Only pairs with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Leave pairs with this tag out
    #[arg(long, value_name = "TAG")]
    without: Option<String>,
    /// Rounds of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 2000)]
    resamples: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// Also write each pair's scores to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
}

/// The figures with what they took.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    all: PairsMeasured,
    tags: BTreeMap<String, usize>,
    milliseconds_per_pair: f64,
}

/// Refuses a label that the model does not know: the figures would be those of another one.
fn check_label(settings: &PairSettings, label: &str) -> anyhow::Result<()> {
    let known = settings.labels.join(", ");
    anyhow::ensure!(
        settings.labels.iter().any(|known| known == label),
        "the model knows no label {label:?}: name one of its own with --label ({known})"
    );
    Ok(())
}

impl EvalPairs {
    /// Runs the command.
    pub fn run(self, config: &Config) -> anyhow::Result<()> {
        let files = match &self.model {
            Some(folder) => AdapterFiles::read(folder)?,
            None => shipped(SUPPORT).ok_or_else(|| anyhow::anyhow!("no such model ships: name one with --model"))?,
        };
        let base = models::locate_one(&config.models_dir, ENCODER_BASE)?;
        let model = PairModel::load(&base, &files)?;
        check_label(model.settings(), &self.label)?;
        let has = |pair: &Pair, tag: &Option<String>| tag.as_ref().is_some_and(|tag| pair.tags.contains(tag));
        let mut pairs = data::read(&self.data)?.pairs;
        pairs.retain(|pair| (self.tag.is_none() || has(pair, &self.tag)) && !has(pair, &self.without));
        if pairs.is_empty() {
            anyhow::bail!("there are no such pairs");
        }
        let resampling = Resampling::new(self.resamples, 2026, 0.95)?;
        let begin = Instant::now();
        let (all, scores) = measure(&model, &pairs, &self.label, &resampling, config.threads)?;
        let milliseconds_per_pair = 1000.0 * begin.elapsed().as_secs_f64() / pairs.len() as f64;
        if let Some(path) = &self.scores {
            let lines: Vec<String> = pairs
                .iter()
                .zip(&scores)
                .map(|(pair, scores)| {
                    serde_json::json!({"id": pair.id, "label": pair.label, "tags": pair.tags, "scores": scores})
                        .to_string()
                })
                .collect();
            std::fs::write(path, lines.join("\n") + "\n")?;
        }
        let mut tags: BTreeMap<String, usize> = BTreeMap::new();
        for tag in pairs.iter().flat_map(|pair| &pair.tags) {
            *tags.entry(tag.clone()).or_default() += 1;
        }
        if self.json {
            return output::print_json(&Shown { all, tags, milliseconds_per_pair });
        }
        let with = |estimate: &Option<Estimate>| match estimate {
            Some(Estimate { value, low, high, .. }) => {
                format!("{:.1} % ({:.1} to {:.1})", 100.0 * value, 100.0 * low, 100.0 * high)
            }
            None => "-".to_owned(),
        };
        let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
        println!("{} pairs of {} sources, {milliseconds_per_pair:.1} ms each", all.pairs, all.sources);
        println!(
            "{} or not, from {:.3} on: balanced accuracy {}",
            all.label,
            all.threshold,
            with(&all.balanced_accuracy)
        );
        println!("  turned down {}, wrongly passed {}", share(all.turned_down), share(all.passed));
        println!("  by the number of words alone {}", share(all.by_length_alone));
        println!("between the two labels that say something: {}", with(&all.between_two));
        println!("mean recall of the labels: {}", with(&all.macro_recall));
        for (label, row) in &all.table {
            println!("  {label:<16} {row:?}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::models::encoder::pairs::settings::PAIR_SETTINGS;

    #[test]
    fn a_label_that_the_model_does_not_know_is_refused() {
        let files = shipped(SUPPORT).unwrap();
        let settings: PairSettings = serde_json::from_slice(files.need(PAIR_SETTINGS).unwrap()).unwrap();
        assert!(check_label(&settings, "supported").is_ok());
        let error = check_label(&settings, "relevant").unwrap_err().to_string();
        assert!(error.contains("\"relevant\"") && error.contains("supported"), "{error}");
    }
}
