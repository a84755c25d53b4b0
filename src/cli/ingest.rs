//! `footnote ingest`: files and folders in, with progress, and a summary of what failed and why.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{Exit, ask::key_value, output};
use crate::{
    app::{App, Purpose},
    config::Config,
    domain::{DEFAULT_COLLECTION, JobId, JobKind, JobPriority, JobState},
    ingest::{
        upload::{self, Description},
        worker::Worker,
    },
    metadata_store::JobQuery,
    shutdown,
};

/// Ingest files and folders
#[derive(Debug, clap::Args)]
pub struct Ingest {
    /// Files, folders (with everything below them) and glob patterns
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The collection [default: default]
    #[arg(long)]
    collection: Option<String>,
    /// Metadata of every document; may be repeated
    #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = key_value)]
    metadata: Vec<(String, serde_json::Value)>,
    /// An access label: only callers that have one of them read the documents; may be repeated [default: none, for everyone]
    #[arg(long = "access", value_name = "LABEL")]
    access: Vec<String>,
    /// Whose turn it is in the queue: high, normal or low [default: normal, and low for more than 10 files]
    #[arg(long)]
    priority: Option<JobPriority>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// What became of the files.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Files that were found.
    pub files: usize,
    /// Files that were ingested.
    pub ingested: usize,
    /// Files that were there already, byte for byte.
    pub unchanged: usize,
    /// Names of hidden files and links that were not followed.
    pub passed_over: Vec<String>,
    /// Files that were refused, and why.
    pub failed: BTreeMap<String, String>,
    /// Chunks in the index afterwards, of all documents.
    pub chunks: u64,
    /// Chunks that were written.
    pub new_chunks: u64,
    /// Tokens that were embedded.
    pub new_tokens: u64,
    /// How long it took.
    pub seconds: f64,
    /// The most memory that the process used.
    pub peak_memory_bytes: Option<u64>,
}

impl Ingest {
    /// Ingests everything, and waits until it is done.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let found = find_files(&self.paths)?;
        let stop = shutdown::on_signal()?;
        let app = App::start(config, Purpose { answers: false, any_index: false }).await?;
        let access: BTreeSet<String> = self.access.into_iter().collect();
        let description = Description {
            metadata: self.metadata.into_iter().collect(),
            access: access.into_iter().collect(),
            ..Description::of(self.collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned()))
        };
        let priority = self.priority.unwrap_or_else(|| JobPriority::of_request(found.files.len()));
        let working = stop.child_token();
        let worker = tokio::spawn(Worker::new(app.ingest.clone(), app.config.ingest_concurrency).run(working.clone()));
        let summary = tokio::select! {
            summary = ingest_files(&app, found, description, priority) => summary?,
            () = stop.cancelled() => {
                worker.await?;
                bail!("stopped: what was registered stays in the queue; run the same command again to go on");
            }
        };
        working.cancel();
        worker.await?;
        if self.json {
            output::print_json(&summary)?;
        } else {
            print(&summary);
        }
        Ok(if summary.failed.is_empty() { Exit::Ok } else { Exit::Incomplete })
    }
}

/// The files to ingest, by the name that each gets.
#[derive(Debug, Default)]
pub struct FoundFiles {
    /// Name and path.
    pub files: BTreeMap<String, PathBuf>,
    /// Hidden files and links that are not followed.
    pub passed_over: Vec<String>,
}

/// Finds the files below the given paths. A file in a folder is named by its path from that folder on, the folder
/// included; a file that is named alone by its file name.
pub fn find_files(paths: &[PathBuf]) -> anyhow::Result<FoundFiles> {
    let mut found = FoundFiles::default();
    for given in paths {
        let text = given.to_string_lossy();
        if given.exists() {
            add(&mut found, given)?;
        } else if text.contains(['*', '?', '[']) {
            let mut any = false;
            for path in glob::glob(&text).with_context(|| format!("`{text}` is not a glob pattern"))? {
                add(&mut found, &path?)?;
                any = true;
            }
            if !any {
                bail!("`{text}` matches no file");
            }
        } else {
            bail!("there is no file `{text}`");
        }
    }
    if found.files.is_empty() {
        bail!("there is no file to ingest below the given paths");
    }
    Ok(found)
}

