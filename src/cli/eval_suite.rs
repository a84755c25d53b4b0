//! The part of `footnote eval` that runs suites and reads what they left: `run`, `ablate`, `compare`, `calibrate`,
//! `review`, `failures`, `report`, `understanding`, `spelling` and `redaction`.

mod ablate;
mod calibrate;
mod progress_line;
mod redaction;
mod review;
mod spelling;
mod text;
mod understanding;

pub use ablate::{Ablate, StartProduct};
pub use calibrate::Calibrate;
pub use redaction::Redaction;
pub use review::Review;
pub use spelling::Spelling;
pub use understanding::Understanding;

use std::{
    collections::BTreeMap,
    io::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use chrono::{SubsecRound as _, Utc};

use super::{Exit, output};
use crate::{
    eval::{
        answerer::Answerer,
        assemble::{Origin, assemble},
        card::COMMAND,
        compare::compare,
        corpus::Corpus,
        external::External,
        failures::{self, Mistake},
        report,
        run::{REPORT, Run},
        runner::{self, Pace},
        suite::{LoadedSuite, Mode, Suite},
        unfinished::Unfinished,
    },
    models::generator::AdapterMode,
    train::card::commit_at,
};
use progress_line::ProgressLine;

/// A system that is measured, and what the card says of it.
pub struct SystemUnderTest {
    /// Answers the questions.
    pub answerer: Arc<dyn Answerer>,
    /// Its models, settings and data.
    pub origin: Origin,
}

/// Ask a suite's questions, and keep what came of them as a run
///
/// A run that was interrupted goes on where it was when the same command is given again.
#[derive(Debug, clap::Args)]
pub struct RunSuite {
    /// The suite file
    #[arg(long, value_name = "FILE")]
    suite: PathBuf,
    /// The folder of the run; it must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many questions are asked at the same time; latencies mean something only with 1
    #[arg(long, default_value = "1")]
    concurrency: NonZeroUsize,
    /// How the generator's adapter is applied: merged, beside or dense
    #[arg(long, value_name = "MODE", conflicts_with = "command")]
    adapter_mode: Option<AdapterMode>,
    /// Measure another program instead: it gets a line of JSON for each question on its standard input, and replies with
    /// one line of JSON on its standard output
    #[arg(long, value_name = "COMMAND", conflicts_with = "concurrency")]
    command: Option<String>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl RunSuite {
    /// The run of `suite` into the folder `out`.
    pub fn new(suite: PathBuf, out: PathBuf, concurrency: NonZeroUsize) -> Self {
        Self { suite, out, concurrency, adapter_mode: None, command: None, json: false }
    }

    /// Loads the suite, lets `start` make the system that it is asked of unless a command names another one, asks it, and
    /// writes the run.
    pub async fn measure(
        &self,
        start: impl AsyncFnOnce(&LoadedSuite, Option<AdapterMode>) -> anyhow::Result<SystemUnderTest>,
    ) -> anyhow::Result<Run> {
        // Before hours of work, not after them.
        anyhow::ensure!(!self.out.exists(), "{} exists; name a folder that does not", self.out.display());
        let suite = Suite::read(&self.suite)?;
        let loaded = suite.load(self.suite.parent().unwrap_or(Path::new(".")))?;
        let system = match &self.command {
            Some(command) => another_system(command, &loaded).await?,
            None => start(&loaded, self.adapter_mode).await?,
        };
        ask_suite(&self.out, loaded, system, self.concurrency).await
    }

    /// Prints the figures.
    pub fn show(&self, run: &Run) -> anyhow::Result<Exit> {
        if self.json {
            output::print_json(&run.metrics)?;
        } else {
            print!("{}", text::figures(&run.metrics));
            println!("\n{}", self.out.join(REPORT).display());
        }
        Ok(if run.metrics.failed() > 0 { Exit::Incomplete } else { Exit::Ok })
    }
}

/// Asks a system a suite's questions, and writes the run to `out`.
async fn ask_suite(
    out: &Path,
    loaded: LoadedSuite,
    system: SystemUnderTest,
    concurrency: NonZeroUsize,
) -> anyhow::Result<Run> {
    let pace = Pace { concurrency, timeout: Duration::from_secs(loaded.suite.timeout_s) };
    let mut origin = system.origin;
    origin.configuration.insert("concurrency".to_owned(), concurrency.get().into());
    let (mut unfinished, known) = Unfinished::open(&Unfinished::path_of(out), &loaded, &origin)?;
    if !known.is_empty() {
        eprintln!("going on with {} of {} questions answered", known.len(), loaded.questions.len());
    }
    let (started, mut line, mut not_kept) = (Utc::now().trunc_subsecs(0), ProgressLine::default(), None);
    let predictions = runner::run(&loaded, system.answerer, pace, known, |prediction, progress| {
        if let Err(error) = unfinished.keep(prediction) {
            not_kept.get_or_insert(error);
        }
        line.show(progress);
    })
    .await;
    line.end();
    if let Some(error) = not_kept {
        eprintln!("the run could not have gone on after an interruption: {error}");
    }
    let mut run = assemble(out, loaded, predictions, origin, (started, Utc::now().trunc_subsecs(0)))?;
    let page = report::evaluation::page(&run);
    run.write(out, &page)?;
    unfinished.remove()?;
    Ok(run)
}

/// A program that answers in the place of the product.
async fn another_system(command: &str, loaded: &LoadedSuite) -> anyhow::Result<SystemUnderTest> {
    let corpus = match loaded.suite.mode {
        Mode::Closed => None,
        Mode::Open => Some(Arc::new(Corpus::of(&loaded.passages)?)),
    };
    let external = External::new(command, corpus)?;
    // A command that cannot be started at all ends here, before the first question fails of it.
    external.prepare().await?;
    let origin = Origin {
        configuration: BTreeMap::from([(COMMAND.to_owned(), command.into())]),
        commit: commit_at(Path::new(env!("CARGO_MANIFEST_DIR"))),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        ..Origin::default()
    };
    Ok(SystemUnderTest { answerer: Arc::new(external), origin })
}

/// Compare two runs of one suite, and say which differences are significant
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// The run to compare with
    first: PathBuf,
    /// The run that may be better
    second: PathBuf,
    /// How many of the questions that changed are shown, each way
    #[arg(long, default_value = "10", value_name = "COUNT")]
    show: usize,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

impl Compare {
    /// Prints the comparison.
    pub fn run(self) -> anyhow::Result<Exit> {
        let comparison = compare(&Run::read(&self.first)?, &Run::read(&self.second)?)?;
        if self.json {
            output::print_json(&comparison)?;
        } else {
            print!("{}", text::comparison(&comparison, self.show));
        }
        Ok(Exit::Ok)
    }
}

/// Write what a run got wrong as failure examples, for the next data set
#[derive(Debug, clap::Args)]
pub struct Failures {
    /// The run
    run: PathBuf,
    /// The file of examples; it must not exist
    #[arg(long, value_name = "FILE", default_value = "failure.jsonl")]
    out: PathBuf,
}

impl Failures {
    /// Writes the file.
    pub fn run(self) -> anyhow::Result<Exit> {
        let run = Run::read(&self.run)?;
        let exported = failures::export(&run);
        let mut lines = Vec::new();
        for example in &exported.examples {
            serde_json::to_writer(&mut lines, example)?;
            lines.push(b'\n');
        }
        write_new(&self.out, &lines)?;
        println!("{} examples: {}", exported.examples.len(), self.out.display());
        for (mistake, count) in exported.counts.iter().filter(|(_, count)| *count > 0) {
            let left_out = if *mistake == Mistake::Failed { " (left out: a defect, not an example)" } else { "" };
            println!("  {count} {}{left_out}", mistake.label());
        }
        eprintln!(
            "These are questions of the suite `{}`: what is trained on them can no longer be measured with it.",
            run.card.suite.name
        );
        Ok(Exit::Ok)
    }
}

/// Write the report.html of an evaluation or training run again
#[derive(Debug, clap::Args)]
pub struct Report {
    /// The folder of the run
    folder: PathBuf,
}

impl Report {
    /// Writes the page.
    pub fn run(self) -> anyhow::Result<Exit> {
        println!("{}", report::render_again(&self.folder)?.display());
        Ok(Exit::Ok)
    }
}

/// Writes one JSON line for each value, over what is there.
fn write_lines(path: &Path, values: &[impl serde::Serialize]) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for value in values {
        serde_json::to_writer(&mut lines, value)?;
        lines.push(b'\n');
    }
    std::fs::write(path, lines).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file that must not be there.
fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let file = std::fs::File::create_new(path);
    file.and_then(|mut file| file.write_all(bytes)).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
