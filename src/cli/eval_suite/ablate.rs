//! `footnote eval ablate`: what each stage of answering brings and costs.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use super::{SystemUnderTest, ask_suite, text, write_new};
use crate::{
    cli::{Exit, output},
    domain::Stages,
    eval::{
        ablation::{AGAIN, Ablation, DEFAULT, SuiteRuns, ablation, variants},
        report,
        run::{CARD, REPORT, Run},
        suite::{LoadedSuite, Suite},
    },
};

/// The ablation in JSON.
const FIGURES: &str = "ablation.json";

/// Ask suites with the stages as they are, and with each stage switched: what each brings and costs
///
/// Everything is kept in a folder. An ablation that was interrupted goes on where it was when the same command is given
/// again.
#[derive(Debug, clap::Args)]
pub struct Ablate {
    /// The suite files
    #[arg(required = true, value_name = "SUITE")]
    pub suites: Vec<PathBuf>,
    /// The folder of the runs, the table (ablation.json) and the report
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
}

/// Starts the product for a suite, once; what it gives makes a system with given stages.
#[allow(async_fn_in_trait, reason = "it is not called across threads")]
pub trait StartProduct {
    /// The product, ready for the questions of a suite.
    type Product;

    /// Starts it.
    async fn start(&self, loaded: &LoadedSuite) -> anyhow::Result<Self::Product>;

    /// The stages that are on where nothing is switched.
    fn base(&self) -> Stages;

    /// The same product with these stages.
    fn with(&self, product: &Self::Product, stages: &Stages) -> SystemUnderTest;
}

impl Ablate {
    /// Asks the suites and prints the table.
    pub async fn run(self, product: &impl StartProduct) -> anyhow::Result<Exit> {
        ensure!(!self.out.join(FIGURES).exists(), "{} holds an ablation; name another folder", self.out.display());
        // All of them before hours of work with the first.
        let mut suites: Vec<LoadedSuite> = Vec::new();
        for path in &self.suites {
            let loaded = Suite::read(path)?.load(path.parent().unwrap_or(Path::new(".")))?;
            let name = &loaded.suite.name;
            ensure!(
                !folder_name(name).is_empty(),
                "the suite name `{name}` gives no folder; use letters or digits in it"
            );
            let taken = suites.iter().any(|other| folder_name(&other.suite.name) == folder_name(name));
            ensure!(!taken, "two suites are called `{name}`; rename one");
            suites.push(loaded);
        }
        let mut measured = Vec::new();
        for loaded in suites {
            measured.push(measure(&self.out, loaded, product).await?);
        }
        let ablation = ablation(&product.base(), &measured)?;
        self.keep(&ablation)?;
        if self.json {
            output::print_json(&ablation)?;
        } else {
            print!("{}", text::ablation(&ablation));
            println!("\n{}", self.out.join(REPORT).display());
        }
        let failed = measured.iter().flat_map(SuiteRuns::runs).any(|run| run.metrics.failed() > 0);
        Ok(if failed { Exit::Incomplete } else { Exit::Ok })
    }

    fn keep(&self, ablation: &Ablation) -> anyhow::Result<()> {
        let mut json = serde_json::to_vec_pretty(ablation)?;
        json.push(b'\n');
        let report = self.out.join(REPORT);
        std::fs::write(&report, report::ablation::page(ablation))
            .with_context(|| format!("cannot write {}", report.display()))?;
        write_new(&self.out.join(FIGURES), &json)
    }
}

/// Asks one suite in all variants; what was asked before is read.
async fn measure(out: &Path, loaded: LoadedSuite, product: &impl StartProduct) -> anyhow::Result<SuiteRuns> {
    let examples: Vec<_> = loaded.questions.iter().map(|question| question.example.clone()).collect();
    let (mode, base) = (loaded.suite.mode, product.base());
    let folder = out.join(folder_name(&loaded.suite.name));
    let started = product.start(&loaded).await?;
    let (mut default, mut again, mut switched) = (None, None, Vec::new());
    for variant in variants(&base, &examples, mode) {
        let (path, system) = (folder.join(&variant.name), product.with(&started, &variant.stages));
        let run = match path.join(CARD).exists() {
            true => known(&path, &loaded, &system)?,
            false => {
                eprintln!("{}, {}", loaded.suite.name, variant.name);
                // One question at a time: latencies mean something.
                ask_suite(&path, loaded.clone(), system, NonZeroUsize::MIN).await?
            }
        };
        match (variant.switched, variant.name.as_str()) {
            (Some(stage), _) => switched.push((stage, run)),
            (None, DEFAULT) => default = Some(run),
            (None, _) => again = Some(run),
        }
    }
    let default = default.with_context(|| format!("the variant {DEFAULT} is missing"))?;
    let again = again.with_context(|| format!("the variant {AGAIN} is missing"))?;
    Ok(SuiteRuns { mode, default, switched, again })
}