fn add(found: &mut FoundFiles, root: &Path) -> anyhow::Result<()> {
    if root.is_file() {
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return insert(found, name, root.to_owned());
    }
    let folder = std::path::absolute(root)?.file_name().map(|name| name.to_string_lossy().into_owned());
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.with_context(|| format!("cannot read {}", root.display()))?;
        let relative = entry.path().strip_prefix(root)?;
        let hidden = relative.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
        let relative = relative.to_string_lossy().replace('\\', "/");
        let name = folder.as_ref().map_or_else(|| relative.clone(), |folder| format!("{folder}/{relative}"));
        if entry.file_type().is_symlink() || (hidden && entry.file_type().is_file()) {
            found.passed_over.push(name);
        } else if entry.file_type().is_file() {
            insert(found, name, entry.path().to_owned())?;
        }
    }
    Ok(())
}

fn insert(found: &mut FoundFiles, name: String, path: PathBuf) -> anyhow::Result<()> {
    match found.files.insert(name.clone(), path.clone()) {
        Some(other) if std::path::absolute(&other)? != std::path::absolute(&path)? => {
            bail!(
                "{} and {} would both be named `{name}`: ingest them one after the other",
                other.display(),
                path.display()
            )
        }
        _ => Ok(()),
    }
}

/// Ingests files into the default collection, with workers of its own that end with the files or with `stop`.
pub async fn ingest_alone(app: &Arc<App>, found: FoundFiles, stop: &CancellationToken) -> anyhow::Result<Summary> {
    let working = stop.child_token();
    let worker = tokio::spawn(Worker::new(app.ingest.clone(), app.config.ingest_concurrency).run(working.clone()));
    let summary = tokio::select! {
        summary = ingest_files(app, found, Description::of(DEFAULT_COLLECTION), JobPriority::Normal) => summary,
        () = stop.cancelled() => Err(anyhow!("stopped before everything was ingested")),
    };
    working.cancel();
    worker.await?;
    summary
}

/// Registers every file while a worker of this process ingests them, and waits until all have ended.
pub async fn ingest_files(
    app: &Arc<App>,
    found: FoundFiles,
    description: Description,
    priority: JobPriority,
) -> anyhow::Result<Summary> {
    let started = Instant::now();
    let before = app.metadata.counts().await?;
    let bar = ProgressBar::new(found.files.len() as u64);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed} (left {eta})")?);
    bar.set_message("ingest");
    bar.enable_steady_tick(Duration::from_millis(250));
    let mut summary = Summary { files: found.files.len(), passed_over: found.passed_over, ..Summary::default() };
    let mut waiting: HashMap<JobId, String> = HashMap::new();
    for (name, path) in found.files {
        match register(app, &name, description.clone(), priority, &path).await {
            Ok((_, true)) => {
                summary.unchanged += 1;
                bar.inc(1);
            }
            Ok((job, false)) => {
                waiting.insert(job, name);
            }
            Err(error) => {
                bar.inc(1);
                summary.failed.insert(name, format!("{error:#}"));
            }
        }
        collect(app, &mut waiting, &mut summary, &bar, false).await?;
    }
    collect(app, &mut waiting, &mut summary, &bar, true).await?;
    bar.finish_and_clear();
    let after = app.metadata.counts().await?;
    summary.chunks = after.chunks;
    summary.new_chunks = after.chunks.saturating_sub(before.chunks);
    summary.new_tokens = after.tokens.saturating_sub(before.tokens);
    summary.seconds = started.elapsed().as_secs_f64();
    summary.peak_memory_bytes = output::peak_memory();
    Ok(summary)
}

async fn register(
    app: &App,
    name: &str,
    description: Description,
    priority: JobPriority,
    path: &Path,
) -> anyhow::Result<(JobId, bool)> {
    let mut file = tokio::fs::File::open(path).await?;
    let received = upload::receive(&app.ingest, &mut file, app.config.max_upload_bytes).await?;
    let registered = upload::register(&app.ingest, name, description, priority, &received).await?;
    // A duplicate whose job has not ended yet is waited for: this run is not done before it is.
    Ok((registered.job_id, registered.duplicate && registered.job_state.is_final()))
}

