//! `footnote doctor`: what is wrong, in words, and which command mends it; and with `--repair` it mends what it can.

use super::{Exit, output};
use crate::{
    app::{App, OpenStores, Purpose},
    audit::{self, Depth, Problem, Stores},
    config::Config,
    domain::JobState,
    ingest::extract::Ocr,
    metadata_store::{JobQuery, MetadataStore},
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

#[derive(Debug, serde::Serialize)]
struct Finding {
    ok: bool,
    /// It was a problem and is none any more.
    mended: bool,
    what: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, what: impl Into<String>) {
        self.0.push(Finding { ok: true, mended: false, what: what.into() });
    }

    fn bad(&mut self, what: impl Into<String>) {
        self.0.push(Finding { ok: false, mended: false, what: what.into() });
    }

    fn problem(&mut self, problem: &Problem, mended: Option<Result<String, String>>) {
        match mended {
            Some(Ok(how)) => self.0.push(Finding { ok: true, mended: true, what: format!("{problem}: {how}") }),
            Some(Err(why)) if problem.is_harmless() => self.ok(format!("{problem}: {why}")),
            Some(Err(why)) => self.bad(format!("{problem}: {why}")),
            None => self.bad(problem.to_string()),
        }
    }
}

impl Doctor {
    /// Checks everything, mends what was asked for, and prints what was found.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let mut findings = Findings::default();
        let models = check_models(&config, &mut findings).await;
        check_ocr(&config, &mut findings).await;
        // What is mended with models waits until they are loaded.
        let left = match OpenStores::open(&config).await {
            Ok(stores) => self.check_stores(&stores, models, &mut findings).await?,
            Err(error) => {
                findings.bad(format!("the stores cannot be opened: {error:#}"));
                Vec::new()
            }
        };
        // Starting checks the rest: the stamp of the index, and that the models load.
        if models {
            match App::start(config, Purpose { answers: true, any_index: false }).await {
                Ok(app) => {
                    findings.ok("the service can start");
                    for problem in left {
                        let mended = audit::mend_with_models(&app.ingest, &problem).await;
                        findings.problem(&problem, mended);
                    }
                }
                Err(error) => {
                    findings.bad(format!("the service cannot start: {error:#}"));
                    left.iter().for_each(|problem| findings.problem(problem, None));
                }
            }
        }
        if self.json {
            output::print_json(&findings.0)?;
        } else {
            for Finding { ok, mended, what } in &findings.0 {
                let word = match (ok, mended) {
                    (_, true) => "MENDED  ",
                    (true, false) => "ok      ",
                    (false, false) => "PROBLEM ",
                };
                println!("{word} {what}");
            }
        }
        Ok(if findings.0.iter().all(|finding| finding.ok) { Exit::Ok } else { Exit::Failed })
    }

    /// Checks the stores; returns the problems that are still to be mended.
    async fn check_stores(
        &self,
        stores: &OpenStores,
        models: bool,
        findings: &mut Findings,
    ) -> anyhow::Result<Vec<Problem>> {
        let all = &stores.installation;
        if !check_metadata(&*all.metadata, findings).await? {
            return Ok(Vec::new());
        }
        if let Some(restore) = all.metadata.restore_under_way().await? {
            findings.bad(format!(
                "a restore that was begun at {} has not ended: run `footnote restore` again",
                restore.begun_at
            ));
            return Ok(Vec::new());
        }
        let parts = Stores { metadata: &*all.metadata, vectors: &*all.vectors, blobs: &all.blobs };
        let depth = Depth { deep: self.deep, alone: self.alone || stores.alone };
        let found = match audit::check(parts, depth).await {
            Ok(found) => found,
            Err(error) => {
                findings.bad(format!("the stores cannot be checked to the end: {error}"));
                return Ok(Vec::new());
            }
        };
        found.right.into_iter().chain(found.undecided).for_each(|what| findings.ok(what));
        let mut left = Vec::new();
        for problem in found.problems {
            if !self.repair && problem.is_harmless() {
                findings.ok(format!("{problem}; it does no harm, and `footnote doctor --repair` removes it"));
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
            Ok(()) => findings.ok(format!("model {name} is present, and its sums are right")),
            Err(error) => {
                all = false;
                findings.bad(format!("model {name}: {error}"));
            }
        }
    }
    all
}

/// Whether the text recognition program runs, if there is to be one.
async fn check_ocr(config: &Config, findings: &mut Findings) {
    let Some(command) = config.ocr_command.clone() else {
        findings
            .ok("no text recognition (OCR) is set up: scanned PDFs and pictures are refused; `ocr_command` sets it up");
        return;
    };
    let program = command.program().to_owned();
    match Ocr::new(command, config.ocr_timeout).check().await {
        Ok(()) => findings.ok(format!("text recognition works: `{program}` has read an empty page")),
        Err(error) => findings.bad(format!("text recognition does not work: {error}")),
    }
}

async fn check_metadata(metadata: &dyn MetadataStore, findings: &mut Findings) -> anyhow::Result<bool> {
    if let Err(error) = metadata.ping().await {
        findings.bad(format!("database: {error}"));
        return Ok(false);
    }
    let counts = metadata.counts().await?;
    findings.ok(format!(
        "the database holds {} documents, {} of them searchable, in {} chunks; {} jobs are open",
        counts.documents, counts.active_documents, counts.chunks, counts.open_jobs
    ));
    let failed = metadata.jobs(JobQuery { state: Some(JobState::Failed), limit: 20, ..JobQuery::default() }).await?;
    for job in &failed.items {
        let document = match job.document_id {
            Some(id) => match metadata.document(id).await {
                Ok(document) => format!(" of {} ({id})", document.name),
                // It has been deleted meanwhile.
                Err(_) => format!(" of {id}"),
            },
            None => String::new(),
        };
        findings.bad(format!(
            "{} job {}{document} failed: {}",
            job.kind.as_str(),
            job.id,
            job.error.as_deref().unwrap_or("?")
        ));
    }
    if failed.next_cursor.is_some() {
        findings.bad("more jobs have failed: GET /v1/jobs?state=failed lists them all");
    }
    Ok(true)
}
