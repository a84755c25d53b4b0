//! `footnote reindex`: builds the index anew with the models that are configured now.

use std::time::Duration;

use anyhow::bail;

use super::Exit;
use crate::{
    app::{App, Purpose},
    config::Config,
    domain::{JobKind, JobState},
    ingest::worker::Worker,
    shutdown,
};

/// Build the index anew from the stored originals, and swap it in at the end
#[derive(Debug, clap::Args)]
pub struct Reindex {}

impl Reindex {
    /// Runs the reindex to its end. A server that runs does it on `POST /v1/admin/reindex` instead.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let stop = shutdown::on_signal()?;
        let app = App::start(config, Purpose { answers: false, any_index: true }).await?;
        let id = app.metadata.enqueue_reindex().await?;
        let ended = stop.child_token();
        let worker = Worker::new(app.ingest.clone(), app.config.ingest_concurrency).only(&[JobKind::Reindex]);
        let working = tokio::spawn(worker.run(ended.clone()));
        let bar = indicatif::ProgressBar::new(1000).with_message("reindex");
        bar.set_style(indicatif::ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}")?);
        let job = loop {
            let job = app.metadata.job(id).await?;
            bar.set_position((job.progress * 1000.0) as u64);
            if job.state.is_final() || stop.is_cancelled() {
                break job;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        bar.finish_and_clear();
        ended.cancel();
        working.await?;
        match job.state {
            JobState::Succeeded => {
                let active = app.metadata.active_generation().await?;
                let counts = app.metadata.counts().await?;
                println!(
                    "generation {} answers questions now: {} documents, {} chunks",
                    active.map_or(0, |generation| generation.number),
                    counts.active_documents,
                    counts.chunks
                );
                Ok(Exit::Ok)
            }
            JobState::Failed | JobState::Cancelled => {
                bail!(
                    "the reindex {}: {}; the old index goes on answering",
                    job.state.as_str(),
                    job.error.unwrap_or_default()
                )
            }
            JobState::Queued | JobState::Running => bail!("stopped: `footnote reindex` goes on where it was"),
        }
    }
}
