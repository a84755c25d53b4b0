//! `footnote bench generate`: how fast the generator reads and writes, on prompts of this program's own retrieval.
//!
//! Each question of the demo is searched in the handbook, and as many of its passages as fit make a prompt of about the
//! wanted length. Every prompt is read from its beginning. A peer gets the same messages directly afterwards, and is told
//! to write as many tokens at most as ours wrote. The first token of an answer counts among those that were written and
//! its time with reading, as llama.cpp counts.

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Serialize;

use super::{corpus::search, peer::Peer};
use crate::{
    answer::prompts::{self, Shown},
    app::{Purpose, generator_options},
    cli::{Exit, demo, eval::start_apart, output},
    config::Config,
    models::generator::{AdapterMode, Message, Stopwatch},
    shutdown,
};

/// Passages that are searched for: enough for the longest prompt.
const PASSAGES: u32 = 50;

/// Read prompts of our own retrieval and answer them, beside a peer if one is named
#[derive(Debug, Args)]
pub struct Generate {
    /// The lengths of prompts in tokens; a prompt holds as many whole passages as fit
    #[arg(long, value_delimiter = ',', default_values_t = [256, 1000, 2000], value_parser = clap::value_parser!(u32).range(64..))]
    lengths: Vec<u32>,
    /// The most tokens of an answer
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..))]
    answer_tokens: u32,
    /// How the adapter is applied: merged, beside or dense
    #[arg(long, value_name = "MODE", default_value = "merged")]
    adapter_mode: AdapterMode,
    /// A program that reads the same conversations, such as "python3 benches/llama_cpp.py MODEL.gguf"
    #[arg(long)]
    peer: Option<String>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// The sums over the prompts of one length.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Totals {
    prompt_tokens: u32,
    reading_seconds: f64,
    answer_tokens: u32,
    writing_seconds: f64,
}

impl Totals {
    fn add(&mut self, prompt_tokens: u32, reading_seconds: f64, answer_tokens: u32, writing_seconds: f64) {
        self.prompt_tokens += prompt_tokens;
        self.reading_seconds += reading_seconds;
        self.answer_tokens += answer_tokens;
        self.writing_seconds += writing_seconds;
    }

    fn reading(&self) -> f64 {
        f64::from(self.prompt_tokens) / self.reading_seconds
    }

    fn writing(&self) -> f64 {
        f64::from(self.answer_tokens) / self.writing_seconds
    }
}

#[derive(Debug, Serialize)]
struct Length {
    wanted: u32,
    prompts: usize,
    ours: Totals,
    /// Forward passes that writing took; the first token of an answer comes with reading.
    passes: u32,
    peer: Option<Totals>,
}

impl Generate {
    pub async fn run(self, mut config: Config) -> anyhow::Result<Exit> {
        config.models_dir = std::path::absolute(&config.models_dir)?;
        let options = generator_options(&config, self.adapter_mode, None)?;
        let window = options.context_window;
        let longest = self.lengths.iter().max().copied().unwrap_or_default().saturating_add(self.answer_tokens);
        ensure!(longest <= window, "a prompt and its answer have {longest} tokens, and the window {window}");

        let dir = tempfile::tempdir()?;
        let stop = shutdown::on_signal()?;
        let app = start_apart(config, dir.path(), Purpose { answers: true, any_index: false }).await?;
        eprintln!("{}", demo::ingest_handbook(&app, &stop).await?);
        let services = app.answering().context("no generator was loaded")?;
        let mut found = Vec::new();
        for question in demo::questions()? {
            let passages = search(&services.retrieve, &question, Some(PASSAGES)).await?;
            found.push((question, passages));
        }
        drop(services);

        let (answer_tokens, lengths) = (self.answer_tokens, self.lengths.clone());
        let mut peer = self.peer.as_deref().map(Peer::start).transpose()?;
        let mut stopwatch = tokio::task::spawn_blocking(move || Stopwatch::load(&options)).await??;
        let mut measured = Vec::new();
        for wanted in lengths {
            let mut length = Length {
                wanted,
                prompts: found.len(),
                ours: Totals::default(),
                passes: 0,
                peer: peer.as_ref().map(|_| Totals::default()),
            };
            for (question, passages) in &found {
                let shown: Vec<Shown<'_>> = passages.iter().map(Shown::from).collect();
                let messages: Vec<Message> =
                    prompts::build(|messages| stopwatch.count(messages), question, &shown, wanted)?.messages;
                let again = messages.clone();
                let (back, timed) = tokio::task::spawn_blocking(move || {
                    let timed = stopwatch.time(&again, answer_tokens);
                    (stopwatch, timed)
                })
                .await?;
                stopwatch = back;
                let timed = timed?;
                length.passes += timed.passes;
                length.ours.add(
                    timed.prompt_tokens,
                    timed.reading.as_secs_f64(),
                    timed.answer_tokens,
                    timed.writing.as_secs_f64(),
                );
                if let (Some(peer), Some(totals)) = (&mut peer, &mut length.peer) {
                    let timed = peer.time(&messages, timed.answer_tokens.max(1)).await?;
                    let [reading, writing] = [timed.prompt_ms, timed.completion_ms].map(|ms| ms / 1000.0);
                    totals.add(timed.prompt_tokens, reading, timed.completion_tokens, writing);
                }
            }
            if !self.json {
                print(&length);
            }
            measured.push(length);
        }
        if self.json {
            output::print_json(&measured)?;
        }
        Ok(Exit::Ok)
    }
}

fn print(length: &Length) {
    let Length { wanted, prompts, ours, passes, peer } = length;
    let mean = f64::from(ours.prompt_tokens) / *prompts as f64;
    println!("prompts of up to {wanted} tokens: {prompts}, {mean:.0} tokens in the mean");
    let tokens = ours.answer_tokens;
    let (reading, writing) = (ours.reading(), ours.writing());
    println!("  ours: reads {reading:.0} tokens/s, writes {writing:.1} tokens/s ({tokens} tokens, {passes} passes)");
    if let Some(peer) = peer {
        let (theirs, wrote) = (peer.reading(), peer.writing());
        println!("  peer: reads {theirs:.0} tokens/s, writes {wrote:.1} tokens/s ({} tokens)", peer.answer_tokens);
        println!("  ours / peer: reading {:.2}, writing {:.2}", reading / theirs, writing / wrote);
    }
}
