//! Cutting a data set into train, validation and test by source document, never by question: what the model has read
//! while it learned must not be what it is measured on.
//!
//! An example belongs to the documents of the passages that support it, or else to that of its first passage. Documents
//! that one example needs together stay together. Passages that are only there to distract may lie in another split;
//! `lint` reports them.
//!
//! May depend on `files`, `normal_form` and `split_mix`.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use serde::Serialize;

use super::{
    error::DatasetError,
    example::{Example, Expected},
    files::{DataSet, Split, Writer},
    normal_form::document_key,
    split_mix::SplitMix64,
};

/// How to cut.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// So large a share of the examples for each split of [`Split::ALL`]; together 1.
    Shares([f64; 3]),
    /// These documents become `validation`, all others `train`.
    HoldOut(Vec<String>),
    /// So many documents, drawn by the seed, become `validation`, all others `train`.
    HoldOutDrawn(usize),
}

/// What was cut.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitReport {
    /// The seed.
    pub seed: u64,
    /// Each split that has examples.
    pub splits: BTreeMap<Split, SplitCounts>,
}

/// What is in a split.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SplitCounts {
    /// How many examples.
    pub examples: u64,
    /// How many of them must be declined.
    pub unanswerable: u64,
    /// The titles of its documents, sorted.
    pub documents: Vec<String>,
}

/// Cuts `set` into the new data set `out`. The same set, plan and seed give the same cut.
pub fn split(set: &DataSet, plan: &Plan, seed: u64, out: &Path) -> Result<SplitReport, DatasetError> {
    if set.splits() != [None] {
        let reason = format!("{} is split already; split the data set that it was made of", set.root().display());
        return Err(DatasetError::Request(reason));
    }
    let mut documents = Documents::default();
    for located in set.examples() {
        documents.add(&located?.example);
    }
    let clusters = documents.clusters();
    let chosen = match plan {
        Plan::Shares(shares) => by_shares(&clusters, *shares, seed)?,
        Plan::HoldOut(titles) => {
            let held = documents.named(titles)?;
            clusters.iter().map(|cluster| validation_if(cluster.titles.iter().any(|id| held.contains(id)))).collect()
        }
        Plan::HoldOutDrawn(count) => drawn(&clusters, *count, seed)?,
    };
    let mut split_of = vec![Split::Train; documents.titles.len()];
    for (cluster, split) in clusters.iter().zip(&chosen) {
        for id in &cluster.titles {
            split_of[*id] = *split;
        }
    }
    write(set, &documents, &split_of, seed, out)
}

fn write(
    set: &DataSet,
    documents: &Documents,
    split_of: &[Split],
    seed: u64,
    out: &Path,
) -> Result<SplitReport, DatasetError> {
    let mut writer = Writer::create(out)?;
    let mut splits: BTreeMap<Split, SplitCounts> = BTreeMap::new();
    for located in set.examples() {
        let located = located?;
        let Some(id) = deciding(&located.example).first().and_then(|key| documents.ids.get(key)) else {
            return Err(DatasetError::NoDataSet(set.root().to_owned(), "it changed while it was read".to_owned()));
        };
        let split = split_of[*id];
        let counts = splits.entry(split).or_default();
        counts.examples += 1;
        counts.unanswerable += u64::from(located.example.expected == Expected::Abstained);
        writer.write_line(Some(split), located.example.kind, &located.raw)?;
    }
    for (id, title) in documents.titles.iter().enumerate() {
        splits.entry(split_of[id]).or_default().documents.push(title.clone());
    }
    for counts in splits.values_mut() {
        counts.documents.sort_unstable();
    }
    writer.copy_companions(set)?;
    writer.finish()?;
    Ok(SplitReport { seed, splits })
}

/// The keys of the documents that an example belongs to; at least one.
fn deciding(example: &Example) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for passage in &example.passages {
        let key = document_key(&passage.title);
        if example.support.iter().any(|span| span.passage == passage.id) && !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        // A question without any passage is a document of its own.
        let own = || format!("(no document: {})", example.id);
        keys.push(example.passages.first().map_or_else(own, |passage| document_key(&passage.title)));
    }
    keys
}

