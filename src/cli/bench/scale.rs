//! `footnote bench scale`: how ingestion and searching go as an index grows.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Serialize;

use super::{
    corpus::{read_questions, search},
    percentiles::Percentiles,
};
use crate::{
    app::Purpose,
    cli::{
        Exit,
        eval::start_apart,
        ingest::{self, FoundFiles},
        output,
    },
    config::Config,
    eval::report::{
        format::NumberFormat,
        plot::{Axis, Extent, Marks, Plot, Series, svg_file},
    },
    shutdown,
};

/// How many files are ingested between two looks at the size of the index.
const SLICE: usize = 250;

/// Ingest files until the index holds so many passages, and search it at each of these sizes
#[derive(Debug, Args)]
pub struct Scale {
    /// Files and folders, in the order of their names
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A file of JSON lines with a `question` each
    #[arg(long, value_name = "FILE")]
    questions: PathBuf,
    /// The sizes, ascending
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    chunks: Vec<u64>,
    /// How many searches are timed at each size
    #[arg(long, default_value_t = 1_000)]
    searches: usize,
    /// Draw the figures in this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// At one size.
#[derive(Debug, Serialize)]
struct Step {
    chunks: u64,
    /// Since the size before.
    chunks_per_second: f64,
    tokens_per_second: f64,
    /// Of building the graph that searches go by.
    optimize_seconds: f64,
    searches: Percentiles,
    /// Of the process's own, without pages of mapped files.
    memory: Option<u64>,
    /// Pages of mapped files, most of them the index's.
    mapped: Option<u64>,
    /// Both, at most until then.
    peak_memory: Option<u64>,
    /// What the data directory takes on the disk.
    disk: u64,
}

impl Scale {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        ensure!(self.chunks.is_sorted_by(|a, b| a < b), "the sizes must ascend");
        let questions = read_questions(&self.questions)?;
        let mut files = ingest::find_files(&self.paths)?.files.into_iter();
        let dir = tempfile::tempdir()?;
        let stop = shutdown::on_signal()?;
        let app = start_apart(config, dir.path(), Purpose { answers: false, any_index: false }).await?;
        let mut steps = Vec::new();
        let mut short = None;
        for size in self.chunks {
            let (before, mut spent) = (app.metadata.counts().await?, Duration::ZERO);
            while app.metadata.counts().await?.chunks < size {
                let slice = files.by_ref().take(SLICE).collect();
                let found = FoundFiles { files: slice, ..FoundFiles::default() };
                // What took long to ingest is measured all the same, and it is said which size it is not.
                if found.files.is_empty() {
                    short = Some(size);
                    break;
                }
                let began = Instant::now();
                let summary = ingest::ingest_alone(&app, found, &stop).await?;
                spent += began.elapsed();
                ensure!(summary.failed.is_empty(), "refused: {:?}", summary.failed);
            }
            let after = app.metadata.counts().await?;
            if after.chunks == before.chunks {
                break;
            }
            let began = Instant::now();
            if let Some(active) = app.metadata.active_generation().await? {
                app.vectors.optimize(active.number).await?;
            }
            let optimize_seconds = began.elapsed().as_secs_f64();
            let mut times = Vec::new();
            // The first hundred find their pages on the disk.
            for (number, question) in questions.iter().cycle().take(self.searches + 100).enumerate() {
                let began = Instant::now();
                search(&app.retrieve, question, None).await?;
                if number >= 100 {
                    times.push(began.elapsed());
                }
            }
            let step = Step {
                chunks: after.chunks,
                chunks_per_second: (after.chunks - before.chunks) as f64 / spent.as_secs_f64(),
                tokens_per_second: (after.tokens - before.tokens) as f64 / spent.as_secs_f64(),
                optimize_seconds,
                searches: Percentiles::of(times),
                memory: output::memory_now(),
                mapped: output::mapped_now(),
                peak_memory: output::peak_memory(),
                disk: size_of(dir.path()),
            };
            if !self.json {
                print(&step);
            }
            steps.push(step);
            if short.is_some() {
                break;
            }
        }
        if let Some(path) = &self.plot {
            std::fs::write(path, svg_file(&plots(&steps)))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        if self.json {
            output::print_json(&steps)?;
        }
        if let Some(size) = short {
            eprintln!("there are not enough files for {size} passages: the last size is all of them");
            return Ok(Exit::Incomplete);
        }
        Ok(Exit::Ok)
    }
}

/// The bytes of the files below a folder. One that goes meanwhile is not counted.
fn size_of(folder: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).filter(|about| about.is_file()).map(|about| about.len()).sum()
}

fn print(step: &Step) {
    let bytes = |memory: Option<u64>| memory.map_or_else(|| "?".to_owned(), output::bytes);
    let Percentiles { p50, p95, p99 } = step.searches;
    println!(
        "{} chunks: {:.1} chunks/s, {:.0} tokens/s, graph {:.0} s; search p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms; \
         memory {} and {} of mapped files, at most {}; disk {}",
        step.chunks,
        step.chunks_per_second,
        step.tokens_per_second,
        step.optimize_seconds,
        bytes(step.memory),
        bytes(step.mapped),
        bytes(step.peak_memory),
        output::bytes(step.disk)
    );
}

fn plots(steps: &[Step]) -> Vec<Plot> {
    let series = |name: &str, colour, value: &dyn Fn(&Step) -> f64| {
        let points = steps.iter().map(|step| (step.chunks as f64, value(step))).collect();
        Series { name: name.to_owned(), colour, marks: Marks::LineWithPoints(points) }
    };
    let plot = |title: &str, label: &str, series| Plot {
        title: title.to_owned(),
        x: Axis { log: true, ..Axis::linear("passages", Extent::Data, NumberFormat::Plain) },
        y: Axis::linear(label, Extent::FromZero, NumberFormat::Plain),
        series,
        rules: Vec::new(),
        note: None,
    };
    let megabytes = |memory: Option<u64>| memory.map_or(f64::NAN, |bytes| bytes as f64 / 1e6);
    vec![
        plot(
            "Search",
            "milliseconds",
            vec![
                series("p50", 0, &|step| step.searches.p50),
                series("p95", 1, &|step| step.searches.p95),
                series("p99", 2, &|step| step.searches.p99),
            ],
        ),
        plot("Ingestion", "passages per second", vec![series("", 0, &|step| step.chunks_per_second)]),
        plot(
            "Memory",
            "megabytes",
            vec![
                series("of its own", 0, &|step| megabytes(step.memory)),
                series("mapped files", 1, &|step| megabytes(step.mapped)),
            ],
        ),
        plot("Disk", "megabytes", vec![series("", 0, &|step| megabytes(Some(step.disk)))]),
    ]
}
