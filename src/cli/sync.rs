//! `footnote sync`: passes over the sources of connectors, now.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Exit, output, serve::followers};
use crate::{
    app::{App, Purpose},
    config::{Config, Connector},
    connectors::{Follower, PassEnded},
    domain::{PassOutcome, PassReport},
    ingest::worker::Worker,
    shutdown,
};

/// Bring documents in step with the sources of connectors
#[derive(Debug, clap::Args)]
pub struct RunSync {
    /// Only these connectors [default: all of the configuration]
    names: Vec<String>,
    /// Go on: watch the sources and follow what changes, until the program is stopped
    #[arg(long, conflicts_with_all = ["confirm_deletions", "json"])]
    watch: bool,
    /// Delete whatever a source does not hold any more, however much that is
    #[arg(long)]
    confirm_deletions: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

impl RunSync {
    /// Runs a pass of each connector, one after the other, and waits until what it took over is ingested.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        if config.connectors.connectors.is_empty() {
            bail!("no connector is configured: name a file of connectors with `connectors` or FOOTNOTE_CONNECTORS");
        }
        for name in &self.names {
            config
                .connectors
                .get(name)
                .with_context(|| format!("there is no connector `{name}` in the configuration"))?;
        }
        let stop = shutdown::on_signal()?;
        let app = App::start(config, Purpose { answers: false, any_index: false }).await?;
        match self.watch {
            true => watch(&app, self.names, stop).await,
            false => self.once(&app, stop).await,
        }
    }

    async fn once(self, app: &Arc<App>, stop: CancellationToken) -> anyhow::Result<Exit> {
        let (mut exit, mut all) = (Exit::Ok, Vec::new());
        for connector in chosen(app, &self.names) {
            let follower = follower(app, connector)?;
            let Some(ended) = follower.once(self.confirm_deletions, &stop).await? else { break };
            if ended.outcome != PassOutcome::Complete || ended.report.failed > 0 {
                exit = Exit::Incomplete;
            }
            match self.json {
                true => all.push(json!({
                    "connector": connector.name, "outcome": ended.outcome, "error": ended.error, "report": ended.report,
                })),
                false => print(&connector.name, &ended),
            }
        }
        if self.json {
            output::print_json(&all)?;
        }
        let worker = Worker::new(app.ingest.clone(), app.config.ingest_concurrency);
        worker.drain(stop.clone()).await;
        if stop.is_cancelled() {
            bail!("stopped: what was registered stays in the queue; run the same command again to go on");
        }
        let failed = crate::connectors::statuses(&*app.metadata, &app.config.connectors).await?;
        for status in failed.iter().filter(|status| status.state.failed > 0) {
            let (count, name) = (status.state.failed, &status.state.name);
            eprintln!("{name}: {count} items were not taken over: `footnote connectors show {name}` says why");
            exit = Exit::Incomplete;
        }
        Ok(exit)
    }
}

fn chosen<'a>(app: &'a App, names: &'a [String]) -> impl Iterator<Item = &'a Connector> {
    let all = app.config.connectors.connectors.iter();
    all.filter(move |connector| names.is_empty() || names.contains(&connector.name))
}

fn follower(app: &App, connector: &Connector) -> anyhow::Result<Follower> {
    Follower::new(app.connectors.clone(), connector.clone())
        .with_context(|| format!("the connector `{}` cannot be followed", connector.name))
}

async fn watch(app: &Arc<App>, names: Vec<String>, stop: CancellationToken) -> anyhow::Result<Exit> {
    let following = match names.is_empty() {
        true => followers(app)?,
        false => chosen(app, &names).map(|connector| follower(app, connector)).collect::<anyhow::Result<_>>()?,
    };
    eprintln!("following {} sources; stop with Ctrl-C", following.len());
    let worker = Worker::new(app.ingest.clone(), app.config.ingest_concurrency);
    let following = following.into_iter().map(|follower| follower.run(stop.clone()));
    tokio::join!(worker.run(stop.clone()), futures::future::join_all(following));
    Ok(Exit::Ok)
}

/// Prints what a pass did, for a person.
fn print(connector: &str, ended: &PassEnded) {
    let PassReport { listed, unchanged, added, changed, deleted, failed, passed_over, .. } = ended.report;
    println!(
        "{connector}: {}; {listed} items: {added} added, {changed} changed, {unchanged} unchanged, {failed} failed; \
         {deleted} deleted, {passed_over} passed over",
        ended.outcome.as_str()
    );
    if let Some(error) = &ended.error {
        println!("{connector}: {error}");
    }
    if ended.outcome == PassOutcome::HeldBack {
        println!("{connector}: `footnote sync {connector} --confirm-deletions` deletes them");
    }
}