/// The documents of a data set, and which of them belong together (a union-find structure).
#[derive(Default)]
struct Documents {
    ids: HashMap<String, usize>,
    titles: Vec<String>,
    parent: Vec<usize>,
    examples: Vec<u64>,
}

/// Documents that must lie in the same split.
struct Cluster {
    titles: Vec<usize>,
    examples: u64,
}

impl Documents {
    fn add(&mut self, example: &Example) {
        let keys = deciding(example);
        let ids: Vec<usize> = keys.into_iter().map(|key| self.id(key, example)).collect();
        let root = self.root(ids[0]);
        for id in &ids[1..] {
            let other = self.root(*id);
            // The earlier one leads, so that the order of the clusters is that of the data set.
            let (low, high) = (root.min(other), root.max(other));
            self.parent[high] = low;
        }
        self.examples[ids[0]] += 1;
    }

    fn id(&mut self, key: String, example: &Example) -> usize {
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let id = self.titles.len();
        let shown = example.passages.iter().find(|passage| document_key(&passage.title) == key);
        self.titles.push(shown.map_or_else(|| key.clone(), |passage| passage.title.clone()));
        self.parent.push(id);
        self.examples.push(0);
        self.ids.insert(key, id);
        id
    }

    fn root(&self, mut id: usize) -> usize {
        while self.parent[id] != id {
            id = self.parent[id];
        }
        id
    }

    /// In the order of their first examples.
    fn clusters(&self) -> Vec<Cluster> {
        let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
        for id in 0..self.titles.len() {
            let cluster = clusters.entry(self.root(id)).or_insert(Cluster { titles: Vec::new(), examples: 0 });
            cluster.titles.push(id);
            cluster.examples += self.examples[id];
        }
        clusters.into_values().collect()
    }

    fn named(&self, titles: &[String]) -> Result<Vec<usize>, DatasetError> {
        let unknown = |title: &String| DatasetError::Request(format!("no example belongs to a document {title:?}"));
        titles.iter().map(|title| self.ids.get(&document_key(title)).copied().ok_or_else(|| unknown(title))).collect()
    }
}

fn validation_if(held: bool) -> Split {
    if held { Split::Validation } else { Split::Train }
}

/// Each cluster, in an order drawn by the seed, goes to the split that lacks most examples.
fn by_shares(clusters: &[Cluster], shares: [f64; 3], seed: u64) -> Result<Vec<Split>, DatasetError> {
    let sum: f64 = shares.iter().sum();
    if shares.iter().any(|share| !(0.0..=1.0).contains(share)) || (sum - 1.0).abs() > 1e-6 {
        return Err(DatasetError::Request(format!("the shares {shares:?} must be from 0 to 1 and add up to 1")));
    }
    let total: u64 = clusters.iter().map(|cluster| cluster.examples).sum();
    let mut lacking = shares.map(|share| share * total as f64);
    let mut chosen = vec![Split::Train; clusters.len()];
    let mut used = [0_usize; 3];
    for at in shuffled(clusters.len(), seed) {
        let mut best = 0;
        for split in 1..3 {
            // A split that was not asked for lacks nothing, and may still lack least of all.
            if shares[best] == 0.0 || (shares[split] > 0.0 && lacking[split] > lacking[best]) {
                best = split;
            }
        }
        lacking[best] -= clusters[at].examples as f64;
        used[best] += 1;
        chosen[at] = Split::ALL[best];
    }
    for (split, share) in Split::ALL.into_iter().zip(shares) {
        if share > 0.0 && used[split as usize] == 0 {
            let reason = format!(
                "{} documents are too few for a share of {share} as {split}; give fewer splits",
                clusters.len()
            );
            return Err(DatasetError::Request(reason));
        }
    }
    Ok(chosen)
}

fn drawn(clusters: &[Cluster], count: usize, seed: u64) -> Result<Vec<Split>, DatasetError> {
    if count == 0 || count >= clusters.len() {
        let reason =
            format!("of {} documents, {count} cannot be held out; name 1 or more, and not all", clusters.len());
        return Err(DatasetError::Request(reason));
    }
    let mut chosen = vec![Split::Train; clusters.len()];
    for at in shuffled(clusters.len(), seed).into_iter().take(count) {
        chosen[at] = Split::Validation;
    }
    Ok(chosen)
}

fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    SplitMix64::new(seed).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests;
