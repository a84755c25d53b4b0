//! `footnote models`: what is there, what is missing, and getting it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::{Exit, output};
use crate::{
    app::generator_options,
    config::Config,
    models::{
        catalog::{Artefact, Catalog},
        generator::{AdapterMode, Message, Role as Speaker, Trace},
        weights::{ModelCache, Presence, TerminalProgress},
    },
};

/// List and fetch model files
#[derive(Debug, clap::Args)]
pub struct Models {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List the model files, and which are missing
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch what is missing, and check what is there
    Pull {
        /// Only these; without a name, all of them
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    Logits(Logits),
}

/// Write the generator's scores after every token of a prompt and of its answer: for comparing implementations
///
/// The file is in the safetensors format: `tokens` (u32, the prompt's and then the answer's), `prompt_tokens` (u32, how
/// many are the prompt's) and `logits` (f32, a row of the whole vocabulary for each token).
#[derive(Debug, clap::Args)]
struct Logits {
    /// A text file that is the user's message
    #[arg(long, value_name = "FILE")]
    prompt_file: PathBuf,
    /// The file that is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The most tokens of the answer
    #[arg(long, default_value = "40", value_name = "COUNT")]
    max_new_tokens: u32,
    /// How the generator's adapter is applied: merged, beside or dense
    #[arg(long, value_name = "MODE", default_value = "merged")]
    adapter_mode: AdapterMode,
}

impl Models {
    /// Runs the subcommand.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        match self.command {
            ModelsCommand::List { json } => list(&config, json),
            ModelsCommand::Pull { names } => {
                pull(&config, names).await?;
                Ok(Exit::Ok)
            }
            ModelsCommand::Logits(command) => tokio::task::spawn_blocking(move || logits(&config, &command)).await?,
        }
    }
}

fn list(config: &Config, json: bool) -> anyhow::Result<Exit> {
    let (cache, catalog) = (ModelCache::new(config.models_dir.clone()), Catalog::builtin());
    let mut exit = Exit::Ok;
    let mut rows = Vec::new();
    for artefact in catalog.artefacts() {
        let status = cache.status(artefact);
        let present = status.presence == Presence::Present;
        if !present {
            exit = Exit::Incomplete;
        }
        if json {
            rows.push(serde_json::json!({
                "name": status.name, "role": status.role.as_str(), "licence": status.licence,
                "size_bytes": status.size, "present": present, "path": status.path,
            }));
        } else {
            println!(
                "{}  {}  {}  {}\n    {}  {}",
                status.name,
                status.role.as_str(),
                output::bytes(status.size),
                status.licence,
                if present { "present" } else { "missing: run `footnote models pull`" },
                status.path.display(),
            );
        }
    }
    if json {
        output::print_json(&rows)?;
    }
    Ok(exit)
}

fn logits(config: &Config, command: &Logits) -> anyhow::Result<Exit> {
    let options = generator_options(config, command.adapter_mode, None)?;
    let prompt = std::fs::read_to_string(&command.prompt_file)
        .with_context(|| format!("cannot read {}", command.prompt_file.display()))?;
    let trace = Trace::of(&options, &[Message::new(Speaker::User, prompt)], command.max_new_tokens)?;
    trace.write(&command.out)?;
    output::print_json(&serde_json::json!({
        "adapter": options.adapter.map(|adapter| adapter.full_name()),
        "prompt_tokens": trace.prompt_tokens,
        "answer_tokens": &trace.tokens[trace.prompt_tokens..],
        "answer": trace.text,
    }))?;
    Ok(Exit::Ok)
}

/// Fetches what is missing of the named artefacts, or of all. What is there is checked against its sum.
pub async fn pull(config: &Config, names: Vec<String>) -> anyhow::Result<()> {
    let (cache, catalog) = (ModelCache::new(config.models_dir.clone()), Catalog::builtin());
    tokio::task::spawn_blocking(move || {
        let progress = TerminalProgress::default();
        let wanted: Vec<&Artefact> = match names.is_empty() {
            true => catalog.artefacts().iter().collect(),
            false => names.iter().map(|name| catalog.artefact(name)).collect::<Result<_, _>>()?,
        };
        for artefact in wanted {
            cache.pull(artefact, &progress)?;
        }
        Ok(())
    })
    .await?
}
