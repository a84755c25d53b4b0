//! A suite: a file that says which questions are asked, on what, and how the answers are counted.
//!
//! ```toml
//! name = "squad2-closed"
//! mode = "closed"              # or "open": through ingestion and retrieval
//! data = "../data/squad2"      # a data set; from the suite file's folder
//! split = "validation"         # which part of it is asked
//! corpus = ["train"]           # further parts whose passages are searched
//! corpus_data = "../data/wiki" # the data set that `corpus` names parts of; `data` when absent
//! distractors = 2              # closed only: near passages beside the example's own
//! limit = 400                  # ask a sample, drawn by the seed
//! pairs = 120                  # ask so many requests of two questions each instead, built from the sample
//! seed = 7
//! metrics = ["f1", "false_answer_rate"]   # all of them when absent
//! success_f1 = 0.5             # from which F1 on an answer counts as right
//! resample_by = "question"     # or "document"
//! resamples = 2000
//! timeout_s = 120              # for each question
//! typos = "../data/spelling"   # one typo in each question, out of the lists in this folder (`eval::noise`)
//! ```
//!
//! May depend on `eval::examples`, `eval::corpus`, `eval::distractors`, `eval::measure`, `eval::noise` and `train::dataset`.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    bootstrap::{BootstrapError, Resampling},
    card::{DataFile, SuiteIdentity, sha256, sha256_of_file},
    corpus::{self, CorpusError},
    distractors::{DistractorsError, PassageIndex},
    examples::{self, ExamplesError},
    measure::ResampleBy,
    metric::Metric,
    noise::{self, Noise, NoiseError},
    squad_score::DEFAULT_SUCCESS_F1,
    two_questions::{PairsError, pairs},
};
use crate::train::dataset::example::{Example, Passage};

/// The level of all intervals.
pub const LEVEL: f64 = 0.95;

