//! `footnote adapters`: the registry of adapters, which of them serves, and how good they are.
//!
//! These commands open the metadata and the blob store and nothing else, so that they work beside a running server,
//! which follows what they do.

mod text;

use std::{num::NonZeroUsize, path::PathBuf, str::FromStr, sync::Arc};

use anyhow::Context as _;
use clap::Subcommand;

use super::{Exit, eval::measure_suite, eval_suite::RunSuite, output};
use crate::{
    adapters::{Registry, SERVING, source::AdapterSource},
    app::{ModelLoader, open_metadata, own_adapters},
    blob_store::BlobStore,
    config::Config,
    domain::{AdapterId, AdapterRole},
    eval::{card::SuiteIdentity, suite::Suite},
    metadata_store::AdapterQuery,
};

/// How many adapters a page of the list has.
const PAGE: u32 = 500;

/// List, show, add, evaluate, promote and roll back adapters
///
/// A running server follows a promotion or a rollback within two seconds, without dropping a question.
#[derive(Debug, clap::Args)]
pub struct Adapters {
    #[command(subcommand)]
    command: AdaptersCommand,
}

#[derive(Debug, Subcommand)]
enum AdaptersCommand {
    /// List the adapters: what serves, and how good each is on the pinned suite
    List {
        /// Only of this role: reader or generator
        #[arg(long)]
        role: Option<AdapterRole>,
        /// Print everything as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an adapter: its data, its run, its evaluations and when it served
    Show {
        /// The adapter's id
        id: AdapterId,
        /// Print everything as JSON
        #[arg(long)]
        json: bool,
    },
    /// Register the adapter in a folder, after it has been loaded once
    Add {
        /// The folder, with adapter_config.json and adapter_model.safetensors, for a reader also reader.json; card.json
        /// of the training run lies in it or in the folder above
        folder: PathBuf,
        /// What to call it [default: the name of the folder]
        #[arg(long)]
        name: Option<String>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    Evaluate(Evaluate),
    /// Let an adapter serve, if it is better than the one that does
    ///
    /// It has to be significantly better on the pinned suite, and to get no fewer edge and failure cases right.
    Promote {
        /// The adapter's id
        id: AdapterId,
        /// Promote it although it is refused, and record this reason
        #[arg(long, value_name = "REASON")]
        force: Option<String>,
        /// Print the entry of the history as JSON
        #[arg(long)]
        json: bool,
    },
    /// Go back to what served before the present adapter was promoted
    Rollback {
        /// The role: reader or generator
        role: AdapterRole,
        /// Print the entry of the history as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Measure an adapter together with the one of the other role that serves, and record the run
#[derive(Debug, clap::Args)]
struct Evaluate {
    /// The adapter's id, or `serving` for what serves now
    which: Which,
    /// The suite file [default: the pinned suite]
    #[arg(long, value_name = "FILE")]
    suite: Option<PathBuf>,
    /// The folder of the run; it must not exist. An interrupted run goes on when the command is given again
    #[arg(long, value_name = "DIR", required_unless_present = "from", conflicts_with = "from")]
    out: Option<PathBuf>,
    /// Record a run that was made before, instead of making one
    #[arg(long, value_name = "RUN")]
    from: Option<PathBuf>,
    /// How many questions are asked at the same time; latencies mean something only with 1
    #[arg(long, default_value = "1", conflicts_with = "from")]
    concurrency: NonZeroUsize,
    /// Print the evaluation as JSON
    #[arg(long)]
    json: bool,
}

/// What is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Serving,
    Adapter(AdapterId),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            SERVING => Ok(Self::Serving),
            id => id.parse().map(Self::Adapter).map_err(|error| format!("{error}; or `{SERVING}`")),
        }
    }
}

impl Adapters {
    /// Runs the subcommand.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        match self.command {
            AdaptersCommand::List { role, json } => list(&config, role, json).await,
            AdaptersCommand::Show { id, json } => {
                let shown = open(&config).await?.show(id).await?;
                if json {
                    output::print_json(&shown)?
                } else {
                    print!("{}", text::details(&shown))
                }
                Ok(Exit::Ok)
            }
            AdaptersCommand::Add { folder, name, json } => {
                let source = tokio::task::spawn_blocking(move || AdapterSource::read(&folder)).await??;
                let loader = Arc::new(ModelLoader::new(config.clone()));
                let registered = open(&config).await?.add(source, name, loader).await?;
                if json {
                    output::print_json(&registered.adapter)?
                } else {
                    print!("{}", text::added(&registered))
                }
                Ok(Exit::Ok)
            }
            AdaptersCommand::Evaluate(command) => command.run(config).await,
            AdaptersCommand::Promote { id, force, json } => {
                let pinned = pinned_suite(&config).await?;
                let entry = open(&config).await?.promote(id, pinned.as_ref(), force).await?;
                if json {
                    output::print_json(&entry)?
                } else {
                    print!("{}", text::entry(&entry))
                }
                Ok(Exit::Ok)
            }
            AdaptersCommand::Rollback { role, json } => {
                let entry = open(&config).await?.roll_back(role).await?;
                if json {
                    output::print_json(&entry)?
                } else {
                    print!("{}", text::entry(&entry))
                }
                Ok(Exit::Ok)
            }
        }
    }
}

