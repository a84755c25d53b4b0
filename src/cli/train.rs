//! `train`: fine-tunes a model on data sets. A run can be killed and resumed at any time.
//!
//! Here what all kinds share, and `train reader`, whose threshold is chosen at the end; `generator` is `train generator`,
//! `pairs` is `train pairs`, `threshold` is `train threshold`, which chooses it again, and `low_rank` makes small adapters of readers that were
//! trained: `train extract` and `train average`.

mod generator;
mod low_rank;
mod pairs;
mod threshold;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use super::Exit;
use crate::{
    config::Config,
    eval::report,
    models::{
        self,
        adapter::AdapterFiles,
        catalog::ENCODER_BASE,
        encoder::{features::ReaderTokenizer, load::Base},
        fused::product::device::Device,
    },
    train::{
        TrainError,
        card::{Card, Machine, Tuning, commit_at, now},
        config::ReaderConfig,
        data::{self, Data, DataFile},
        dataset::example::Example,
        features::{FeatureCounts, FeatureMaker, Sequence},
        fit::{FitEvent, Fitted, Run, Trainable},
        reader::{READER, ReaderModel},
        reading::{ReadingTask, choose},
    },
};

/// Train a model on data sets
#[derive(Debug, Args)]
pub struct Train {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Reader(TrainReader),
    Generator(generator::TrainGenerator),
    Pairs(pairs::TrainPairs),
    Threshold(threshold::TrainThreshold),
    Extract(low_rank::Extract),
    Average(low_rank::Average),
}

/// Where a run's data and results lie.
#[derive(Debug, Args)]
struct Places {
    /// The recipe of the run, a TOML file: model, seed, rates, lengths
    #[arg(long, value_name = "FILE")]
    recipe: PathBuf,
    /// A folder with task.jsonl (and edge.jsonl, failure.jsonl) to train on; may be given several times
    #[arg(long = "data", required = true)]
    data: Vec<PathBuf>,
    /// The same to validate on; no document of it may be in the training data
    #[arg(long, required = true)]
    validation: Vec<PathBuf>,
    /// Where checkpoint, metrics, card and the trained model go
    #[arg(long)]
    out: PathBuf,
    /// Go on from the checkpoint in the output folder
    #[arg(long)]
    resume: bool,
}

impl Places {
    /// Reads the examples to train and to validate on, unless something is wrong with them, and makes the folder. Of
    /// what is validated on, and of `apart`, nothing may be in the training data.
    fn open(&self, apart: &[PathBuf]) -> anyhow::Result<[Data; 2]> {
        data::refuse_errors(&self.data, &[&self.validation, apart].concat())?;
        fs::create_dir_all(&self.out).with_context(|| format!("creating {}", self.out.display()))?;
        Ok([read_data(&self.data)?, read_data(&self.validation)?])
    }
}

/// Reads data sets, and says what is left out of them.
fn read_data(folders: &[PathBuf]) -> anyhow::Result<Data> {
    let data = data::read(folders)?;
    if data.left_out() > 0 {
        eprintln!(
            "{} examples go on with a conversation, ask several things or are to be asked back about: they are left out",
            data.left_out()
        );
    }
    Ok(data)
}

/// Fine-tune the small encoder to find answers in passages, and to say when there is none
#[derive(Debug, Args)]
struct TrainReader {
    #[command(flatten)]
    places: Places,
    /// The same to choose the threshold on at the end, of which nothing may be in the training data either; the
    /// validation data when none is named. The threshold must not be chosen on what the reader is judged by afterwards
    #[arg(long, value_name = "DIR")]
    tuning: Vec<PathBuf>,
}

impl Train {
    /// Runs the command.
    pub fn run(self, config: &Config) -> anyhow::Result<Exit> {
        restart_with_one_candle_thread()?;
        match self.what {
            What::Reader(command) => command.run(config),
            What::Generator(command) => command.run(config),
            What::Pairs(command) => command.run(config),
            What::Threshold(command) => return command.run(config),
            What::Extract(command) => command.run(config),
            What::Average(command) => command.run(config),
        }?;
        Ok(Exit::Ok)
    }
}

/// Starts the program again with candle's own threads switched off, which only its environment can do. Each of our
/// threads has a graph of its own; candle's would spin beside them, and cost a tenth of the speed and more when
/// something else runs.
#[cfg(unix)]
fn restart_with_one_candle_thread() -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt;

    const VARIABLE: &str = "CANDLE_NUM_THREADS";
    if std::env::var_os(VARIABLE).is_some() {
        return Ok(());
    }
    let program = std::env::current_exe().context("finding this program to restart it")?;
    let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).env(VARIABLE, "1").exec();
    Err(error).context("restarting the program")
}

