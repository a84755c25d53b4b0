//! Freezing a data set as a version under a manifest, and telling whether somebody changed it afterwards.
//!
//! May depend on `files`, `manifest` and `settings`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use chrono::{SecondsFormat, Utc};

use super::{
    SYNTHETIC,
    error::DatasetError,
    example::Expected,
    files::{DataSet, Writer},
    manifest::{self, FORMAT, FrozenFile, MANIFEST_FILE, Manifest},
};

/// Copies a data set with everything in its folder (README and licence texts as well) into the new folder `out`, and
/// writes the manifest beside it. An example that is not sound, a link, and a folder that is no split are refused.
pub fn freeze(set: &DataSet, version: &str, out: &Path) -> Result<Manifest, DatasetError> {
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    if version.is_empty() || !version.chars().all(named) {
        let reason = format!("{version:?} is no name of a version; use letters, digits, `.`, `-`, `_` and `+`");
        return Err(DatasetError::Request(reason));
    }
    let mut writer = Writer::create(out)?;
    let (mut manifest, per_file) = counted(set, version)?;
    for path in files_below(set.root())? {
        if path == MANIFEST_FILE {
            continue;
        }
        let from = set.root().join(&path);
        writer.copy(&from, Path::new(&path))?;
        // The sum of the copy: what stands in the manifest is what lies beside it.
        let (sha256, bytes) = manifest::sum_of(&writer.folder().join(&path))?;
        manifest.files.push(FrozenFile { examples: per_file.get(&from).copied(), path, sha256, bytes });
    }
    if let Some(known) = set.manifest().filter(|known| known.sha256 != manifest::content_sum(&manifest.files)) {
        return Err(DatasetError::Manifest(
            set.root().join(MANIFEST_FILE),
            format!("{} changed meanwhile", known.name),
        ));
    }
    manifest.sha256 = manifest::content_sum(&manifest.files);
    manifest.manifest_sha256 = manifest.own_sum();
    let text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| DatasetError::Manifest(out.join(MANIFEST_FILE), error.to_string()))?;
    writer.put(MANIFEST_FILE, &(text + "\n"))?;
    writer.finish()?;
    Ok(manifest)
}

/// A manifest without sums and files, and how many examples each file has.
fn counted(set: &DataSet, version: &str) -> Result<(Manifest, BTreeMap<PathBuf, u64>), DatasetError> {
    let mut manifest = Manifest {
        format: FORMAT,
        name: set.name(),
        version: version.to_owned(),
        created: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        sha256: String::new(),
        examples: 0,
        unanswerable: 0,
        synthetic: 0,
        splits: BTreeMap::new(),
        kinds: BTreeMap::new(),
        licences: BTreeMap::new(),
        provenance: BTreeMap::new(),
        files: Vec::new(),
        manifest_sha256: String::new(),
    };
    let mut per_file: BTreeMap<PathBuf, u64> = set.parts().iter().map(|part| (part.path.clone(), 0)).collect();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    for located in set.examples() {
        let located = located?;
        let example = located.example;
        if ids.contains(&example.id) {
            let reason = format!("the id {:?} is used twice; rename one of the examples", example.id);
            return Err(DatasetError::Line { file: located.part.path.clone(), line: located.line, reason });
        }
        manifest.examples += 1;
        manifest.unanswerable += u64::from(example.expected == Expected::Abstained);
        manifest.synthetic += u64::from(example.tags.iter().any(|tag| tag == SYNTHETIC));
        if let Some(split) = located.part.split {
            *manifest.splits.entry(split.to_string()).or_default() += 1;
        }
        *manifest.kinds.entry(example.kind.as_str().to_owned()).or_default() += 1;
        *manifest.provenance.entry(origin(&example.provenance).to_owned()).or_default() += 1;
        *manifest.licences.entry(example.licence).or_default() += 1;
        *per_file.entry(located.part.path.clone()).or_default() += 1;
        ids.insert(example.id);
    }
    if manifest.examples == 0 {
        return Err(DatasetError::NoDataSet(set.root().to_owned(), "it holds no example".to_owned()));
    }
    Ok((manifest, per_file))
}

/// The part of a provenance that many records share: everything before the first `#`.
pub fn origin(provenance: &str) -> &str {
    provenance.split('#').next().unwrap_or(provenance).trim_end()
}

/// Checks a frozen data set against its manifest: every file in it must be there and have its sum, and there must be
/// no other. The first difference is the error.
pub fn verify(folder: &Path) -> Result<Manifest, DatasetError> {
    let manifest = Manifest::read(folder)?;
    let mut recorded: BTreeMap<&str, &FrozenFile> =
        manifest.files.iter().map(|file| (file.path.as_str(), file)).collect();
    for path in files_below(folder)? {
        if path == MANIFEST_FILE {
            continue;
        }
        let file = folder.join(&path);
        let (found, _) = manifest::sum_of(&file)?;
        match recorded.remove(path.as_str()) {
            None => return Err(DatasetError::Extra { file, found }),
            Some(known) if known.sha256 != found => {
                return Err(DatasetError::Altered { file, recorded: known.sha256.clone(), found });
            }
            Some(_) => {}
        }
    }
    if let Some(gone) = recorded.into_values().next() {
        return Err(DatasetError::Missing { file: folder.join(&gone.path), recorded: gone.sha256.clone() });
    }
    Ok(manifest)
}

