//! Questions that must be declined, made of answered ones; and near but wrong passages beside the right one, as a
//! retriever would bring them.
//!
//! A question is declined over a near but wrong passage, found by retrieval, or over its own passage after one fact of
//! it was edited. A passage counts as wrong when it holds none of the accepted answers of the question and supports no
//! example with the same question. Everything stays within one split.
//!
//! May depend on `files`, `bm25`, `normal_form`, `split_mix`, `domain`.

pub(super) mod edited;
pub(super) mod pool;
mod select;
mod source;

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::{
    SYNTHETIC,
    error::DatasetError,
    example::{Example, Expected},
    files::{DataSet, Split, Writer},
    split_mix::SplitMix64,
};
use pool::Pool;
use select::{Candidate, under_cap};
use source::Source;

/// What makes the question unanswerable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NegativeKind {
    /// The question stays, and its passage is a near but wrong one.
    Paired,
    /// The passages stay, and one fact of the question is another.
    Edited,
}

/// What to build.
#[derive(Debug, Clone, PartialEq)]
pub struct Negatives {
    /// In which way.
    pub kind: NegativeKind,
    /// So many unanswerable examples for each answerable one.
    pub per_example: usize,
    /// The greatest share of synthetic examples in each split afterwards, from 0 to 1.
    pub cap: f64,
    /// Decides which are left out when the cap is reached.
    pub seed: u64,
    /// Only in these splits; in all of them when it is empty.
    pub splits: Vec<Split>,
}

/// What was built in a split.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NegativesReport {
    /// The split; `None` in a data set that is not split.
    pub split: Option<Split>,
    /// Examples that were there before.
    pub examples: u64,
    /// Examples that were there and must be answered.
    pub answerable: u64,
    /// Those of them whose answer is not in their passages word by word, so that a wrong passage or question cannot be
    /// told.
    pub not_checkable: u64,
    /// Wanted negatives for which no further wrong passage or edit was found.
    pub not_found: u64,
    /// Negated questions that were left out because they would be more than a tenth of the edited ones.
    pub over_share: u64,
    /// Negatives that the cap left out.
    pub over_cap: u64,
    /// Negatives that were added.
    pub added: u64,
    /// The same by the tag that names how they were made.
    pub added_by_tag: BTreeMap<&'static str, u64>,
    /// The share of synthetic examples afterwards.
    pub synthetic_share: f64,
}

/// Copies `set` to the new data set `out` with unanswerable examples added: each is made of an answerable one, stands
/// behind it, and has the tag `synthetic` and one that names how it was made.
pub fn add_negatives(set: &DataSet, wanted: &Negatives, out: &Path) -> Result<Vec<NegativesReport>, DatasetError> {
    if wanted.per_example == 0 || !(0.0..=1.0).contains(&wanted.cap) {
        let reason = "ask for at least 1 negative per example, and a cap from 0 to 1";
        return Err(DatasetError::Request(reason.to_owned()));
    }
    if let Some(split) = wanted.splits.iter().find(|split| !set.splits().contains(&Some(**split))) {
        return Err(DatasetError::Request(format!("the data set has no split {split}")));
    }
    let mut writer = Writer::create(out)?;
    let mut reports = Vec::new();
    for split in set.splits() {
        let mut report = NegativesReport { split, ..NegativesReport::default() };
        let build = wanted.splits.is_empty() || split.is_some_and(|split| wanted.splits.contains(&split));
        let mut source = if build { Some(Source::read(wanted.kind, set, split)?) } else { None };
        let mut candidates = Vec::new();
        let mut synthetic = 0;
        for (number, example) in of_split(set, split).enumerate() {
            let example = example?.example;
            report.examples += 1;
            report.answerable += u64::from(example.expected == Expected::Answered);
            synthetic += u64::from(example.tags.iter().any(|tag| tag == SYNTHETIC));
            let Some(source) = source.as_mut().filter(|_| is_source(&example)) else { continue };
            let Some(found) = source.negatives_of(&example, wanted.per_example, wanted.seed) else {
                report.not_checkable += 1;
                continue;
            };
            report.not_found += (wanted.per_example - found.len()) as u64;
            let each = found.into_iter().enumerate();
            candidates.extend(each.map(|(rank, what)| Candidate { example: number, rank, what }));
        }
        if let Some(source) = &source {
            (candidates, report.over_share) = source.within_share(candidates, wanted.seed);
        }
        let all = candidates.len() as u64;
        let kept = under_cap(candidates, report.examples, synthetic, wanted.cap, wanted.seed);
        (report.added, report.over_cap) = (kept.len() as u64, all - kept.len() as u64);
        let total = report.examples + report.added;
        report.synthetic_share = (synthetic + report.added) as f64 / total.max(1) as f64;
        let mut kept = kept.into_iter().peekable();
        for (number, located) in of_split(set, split).enumerate() {
            let located = located?;
            writer.write_line(split, located.example.kind, &located.raw)?;
            while let (Some(source), Some(next)) = (&source, kept.next_if(|next| next.example == number)) {
                let (negative, tag) = source.negative(&located.example, next);
                *report.added_by_tag.entry(tag).or_default() += 1;
                writer.write(split, &negative)?;
            }
        }
        reports.push(report);
    }
    writer.copy_companions(set)?;
    writer.finish()?;
    Ok(reports)
}

