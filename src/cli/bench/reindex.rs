//! `footnote bench reindex`: another embedder while questions are asked, documents come and go, and the server is killed.
//!
//! A server of this program is started on a folder of its own, asked at rest, and asked again while it builds its index
//! anew. Each question is asked when the one before has been answered. Nothing is measured while a killed server is
//! away; whatever else is not answered 200 counts as failed.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{corpus::read_questions, percentiles::Percentiles, server::Server};
use crate::{
    cli::{Exit, output},
    config::Config,
};

/// Build an index anew with another embedder, under questions, uploads, deletes and kills
#[derive(Debug, Args)]
pub struct Reindex {
    /// Files and folders to ingest first
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The folder of the other embedder
    #[arg(long, value_name = "DIR")]
    other: PathBuf,
    /// A file of JSON lines with a `question` each
    #[arg(long, value_name = "FILE")]
    questions: PathBuf,
    /// How many questions are asked at rest
    #[arg(long, default_value_t = 100)]
    at_rest: usize,
    /// How often the server is killed on the way
    #[arg(long, default_value_t = 2)]
    kills: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    documents: u64,
    chunks: u64,
    at_rest: Percentiles,
    during: Percentiles,
    /// The 95th percentile during the reindex over that at rest.
    p95_ratio: f64,
    asked: usize,
    failed: Vec<String>,
    /// The versions that each attempt indexed: without starting over, they add up to the documents.
    versions_of_attempts: Vec<u64>,
    seconds: f64,
    /// What was uploaded and deleted meanwhile, and is not as it should be.
    wrong: Vec<String>,
}

impl Reindex {
    /// Runs the benchmark.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let questions = read_questions(&self.questions)?;
        let dir = tempfile::tempdir()?;
        let mut server = Server::new(&config, dir.path())?;
        let summary = server.ingest(&self.paths).await?;
        server.start(Some(&self.other)).await?;
        let mut asker = Asker { questions, next: 0, failed: Vec::new() };
        // The first questions load what the later ones find loaded.
        asker.ask(&server, 10).await?;
        let at_rest = asker.ask(&server, self.at_rest).await?;
        let began = Instant::now();
        let (during, versions_of_attempts, wrong) = self.reindex(&mut server, &mut asker).await?;
        let (at_rest, during, asked) = (Percentiles::of(at_rest), Percentiles::of(during.clone()), during.len());
        let report = Report {
            documents: summary["files"].as_u64().unwrap_or_default(),
            chunks: summary["chunks"].as_u64().unwrap_or_default(),
            p95_ratio: during.p95 / at_rest.p95,
            at_rest,
            during,
            asked,
            failed: asker.failed,
            versions_of_attempts,
            seconds: began.elapsed().as_secs_f64(),
            wrong,
        };
        if self.json {
            output::print_json(&report)?;
        } else {
            print(&report);
        }
        Ok(if report.failed.is_empty() && report.wrong.is_empty() { Exit::Ok } else { Exit::Incomplete })
    }

    async fn reindex(
        &self,
        server: &mut Server,
        asker: &mut Asker,
    ) -> anyhow::Result<(Vec<Duration>, Vec<u64>, Vec<String>)> {
        let started = server.post("/v1/admin/reindex", &json!({})).await?;
        let path = format!("/v1/jobs/{}", started["job"]["id"].as_str().context("no job was named")?);
        let (mut times, mut attempts) = (Vec::new(), Vec::new());
        let (mut uploaded, mut deleted) = (Vec::new(), Vec::new());
        let (mut kills, mut versions) = (0, 0);
        loop {
            times.extend(asker.ask(server, 5).await?);
            let job = server.get(&path).await?;
            versions = job["report"]["versions"].as_u64().unwrap_or(versions);
            match job["state"].as_str() {
                Some("succeeded") => break,
                Some("queued" | "running") => {}
                _ => bail!("the reindex ended: {job}"),
            }
            let progress = job["progress"].as_f64().unwrap_or_default();
            let due = f64::from(kills + 1) / f64::from(self.kills + 1);
            if kills < self.kills && progress >= due * 0.95 {
                // What comes and goes while it runs, and while it goes on.
                uploaded.push(upload(server, kills).await?);
                deleted.push(delete_first(server).await?);
                attempts.push(versions);
                versions = 0;
                kills += 1;
                server.kill().await?;
                server.start(Some(&self.other)).await?;
            }
        }
        attempts.push(versions);
        let mut wrong = Vec::new();
        for id in &uploaded {
            let document = server.get(&format!("/v1/documents/{id}")).await?;
            if document["active"].is_null() {
                wrong.push(format!("{id}, which was uploaded meanwhile, is not active"));
            }
        }
        for id in &deleted {
            if server.get(&format!("/v1/documents/{id}")).await.is_ok() {
                wrong.push(format!("{id}, which was deleted meanwhile, is there"));
            }
        }
        Ok((times, attempts, wrong))
    }
}

fn print(report: &Report) {
    println!(
        "at rest: {}; during the reindex: {}, {:.2} times as long at p95",
        report.at_rest, report.during, report.p95_ratio
    );
    println!("{} questions in {:.0} s, {} failed", report.asked, report.seconds, report.failed.len());
    println!("versions of the attempts: {:?}, of {} documents", report.versions_of_attempts, report.documents);
    for wrong in report.failed.iter().chain(&report.wrong) {
        println!("  {wrong}");
    }
}

async fn upload(server: &Server, number: u32) -> anyhow::Result<String> {
    let text = format!("# Meanwhile {number}\n\nThis came while the index was built anew, as number {number}.\n");
    Ok(server.upload("default", format!("meanwhile-{number}.md"), text).await?.0)
}

/// Deletes the oldest document.
async fn delete_first(server: &Server) -> anyhow::Result<String> {
    let list = server.get("/v1/documents?limit=1").await?;
    let id = list["documents"][0]["id"].as_str().context("there is no document")?.to_owned();
    server.delete(&format!("/v1/documents/{id}")).await?;
    Ok(id)
}

/// Asks one question after the other, from the first again when the list ends.
struct Asker {
    questions: Vec<String>,
    next: usize,
    failed: Vec<String>,
}

impl Asker {
    async fn ask(&mut self, server: &Server, count: usize) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..count {
            let question = &self.questions[self.next % self.questions.len()];
            self.next += 1;
            let began = Instant::now();
            match server.post("/v1/ask", &json!({"question": question})).await {
                Ok(_) => times.push(began.elapsed()),
                Err(error) => self.failed.push(format!("{question}: {error:#}")),
            }
        }
        Ok(times)
    }
}
