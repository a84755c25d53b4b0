//! `footnote serve`: the HTTP API, and by default a worker beside it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

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
        check_keys(&config, config.listen, "the documents").await?;
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

/// Refuses to serve `shown` to the network while there is no key, before anything is loaded.
pub async fn check_keys(config: &Config, listen: SocketAddr, shown: &str) -> anyhow::Result<()> {
    if listen.ip().to_canonical().is_loopback() || config.api_key.is_some() || config.jwt.is_some() {
        return Ok(());
    }
    let has_keys = match &config.database {
        // A file that is not there holds none, and is not made for the question.
        DatabaseUrl::Sqlite(path) if !path.exists() => false,
        _ => open_metadata(config).await?.has_keys().await?,
    };
    if !has_keys {
        anyhow::bail!(
            "listening on {listen} would let everyone on the network read {shown}: make a key with `footnote keys create`, \
             set FOOTNOTE_API_KEY, or listen on 127.0.0.1"
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
    let mut tasks = if work { start_workers(&app, &stop)? } else { Vec::new() };
    tasks.push(tokio::spawn(http::forget_old(app.clone(), stop.clone())));
    tasks.push(tokio::spawn(http::forget_traces(app.clone(), stop.clone())));
    tasks.extend(app.tls.clone().map(|tls| tokio::spawn(tls.follow(stop.clone()))));
    tasks.extend(app.adapter_swap().map(|swap| tokio::spawn(swap.run(stop.clone()))));
    http::serve(listener, app.clone(), stop.clone(), app.config.shutdown_grace).await?;
    wind_down(&app, tasks).await;
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

/// Waits for tasks that were told to stop and for what the last requests have left: for all of it together no longer than
/// is granted, because who stops this process (systemd, Kubernetes, Docker) kills it after a time.
pub async fn wind_down(app: &App, tasks: Vec<JoinHandle<()>>) {
    let granted = app.config.shutdown_grace;
    let written = async {
        if tokio::time::timeout(granted, app.audit.flush()).await.is_err() {
            tracing::warn!("entries of the audit log were not written in time");
        }
    };
    tokio::join!(stopped(tasks, granted), written);
}

/// Waits for all tasks together. The jobs of one that does not stop go back to the queue when their leases end.
async fn stopped(tasks: Vec<JoinHandle<()>>, granted: Duration) {
    match tokio::time::timeout(granted, futures::future::join_all(tasks)).await {
        Ok(ended) => {
            for error in ended.into_iter().filter_map(Result::err) {
                tracing::error!(%error, "a task in the background has not ended well");
            }
        }
        Err(_) => tracing::warn!("not everything in the background stopped within {} s", granted.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn what_does_not_stop_is_waited_for_once_and_not_for_each() {
        let granted = Duration::from_millis(300);
        let tasks = (0..20).map(|_| tokio::spawn(std::future::pending())).collect();
        let begun = Instant::now();
        stopped(tasks, granted).await;
        assert!(begun.elapsed() >= granted && begun.elapsed() < 20 * granted, "{:?}", begun.elapsed());
        // One that has panicked is told, and keeps nothing from ending.
        stopped(vec![tokio::spawn(async { assert!(std::env::args().count() == 0, "it breaks") })], granted).await;
    }
}