async fn list(config: &Config, role: Option<AdapterRole>, json: bool) -> anyhow::Result<Exit> {
    let (registry, pinned) = (open(config).await?, pinned_suite(config).await?);
    let mut serving = registry.serving_roles(pinned.as_ref()).await?;
    serving.retain(|one| role.is_none_or(|role| one.role == role));
    let (mut adapters, mut cursor) = (Vec::new(), None);
    loop {
        let page = registry.list(AdapterQuery { role, cursor, limit: PAGE }, pinned.as_ref()).await?;
        adapters.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if json {
        output::print_json(&serde_json::json!({ "serving": serving, "adapters": adapters }))?;
    } else {
        print!("{}", text::list(&serving, &adapters, pinned.as_ref()));
    }
    Ok(Exit::Ok)
}

impl Evaluate {
    async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let registry = open(&config).await?;
        let file = self.suite.clone().or_else(|| config.pinned_suite.clone());
        let file = file.context("name a suite with --suite FILE, or set `pinned_suite` (FOOTNOTE_PINNED_SUITE)")?;
        let suite = identity(file.clone()).await?;
        let candidate = match self.which {
            Which::Serving => None,
            Which::Adapter(id) => Some(id),
        };
        let mut exit = Exit::Ok;
        let (folder, expected) = match (&self.from, self.out) {
            (Some(from), _) => (from.clone(), registry.expected_of(candidate).await?),
            (None, Some(out)) => {
                let adapters = registry.chosen(candidate).await?;
                let command = RunSuite::new(file, out.clone(), self.concurrency);
                if measure_suite(&command, config, adapters).await?.metrics.failed() > 0 {
                    exit = Exit::Incomplete;
                }
                (out, registry.expected_of(candidate).await?)
            }
            (None, None) => anyhow::bail!("name the folder of the run: --out DIR, or --from RUN"),
        };
        let recorded = registry.record(&folder, &expected, Some(&suite)).await.with_context(|| {
            format!("the run in {} was not recorded; when that is mended, record it with --from", folder.display())
        })?;
        if self.json {
            output::print_json(&recorded)?
        } else {
            print!("{}", text::evaluated(&recorded))
        }
        Ok(exit)
    }
}

/// The registry in the configured stores. No model is loaded, and the lock of the data directory is not taken.
async fn open(config: &Config) -> anyhow::Result<Registry> {
    let own = {
        let config = config.clone();
        tokio::task::spawn_blocking(move || own_adapters(&config)).await??
    };
    Ok(Registry::new(open_metadata(config).await?, BlobStore::open(&config.blob_url)?, own))
}

/// The suite that promotions are decided on, if one is pinned.
async fn pinned_suite(config: &Config) -> anyhow::Result<Option<SuiteIdentity>> {
    match &config.pinned_suite {
        Some(file) => Ok(Some(identity(file.clone()).await.context("the pinned suite")?)),
        None => Ok(None),
    }
}

async fn identity(file: PathBuf) -> anyhow::Result<SuiteIdentity> {
    Ok(tokio::task::spawn_blocking(move || Suite::read(&file)?.identity()).await??)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_evaluated_is_an_adapter_or_what_serves() {
        let id = AdapterId::new();
        assert_eq!("serving".parse(), Ok(Which::Serving));
        assert_eq!(id.to_string().parse(), Ok(Which::Adapter(id)));
        let error = "doc_1".parse::<Which>().unwrap_err();
        assert!(error.contains("adp_") && error.contains("serving"), "{error}");
    }
}
