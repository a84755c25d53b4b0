//! `footnote models`: what is there, what is missing, and getting it.

use clap::Subcommand;

use super::{Exit, output};
use crate::{
    config::Config,
    models::{
        catalog::{Artefact, Catalog},
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
