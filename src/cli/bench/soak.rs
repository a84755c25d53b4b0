//! `footnote bench soak`: a server under mixed traffic for a long time: whether its memory and its open files stay the same.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::{corpus::read_questions, server::Server};
use crate::{
    cli::{Exit, output},
    config::Config,
};

/// The collection that changes meanwhile.
const TRAFFIC: &str = "traffic";
/// How many names are uploaded again and again.
const NAMES: u64 = 20;
/// How many of the loops ask, search and change.
const LOOPS: [Loop; 4] = [Loop::Ask, Loop::Ask, Loop::Search, Loop::Change];

/// Keep a server busy with questions, searches, uploads, deletes and conversations, and watch its memory and open files
#[derive(Debug, Args)]
pub struct Soak {
    /// Files and folders to ask about
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A file of JSON lines with a `question` each
    #[arg(long, value_name = "FILE")]
    questions: PathBuf,
    /// For how long
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// How often figures are taken, in seconds
    #[arg(long, default_value_t = 60)]
    every: u64,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy)]
enum Loop {
    Ask,
    Search,
    Change,
}

/// At one moment.
#[derive(Debug, Serialize)]
struct Step {
    seconds: u64,
    requests: u64,
    failed: u64,
    /// The server's own.
    memory: Option<u64>,
    /// Its open files and connections.
    files: Option<usize>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    failed: AtomicU64,
}

impl Soak {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let questions: Arc<[String]> = read_questions(&self.questions)?.into();
        let dir = tempfile::tempdir()?;
        let mut server = Server::new(&config, dir.path())?;
        server.ingest(&self.paths).await?;
        server.start(None).await?;
        let (process, server) = (server.id()?, Arc::new(server));
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let loops: Vec<_> = LOOPS
            .into_iter()
            .enumerate()
            .map(|(number, kind)| {
                let (server, questions) = (server.clone(), questions.clone());
                tokio::spawn(go_round(kind, number, server, questions, stop.clone(), counts.clone()))
            })
            .collect();
        let (began, mut steps) = (Instant::now(), Vec::new());
        while began.elapsed() < Duration::from_secs(60 * self.minutes) {
            tokio::time::sleep(Duration::from_secs(self.every)).await;
            let step = Step {
                seconds: began.elapsed().as_secs(),
                requests: counts.requests.load(Ordering::Relaxed),
                failed: counts.failed.load(Ordering::Relaxed),
                memory: output::memory_of(process),
                files: output::files_of(process),
            };
            if !self.json {
                print(&step);
            }
            steps.push(step);
        }
        stop.store(true, Ordering::Release);
        for one in loops {
            one.await?;
        }
        if self.json {
            output::print_json(&steps)?;
        }
        // What failed after the last look counts as well.
        let failed = steps.is_empty() || counts.failed.load(Ordering::Relaxed) > 0;
        Ok(if failed { Exit::Incomplete } else { Exit::Ok })
    }
}

/// Does one thing again and again until it is told to stop.
async fn go_round(
    kind: Loop,
    number: usize,
    server: Arc<Server>,
    questions: Arc<[String]>,
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
) {
    let mut round = number as u64;
    while !stop.load(Ordering::Acquire) {
        let question = &questions[round as usize % questions.len()];
        let done = match kind {
            Loop::Ask => talk(&server, question, round).await,
            Loop::Search => server.post("/v1/search", &json!({"question": question, "top_k": 20})).await.map(drop),
            Loop::Change => change(&server, round).await,
        };
        counts.requests.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = done {
            eprintln!("{kind:?}: {error:#}");
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
        round += 1;
    }
}

/// Asks; every tenth question begins a conversation, goes on with it, and deletes it.
async fn talk(server: &Server, question: &str, round: u64) -> anyhow::Result<()> {
    if !round.is_multiple_of(10) {
        return server.post("/v1/ask", &json!({"question": question})).await.map(drop);
    }
    let begun: Value = server.post("/v1/ask", &json!({"question": question, "store": true})).await?;
    let id = begun["conversation_id"].as_str().unwrap_or_default();
    server.post("/v1/ask", &json!({"question": "And why is that?", "conversation_id": id})).await?;
    server.delete(&format!("/v1/conversations/{id}")).await.map(drop)
}

/// Uploads a text under one of a few names, so that most are new versions, and deletes every fifth one.
async fn change(server: &Server, round: u64) -> anyhow::Result<()> {
    let name = format!("note-{}.md", round % NAMES);
    let text =
        format!("# Note {round}\n\nThe {round}th note says that shelf {} holds box {}.\n", round % 97, round % 89);
    let (document, job) = server.upload(TRAFFIC, name, text).await?;
    server.ends(&job).await?;
    match round.is_multiple_of(5) {
        true => server.delete(&format!("/v1/documents/{document}")).await.map(drop),
        false => Ok(()),
    }
}

fn print(step: &Step) {
    let memory = step.memory.map_or_else(|| "?".to_owned(), output::bytes);
    let files = step.files.map_or_else(|| "?".to_owned(), |files| files.to_string());
    println!(
        "{:>5} s: {} requests, {} failed; memory {memory}, open files {files}",
        step.seconds, step.requests, step.failed
    );
}
