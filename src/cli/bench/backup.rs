//! `footnote bench backup`: a backup of a server under traffic, restored elsewhere, and the same questions asked of both.
//!
//! The traffic is in a collection of its own. Before both are asked, that collection is deleted in both: what is left is
//! what never changed, and each question must have the same answer with the same citations.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
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
/// How often the traffic has gone round before the backup begins, so that there is something of every kind.
const ROUNDS_BEFORE: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Back a server up under uploads, changes and deletes, restore it elsewhere, and compare its answers
#[derive(Debug, Args)]
pub struct Backup {
    /// Files and folders to ingest first
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A file of JSON lines with a `question` each
    #[arg(long, value_name = "FILE")]
    questions: PathBuf,
    /// How many of them are asked
    #[arg(long, default_value_t = 100)]
    ask: usize,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    documents: u64,
    /// Uploads and deletes that were answered while the backup was written.
    writes_meanwhile: usize,
    backup_seconds: f64,
    archive_bytes: u64,
    restore_seconds: f64,
    asked: usize,
    answered: usize,
    /// The questions whose answers differ.
    different: Vec<String>,
    /// What `footnote doctor --deep` says of the restored installation.
    sound: bool,
}

impl Backup {
    /// Runs the comparison.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let questions = read_questions(&self.questions)?;
        let (here, there) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let archive = here.path().join("backup.tar");
        let mut server = Server::new(&config, here.path())?;
        let summary = server.ingest(&self.paths).await?;
        server.start(None).await?;
        let server = Arc::new(server);
        let traffic = Traffic::start(server.clone());
        traffic.has_gone_round().await?;
        let (before, began) = (traffic.rounds.load(Ordering::Acquire), Instant::now());
        let written = server.command(None, &["backup", "--server", &server.url("")?]).arg(&archive).output().await?;
        ensure!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        let (backup_seconds, after) = (began.elapsed().as_secs_f64(), traffic.rounds.load(Ordering::Acquire));
        traffic.stop().await?;
        let mut restored = Server::new(&config, there.path())?;
        let began = Instant::now();
        restored.run(&["restore", "--json"], std::slice::from_ref(&archive)).await?;
        let restore_seconds = began.elapsed().as_secs_f64();
        restored.start(None).await?;
        let (mut answers, mut others) = (Vec::new(), Vec::new());
        for (server, answers) in [(&*server, &mut answers), (&restored, &mut others)] {
            server.settle().await?;
            server.post("/v1/documents/delete", &json!({"collection": TRAFFIC})).await?;
            server.settle().await?;
            for question in questions.iter().take(self.ask) {
                answers.push(said(&server.post("/v1/ask", &json!({"question": question})).await?));
            }
        }
        restored.kill().await?;
        let doctor = restored.command(None, &["doctor", "--deep"]).output().await?;
        let pairs = questions.iter().zip(answers.iter().zip(&others));
        let report = Report {
            documents: summary["files"].as_u64().unwrap_or_default(),
            writes_meanwhile: Traffic::WRITES_A_ROUND * (after - before),
            backup_seconds,
            archive_bytes: std::fs::metadata(&archive)?.len(),
            restore_seconds,
            asked: answers.len(),
            answered: answers.iter().filter(|answer| answer["outcome"] == "answered").count(),
            different: pairs.filter(|(_, (one, other))| one != other).map(|(question, _)| question.clone()).collect(),
            sound: doctor.status.success(),
        };
        if self.json {
            output::print_json(&report)?;
        } else {
            print(&report);
        }
        let same = report.different.is_empty() && report.sound;
        Ok(if same { Exit::Ok } else { Exit::Incomplete })
    }
}

/// What an answer says, and what with: all that a user would compare.
pub fn said(answer: &Value) -> Value {
    let citations = answer["citations"].as_array().into_iter().flatten().map(|citation| {
        json!([
            citation["name"],
            citation["version"],
            citation["source_start"],
            citation["source_end"],
            citation["quote"]
        ])
    });
    json!({
        "outcome": answer["outcome"],
        "text": answer["answer"],
        "confidence": answer["confidence"],
        "citations": citations.collect::<Vec<_>>(),
    })
}

fn print(report: &Report) {
    println!(
        "{} documents; backup in {:.1} s with {} writes meanwhile, {}; restored in {:.1} s",
        report.documents,
        report.backup_seconds,
        report.writes_meanwhile,
        output::bytes(report.archive_bytes),
        report.restore_seconds
    );
    println!("{} questions, {} answered, {} differ", report.asked, report.answered, report.different.len());
    for question in &report.different {
        println!("  {question}");
    }
    println!(
        "doctor --deep of what was restored: {}",
        if report.sound { "nothing found" } else { "it found something" }
    );
}

/// Uploads, replaces and deletes, round after round.
struct Traffic {
    rounds: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Traffic {
    const WRITES_A_ROUND: usize = 4;

    fn start(server: Arc<Server>) -> Self {
        let (rounds, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let running = tokio::spawn(go_round(server, Arc::clone(&rounds), stop.clone()));
        Self { rounds, stop, running }
    }

    async fn has_gone_round(&self) -> anyhow::Result<()> {
        while self.rounds.load(Ordering::Acquire) < ROUNDS_BEFORE {
            ensure!(!self.running.is_finished(), "the traffic has ended");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Release);
        self.running.await.context("the traffic failed")?
    }
}

async fn go_round(server: Arc<Server>, rounds: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    let mut round = 0;
    while !stop.load(Ordering::Acquire) {
        let text = |what: &str| format!("# Round {round}\n\n{what} as it is in round {round} of the traffic.\n");
        // One that is new, one that changes, and one that goes again.
        server.upload(TRAFFIC, format!("new-{round}.md"), text("What is new")).await?;
        server.upload(TRAFFIC, "changes.md".to_owned(), text("What changes")).await?;
        let (gone, job) = server.upload(TRAFFIC, format!("gone-{round}.md"), text("What goes")).await?;
        server.delete(&format!("/v1/documents/{gone}")).await?;
        // Not faster than it is ingested.
        server.ends(&job).await?;
        round += 1;
        rounds.store(round, Ordering::Release);
    }
    Ok(())
}
