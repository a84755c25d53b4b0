//! What is searched and asked in a benchmark: the handbook and the demo's questions, or the user's own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    answer::{self, Passage, RankingKind, RetrieveServices, SearchRequest},
    app::{App, Purpose},
    cli::{demo, eval::start_apart, ingest},
    config::Config,
    domain::Access,
    metadata_store::DocumentQuery,
    shutdown,
};

/// Documents and questions
#[derive(Debug, Args)]
pub struct Corpus {
    /// Files and folders to ask about [default: the handbook]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    documents: Vec<PathBuf>,
    /// A file of JSON lines with a `question` each [default: the demo's]
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,
}

/// An application with the documents in it, in a folder of its own that goes when this does.
pub struct Ready {
    /// The application.
    pub app: Arc<App>,
    /// The questions; at least one.
    pub questions: Vec<String>,
    _dir: TempDir,
}

#[derive(Deserialize)]
struct Line {
    question: String,
}

/// The questions of a file of JSON lines with a `question` each; at least one.
pub fn read_questions(path: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line)| {
        let line: Line =
            serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), number + 1))?;
        anyhow::Ok(line.question)
    };
    let questions = lines.map(read).collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(!questions.is_empty(), "{} holds no question", path.display());
    Ok(questions)
}

impl Corpus {
    /// Starts an application and ingests the documents.
    pub async fn ready(self, config: Config, purpose: Purpose) -> anyhow::Result<Ready> {
        let Self { documents, questions } = self;
        let questions = match questions {
            None => demo::questions()?,
            Some(path) => read_questions(&path)?,
        };
        let dir = tempfile::tempdir()?;
        let stop = shutdown::on_signal()?;
        let app = start_apart(config, dir.path(), purpose).await?;
        if documents.is_empty() {
            eprintln!("{}", demo::ingest_handbook(&app, &stop).await?);
        } else {
            let found = ingest::find_files(&documents)?;
            let summary = ingest::ingest_alone(&app, found, &stop).await?;
            eprintln!(
                "{} files, {} chunks, {} refused, in {:.1} s",
                summary.files,
                summary.chunks,
                summary.failed.len(),
                summary.seconds
            );
        }
        Ok(Ready { app, questions, _dir: dir })
    }
}

/// Searches for a question as the product does; `top_k` passages, or as many as it takes by default.
pub async fn search(services: &RetrieveServices, question: &str, top_k: Option<u32>) -> anyhow::Result<Vec<Passage>> {
    let request = SearchRequest {
        question: question.to_owned(),
        collection: None,
        filter: None,
        top_k,
        ranking: RankingKind::default(),
        access: Access::everything(),
    };
    Ok(answer::search(services, request).await?.results)
}

impl Ready {
    /// The texts of all chunks, as they are indexed.
    pub async fn passages(&self) -> anyhow::Result<Vec<String>> {
        let (mut passages, mut cursor) = (Vec::new(), None);
        loop {
            let query = DocumentQuery { cursor, limit: 500, ..Default::default() };
            let page = self.app.metadata.documents(query).await?;
            for document in &page.items {
                let chunks = self.app.metadata.chunks_of(document.id).await?;
                passages.extend(chunks.iter().map(|chunk| chunk.indexed_text().to_string()));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(passages);
            }
        }
    }
}
