//! The catalog of model files: what each artefact consists of, under which licence, and where its bytes may
//! come from.
//!
//! Data only: [`super::weights`] does the fetching. Nothing here names the host of a package registry: a wheel
//! is a name and a version, and the user's own pip decides where it comes from.

mod builtin;

use std::{collections::BTreeSet, path::PathBuf};

/// The embedder that is used unless another one is configured.
pub const DEFAULT_EMBEDDER: &str = "all-minilm-l6-v2-int8";
/// The generator that is used unless another one is configured.
pub const DEFAULT_GENERATOR: &str = "smollm2-135m-instruct";
/// What the reader is put on, and trained from.
pub const ENCODER_BASE: &str = "all-minilm-l6-v2";
/// The shared library that runs ONNX models.
pub const ONNX_RUNTIME: &str = "onnxruntime";

/// What an artefact is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Turns text into vectors.
    Embedder,
    /// Writes answers.
    Generator,
    /// Runs a model: a shared library.
    Runtime,
    /// What an adapter is put on, and trained from.
    Base,
}

impl Role {
    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedder => "embedder",
            Self::Generator => "generator",
            Self::Runtime => "runtime",
            Self::Base => "base",
        }
    }
}

/// A set of files that are used together and land together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Its name, and the name of its directory in the cache.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The licence, in one line.
    pub licence: String,
    /// The files, by their names in the directory.
    pub files: Vec<FileSpec>,
    /// A directory of the user's that is used where it is and never written to, instead of the cache.
    pub in_place: Option<PathBuf>,
}

/// One file of an artefact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSpec {
    /// The name in the artefact's directory, without separators.
    pub name: String,
    /// What the bytes must be; `None` only in an artefact that the user named.
    pub pin: Option<Pin>,
    /// Where the bytes may come from, tried in order.
    pub sources: Vec<Source>,
}

/// What the bytes of a file must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// The size in bytes.
    pub size: u64,
}

/// A place that a file may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A repository on the Hugging Face hub, or on the mirror that `HF_ENDPOINT` names.
    HuggingFace {
        /// `owner/name`.
        repo: String,
        /// A branch, a tag or a commit.
        revision: String,
        /// The path in the repository.
        path: String,
    },
    /// A member of a Python wheel that the user's own pip downloads.
    Wheel {
        /// Which wheel.
        wheel: Wheel,
        /// The path in the wheel.
        member: String,
    },
}

/// A Python wheel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wheel {
    /// The package.
    pub name: String,
    /// The exact version.
    pub version: String,
    /// The platform tags that pip is asked for; empty for a wheel that is the same everywhere.
    pub platforms: Vec<String>,
    /// The size of the file, for the progress bar only.
    pub size: u64,
}

impl Wheel {
    /// `name==version`, as pip wants it.
    pub fn requirement(&self) -> String {
        format!("{}=={}", self.name, self.version)
    }
}

impl Artefact {
    /// The size of all files whose size is known.
    pub fn size(&self) -> u64 {
        self.files.iter().filter_map(|file| file.pin.as_ref()).map(|pin| pin.size).sum()
    }

    /// The SHA-256 that a file must have; `None` when there is no such file or the user named the artefact.
    pub fn sha256_of(&self, name: &str) -> Option<&str> {
        self.files.iter().find(|file| file.name == name)?.pin.as_ref().map(|pin| pin.sha256.as_str())
    }

    /// A model of the user's own. `place` is a directory, which is used where it is, or
    /// `hf:owner/name[@revision]`; `files` are paths below it, each kept under its last component.
    pub fn custom(name: &str, role: Role, place: &str, files: &[&str]) -> Result<Self, CatalogError> {
        let bad = |reason: &str| CatalogError { name: name.to_owned(), reason: reason.to_owned() };
        let tame = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(tame) {
            return Err(bad("a name is made of letters, digits, `-`, `_` and `.`, and does not begin with `.`"));
        }
        if files.is_empty() {
            return Err(bad("no file is named"));
        }
        let hub = match place.strip_prefix("hf:") {
            None => None,
            Some(repo) => {
                let (repo, revision) = repo.split_once('@').unwrap_or((repo, "main"));
                let (owner, rest) = repo.split_once('/').ok_or_else(|| bad("write `hf:owner/name[@revision]`"))?;
                if owner.is_empty() || rest.is_empty() || rest.contains('/') || revision.is_empty() {
                    return Err(bad("write `hf:owner/name[@revision]`"));
                }
                Some((repo.to_owned(), revision.to_owned()))
            }
        };
        let mut seen = BTreeSet::new();
        let mut specs = Vec::new();
        for path in files {
            let parts: Vec<&str> = path.split('/').collect();
            if parts.iter().any(|part| part.is_empty() || *part == "." || *part == "..") || path.contains('\\') {
                return Err(bad(&format!("`{path}` is not a plain relative path")));
            }
            // In place the directory keeps its shape; in the cache every file lies flat.
            let kept = if hub.is_some() { parts.last().copied().unwrap_or(path) } else { path };
            if !seen.insert(kept.to_owned()) {
                return Err(bad(&format!("two files are called `{kept}`")));
            }
            let sources = hub.iter().map(|(repo, revision)| Source::HuggingFace {
                repo: repo.clone(),
                revision: revision.clone(),
                path: (*path).to_owned(),
            });
            specs.push(FileSpec { name: kept.to_owned(), pin: None, sources: sources.collect() });
        }
        Ok(Self {
            name: name.to_owned(),
            role,
            licence: "not known to footnote (named in the configuration)".into(),
            files: specs,
            in_place: hub.is_none().then(|| PathBuf::from(place)),
        })
    }
}