/// A run that is there already, if it is of the same suite and system.
fn known(path: &Path, loaded: &LoadedSuite, system: &SystemUnderTest) -> anyhow::Result<Run> {
    let run = Run::read(path)?;
    let same_suite = run.card.suite == loaded.suite.identity()? && run.card.data.files == loaded.files;
    let same_system = run.card.models == system.origin.models
        && run.card.commit == system.origin.commit
        && system.origin.configuration.iter().all(|(key, value)| run.card.configuration.get(key) == Some(value));
    ensure!(
        same_suite && same_system,
        "{} is a run of another suite or of another system; name another folder",
        path.display()
    );
    Ok(run)
}

/// A suite's name as the name of a folder.
fn folder_name(suite: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    suite.trim().chars().map(kept).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::{cell::Cell, sync::Arc};

    use async_trait::async_trait;

    use super::*;
    use crate::{
        domain::Stage,
        eval::{
            answerer::{Answerer, AnswererError, Asked, Reply},
            assemble::Origin,
            prediction::PredictedOutcome,
            testing::answerable,
        },
    };

    /// Knows the answer when the literal check is on.
    struct Scripted(Stages);

    #[async_trait]
    impl Answerer for Scripted {
        async fn answer(&self, _: &Asked) -> Result<Reply, AnswererError> {
            Ok(Reply {
                outcome: PredictedOutcome::Answered,
                answer: if self.0.has(Stage::Literal) { "212 metres" } else { "a mile" }.to_owned(),
                short_answer: None,
                confidence: 0.5,
                parts: vec![],
                citations: vec![],
                read: None,
                answer_loss: None,
                stages_ms: Default::default(),
            })
        }
    }

    #[derive(Default)]
    struct Product(Cell<usize>);

    impl StartProduct for Product {
        type Product = ();

        async fn start(&self, _: &LoadedSuite) -> anyhow::Result<()> {
            self.0.set(self.0.get() + 1);
            Ok(())
        }

        fn base(&self) -> Stages {
            Stages::default()
        }

        fn with(&self, (): &(), stages: &Stages) -> SystemUnderTest {
            let on: Vec<&str> = stages.iter().map(Stage::as_str).collect();
            let configuration = [("stages".to_owned(), on.into())].into();
            let origin = Origin { configuration, ..Origin::default() };
            SystemUnderTest { answerer: Arc::new(Scripted(stages.clone())), origin }
        }
    }

    #[tokio::test]
    async fn every_stage_is_switched_once_and_an_interrupted_ablation_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let line = |at: usize| {
            let example = answerable(&format!("q{at}"), "How long is it?", "It is long.", &["212 metres"]);
            serde_json::to_string(&example).unwrap() + "\n"
        };
        std::fs::write(folder.path().join("data/task.jsonl"), (0..8).map(line).collect::<String>()).unwrap();
        let suite = folder.path().join("suite.toml");
        let settings = "name = \"har bour\"\nmode = \"closed\"\ndata = \"data\"\nresamples = 200\n";
        std::fs::write(&suite, settings).unwrap();
        let command = || Ablate { suites: vec![suite.clone()], out: folder.path().join("out"), json: false };
        let product = Product::default();
        assert_eq!(command().run(&product).await.unwrap(), Exit::Ok);
        let runs = std::fs::read_dir(folder.path().join("out/har-bour")).unwrap().count();
        // Nothing is said before these questions and nothing is searched; the default is asked twice.
        assert_eq!((runs, product.0.get()), (Stage::ALL.len() - 2 + 2, 1));
        let read = std::fs::read_to_string(folder.path().join("out/ablation.json")).unwrap();
        let table: serde_json::Value = serde_json::from_str(&read).unwrap();
        let judged = table["judgements"].as_array().unwrap();
        let literal = judged.iter().find(|judged| judged["stage"] == "literal").unwrap();
        assert_eq!((&literal["finding"], &literal["default_is_wrong"]), (&"earns".into(), &false.into()));
        assert!(std::fs::read_to_string(folder.path().join("out/report.html")).unwrap().contains("earns"));

        assert!(command().run(&product).await.unwrap_err().to_string().contains("holds an ablation"));
        std::fs::remove_file(folder.path().join("out/ablation.json")).unwrap();
        std::fs::remove_dir_all(folder.path().join("out/har-bour/without-literal")).unwrap();
        assert_eq!(command().run(&product).await.unwrap(), Exit::Ok);
        let other = settings.replace("200", "300");
        std::fs::write(&suite, other).unwrap();
        std::fs::remove_file(folder.path().join("out/ablation.json")).unwrap();
        assert!(command().run(&product).await.unwrap_err().to_string().contains("another suite"));
        let twice = Ablate { suites: vec![suite.clone(), suite.clone()], ..command() };
        assert!(twice.run(&product).await.unwrap_err().to_string().contains("rename"));
    }
}
