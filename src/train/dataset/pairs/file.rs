//! Reading pairs: a folder with `task.jsonl`, `edge.jsonl` and `failure.jsonl`, those that it has, a pair in each line.
//!
//! May depend on the parent's `files`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::Pair;
use crate::train::dataset::{error::DatasetError, example::Kind, files::lines, normal_form};

/// The pairs of one file.
#[derive(Debug, Clone)]
pub struct PairFile {
    /// The file.
    pub path: PathBuf,
    /// Its pairs, in order.
    pub pairs: Vec<Pair>,
}

/// Reads the files of a folder. The first line that is no pair, or has an id that was there before, is an error.
pub fn read(folder: &Path) -> Result<Vec<PairFile>, DatasetError> {
    let mut files = Vec::new();
    let mut ids = BTreeSet::new();
    for kind in Kind::ALL {
        let path = folder.join(kind.file_name());
        if !path.is_file() {
            continue;
        }
        let mut pairs = Vec::new();
        for line in lines(&path)? {
            let line = line?;
            let wrong = |reason: String| DatasetError::Line { file: path.clone(), line: line.number, reason };
            let text = line.text.clone().map_err(wrong)?;
            let pair: Pair = serde_json::from_str(&text).map_err(|error| wrong(format!("no pair: {error}")))?;
            if let Some(defect) = pair.defect() {
                return Err(wrong(defect));
            }
            if !ids.insert(pair.id.clone()) {
                return Err(wrong(format!("the id {:?} was there before", pair.id)));
            }
            pairs.push(pair);
        }
        files.push(PairFile { path, pairs });
    }
    if files.is_empty() {
        let reason = "it holds none of task.jsonl, edge.jsonl and failure.jsonl".to_owned();
        return Err(DatasetError::NoDataSet(folder.to_owned(), reason));
    }
    Ok(files)
}

/// What would spoil a training: the same pair with different labels, and sources or pairs that are on both sides. One
/// line for each, at most `most` and then how many more.
pub fn unsound<'a>(
    training: impl Iterator<Item = &'a Pair> + Clone,
    validation: impl Iterator<Item = &'a Pair> + Clone,
    most: usize,
) -> Vec<String> {
    let key = |pair: &Pair| normal_form::combine(&[normal_form::key(&pair.first), normal_form::key(&pair.second)]);
    let mut found = Vec::new();
    let mut labels: HashMap<u64, &Pair> = HashMap::new();
    for pair in training.clone() {
        // A folder that is named twice counts double, and is no contradiction.
        let known = labels.entry(key(pair)).or_insert(pair);
        if known.label != pair.label && known.source == pair.source {
            found.push(format!(
                "{:?} is {:?} and {:?} is {:?}: they are the same pair",
                known.id, known.label, pair.id, pair.label
            ));
        }
    }
    let sources: BTreeMap<String, &str> =
        training.map(|pair| (normal_form::document_key(&pair.source), pair.id.as_str())).collect();
    let mut leaked = BTreeSet::new();
    for pair in validation {
        let source = normal_form::document_key(&pair.source);
        if let Some(other) = sources.get(&source).filter(|_| leaked.insert(source.clone())) {
            found.push(format!(
                "the source {:?} is in training ({other:?}) and in validation ({:?})",
                pair.source, pair.id
            ));
        } else if let Some(other) = labels.get(&key(pair)).filter(|_| !leaked.contains(&source)) {
            found.push(format!("the pair {:?} is in training too ({:?})", pair.id, other.id));
        }
    }
    let more = found.len().saturating_sub(most);
    found.truncate(most);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    pub fn pair(id: &str, first: &str, label: &str, source: &str) -> Pair {
        Pair {
            id: id.to_owned(),
            first: first.to_owned(),
            second: "The lamp is lit at dawn.".to_owned(),
            label: label.to_owned(),
            source: source.to_owned(),
            group: None,
            tags: Vec::new(),
            provenance: "written here".to_owned(),
            licence: "CC0-1.0".to_owned(),
        }
    }

    #[test]
    fn a_folder_is_read_and_what_is_no_pair_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("task.jsonl"));
        let line = |pair: &Pair| serde_json::to_string(pair).unwrap();
        let good = pair("1", "It is lit.", "supported", "lamp");
        std::fs::write(folder.path().join("task.jsonl"), line(&good) + "\n").unwrap();
        assert_eq!(read(folder.path()).unwrap()[0].pairs, std::slice::from_ref(&good));
        for (wrong, word) in
            [(line(&good), "before"), (line(&Pair { source: " ".into(), ..good }), "source"), ("{}".into(), "no pair")]
        {
            std::fs::write(folder.path().join("edge.jsonl"), wrong + "\n").unwrap();
            assert!(read(folder.path()).unwrap_err().to_string().contains(word), "{word}");
        }
    }

    #[test]
    fn a_source_on_both_sides_and_a_contradiction_are_found() {
        let training = [pair("1", "It is lit.", "supported", "lamp"), pair("2", "It burns.", "unknown", "lamp")];
        let apart = [pair("3", "It glows.", "unknown", "kiln")];
        assert_eq!(unsound(training.iter(), apart.iter(), 5), Vec::<String>::new());
        let leak = [pair("4", "It shines.", "unknown", "Lamp")];
        assert!(unsound(training.iter(), leak.iter(), 5)[0].contains("source"));
        let copy = [pair("5", "It burns.", "unknown", "kiln")];
        assert!(unsound(training.iter(), copy.iter(), 5)[0].contains("in training too"));
        let both = [pair("1", "It is lit.", "supported", "lamp"), pair("2", "It is lit!", "unknown", "lamp")];
        assert!(unsound(both.iter(), apart.iter(), 5)[0].contains("same pair"));
        let many: Vec<Pair> = (0..9).map(|n| pair(&n.to_string(), &format!("x {n}"), "unknown", "lamp")).collect();
        let other: Vec<Pair> =
            (0..9).map(|n| pair(&n.to_string(), &format!("x {n}"), "unknown", &format!("s{n}"))).collect();
        assert_eq!(unsound(many.iter(), other.iter(), 2).len(), 3);
    }
}
