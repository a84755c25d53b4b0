//! `footnote feedback`: what people said about answers, listed, and exported as examples for training and evaluation.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::{Exit, audit, output};
use crate::{
    app::open_metadata,
    config::Config,
    domain::{Access, Feedback, FeedbackId, Verdict},
    metadata_store::{FeedbackQuery, MetadataStore},
    train::dataset::{from_feedback::example_of, validate::is_spdx},
};

/// How many are read at once.
const PAGE: u32 = 100;
/// The examples of an export.
const EXAMPLES: &str = "examples.jsonl";
/// What each example came from.
const TRACES: &str = "traces.jsonl";

/// List what people said about answers, or export it as examples
#[derive(Debug, clap::Args)]
pub struct FeedbackCommand {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the feedback, newest first
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// Print it as JSON with the traces of the answers, one a line
        #[arg(long)]
        json: bool,
    },
    /// Write it as examples for `dataset import`, with the traces of the answers beside them
    ///
    /// OUT will hold `examples.jsonl` and `traces.jsonl`. Feedback that does not say what would have been right is no example:
    /// it is in the traces only, with the reason.
    Export {
        /// The folder to write, which must not exist
        out: PathBuf,
        #[command(flatten)]
        wanted: Wanted,
        /// The licence that the examples are under, as an SPDX expression: they hold texts of the documents
        #[arg(long, default_value = "LicenseRef-internal")]
        licence: String,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct Wanted {
    /// Only about answers from this collection
    #[arg(long)]
    collection: Option<String>,
    /// Only with this verdict: right, wrong, wrong_source, should_have_answered, should_have_abstained or better_answer
    #[arg(long)]
    verdict: Option<Verdict>,
}

impl FeedbackCommand {
    /// Runs the subcommand.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let metadata = open_metadata(&config).await?;
        match self.command {
            What::List { wanted, json } => list(&*metadata, wanted, json).await,
            What::Export { out, wanted, licence } => export(&config, &*metadata, &out, wanted, &licence).await,
        }
    }
}

/// Reads the feedback page by page.
async fn each(
    metadata: &dyn MetadataStore,
    wanted: Wanted,
    mut take: impl FnMut(Feedback) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (collection, verdict) = (wanted.collection, wanted.verdict);
    let mut query = FeedbackQuery { collection, verdict, access: Access::everything(), cursor: None, limit: PAGE };
    loop {
        let page = metadata.feedback_list(query.clone()).await?;
        page.items.into_iter().try_for_each(&mut take)?;
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(());
        }
    }
}

async fn list(metadata: &dyn MetadataStore, wanted: Wanted, json: bool) -> anyhow::Result<Exit> {
    each(metadata, wanted, |feedback| {
        match json {
            true => println!("{}", serde_json::to_string(&feedback)?),
            false => print!("{}", render(&feedback)),
        }
        Ok(())
    })
    .await?;
    Ok(Exit::Ok)
}

fn render(feedback: &Feedback) -> String {
    let outcome = &feedback.trace.outcome;
    let when = feedback.given_at.format("%Y-%m-%d %H:%M");
    let mut text = format!(
        "{}  {}  {} was {}, {when}\n   {}\n",
        feedback.id,
        feedback.collection,
        outcome.outcome.as_str(),
        feedback.verdict,
        output::one_line(&outcome.question.original)
    );
    for (what, said) in [("better", &feedback.better_answer), ("comment", &feedback.comment)] {
        if let Some(said) = said {
            text.push_str(&format!("   {what}: {}\n", output::one_line(said)));
        }
    }
    text
}

/// A line of the traces.
#[derive(Serialize)]
struct Traced<'a> {
    /// The id of the example, where it is one.
    example: Option<FeedbackId>,
    /// Why it is none.
    left_out: Option<String>,
    feedback: &'a Feedback,
}

async fn export(
    config: &Config,
    metadata: &dyn MetadataStore,
    out: &Path,
    wanted: Wanted,
    licence: &str,
) -> anyhow::Result<Exit> {
    if !is_spdx(licence) {
        bail!("`{licence}` is no SPDX expression: write for example CC-BY-SA-4.0, or LicenseRef-internal");
    }
    if out.exists() {
        bail!("{} exists: name a folder that does not", out.display());
    }
    let parent = std::path::absolute(out)?.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    std::fs::create_dir_all(&parent).with_context(|| format!("cannot create {}", parent.display()))?;
    // Beside the folder, so that one rename makes it appear whole.
    let unfinished = tempfile::Builder::new().prefix(".feedback-").tempdir_in(&parent)?;
    let open = |name: &str| Ok::<_, std::io::Error>(BufWriter::new(File::create(unfinished.path().join(name))?));
    let (mut examples, mut traces) = (open(EXAMPLES)?, open(TRACES)?);
    let (mut written, mut left_out) = (0u64, 0u64);
    each(metadata, wanted, |feedback| {
        let example = example_of(&feedback, licence);
        let line = Traced {
            example: example.is_ok().then_some(feedback.id),
            left_out: example.as_ref().err().map(ToString::to_string),
            feedback: &feedback,
        };
        writeln!(traces, "{}", serde_json::to_string(&line)?)?;
        match example {
            Ok(example) => {
                writeln!(examples, "{}", serde_json::to_string(&example)?)?;
                written += 1;
            }
            Err(why) => {
                eprintln!("{} is no example: {why}", feedback.id);
                left_out += 1;
            }
        }
        Ok(())
    })
    .await?;
    for file in [examples, traces] {
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    }
    std::fs::rename(unfinished.keep(), out).with_context(|| format!("cannot write {}", out.display()))?;
    audit::record(config, metadata, "export_feedback", None, json!({"examples": written, "left_out": left_out}))
        .await?;
    println!("{written} examples in {}, {left_out} left out", out.join(EXAMPLES).display());
    Ok(Exit::Ok)
}
