//! Threshold and probability of a trained reader, chosen on data that it was not trained on and written into its
//! settings.
//!
//! May depend on `reading`, `threshold` and the encoder.

use std::path::Path;

use serde::Serialize;

use super::{
    TrainError,
    dataset::example::Example,
    reading::{ReadingCounts, ReadingTask},
    squad_score::SquadSummary,
    threshold::{best_threshold, figures, platt},
};
use crate::models::{
    adapter::AdapterFiles,
    encoder::{
        Decision, EncoderError,
        decision::Platt,
        load::{Base, READER_SETTINGS, ReaderSettings},
        reader::Reader,
    },
};

/// What was chosen, and what it brings on the data that it was chosen on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuned {
    /// What was read.
    pub data: ReadingCounts,
    /// The score from which on a span counts as found.
    pub threshold: f32,
    /// From a score to the probability that the answer is right.
    pub probability: Platt,
    /// Why the probability stays as it is before anything is fitted; `None` when it was fitted.
    pub not_fitted: Option<String>,
    /// The figures at the threshold.
    pub figures: SquadSummary,
}

/// Chooses threshold and probability of the reader in `folder`, which was trained on `base`, and writes them into its
/// settings. `watch` is told how many examples of how many are read.
pub fn tune(
    base: Base,
    folder: &Path,
    examples: Vec<Example>,
    threads: usize,
    watch: impl Fn(usize, usize) + Sync,
) -> Result<Tuned, TrainError> {
    let mut files = AdapterFiles::read(folder)?;
    with_a_decision(&mut files, folder)?;
    let (base, heads, mut settings) = base.with_reader(&files)?;
    let task = ReadingTask::new(examples, &base.tokenizer, settings.limits, threads)?;
    let reader = Reader::new(base.bert, heads, base.tokenizer, settings.limits);
    let judged = task.judge(&reader, |done| watch(done, task.counts.examples))?;
    let Some(threshold) = best_threshold(&judged) else {
        let counts = serde_json::to_string(&task.counts).unwrap_or_default();
        return Err(TrainError::NoSequences { what: "tuning", counts });
    };
    let (probability, not_fitted) = match platt(&judged) {
        Ok(fitted) => (fitted, None),
        Err(reason) => (Decision::UNFITTED.probability, Some(reason)),
    };
    (settings.threshold, settings.probability) = (threshold, probability);
    write(&settings, folder)?;
    Ok(Tuned { data: task.counts, threshold, probability, not_fitted, figures: figures(&judged, threshold) })
}

/// Settings that were written before a threshold was chosen need not name one.
fn with_a_decision(files: &mut AdapterFiles, folder: &Path) -> Result<(), TrainError> {
    let refused = |error: serde_json::Error| refuse(folder, &error);
    let mut settings: serde_json::Value = serde_json::from_slice(files.need(READER_SETTINGS)?).map_err(refused)?;
    if let Some(fields) = settings.as_object_mut() {
        let Decision { threshold, probability } = Decision::UNFITTED;
        fields.entry("threshold").or_insert(threshold.into());
        let probability = serde_json::to_value(probability).map_err(refused)?;
        fields.entry("probability").or_insert(probability);
    }
    files.insert(READER_SETTINGS, serde_json::to_vec(&settings).map_err(refused)?);
    Ok(())
}

fn write(settings: &ReaderSettings, folder: &Path) -> Result<(), TrainError> {
    let mut files = AdapterFiles::default();
    files.insert(READER_SETTINGS, serde_json::to_vec_pretty(settings).map_err(|error| refuse(folder, &error))?);
    Ok(files.write(folder)?)
}

fn refuse(folder: &Path, reason: &serde_json::Error) -> TrainError {
    EncoderError::Model { path: folder.join(READER_SETTINGS), reason: reason.to_string() }.into()
}