#[cfg(not(unix))]
fn restart_with_one_candle_thread() -> anyhow::Result<()> {
    Ok(())
}

/// Tries the device of a recipe before the data is read, so that a run does not end with what was known at its start.
fn try_device(device: Device) -> Result<(), TrainError> {
    if let Some(name) = device.probe()? {
        eprintln!("large products are computed on {name}");
    }
    Ok(())
}

/// The base model in a folder, or the one of the catalogue.
fn load_base(folder: Option<&Path>, settings: &Config) -> anyhow::Result<Base> {
    Ok(match folder {
        Some(folder) => Base::load(folder)?,
        None => Base::load(&models::locate_one(&settings.models_dir, ENCODER_BASE)?)?,
    })
}

impl TrainReader {
    fn run(self, settings: &Config) -> anyhow::Result<()> {
        let Places { recipe, out, resume, .. } = &self.places;
        let config = ReaderConfig::read(recipe)?;
        try_device(config.fit.device)?;
        let [training, validation] = self.places.open(&self.tuning)?;
        let tuning = read_data(if self.tuning.is_empty() { &self.places.validation } else { &self.tuning })?;
        let base = load_base(config.base.as_deref(), settings)?;
        if let Err(reason) = config.limits.check(base.bert.config.max_position_embeddings) {
            return Err(TrainError::Config { path: recipe.clone(), reason }.into());
        }
        let from = config.from.as_deref().map(AdapterFiles::read).transpose()?;
        let begun_from = from.as_ref().map_or_else(String::new, AdapterFiles::sha256);
        let fingerprint =
            fingerprint(&config, &format!("{}\n{begun_from}", base.sha256), [&training.files, &validation.files]);
        let (sequences, counts) = prepare(&base.tokenizer, &config, &training.examples, "training")?;
        let chosen = choose(&validation.examples, config.reader.validation_sequences, config.seed);
        let (mut measured, validation_counts) = prepare(&base.tokenizer, &config, &chosen, "validation")?;
        measured.truncate(config.reader.validation_sequences);
        let mut model = ReaderModel::new(&base, &config, from.as_ref())?;
        let task = ReadingTask::new(chosen, &base.tokenizer, config.limits, config.fit.threads)?;
        eprintln!("read at each validation: {}", serde_json::to_string(&task.counts)?);
        model.measure_on(task, &base.tokenizer);
        // Looked at now, so that a long run does not end in an error.
        let to_tune = choose(&tuning.examples, config.reader.tuning_passages, config.seed);
        let readable = ReadingTask::new(to_tune.clone(), &base.tokenizer, config.limits, 1)?.counts;
        if readable.examples == 0 {
            return Err(TrainError::NoSequences { what: "tuning", counts: serde_json::to_string(&readable)? }.into());
        }
        eprintln!(
            "{} training sequences, {} tokens; {} validation sequences; {} numbers are trained",
            counts.sequences,
            counts.tokens,
            measured.len(),
            model.trained_numbers()
        );
        let run = Run {
            model: &model,
            training: &sequences,
            validation: &measured,
            settings: &config.fit,
            adam: config.adam,
            seed: config.seed,
            folder: out,
            fingerprint,
            resume: *resume,
        };
        // As it is now: the tree may change while the run goes on.
        let commit = commit_at(Path::new(env!("CARGO_MANIFEST_DIR")));
        let result = with_progress(&run)?;
        println!("{}; {}", best(&result), out.join(READER).display());
        let kept = load_base(config.base.as_deref(), settings)?;
        let tuned = threshold::tune(kept, &out.join(READER), to_tune, config.fit.threads)?;
        let card = Card {
            version: env!("CARGO_PKG_VERSION"),
            commit,
            base_sha256: base.sha256.clone(),
            trained_numbers: model.trained_numbers(),
            training_files: training.files,
            training: counts,
            validation_files: validation.files,
            validation: validation_counts,
            tuning: Some(Tuning { files: tuning.files, tuned }),
            machine: Machine::here(),
            finished_at: now(),
            configuration: config,
            result,
        };
        card.save(out)?;
        println!("{}", report::render_again(out)?.display());
        Ok(())
    }
}

