//! `footnote serve`: the HTTP API, and by default a worker beside it.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::Exit;
use crate::{
    app::{App, Purpose, open_metadata},
    config::{Config, Connector, DatabaseUrl, LogFormat},
    connectors::Follower,
    delivery::DeliveryWorker,
    http::{self, Starting},
    ingest::worker::Worker,
    shutdown,
    tls::Tls,
};

/// Serve the HTTP API
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Take no jobs: workers elsewhere do (only with Postgres and a Qdrant server)
    #[arg(long)]
    no_worker: bool,
    /// Answer no questions: uploads, searches and jobs only, without the memory of the models that answer
    #[arg(long)]
    without_answers: bool,
}

impl Serve {
    /// Serves until a signal.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        if self.no_worker && config.is_embedded() {
            anyhow::bail!(
                "--no-worker needs Postgres and a Qdrant server: with the embedded stores only this process can work"
            );
        }
        check_keys(&config).await?;
        let stop = shutdown::on_signal()?;
        let starting = begin(&config).await?;
        let app = App::start(config, Purpose { answers: !self.without_answers, any_index: false }).await?;
        let listener = match starting {
            Some((listener, starting)) => {
                starting.end().await;
                listener
            }
            None => bind(app.config.listen).await?,
        };
        serve_until(app, listener, stop, !self.no_worker).await?;
        Ok(Exit::Ok)
    }
}

/// Says on the port of the service that it is starting. Nothing when the port cannot be had: the start may have a better
/// reason to fail, such as that the one who has it works in the same data directory.
async fn begin(config: &Config) -> anyhow::Result<Option<(TcpListener, Starting)>> {
    let Ok(listener) = TcpListener::bind(config.listen).await else { return Ok(None) };
    let tls = config.tls.as_ref().map(|(certificate, key)| Tls::read(certificate, key)).transpose()?.map(Arc::new);
    Ok(Some(Starting::begin(listener, tls)?))
}

/// Takes an address to serve on.
pub async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}: another program may use the port; choose one with --listen")
    })
}

/// Refuses to serve the network while there is no key, before anything is loaded.
pub async fn check_keys(config: &Config) -> anyhow::Result<()> {
    if !config.listens_to_the_network() || config.api_key.is_some() || config.jwt.is_some() {
        return Ok(());
    }
    let has_keys = match &config.database {
        // A file that is not there holds none, and is not made for the question.
        DatabaseUrl::Sqlite(path) if !path.exists() => false,
        _ => open_metadata(config).await?.has_keys().await?,
    };
    if !has_keys {
        anyhow::bail!(
            "listening on {} would let everyone on the network read the documents: make a key with `footnote keys \
             create`, set FOOTNOTE_API_KEY, or listen on 127.0.0.1",
            config.listen
        );
    }
    Ok(())
}

/// Serves, works, and follows the adapter registry, until `stop` is cancelled.
pub async fn serve_until(
    app: Arc<App>,
    listener: TcpListener,
    stop: CancellationToken,
    work: bool,
) -> anyhow::Result<()> {
    let scheme = if app.tls.is_some() { "https" } else { "http" };
    let address = listener.local_addr()?;
    match app.config.log_format {
        LogFormat::Text => eprintln!("serving on {scheme}://{address}"),
        // Who reads lines of JSON reads nothing else.
        LogFormat::Json => tracing::info!("serving on {scheme}://{address}"),
    }
    let workers = if work { start_workers(&app, &stop)? } else { Vec::new() };
    let forgetting = tokio::spawn(http::forget_old(app.clone(), stop.clone()));
    let forgetting_traces = tokio::spawn(http::forget_traces(app.clone(), stop.clone()));
    let renewing = app.tls.clone().map(|tls| tokio::spawn(tls.follow(stop.clone())));
    let swapping = app.adapter_swap().map(|swap| tokio::spawn(swap.run(stop.clone())));
    http::serve(listener, app.clone(), stop.clone(), app.config.shutdown_grace).await?;
    if let Some(swapping) = swapping {
        swapping.await?;
    }
    forgetting.await?;
    forgetting_traces.await?;
    if let Some(renewing) = renewing {
        renewing.await?;
    }
    wind_down(&app, workers).await;
    Ok(())
}

/// Starts what ingests, what delivers and what follows sources, until `stop` is cancelled. A source that cannot be followed
/// as it is configured is an error, and nothing is started.
pub fn start_workers(app: &App, stop: &CancellationToken) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let followers = followers(app)?;
    let worker = Worker::new(app.ingest.clone(), app.config.ingest_concurrency);
    let deliveries = DeliveryWorker::new(app.deliveries.clone());
    let mut workers = vec![tokio::spawn(worker.run(stop.clone())), tokio::spawn(deliveries.run(stop.clone()))];
    workers.extend(followers.into_iter().map(|follower| tokio::spawn(follower.run(stop.clone()))));
    Ok(workers)
}

/// What follows the sources of the configuration.
pub fn followers(app: &App) -> anyhow::Result<Vec<Follower>> {
    let configured = app.config.connectors.connectors.iter();
    let follower = |connector: &Connector| {
        Follower::new(app.connectors.clone(), connector.clone())
            .with_context(|| format!("the connector `{}` cannot be followed", connector.name))
    };
    configured.map(follower).collect()
}

/// Waits for workers that were told to stop and for what the last requests have left, no longer than is granted.
pub async fn wind_down(app: &App, workers: Vec<JoinHandle<()>>) {
    for worker in workers {
        // Its jobs have gone back to the queue, or their leases end.
        if tokio::time::timeout(app.config.shutdown_grace, worker).await.is_err() {
            tracing::warn!("a worker did not stop in time");
        }
    }
    if tokio::time::timeout(app.config.shutdown_grace, app.audit.flush()).await.is_err() {
        tracing::warn!("entries of the audit log were not written in time");
    }
}
