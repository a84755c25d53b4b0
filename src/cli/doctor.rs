//! `footnote doctor`: what is wrong, in words, and which command mends it.

use super::{Exit, output};
use crate::{
    app::{App, Purpose, open_metadata, open_vectors},
    blob_store::BlobStore,
    config::Config,
    domain::{GenerationState, JobState},
    metadata_store::{JobQuery, MetadataStore},
    models::{catalog::Catalog, weights::ModelCache},
    vector_store::VectorStore,
};

/// Check models, stores and index against each other
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, serde::Serialize)]
struct Finding {
    ok: bool,
    what: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, what: impl Into<String>) {
        self.0.push(Finding { ok: true, what: what.into() });
    }

    fn bad(&mut self, what: impl Into<String>) {
        self.0.push(Finding { ok: false, what: what.into() });
    }
}

impl Doctor {
    /// Checks everything, and prints what was found.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let mut findings = Findings::default();
        let models = check_models(&config, &mut findings).await;
        match open_metadata(&config).await {
            Ok(metadata) => {
                check_metadata(metadata.as_ref(), &mut findings).await?;
                match open_vectors(&config).await {
                    Ok(vectors) => check_vectors(metadata.as_ref(), vectors.as_ref(), &mut findings).await?,
                    Err(error) => findings.bad(format!("vectors: {error:#}")),
                }
            }
            Err(error) => findings.bad(format!("database: {error:#}")),
        }
        match BlobStore::open(&config.blob_url) {
            Ok(blobs) => match blobs.ping().await {
                Ok(()) => findings.ok("originals and texts can be reached"),
                Err(error) => findings.bad(format!("originals and texts: {error}")),
            },
            Err(error) => findings.bad(format!("originals and texts: {error}")),
        }
        // Starting checks the rest: the lock, the stamp of the index, and that the models load.
        if models {
            match App::start(config, Purpose { answers: true, any_index: false }).await {
                Ok(_) => findings.ok("the service can start"),
                Err(error) => findings.bad(format!("the service cannot start: {error:#}")),
            }
        }
        if self.json {
            output::print_json(&findings.0)?;
        } else {
            for finding in &findings.0 {
                println!("{} {}", if finding.ok { "ok      " } else { "PROBLEM " }, finding.what);
            }
        }
        Ok(if findings.0.iter().all(|finding| finding.ok) { Exit::Ok } else { Exit::Failed })
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

async fn check_metadata(metadata: &dyn MetadataStore, findings: &mut Findings) -> anyhow::Result<()> {
    if let Err(error) = metadata.ping().await {
        findings.bad(format!("database: {error}"));
        return Ok(());
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
    Ok(())
}

async fn check_vectors(
    metadata: &dyn MetadataStore,
    vectors: &dyn VectorStore,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let counts = metadata.counts().await?;
    let known = metadata.generations().await?;
    let existing = vectors.generations().await?;
    for generation in &known {
        let number = generation.number;
        match generation.state {
            GenerationState::Active if existing.contains(&number) => {
                let found = vectors.count(number, None).await?;
                if found == counts.chunks {
                    findings
                        .ok(format!("generation {number} is active, and holds a vector for each of {found} chunks"));
                } else {
                    findings.bad(format!(
                        "generation {number} holds {found} vectors for {} chunks: jobs may be under way; if none is, run \
                         `footnote reindex`",
                        counts.chunks
                    ));
                }
            }
            GenerationState::Active if counts.chunks > 0 => {
                findings.bad(format!("the vectors of generation {number} are missing: run `footnote reindex`"));
            }
            GenerationState::Building => findings.ok(format!("generation {number} is being built")),
            GenerationState::Active | GenerationState::Retired => {}
        }
    }
    for number in existing.iter().filter(|number| known.iter().all(|generation| generation.number != **number)) {
        findings.bad(format!("the vector store holds generation {number}, which the database does not know"));
    }
    Ok(())
}
