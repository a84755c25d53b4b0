//! The command line: one file per command, each with a `run()`.
//!
//! Standard output carries results, standard error progress and logs. May depend on everything.

// In place of the standard ones, which panic where nobody reads: a command that is piped into `head`, or whose disk is full,
// ends with an error like any other. Defined before the modules, so that none of them can forget it.
macro_rules! print {
    ($($said:tt)*) => { $crate::cli::output::say(format_args!($($said)*)) };
}
macro_rules! println {
    () => { $crate::cli::output::say(format_args!("\n")) };
    ($($said:tt)*) => { $crate::cli::output::say(format_args!("{}\n", format_args!($($said)*))) };
}
macro_rules! eprintln {
    () => { $crate::cli::output::tell(format_args!("")) };
    ($($said:tt)*) => { $crate::cli::output::tell(format_args!($($said)*)) };
}

mod adapters;
mod ask;
mod audit;
mod backup;
mod bench;
mod completions;
mod connectors;
mod conversations;
mod dataset;
mod demo;
mod doctor;
mod documents;
mod eval;
mod eval_ambiguity;
mod eval_extraction;
mod eval_injections;
mod eval_pairs;
mod eval_suite;
mod feedback;
mod ingest;
mod keys;
mod man;
mod mcp;
mod migrate;
mod models;
mod output;
mod reindex;
mod restore;
mod search;
mod serve;
mod sync;
mod train;
mod unanswered;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    config::{Config, Settings},
    faults,
    ingest::extract,
    telemetry::Telemetry,
    tls,
};

/// What the process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// It failed; standard error says why.
    Failed = 1,
    /// The question was answered with an abstention.
    Abstained = 3,
    /// Some of the work was done and some was not; the output says which.
    Incomplete = 4,
}

/// Answers questions over your own documents, with footnotes that can be checked
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the documents do not hold the answer, 4 some of it failed.
#[derive(Debug, Parser)]
#[command(name = "footnote", version, max_term_width = 110)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Worker(worker::RunWorker),
    Mcp(mcp::Mcp),
    Ingest(ingest::Ingest),
    Sync(sync::RunSync),
    Connectors(connectors::Connectors),
    Ask(ask::Ask),
    Search(search::Search),
    Documents(documents::Documents),
    Conversations(conversations::Conversations),
    Unanswered(unanswered::Unanswered),
    Feedback(feedback::FeedbackCommand),
    Keys(keys::Keys),
    Audit(audit::Audit),
    Reindex(reindex::Reindex),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Migrate(migrate::Migrate),
    Models(models::Models),
    Adapters(adapters::Adapters),
    Doctor(doctor::Doctor),
    Eval(eval::Eval),
    Bench(bench::Bench),
    Dataset(dataset::Dataset),
    Train(train::Train),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    // The parser's process needs no configuration, no runtime and no logs.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == extract::CHILD_COMMAND) {
        extract::run_child();
        return ExitCode::SUCCESS;
    }
    let Arguments { settings, command } = Arguments::parse();
    if let Err(why) = faults::arm_from_environment() {
        eprintln!("error: {why}");
        return ExitCode::FAILURE;
    }
    // These need no stores and no runtime; `train` starts the program again.
    let command = match command {
        Command::Completions(command) => return ended(command.run()),
        Command::Man(command) => return ended(command.run()),
        Command::Dataset(command) => return ended(command.run()),
        Command::Train(command) => {
            return ended(Config::load(settings).map_err(Into::into).and_then(|c| command.run(&c)));
        }
        command => command,
    };
    tls::prepare_clients();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let exit = ended(runtime.block_on(run(settings, command)));
    // A blocked model thread must not keep a finished command from ending.
    runtime.shutdown_background();
    exit
}

fn ended(result: anyhow::Result<Exit>) -> ExitCode {
    let exit = result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Exit::Failed
    });
    ExitCode::from(exit as u8)
}

async fn run(settings: Settings, command: Command) -> anyhow::Result<Exit> {
    let quiet = !matches!(command, Command::Serve(_) | Command::Worker(_));
    let config = Config::load(settings)?;
    let filter = config.log.clone().unwrap_or_else(|| if quiet { "warn" } else { "info" }.to_owned());
    let telemetry = Telemetry::start(&filter, config.log_format, config.otlp_endpoint.as_deref())?;
    let ended = run_with(config, command).await;
    telemetry.end().await;
    ended
}

async fn run_with(config: Config, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(command) => command.run(config).await,
        Command::Serve(command) => command.run(config).await,
        Command::Worker(command) => command.run(config).await,
        Command::Mcp(command) => command.run(config).await,
        Command::Ingest(command) => command.run(config).await,
        Command::Sync(command) => command.run(config).await,
        Command::Connectors(command) => command.run(config).await,
        Command::Ask(command) => command.run(config).await,
        Command::Search(command) => command.run(config).await,
        Command::Documents(command) => command.run(config).await,
        Command::Conversations(command) => command.run(config).await,
        Command::Unanswered(command) => command.run(config).await,
        Command::Feedback(command) => command.run(config).await,
        Command::Keys(command) => command.run(config).await,
        Command::Audit(command) => command.run(config).await,
        Command::Reindex(command) => command.run(config).await,
        Command::Backup(command) => command.run(config).await,
        Command::Restore(command) => command.run(config).await,
        Command::Migrate(command) => command.run(config).await,
        Command::Models(command) => command.run(config).await,
        Command::Adapters(command) => command.run(config).await,
        Command::Doctor(command) => command.run(config).await,
        Command::Eval(command) => command.run(config).await,
        Command::Bench(command) => command.run(config).await,
        Command::Dataset(_) | Command::Train(_) | Command::Completions(_) | Command::Man(_) => Ok(Exit::Ok),
    }
}

/// The clap command, for completions and tests.
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_are_consistent() {
        super::command().debug_assert();
    }
}
