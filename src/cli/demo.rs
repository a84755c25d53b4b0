//! `footnote demo`: everything once, on Footnote's own handbook, and then it goes on serving.

use std::{io::IsTerminal as _, path::Path};

use anyhow::{Context as _, bail};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::{
    Exit, ingest, models, output,
    serve::{bind, check_keys, serve_until},
};
use crate::{
    answer,
    app::{App, Purpose},
    config::{Config, DatabaseUrl, VectorUrl},
    domain::{Outcome, OutcomeKind, Question},
    shutdown,
};

/// The handbook. It travels in the binary, so that the demo needs no checkout.
static CORPUS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/corpus");
/// The questions of the demo, and what makes their answers right.
const QUESTIONS: &str = include_str!("../../datasets/demo/questions.jsonl");

/// Fetch the models, ingest the handbook, answer questions about it, and go on serving
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// End after the questions, also on a terminal
    #[arg(long)]
    no_serve: bool,
}

/// A question of the demo.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoQuestion {
    question: String,
    /// A citation must come from this page; absent for a question that the handbook does not answer.
    document: Option<String>,
    /// And its quote must hold these words.
    quote: Option<String>,
}

impl Demo {
    /// Runs the demo.
    pub async fn run(self, mut config: Config) -> anyhow::Result<Exit> {
        let stop = shutdown::on_signal()?;
        // The handbook keeps out of the user's own documents.
        config.data_dir = config.data_dir.join("demo");
        config.database = DatabaseUrl::Sqlite(config.data_dir.join("footnote.db"));
        config.vectors = VectorUrl::Edge(config.data_dir.join("vectors"));
        config.blob_url = format!("file://{}", config.data_dir.join("blobs").display());
        check_keys(&config, config.listen, "the documents").await?;

        models::pull(&config, Vec::new()).await?;
        let app = App::start(config, Purpose { answers: true, any_index: false }).await?;
        println!("{}", ingest_handbook(&app, &stop).await?);

        let (mut asked, mut wrong) = (0, 0);
        for question in demo_questions()? {
            let outcome = ask(&app, &question.question).await?;
            println!("\nQ: {}\nA: {}", question.question, output::render_outcome(&outcome));
            let right = is_right(&question, &outcome);
            println!(
                "   {} in {:.1} s: {}",
                output::ended(&outcome),
                outcome.timings_ms.total / 1000.0,
                match (right, &question.document) {
                    (true, Some(page)) => format!("right, it is on {page}"),
                    (true, None) => "right, the handbook does not say".to_owned(),
                    (false, Some(page)) => format!("WRONG, it is on {page}"),
                    (false, None) => "WRONG, the handbook does not say".to_owned(),
                }
            );
            asked += 1;
            wrong += usize::from(!right);
        }
        let memory =
            output::peak_memory().map_or_else(String::new, |peak| format!("; peak memory {}", output::bytes(peak)));
        println!("\n{} of {} questions ended as they should{memory}", asked - wrong, asked);
        let exit = if wrong == 0 { Exit::Ok } else { Exit::Incomplete };
        if self.no_serve || !std::io::stdout().is_terminal() {
            return Ok(exit);
        }
        println!("\nask your own: footnote serves now, with the handbook in it");
        println!(
            "  curl -s http://{}/v1/ask -H 'content-type: application/json' -d '{{\"question\": \"What is a generation?\"}}'\n",
            app.config.listen
        );
        let listener = bind(app.config.listen).await?;
        serve_until(app, listener, stop, true).await?;
        Ok(exit)
    }
}

fn demo_questions() -> anyhow::Result<Vec<DemoQuestion>> {
    let lines = QUESTIONS.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).context("datasets/demo/questions.jsonl")).collect()
}

/// The handbook's questions that it answers, each with the paragraphs around the answer and the name of their page.
pub(super) fn answered_by_the_handbook() -> anyhow::Result<Vec<(String, String, String)>> {
    let mut found = Vec::new();
    for line in demo_questions()? {
        let (Some(page), Some(quote)) = (line.document, line.quote) else { continue };
        let text = CORPUS.get_file(&page).and_then(|file| file.contents_utf8());
        let text = text.with_context(|| format!("the handbook has no page {page}"))?;
        let paragraphs: Vec<&str> = text.split("\n\n").collect();
        let at = paragraphs.iter().position(|paragraph| paragraph.contains(&quote));
        let at = at.with_context(|| format!("{page} does not hold the quote of a question"))?;
        let near = paragraphs[at.saturating_sub(1)..paragraphs.len().min(at + 2)].join("\n\n");
        found.push((line.question, page, near));
    }
    Ok(found)
}

/// The questions of the demo, as they are asked.
pub(super) fn questions() -> anyhow::Result<Vec<String>> {
    Ok(demo_questions()?.into_iter().map(|question| question.question).collect())
}

/// Ingests the handbook with workers of its own, and says what was ingested.
pub(super) async fn ingest_handbook(
    app: &std::sync::Arc<App>,
    stop: &tokio_util::sync::CancellationToken,
) -> anyhow::Result<String> {
    let pages = tempfile::tempdir_in(app.config.scratch_dir())?;
    CORPUS.extract(pages.path()).context("cannot unpack the handbook")?;
    let found = ingest::FoundFiles { files: named(pages.path())?, passed_over: Vec::new() };
    let summary = ingest::ingest_alone(app, found, stop).await?;
    if let Some((name, reason)) = summary.failed.first_key_value() {
        bail!("the page {name} of the handbook was not ingested: {reason}");
    }
    Ok(format!(
        "handbook: {} pages, {} chunks ({} pages new, in {:.1} s)",
        summary.files, summary.chunks, summary.ingested, summary.seconds
    ))
}

fn named(root: &Path) -> anyhow::Result<std::collections::BTreeMap<String, std::path::PathBuf>> {
    let mut files = std::collections::BTreeMap::new();
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry?;
        if entry.file_type().is_file() {
            files.insert(entry.path().strip_prefix(root)?.to_string_lossy().replace('\\', "/"), entry.into_path());
        }
    }
    Ok(files)
}

async fn ask(app: &App, text: &str) -> anyhow::Result<Outcome> {
    let services = app.answering().context("no generator was loaded")?;
    let question = Question::new(text);
    Ok(tokio::time::timeout(app.config.ask_timeout, answer::answer(&services, question, None)).await??)
}

fn is_right(question: &DemoQuestion, outcome: &Outcome) -> bool {
    match (&question.document, &question.quote) {
        (None, _) => outcome.outcome == OutcomeKind::Abstained,
        (Some(document), quote) => outcome.citations.iter().any(|citation| {
            citation.name == *document
                && quote.as_ref().is_none_or(|quote| output::one_line(&citation.quote).contains(quote.as_str()))
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_demo_question_names_a_page_that_says_it() {
        let questions: Vec<DemoQuestion> = QUESTIONS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(questions.iter().filter(|question| question.document.is_some()).count() >= 5);
        assert!(questions.iter().any(|question| question.document.is_none()));
        for question in &questions {
            let Some(document) = &question.document else { continue };
            let page = CORPUS.get_file(document).unwrap_or_else(|| panic!("no page {document}"));
            let text = output::one_line(page.contents_utf8().unwrap());
            let quote = question.quote.as_deref().unwrap();
            assert!(text.contains(quote), "{document} does not say `{quote}`");
        }
    }
}