/// A model was named in a way that cannot be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the model `{name}` is not usable as configured: {reason}")]
pub struct CatalogError {
    name: String,
    reason: String,
}

/// Every artefact that the program knows.
#[derive(Debug, Clone)]
pub struct Catalog {
    artefacts: Vec<Artefact>,
}

impl Catalog {
    /// The same catalog with one more artefact; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, artefact: Artefact) -> Self {
        self.artefacts.retain(|known| known.name != artefact.name);
        self.artefacts.push(artefact);
        self
    }

    /// All artefacts.
    pub fn artefacts(&self) -> &[Artefact] {
        &self.artefacts
    }

    /// The artefact called `name`.
    pub fn artefact(&self, name: &str) -> Result<&Artefact, CatalogError> {
        self.artefacts.iter().find(|artefact| artefact.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.artefacts.iter().map(|artefact| artefact.name.as_str()).collect();
            let mut reason = format!("there is none of that name, only {}", known.join(", "));
            if name == ONNX_RUNTIME {
                reason = format!(
                    "no ONNX Runtime is catalogued for {} on {}; put its shared library into a directory and name it",
                    std::env::consts::OS,
                    std::env::consts::ARCH
                );
            }
            CatalogError { name: name.to_owned(), reason }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_directory_is_used_in_place_and_a_repository_is_flattened() {
        let files = ["onnx/model.onnx", "tokenizer.json"];
        let local = Artefact::custom("mine", Role::Embedder, "/models/mine", &files).unwrap();
        assert_eq!(local.in_place.as_deref(), Some(std::path::Path::new("/models/mine")));
        assert_eq!(local.files[0].name, "onnx/model.onnx");

        let hub = Artefact::custom("mine", Role::Embedder, "hf:me/model@v2", &files).unwrap();
        assert_eq!((hub.in_place, hub.files[0].name.as_str()), (None, "model.onnx"));
        let expected =
            Source::HuggingFace { repo: "me/model".into(), revision: "v2".into(), path: "onnx/model.onnx".into() };
        assert_eq!(hub.files[0].sources, [expected]);
    }

    #[test]
    fn names_that_would_leave_the_cache_are_refused() {
        let custom = |name, place, files| Artefact::custom(name, Role::Generator, place, files);
        assert!(custom("../x", "/m", &["a"]).is_err());
        assert!(custom("", "/m", &["a"]).is_err());
        assert!(custom(".x", "/m", &["a"]).is_err());
        assert!(custom("x", "/m", &["../a"]).is_err());
        assert!(custom("x", "/m", &["/a"]).is_err());
        assert!(custom("x", "/m", &[]).is_err());
        assert!(custom("x", "hf:me", &["a"]).is_err());
        assert!(custom("x", "hf:me/a/b", &["a"]).is_err());
        assert!(custom("x", "hf:me/a", &["1/a", "2/a"]).is_err());
        assert!(custom("x", "hf:me/a", &["a"]).is_ok());
    }

    #[test]
    fn an_artefact_of_the_same_name_replaces_the_builtin_one() {
        let mine = Artefact::custom(DEFAULT_GENERATOR, Role::Generator, "/m", &["a.gguf"]).unwrap();
        let catalog = Catalog::builtin().with(mine.clone());
        assert_eq!(catalog.artefact(DEFAULT_GENERATOR).unwrap(), &mine);
        assert_eq!(catalog.artefacts().len(), Catalog::builtin().artefacts().len());
    }
}
