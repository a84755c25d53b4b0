//! `footnote eval ambiguity`: how often questions with several readings are asked back, and clear ones are not.

use std::{collections::HashMap, io::Write as _, path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};

use super::{
    Exit,
    eval::start_apart,
    ingest::{FoundFiles, ingest_alone},
    output,
};
use crate::{
    answer::clarify::Margins,
    app::{App, Purpose},
    config::Config,
    eval::{
        ambiguity::{self, AmbiguityQuestion, AmbiguityReport, Judged, Part, Seen},
        bootstrap::{Estimate, Resampling},
    },
    shutdown,
};

/// The seed and the rounds of the intervals.
const SEED: u64 = 7;
const RESAMPLES: u32 = 2_000;

/// How often questions with several readings are asked back, and clear ones are not
#[derive(Debug, clap::Args)]
pub struct Ambiguity {
    /// The data set: a folder with questions.jsonl, documents/ and public-documents.txt
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder below which the documents of public-documents.txt are
    #[arg(long, value_name = "DIR")]
    documents: PathBuf,
    /// The part whose questions are asked
    #[arg(long, value_name = "PART", default_value = "test")]
    part: Part,
    /// Keep the index here, and use it again
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
    /// Keep what was found and read here, and do not search and read again
    #[arg(long, value_name = "FILE")]
    seen: Option<PathBuf>,
    /// Show each question that did not end as expected
    #[arg(long)]
    show: bool,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Ambiguity {
    /// Asks the questions of the part in an index of their own.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let questions: Vec<_> =
            ambiguity::questions(&self.data)?.into_iter().filter(|question| question.part == self.part).collect();
        let kept = tempfile::tempdir()?;
        let purpose = Purpose { answers: true, any_index: false };
        let app = start_apart(config, self.index.as_deref().unwrap_or(kept.path()), purpose).await?;
        self.ingest(&app).await?;
        let services = app.answering().context("no generator was loaded")?;
        let Some(reader) = &services.reader else { bail!("there is no reader: nothing says which passages answer") };
        let mut known = self.known()?;
        let mut judged = Vec::with_capacity(questions.len());
        for question in &questions {
            let seen = match known.remove(&question.question) {
                Some(seen) => seen,
                None => {
                    let seen = ambiguity::look(&services, &question.question).await?;
                    self.keep(&seen)?;
                    seen
                }
            };
            let (mut result, offered) = ambiguity::judge(question, &seen, reader.decision(), Margins::TUNED);
            for (reading, right) in offered.iter().zip(result.right.clone()) {
                if right && question.expected == ambiguity::Expected::Clarify {
                    let led = ambiguity::follow(&services, reader.decision(), &seen, reading).await?;
                    result.followed.push(led);
                }
            }
            judged.push(result);
        }
        let report = ambiguity::report(&judged, &Resampling::new(RESAMPLES, SEED, 0.95)?);
        if self.json {
            output::print_json(&report)?;
        } else {
            print(&report);
        }
        if self.show {
            show(&judged);
        }
        Ok(Exit::Ok)
    }

    async fn ingest(&self, app: &Arc<App>) -> anyhow::Result<()> {
        let stop = shutdown::on_signal()?;
        let files = ambiguity::documents(&self.data, &self.documents)?.into_iter().collect();
        let found = FoundFiles { files, ..FoundFiles::default() };
        let summary = ingest_alone(app, found, &stop).await?;
        if let Some((name, reason)) = summary.failed.first_key_value() {
            bail!("the document {name} was not ingested: {reason}");
        }
        eprintln!("{} documents, {} chunks, in {:.1} s", summary.files, summary.chunks, summary.seconds);
        app.vectors.optimize(1).await?;
        Ok(())
    }

    /// What was seen before, by question.
    fn known(&self) -> anyhow::Result<HashMap<String, Seen>> {
        let Some(path) = self.seen.as_ref().filter(|path| path.exists()) else { return Ok(HashMap::new()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let lines = text.lines().map(serde_json::from_str::<Seen>);
        let seen = lines.collect::<Result<Vec<_>, _>>().with_context(|| format!("cannot read {}", path.display()))?;
        Ok(seen.into_iter().map(|seen| (seen.question.clone(), seen)).collect())
    }

    fn keep(&self, seen: &Seen) -> anyhow::Result<()> {
        let Some(path) = &self.seen else { return Ok(()) };
        let file = std::fs::File::options().create(true).append(true).open(path);
        let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(format!("{}\n", serde_json::to_string(seen)?).as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn print(report: &AmbiguityReport) {
    let [ambiguous, clear, conflicts] = report.questions;
    println!("{ambiguous} ambiguous, {clear} clear and {conflicts} contradicted questions; 95% intervals");
    let line = |words: &str, estimate: &Option<Estimate>| match estimate {
        Some(Estimate { value, low, high, .. }) => {
            println!("{words:<58} {:5.1}  ({:.1} to {:.1})", value * 100.0, low * 100.0, high * 100.0);
        }
        None => println!("{words:<58}     -"),
    };
    line("ambiguous questions that are asked back", &report.clarified);
    line("  of these, with two readings that a person would offer", &report.two_right);
    line("  offered readings that a person would offer", &report.options_right);
    line("  choices of these that lead to their document", &report.followed);
    line("clear questions that are asked back", &report.clear_clarified);
    line("clear questions with a contradiction reported", &report.clear_conflicts);
    line("contradictions that are reported with both sources", &report.conflicts);
    line("contradictions that are asked back", &report.conflicts_clarified);
}

fn show(judged: &[Judged]) {
    for judged in judged.iter().filter(|judged| judged.got != Some(judged.question.expected)) {
        let AmbiguityQuestion { id, question, expected, .. } = &judged.question;
        println!("\n{id}: {question}\n  expected {expected:?}, got {:?}", judged.got);
        for (label, text) in &judged.offered {
            println!("  - {label}: {text}");
        }
    }
}
