//! `footnote backup`: everything into one file, of this machine's stores or of a server that serves.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::Utc;
use futures::StreamExt;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::{Exit, output};
use crate::{
    app::{OpenStores, open_metadata},
    archive::{self, BackupOptions, BackupSummary, Verified},
    config::Config,
    shutdown,
};

/// Back everything up into one file: documents, originals, vectors, conversations, adapters
///
/// The stores are read directly. Where a server holds them (the embedded ones have one owner), ask it with --server.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The file, or a folder for a file with the time in its name; what is there is replaced when the backup is whole
    path: PathBuf,
    /// Leave the vectors out: a restore makes them again, which takes as long as a reindex
    #[arg(long)]
    without_vectors: bool,
    /// Leave out what this earlier backup holds; a restore then needs both, so PATH must be a file that is not there yet
    #[arg(long, value_name = "ARCHIVE")]
    since: Option<PathBuf>,
    /// Ask a running server, such as http://127.0.0.1:8642, with this configuration's API key
    #[arg(long, value_name = "URL", conflicts_with_all = ["since", "deletions_only"])]
    server: Option<String>,
    /// Write only which documents were deleted, for `footnote restore --deletions`
    #[arg(long, conflicts_with_all = ["since", "without_vectors"])]
    deletions_only: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    /// Writes the file, or leaves what was there as it was.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let path = self.target();
        // It may well be the one that the new file builds on, or one below that.
        if self.since.is_some() && path.exists() {
            bail!(
                "{} is there: with --since, name a file that is not, for a restore needs the earlier ones",
                path.display()
            );
        }
        let partial = Partial::beside(&path)?;
        let stop = shutdown::on_signal()?;
        tokio::select! {
            ended = self.make(&config, partial, path) => ended,
            // What was written goes with `partial`: it may be as large as everything.
            () = stop.cancelled() => bail!("stopped before the file was whole: nothing is left of it"),
        }
    }

    async fn make(self, config: &Config, partial: Partial, path: PathBuf) -> anyhow::Result<Exit> {
        if self.deletions_only {
            return self.deletions(config, partial, &path).await;
        }
        let summary = match &self.server {
            Some(url) => {
                fetch(url, config, self.without_vectors, &partial).await?;
                let verified = archive::verify(partial.path()).await?;
                partial.keep(&path).await?;
                report_verified(&verified, &path, self.json)?;
                return Ok(Exit::Ok);
            }
            None => {
                let since = match &self.since {
                    Some(since) => Some(archive::verify(since).await.with_context(|| since.display().to_string())?),
                    None => None,
                };
                let options = BackupOptions { without_vectors: self.without_vectors, since };
                let stores = OpenStores::open(config).await?;
                write(&stores, &options, &partial).await?
            }
        };
        partial.keep(&path).await?;
        self.written(&summary, &path)?;
        Ok(Exit::Ok)
    }

    fn target(&self) -> PathBuf {
        if !self.path.is_dir() {
            return self.path.clone();
        }
        let what = if self.deletions_only { "deletions" } else { "backup" };
        let kind = if self.deletions_only { "jsonl" } else { "tar" };
        self.path.join(format!("footnote-{what}-{}.{kind}", Utc::now().format("%Y%m%dT%H%M%SZ")))
    }

    async fn deletions(self, config: &Config, partial: Partial, path: &Path) -> anyhow::Result<Exit> {
        let metadata = open_metadata(config).await?;
        let mut out = BufWriter::new(partial.open().await?);
        let count = archive::export_deletions(&*metadata, &mut out).await?;
        out.into_inner().sync_all().await?;
        partial.keep(path).await?;
        match self.json {
            true => output::print_json(&serde_json::json!({"path": path, "deletions": count}))?,
            false => println!("{count} deletions in {}", path.display()),
        }
        Ok(Exit::Ok)
    }

    fn written(&self, summary: &BackupSummary, path: &Path) -> anyhow::Result<()> {
        if self.json {
            return output::print_json(&serde_json::json!({"path": path, "archive": summary}));
        }
        println!(
            "{} documents in {} ({} members, {} bytes), sha256 of the manifest {}",
            summary.documents,
            path.display(),
            summary.members,
            summary.bytes,
            summary.name
        );
        if summary.left_out > 0 {
            println!(
                "{} versions were replaced or deleted meanwhile: a restore makes what was replaced again from its original",
                summary.left_out
            );
        }
        Ok(())
    }
}

/// Says what was read of a file from its beginning to its end.
pub fn report_verified(verified: &Verified, path: &Path, json: bool) -> anyhow::Result<()> {
    if json {
        return output::print_json(&serde_json::json!({
            "path": path, "archive": {"name": verified.name, "members": verified.members, "header": verified.header}
        }));
    }
    println!(
        "{} holds {} members, all of them verified, sha256 of the manifest {}",
        path.display(),
        verified.members,
        verified.name
    );
    Ok(())
}

/// Writes an archive into a file, down to the disk.
pub async fn write(stores: &OpenStores, options: &BackupOptions, partial: &Partial) -> anyhow::Result<BackupSummary> {
    let out = BufWriter::with_capacity(1 << 20, partial.open().await?);
    let (out, summary) = archive::backup(&stores.installation, out, options).await?;
    out.into_inner().sync_all().await.context("the archive could not be written to the disk")?;
    Ok(summary)
}

/// Takes an archive from a server.
async fn fetch(url: &str, config: &Config, without_vectors: bool, partial: &Partial) -> anyhow::Result<()> {
    let url = format!("{}/v1/admin/backup?without_vectors={without_vectors}", url.trim_end_matches('/'));
    let mut request = reqwest::Client::builder().read_timeout(READ_LIMIT).build()?.post(&url);
    if let Some(key) = &config.api_key {
        request = request.bearer_auth(key.expose());
    }
    let response = request.send().await.with_context(|| format!("{url} cannot be reached"))?;
    let status = response.status();
    if !status.is_success() {
        let problem: serde_json::Value = response.json().await.unwrap_or_default();
        bail!("{url} answered {status}: {}", problem["detail"].as_str().unwrap_or("without a reason"));
    }
    let mut out = BufWriter::new(partial.open().await?);
    let mut body = response.bytes_stream();
    while let Some(piece) = body.next().await {
        out.write_all(&piece.context("the server broke the backup off: its log says why")?).await?;
    }
    out.flush().await?;
    Ok(out.into_inner().sync_all().await?)
}

/// How long a server may say nothing: it keeps the metadata of one moment before the first byte.
const READ_LIMIT: std::time::Duration = std::time::Duration::from_secs(900);

/// A file that is written beside its place, and goes when it is not kept.
pub struct Partial {
    path: PathBuf,
    kept: bool,
}

impl Partial {
    /// For a file at `path`.
    pub fn beside(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().with_context(|| format!("{} is no name for a file", path.display()))?;
        let mut partial = name.to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        Ok(Self { path: path.with_file_name(partial), kept: false })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn open(&self) -> anyhow::Result<tokio::fs::File> {
        let file = tokio::fs::File::create(&self.path).await;
        file.with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Puts it in its place, in one step that a loss of power cannot halve.
    pub async fn keep(mut self, path: &Path) -> anyhow::Result<()> {
        tokio::fs::rename(&self.path, path).await.with_context(|| format!("cannot write {}", path.display()))?;
        self.kept = true;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        #[cfg(unix)]
        tokio::fs::File::open(folder).await?.sync_all().await?;
        #[cfg(not(unix))]
        let _ = folder;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // Not there when nothing was written yet.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
