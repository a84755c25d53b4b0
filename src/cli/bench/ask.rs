//! `footnote bench ask`: questions through the whole product, one at a time and many at once.
//!
//! A question is asked as soon as another one has its answer, so that always as many are in work as the level says. The
//! first words of an answer are its first sentence, which is checked before it is sent; a question that is declined has
//! its first words when it ends. A peer answers the same questions about the same passages, one at a time, directly after
//! the level of one at a time.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{
    corpus::{Corpus, Ready},
    peer::Peer,
    percentiles::Percentiles,
};
use crate::{
    answer::{self, AnswerEvent},
    app::{App, Purpose},
    cli::{Exit, output},
    config::Config,
    domain::{OutcomeKind, Question, Timings},
};

/// Ask through the whole product, beside a peer if one is named
#[derive(Debug, Args)]
pub struct Ask {
    #[command(flatten)]
    corpus: Corpus,
    /// How many questions are in work at the same time
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32])]
    concurrency: Vec<usize>,
    /// How many are asked at each level, from the first again when the list ends [default: the list once, and 64 at least]
    #[arg(long)]
    asked: Option<usize>,
    /// A program that answers about the same passages, such as "python3 benches/python_rag.py MODEL.gguf EMBEDDER_FOLDER"
    #[arg(long, value_name = "COMMAND")]
    peer: Option<String>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// What one question took.
struct Timed {
    total: Duration,
    first_words: Duration,
    answered: bool,
    stages: Timings,
}

#[derive(Debug, Serialize)]
struct Level {
    concurrency: usize,
    asked: usize,
    answered: usize,
    questions_per_second: f64,
    milliseconds: Percentiles,
    first_words: Percentiles,
    /// The mean milliseconds of each stage, waiting for its turn included.
    stages: BTreeMap<&'static str, f64>,
    peak_memory: Option<u64>,
    peer: Option<Percentiles>,
}

impl Ask {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let Self { corpus, concurrency, asked, peer, json } = self;
        let most = config.ask_queue;
        ensure!(
            concurrency.iter().all(|level| (1..=most).contains(level)),
            "a level must be 1 to {most}: more are told to come back later (`ask_queue`)"
        );
        let ready = corpus.ready(config, Purpose { answers: true, any_index: false }).await?;
        let asked = asked.unwrap_or_else(|| ready.questions.len().max(64));
        let mut peer = match peer {
            Some(command) => {
                let mut peer = Peer::start(&command)?;
                peer.learn(&ready.passages().await?).await?;
                Some(peer)
            }
            None => None,
        };
        // The first question pays for what is loaded late.
        ask(ready.app.clone(), ready.questions[0].clone()).await?;
        let (mut levels, mut alone) = (Vec::new(), None);
        for concurrency in concurrency {
            let mut level = measure(&ready, concurrency, asked).await?;
            if let (1, Some(peer)) = (concurrency, &mut peer) {
                let mut times = Vec::new();
                for question in &ready.questions {
                    times.push(peer.ask(question).await?);
                }
                level.peer = Some(Percentiles::of(times));
            }
            if !json {
                print(&level, alone);
            }
            if concurrency == 1 {
                alone = Some((level.questions_per_second, level.first_words));
            }
            levels.push(level);
        }
        if json {
            output::print_json(&levels)?;
        }
        Ok(Exit::Ok)
    }
}

async fn measure(ready: &Ready, concurrency: usize, asked: usize) -> anyhow::Result<Level> {
    let begun = Instant::now();
    let questions = ready.questions.iter().cycle().take(asked).cloned();
    let work = stream::iter(questions).map(|question| {
        let app = ready.app.clone();
        async move { tokio::spawn(ask(app, question)).await? }
    });
    let timed: Vec<Timed> = work.buffer_unordered(concurrency).try_collect().await?;
    let seconds = begun.elapsed().as_secs_f64();
    let mean = |stage: fn(&Timings) -> f64| {
        timed.iter().map(|timed| stage(&timed.stages)).sum::<f64>() / timed.len().max(1) as f64
    };
    let stages = BTreeMap::from([
        ("retrieve", mean(|stages| stages.retrieve)),
        ("read", mean(|stages| stages.read)),
        ("generate", mean(|stages| stages.generate)),
        ("postfilter", mean(|stages| stages.postfilter)),
    ]);
    Ok(Level {
        concurrency,
        asked,
        answered: timed.iter().filter(|timed| timed.answered).count(),
        questions_per_second: asked as f64 / seconds,
        milliseconds: Percentiles::of(timed.iter().map(|timed| timed.total).collect()),
        first_words: Percentiles::of(timed.iter().map(|timed| timed.first_words).collect()),
        stages,
        peak_memory: output::peak_memory(),
        peer: None,
    })
}

async fn ask(app: Arc<App>, question: String) -> anyhow::Result<Timed> {
    let services = app.answering().context("no generator was loaded")?;
    let question = Question { stream: true, ..Question::new(question) };
    let begun = Instant::now();
    let (events, mut heard) = mpsc::channel(64);
    let listening = async {
        let mut first = None;
        while let Some(event) = heard.recv().await {
            if let AnswerEvent::Sentence { .. } = event {
                first.get_or_insert_with(|| begun.elapsed());
            }
        }
        first
    };
    let answering = tokio::time::timeout(app.config.ask_timeout, answer::answer(&services, question, Some(events)));
    let (outcome, first) = tokio::join!(answering, listening);
    let (outcome, total) = (outcome??, begun.elapsed());
    Ok(Timed {
        total,
        first_words: first.unwrap_or(total),
        answered: outcome.outcome == OutcomeKind::Answered,
        stages: outcome.timings_ms,
    })
}

fn print(level: &Level, alone: Option<(f64, Percentiles)>) {
    let Level { concurrency, asked, answered, questions_per_second, milliseconds, first_words, stages, .. } = level;
    println!("{concurrency} at a time: {asked} asked, {answered} answered, {questions_per_second:.2} a second");
    println!("  the whole answer: {milliseconds}\n  its first words: {first_words}");
    let stages: Vec<String> = stages.iter().map(|(stage, mean)| format!("{stage} {mean:.0}")).collect();
    println!("  mean ms in each stage: {}", stages.join(", "));
    if let Some((speed, first)) = alone {
        println!(
            "  against one at a time: {:.2} times the questions, first words p95 {:.2} times as late",
            questions_per_second / speed,
            first_words.p95 / first.p95
        );
    }
    if let Some(peak) = level.peak_memory {
        println!("  peak memory so far: {}", output::bytes(peak));
    }
    if let Some(peer) = &level.peer {
        println!("  peer: {peer}\n  ours / peer: p50 {:.3}", milliseconds.p50 / peer.p50);
    }
}
