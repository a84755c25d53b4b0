//! `footnote bench`: how fast the product is on this machine, beside the parts that bound it and beside others.

mod generate;
mod ingest;
mod peer;

use clap::Subcommand;

use super::Exit;
use crate::config::Config;

/// Measure speed
#[derive(Debug, clap::Args)]
pub struct Bench {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    Ingest(ingest::Ingest),
    Generate(generate::Generate),
}

impl Bench {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        match self.command {
            BenchCommand::Ingest(command) => command.run(config).await,
            BenchCommand::Generate(command) => command.run(config).await,
        }
    }
}
