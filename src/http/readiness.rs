//! Whether the service can do its work: one check for each thing that it needs, with the reason in words.
//!
//! The checks run at the same time and each has a limit, so that a store that hangs does not keep the answer from coming.
//! May depend on `app`, `connectors` and `disk`.

use std::{fmt::Display, future::Future, time::Duration};

use serde::Serialize;

use crate::{app::App, connectors::last_passes, disk, domain::PassOutcome};

/// How long a check may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Whether a service is ready, and why not.
#[derive(Debug, Clone, Serialize)]
pub struct Readiness {
    /// Whether requests should be sent here.
    pub ready: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is as it must be.
    pub ok: bool,
    /// How it is, and what to do where it is not as it must be. No address and no path: they go to the log.
    pub detail: String,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into() }
    }

    fn failed(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: false, detail: detail.into() }
    }
}

/// Looks at everything.
pub async fn check(app: &App) -> Readiness {
    let (database, vectors, originals, index, disks, connectors) = tokio::join!(
        store("database", "has the schema of this program", app.metadata.ping()),
        store("vectors", "answers", app.vectors.ping()),
        store("originals", "answers", app.ingest.blobs.ping()),
        index(app),
        disks(app),
        connectors(app),
    );
    let checks = vec![running(app), models(app), database, vectors, originals, index, disks, connectors];
    Readiness { ready: checks.iter().all(|check| check.ok), checks }
}

fn running(app: &App) -> Check {
    match app.stopping.is_cancelled() {
        false => Check::ok("running", "requests are taken"),
        true => {
            Check::failed("running", "the service is stopping: running requests are finished, send new ones elsewhere")
        }
    }
}

/// The models are loaded before anything is served; a promoted adapter that could not be is told, and what served before
/// goes on.
fn models(app: &App) -> Check {
    let failures = app.serving.failures();
    let loaded = match app.answer {
        Some(_) => "the models are loaded",
        None => "the embedder is loaded; this process was started to answer no questions",
    };
    Check::ok("models", failures.map_or(loaded.to_owned(), |failures| format!("{loaded}, but {failures}")))
}

async fn store<E: Display>(name: &'static str, well: &str, ping: impl Future<Output = Result<(), E>>) -> Check {
    match tokio::time::timeout(LIMIT, ping).await {
        Ok(Ok(())) => Check::ok(name, well),
        Ok(Err(error)) => {
            tracing::warn!(%error, name, "not ready");
            Check::failed(name, "it does not answer as it must: the log says why")
        }
        Err(_) => Check::failed(name, late()),
    }
}

/// Whether the vectors of the generation that is searched are there. Before the first passage there are none.
async fn index(app: &App) -> Check {
    let name = "index";
    let look = async {
        let Some(active) = app.metadata.active_generation().await.map_err(|error| error.to_string())? else {
            return Ok(Check::ok(name, "nothing has been ingested yet"));
        };
        let number = active.number;
        let there = app.vectors.generations().await.map_err(|error| error.to_string())?.contains(&number);
        if there {
            return Ok(Check::ok(name, format!("generation {number} is there")));
        }
        Ok::<_, String>(match app.metadata.counts().await.map_err(|error| error.to_string())?.chunks {
            0 => Check::ok(name, format!("generation {number} has no passages yet")),
            chunks => Check::failed(
                name,
                format!(
                    "generation {number} has {chunks} passages, and the vector store does not hold it: `footnote doctor \
                     --repair` or `footnote reindex` makes its vectors again"
                ),
            ),
        })
    };
    match tokio::time::timeout(LIMIT, look).await {
        Ok(Ok(check)) => check,
        Ok(Err(error)) => {
            tracing::warn!(error, name, "not ready");
            Check::failed(name, "it cannot be looked up: a store does not answer")
        }
        Err(_) => Check::failed(name, late()),
    }
}

async fn disks(app: &App) -> Check {
    let (name, least) = ("disk", app.config.min_free_disk_bytes);
    let places = disk::places(&app.config);
    let looking = tokio::task::spawn_blocking(move || {
        places.into_iter().map(|place| (place.name, place.free())).collect::<Vec<_>>()
    });
    let Ok(Ok(found)) = tokio::time::timeout(LIMIT, looking).await else { return Check::failed(name, late()) };
    let mut room = Vec::new();
    for (place, free) in found {
        match free {
            Ok(free) if free < least => {
                let detail = format!(
                    "{free} bytes are free on the disk of the {place}, and {least} must be (`min_free_disk_bytes`): make \
                     room, or give it a larger disk"
                );
                return Check::failed(name, detail);
            }
            Ok(free) => room.push(format!("{free} bytes are free on the disk of the {place}")),
            Err(error) => {
                tracing::warn!(%error, place, "not ready");
                return Check::failed(
                    name,
                    format!("the room on the disk of the {place} is not known: the log says why"),
                );
            }
        }
    }
    Check::ok(name, room.join("; "))
}

/// What came of the last passes is told, and is no reason to send requests elsewhere: a source that is away costs no answer.
/// Names are not told, because nobody who asks here needs a key.
async fn connectors(app: &App) -> Check {
    let name = "connectors";
    let last = match tokio::time::timeout(LIMIT, last_passes(&*app.metadata, &app.config.connectors)).await {
        Ok(Ok(last)) => last,
        // The check of the database says why.
        Ok(Err(_)) | Err(_) => return Check::ok(name, "how the last passes over the sources ended is not known now"),
    };
    let count = |outcome: PassOutcome| last.iter().filter(|(pass, _)| pass.outcome == Some(outcome)).count();
    let (failed, held_back) = (count(PassOutcome::Failed), count(PassOutcome::HeldBack));
    Check::ok(
        name,
        match (last.len(), failed + held_back) {
            (0, _) => "none is configured".to_owned(),
            (all, 0) => format!("{all} are configured, and no last pass of one has failed"),
            (all, _) => format!(
                "{all} are configured; the last pass of {failed} has failed, and that of {held_back} is held back: GET \
                 /v1/connectors says which and why"
            ),
        },
    )
}

fn late() -> String {
    format!("it did not answer within {} seconds", LIMIT.as_secs())
}
