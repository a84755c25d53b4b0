//! Backups: everything into one file while the service goes on, and out of it again, on the same backends or on others.
#![cfg(feature = "edge")]

mod damage;
mod doctor;
mod meanwhile;
mod round_trips;
mod traffic;

use std::path::{Path, PathBuf};

use footnote::{
    app::OpenStores,
    archive::{self, BackupOptions, BackupSummary, Chain, RestoreOptions, RestoreSummary},
    audit::{self, Depth, Stores},
    config::Config,
};
use serde_json::{Value, json};

use crate::{
    sample,
    test_app::{TestApp, config, settings},
};

/// Backs an application up into a file, as it serves.
pub async fn back_up(app: &TestApp, path: &Path, options: &BackupOptions) -> BackupSummary {
    let file = tokio::fs::File::create(path).await.unwrap();
    let (file, summary) = archive::backup(&app.app.installation(), file, options).await.unwrap();
    file.sync_all().await.unwrap();
    assert_eq!(file.metadata().await.unwrap().len(), summary.bytes);
    summary
}

/// Restores a file and those that it builds on.
pub async fn restore(path: &Path, bases: &[PathBuf], to: &Config, options: &RestoreOptions) -> RestoreSummary {
    let chain = Chain::verify(path, bases).await.unwrap();
    let stores = OpenStores::open(to).await.unwrap();
    archive::restore(&chain, &stores.installation, options).await.unwrap()
}

/// The configuration of an embedded application in `dir`.
pub fn embedded(dir: &Path) -> Config {
    config(settings(dir))
}

/// Nothing is wrong in these stores, looked at closely.
pub async fn check_clean(app: &TestApp) {
    let stores = Stores { metadata: &*app.app.metadata, vectors: &*app.app.vectors, blobs: &app.app.ingest.blobs };
    let found = audit::check(stores, Depth { deep: true, alone: true }).await.unwrap();
    assert_eq!(found.problems, []);
}

/// What an application says to every question of the sample: answers without what differs from one to the next, and
/// what each ranking finds, with the scores.
pub async fn answers(app: &TestApp) -> Vec<Value> {
    let mut said = Vec::new();
    let questions = sample::DOCUMENTS.iter().map(|(_, _, question, _)| *question);
    for question in questions.chain([sample::UNRELATED]) {
        let outcome = app.ask(question).await;
        app.check_citations(&outcome).await;
        said.push(json!({
            "outcome": outcome["outcome"], "answer": outcome["answer"], "short_answer": outcome["short_answer"],
            "citations": outcome["citations"],
        }));
        for ranking in ["hybrid", "dense", "lexical"] {
            let found = app.search(json!({"question": question, "top_k": 20, "ranking": ranking})).await;
            let mut found: Vec<Value> = found.into_iter().map(rounded).collect();
            // What is equally good comes in no particular order.
            found.sort_by_key(|passage| (passage["score"].to_string(), passage["chunk_id"].to_string()));
            said.push(found.into());
        }
    }
    said
}

/// A store may bring a vector to length 1 again, which changes its last digits.
fn rounded(mut passage: Value) -> Value {
    let score = passage["score"].as_f64().expect("a passage has a score");
    passage["score"] = json!((score * 1e4).round() / 1e4);
    passage
}