/// Why a suite cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// The file is no suite.
    #[error("{0} is no suite: {1}")]
    Malformed(PathBuf, String),
    /// A setting means nothing.
    #[error("the suite `{suite}`: {reason}")]
    Setting {
        /// Its name.
        suite: String,
        /// What is wrong.
        reason: String,
    },
    /// The data cannot be read.
    #[error(transparent)]
    Examples(#[from] ExamplesError),
    /// The passages contradict each other.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// There are too few passages.
    #[error(transparent)]
    Distractors(#[from] DistractorsError),
    /// Pairs cannot be built.
    #[error(transparent)]
    Pairs(#[from] PairsError),
    /// The lists of typos cannot be read.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// The intervals cannot be computed as asked.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

impl SuiteError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io(_, error) => error.kind() == std::io::ErrorKind::Interrupted,
            Self::Examples(error) => error.is_transient(),
            Self::Noise(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// Where the passages come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They are given with the question.
    Closed,
    /// The system finds them in documents that it ingested.
    Open,
}

impl Mode {
    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}

/// The settings of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Its name, shown in reports.
    pub name: String,
    /// Where the passages come from.
    pub mode: Mode,
    /// The folder of the data set, from the suite file's folder.
    pub data: PathBuf,
    /// The part of it that is asked; its own files when absent.
    #[serde(default)]
    pub split: Option<String>,
    /// Further parts whose passages are searched, for distractors or in an open suite. Their questions are not asked.
    #[serde(default)]
    pub corpus: Vec<String>,
    /// The folder of the data set that `corpus` names parts of, from the suite file's folder; its own files are searched
    /// where `corpus` names none. `data` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corpus_data: Option<PathBuf>,
    /// How many near passages are shown beside the example's own, in a closed suite.
    #[serde(default)]
    pub distractors: usize,
    /// How many questions are asked, drawn by the seed; all of them when absent.
    #[serde(default)]
    pub limit: Option<usize>,
    /// How many requests of two questions each are asked instead, built from the sample; see [`pairs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<usize>,
    /// The seed of everything that is drawn.
    #[serde(default)]
    pub seed: u64,
    /// The figures; all of them when absent.
    #[serde(default = "all_metrics")]
    pub metrics: Vec<Metric>,
    /// The F1 from which an answer counts as right.
    #[serde(default = "default_success_f1")]
    pub success_f1: f64,
    /// What the intervals draw.
    #[serde(default)]
    pub resample_by: ResampleBy,
    /// The rounds of resampling.
    #[serde(default = "default_resamples")]
    pub resamples: u32,
    /// The seconds that a question may take.
    #[serde(default = "default_timeout")]
    pub timeout_s: u64,
    /// A folder of misspellings, from the suite file's folder: each question is asked with one typo, drawn by the seed and
    /// its id. What is expected, and the distractors, are those of the question without it. A question that has no word
    /// which could get one (numbers, identifiers and what is quoted are left alone) is asked as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typos: Option<PathBuf>,
}

fn all_metrics() -> Vec<Metric> {
    Metric::ALL.to_vec()
}

fn default_success_f1() -> f64 {
    DEFAULT_SUCCESS_F1
}

fn default_resamples() -> u32 {
    2_000
}

fn default_timeout() -> u64 {
    120
}

/// A question of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct SuiteQuestion {
    /// The example as it is asked.
    pub example: Example,
    /// The document that it asks about.
    pub document: String,
}

/// A suite with its questions.
#[derive(Debug, Clone)]
pub struct LoadedSuite {
    /// The settings.
    pub suite: Suite,
    /// The questions, in the order of the data set.
    pub questions: Vec<SuiteQuestion>,
    /// All passages that are searched, each once.
    pub passages: Vec<Passage>,
    /// The files that were read.
    pub files: Vec<DataFile>,
}

impl Suite {
    /// Reads and checks a suite file. `data` becomes a path from the current folder.
    pub fn read(path: &Path) -> Result<Self, SuiteError> {
        let text = fs::read_to_string(path).map_err(|error| SuiteError::Io(path.to_owned(), error))?;
        let suite: Self =
            toml::from_str(&text).map_err(|error| SuiteError::Malformed(path.to_owned(), error.to_string()))?;
        suite.check()?;
        Ok(suite)
    }

    fn check(&self) -> Result<(), SuiteError> {
        let wrong = |reason: &str| Err(SuiteError::Setting { suite: self.name.clone(), reason: reason.to_owned() });
        if self.name.trim().is_empty() {
            return wrong("`name` is empty");
        }
        if self.mode == Mode::Open && self.distractors > 0 {
            return wrong("`distractors` belong to a closed suite; in an open one the system finds its own passages");
        }
        if self.limit == Some(0) {
            return wrong("`limit = 0` asks nothing; leave it out to ask everything");
        }
        if self.pairs == Some(0) {
            return wrong("`pairs = 0` asks nothing; leave it out to ask single questions");
        }
        if !(self.success_f1 > 0.0 && self.success_f1 <= 1.0) {
            return wrong("`success_f1` must be above 0 and at most 1");
        }
        if self.timeout_s == 0 {
            return wrong("`timeout_s = 0` leaves no time to answer");
        }
        if self.metrics.is_empty() || self.metrics.iter().collect::<HashSet<_>>().len() < self.metrics.len() {
            return wrong("`metrics` must name at least one figure, and none twice");
        }
        let own_split = self.split.iter().filter(|_| self.corpus_data.is_none());
        let splits: Vec<&String> = own_split.chain(&self.corpus).collect();
        if splits.iter().collect::<HashSet<_>>().len() < splits.len() {
            return wrong("`corpus` names a split twice, or the one that is asked; that one is searched anyway");
        }
        self.resampling().map(drop).map_err(SuiteError::from)
    }

    /// What the card says of it. The sum is that of the settings, so comments and order do not matter.
    pub fn identity(&self) -> Result<SuiteIdentity, SuiteError> {
        let settings = serde_json::to_value(self).map_err(|error| {
            let reason = format!("it cannot be written as JSON: {error}");
            SuiteError::Setting { suite: self.name.clone(), reason }
        })?;
        let (name, mode) = (self.name.clone(), self.mode.as_str().to_owned());
        Ok(SuiteIdentity { name, mode, sha256: sha256(settings.to_string().as_bytes()), settings })
    }

    /// How intervals are drawn.
    pub fn resampling(&self) -> Result<Resampling, BootstrapError> {
        Resampling::new(self.resamples, self.seed, LEVEL)
    }

    /// Reads the data set, draws the sample and adds the distractors. `folder` is that of the suite file.
    pub fn load(self, folder: &Path) -> Result<LoadedSuite, SuiteError> {
        let data = folder.join(&self.data);
        let asked = examples::read_split(&data, self.split.as_deref())?;
        let mut files = asked.files;
        let mut others = Vec::new();
        let elsewhere = self.corpus_data.as_ref().map(|corpus| folder.join(corpus));
        let mut searched: Vec<Option<&str>> = self.corpus.iter().map(|split| Some(split.as_str())).collect();
        if elsewhere.is_some() && searched.is_empty() {
            searched.push(None);
        }
        for split in searched {
            let read = examples::read_split(elsewhere.as_ref().unwrap_or(&data), split)?;
            files.extend(read.files);
            others.extend(read.examples);
        }
        let passages = corpus::distinct(asked.examples.iter().chain(&others).flat_map(|example| &example.passages))?;
        let noise = self.typos.as_ref().map(|typos| read_noise(&folder.join(typos), &mut files)).transpose()?;
        let index = PassageIndex::new(&passages);
        let mut questions = Vec::new();
        let mut sample = self.sample(asked.examples)?;
        if let Some(count) = self.pairs {
            sample = pairs(&sample, count, self.seed)?;
        }
        for mut example in sample {
            // Before distractors change the order of the passages.
            let document = examples::document_of(&example).to_owned();
            index.add_to(&mut example, self.distractors)?;
            if self.mode == Mode::Closed && example.passages.is_empty() {
                let reason = format!("`{}` has no passages; a closed suite gives them", example.id);
                return Err(SuiteError::Setting { suite: self.name, reason });
            }
            // After the distractors, which are to be those of the clean question.
            let typo = noise.as_ref().and_then(|noise| noise.mistype(&example.question, &example.id, self.seed));
            if let Some(typo) = typo {
                example.question = typo.text;
            }
            questions.push(SuiteQuestion { example, document });
        }
        drop(index);
        Ok(LoadedSuite { suite: self, questions, passages, files })
    }

    /// The examples with the lowest sums of seed and id: a sample that hardly changes when examples are added.
    fn sample(&self, examples: Vec<Example>) -> Result<Vec<Example>, SuiteError> {
        let Some(limit) = self.limit else { return Ok(examples) };
        if limit > examples.len() {
            let reason = format!("`limit` is {limit} and there are {} examples", examples.len());
            return Err(SuiteError::Setting { suite: self.name.clone(), reason });
        }
        let sums: HashMap<String, String> = examples
            .iter()
            .map(|example| (example.id.clone(), sha256(format!("{} {}", self.seed, example.id).as_bytes())))
            .collect();
        let mut order: Vec<&String> = sums.keys().collect();
        order.sort_by_key(|id| &sums[*id]);
        let chosen: HashSet<String> = order.into_iter().take(limit).cloned().collect();
        Ok(examples.into_iter().filter(|example| chosen.contains(&example.id)).collect())
    }
}

/// Reads the lists of typos, and notes their sums with those of the data.
fn read_noise(folder: &Path, files: &mut Vec<DataFile>) -> Result<Noise, SuiteError> {
    let noise = Noise::read(folder)?;
    for name in noise::FILES {
        let path = folder.join(name);
        let sha256 = sha256_of_file(&path).map_err(|error| SuiteError::Io(path, error))?;
        files.push(DataFile { name: format!("typos/{name}"), sha256, examples: 0 });
    }
    Ok(noise)
}

#[cfg(test)]
mod tests;
