//! `footnote connectors`: which sources are followed, what could not be taken over, and taking away what is not followed
//! any more.

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;

use super::{Exit, audit, output};
use crate::{
    app::{App, Purpose, open_metadata},
    config::Config,
    connectors::{ConnectorStatus, remove, statuses},
    domain::{JobKind, PassReport},
    ingest::worker::Worker,
    shutdown,
};

/// How many failures are read at once.
const PAGE: u32 = 500;

/// List and show connectors, and remove those that are not followed any more
#[derive(Debug, clap::Args)]
pub struct Connectors {
    #[command(subcommand)]
    command: ConnectorsCommand,
}

#[derive(Debug, Subcommand)]
enum ConnectorsCommand {
    /// List the connectors, also those that are not in the configuration any more
    List {
        /// Print them as JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Show a connector, with every item that could not be taken over or ingested
    Show {
        /// The connector's name
        name: String,
    },
    /// Delete the documents of a connector that is not in the configuration any more, and forget it
    Remove {
        /// The connector's name
        name: String,
        /// Leave its documents, as if they had been uploaded by hand
        #[arg(long)]
        keep_documents: bool,
    },
}

impl Connectors {
    /// Runs the subcommand.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        match self.command {
            ConnectorsCommand::List { json } => list(config, json).await,
            ConnectorsCommand::Show { name } => show(config, &name).await,
            ConnectorsCommand::Remove { name, keep_documents } => take_away(config, &name, keep_documents).await,
        }
    }
}

async fn list(config: Config, json: bool) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    for status in statuses(&*metadata, &config.connectors).await? {
        match json {
            true => println!("{}", serde_json::to_string(&status)?),
            false => println!("{}", line(&status)),
        }
    }
    Ok(Exit::Ok)
}

async fn show(config: Config, name: &str) -> anyhow::Result<Exit> {
    let metadata = open_metadata(&config).await?;
    let all = statuses(&*metadata, &config.connectors).await?;
    let Some(status) = all.into_iter().find(|status| status.state.name == name) else {
        bail!("there is no connector `{name}`");
    };
    output::print_json(&status)?;
    let mut after: Option<String> = None;
    loop {
        let failures = metadata.failures(name, after.as_deref(), PAGE).await?;
        for failure in &failures {
            println!("{}: {}", output::one_line(&failure.item), output::one_line(&failure.error));
        }
        match failures.last() {
            Some(last) if failures.len() == PAGE as usize => after = Some(last.item.clone()),
            _ => return Ok(Exit::Ok),
        }
    }
}

async fn take_away(config: Config, name: &str, keep_documents: bool) -> anyhow::Result<Exit> {
    if config.connectors.get(name).is_some() {
        bail!("the connector `{name}` is in the configuration, and would begin anew: take it out first");
    }
    let stop = shutdown::on_signal()?;
    let app = App::start(config, Purpose { answers: false, any_index: true }).await?;
    let deleted = remove(&app.connectors, name, keep_documents).await?;
    let details = json!({"deleted": deleted, "keep_documents": keep_documents});
    audit::record(&app.config, &*app.metadata, "remove_connector", Some(name.to_owned()), details).await?;
    println!("{name} removed, {deleted} documents deleted");
    // Now, and not when a server is started next.
    Worker::new(app.ingest.clone(), app.config.ingest_concurrency).only(&[JobKind::Purge]).drain(stop).await;
    Ok(Exit::Ok)
}

/// A connector on one line.
fn line(status: &ConnectorStatus) -> String {
    let state = &status.state;
    let address = status.address.as_deref().unwrap_or("not followed any more: not in the configuration");
    let last = match (state.running, state.outcome, state.ended_at) {
        (true, ..) => format!("pass {} runs", state.pass),
        (false, Some(outcome), Some(at)) => format!("{} {}", outcome.as_str(), at.format("%Y-%m-%d %H:%M")),
        _ => "never looked at".to_owned(),
    };
    let PassReport { added, changed, deleted, .. } = state.report.unwrap_or_default();
    let error = state.error.as_ref().map_or_else(String::new, |error| format!("; {}", output::one_line(error)));
    format!(
        "{}  {}  {address}  {} documents of {} items, {} failed; {last} (+{added} ~{changed} -{deleted}){error}",
        state.name,
        state.kind.as_str(),
        state.documents,
        state.items,
        state.failed,
    )
}
