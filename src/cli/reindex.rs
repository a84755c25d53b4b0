//! `footnote reindex`: builds the index anew with the models that are configured now.

use std::time::Duration;

use anyhow::bail;

use super::Exit;
use crate::{
    app::{App, Purpose},
    config::Config,
    domain::{JobKind, JobState, ReindexOptions},
    ingest::worker::Worker,
    shutdown,
};

/// Build the index anew from the stored originals, and swap it in at the end
#[derive(Debug, clap::Args)]
pub struct Reindex {
    /// Go back to the generation before the active one, brought up to date
    #[arg(long, conflicts_with = "embed_all")]
    rollback: bool,
    /// Activate the new index also when the canary questions find less with it; one that was refused is not built again
    #[arg(long)]
    accept_worse: bool,
    /// Compute every vector, also of passages that have one by the same embedder
    #[arg(long)]
    embed_all: bool,
}

impl Reindex {
    /// Runs the reindex to its end. A server that runs does it on `POST /v1/admin/reindex` instead.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let stop = shutdown::on_signal()?;
        let app = App::start(config, Purpose { answers: false, any_index: true }).await?;
        let Self { rollback, accept_worse, embed_all } = self;
        let id = app.metadata.enqueue_reindex(ReindexOptions { rollback, accept_worse, embed_all }).await?;
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
                if let Some(report) = &job.report {
                    println!("{}", serde_json::to_string(report)?);
                }
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
