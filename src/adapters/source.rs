//! A folder that may become a registered adapter: which model it belongs to, and where it comes from.
//!
//! May depend on `models::adapter`, `models::encoder` (for a name) and `domain`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::RegistryError;
use crate::{
    domain::{AdapterRole, short_sum},
    models::{adapter::AdapterFiles, encoder::load::READER_SETTINGS},
};

/// The card of a training run.
const CARD: &str = "card.json";

/// An adapter with its card.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterSource {
    /// What a person calls it, unless somebody says otherwise: the name of its folder.
    pub name: String,
    /// The model that it belongs to.
    pub role: AdapterRole,
    /// Its files.
    pub files: AdapterFiles,
    /// The weights that it was trained on.
    pub base_sha256: String,
    /// The data sets that it was trained on.
    pub data_versions: Vec<String>,
    /// The card of the run that made it.
    pub card: Value,
}

/// The parts of a card that the registry goes by.
#[derive(Deserialize)]
struct Card {
    base_sha256: String,
    training_files: Vec<TrainingFile>,
}

#[derive(Deserialize)]
struct TrainingFile {
    path: PathBuf,
    sha256: String,
    #[serde(default)]
    version: Option<String>,
}

impl AdapterSource {
    /// Reads the folder of an adapter. The card lies in it, or beside it in the folder of the training run.
    pub fn read(folder: &Path) -> Result<Self, RegistryError> {
        let files = AdapterFiles::read(folder)?;
        let beside = folder.join("..").join(CARD);
        let (place, bytes) = match files.get(CARD) {
            Some(bytes) => (folder.join(CARD), bytes.to_vec()),
            None if beside.is_file() => {
                let read = fs::read(&beside).map_err(|error| refused(&beside, error.to_string()))?;
                (beside, read)
            }
            None => {
                let reason =
                    "it is missing, here and in the folder above; the registry keeps where an adapter comes from";
                return Err(refused(&folder.join(CARD), reason));
            }
        };
        let name =
            fs::canonicalize(folder).ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Self::of(name.unwrap_or_else(|| "adapter".to_owned()), files, &bytes).map_err(|reason| refused(&place, reason))
    }

    fn of(name: String, files: AdapterFiles, card: &[u8]) -> Result<Self, String> {
        let role = match files.get(READER_SETTINGS) {
            Some(_) => AdapterRole::Reader,
            None => AdapterRole::Generator,
        };
        let whole: Value = serde_json::from_slice(card).map_err(|error| error.to_string())?;
        let card = Card::deserialize(&whole).map_err(|error| error.to_string())?;
        let data_versions = data_versions(&card.training_files);
        if data_versions.is_empty() {
            return Err("`training_files` is empty: it does not say what the adapter was trained on".to_owned());
        }
        Ok(Self { name, role, files, base_sha256: card.base_sha256, data_versions, card: whole })
    }

    /// The size of its files.
    pub fn size_bytes(&self) -> u64 {
        self.files.names().filter_map(|name| self.files.get(name)).map(|bytes| bytes.len() as u64).sum()
    }
}

/// Frozen data sets by their versions; others by their folders, with the sum over their files' sums.
fn data_versions(files: &[TrainingFile]) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    let mut loose: BTreeMap<&Path, Sha256> = BTreeMap::new();
    for file in files {
        match &file.version {
            Some(version) if !versions.contains(version) => versions.push(version.clone()),
            Some(_) => {}
            None => loose.entry(file.path.parent().unwrap_or(Path::new(""))).or_default().update(&file.sha256),
        }
    }
    versions.extend(loose.into_iter().map(|(folder, sum)| {
        format!("{} (not frozen, sha256 {})", folder.display(), short_sum(&hex::encode(sum.finalize())))
    }));
    versions
}

fn refused(path: &Path, reason: impl Into<String>) -> RegistryError {
    RegistryError::Card { path: path.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use serde_json::json;

    use super::*;

    fn card() -> Value {
        json!({
            "base_sha256": "b".repeat(64),
            "training_files": [
                {"path": "data/a/task.jsonl", "sha256": "1", "examples": 2, "version": "a 3 (sha256 0123)"},
                {"path": "data/a/edge.jsonl", "sha256": "2", "examples": 2, "version": "a 3 (sha256 0123)"},
                {"path": "data/b/task.jsonl", "sha256": "3", "examples": 2},
            ],
            "result": {"best_loss": 0.5},
        })
    }

    fn folder(card: &Value) -> tempfile::TempDir {
        let run = tempfile::tempdir().unwrap();
        fs::create_dir(run.path().join("reader")).unwrap();
        fs::write(run.path().join("reader/reader.json"), "{}").unwrap();
        fs::write(run.path().join(CARD), card.to_string()).unwrap();
        run
    }

    #[test]
    fn a_folder_of_a_run_says_where_it_comes_from() {
        let run = folder(&card());
        let source = AdapterSource::read(&run.path().join("reader")).unwrap();
        assert_eq!((source.name.as_str(), source.role, source.size_bytes()), ("reader", AdapterRole::Reader, 2));
        assert_eq!(source.data_versions[0], "a 3 (sha256 0123)");
        assert!(source.data_versions[1].starts_with("data/b (not frozen, sha256 "), "{:?}", source.data_versions);
        assert_eq!(source.data_versions.len(), 2);
        assert_eq!((source.base_sha256, source.card), ("b".repeat(64), card()));
        assert_eq!(
            source.files.names().collect::<Vec<_>>(),
            ["reader.json"],
            "the run's card is not the adapter's file"
        );
    }

    #[test]
    fn a_card_inside_goes_before_the_one_above_and_is_a_file_of_the_adapter() {
        let run = folder(&json!({}));
        let inside = run.path().join("reader");
        fs::write(inside.join(CARD), card().to_string()).unwrap();
        fs::rename(inside.join("reader.json"), inside.join("adapter_config.json")).unwrap();
        let source = AdapterSource::read(&inside).unwrap();
        assert_eq!(source.role, AdapterRole::Generator);
        assert!(source.files.get(CARD).is_some());
    }

    #[test]
    fn an_adapter_of_unknown_origin_is_refused() {
        let refused = |card: Value| AdapterSource::read(&folder(&card).path().join("reader")).unwrap_err().to_string();
        for (key, value) in [("base_sha256", Value::Null), ("training_files", json!([])), ("training_files", json!(1))]
        {
            let mut card = card();
            card[key] = value;
            let error = refused(card);
            assert!(error.contains(CARD) && (error.contains(key) || error.contains("expected")), "{error}");
        }
        let run = folder(&card());
        fs::remove_file(run.path().join(CARD)).unwrap();
        let error = AdapterSource::read(&run.path().join("reader")).unwrap_err().to_string();
        assert!(error.contains("where an adapter comes from"), "{error}");
    }
}