/// All files of a data set's folder and of its split folders, sorted, relative, with `/`.
fn files_below(root: &Path) -> Result<Vec<String>, DatasetError> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(below) = folders.pop() {
        let folder = root.join(&below);
        for entry in folder.read_dir().map_err(DatasetError::io("reading", &folder))? {
            let entry = entry.map_err(DatasetError::io("reading", &folder))?;
            let refuse = |what: &str| {
                let reason = format!("{} {what}", entry.path().display());
                DatasetError::NoDataSet(root.to_owned(), reason)
            };
            let name =
                entry.file_name().into_string().map_err(|_| refuse("has a name that is not UTF-8; rename it"))?;
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let kind = entry.file_type().map_err(DatasetError::io("reading", &entry.path()))?;
            if kind.is_file() {
                found.push(path);
            } else if kind.is_dir() && below.is_empty() && super::files::Split::from_name(&name).is_some() {
                folders.push(path);
            } else if kind.is_dir() {
                return Err(refuse("is a folder that is no split; move it elsewhere"));
            } else {
                return Err(refuse("is neither a file nor a folder; put the file itself there"));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::fs;

    use super::*;
    use crate::train::dataset::{files::Split, validate::tests::sound};

    /// A frozen data set with two splits and a README.
    fn frozen() -> (tempfile::TempDir, PathBuf, Manifest) {
        let folder = tempfile::tempdir().unwrap();
        let (set, out) = (folder.path().join("set"), folder.path().join("v1"));
        let mut writer = Writer::create(&set).unwrap();
        writer.write(Some(Split::Train), &sound("a")).unwrap();
        writer.write(Some(Split::Test), &sound("b")).unwrap();
        writer.put("README.md", "what it is\n").unwrap();
        writer.finish().unwrap();
        let manifest = freeze(&DataSet::open(&set).unwrap(), "v1", &out).unwrap();
        (folder, out, manifest)
    }

    #[test]
    fn a_frozen_data_set_is_counted_and_opens() {
        let (folder, out, manifest) = frozen();
        assert_eq!(
            manifest.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
            ["README.md", "test/task.jsonl", "train/task.jsonl"]
        );
        assert_eq!((manifest.examples, manifest.splits["train"], manifest.licences["Apache-2.0"]), (2, 1, 2));
        let opened = DataSet::open(&out).unwrap();
        assert_eq!(opened.manifest(), Some(&manifest));
        assert_eq!(DataSet::open(&out.join("train")).unwrap().manifest(), Some(&manifest));

        let again = freeze(&opened, "v1", &folder.path().join("v1-again")).unwrap();
        assert_eq!(again.sha256, manifest.sha256, "the address depends on the content alone");
        assert!(matches!(freeze(&opened, "v1", &out), Err(DatasetError::Exists(_))));
        assert!(matches!(freeze(&opened, "v/1", &out), Err(DatasetError::Request(_))));
    }

    #[test]
    fn an_altered_file_is_refused_with_both_sums() {
        let (_folder, out, manifest) = frozen();
        let path = out.join("train/task.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("forty pots", "fifty pots")).unwrap();
        let error = DataSet::open(&out).unwrap_err();
        let found = manifest::sum_of(&path).unwrap().0;
        assert!(matches!(&error, DatasetError::Altered { .. }));
        for said in ["train/task.jsonl", &manifest.files[2].sha256, &found] {
            assert!(error.to_string().contains(said), "{error}");
        }
        assert!(matches!(DataSet::open(&out.join("test")), Err(DatasetError::Altered { .. })));
    }

    #[test]
    fn missing_and_extra_files_are_refused() {
        let (_folder, out, _) = frozen();
        fs::write(out.join("train/edge.jsonl"), "").unwrap();
        assert!(matches!(DataSet::open(&out), Err(DatasetError::Extra { .. })));
        fs::remove_file(out.join("train/edge.jsonl")).unwrap();
        fs::remove_file(out.join("README.md")).unwrap();
        assert!(matches!(DataSet::open(&out), Err(DatasetError::Missing { .. })));
    }

    #[test]
    fn an_edited_manifest_is_refused() {
        let (folder, out, _) = frozen();
        assert!(matches!(verify(&folder.path().join("set")), Err(DatasetError::NotFrozen(_))));
        let path = out.join(MANIFEST_FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("Apache-2.0", "MIT")).unwrap();
        assert!(matches!(DataSet::open(&out), Err(DatasetError::Manifest(..))));
    }

    #[test]
    fn an_id_that_is_used_twice_is_not_frozen() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        let mut writer = Writer::create(&set).unwrap();
        writer.write(None, &sound("a")).unwrap();
        writer.write(None, &sound("a")).unwrap();
        writer.finish().unwrap();
        let frozen = freeze(&DataSet::open(&set).unwrap(), "v1", &folder.path().join("v1"));
        assert!(matches!(frozen, Err(DatasetError::Line { line: 2, .. })));
        assert!(!folder.path().join("v1").exists());
    }
}
