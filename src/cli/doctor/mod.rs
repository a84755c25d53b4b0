//! `footnote doctor`: what is wrong, in words, and which command mends it; and with `--repair` it mends what it can.

mod connectors;
mod findings;
mod jobs;
mod reach;
mod schema;
mod surroundings;

use findings::Findings;

use super::{Exit, output, serve};
use crate::{
    app::{App, OpenStores, Purpose},
    audit::{self, Depth, Problem, Stores},
    config::Config,
    ingest::extract::Ocr,
    metadata_store::{Behind, MetadataStore},
    models::{catalog::Catalog, weights::ModelCache},
};

/// Check models, stores and index against each other
///
/// Nothing is changed unless it is asked for. Stores in the data directory have one owner: stop the server first.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Read every original, text and vector, and compare it with what was written
    #[arg(long)]
    deep: bool,
    /// Mend what can be mended, and say what was done
    #[arg(long)]
    repair: bool,
    /// No other process works on these stores: with --repair, what nobody names is removed. Stores in the data directory
    /// are always alone
    #[arg(long, requires = "repair")]
    alone: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Checks everything, mends what was asked for, and prints what was found.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let mut findings = Findings::default();
        surroundings::configuration(&config, &mut findings);
        surroundings::disks(&config, &mut findings);
        let models = check_models(&config, &mut findings).await;
        check_ocr(&config, &mut findings).await;
        let taken = surroundings::is_taken(&config, &mut findings);
        let behind = if taken { None } else { schema::behind(&config, self.repair, &mut findings).await };
        let held_back = taken || behind.is_some() && !self.repair;
        // What is mended with models waits until they are loaded.
        let left = match held_back {
            true => Vec::new(),
            false => self.check_all(&config, behind, models, &mut findings).await,
        };
        // Starting checks the rest: the stamp of the index, and that the models load.
        if models && !held_back {
            match App::start(config, Purpose { answers: true, any_index: false }).await {
                Ok(app) => {
                    match serve::followers(&app) {
                        Ok(_) => {
                            findings.ok("start", "the service can start: the models load, and the index fits them")
                        }
                        Err(error) => findings.bad(
                            "start",
                            format!("the service cannot start: {error:#}"),
                            "no question is answered",
                            "do what the reason says in the file of connectors",
                        ),
                    }
                    for problem in left {
                        let mended = audit::mend_with_models(&app.ingest, &problem).await;
                        findings.problem(&problem, mended);
                    }
                }
                Err(error) => {
                    findings.bad(
                        "start",
                        format!("the service cannot start: {error:#}"),
                        "no question is answered",
                        "do what the reason says; `footnote models pull` fetches models anew, and `footnote reindex` builds \
                         an index that fits them",
                    );
                    left.iter().for_each(|problem| findings.problem(problem, None));
                }
            }
        }
        if self.json {
            output::print_json(&findings.0)?;
        } else {
            print!("{findings}");
        }
        Ok(if findings.all_well() { Exit::Ok } else { Exit::Failed })
    }

    /// Opens the stores and checks them; returns the problems that are still to be mended.
    async fn check_all(
        &self,
        config: &Config,
        behind: Option<Behind>,
        models: bool,
        findings: &mut Findings,
    ) -> Vec<Problem> {
        let stores = match OpenStores::open(config).await {
            Ok(stores) => stores,
            Err(error) => {
                findings.bad(
                    "stores",
                    format!("the stores cannot be opened: {error:#}"),
                    "nothing can be uploaded, found or answered",
                    "look at `database_url`, `vector_url` and `blob_url`, and whether the servers they name can be reached \
                     from here",
                );
                return Vec::new();
            }
        };
        if let Some(Behind { found, needed }) = behind {
            findings.mended("database", format!("its schema was brought from version {found} to version {needed}"));
        }
        // What was found before is told all the same: a store that breaks down in between is what doctor is asked for.
        self.check_stores(config, &stores, models, findings).await.unwrap_or_else(|error| {
            findings.bad(
                "stores",
                format!("the stores cannot be checked to the end: {error:#}"),
                "what was not looked at may be wrong as well",
                "see that every store can be reached, and run `footnote doctor` again",
            );
            Vec::new()
        })
    }

    /// Checks the stores; returns the problems that are still to be mended.
    async fn check_stores(
        &self,
        config: &Config,
        stores: &OpenStores,
        models: bool,
        findings: &mut Findings,
    ) -> anyhow::Result<Vec<Problem>> {
        let all = &stores.installation;
        if !check_metadata(&*all.metadata, findings).await? {
            return Ok(Vec::new());
        }
        if let Some(restore) = all.metadata.restore_under_way().await? {
            findings.bad(
                "restore",
                format!("a restore that was begun at {} has not ended", restore.begun_at),
                "nothing is restored yet, and the service does not start",
                "run `footnote restore` again",
            );
            return Ok(Vec::new());
        }
        reach::clock(&*all.metadata, findings).await?;
        reach::reach(config, &*all.metadata, findings).await?;
        jobs::check(&*all.metadata, stores.alone, findings).await?;
        connectors::check(&*all.metadata, &config.connectors, stores.alone, findings).await?;
        let parts = Stores { metadata: &*all.metadata, vectors: &*all.vectors, blobs: &all.blobs };
        let depth = Depth { deep: self.deep, alone: self.alone || stores.alone };
        let found = audit::check(parts, depth).await?;
        found.right.into_iter().chain(found.undecided).for_each(|what| findings.ok("stores", what));
        let mut left = Vec::new();
        for problem in found.problems {
            if !self.repair && problem.is_harmless() {
                findings.ok("stores", format!("{problem}; it does no harm, and `footnote doctor --repair` removes it"));
                continue;
            }
            if !self.repair {
                findings.problem(&problem, None);
                continue;
            }
            match audit::mend_stores(parts, depth, &problem).await? {
                Some(mended) => findings.problem(&problem, Some(mended)),
                None if models => left.push(problem),
                None => findings.problem(&problem, Some(Err("the models are needed to mend it".to_owned()))),
            }
        }
        Ok(left)
    }
}

