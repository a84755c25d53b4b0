//! `footnote bench reindex`: another embedder while questions are asked, documents come and go, and the server is killed.
//!
//! A server of this program is started on a folder of its own, asked at rest, and asked again while it builds its index
//! anew. Each question is asked when the one before has been answered. Nothing is measured while a killed server is
//! away; whatever else is not answered 200 counts as failed.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use reqwest::multipart::{Form, Part};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::{corpus::read_questions, percentiles::Percentiles};
use crate::{
    cli::{Exit, output},
    config::Config,
};

/// How long a request or the start of a server may take.
const PATIENCE: Duration = Duration::from_secs(300);

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
        let ingested = server.command(None, &["ingest", "--json"]).args(&self.paths).output().await?;
        ensure!(ingested.status.success(), "{}", String::from_utf8_lossy(&ingested.stderr));
        let summary: Value = serde_json::from_slice(&ingested.stdout)?;
        eprintln!("{} documents, {} chunks, in {} s", summary["files"], summary["chunks"], summary["seconds"]);
        server.start(&self.other).await?;
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
                uploaded.push(server.upload(kills).await?);
                deleted.push(server.delete_first().await?);
                attempts.push(versions);
                versions = 0;
                kills += 1;
                server.kill().await?;
                server.start(&self.other).await?;
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

/// A server of this program, in a process of its own.
struct Server {
    program: PathBuf,
    models_dir: PathBuf,
    share: f64,
    dir: PathBuf,
    running: Option<(Child, String)>,
    client: reqwest::Client,
}

impl Server {
    fn new(config: &Config, dir: &Path) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let program = std::env::current_exe()?;
        let (models_dir, share) = (config.models_dir.clone(), config.reindex_share);
        Ok(Self { program, models_dir, share, dir: dir.to_owned(), running: None, client })
    }

    fn command(&self, embedder: Option<&Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (_, variable) in crate::config::Settings::KEYS {
            command.env_remove(variable);
        }
        command.env("FOOTNOTE_DATA_DIR", &self.dir).env("FOOTNOTE_MODELS_DIR", &self.models_dir);
        command.env("FOOTNOTE_LISTEN", "127.0.0.1:0").env("FOOTNOTE_LOG", "warn");
        command.env("FOOTNOTE_REINDEX_SHARE", self.share.to_string());
        if let Some(embedder) = embedder {
            command.env("FOOTNOTE_EMBEDDER", embedder);
        }
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn start(&mut self, embedder: &Path) -> anyhow::Result<()> {
        let mut child = self.command(Some(embedder), &["serve"]).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
        let url = tokio::time::timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await? {
                if let Some(url) = line.strip_prefix("serving on ") {
                    return Ok(url.to_owned());
                }
                eprintln!("{line}");
            }
            bail!("the server ended before it served")
        });
        let url = url.await.context("the server did not start in time")??;
        // Read on, so that the server never waits for a reader.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("{line}");
            }
        });
        self.running = Some((child, url));
        Ok(())
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        let (mut child, _) = self.running.take().context("no server runs")?;
        Ok(child.kill().await?)
    }

    fn url(&self, path: &str) -> anyhow::Result<String> {
        let (_, url) = self.running.as_ref().context("no server runs")?;
        Ok(format!("{url}{path}"))
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        read(self.client.get(self.url(path)?).send().await?).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        read(self.client.post(self.url(path)?).json(body).send().await?).await
    }

    async fn upload(&self, number: u32) -> anyhow::Result<String> {
        let text = format!("# Meanwhile {number}\n\nThis came while the index was built anew, as number {number}.\n");
        let form = Form::new().part("file", Part::text(text).file_name(format!("meanwhile-{number}.md")));
        let answer = read(self.client.post(self.url("/v1/documents")?).multipart(form).send().await?).await?;
        Ok(answer["documents"][0]["document_id"].as_str().context("no document was named")?.to_owned())
    }

    /// Deletes the oldest document.
    async fn delete_first(&self) -> anyhow::Result<String> {
        let list = self.get("/v1/documents?limit=1").await?;
        let id = list["documents"][0]["id"].as_str().context("there is no document")?.to_owned();
        read(self.client.delete(self.url(&format!("/v1/documents/{id}"))?).send().await?).await?;
        Ok(id)
    }
}

async fn read(response: reqwest::Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body: Value = response.json().await?;
    ensure!(status.is_success(), "{status}: {body}");
    Ok(body)
}