/// What was added in a split.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DistractorsReport {
    /// The split; `None` in a data set that is not split.
    pub split: Option<Split>,
    /// How many examples there are.
    pub examples: u64,
    /// How many passages were added.
    pub added: u64,
    /// Examples that got fewer than wanted, because retrieval found no more.
    pub short: u64,
    /// Examples without an accepted answer to look for: that their distractors are wrong is not known.
    pub unchecked: u64,
}

/// Copies `set` to the new data set `out` with up to `count` near but wrong passages added to every example, all its
/// passages in an order drawn by `seed`.
pub fn add_distractors(
    set: &DataSet,
    count: usize,
    seed: u64,
    out: &Path,
) -> Result<Vec<DistractorsReport>, DatasetError> {
    if count == 0 {
        return Err(DatasetError::Request("ask for at least 1 distractor".to_owned()));
    }
    let mut writer = Writer::create(out)?;
    let mut reports = Vec::new();
    for split in set.splits() {
        let mut report = DistractorsReport { split, ..DistractorsReport::default() };
        let pool = Pool::read(set, split)?;
        for located in of_split(set, split) {
            let mut example = located?.example;
            report.examples += 1;
            report.unchecked += u64::from(!pool.is_checkable(&example));
            let found: Vec<usize> = pool.wrong_passages(&example).take(count).collect();
            report.added += found.len() as u64;
            report.short += u64::from(found.len() < count);
            for number in found {
                let wrong = pool.get(number);
                example.passages.push(wrong.named_apart(&example.passages));
                example.licence = joined(&example.licence, &wrong.licence);
            }
            SplitMix64::for_name(seed, &example.id).shuffle(&mut example.passages);
            writer.write(split, &example)?;
        }
        reports.push(report);
    }
    writer.copy_companions(set)?;
    writer.finish()?;
    Ok(reports)
}

/// Whether questions to decline are made of an example.
fn is_source(example: &Example) -> bool {
    example.expected == Expected::Answered && example.is_trainable()
}

/// The examples of one split.
fn of_split(
    set: &DataSet,
    split: Option<Split>,
) -> impl Iterator<Item = Result<super::files::Located<'_>, DatasetError>> {
    set.parts().iter().filter(move |part| part.split == split).flat_map(super::files::examples)
}

/// The licence of something made of two works: both.
fn joined(one: &str, other: &str) -> String {
    let mut parts: Vec<&str> = one.split(" AND ").collect();
    let added: Vec<&str> = other.split(" AND ").filter(|part| !parts.contains(part)).collect();
    if added.is_empty() {
        return one.to_owned();
    }
    parts.extend(added);
    // OR binds less than AND.
    let bound = |part: &&str| {
        if part.contains(" OR ") && !part.starts_with('(') { format!("({part})") } else { part.to_string() }
    };
    parts.iter().map(bound).collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests;
