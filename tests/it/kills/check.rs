//! Whether what the program holds in the end is what its answers allow: nothing lost, doubled or stuck, nothing deleted
//! visible, and nothing left behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use footnote::{
    domain::{DocumentId, GenerationState, JobId, JobState},
    metadata_store::{DocumentQuery, MetadataStoreError},
};
use serde_json::{Value, json};

use super::{
    ledger::{Asked, Content, Ledger, Promise},
    place::{Place, Stores},
};
use crate::{program::Served, test_app::client};

/// How long the queue may take to become empty once nothing is asked any more.
const DRAIN: Duration = Duration::from_secs(180);

/// What was found in the end.
#[derive(Debug, Default, Clone)]
pub struct Found {
    /// Uploads that were answered: the jobs behind them.
    pub promised: usize,
    /// Of these, how many ended as a failed job with a reason.
    pub failed: usize,
}

/// Waits until the queue is empty, looks at everything from outside, kills the program, and looks at the stores.
pub async fn check(place: &Place, server: Served, ledger: &mut Ledger) -> Found {
    let stuck = drain(&server.url).await;
    ledger.wrong.stuck.extend(stuck);
    let seen = look(&server.url, ledger).await;
    server.kill().await;
    let stores = place.open().await;
    let found = check_promises(&stores, ledger).await;
    let active = check_names(&stores, ledger, &found.1).await;
    for (content, documents) in seen {
        for document in documents.iter().filter(|document| active.get(*document) != Some(&content)) {
            ledger
                .wrong
                .visible
                .push(format!("{content:?} is found in {document}, which holds {:?}", active.get(document)));
        }
    }
    check_versions(place, &stores, ledger).await;
    check_index(&stores, ledger, &active).await;
    check_files(place, ledger).await;
    found.0
}

async fn open_jobs(url: &str) -> Vec<Value> {
    let mut open = Vec::new();
    for state in ["queued", "running"] {
        let page: Value =
            client().get(format!("{url}/v1/jobs?state={state}&limit=1000")).send().await.unwrap().json().await.unwrap();
        open.extend(page["jobs"].as_array().unwrap().iter().cloned());
    }
    open
}

