//! A server of this program in a process of its own, with its stores in a folder of its own.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::config::{Config, Settings};

/// How long a request, the start of a server, or the end of its open jobs may take.
const PATIENCE: Duration = Duration::from_secs(300);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The program on one folder, and the server that runs there, if one does. It is killed when this is dropped.
pub struct Server {
    program: PathBuf,
    models_dir: PathBuf,
    share: f64,
    dir: PathBuf,
    running: Option<(Child, String)>,
    client: reqwest::Client,
}

impl Server {
    /// Of this program, with the models and the reindex share that are configured. Nothing is started.
    pub fn new(config: &Config, dir: &Path) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let program = std::env::current_exe()?;
        let (models_dir, share) = (config.models_dir.clone(), config.reindex_share);
        Ok(Self { program, models_dir, share, dir: dir.to_owned(), running: None, client })
    }

    /// The program on this folder; with another embedder, the folder of that.
    pub fn command(&self, embedder: Option<&Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (_, variable) in Settings::KEYS {
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

    /// Runs the program to its end, and reads the JSON that it prints.
    pub async fn run(&self, arguments: &[&str], paths: &[PathBuf]) -> anyhow::Result<Value> {
        let ended = self.command(None, arguments).args(paths).output().await?;
        ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        Ok(serde_json::from_slice(&ended.stdout)?)
    }

    /// Ingests files and folders, and says so.
    pub async fn ingest(&self, paths: &[PathBuf]) -> anyhow::Result<Value> {
        let summary = self.run(&["ingest", "--json"], paths).await?;
        eprintln!("{} documents, {} chunks, in {} s", summary["files"], summary["chunks"], summary["seconds"]);
        Ok(summary)
    }

    /// Starts to serve.
    pub async fn start(&mut self, embedder: Option<&Path>) -> anyhow::Result<()> {
        let mut child = self.command(embedder, &["serve"]).stderr(Stdio::piped()).spawn()?;
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

    /// The process that serves.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.running.as_ref().and_then(|(child, _)| child.id()).context("no server runs")
    }

    /// Kills it, as a loss of power would.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let (mut child, _) = self.running.take().context("no server runs")?;
        Ok(child.kill().await?)
    }

    /// The address of a path of the API.
    pub fn url(&self, path: &str) -> anyhow::Result<String> {
        let (_, url) = self.running.as_ref().context("no server runs")?;
        Ok(format!("{url}{path}"))
    }

    /// What is there.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        read(self.client.get(self.url(path)?).send().await?).await
    }

    /// The answer to a body.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        read(self.client.post(self.url(path)?).json(body).send().await?).await
    }

    /// Deletes what is there.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        read(self.client.delete(self.url(path)?).send().await?).await
    }

    /// Waits until a job is over.
    pub async fn ends(&self, job: &str) -> anyhow::Result<()> {
        let over = async {
            while matches!(self.get(&format!("/v1/jobs/{job}")).await?["state"].as_str(), Some("queued" | "running")) {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, over).await.with_context(|| format!("the job {job} does not end"))?
    }

    /// Waits until no job is open.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let settled = async {
            for state in ["queued", "running"] {
                let path = format!("/v1/jobs?limit=1&state={state}");
                while self.get(&path).await?["jobs"].as_array().is_none_or(|jobs| !jobs.is_empty()) {
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, settled).await.context("jobs are open that do not end")?
    }

    /// Uploads a text, and returns the ids of its document and its job.
    pub async fn upload(&self, collection: &str, name: String, text: String) -> anyhow::Result<(String, String)> {
        let form = Form::new().text("collection", collection.to_owned()).part("file", Part::text(text).file_name(name));
        let answer = read(self.client.post(self.url("/v1/documents")?).multipart(form).send().await?).await?;
        let id = |key: &str| answer["documents"][0][key].as_str().map(str::to_owned);
        Ok((id("document_id").context("no document was named")?, id("job_id").context("no job was named")?))
    }
}

async fn read(response: reqwest::Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body: Value = response.json().await?;
    ensure!(status.is_success(), "{status}: {body}");
    Ok(body)
}
