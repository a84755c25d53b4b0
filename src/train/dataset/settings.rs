//! `dataset.toml`: what a data set is called and what its lint demands. A data set without one has the defaults.
//!
//! May depend on `error`.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::error::DatasetError;

/// The name of the file.
pub const SETTINGS_FILE: &str = "dataset.toml";

/// The file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What the data set is called; its folder's name where it says nothing.
    pub name: Option<String>,
    /// What it is for, in a sentence.
    pub description: Option<String>,
    /// What `lint` demands.
    pub lint: LintSettings,
}

/// What `lint` demands of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LintSettings {
    /// The least share of examples that must be declined, from 0 to 1: a set without any teaches to answer always.
    pub min_unanswerable: f64,
    /// The greatest.
    pub max_unanswerable: f64,
    /// The greatest share of examples with the tag `synthetic`, from 0 to 1.
    pub max_synthetic: f64,
    /// The most words of a question.
    pub max_question_words: usize,
    /// The most words of a passage.
    pub max_passage_words: usize,
    /// So many words in a row, the same in two splits, are a leak.
    pub ngram: usize,
    /// Codes of findings that are counted but not reported, for a reason that belongs into a comment beside them.
    pub allow: Vec<String>,
}

impl Default for LintSettings {
    fn default() -> Self {
        Self {
            min_unanswerable: 0.1,
            max_unanswerable: 0.7,
            max_synthetic: 0.5,
            max_question_words: 80,
            max_passage_words: 2000,
            // What GPT-3's authors took for contamination (Brown et al. 2020, appendix C).
            ngram: 13,
            allow: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the file in `folder`; `None` when there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, DatasetError> {
        let path = folder.join(SETTINGS_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DatasetError::io("reading", &path)(error)),
        };
        let settings: Self =
            toml::from_str(&text).map_err(|error| DatasetError::Settings(path.clone(), error.to_string()))?;
        settings.lint.check().map_err(|reason| DatasetError::Settings(path, reason))?;
        Ok(Some(settings))
    }
}

impl LintSettings {
    /// Says which value makes no sense.
    pub fn check(&self) -> Result<(), String> {
        let shares = [
            ("min_unanswerable", self.min_unanswerable),
            ("max_unanswerable", self.max_unanswerable),
            ("max_synthetic", self.max_synthetic),
        ];
        for (name, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("`{name}` is {share}; it is a share, from 0 to 1"));
            }
        }
        if self.min_unanswerable > self.max_unanswerable {
            return Err("`min_unanswerable` is greater than `max_unanswerable`".to_owned());
        }
        if self.ngram < 5 {
            return Err(format!("`ngram` is {}; fewer than 5 words in a row are no leak", self.ngram));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn read(text: &str) -> Result<Option<Settings>, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(SETTINGS_FILE), text).unwrap();
        Settings::read(folder.path())
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let settings = read("name = \"manual\"\n[lint]\nmax_synthetic = 0.2\n").unwrap().unwrap();
        assert_eq!(settings.name.as_deref(), Some("manual"));
        assert_eq!(settings.lint, LintSettings { max_synthetic: 0.2, ..LintSettings::default() });
        assert_eq!(Settings::read(tempfile::tempdir().unwrap().path()).unwrap(), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["nme = 1", "[lint]\nmax_synthetic = 20", "[lint]\nmin_unanswerable = 0.9", "[lint]\nngram = 1"] {
            assert!(matches!(read(text), Err(DatasetError::Settings(..))), "{text}");
        }
    }
}
