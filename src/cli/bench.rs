//! `footnote bench`: how fast the product is on this machine, beside the parts that bound it and beside others.

mod ask;
mod backup;
mod corpus;
mod exact;
mod generate;
mod ingest;
mod overload;
mod peer;
mod percentiles;
mod reindex;
mod retrieve;
mod scale;
mod server;
mod soak;

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
    Retrieve(retrieve::Retrieve),
    Generate(generate::Generate),
    Exact(exact::Exact),
    Ask(ask::Ask),
    Reindex(reindex::Reindex),
    Scale(scale::Scale),
    Backup(backup::Backup),
    Overload(overload::Overload),
    Soak(soak::Soak),
}

impl Bench {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        match self.command {
            BenchCommand::Ingest(command) => command.run(config).await,
            BenchCommand::Retrieve(command) => command.run(config).await,
            BenchCommand::Generate(command) => command.run(config).await,
            BenchCommand::Exact(command) => command.run(config).await,
            BenchCommand::Ask(command) => command.run(config).await,
            BenchCommand::Reindex(command) => command.run(config).await,
            BenchCommand::Scale(command) => command.run(config).await,
            BenchCommand::Backup(command) => command.run(config).await,
            BenchCommand::Overload(command) => command.run(config).await,
            BenchCommand::Soak(command) => command.run(config).await,
        }
    }
}