async fn check_models(config: &Config, findings: &mut Findings) -> bool {
    let cache = ModelCache::new(config.models_dir.clone());
    let checked = tokio::task::spawn_blocking(move || {
        Catalog::builtin()
            .artefacts()
            .iter()
            .map(|artefact| (artefact.name.clone(), cache.verify(artefact).map_err(|error| error.to_string())))
            .collect::<Vec<_>>()
    })
    .await
    .unwrap_or_default();
    let mut all = !checked.is_empty();
    for (name, result) in checked {
        match result {
            Ok(()) => findings.ok("models", format!("model {name} is present, and its sums are right")),
            Err(error) => {
                all = false;
                findings.bad(
                    "models",
                    format!("model {name}: {error}"),
                    "the service cannot start without it",
                    "`footnote models pull` fetches what is missing or damaged",
                );
            }
        }
    }
    all
}

/// Whether the text recognition program runs, if there is to be one.
async fn check_ocr(config: &Config, findings: &mut Findings) {
    let Some(command) = config.ocr_command.clone() else {
        findings
            .ok("text recognition", "none is set up: scanned PDFs and pictures are refused; `ocr_command` sets it up");
        return;
    };
    let program = command.program().to_owned();
    match Ocr::new(command, config.ocr_timeout).check().await {
        Ok(()) => findings.ok("text recognition", format!("`{program}` has read an empty page")),
        Err(error) => findings.bad(
            "text recognition",
            format!("it does not work: {error}"),
            "scanned PDFs and pictures fail, or keep only what is printed in them",
            "run the program of `ocr_command` by hand on a picture, and see that it is installed with its languages",
        ),
    }
}

async fn check_metadata(metadata: &dyn MetadataStore, findings: &mut Findings) -> anyhow::Result<bool> {
    if let Err(error) = metadata.ping().await {
        findings.bad(
            "database",
            format!("the database cannot be used: {error}"),
            "nothing can be uploaded, found or answered",
            "see that it runs and can be reached; what a newer version of this program has written needs that version",
        );
        return Ok(false);
    }
    let counts = metadata.counts().await?;
    findings.ok(
        "database",
        format!(
            "the database holds {} documents, {} of them searchable, in {} chunks; {} jobs are open",
            counts.documents, counts.active_documents, counts.chunks, counts.open_jobs
        ),
    );
    Ok(true)
}
