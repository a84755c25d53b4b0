//! `footnote eval`: figures on questions whose answers are known.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::{
    Exit,
    eval_suite::{Compare, Failures, Report, Review, RunSuite, SystemUnderTest},
    ingest, output,
};
use crate::{
    adapters::weigh::adapter_key,
    answer::{AnswerServices, RankingKind},
    app::{App, ModelLoader, Models, Purpose},
    blob_store::BlobStore,
    config::{Config, DatabaseUrl, VectorUrl},
    domain::{AdapterRole, DEFAULT_COLLECTION, Metadata},
    eval::{
        answerer::Answerer,
        assemble::Origin,
        corpus::Corpus,
        product::{Closed, Open},
        retrieval::{self, EvalSet},
        run::Run,
        scifact, squad,
        suite::{LoadedSuite, Mode},
    },
    ingest::worker::Worker,
    models::generator::AdapterMode,
    serving::{ChosenAdapters, NamedAdapter},
    shutdown,
    train::card::commit_at,
};

/// Measure on questions whose answers are known
#[derive(Debug, clap::Args)]
pub struct Eval {
    #[command(subcommand)]
    command: EvalCommand,
}

#[derive(Debug, Subcommand)]
enum EvalCommand {
    /// How often the right passage is found: hybrid, dense alone and BM25 alone
    Retrieval {
        /// A data set in SQuAD's JSON form
        #[arg(long, value_name = "FILE", required_unless_present = "scifact", conflicts_with = "scifact")]
        squad: Option<PathBuf>,
        /// A folder with SciFact's claims_train.csv and corpus_train.csv
        #[arg(long, value_name = "DIR")]
        scifact: Option<PathBuf>,
        /// Keep the index here, and use it again
        #[arg(long, value_name = "DIR")]
        index: Option<PathBuf>,
        /// Print the figures as JSON
        #[arg(long)]
        json: bool,
    },
    Run(RunSuite),
    Compare(Compare),
    Review(Review),
    Failures(Failures),
    Report(Report),
}

impl Eval {
    /// Runs the evaluation in an index of its own.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let (squad, scifact, index, json) = match self.command {
            EvalCommand::Retrieval { squad, scifact, index, json } => (squad, scifact, index, json),
            EvalCommand::Run(command) => {
                let run = measure_suite(&command, config, ChosenAdapters::default()).await?;
                return command.show(&run);
            }
            EvalCommand::Compare(command) => return command.run(),
            EvalCommand::Review(command) => return command.run(),
            EvalCommand::Failures(command) => return command.run(),
            EvalCommand::Report(command) => return command.run(),
        };
        let set = match (&squad, &scifact) {
            (Some(file), _) => squad::read(file)?,
            (None, Some(folder)) => scifact::read(folder)?,
            (None, None) => bail!("name a data set: --squad or --scifact"),
        };
        let kept = tempfile::tempdir()?;
        let purpose = Purpose { answers: false, any_index: false };
        let app = start_apart(config, index.as_deref().unwrap_or(kept.path()), purpose).await?;
        ingest_set(&app, &set).await?;
        for ranking in [RankingKind::Hybrid, RankingKind::Dense, RankingKind::Lexical] {
            let report = retrieval::evaluate(&app, &set, ranking).await?;
            if json {
                output::print_json(&report)?;
            } else {
                let [one, three, five, ten] = report.recall;
                println!(
                    "{:<8} recall @1 {one:.3}  @3 {three:.3}  @5 {five:.3}  @10 {ten:.3}   nDCG@10 {:.3}   ({} questions)",
                    format!("{:?}", report.ranking).to_lowercase(),
                    report.ndcg_at_10,
                    report.questions
                );
            }
        }
        Ok(Exit::Ok)
    }
}

