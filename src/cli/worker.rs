//! `footnote worker`: takes jobs, and serves nothing but how it is.

use std::{net::SocketAddr, time::Duration};

use super::{
    Exit,
    serve::{bind, check_keys, followers},
};
use crate::{
    app::{App, Purpose, open_metadata, open_vectors},
    config::Config,
    delivery::DeliveryWorker,
    http,
    ingest::worker::Worker,
    shutdown,
};

/// How long a request about health may take when the worker stops.
const HEALTH_GRACE: Duration = Duration::from_secs(2);

/// Take jobs from the queue of a Postgres database (the embedded stores are worked by `serve`)
#[derive(Debug, clap::Args)]
pub struct RunWorker {
    /// End when the queue is empty
    #[arg(long)]
    drain: bool,
    /// Only check that the stores can be reached: for a container's health check
    #[arg(long, conflicts_with = "drain")]
    check: bool,
    /// Serve /healthz, /readyz and /metrics here, and nothing else
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with_all = ["drain", "check"])]
    health: Option<SocketAddr>,
}

impl RunWorker {
    /// Works until a signal, or until the queue is empty.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        if self.check {
            open_metadata(&config).await?.ping().await?;
            open_vectors(&config).await?.ping().await?;
            return Ok(Exit::Ok);
        }
        if let Some(address) = self.health {
            check_keys(&config, address, "what is stored and counted here").await?;
        }
        let stop = shutdown::on_signal()?;
        let app = App::start(config, Purpose { answers: false, any_index: false }).await?;
        let worker = Worker::new(app.ingest.clone(), app.config.ingest_concurrency);
        let deliveries = DeliveryWorker::new(app.deliveries.clone());
        if self.drain {
            tokio::join!(worker.drain(stop.clone()), deliveries.drain(stop));
            return Ok(Exit::Ok);
        }
        let told = async {
            let Some(address) = self.health else { return Ok(()) };
            let listener = bind(address).await?;
            tracing::info!("health and metrics on {}", listener.local_addr()?);
            Ok::<_, anyhow::Error>(http::serve_health(listener, app.clone(), stop.clone(), HEALTH_GRACE).await?)
        };
        // Without the port that its watchers ask, it does not work either.
        let told = async { told.await.inspect_err(|_| stop.cancel()) };
        let following = followers(&app)?.into_iter().map(|follower| follower.run(stop.clone()));
        let working = async {
            tokio::join!(worker.run(stop.clone()), deliveries.run(stop.clone()), futures::future::join_all(following));
        };
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(app.config.shutdown_grace).await;
        };
        let working = async {
            tokio::select! {
                () = working => {}
                () = late => {
                    tracing::warn!("not every job stopped in time: they are taken up again when their leases end");
                }
            }
        };
        let ((), told) = tokio::join!(working, told);
        told?;
        Ok(Exit::Ok)
    }
}
