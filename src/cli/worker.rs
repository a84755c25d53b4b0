//! `footnote worker`: takes jobs, and serves nothing.

use super::{Exit, serve::followers};
use crate::{
    app::{App, Purpose, open_metadata, open_vectors},
    config::Config,
    delivery::DeliveryWorker,
    ingest::worker::Worker,
    shutdown,
};

/// Take jobs from the queue of a Postgres database (the embedded stores are worked by `serve`)
#[derive(Debug, clap::Args)]
pub struct RunWorker {
    /// End when the queue is empty
    #[arg(long)]
    drain: bool,
    /// Only check that the stores can be reached: for a container's health check
    #[arg(long, conflicts_with = "drain")]
    check: bool,
}

impl RunWorker {
    /// Works until a signal, or until the queue is empty.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        if self.check {
            open_metadata(&config).await?.ping().await?;
            open_vectors(&config).await?.ping().await?;
            return Ok(Exit::Ok);
        }
        let stop = shutdown::on_signal()?;
        let app = App::start(config, Purpose { answers: false, any_index: false }).await?;
        let worker = Worker::new(app.ingest.clone(), app.config.ingest_concurrency);
        let deliveries = DeliveryWorker::new(app.deliveries.clone());
        if self.drain {
            tokio::join!(worker.drain(stop.clone()), deliveries.drain(stop));
        } else {
            let following = followers(&app)?.into_iter().map(|follower| follower.run(stop.clone()));
            tokio::join!(worker.run(stop.clone()), deliveries.run(stop.clone()), futures::future::join_all(following));
        }
        Ok(Exit::Ok)
    }
}
