//! `footnote eval`: figures on questions whose answers are known.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::{
    Exit,
    eval_ambiguity::Ambiguity,
    eval_extraction::Extraction,
    eval_injections::Injections,
    eval_pairs::EvalPairs,
    eval_suite::{
        Ablate, Calibrate, Compare, Failures, Redaction, Report, Review, RunSuite, Spelling, StartProduct,
        SystemUnderTest, Understanding,
    },
    ingest, output,
};
use crate::{
    adapters::weigh::adapter_key,
    answer::{AnswerServices, RankingKind},
    app::{App, ModelLoader, Models, Purpose},
    blob_store::BlobStore,
    config::{AdapterChoice, Config, DatabaseUrl, VectorUrl},
    domain::{Access, AdapterRole, Stage, Stages},
    eval::{
        answerer::Answerer,
        assemble::Origin,
        corpus::Corpus,
        product::{Closed, Open, settings},
        retrieval::{self, EvalSet, Rerank},
        run::Run,
        scifact, squad,
        suite::{LoadedSuite, Mode},
    },
    models::{generator::AdapterMode, shipped::RERANKER},
    serving::{ChosenAdapters, NamedAdapter},
    shutdown,
    train::card::commit_at,
};

/// Measure on questions whose answers are known
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Eval {
    #[command(subcommand)]
    command: Option<EvalCommand>,
    /// The same as `eval ablate`: what each stage of answering brings and costs
    #[arg(long, value_name = "SUITE", num_args = 1.., requires = "out")]
    ablate: Vec<PathBuf>,
    /// With --ablate: the folder of the runs and the report
    #[arg(long, value_name = "DIR", requires = "ablate")]
    out: Option<PathBuf>,
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
        /// Also put the first passages in a new order with the model in this folder, or with the one that ships
        #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "shipped")]
        rerank: Option<PathBuf>,
        /// So many of the first passages
        #[arg(long, value_name = "N", default_value_t = 10)]
        rerank_depth: usize,
        /// Print the figures as JSON
        #[arg(long)]
        json: bool,
    },
    Ambiguity(Ambiguity),
    Extraction(Extraction),
    Pairs(EvalPairs),
    Run(RunSuite),
    Ablate(Ablate),
    Calibrate(Calibrate),
    Compare(Compare),
    Review(Review),
    Failures(Failures),
    Report(Report),
    Injections(Injections),
    Understanding(Understanding),
    Spelling(Spelling),
    Redaction(Redaction),
}