/// Takes the jobs that have ended out of `waiting`; with `all`, waits until none is left.
async fn collect(
    app: &App,
    waiting: &mut HashMap<JobId, String>,
    summary: &mut Summary,
    bar: &ProgressBar,
    all: bool,
) -> anyhow::Result<()> {
    // While files are still being registered, a look at the queue now and then is enough for the bar.
    if !all && !waiting.len().is_multiple_of(64) {
        return Ok(());
    }
    while !waiting.is_empty() {
        let open = open_jobs(app).await?;
        let ended: Vec<JobId> = waiting.keys().filter(|id| !open.contains(id)).copied().collect();
        for id in ended {
            let job = app.metadata.job(id).await?;
            if !job.state.is_final() {
                continue;
            }
            let name = waiting.remove(&id).unwrap_or_default();
            if job.state == JobState::Succeeded {
                summary.ingested += 1;
            } else {
                summary.failed.insert(name, job.error.unwrap_or_else(|| job.state.as_str().to_owned()));
            }
            bar.inc(1);
        }
        if !all {
            return Ok(());
        }
        if !waiting.is_empty() {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    Ok(())
}

async fn open_jobs(app: &App) -> anyhow::Result<std::collections::HashSet<JobId>> {
    let mut open = std::collections::HashSet::new();
    for state in [JobState::Queued, JobState::Running] {
        let mut cursor = None;
        loop {
            let query = JobQuery {
                state: Some(state),
                kind: Some(JobKind::Ingest),
                cursor,
                limit: 1000,
                ..JobQuery::default()
            };
            let page = app.metadata.jobs(query).await?;
            open.extend(page.items.iter().map(|job| job.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(open)
}

/// Prints a summary for a person.
pub fn print(summary: &Summary) {
    println!(
        "{} files: {} ingested, {} unchanged, {} refused, in {:.1} s",
        summary.files,
        summary.ingested,
        summary.unchanged,
        summary.failed.len(),
        summary.seconds
    );
    println!(
        "{} new chunks of {} tokens: {:.1} chunks/s, {:.0} tokens/s; the index holds {} chunks",
        summary.new_chunks,
        summary.new_tokens,
        summary.new_chunks as f64 / summary.seconds,
        summary.new_tokens as f64 / summary.seconds,
        summary.chunks
    );
    if let Some(peak) = summary.peak_memory_bytes {
        println!("peak memory {}", output::bytes(peak));
    }
    if !summary.passed_over.is_empty() {
        println!("passed over {} hidden files and links:", summary.passed_over.len());
        for name in &summary.passed_over {
            println!("  {}", output::one_line(name));
        }
    }
    for (name, reason) in &summary.failed {
        println!("refused {}: {}", output::one_line(name), output::one_line(reason));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn files_are_named_from_the_given_folder_on_and_hidden_ones_are_reported() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("docs");
        std::fs::create_dir_all(root.join("a")).unwrap();
        for name in ["a/b.md", "c.txt", ".git"] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        let found = find_files(std::slice::from_ref(&root)).unwrap();
        assert_eq!(found.files.keys().collect::<Vec<_>>(), ["docs/a/b.md", "docs/c.txt"]);
        assert_eq!(found.passed_over, ["docs/.git"]);
        let globbed = find_files(&[root.join("*.txt")]).unwrap();
        assert_eq!(globbed.files.keys().collect::<Vec<_>>(), ["c.txt"]);
    }

    #[test]
    fn two_files_of_one_name_and_a_missing_path_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["x", "y"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
            std::fs::write(dir.path().join(folder).join("same.md"), "x").unwrap();
        }
        let both = [dir.path().join("x/same.md"), dir.path().join("y/same.md")];
        assert!(find_files(&both).unwrap_err().to_string().contains("both be named `same.md`"));
        assert!(find_files(&[dir.path().join("none.md")]).unwrap_err().to_string().contains("no file"));
    }
}