async fn drain(url: &str) -> Vec<String> {
    let until = Instant::now() + DRAIN;
    loop {
        let open = open_jobs(url).await;
        if open.is_empty() || Instant::now() > until {
            return open.iter().map(ToString::to_string).collect();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The documents in which each content is found by its word, and nothing that was deleted in lists.
async fn look(url: &str, ledger: &mut Ledger) -> BTreeMap<Content, BTreeSet<String>> {
    let client = client();
    let list: Value = client.get(format!("{url}/v1/documents?limit=1000")).send().await.unwrap().json().await.unwrap();
    for document in list["documents"].as_array().unwrap() {
        let id = document["id"].as_str().unwrap();
        if ledger.deleted.contains(id) {
            ledger.wrong.visible.push(format!("{id} is listed"));
        }
    }
    let mut seen: BTreeMap<Content, BTreeSet<String>> = BTreeMap::new();
    for content in ledger.contents() {
        let body = json!({"question": content.word(), "ranking": "lexical", "top_k": 20});
        let found: Value =
            client.post(format!("{url}/v1/search")).json(&body).send().await.unwrap().json().await.unwrap();
        for passage in found["results"].as_array().unwrap_or_else(|| panic!("{found}")) {
            if passage["text"].as_str().unwrap().contains(&content.word()) {
                seen.entry(content).or_default().insert(passage["document_id"].as_str().unwrap().to_owned());
            }
        }
    }
    seen
}

/// Every answered upload has a job, and it has ended: with success, or with a reason.
async fn check_promises(stores: &Stores, ledger: &mut Ledger) -> (Found, BTreeSet<String>) {
    let (mut found, mut failed, mut wrong) = (Found::default(), BTreeSet::new(), ledger.wrong.clone());
    let mut jobs = BTreeSet::new();
    for (name, place, content, promise) in ledger.promises() {
        if !jobs.insert(promise.job.clone()) {
            continue;
        }
        found.promised += 1;
        let id: JobId = promise.job.parse().unwrap();
        match stores.metadata.job(id).await {
            Ok(job) => match job.state {
                JobState::Succeeded => {}
                JobState::Failed => {
                    found.failed += 1;
                    failed.insert(promise.job.clone());
                    if job.error.as_deref().unwrap_or_default().is_empty() {
                        wrong.lost.push(format!("{name}: {id} failed without a reason"));
                    }
                }
                // Something came after it: a newer version, or a delete.
                JobState::Cancelled if ledger.names[name].len() > place + 1 => {}
                JobState::Cancelled => wrong.lost.push(format!("{name}: {id} of {content:?} was cancelled: {job:?}")),
                JobState::Queued | JobState::Running => wrong.stuck.push(format!("{name}: {job:?}")),
            },
            Err(MetadataStoreError::NotFound { .. }) => wrong.lost.push(format!("{name}: there is no job {id}")),
            Err(error) => panic!("{error}"),
        }
    }
    for id in &ledger.reindexes {
        match stores.metadata.job(id.parse().unwrap()).await {
            Ok(job) if job.state.is_final() => {}
            Ok(job) => wrong.stuck.push(format!("{job:?}")),
            Err(error) => wrong.lost.push(format!("the reindex {id}: {error}")),
        }
    }
    ledger.wrong = wrong;
    (found, failed)
}

/// Every name stands for what it may stand for. Returns the content of each active document.
async fn check_names(stores: &Stores, ledger: &mut Ledger, failed: &BTreeSet<String>) -> BTreeMap<String, Content> {
    let contents: BTreeMap<String, Content> = ledger.contents().map(|content| (content.sha256(), content)).collect();
    let mut active = BTreeMap::new();
    let names: Vec<String> = ledger.names.keys().cloned().collect();
    for name in names {
        let query = DocumentQuery { name: Some(name.clone()), limit: 10, ..DocumentQuery::default() };
        let documents = stores.metadata.documents(query).await.unwrap().items;
        if documents.len() > 1 {
            ledger.wrong.doubled.push(format!("{name} is there {} times", documents.len()));
        }
        let held = documents.first().and_then(|document| {
            let version = document.active.as_ref()?;
            Some((document.id.to_string(), contents[&version.sha256]))
        });
        let possible = ledger.possible(&name, |promise: &Promise| failed.contains(&promise.job));
        if !possible.contains(&held.as_ref().map(|(_, content)| *content)) {
            let what = format!("{name} holds {held:?} and not one of {possible:?}: {:?}", ledger.names[&name]);
            ledger.wrong.lost.push(what);
        }
        if let Some(document) = documents.first().filter(|document| ledger.deleted.contains(&document.id.to_string())) {
            ledger.wrong.visible.push(format!("{name} is {}, which was deleted", document.id));
        }
        active.extend(held);
    }
    active
}

/// The same bytes are one version of a document, except where their ingestion had failed.
async fn check_versions(place: &Place, stores: &Stores, ledger: &mut Ledger) {
    let mut seen = BTreeMap::<_, Vec<i64>>::new();
    for (document, version, state, sha256) in place.versions().await {
        if state != "failed" {
            seen.entry((document, sha256)).or_default().push(version);
        }
        if state == "pending" {
            ledger.wrong.stuck.push(format!("version {version} of {} is pending", DocumentId(document)));
        }
    }
    for ((document, sha256), versions) in seen.into_iter().filter(|(_, versions)| versions.len() > 1) {
        ledger.wrong.doubled.push(format!("{} has {sha256} as versions {versions:?}", DocumentId(document)));
    }
    // Those that are stuck are named in the ledger, and are no second finding.
    let open = stores.metadata.counts().await.unwrap().open_jobs;
    assert!(open == 0 || !ledger.wrong.stuck.is_empty(), "{open} jobs were enqueued after the end");
}

/// The active generation holds exactly the vectors of its chunks, and the stored texts are what was uploaded.
async fn check_index(stores: &Stores, ledger: &mut Ledger, active: &BTreeMap<String, Content>) {
    let generations = stores.metadata.generations().await.unwrap();
    let existing = stores.vectors.generations().await.unwrap();
    for number in &existing {
        if generations.iter().all(|generation| generation.number != *number) {
            ledger.wrong.leftover.push(format!("the vectors of generation {number}, which nobody knows"));
        }
        for document in ledger.deleted.clone() {
            let left = stores.vectors.count(*number, Some(document.parse().unwrap())).await.unwrap();
            if left > 0 {
                ledger.wrong.leftover.push(format!("{left} vectors of {document}, deleted, in generation {number}"));
            }
        }
    }
    let Some(number) = generations.iter().find(|generation| generation.state == GenerationState::Active) else {
        return assert!(active.is_empty(), "there is no generation, and {active:?}");
    };
    let number = number.number;
    let mut chunks = 0;
    for (document, content) in active {
        let id: DocumentId = document.parse().unwrap();
        let version = stores.metadata.document(id).await.unwrap().active.unwrap();
        let (expected, found) = (
            stores.metadata.chunks_of(id).await.unwrap().len() as u64,
            stores.vectors.count(number, Some(id)).await.unwrap(),
        );
        chunks += expected;
        if expected == 0 || found < expected {
            ledger.wrong.lost.push(format!("{document} has {found} vectors for {expected} chunks"));
        } else if found > expected {
            ledger.wrong.leftover.push(format!("{document} has {found} vectors for {expected} chunks"));
        }
        match stores.blobs.text(id, version.version, number).await {
            Ok(text) if text.text == content.text() => {}
            Ok(text) => ledger.wrong.lost.push(format!("{document} has another text: {}", text.text)),
            Err(error) => ledger.wrong.lost.push(format!("{document} has no text: {error}")),
        }
    }
    assert_eq!(stores.metadata.counts().await.unwrap().chunks, chunks, "chunks of nothing");
    if existing.contains(&number) {
        let all = stores.vectors.count(number, None).await.unwrap();
        if all != chunks {
            ledger.wrong.leftover.push(format!("generation {number} holds {all} vectors for {chunks} chunks"));
        }
    }
}

/// Originals belong to versions or to uploads that were cut off, and texts to active versions.
async fn check_files(place: &Place, ledger: &mut Ledger) {
    let versions = place.versions().await;
    let sums: BTreeSet<&str> = versions.iter().map(|(.., sha256)| sha256.as_str()).collect();
    let cut_off: BTreeSet<String> = ledger
        .names
        .values()
        .flatten()
        .filter_map(|asked| match asked {
            Asked::Upload(content, None) => Some(content.sha256()),
            _ => None,
        })
        .collect();
    let active: BTreeSet<String> = versions
        .iter()
        .filter(|(_, _, state, _)| state == "active")
        .map(|(document, version, ..)| format!("{}/{version}", DocumentId(*document)))
        .collect();
    let blobs = place.data_dir().join("blobs");
    for entry in walkdir::WalkDir::new(&blobs).into_iter().filter_map(Result::ok) {
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path().strip_prefix(&blobs).unwrap().to_string_lossy().into_owned();
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = match path.split_once('/') {
            Some(("originals", _)) => sums.contains(name.as_str()) || cut_off.contains(&name),
            Some(("texts", rest)) => rest.split_once('.').is_some_and(|(version, _)| active.contains(version)),
            _ => false,
        };
        // What a killed process was writing: where others may write too, it goes an hour later.
        let unfinished = name.contains('#') && place.database.is_some();
        if !known && !unfinished {
            ledger.wrong.leftover.push(format!("the file {path}"));
        }
    }
    let scratch = walkdir::WalkDir::new(place.data_dir().join("scratch")).into_iter().filter_map(Result::ok);
    let left: Vec<_> = scratch.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect();
    // Of the last process there may be its lock; it was killed while it had nothing to do.
    if left.iter().any(|path| !path.ends_with("lock")) || left.len() > 1 {
        ledger.wrong.leftover.push(format!("in the scratch directory: {left:?}"));
    }
}
