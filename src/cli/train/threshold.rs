//! `train threshold`: chooses from which score on a reader answers, and how likely it is then right.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{load_base, low_rank::refuse_learned};
use crate::{
    adapters::source::AdapterSource,
    cli::Exit,
    config::Config,
    models::encoder::load::Base,
    train::{
        TrainError,
        dataset::example::Example,
        reading::choose,
        tuning::{self, Tuned},
    },
};

/// Choose again from which score on a reader answers, without training it
///
/// The threshold weighs answering and declining the same: it has the best mean of the F1 over the questions with an
/// answer and the share of declined ones without. It is written into the reader's settings, with the curve from scores to
/// probabilities. Choose it on data that the reader was not trained on and is not judged by. Exit code 4 when no such
/// curve fits.
#[derive(Debug, Args)]
pub struct TrainThreshold {
    /// The folder of the reader
    #[arg(long, value_name = "DIR")]
    reader: PathBuf,
    /// A data set to choose on; may be given several times
    #[arg(long = "data", required = true, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// The folder of the base model, where it is not the one of the catalogue
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// Read about so many passages at most, of examples drawn by the seed; all when it is not given
    #[arg(long, value_name = "N")]
    passages: Option<usize>,
    /// The same seed draws the same examples
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Read so many examples at a time
    #[arg(long, value_name = "N", default_value_t = 2)]
    threads: usize,
}

impl TrainThreshold {
    /// Runs the command.
    pub fn run(self, settings: &Config) -> anyhow::Result<Exit> {
        let data = super::read_data(&self.data)?;
        // A reader need not have a card; what it was trained on is then not known.
        if let Ok(source) = AdapterSource::read(&self.reader) {
            refuse_learned(
                source.card["training_files"].as_array().map(Vec::as_slice).unwrap_or_default(),
                &data.files,
            )?;
        }
        let base = load_base(self.base.as_deref(), settings)?;
        let examples = choose(&data.examples, self.passages.unwrap_or(usize::MAX), self.seed);
        let tuned = tune(base, &self.reader, examples, self.threads)?;
        Ok(if tuned.not_fitted.is_some() { Exit::Incomplete } else { Exit::Ok })
    }
}

/// Tunes with a progress bar, and says what came of it.
pub fn tune(base: Base, reader: &Path, examples: Vec<Example>, threads: usize) -> Result<Tuned, TrainError> {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} examples read  {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    let tuned = tuning::tune(base, reader, examples, threads, |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let tuned = tuned?;
    println!("{}", said(&tuned));
    if let Some(reason) = &tuned.not_fitted {
        eprintln!("the probability was not fitted: {reason}; it stays a curve of slope 1 through even odds at score 0");
    }
    Ok(tuned)
}

fn said(tuned: &Tuned) -> String {
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    let (figures, data) = (&tuned.figures, &tuned.data);
    format!(
        "threshold {:.3} on {} questions, {} of them without an answer ({} left out: {} without a marked answer, {} too \
         long): HasAns F1 {}, NoAns {}, F1 {}, exact match {}; probability: slope {:.3}, intercept {:.3}",
        tuned.threshold,
        data.examples,
        data.unanswerable,
        data.without_span + data.long_questions,
        data.without_span,
        data.long_questions,
        percent(figures.has_ans_f1),
        percent(figures.no_ans_accuracy),
        percent(figures.f1),
        percent(figures.exact_match),
        tuned.probability.slope,
        tuned.probability.intercept,
    )
}
