//! What is in a data set, in numbers.
//!
//! May depend on `files`, `freeze` (for origins) and `normal_form`.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::{
    SYNTHETIC,
    error::DatasetError,
    example::{Example, Expected, SpanRole},
    files::DataSet,
    freeze::origin,
    normal_form::{document_key, word_count},
    split_mix::hash64,
};

/// The numbers of a data set, or of one of its files.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Examples.
    pub examples: u64,
    /// Those that must be declined.
    pub unanswerable: u64,
    /// Their share.
    pub unanswerable_share: f64,
    /// Those with the tag `synthetic`.
    pub synthetic: u64,
    /// Those with a bare answer.
    pub with_short_answer: u64,
    /// Those with a supporting sentence.
    pub with_evidence: u64,
    /// Different documents, by title.
    pub documents: u64,
    /// Different passages, by text.
    pub passages: u64,
    /// Examples by kind.
    pub kinds: BTreeMap<String, u64>,
    /// Examples by tag.
    pub tags: BTreeMap<String, u64>,
    /// Examples by licence.
    pub licences: BTreeMap<String, u64>,
    /// Examples by origin: the provenance up to its first `#`.
    pub provenance: BTreeMap<String, u64>,
    /// How many passages an example has.
    pub passages_per_example: Lengths,
    /// Words of the questions.
    pub question_words: Lengths,
    /// Words of the different passages.
    pub passage_words: Lengths,
    /// Words of the answers.
    pub answer_words: Lengths,
    /// Words of the first bare answers.
    pub short_answer_words: Lengths,
}

/// How a length is distributed. Percentiles are values that occur (nearest rank).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lengths {
    /// How many there are.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The shortest.
    pub min: u32,
    /// 5 % are at most so long.
    pub p5: u32,
    /// Half are at most so long.
    pub p50: u32,
    /// 95 % are at most so long.
    pub p95: u32,
    /// 99 % are at most so long.
    pub p99: u32,
    /// The longest.
    pub max: u32,
}

/// The numbers of all files together, and of each by its path below the data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatsReport {
    /// What the data set is called.
    pub name: String,
    /// Its version and address, when it is frozen.
    pub frozen: Option<String>,
    /// All files together.
    pub total: Stats,
    /// Each file.
    pub files: BTreeMap<String, Stats>,
}

/// Counts a data set.
pub fn stats(set: &DataSet) -> Result<StatsReport, DatasetError> {
    let mut total = Counter::default();
    let mut files: BTreeMap<String, Counter> = BTreeMap::new();
    for part in set.parts() {
        let name = part.path.strip_prefix(set.root()).unwrap_or(&part.path).display().to_string();
        let file = files.entry(name).or_default();
        for located in super::files::examples(part) {
            let example = located?.example;
            total.add(&example);
            file.add(&example);
        }
    }
    Ok(StatsReport {
        name: set.name(),
        frozen: set.manifest().map(super::manifest::Manifest::label),
        total: total.finish(),
        files: files.into_iter().map(|(name, counter)| (name, counter.finish())).collect(),
    })
}

#[derive(Default)]
struct Counter {
    stats: Stats,
    documents: HashSet<u64>,
    passages: HashSet<u64>,
    per_example: Vec<u32>,
    questions: Vec<u32>,
    texts: Vec<u32>,
    answers: Vec<u32>,
    short_answers: Vec<u32>,
}

impl Counter {
    fn add(&mut self, example: &Example) {
        let stats = &mut self.stats;
        stats.examples += 1;
        stats.unanswerable += u64::from(example.expected == Expected::Abstained);
        stats.synthetic += u64::from(example.tags.iter().any(|tag| tag == SYNTHETIC));
        stats.with_short_answer += u64::from(!example.short_answers.is_empty());
        stats.with_evidence += u64::from(example.support.iter().any(|span| span.role == SpanRole::Evidence));
        *stats.kinds.entry(example.kind.as_str().to_owned()).or_default() += 1;
        *stats.licences.entry(example.licence.clone()).or_default() += 1;
        *stats.provenance.entry(origin(&example.provenance).to_owned()).or_default() += 1;
        for tag in &example.tags {
            *stats.tags.entry(tag.clone()).or_default() += 1;
        }
        self.per_example.push(example.passages.len() as u32);
        self.questions.push(word_count(&example.question) as u32);
        self.answers.extend(example.answer.iter().map(|answer| word_count(answer) as u32));
        self.short_answers.extend(example.short_answers.first().map(|answer| word_count(answer) as u32));
        for passage in &example.passages {
            self.documents.insert(hash64(document_key(&passage.title).as_bytes()));
            if self.passages.insert(hash64(passage.text.as_bytes())) {
                self.texts.push(word_count(&passage.text) as u32);
            }
        }
    }

    fn finish(self) -> Stats {
        let mut stats = self.stats;
        stats.unanswerable_share = stats.unanswerable as f64 / stats.examples.max(1) as f64;
        stats.documents = self.documents.len() as u64;
        stats.passages = self.passages.len() as u64;
        stats.passages_per_example = lengths(self.per_example);
        stats.question_words = lengths(self.questions);
        stats.passage_words = lengths(self.texts);
        stats.answer_words = lengths(self.answers);
        stats.short_answer_words = lengths(self.short_answers);
        stats
    }
}

fn lengths(mut values: Vec<u32>) -> Lengths {
    values.sort_unstable();
    let (Some(min), Some(max)) = (values.first().copied(), values.last().copied()) else { return Lengths::default() };
    // The nearest rank: the smallest value that at least `percent` of all do not exceed.
    let at = |percent: usize| values[(values.len() * percent).div_ceil(100).max(1) - 1];
    let sum: u64 = values.iter().map(|value| u64::from(*value)).sum();
    Lengths {
        count: values.len() as u64,
        mean: sum as f64 / values.len() as f64,
        min,
        p5: at(5),
        p50: at(50),
        p95: at(95),
        p99: at(99),
        max,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::train::dataset::{
        example::Kind,
        files::{Split, Writer},
        validate::tests::sound,
    };

    #[test]
    fn percentiles_are_nearest_ranks() {
        let found = lengths((1..=200).rev().collect());
        assert_eq!((found.min, found.p5, found.p50, found.p95, found.p99, found.max), (1, 10, 100, 190, 198, 200));
        assert_eq!(lengths(vec![7]).p5, 7);
        assert_eq!(lengths(vec![]), Lengths::default());
    }

    #[test]
    fn a_data_set_is_counted_by_file_and_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(&folder.path().join("set")).unwrap();
        let mut edge = Example { kind: Kind::Edge, ..sound("b") };
        (edge.expected, edge.answer, edge.tags) = (Expected::Abstained, None, vec![SYNTHETIC.to_owned()]);
        edge.short_answers.clear();
        edge.support.clear();
        edge.passages[0].title = "THE_kiln".to_owned();
        writer.write(Some(Split::Train), &sound("a")).unwrap();
        writer.write(Some(Split::Test), &edge).unwrap();
        writer.finish().unwrap();
        let report = stats(&DataSet::open(&folder.path().join("set")).unwrap()).unwrap();
        let total = &report.total;
        assert_eq!((total.examples, total.unanswerable, total.synthetic, total.with_evidence), (2, 1, 1, 1));
        assert_eq!((total.documents, total.passages, total.unanswerable_share), (1, 1, 0.5));
        assert_eq!((total.kinds["edge"], total.tags[SYNTHETIC], total.question_words.p50), (1, 1, 7));
        assert_eq!(report.files.keys().collect::<Vec<_>>(), ["test/edge.jsonl", "train/task.jsonl"]);
    }
}