/// How good the best weights are, and which are left.
fn best(result: &Fitted) -> String {
    let f1 = result.best_f1.map_or(String::new(), |f1| format!(", F1 {:.1} %", 100.0 * f1));
    let (best, steps, left) = (result.best_step, result.steps, left(result));
    format!("best validation loss {:.4}{f1} at step {best} of {steps}{left}", result.best_loss)
}

/// That the weights which are left are others than the best ones, where they are.
fn left(result: &Fitted) -> String {
    match result.kept_step == result.best_step {
        true => String::new(),
        false => format!("; the weights of step {} are left, as the recipe says", result.kept_step),
    }
}

fn prepare(
    tokenizer: &ReaderTokenizer,
    config: &ReaderConfig,
    examples: &[Example],
    what: &'static str,
) -> anyhow::Result<(Vec<Sequence>, FeatureCounts)> {
    let mut maker = FeatureMaker::new(tokenizer, config.limits, config.reader.passages, config.reader.shown);
    let sequences = maker.sequences(examples)?;
    let counts = serde_json::to_string(&maker.counts)?;
    if sequences.is_empty() {
        return Err(TrainError::NoSequences { what, counts }.into());
    }
    eprintln!("{what}: {counts}");
    Ok((sequences, maker.counts))
}

/// What must be the same for a run to be resumed.
fn fingerprint(config: &impl std::fmt::Debug, base: &str, data: [&[DataFile]; 2]) -> String {
    let mut sum = Sha256::new();
    sum.update(format!("{config:?}\n{base}\n"));
    for data in data {
        data.iter().for_each(|file| sum.update(format!("{}\n", file.sha256)));
        sum.update("--\n");
    }
    hex::encode(sum.finalize())
}

/// How well the task is done, in words.
fn figures(model: &impl Trainable, values: &[Option<f64>]) -> String {
    let named = model.figure_names().iter().zip(values);
    let said = named.filter_map(|(name, value)| Some(format!(", {} {:.3}", name.replace('_', " "), (*value)?)));
    said.collect()
}

fn with_progress<M: Trainable>(run: &Run<'_, M>) -> Result<Fitted, TrainError> {
    let bar = ProgressBar::no_length();
    let style = "{wide_bar} {pos}/{len} steps  {msg}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    let (mut loss, mut speed) = (None::<f64>, None::<f64>);
    let smooth = |mean: &mut Option<f64>, value: f64| {
        let next = mean.map_or(value, |mean| 0.95 * mean + 0.05 * value);
        *mean = Some(next);
        next
    };
    let quiet = bar.is_hidden();
    let fitted = run.fit(|event| match event {
        FitEvent::Started { step, steps } => {
            bar.set_length(*steps);
            bar.set_position(*step);
            bar.reset_eta();
        }
        FitEvent::Step(record) => {
            let message = format!(
                "loss {:.3}  rate {:.2e}  {:.0} tokens/s",
                smooth(&mut loss, record.loss),
                record.learning_rate,
                smooth(&mut speed, record.tokens_per_second)
            );
            bar.set_position(record.step);
            if let Some(validation) = record.validation_loss {
                let parts = match record.validation_parts.as_slice() {
                    [] => String::new(),
                    parts => format!(" {parts:.4?}"),
                };
                let perplexity = record.perplexity.map_or(String::new(), |value| format!(", perplexity {value:.3}"));
                let figures = figures(run.model, &record.validation_figures);
                bar.suspend(|| {
                    eprintln!(
                        "step {}: validation loss {validation:.4}{parts}{perplexity}{figures}, {message}",
                        record.step
                    );
                });
            } else if quiet && record.step % 10 == 0 {
                eprintln!("step {}: {message}, {:.0} s", record.step, record.seconds);
            }
            bar.set_message(message);
        }
    });
    bar.finish_and_clear();
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_that_are_left_are_named_where_they_are_not_the_best_ones() {
        let mut fitted = Fitted {
            steps: 80,
            best_loss: 0.25,
            best_f1: Some(0.5),
            best_step: 40,
            kept_step: 40,
            stopped_early: false,
            tokens: 1,
            seconds: 1.0,
        };
        assert_eq!(best(&fitted), "best validation loss 0.2500, F1 50.0 % at step 40 of 80");
        fitted.kept_step = 80;
        assert!(best(&fitted).ends_with("; the weights of step 80 are left, as the recipe says"));
    }
}