/// Measures a suite on the product, with chosen adapters: closed from the given passages, open over an index of its own.
pub async fn measure_suite(command: &RunSuite, config: Config, chosen: ChosenAdapters) -> anyhow::Result<Run> {
    let kept = tempfile::tempdir()?;
    let start = async |loaded: &LoadedSuite, mode: Option<AdapterMode>| -> anyhow::Result<SystemUnderTest> {
        let config = apart(config, kept.path())?;
        let loader = ModelLoader::new(config.clone()).in_mode(mode.unwrap_or_default());
        let models = Models::load_with(loader, true, chosen.clone()).await?;
        let app = App::with_models(config, models, Purpose { answers: true, any_index: false }).await?;
        let services = app.answering().context("no generator was loaded")?;
        let adapter = services.generator.adapter().map(str::to_owned);
        if adapter.is_none() && mode.is_some() {
            bail!(
                "--adapter-mode says how an adapter is applied, and there is none: name one with --generator-adapter"
            );
        }
        let adapter_mode = adapter.as_ref().map(|_| mode.unwrap_or_default().as_str());
        let sum = |role: AdapterRole, chosen: &Option<NamedAdapter>| {
            let chosen = chosen.as_ref().map(|adapter| adapter.files.sha256());
            chosen.or_else(|| app.own_adapters.sums.of(role).map(str::to_owned))
        };
        let models = [
            ("reader", services.reader.as_ref().map(|reader| reader.name().to_owned())),
            ("generator", Some(services.generator.name().to_owned())),
            ("adapter", adapter),
            ("embedder", Some(services.retrieve.embedder.stamp().name.clone())),
            (adapter_key(AdapterRole::Reader), sum(AdapterRole::Reader, &chosen.reader)),
            (adapter_key(AdapterRole::Generator), sum(AdapterRole::Generator, &chosen.generator)),
        ];
        let origin = Origin {
            models: models.into_iter().filter_map(|(part, name)| Some((part.to_owned(), name?))).collect(),
            configuration: adapter_mode.into_iter().map(|mode| ("adapter_mode".to_owned(), mode.into())).collect(),
            commit: commit_at(Path::new(env!("CARGO_MANIFEST_DIR"))),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            ..Origin::default()
        };
        let services = AnswerServices::clone(&services);
        let answerer: Arc<dyn Answerer> = match loaded.suite.mode {
            Mode::Closed => {
                let count_tokens = services.retrieve.embedder.token_counter();
                Arc::new(Closed {
                    services: AnswerServices { blobs: BlobStore::in_memory(), ..services },
                    count_tokens,
                })
            }
            Mode::Open => {
                let corpus = Arc::new(Corpus::of(&loaded.passages)?);
                let documents = corpus.documents.iter().map(|document| (document.name.clone(), document.text.clone()));
                let set = EvalSet { documents: documents.collect(), ..EvalSet::default() };
                ingest_set(&app, &set).await?;
                Arc::new(Open { services, corpus })
            }
        };
        Ok(SystemUnderTest { answerer, origin })
    };
    command.measure(start).await
}

/// Starts the embedded application in a directory of its own.
pub async fn start_apart(config: Config, dir: &Path, purpose: Purpose) -> anyhow::Result<std::sync::Arc<App>> {
    App::start(apart(config, dir)?, purpose).await
}

/// The configuration of an embedded application in a directory of its own.
fn apart(mut config: Config, dir: &Path) -> anyhow::Result<Config> {
    config.data_dir = std::path::absolute(dir)?;
    config.database = DatabaseUrl::Sqlite(config.data_dir.join("footnote.db"));
    config.vectors = VectorUrl::Edge(config.data_dir.join("vectors"));
    config.blob_url = format!("file://{}", config.data_dir.join("blobs").display());
    Ok(config)
}

async fn ingest_set(app: &std::sync::Arc<App>, set: &EvalSet) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    let folder = tempfile::tempdir()?;
    let mut found = ingest::FoundFiles::default();
    for (number, (name, text)) in set.documents.iter().enumerate() {
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, text)?;
        found.files.insert(name.clone(), path);
    }
    let worker = tokio::spawn(Worker::new(app.ingest.clone(), app.config.ingest_concurrency).run(stop.clone()));
    let summary = ingest::ingest_files(app, found, DEFAULT_COLLECTION, Metadata::new()).await?;
    stop.cancel();
    worker.await?;
    if let Some((name, reason)) = summary.failed.first_key_value() {
        bail!("the document {name} was not ingested: {reason}");
    }
    eprintln!(
        "{} documents, {} chunks; {} chunks of {} tokens are new, in {:.1} s",
        summary.files, summary.chunks, summary.new_chunks, summary.new_tokens, summary.seconds
    );
    app.vectors.optimize(1).await?;
    check_texts(app, set).await
}

/// Offsets in a data set mean something only if the stored texts are the given ones.
async fn check_texts(app: &App, set: &EvalSet) -> anyhow::Result<()> {
    let texts: std::collections::HashMap<&str, &str> =
        set.documents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut cursor = None;
    loop {
        let query = crate::metadata_store::DocumentQuery { cursor, limit: 500, ..Default::default() };
        let page = app.metadata.documents(query).await?;
        for document in &page.items {
            let Some(active) = &document.active else { continue };
            let stored = app.ingest.blobs.text(document.id, active.version, 1).await?;
            if texts.get(document.name.as_str()) != Some(&stored.text.as_str()) {
                return Err(retrieval::EvalError::Changed(document.name.clone()).into());
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}
