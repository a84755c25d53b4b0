//! `footnote bench retrieve`: how long a search takes.

use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::{
    corpus::{Corpus, search},
    percentiles::Percentiles,
};
use crate::{
    app::Purpose,
    cli::{Exit, output},
    config::Config,
};

/// Search, one question at a time
#[derive(Debug, Args)]
pub struct Retrieve {
    #[command(flatten)]
    corpus: Corpus,
    /// How often the list of questions is searched; the first time does not count
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    chunks: usize,
    searches: usize,
    milliseconds: Percentiles,
}

impl Retrieve {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let Self { corpus, rounds, json } = self;
        let ready = corpus.ready(config, Purpose { answers: false, any_index: false }).await?;
        let mut times = Vec::new();
        for round in 0..=rounds {
            for question in &ready.questions {
                let begun = Instant::now();
                search(&ready.app.retrieve, question, None).await?;
                if round > 0 {
                    times.push(begun.elapsed());
                }
            }
        }
        let chunks = ready.passages().await?.len();
        let report = Report { chunks, searches: times.len(), milliseconds: Percentiles::of(times) };
        match json {
            true => output::print_json(&report)?,
            false => {
                let Percentiles { p50, p95, p99 } = report.milliseconds;
                println!(
                    "{} searches in {} chunks: p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms",
                    report.searches, report.chunks
                );
            }
        }
        Ok(Exit::Ok)
    }
}