impl Eval {
    /// Runs the evaluation in an index of its own.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let command = match (self.command, self.out) {
            (Some(_), Some(_)) => {
                bail!("--ablate is a command of its own; leave out the other, or write `eval ablate`")
            }
            (Some(command), None) => command,
            (None, Some(out)) => EvalCommand::Ablate(Ablate { suites: self.ablate, out, json: false }),
            (None, None) => bail!("say what to measure: `footnote eval --help` lists the commands"),
        };
        let (squad, scifact, index, (rerank, rerank_depth), json) = match command {
            EvalCommand::Retrieval { squad, scifact, index, rerank, rerank_depth, json } => {
                (squad, scifact, index, (rerank, rerank_depth), json)
            }
            EvalCommand::Ambiguity(command) => return command.run(config).await,
            EvalCommand::Extraction(command) => return command.run(config).await,
            EvalCommand::Run(command) => {
                let run = measure_suite(&command, config, ChosenAdapters::default()).await?;
                return command.show(&run);
            }
            EvalCommand::Ablate(command) => {
                let kept = tempfile::tempdir()?;
                return command.run(&ProductForSuites { config, kept }).await;
            }
            EvalCommand::Calibrate(command) => return command.run(),
            EvalCommand::Pairs(command) => {
                // Arithmetic for minutes, and nothing else runs.
                tokio::task::block_in_place(|| command.run(&config))?;
                return Ok(Exit::Ok);
            }
            EvalCommand::Compare(command) => return command.run(),
            EvalCommand::Review(command) => return command.run(),
            EvalCommand::Failures(command) => return command.run(),
            EvalCommand::Report(command) => return command.run(),
            EvalCommand::Injections(command) => return command.run(config).await,
            EvalCommand::Understanding(command) => return command.run(),
            EvalCommand::Spelling(command) => return command.run(&config),
            EvalCommand::Redaction(command) => return command.run(),
        };
        let set = match (&squad, &scifact) {
            (Some(file), _) => squad::read(file)?,
            (None, Some(folder)) => scifact::read(folder)?,
            (None, None) => bail!("name a data set: --squad or --scifact"),
        };
        let kept = tempfile::tempdir()?;
        let purpose = Purpose { answers: false, any_index: false };
        let choice = rerank.map(|folder| match folder.as_os_str() == "shipped" {
            true => AdapterChoice::Shipped,
            false => AdapterChoice::Folder(folder),
        });
        let loader = ModelLoader::new(config.clone());
        let scorer = choice.map(|choice| loader.pairs(RERANKER, &choice)).transpose()?;
        let rerank = match scorer {
            Some(Some(scorer)) => Some(Rerank { scorer, depth: rerank_depth }),
            Some(None) => bail!("no such model ships: name the folder of one, --rerank DIR"),
            None => None,
        };
        let app = start_apart(config, index.as_deref().unwrap_or(kept.path()), purpose).await?;
        ingest_set(&app, &set).await?;
        let rankings = [RankingKind::Hybrid, RankingKind::Dense, RankingKind::Lexical].map(|ranking| (ranking, None));
        let reranked = rerank.as_ref().map(|rerank| (RankingKind::Hybrid, Some(rerank)));
        for (ranking, rerank) in rankings.into_iter().chain(reranked) {
            let report = retrieval::evaluate(&app, &set, ranking, rerank).await?;
            if json {
                output::print_json(&report)?;
            } else {
                let [one, three, five, ten] = report.recall;
                let cost = report.rerank.map_or(String::new(), |cost| {
                    format!("   the first {} in a new order, {:.1} ms a question", cost.depth, cost.milliseconds)
                });
                println!(
                    "{:<8} recall @1 {one:.3}  @3 {three:.3}  @5 {five:.3}  @10 {ten:.3}   nDCG@10 {:.3}   ({} questions){cost}",
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
        let stages = config.stages.clone();
        let product = LoadedProduct::load(config, kept.path(), loaded, mode, chosen.clone()).await?;
        Ok(product.with(&stages))
    };
    command.measure(start).await
}

/// The product for an ablation: each suite gets a directory of its own.
struct ProductForSuites {
    config: Config,
    kept: tempfile::TempDir,
}

impl StartProduct for ProductForSuites {
    type Product = LoadedProduct;

    async fn start(&self, loaded: &LoadedSuite) -> anyhow::Result<LoadedProduct> {
        let folder = tempfile::tempdir_in(self.kept.path())?.keep();
        LoadedProduct::load(self.config.clone(), &folder, loaded, None, ChosenAdapters::default()).await
    }

    fn base(&self) -> Stages {
        self.config.stages.clone()
    }

    fn with(&self, product: &LoadedProduct, stages: &Stages) -> SystemUnderTest {
        product.with(stages)
    }
}

/// The product with its models and, in an open suite, the suite's documents.
struct LoadedProduct {
    services: AnswerServices,
    /// The documents that were ingested; absent in a closed suite.
    corpus: Option<Arc<Corpus>>,
    origin: Origin,
}

impl LoadedProduct {
    async fn load(
        config: Config,
        dir: &Path,
        loaded: &LoadedSuite,
        mode: Option<AdapterMode>,
        chosen: ChosenAdapters,
    ) -> anyhow::Result<Self> {
        let mut configuration = settings(&config.redact, config.target_error, config.calibration.as_deref())
            .context("reading the calibration that the configuration names")?;
        let config = apart(config, dir)?;
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
        if adapter.is_some() {
            configuration.insert("adapter_mode".to_owned(), mode.unwrap_or_default().as_str().into());
        }
        let sum = |role: AdapterRole, chosen: &Option<NamedAdapter>| {
            let chosen = chosen.as_ref().map(|adapter| adapter.files.sha256());
            chosen.or_else(|| app.own_adapters.sums.of(role).map(str::to_owned))
        };
        let models = [
            ("reader", services.reader.as_ref().map(|reader| reader.name().to_owned())),
            ("generator", Some(services.generator.name().to_owned())),
            ("adapter", adapter),
            ("support", services.support.as_ref().map(|model| model.name().to_owned())),
            ("reranker", services.reranker.as_ref().map(|model| model.name().to_owned())),
            ("embedder", Some(services.retrieve.embedders.serving().stamp().name.clone())),
            (adapter_key(AdapterRole::Reader), sum(AdapterRole::Reader, &chosen.reader)),
            (adapter_key(AdapterRole::Generator), sum(AdapterRole::Generator, &chosen.generator)),
        ];
        let origin = Origin {
            models: models.into_iter().filter_map(|(part, name)| Some((part.to_owned(), name?))).collect(),
            configuration,
            commit: commit_at(Path::new(env!("CARGO_MANIFEST_DIR"))),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            ..Origin::default()
        };
        let corpus = match loaded.suite.mode {
            Mode::Closed => None,
            Mode::Open => {
                let corpus = Arc::new(Corpus::of(&loaded.passages)?);
                let documents = corpus.documents.iter().map(|document| (document.name.clone(), document.text.clone()));
                let set = EvalSet { documents: documents.collect(), ..EvalSet::default() };
                ingest_set(&app, &set).await?;
                Some(corpus)
            }
        };
        // So that the first question is asked as the last one is.
        services.vocabulary.refresh(&Access::everything()).await?;
        Ok(Self { services: AnswerServices::clone(&services), corpus, origin })
    }

    /// The system that answers with these stages. Its card names them.
    fn with(&self, stages: &Stages) -> SystemUnderTest {
        let mut origin = self.origin.clone();
        let on: Vec<&str> = stages.iter().map(Stage::as_str).collect();
        origin.configuration.insert("stages".to_owned(), on.into());
        let services = AnswerServices { stages: stages.clone(), ..self.services.clone() };
        let answerer: Arc<dyn Answerer> = match &self.corpus {
            None => {
                let count_tokens = services.retrieve.embedders.serving().token_counter();
                Arc::new(Closed {
                    services: AnswerServices { blobs: BlobStore::in_memory(), ..services },
                    count_tokens,
                })
            }
            Some(corpus) => Arc::new(Open { services, corpus: corpus.clone() }),
        };
        SystemUnderTest { answerer, origin }
    }
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
    let summary = ingest::ingest_alone(app, found, &stop).await?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        eval: Eval,
    }

    fn parsed(line: &str) -> Result<Eval, clap::Error> {
        Arguments::try_parse_from(format!("eval {line}").split(' ')).map(|arguments| arguments.eval)
    }

    #[test]
    fn an_ablation_is_spelled_in_two_ways() {
        let long = parsed("ablate a.toml b.toml --out o").unwrap();
        let Some(EvalCommand::Ablate(Ablate { suites, .. })) = long.command else { panic!() };
        assert_eq!(suites.len(), 2);
        let short = parsed("--ablate a.toml b.toml --out o").unwrap();
        assert_eq!((short.ablate.len(), short.command.is_none(), short.out), (2, true, Some("o".into())));
        for wrong in ["--ablate a.toml", "--out o", "ablate --out o"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
