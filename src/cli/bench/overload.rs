//! `footnote bench overload`: more questions at once than a server takes, for a while: what it does with those that it takes
//! and those that it refuses, what that costs in memory, and how soon it is as before.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::{backup::said, corpus::read_questions, percentiles::Percentiles, server::Server};
use crate::{
    cli::{Exit, output},
    config::Config,
};

/// How long a client that was refused waits: much less than it is told to.
const PAUSE: Duration = Duration::from_millis(50);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// How long the server may take to be as before.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ask a server more at once than it takes, and count what it does
#[derive(Debug, Args)]
pub struct Overload {
    /// Files and folders to ask about
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A file of JSON lines with a `question` each
    #[arg(long, value_name = "FILE")]
    questions: PathBuf,
    /// How many clients ask, each on a connection of its own
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// For how long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    connections: usize,
    seconds: u64,
    /// Questions that were answered as they are when nobody else asks.
    right: usize,
    /// Questions that were answered in another way.
    wrong: Vec<String>,
    /// Questions that were refused with 429 or 503.
    refused: usize,
    /// What else happened: statuses and errors.
    other: Vec<String>,
    alone: Percentiles,
    answered: Percentiles,
    refusals: Percentiles,
    /// The server's own memory before, and at most meanwhile.
    memory_before: Option<u64>,
    memory_at_most: Option<u64>,
    /// Until a question takes at most twice its time alone.
    recovery_seconds: f64,
}

/// What one client has seen.
#[derive(Default)]
struct Seen {
    right: Vec<Duration>,
    wrong: Vec<String>,
    refused: Vec<Duration>,
    other: Vec<String>,
}

impl Overload {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let questions = read_questions(&self.questions)?;
        let dir = tempfile::tempdir()?;
        let mut server = Server::new(&config, dir.path())?;
        server.ingest(&self.paths).await?;
        server.start(None).await?;
        let (url, process) = (server.url("/v1/ask")?, server.id()?);

        // Twice, so that what is read for the first time does not count.
        let (mut expected, mut alone) = (Vec::new(), Vec::new());
        for round in 0..2 {
            for question in &questions {
                let began = Instant::now();
                let answer = server.post("/v1/ask", &json!({"question": question})).await?;
                if round == 1 {
                    alone.push(began.elapsed());
                    expected.push(said(&answer));
                }
            }
        }
        let alone = Percentiles::of(alone);
        let memory_before = output::memory_of(process);
        let asked: Arc<[(String, Value)]> = questions.into_iter().zip(expected).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..self.connections)
            .map(|number| tokio::spawn(ask(url.clone(), asked.clone(), number, stop.clone())))
            .collect();
        let (began, mut most) = (Instant::now(), memory_before);
        while began.elapsed() < Duration::from_secs(self.seconds) {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            most = most.max(output::memory_of(process));
        }
        stop.store(true, Ordering::Release);
        let stopped = Instant::now();
        let recovery_seconds = recovered(&server, &asked, alone.p50, stopped).await?;
        let mut all = Seen::default();
        for client in clients {
            let seen = client.await??;
            all.right.extend(seen.right);
            all.wrong.extend(seen.wrong);
            all.refused.extend(seen.refused);
            all.other.extend(seen.other);
        }
        let report = Report {
            connections: self.connections,
            seconds: self.seconds,
            right: all.right.len(),
            wrong: all.wrong,
            refused: all.refused.len(),
            other: all.other,
            alone,
            answered: Percentiles::of(all.right),
            refusals: Percentiles::of(all.refused),
            memory_before,
            memory_at_most: most,
            recovery_seconds,
        };
        if self.json {
            output::print_json(&report)?;
        } else {
            print(&report);
        }
        Ok(if report.wrong.is_empty() && report.other.is_empty() { Exit::Ok } else { Exit::Incomplete })
    }
}

/// Asks on one connection until it is told to stop.
async fn ask(url: String, asked: Arc<[(String, Value)]>, number: usize, stop: Arc<AtomicBool>) -> anyhow::Result<Seen> {
    let client = reqwest::Client::builder().pool_max_idle_per_host(1).timeout(Duration::from_secs(300)).build()?;
    let mut seen = Seen::default();
    for (question, expected) in asked.iter().cycle().skip(number % asked.len()) {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let began = Instant::now();
        let response = match client.post(&url).json(&json!({"question": question})).send().await {
            Ok(response) => response,
            Err(error) => {
                seen.other.push(error.to_string());
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let status = response.status().as_u16();
        let body: Value = match response.json().await {
            Ok(body) => body,
            Err(error) => {
                seen.other.push(format!("{status}: {error}"));
                continue;
            }
        };
        match status {
            200 if said(&body) == *expected => seen.right.push(began.elapsed()),
            200 => seen.wrong.push(format!("{question}: {body}")),
            429 | 503 => {
                seen.refused.push(began.elapsed());
                tokio::time::sleep(PAUSE).await;
            }
            other => seen.other.push(format!("{other}: {body}")),
        }
    }
    Ok(seen)
}

/// How long after `stopped` a question takes at most twice its time alone.
async fn recovered(server: &Server, asked: &[(String, Value)], alone: f64, stopped: Instant) -> anyhow::Result<f64> {
    let (question, _) = asked.first().context("there is no question")?;
    loop {
        let began = Instant::now();
        let answer = server.post("/v1/ask", &json!({"question": question})).await;
        if answer.is_ok() && began.elapsed().as_secs_f64() * 1000.0 <= 2.0 * alone.max(50.0) {
            return Ok(stopped.elapsed().as_secs_f64());
        }
        ensure!(stopped.elapsed() < PATIENCE, "the server does not recover");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

fn print(report: &Report) {
    let memory = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), output::bytes);
    println!(
        "{} connections for {} s: {} questions answered as alone, {} otherwise, {} refused, {} other",
        report.connections,
        report.seconds,
        report.right,
        report.wrong.len(),
        report.refused,
        report.other.len()
    );
    println!("alone {}; answered {}; refused {}", report.alone, report.answered, report.refusals);
    println!(
        "memory {} before, at most {}; as before after {:.1} s",
        memory(report.memory_before),
        memory(report.memory_at_most),
        report.recovery_seconds
    );
    for wrong in report.wrong.iter().chain(&report.other).take(5) {
        println!("  {wrong}");
    }
}
