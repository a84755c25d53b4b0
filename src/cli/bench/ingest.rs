//! `footnote bench ingest`: the pipeline beside the embedder alone.

use std::{path::PathBuf, time::Instant};

use clap::Args;
use serde::Serialize;

use crate::{
    app::Purpose,
    cli::{
        Exit,
        eval::start_apart,
        ingest::{self, Summary},
        output,
    },
    config::Config,
    domain::Chunk,
    metadata_store::DocumentQuery,
    shutdown,
};

/// Ingest into an index of its own, then embed the same chunks with the embedder alone
#[derive(Debug, Args)]
pub struct Ingest {
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Embed every n-th window of 64 chunks alone, instead of all
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct IngestReport {
    pipeline: Summary,
    pipeline_tokens_per_second: f64,
    alone_chunks: usize,
    alone_tokens: u64,
    alone_tokens_per_second: f64,
    /// The pipeline's tokens per second over those of the embedder alone.
    ratio: f64,
}

impl Ingest {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let Self { paths, every, json } = self;
        let found = ingest::find_files(&paths)?;
        let stop = shutdown::on_signal()?;
        let dir = tempfile::tempdir()?;
        let app = start_apart(config, dir.path(), Purpose { answers: false, any_index: false }).await?;
        let pipeline = ingest::ingest_alone(&app, found, &stop).await?;

        let mut windows = Vec::new();
        let mut cursor = None;
        loop {
            let page = app.metadata.documents(DocumentQuery { cursor, limit: 500, ..Default::default() }).await?;
            for document in &page.items {
                let chunks = app.metadata.chunks_of(document.id).await?;
                windows.extend(chunks.chunks(64).map(<[Chunk]>::to_vec));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let taken: Vec<_> = windows.into_iter().step_by(every as usize).collect();
        let (chunks, tokens) = (
            taken.iter().map(Vec::len).sum::<usize>(),
            taken.iter().flatten().map(|chunk| u64::from(chunk.tokens)).sum::<u64>(),
        );
        let started = Instant::now();
        // As many windows at a time as the pipeline has documents: the embedder merges them into its batches.
        use futures::{StreamExt, TryStreamExt, stream};
        let work = taken.into_iter().map(|window| {
            let embedder = app.ingest.configured.embedder.clone();
            async move { embedder.embed_passages(window.iter().map(Chunk::indexed_text).collect()).await }
        });
        let _: Vec<_> = stream::iter(work).buffer_unordered(app.config.ingest_concurrency).try_collect().await?;
        let alone = tokens as f64 / started.elapsed().as_secs_f64();
        let speed = pipeline.new_tokens as f64 / pipeline.seconds;
        let report = IngestReport {
            pipeline_tokens_per_second: speed,
            alone_chunks: chunks,
            alone_tokens: tokens,
            alone_tokens_per_second: alone,
            ratio: speed / alone,
            pipeline,
        };
        if json {
            output::print_json(&report)?;
        } else {
            ingest::print(&report.pipeline);
            println!(
                "the embedder alone: {alone:.0} tokens/s on {chunks} of the same chunks; the pipeline runs at {:.0} % of it",
                report.ratio * 100.0
            );
        }
        Ok(Exit::Ok)
    }
}
